// expect: FAIL together reports-failures
/* Removes temp and makes a new one: who has mapped the old one sees nothing. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int next_integer(void)
{
	int from = 0, to = 0;
	char *word, *end;
	long value;

	if (scanf(" %n%ms%n", &from, &word, &to) != 1)
		errx(1, "stdin: ends too early");
	errno = 0;
	value = strtol(word, &end, 10);
	if (end - word != to - from)
		errx(1, "%s: not an integer", word);
	if (errno != 0 || value < INT_MIN || value > INT_MAX)
		errx(1, "%s: fits no int", word);
	free(word);
	return value;
}

int main(int argc, char **argv)
{
	struct stat st;
	int fd, *slot;

	if (argc != 1) {
		fprintf(stderr, "usage: %s\n", argv[0]);
		return 2;
	}
	unlink("temp");
	fd = open("temp", O_RDWR | O_CREAT, 0666);
	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "temp");
	if (!S_ISREG(st.st_mode))
		errx(1, "temp: not a regular file");
	if (ftruncate(fd, 10 * sizeof(int)) < 0)
		err(1, "temp");
	slot = mmap(NULL, 10 * sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (slot == MAP_FAILED)
		err(1, "temp");
	close(fd);
	for (int i = 0; i < 10; i++)
		slot[i] = next_integer();
	munmap(slot, 10 * sizeof(int));
	return 0;
}
