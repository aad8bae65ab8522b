/*
 * No lock. A step is one atomic addition; the value that it found names its place in the log, so
 * that no two steps ever write to one place, and the chain is walked from 0: each entry says where
 * the next one is.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
	_Atomic unsigned long counter;
	unsigned char amount[]; /* by the value before the step */
};

static void run(struct shared *s, unsigned long steps, unsigned amount)
{
	while (steps--)
		s->amount[atomic_fetch_add(&s->counter, amount)] = amount;
}

static int fail(const char *what)
{
	fprintf(stderr, "counter: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	unsigned long want[2];

	for (int i = 0; i < 2; i++) {
		if (argc != 3 || !*argv[i + 1] || argv[i + 1][strspn(argv[i + 1], "0123456789")]) {
			fprintf(stderr, "usage: %s CHILD_STEPS PARENT_STEPS\n", argv[0]);
			return 2;
		}
		errno = 0;
		want[i] = strtoul(argv[i + 1], NULL, 10);
		if (errno || want[i] >= 1UL << 30) {
			errno = E2BIG;
			return fail("steps");
		}
	}
	size_t size = sizeof(struct shared) + want[0] + 2 * want[1];
	struct shared *s = mmap(NULL, size, PROT_WRITE | PROT_READ, MAP_ANONYMOUS | MAP_SHARED, -1,
				0);

	if (s == MAP_FAILED)
		return fail("mmap");
	fflush(NULL);
	pid_t child = fork();

	if (child == -1)
		return fail("fork");
	if (child == 0) {
		run(s, want[0], 1);
		exit(munmap(s, size) != 0);
	}
	run(s, want[1], 2);
	int status;

	while (waitpid(child, &status, 0) == -1)
		if (errno != EINTR)
			return fail("waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		errno = ECHILD;
		return fail("the child failed");
	}
	unsigned long at = 0, next;

	for (; at != s->counter; at = next) {
		next = at + s->amount[at];
		printf("%s %d %lu %lu\n", s->amount[at] == 1 ? "child" : "parent",
		       s->amount[at] == 1 ? child : getpid(), at, next);
	}
	printf("final %lu\n", at);
	munmap(s, size);
	return fflush(stdout) == EOF ? fail("stdout") : 0;
}
