#include "procfs/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same on every architecture; headers before Linux 6.5 do not know it. */
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

int cache_stat(int fd, uint64_t offset, uint64_t length, struct cache_stat *stat)
{
	struct {
		uint64_t offset, length;
	} range = { offset, length };
	struct {
		uint64_t cached, dirty, writeback, evicted, recently_evicted;
	} found = { 0 };

	*stat = (struct cache_stat){ 0 };
	if (syscall(SYS_cachestat, fd, &range, &found, 0) < 0)
		return -1;
	stat->cached = found.cached;
	stat->dirty = found.dirty;
	stat->writeback = found.writeback;
	stat->evicted = found.evicted;
	stat->recently_evicted = found.recently_evicted;
	return 0;
}

int cache_evict(int fd)
{
	int error;

	if (fdatasync(fd) < 0)
		return -1;
	error = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (error)
		errno = error;
	return error ? -1 : 0;
}

/* Counts the pages of a mapping by mincore(2), a bounded piece at a time. */
static int64_t count_resident(char *map, size_t pages, size_t page)
{
	unsigned char resident[4096];
	int64_t count = 0;

	for (size_t first = 0; first < pages; first += sizeof(resident)) {
		size_t some = pages - first;

		if (some > sizeof(resident))
			some = sizeof(resident);
		if (mincore(map + first * page, some * page, resident) < 0)
			return -1;
		for (size_t i = 0; i < some; i++)
			count += resident[i] & 1;
	}
	return count;
}

int64_t cache_resident_pages(int fd)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pages;
	struct stat st;
	int64_t count;
	int kept;
	char *map;

	if (fstat(fd, &st) < 0)
		return -1;
	if (!st.st_size)
		return 0;
	pages = ((size_t)st.st_size + page - 1) / page;
	map = mmap(NULL, pages * page, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	count = count_resident(map, pages, page);
	kept = errno;
	munmap(map, pages * page);
	errno = kept;
	return count;
}
