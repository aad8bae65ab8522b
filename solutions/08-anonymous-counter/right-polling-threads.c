/* Two threads in each process share its steps; the mutex is asked for until it is free. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct Entry {
	pid_t pid;
	int isChild;
	long before, after;
};
struct Shared {
	pthread_mutex_t mutex;
	long value;
	size_t used;
	size_t cap;
	struct Entry *entries;
};
static struct Shared *g;
static const char *prog;

__attribute__((noreturn, format(printf, 2, 3))) static void fail(int code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char b[200];
	vsnprintf(b, sizeof b, fmt, ap);
	va_end(ap);
	if (code)
		dprintf(2, "%s: %s: %s\n", prog, b, strerror(code));
	else
		dprintf(2, "%s: %s\n", prog, b);
	_exit(1);
}
static void unlocker(pthread_mutex_t **m)
{
	int r = pthread_mutex_unlock(*m);
	if (r)
		fail(r, "pthread_mutex_unlock");
}
static void once(int delta)
{
	int r;
	while ((r = pthread_mutex_trylock(&g->mutex)) == EBUSY)
		usleep(100);
	if (r)
		fail(r, "pthread_mutex_lock");
	__attribute__((cleanup(unlocker))) pthread_mutex_t *held = &g->mutex;
	(void)held;
	struct Entry *e = g->entries + g->used++;
	e->pid = getpid();
	e->isChild = delta == 1;
	e->before = g->value;
	g->value += delta;
	e->after = g->value;
}
struct Job {
	long steps;
	int delta;
};
static void *worker(void *p)
{
	struct Job *j = p;
	for (; j->steps > 0; j->steps--)
		once(j->delta);
	return NULL;
}
static void all(long steps, int delta)
{
	struct Job a = { steps / 2, delta }, b = { steps - steps / 2, delta };
	pthread_t t;
	int r = pthread_create(&t, NULL, worker, &a);
	if (r)
		fail(r, "pthread_create");
	worker(&b);
	r = pthread_join(t, NULL);
	if (r)
		fail(r, "pthread_join");
}
static int parse(const char *s, long *v)
{
	char c;
	if (strspn(s, "0123456789") != strlen(s))
		return 0;
	if (sscanf(s, "%9ld%c", v, &c) < 1)
		return 0;
	if (strlen(s) > 9)
		*v = 999999999;
	return 1;
}
int main(int argc, char **argv)
{
	long kid, mine;
	prog = argv[0] ? argv[0] : "counter";
	if (argc != 3 || !parse(argv[1], &kid) || !parse(argv[2], &mine)) {
		dprintf(2, "usage: %s CHILD_STEPS PARENT_STEPS\n", prog);
		return 2;
	}
	if (kid + mine > 10000)
		fail(EOVERFLOW, "%ld steps", kid + mine);
	g = mmap(NULL, sizeof *g, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (g == MAP_FAILED)
		fail(errno, "mmap");
	g->cap = (size_t)(kid + mine + 1);
	g->entries = mmap(NULL, g->cap * sizeof *g->entries, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (g->entries == MAP_FAILED)
		fail(errno, "mmap");
	pthread_mutexattr_t at;
	int r = pthread_mutexattr_init(&at);
	if (!r)
		r = pthread_mutexattr_setpshared(&at, PTHREAD_PROCESS_SHARED);
	if (!r)
		r = pthread_mutex_init(&g->mutex, &at);
	if (r)
		fail(r, "mutex");
	pthread_mutexattr_destroy(&at);
	pid_t p = fork();
	if (p == -1)
		fail(errno, "fork");
	if (p)
		all(mine, 2);
	else
		all(kid, 1);
	if (p) {
		int st;
		pid_t w = TEMP_FAILURE_RETRY(waitpid(p, &st, 0));
		if (w != p)
			fail(errno, "waitpid");
		if (!WIFEXITED(st))
			fail(0, "child: killed by signal %d", WTERMSIG(st));
		if (WEXITSTATUS(st))
			fail(0, "child: exit status %d", WEXITSTATUS(st));
		for (struct Entry *e = g->entries; e < g->entries + g->used; e++)
			printf("%s %d %ld %ld\n", e->isChild ? "child" : "parent", e->pid,
			       e->before, e->after);
		printf("final %ld\n", g->value);
		if (fflush(stdout))
			fail(errno, "stdout");
	}
	munmap(g->entries, g->cap * sizeof *g->entries);
	munmap(g, sizeof *g);
	return 0;
}
