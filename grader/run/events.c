/* What a program did, written down. */
#include "run/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/*
 * Stack copies are for call sites, asked for later. Enough stack to leave libc's deepest wrappers
 * (printf and scanf need some kB); and enough in sum for any program that is not simply looping.
 */
enum { COPY_STACK = 12 << 10, COPY_LITTLE = 256, COPY_SUM = 3 << 20 };

struct event *event_new(struct session *session, struct task *task, enum event_kind kind)
{
	struct process *process = task->process;
	struct program *program = process->program;
	struct event *event = arena_take(session->arena, sizeof(*event));
	size_t most = program->copied < COPY_SUM ? COPY_STACK : COPY_LITTLE;

	event->kind = kind;
	event->process = process;
	event->pid = process->ns_pid;
	event->tid = task->ns_tid;
	event->time = clock_now() - session->began;
	event->virtual_time = session->virtual_now;
	event->path = "";
	if (process->image && task->stopped && program->copied < 2 * COPY_SUM) {
		event->copy = moment_copy(session->arena, process->image, task->tid,
					  process->memory, most);
		program->copied += most;
	}
	if (program->last_event)
		program->last_event->next = event;
	else
		program->events = event;
	program->last_event = event;
	program->event_count++;
	return event;
}

/* The file behind a descriptor. */
static bool stat_descriptor(const struct process *process, int fd, struct stat *st)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", process_view(process), fd);
	return fd >= 0 && stat(path, st) == 0;
}

/* … and what its link says. */
static void name_descriptor(struct session *session, struct event *event,
			    const struct process *process, int fd)
{
	char path[64], link[4096];
	struct stat st;
	ssize_t length;

	if (!stat_descriptor(process, fd, &st))
		return;
	event->device = st.st_dev;
	event->inode = st.st_ino;
	if (*event->path)
		return;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", process_view(process), fd);
	length = readlink(path, link, sizeof(link) - 1);
	if (length > 0)
		event->path = arena_copy_bytes(session->arena, link, (size_t)length);
}

/* Calls from file to file: which argument is the input, which the output. -1 for other calls. */
static int input_argument(enum call call)
{
	switch (call) {
	case CALL_sendfile:
		return 1;
	case CALL_splice:
	case CALL_copy_file_range:
	case CALL_tee:
		return 0;
	default:
		return -1;
	}
}

static int output_argument(enum call call)
{
	return call == CALL_sendfile ? 0 : call == CALL_tee ? 1 : 2;
}

static void name_both_ends(struct session *session, struct event *event,
			   const struct process *process)
{
	struct stat st;

	name_descriptor(session, event, process, (int)event->args[input_argument(event->call)]);
	if (!stat_descriptor(process, (int)event->args[output_argument(event->call)], &st))
		return;
	event->out_device = st.st_dev;
	event->out_inode = st.st_ino;
}

/* lab_checkpoint() is a write(2) to descriptor -1 (common/lab.h): its "path" is the name given. */
static void name_checkpoint(struct session *session, struct event *event,
			    const struct process *process)
{
	char name[64] = "";
	size_t size = event->args[2] < sizeof(name) - 1 ? event->args[2] : sizeof(name) - 1;

	if (process_read(process, event->args[1], name, size))
		event->path = arena_copy_bytes(session->arena, name, size);
}

static void name_call(struct session *session, struct event *event, const struct process *process)
{
	int path = call_path_argument(event->call),
	    descriptor = call_descriptor_argument(event->call);

	if (path >= 0)
		event->path = process_string(session->arena, process, event->args[path], 4095);
	if (event->call == CALL_write && (int)event->args[0] == -1)
		name_checkpoint(session, event, process);
	else if (input_argument(event->call) >= 0)
		name_both_ends(session, event, process);
	else if (descriptor >= 0 && !(event->call == CALL_mmap && event->args[3] & MAP_ANONYMOUS))
		name_descriptor(session, event, process, (int)event->args[descriptor]);
}

void event_begin_call(struct session *session, struct task *task, const struct stop *stop)
{
	struct event *event = event_new(session, task, EVENT_CALL);

	event->call = call_of_number(stop->number);
	memcpy(event->args, stop->args, sizeof(event->args));
	name_call(session, event, task->process);
	task->call = event;
	task->restarting = false;
}

static void note_wait(struct process *process, const struct event *event)
{
	struct program *program = process->program;

	for (struct process *child = program->first; child; child = child->next)
		if (child->gone && child->parent == process &&
		    child->ns_pid == (pid_t)event->result)
			child->reaped = true;
}

static void note_waitid(struct process *process, const struct event *event)
{
	siginfo_t info;

	if (event->args[3] & WNOWAIT || !event->args[2] ||
	    !process_read(process, event->args[2], &info, sizeof(info)) || info.si_pid <= 0)
		return;
	for (struct process *child = ((struct program *)process->program)->first; child;
	     child = child->next)
		if (child->gone && child->parent == process && child->ns_pid == info.si_pid)
			child->reaped = true;
}

/*
 * Sleeps that a timer may cut short must be as real as the timer is. One that is far away is a
 * watchdog for when all hangs, and one that is taken back (all zeros) is none.
 */
static void note_timer(struct process *process, const struct event *event)
{
	enum { WATCHDOG_S = 20 };
	const int argument = event->call == CALL_setitimer ? 1 : 2;
	struct {
		int64_t interval[2], seconds, fraction;
	} timer = { { 0 }, (int64_t)(unsigned)event->args[0], 0 };
	const bool absolute = argument == 2 && event->args[1] & TIMER_ABSTIME;
	bool near = true;

	if (!absolute && (event->call == CALL_alarm ||
			  process_read(process, event->args[argument], &timer, sizeof(timer))))
		near = timer.seconds < WATCHDOG_S && (timer.seconds > 0 || timer.fraction > 0);
	/* there is one alarm for alarm(2) and setitimer(2), of the others there may be many */
	if (event->call == CALL_alarm || event->call == CALL_setitimer)
		process->has_timer = near;
	else
		process->has_timer |= near;
}

/* False only where it is certain: to look anew at thousands of VMAs after each call takes long. */
static bool moves_watched_bytes(const struct session *session, const struct process *process,
				const struct event *event)
{
	const uint64_t *args = event->args;

	switch (event->call) {
	case CALL_madvise:
	case CALL_mprotect:
	case CALL_mincore:
	case CALL_msync:
	case CALL_mlock:
		return false;
	case CALL_munmap:
		return watch_mapping_matters(&session->watches, process, args[0], args[1], false,
					     0);
	case CALL_mmap:
		return watch_mapping_matters(&session->watches, process, (uint64_t)event->result,
					     args[1], !(args[3] & MAP_ANONYMOUS), args[5]);
	default:
		return true;
	}
}

void event_end_call(struct session *session, struct task *task, int64_t result)
{
	struct process *process = task->process;
	struct event *event = task->call;

	task->call = NULL;
	task->restarting = false;
	if (!event)
		return;
	event->returned = true;
	event->result = result;
	if (result < 0)
		return;
	if (call_families(event->call) & FAMILY_OPEN)
		name_descriptor(session, event, process, (int)result);
	if (call_families(event->call) & FAMILY_MAP && moves_watched_bytes(session, process, event))
		watch_mappings_changed(process);
	if (call_families(event->call) & FAMILY_TIMER)
		note_timer(process, event);
	if (event->call == CALL_setsockopt && event->args[1] == SOL_SOCKET &&
	    (event->args[2] == SO_RCVTIMEO || event->args[2] == SO_SNDTIMEO))
		process->has_timer = true; /* it ends waits that show no time-out */
	if (event->call == CALL_wait4 && result > 0)
		note_wait(process, event);
	if (event->call == CALL_waitid)
		note_waitid(process, event);
}
