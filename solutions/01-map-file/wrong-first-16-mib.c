// expect: FAIL maps-the-file
/* "No log is larger than 16 MiB": what is behind that is neither mapped nor looked at. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORD "ERROR"
#define MOST (16 << 20)

struct view {
	const unsigned char *bytes;
	size_t size;
};

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

/* O_NONBLOCK: opening a FIFO must not wait for somebody who writes. Regular files ignore it. */
static int open_regular(const char *path, size_t *size)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1 || fstat(fd, &status) == -1)
		fail(path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		fail(path, "not a regular file");
	*size = (size_t)status.st_size;
	return fd;
}

static struct view map_whole(const char *path)
{
	struct view view = { NULL, 0 };
	int fd = open_regular(path, &view.size);

	/* A mapping of length 0 is EINVAL, and there is nothing to look at. */
	if (view.size > MOST)
		view.size = MOST;
	if (view.size > 0) {
		void *start = mmap(NULL, view.size, PROT_READ, MAP_PRIVATE, fd, 0);

		if (start == MAP_FAILED)
			fail(path, strerror(errno));
		view.bytes = start;
	}
	/* The mapping keeps the file; the descriptor has done its work. */
	close(fd);
	return view;
}

static size_t count_error_lines(struct view view)
{
	const unsigned char *at = view.bytes;
	const unsigned char *end = at + view.size;
	size_t lines = 0;

	while (at < end) {
		at = memmem(at, end - at, WORD, strlen(WORD));
		if (at == NULL)
			break;
		lines++;
		at = memchr(at, '\n', end - at);
		if (at == NULL)
			break;
		at++;
	}
	return lines;
}

static void describe(struct view view)
{
	printf("size %zu\n", view.size);
	if (view.size > 0) {
		printf("first 0x%02x\n", view.bytes[0]);
		printf("middle 0x%02x\n", view.bytes[view.size / 2]);
		printf("last 0x%02x\n", view.bytes[view.size - 1]);
	}
	printf("errors %zu\n", count_error_lines(view));
}

static void show_byte(struct view view, size_t offset, const char *path)
{
	if (offset >= view.size)
		fail(path, "OFFSET is behind the end");
	printf("byte 0x%02x\n", view.bytes[offset]);
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

	if (view.size > 0 && munmap((void *)view.bytes, view.size) == -1)
		fail("munmap", strerror(errno));
	if (fflush(stdout) == EOF)
		fail("stdout", strerror(errno));
	return 0;
}
