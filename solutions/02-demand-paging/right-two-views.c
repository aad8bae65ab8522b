/*
 * The mapping is put at an address of our choice, in two halves, the upper half first. Touched with
 * madvise(MADV_POPULATE_WRITE), or by a store where the kernel (before Linux 5.14) does not know
 * it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static char *lower, *upper;
static size_t half, pages, bytes;

static int die(const char *what)
{
	int error = errno;

	fflush(stdout);
	return fprintf(stderr, "demand: %s: %s\n", what, strerror(error)), exit(1), 1;
}

static char *at(size_t page)
{
	return page < half ? lower + page * bytes : upper + (page - half) * bytes;
}

static long used(void)
{
	struct rusage r;

	return getrusage(RUSAGE_SELF, &r) ? die("getrusage") : r.ru_minflt + r.ru_majflt;
}

static long rss(void)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	char line[6000];
	char *from = NULL;
	long kb, sum = 0;

	if (!f)
		return die("/proc/self/smaps");
	while (fgets(line, sizeof line, f)) {
		sscanf(line, "%p-%*x ", (void **)&from);
		if (sscanf(line, "Rss: %ld", &kb) == 1)
			if ((from >= lower && from < lower + half * bytes) ||
			    (from >= upper && from < upper + (pages - half) * bytes))
				sum += kb;
	}
	fclose(f);
	return sum;
}

static void map_halves(int fd)
{
	size_t rest = pages - half;
	/* Room for both and a gap; the file's halves are laid over it. */
	char *room = mmap(NULL, (pages + 2) * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED)
		die("mmap");
	lower = room + (rest + 1) * bytes;
	upper = room;
	if (mmap(upper, rest * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd,
		 (off_t)(half * bytes)) == MAP_FAILED)
		die("mmap");
	if (half && mmap(lower, half * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd,
			 0) == MAP_FAILED)
		die("mmap");
}

int main(int argc, char **argv)
{
	struct stat st;
	char *rest;
	int fd;

	for (int i = 2; i < argc; i++)
		if (strtoull(argv[i], &rest, 10),
		    *rest || rest == argv[i] || argv[i][0] < '0' || argv[i][0] > '9')
			return fputs("usage: demand FILE PAGE...\n", stderr), 2;
	if (argc < 3)
		return fputs("usage: demand FILE PAGE...\n", stderr), 2;

	bytes = (size_t)getpagesize();
	if ((fd = open(argv[1], O_NONBLOCK)) < 0 || fstat(fd, &st))
		die(argv[1]);
	if (!S_ISREG(st.st_mode))
		die((errno = ENODEV, argv[1]));
	pages = ((size_t)st.st_size + bytes - 1) / bytes;
	half = pages / 2;
	for (int i = 2; i < argc; i++)
		if (strtoull(argv[i], NULL, 10) >= pages)
			die((errno = ENXIO, argv[i]));
	map_halves(fd);

	for (int i = 2; i < argc; i++) {
		size_t page = strtoull(argv[i], NULL, 10);
		long before = used();

		if (madvise(at(page), bytes, MADV_POPULATE_WRITE))
			*(volatile char *)at(page) = 1;
		before = used() - before;
		printf("page %zu resident_kb %ld faults %ld\n", page, rss(), before);
	}

	unsigned char *in = malloc(pages);
	size_t cached = 0;
	if (!in || mincore(upper, (pages - half) * bytes, in) ||
	    (half && mincore(lower, half * bytes, in + pages - half)))
		die("mincore");
	for (size_t i = 0; i < pages; i++)
		cached += in[i] & 1;
	printf("cached %zu of %zu\n", cached, pages);
	return fclose(stdout) ? die("stdout") : 0;
}
