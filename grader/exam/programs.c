/* Programs: started, fed, listened to, ended. The chapter "programs" of exam.h. */
#include "exam/exam_inside.h"

#include <sys/ioctl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/text.h"

/* ---- starting ---- */

static struct program *start_actor(struct exam *x, const struct launch *launch)
{
	const char *const prefix[] = { "--actor", x->lab->id, launch->actor, NULL };

	return session_start(x->session, x->actor_path, launch->actor, prefix, launch,
			     x->directory.inside);
}

/* Whoever ran before in this check may have taken the directory, or all the processes, away. */
_Noreturn static void cannot_start(struct exam *x, const struct program *program)
{
	const char *reason = say(x, "%s could not be started: %s", program->command,
				 buffer_text(&program->err.text));

	if (!x->session->programs->next)
		broken(x, reason);
	expect(x, false,
	       .expected = say(x, "after what ran before, %s can be started as well",
			       program->command),
	       .observed = reason,
	       .why = "programs must not take from others what they need: the working directory, "
		      "processes, memory");
	exam_leave(x);
}

struct program *exam_start(struct exam *x, const char *name, const struct launch *launch)
{
	struct program *program = NULL;

	if (launch->actor)
		program = start_actor(x, launch);
	for (size_t i = 0; !launch->actor && i < lab_program_count(x->lab); i++)
		if (text_equal(x->lab->programs[i].name, name))
			program = session_start(x->session, x->program_path[i], name, NULL, launch,
						x->directory.inside);
	if (!program)
		broken(x,
		       say(x, "the exam starts a program \"%s\" that the lab does not have", name));
	if (program->launch_failed)
		cannot_start(x, program);
	return program;
}

struct program *exam_start_shown(struct exam *x, const char *name, const char *const *words,
				 const struct launch *launch)
{
	struct launch shown = *launch;

	if (words[0])
		memset(shown.args, 0, sizeof(shown.args));
	for (size_t i = 0; i < LAUNCH_ARGS - 1 && words[i]; i++)
		shown.args[i] = words[i];
	return exam_start(x, name, &shown);
}

struct program *exam_run(struct exam *x, const char *name, const struct launch *launch)
{
	struct program *program = exam_start(x, name, launch);

	finish(x, program);
	return program;
}

const char *command_of(struct exam *x, const struct program *p)
{
	(void)x;
	return p->command;
}

/* ---- input and output ---- */

void feed_bytes(struct exam *x, struct program *p, const void *data, size_t size)
{
	buffer_add(&p->in.text, data, size);
	program_pump(x->session, p);
}

void feed(struct exam *x, struct program *p, const char *text)
{
	feed_bytes(x, p, text, strlen(text));
}

void feed_end(struct exam *x, struct program *p)
{
	p->in_end = true;
	program_pump(x->session, p);
}

size_t unread_input(struct exam *x, struct program *p)
{
	int waiting = 0;

	(void)x;
	if (p->in.fd >= 0)
		ioctl(p->in.fd, FIONREAD, &waiting);
	return p->in.text.size + (size_t)waiting;
}

const char *output(struct exam *x, struct program *p, size_t *size)
{
	program_pump(x->session, p);
	if (size)
		*size = p->out.text.size;
	return arena_copy_bytes(x->arena, buffer_text(&p->out.text), p->out.text.size);
}

const char *error_output(struct exam *x, struct program *p)
{
	program_pump(x->session, p);
	return arena_copy_bytes(x->arena, buffer_text(&p->err.text), p->err.text.size);
}

/* ---- endings ---- */

struct ending ending_of(const struct process *process)
{
	if (!process->gone)
		return (struct ending){ STILL_THERE, 0 };
	if (WIFSIGNALED(process->status))
		return (struct ending){ KILLED, WTERMSIG(process->status) };
	return (struct ending){ EXITED, WEXITSTATUS(process->status) };
}

struct ending ending(const struct program *p)
{
	return ending_of(p->first);
}

static const char *signal_name(struct exam *x, int signal)
{
	const char *name = sigabbrev_np(signal);

	return name ? say(x, "SIG%s", name) : say(x, "signal %d", signal);
}

/* What a process that has not ended is doing. */
static const char *doing(struct exam *x, struct process *process)
{
	struct wait_info wait;

	for (const struct task *task = process->tasks; task; task = task->next) {
		if (task->asleep)
			return "asleep";
		if (task->listening)
			return "stopped by a signal such as SIGSTOP";
	}
	wait = waiting(x, process);
	if (!wait.text)
		return "running";
	return wait.at ? say(x, "waits in %s at %s", wait.text, wait.at)
		       : say(x, "waits in %s", wait.text);
}

const char *ending_text(struct exam *x, const struct program *p)
{
	struct ending end = ending(p);

	if (end.how == EXITED && program_living(p) > 0) {
		for (struct process *process = p->first; process; process = process->next)
			if (!process->gone)
				return say(x, "exit %d, but leaves a process behind that %s",
					   end.status, doing(x, process));
	}
	if (end.how == EXITED)
		return say(x, "exit %d", end.status);
	if (end.how == KILLED)
		return say(x, "killed by %s", signal_name(x, end.status));
	if (p->spent)
		return say(x, "still running, out of %s", p->spent);
	return say(x, "still running: %s", doing(x, p->first));
}

/* ---- processes ---- */

struct process *first_process(const struct program *p)
{
	return p->first;
}

struct process *next_process(const struct process *process)
{
	return process->next;
}

struct process *child_of(const struct process *parent)
{
	for (struct process *process = ((struct program *)parent->program)->first; process;
	     process = process->next)
		if (process->parent == parent)
			return process;
	return NULL;
}

bool alive(const struct process *process)
{
	return !process->gone && process->memory >= 0;
}

pid_t pid_of(const struct process *process)
{
	return process->ns_pid;
}

bool was_reaped(const struct process *process)
{
	return process->reaped;
}

struct program *program_of(const struct process *process)
{
	return process->program;
}

int64_t cpu_us(struct exam *x, const struct program *p)
{
	(void)x;
	return program_cpu(p) / 1000;
}

int64_t asked_sleep_ms(const struct program *p)
{
	return p->asked_sleep / NS_PER_MS;
}

int64_t virtual_ms(const struct exam *x)
{
	return x->session->virtual_now / NS_PER_MS;
}

int64_t real_ms(const struct exam *x)
{
	(void)x;
	return clock_now() / NS_PER_MS;
}
