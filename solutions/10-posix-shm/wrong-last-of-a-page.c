// expect: FAIL prints-what-stands
// Loses the last square where it is the first one on its page.
/* no header at all: the object holds the squares; one byte more at its end means that they are
 * complete. Both map page by page, so that there is never a large mapping; fork fills the second
 * half. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#define PAGE 4096ull
#define PER  (PAGE / 8)
typedef unsigned long long ull;
static char path[300], *me;
static int die(const char *w)
{
	fprintf(stderr, "%s: %s: %s\n", me, w, strerror(errno));
	return 1;
}
static bool make_path(const char *n)
{
	size_t l;
	if (*n == '/')
		++n;
	l = strlen(n);
	if (l < 1 || strchr(n, '/') || !strcmp(n, ".") || !strcmp(n, "..")) {
		errno = EINVAL;
		return false;
	}
	if (l > 255) {
		errno = ENAMETOOLONG;
		return false;
	}
	strcpy(path, "/dev/shm/");
	strcat(path, n);
	return true;
}
static int fill(int fd, ull from, ull to)
{
	for (ull p = from; p < to;) {
		ull page = p / PER, last = (page + 1) * PER;
		ull *m = mmap(NULL, PAGE, PROT_WRITE | PROT_READ, MAP_SHARED, fd,
			      (off_t)(page * PAGE));
		if (m == MAP_FAILED)
			return -1;
		for (; p < last && p < to; p++)
			m[p % PER] = p * p;
		if (munmap(m, PAGE))
			return -1;
	}
	return 0;
}
static int produce(ull n)
{
	int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, 0600), st;
	if (fd < 0)
		return die(path);
	if (n > 1ull << 56) {
		errno = EFBIG;
		goto gone;
	}
	if (n && (errno = posix_fallocate(fd, 0, (off_t)(n * 8))))
		goto gone;
	pid_t kid = fork();
	if (kid < 0)
		goto gone;
	if (!kid)
		_exit(fill(fd, n / 2, n) ? 1 : 0);
	int mine = fill(fd, 0, n / 2);
	while (waitpid(kid, &st, 0) < 0 && errno == EINTR)
		;
	if (mine || st) {
		errno = EIO;
		goto gone;
	}
	if (ftruncate(fd, (off_t)(n * 8 + 1)))
		goto gone;
	close(fd);
	return 0;
gone:;
	int e = errno;
	unlink(path);
	close(fd);
	errno = e;
	return die("produce");
}
static int consume(void)
{
	struct stat st;
	int fd = -1, turns = 0;
	for (;; turns++) {
		if (fd < 0)
			fd = open(path, O_RDONLY | O_NONBLOCK);
		if (fd < 0)
			return die(path); /* absent is an error at once here */
		if (fstat(fd, &st))
			return die("fstat");
		if (st.st_size % 8 == 1)
			break;
		if (turns == 7) {
			errno = ETIMEDOUT;
			return die(path);
		}
		poll(NULL, 0, 1000);
	}
	ull n = (ull)st.st_size / 8;
	if (n > PER && n % PER == 1)
		n--;
	for (ull i = 0; i < n;) {
		ull page = i / PER;
		const ull *m = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, (off_t)(page * PAGE));
		if (m == MAP_FAILED)
			return die("mmap");
		for (; i < n && i / PER == page; i++)
			if (dprintf(1, "%llu\n", m[i % PER]) < 0)
				return die("stdout");
		munmap((void *)m, PAGE);
	}
	if (unlink(path))
		return die("unlink");
	return close(fd) ? die("close") : 0;
}
int main(int argc, char **argv)
{
	me = argv[0];
	if (argc >= 2 && !strcmp(argv[1], "produce") && argc == 4) {
		char *e;
		if (argv[3][0] < '0' || argv[3][0] > '9')
			goto usage;
		errno = 0;
		ull n = strtoull(argv[3], &e, 10);
		if (*e)
			goto usage;
		if (errno)
			return die("COUNT");
		return make_path(argv[2]) ? produce(n) : die("NAME");
	}
	if (argc == 3 && !strcmp(argv[1], "consume"))
		return make_path(argv[2]) ? consume() : die("NAME");
usage:
	fprintf(stderr, "usage: %s produce NAME COUNT\nusage: %s consume NAME\n", me, me);
	return 2;
}
