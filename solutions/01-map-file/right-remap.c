/*
 * A helper mapping of one page without any right, grown by mremap to more than the file and opened
 * by mprotect. Longer than the file is allowed as long as nobody goes there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char *name;

static void *sure(void *map)
{
	if (map == MAP_FAILED) {
		fprintf(stderr, "%s: mmap: %s\n", name, strerror(errno));
		exit(1);
	}
	return map;
}

static void stop(const char *path, const char *reason)
{
	fprintf(stderr, "%s: %s: %s\n", name, path, reason);
	exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	size_t page = sysconf(_SC_PAGESIZE), length, n, at = 0, errors = 0;
	unsigned char *map;
	struct stat st;
	FILE *file;

	name = argv[0];
	if (argc < 2 || argc > 3) {
usage:
		fprintf(stderr, "usage: %s FILE [OFFSET]\n", name);
		return 2;
	}
	if (argc == 3) {
		size_t digits = strspn(argv[2], "0123456789");

		if (digits == 0 || argv[2][digits] != 0)
			goto usage;
		errno = 0;
		at = strtoull(argv[2], NULL, 10);
		if (errno)
			goto usage;
	}
	/* fopen would wait at a FIFO */
	if (stat(argv[1], &st) < 0)
		stop(argv[1], strerror(errno));
	if (!S_ISREG(st.st_mode))
		stop(argv[1], "is no regular file");
	file = fopen(argv[1], "r");
	if (file == NULL)
		stop(argv[1], strerror(errno));
	n = st.st_size;
	length = (n / page + 3) * page;
	map = sure(mmap(NULL, page, PROT_NONE, MAP_PRIVATE, fileno(file), 0));
	map = sure(mremap(map, page, length, MREMAP_MAYMOVE));
	if (mprotect(map, length, PROT_READ) < 0)
		stop("mprotect", strerror(errno));
	fclose(file);

	if (argc == 3) {
		if (at >= n)
			stop(argv[2], "beyond the last byte");
		printf("byte 0x%02x\n", map[at]);
	} else {
		printf("size %zu\n", n);
		/* the last one first: the order of looking is free */
		if (n != 0) {
			int last = map[n - 1], middle = map[n / 2], first = map[0];

			printf("first 0x%02x\nmiddle 0x%02x\nlast 0x%02x\n", first, middle, last);
		}
		for (at = 0; n >= 5 && at <= n - 5; at++) {
			if (memcmp(map + at, "ERROR", 5) != 0)
				continue;
			errors++;
			while (at < n && map[at] != '\n')
				at++;
		}
		printf("errors %zu\n", errors);
	}
	if (ferror(stdout) || fclose(stdout) != 0)
		stop("stdout", strerror(errno));
	if (munmap(map, length) < 0)
		stop("munmap", strerror(errno));
	return EXIT_SUCCESS;
}
