/*
 * The parent reads the integers, a child holds the map and stores them. After each one the parent
 * waits for the child's answer, so that nothing is asked for before the last one is in the file.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void fail(const char *what, const char *why)
{
	fprintf(stderr, "reader: %s: %s\n", what, why);
	_exit(1);
}

static void store_all(int line)
{
	struct stat st;
	int value, fd = open("temp", O_RDWR | O_CREAT, 0666);
	int *slot;

	if (fd < 0 || fstat(fd, &st) < 0)
		fail("temp", strerror(errno));
	if (!S_ISREG(st.st_mode))
		fail("temp", "not a regular file");
	if (ftruncate(fd, 10 * sizeof(int)) < 0)
		fail("temp", strerror(errno));
	slot = mmap(NULL, 10 * sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (slot == MAP_FAILED)
		fail("mmap", strerror(errno));
	if (write(line, "r", 1) != 1)
		_exit(1);
	while (read(line, &value, sizeof(value)) == sizeof(value)) {
		*slot++ = value;
		if (write(line, "k", 1) != 1)
			_exit(1);
	}
	_exit(0);
}

static int next(void)
{
	unsigned int digits = 0, most;
	unsigned long long n = 0;
	int c = getc(stdin), sign = '+';

	while (isspace(c))
		c = getc(stdin);
	if (c == '+' || c == '-') {
		sign = c;
		c = getc(stdin);
	}
	most = sign == '-' ? 1u + INT_MAX : INT_MAX;
	while (c >= '0' && c <= '9') {
		digits++;
		if (n <= most)
			n = 10 * n + (c - '0');
		c = getc(stdin);
	}
	if (digits == 0 && c == EOF)
		fail("stdin", "too few integers");
	if (digits == 0 || !(c == EOF || isspace(c)))
		fail("stdin", "no integer");
	if (n > most)
		fail("stdin", "out of range");
	return sign == '-' ? (int)-(long)n : (int)n;
}

int main(int argc, char **argv)
{
	int ends[2], status;
	pid_t child;
	char answer;

	if (argc != 1) {
		fprintf(stderr, "usage: %s\n", argv[0]);
		return 2;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 || (child = fork()) < 0)
		fail("start", strerror(errno));
	if (child == 0) {
		close(ends[0]);
		store_all(ends[1]);
	}
	close(ends[1]);
	signal(SIGPIPE, SIG_IGN);
	/* where the child could not begin it has said why */
	for (int i = 0; i <= 10; i++) {
		int value;

		if (read(ends[0], &answer, 1) != 1)
			_exit(1);
		if (i == 10)
			break;
		value = next();
		if (write(ends[0], &value, sizeof(value)) != sizeof(value))
			_exit(1);
	}
	close(ends[0]);
	if (waitpid(child, &status, 0) < 0 || status != 0)
		return 1;
	return 0;
}
