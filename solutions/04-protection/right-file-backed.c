/*
 * The buffer is a private mapping of /dev/zero, every page is one bit in a byte array of a mapping
 * of its own, and the handler is installed long before the buffer exists. Terse on purpose.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define N(text) (strtoull((text), NULL, 10))
static volatile char *b, *e;
static char *mark;
static size_t p;
static char msg[] = "guard above offset 00000000000000000000\n";

static void h(int s, siginfo_t *i, void *u)
{
	volatile char *a = i->si_addr;
	size_t n = a < b ? b - a : a - b, k = 39, w;

	(void)u;
	if (mark && a >= b && a < e) {
		if (mprotect((char *)b + n / p * p, p, 3))
			_exit(write(2, "guard: mprotect: no\n", 20) ? 1 : 1);
		mark[n / p] = 1;
		return;
	}
	if (!b || a < b - p || a >= e + p || (a >= b && a < e)) {
		sigaction(s, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
		return;
	}
	for (; n; n /= 10)
		msg[--k] = '0' + n % 10;
	if (a < b)
		msg[--k] = '-', memcpy(msg + 6, "below", 5);
	memmove(msg + 19, msg + k, w = 40 - k);
	_exit(write(1, msg, 19 + w) == (ssize_t)(19 + w) ? 3
	      : write(2, "guard: stdout: full\n", 20)	 ? 1
							 : 1);
}

int main(int c, char **v)
{
	size_t i, n, len;
	int d = c > 1 && !strcmp(v[1], "dirty"), o = c > 1 && !strcmp(v[1], "overflow"), fd;

	if (sigaction(SIGSEGV, &(struct sigaction){ .sa_sigaction = h, .sa_flags = SA_SIGINFO },
		      NULL))
		err(1, "sigaction");
	for (i = 2; i < (size_t)c; i++)
		if (!*v[i] || v[i][strspn(v[i], "0123456789")] ||
		    (d && i > 2 && N(v[i]) >= N(v[2])))
			c = 0;
	if (c < 4 || (!d && c > 4) || (!d && !o && strcmp(v[1], "underflow")) || !(n = N(v[2])))
		return dprintf(2,
			       "usage: guard overflow|underflow PAGES BYTES, guard dirty PAGES PAGE...\n"),
		       2;
	if (n >> 44)
		return dprintf(2, "guard: %s: %s\n", v[2], strerror(ENOMEM)), 1;
	p = sysconf(_SC_PAGESIZE), len = n * p;
	if ((fd = open("/dev/zero", O_RDWR)) < 0)
		err(1, "/dev/zero");
	char *m = mmap(0, len + 2 * p, 0, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
	if (m == MAP_FAILED)
		err(1, "mmap");
	if (d && (mark = mmap(0, n, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) == MAP_FAILED)
		err(1, "mmap");
	b = m + p, e = b + len;
	if (mprotect((char *)b, len, d ? 1 : 3))
		err(1, "mprotect");
	for (i = 3; d && i < (size_t)c; i++)
		b[N(v[i]) * p]++;
	for (i = 0; !d && i < N(v[3]); i++)
		*(o ? b + i : e - i - 1) = i;
	munmap(m, len + 2 * p);
	printf(d ? "dirty" : "ok");
	for (i = 0; d && i < n; i++)
		if (mark[i])
			printf(" %zu", i);
	puts("");
	if (fflush(stdout))
		err(1, "stdout");
	_exit(0);
}
