// expect: FAIL steps-exclude-each-other
/* The token is back in the pipe before the counter is stored. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* the lock is a byte in a pipe; the log is kept in columns; SIGCHLD arrives by sigsuspend */
enum { CAP = 16384 };
struct board {
	long total;
	long steps;
	unsigned char who[CAP];
	int pid[CAP];
	int before[CAP];
	int after[CAP];
};
static struct board *b;
static int token[2];
static volatile sig_atomic_t got;
static void on_child(int sig)
{
	(void)sig;
	got = 1;
}

static int take(void)
{
	char c;
	for (;;) {
		ssize_t n = read(token[0], &c, 1);
		if (n == 1)
			return 0;
		if (n == 0) {
			errno = EPIPE;
			return -1;
		}
		if (errno != EINTR)
			return -1;
	}
}
static int give(void)
{
	ssize_t n;
	do
		n = write(token[1], "t", 1);
	while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : -1;
}
static int job(int n, int d)
{
	for (int i = 0; i < n; i++) {
		if (take())
			return -1;
		long k = b->steps;
		b->who[k] = d;
		b->pid[k] = getpid();
		b->before[k] = b->total;
		b->after[k] = b->total + d;
		b->steps = k + 1;
		if (give())
			return -1;
		b->total = b->after[k];
	}
	return 0;
}
int main(int argc, char *argv[])
{
	const char *what = "";
	int status = 1, rc;
	long n[2] = { 0, 0 };
	pid_t kid = -1;
	if (argc != 3)
		goto usage;
	for (int i = 0; i < 2; i++) {
		const char *s = argv[1 + i];
		if (!*s)
			goto usage;
		for (; *s; s++) {
			if ((unsigned)(*s - '0') > 9)
				goto usage;
			if (n[i] < CAP)
				n[i] = n[i] * 10 + (*s - '0');
		}
	}
	if (n[0] + n[1] > CAP) {
		errno = ENOSPC;
		what = "the log";
		goto bad;
	}
	b = mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b == MAP_FAILED) {
		b = NULL;
		what = "mmap";
		goto bad;
	}
	if (pipe(token)) {
		what = "pipe";
		goto bad;
	}
	if (give()) {
		what = "pipe";
		goto bad;
	}
	sigset_t block, old;
	sigemptyset(&block);
	sigaddset(&block, SIGCHLD);
	sigprocmask(SIG_BLOCK, &block, &old);
	struct sigaction sa = { .sa_handler = on_child, .sa_flags = SA_NOCLDSTOP };
	sigaction(SIGCHLD, &sa, NULL);
	kid = fork();
	if (kid < 0) {
		what = "fork";
		goto bad;
	}
	if (kid == 0) {
		rc = job(n[0], 1);
		if (munmap(b, sizeof *b))
			rc = 1;
		_exit(rc ? 1 : 0);
	}
	if (job(n[1], 2)) {
		what = "token";
		goto bad;
	}
	while (!got)
		sigsuspend(&old);
	int st;
	while ((rc = waitpid(kid, &st, 0)) < 0 && errno == EINTR)
		;
	if (rc < 0) {
		what = "waitpid";
		goto bad;
	}
	if (st) {
		errno = ECANCELED;
		what = "child";
		goto bad;
	}
	for (long i = 0; i < b->steps; i++) {
		char mid[64];
		const char *w = b->who[i] == 1 ? "child" : "parent";
		int l = sprintf(mid, " %d %d %d\n", b->pid[i], b->before[i], b->after[i]);
		struct iovec v[2] = { { (void *)w, strlen(w) }, { mid, (size_t)l } };
		if (writev(1, v, 2) != (ssize_t)(strlen(w) + l)) {
			what = "stdout";
			goto bad;
		}
	}
	if (dprintf(1, "final %ld\n", b->total) < 0) {
		what = "stdout";
		goto bad;
	}
	status = 0;
	goto out;
bad:
	fprintf(stderr, "counter: %s: %s\n", what, strerror(errno));
out:
	if (b)
		munmap(b, sizeof *b);
	return status;
usage:
	fprintf(stderr, "usage: counter CHILD_STEPS PARENT_STEPS\n");
	return 2;
}
