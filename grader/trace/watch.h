/*
 * watch.h: hardware watchpoints on objects. A watch names bytes of a file (device, inode, offset),
 * of anonymous shared memory (which has an inode too), or an address of one process and its
 * children; where those bytes stand in each process is found in its maps and kept up to date, since
 * every new mapping is a new place.
 */
#ifndef TRACE_WATCH_H
#define TRACE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "trace/arch.h"

struct process;
struct task;

enum watch_kind { WATCH_STORES, WATCH_ACCESSES };

struct watch {
	bool used;
	enum watch_kind kind;
	size_t size;  /* 1, 2, 4 or 8 bytes, aligned */
	dev_t device; /* an object: as maps shows it */
	ino_t inode;
	uint64_t offset;
	const struct process
		*process; /* an address: of this process and its children; NULL for an object */
	uint64_t address;
};

struct watch_set {
	struct watch watch[ARCH_WATCH_SLOTS];
	unsigned generation; /* counts every change */
};

/* NULL when all four are in use, or size and alignment do not fit. */
struct watch *watch_add(struct watch_set *set, const struct watch *watch);
void watch_remove(struct watch_set *set, struct watch *watch);
bool watch_any(const struct watch_set *set);

/* The process's mappings have changed: its places are looked up again before its tasks go on. */
void watch_mappings_changed(struct process *process);

/*
 * Can a mapping made or removed at this address change where a watched byte is seen? A program that
 * maps a file in thousands of pieces is not looked at anew after each.
 */
bool watch_mapping_matters(const struct watch_set *set, const struct process *process,
			   uint64_t address, uint64_t length, bool of_file, uint64_t offset);

/* Before a stopped task is resumed: puts what is due into its debug registers. Cheap when nothing
 * has changed. */
void watch_prepare(struct watch_set *set, struct task *task);

/* At a STOP_TRAP: which watch was hit, NULL when it was none (a step, a breakpoint). */
const struct watch *watch_hit(struct task *task);

#endif
