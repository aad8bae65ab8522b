/* What each kind of stop means, and how its task goes on. The tracer has classified it; here it is
 * acted on. */
#include "run/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/die.h"
#include "procfs/proc.h"
#include "run/handlers.h"

static struct program *program_of_task(const struct task *task)
{
	return task->process->program;
}

/* ---- calls ---- */

static bool same_call(const struct event *event, const struct stop *stop)
{
	return call_number(event->call) == stop->number &&
	       memcmp(event->args, stop->args, sizeof(stop->args)) == 0;
}

/* Arguments of a call that are cut short: where its length stands. -1 where it has none. */
static int length_argument(enum call call)
{
	switch (call) {
	case CALL_read:
	case CALL_write:
	case CALL_pread64:
	case CALL_pwrite64:
	case CALL_msync:
		return call == CALL_msync ? 1 : 2;
	default:
		return -1;
	}
}

/* The fault that strikes this call, or NULL. Only calls that the student's code makes itself are
 * counted. */
static struct fault *fault_for(struct program *program, const struct event *event)
{
	for (struct fault *fault = program->faults; fault; fault = fault->next) {
		if (fault->struck || fault->call != event->call)
			continue;
		if (fault->inode &&
		    (fault->inode != event->inode || fault->device != event->device))
			continue;
		if (fault->argument >= 0 && event->args[fault->argument] != fault->value)
			continue;
		if (!event->copy || !site_is_direct(event->copy))
			continue;
		if (fault->skip-- > 0)
			continue;
		fault->struck = event;
		return fault;
	}
	return NULL;
}

static void strike(struct task *task, struct event *event, const struct fault *fault)
{
	int length = length_argument(event->call);

	event->injected = true;
	if (fault->error)
		arch_skip_call(task->tid, -fault->error);
	else if (length >= 0 && event->args[length] > fault->most &&
		 arch_put_argument(task->tid, length, fault->most))
		event->args[length] = fault->most; /* as the kernel will see it, also when the call
						      is made again */
}

/* A sleep is left where it is, at its entry; quiet.c wakes it. */
static bool begin_sleep(struct session *session, struct task *task, struct event *event)
{
	struct program *program = program_of_task(task);
	int64_t span;

	if (!(call_families(event->call) & FAMILY_SLEEP))
		return false;
	span = sleep_of_call(task->process, event->call, event->args);
	if (span < 0)
		return false;
	event->sleep_ns = span;
	if (program->launch.real_time ||
	    task->process
		    ->has_timer) { /* a timer's signal comes in real time: so must the sleep end */
		program->asked_sleep += span;
		return false;
	}
	task->asleep = true;
	task->wake_at = session->virtual_now + span;
	note_deadline(program, task->wake_at);
	return true;
}

static void digest_call(struct session *session, struct run *run, struct task *task)
{
	struct stop *stop = &task->stop;
	struct program *program = program_of_task(task);
	struct fault *fault;
	bool sleeps;

	if (!task->process->running_program) /* the launcher's child on its way to execve */
		return;
	/* two stops less for each of the loader's thirty calls: nobody has asked for them */
	if (task->process->image && image_is_loading(task->process->image, stop->pc))
		return;
	if (task->call && task->restarting && same_call(task->call, stop)) {
		task->restarting = false;
		task->how = RESUME_TO_RETURN;
		return;
	}
	if (task->call)
		event_end_call(session, task, -EINTR);
	event_begin_call(session, task, stop);
	task->how = RESUME_TO_RETURN;
	if (task->call->call == CALL_rt_sigreturn ||
	    task->call->call == CALL_exit_group) { /* these never return */
		task->how = RESUME_CONT;
		task->process->exit_group |= task->call->call == CALL_exit_group;
		handlers_left(task);
	}
	fault = program->faults ? fault_for(program, task->call) : NULL;
	if (fault)
		strike(task, task->call, fault);
	sleeps = !fault && begin_sleep(session, task, task->call);
	if (sleeps && run_consider(session, run, MOMENT_SLEEP, task, task->call))
		return;
	run_consider(session, run, MOMENT_CALL, task, task->call);
	if (task->how == RESUME_CONT)
		task->call = NULL;
}

/* Did an interrupt of our own end this call, for session_end_wait()? Then it says what was ordered.
 */
static bool end_as_ordered(struct task *task)
{
	int error = task->end_with;

	task->end_with = 0;
	return error && arch_end_interrupted_call(task->tid, error == ETIME ? 0 : -error);
}

static void digest_return(struct session *session, struct run *run, struct task *task)
{
	struct event *event = task->call;

	if (!event)
		return;
	if (task->stop.by_us && task->stop.result == -EINTR) {
		struct arch_registers registers;

		if (end_as_ordered(task)) {
			if (arch_get(task->tid, &registers))
				task->stop.result = arch_result(&registers);
		} else if (arch_restart_if_interrupted(task->tid)) {
			task->restarting = true;
			return;
		}
	}
	event_end_call(session, task, task->stop.result);
	run_consider(session, run, MOMENT_RETURN, task, event);
}

static void digest_interrupted_call(struct session *session, struct run *run, struct task *task)
{
	struct arch_registers registers;

	if (task->end_with && end_as_ordered(task)) {
		struct event *event = task->call;

		arch_get(task->tid, &registers);
		event_end_call(session, task, arch_result(&registers));
		if (event)
			run_consider(session, run, MOMENT_RETURN, task, event);
		return;
	}
	task->restarting = true;
	task->how = RESUME_TO_RETURN;
}

static void digest_interrupt(struct task *task)
{
	if (task->end_with) {
		end_as_ordered(task);
	} else if (!task->call) {
		if (arch_call_is_interrupted(task->tid))
			wait_state_of(
				task->process,
				task); /* its name is lost once it is made again: remember it */
		arch_restart_if_interrupted(task->tid);
	}
	if (task->call)
		task->how = RESUME_TO_RETURN;
}

/* ---- signals and traps ---- */

static bool is_fault(int signal)
{
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE;
}

static bool is_caught(const struct process *process, int signal)
{
	struct proc_status status;

	return proc_status(process->pid, &status) == 0 && proc_mask_has(status.sig_caught, signal);
}

static void digest_signal(struct session *session, struct run *run, struct task *task)
{
	const siginfo_t *info = &task->stop.info;
	struct event *event;

	task->signal = info->si_signo;
	if (!task->process->running_program)
		return;
	event = event_new(session, task, EVENT_SIGNAL);
	event->args[0] = (uint64_t)info->si_signo;
	event->args[1] = is_fault(info->si_signo) && info->si_code > 0
				 ? (uint64_t)(uintptr_t)info->si_addr
				 : 0;
	event->result = info->si_code;
	if (is_caught(task->process, info->si_signo)) {
		if (task->call)
			event_end_call(session, task, -EINTR);
		handlers_enter(session, task);
	} else if (task->call) {
		task->how = RESUME_TO_RETURN;
	}
	run_consider(session, run, MOMENT_SIGNAL, task, event);
}

static void digest_trap(struct session *session, struct run *run, struct task *task)
{
	const struct watch *watch = session->hit = watch_hit(task);
	struct event *event;

	if (watch) {
		run_consider(session, run, MOMENT_WATCH, task, NULL);
		return;
	}
	if (task->stop.info.si_code == TRAP_HWBKPT)
		return; /* of a watch that was taken away after this task had hit it */
	if (handlers_hit(session, task))
		return;
	if (task->stepping) {
		task->stepping = false;
		run_consider(session, run, MOMENT_STEP, task, NULL);
		return;
	}
	/* int3 or the like in the student's own code: it is a signal of its own doing */
	task->signal = SIGTRAP;
	event = event_new(session, task, EVENT_SIGNAL);
	event->args[0] = SIGTRAP;
	run_consider(session, run, MOMENT_SIGNAL, task, event);
}

/* ---- births and deaths ---- */

static void digest_birth(struct session *session, struct run *run, struct task *task)
{
	struct event *event;

	if (!task->process->running_program || task->tid != task->process->pid)
		return;
	handlers_forked(task);
	event = event_new(session, task, EVENT_FORK);
	event->result = task->process->ns_pid;
	run_consider(session, run, MOMENT_FORK, task, event);
}

static void remember_image(struct session *session, struct image *image)
{
	session->images = realloc(session->images,
				  (session->image_count + 1) * sizeof(struct image *));
	if (!session->images)
		die("out of memory");
	session->images[session->image_count++] = image;
}

static void digest_exec(struct session *session, struct run *run, struct task *task)
{
	struct process *process = task->process;
	struct program *program = process->program;
	struct event *event;

	process->guard = NULL; /* its breakpoints went with the old image */
	process->image = image_new(process->pid);
	remember_image(session, process->image);
	if (process == program->first && !program->launched) {
		program->launched = true;
		run_consider(session, run, MOMENT_EXEC, task, NULL);
		return;
	}
	event = event_new(session, task, EVENT_EXEC);
	run_consider(session, run, MOMENT_EXEC, task, event);
}

bool digest_ends_process(const struct task *task)
{
	const struct process *process = task->process;

	if (process->exit_group || WIFSIGNALED(task->stop.status))
		return true;
	for (const struct task *other = process->tasks; other; other = other->next)
		if (other != task && !other->exiting)
			return false;
	return true;
}

static void digest_exit(struct session *session, struct run *run, struct task *task)
{
	struct process *process = task->process;
	struct event *event;

	task->exiting = true;
	task->asleep = false;
	task->call = NULL;
	if (!process->running_program || process->ending || !digest_ends_process(task))
		return;
	process->ending = true;
	process->cpu_ns = clock_of_process(process->pid);
	if (process->image)
		image_refresh(process->image, process_view(process));
	event = event_new(session, task, EVENT_EXIT);
	event->result = task->stop.status;
	run_consider(session, run, MOMENT_EXIT, task, event);
}

static void digest_fork(struct task *task)
{
	task->vforked = task->stop.vfork;
	if (task->call)
		task->how = RESUME_TO_RETURN;
}

void session_digest(struct session *session, struct run *run, struct task *task)
{
	enum stop_kind kind = task->stop.kind;

	task->how = RESUME_CONT;
	switch (kind) {
	case STOP_CALL:
		digest_call(session, run, task);
		break;
	case STOP_RETURN:
		digest_return(session, run, task);
		break;
	case STOP_INTERRUPTED_CALL:
		digest_interrupted_call(session, run, task);
		break;
	case STOP_SIGNAL:
		digest_signal(session, run, task);
		break;
	case STOP_TRAP:
		digest_trap(session, run, task);
		break;
	case STOP_GROUP:
		task->how = RESUME_LISTEN;
		break;
	case STOP_INTERRUPT:
		digest_interrupt(task);
		break;
	case STOP_FORK:
		digest_fork(task);
		break;
	case STOP_VFORK_DONE:
		task->vforked = false;
		break;
	case STOP_BIRTH:
		digest_birth(session, run, task);
		break;
	case STOP_EXEC:
		digest_exec(session, run, task);
		break;
	case STOP_EXIT:
		digest_exit(session, run, task);
		break;
	case STOP_OTHER:
		if (task->call)
			task->how = RESUME_TO_RETURN;
		break;
	case STOP_NONE:
		break;
	}
	task->stop.kind = STOP_NONE;
}
