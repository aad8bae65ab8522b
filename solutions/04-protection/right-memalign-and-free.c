/* From posix_memalign; made writable again, all of it, before it goes to free. */
#define _GNU_SOURCE
#include <err.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static struct {
	char *raw, *buf, *end;
	size_t ps;
	int dirty;
} B;
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
static void cb(int s, siginfo_t *si, void *x)
{
	(void)x;
	char *a = si->si_addr;
	if (B.dirty) {
		if (a < B.buf || a >= B.end) {
			signal(s, SIG_DFL);
			return;
		}
		if (mprotect(B.buf + ((a - B.buf) & ~(B.ps - 1)), B.ps, PROT_READ | PROT_WRITE) ==
		    0)
			return;
		static const char m[] = "guard: mprotect: failed in the handler\n";
		if (write(2, m, sizeof m - 1) < 0)
			_exit(1);
		_exit(EXIT_FAILURE);
	}
	if (a < B.raw || a >= B.end + B.ps) {
		signal(s, SIG_DFL);
		return;
	}
	char m[64];
	strcpy(m, a < B.buf ? "guard below offset " : "guard above offset ");
	size_t l = strlen(m);
	long o = a - B.buf;
	unsigned long u = labs(o), z = 1;
	if (o < 0)
		m[l++] = '-';
	while (u / z >= 10)
		z *= 10;
	for (; z; z /= 10)
		m[l++] = (char)('0' + u / z % 10);
	m[l++] = '\n';
	size_t k = 0;
	while (k < l) {
		ssize_t w = write(1, m + k, l - k);
		if (w <= 0) {
			(void)!write(2, "guard: stdout: cannot write\n", 28);
			_exit(1);
		}
		k += w;
	}
	_exit(3);
}
static int cmp(const void *a, const void *b)
{
	long x = *(long *)a, y = *(long *)b;
	return x < y ? -1 : x > y;
}
int main(int argc, char **argv)
{
	long pages = -1, *v = 0, n = argc - 3, i;
	char c = 0;
	mallopt(M_TOP_PAD, 0);
	mallopt(M_MMAP_THRESHOLD, 4096); /* before the heap is there: its rest would be used */
	if (argc >= 4) {
		pages = number(argv[2]);
		v = malloc(n * sizeof *v);
		if (!v)
			err(1, "malloc");
		for (i = 0; i < n; i++)
			if ((v[i] = number(argv[i + 3])) < 0)
				c = '?';
		if (c != '?')
			c = !strcmp(argv[1], "overflow")    ? 'o'
			    : !strcmp(argv[1], "underflow") ? 'u'
			    : !strcmp(argv[1], "dirty")	    ? 'd'
							    : '?';
	}
	for (i = 0; c == 'd' && i < n; i++)
		if (v[i] >= pages)
			c = '?';
	if (pages < 1 || !c || c == '?' || (c != 'd' && n > 1)) {
		fputs("usage: guard overflow|underflow PAGES BYTES, or: guard dirty PAGES PAGE...\n",
		      stderr);
		return 2;
	}
	B.ps = sysconf(_SC_PAGESIZE);
	B.dirty = c == 'd';
	mallopt(M_MMAP_THRESHOLD, 4096);
	void *q = NULL;
	if (pages > 10000000)
		errx(1, "PAGES: too many");
	int e = posix_memalign(&q, B.ps, (pages + 2) * B.ps);
	if (e)
		errx(1, "posix_memalign: %s", strerror(e));
	B.raw = q;
	B.buf = B.raw + B.ps;
	B.end = B.buf + pages * B.ps;
	if (mprotect(B.raw, B.ps, PROT_NONE) || mprotect(B.end, B.ps, PROT_NONE) ||
	    mprotect(B.buf, pages * B.ps, PROT_READ | (B.dirty ? 0 : PROT_WRITE)))
		err(1, "mprotect");
	struct sigaction sa = { .sa_sigaction = cb, .sa_flags = SA_SIGINFO };
	sigaction(SIGSEGV, &sa, NULL);
	volatile char *p = B.buf;
	switch (c) {
	case 'o':
		for (i = 0; i < v[0]; i++)
			p[i] = 'x';
		break;
	case 'u':
		for (i = pages * (long)B.ps; v[0]--;)
			p[--i] = 'x';
		break;
	default:
		for (i = 0; i < n; i++)
			p[v[i] * (long)B.ps + 1] = 'x';
	}
	if (mprotect(B.raw, (pages + 2) * B.ps, PROT_READ | PROT_WRITE))
		err(1, "mprotect");
	free(B.raw);
	if (c != 'd')
		printf("ok");
	else {
		qsort(v, n, sizeof *v, cmp);
		printf("dirty");
		for (i = 0; i < n; i++)
			if (!i || v[i] != v[i - 1])
				printf(" %ld", v[i]);
	}
	printf("\n");
	if (fflush(stdout) == EOF)
		err(1, "stdout");
	return 0;
}
