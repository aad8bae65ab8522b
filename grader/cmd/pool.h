/* pool.h: several gradings side by side, in one process and one poll loop. */
#ifndef CMD_POOL_H
#define CMD_POOL_H

#include "exam/grading.h"

#include <stddef.h>

struct job {
	const struct lab *lab;
	struct submission submission;
	struct grading_options options;
};

/*
 * Grades all the jobs, at most `workers` at once, and calls `done` for each in the order of the
 * list (a job that ends early waits for those before it). The result lives for the call only.
 */
void pool_run(const struct job *jobs, size_t count, int workers,
	      void (*done)(size_t index, const struct lab_result *result, void *data), void *data);

#endif
