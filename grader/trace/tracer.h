/*
 * tracer.h: who is traced, and the next thing that happened to one of them.
 *
 * Theory of operation. The stage's launcher is seized with PTRACE_O_TRACEFORK and its kin, so every
 * process and thread on the stage is traced from birth. tracer_poll() takes one wait(2) status,
 * classifies it into a struct stop that says what happened, and leaves it at the task: nobody is
 * resumed here, and nothing is judged. Who calls (run/session.c) digests the stop and resumes the
 * task. A task whose stop has not been digested yet is simply left alone: that is how the whole
 * stage is frozen without losing anything.
 *
 * A traced call shows up twice: STOP_CALL from the seccomp filter before it is made, and
 * STOP_RETURN after it. Where a freeze interrupts a call (-ERESTARTSYS), the kernel makes it again
 * by itself; the second STOP_CALL is the same call and is passed over (task->restarting).
 */
#ifndef TRACE_TRACER_H
#define TRACE_TRACER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "trace/arch.h"
#include "trace/event.h"
#include "trace/site.h"

enum stop_kind {
	STOP_NONE,
	STOP_CALL,	       /* about to make a traced call */
	STOP_RETURN,	       /* a traced call came back */
	STOP_INTERRUPTED_CALL, /* it was interrupted and will be made again, or end with EINTR in a
				  handler */
	STOP_SIGNAL,	       /* a signal is about to be delivered */
	STOP_TRAP,	       /* watchpoint, single step or breakpoint */
	STOP_GROUP,	 /* stopped by SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU: stays so until SIGCONT */
	STOP_INTERRUPT,	 /* by tracer_interrupt(), or back from a group stop */
	STOP_FORK,	 /* it made a process or thread */
	STOP_VFORK_DONE, /* its vfork(2) child has let it go */
	STOP_BIRTH,	 /* the first stop of a new task */
	STOP_EXEC,	 /* execve(2) has replaced the program */
	STOP_EXIT,	 /* about to end: PTRACE_EVENT_EXIT, memory still there */
	STOP_OTHER,	 /* nothing that matters: resume it */
};

struct stop {
	enum stop_kind kind;
	long number; /* of a call */
	uint64_t args[6];
	uint64_t pc;	/* of a call: behind its instruction */
	int64_t result; /* of a return */
	siginfo_t info; /* of a signal or trap */
	pid_t child;	/* of a fork */
	bool vfork;	/* … that suspends the parent */
	bool by_us;	/* tracer_interrupt() was under way: an EINTR is of our making */
	int status;	/* of an exit, as wait(2) gives it */
};

enum resume_how { RESUME_CONT, RESUME_TO_RETURN, RESUME_STEP, RESUME_LISTEN };

struct task {
	pid_t tid; /* in the tracer's namespace */
	pid_t ns_tid;
	struct process *process; /* NULL for the launcher and for a child whose parent has not been
				    heard yet */
	struct process *maker;	 /* before it has a process: its parent, as /proc says */
	bool orphan;		 /* … and nobody knows that one */
	struct task *next;	 /* of the same process */

	bool stopped;	     /* in a ptrace stop: it may be looked at and resumed */
	bool interrupted;    /* PTRACE_INTERRUPT is under way */
	bool listening;	     /* in a group stop */
	struct stop stop;    /* not digested yet; STOP_NONE: digested */
	enum resume_how how; /* how to go on from a digested stop */
	int signal;	     /* to deliver then */

	struct event *call; /* in progress */
	bool restarting;    /* … and interrupted */
	bool stepping;
	bool exiting; /* STOP_EXIT was seen */
	bool vforked; /* suspended by the kernel until its child execs or ends */
	int end_with; /* an errno that its wait is to end with; 0: none (session_end_wait) */
	unsigned watch_generation; /* of the watchpoints in its debug registers */

	bool held;   /* stays where it is while the rest of its process moves */
	bool asleep; /* held at a sleep, until wake_at (virtual ns) */
	int64_t wake_at;
	bool timed;		  /* blocked with a time-out that ends at wake_at */
	uint64_t timed_slices;	  /* identifies the wait: how often it had been scheduled then */
	struct event *timed_call; /* … and the call, where it has an event */

	long last_wait_number; /* the call that it was last seen to wait in; 0: none */
	uint64_t last_wait_args[6];

	bool replaced;	      /* its call is a clone3(2) made by other means (trace/clone3.h) */
	uint64_t original[6]; /* … which had these arguments */

	int stat_fd, sched_fd; /* /proc/…/task/TID/stat and schedstat, kept open; -1 before the
				  first use */
};

/* What is known of a process while and after it lives. */
struct process {
	pid_t pid;		/* in the tracer's namespace */
	pid_t ns_pid;		/* in its own */
	struct process *parent; /* NULL for the first of a program */
	struct process *next;	/* of the same program, in the order of birth */
	void *program;		/* who started it; run/program.h */
	struct task *tasks;	/* living */
	pid_t stood;		/* the thread that stood at a moment last (run/session.c) */
	struct image *image;	/* where its code comes from; NULL before the first exec */
	int memory;		/* /proc/PID/mem, -1 when gone */

	bool held;	      /* it is not resumed */
	bool running_program; /* its execve(2) was seen: before, it is the launcher's child */
	bool exit_group;      /* it has called exit_group(2) */
	bool ending;	      /* STOP_EXIT of the whole process was seen */
	bool gone;
	bool reaped;		   /* a wait of its parent returned it */
	int status;		   /* when gone: as wait(2) gives it */
	bool has_timer;		   /* a timer may wake it at any moment */
	int64_t cpu_ns;		   /* when gone: what it had used, as far as known */
	unsigned watch_located;	   /* generation of the watch set that slots[] were made from */
	unsigned watch_generation; /* changes with slots[] */
	struct watch_slot {
		const struct watch *watch;
		uint64_t address;
		uint64_t size, kind; /* as they were when it was located */
	} slots[ARCH_WATCH_SLOTS];   /* trace/watch.c */
	struct handler_guard *guard; /* run/handlers.c */
};

struct tracer;

/* Seizes the launcher (ptrace(2), PTRACE_SEIZE with EXITKILL). NULL and errno where that is
 * refused. */
struct tracer *tracer_new(pid_t launcher);

/* Forgets everybody; stage_close() ends them. NULL is allowed. */
void tracer_free(struct tracer *tracer);

/*
 * Takes the next stop or death, without blocking. The task has a new undigested stop; where a task
 * or process ended, `gone` is called and the next one is taken. NULL when nothing has happened.
 */
struct task *tracer_poll(struct tracer *tracer);

/* Has a process of this program forked a child that has not shown itself yet? Forgets all such
 * (their parents are dead). */
bool tracer_expects(const struct tracer *tracer, const void *program);
void tracer_forget_births(struct tracer *tracer);

/* Called for a new process (program of the parent, or of the launcher's next child) and for a
 * finished one. */
struct tracer_hooks {
	void *context;
	/* The launcher has forked: which program is the child? */
	void *(*program_of_launch)(void *context);
	void (*process_born)(void *context, struct process *process);
	void (*process_gone)(void *context, struct process *process);
};
void tracer_set_hooks(struct tracer *tracer, const struct tracer_hooks *hooks);

/* Resumes a digested stop as task->how and task->signal say. A task that died meanwhile is no
 * error. */
void tracer_resume(struct tracer *tracer, struct task *task);

/* Asks a running task to stop; it will show up in tracer_poll(). */
void tracer_interrupt(struct task *task);

/*
 * The task through which /proc shows the process' memory and descriptors: for /proc/TID/maps and
 * such. The first one may have ended before the others (pthread_exit(3) in main).
 */
pid_t process_view(const struct process *process);

/* All tasks of a process, running or not: for (t = process->tasks; t; t = t->next). How many of
 * them are running. */
size_t process_running_tasks(const struct process *process);

/* Memory of a process, by its descriptor. False where a byte of it cannot be had. */
bool process_read(const struct process *process, uint64_t address, void *data, size_t size);
bool process_write(const struct process *process, uint64_t address, const void *data, size_t size);
/* A NUL-terminated string of at most `most` bytes; cut there. "" where it cannot be read. */
const char *process_string(struct arena *arena, const struct process *process, uint64_t address,
			   size_t most);

#endif
