/* worker.h: the process that grades: everything from the submission's files to the last check; and
 * the one beside it that takes half of the checks. */
#ifndef EXAM_WORKER_H
#define EXAM_WORKER_H

#include "base/arena.h"
#include "exam/checks.h"
#include "exam/grading.h"

struct work {
	const struct lab *lab;
	const struct submission *submission;
	const struct grading_options *options;
	struct arena *record;	   /* shared: where the result's strings go */
	struct lab_result *result; /* shared */
	const char **isolation;	   /* shared */
	const char **kept;	   /* the scratch directory, if it was to be kept */
	int notify;		   /* a byte is written here at each finished check */
	struct share *share;	   /* shared: the checks, and who runs them */
	bool second;		   /* a second worker, which takes its share of the checks only */
	int peer;		   /* a socket to the other worker; -1: there is none */
	pid_t caller;		   /* who forked the worker: without it nobody wants the result */
	/* a show() instead of the checks: */
	bool show, maps_only;
	const char *const *args;
};

/* Runs in the forked worker and never returns. What goes wrong on our side makes the result
 * LAB_BROKEN. */
_Noreturn void worker_main(const struct work *work);

#endif
