/* What has happened: events, found again and put into words. */
#include "exam/exam_inside.h"

#include <sys/ipc.h>
#include <sys/ptrace.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "exam/call_text.h"

const struct event *next_event(const struct program *p, const struct event *previous)
{
	return previous ? previous->next : p->events;
}

static bool on_file(const struct event *event, const struct identity *identity)
{
	return identity->known && event->inode == identity->inode &&
	       event->device == identity->device;
}

const struct event *next_call(struct exam *x, const struct program *p, const struct event *previous,
			      struct call_set calls, const char *file)
{
	struct identity identity = file ? exam_identity(x, file) : (struct identity){ 0 };
	const struct event *event = previous;

	while ((event = next_event(p, event)))
		if (event->kind == EVENT_CALL && call_set_has(&calls, event->call) &&
		    (!file || on_file(event, &identity)))
			return event;
	return NULL;
}

bool works_with_others(struct exam *x, const struct program *p)
{
	const struct call_set births = call_set_both(
		call_set_one(CALL_clone), /* clone3(2) becomes one, too: trace/clone3.h */
		call_set_both(call_set_one(CALL_fork), call_set_one(CALL_vfork)));

	return next_call(x, p, NULL, births, NULL) != NULL;
}

bool makes_a_name(const struct event *event)
{
	switch (event->call) {
	case CALL_open:
		return event->args[1] & O_CREAT;
	case CALL_openat:
		return event->args[2] & O_CREAT;
	case CALL_shmget:
		return event->args[2] & IPC_CREAT;
	case CALL_openat2:
	case CALL_creat:
	case CALL_link:
	case CALL_linkat:
	case CALL_rename:
	case CALL_renameat:
	case CALL_renameat2:
		return true;
	default:
		return false;
	}
}

/* Where did the bytes go, of a call that moves them from one file to another? */
static bool wrote_to(const struct event *event, const struct identity *identity)
{
	if (!(call_families(event->call) & FAMILY_READ))
		return on_file(event, identity);
	return identity->known && event->out_inode == identity->inode &&
	       event->out_device == identity->device;
}

/* Calls that moved bytes out of the file (or into it); rings do it out of sight, so that one was
 * made is enough. */
static const struct event *bytes_by_call(struct exam *x, const struct program *p, const char *file,
					 bool into)
{
	struct call_set rings = call_set_both(call_set_one(CALL_io_uring_setup),
					      call_set_one(CALL_io_setup));
	struct call_set calls = call_set_family(into ? FAMILY_WRITE : FAMILY_READ);
	struct identity identity = exam_identity(x, file);
	const struct event *event = NULL;

	while ((event = next_call(x, p, event, calls, NULL)))
		if ((into ? wrote_to(event, &identity) : on_file(event, &identity)) &&
		    (!event->returned || event->result > 0))
			return event;
	return next_call(x, p, NULL, rings, NULL);
}

const struct event *read_by_call(struct exam *x, const struct program *p, const char *file)
{
	return bytes_by_call(x, p, file, false);
}

const struct event *written_by_call(struct exam *x, const struct program *p, const char *file)
{
	return bytes_by_call(x, p, file, true);
}

/* ---- in words ---- */

const char *from_event(struct exam *x, const struct event *event)
{
	return event_text(x->arena, event);
}

const char *from_vma(struct exam *x, const struct vma *vma)
{
	return vma ? say(x, "maps: %s", vma->line) : NULL;
}

const char *at_event(struct exam *x, const struct event *event)
{
	return event && event->copy ? site_text(x->arena, event->copy) : NULL;
}

const char *at_stop(struct exam *x, const struct program *p)
{
	return p->stop.copy ? site_text(x->arena, p->stop.copy) : NULL;
}

const char *at_mapping(struct exam *x, const struct process *process, const struct vma *vma)
{
	const struct event *event = NULL, *last = NULL;

	while (vma && (event = next_event(process->program, event))) {
		uint64_t start = (uint64_t)event->result;
		bool maps = event->call == CALL_mmap || event->call == CALL_mremap ||
			    event->call == CALL_shmat;

		if (event->kind == EVENT_CALL && maps && event->returned && event->result > 0 &&
		    start <= vma->start &&
		    (event->call == CALL_shmat ? start == vma->start
					       : vma->start < start + event->args[1] + page_size()))
			last = event;
	}
	return at_event(x, last);
}
