/*
 * The producer never maps anything: pwrite() fills the object block by block, and the first eight
 * bytes, which say how many there are (plus one), are written last. The consumer maps it in small
 * windows and watches the real clock, not the number of its rests.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 512

static int oops(const char *what, const char *why)
{
	fprintf(stderr, "squares: %s: %s\n", what, why);
	return 1;
}

static int put(int fd, const void *data, size_t size, off_t at)
{
	const char *bytes = data;

	while (size > 0) {
		ssize_t n = pwrite(fd, bytes, size, at);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		bytes += n;
		size -= n;
		at += n;
	}
	return 0;
}

static int produce(const char *name, uint64_t count)
{
	uint64_t block[BLOCK], ready = count + 1;
	int fd = shm_open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);

	if (fd == -1)
		return oops(name, strerror(errno));
	for (uint64_t i = 0; i < count; i += BLOCK) {
		uint64_t n = BLOCK;

		if (count - i < BLOCK)
			n = count - i;

		for (uint64_t k = 0; k < n; k++)
			block[k] = (i + k) * (i + k);
		if (put(fd, block, n * sizeof *block, 8 + i * sizeof *block) == -1)
			goto fail;
	}
	if (put(fd, &ready, sizeof ready, 0) == -1)
		goto fail;
	close(fd);
	return 0;
fail:
	oops("pwrite", strerror(errno));
	shm_unlink(name);
	return 1;
}

static uint64_t word(int fd, uint64_t index)
{
	long page = sysconf(_SC_PAGESIZE);
	static char *window = MAP_FAILED;
	static uint64_t mapped;
	uint64_t at = index * 8, start = at - at % page;

	if (window == MAP_FAILED || start != mapped) {
		if (window != MAP_FAILED)
			munmap(window, page);
		window = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, start);
		if (window == MAP_FAILED)
			exit(oops("mmap", strerror(errno)));
		mapped = start;
	}
	return __atomic_load_n((uint64_t *)(window + (at - start)), __ATOMIC_ACQUIRE);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int consume(const char *name)
{
	double until = now() + 5;
	uint64_t ready = 0;
	struct stat st;
	int fd = -1;

	while (ready == 0) {
		struct timespec rest = { 0, 20000000 };

		if (fd == -1)
			fd = shm_open(name, O_RDONLY, 0);
		if (fd == -1 && errno != ENOENT)
			return oops(name, strerror(errno));
		if (fd != -1 && fstat(fd, &st) == 0 && st.st_size >= 8)
			ready = word(fd, 0);
		if (ready == 0 && now() > until)
			return oops(name, "nothing came in five seconds");
		if (ready == 0)
			clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, NULL);
	}
	for (uint64_t i = 1; i < ready; i++)
		if (printf("%llu\n", (unsigned long long)word(fd, i)) < 0)
			return oops("stdout", strerror(errno));
	if (fflush(stdout) != 0)
		return oops("stdout", strerror(errno));
	close(fd);
	return shm_unlink(name) == 0 ? 0 : oops(name, strerror(errno));
}

int main(int argc, char **argv)
{
	char name[257] = "/";

	if (argc < 3 || argc != (strcmp(argv[1], "produce") ? 3 : 4) ||
	    (strcmp(argv[1], "produce") && strcmp(argv[1], "consume")))
		goto usage;
	for (char *c = argc == 4 ? argv[3] : "0", *first = c; c == first || *c; c++)
		if (*c < '0' || *c > '9')
			goto usage;
	const char *given = argv[2] + (argv[2][0] == '/');

	if (strlen(given) < 1 || strlen(given) > 255 || strchr(given, '/'))
		return oops("NAME", strerror(EINVAL));
	strcpy(name + 1, given);
	if (argc == 3)
		return consume(name);
	errno = 0;
	uint64_t count = strtoull(argv[3], NULL, 10);

	if (errno != 0 || count > INT64_MAX / 8)
		return oops("COUNT", strerror(EFBIG));
	return produce(name, count);
usage:
	fputs("usage: squares produce NAME COUNT or squares consume NAME\n", stderr);
	return 2;
}
