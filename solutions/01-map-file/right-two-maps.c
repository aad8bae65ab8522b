/*
 * One map for the three bytes, another for the search, both made while the descriptor is open. A
 * small file is brought in at once by MAP_POPULATE: eager, but not forbidden.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned char *map(int fd, size_t n, int flags)
{
	void *start = mmap(NULL, n, PROT_READ, MAP_PRIVATE | flags, fd, 0);

	if (start == MAP_FAILED)
		err(1, "mmap");
	return start;
}

int main(int argc, char *argv[])
{
	unsigned char *bytes = NULL, *lines = NULL;
	size_t n, errors = 0;
	struct stat st;
	int fd, eager;

	if (argc < 2 || argc > 3 ||
	    (argc == 3 && (!*argv[2] || argv[2][strspn(argv[2], "0123456789")]))) {
		fprintf(stderr, "usage: %s FILE [OFFSET]\n", argv[0]);
		return 2;
	}
	fd = open(argv[1], O_RDONLY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", argv[1]);
	if (!S_ISREG(st.st_mode))
		errx(1, "%s: not a regular file", argv[1]);
	n = st.st_size;
	eager = argc == 2 && n < 1 << 20 ? MAP_POPULATE : 0;
	if (n > 0) {
		bytes = map(fd, n, eager);
		if (argc == 2)
			lines = map(fd, n, eager);
	}
	close(fd);

	if (argc == 3) {
		unsigned long offset = strtoul(argv[2], NULL, 10);

		if (offset >= n)
			errx(1, "%s: not inside the file", argv[2]);
		printf("byte 0x%.2x\n", bytes[offset]);
	} else {
		unsigned char *p = lines, *end = lines + n;

		printf("size %zu\n", n);
		if (n > 0)
			printf("first 0x%.2x\nmiddle 0x%.2x\nlast 0x%.2x\n", bytes[0], bytes[n / 2],
			       bytes[n - 1]);
		while (p < end && (p = memmem(p, end - p, "ERROR", 5)) != NULL) {
			errors++;
			if ((p = memchr(p, '\n', end - p)) == NULL)
				break;
		}
		printf("errors %zu\n", errors);
	}
	if (bytes != NULL)
		munmap(bytes, n);
	if (lines != NULL)
		munmap(lines, n);
	if (fflush(stdout) == EOF)
		err(1, "stdout");
	return 0;
}
