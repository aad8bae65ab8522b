/*
 * pagemap.h: single pages of a process, from /proc/PID/pagemap, proc_pid_pagemap(5) and the
 * kernel's Documentation/admin-guide/mm/pagemap.rst.
 */
#ifndef PROCFS_PAGEMAP_H
#define PROCFS_PAGEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pagemap_entry {
	bool present;	 /* in memory and in the page table */
	bool swapped;	 /* in swap */
	bool file;	 /* a page of a file or of shared anonymous memory */
	bool exclusive;	 /* mapped by this process alone */
	bool soft_dirty; /* written since "4" went to clear_refs; false where the kernel has it not
			  */
	uint64_t pfn;	 /* frame number; 0 without CAP_SYS_ADMIN, or when not present */
};

/* What the 64 bits of one entry mean. Pure. */
struct pagemap_entry pagemap_decode(uint64_t bits);

/*
 * Reads the entry of the page that holds ADDRESS (0: ourselves). Returns 0 or an errno value; the
 * entry is zeroed then. An address that nothing maps gives 0 and an entry of zeros, one beyond the
 * user's part of the address space ([vsyscall] is there) ENODATA.
 */
int pagemap_entry(pid_t pid, uint64_t address, struct pagemap_entry *entry);

/* The same for COUNT pages, that of ADDRESS and the next ones; at most PAGEMAP_MOST. Entries beyond
 * the user's part of the address space are zeroed. */
#define PAGEMAP_MOST 64
int pagemap_entries(pid_t pid, uint64_t address, struct pagemap_entry *entries, size_t count);

#endif
