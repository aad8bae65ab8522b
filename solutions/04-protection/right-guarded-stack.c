/* A copy of the buffer, between guards of its own, is mapped before it; the handler has a guarded
 * stack. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
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
typedef struct {
	uint8_t *outer, *inner;
	size_t outer_size, inner_size;
} region;
static region buffer, stack, log_;
static size_t page;
static bool dirty_mode;
static _Noreturn void complain(const char *what)
{
	fprintf(stderr, "guard: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}
static region guarded(size_t bytes, int prot)
{
	region r;
	r.inner_size = (bytes + page - 1) / page * page;
	r.outer_size = r.inner_size + 2 * page;
	r.outer = mmap(NULL, r.outer_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r.outer == MAP_FAILED)
		complain("mmap");
	r.inner = r.outer + page;
	if (mprotect(r.inner, r.inner_size, prot) != 0)
		complain("mprotect");
	return r;
}
static void drop(region *r)
{
	if (munmap(r->outer, r->outer_size) != 0)
		complain("munmap");
	r->outer = NULL;
}
static bool inside(const uint8_t *a, const uint8_t *from, size_t n)
{
	return a >= from && a < from + n;
}
static void say(const char *s, size_t n)
{
	if (write(STDOUT_FILENO, s, n) != (ssize_t)n) {
		static const char m[] = "guard: write: not everything went out\n";
		(void)!write(STDERR_FILENO, m, sizeof m - 1);
		_exit(1);
	}
}
static void handler(int sig, siginfo_t *info, void *ctx)
{
	uint8_t *a = info->si_addr;
	(void)ctx;
	if (!inside(a, buffer.outer, buffer.outer_size))
		goto wild;
	if (inside(a, buffer.inner, buffer.inner_size)) {
		size_t k = (size_t)(a - buffer.inner) / page;
		if (!dirty_mode || log_.inner[k])
			goto wild;
		if (mprotect(buffer.inner + k * page, page, PROT_READ | PROT_WRITE) != 0) {
			static const char m[] = "guard: mprotect: cannot open the page\n";
			(void)!write(STDERR_FILENO, m, sizeof m - 1);
			_exit(1);
		}
		log_.inner[k] = 1;
		return;
	}
	/* a guard, in whatever mode */
	intptr_t off = a - buffer.inner;
	uintptr_t mag = off < 0 ? (uintptr_t)-off : (uintptr_t)off;
	char s[64], d[24];
	size_t n = 0, m = 0;
	memcpy(s, "guard ", 6);
	n = 6;
	memcpy(s + n, off < 0 ? "below offset -" : "above offset ", off < 0 ? 14 : 13);
	n += off < 0 ? 14 : 13;
	do
		d[m++] = (char)('0' + mag % 10);
	while ((mag /= 10) > 0);
	while (m > 0)
		s[n++] = d[--m];
	s[n++] = '\n';
	say(s, n);
	_exit(3);
wild:
	signal(sig, SIG_DFL);
}
static int usage(void)
{
	fprintf(stderr,
		"usage: guard overflow PAGES BYTES | guard underflow PAGES BYTES | guard dirty PAGES PAGE...\n");
	return 2;
}
int main(int argc, char **argv)
{
	if (argc < 4)
		return usage();
	bool over = strcmp(argv[1], "overflow") == 0, under = strcmp(argv[1], "underflow") == 0;
	dirty_mode = strcmp(argv[1], "dirty") == 0;
	if ((!over && !under && !dirty_mode) || (!dirty_mode && argc != 4))
		return usage();
	long pages = number(argv[2]), k = 0;
	if (pages <= 0)
		return usage();
	for (int i = 3; i < argc; i++)
		if ((k = number(argv[i])) < 0 || (dirty_mode && k >= pages))
			return usage();
	page = (size_t)sysconf(_SC_PAGESIZE);
	if (pages > 1000000) {
		errno = EOVERFLOW;
		complain(argv[2]);
	}
	stack = guarded(4 * page, PROT_READ | PROT_WRITE);
	log_ = guarded(dirty_mode ? (size_t)pages : page, PROT_READ | PROT_WRITE);
	region shadow = guarded((size_t)pages * page, PROT_READ | PROT_WRITE);
	buffer = guarded((size_t)pages * page, dirty_mode ? PROT_READ : PROT_READ | PROT_WRITE);
	memset(stack.inner, 0x5a, stack.inner_size);
	stack_t ss = { .ss_sp = stack.inner, .ss_size = stack.inner_size };
	if (sigaltstack(&ss, NULL) != 0)
		complain("sigaltstack");
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	if (sigaction(SIGSEGV, &sa, NULL) != 0)
		complain("sigaction");
	volatile uint8_t *p = over ? buffer.inner : buffer.inner + buffer.inner_size;
	if (dirty_mode)
		for (int i = 3; i < argc; i++)
			((volatile uint8_t *)buffer.inner)[(size_t)number(argv[i]) * page] ^= 1;
	else if (over)
		while (k-- > 0)
			*p++ = 0;
	else
		while (k-- > 0)
			*--p = 0;
	drop(&buffer);
	drop(&shadow);
	if (!dirty_mode)
		printf("ok\n");
	else {
		printf("dirty");
		for (long i = 0; i < pages; i++)
			if (log_.inner[i])
				printf(" %ld", i);
		printf("\n");
	}
	if (fflush(stdout) != 0)
		complain("standard output");
	ss.ss_flags = SS_DISABLE;
	sigaltstack(&ss, NULL);
	drop(&stack);
	drop(&log_);
	return 0;
}
