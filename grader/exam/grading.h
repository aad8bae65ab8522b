/*
 * grading.h: one grading of one lab. It runs in a forked worker with no privileges, which compiles
 * the submission on a stage, runs the checks and writes the result into shared memory while it
 * goes. The caller can wait for it, or go on (dashboard, verify, class) and poll.
 */
#ifndef EXAM_GRADING_H
#define EXAM_GRADING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "exam/lab.h"
#include "exam/record.h"

/* Where one source file of a submission is: name as the lab calls it ("reader.c"), path on this
 * machine. */
struct source {
	const char *name;
	const char *path;
};

struct submission {
	struct source source[LAB_MAX_PROGRAMS];
	size_t count;
};

struct grading_options {
	uint64_t seed; /* 0: a fresh one */
	const char
		*root; /* the project's directory: common/ and labs/ (skeletons) are found there */
	bool skeleton_counts; /* grade also what equals the skeleton (verify) */
	const char *builds;   /* directory of shared builds (builds.h), or NULL */
	bool keep;	      /* keep the scratch directory; see grading_kept() */
	bool alone;	   /* one worker only, as others use the CPUs; else two where that helps */
	double time_scale; /* multiplies every wall limit, below 1 those of CPU time too; 0: 1 */
};

struct grading;

/*
 * The sources of `lab` below `directory`: DIRECTORY/NN-name/, else DIRECTORY/name/, DIRECTORY/NN/,
 * else DIRECTORY itself. Files need not exist: grading says so. Paths are taken from `arena`.
 */
struct submission submission_find(struct arena *arena, const struct lab *lab,
				  const char *directory);

/* Starts a worker. The result lives in the grading until grading_free(). Dies (exit 3) when no
 * worker can be forked. */
struct grading *grading_start(const struct lab *lab, const struct submission *submission,
			      const struct grading_options *options);

/* A descriptor that becomes readable at each finished check and at the end; for poll(2). Owned by
 * the grading. */
int grading_fd(const struct grading *grading);

/* Takes what the descriptor has to say. True once the worker has ended and the result is whole.
 * Never blocks. */
bool grading_poll(struct grading *grading);

/* Blocks until the end. */
void grading_wait(struct grading *grading);

/* The result so far (VERDICT_PENDING for checks to come) or the whole one. Never NULL. */
const struct lab_result *grading_result(const struct grading *grading);

/* Which stage served it: "full", "partial" or "none". */
const char *grading_isolation(const struct grading *grading);

/* With options.keep: where the programs (bin/) and the files of failed checks (failed/CHECK/) are
 * now. NULL before the end, and where no stage came up. */
const char *grading_kept(const struct grading *grading);

/* Kills the worker where it still runs (everything on its stage dies with it) and frees all. NULL
 * is allowed. */
void grading_free(struct grading *grading);

/*
 * Runs the lab's show() (or the given arguments) on the submission and prints the timeline of
 * calls, or with `maps_only` the address space at each stop, to standard output. Exit status as in
 * design.md.
 */
int grading_show(const struct lab *lab, const struct submission *submission,
		 const struct grading_options *options, const char *const *args, bool maps_only);

#endif
