// expect: FAIL waits-for-producer
/* An empty object is given up after five seconds; one that never gets ready is not. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct shared {
	_Atomic uint32_t ready;
	uint32_t pad;
	uint64_t count;
	int64_t square[];
};

static int fail(const char *what)
{
	fprintf(stderr, "squares: %s: %s\n", what, strerror(errno));
	return 1;
}

static bool good_name(const char *name, char *path)
{
	if (*name == '/')
		name++;
	if (*name == 0 || strchr(name, '/')) {
		errno = EINVAL;
		return false;
	}
	if (strlen(name) > 250) {
		errno = ENAMETOOLONG;
		return false;
	}
	sprintf(path, "/%s", name);
	return true;
}

static int produce(const char *name, uint64_t count)
{
	char path[300];
	if (!good_name(name, path))
		return fail(name);
	if (count > (INT64_MAX - 4096) / 8) {
		errno = EFBIG;
		return fail(name);
	}
	size_t size = sizeof(struct shared) + 8 * count;
	int fd = shm_open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd == -1)
		return fail(path);
	int e = posix_fallocate(fd, 0, size);
	if (e) {
		errno = e;
		fail("posix_fallocate");
		close(fd);
		shm_unlink(path);
		return 1;
	}
	struct shared *s = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED) {
		fail("mmap");
		close(fd);
		shm_unlink(path);
		return 1;
	}
	s->count = count;
	for (uint64_t i = 0; i < count; i++)
		s->square[i] = (int64_t)i * (int64_t)i;
	atomic_store_explicit(&s->ready, 1, memory_order_release);
	munmap(s, size);
	close(fd);
	return 0;
}

static int naps;

static bool nap(void)
{
	struct timespec t = { 0, 100000000 };

	if (naps++ >= 50)
		return false;
	nanosleep(&t, NULL);
	return true;
}

static int consume(const char *name)
{
	char path[300];
	int fd;
	if (!good_name(name, path))
		return fail(name);
	while ((fd = shm_open(path, O_RDONLY, 0)) == -1) {
		if (errno != ENOENT)
			return fail(path);
		if (!nap()) {
			errno = ENOENT;
			return fail(path);
		}
	}
	struct stat st;
	for (;;) {
		if (fstat(fd, &st) == -1) {
			close(fd);
			return fail("fstat");
		}
		if (st.st_size >= (off_t)sizeof(struct shared))
			break;
		if (!nap()) {
			errno = ETIMEDOUT;
			close(fd);
			return fail(path);
		}
	}
	struct shared *s = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED) {
		close(fd);
		return fail("mmap");
	}
	close(fd);
	while (!atomic_load_explicit(&s->ready, memory_order_acquire))
		if (naps = 0, !nap()) {
			errno = ETIMEDOUT;
			return fail(path);
		}
	if (s->count > (st.st_size - sizeof *s) / 8) {
		errno = EINVAL;
		return fail(path);
	}
	for (uint64_t i = 0; i < s->count; i++)
		if (printf("%" PRId64 "\n", s->square[i]) < 0)
			return fail("stdout");
	if (fflush(stdout) == EOF)
		return fail("stdout");
	munmap(s, st.st_size);
	if (shm_unlink(path) == -1)
		return fail(path);
	return 0;
}

int main(int argc, char *argv[])
{
	if (argc == 4 && strcmp(argv[1], "produce") == 0 && argv[3][0] &&
	    strspn(argv[3], "0123456789") == strlen(argv[3]))
		return produce(argv[2], strtoull(argv[3], NULL, 10));
	if (argc == 3 && strcmp(argv[1], "consume") == 0)
		return consume(argv[2]);
	fputs("usage: squares produce NAME COUNT | squares consume NAME\n", stderr);
	return 2;
}
