/*
 * The two step in turns: each has a semaphore that the other posts, and whoever is through posts
 * for all the rest. They also begin together, at a barrier. The log stands in front, one column
 * after the other; the counter is the last thing.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct end {
	pthread_barrier_t begin;
	sem_t turn[2];
	int through[2];
	unsigned length;
	double unused;
	long counter;
};

static long *old_values, *new_values;
static char *takers;
static struct end *e;

static void steps(int me, unsigned many, long by)
{
	pthread_barrier_wait(&e->begin);
	for (unsigned i = 0; i <= many; i++) {
		while (sem_wait(&e->turn[me]) == -1)
			;
		if (i < many) {
			old_values[e->length] = e->counter;
			takers[e->length] = me;
			e->counter += by;
			new_values[e->length++] = e->counter;
		} else {
			e->through[me] = 1;
		}
		sem_post(&e->turn[e->through[!me] ? me : !me]);
	}
}

static unsigned parse(const char *text)
{
	unsigned long long v = 0;

	for (const char *c = text; *c; c++) {
		if (*c < '0' || *c > '9')
			goto bad;
		v = v > 1000000 ? v : v * 10 + *c - '0';
	}
	if (!*text)
		goto bad;
	if (v > 300000) {
		fprintf(stderr, "counter: %s: beyond 300000\n", text);
		exit(1);
	}
	return v;
bad:
	fprintf(stderr, "usage: counter CHILD_STEPS PARENT_STEPS\n");
	exit(2);
}

int main(int argc, char **argv)
{
	int status;

	if (argc != 3)
		parse("");
	unsigned child = parse(argv[1]), parent = parse(argv[2]), all = child + parent;
	size_t size = all * (2 * sizeof(long) + 8) + sizeof(struct end) + 64;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		fprintf(stderr, "counter: mmap: %s\n", strerror(errno));
		return 1;
	}
	old_values = (long *)memory;
	new_values = old_values + all;
	takers = (char *)(new_values + all);
	e = (struct end *)(memory + (size - sizeof(struct end)) / 64 * 64);

	pthread_barrierattr_t attr;

	pthread_barrierattr_init(&attr);
	if (pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) != 0 ||
	    pthread_barrier_init(&e->begin, &attr, 2) != 0 || sem_init(&e->turn[0], 1, 1) != 0 ||
	    sem_init(&e->turn[1], 1, 0) != 0) {
		fprintf(stderr, "counter: init: %s\n", strerror(errno));
		return 1;
	}
	pid_t pid = fork();

	switch (pid) {
	case -1:
		fprintf(stderr, "counter: fork: %s\n", strerror(errno));
		return 1;
	case 0:
		steps(0, child, 1);
		munmap(memory, size);
		_exit(0);
	}
	steps(1, parent, 2);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return perror("counter: waitpid"), 1;
	if (status != 0)
		return fprintf(stderr, "counter: the child: failed\n"), 1;
	for (unsigned i = 0; i < all; i++)
		printf("%s %d %ld %ld\n", takers[i] ? "parent" : "child",
		       takers[i] ? (int)getpid() : (int)pid, old_values[i], new_values[i]);
	printf("final %ld\n", e->counter);
	munmap(memory, size);
	return fflush(stdout) == 0 ? 0 : (perror("counter: stdout"), 1);
}
