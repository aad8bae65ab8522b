/*
 * reader: reads ten integers from stdin and stores each in the file "temp", through a mapping.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT 10
#define SIZE  (COUNT * sizeof(int))

_Noreturn static void fail(const char *what, const char *reason)
{
	fprintf(stderr, "reader: %s: %s\n", what, reason);
	exit(1);
}

static int *map_temp(void)
{
	struct stat status;
	void *start;
	int fd = open("temp", O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0666);

	if (fd == -1 || fstat(fd, &status) == -1)
		fail("temp", strerror(errno));
	if (!S_ISREG(status.st_mode))
		fail("temp", "not a regular file");
	/* Never through 0: a writer that looks at the file right now would die of SIGBUS. */
	if (ftruncate(fd, SIZE) == -1)
		fail("temp", strerror(errno));
	/* PROT_READ, too: what is stored may be looked at, on every machine. */
	start = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (start == MAP_FAILED)
		fail("temp", strerror(errno));
	close(fd);
	return start;
}

/* scanf("%d") does not say that a number was too large, so the digits are taken one by one. */
static int read_integer(void)
{
	long long value = 0;
	int digits = 0, minus = 0, c;

	do
		c = getchar();
	while (c != EOF && isspace(c));
	if (c == EOF)
		fail("stdin", ferror(stdin) ? strerror(errno) : "ends before the tenth integer");
	if (c == '-' || c == '+') {
		minus = c == '-';
		c = getchar();
	}
	for (; c != EOF && isdigit(c); c = getchar()) {
		value = value * 10 + (c - '0');
		if (value - minus > INT_MAX)
			fail("stdin", "an integer is too large");
		digits++;
	}
	if (digits == 0 || (c != EOF && !isspace(c)))
		fail("stdin", "not an integer");
	return (int)(minus ? -value : value);
}

int main(int argc, char **argv)
{
	int *slot;

	(void)argv;
	if (argc != 1) {
		fprintf(stderr, "usage: reader\n");
		return 2;
	}
	slot = map_temp();
	for (int i = 0; i < COUNT; i++)
		slot[i] = read_integer();
	if (munmap(slot, SIZE) == -1)
		fail("munmap", strerror(errno));
	return 0;
}
