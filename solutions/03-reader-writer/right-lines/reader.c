/*
 * Line by line with getline and strtol; mapped before the file has its size, without the right to
 * write, which mprotect adds later. The file is followed through a descriptor that stays open.
 */
#define _GNU_SOURCE
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

static int integer(const char *word)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(word, &end, 10);
	if (end == word || *end != '\0')
		errx(1, "%s: not an integer", word);
	if (errno == ERANGE || value < INT_MIN || value > INT_MAX)
		errx(1, "%s: too large for an int", word);
	return value;
}

int main(int argc, char **argv)
{
	char *line = NULL, *word, *rest;
	size_t room = 0;
	ssize_t length;
	struct stat st;
	int fd, *slot, n = 0;

	if (argc > 1) {
		fprintf(stderr, "usage: %s\n", argv[0]);
		return 2;
	}
	fd = open("temp", O_RDWR | O_CREAT, 0666);
	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "temp");
	if (!S_ISREG(st.st_mode))
		errx(1, "temp: not a regular file");
	slot = mmap(NULL, 40, PROT_READ, MAP_SHARED, fd, 0);
	if (slot == MAP_FAILED)
		err(1, "temp");
	if (st.st_size != 40 && ftruncate(fd, 40) < 0)
		err(1, "temp");
	if (mprotect(slot, 40, PROT_READ | PROT_WRITE) < 0)
		err(1, "mprotect");

	while (n < 10 && (length = getline(&line, &room, stdin)) > 0) {
		/* a NUL in the line is a character like any other that is no digit */
		for (ssize_t i = 0; i < length; i++)
			if (line[i] == '\0')
				line[i] = '?';
		for (word = strtok_r(line, " \t\n\v\f\r", &rest); word != NULL && n < 10;
		     word = strtok_r(NULL, " \t\n\v\f\r", &rest))
			slot[n++] = integer(word);
	}
	if (n < 10)
		errx(1, "stdin: %d of ten integers", n);
	free(line);
	return 0;
}
