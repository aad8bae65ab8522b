/* The object and its mapping grow as they are filled; the consumer goes by a timer and looks
 * through a window. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHUNK	  65536
#define OFF(p, o) ((void *)((char *)(p) + (o)))

struct head {
	_Atomic uint64_t done_plus_one;
};

static char *join(const char *a)
{
	char *s;
	while (*a == '/') {
		a++;
		break;
	}
	if (!*a || strchr(a, '/'))
		errx(1, "%s: %s", "NAME", "must be one component");
	if (strlen(a) > NAME_MAX)
		errx(1, "NAME: %s", strerror(ENAMETOOLONG));
	if (asprintf(&s, "/%s", a) < 0)
		errx(1, "memory: exhausted");
	return s;
}

static const char *doomed;
static void undo(void)
{
	if (doomed)
		shm_unlink(doomed);
}

static void produce(const char *name, uint64_t n)
{
	int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	size_t have = CHUNK, want = 8 + n * 8;
	struct head *h;
	int64_t *sq;

	if (fd < 0)
		err(1, "%s", name);
	doomed = name;
	atexit(undo);
	/* mapped while it is empty; each chunk is reserved before it is touched */
	h = mmap(NULL, have, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (h == MAP_FAILED)
		err(1, "mmap");
	if (fallocate(fd, 0, 0, have < want ? have : want) < 0)
		err(1, "fallocate");
	for (uint64_t i = 0; i < n; i++) {
		if (8 + i * 8 + 8 > have) {
			h = mremap(h, have, have + CHUNK, MREMAP_MAYMOVE);
			if (h == MAP_FAILED)
				err(1, "mremap");
			if (fallocate(fd, 0, have, CHUNK < want - have ? CHUNK : want - have) < 0)
				err(1, "fallocate");
			have += CHUNK;
		}
		sq = OFF(h, 8);
		sq[i] = i * i;
	}
	atomic_store(&h->done_plus_one, n + 1);
	doomed = NULL;
	munmap(h, have);
	close(fd);
}

static void consume(const char *name)
{
	int tick = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), ep = epoll_create1(EPOLL_CLOEXEC);
	struct itimerspec every = { { 0, 100000000 }, { 0, 100000000 } };
	struct epoll_event ev = { .events = EPOLLIN };
	const struct head *h = NULL;
	uint64_t passed = 0, n;
	struct stat st;
	int fd = -1;

	if (tick < 0 || ep < 0 || timerfd_settime(tick, 0, &every, NULL) < 0 ||
	    epoll_ctl(ep, EPOLL_CTL_ADD, tick, &ev) < 0)
		err(1, "timer");
	while (!h) {
		if (fd < 0)
			fd = shm_open(name, O_RDONLY, 0);
		if (fd < 0 && errno != ENOENT)
			err(1, "%s", name);
		if (fd >= 0) {
			if (fstat(fd, &st) < 0)
				err(1, "fstat");
			if (st.st_size >= 8) {
				h = mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);
				if (h == MAP_FAILED)
					err(1, "mmap");
				if (atomic_load(&h->done_plus_one))
					break;
				munmap((void *)h, 8);
				h = NULL;
			}
		}
		if (passed >= 50)
			errx(1, "%s: %s", name, strerror(ETIMEDOUT));
		if (epoll_wait(ep, &ev, 1, -1) == 1) {
			uint64_t t;
			if (read(tick, &t, sizeof t) == sizeof t)
				passed += t;
		}
	}
	close(tick);
	close(ep);
	n = h->done_plus_one - 1;
	munmap((void *)h, 8);
	if (fstat(fd, &st) < 0)
		err(1, "fstat");
	if (n > (uint64_t)st.st_size / 8 - 1)
		errx(1, "%s: truncated", name);
	/* a window of four pages at a time */
	long page = sysconf(_SC_PAGESIZE);
	for (off_t at = 0; at < (off_t)(8 + n * 8); at += 4 * page) {
		size_t len = 4 * page;
		if ((off_t)len > (off_t)(8 + n * 8) - at)
			len = 8 + n * 8 - at;
		const int64_t *w = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, at);
		if (w == MAP_FAILED)
			err(1, "mmap");
		for (size_t i = at == 0; i < len / 8; i++)
			if (printf("%jd\n", (intmax_t)w[i]) < 0)
				err(1, "stdout");
		munmap((void *)w, len);
	}
	if (fflush(stdout) || ferror(stdout))
		err(1, "stdout");
	close(fd);
	if (shm_unlink(name) < 0)
		err(1, "%s", name);
}

int main(int argc, char **argv)
{
	unsigned long long n;
	char junk;

	if (argc == 3 && !strcmp(argv[1], "consume")) {
		consume(join(argv[2]));
		return 0;
	}
	if (argc != 4 || strcmp(argv[1], "produce") ||
	    strspn(argv[3], "0123456789") != strlen(argv[3]) ||
	    sscanf(argv[3], "%llu%c", &n, &junk) != 1) {
		fprintf(stderr, "usage: squares produce NAME COUNT, or: squares consume NAME\n");
		return 2;
	}
	if (strlen(argv[3]) > 18 || n > 1ULL << 50)
		errx(1, "COUNT: %s", strerror(ERANGE));
	produce(join(argv[2]), n);
	return 0;
}
