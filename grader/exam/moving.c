/* Moving programs from moment to moment, and disturbing them. */
#include "exam/exam_inside.h"
#include "exam/show.h"

#include <linux/futex.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "procfs/proc.h"

/* Moments name files; the session knows device and inode. */
static struct moment with_identity(struct exam *x, struct moment moment)
{
	struct identity identity;

	if (!moment.file)
		return moment;
	identity = exam_identity(x, moment.file);
	moment.device = identity.device;
	moment.inode = identity.known ? identity.inode
				      : (ino_t)-1; /* no such file: nothing is on it */
	return moment;
}

enum { PROGRAM_MEMORY = 128 << 20 };

int exam_run_to(struct exam *x, struct program *p, const struct moment *moments)
{
	struct moment known[16] = { { 0 } };
	size_t count = 0;
	int reached;

	/* A program that comes to a stop without end, each of which is looked at: as good as a
	 * loop. */
	if (arena_mark(x->arena) - p->arena_mark > PROGRAM_MEMORY) {
		p->spent = "stops";
		return SPENT;
	}
	while (count < 15 && moments[count].kind != MOMENT_NONE) {
		known[count] = with_identity(x, moments[count]);
		count++;
	}
	reached = session_run_to(x->session, p, known);
	show_stop(x);
	return reached;
}

void exam_need_moment(struct exam *x, struct program *p, struct moment moment, const char *expected)
{
	int reached = run_to(x, p, moment);

	need(x, reached == 0, .expected = expected, .observed = reached_text(x, p, reached),
	     .at = at_stop(x, p), .why = say(x, "seen while \"%s\" ran", p->command));
}

bool finish(struct exam *x, struct program *p)
{
	return run_to(x, p, at_end()) == 0;
}

const struct stop_info *last_stop(struct exam *x, const struct program *p)
{
	struct stop_info *stop = (struct stop_info *)&p->stop;

	stop->at = at_stop(x, p);
	return stop;
}

const char *reached_text(struct exam *x, struct program *p, int reached)
{
	const char *said = error_output(x, p);

	if (reached == SPENT)
		return say(x, "%s used more than its %s; it was %s", p->command,
			   p->spent ? p->spent : "limit", ending_text(x, p));
	if (reached == STUCK)
		return say(x, "%s does not go on: %s", p->command, ending_text(x, p));
	if (reached == RAN_OUT && *said)
		return say(x, "%s ended: %s, stderr: %s", p->command, ending_text(x, p),
			   quoted(x, said, strlen(said), 120));
	if (reached == RAN_OUT)
		return say(x, "%s ended: %s", p->command, ending_text(x, p));
	return say(x, "%s got there", p->command);
}

void set_limits(struct exam *x, struct program *p, int64_t cpu_ms, int64_t wall_ms,
		int64_t virtual_ms)
{
	(void)x;
	p->own_limits = true;
	if (cpu_ms > 0)
		p->cpu_limit = cpu_ms * NS_PER_MS;
	if (wall_ms > 0)
		p->wall_limit = wall_ms * NS_PER_MS;
	if (virtual_ms > 0)
		p->virtual_limit = virtual_ms * NS_PER_MS;
}

/* ---- hold, wake, disturb ---- */

void hold(struct exam *x, struct process *process)
{
	(void)x;
	process->held = true;
}

void hold_thread(struct exam *x, struct program *p)
{
	(void)x;
	if (p->stop.process == NULL)
		return;
	for (struct task *task = p->stop.process->tasks; task; task = task->next)
		task->held = task->held || task == p->stop.task;
}

void release(struct exam *x, struct process *process)
{
	(void)x;
	process->held = false;
	for (struct task *task = process->tasks; task; task = task->next)
		task->held = false;
}

void hold_program(struct exam *x, struct program *p)
{
	for (struct process *process = p->first; process; process = process->next)
		hold(x, process);
}

void release_program(struct exam *x, struct program *p)
{
	for (struct process *process = p->first; process; process = process->next)
		release(x, process);
}

void send_signal(struct exam *x, struct process *process, int signal)
{
	if (process->gone)
		return;
	if (signal == SIGKILL)
		session_kill(x->session, process);
	else
		kill(process->pid, signal);
}

void kill_process(struct exam *x, struct process *process)
{
	session_kill(x->session, process);
}

void kill_program(struct exam *x, struct program *p)
{
	for (struct process *process = p->first; process; process = process->next)
		session_kill(x->session, process);
}

bool interrupt_wait(struct exam *x, struct process *process)
{
	(void)x;
	return session_end_wait(process, EINTR);
}

/* ---- waits ---- */

static const char *futex_operation(const struct wait_state *state)
{
	static const char *const names[] = {
		[FUTEX_WAIT] = "FUTEX_WAIT, ",
		[FUTEX_LOCK_PI] = "FUTEX_LOCK_PI, ",
		[FUTEX_WAIT_BITSET] = "FUTEX_WAIT, ",
		[FUTEX_WAIT_REQUEUE_PI] = "FUTEX_WAIT_REQUEUE_PI, ",
		[FUTEX_LOCK_PI2] = "FUTEX_LOCK_PI2, ",
	};
	unsigned operation = (unsigned)state->args[1] & FUTEX_CMD_MASK;

	if (operation >= sizeof(names) / sizeof(*names) || !names[operation])
		return "other, ";
	return names[operation];
}

static const char *futex_text(struct exam *x, const struct wait_state *state)
{
	enum call call = call_of_number(state->number);

	return say(x, "%s(%s%s%s)", call_name(call),
		   call == CALL_futex ? futex_operation(state) : "",
		   state->futex_private ? "private" : "shared",
		   state->timed ? ", with a time-out" : "");
}

static bool is_waiting(const struct process *process, struct task *task, struct wait_state *state)
{
	*state = wait_state_of(process, task);
	return state->in_call && call_of_number(state->number) != CALL_NONE;
}

/* Of several waits that tells most which others can end: on a futex that they share with us.
 * Then any futex; the thread that waits for the others tells least. */
static int weight_of(struct exam *x, struct process *process, const struct wait_state *state)
{
	const struct vma *vma;

	if (!state->futex)
		return 1;
	if (process->tasks->next == NULL)
		return 2; /* nothing to compare it with */
	vma = maps_at(maps_now(x, process), state->futex_word);
	return vma != NULL && vma->perms[3] == 's' ? 3 : 2;
}

struct wait_info waiting(struct exam *x, struct process *process)
{
	struct wait_info info = { 0 };
	struct wait_state state;
	int most = 0;

	for (struct task *task = process->tasks; task; task = task->next) {
		struct moment_copy *copy;

		if (task->asleep || !is_waiting(process, task, &state))
			continue;
		int weight = weight_of(x, process, &state);

		if (weight < most || (weight == most && !state.futex))
			continue;
		most = weight;
		info.call = call_of_number(state.number);
		info.futex = state.futex;
		info.futex_private = state.futex_private;
		info.address = state.futex_word;
		info.timed = state.timed;
		info.timeout_ms = state.timeout_ns / NS_PER_MS;
		info.text = state.futex ? futex_text(x, &state)
					: say(x, "%s()", call_name(info.call));
		copy = process->image ? moment_copy(x->arena, process->image, task->tid,
						    process->memory, 8192)
				      : NULL;
		info.at = copy ? site_text(x->arena, copy) : NULL;
	}
	return info;
}

uint64_t faults_of(struct exam *x, const struct process *process)
{
	struct proc_stat stat;

	if (proc_stat(process->pid, &stat) != 0)
		broken(x, "the faults of a process that is gone cannot be counted");
	return stat.minflt + stat.majflt;
}

/* ---- faults that we make ---- */

static struct fault *add_fault(struct exam *x, struct program *p, enum call call, const char *file,
			       int skip_calls)
{
	struct fault *fault = room(x, sizeof(*fault)), **end = &p->faults;
	struct identity identity;

	fault->call = call;
	fault->argument = -1;
	fault->skip = skip_calls;
	if (file) {
		identity = exam_identity(x, file);
		fault->device = identity.device;
		fault->inode = identity.known ? identity.inode : (ino_t)-1;
	}
	while (*end)
		end = &(*end)->next;
	*end = fault;
	return fault;
}

struct fault *fail_call(struct exam *x, struct program *p, enum call call, int error,
			const char *file, int skip_calls)
{
	struct fault *fault = add_fault(x, p, call, file, skip_calls);

	fault->error = error;
	return fault;
}

struct fault *fail_call_with(struct exam *x, struct program *p, enum call call, int error,
			     int argument, uint64_t value)
{
	struct fault *fault = fail_call(x, p, call, error, NULL, 0);

	fault->argument = argument;
	fault->value = value;
	return fault;
}

struct fault *cut_call(struct exam *x, struct program *p, enum call call, size_t bytes,
		       const char *file, int skip_calls)
{
	struct fault *fault = add_fault(x, p, call, file, skip_calls);

	fault->most = bytes;
	return fault;
}

bool fault_struck(const struct fault *fault)
{
	return fault->struck;
}

const struct event *fault_event(const struct fault *fault)
{
	return fault->struck;
}

void wild_jump(struct exam *x, struct process *process, uint64_t address)
{
	struct program *p = process->program;
	struct arch_registers registers;
	struct task *task = session_stopped_task(p, process);

	if (!task || !arch_get(task->tid, &registers))
		broken(x, "wild_jump() needs a process that stands at a moment");
	arch_end_interrupted_call(
		task->tid, -EINTR); /* or the kernel would go back to the call that it was in */
	if (!arch_get(task->tid, &registers))
		return;
	arch_set_pc(&registers, address);
	arch_set(task->tid, &registers);
}

bool step(struct exam *x, struct process *process)
{
	return session_step(x->session, process->program, process);
}

void watch_handlers(struct exam *x, struct program *p)
{
	(void)x;
	p->guard_handlers = true;
}

const struct event *unsafe_in_handler(struct exam *x, const struct program *p)
{
	(void)x;
	return p->unsafe;
}
