/* The handler jumps out, main opens the page; in the end all is made writable, then unmapped. */
#define _GNU_SOURCE
#include <err.h>
#include <setjmp.h>
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
static sigjmp_buf again;
static char *zone;
static size_t ps, total;
static volatile sig_atomic_t armed;
static char *volatile addr;
static void trap(int s, siginfo_t *si, void *u)
{
	char *a = si->si_addr;
	(void)u;
	if (armed && a >= zone && a < zone + total) {
		addr = a;
		siglongjmp(again, 1);
	}
	signal(s, SIG_DFL);
	raise(s);
}
static long in(void)
{
	return addr - (zone + ps);
}
int main(int argc, char **argv)
{
	int d = argc > 3 && !strcmp(argv[1], "dirty"),
	    o = argc == 4 && !strcmp(argv[1], "overflow"),
	    u = argc == 4 && !strcmp(argv[1], "underflow");
	long pages = argc > 2 ? number(argv[2]) : -1, n = 0;
	int i, bad = !(d || o || u) || pages < 1;
	for (i = 3; i < argc && !bad; i++)
		bad = (n = number(argv[i])) < 0 || (d && n >= pages);
	if (bad) {
		fprintf(stderr,
			"usage: guard overflow|underflow PAGES BYTES | guard dirty PAGES PAGE...\n");
		return 2;
	}
	ps = sysconf(_SC_PAGESIZE);
	if (pages > 1000000)
		errx(1, "PAGES: too large");
	total = (pages + 2) * ps;
	zone = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (zone == MAP_FAILED)
		err(1, "mmap");
	if (mprotect(zone + ps, total - 2 * ps, d ? PROT_READ : PROT_READ | PROT_WRITE))
		err(1, "mprotect");
	struct sigaction sa = { .sa_sigaction = trap, .sa_flags = SA_SIGINFO };
	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGSEGV, &sa, NULL))
		err(1, "sigaction");
	volatile unsigned char *buf = (unsigned char *)zone + ps;
	char *got = calloc(pages, 1);
	if (!got)
		err(1, "calloc");
	if (!d) {
		if (sigsetjmp(again, 1)) {
			armed = 0;
			if (in() >= 0 && in() < pages * (long)ps)
				abort();
			printf("guard %s offset %ld\n", in() < 0 ? "below" : "above", in());
			if (fflush(stdout))
				err(1, "stdout");
			return 3;
		}
		armed = 1;
		if (o)
			for (long k = 0; k < n; k++)
				buf[k] = k;
		if (u)
			for (long k = 0; k < n; k++)
				buf[pages * (long)ps - 1 - k] = k;
		armed = 0;
	} else {
		for (volatile int j = 3; j < argc; j++) {
			long k = number(argv[j]);
			if (sigsetjmp(again, 1)) {
				armed = 0;
				long off = in();
				if (off < 0 || off >= pages * (long)ps) {
					signal(SIGSEGV, SIG_DFL);
					*(volatile char *)addr = 1;
					raise(SIGSEGV);
				}
				if (mprotect((char *)buf + off / (long)ps * ps, ps,
					     PROT_READ | PROT_WRITE))
					err(1, "mprotect");
				got[off / ps] = 1;
				k = number(argv[j]);
			}
			armed = 1;
			buf[k * ps + 5] = 5;
			armed = 0;
		}
	}
	if (mprotect(zone, total, PROT_READ | PROT_WRITE))
		err(1, "mprotect");
	if (munmap(zone, total))
		err(1, "munmap");
	if (d) {
		printf("dirty");
		for (long k = 0; k < pages; k++)
			if (got[k])
				printf(" %ld", k);
		printf("\n");
	} else
		printf("ok\n");
	if (fflush(stdout))
		err(1, "stdout");
	return 0;
}
