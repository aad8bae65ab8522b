/*
 * program.h: what was started on the stage, with all processes and threads that came of it.
 */
#ifndef RUN_PROGRAM_H
#define RUN_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "trace/tracer.h"

struct session;

enum output_kind {
	OUTPUT_PIPE = 0, /* captured */
	OUTPUT_FULL,	 /* /dev/full: every write fails with ENOSPC */
	OUTPUT_CLOSED,	 /* no such descriptor */
	OUTPUT_GONE,	 /* a pipe that nobody reads any more: EPIPE and SIGPIPE */
};

enum input_kind {
	INPUT_TEXT = 0, /* .input (default: nothing), then end of input; with .typed it stays open
			   for feed() */
	INPUT_CLOSED,	/* no such descriptor */
	INPUT_BROKEN,	/* read(2) fails (a directory: EISDIR) */
};

enum { LAUNCH_ARGS = 40 };

/* How to start one; the named options of start() in exam.h. */
struct launch {
	const char *args[LAUNCH_ARGS]; /* without the program's name, NULL behind the last */
	const char *input;	       /* text on standard input */
	size_t input_size;	       /* 0: strlen(input) */
	bool typed;		       /* standard input stays open, see feed() */
	enum input_kind stdin_is;
	enum output_kind stdout_is;
	const char *actor;    /* one of the lab's actors instead of a student's program */
	mode_t umask;	      /* default 0 */
	bool real_time;	      /* sleeps are slept, time-outs awaited */
	bool fixed_addresses; /* no address space randomisation: the same addresses in each such run
			       */
	bool huge_pages;      /* transparent huge pages as the host has them (default: off for the
				 program) */
	uint64_t address_space; /* RLIMIT_AS in bytes, 0: none */
	uint64_t file_size;	/* RLIMIT_FSIZE in bytes, 0: a large one */
	uint64_t open_files;	/* RLIMIT_NOFILE, 0: a sensible one */
};

/* One of its pipes, our end. */
struct channel {
	int fd;		    /* -1: closed */
	struct buffer text; /* captured so far; of the input: still to be written */
};

/* What run_to() stopped at last. */
struct stop_info {
	struct process *process;
	struct task *task;
	const struct event *event; /* of a call, signal or exit moment */
	int signal;		   /* of a signal moment */
	uint64_t fault_address;	   /* si_addr of a fault */
	int signal_code;	   /* si_code: SEGV_ACCERR, BUS_ADRERR … */
	const struct watch *watch; /* of a watch moment */
	struct arch_access access; /* of a watch moment: the instruction that just ran */
	uint64_t pc, sp;
	const char *at; /* the student's file:line, NULL when unknown; filled in by last_stop() */
	const struct moment_copy *copy;
};

/* A call that is to go wrong. */
struct fault {
	struct fault *next;
	enum call call;
	dev_t device; /* 0: any file */
	ino_t inode;
	int argument;		    /* only where this argument (0 to 5) … ; -1: any */
	uint64_t value;		    /* … has this value */
	int skip;		    /* such calls to let through first */
	int error;		    /* errno; 0: cut short instead */
	size_t most;		    /* bytes of a call that is cut short */
	const struct event *struck; /* NULL: not yet */
};

struct program {
	struct session *session;
	struct program *next;
	const char *name;    /* "reader" */
	const char *command; /* "reader" or "queue send FILE", for messages */
	struct launch launch;
	const char *path; /* of its file, as the stage sees it */

	struct process *first, *last; /* in the order of birth */
	bool launched;		      /* its first exec was seen */
	bool launch_failed;

	struct channel in, out, err;
	bool in_end;	  /* close the input once all is written */
	ino_t in_inode;	  /* of the pipe on standard input */
	bool output_lost; /* more was printed than the limit: the rest was thrown away */

	struct event *events, *last_event;
	size_t event_count;
	struct time_anchor { /* an absolute end that it has waited for, and when that is in virtual
				time */
		clockid_t clock;
		int64_t end, virtual_end;
	} anchors[4];
	unsigned anchor_count; /* so far: the oldest one makes room */
	size_t arena_mark;     /* of the session's arena at its start */
	size_t copied;	       /* bytes of stack copies kept */
	size_t stops_copied;   /* the same for stops */
	struct stop_info stop;
	bool stopped_once;

	struct fault *faults;
	bool guard_handlers; /* see handlers.h */
	const struct event *unsafe;

	bool own_limits; /* the exam has set them: they are taken as they are */
	int64_t cpu_limit, wall_limit, virtual_limit; /* ns, of one run_to() */
	int64_t asked_sleep;			      /* ns in sum */
	int64_t last_deadline;			      /* of absolute time-outs: counted once */
	const char *spent; /* the limit that was hit: "CPU time" … NULL for none */
};

/* Living processes of the program; tasks of them that are in no ptrace stop. */
size_t program_living(const struct program *program);

/* CPU time of all its processes so far, ns. */
int64_t program_cpu(const struct program *program);

/* Puts a process (new) on the list. */
void program_add(struct program *program, struct process *process);

#endif
