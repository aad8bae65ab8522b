// expect: FAIL faults-of-the-touch
/* Begins the line between the two counts: the first printf costs faults of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct mapping {
	unsigned char *start;
	size_t pages;
};

static size_t page_size;

static void fail(const char *what)
{
	fprintf(stderr, "demand: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void fail_because(const char *what, const char *reason)
{
	fprintf(stderr, "demand: %s: %s\n", what, reason);
	exit(1);
}

static void usage(void)
{
	fprintf(stderr, "usage: demand FILE PAGE...\n");
	exit(2);
}

/* A page's number: decimal digits only. One that is too large becomes SIZE_MAX: no file has that.
 */
static size_t page_number(const char *text)
{
	if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
		usage();
	return strtoull(text, NULL, 10);
}

/* Maps all of FILE. An empty file cannot be mapped, and needs not be: it has no page to touch. */
static struct mapping map_file(const char *file)
{
	struct mapping map = { NULL, 0 };
	struct stat st;
	int fd = open(file, O_RDONLY | O_NONBLOCK); /* or the open of a FIFO would wait */

	if (fd == -1 || fstat(fd, &st) == -1)
		fail(file);
	if (!S_ISREG(st.st_mode))
		fail_because(file, "not a regular file");

	map.pages = ((size_t)st.st_size + page_size - 1) / page_size;
	if (map.pages > 0) {
		map.start = mmap(NULL, map.pages * page_size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_NORESERVE, fd, 0);
		if (map.start == MAP_FAILED)
			fail("mmap");
	}
	close(fd);
	return map;
}

/* Rss of the mapping: the sum over its lines in smaps, for it may be shown in pieces. */
static unsigned long resident_kb(const struct mapping *map)
{
	uintptr_t start = (uintptr_t)map->start, end = start + map->pages * page_size;
	FILE *smaps = fopen("/proc/self/smaps", "r");
	unsigned long low, high, kb, sum = 0;
	char *line = NULL;
	size_t size = 0;
	int ours = 0;

	if (smaps == NULL)
		fail("/proc/self/smaps");
	while (getline(&line, &size, smaps) != -1) {
		if (sscanf(line, "%lx-%lx ", &low, &high) == 2)
			ours = low >= start && high <= end;
		else if (ours && sscanf(line, "Rss: %lu kB", &kb) == 1)
			sum += kb;
	}
	free(line);
	fclose(smaps);
	return sum;
}

static long faults(void)
{
	struct rusage used;

	if (getrusage(RUSAGE_SELF, &used) == -1)
		fail("getrusage");
	return used.ru_minflt + used.ru_majflt;
}

/* The faults that one store into the page costs. Nothing else may come between the two counts. */
static long touch(const struct mapping *map, size_t page)
{
	volatile unsigned char *byte = map->start + page * page_size;
	long before = faults();

	*byte = 0;
	printf("page %zu ", page);
	return faults() - before;
}

static size_t cached_pages(const struct mapping *map)
{
	unsigned char *in_cache = malloc(map->pages + 1);
	size_t count = 0;

	if (in_cache == NULL)
		fail("malloc");
	if (map->pages > 0 && mincore(map->start, map->pages * page_size, in_cache) == -1)
		fail("mincore");
	for (size_t i = 0; i < map->pages; i++)
		count += in_cache[i] & 1;
	free(in_cache);
	return count;
}

int main(int argc, char *argv[])
{
	if (argc < 3)
		usage();
	for (int i = 2; i < argc; i++)
		page_number(argv[i]);

	page_size = (size_t)sysconf(_SC_PAGESIZE);
	struct mapping map = map_file(argv[1]);

	for (int i = 2; i < argc; i++)
		if (page_number(argv[i]) >= map.pages)
			fail_because(argv[i], "no such page");

	for (int i = 2; i < argc; i++) {
		size_t page = page_number(argv[i]);
		long cost = touch(&map, page);

		printf("resident_kb %lu faults %ld\n", resident_kb(&map), cost);
	}
	printf("cached %zu of %zu\n", cached_pages(&map), map.pages);
	if (fflush(stdout) == EOF || ferror(stdout))
		fail("standard output");
	return 0;
}
