// expect: FAIL reports-failures
/* Whether ftruncate(2) worked is not looked at. */
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
static void fail(const char *what, const char *why)
{
	fprintf(stderr, "reader: %s: %s\n", what, why);
	exit(1);
}
static int number(int *to)
{
	char w[200];
	int n = 0, c;
	while (isspace(c = getchar()))
		;
	while (c != EOF && !isspace(c)) {
		if (n == 199 || c == 0)
			return 0;
		w[n++] = c;
		c = getchar();
	}
	w[n] = 0;
	char *end = w;
	if (*end == '+' || *end == '-')
		end++;
	if (!isdigit((unsigned char)*end))
		return 0;
	errno = 0;
	long v = strtol(w, &end, 10);
	if (*end || errno || v < INT_MIN || v > INT_MAX)
		return 0;
	*to = v;
	return 1;
}
int main(int argc, char **argv)
{
	(void)argv;
	if (argc != 1) {
		fprintf(stderr, "usage: reader\n");
		return 2;
	}
	int fd = open("temp", O_RDWR | O_CREAT, 0666);
	if (fd < 0)
		fail("temp", strerror(errno));
	(void)!ftruncate(fd, 40);
	int *map = mmap(NULL, 40, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		fail("mmap", strerror(errno));
	for (int i = 0; i < 10; i++) {
		int v;
		if (!number(&v))
			fail("stdin", "not ten numbers");
		map[i] = v;
	}
	return 0;
}
