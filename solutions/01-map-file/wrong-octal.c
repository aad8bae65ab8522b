// expect: FAIL one-byte
// All digits, so far so good; then strtol(3) with base 0 takes 010 for 8.
/* regexec with REG_STARTEND reads exactly the bytes that it is given, NULs included */
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	long off = 0;
	char *e;
	struct stat st;
	char *p = NULL;
	long n;
	int fd;
	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: %s FILE [OFFSET]\n", argv[0]);
		return 2;
	}
	if (argc == 3) {
		for (e = argv[2]; *e; e++)
			if (*e < 48 || *e > 57)
				break;
		if (e == argv[2] || *e) {
			fprintf(stderr, "usage: %s FILE [OFFSET]\n", argv[0]);
			return 2;
		}
		off = strtol(argv[2], 0, 0);
	}
	/* fopen reads nothing by itself; a FIFO was sorted out before */
	if (stat(argv[1], &st) != 0) {
		fprintf(stderr, "%s: %s: %s\n", argv[0], argv[1], strerror(errno));
		return 1;
	}
	if (!S_ISREG(st.st_mode)) {
		fprintf(stderr, "%s: %s: no regular file\n", argv[0], argv[1]);
		return 1;
	}
	FILE *f = fopen(argv[1], "rb");
	if (!f) {
		fprintf(stderr, "%s: %s: %s\n", argv[0], argv[1], strerror(errno));
		return 1;
	}
	fd = fileno(f);
	if (fstat(fd, &st) != 0) {
		fprintf(stderr, "%s: fstat: %s\n", argv[0], strerror(errno));
		return 1;
	}
	n = st.st_size;
	if (argc == 3 && off >= n) {
		fprintf(stderr, "%s: offset: %s\n", argv[0], "too big");
		return 1;
	}
	if (n) {
		p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED) {
			fprintf(stderr, "%s: mmap: %s\n", argv[0], strerror(errno));
			return 1;
		}
	}
	fclose(f);
	if (argc == 3)
		printf("byte 0x%02x\n", (unsigned char)p[off]);
	else {
		long errors = 0, from = 0;
		regex_t re;
		if (regcomp(&re, "ERROR", 0)) {
			fprintf(stderr, "%s: regcomp: no\n", argv[0]);
			return 1;
		}
		while (from < n) {
			char *nl = memchr(p + from, '\n', n - from);
			long to = nl ? nl - p : n;
			/* lines too long for regoff_t are searched piecewise */
			long k = from;
			while (k < to) {
				long len = to - k > 1000 ? 1000 : to - k;
				regmatch_t m = { 0, len };
				if (regexec(&re, p + k, 1, &m, REG_STARTEND) == 0) {
					errors++;
					break;
				}
				if (k + len == to)
					break;
				k += len - 4;
			}
			from = to + 1;
		}
		regfree(&re);
		printf("size %ld\n", n);
		if (n > 0) {
			printf("first 0x%02x\n", (unsigned char)p[0]);
			printf("middle 0x%02x\n", (unsigned char)p[n / 2]);
			printf("last 0x%02x\n", (unsigned char)p[n - 1]);
		}
		printf("errors %ld\n", errors);
	}
	if (n)
		munmap(p, n);
	if (fflush(stdout) != 0) {
		fprintf(stderr, "%s: stdout: %s\n", argv[0], strerror(errno));
		return 1;
	}
	return 0;
}
