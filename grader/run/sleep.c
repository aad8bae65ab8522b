/* Which calls are plain sleeps, and for how long; which waits have a time-out. */
#include "run/session.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/futex.h>

#include "base/clock.h"
#include "procfs/proc.h"

static int64_t ns_of(struct timespec t)
{
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* A struct timespec in the program's memory; -1 where it is not there or no valid time. */
static int64_t timespec_at(const struct process *process, uint64_t address)
{
	struct timespec t;

	if (!address || !process_read(process, address, &t, sizeof(t)) || t.tv_sec < 0 ||
	    t.tv_nsec < 0 || t.tv_nsec >= NS_PER_S || t.tv_sec > INT32_MAX)
		return -1;
	return ns_of(t);
}

static int64_t timeval_at(const struct process *process, uint64_t address)
{
	struct timeval t;

	if (!address || !process_read(process, address, &t, sizeof(t)) || t.tv_sec < 0 ||
	    t.tv_usec < 0 || t.tv_sec > INT32_MAX)
		return -1;
	return (int64_t)t.tv_sec * NS_PER_S + (int64_t)t.tv_usec * 1000;
}

/*
 * No clock follows virtual time. Who reckons each end from the clock, gets spans that are right;
 * who reckons it from the end before, without a look at the clock, is known by that: two ends that
 * are whole milliseconds apart, to the nanosecond. (Not so where the ends are whole microseconds.)
 */
static struct time_anchor *anchor_of(struct program *program, clockid_t clock, int64_t end)
{
	for (size_t i = 0; i < sizeof(program->anchors) / sizeof(*program->anchors); i++) {
		struct time_anchor *anchor = &program->anchors[i];

		if (i < program->anchor_count && anchor->clock == clock && end % 1000 != 0 &&
		    end >= anchor->end && (end - anchor->end) % NS_PER_MS == 0)
			return anchor;
	}
	return NULL;
}

static int64_t span_to(struct program *program, clockid_t clock, int64_t end, int64_t now)
{
	const int64_t virtual_now = program->session->virtual_now;
	struct time_anchor *anchor = anchor_of(program, clock, end);
	const size_t room = sizeof(program->anchors) / sizeof(*program->anchors);

	if (anchor) {
		anchor->virtual_end += end - anchor->end;
	} else {
		anchor = &program->anchors[program->anchor_count++ % room];
		anchor->clock = clock;
		anchor->virtual_end = virtual_now + (end > now ? end - now : 0);
	}
	anchor->end = end;
	return anchor->virtual_end > virtual_now ? anchor->virtual_end - virtual_now : 0;
}

/* From an absolute time of that clock to a span from now, at least 0; -1 stays -1. */
static int64_t from_now(const struct process *process, clockid_t clock, int64_t absolute)
{
	struct program *program = process->program;
	struct timespec now;

	if (absolute < 0 || clock_gettime(clock, &now) != 0)
		return -1;
	if (!program->launch.real_time && !process->has_timer)
		return span_to(program, clock, absolute, ns_of(now));
	return absolute > ns_of(now) ? absolute - ns_of(now) : 0;
}

static bool no_poll_descriptors(const struct process *process, uint64_t address, uint64_t count)
{
	struct pollfd fds[64];

	if (count == 0)
		return true;
	if (count > 64 || !process_read(process, address, fds, count * sizeof(*fds)))
		return false;
	for (uint64_t i = 0; i < count; i++)
		if (fds[i].fd >= 0)
			return false;
	return true;
}

static bool no_select_descriptors(const struct process *process, const uint64_t *args)
{
	int count = (int)args[0];

	if (count <= 0)
		return count == 0;
	for (int set = 1; set <= 3; set++) {
		fd_set fds;

		if (!args[set])
			continue;
		if (count > FD_SETSIZE ||
		    !process_read(process, args[set], &fds, (size_t)(count + 63) / 64 * 8))
			return false;
		for (int fd = 0; fd < count; fd++)
			if (FD_ISSET(fd, &fds))
				return false;
	}
	return true;
}

int64_t sleep_of_call(const struct process *process, enum call call, const uint64_t *args)
{
	switch (call) {
	case CALL_nanosleep:
		return timespec_at(process, args[0]);
	case CALL_clock_nanosleep:
		if ((int)args[1] & TIMER_ABSTIME)
			return from_now(process, (clockid_t)args[0], timespec_at(process, args[2]));
		return timespec_at(process, args[2]);
	case CALL_poll:
		return (int)args[2] >= 0 && no_poll_descriptors(process, args[0], args[1])
			       ? (int)args[2] * NS_PER_MS
			       : -1;
	case CALL_ppoll:
		return no_poll_descriptors(process, args[0], args[1])
			       ? timespec_at(process, args[2])
			       : -1;
	case CALL_select:
		return no_select_descriptors(process, args) ? timeval_at(process, args[4]) : -1;
	case CALL_pselect6:
		return no_select_descriptors(process, args) ? timespec_at(process, args[4]) : -1;
	default:
		return -1;
	}
}

void note_deadline(struct program *program, int64_t deadline)
{
	const int64_t now = program->session->virtual_now;
	int64_t from = program->last_deadline > now ? program->last_deadline : now;

	if (deadline <= from)
		return;
	program->asked_sleep += deadline - from;
	program->last_deadline = deadline;
}

/* ---- waits with a time-out ---- */

static void futex_wait_state(const struct process *process, struct wait_state *state)
{
	int operation = (int)state->args[1];
	int64_t given = timespec_at(process, state->args[3]);
	clockid_t clock = operation & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;

	state->futex = true;
	state->futex_private = operation & FUTEX_PRIVATE_FLAG;
	state->futex_word = state->args[0];
	if (given < 0)
		return;
	state->timed = true;
	switch (operation & FUTEX_CMD_MASK) {
	case FUTEX_WAIT: /* relative; all others are absolute */
		state->timeout_ns = given;
		break;
	case FUTEX_LOCK_PI:
		state->timeout_ns = from_now(process, CLOCK_REALTIME, given);
		break;
	default:
		state->timeout_ns = from_now(process, clock, given);
		break;
	}
}

static void timed_by(struct wait_state *state, int64_t timeout)
{
	state->timed = timeout >= 0;
	state->timeout_ns = timeout;
}

/* futex_wait(2), or futex_waitv(2) in an array of its struct futex_waitv. */
static void futex2_state(const struct process *process, struct wait_state *state, bool array)
{
	struct {
		uint64_t value, address;
		uint32_t flags, reserved;
	} first = { .address = state->args[0], .flags = (uint32_t)state->args[3] };

	state->futex = !array || process_read(process, state->args[0], &first, sizeof(first));
	state->futex_private = first.flags & FUTEX_PRIVATE_FLAG;
	state->futex_word = first.address;
	timed_by(state, from_now(process, (clockid_t)state->args[array ? 4 : 5],
				 timespec_at(process, state->args[array ? 3 : 4])));
}

/* What a call waits for, and how long, from its number and arguments. */
static void understand(const struct process *process, struct wait_state *state)
{
	switch (call_of_number(state->number)) {
	case CALL_futex:
		futex_wait_state(process, state);
		break;
	case CALL_futex_wait:
	case CALL_futex_waitv:
		futex2_state(process, state, call_of_number(state->number) == CALL_futex_waitv);
		break;
	case CALL_poll:
	case CALL_epoll_wait:
	case CALL_epoll_pwait: {
		int ms = (int)state->args[call_of_number(state->number) == CALL_poll ? 2 : 3];

		timed_by(state, ms >= 0 ? ms * NS_PER_MS : -1);
		break;
	}
	case CALL_ppoll:
	case CALL_rt_sigtimedwait:
		timed_by(state, timespec_at(process, state->args[2]));
		break;
	case CALL_select:
		timed_by(state, timeval_at(process, state->args[4]));
		break;
	case CALL_pselect6:
		timed_by(state, timespec_at(process, state->args[4]));
		break;
	case CALL_epoll_pwait2:
	case CALL_semtimedop:
		timed_by(state, timespec_at(process, state->args[3]));
		break;
	case CALL_mq_timedreceive:
		timed_by(state,
			 from_now(process, CLOCK_REALTIME, timespec_at(process, state->args[4])));
		break;
	case CALL_nanosleep:
		timed_by(state, timespec_at(process, state->args[0]));
		break;
	case CALL_clock_nanosleep:
		timed_by(state, sleep_of_call(process, CALL_clock_nanosleep, state->args));
		break;
	default:
		break;
	}
}

static struct wait_state wait_state_now(const struct process *process, const struct task *task)
{
	struct wait_state state = { 0 };
	struct proc_syscall in;

	if (proc_syscall(task->tid, &in) != 0 || in.where != PROC_IN_CALL)
		return state;
	state.in_call = true;
	state.number = in.number;
	state.pc = in.pc;
	state.sp = in.sp;
	for (int i = 0; i < 6; i++)
		state.args[i] = in.args[i];
	understand(process, &state);
	return state;
}

struct wait_state wait_state_of(const struct process *process, struct task *task)
{
	struct wait_state state = wait_state_now(process, task);

#ifdef SYS_restart_syscall
	/* a timed wait that we interrupted goes on under this name: what it was is remembered, here
	 * where we have seen it wait, else in the event of a call that stops */
	if (state.in_call && state.number == SYS_restart_syscall &&
	    (task->call || task->last_wait_number)) {
		state.number = task->call ? call_number(task->call->call) : task->last_wait_number;
		memcpy(state.args, task->call ? task->call->args : task->last_wait_args,
		       sizeof(state.args));
		understand(process, &state);
		return state;
	}
#endif
	if (state.in_call &&
	    call_families(call_of_number(state.number)) & (FAMILY_WAIT | FAMILY_IPC)) {
		task->last_wait_number = state.number;
		memcpy(task->last_wait_args, state.args, sizeof(state.args));
	}
	return state;
}
