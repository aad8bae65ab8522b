/* A child writes and faults, and tells each fault through a pipe; the parent prints. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
static char *base, *buf, *top;
static long ps;
static int report = -1, mode;
static size_t pages;
struct word {
	char what;
	long value;
};
static void tell(char what, long value)
{
	struct word w = { what, value };
	if (write(report, &w, sizeof w) != sizeof w)
		_exit(1);
}
static void on(int s, siginfo_t *i, void *v)
{
	char *a = i->si_addr;
	(void)v;
	if (a >= base && a < base + ps) {
		tell('b', a - buf);
		_exit(3);
	}
	if (a >= top && a < top + ps) {
		tell('a', a - buf);
		_exit(3);
	}
	if (mode == 'd' && a >= buf && a < top) {
		long p = (a - buf) / ps;
		if (mprotect(buf + p * ps, ps, PROT_READ | PROT_WRITE) < 0) {
			tell('m', errno);
			_exit(1);
		}
		tell('d', p);
		return;
	}
	struct sigaction old = { .sa_handler = SIG_DFL };
	sigaction(s, &old, NULL);
}
static unsigned long long num(const char *s, const char *me);
static void usage(const char *me)
{
	fprintf(stderr, "usage: %s overflow|underflow|dirty PAGES N...\n", me);
	exit(2);
}
static unsigned long long num(const char *s, const char *me)
{
	unsigned long long v = 0;
	int n = 0;
	if (strspn(s, "0123456789") != strlen(s) || !*s)
		usage(me);
	if (strlen(s + strspn(s, "0")) > 18)
		errx(1, "%s: too large", s);
	if (*s && sscanf(s, "%llu%n", &v, &n) != 1)
		usage(me);
	return v;
}
static int cmp(const void *a, const void *b)
{
	long x = *(long *)a, y = *(long *)b;
	return (x > y) - (x < y);
}
int main(int c, char **v)
{
	if (c < 4)
		usage(v[0]);
	if (!strcmp(v[1], "overflow"))
		mode = 'o';
	else if (!strcmp(v[1], "underflow"))
		mode = 'u';
	else if (!strcmp(v[1], "dirty"))
		mode = 'd';
	else
		usage(v[0]);
	if (mode != 'd' && c != 4)
		usage(v[0]);
	pages = num(v[2], v[0]);
	if (!pages)
		usage(v[0]);
	for (int i = 3; i < c; i++)
		if (num(v[i], v[0]) >= pages && mode == 'd')
			usage(v[0]);
	if (pages > 1000000000)
		errx(1, "%zu: too many pages", pages);
	ps = sysconf(_SC_PAGE_SIZE);
	int p[2];
	if (pipe(p))
		err(1, "pipe");
	pid_t kid = fork();
	if (kid < 0)
		err(1, "fork");
	if (kid == 0) {
		struct rlimit none = { 0, 0 };
		setrlimit(RLIMIT_CORE, &none);
		close(p[0]);
		report = p[1];
		base = mmap(0, (pages + 2) * ps, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (base == MAP_FAILED) {
			tell('m', errno);
			_exit(1);
		}
		buf = base + ps;
		top = buf + pages * ps;
		if (mprotect(buf, top - buf, mode == 'd' ? PROT_READ : PROT_READ | PROT_WRITE)) {
			tell('m', errno);
			_exit(1);
		}
		struct sigaction a = { .sa_sigaction = on, .sa_flags = SA_SIGINFO };
		if (sigaction(SIGSEGV, &a, 0)) {
			tell('m', errno);
			_exit(1);
		}
		unsigned long long n = num(v[3], v[0]);
		if (mode == 'o')
			for (volatile char *q = buf; n--;)
				*q++ = 1;
		if (mode == 'u')
			for (volatile char *q = top; n--;)
				*--q = 1;
		if (mode == 'd')
			for (int i = 3; i < c; i++)
				*(volatile char *)(buf + num(v[i], v[0]) * ps) = 1;
		if (munmap(base, (pages + 2) * ps)) {
			tell('m', errno);
			_exit(1);
		}
		tell('k', 0);
		_exit(0);
	}
	close(p[1]);
	long *list = malloc(sizeof(long) * (c + 1));
	if (!list)
		err(1, "malloc");
	size_t n = 0;
	int rc = -1, st;
	struct word w;
	while (read(p[0], &w, sizeof w) == sizeof w)
		switch (w.what) {
		case 'a':
			printf("guard above offset %ld\n", w.value);
			rc = 3;
			break;
		case 'b':
			printf("guard below offset %ld\n", w.value);
			rc = 3;
			break;
		case 'm':
			errno = w.value;
			warn("memory");
			rc = 1;
			break;
		case 'd':
			list[n++] = w.value;
			break;
		case 'k':
			rc = 0;
		}
	while (waitpid(kid, &st, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(st)) {
		struct rlimit none = { 0, 0 };
		setrlimit(RLIMIT_CORE, &none);
		signal(WTERMSIG(st), SIG_DFL);
		raise(WTERMSIG(st));
	}
	if (rc == 0 && mode == 'd') {
		qsort(list, n, sizeof *list, cmp);
		printf("dirty");
		for (size_t i = 0; i < n; i++)
			printf(" %ld", list[i]);
		printf("\n");
	} else if (rc == 0)
		puts("ok");
	if (rc < 0)
		errx(1, "child: lost");
	if (fflush(stdout))
		err(1, "stdout");
	return rc;
}
