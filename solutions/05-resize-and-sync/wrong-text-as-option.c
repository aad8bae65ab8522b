// expect: FAIL poke-stores
// getopt sees the whole command line: a TEXT that begins with a dash is bad usage.
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

static size_t page_size;

static int fail(const char *what)
{
	fprintf(stderr, "sized: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int refuse(const char *what, const char *why)
{
	fprintf(stderr, "sized: %s: %s\n", what, why);
	exit(1);
}

static int usage(void)
{
	fputs("usage: sized grow|shrink FILE SIZE | poke FILE OFFSET TEXT | peek FILE OFFSET\n",
	      stderr);
	return 2;
}

static int parse(const char *text, off_t *value)
{
	if (*text == '\0')
		return 0;
	for (const char *p = text; *p; p++)
		if (!isdigit((unsigned char)*p))
			return 0;
	errno = 0;
	*value = strtoll(text, NULL, 10);
	return 1;
}

static int open_file(const char *name, int flags, struct stat *st)
{
	int fd = open(name, flags | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, st) != 0)
		fail(name);
	if (!S_ISREG(st->st_mode))
		refuse(name, "not a regular file");
	return fd;
}

static void finish(void)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		fail("stdout");
}

static int resize(const char *name, off_t size, int grow)
{
	struct stat st;
	int fd = open_file(name, O_RDWR, &st);

	if (grow && size < st.st_size)
		refuse(name, "would shrink");
	if (!grow && size > st.st_size)
		refuse(name, "would grow");
	if (ftruncate(fd, size) != 0)
		fail(name);
	close(fd);
	printf("old %lld new %lld\n", (long long)st.st_size, (long long)size);
	finish();
	return 0;
}

static int poke(const char *name, off_t offset, const char *text)
{
	struct stat st;
	int fd = open_file(name, O_RDWR, &st);
	size_t length = strlen(text);

	if (offset > st.st_size || (off_t)length > st.st_size - offset)
		refuse(name, "beyond the end");
	if (length == 0)
		return 0;
	size_t in_page = offset % page_size;
	char *map = mmap(NULL, in_page + length, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 offset - in_page);
	if (map == MAP_FAILED)
		fail("mmap");
	memcpy(map + in_page, text, length);
	if (msync(map, in_page + length, MS_SYNC) != 0)
		fail("msync");
	munmap(map, in_page + length);
	close(fd);
	return 0;
}

static sigjmp_buf back;

static void on_bus(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

static int peek(const char *name, off_t offset)
{
	struct stat st;
	int fd = open_file(name, O_RDONLY, &st);

	if (offset >= st.st_size)
		refuse(name, "offset beyond the end");
	size_t in_page = offset % page_size;
	unsigned char *map = mmap(NULL, in_page + 1, PROT_READ, MAP_SHARED, fd, offset - in_page);
	if (map == MAP_FAILED)
		fail("mmap");
	struct sigaction sa = { .sa_handler = on_bus };
	sigaction(SIGBUS, &sa, NULL);
	lab_checkpoint("mapped");
	volatile int byte = -1;
	if (sigsetjmp(back, 1) == 0)
		byte = *(volatile unsigned char *)(map + in_page);
	if (fstat(fd, &st) != 0)
		fail(name);
	if (byte < 0 || offset >= st.st_size) {
		puts("truncated");
		finish();
		return 4;
	}
	printf("byte 0x%02x\n", (unsigned)byte);
	finish();
	munmap(map, in_page + 1);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	off_t number;

	page_size = sysconf(_SC_PAGESIZE);
	opterr = 0;
	if (getopt(argc, argv, "") != -1)
		return usage();
	if (argc < 4 || !parse(argv[3], &number))
		return usage();
	int out_of_range = errno == ERANGE;
	if (argc == 4 && (!strcmp(argv[1], "grow") || !strcmp(argv[1], "shrink"))) {
		if (out_of_range)
			refuse(argv[3], "too large");
		return resize(argv[2], number, argv[1][0] == 'g');
	}
	if (argc == 5 && !strcmp(argv[1], "poke")) {
		if (out_of_range)
			refuse(argv[3], "too large");
		return poke(argv[2], number, argv[4]);
	}
	if (argc == 4 && !strcmp(argv[1], "peek")) {
		if (out_of_range)
			refuse(argv[3], "too large");
		return peek(argv[2], number);
	}
	return usage();
}
