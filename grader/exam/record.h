/*
 * record.h: what a grading says. One record, written by the exam worker and read by every
 * writer (text, JSON, TAP, JUnit, dashboard). It lives in an arena of shared memory (base/arena.h)
 * that the main process makes before it forks the worker: what was proven before the worker died
 * stands here, at the same addresses, without any encoding between the two.
 */
#ifndef EXAM_RECORD_H
#define EXAM_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verdict {
	VERDICT_PENDING, /* not run yet; never in a finished record */
	VERDICT_PASS,
	VERDICT_FAIL,
	VERDICT_SKIP,	/* not judged; evidence.why says the reason */
	VERDICT_BROKEN, /* the grader itself failed; costs nobody points */
};

enum lab_status {
	LAB_PASS,
	LAB_FAIL,
	LAB_UNTOUCHED,	 /* the files equal the skeleton */
	LAB_BUILD_ERROR, /* lab_result.diagnostics says what the compiler said */
	LAB_BROKEN,	 /* our fault; never overwrites an earlier result */
};

/*
 * Why a check failed (or was skipped: only `why` is set then). All strings belong to the record's
 * arena; NULL where nothing is to be said.
 */
struct evidence {
	const char *expected; /* what a right program shows */
	const char *observed; /* what this one showed */
	const char *why;      /* why it matters */
	const char *from; /* where it was seen: a raw maps line, a call with arguments and result,
			     bytes */
	const char *at;	  /* the student's file:line, or NULL when it cannot be known */
};

struct check_result {
	const char *id;	   /* stable for ever: "file-is-40-bytes" */
	const char *title; /* one line for the student */
	int task;	   /* the numbered TODO that it belongs to, 0 for none */
	enum verdict verdict;
	int score, max; /* points */
	int hints;	/* how many hints the lab has for it */
	bool dependent; /* skipped because a check that it needs did not pass */
	int more;	/* further expectations of the same check that failed too */
	struct evidence evidence;
};

struct lab_result {
	const char *id; /* "03-reader-writer" */
	const char *title;
	enum lab_status status;
	int score, max; /* points; what nobody could judge (broken, or skipped for the host's sake)
			   counts in neither */
	double seconds; /* the whole grading, compilation included */
	double compile_seconds; /* of which the compiler took (wall) */
	const char
		*diagnostics; /* compiler output or the reason of build-error or broken; "" else */
	struct check_result *check;
	size_t count;
};

struct host_record {
	const char *kernel;    /* uname -r */
	const char *arch;      /* uname -m */
	const char *isolation; /* "full", "partial" or "none" */
};

struct record {
	uint64_t seed;
	struct host_record host;
	struct lab_result *lab;
	size_t count;
};

/* The words of the JSON contract: "pass", "fail", "skip", "broken"; and "pass", "fail",
 * "untouched", "build-error", "broken". */
const char *verdict_name(enum verdict verdict);
const char *lab_status_name(enum lab_status status);

/* Exit status for a set of results (design.md): 3 when any is broken, else 1 when any is not a
 * pass, else 0. */
int record_exit_status(const struct record *record);

#endif
