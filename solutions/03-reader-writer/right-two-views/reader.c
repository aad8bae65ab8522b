/* Stores through one view of the file and looks it up through another; the first lies where a
 * reserved range was, by MAP_FIXED. The file is made under its own name first, with O_EXCL. */
#define _GNU_SOURCE
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_temp(void)
{
	int fd = open("temp", O_RDWR | O_CREAT | O_EXCL, 0666);

	if (fd < 0 && errno == EEXIST)
		fd = open("temp", O_RDWR | O_CREAT | O_NONBLOCK, 0666);
	if (fd < 0)
		err(1, "temp");
	return fd;
}

static int number(void)
{
	char text[16];
	int used = 0, c;

	while (isspace(c = getchar()))
		;
	if (c == EOF)
		errx(1, "stdin: too early at its end");
	if (c == '-' || c == '+') {
		text[used++] = c;
		c = getchar();
	}
	if (!isdigit(c))
		errx(1, "stdin: a digit was expected");
	while (c == '0')
		c = getchar();
	text[used++] = '0';
	for (; isdigit(c); c = getchar()) {
		if (used > 12)
			errx(1, "stdin: too many digits");
		text[used++] = c;
	}
	text[used] = '\0';
	if (c != EOF && !isspace(c))
		errx(1, "stdin: a blank was expected");
	if (atoll(text) > INT_MAX || atoll(text) < INT_MIN)
		errx(1, "stdin: %s is no int", text);
	return atoll(text);
}

int main(int argc, char **argv)
{
	size_t page = sysconf(_SC_PAGESIZE);
	volatile int *in;
	const volatile int *out;
	struct stat st;
	char *range;
	int fd;

	if (argc != 1) {
		fprintf(stderr, "usage: %s\n", argv[0]);
		return 2;
	}
	fd = open_temp();
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		errx(1, "temp: no regular file");
	range = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (range == MAP_FAILED)
		err(1, "mmap");
	out = mmap(range, page, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
	in = mmap(range + 2 * page, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	if (in == MAP_FAILED || out == MAP_FAILED)
		err(1, "temp");
	if (ftruncate(fd, 40))
		err(1, "temp");
	close(fd);
	for (int i = 0; i < 10; i++) {
		int n = number();

		in[i] = n;
		if (out[i] != n)
			errx(1, "temp: the views differ");
		msync((void *)in, 40, MS_ASYNC);
	}
	munmap(range, 3 * page);
	return 0;
}
