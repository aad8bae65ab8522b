/*
 * cases.h: the submissions that belong to a lab and what each of them must come to: the skeleton,
 * the reference, right-* and wrong-*.
 */
#ifndef CMD_CASES_H
#define CMD_CASES_H

#include "cmd/command.h"

enum case_kind { CASE_SKELETON, CASE_REFERENCE, CASE_RIGHT, CASE_WRONG };

enum { CASE_EXPECTS_MOST = LAB_MAX_CHECKS };

struct lab_case {
	const struct lab *lab;
	enum case_kind kind;
	const char *name; /* "skeleton", "reference", "right-fork", "wrong-private" */
	struct submission submission;
	const char *expect[CASE_EXPECTS_MOST]; /* of a wrong one: ids of the checks that fail */
	size_t expects;
	const char *defect; /* what is wrong with the case itself, or NULL */
};

/* All cases of a lab, in the order of the enum, by name. Owned by the arena. */
struct lab_case *cases_of(const struct options *options, const struct lab *lab, size_t *count);

/*
 * What is wrong with the lab's folders themselves: stray files, skeletons without numbered TODOs or
 * with warnings, empty hints … One text a finding; NULL behind the last.
 */
const char **lab_defects(const struct options *options, const struct lab *lab);

#endif
