/* The tracer: see the theory of operation in tracer.h. */
#include "trace/tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include "base/buffer.h"
#include "base/die.h"
#include "procfs/proc.h"
#include "trace/clone3.h"

/* The kernel's own codes for "interrupted, will be made again"; they never reach a program. */
enum { ERESTARTSYS = 512, ERESTART_RESTARTBLOCK = 516 };

enum {
	OPTIONS = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
		  PTRACE_O_TRACEEXEC | PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT |
		  PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL
};

/* A task that was announced by its parent or by its own first stop, whichever came first, and not
 * yet by both. */
struct expected {
	struct expected *next;
	pid_t tid;
	bool from_launcher;
	struct process *parent;
};

struct tracer {
	pid_t launcher;
	struct tracer_hooks hooks;
	struct process **process; /* all that live */
	size_t count, room;
	struct expected *expected;
	struct task *unclaimed; /* born, stopped, parent not heard yet */
	struct task *ready;	/* was unclaimed and is complete now: handed out next */
};

struct tracer *tracer_new(pid_t launcher)
{
	struct tracer *tracer;

	if (ptrace(PTRACE_SEIZE, launcher, 0, OPTIONS) != 0)
		return NULL;
	tracer = calloc(1, sizeof(*tracer));
	if (!tracer)
		die("out of memory");
	tracer->launcher = launcher;
	return tracer;
}

void tracer_set_hooks(struct tracer *tracer, const struct tracer_hooks *hooks)
{
	tracer->hooks = *hooks;
}

/* ---- the books ---- */

static struct task *task_new(pid_t tid)
{
	struct task *task = calloc(1, sizeof(*task));

	if (!task)
		die("out of memory");
	task->tid = task->ns_tid = tid;
	task->stat_fd = task->sched_fd = -1;
	return task;
}

static void task_free(struct task *task)
{
	if (task->stat_fd >= 0)
		close(task->stat_fd);
	if (task->sched_fd >= 0)
		close(task->sched_fd);
	free(task);
}

static void task_unlink(struct task **list, struct task *task)
{
	while (*list && *list != task)
		list = &(*list)->next;
	if (*list)
		*list = task->next;
	task->next = NULL;
}

static void task_append(struct task **list, struct task *task)
{
	while (*list)
		list = &(*list)->next;
	*list = task;
	task->next = NULL;
}

static struct task *find_task(struct tracer *tracer, pid_t tid)
{
	for (size_t i = 0; i < tracer->count; i++)
		for (struct task *task = tracer->process[i]->tasks; task; task = task->next)
			if (task->tid == tid)
				return task;
	for (struct task *task = tracer->unclaimed; task; task = task->next)
		if (task->tid == tid)
			return task;
	return NULL;
}

static struct process *find_process(struct tracer *tracer, pid_t pid)
{
	for (size_t i = 0; i < tracer->count; i++)
		if (tracer->process[i]->pid == pid)
			return tracer->process[i];
	return NULL;
}

static void open_memory(struct process *process)
{
	char path[64];

	if (process->memory >= 0)
		close(process->memory);
	snprintf(path, sizeof(path), "/proc/%d/mem", process->pid);
	process->memory = open(path, O_RDWR | O_CLOEXEC);
}

/* Tgid, PPid and the innermost pid, from lines like "Tgid:\t812" and "NSpid:\t812\t4". */
static void read_ids(pid_t tid, pid_t *tgid, pid_t *parent, pid_t *ns_tid)
{
	struct buffer text = { 0 };
	const char *line, *end;

	*tgid = *ns_tid = tid;
	*parent = 0;
	if (proc_read(tid, "status", &text) == 0) {
		line = strstr(buffer_text(&text), "\nTgid:");
		if (line)
			*tgid = (pid_t)strtol(line + 6, NULL, 10);
		line = strstr(buffer_text(&text), "\nPPid:");
		if (line)
			*parent = (pid_t)strtol(line + 6, NULL, 10);
		line = strstr(buffer_text(&text), "\nNSpid:");
		if (line) {
			end = strchr(line + 1, '\n');
			while (end && end > line && end[-1] != '\t')
				end--;
			*ns_tid = (pid_t)strtol(end ? end : "", NULL, 10);
		}
	}
	buffer_free(&text);
}

static struct process *process_new(struct tracer *tracer, const struct expected *expected,
				   pid_t pid)
{
	struct process *process = calloc(1, sizeof(*process));

	if (!process)
		die("out of memory");
	if (tracer->count == tracer->room) {
		tracer->room = tracer->room ? 2 * tracer->room : 16;
		tracer->process = realloc(tracer->process, tracer->room * sizeof(struct process *));
		if (!tracer->process)
			die("out of memory");
	}
	tracer->process[tracer->count++] = process;
	process->pid = process->ns_pid = pid;
	process->memory = -1;
	process->parent = expected->parent;
	if (expected->parent) {
		process->program = expected->parent->program;
		process->image = expected->parent->image;
		process->running_program = expected->parent->running_program;
	} else if (tracer->hooks.program_of_launch) {
		process->program = tracer->hooks.program_of_launch(tracer->hooks.context);
	}
	open_memory(process);
	return process;
}

/* Both the parent's word and the first stop are there: the task gets its place. */
static void claim(struct tracer *tracer, struct task *task, const struct expected *expected)
{
	struct process *process;
	pid_t tgid, parent;

	read_ids(task->tid, &tgid, &parent, &task->ns_tid);
	process = find_process(tracer, tgid);
	if (!process) {
		process = process_new(tracer, expected, tgid);
		process->ns_pid = task->ns_tid;
		task->process = process;
		task_append(&process->tasks, task);
		if (tracer->hooks.process_born)
			tracer->hooks.process_born(tracer->hooks.context, process);
		return;
	}
	task->process = process;
	task_append(&process->tasks, task);
}

static void forget_process(struct tracer *tracer, struct process *process)
{
	for (size_t i = 0; i < tracer->count; i++) {
		if (tracer->process[i] != process)
			continue;
		memmove(&tracer->process[i], &tracer->process[i + 1],
			(tracer->count - i - 1) * sizeof(struct process *));
		tracer->count--;
		return;
	}
}

static void drop_tasks(struct process *process, const struct task *but)
{
	struct task *task = process->tasks, *next;

	for (; task; task = next) {
		next = task->next;
		if (task == but)
			continue;
		task_unlink(&process->tasks, task);
		task_free(task);
	}
}

static void task_gone(struct tracer *tracer, struct task *task, int status)
{
	struct process *process = task->process;

	if (!process) {
		task_unlink(&tracer->unclaimed, task);
		task_free(task);
		return;
	}
	if (task->tid != process->pid) {
		task_unlink(&process->tasks, task);
		task_free(task);
		return;
	}
	drop_tasks(process, NULL);
	process->gone = true;
	process->status = status;
	if (process->memory >= 0)
		close(process->memory);
	process->memory = -1;
	forget_process(tracer, process);
	if (tracer->hooks.process_gone)
		tracer->hooks.process_gone(tracer->hooks.context, process);
}

/* ---- births ---- */

static void expect_child(struct tracer *tracer, pid_t tid, struct process *parent,
			 bool from_launcher)
{
	struct expected word = { .tid = tid, .parent = parent, .from_launcher = from_launcher };
	struct expected *kept;

	for (struct task *task = tracer->unclaimed; task; task = task->next) {
		if (task->tid != tid)
			continue;
		task_unlink(&tracer->unclaimed, task);
		claim(tracer, task, &word);
		tracer->ready = task;
		return;
	}
	kept = malloc(sizeof(*kept));
	if (!kept)
		die("out of memory");
	*kept = word;
	kept->next = tracer->expected;
	tracer->expected = kept;
}

/* The first stop of a task that nobody knew. True when its parent had announced it. */
static struct task *birth(struct tracer *tracer, pid_t tid)
{
	struct task *task = task_new(tid);
	pid_t tgid, parent;

	task->stopped = true;
	task->stop.kind = STOP_BIRTH;
	for (struct expected **at = &tracer->expected; *at; at = &(*at)->next) {
		struct expected *word = *at;

		if (word->tid != tid)
			continue;
		*at = word->next;
		claim(tracer, task, word);
		free(word);
		return task;
	}
	read_ids(tid, &tgid, &parent, &task->ns_tid);
	if (tgid != tid && find_process(tracer, tgid)) { /* a thread: its process is known */
		claim(tracer, task, &(struct expected){ .tid = tid });
		return task;
	}
	task->maker = find_process(tracer, parent);
	task->orphan = !task->maker && parent != tracer->launcher;
	task_append(&tracer->unclaimed, task);
	return NULL;
}

static void unexpect(struct tracer *tracer, pid_t tid)
{
	for (struct expected **at = &tracer->expected; *at; at = &(*at)->next) {
		struct expected *word = *at;

		if (word->tid != tid)
			continue;
		*at = word->next;
		free(word);
		return;
	}
}

bool tracer_expects(const struct tracer *tracer, const void *program)
{
	for (const struct expected *word = tracer->expected; word; word = word->next)
		if (word->parent && word->parent->program == program)
			return true;
	return false;
}

void tracer_forget_births(struct tracer *tracer)
{
	while (tracer->expected) {
		struct expected *word = tracer->expected;

		tracer->expected = word->next;
		kill(word->tid,
		     SIGKILL); /* it is stopped, or about to be: nobody else has its id */
		free(word);
	}
	for (struct task *task = tracer->unclaimed; task; task = task->next) {
		task->maker = NULL;
		task->orphan = true;
	}
}

/*
 * A task that is killed inside of fork(2) or clone(2) announces nothing: its child stands at its
 * first stop and waits for us. When the maker is gone no word will come any more.
 */
static struct task *orphan(struct tracer *tracer)
{
	for (struct task *task = tracer->unclaimed; task; task = task->next) {
		struct expected word = { .tid = task->tid, .parent = task->maker };

		if (task->orphan)
			kill(task->tid, SIGKILL); /* nobody knows whose it is */
		if (!task->maker || !task->maker->gone)
			continue;
		task_unlink(&tracer->unclaimed, task);
		claim(tracer, task, &word);
		return task;
	}
	return NULL;
}

/* ---- classification of one wait status ---- */

static void classify_call(struct task *task, struct stop *stop)
{
	struct __ptrace_syscall_info info;

	stop->kind = STOP_OTHER;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, sizeof(info), &info) <= 0)
		return;
	switch (info.op) {
	case PTRACE_SYSCALL_INFO_SECCOMP:
		stop->kind = STOP_CALL;
		stop->number = (long)info.seccomp.nr;
		stop->pc = info.instruction_pointer;
		memcpy(stop->args, info.seccomp.args, sizeof(stop->args));
		task->replaced = false;
		if (stop->number == SYS_clone3 && !clone3_replace(task, stop))
			stop->kind = STOP_OTHER;
		break;
	case PTRACE_SYSCALL_INFO_EXIT:
		stop->kind = STOP_RETURN;
		stop->result = info.exit.rval;
		if (stop->result <= -ERESTARTSYS && stop->result >= -ERESTART_RESTARTBLOCK)
			stop->kind = STOP_INTERRUPTED_CALL;
		else
			clone3_put_back(task, task->tid);
		break;
	default: /* the entry of a restarted call */
		break;
	}
}

static void classify_event(struct task *task, struct stop *stop, int event, int signal)
{
	unsigned long message = 0;

	if (event == PTRACE_EVENT_SECCOMP) { /* by far the most frequent one */
		classify_call(task, stop);
		return;
	}
	ptrace(PTRACE_GETEVENTMSG, task->tid, 0, &message);
	switch (event) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		stop->kind = STOP_FORK;
		stop->child = (pid_t)message;
		stop->vfork = event == PTRACE_EVENT_VFORK;
		break;
	case PTRACE_EVENT_VFORK_DONE:
		stop->kind = STOP_VFORK_DONE;
		break;
	case PTRACE_EVENT_EXEC:
		stop->kind = STOP_EXEC;
		break;
	case PTRACE_EVENT_EXIT:
		stop->kind = STOP_EXIT;
		stop->status = (int)message;
		break;
	case PTRACE_EVENT_STOP:
		stop->kind = signal == SIGTRAP ? STOP_INTERRUPT : STOP_GROUP;
		break;
	default:
		stop->kind = STOP_OTHER;
		break;
	}
}

static void classify(struct task *task, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;
	struct stop *stop = &task->stop;

	*stop = (struct stop){ .kind = STOP_OTHER, .by_us = task->interrupted };
	task->stopped = true;
	task->interrupted = task->listening = false;
	task->signal = 0;
	task->how = RESUME_CONT;
	if (event) {
		classify_event(task, stop, event, signal);
	} else if (signal == (SIGTRAP | 0x80)) {
		classify_call(task, stop);
	} else {
		stop->kind = STOP_SIGNAL;
		if (ptrace(PTRACE_GETSIGINFO, task->tid, 0, &stop->info) != 0)
			stop->info.si_signo = signal;
		if (signal == SIGTRAP && stop->info.si_code > 0)
			stop->kind = STOP_TRAP;
	}
}

/* After an exec by another thread than the first, the kernel gives the survivor the first one's id.
 */
static void exec_happened(struct task *task)
{
	struct process *process = task->process;

	drop_tasks(process, task);
	task->call = NULL;
	task->restarting = false;
	task->watch_generation = 0;
	memset(process->slots, 0, sizeof(process->slots));
	process->watch_generation = process->watch_located = 0;
	process->running_program = true;
	open_memory(process);
}

static void launcher_stopped(struct tracer *tracer, int status)
{
	int event = status >> 16, signal = WSTOPSIG(status);
	unsigned long child = 0;

	if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
	    event == PTRACE_EVENT_CLONE) {
		ptrace(PTRACE_GETEVENTMSG, tracer->launcher, 0, &child);
		expect_child(tracer, (pid_t)child, NULL, true);
	}
	if (event == PTRACE_EVENT_STOP && signal != SIGTRAP)
		kill(tracer->launcher, SIGCONT); /* a student's program may not keep it stopped */
	ptrace(PTRACE_CONT, tracer->launcher, 0, 0);
}

/*
 * A task has made another one. Its first stop is awaited here (it comes at once: the kernel has
 * attached us to it), and handed out before the maker's: so nobody takes a program for quiet that
 * has a child on its way, and at the birth of a process its parent stands at the fork still.
 */
static struct task *with_child(struct tracer *tracer, struct task *maker)
{
	pid_t tid = maker->stop.child;
	struct task *child;
	int status;

	if (tid <= 0)
		return maker; /* killed while it stood there: the kernel does not tell any more */
	child = find_task(tracer, tid);
	if (child && child->process)
		return maker; /* a thread that has shown itself */
	expect_child(tracer, tid, maker->process, false);
	child = tracer->ready;
	tracer->ready = NULL;
	while (!child) {
		if (waitpid(tid, &status, __WALL) != tid) {
			if (errno == EINTR)
				continue;
			unexpect(tracer, tid); /* it has been here, and is gone */
			break;
		}
		if (!WIFSTOPPED(status)) { /* killed before it ran */
			unexpect(tracer, tid);
			break;
		}
		child = birth(tracer, tid);
	}
	if (!child)
		return maker;
	clone3_put_back(maker, tid);
	tracer->ready = maker;
	return child;
}

/* One wait status. The task with a new stop, or NULL where none came of it. */
static struct task *take(struct tracer *tracer, pid_t tid, int status)
{
	struct task *task;

	if (tid == tracer->launcher) {
		if (WIFSTOPPED(status))
			launcher_stopped(tracer, status);
		return NULL;
	}
	task = find_task(tracer, tid);
	if (!WIFSTOPPED(status)) {
		if (task)
			task_gone(tracer, task, status);
		else
			unexpect(tracer, tid);
		return NULL;
	}
	if (!task)
		return birth(tracer, tid);
	if (!task->process) { /* still unclaimed, and killed: it stands at its PTRACE_EVENT_EXIT */
		ptrace(PTRACE_CONT, tid, 0, 0);
		return NULL;
	}
	if (status >> 16 == PTRACE_EVENT_EXEC) {
		unsigned long former = 0;
		struct task *survivor;

		ptrace(PTRACE_GETEVENTMSG, tid, 0, &former);
		survivor = find_task(tracer, (pid_t)former);
		if (survivor && survivor != task && survivor->process == task->process) {
			survivor->tid = tid;
			task = survivor;
		}
		exec_happened(task);
	}
	classify(task, status);
	if (task->stop.kind == STOP_FORK)
		return with_child(tracer, task);
	return task;
}

struct task *tracer_poll(struct tracer *tracer)
{
	struct task *task;
	int status;
	pid_t tid;

	for (;;) {
		if (tracer->ready) {
			task = tracer->ready;
			tracer->ready = NULL;
			return task;
		}
		tid = waitpid(-1, &status, __WALL | WNOHANG);
		if (tid < 0 && errno == EINTR)
			continue;
		if (tid <= 0)
			return orphan(tracer);
		task = take(tracer, tid, status);
		if (task)
			return task;
	}
}

/* ---- moving on ---- */

void tracer_resume(struct tracer *tracer, struct task *task)
{
	static const int requests[] = {
		[RESUME_CONT] = PTRACE_CONT,
		[RESUME_TO_RETURN] = PTRACE_SYSCALL,
		[RESUME_STEP] = PTRACE_SINGLESTEP,
		[RESUME_LISTEN] = PTRACE_LISTEN,
	};

	(void)tracer;
	task->stopped = false;
	task->listening = task->how == RESUME_LISTEN;
	ptrace(requests[task->how], task->tid, 0, task->listening ? 0 : (long)task->signal);
	task->signal = 0;
}

void tracer_interrupt(struct task *task)
{
	if (task->interrupted)
		return;
	task->interrupted = true;
	ptrace(PTRACE_INTERRUPT, task->tid, 0, 0);
}

pid_t process_view(const struct process *process)
{
	/* what runs may be dead by now: killed by another's exit_group(2), nobody tells of it */
	for (const struct task *task = process->tasks; task; task = task->next)
		if (task->stopped)
			return task->tid;
	for (const struct task *task = process->tasks; task; task = task->next)
		if (!task->exiting)
			return task->tid;
	return process->pid;
}

size_t process_running_tasks(const struct process *process)
{
	size_t running = 0;

	for (const struct task *task = process->tasks; task; task = task->next)
		running += !task->stopped;
	return running;
}

void tracer_free(struct tracer *tracer)
{
	if (!tracer)
		return;
	while (tracer->count > 0) {
		struct process *process = tracer->process[--tracer->count];

		drop_tasks(process, NULL);
		if (process->memory >= 0)
			close(process->memory);
	}
	while (tracer->unclaimed) {
		struct task *task = tracer->unclaimed;

		task_unlink(&tracer->unclaimed, task);
		task_free(task);
	}
	tracer_forget_births(tracer);
	free(tracer->process);
	free(tracer);
}

/* ---- memory ---- */

bool process_read(const struct process *process, uint64_t address, void *data, size_t size)
{
	return process->memory >= 0 &&
	       pread(process->memory, data, size, (off_t)address) == (ssize_t)size;
}

bool process_write(const struct process *process, uint64_t address, const void *data, size_t size)
{
	return process->memory >= 0 &&
	       pwrite(process->memory, data, size, (off_t)address) == (ssize_t)size;
}

const char *process_string(struct arena *arena, const struct process *process, uint64_t address,
			   size_t most)
{
	char text[4096];
	ssize_t got;

	if (most > sizeof(text) - 1)
		most = sizeof(text) - 1;
	got = process->memory >= 0 ? pread(process->memory, text, most, (off_t)address) : -1;
	if (got <= 0) /* near the end of a mapping only a shorter piece can be read: pread is short
			 then, not failing */
		return "";
	text[got] = '\0';
	return arena_copy(arena, text);
}
