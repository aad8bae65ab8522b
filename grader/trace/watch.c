/* Watchpoints on objects; see watch.h. */
#include "trace/watch.h"

#include <string.h>

#include "base/arena.h"
#include "procfs/maps.h"
#include "procfs/proc.h"
#include "trace/tracer.h"

enum { MAPS_ROOM = 64 << 20 };

struct watch *watch_add(struct watch_set *set, const struct watch *watch)
{
	uint64_t at = watch->process ? watch->address : watch->offset;

	if ((watch->size != 1 && watch->size != 2 && watch->size != 4 && watch->size != 8) ||
	    at % watch->size)
		return NULL;
	for (size_t i = 0; i < ARCH_WATCH_SLOTS; i++) {
		if (set->watch[i].used)
			continue;
		set->watch[i] = *watch;
		set->watch[i].used = true;
		set->generation++;
		return &set->watch[i];
	}
	return NULL;
}

void watch_remove(struct watch_set *set, struct watch *watch)
{
	watch->used = false;
	set->generation++;
}

bool watch_any(const struct watch_set *set)
{
	for (size_t i = 0; i < ARCH_WATCH_SLOTS; i++)
		if (set->watch[i].used)
			return true;
	return false;
}

void watch_mappings_changed(struct process *process)
{
	process->watch_located = 0;
}

static bool meets(uint64_t from, uint64_t length, uint64_t at, uint64_t size)
{
	return at < from + length && at + size > from;
}

bool watch_mapping_matters(const struct watch_set *set, const struct process *process,
			   uint64_t address, uint64_t length, bool of_file, uint64_t offset)
{
	length += 1 << 16; /* whole pages, of any machine */
	for (int i = 0; i < ARCH_WATCH_SLOTS; i++) {
		const struct watch_slot *slot = &process->slots[i];
		const struct watch *watch = &set->watch[i];

		if (slot->watch && meets(address, length, slot->address, slot->size))
			return true;
		if (of_file && watch->used && !watch->process &&
		    meets(offset, length, watch->offset, watch->size))
			return true;
	}
	return false;
}

static bool descends(const struct process *process, const struct process *ancestor)
{
	while (process && process != ancestor)
		process = process->parent;
	return process;
}

/* Every place where this process sees the watched bytes, one slot each, as long as there are slots.
 */
static size_t places(const struct watch *watch, const struct process *process,
		     const struct maps *maps, struct watch_slot *slot, size_t room)
{
	size_t used = 0;

	if (watch->process) {
		if (room > 0 && descends(process, watch->process))
			slot[used++] = (struct watch_slot){ watch, watch->address, watch->size,
							    watch->kind };
		return used;
	}
	for (const struct vma *vma = NULL;
	     used < room && (vma = maps_next_of_file(maps, vma, watch->device, watch->inode));) {
		uint64_t bytes = vma->end - vma->start;

		if (watch->offset >= vma->offset &&
		    watch->offset + watch->size <= vma->offset + bytes)
			slot[used++] = (struct watch_slot){ watch,
							    vma->start +
								    (watch->offset - vma->offset),
							    watch->size, watch->kind };
	}
	return used;
}

static void find_places(const struct watch_set *set, const struct process *process,
			struct watch_slot *slots)
{
	struct arena *arena = arena_new(MAPS_ROOM, false);
	struct maps maps = { 0 };
	size_t used = 0;

	if (proc_maps(arena, process_view(process), &maps) == 0)
		for (size_t i = 0; i < ARCH_WATCH_SLOTS; i++)
			if (set->watch[i].used)
				used += places(&set->watch[i], process, &maps, slots + used,
					       ARCH_WATCH_SLOTS - used);
	arena_free(arena);
}

static void locate(struct watch_set *set, struct process *process)
{
	struct watch_slot slots[ARCH_WATCH_SLOTS] = { { 0 } };

	if (watch_any(set))
		find_places(set, process, slots);
	process->watch_located = set->generation;
	if (memcmp(slots, process->slots, sizeof(slots)) == 0)
		return;
	memcpy(process->slots, slots, sizeof(slots));
	process->watch_generation++;
	/* Its other threads run on with the old places: they are called in and get the new ones on
	 * the way. */
	for (struct task *task = process->tasks; task; task = task->next)
		if (!task->stopped && !task->listening && !task->exiting)
			tracer_interrupt(task);
}

void watch_prepare(struct watch_set *set, struct task *task)
{
	struct process *process = task->process;

	if (process->watch_located != set->generation)
		locate(set, process);
	if (task->watch_generation == process->watch_generation)
		return;
	for (int i = 0; i < ARCH_WATCH_SLOTS; i++) {
		const struct watch *watch = process->slots[i].watch;

		arch_watch(task->tid, i, process->slots[i].address, watch ? watch->size : 0,
			   watch && watch->kind == WATCH_STORES ? ARCH_WATCH_STORES
								: ARCH_WATCH_ACCESSES);
	}
	task->watch_generation = process->watch_generation;
}

const struct watch *watch_hit(struct task *task)
{
	unsigned hits = arch_watch_hits(task->tid);

	for (int i = 0; i < ARCH_WATCH_SLOTS; i++)
		if (hits >> i & 1)
			return task->process->slots[i].watch;
	return NULL;
}
