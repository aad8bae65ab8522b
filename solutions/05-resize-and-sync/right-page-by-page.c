// An msync for each page, the last page first.
#include "lab.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static sigjmp_buf escape;
static volatile sig_atomic_t looking;

static int usage(void)
{
	fprintf(stderr,
		"usage: sized grow|shrink FILE SIZE | poke FILE OFFSET TEXT | peek FILE OFFSET\n");
	return 2;
}

static int fail(const char *what)
{
	fprintf(stderr, "sized: %s: %s\n", what, strerror(errno));
	return 1;
}

static bool number(const char *s, int64_t *out)
{
	int64_t n = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *s - '0', &n))
			n = INT64_MAX;
	}
	*out = n;
	return true;
}

static int open_regular(const char *name, int how, struct stat *st)
{
	int fd = open(name, how | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode)) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	return fd;
}

static int resize(const char *name, int64_t size, bool grow)
{
	struct stat st;
	int fd = open_regular(name, O_RDWR, &st);

	if (fd < 0)
		return fail(name);
	if (grow ? size < st.st_size : size > st.st_size) {
		close(fd);
		errno = EINVAL;
		return fail(grow ? "would shrink" : "would grow");
	}
	if (ftruncate(fd, size) < 0) {
		int kept = errno;
		close(fd);
		errno = kept;
		return fail("ftruncate");
	}
	close(fd);
	printf("old %lld new %lld\n", (long long)st.st_size, (long long)size);
	if (fflush(stdout) == EOF)
		return fail("stdout");
	return 0;
}

static int poke(const char *name, int64_t offset, const char *text)
{
	size_t length = strlen(text);
	long page = sysconf(_SC_PAGESIZE);
	struct stat st;
	int fd = open_regular(name, O_RDWR, &st);

	if (fd < 0)
		return fail(name);
	if (offset > st.st_size || (int64_t)length > st.st_size - offset) {
		close(fd);
		errno = ERANGE;
		return fail("poke");
	}
	if (length == 0) {
		close(fd);
		return 0;
	}
	off_t base = offset / page * page;
	size_t skip = offset - base;
	char *map = mmap(NULL, skip + length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, base);
	if (map == MAP_FAILED) {
		close(fd);
		return fail("mmap");
	}
	close(fd);
	memcpy(map + skip, text, length);
	for (size_t at = 0; at < skip + length; at += page) /* a page a call, the last first */
		if (msync(map + (skip + length - 1 - at) / page * page, page, MS_SYNC) < 0)
			return fail("msync");
	munmap(map, skip + length);
	return 0;
}

static void on_bus(int sig)
{
	if (looking)
		siglongjmp(escape, 1);
	signal(sig, SIG_DFL);
	raise(sig);
}

static int truncated(void)
{
	puts("truncated");
	if (fflush(stdout) == EOF)
		return fail("stdout");
	return 4;
}

static int peek(const char *name, int64_t offset)
{
	struct stat st;
	long page = sysconf(_SC_PAGESIZE);
	int fd = open_regular(name, O_RDONLY, &st);

	if (fd < 0)
		return fail(name);
	if (offset >= st.st_size) {
		errno = ERANGE;
		return fail("peek");
	}
	const unsigned char *map = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, offset & -page);
	if (map == MAP_FAILED)
		return fail("mmap");
	signal(SIGBUS, on_bus);
	lab_checkpoint("mapped");
	if (sigsetjmp(escape, 1))
		return truncated();
	looking = 1;
	unsigned byte = *(volatile const unsigned char *)(map + (offset & (page - 1)));
	looking = 0;
	if (fstat(fd, &st) < 0)
		return fail("fstat");
	if (offset >= st.st_size)
		return truncated();
	munmap((void *)map, page);
	printf("byte 0x%02x\n", byte);
	if (fflush(stdout) == EOF)
		return fail("stdout");
	return 0;
}

int main(int argc, char **argv)
{
	int64_t n;

	if (argc == 4 && !strcmp(argv[1], "grow") && number(argv[3], &n))
		return resize(argv[2], n, true);
	if (argc == 4 && !strcmp(argv[1], "shrink") && number(argv[3], &n))
		return resize(argv[2], n, false);
	if (argc == 5 && !strcmp(argv[1], "poke") && number(argv[3], &n))
		return poke(argv[2], n, argv[4]);
	if (argc == 4 && !strcmp(argv[1], "peek") && number(argv[3], &n))
		return peek(argv[2], n);
	return usage();
}
