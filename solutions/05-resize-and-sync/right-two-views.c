/*
 * TEXT is stored through one view and synced through another; a page of zeros is laid over the one
 * that is gone.
 */
#define _GNU_SOURCE
#include "lab.h"
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
static atomic_int hit;
static char *window;
static size_t wlen;
static void on_sigbus(int s)
{
	(void)s;
	atomic_store(&hit, 1);
	if (mmap(window, wlen, PROT_READ, MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED, -1, 0) ==
	    MAP_FAILED)
		abort();
}
static _Noreturn void usage(void)
{
	warnx("%s", "");
	exit(2);
}
static uintmax_t num(const char *s)
{
	char *e;
	uintmax_t r;
	if (!s[0] || s[strspn(s, "0123456789")]) {
		fprintf(stderr, "usage: sized CMD FILE NUMBER\n");
		exit(2);
	}
	errno = 0;
	r = strtoumax(s, &e, 10);
	if (errno || r > INT64_MAX)
		errx(1, "%s: too large", s);
	return r;
}
int main(int ac, char *av[])
{
	int fd;
	struct stat st;
	if (ac != 4 && ac != 5) {
		fprintf(stderr, "usage: sized CMD FILE NUMBER [TEXT]\n");
		return 2;
	}
	if (ac == 5 ? strcmp(av[1], "poke")
		    : strcmp(av[1], "grow") && strcmp(av[1], "shrink") && strcmp(av[1], "peek")) {
		fprintf(stderr, "usage: sized CMD FILE NUMBER [TEXT]\n");
		return 2;
	}
	(void)usage;
	off_t n = num(av[3]);
	fd = open(av[2], O_PATH);
	if (fd < 0 || fstat(fd, &st))
		err(1, "open: %s", av[2]);
	if (!S_ISREG(st.st_mode))
		errx(1, "%s: not regular", av[2]);
	char self[64];
	snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	int f = open(self, strcmp(av[1], "peek") ? O_RDWR : O_RDONLY);
	if (f < 0)
		err(1, "%s: open", av[2]);
	close(fd);
	off_t size = st.st_size;
	if (ac == 5) {
		size_t len = strlen(av[4]);
		if (n > size || len > (size_t)(size - n))
			errx(1, "%s: no place for the text", av[3]);
		if (!len)
			exit(0);
		off_t base = n & ~4095L;
		size_t l = n - base + len;
		char *a = mmap(0, l, PROT_READ | PROT_WRITE, MAP_SHARED, f, base);
		char *b = mmap(0, l, PROT_READ | PROT_WRITE, MAP_SHARED, f, base);
		if (a == MAP_FAILED || b == MAP_FAILED)
			err(1, "mmap");
		memmove(a + (n - base), av[4], len);
		if (memcmp(b + (n - base), av[4], len))
			errx(1, "views: differ");
		if (msync(b, l, MS_SYNC) || msync(a, l, MS_SYNC))
			err(1, "msync");
		munmap(a, l);
		munmap(b, l);
		exit(0);
	}
	if (av[1][1] == 'e') {
		if (n >= size)
			errx(1, "%s: beyond %jd", av[3], (intmax_t)size);
		off_t base = n & ~4095L;
		wlen = n - base + 1;
		/* reserve first, file over it */
		window = mmap(0, wlen, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (window == MAP_FAILED)
			err(1, "mmap");
		signal(SIGBUS, on_sigbus);
		if (mmap(window, wlen, PROT_READ, MAP_SHARED | MAP_FIXED, f, base) == MAP_FAILED)
			err(1, "mmap");
		lab_checkpoint("mapped");
		unsigned c = *(volatile unsigned char *)(window + (n - base));
		if (fstat(f, &st))
			err(1, "fstat");
		int t = hit || st.st_size <= n;
		if ((t ? printf("truncated\n") : printf("byte 0x%02x\n", c)) < 0 || fflush(stdout))
			err(1, "stdout");
		exit(t ? 4 : 0);
	}
	if (av[1][0] == 'g' ? n < size : n > size)
		errx(1, "%s: refused, it has %jd bytes", av[1], (intmax_t)size);
	if (ftruncate64(f, n))
		err(1, "ftruncate");
	printf("old %jd ", (intmax_t)size);
	fflush(stdout);
	printf("new %jd\n", (intmax_t)n);
	if (fflush(stdout) || ferror(stdout))
		err(1, "stdout");
	exit(0);
}
