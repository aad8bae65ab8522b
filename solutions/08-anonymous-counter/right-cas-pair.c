/* No lock: number of steps and counter are the two halves of one word, changed together by
 * compare-and-swap. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t *state; /* high half: counter, low half: steps */
static struct {
	bool child;
	uint32_t old;
} * entries;

static void one_step(bool child)
{
	uint64_t before = __atomic_load_n(state, __ATOMIC_ACQUIRE);

	while (!__atomic_compare_exchange_n(state, &before,
					    before + ((child ? 1ull : 2ull) << 32) + 1, true,
					    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		;
	entries[(uint32_t)before].child = child;
	entries[(uint32_t)before].old = before >> 32;
}

static void quit(const char *what)
{
	dprintf(STDERR_FILENO, "counter: %s: %s\n", what, strerror(errno));
	_exit(1);
}

int main(int argc, char *argv[])
{
	int steps[3] = { 0 }, status = 0;

	for (int i = 1; i < 3; i++) {
		if (argc != 3 || strlen(argv[i]) == 0 ||
		    strspn(argv[i], "0123456789") != strlen(argv[i])) {
			dprintf(2, "usage: counter CHILD_STEPS PARENT_STEPS\n");
			return 2;
		}
		steps[i] = atoll(argv[i]) > 100000 || strlen(argv[i]) > 12 ? -1 : atoi(argv[i]);
		errno = ERANGE;
		if (steps[i] < 0)
			quit(argv[i]);
	}
	size_t log_size = (steps[1] + steps[2] + 1) * sizeof(*entries);

	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (state == MAP_FAILED)
		quit("mmap");
	entries = mmap(NULL, log_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (entries == MAP_FAILED)
		quit("mmap");
	pid_t pid = fork();

	if (pid == -1)
		quit("fork");
	while (steps[pid ? 2 : 1]-- > 0)
		one_step(pid == 0);
	if (pid == 0) {
		munmap(entries, log_size);
		munmap(state, sizeof(*state));
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status != 0) {
		errno = ECANCELED;
		quit("child");
	}
	uint32_t n = (uint32_t)*state;

	for (uint32_t i = 0; i < n; i++)
		printf("%s %d %u %u\n", entries[i].child ? "child" : "parent",
		       entries[i].child ? pid : getpid(), entries[i].old,
		       entries[i].old + (entries[i].child ? 1 : 2));
	printf("final %u\n", (uint32_t)(*state >> 32));
	if (fflush(stdout) == EOF)
		quit("stdout");
	munmap(entries, log_size);
	munmap(state, sizeof(*state));
	return 0;
}
