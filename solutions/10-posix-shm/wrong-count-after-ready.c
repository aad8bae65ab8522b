// expect: FAIL ready-comes-last
/* The count is stored behind the sign: whoever comes in between sees no squares. */
/* squares.c - producer and consumer over a POSIX shared memory object. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
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

#define POLL_MS	    20
#define PATIENCE_MS 5000

struct shared {
	_Atomic uint32_t ready;
	uint32_t pad;
	uint64_t count;
	int64_t square[];
};

static const char *prog;

static void usageError(void)
{
	fprintf(stderr, "usage: %s produce NAME COUNT | consume NAME\n", prog);
	exit(2);
}

static void errExit(const char *what, int err)
{
	fprintf(stderr, "%s: %s: %s\n", prog, what, strerror(err));
	exit(1);
}

static void fatal(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s: %s\n", prog, what, why);
	exit(1);
}

static void objectName(const char *arg, char *out)
{
	const char *bare = arg[0] == '/' ? arg + 1 : arg;

	if (*bare == '\0')
		fatal("name", "empty");
	if (strchr(bare, '/') != NULL)
		fatal(arg, "more than one slash");
	if (strlen(bare) > NAME_MAX)
		fatal("name", "too long");
	out[0] = '/';
	strcpy(out + 1, bare);
}

static bool getCount(const char *s, uint64_t *count)
{
	char *end;

	for (const char *p = s; *p != '\0'; p++)
		if (*p < '0' || *p > '9')
			return false;
	if (*s == '\0')
		return false;
	errno = 0;
	*count = strtoull(s, &end, 10);
	if (errno == ERANGE || *count > (INT64_MAX - sizeof(struct shared)) / 8)
		fatal("count", "too large");
	return true;
}

static void produce(const char *name, uint64_t count)
{
	size_t size = sizeof(struct shared) + count * 8;
	int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	int e;

	if (fd == -1)
		errExit(name, errno);
	e = posix_fallocate(fd, 0, (off_t)size);
	if (e != 0) {
		shm_unlink(name);
		errExit("posix_fallocate", e);
	}
	struct shared *s = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED) {
		e = errno;
		shm_unlink(name);
		errExit("mmap", e);
	}
	close(fd);
	for (uint64_t i = 0; i < count; i++)
		s->square[i] = (int64_t)(i * i);
	atomic_store_explicit(&s->ready, 1, memory_order_release);
	s->count = count;
	munmap(s, size);
}

static void consume(const char *name)
{
	int fd = -1;
	struct shared *s = MAP_FAILED;
	size_t size = 0;
	struct timespec nap = { 0, POLL_MS * 1000000L };
	int waited;

	for (waited = 0;; waited += POLL_MS) {
		if (fd == -1) {
			fd = shm_open(name, O_RDONLY, 0);
			if (fd == -1 && errno != ENOENT)
				errExit(name, errno);
		}
		if (fd != -1 && s == MAP_FAILED) {
			struct stat st;

			if (fstat(fd, &st) == -1)
				errExit("fstat", errno);
			if (st.st_size >= (off_t)sizeof(struct shared)) {
				size = (size_t)st.st_size;
				s = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
				if (s == MAP_FAILED)
					errExit("mmap", errno);
			}
		}
		if (s != MAP_FAILED && atomic_load_explicit(&s->ready, memory_order_acquire))
			break;
		if (waited >= PATIENCE_MS)
			fatal(name, "nothing ready within five seconds");
		while (nanosleep(&nap, NULL) == -1 && errno == EINTR)
			;
	}
	close(fd);
	if (s->count > (size - sizeof *s) / 8)
		fatal(name, "count does not fit the object");
	for (uint64_t i = 0; i < s->count; i++)
		if (printf("%lld\n", (long long)s->square[i]) < 0)
			errExit("stdout", errno);
	if (fflush(stdout) == EOF)
		errExit("stdout", errno);
	munmap(s, size);
	if (shm_unlink(name) == -1)
		errExit("shm_unlink", errno);
}

int main(int argc, char *argv[])
{
	char name[NAME_MAX + 2];
	uint64_t count;

	prog = argv[0];
	if (argc == 4 && strcmp(argv[1], "produce") == 0) {
		if (!getCount(argv[3], &count))
			usageError();
		objectName(argv[2], name);
		produce(name, count);
	} else if (argc == 3 && strcmp(argv[1], "consume") == 0) {
		objectName(argv[2], name);
		consume(name);
	} else
		usageError();
	exit(0);
}
