/*
 * moment.h: where a program is to be stopped, as values. Made by the functions below, matched by
 * the session.
 */
#ifndef RUN_MOMENT_H
#define RUN_MOMENT_H

#include <stdbool.h>

#include "trace/call.h"
#include "trace/event.h"

struct process;
struct watch;

enum moment_kind {
	MOMENT_NONE,
	MOMENT_CALL,	/* about to make one of `calls` */
	MOMENT_RETURN,	/* just returned from one of them */
	MOMENT_SLEEP,	/* about to sleep: a sleep is held here */
	MOMENT_SIGNAL,	/* about to receive a signal */
	MOMENT_FORK,	/* a new process was born (forked, not yet run) */
	MOMENT_EXEC,	/* a new program image, before its first instruction */
	MOMENT_EXIT,	/* a process ends: no more of its code runs, its memory is still there */
	MOMENT_END,	/* all processes of the program are gone */
	MOMENT_WATCH,	/* a watchpoint was hit: just after the load or store */
	MOMENT_BLOCKED, /* every thread waits in the kernel for something that nobody running will
			   give */
	MOMENT_STEP,	/* one instruction later */
};

struct moment {
	enum moment_kind kind;
	struct call_set calls;
	bool of_descriptor; /* with calls: only on this descriptor (0: standard input and its
			       duplicates) */
	int descriptor;
	bool checkpoint;  /* only lab_checkpoint() */
	const char *file; /* with calls: on this file, by device and inode; NULL: any */
	dev_t device;	  /* … filled in by the exam layer from `file` */
	ino_t inode;
	int signal;		   /* 0: any */
	const struct watch *watch; /* NULL: any */
	const struct process *by;  /* only this process; NULL: any of the program */
	bool last;		   /* with MOMENT_EXIT: only of the last one */
};

/* About to make this call; it has returned. */
struct moment at_call(enum call call);
struct moment after_call(enum call call);

/* One of several calls: call_set_family(FAMILY_SYNC), call_set_one(CALL_mmap) … */
struct moment at_calls(struct call_set calls);
struct moment after_calls(struct call_set calls);

/* A call whose path or descriptor names this file. After the call: also an open that made it. */
struct moment at_call_on(enum call call, const char *file);
struct moment after_call_on(enum call call, const char *file);

/* About to take bytes from the descriptor: read, readv … or a poll-like wait for it. 0 means the
 * standard input, whatever its number. */
struct moment at_read_of(int descriptor);

struct moment at_sleep(void);
struct moment at_signal(int signal);
struct moment at_fork(void);
struct moment at_exit(void);	  /* of any process of the program */
struct moment at_last_exit(void); /* of the last one: whom it started before it is gone */
struct moment at_end(void);
struct moment at_watch(const struct watch *watch);

/*
 * Every thread of the program waits in the kernel, at one instant, for something that nobody else
 * who may run is about to give. A wait with a time-out counts; a sleep does not.
 */
struct moment when_blocked(void);

/* A signal handler returns (rt_sigreturn). */
struct moment at_handler_end(void);

/* lab_checkpoint() of common/lab.h; its name is in event->path. */
struct moment at_checkpoint(void);

/* The same moment, of this process alone. */
struct moment only(const struct process *process, struct moment moment);

/* Why a run came back without reaching a moment. */
enum {
	RAN_OUT = -1, /* the program ended first */
	STUCK = -2,   /* it, and all that may run, waits for something that will never come */
	SPENT = -3,   /* a limit: CPU time, wall time, virtual time, output */
};

#endif
