// expect: FAIL everything-is-unmapped
/* The child unmaps its copy of the buffer, the parent never does. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
typedef unsigned long ul;
struct all {
	char *base, *start, *end;
	ul page, pages;
	int dirty;
	volatile unsigned char *mark;
};
static struct all G;
#define FAIL(w)                                                                    \
	do {                                                                       \
		fprintf(stderr, "%s: %s: %m\n", program_invocation_short_name, w); \
		exit(1);                                                           \
	} while (0)
#define USAGE()                                                                                   \
	do {                                                                                      \
		fprintf(stderr,                                                                   \
			"usage: guard (overflow|underflow) PAGES BYTES | dirty PAGES PAGE...\n"); \
		exit(2);                                                                          \
	} while (0)
static void h(int s, siginfo_t *i, void *u)
{
	char *a = i->si_addr;
	int e = errno;
	(void)u;
	if (G.dirty && a >= G.start && a < G.end) {
		ul k = (ul)(a - G.start) / G.page;
		void *r = mmap(G.start + k * G.page, G.page, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		if (r == MAP_FAILED) {
			struct iovec v[2] = { { "guard: mmap: ", 13 },
					      { "cannot open the page\n", 21 } };
			(void)!write(2, v[0].iov_base, v[0].iov_len + 0);
			(void)!write(2, v[1].iov_base, v[1].iov_len);
			_exit(1);
		}
		G.mark[k] = 1;
		errno = e;
		return;
	}
	if (!G.dirty &&
	    ((a < G.start && a >= G.start - G.page) || (a >= G.end && a < G.end + G.page))) {
		char line[80];
		int n = 0;
		char d[24];
		int m = 0;
		long off = a - G.start;
		ul v = off < 0 ? 0ul - (ul)off : (ul)off;
		for (const char *q = off < 0 ? "guard below offset -" : "guard above offset "; *q;
		     q++)
			line[n++] = *q;
		for (; v || !m; v /= 10)
			d[m++] = (char)('0' + v % 10);
		while (m)
			line[n++] = d[--m];
		line[n++] = '\n';
		if (write(STDOUT_FILENO, line, (size_t)n) != n) {
			(void)!write(2, "guard: write: failed\n", 21);
			_exit(1);
		}
		_exit(3);
	}
	struct sigaction sa;
	memset(&sa, 0, sizeof sa);
	sa.sa_handler = SIG_DFL;
	sigemptyset(&sa.sa_mask);
	sigaction(s, &sa, NULL);
	kill(getpid(), s);
}
static ul number(const char *s)
{
	ul v = 0;
	const char *t = s;
	do {
		if (*s < '0' || *s > '9')
			USAGE();
		if (v > (0x7ffffffffffffffful - (ul)(*s - '0')) / 10)
			USAGE();
		v = v * 10 + (ul)(*s - '0');
	} while (*++s);
	(void)t;
	if (v >> 63)
		USAGE();
	return v;
}
int main(int c, char **v)
{
	ul n = 0;
	int under = 0, st;
	if (c < 2)
		USAGE();
	if (!strcmp(v[1], "dirty")) {
		if (c < 4)
			USAGE();
		G.dirty = 1;
	} else if (!strcmp(v[1], "overflow") || (under = !strcmp(v[1], "underflow"))) {
		if (c != 4)
			USAGE();
		n = number(v[3]);
	} else
		USAGE();
	G.pages = number(v[2]);
	if (!G.pages)
		USAGE();
	if (G.dirty)
		for (int i = 3; i < c; i++)
			if (number(v[i]) >= G.pages)
				USAGE();
	G.page = (ul)sysconf(_SC_PAGE_SIZE);
	ul len;
	if (__builtin_mul_overflow(G.pages + 2, G.page, &len)) {
		errno = ENOMEM;
		FAIL("PAGES");
	}
	G.base = mmap(NULL, len, G.dirty ? PROT_READ : PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0);
	if (G.base == MAP_FAILED)
		FAIL("mmap");
	G.start = G.base + G.page;
	G.end = G.base + len - G.page;
	if (mprotect(G.base, G.page, PROT_NONE) == -1)
		FAIL("mprotect");
	if (mprotect(G.end, G.page, PROT_NONE) == -1)
		FAIL("mprotect");
	if (G.dirty) {
		G.mark = mmap(NULL, G.pages, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			      0);
		if (G.mark == MAP_FAILED)
			FAIL("mmap");
	}
	pid_t kid = fork();
	if (kid < 0)
		FAIL("fork");
	if (kid == 0) {
		struct sigaction sa = { .sa_flags = SA_SIGINFO, .sa_sigaction = h };
		sigemptyset(&sa.sa_mask);
		if (sigaction(SIGSEGV, &sa, NULL) < 0)
			FAIL("sigaction");
		volatile char *p;
		if (G.dirty)
			for (int i = 3; i < c; i++) {
				p = G.start + number(v[i]) * G.page;
				*p = (char)i;
			}
		else if (under) {
			p = G.end;
			while (n-- > 0)
				*--p = 1;
		} else {
			p = G.start;
			while (n-- > 0)
				*p++ = 1;
		}
		if (munmap(G.base, len) < 0)
			FAIL("munmap");
		_exit(0);
	}
	while (waitpid(kid, &st, 0) < 0)
		if (errno != EINTR)
			FAIL("waitpid");
	if (WIFSIGNALED(st)) {
		struct rlimit no = { 0, 0 };
		setrlimit(RLIMIT_CORE, &no);
		signal(WTERMSIG(st), SIG_DFL);
		raise(WTERMSIG(st));
		_exit(1);
	}
	if (WEXITSTATUS(st))
		_exit(WEXITSTATUS(st));
	if (!G.dirty)
		printf("ok\n");
	else {
		printf("dirty");
		for (ul k = 0; k < G.pages; k++)
			if (G.mark[k])
				printf(" %lu", k);
		printf("\n");
	}
	if (fflush(NULL))
		FAIL("stdout");
	return 0;
}
