/*
 * maps.h: the address space of a process, from the text of /proc/PID/maps or /proc/PID/smaps
 * (proc_pid_maps(5), proc_pid_smaps(5)). Pure: text in, answers out; proc.h opens the files.
 *
 * Which file does a VMA map? Compare device and inode, never the name. Take them from
 * proc_file_identity() (proc.h), not from stat(2): on btrfs, for one, stat(2) reports another
 * device than maps does.
 */
#ifndef PROCFS_MAPS_H
#define PROCFS_MAPS_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What smaps adds to a VMA. Amounts in kB (1024 bytes) as the kernel prints them; a field that
 * this kernel does not print is 0. */
struct vma_memory {
	bool known; /* read from smaps; all else is 0 when false */
	uint64_t size_kb, rss_kb, pss_kb;
	uint64_t shared_clean_kb, shared_dirty_kb, private_clean_kb, private_dirty_kb;
	uint64_t referenced_kb, anonymous_kb, anon_huge_kb, swap_kb;
	char flags[128]; /* VmFlags, such as "rd wr mr mw me ac sd"; see vma_has_flag() */
};

struct vma {
	uint64_t start, end;   /* addresses: the first byte, and the first one behind */
	uint64_t offset;       /* in the file, in bytes, of start */
	uint64_t inode;	       /* of the file; see vma_has_file() */
	unsigned major, minor; /* device of the file */
	char perms[5];	       /* "rw-p": read, write, execute, p(rivate) or s(hared) */
	bool deleted;	       /* the kernel wrote " (deleted)" behind the path */
	/* "" when anonymous, else the path without " (deleted)", or "[heap]" and its like. A
	 * newline in it stands as \012, as the kernel prints it. (A file really named "x (deleted)"
	 * cannot be told from a deleted "x": ask device and inode.) */
	const char *path;
	const char *line; /* the line of maps, raw, without its newline: evidence */
	struct vma_memory memory;
};

/* One snapshot, in rising order of addresses. Everything is owned by the arena that it came from.
 */
struct maps {
	struct vma *vma;
	size_t count;
};

/*
 * Parses all of /proc/PID/maps; TEXT is copied. False on a line that is none of maps (out is then
 * empty). A text without a line is right and gives no VMA: so does a zombie.
 */
bool maps_parse(struct arena *arena, const char *text, size_t size, struct maps *out);

/* The same for /proc/PID/smaps. Fields with names unknown to us are passed over. */
bool smaps_parse(struct arena *arena, const char *text, size_t size, struct maps *out);

/* Whether PERMS ("rw-s", where '?' stands for any character: "r???") describes the VMA. */
bool vma_perms_are(const struct vma *vma, const char *perms);

/*
 * Whether a file is behind the VMA, or shared memory, which the kernel keeps as files too. Not the
 * same as inode != 0: the inode of a System V segment is its shmid, and that of the first one of a
 * namespace is 0.
 */
bool vma_has_file(const struct vma *vma);

/* Whether the VMA maps the file of that device and inode. False for anonymous memory. */
bool vma_is_file(const struct vma *vma, unsigned major, unsigned minor, uint64_t inode);

/* Whether VmFlags holds the two-letter FLAG ("sr", "hg"); false when memory is not known. */
bool vma_has_flag(const struct vma *vma, const char *flag);

/* The VMA that holds ADDRESS, or NULL. Pointers into the snapshot, here and below. */
const struct vma *maps_at(const struct maps *maps, uint64_t address);

/* The first VMA whose path is exactly PATH ("[heap]", "/dev/shm/ring"), or NULL. */
const struct vma *maps_named(const struct maps *maps, const char *path);

/* The next VMA of the file behind PREVIOUS (NULL: from the beginning), or NULL. */
const struct vma *maps_next_of_file(const struct maps *maps, const struct vma *previous, dev_t dev,
				    ino_t ino);

/* All VMAs of the file together. memory is added up and known when all of them were; its flags
 * stay empty. bytes counts addresses: a page mapped twice counts twice. */
struct vma_sum {
	size_t count;
	uint64_t bytes;
	struct vma_memory memory;
};
struct vma_sum maps_sum_of_file(const struct maps *maps, dev_t dev, ino_t ino);

/*
 * Whether the VMAs of the file, in whatever pieces and order, together map the LENGTH bytes from
 * OFFSET of the file. Only VMAs that fit PERMS count (as vma_perms_are()); NULL: all. False for
 * length 0: nothing proves nothing.
 */
bool maps_cover_file(const struct maps *maps, dev_t dev, ino_t ino, uint64_t offset,
		     uint64_t length, const char *perms);

/* The lowest address at which byte OFFSET of the file is mapped; 0 when it is not. */
uint64_t maps_address_of(const struct maps *maps, dev_t dev, ino_t ino, uint64_t offset);

/*
 * What changed between two snapshots of one process, by address and not by VMA, for VMAs are merged
 * and split at the kernel's will. ADDED: the ranges of AFTER that BEFORE did not have at that place
 * with the same permissions and the same backing (file and offset, or name for anonymous memory).
 * REMOVED: the other way round. So mprotect(2) and mremap(2) show in both. A range that is a part
 * of a VMA has start, end, offset cut to it, its memory is not known, and line is that of the whole
 * VMA. Unlinking a mapped file is no change. Either result may be NULL.
 */
void maps_diff(struct arena *arena, const struct maps *before, const struct maps *after,
	       struct maps *added, struct maps *removed);

#endif
