/*
 * A wide reserve, the buffer put into the middle of it by MAP_FIXED (for `dirty` mapped read-only
 * from the start, never mprotected), guards of several pages. A page is opened by mapping a fresh
 * one over it.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GUARDS 5 /* pages on each side */
#define ANON   (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

static uintptr_t low, high, step;
static uint64_t *bits;

static void say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text) && fd == 1) {
		say(2, "guard: stdout: cannot write\n");
		_exit(1);
	}
}

static void guard_hit(uintptr_t at)
{
	char text[60], *p = text + 59;
	uintptr_t n = at < low ? low - at : at - low;

	*p = '\0';
	*--p = '\n';
	for (; n; n /= 10)
		*--p = "0123456789"[n % 10];
	if (at < low)
		*--p = '-';
	p -= 19;
	memcpy(p, at < low ? "guard below offset " : "guard above offset ", 19);
	say(1, p);
	_exit(3);
}

static void segv(int signo, siginfo_t *si, void *context)
{
	uintptr_t at = (uintptr_t)si->si_addr;

	(void)context;
	if ((at >= low - GUARDS * step && at < low) || (at >= high && at < high + GUARDS * step))
		guard_hit(at);
	if (at >= low && at < high && bits) {
		void *page = (void *)(at & ~(step - 1));

		if (mmap(page, step, PROT_READ | PROT_WRITE, ANON | MAP_FIXED, -1, 0) != page) {
			say(2, "guard: mmap: no fresh page\n");
			_exit(1);
		}
		bits[(at - low) / step / 64] |= 1ull << (at - low) / step % 64;
		return;
	}
	struct sigaction once = { .sa_handler = SIG_DFL };
	sigaction(signo, &once, NULL);
	kill(getpid(), signo);
}

static uint64_t value(const char *s)
{
	uint64_t v = 0;

	if (!*s)
		goto usage;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			goto usage;
		if (v > (uint64_t)INT64_MAX / 10 - 1)
			goto usage;
		v = v * 10 + (*s - '0');
	}
	return v;
usage:
	say(2, "usage: guard overflow|underflow|dirty PAGES N...\n");
	exit(2);
}

static void must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "guard: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void put_in_middle(uint64_t pages, int prot)
{
	size_t bytes;

	step = getpagesize();
	errno = ENOMEM;
	must(!__builtin_mul_overflow(pages + 2 * GUARDS, step, &bytes), "size");
	char *reserve = mmap(NULL, bytes, PROT_NONE, ANON, -1, 0);
	must(reserve != MAP_FAILED, "reserve");
	low = (uintptr_t)reserve + GUARDS * step;
	high = low + pages * step;
	must(mmap((void *)low, high - low, prot, ANON | MAP_FIXED, -1, 0) == (void *)low, "buffer");
	struct sigaction sa = { .sa_flags = SA_SIGINFO | SA_RESTART, .sa_sigaction = segv };
	sigfillset(&sa.sa_mask);
	must(sigaction(SIGSEGV, &sa, NULL) == 0, "sigaction");
}

int main(int n, char **arg)
{
	uint64_t pages, i;

	if (n < 4)
		value("");
	pages = value(arg[2]);
	if (pages == 0)
		value("");
	if (!strcmp(arg[1], "dirty")) {
		for (char **a = arg + 3; *a; a++)
			if (value(*a) >= pages)
				value("");
		put_in_middle(pages, PROT_READ);
		bits = calloc(pages / 64 + 1, 8);
		must(bits != NULL, "bits");
		for (char **a = arg + 3; *a; a++)
			((volatile char *)low)[value(*a) * step + step - 1] = 1;
	} else if (n == 4 && (!strcmp(arg[1], "overflow") || !strcmp(arg[1], "underflow"))) {
		uint64_t bytes = value(arg[3]);

		put_in_middle(pages, PROT_READ | PROT_WRITE);
		if (arg[1][0] == 'o')
			for (i = 0; i < bytes; i++)
				((volatile char *)low)[i] = 0;
		else
			for (i = 1; i <= bytes; i++)
				((volatile char *)high)[-i] = 0;
	} else {
		value("");
	}
	/* In three pieces: munmap takes any range of whole pages. */
	munmap((void *)low, high - low);
	munmap((void *)(low - GUARDS * step), GUARDS * step);
	munmap((void *)high, GUARDS * step);
	printf(bits ? "dirty" : "ok");
	for (i = 0; bits && i < pages; i++)
		if (bits[i / 64] >> i % 64 & 1)
			printf(" %lu", (unsigned long)i);
	printf("\n");
	must(fclose(stdout) == 0, "stdout");
	return 0;
}
