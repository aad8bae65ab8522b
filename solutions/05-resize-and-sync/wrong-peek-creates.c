// expect: FAIL errors-reported
// peek opens with O_CREAT: a mistyped name becomes an empty file.
#include "lab.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { TRUNCATED = 4 };

/* A piece of a file in memory. A mapping starts at a page border, the bytes asked for need not. */
struct window {
	char *start;
	size_t length;
	char *bytes;
};

static sigjmp_buf look_failed;

static void fail_because(const char *what, const char *reason)
{
	fprintf(stderr, "sized: %s: %s\n", what, reason);
	exit(1);
}

static void fail(const char *what)
{
	fail_because(what, strerror(errno));
}

static int usage(void)
{
	fprintf(stderr, "usage: sized grow|shrink FILE SIZE\n"
			"       sized poke FILE OFFSET TEXT\n"
			"       sized peek FILE OFFSET\n");
	return 2;
}

static int is_number(const char *text)
{
	return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* Of decimal digits only. Too large a number becomes LLONG_MAX, more than any file has. */
static off_t number(const char *text)
{
	return strtoll(text, NULL, 10);
}

static off_t size_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		fail("fstat");
	return st.st_size;
}

static int open_regular(const char *file, int how)
{
	struct stat st;
	int fd = open(file, how | O_NONBLOCK, 0644); /* or the open of a FIFO could wait */

	if (fd == -1 || fstat(fd, &st) == -1)
		fail(file);
	if (!S_ISREG(st.st_mode))
		fail_because(file, "not a regular file");
	return fd;
}

static void finish_output(void)
{
	if (fflush(stdout) == EOF)
		fail("standard output");
}

static void resize(const char *file, off_t size, int growing)
{
	int fd = open_regular(file, O_WRONLY);
	off_t old = size_of(fd);

	if (growing ? size < old : size > old)
		fail_because(file, growing ? "is larger already" : "is smaller already");
	if (ftruncate(fd, size) == -1)
		fail("ftruncate");
	printf("old %lld new %lld\n", (long long)old, (long long)size);
	finish_output();
	close(fd);
}

static struct window map_window(int fd, off_t offset, size_t count, int protection)
{
	off_t border = offset - offset % sysconf(_SC_PAGESIZE);
	struct window w = { .length = (size_t)(offset - border) + count };

	w.start = mmap(NULL, w.length, protection, MAP_SHARED, fd, border);
	if (w.start == MAP_FAILED)
		fail("mmap");
	w.bytes = w.start + (offset - border);
	return w;
}

static void poke(const char *file, off_t offset, const char *text)
{
	size_t count = strlen(text);
	int fd = open_regular(file, O_RDWR);
	off_t size = size_of(fd);

	if (offset > size || (off_t)count > size - offset)
		fail_because(file, "ends before the last byte of the text");
	if (count > 0) {
		struct window w = map_window(fd, offset, count, PROT_READ | PROT_WRITE);

		memcpy(w.bytes, text, count);
		if (msync(w.start, w.length, MS_SYNC) == -1)
			fail("msync");
		munmap(w.start, w.length);
	}
	close(fd);
}

static void on_bus_error(int signal)
{
	(void)signal;
	siglongjmp(look_failed, 1);
}

static int peek(const char *file, off_t offset)
{
	struct sigaction action = { .sa_handler = on_bus_error };
	int fd = open_regular(file, O_RDONLY | O_CREAT);
	volatile unsigned char byte = 0;

	if (offset >= size_of(fd))
		fail_because(file, "ends before this offset");

	struct window w = map_window(fd, offset, 1, PROT_READ);

	if (sigaction(SIGBUS, &action, NULL) == -1)
		fail("sigaction");
	lab_checkpoint("mapped");
	if (sigsetjmp(look_failed, 1) == 0)
		byte = *(volatile unsigned char *)w.bytes;

	/* No signal is no proof: behind the file's end, its last page reads as zero. */
	int gone = offset >= size_of(fd);
	if (gone)
		printf("truncated\n");
	else
		printf("byte 0x%02x\n", byte);
	finish_output();
	munmap(w.start, w.length);
	close(fd);
	return gone ? TRUNCATED : 0;
}

int main(int argc, char *argv[])
{
	if (argc < 4 || !is_number(argv[3]))
		return usage();

	if (argc == 4 && strcmp(argv[1], "grow") == 0)
		resize(argv[2], number(argv[3]), 1);
	else if (argc == 4 && strcmp(argv[1], "shrink") == 0)
		resize(argv[2], number(argv[3]), 0);
	else if (argc == 5 && strcmp(argv[1], "poke") == 0)
		poke(argv[2], number(argv[3]), argv[4]);
	else if (argc == 4 && strcmp(argv[1], "peek") == 0)
		return peek(argv[2], number(argv[3]));
	else
		return usage();
	return 0;
}
