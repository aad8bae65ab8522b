/* The child is made by clone3(2), which gives a descriptor of it as well. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
struct entry {
	int who;
	int pid;
	long old, new;
};
struct shared {
	pthread_mutex_t m;
	long counter;
	long n;
	struct entry log[];
};
static struct shared *sh;
static size_t size;

static void die(const char *what)
{
	fprintf(stderr, "counter: %s: %s\n", what, strerror(errno));
	exit(1);
}
static void lock(void)
{
	int e = pthread_mutex_lock(&sh->m);
	if (e) {
		errno = e;
		die("lock");
	}
}
static void unlock(void)
{
	pthread_mutex_unlock(&sh->m);
}
static void step(int who, int add)
{
	lock();
	struct entry *e = &sh->log[sh->n++];
	e->who = who;
	e->pid = getpid();
	e->old = sh->counter;
	sh->counter += add;
	e->new = sh->counter;
	unlock();
}
static void run(int who, int add, long k)
{
	while (k-- > 0)
		step(who, add);
}
static long number(const char *s)
{
	long v = 0;
	if (!*s)
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		if (v < 100000000)
			v = v * 10 + (*s - '0');
	}
	return v;
}
static void print_all(void)
{
	for (long i = 0; i < sh->n; i++) {
		struct entry *e = &sh->log[i];
		if (printf("%s %d %ld %ld\n", e->who ? "parent" : "child", e->pid, e->old, e->new) <
		    0)
			die("stdout");
	}
	if (printf("final %ld\n", (long)sh->counter) < 0 || fflush(stdout))
		die("stdout");
}
int main(int argc, char **argv)
{
	long c = -1, p = -1;
	if (argc == 3) {
		c = number(argv[1]);
		p = number(argv[2]);
	}
	if (c < 0 || p < 0) {
		fprintf(stderr, "usage: counter CHILD_STEPS PARENT_STEPS\n");
		return 2;
	}
	if (c + p > 1000000) {
		fprintf(stderr, "counter: steps: too many\n");
		return 1;
	}
	size = sizeof *sh + (size_t)(c + p) * sizeof(struct entry);
	sh = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED)
		die("mmap");
	pthread_mutexattr_t a;
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&sh->m, &a);
	int pfd = -1;
	struct clone_args ca;
	memset(&ca, 0, sizeof ca);
	ca.flags = CLONE_PIDFD;
	ca.pidfd = (uint64_t)(uintptr_t)&pfd;
	ca.exit_signal = SIGCHLD;
	pid_t pid = (pid_t)syscall(SYS_clone3, &ca, sizeof ca);
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		run(0, 1, c);
		munmap(sh, size);
		_exit(0);
	}
	run(1, 2, p);
	int status;
	struct pollfd pf = { .fd = pfd, .events = POLLIN };
	while (poll(&pf, 1, -1) < 0)
		if (errno != EINTR)
			die("poll");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	close(pfd);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "counter: child: failed\n");
		return 1;
	}
	print_all();
	munmap(sh, size);
	return 0;
}
