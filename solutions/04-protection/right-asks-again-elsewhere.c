/* mmap at a low address, and where that is refused anywhere; the handler opens pages by mmap. */
#define _GNU_SOURCE
#include <err.h>
#include <signal.h>
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
#define PS 4096L
static struct sigaction before;
static long lowest, pages;
static char m;
static char *seen;
static void caught(int s, siginfo_t *si, void *v)
{
	long a = (long)si->si_addr, g1 = lowest, buf = g1 + PS, g2 = buf + pages * PS;
	(void)v;
	int guard = (a >= g1 && a < buf) || (a >= g2 && a < g2 + PS), inside = a >= buf && a < g2;
	if (inside && m == 'd' && !seen[(a - buf) / PS]) {
		long p = a & -PS;
		if (mmap((void *)p, PS, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1,
			 0) == MAP_FAILED) {
			(void)!write(2, "guard: mmap: too many areas?\n", 29);
			_exit(1);
		}
		seen[(p - buf) / PS] = 1;
		return;
	}
	if (guard && m != 'd') {
		char t[100], *e = t + 100;
		long o = a - buf, x = o;
		size_t l;
		*--e = '\n';
		do {
			int z = x % 10;
			*--e = '0' + (z < 0 ? -z : z);
		} while (x /= 10);
		if (o < 0)
			*--e = '-';
		e -= 19;
		memcpy(e, o < 0 ? "guard below offset " : "guard above offset ", 19);
		l = t + 100 - e;
		if (write(1, e, l) != (ssize_t)l) {
			(void)!write(2, "guard: stdout: not written\n", 27);
			_exit(1);
		}
		_exit(3);
	}
	sigaction(s, &before, NULL);
}
int main(int argc, char **argv)
{
	const char *names[] = { "overflow", "underflow", "dirty" };
	if (argc > 3)
		for (int i = 0; i < 3; i++)
			if (!strcmp(argv[1], names[i]))
				m = names[i][0];
	if (!m || (m != 'd' && argc != 4)) {
bad:
		fprintf(stderr,
			"usage: guard overflow PAGES BYTES | underflow PAGES BYTES | dirty PAGES PAGE...\n");
		exit(2);
	}
	pages = number(argv[2]);
	if (pages < 1)
		goto bad;
	for (int i = 3; i < argc; i++) {
		long n = number(argv[i]);
		if (n < 0 || (m == 'd' && n >= pages))
			goto bad;
	}
	if (pages > 2000000)
		errx(1, "%s pages: too many", argv[2]);
	seen = calloc(pages, 1);
	if (!seen)
		err(1, "calloc");
	char *g1 = mmap((void *)0x10000000, (pages + 2) * PS, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (g1 == MAP_FAILED)
		g1 = mmap(NULL, (pages + 2) * PS, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (g1 == MAP_FAILED)
		err(1, "mmap");
	char *mid = mmap(NULL, pages * PS, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mid == MAP_FAILED)
		err(1, "mmap");
	char *b = mremap(mid, pages * PS, pages * PS, MREMAP_MAYMOVE | MREMAP_FIXED, g1 + PS);
	if (b == MAP_FAILED)
		err(1, "mremap");
	if (m == 'd' && pkey_mprotect(b, pages * PS, PROT_READ, -1))
		err(1, "pkey_mprotect");
	lowest = (long)g1;
	struct sigaction sa = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO };
	if (sigaction(SIGSEGV, &sa, &before))
		err(1, "sigaction");
	for (int i = 3; i < argc; i++) {
		long n = number(argv[i]);
		if (m == 'd')
			((volatile char *)b)[n * PS + 4095] = 1;
		else
			for (long k = 0; k < n; k++)
				((volatile char *)b)[m == 'o' ? k : pages * PS - 1 - k] = 1;
	}
	munmap(b, pages * PS);
	munmap(g1, PS);
	munmap(b + pages * PS, PS);
	printf(m == 'd' ? "dirty" : "ok");
	for (long i = 0; m == 'd' && i < pages; i++)
		if (seen[i])
			printf(" %ld", i);
	printf("\n");
	if (ferror(stdout) || fflush(stdout))
		err(1, "stdout");
	return 0;
}
