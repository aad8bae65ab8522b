/* A priority-inheriting mutex (FUTEX_LOCK_PI in the kernel), int counter in front of it, the log
 * growing downwards. */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct entry {
	int32_t pid, old, now;
};

struct area {
	int32_t counter;
	pthread_mutex_t m;
	struct entry *next; /* the same address in both: mapped before fork */
};

static void step(struct area *a, int add)
{
	int e = pthread_mutex_lock(&a->m);

	if (e)
		errx(1, "lock: %s", strerror(e));
	int32_t old = a->counter;

	a->counter = old + add;
	*--a->next = (struct entry){ getpid(), old, old + add };
	pthread_mutex_unlock(&a->m);
}

static long count(const char *s)
{
	size_t n = strspn(s, "0123456789");

	if (n == 0 || s[n] != 0) {
		fprintf(stderr, "usage: counter CHILD_STEPS PARENT_STEPS\n");
		exit(2);
	}
	if (n > 6 && strtoul(s, NULL, 10) > 500000)
		errx(1, "%s: more steps than I take", s);
	return atol(s);
}

int main(int argc, char **argv)
{
	int status;

	if (argc != 3)
		count("");
	long kids = count(argv[1]), mine = count(argv[2]);
	size_t size = sizeof(struct area) + (kids + mine) * sizeof(struct entry) + 64;
	struct area *a = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			      0);

	if (a == MAP_FAILED)
		err(1, "mmap");
	struct entry *top = (struct entry *)(a + 1) + kids + mine;
	a->next = top;
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	if (pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) ||
	    pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT) ||
	    pthread_mutex_init(&a->m, &attr))
		errx(1, "mutex: cannot be made");
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	for (long i = pid ? mine : kids; i > 0; i--)
		step(a, pid ? 2 : 1);
	if (pid == 0) {
		munmap(a, size);
		return 0;
	}
	while (wait(&status) != pid)
		if (errno != EINTR)
			err(1, "wait");
	if (status != 0)
		errx(1, "child: status %d", status);
	for (struct entry *e = top; e-- > a->next;)
		printf("%s %d %d %d\n", e->pid == pid ? "child" : "parent", e->pid, e->old, e->now);
	printf("final %d\n", a->counter);
	if (fclose(stdout))
		err(1, "stdout");
	munmap(a, size);
	return 0;
}
