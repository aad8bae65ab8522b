// expect: FAIL one-byte
// OFFSET + 1 > size: the largest OFFSET has no successor.
#define _GNU_SOURCE
#include <ctype.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int c, char **v)
{
	struct stat s;
	long long o = -1, n;
	int f;
	unsigned char *p = 0;
	if (c < 2 || c > 3)
		goto use;
	if (c == 3) {
		if (!*v[2] || v[2][strspn(v[2], "0123456789")])
			goto use;
		char *e;
		o = strtoll(v[2], &e, 10);
	}
	if ((f = open(v[1], O_RDONLY | O_NONBLOCK)) < 0)
		err(1, "open %s", v[1]);
	if (fstat(f, &s))
		err(1, "fstat");
	if (!S_ISREG(s.st_mode))
		errx(1, "%s: not a regular file", v[1]);
	n = s.st_size;
	if (c == 3 && (long long)((unsigned long long)o + 1) > n)
		errx(1, "offset: beyond the end");
	if (n && (p = mmap(0, n, PROT_READ, MAP_PRIVATE, f, 0)) == MAP_FAILED)
		err(1, "mmap");
	close(f);
	if (c == 3)
		printf("byte 0x%02x\n", p[o]);
	else {
		long e = 0;
		for (unsigned char *q = p, *z = p + n, *l; q < z; q = l + 1) {
			l = memchr(q, '\n', z - q);
			if (!l)
				l = z;
			e += !!memmem(q, l - q, "ERROR", 5);
		}
		printf("size %lld\n", n);
		if (n)
			printf("first 0x%02x\nmiddle 0x%02x\nlast 0x%02x\n", *p, p[n / 2],
			       p[n - 1]);
		printf("errors %ld\n", e);
	}
	if (n)
		munmap(p, n);
	if (fflush(stdout) || ferror(stdout))
		err(1, "stdout");
	return 0;
use:
	fprintf(stderr, "usage: map_file FILE [OFFSET]\n");
	return 2;
}
