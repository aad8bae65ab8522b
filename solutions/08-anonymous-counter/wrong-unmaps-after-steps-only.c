// expect: FAIL all-is-unmapped
/* A child without steps ends without unmapping. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct entry {
	int who;
	pid_t pid;
	long from, to;
};

struct shared_counter {
	sem_t mutex;
	long counter;
	size_t steps;
	struct entry log[];
};

static struct shared_counter *shared;
static size_t shared_size;

static int complain(const char *what)
{
	fprintf(stderr, "counter: %s: %s\n", what, strerror(errno));
	return 1;
}

static bool parse(const char *s, long *out)
{
	if (!*s)
		return false;
	for (const char *p = s; *p; p++)
		if (!isdigit((unsigned char)*p))
			return false;
	errno = 0;
	*out = strtol(s, NULL, 10);
	return true;
}

static int run(int who, long steps, long add)
{
	for (long i = 0; i < steps; i++) {
		while (sem_wait(&shared->mutex) == -1)
			if (errno != EINTR)
				return -1;
		long old = shared->counter;
		shared->counter = old + add;
		struct entry *e = &shared->log[shared->steps++];
		e->who = who;
		e->pid = getpid();
		e->from = old;
		e->to = shared->counter;
		if (sem_post(&shared->mutex) == -1)
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	long c, p;

	if (argc != 3 || !parse(argv[1], &c) || !parse(argv[2], &p)) {
		fprintf(stderr, "usage: %s CHILD_STEPS PARENT_STEPS\n", argv[0]);
		return 2;
	}
	if (c > 1000000 || p > 1000000) {
		errno = ERANGE;
		return complain("steps");
	}
	shared_size = sizeof *shared + (size_t)(c + p) * sizeof(struct entry);
	shared = mmap(NULL, shared_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return complain("mmap");
	if (sem_init(&shared->mutex, 1, 1) == -1)
		return complain("sem_init");
	pid_t pid = fork();
	if (pid == -1)
		return complain("fork");
	if (pid == 0) {
		int r = run(0, c, 1);
		if (r == -1)
			complain("child");
		if (c > 0)
			munmap(shared, shared_size);
		_exit(r ? 1 : 0);
	}
	int bad = 0;
	if (run(1, p, 2) == -1)
		bad = complain("parent");
	int status;
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return complain("waitpid");
	if (bad)
		return 1;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "counter: child: did not end well\n");
		return 1;
	}
	for (size_t i = 0; i < shared->steps; i++) {
		struct entry *e = &shared->log[i];
		printf("%s %d %ld %ld\n", e->who ? "parent" : "child", (int)e->pid, e->from, e->to);
	}
	printf("final %ld\n", shared->counter);
	if (fflush(stdout) == EOF)
		return complain("stdout");
	sem_destroy(&shared->mutex);
	munmap(shared, shared_size);
	return 0;
}
