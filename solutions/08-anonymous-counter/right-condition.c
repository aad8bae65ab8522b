/* The lock is a flag under a mutex, and a condition variable to wait for it. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
	long count, old[2];
} cell;

static struct {
	pthread_mutex_t m;
	pthread_cond_t c;
	int busy;
} * l;

static void oops(const char *what)
{
	fprintf(stderr, "counter: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void take(void)
{
	pthread_mutex_lock(&l->m);
	while (l->busy)
		pthread_cond_wait(&l->c, &l->m);
	l->busy = 1;
	pthread_mutex_unlock(&l->m);
}
static void give(void)
{
	pthread_mutex_lock(&l->m);
	l->busy = 0;
	pthread_cond_signal(&l->c);
	pthread_mutex_unlock(&l->m);
}
static void make(void)
{
	l = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (l == MAP_FAILED)
		oops("mmap");
	pthread_mutexattr_t a;
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, 1);
	pthread_mutex_init(&l->m, &a);
	pthread_condattr_t c;
	pthread_condattr_init(&c);
	pthread_condattr_setpshared(&c, 1);
	pthread_cond_init(&l->c, &c);
}
static void drop(void)
{
	munmap((void *)l, 4096);
}

static void steps(volatile cell *all, long how_many, long amount)
{
	while (how_many-- > 0) {
		take();
		volatile cell *mine = &all[1 + all[0].old[1]++];

		mine->count = getpid();
		mine->old[0] = all[0].count;
		all[0].count += amount;
		mine->old[1] = all[0].count;
		give();
	}
}

static long number(const char *text)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0') {
		fprintf(stderr, "usage: counter CHILD_STEPS PARENT_STEPS\n");
		exit(2);
	}
	if (value > 50000) {
		errno = ERANGE;
		oops(text);
	}
	return value;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		number("");
	long child = number(argv[1]), parent = number(argv[2]);
	size_t size = (child + parent + 1) * sizeof(cell);
	cell *all = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (all == MAP_FAILED)
		oops("mmap");
	make();
	pid_t pid = fork();

	if (pid == -1) {
		int code = errno;

		drop();
		errno = code;
		oops("fork");
	}
	if (pid == 0) {
		steps(all, child, 1);
		munmap(all, size);
		munmap((void *)l, 4096);
		_exit(0);
	}
	steps(all, parent, 2);
	int status = 0;

	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	drop();
	if (status != 0) {
		errno = ECHILD;
		oops("child");
	}
	for (long i = 1; i <= all->old[1]; i++)
		printf("%s %ld %ld %ld\n", all[i].count == pid ? "child" : "parent", all[i].count,
		       all[i].old[0], all[i].old[1]);
	printf("final %ld\n", all->count);
	munmap(all, size);
	if (fflush(stdout) != 0)
		oops("stdout");
	return 0;
}
