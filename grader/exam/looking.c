/* Looking at a program that stands still: maps, memory, descriptors, watchpoints. */
#include "exam/exam_inside.h"

#include <sys/sysmacros.h>

#include "base/text.h"
#include "procfs/proc.h"

static const struct maps *maps_of(struct exam *x, const struct process *process, bool with_memory)
{
	struct maps *maps = room(x, sizeof(*maps));

	if (!alive(process))
		return maps;
	if ((with_memory ? proc_smaps(x->arena, process_view(process), maps)
			 : proc_maps(x->arena, process_view(process), maps)) != 0)
		*maps = (struct maps){ 0 };
	return maps;
}

const struct maps *maps_now(struct exam *x, const struct process *process)
{
	return maps_of(x, process, false);
}

const struct maps *smaps_now(struct exam *x, const struct process *process)
{
	return maps_of(x, process, true);
}

struct mapping find_mapping(struct exam *x, struct program *p, const char *file)
{
	struct identity identity = exam_identity(x, file);

	for (struct process *process = p->first; process && identity.known;
	     process = process->next) {
		const struct vma *vma = maps_next_of_file(maps_now(x, process), NULL,
							  identity.map_device, identity.map_inode);

		if (vma)
			return (struct mapping){ process, vma };
	}
	return (struct mapping){ NULL, NULL };
}

/* The maps of its first living process, without what every program has: evidence for a mapping that
 * is missing. */
static const char *own_mappings(struct exam *x, struct program *p)
{
	enum { MOST = 20 };
	const char *text = NULL;
	int lines = 0;

	for (struct process *process = p->first; process; process = process->next) {
		const struct maps *maps = maps_now(x, process);

		for (size_t i = 0; i < maps->count; i++) {
			const struct vma *vma = &maps->vma[i];

			if (!vma_has_file(vma) || text_starts(vma->path, "/usr/") ||
			    text_starts(vma->path, "/lib/") || text_starts(vma->path, "/lib64/") ||
			    text_starts(vma->path, "/lab/bin/"))
				continue;
			if (++lines > MOST)
				return say(x, "maps of files: %s; …", text);
			text = text ? say(x, "%s; %s", text, vma->line) : vma->line;
		}
	}
	return text ? say(x, "maps of files: %s", text)
		    : "maps: no file but the program and its libraries";
}

struct mapping need_mapping(struct exam *x, struct program *p, const char *file)
{
	struct mapping mapping = find_mapping(x, p, file);

	if (mapping.vma)
		return mapping; /* evidence for nothing would be long where the VMAs are many */
	need(x, false, .expected = say(x, "a mapping of \"%s\" in the address space", file),
	     .observed = program_living(p) ? "there is none"
					   : say(x, "the program has ended: %s", ending_text(x, p)),
	     .from = own_mappings(x, p), .at = at_stop(x, p),
	     .why = "what the program reads and stores has to go through the mapped file");
	return mapping;
}

struct vma_sum mapped_sum(struct exam *x, const struct process *process, const char *file)
{
	struct identity identity = exam_identity(x, file);

	if (!identity.known)
		return (struct vma_sum){ 0 };
	return maps_sum_of_file(smaps_now(x, process), identity.map_device, identity.map_inode);
}

bool covers(struct exam *x, const struct process *process, const char *file, off_t offset,
	    size_t length, const char *perms)
{
	struct identity identity = exam_identity(x, file);

	return identity.known &&
	       maps_cover_file(maps_now(x, process), identity.map_device, identity.map_inode,
			       (uint64_t)offset, length, perms);
}

uint64_t address_of(struct exam *x, const struct process *process, const char *file, off_t offset)
{
	struct identity identity = exam_identity(x, file);

	if (!identity.known)
		return 0;
	return maps_address_of(maps_now(x, process), identity.map_device, identity.map_inode,
			       (uint64_t)offset);
}

const char *descriptor_of(struct exam *x, struct program *p, const char *file)
{
	struct identity identity = exam_identity(x, file);

	for (struct process *process = p->first; process && identity.known;
	     process = process->next) {
		struct proc_fd *list;
		size_t count;

		if (!alive(process) ||
		    proc_fds(x->arena, process_view(process), &list, &count) != 0)
			continue;
		for (size_t i = 0; i < count; i++)
			if (list[i].dev == identity.device && list[i].ino == identity.inode)
				return say(x, "/proc/%d/fd/%d -> %s", process->ns_pid,
					   list[i].number, list[i].link);
	}
	return NULL;
}

bool peek(struct exam *x, const struct process *process, uint64_t address, void *data, size_t size)
{
	(void)x;
	return process_read(process, address, data, size);
}

bool poke(struct exam *x, const struct process *process, uint64_t address, const void *data,
	  size_t size)
{
	(void)x;
	return process_write(process, address, data, size);
}

/* ---- watchpoints ---- */

static struct watch *add_watch(struct exam *x, const struct watch *wanted)
{
	struct watch *watch = watch_add(&x->session->watches, wanted);

	need_watchpoints(x);
	if (!watch)
		broken(x,
		       "no watchpoint left (there are four), or one that is not aligned to its size");
	return watch;
}

struct watch *watch_file(struct exam *x, const char *file, off_t offset, size_t size,
			 enum watch_kind kind)
{
	struct identity identity = exam_identity(x, file);
	struct watch watch = { .kind = kind,
			       .size = size,
			       .device = identity.map_device,
			       .inode = identity.map_inode,
			       .offset = (uint64_t)offset };

	if (!identity.known)
		broken(x, say(x, "the grader wants to watch \"%s\", which is not there", file));
	return add_watch(x, &watch);
}

/* Shared memory is an object whoever maps it; private memory is an address of this process and its
 * children. */
struct watch *watch_memory(struct exam *x, const struct process *process, uint64_t address,
			   size_t size, enum watch_kind kind)
{
	const struct vma *vma = maps_at(maps_now(x, process), address);
	struct watch watch = { .kind = kind, .size = size };

	if (vma && vma->perms[3] == 's' && vma_has_file(vma)) {
		watch.device = makedev(vma->major, vma->minor);
		watch.inode = vma->inode;
		watch.offset = vma->offset + (address - vma->start);
	} else {
		watch.process = process;
		watch.address = address;
	}
	return add_watch(x, &watch);
}

void unwatch(struct exam *x, struct watch *watch)
{
	watch_remove(&x->session->watches, watch);
}

struct access_info last_access(struct exam *x, const struct program *p)
{
	const struct arch_access *access = &p->stop.access;

	(void)x;
	return (struct access_info){ .known = access->known,
				     .locked = access->locked,
				     .loaded = access->loads,
				     .stored = access->stores,
				     .width = access->width,
				     .pc = p->stop.pc };
}
