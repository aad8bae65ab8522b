/* The parent checks, a child stores; the parent does not wait before it asks for the next one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static pid_t kid = -1;
static int pp[2] = { -1, -1 };
static void leave(int how)
{
	if (kid > 0) {
		int s;
		close(pp[1]);
		while (waitpid(kid, &s, 0) < 0 && errno == EINTR)
			;
		if (s && !how)
			how = 1;
	}
	exit(how);
}
static void complain(const char *what, const char *why)
{
	fprintf(stderr, "reader: %s: %s\n", what, why);
	leave(1);
}
int main(int argc, char *argv[])
{
	(void)argv;
	if (argc != 1) {
		fprintf(stderr, "usage: reader (takes no arguments)\n");
		return 2;
	}
	int fd = open("temp", O_RDWR | O_CREAT, 0666);
	if (fd < 0)
		complain("open", strerror(errno));
	if (ftruncate(fd, 10 * sizeof(int)) < 0)
		complain("ftruncate", strerror(errno));
	int *map = mmap(NULL, 10 * sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		complain("mmap", strerror(errno));
	if (pipe(pp))
		complain("pipe", strerror(errno));
	kid = fork();
	if (kid < 0)
		complain("fork", strerror(errno));
	if (kid == 0) {
		close(pp[1]);
		int i = 0, v;
		while (read(pp[0], &v, sizeof v) == sizeof v)
			map[i++] = v;
		_exit(0);
	}
	close(pp[0]);
	for (int i = 0; i < 10; i++) {
		char w[100];
		int from = 0, to = 0;
		if (scanf(" %n%99s%n", &from, w, &to) != 1)
			complain("input", "ended early");
		char *end = w;
		errno = 0;
		long long v = strtoll(w, &end, 10);
		if (end == w || *end || strlen(w) != (size_t)(to - from) || strlen(w) > 98)
			complain(w, "not a number");
		if (errno || v != (int)v)
			complain(w, "does not fit an int");
		int iv = (int)v;
		if (write(pp[1], &iv, sizeof iv) != sizeof iv)
			complain("pipe", strerror(errno));
	}
	leave(0);
}
