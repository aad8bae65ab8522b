/*
 * In `dirty` each page is written by a child of its own; the memory is shared, and what the child
 * has opened the parent opens too before the next one is born, so that each page faults once.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
struct shared {
	atomic_long opened;
	atomic_int failed;
};
static struct shared *sh;
static char *lo, *mid, *hi;
static size_t pg;
static int mode;
static void wr(int fd, const char *s, size_t n, int rc)
{
	if (write(fd, s, n) != (ssize_t)n) {
		(void)!write(2, "guard: stdout: short write\n", 27);
		rc = 1;
	}
	_exit(rc);
}
static void onsegv(int sig, siginfo_t *si, void *uc)
{
	char *a = si->si_addr;
	(void)uc;
	if (mode == 'd' && a >= mid && a < hi) {
		size_t i = (a - mid) / pg;
		if (mprotect(mid + i * pg, pg, PROT_READ | PROT_WRITE))
			wr(2, "guard: mprotect: no memory\n", 27, 1);
		atomic_store(&sh->opened, (long)i);
		return;
	}
	if (a >= lo && a < mid) {
		/* everything in the lower guard is at -1 … -pagesize */
		char t[40] = "guard below offset -";
		size_t n = 20;
		long v = mid - a, k = 1;
		while (k * 10 <= v)
			k *= 10;
		for (; k; k /= 10)
			t[n++] = (char)('0' + v / k % 10);
		t[n++] = '\n';
		wr(1, t, n, 3);
	}
	if (a >= hi && a < hi + pg) {
		char t[60] = "guard above offset ";
		size_t n = 19;
		long v = a - mid, k = 1;
		while (k <= v / 10)
			k *= 10;
		for (; k; k /= 10)
			t[n++] = (char)('0' + v / k % 10);
		t[n++] = '\n';
		wr(1, t, n, 3);
	}
	signal(sig, SIG_DFL);
}
static size_t num(const char *s)
{
	size_t v = 0;
	if (!*s)
		goto bad;
	for (const char *p = s; *p; p++) {
		if (*p < '0' || *p > '9')
			goto bad;
		if (__builtin_mul_overflow(v, (size_t)10, &v) ||
		    __builtin_add_overflow(v, (size_t)(*p - '0'), &v))
			errx(1, "%s: too large", s);
	}
	return v;
bad:
	fprintf(stderr,
		"usage: guard overflow|underflow PAGES BYTES\nusage: guard dirty PAGES PAGE...\n");
	exit(2);
}
static int cmp(const void *a, const void *b)
{
	return (*(size_t *)a > *(size_t *)b) - (*(size_t *)a < *(size_t *)b);
}
int main(int argc, char **argv)
{
	if (argc < 4)
		num("");
	if (!strcmp(argv[1], "overflow") || !strcmp(argv[1], "underflow") ||
	    !strcmp(argv[1], "dirty"))
		mode = argv[1][0];
	else
		num("");
	size_t pages = num(argv[2]), n = num(argv[3]), total, len;
	if (!pages || (mode != 'd' && argc != 4))
		num("");
	for (int i = 3; mode == 'd' && i < argc; i++)
		if (num(argv[i]) >= pages)
			num("");
	pg = sysconf(_SC_PAGESIZE);
	if (__builtin_mul_overflow(pages, pg, &len) || __builtin_add_overflow(len, 2 * pg, &total))
		errx(1, "%s: too large", argv[2]);
	sh = mmap(NULL, sizeof *sh, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	lo = mmap(NULL, total, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (lo == MAP_FAILED || sh == MAP_FAILED)
		err(1, "mmap");
	mid = lo + pg;
	hi = mid + len;
	if (mprotect(mid, len, mode == 'd' ? PROT_READ : PROT_READ | PROT_WRITE))
		err(1, "mprotect");
	struct sigaction sa = { .sa_sigaction = onsegv, .sa_flags = SA_SIGINFO };
	if (sigaction(SIGSEGV, &sa, NULL))
		err(1, "sigaction");
	volatile char *p = mode == 'u' ? hi : mid;
	if (mode == 'o')
		while (n--)
			*p++ = 1;
	if (mode == 'u')
		while (n--)
			*--p = 1;
	size_t *list = calloc(argc, sizeof *list), used = 0;
	if (!list)
		err(1, "calloc");
	for (int i = 3; mode == 'd' && i < argc; i++) {
		if (argc > 200) { /* a child each would take too long */
			atomic_store(&sh->opened, -1);
			((volatile char *)mid)[num(argv[i]) * pg] = 1;
			if (atomic_load(&sh->opened) >= 0)
				list[used++] = (size_t)atomic_load(&sh->opened);
			continue;
		}
		size_t k = num(argv[i]);
		int st;
		fflush(NULL);
		atomic_store(&sh->opened, -1);
		pid_t kid = fork();
		if (kid < 0)
			err(1, "fork");
		if (kid == 0) {
			mid[k * pg] = 1;
			__asm__ volatile("" ::: "memory");
			_exit(0);
		}
		if (waitpid(kid, &st, 0) < 0)
			err(1, "waitpid");
		if (WIFSIGNALED(st)) {
			signal(WTERMSIG(st), SIG_DFL);
			raise(WTERMSIG(st));
		}
		if (WEXITSTATUS(st))
			return WEXITSTATUS(st);
		if (atomic_load(&sh->opened) >= 0) {
			list[used++] = (size_t)atomic_load(&sh->opened);
			if (mprotect(mid + k * pg, pg, PROT_READ | PROT_WRITE))
				err(1, "mprotect");
		}
	}
	if (munmap(lo, total))
		err(1, "munmap");
	if (mode == 'd') {
		qsort(list, used, sizeof *list, cmp);
		printf("dirty");
		for (size_t i = 0; i < used; i++)
			printf(" %zu", list[i]);
		printf("\n");
	} else
		printf("ok\n");
	if (fflush(stdout))
		err(1, "stdout");
	return 0;
}
