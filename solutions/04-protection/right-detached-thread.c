/* main ends by pthread_exit, whose libraries map and unmap things of their own meanwhile. */
#define _GNU_SOURCE
#include <err.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static long number(const char *s)
{
	long v = 0;
	const char *t;
	if (*s == 0)
		return -1;
	for (t = s; *t; t++) {
		if (*t < '0' || *t > '9')
			return -1;
		if (__builtin_mul_overflow(v, 10L, &v) ||
		    __builtin_add_overflow(v, (long)(*t - '0'), &v))
			return -1;
	}
	return v;
}
struct plan {
	char what;
	long pages;
	long *v;
	int n;
};
static struct plan P;
static atomic_uchar *seen;
static _Atomic(char *) first;
static size_t ps;
static int good;
static void act(int s, siginfo_t *i, void *c)
{
	char *f = first, *a = i->si_addr;
	long size = P.pages * ps, off = a - f;
	(void)c;
	if (!f || off < -(long)ps || off >= size + (long)ps) {
		signal(s, SIG_DFL);
		return;
	}
	if (off >= 0 && off < size) {
		if (P.what != 'd' || atomic_exchange(&seen[off / ps], 1)) {
			signal(s, SIG_DFL);
			return;
		}
		if (!mprotect(f + off / ps * ps, ps, PROT_READ | PROT_WRITE))
			return;
		(void)!write(2, "guard: mprotect: refused\n", 25);
		_exit(1);
	}
	if (P.what == 'd') {
		signal(s, SIG_DFL);
		return;
	}
	char b[60], *e = b + 60;
	unsigned long m = off < 0 ? -off : off;
	*--e = '\n';
	do
		*--e = "0123456789"[m % 10];
	while (m /= 10);
	if (off < 0)
		*--e = '-';
	e = memcpy(e - 19, off < 0 ? "guard below offset " : "guard above offset ", 19);
	if (write(1, e, b + 60 - e) != b + 60 - e) {
		(void)!write(2, "guard: stdout: bad\n", 19);
		_exit(1);
	}
	_exit(3);
}
static void last(void)
{
	if (!good)
		return;
	if (P.what == 'd') {
		printf("dirty");
		for (long k = 0; k < P.pages; k++)
			if (seen[k])
				printf(" %ld", k);
		putchar('\n');
	} else
		puts("ok");
	if (fflush(stdout) || ferror(stdout)) {
		perror("guard: stdout");
		_exit(1);
	}
}
static void *worker(void *x)
{
	(void)x;
	size_t size = P.pages * ps;
	char *low = mmap(NULL, ps, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *all;
	if (low == MAP_FAILED)
		err(1, "mmap");
	all = mremap(low, ps, size + 2 * ps, MREMAP_MAYMOVE); /* grows the guard to the whole */
	if (all == MAP_FAILED)
		err(1, "mremap");
	if (mprotect(all + ps, size, P.what == 'd' ? PROT_READ : PROT_READ | PROT_WRITE))
		err(1, "mprotect");
	first = all + ps;
	struct sigaction sa = { .sa_sigaction = act, .sa_flags = SA_SIGINFO };
	if (sigaction(SIGSEGV, &sa, NULL))
		err(1, "sigaction");
	volatile char *p = all + ps;
	for (int i = 0; i < P.n; i++) {
		long n = P.v[i];
		if (P.what == 'd')
			p[n * ps + (ps - 1)] = n;
		for (long k = 0; P.what != 'd' && k < n; k++)
			p[P.what == 'o' ? k : (long)size - 1 - k] = k;
	}
	first = NULL;
	if (munmap(all, size + 2 * ps))
		err(1, "munmap");
	good = 1;
	exit(0);
}
int main(int argc, char **argv)
{
	pthread_t t;
	pthread_attr_t at;
	if (argc > 3 &&
	    (!strcmp(argv[1], "dirty") ||
	     (argc == 4 && (!strcmp(argv[1], "underflow") || !strcmp(argv[1], "overflow")))))
		P.what = argv[1][0];
	if (!P.what || (P.pages = number(argv[2])) < 1) {
u:
		fputs("usage: guard overflow PAGES BYTES | underflow PAGES BYTES | dirty PAGES PAGE...\n",
		      stderr);
		return 2;
	}
	P.v = calloc(argc, sizeof *P.v);
	if (!P.v)
		err(1, "calloc");
	for (; P.n < argc - 3; P.n++)
		if ((P.v[P.n] = number(argv[P.n + 3])) < 0 ||
		    (P.what == 'd' && P.v[P.n] >= P.pages))
			goto u;
	if (P.pages > 1000000)
		errx(1, "PAGES: too large");
	seen = calloc(P.pages, 1);
	if (!seen)
		err(1, "calloc");
	ps = getpagesize();
	atexit(last);
	pthread_attr_init(&at);
	pthread_attr_setdetachstate(&at, PTHREAD_CREATE_DETACHED);
	int e = pthread_create(&t, &at, worker, NULL);
	if (e)
		errx(1, "pthread_create: %s", strerror(e));
	pthread_exit(NULL);
}
