/*
 * No handler at all: peek lets the kernel look. A write(2) of the mapped byte into a pipe answers
 * EFAULT where a load would get SIGBUS. Raw system calls, the whole file mapped, a file grown by
 * writing its last byte.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int no(const char *what)
{
	return dprintf(2, "sized: %s: %s\n", what, strerror(errno)), 1;
}

static int usage(void)
{
	return dprintf(2, "usage: sized grow|shrink|poke|peek FILE NUMBER [TEXT]\n"), 2;
}

int main(int argc, char **argv)
{
	unsigned char byte;
	char line[80];
	struct stat st;
	int fd, ends[2], writes, status = 0;
	const char *const names[] = { "grow", "shrink", "peek", "poke" };
	int what = 0;

	while (argc > 1 && what < 4 && strcmp(names[what], argv[1]))
		what++;
	if (argc != 4 + (what == 3) || what == 4 || !*argv[3])
		return usage();
	for (char *c = argv[3]; *c; c++)
		if (*c < '0' || *c > '9')
			return usage();
	unsigned long long n = strtoull(argv[3], NULL, 10);

	writes = what != 2;
	fd = (int)syscall(SYS_openat, AT_FDCWD, argv[2], (writes ? O_RDWR : O_RDONLY) | O_NONBLOCK);
	if (fd < 0 || syscall(SYS_fstat, fd, &st) < 0)
		return no(argv[2]);
	if (!S_ISREG(st.st_mode))
		return errno = EINVAL, no(argv[2]);

	unsigned long long size = (unsigned long long)st.st_size;
	size_t length = what == 3 ? strlen(argv[4]) : 1;
	errno = ERANGE;
	if (what == 0 ? n < size || n >> 63 : what == 1 ? n > size : n > size || length > size - n)
		return no(argv[3]);

	if (what == 0 && n > size && syscall(SYS_pwrite64, fd, "", 1, n - 1) != 1)
		return no("pwrite");
	if (what == 1 && syscall(SYS_ftruncate, fd, n) < 0)
		return no("ftruncate");
	int made = what < 2 ? sprintf(line, "old %llu new %llu\n", size, n) : 0;

	char *map = NULL;
	if (what >= 2 && length > 0) {
		map = (char *)syscall(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE * writes,
				      MAP_SHARED, fd, 0L);
		if (map == MAP_FAILED)
			return no("mmap");
	}
	if (what == 3 && length > 0) {
		for (size_t i = 0; i < length; i++)
			map[n + i] = argv[4][i];
		if (syscall(SYS_msync, map, size, MS_SYNC) < 0 || syscall(SYS_fsync, fd) < 0)
			return no("msync");
	}
	if (what == 2) {
		if (syscall(SYS_pipe2, ends, O_NONBLOCK) < 0)
			return no("pipe");
		lab_checkpoint("mapped");
		if (syscall(SYS_write, ends[1], map + n, 1) != 1 && errno != EFAULT)
			return no("write");
		if (syscall(SYS_fstat, fd, &st) < 0)
			return no("fstat");
		if (n >= (unsigned long long)st.st_size)
			made = sprintf(line, "truncated\n"), status = 4;
		else if (syscall(SYS_read, ends[0], &byte, 1) == 1)
			made = sprintf(line, "byte 0x%02x\n", byte);
		else
			return no("look");
	}
	if (made && syscall(SYS_write, 1, line, made) != made)
		return no("stdout");
	return status;
}
