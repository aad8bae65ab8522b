// expect: FAIL thousands-of-steps
/* The child looks at its own number of steps, the parent at its own: one refuses, the other works.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_ERROR = 1, EXIT_USAGE = 2 };
enum { MOST_STEPS = 5000 };

struct step {
	pid_t pid;
	int64_t old, new;
};

struct shared {
	sem_t lock;
	/* guarded by lock */
	int64_t counter;
	size_t steps;
	struct step log[];
};

static void usage(void)
{
	fputs("usage: counter CHILD_STEPS PARENT_STEPS\n", stderr);
	exit(EXIT_USAGE);
}

static void die(const char *what)
{
	fprintf(stderr, "counter: %s: %s\n", what, strerror(errno));
	exit(EXIT_ERROR);
}

static size_t parse_steps(const char *text)
{
	if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
		usage();
	errno = 0;
	unsigned long steps = strtoul(text, NULL, 10);
	if (errno == 0 && steps > SIZE_MAX / 4 / sizeof(struct step))
		errno = ERANGE;
	if (errno != 0)
		die(text);
	return steps;
}

/* Before fork: a mapping made afterwards would be seen by one process alone. */
static struct shared *share(size_t size)
{
	struct shared *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				     -1, 0);

	if (shared == MAP_FAILED)
		die("mmap");
	if (sem_init(&shared->lock, 1, 1) == -1) /* 1: between processes; 1: free */
		die("sem_init");
	return shared;
}

static void take_steps(struct shared *shared, size_t steps, int amount)
{
	pid_t self = getpid();

	for (size_t i = 0; i < steps; i++) {
		while (sem_wait(&shared->lock) == -1)
			if (errno != EINTR)
				die("sem_wait");
		struct step *step = &shared->log[shared->steps++];
		step->pid = self;
		step->old = shared->counter;
		shared->counter += amount;
		step->new = shared->counter;
		if (sem_post(&shared->lock) == -1)
			die("sem_post");
	}
}

static void unshare_all(struct shared *shared, size_t size)
{
	if (munmap(shared, size) == -1)
		die("munmap");
}

static void reap(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) == -1)
		if (errno != EINTR)
			die("waitpid");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	fprintf(stderr, "counter: child %d: did not end well\n", (int)child);
	exit(EXIT_ERROR);
}

static void print(const struct shared *shared, pid_t child)
{
	for (size_t i = 0; i < shared->steps; i++) {
		const struct step *step = &shared->log[i];

		printf("%s %d %jd %jd\n", step->pid == child ? "child" : "parent", (int)step->pid,
		       (intmax_t)step->old, (intmax_t)step->new);
	}
	printf("final %jd\n", (intmax_t)shared->counter);
	if (fflush(stdout) == EOF || ferror(stdout))
		die("stdout");
}

int main(int argc, char **argv)
{
	if (argc != 3)
		usage();
	size_t child_steps = parse_steps(argv[1]), parent_steps = parse_steps(argv[2]);
	if (parent_steps > MOST_STEPS) {
		errno = ERANGE;
		die(argv[2]);
	}
	size_t size = sizeof(struct shared) + (child_steps + parent_steps) * sizeof(struct step);
	struct shared *shared = share(size);

	pid_t child = fork();
	if (child == -1)
		die("fork");
	if (child == 0) {
		if (child_steps > MOST_STEPS) {
			errno = ERANGE;
			die(argv[1]);
		}
		take_steps(shared, child_steps, 1);
		unshare_all(shared, size);
		_exit(EXIT_SUCCESS);
	}
	take_steps(shared, parent_steps, 2);
	reap(child);
	print(shared, child);
	if (sem_destroy(&shared->lock) == -1)
		die("sem_destroy");
	unshare_all(shared, size);
	return EXIT_SUCCESS;
}
