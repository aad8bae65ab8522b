/*
 * peek sends a child to look: whatever kills the child, the parent can tell. Files are resized by
 * name with truncate(2). poke works on one page after the other, the last one first.
 */
#include "lab.h"

#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct stat stat_of(const char *file)
{
	struct stat st;

	if (stat(file, &st) < 0)
		err(1, "%s", file);
	if (!S_ISREG(st.st_mode))
		errx(1, "%s: no regular file", file);
	return st;
}

static int resize(const char *file, uintmax_t size, bool grow)
{
	uintmax_t old = (uintmax_t)stat_of(file).st_size;

	if (grow ? old > size : old < size)
		errx(1, "%s: has %ju bytes: will not %s", file, old, grow ? "shrink" : "grow");
	if (old != size && truncate(file, (off_t)size) < 0)
		err(1, "truncate");
	if (printf("old %ju new %ju\n", old, size) < 0 || fflush(stdout) != 0)
		err(1, "stdout");
	return 0;
}

static int poke(const char *file, uintmax_t offset, const char *text)
{
	uintmax_t size = (uintmax_t)stat_of(file).st_size, length = strlen(text);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (length == 0)
		return 0;
	if (offset >= size || length > size - offset)
		errx(1, "%s: no room", file);

	int fd = open(file, O_RDWR);
	if (fd < 0)
		err(1, "%s", file);
	for (uintmax_t end = offset + length; end > offset;) {
		uintmax_t border = (end - 1) / page * page;
		uintmax_t from = border > offset ? border : offset;
		char *map = mmap(NULL, page, PROT_WRITE, MAP_SHARED, fd, (off_t)border);

		if (map == MAP_FAILED)
			err(1, "mmap");
		while (end > from) {
			end--;
			map[end - border] = text[end - offset];
		}
		if (msync(map, page, MS_SYNC) < 0)
			err(1, "msync");
		if (munmap(map, page) < 0)
			err(1, "munmap");
	}
	if (close(fd) < 0)
		err(1, "close");
	return 0;
}

static _Noreturn void child(const char *file, uintmax_t offset)
{
	uintmax_t page = (uintmax_t)sysconf(_SC_PAGESIZE);
	int fd = open(file, O_RDONLY);
	if (fd < 0)
		err(1, "%s", file);

	void *map = mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, (off_t)(offset / page * page));
	if (map == MAP_FAILED)
		err(1, "mmap");
	lab_checkpoint("mapped");

	unsigned char byte = ((volatile unsigned char *)map)[offset % page];
	if ((uintmax_t)stat_of(file).st_size <= offset)
		puts("truncated");
	else
		printf("byte 0x%02hhx\n", byte);
	if (fflush(stdout) != 0)
		err(1, "stdout");
	_exit((uintmax_t)stat_of(file).st_size <= offset ? 4 : 0);
}

static int peek(const char *file, uintmax_t offset)
{
	int status;
	pid_t pid;

	if ((uintmax_t)stat_of(file).st_size <= offset)
		errx(1, "%s: has no byte %ju", file, offset);
	if ((pid = fork()) < 0)
		err(1, "fork");
	if (pid == 0)
		child(file, offset);
	if (waitpid(pid, &status, 0) < 0)
		err(1, "waitpid");
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if ((uintmax_t)stat_of(file).st_size > offset)
		errx(1, "look: killed by signal %d", WTERMSIG(status));
	if (puts("truncated") < 0 || fflush(stdout) != 0)
		err(1, "stdout");
	return 4;
}

int main(int argc, char **argv)
{
	uintmax_t n;

	if (argc < 4 || !*argv[3] || strspn(argv[3], "0123456789") != strlen(argv[3]))
		argc = 0;
	else if ((n = strtoumax(argv[3], NULL, 10)) > INT64_MAX)
		errx(1, "%s: too large", argv[3]);
	else if (argc == 4 && (!strcmp(argv[1], "grow") || !strcmp(argv[1], "shrink")))
		return resize(argv[2], n, *argv[1] == 'g');
	else if (argc == 4 && !strcmp(argv[1], "peek"))
		return peek(argv[2], n);
	else if (argc == 5 && !strcmp(argv[1], "poke"))
		return poke(argv[2], n, argv[4]);
	fputs("usage: sized {grow|shrink} FILE SIZE | poke FILE OFFSET TEXT | peek FILE OFFSET\n",
	      stderr);
	return 2;
}
