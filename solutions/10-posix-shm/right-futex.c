/*
 * The squares come first, a trailer of 16 bytes behind them: the word that says ready, which the
 * consumer waits on with futex(2) through its read-only mapping. An object that is not there is an
 * error at once; one that is empty is looked at ten times a second with select().
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void produce(const char *name, unsigned long n)
{
	if (n >> 58)
		errx(1, "COUNT: too large");
	size_t size = 8 * n + 16;
	int fd = shm_open(name, O_RDWR | O_EXCL | O_CREAT, S_IWUSR | S_IRUSR);

	if (fd < 0)
		err(1, "shm_open");
	/* write(2) reports a full file system, where a store would be killed. */
	static const char zero[1 << 16];
	size_t left = size;

	while (left) {
		ssize_t done = write(fd, zero, left < sizeof zero ? left : sizeof zero);

		if (done <= 0) {
			warn("write");
			shm_unlink(name);
			exit(1);
		}
		left -= done;
	}
	unsigned long *at = mmap(0, size, PROT_WRITE | PROT_READ, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED) {
		warn("mmap");
		shm_unlink(name);
		exit(1);
	}
	close(fd);
	for (unsigned long i = n; i-- > 0;)
		at[i] = i * i;
	__atomic_store_n((int *)(at + n), 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, at + n, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void consume(const char *name)
{
	struct timespec start, now;
	struct stat info = { .st_size = 0 };
	int fd = shm_open(name, O_RDONLY, 0);

	if (fd < 0)
		err(1, "shm_open");
	for (int i = 0; i < 50; i++) {
		struct timeval tenth = { 0, 100000 };

		if (fstat(fd, &info))
			err(1, "fstat");
		if (info.st_size >= 16 && info.st_size % 8 == 0)
			break;
		select(0, NULL, NULL, NULL, &tenth);
	}
	if (info.st_size < 16)
		errx(1, "object: still empty after five seconds");
	/* The producer writes zeros first: the size may still grow, so the trailer moves. */
	unsigned long *at = MAP_FAILED;
	long n = 0;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		struct timespec most = { 0, 250000000 };

		if (fstat(fd, &info))
			err(1, "fstat");
		off_t size = info.st_size;

		n = size / 8 - 2;
		at = mmap(0, size, PROT_READ, MAP_SHARED, fd, 0);
		if (at == MAP_FAILED)
			err(1, "mmap");
		/* Not zero means ready only if the object has not grown meanwhile. */
		if (__atomic_load_n((int *)(at + n), __ATOMIC_SEQ_CST) && !fstat(fd, &info) &&
		    info.st_size == size)
			break;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec >= 5)
			errx(1, "object: not ready after five seconds");
		syscall(SYS_futex, at + n, FUTEX_WAIT, 0, &most, NULL, 0);
		munmap(at, size);
	}
	close(fd);
	for (long i = 0; i < n; i++)
		if (dprintf(1, "%lu\n", at[i]) < 0)
			err(1, "stdout");
	if (shm_unlink(name))
		err(1, "shm_unlink");
}

int main(int argc, char **argv)
{
	int c = argc == 3 && !strcmp(argv[1], "consume");
	int p = argc == 4 && !strcmp(argv[1], "produce") && *argv[3] &&
		strspn(argv[3], "0123456789") == strlen(argv[3]);

	if (!c && !p) {
		fprintf(stderr, "usage: %s produce NAME COUNT | consume NAME\n", argv[0]);
		return 2;
	}
	char *name = argv[2] + (argv[2][0] == '/');

	if (!*name || strchr(name, '/'))
		errx(1, "NAME: not a name");
	if (p)
		produce(name, strtoul(argv[3], NULL, 10));
	else
		consume(name);
}
