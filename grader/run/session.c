/* The scheduler of a stage; see session.h. */
#include "run/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/die.h"
#include "base/text.h"
#include "run/handlers.h"
#include "stage/host.h"
#include "trace/filter.h"

#define LEAST_PATIENCE (1.0 / 32)

enum {
	WORD_SHOWN = 60,  /* bytes of a word of a command line in messages */
	CPU_LIMIT_S = 15, /* a program that watches the clock instead of sleeping may need ten */
	WALL_LIMIT_S = 60,
	EVENT_LIMIT = 150 * 1000, /* of one run */
	FREEZE_LIMIT_S = 120,
	VIRTUAL_LIMIT_S = 600,
	OUTPUT_LIMIT = 16 << 20,
	FIRST_WAIT_NS = 30 * 1000, /* between two looks whether all is quiet */
	LAST_WAIT_NS = 3 * 1000 * 1000,
};

/* ---- programs ---- */

size_t program_living(const struct program *program)
{
	size_t living = 0;

	for (const struct process *process = program->first; process; process = process->next)
		living += !process->gone;
	return living;
}

int64_t program_cpu(const struct program *program)
{
	int64_t sum = 0, used;

	for (const struct process *process = program->first; process; process = process->next) {
		used = process->gone ? -1 : clock_of_process(process->pid);
		sum += used >= 0 ? used : process->cpu_ns;
	}
	return sum;
}

void program_add(struct program *program, struct process *process)
{
	if (program->last)
		program->last->next = process;
	else
		program->first = process;
	program->last = process;
}

/* ---- the tracer's news ---- */

static void *program_of_launch(void *context)
{
	return ((struct session *)context)->launching;
}

static void process_born(void *context, struct process *process)
{
	(void)context;
	if (process->program)
		program_add(process->program, process);
}

static void process_gone(void *context, struct process *process)
{
	struct program *program = process->program;

	(void)context;
	if (program && process == program->first && !program->launched)
		program->launch_failed = true;
}

/* ---- opening and closing ---- */

static int open_child_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

struct session *session_new(struct stage *stage, struct arena *arena, const char **why)
{
	struct session *session = calloc(1, sizeof(*session));
	struct tracer_hooks hooks = { session, program_of_launch, process_born, process_gone };

	if (!session)
		die("out of memory");
	session->stage = stage;
	session->arena = arena;
	session->began = clock_now();
	session->time_scale = session->patience = 1;
	session->output_limit = OUTPUT_LIMIT;
	session->child_signals = open_child_signals();
	session->tracer = host_lacks(HOST_PTRACE) ? NULL : tracer_new(stage_launcher(stage));
	if (!session->tracer || session->child_signals < 0) {
		*why = "ptrace(2) is refused on this host; see maplab doctor";
		if (session->child_signals >= 0)
			close(session->child_signals);
		tracer_free(session->tracer);
		free(session);
		return NULL;
	}
	session->filter = filter_new(&session->filter_length);
	tracer_set_hooks(session->tracer, &hooks);
	return session;
}

void session_free(struct session *session)
{
	if (!session)
		return;
	session_clear(session);
	tracer_free(session->tracer);
	close(session->child_signals);
	free(session->filter);
	free(session);
}

/* ---- one run ---- */

bool run_moves(const struct run *run, const struct process *process)
{
	return !process->held && !process->gone &&
	       (!run->alone || process->program == run->program);
}

/* The end comes to those who are held, too. */
bool task_moves(const struct run *run, const struct task *task)
{
	return run_moves(run, task->process) && (!task->held || task->stop.kind == STOP_EXIT);
}

static void resume(struct session *session, struct task *task)
{
	if (task->asleep || !task->process || task->process->gone)
		return;
	if (task->how != RESUME_LISTEN)
		watch_prepare(&session->watches, task);
	tracer_resume(session->tracer, task);
}

static void thaw(struct session *session, const struct run *run)
{
	for (struct program *program = session->programs; program; program = program->next)
		for (struct process *process = program->first; process; process = process->next)
			for (struct task *task = process->tasks; task; task = task->next)
				if (task_moves(run, task) && task->stopped &&
				    task->stop.kind == STOP_NONE)
					resume(session, task);
}

/* A running task that a PTRACE_INTERRUPT will bring to a stop. */
static bool can_freeze(const struct task *task)
{
	return !task->stopped && !task->listening && !task->exiting && !task->vforked;
}

static size_t interrupt_all(struct session *session)
{
	size_t running = 0;

	for (struct program *program = session->programs; program; program = program->next)
		for (struct process *process = program->first; process; process = process->next)
			for (struct task *task = process->tasks; task; task = task->next)
				if (can_freeze(task)) {
					tracer_interrupt(task);
					running++;
				}
	return running;
}

/* A thread that ends while its process lives on is let go: who calls execve(2) waits for it and
 * cannot be stopped meanwhile. */
static void let_thread_end(struct session *session, struct task *task)
{
	if (task->stop.kind != STOP_EXIT || digest_ends_process(task))
		return;
	task->exiting = true;
	task->call = NULL;
	task->how = RESUME_CONT;
	task->stop.kind = STOP_NONE;
	tracer_resume(session->tracer, task);
}

/*
 * Threads that another one's exit_group(2) kills pass no PTRACE_EVENT_EXIT, and wait(2) tells of
 * the first one only when all others are gone: here is who stands at its end.
 */
static void note_silent_deaths(struct session *session)
{
	for (struct program *program = session->programs; program; program = program->next)
		for (struct process *process = program->first; process; process = process->next)
			for (struct task *task = process->tasks; task; task = task->next)
				if (can_freeze(task) && task->tid == process->pid &&
				    process->tasks->next && task_is_zombie(task))
					task->exiting = true;
}

static void freeze(struct session *session)
{
	int64_t until = clock_now() + FREEZE_LIMIT_S * NS_PER_S, wait = FIRST_WAIT_NS;

	while (interrupt_all(session) > 0) {
		struct task *task = tracer_poll(session->tracer);

		if (task) {
			let_thread_end(session, task);
		} else if (interrupt_all(session) > 0) { /* the poll may have taken a death */
			if (!session_await(session, wait))
				note_silent_deaths(session);
			wait = wait * 2 < LAST_WAIT_NS ? wait * 2 : LAST_WAIT_NS;
		}
		if (clock_now() > until)
			die("a program on the stage cannot be brought to a stop");
	}
}

/* A stop that came in earlier and was not looked at yet, of somebody who moves now. */
static struct task *undigested(struct session *session, const struct run *run)
{
	for (struct program *program = session->programs; program; program = program->next)
		for (struct process *process = program->first; process; process = process->next)
			for (struct task *task = process->tasks; task; task = task->next)
				if (task_moves(run, task) && task->stopped &&
				    task->stop.kind != STOP_NONE)
					return task;
	return NULL;
}

static bool same_file(const struct moment *moment, const struct event *event)
{
	return !moment->file || (event->inode == moment->inode && event->device == moment->device);
}

static bool is_last_of(const struct program *program)
{
	for (const struct process *process = program->first; process; process = process->next)
		if (!process->gone && !process->ending)
			return false;
	return true;
}

static bool matches(const struct program *program, const struct moment *moment,
		    enum moment_kind kind, const struct task *task, const struct event *event)
{
	if (moment->kind != kind || (moment->by && moment->by != task->process))
		return false;
	switch (kind) {
	case MOMENT_CALL:
	case MOMENT_RETURN:
		if (!call_set_has(&moment->calls, event->call) || !same_file(moment, event))
			return false;
		if (moment->checkpoint !=
			    (event->call == CALL_write && (int)event->args[0] == -1) &&
		    moment->checkpoint)
			return false;
		return !moment->of_descriptor || event_on_descriptor(program, moment, event);
	case MOMENT_SIGNAL:
		return !moment->signal || moment->signal == (int)event->args[0];
	case MOMENT_EXIT:
		return !moment->last || is_last_of(program);
	default:
		return true;
	}
}

static void note_access(const struct process *process, struct stop_info *stop)
{
	enum { MOST = 4096 };
	unsigned char code[MOST];
	uint64_t start = process->image ? image_function_start(process->image, stop->pc) : 0;

	stop->access = (struct arch_access){ 0 };
	if (start && start < stop->pc && stop->pc - start <= MOST &&
	    process_read(process, start, code, stop->pc - start))
		stop->access = arch_access_before(code, stop->pc - start);
}

/* A program that is stopped without end must not use the memory up: its later copies are small. */
static struct moment_copy *copy_for_stop(struct session *session, struct program *program,
					 const struct task *task)
{
	enum { COPY_STOP = 4096, COPY_LITTLE = 256, COPY_SUM = 64 << 20 };
	size_t most = program->stops_copied < COPY_SUM ? COPY_STOP : COPY_LITTLE;

	program->stops_copied += most;
	return moment_copy(session->arena, task->process->image, task->tid, task->process->memory,
			   most);
}

static void note_stop(struct session *session, struct program *program, enum moment_kind kind,
		      struct task *task, struct event *event)
{
	struct stop_info *stop = &program->stop;
	struct arch_registers registers;

	*stop = (struct stop_info){ .process = task->process, .task = task, .event = event };
	program->stopped_once = true;
	task->process->stood = task->tid;
	if (arch_get(task->tid, &registers)) {
		stop->pc = arch_pc(&registers);
		stop->sp = arch_sp(&registers);
	}
	if (event && event->copy)
		stop->copy = event->copy;
	else if (task->process->image && task->process->memory >= 0)
		stop->copy = copy_for_stop(session, program, task);
	if (kind == MOMENT_SIGNAL) {
		stop->signal = (int)event->args[0];
		stop->fault_address = event->args[1];
		stop->signal_code = (int)event->result;
	}
	if (kind == MOMENT_WATCH)
		note_access(task->process, stop);
}

bool run_consider(struct session *session, struct run *run, enum moment_kind kind,
		  struct task *task, struct event *event)
{
	struct program *program = task->process->program;
	const struct watch *watch = NULL;

	if (kind == MOMENT_WATCH)
		watch = session->hit;
	if (program != run->program || run->reached != NOT_YET)
		return false;
	for (int i = 0; run->moments[i].kind != MOMENT_NONE; i++) {
		const struct moment *moment = &run->moments[i];

		if (!matches(program, moment, kind, task, event))
			continue;
		if (kind == MOMENT_WATCH && moment->watch && moment->watch != watch)
			continue;
		note_stop(session, program, kind, task, event);
		program->stop.watch = watch;
		run->reached = i;
		return true;
	}
	return false;
}

/* A moment of the program as a whole: that it ended, or that it is blocked. */
static void consider_whole(struct run *run, enum moment_kind kind)
{
	for (int i = 0; run->reached == NOT_YET && run->moments[i].kind != MOMENT_NONE; i++)
		if (run->moments[i].kind == kind)
			run->reached = i;
}

static int64_t scaled(int64_t limit, double factor)
{
	return (int64_t)((double)limit * factor);
}

static void check_limits(struct run *run, struct session *session)
{
	struct program *program = run->program;
	double patience = program->own_limits ? 1 : session->patience;
	/* a slow host makes programs wait longer, not compute more; tests want all limits small */
	double cpu_scale = session->time_scale < 1 ? session->time_scale : 1;
	const char *spent = NULL;

	if (program->output_lost)
		spent = "output";
	else if (program->event_count - run->events_began > EVENT_LIMIT)
		spent = "system calls";
	else if (program_cpu(program) - run->cpu_began >
		 scaled(program->cpu_limit, patience * cpu_scale))
		spent = "CPU time";
	else if (clock_now() - run->wall_began >
		 scaled(program->wall_limit, patience * session->time_scale))
		spent = "wall time";
	if (!spent)
		return;
	program->spent = spent;
	run->reached = SPENT;
	/* who has once used up a limit will do it again: no need to wait as long each time */
	if (!program->own_limits && session->patience > LEAST_PATIENCE)
		session->patience /= 4;
}

static bool everybody_gone(const struct session *session, struct run *run)
{
	struct program *program = run->program;

	if (program_living(program) > 0 || tracer_expects(session->tracer, program) ||
	    (!program->launched && !program->launch_failed))
		return false;
	consider_whole(run, MOMENT_END);
	if (run->reached == NOT_YET)
		run->reached = RAN_OUT;
	return true;
}

bool session_await(struct session *session, int64_t timeout_ns)
{
	struct pollfd fds[2 + 3 * 32] = { { .fd = session->child_signals, .events = POLLIN } };
	struct timespec timeout = { timeout_ns / NS_PER_S, timeout_ns % NS_PER_S };
	struct signalfd_siginfo info[8];
	nfds_t count = 1;
	int ready;

	for (struct program *program = session->programs; program && count < 3 * 32;
	     program = program->next) {
		fds[count++] = (struct pollfd){ .fd = program->out.fd, .events = POLLIN };
		fds[count++] = (struct pollfd){ .fd = program->err.fd, .events = POLLIN };
		if (program->in.text.size > 0)
			fds[count++] = (struct pollfd){ .fd = program->in.fd, .events = POLLOUT };
	}
	ready = ppoll(fds, count, &timeout, NULL);
	if (ready <= 0)
		return false;
	if (fds[0].revents && read(session->child_signals, info, sizeof(info)) < 0 &&
	    errno != EAGAIN)
		die("cannot read signals: %s", strerror(errno));
	if (ready > (fds[0].revents != 0))
		session_pump(session);
	return fds[0].revents;
}

/* Nothing was to be digested. Is something decided by that? */
static void look_around(struct session *session, struct run *run)
{
	if (everybody_gone(session, run))
		return;
	check_limits(run, session);
	if (run->reached != NOT_YET)
		return;
	if (!run->program->first) { /* the launcher has not forked yet */
		run->program->launch_failed = stage_launch_failed(session->stage,
								  &run->program->spent);
		return;
	}
	session_pump(
		session); /* who waits for input, or for room to print, is not blocked for good */
	if (run->wants_blocked && program_is_blocked(session, run, run->program)) {
		consider_whole(run, MOMENT_BLOCKED);
		return;
	}
	if (!session_is_quiet(session, run))
		return;
	if (run->wants_blocked &&
	    program_is_blocked(session, run,
			       run->program)) /* it came to rest between the two looks */
		consider_whole(run, MOMENT_BLOCKED);
	else
		session_when_quiet(session, run);
}

static void advance(struct session *session, struct run *run, struct task *task)
{
	if (!task_moves(run, task))
		return; /* of somebody who is held: kept for later */
	session_digest(session, run, task);
	if (run->reached == NOT_YET && task->stopped)
		resume(session, task);
	if (++run->digested % 256 == 0 && run->reached == NOT_YET)
		check_limits(run, session);
}

static void go(struct session *session, struct run *run)
{
	int64_t wait = FIRST_WAIT_NS;

	thaw(session, run);
	while (run->reached == NOT_YET) {
		struct task *task = undigested(session, run);

		if (!task)
			task = tracer_poll(session->tracer);
		if (task) {
			advance(session, run, task);
			wait = FIRST_WAIT_NS;
		} else if (!session_await(session, wait)) {
			look_around(session, run);
			wait = wait * 2 < LAST_WAIT_NS ? wait * 2 : LAST_WAIT_NS;
		}
	}
	freeze(session);
}

static void run_begin(const struct session *session, struct run *run)
{
	run->reached = NOT_YET;
	run->cpu_began = program_cpu(run->program);
	run->wall_began = clock_now();
	run->virtual_began = session->virtual_now;
	run->events_began = run->program->event_count;
	run->program->spent = NULL;
	for (int i = 0; run->moments[i].kind != MOMENT_NONE; i++)
		run->wants_blocked |= run->moments[i].kind == MOMENT_BLOCKED;
}

int session_run_to(struct session *session, struct program *program, const struct moment *moments)
{
	struct run run = { .program = program, .moments = moments };

	run_begin(session, &run);
	if (!everybody_gone(session, &run))
		go(session, &run);
	session_pump(session);
	return run.reached;
}

/* ---- start, kill, step ---- */

/* As it is where it is short and plain; else with escapes, cut, and in quotes: single ones, for the
 * whole line is shown in double ones. */
static const char *word_text(struct session *session, const char *word)
{
	size_t length = strlen(word);
	bool plain = length > 0 && length <= WORD_SHOWN;
	char *quoted;

	for (size_t i = 0; i < length && plain; i++)
		plain = word[i] > ' ' && word[i] <= '~';
	if (plain)
		return word;
	quoted = text_quote(session->arena, word, length, WORD_SHOWN);
	*quoted = *strrchr(quoted, '"') = '\'';
	return quoted;
}

static const char *command_text(struct session *session, const char *name,
				const struct launch *launch)
{
	const char *text = launch->actor ? launch->actor : name;

	for (int i = 0; i < LAUNCH_ARGS && launch->args[i]; i++)
		text = arena_format(session->arena, "%s %s", text,
				    word_text(session, launch->args[i]));
	return text;
}

static struct program *program_new(struct session *session, const char *path, const char *name,
				   const struct launch *launch)
{
	struct program *program = arena_take(session->arena, sizeof(*program));
	struct program **end = &session->programs;

	program->session = session;
	program->arena_mark = arena_mark(session->arena);
	program->name = arena_copy(session->arena, name);
	program->command = command_text(session, name, launch);
	program->launch = *launch;
	program->cpu_limit = CPU_LIMIT_S * NS_PER_S;
	program->wall_limit = WALL_LIMIT_S * NS_PER_S;
	program->virtual_limit = VIRTUAL_LIMIT_S * NS_PER_S;
	program->path = arena_copy(session->arena, path);
	while (*end)
		end = &(*end)->next;
	*end = program;
	return program;
}

static bool request(struct session *session, struct program *program, const char *const *prefix,
		    const char *directory, int stdio[3])
{
	const struct launch *launch = &program->launch;
	struct stage_program wish = STAGE_PROGRAM;
	struct limits limits = limits_default();
	const char *argv[LAUNCH_ARGS + 8];
	size_t count = 0;

	argv[count++] = program->name;
	for (; prefix && *prefix && count < 6; prefix++)
		argv[count++] = *prefix;
	for (int i = 0; i < LAUNCH_ARGS && launch->args[i]; i++)
		argv[count++] = launch->args[i];
	argv[count] = NULL;
	limits.value[LIMIT_CPU] =
		4 * CPU_LIMIT_S; /* ours comes first, and says where the program was */
	if (launch->address_space)
		limits.value[LIMIT_ADDRESS_SPACE] = launch->address_space;
	if (launch->file_size)
		limits.value[LIMIT_FILE_SIZE] = launch->file_size;
	if (launch->open_files)
		limits.value[LIMIT_OPEN_FILES] = launch->open_files;
	wish.path = program->path;
	wish.argv = argv;
	wish.directory = directory;
	wish.umask = launch->umask;
	memcpy(wish.stdio, stdio, sizeof(wish.stdio));
	wish.limits = &limits;
	wish.filter = session->filter;
	/* an actor installs it itself, see main.c */
	wish.filter_length = launch->actor ? 0 : session->filter_length;
	wish.no_aslr = launch->fixed_addresses;
	wish.no_thp = !launch->huge_pages;
	return stage_launch(session->stage, &wish) == 0;
}

struct program *session_start(struct session *session, const char *path, const char *name,
			      const char *const *prefix, const struct launch *launch,
			      const char *directory)
{
	static const struct moment to_exec[] = { { .kind = MOMENT_EXEC }, { .kind = MOMENT_NONE } };
	struct program *program = program_new(session, path, name, launch);
	struct run run = { .program = program, .moments = to_exec, .alone = true };
	int stdio[3];
	bool asked = channels_open(session, program, stdio) &&
		     request(session, program, prefix, directory, stdio);

	for (int i = 0; i < 3; i++)
		if (stdio[i] >= 0)
			close(stdio[i]);
	if (!asked) {
		program->launch_failed = true;
		return program;
	}
	session_pump(session);
	session->launching = program;
	run_begin(session, &run);
	go(session, &run);
	session->launching = NULL;
	program->stopped_once = false;
	if (run.reached != 0)
		program->launch_failed = true;
	return program;
}

static void await_gone(struct session *session, const struct process *process)
{
	while (!process->gone) {
		struct task *task = tracer_poll(session->tracer);

		if (!task && !process->gone) {
			session_await(session, NS_PER_S);
		} else if (task && task->process == process) { /* its PTRACE_EVENT_EXIT */
			task->exiting = true;
			task->how = RESUME_CONT;
			task->stop.kind = STOP_NONE;
			tracer_resume(session->tracer, task);
		}
	}
}

void session_kill(struct session *session, struct process *process)
{
	if (process->gone)
		return;
	process->cpu_ns = clock_of_process(process->pid);
	if (process->image && !process->ending)
		image_refresh(process->image, process_view(process));
	kill(process->pid, SIGKILL);
	/* a task that stands at its PTRACE_EVENT_EXIT does not die of it: it is let go */
	for (struct task *task = process->tasks; task; task = task->next)
		if (task->stopped && (task->stop.kind == STOP_EXIT || task->exiting)) {
			task->how = RESUME_CONT;
			task->stop.kind = STOP_NONE;
			task->exiting = true;
			tracer_resume(session->tracer, task);
		}
	await_gone(session, process);
}

void session_clear(struct session *session)
{
	bool again = true;

	session_pump(session);
	while (again) { /* a dying parent's children may still be on their way */
		again = false;
		for (struct program *program = session->programs; program; program = program->next)
			for (struct process *process = program->first; process;
			     process = process->next)
				if (!process->gone) {
					session_kill(session, process);
					again = true;
				}
	}
	for (struct program *program = session->programs; program; program = program->next) {
		channels_close(program);
		for (struct process *process = program->first, *next; process; process = next) {
			next = process->next;
			free(process);
		}
	}
	session->programs = NULL;
	memset(session->watches.watch, 0, sizeof(session->watches.watch));
	session->watches.generation++;
	for (size_t i = 0; i < session->image_count; i++)
		image_free(session->images[i]);
	session->image_count = 0;
	session->virtual_now = 0;
	tracer_forget_births(session->tracer);
}

/* A wait that the freeze has interrupted: its task stands in a stop that was not digested yet, and
 * learns there what to say. */
bool session_end_wait(struct process *process, int error)
{
	bool any = false;

	for (struct task *task = process->tasks; task; task = task->next) {
		if (!task->stopped || !arch_call_is_interrupted(task->tid))
			continue;
		if (task->stop.kind != STOP_INTERRUPT && task->stop.kind != STOP_INTERRUPTED_CALL &&
		    task->stop.kind != STOP_RETURN)
			continue;
		task->end_with = error;
		task->stop.by_us = true;
		any = true;
	}
	return any;
}

struct task *session_stopped_task(const struct program *program, const struct process *process)
{
	for (struct task *task = process->tasks; task; task = task->next)
		if (task == program->stop.task && task->stopped)
			return task;
	/* another process was the last one to stand at a moment: then the thread that did it here
	 */
	for (struct task *task = process->tasks; task; task = task->next)
		if (task->tid == process->stood && task->stopped)
			return task;
	return process->tasks && process->tasks->stopped ? process->tasks : NULL;
}

static bool has_task(const struct process *process, const struct task *task)
{
	for (const struct task *living = process->tasks; living; living = living->next)
		if (living == task)
			return true;
	return false;
}

bool session_step(struct session *session, struct program *program, struct process *process)
{
	const struct moment stepped[] = { { .kind = MOMENT_STEP, .by = process },
					  { .kind = MOMENT_NONE } };
	struct run run = { .program = program, .moments = stepped, .alone = true };
	struct task *task = session_stopped_task(program, process);

	if (process->gone || !task)
		return false;
	run_begin(session, &run);
	if (task->stop.kind != STOP_NONE)
		session_digest(session, &run, task);
	task->stepping = true;
	while (run.reached == NOT_YET && has_task(process, task)) {
		struct task *news;

		if (task->stopped && task->asleep)
			break;
		if (task->stopped) {
			task->how = RESUME_STEP;
			resume(session, task);
		}
		news = tracer_poll(session->tracer);
		if (news == task)
			session_digest(session, &run, news);
		else if (!news && !session_await(session, NS_PER_MS) && has_task(process, task) &&
			 (task->exiting || task_is_blocked(task)))
			break;
	}
	if (has_task(process, task))
		task->stepping = false;
	freeze(session);
	return run.reached == 0;
}
