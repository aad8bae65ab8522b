/*
 * The SIGBUS handler itself gives the answer and ends the program, with functions of
 * signal-safety(7) only. poke maps the first page, lets mremap(2) extend the mapping over the rest
 * of the text, and syncs it in two pieces, the upper one first.
 */
#define _GNU_SOURCE
#include "lab.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

static const char *volatile watched, *volatile watched_end;

static void trouble(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void bus(int number, siginfo_t *info, void *context)
{
	static const char answer[] = "truncated\n";
	const char *address = info->si_addr;

	(void)context;
	if (address < watched || address >= watched_end) {
		signal(number, SIG_DFL);
		raise(number);
		return;
	}
	if (write(STDOUT_FILENO, answer, sizeof answer - 1) != sizeof answer - 1)
		_exit(1);
	_exit(4);
}

static unsigned char *map_at(int fd, long long offset, size_t count, int rights)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), skew = (size_t)offset % page;
	char *map = mmap(NULL, page, rights, MAP_SHARED, fd, offset - (long long)skew);

	if (map == MAP_FAILED)
		trouble("sized: mmap");
	size_t length = (skew + count + page - 1) / page * page;
	if (length > page && (map = mremap(map, page, length, MREMAP_MAYMOVE)) == MAP_FAILED)
		trouble("sized: mremap");
	watched = map;
	watched_end = map + length;
	return (unsigned char *)map + skew;
}

static void flush_pages(void)
{
	char *start = (char *)watched;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t pages = (size_t)(watched_end - watched) / page, low = pages / 2;

	if (msync(start + low * page, (pages - low) * page, MS_SYNC | MS_INVALIDATE) != 0 ||
	    (low > 0 && msync(start, low * page, MS_SYNC) != 0))
		trouble("sized: msync");
}

int main(int count, char *word[])
{
	const struct sigaction action = { .sa_sigaction = bus, .sa_flags = SA_SIGINFO };
	enum { GROW = 'g', SHRINK = 's', POKE = 'o', PEEK = 'e' } command = 0;
	unsigned char *byte, value;
	long long size, number;
	struct stat st;

	if (count > 3) {
		if (!strcmp(word[1], "grow") || !strcmp(word[1], "shrink"))
			command = *word[1];
		else if (!strcmp(word[1], "poke") || !strcmp(word[1], "peek"))
			command = word[1][1];
		for (const char *c = word[3]; c == word[3] || *c; c++)
			if (!strchr("0123456789", *c) || *c == 0)
				command = 0;
	}
	if (command == 0 || count != (command == POKE ? 5 : 4)) {
		fputs("usage: sized COMMAND FILE NUMBER [TEXT]\n", stderr);
		return 2;
	}
	errno = 0;
	number = strtoll(word[3], NULL, 10);
	if (errno != 0)
		trouble("sized: number");

	int fd = open(word[2], (command == PEEK ? O_RDONLY : O_RDWR) | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		trouble("sized: file");
	size = st.st_size;
	errno = ERANGE;
	if (!S_ISREG(st.st_mode))
		trouble("sized: not regular");

	switch (command) {
	case GROW:
	case SHRINK:
		if (command == GROW ? size > number : size < number)
			trouble("sized: size");
		if (ftruncate(fd, number) != 0)
			trouble("sized: ftruncate");
		printf("old %lld new %lld\n", size, number);
		break;
	case POKE:
		if (number > size || (long long)strlen(word[4]) > size - number)
			trouble("sized: text");
		if (*word[4] == 0)
			break;
		byte = map_at(fd, number, strlen(word[4]), PROT_READ | PROT_WRITE);
		for (const char *c = word[4]; *c; c++)
			*byte++ = (unsigned char)*c;
		flush_pages();
		break;
	case PEEK:
		if (number >= size)
			trouble("sized: offset");
		if (sigaction(SIGBUS, &action, NULL) != 0)
			trouble("sized: sigaction");
		byte = map_at(fd, number, 1, PROT_READ);
		lab_checkpoint("mapped");
		value = *(volatile unsigned char *)byte;
		if (fstat(fd, &st) != 0)
			trouble("sized: fstat");
		if (number >= st.st_size) {
			fputs("truncated\n", stdout);
			return fclose(stdout) == 0 ? 4 : (perror("sized: stdout"), 1);
		}
		printf("byte 0x%02x\n", value);
		break;
	}
	if (fclose(stdout) != 0)
		trouble("sized: stdout");
	return 0;
}
