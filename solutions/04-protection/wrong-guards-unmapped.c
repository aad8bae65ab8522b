// expect: FAIL guards-on-both-sides
/* The guards are unmapped before the first write: a hole stops it too, until somebody else is
 * mapped there. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char *area; /* guard, buffer, guard */
static char *buf;
static size_t len, page;
static int dirty_mode;
static unsigned char seen[1000000];

static void put(int fd, const char *s)
{
	size_t n = strlen(s);
	while (n) {
		ssize_t r = write(fd, s, n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0) {
			if (fd == 1)
				put(2, "guard: stdout: write failed\n");
			_exit(1);
		}
		s += r;
		n -= r;
	}
}
static void report(const char *side, long offset)
{
	char line[64] = "guard ", digits[24];
	int n = 0, k = 23;
	unsigned long u = offset < 0 ? -offset : offset;
	strcat(line, side);
	strcat(line, " offset ");
	if (offset < 0)
		strcat(line, "-");
	n = strlen(line);
	digits[k] = 0;
	do
		digits[--k] = '0' + u % 10;
	while (u /= 10);
	strcpy(line + n, digits + k);
	strcat(line, "\n");
	put(1, line);
	_exit(3);
}
static void on_segv(int sig, siginfo_t *si, void *ctx)
{
	char *at = si->si_addr;
	int saved = errno;
	(void)ctx;
	if (si->si_code <= 0)
		goto other;
	if (at >= buf && at < buf + len && dirty_mode) {
		size_t n = (at - buf) / page;
		if (seen[n])
			goto other;
		seen[n] = 1;
		if (mprotect(buf + n * page, page, PROT_READ | PROT_WRITE) == -1) {
			put(2, "guard: mprotect: failed in the handler\n");
			_exit(1);
		}
		errno = saved;
		return;
	}
	if (at >= area && at < buf)
		report("below", at - buf);
	if (at >= buf + len && at < buf + len + page)
		report("above", at - buf);
other:
	signal(sig, SIG_DFL);
	if (si->si_code <= 0)
		raise(sig);
}
static void usage(void)
{
	fprintf(stderr,
		"usage: guard overflow|underflow PAGES BYTES\n       guard dirty PAGES PAGE...\n");
	exit(2);
}
static void die(const char *what)
{
	fprintf(stderr, "guard: %s: %s\n", what, strerror(errno));
	exit(1);
}
static size_t number(const char *s)
{
	char *end;
	unsigned long long v;
	if (!*s || strspn(s, "0123456789") != strlen(s))
		usage();
	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno || v > 1ULL << 62) {
		errno = ERANGE;
		die(s);
	}
	return v;
}
int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO };
	if (argc < 4)
		usage();
	page = sysconf(_SC_PAGESIZE);
	int over = !strcmp(argv[1], "overflow"), under = !strcmp(argv[1], "underflow");
	dirty_mode = !strcmp(argv[1], "dirty");
	if (!over && !under && !dirty_mode)
		usage();
	if (!dirty_mode && argc != 4)
		usage();
	size_t pages = number(argv[2]), count = number(argv[3]);
	if (pages == 0)
		usage();
	for (int i = 3; dirty_mode && i < argc; i++)
		if (number(argv[i]) >= pages)
			usage();
	if (pages > sizeof seen) {
		errno = ENOMEM;
		die(argv[2]);
	}
	len = pages * page;
	area = mmap(NULL, len + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
	if (area == MAP_FAILED)
		die("mmap");
	buf = area + page;
	if (mprotect(buf, len, dirty_mode ? PROT_READ : PROT_READ | PROT_WRITE))
		die("mprotect");
	munmap(area, page);
	munmap(buf + len, page);
	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGSEGV, &sa, NULL))
		die("sigaction");
	volatile char *p = buf;
	if (over)
		for (size_t i = 0; i < count; i++)
			p[i] = 'x';
	if (under)
		for (size_t i = 0; i < count; i++)
			p[len - 1 - i] = 'x';
	if (dirty_mode)
		for (int i = 3; i < argc; i++)
			p[number(argv[i]) * page] = 1;
	if (munmap(area, len + 2 * page))
		die("munmap");
	if (dirty_mode) {
		printf("dirty");
		for (size_t i = 0; i < pages; i++)
			if (seen[i])
				printf(" %zu", i);
		printf("\n");
	} else
		puts("ok");
	if (fflush(stdout))
		die("stdout");
	return 0;
}
