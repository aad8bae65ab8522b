/*
 * The buffer is shared memory (a memfd) between two separate guard mappings, and every call is a
 * bare syscall(). The pages of the list are sorted first and written once each.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef unsigned long ul;
static ul start, end, pg;
static unsigned char *seen;

static void out(int fd, const char *s, ul len)
{
	while (len > 0) {
		long n = syscall(SYS_write, fd, s, len);

		if (n < 0 && fd == 1) {
			out(2, "guard: write: no room\n", 22);
			syscall(SYS_exit_group, 1);
		}
		if (n < 0)
			return;
		s += n;
		len -= n;
	}
}

static ul decimal(char *to, ul v)
{
	ul n = v >= 10 ? decimal(to, v / 10) : 0;

	to[n] = '0' + v % 10;
	return n + 1;
}

static void on_segv(int sig, siginfo_t *i, void *u)
{
	ul a = (ul)i->si_addr;
	char b[64] = "guard below offset -";

	(void)u;
	if (a >= start - pg && a < start) {
		ul n = decimal(b + 20, start - a);

		b[20 + n] = '\n';
		out(1, b, 21 + n);
		syscall(SYS_exit_group, 3);
	}
	if (a >= end && a < end + pg) {
		memcpy(b, "guard above offset ", 19);
		ul n = decimal(b + 19, a - start);

		b[19 + n] = '\n';
		out(1, b, 20 + n);
		syscall(SYS_exit_group, 3);
	}
	if (seen && a >= start && a < end) {
		if (syscall(SYS_mprotect, a - a % pg, pg, PROT_READ | PROT_WRITE) == 0) {
			seen[(a - start) / pg] = 1;
			return;
		}
		out(2, "guard: mprotect: refused\n", 25);
		syscall(SYS_exit_group, 1);
	}
	signal(sig, SIG_DFL);
}

static int no(const char *what)
{
	fprintf(stderr, "guard: %s: %m\n", what);
	return 1;
}

static int use(void)
{
	out(2, "usage: guard (overflow|underflow PAGES BYTES|dirty PAGES PAGE...)\n", 66);
	return 2;
}

static long num(const char *s)
{
	return *s && !s[strspn(s, "0123456789")] && strlen(s) < 20 ? atol(s) : -1;
}

static int by_value(const void *a, const void *b)
{
	ul x = *(const ul *)a, y = *(const ul *)b;

	return (x > y) - (x < y);
}

static int build(ul pages, int dirty)
{
	pg = sysconf(_SC_PAGESIZE);
	if (pages > 1ul << 40)
		return fprintf(stderr, "guard: buffer: too large\n"), 1;
	ul len = pages * pg;
	int fd = syscall(SYS_memfd_create, "buffer", 0);

	if (fd < 0 || syscall(SYS_ftruncate, fd, len) < 0)
		return no("memfd");
	char *hole = mmap(0, len + 2 * pg, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			  -1, 0);

	if (hole == MAP_FAILED)
		return no("mmap");
	start = (ul)hole + pg;
	end = start + len;
	if (mmap((void *)start, len, dirty ? PROT_READ : PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
		return no("mmap");
	close(fd);
	struct sigaction sa = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO };

	return sigaction(SIGSEGV, &sa, 0) ? no("sigaction") : 0;
}

int main(int c, char **v)
{
	static ul list[1 << 20];
	long pages = c > 3 ? num(v[2]) : 0;
	int dirty = c > 3 && !strcmp(v[1], "dirty"), over = c == 4 && !strcmp(v[1], "overflow");
	int under = c == 4 && !strcmp(v[1], "underflow"), n = 0;

	if (pages <= 0 || dirty + over + under != 1)
		return use();
	for (int i = 3; i < c; i++, n++)
		if (num(v[i]) < 0 || (dirty && num(v[i]) >= pages))
			return use();
		else
			list[n] = num(v[i]);
	if (build(pages, dirty))
		return 1;
	volatile char *p = (volatile char *)start, *q = (volatile char *)end;

	if (over)
		while (list[0]--)
			*p++ = 'x';
	if (under)
		while (list[0]--)
			*--q = 'x';
	if (dirty) {
		if (!(seen = calloc(1, pages)))
			return no("calloc");
		qsort(list, n, sizeof(*list), by_value);
		for (int i = 0; i < n; i++)
			if (i == 0 || list[i] != list[i - 1])
				p[list[i] * pg + list[i] % pg] = 'x';
	}
	syscall(SYS_munmap, start - pg, end - start + 2 * pg);
	if (!dirty)
		return out(1, "ok\n", 3), 0;
	char text[24] = " ";

	out(1, "dirty", 5);
	for (long i = 0; i < pages; i++)
		if (seen[i])
			out(1, text, 1 + decimal(text + 1, i));
	out(1, "\n", 1);
	return 0;
}
