// mlockall in the first form: all of FILE is resident when the descriptor is closed, and nobody has
// looked at it.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void die(const char *what, const char *why)
{
	fprintf(stderr, "map_file: %s: %s\n", what, why);
	exit(1);
}

static long long count_errors(const unsigned char *p, size_t n)
{
	long long lines = 0;
	size_t at = 0;

	while (at < n) {
		const unsigned char *nl = memchr(p + at, '\n', n - at);
		size_t end = nl ? (size_t)(nl - p) : n;

		if (memmem(p + at, end - at, "ERROR", 5))
			lines++;
		at = end + 1;
	}
	return lines;
}

int main(int argc, char **argv)
{
	unsigned long long offset = 0;
	const unsigned char *p = NULL;
	struct stat st;

	if (argc != 2 && argc != 3) {
		fprintf(stderr, "usage: map_file FILE [OFFSET]\n");
		return 2;
	}
	if (argc == 3) {
		if (!argv[2][0] || strspn(argv[2], "0123456789") != strlen(argv[2])) {
			fprintf(stderr, "usage: map_file FILE [OFFSET]\n");
			return 2;
		}
		errno = 0;
		offset = strtoull(argv[2], NULL, 10);
		if (errno)
			die(argv[2], strerror(errno));
	}
	int fd = open(argv[1], O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		die(argv[1], strerror(errno));
	if (fstat(fd, &st) < 0)
		die(argv[1], strerror(errno));
	if (!S_ISREG(st.st_mode))
		die(argv[1], "not a regular file");
	size_t n = st.st_size;
	if (argc == 3 && offset >= n)
		die(argv[2], "beyond the end of the file");
	if (n > 0) {
		if (argc == 2)
			mlockall(MCL_CURRENT | MCL_FUTURE);
		p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED)
			die("mmap", strerror(errno));
	}
	close(fd);
	if (argc == 3) {
		printf("byte 0x%02x\n", p[offset]);
	} else {
		printf("size %zu\n", n);
		if (n > 0) {
			printf("first 0x%02x\n", p[0]);
			printf("middle 0x%02x\n", p[n / 2]);
			printf("last 0x%02x\n", p[n - 1]);
		}
		printf("errors %lld\n", count_errors(p, n));
	}
	if (n > 0 && munmap((void *)p, n) < 0)
		die("munmap", strerror(errno));
	if (fflush(stdout) == EOF || ferror(stdout))
		die("stdout", strerror(errno));
	return 0;
}
