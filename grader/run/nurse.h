/*
 * nurse.h: the process that looks after one compilation: it lays out the files, starts the compiler
 * in its sandbox, listens to it, ends it when it takes too long, and files the result. It dies, and
 * the compiler with it, when the worker does.
 */
#ifndef RUN_NURSE_H
#define RUN_NURSE_H

#include "base/buffer.h"
#include "run/compile.h"

/* What the worker hears in the end, and what lies beside a filed result. */
struct nurse_report {
	enum compile_status status;
	bool cached;
	double wall_ms;
	char trouble[128];	  /* why it is COMPILE_BROKEN, when there are no diagnostics */
	char directory[PATH_MAX]; /* holds diagnostics, key, report, out/NAME */
	char name[NAME_MAX + 1];
};

struct nurse_case {
	const struct compile_job *job;
	const struct buffer *key; /* filed with the result, to know it again */
	const char *directory;	  /* to be made, for this job alone */
	const char *cache;	  /* what it is renamed to when others may use it */
};

/* Does all this and writes the report to PIPE. Only ever in a process of its own. */
_Noreturn void nurse_work(const struct compile_options *options, const struct nurse_case *patient,
			  int pipe);

#endif
