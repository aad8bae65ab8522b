/*
 * The whole file is mapped without any permission. Each page is opened for reading when its turn
 * comes, which makes a VMA of it, and a thread of its own loads a byte. No descriptor is kept.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char *base;
static size_t unit, total;

static void *look(void *page)
{
	static _Thread_local struct rusage u[2];
	static long cost;
	volatile char *byte = base + *(size_t *)page * unit + unit - 1;

	if (mprotect(base + *(size_t *)page * unit, unit, PROT_READ) != 0)
		err(1, "mprotect");
	/* Once for nothing: the answers' own page must be there before it counts. */
	for (int i = -1; i < 2; i++) {
		if (i == 1)
			(void)*byte;
		if (getrusage(RUSAGE_THREAD, &u[i < 0 ? 1 : i]) != 0)
			err(1, "getrusage");
	}
	cost = u[1].ru_minflt - u[0].ru_minflt + u[1].ru_majflt - u[0].ru_majflt;
	return &cost;
}

static unsigned long kilobytes(void)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	char word[4096];
	unsigned long sum = 0, low = 0, value;

	if (!f)
		err(1, "smaps");
	/* Word by word: an address range starts a mapping, "Rss:" is followed by its figure. */
	while (fscanf(f, "%4095s", word) == 1) {
		unsigned long a, b;
		char behind;

		if (sscanf(word, "%lx-%lx%c", &a, &b, &behind) == 2)
			low = a;
		else if (!strcmp(word, "Rss:") && fscanf(f, "%lu", &value) == 1)
			if (low >= (unsigned long)base && low < (unsigned long)base + total * unit)
				sum += value;
	}
	fclose(f);
	return sum;
}

int main(int argc, char **argv)
{
	struct stat st;
	int fd;

	program_invocation_name = program_invocation_short_name;
	for (int i = 2; i < argc; i++)
		for (char *c = argv[i]; c == argv[i] || *c; c++)
			if (*c < '0' || *c > '9')
				argc = 0;
	if (argc < 3) {
		fprintf(stderr, "usage: %s FILE PAGE...\n", program_invocation_short_name);
		exit(2);
	}
	unit = (size_t)sysconf(_SC_PAGE_SIZE);
	if (stat(argv[1], &st) != 0)
		err(1, "%s", argv[1]);
	if ((st.st_mode & S_IFMT) != S_IFREG)
		errx(1, "%s: no regular file", argv[1]);
	if ((fd = open(argv[1], O_RDONLY)) < 0)
		err(1, "%s", argv[1]);
	total = ((size_t)st.st_size + unit - 1) / unit;

	size_t *page = calloc((size_t)argc, sizeof *page);
	if (!page)
		err(1, "calloc");
	for (int i = 2; i < argc; i++)
		if ((page[i] = strtoul(argv[i], NULL, 10)) >= total)
			errx(1, "page %s: beyond the end", argv[i]);

	if ((base = mmap(0, total * unit, PROT_NONE, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
		err(1, "mmap");
	close(fd);
	for (int i = 2; i < argc; i++) {
		pthread_t thread;
		void *cost;

		errno = pthread_create(&thread, NULL, look, &page[i]);
		if (errno || (errno = pthread_join(thread, &cost)))
			err(1, "thread");
		printf("page %zu resident_kb %lu faults %ld\n", page[i], kilobytes(),
		       *(long *)cost);
		if (fflush(stdout))
			err(1, "stdout");
	}

	unsigned char *in = calloc(total, 1);
	size_t count = 0;
	if (!in || mincore(base, total * unit, in))
		err(1, "mincore");
	for (size_t i = 0; i < total; i++)
		count += in[i];
	printf("cached %zu of %zu\n", count, total);
	munmap(base, total * unit);
	if (fclose(stdout))
		err(1, "stdout");
}
