/* Maps temp for each value anew and unmaps it at once. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#define CHECK(c, w)                                                              \
	do {                                                                     \
		if (!(c)) {                                                      \
			fprintf(stderr, "reader: %s: %s\n", w, strerror(errno)); \
			exit(1);                                                 \
		}                                                                \
	} while (0)
static void prepare(void)
{
	int fd = open("temp", O_RDWR | O_CREAT, 0666);
	CHECK(fd >= 0, "temp");
	CHECK(ftruncate(fd, 40) == 0, "ftruncate");
	CHECK(close(fd) == 0, "close");
}
static void set(int i, int v)
{
	int fd = open("temp", O_RDWR);
	CHECK(fd >= 0, "temp");
	int *p = mmap(NULL, 40, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED, "mmap");
	p[i] = v;
	CHECK(munmap(p, 40) == 0, "munmap");
	CHECK(close(fd) == 0, "close");
}
static int get(int *v)
{
	char w[1000];
	int c, n = 0;
	while (isspace(c = getchar())) {
	}
	while (c > 0 && !isspace(c) && n < 999) {
		w[n++] = c;
		c = getchar();
	}
	if (c == 0 || n == 999 || n == 0)
		return -1;
	w[n] = 0;
	char *e = w;
	if (*e == '-' || *e == '+')
		e++;
	if (!*e)
		return -1;
	for (; *e; e++)
		if (!isdigit((unsigned char)*e))
			return -1;
	errno = 0;
	long l = strtol(w, 0, 10);
	if (errno || l != (int)l)
		return -1;
	*v = l;
	return 0;
}
int main(int argc, char **argv)
{
	(void)argv;
	if (argc != 1) {
		fprintf(stderr, "usage: reader\n");
		exit(2);
	}
	prepare();
	for (int i = 0; i < 10; i++) {
		int v;
		if (get(&v)) {
			fprintf(stderr, "reader: stdin: number %d is missing or bad\n", i + 1);
			exit(1);
		}
		set(i, v);
	}
	return 0;
}
