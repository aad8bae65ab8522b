// expect: FAIL name-goes-at-the-end
// Each look at an object that is still empty leaves a descriptor open.
/* a packed header of four bytes, so that the squares stand at 4, 12, 20 …; the consumer waits by
 * inotify and poll */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
struct __attribute__((packed)) box {
	int32_t ready;
	int64_t sq[];
};
#define quit(...) (fprintf(stderr, "squares: " __VA_ARGS__), fputc('\n', stderr), exit(1))
static long ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
static const char *base(const char *n)
{
	if (*n == '/')
		n++;
	if (!strlen(n))
		quit("NAME: empty");
	if (strlen(n) > 255)
		quit("NAME: too long");
	for (const char *p = n; *p; p++)
		if (*p == '/')
			quit("%s: no slash inside, please", n);
	return n;
}
static void produce(const char *name, int64_t n)
{
	int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		quit("%s: %s", name, strerror(errno));
	size_t size = sizeof(struct box) + 8 * (size_t)n;
	struct box *b = NULL;
	int e = 0;
	if (n > INT64_MAX / 16)
		e = EFBIG;
	else if (ftruncate(fd, (off_t)size))
		e = errno;
	else if ((b = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) == MAP_FAILED)
		e = errno;
	/* the kernel brings in each page for writing now; it says so where there is no room */
	else if (madvise(b, size, 23 /* MADV_POPULATE_WRITE */))
		e = errno;
	if (e) {
		shm_unlink(name);
		quit("%s: %s", name, strerror(e));
	}
	for (int64_t i = 0; i < n; i++) {
		int64_t q = i * i;
		memcpy((char *)b + 4 + 8 * i, &q, 8);
	}
	__atomic_store_n(&b->ready, 1, __ATOMIC_RELEASE);
	munmap(b, size);
	close(fd); /* IN_CLOSE_WRITE wakes who waits */
}
static void consume(const char *name)
{
	long until = ms() + 5000;
	int in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (in < 0 ||
	    inotify_add_watch(in, "/dev/shm", IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO) < 0)
		quit("inotify: %s", strerror(errno));
	for (;;) {
		int fd = shm_open(name, O_RDONLY, 0);
		if (fd < 0 && errno != ENOENT)
			quit("%s: %s", name, strerror(errno));
		if (fd >= 0) {
			struct stat st;
			if (fstat(fd, &st))
				quit("fstat: %s", strerror(errno));
			if (st.st_size >= 4) {
				struct box *b = mmap(NULL, (size_t)st.st_size, PROT_READ,
						     MAP_SHARED, fd, 0);
				if (b == MAP_FAILED)
					quit("mmap: %s", strerror(errno));
				if (__atomic_load_n(&b->ready, __ATOMIC_ACQUIRE)) {
					close(fd);
					for (int64_t i = 0; i < (st.st_size - 4) / 8; i++)
						printf("%ld\n", (long)b->sq[i]);
					if (ferror(stdout) || fflush(stdout))
						quit("stdout: %s", strerror(errno));
					if (shm_unlink(name))
						quit("%s: %s", name, strerror(errno));
					exit(0);
				}
				munmap(b, (size_t)st.st_size);
				close(fd);
			}
		}
		long left = until - ms();
		if (left <= 0)
			quit("%s: timed out", name);
		struct pollfd p = { in, POLLIN, 0 };
		poll(&p, 1, (int)(left < 250 ? left : 250));
		char junk[4096];
		while (read(in, junk, sizeof junk) > 0)
			;
	}
}
int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "produce") && argv[3][0] &&
	    !argv[3][strspn(argv[3], "0123456789")]) {
		errno = 0;
		long long n = strtoll(argv[3], NULL, 10);
		if (errno)
			quit("%s: %s", argv[3], strerror(errno));
		produce(base(argv[2]), n);
	} else if (argc == 3 && !strcmp(argv[1], "consume"))
		consume(base(argv[2]));
	else {
		fprintf(stderr, "usage: squares produce NAME COUNT | squares consume NAME\n");
		return 2;
	}
	return 0;
}
