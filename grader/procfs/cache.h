/*
 * cache.h: what the page cache holds of a file. Functions return 0 (or a count), or -1 with errno.
 * Of use on disk file systems; the pages of tmpfs are its only copy: never written back, never
 * evicted.
 */
#ifndef PROCFS_CACHE_H
#define PROCFS_CACHE_H

#include <stdint.h>

/* All in pages. */
struct cache_stat {
	uint64_t cached, dirty, writeback;
	uint64_t evicted, recently_evicted;
};

/*
 * Counts the pages of OFFSET … OFFSET+LENGTH-1 (length 0: to the end) of the open file by system
 * call 451, cachestat (Linux 6.5). ENOSYS on an older kernel, EPERM on newer ones for a file that
 * we neither own nor may write. A store into a shared mapping makes its page dirty here only when
 * the kernel has noticed it: at the page's first write fault, as every dirty bookkeeping does.
 */
int cache_stat(int fd, uint64_t offset, uint64_t length, struct cache_stat *stat);

/*
 * Asks the kernel to drop the file's pages: fdatasync(2), then posix_fadvise(2) with
 * POSIX_FADV_DONTNEED. Pages that are mapped by someone stay. Look with cache_resident_pages().
 */
int cache_evict(int fd);

/*
 * The number of the file's pages in memory, by mincore(2) on a mapping made for the purpose. FD
 * must be open for reading. For a file that we neither own nor may write the kernel says that all
 * are resident (since Linux 5.2).
 */
int64_t cache_resident_pages(int fd);

#endif
