/*
 * The file in sixteen mappings side by side: a range is reserved first, then the pieces are laid
 * over it with MAP_FIXED. The inner borders are closed up, so the rest of the program sees one
 * array.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECES 16

static size_t page;

static size_t round_up(size_t n)
{
	return (n + page - 1) / page * page;
}

static char *map_pieces(int fd, size_t size, size_t piece)
{
	char *base = mmap(NULL, round_up(size), PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		err(1, "reserve");
	/* from the last to the first: the order is free */
	for (int i = PIECES - 1; i >= 0; i--) {
		size_t from = i * piece;
		size_t length = from < size ? size - from : 0;

		if (length > piece)
			length = piece;
		if (length > 0 && mmap(base + from, length, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd,
				       from) == MAP_FAILED)
			err(1, "mmap");
	}
	return base;
}

static size_t count(const char *p, size_t n)
{
	const char *end = p + n;
	size_t lines = 0;

	/* line by line, each searched for the word */
	while (p != end) {
		const char *newline = memchr(p, '\n', end - p);
		const char *stop = newline != NULL ? newline : end;

		if (memmem(p, stop - p, "ERROR", 5) != NULL)
			lines++;
		p = newline != NULL ? newline + 1 : end;
	}
	return lines;
}

int main(int argc, char **argv)
{
	size_t size, piece, errors;
	struct stat st;
	char *base = NULL;
	int fd;

	if (argc < 2 || argc > 3 ||
	    (argc == 3 && (!*argv[2] || argv[2][strspn(argv[2], "0123456789")]))) {
		fprintf(stderr, "usage: %s FILE [OFFSET]\n", argv[0]);
		exit(2);
	}
	page = sysconf(_SC_PAGESIZE);
	fd = open(argv[1], O_RDONLY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", argv[1]);
	if (!S_ISREG(st.st_mode))
		errx(1, "%s: not a regular file", argv[1]);
	size = st.st_size;
	piece = round_up(size / PIECES + 1);
	if (size > 0)
		base = map_pieces(fd, size, piece);
	close(fd);

	if (argc == 3) {
		unsigned long long offset = strtoull(argv[2], NULL, 10);

		if (offset >= size)
			errx(1, "%s: behind the end", argv[2]);
		printf("byte 0x%02x\n", (unsigned char)base[offset]);
	} else {
		errors = count(base, size);
		printf("size %zu\n", size);
		if (size > 0)
			printf("first 0x%02hhx\nmiddle 0x%02hhx\nlast 0x%02hhx\n", base[0],
			       base[size / 2], base[size - 1]);
		printf("errors %zu\n", errors);
	}
	/* and given back in two halves */
	if (round_up(size) > piece && munmap(base + piece, round_up(size) - piece) < 0)
		err(1, "munmap");
	if (size > 0 && munmap(base, piece) < 0)
		err(1, "munmap");
	if (fflush(stdout) != 0)
		err(1, "stdout");
	return 0;
}
