// expect: FAIL errors-reported
// peek takes -1 for a number, far beyond the end; it is none.
#include "lab.h"
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
static sigjmp_buf j;
static void bus(int s)
{
	siglongjmp(j, s);
}
static long long num(const char *s)
{
	if (!*s || s[strspn(s, "0123456789")])
		return -1;
	errno = 0;
	long long v = strtoll(s, 0, 10);
	if (errno)
		err(1, "%s", s);
	return v;
}
int main(int c, char **v)
{
	struct stat s;
	long long n;
	int f;
	long P = sysconf(_SC_PAGESIZE);
	if (c < 4)
		goto use;
	int g = !strcmp(v[1], "grow"), h = !strcmp(v[1], "shrink"), k = !strcmp(v[1], "poke"),
	    e = !strcmp(v[1], "peek");
	if (!(g | h | k | e) || c != 4 + k || (n = (e && *v[3] == '-') ? 1ll << 60 : num(v[3])) < 0)
		goto use;
	if ((f = open(v[2], (e ? O_RDONLY : O_RDWR) | O_NONBLOCK)) < 0 || fstat(f, &s))
		err(1, "%s", v[2]);
	if (!S_ISREG(s.st_mode))
		errx(1, "%s: not a regular file", v[2]);
	if (g | h) {
		if (g ? n < s.st_size : n > s.st_size)
			errx(1, "%s: %s from %lld to %lld", v[2], v[1], (long long)s.st_size, n);
		if (ftruncate(f, n))
			err(1, "ftruncate");
		printf("old %lld new %lld\n", (long long)s.st_size, n);
	} else if (k) {
		size_t l = strlen(v[4]), d = n % P;
		if (n > s.st_size || (long long)l > s.st_size - n)
			errx(1, "%s: beyond the end", v[3]);
		if (l) {
			char *p = mmap(0, d + l, PROT_READ | PROT_WRITE, MAP_SHARED, f, n - d);
			if (p == MAP_FAILED)
				err(1, "mmap");
			memcpy(p + d, v[4], l);
			if (msync(p, d + l, MS_SYNC))
				err(1, "msync");
			munmap(p, d + l);
		}
	} else {
		size_t d = n % P;
		if (n >= s.st_size)
			errx(1, "%s: beyond the end", v[3]);
		volatile unsigned char *p = mmap(0, d + 1, PROT_READ, MAP_SHARED, f, n - d), b;
		if (p == MAP_FAILED)
			err(1, "mmap");
		signal(SIGBUS, bus);
		lab_checkpoint("mapped");
		if (sigsetjmp(j, 1))
			goto gone;
		b = p[d];
		if (fstat(f, &s))
			err(1, "fstat");
		if (n >= s.st_size) {
gone:
			puts("truncated");
			if (fflush(stdout))
				err(1, "stdout");
			return 4;
		}
		printf("byte 0x%02x\n", b);
	}
	if (fflush(stdout))
		err(1, "stdout");
	return 0;
use:
	fputs("usage: sized grow|shrink FILE SIZE | poke FILE OFFSET TEXT | peek FILE OFFSET\n",
	      stderr);
	return 2;
}
