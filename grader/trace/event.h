/*
 * event.h: one thing that a program did, as the tracer saw it.
 */
#ifndef TRACE_EVENT_H
#define TRACE_EVENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "trace/call.h"

struct process;
struct moment_copy; /* registers and the top of the stack at the event; site.h turns them into
		       file:line */

enum event_kind {
	EVENT_CALL,   /* a system call */
	EVENT_SIGNAL, /* a signal was delivered: args[0] its number, args[1] si_addr of a fault,
			 result si_code */
	EVENT_FORK,   /* a process was born: result is its pid in the program's own namespace */
	EVENT_EXEC,   /* the program image was replaced; path is the new one */
	EVENT_EXIT,   /* a process ended: result is the status as wait(2) gives it */
	EVENT_UNSAFE, /* inside a signal handler: a function that signal-safety(7) does not list;
			 path is its name */
};

struct event {
	enum event_kind kind;
	enum call call; /* of EVENT_CALL */
	bool returned;	/* the call has come back: result is valid */
	bool injected;	/* the grader made up the result */
	uint64_t args[6];
	int64_t result;	      /* as the kernel returns it: -errno for a failure */
	int64_t time;	      /* ns since the exam began, real */
	int64_t virtual_time; /* ns of virtual time */
	int64_t sleep_ns;     /* of a sleep: how long it was asked for, 0 else */
	struct process *process;
	pid_t pid, tid; /* as the program's own namespace sees them */
	dev_t device;	/* of the file behind descriptor or path (after an open); 0 where there is
			   none */
	ino_t inode;
	dev_t out_device; /* of a call from file to file (sendfile, splice): where the bytes go */
	ino_t out_inode;
	const char *path; /* path argument, name of a checkpoint, or what the descriptor's link
			     says; "" */
	const struct moment_copy *copy; /* NULL where none was taken: then the site is unknown */
	struct event *next;		/* of the same program, in order of their beginnings */
};

#endif
