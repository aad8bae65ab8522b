/*
 * checks.h: the checks of one grading, run by one worker or shared out between two. Each check has
 * fresh ground and inputs of its own (exam.h), so two workers, each with a stage of its own, can
 * run different ones at the same time. What they find is published by the first alone, in the order
 * of the lab and as if one worker had run them all.
 */
#ifndef EXAM_CHECKS_H
#define EXAM_CHECKS_H

#include <limits.h>

#include "base/arena.h"
#include "exam/exam_inside.h"

/* What both workers see. In the shared record; made before they are forked. */
struct share {
	bool staged; /* atomic: the first worker has its stage */
	int cpu;     /* then: the CPU of the first worker, -1 where it has none of its own */
	bool built;  /* atomic: the programs have been compiled */
	char program[LAB_MAX_PROGRAMS][PATH_MAX]; /* then: where they are, as compile.h says */
	size_t next; /* atomic: the first check that nobody has taken */
	struct shared_check {
		bool done; /* atomic; the rest is whole then */
		struct check_result result;
		const void *failed_scene; /* play() of the scene in which it failed, or NULL */
	} check[LAB_MAX_CHECKS];
};

struct share *share_new(struct arena *record, const struct lab_result *empty);

/* One worker's part. */
struct hand {
	struct exam *exam;
	struct share *share;
	int peer;		   /* a socket to the other worker; -1: there is none */
	struct lab_result *result; /* where to publish; NULL for the second worker */
	void (*published)(void);   /* called after each */
};

/* Lets the other worker look at the share again. */
void hand_tell(const struct hand *hand);

/* Blocks until the other worker has told something. False when it is gone. */
bool hand_hear(const struct hand *hand);

/* Ends a second worker that has taken nothing yet. */
void hand_let_go(struct hand *hand);

/* Runs checks as long as there are any that nobody has taken; the first worker then waits for
 * those of the second (and runs them itself should that have died) and publishes all. False for a
 * second worker whose first is gone. */
bool checks_run(const struct hand *hand);

/* Points and status of the whole lab, out of its published checks. */
void checks_sum_up(struct lab_result *result);

#endif
