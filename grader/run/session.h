/*
 * session.h: the programs on one stage, moved one moment at a time.
 *
 * Theory of operation. Between two calls of session_run_to() every task on the stage stands in a
 * ptrace stop. A run thaws those that are not held, digests stop after stop (digest.c), and freezes
 * all again when the moment is reached. Stops that came in during the freeze stay undigested and
 * are the first to be looked at next time, so nothing is lost and the order is ours.
 *
 * Sleeps: a task that wants to sleep is left in its stop at the call's entry (quiet.c). When all
 * else is blocked, the earliest sleeper is woken: the call is skipped with result 0 and virtual
 * time jumps to its end. A wait with a time-out is treated alike: when nothing else can happen it
 * is interrupted and told ETIMEDOUT.
 *
 * "Blocked" is never guessed from time: all tasks are seen asleep (state S) twice, with the same
 * count of time slices in between, so there was an instant when all of them slept at once and
 * nobody was left to wake them.
 */
#ifndef RUN_SESSION_H
#define RUN_SESSION_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "run/moment.h"
#include "run/program.h"
#include "stage/stage.h"
#include "trace/tracer.h"
#include "trace/watch.h"

struct session {
	struct stage *stage;
	struct tracer *tracer;
	struct arena *arena; /* of the check: events, strings */
	struct program *programs;
	struct program *launching; /* whose launch the launcher works on */
	int child_signals;	   /* signalfd of SIGCHLD */
	int64_t began;		   /* clock_now() */
	int64_t virtual_now;	   /* ns */
	double time_scale;	   /* of wall limits */
	double patience; /* of CPU and wall limits: falls with each limit that was used up */
	struct watch_set watches;
	const struct watch *hit; /* of the trap that is being digested */
	struct sock_filter *filter;
	size_t filter_length;
	size_t output_limit;   /* bytes captured a program */
	struct image **images; /* of the check, freed with it */
	size_t image_count;
};

/*
 * A session on an open stage. Seizes the launcher. NULL with a sentence in *why where ptrace(2) is
 * refused. The arena receives everything that belongs to a check; session_clear() is to be called
 * before it is reset.
 */
struct session *session_new(struct stage *stage, struct arena *arena, const char **why);
void session_free(struct session *session);

/* Kills every program, forgets them and all watchpoints. */
void session_clear(struct session *session);

/*
 * Starts the program file `path` (as the stage sees it) in `directory` (likewise), held before its
 * first instruction. argv[0] is name; args, streams and limits come from `launch`. `prefix` are
 * words put before the args (actors), NULL for none. On failure the program is there all the same,
 * with launch_failed set.
 */
struct program *session_start(struct session *session, const char *path, const char *name,
			      const char *const *prefix, const struct launch *launch,
			      const char *directory);

/* The heart: see exam.h, run_to(). `moments` ends with a MOMENT_NONE. */
int session_run_to(struct session *session, struct program *program, const struct moment *moments);

/* SIGKILL, and waits until the process is gone. */
void session_kill(struct session *session, struct process *process);

/* Makes the waits in the kernel of a frozen process end with an error (EINTR) at the next run.
 * False where it is in none. */
bool session_end_wait(struct process *process, int error);

/* The task of the process that stopped last, else its first; NULL where that is not stopped. */
struct task *session_stopped_task(const struct program *program, const struct process *process);

/* One instruction of this process's task: the one that stopped last, else the first. False where it
 * ended, or where the instruction is a system call that blocks: it is interrupted in it then. */
bool session_step(struct session *session, struct program *program, struct process *process);

/* Reads what the pipes hold, writes what the program takes of its input. Never blocks. */
void program_pump(struct session *session, struct program *program);

/* The same for all programs. */
void session_pump(struct session *session);

/* How a blocked task waits, from /proc/TID/syscall. */
struct wait_state {
	bool in_call;
	long number;
	uint64_t args[6];
	uint64_t pc, sp;
	bool futex, futex_private;
	uint64_t futex_word; /* its address; of several, the first one's */
	bool timed;
	int64_t timeout_ns; /* from now, as requested; absolute ones are converted */
};
struct wait_state wait_state_of(const struct process *process, struct task *task);

/* Is it dead and not reaped? */
bool task_is_zombie(struct task *task);

/* ---- between the files of run/
 * ------------------------------------------------------------------------------------ */

enum { NOT_YET = -100 };

/* One session_run_to() under way. */
struct run {
	struct program *program;
	const struct moment *moments;
	bool alone;	    /* only this program moves: a launch */
	bool wants_blocked; /* one of the moments is MOMENT_BLOCKED */
	int reached;	    /* index of a moment, RAN_OUT …, or NOT_YET */
	int64_t cpu_began, wall_began, virtual_began;
	size_t events_began;
	unsigned digested;
};

/* Does this process take part in the run? */
bool run_moves(const struct run *run, const struct process *process);
/* … and this thread of it? */
bool task_moves(const struct run *run, const struct task *task);

/* Has `moment` come, with this stop of `task`? Notes the stop and sets run->reached. */
bool run_consider(struct session *session, struct run *run, enum moment_kind kind,
		  struct task *task, struct event *event);

/* digest.c: acts on task->stop, says in task->how how to go on. */
void session_digest(struct session *session, struct run *run, struct task *task);

/* At a STOP_EXIT: does the whole process end with this thread? */
bool digest_ends_process(const struct task *task);

/* descriptor.c: is the call about the descriptor of this moment? */
bool event_on_descriptor(const struct program *program, const struct moment *moment,
			 const struct event *event);

/* events.c */
struct event *event_new(struct session *session, struct task *task, enum event_kind kind);
void event_begin_call(struct session *session, struct task *task, const struct stop *stop);
void event_end_call(struct session *session, struct task *task, int64_t result);

/* sleep.c: in virtual time the program waits until then. What its threads wait side by side counts
 * once. */
void note_deadline(struct program *program, int64_t deadline);

/* How long this call sleeps, ns; -1 where it is no plain sleep. */
int64_t sleep_of_call(const struct process *process, enum call call, const uint64_t *args);

/* quiet.c: nobody who takes part in the run moves. Then wakes a sleeper, lets a time-out pass, or
 * says STUCK. */
bool session_is_quiet(struct session *session, const struct run *run);
bool program_is_blocked(struct session *session, const struct run *run, struct program *program);
/* One running task alone: asleep in the kernel, and not just for a moment between two time slices.
 */
bool task_is_blocked(struct task *task);
void session_when_quiet(struct session *session, struct run *run);

/* Serves the pipes until a traced task has news (true), `timeout_ns` at most. */
bool session_await(struct session *session, int64_t timeout_ns);

/* stdio.c */
bool channels_open(struct session *session, struct program *program, int stdio[3]);
void channels_close(struct program *program);

#endif
