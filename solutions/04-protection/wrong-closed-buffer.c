// expect: FAIL guards-on-both-sides
/* dirty: the buffer is without access before the first write, like its guards. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char *base, *buf;
static size_t page, size;
static int dirty_mode;
static unsigned char *seen;

static void die(const char *what)
{
	fprintf(stderr, "guard: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void usage(void)
{
	fprintf(stderr, "usage: guard overflow|underflow PAGES BYTES | dirty PAGES PAGE...\n");
	exit(2);
}

static int64_t number(const char *s)
{
	int64_t v = 0;

	if (*s == 0)
		usage();
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			usage();
		if (v > (INT64_MAX - 9) / 10)
			usage();
		v = v * 10 + (*s - '0');
	}
	return v;
}

static void say_hit(const char *side, long n)
{
	char t[80];
	char d[24];
	int k = 0, len = 0, neg = n < 0;
	const char *p;

	if (neg)
		n = -n;
	do
		d[k++] = '0' + n % 10;
	while (n /= 10);
	for (p = "guard "; *p;)
		t[len++] = *p++;
	for (p = side; *p;)
		t[len++] = *p++;
	for (p = " offset "; *p;)
		t[len++] = *p++;
	if (neg)
		t[len++] = '-';
	while (k)
		t[len++] = d[--k];
	t[len++] = '\n';
	if (write(1, t, len) != len) {
		static const char m[] = "guard: stdout: cannot write\n";
		(void)!write(2, m, sizeof m - 1);
		_exit(1);
	}
	_exit(3);
}

static void on_segv(int sig, siginfo_t *si, void *context)
{
	char *a = si->si_addr;

	(void)context;
	if (dirty_mode) {
		if (a >= buf && a < buf + size && !seen[(size_t)(a - buf) / page]) {
			size_t n = (size_t)(a - buf) / page;

			if (mprotect(buf + n * page, page, PROT_READ | PROT_WRITE) == -1) {
				static const char m[] = "guard: mprotect: cannot open the page\n";
				(void)!write(2, m, sizeof m - 1);
				_exit(1);
			}
			seen[n] = 1;
			return;
		}
	} else {
		if (a >= buf + size && a < buf + size + page)
			say_hit("above", a - buf);
		if (a < buf && a >= base)
			say_hit("below", a - buf);
	}
	signal(sig, SIG_DFL);
}

int main(int argc, char **argv)
{
	struct sigaction sa;
	int64_t pages, n;

	page = sysconf(_SC_PAGESIZE);
	if (argc < 4)
		usage();
	if (strcmp(argv[1], "dirty") == 0)
		dirty_mode = 1;
	else if ((strcmp(argv[1], "overflow") && strcmp(argv[1], "underflow")) || argc != 4)
		usage();
	pages = number(argv[2]);
	if (pages == 0)
		usage();
	for (int i = 3; i < argc; i++) {
		n = number(argv[i]);
		if (dirty_mode && n >= pages)
			usage();
	}
	if (pages > 100000000) {
		errno = ENOMEM;
		die("too many pages");
	}
	size = pages * page;
	base = mmap(NULL, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
	if (base == MAP_FAILED)
		die("mmap");
	buf = base + page;
	if (mprotect(buf, size, dirty_mode ? PROT_NONE : PROT_READ | PROT_WRITE) == -1)
		die("mprotect");
	seen = calloc(pages, 1);
	if (!seen)
		die("calloc");
	memset(&sa, 0, sizeof sa);
	sa.sa_sigaction = on_segv;
	sa.sa_flags = SA_SIGINFO;
	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGSEGV, &sa, NULL) == -1)
		die("sigaction");
	if (dirty_mode) {
		for (int i = 3; i < argc; i++)
			((volatile char *)buf)[number(argv[i]) * page + 10] = 'x';
	} else if (argv[1][0] == 'o') {
		volatile char *p = buf;
		for (n = number(argv[3]); n > 0; n--)
			*p++ = 'x';
	} else {
		volatile char *p = buf + size;
		for (n = number(argv[3]); n > 0; n--)
			*--p = 'x';
	}
	if (munmap(base, size + 2 * page) == -1)
		die("munmap");
	if (dirty_mode) {
		printf("dirty");
		for (n = 0; n < pages; n++)
			if (seen[n])
				printf(" %ld", (long)n);
		printf("\n");
	} else {
		printf("ok\n");
	}
	if (fflush(stdout) == EOF)
		die("stdout");
	return 0;
}
