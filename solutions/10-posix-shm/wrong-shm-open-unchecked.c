// expect: FAIL maps-read-only waits-for-producer
/* A missing object goes unnoticed until the mapping is touched. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TRIES  50 /* times TRY_MS: five seconds */
#define TRY_MS 100
#define HEADER sizeof(struct squares)

/* The object: the squares follow the header. `ready` is stored last, with release. */
struct squares {
	_Atomic uint64_t ready;
	uint64_t count;
	uint64_t square[];
};

static int complain(const char *what)
{
	fprintf(stderr, "squares: %s: %s\n", what, strerror(errno));
	return -1;
}

/* One leading slash may be given or not; shm_open() of glibc would swallow any number of them. */
static const char *object_name(const char *word)
{
	static char name[NAME_MAX + 2] = "/";
	size_t length;

	if (*word == '/')
		word++;
	length = strlen(word);
	if (length == 0 || length > NAME_MAX || strchr(word, '/')) {
		errno = length > NAME_MAX ? ENAMETOOLONG : EINVAL;
		return NULL;
	}
	memcpy(name + 1, word, length + 1);
	return name;
}

/* ---- The producer ---- */

/* Size and room: posix_fallocate() reserves the pages, so that no store can end in SIGBUS. */
static struct squares *make_room(int fd, size_t bytes)
{
	struct squares *squares;
	int error;

	do
		error = posix_fallocate(fd, 0, bytes);
	while (error == EINTR);
	if (error != 0) {
		errno = error;
		return NULL;
	}
	squares = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return squares == MAP_FAILED ? NULL : squares;
}

static int produce(const char *name, uint64_t count)
{
	if (count > (SSIZE_MAX - HEADER) / sizeof(uint64_t)) {
		errno = EFBIG;
		return complain("COUNT");
	}
	size_t bytes = HEADER + count * sizeof(uint64_t);
	int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);

	if (fd == -1)
		return complain(name);
	struct squares *squares = make_room(fd, bytes);

	if (!squares) {
		complain("making room");
		close(fd);
		shm_unlink(name);
		return -1;
	}
	close(fd);
	squares->count = count;
	for (uint64_t i = 0; i < count; i++)
		squares->square[i] = i * i;
	atomic_store_explicit(&squares->ready, 1, memory_order_release);
	munmap(squares, bytes);
	return 0;
}

/* ---- The consumer ---- */

/* The finished object; NULL with EAGAIN while there is none, with another error when all is lost.
 */
static struct squares *look(const char *name, size_t *bytes)
{
	struct squares *squares = NULL;
	struct stat status;
	int fd = shm_open(name, O_RDONLY, 0);

	fstat(fd, &status);
	*bytes = fd == -1 ? 4096 : status.st_size;
	errno = EAGAIN;
	if (*bytes < HEADER)
		goto out;
	squares = mmap(NULL, *bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (atomic_load_explicit(&squares->ready, memory_order_acquire) != 1) {
		munmap(squares, *bytes);
		squares = NULL;
		errno = EAGAIN;
	}
out:
	close(fd);
	return squares;
}

static struct squares *await(const char *name, size_t *bytes)
{
	for (int tries = 0;; tries++) {
		struct timespec rest = { .tv_nsec = TRY_MS * 1000000L };
		struct squares *squares = look(name, bytes);

		if (squares || errno != EAGAIN)
			return squares;
		if (tries == TRIES) {
			errno = ETIMEDOUT;
			return NULL;
		}
		while (nanosleep(&rest, &rest) == -1 && errno == EINTR)
			;
	}
}

static int print(const struct squares *squares, size_t bytes)
{
	if (squares->count > (bytes - HEADER) / sizeof(uint64_t)) {
		errno = EINVAL;
		return complain("the object's count");
	}
	for (uint64_t i = 0; i < squares->count; i++)
		if (printf("%" PRIu64 "\n", squares->square[i]) < 0)
			return complain("stdout");
	return fflush(stdout) == EOF ? complain("stdout") : 0;
}

static int consume(const char *name)
{
	size_t bytes;
	const struct squares *squares = await(name, &bytes);

	if (!squares)
		return complain(name);
	if (print(squares, bytes) == -1)
		return -1;
	return shm_unlink(name) == -1 ? complain(name) : 0;
}

/* ---- The command line ---- */

static int usage(void)
{
	fputs("usage: squares produce NAME COUNT | squares consume NAME\n", stderr);
	return 2;
}

/* Decimal digits only. What fits no int64_t becomes INT64_MAX, which no object has room for. */
static bool parse(const char *digits, uint64_t *value)
{
	if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0')
		return false;
	*value = strtoll(digits, NULL, 10);
	return true;
}

int main(int argc, char *argv[])
{
	bool producer = argc == 4 && strcmp(argv[1], "produce") == 0;
	bool consumer = argc == 3 && strcmp(argv[1], "consume") == 0;
	uint64_t count = 0;

	if ((!producer && !consumer) || (producer && !parse(argv[3], &count)))
		return usage();
	const char *name = object_name(argv[2]);

	if (!name)
		complain("NAME");
	else if ((producer ? produce(name, count) : consume(name)) == 0)
		return EXIT_SUCCESS;
	return EXIT_FAILURE;
}
