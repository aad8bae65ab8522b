// expect: FAIL existing-name-refused
// Refuses an existing object by its size: an empty one is taken over.
/* ordinary: a header with count and ready, the squares behind it */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct squares {
	_Atomic uint64_t ready; /* COUNT + 1 when all is there */
	int64_t value[];
};

static int fail(const char *what, int e)
{
	fprintf(stderr, "squares: %s: %s\n", what, strerror(e));
	return 1;
}
static int usage(void)
{
	fprintf(stderr, "usage: squares produce NAME COUNT\n       squares consume NAME\n");
	return 2;
}
/* puts "/name" into full, or says what is wrong */
static int full_name(const char *name, char full[257])
{
	if (*name == '/')
		name++;
	if (!*name || strchr(name, '/'))
		return EINVAL;
	if (strlen(name) > 255)
		return ENAMETOOLONG;
	full[0] = '/';
	strcpy(full + 1, name);
	return 0;
}
static int produce(const char *given, uint64_t count)
{
	char name[257];
	int e = full_name(given, name);
	if (e)
		return fail(given, e);
	if (count > (INT64_MAX - 8) / 8)
		return fail("COUNT", EFBIG);
	off_t size = (off_t)(8 + 8 * count);
	int fd = shm_open(name, O_RDWR | O_CREAT, 0600);
	if (fd >= 0) {
		struct stat had;
		if (fstat(fd, &had) == 0 && had.st_size > 0) {
			close(fd);
			errno = EEXIST;
			fd = -1;
		}
	}
	if (fd < 0)
		return fail(given, errno);
	struct squares *s;
	if ((e = posix_fallocate(fd, 0, size)) != 0)
		goto broken;
	s = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED) {
		e = errno;
		goto broken;
	}
	close(fd);
	for (uint64_t i = 0; i < count; i++)
		s->value[i] = (int64_t)(i * i);
	atomic_store_explicit(&s->ready, count + 1, memory_order_release);
	munmap(s, (size_t)size);
	return 0;
broken:
	close(fd);
	shm_unlink(name);
	return fail(given, e);
}
static int nap(int *left)
{
	if (*left <= 0)
		return -1;
	struct timespec t = { 0, 10000000 };
	nanosleep(&t, NULL);
	*left -= 10;
	return 0;
}
static int consume(const char *given)
{
	char name[257];
	int e = full_name(given, name), fd, left = 5000;
	struct stat st;
	struct squares *s;
	if (e)
		return fail(given, e);
	while ((fd = shm_open(name, O_RDONLY, 0)) < 0)
		if (errno != ENOENT)
			return fail(given, errno);
		else if (nap(&left))
			return fail(given, ETIMEDOUT);
	for (;;) {
		if (fstat(fd, &st))
			return fail(given, errno);
		if (st.st_size >= (off_t)sizeof *s)
			break;
		if (nap(&left))
			return fail(given, ETIMEDOUT);
	}
	s = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED)
		return fail(given, errno);
	close(fd);
	uint64_t ready;
	while ((ready = atomic_load_explicit(&s->ready, memory_order_acquire)) == 0)
		if (nap(&left))
			return fail(given, ETIMEDOUT);
	uint64_t count = ready - 1;
	if (count > ((uint64_t)st.st_size - sizeof *s) / 8)
		return fail(given, EINVAL);
	for (uint64_t i = 0; i < count; i++)
		if (printf("%" PRId64 "\n", s->value[i]) < 0)
			return fail("stdout", errno);
	if (fflush(stdout) == EOF)
		return fail("stdout", errno);
	munmap(s, (size_t)st.st_size);
	if (shm_unlink(name))
		return fail(given, errno);
	return 0;
}
int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "consume"))
		return consume(argv[2]);
	if (argc != 4 || strcmp(argv[1], "produce"))
		return usage();
	const char *p = argv[3];
	if (!*p)
		return usage();
	for (; *p; p++)
		if (!isdigit((unsigned char)*p))
			return usage();
	errno = 0;
	uint64_t count = strtoull(argv[3], NULL, 10);
	if (errno)
		return fail(argv[3], errno);
	return produce(argv[2], count);
}
