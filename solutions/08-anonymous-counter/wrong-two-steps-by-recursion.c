// expect: FAIL steps-interleave
/* Counted from the end: two steps a lock, the first one alone where their number is odd. */
/* raw system calls only; a three-state futex lock; write(2) of one big buffer */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct entry {
	unsigned short old, by;
};
struct area {
	int lock, pad[15];
	unsigned count, value;
	struct entry log[10000];
};
static struct area *a;

static void say(const char *what, const char *why)
{
	char line[160];
	strcpy(line, "counter: ");
	strcat(line, what);
	strcat(line, ": ");
	strcat(line, why);
	strcat(line, "\n");
	syscall(SYS_write, 2, line, strlen(line));
	syscall(SYS_exit_group, 1);
}
static void lock(int *l)
{
	int c = __sync_val_compare_and_swap(l, 0, 1);
	if (c == 0)
		return;
	if (c != 2)
		c = __sync_lock_test_and_set(l, 2);
	while (c != 0) {
		if (syscall(SYS_futex, l, FUTEX_WAIT, 2, NULL, NULL, 0) < 0 && errno != EAGAIN &&
		    errno != EINTR)
			say("futex", strerror(errno));
		c = __sync_lock_test_and_set(l, 2);
	}
}
static void unlock(int *l)
{
	if (__sync_fetch_and_sub(l, 1) != 1) {
		__sync_lock_release(l);
		if (syscall(SYS_futex, l, FUTEX_WAKE, 1, NULL, NULL, 0) < 0)
			say("futex", strerror(errno));
	}
}
static int again;
static void go(int times, int by)
{
	if (times == 0)
		return;
	if (!again)
		lock(&a->lock);
	again = 0;
	struct entry *e = &a->log[a->count];
	e->old = a->value;
	e->by = by;
	a->value += by;
	a->count++;
	if (times % 2 == 1)
		unlock(&a->lock);
	else
		again = 1;
	go(times - 1, by);
}
static char *put(char *p, unsigned v)
{
	char t[12];
	int n = 0;
	do
		t[n++] = '0' + v % 10;
	while (v /= 10);
	while (n)
		*p++ = t[--n];
	return p;
}
static int number(const char *s)
{
	long v = 0;
	if (!*s)
		return -2;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -2;
		if (v <= 5000)
			v = v * 10 + *s - '0';
	}
	return v > 5000 ? -1 : (int)v;
}
int main(int argc, char **argv)
{
	int x = argc == 3 ? number(argv[1]) : -2, y = argc == 3 ? number(argv[2]) : -2;
	if (x == -2 || y == -2) {
		static const char u[] = "usage: counter CHILD_STEPS PARENT_STEPS\n";
		syscall(SYS_write, 2, u, sizeof u - 1);
		syscall(SYS_exit_group, 2);
	}
	if (x < 0 || y < 0)
		say("steps", "at most 5000 each");
	long r = syscall(SYS_mmap, 0, sizeof *a, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);
	if (r == -1)
		say("mmap", strerror(errno));
	a = (struct area *)r;
	int kid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (kid < 0)
		say("clone", strerror(errno));
	if (kid == 0) {
		go(x, 1);
		syscall(SYS_munmap, a, sizeof *a);
		syscall(SYS_exit_group, 0);
	}
	int me = syscall(SYS_getpid);
	go(y, 2);
	int st;
	while (syscall(SYS_wait4, kid, &st, 0, NULL) < 0)
		if (errno != EINTR)
			say("wait4", strerror(errno));
	if (st != 0)
		say("child", "it failed");
	char *out = malloc(64 * 10001), *p = out;
	if (!out)
		say("malloc", strerror(errno));
	for (unsigned i = 0; i < a->count; i++) {
		struct entry e = a->log[i];
		p = stpcpy(p, e.by == 1 ? "child " : "parent ");
		p = put(p, e.by == 1 ? kid : me);
		*p++ = ' ';
		p = put(p, e.old);
		*p++ = ' ';
		p = put(p, e.old + e.by);
		*p++ = '\n';
	}
	p = stpcpy(p, "final ");
	p = put(p, a->value);
	*p++ = '\n';
	syscall(SYS_munmap, a, sizeof *a);
	for (char *q = out; q < p;) {
		ssize_t k = syscall(SYS_write, 1, q, p - q);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			say("write", strerror(errno));
		q += k;
	}
	free(out);
	return 0;
}
