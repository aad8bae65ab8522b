/*
 * map_file: looks at a file through a private read-only mapping.
 *
 *	map_file FILE           prints, one a line:
 *	                            size N        bytes in FILE
 *	                            first 0xHH    the first byte, two lower-case digits
 *	                            middle 0xHH   byte N/2, counted from 0, rounded down
 *	                            last 0xHH     the last byte
 *	                            errors N      lines that contain the word ERROR
 *	                        of an empty FILE only size and errors
 *	map_file FILE OFFSET    prints byte 0xHH, the byte at OFFSET, and nothing else
 *
 * A line ends at a newline only. Bad usage is exit 2; an error is exit 1 and one line on stderr,
 * `map_file: what: reason`.
 *
 * Read: open(2), fstat(2), mmap(2), munmap(2), close(2), memchr(3), memmem(3), fflush(3)
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

/* What the program knows of the mapped file. bytes is NULL while nothing is mapped. */
struct view {
	const unsigned char *bytes;
	size_t size;
};

/* For every run-time error: fail(path, strerror(errno)). */
_Noreturn static void fail(const char *what, const char *reason)
{
	fprintf(stderr, "map_file: %s: %s\n", what, reason);
	exit(1);
}

_Noreturn static void usage(void)
{
	fprintf(stderr, "usage: map_file FILE [OFFSET]\n");
	exit(2);
}

static size_t parse_offset(const char *text)
{
	unsigned long long offset;

	if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
		usage();
	errno = 0;
	offset = strtoull(text, NULL, 10);
	if (errno != 0)
		fail(text, strerror(errno));
	return offset;
}

static struct view map_whole(const char *path)
{
	struct view view = { NULL, 0 };

	/*
	 * TODO 1: Open the file for reading and learn its size. What is no regular file is an
	 * error; make sure that a FIFO cannot stop you at open(2). An empty file is no error.
	 */
	(void)path;

	/*
	 * TODO 2: Map the whole file, read-only and private, and find out whether that worked:
	 * how does mmap(2) report a failure? What does it say to a length of 0?
	 */

	/*
	 * TODO 3: Close the descriptor here, before anybody looks at a byte. Is the mapping
	 * still good afterwards?
	 */
	return view;
}

static size_t count_error_lines(struct view view)
{
	/*
	 * TODO 4: Count the lines with ERROR in them. The bytes are no C string: there is no
	 * NUL at the end, there may be some in between, and behind the last byte there may be
	 * no memory at all.
	 */
	(void)view;
	return 0;
}

static void describe(struct view view)
{
	/* TODO 4, first part: print the size and the three bytes. */
	printf("errors %zu\n", count_error_lines(view));
}

static void show_byte(struct view view, size_t offset, const char *path)
{
	/* TODO 5: Print the byte at offset; an offset behind the end is an error. */
	(void)view;
	(void)offset;
	(void)path;
}

int main(int argc, char **argv)
{
	size_t offset = 0;
	struct view view;

	if (argc < 2 || argc > 3)
		usage();
	if (argc == 3)
		offset = parse_offset(argv[2]);

	view = map_whole(argv[1]);
	if (argc == 3)
		show_byte(view, offset, argv[1]);
	else
		describe(view);

	/*
	 * TODO 6: Give the mapping back, and do not end with 0 when the lines did not reach
	 * stdout (try `./map_file FILE >/dev/full`).
	 */
	return 0;
}
