/*
 * When nothing moves: seen without a clock. Every task that takes part is looked at twice; all
 * asleep in the kernel both times, and none scheduled in between, means that there was an instant
 * when all of them slept.
 */
#include "run/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "procfs/proc.h"

/* How often the task has been given a CPU: the third number of schedstat ("123456 7890 42"). */
static bool sample(struct task *task, char *state, uint64_t *slices)
{
	char path[96], text[512];
	const char *at;
	ssize_t got;
	unsigned long long count;

	if (task->stat_fd < 0) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", task->process->pid,
			 task->tid);
		task->stat_fd = open(path, O_RDONLY | O_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", task->process->pid,
			 task->tid);
		task->sched_fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	got = pread(task->stat_fd, text, sizeof(text) - 1, 0);
	if (got <= 0)
		return false;
	text[got] = '\0';
	at = strrchr(text, ')');
	*state = at && at[1] ? at[2] : '?';
	got = pread(task->sched_fd, text, sizeof(text) - 1, 0);
	if (got <= 0)
		return false;
	text[got] = '\0';
	if (sscanf(text, "%*u %*u %llu", &count) != 1)
		return false;
	*slices = count;
	return true;
}

/*
 * State S is not enough: do_wait() and futex_wait() set it while they still look whether there is
 * anything to wait for, on the CPU. /proc/TID/syscall waits until the task is off the CPU, and says
 * "running" when it would not go.
 */
static bool off_cpu(const struct task *task)
{
	char path[96], text[16] = "";
	ssize_t got = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", task->process->pid, task->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, text, sizeof(text));
		close(fd);
	}
	return got > 0 && text[0] != 'r';
}

bool task_is_zombie(struct task *task)
{
	uint64_t slices;
	char state;

	return sample(task, &state, &slices) && state == 'Z';
}

/* Does this task, which is in no ptrace stop of ours, sleep in the kernel? `slices` tells one sleep
 * from the next. */
static bool sleeps_in_kernel(struct task *task, uint64_t *slices)
{
	char state;

	*slices = 0;
	if (!sample(task, &state, slices))
		return false;
	if (task->exiting) /* a dead first thread waits for the others; any other's end is about to
			      be told */
		return state == 'Z' && task->tid == task->process->pid &&
		       task->process->tasks->next;
	if (state == 'D' && task->vforked)
		return true;
	return (state == 'S' && off_cpu(task)) ||
	       (task->listening && (state == 't' || state == 'T'));
}

/* Tasks that could move: of processes that take part, and in no stop. */
static bool may_move(const struct run *run, const struct task *task)
{
	return task_moves(run, task) && !task->stopped;
}

struct pass {
	uint64_t sum; /* of slices: the same in two passes means nobody ran in between */
	size_t tasks;
	bool quiet;
};

static struct pass one_pass(struct session *session, const struct run *run,
			    const struct program *only)
{
	struct pass pass = { .quiet = true };

	for (struct program *program = session->programs; program; program = program->next) {
		if (only && program != only)
			continue;
		for (struct process *process = program->first; process; process = process->next) {
			for (struct task *task = process->tasks; task && !process->gone;
			     task = task->next) {
				uint64_t slices;

				if (!may_move(run, task))
					continue;
				if (!sleeps_in_kernel(task, &slices)) {
					pass.quiet = false;
					return pass;
				}
				pass.sum += slices;
				pass.tasks++;
			}
		}
	}
	return pass;
}

/* A stop or an end that nobody has fetched yet: its task is in neither list as one that moves. */
static bool something_is_on_its_way(const struct session *session)
{
	siginfo_t info = { 0 };

	for (const struct program *program = session->programs; program; program = program->next)
		if (tracer_expects(session->tracer, program))
			return true;
	return waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | __WALL | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid != 0;
}

static bool quiet_twice(struct session *session, const struct run *run, const struct program *only)
{
	struct pass first = one_pass(session, run, only), second;

	if (!first.quiet)
		return false;
	second = one_pass(session, run, only);
	return second.quiet && second.sum == first.sum && second.tasks == first.tasks &&
	       !something_is_on_its_way(session);
}

bool task_is_blocked(struct task *task)
{
	uint64_t first, second;

	return sleeps_in_kernel(task, &first) && sleeps_in_kernel(task, &second) && first == second;
}

bool session_is_quiet(struct session *session, const struct run *run)
{
	return quiet_twice(session, run, NULL);
}

/* Blocked: alive, no task in a virtual sleep, and all asleep in the kernel. */
bool program_is_blocked(struct session *session, const struct run *run, struct program *program)
{
	if (program_living(program) == 0)
		return false;
	for (struct process *process = program->first; process; process = process->next)
		for (struct task *task = process->tasks; task; task = task->next)
			if (task->asleep && !process->held && !task->held)
				return false;
	return quiet_twice(session, run, program);
}

/* ---- waking ---- */

/*
 * The signal mask that a sleep brings with it (ppoll, pselect). The task is held at the call's
 * entry, where the kernel has not put it in place yet.
 */
static bool mask_of_sleep(const struct task *task, uint64_t *mask)
{
	uint64_t address = 0, set[2] = { 0 };

	if (!task->call)
		return false;
	if (task->call->call == CALL_ppoll)
		address = task->call->args[3];
	else if (task->call->call == CALL_pselect6 && task->call->args[5] &&
		 process_read(task->process, task->call->args[5], set, sizeof(set)))
		address = set[0];
	return address && process_read(task->process, address, mask, sizeof(*mask));
}

/* Is a signal waiting for this task that would end its sleep with EINTR or kill it? */
static bool signal_waits(const struct task *task)
{
	struct buffer text = { 0 };
	uint64_t masks[5] = { 0 };
	static const char *const names[] = { "\nSigPnd:", "\nShdPnd:", "\nSigBlk:", "\nSigIgn:",
					     "\nSigCgt:" };
	uint64_t pending;

	if (proc_read(task->tid, "status", &text) == 0)
		for (int i = 0; i < 5; i++) {
			const char *at = strstr(buffer_text(&text), names[i]);

			if (at)
				masks[i] = strtoull(at + strlen(names[i]), NULL, 16);
		}
	buffer_free(&text);
	mask_of_sleep(task, &masks[2]);
	pending = (masks[0] | masks[1]) & ~masks[2] & ~masks[3];
	/* at its default, SIGCHLD, SIGURG, SIGWINCH and SIGCONT are ignored */
	pending &= masks[4] | ~(1ull << (SIGCHLD - 1) | 1ull << (SIGURG - 1) |
				1ull << (SIGWINCH - 1) | 1ull << (SIGCONT - 1));
	return pending;
}

/* An interrupted sleep tells how much of it was left: nanosleep(2). */
static void tell_remainder(const struct session *session, const struct task *task)
{
	const struct event *event = task->call;
	int64_t left = task->wake_at > session->virtual_now ? task->wake_at - session->virtual_now
							    : 0;
	struct timespec rem = { left / NS_PER_S, left % NS_PER_S };
	uint64_t address = 0;

	if (event && event->call == CALL_nanosleep)
		address = event->args[1];
	if (event && event->call == CALL_clock_nanosleep && !((int)event->args[1] & TIMER_ABSTIME))
		address = event->args[3];
	if (address)
		process_write(task->process, address, &rem, sizeof(rem));
}

/* From the entry of its sleep: into the kernel, where it was not made to skip the call. */
static void let_go_on(struct session *session, struct task *task)
{
	task->asleep = false;
	task->how = RESUME_TO_RETURN;
	watch_prepare(&session->watches, task);
	tracer_resume(session->tracer, task);
}

static void wake(struct session *session, struct task *task, int64_t result)
{
	if (result == -EINTR)
		tell_remainder(session, task);
	arch_skip_call(task->tid, result);
	let_go_on(session, task);
}

/* Remembers how long a wait that has a time-out still lasts; the same wait keeps its end. */
static void note_timed_wait(struct session *session, struct process *process, struct task *task)
{
	struct wait_state state;
	uint64_t slices;

	if (!sleeps_in_kernel(task, &slices) || task->exiting || task->listening)
		return;
	if (task->timed && task->timed_slices == slices)
		return;
	state = wait_state_of(process, task);
	task->timed = state.timed;
	task->timed_slices = slices;
	if (!state.timed)
		return;
	if (task->call && task->call == task->timed_call)
		return; /* a freeze has interrupted it: the same wait ends when it was to end */
	task->timed_call = task->call;
	task->wake_at = session->virtual_now + state.timeout_ns;
	note_deadline(process->program, task->wake_at);
}

static bool earlier(const struct task *task, const struct task *than)
{
	return !than || task->wake_at < than->wake_at;
}

/* A sleep beside a timer, which digest.c has let go on: it ends by itself. */
static bool sleeps_in_real_time(const struct process *process, const struct task *task)
{
	return process->has_timer && task->call && task->call->sleep_ns > 0;
}

/* The sleeper, or waiter with a time-out, whose time comes first. A sleeper with a waiting signal
 * comes before all. */
static struct task *next_to_wake(struct session *session, const struct run *run, bool *interrupted)
{
	struct task *next = NULL;

	*interrupted = false;
	for (struct program *program = session->programs; program; program = program->next)
		for (struct process *process = program->first; process; process = process->next) {
			for (struct task *task = process->tasks; task; task = task->next) {
				if (!task_moves(run, task))
					continue;
				if (task->asleep && signal_waits(task)) {
					*interrupted = true;
					return task;
				}
				if (!task->stopped && !program->launch.real_time &&
				    !sleeps_in_real_time(process, task))
					note_timed_wait(session, process, task);
				if ((task->asleep || (!task->stopped && task->timed)) &&
				    earlier(task, next))
					next = task;
			}
		}
	return next;
}

/* What a wait gives when its time is over: an error, or 0 where it counts something (ETIME stands
 * for that). */
static int time_out_of(const struct process *process, struct task *task)
{
	struct wait_state state = wait_state_of(process, task);

	switch (call_of_number(state.number)) {
	case CALL_futex:
	case CALL_futex_wait:
	case CALL_futex_waitv:
	case CALL_mq_timedreceive:
		return ETIMEDOUT;
	case CALL_rt_sigtimedwait:
	case CALL_semtimedop:
		return EAGAIN;
	default:
		return ETIME;
	}
}

static bool something_else_may_come(const struct session *session, const struct run *run)
{
	for (const struct program *program = session->programs; program; program = program->next)
		for (const struct process *process = program->first; process;
		     process = process->next) {
			if (!run_moves(run, process) || process->gone)
				continue;
			if (process->has_timer)
				return true;
			if (!program->launch.real_time)
				continue;
			for (struct task *task = process->tasks; task; task = task->next)
				if (!task->stopped && wait_state_of(process, task).timed)
					return true;
		}
	return false;
}

/* In real time a wait ends by itself: what was seen of it counts if nobody has run meanwhile. */
static bool nothing_will_come(struct session *session, const struct run *run)
{
	struct pass before = one_pass(session, run, NULL), after;

	if (!before.quiet || something_else_may_come(session, run))
		return false;
	after = one_pass(session, run, NULL);
	return after.quiet && after.sum == before.sum && after.tasks == before.tasks &&
	       !something_is_on_its_way(session);
}

void session_when_quiet(struct session *session, struct run *run)
{
	bool interrupted;
	struct task *task = next_to_wake(session, run, &interrupted);

	if (interrupted) {
		uint64_t mask;

		/* the kernel swaps the masks, and the signal comes */
		if (mask_of_sleep(task, &mask))
			let_go_on(session, task);
		else
			wake(session, task, -EINTR);
		return;
	}
	if (!task) {
		if (nothing_will_come(session, run))
			run->reached = STUCK;
		return;
	}
	if (task->wake_at - run->virtual_began > run->program->virtual_limit) {
		session->virtual_now = run->virtual_began + run->program->virtual_limit;
		run->program->spent = "virtual time";
		run->reached = SPENT;
		return;
	}
	if (task->wake_at > session->virtual_now)
		session->virtual_now = task->wake_at;
	if (task->asleep) {
		wake(session, task, 0);
		return;
	}
	task->timed = false;
	task->end_with = time_out_of(task->process, task);
	tracer_interrupt(task);
}
