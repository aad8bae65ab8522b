// expect: FAIL ready-comes-last
/* The sign comes before the squares, which are not aligned here. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#pragma pack(push, 1)
struct box {
	char tag[4]; /* "DONE" once all is there */
	uint64_t n;
	int64_t sq[];
};
#pragma pack(pop)

#define THREADS 3
static struct box *box;
static uint64_t N;
static char name[NAME_MAX + 2];
static volatile sig_atomic_t rang;

static void *part(void *arg)
{
	uint64_t t = (uintptr_t)arg;
	for (uint64_t i = N / THREADS * t, e = t == THREADS - 1 ? N : N / THREADS * (t + 1); i < e;
	     i++) {
		int64_t v = (int64_t)i * (int64_t)i;
		memcpy((char *)box->sq + i * 8, &v, 8);
	}
	return NULL;
}

static int oops(const char *what, int e)
{
	fprintf(stderr, "squares: %s: %s\n", what, strerror(e));
	return 1;
}

static int produce(void)
{
	size_t size = sizeof(struct box) + N * 8;
	pthread_t id[THREADS];
	int started = 0, e, fd;

	fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	if (fd < 0)
		return oops("shm_open", errno);
	if ((e = posix_fallocate(fd, 0, size))) {
		shm_unlink(name);
		return oops("posix_fallocate", e);
	}
	box = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	e = errno;
	close(fd);
	if (box == MAP_FAILED) {
		shm_unlink(name);
		return oops("mmap", e);
	}
	box->n = N;
	uint32_t word;
	memcpy(&word, "DONE", 4);
	__atomic_store_n((uint32_t *)(void *)box, word, __ATOMIC_SEQ_CST);
	for (started = 0; started < THREADS; started++)
		if ((e = pthread_create(&id[started], NULL, part, (void *)(uintptr_t)started)))
			break;
	for (int i = 0; i < started; i++)
		pthread_join(id[i], NULL);
	if (e) {
		shm_unlink(name);
		return oops("pthread_create", e);
	}
	munmap(box, size);
	return 0;
}

static void onalarm(int s)
{
	(void)s;
	rang = 1;
}

static int consume(void)
{
	struct sigaction sa = { .sa_handler = onalarm };
	struct stat st;
	int fd = -1;

	sigaction(SIGALRM, &sa, NULL);
	alarm(5);
	for (box = NULL;; usleep(30000)) {
		if (rang) {
			if (fd >= 0)
				close(fd);
			return oops(name, ETIMEDOUT);
		}
		fd = shm_open(name, O_RDONLY, 0);
		if (fd < 0) {
			if (errno != ENOENT)
				return oops(name, errno);
			continue;
		}
		if (fstat(fd, &st) < 0)
			return oops("fstat", errno);
		if (st.st_size >= (off_t)sizeof(struct box)) {
			box = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
			if (box == MAP_FAILED)
				return oops("mmap", errno);
			uint32_t word = __atomic_load_n((uint32_t *)(void *)box, __ATOMIC_SEQ_CST);
			if (memcmp(&word, "DONE", 4) == 0)
				break;
			munmap(box, st.st_size);
		}
		close(fd);
		fd = -1;
	}
	alarm(0);
	if (box->n > (st.st_size - sizeof(struct box)) / 8)
		return oops(name, ERANGE);
	for (uint64_t i = 0; i < box->n; i++) {
		int64_t v;
		memcpy(&v, (char *)box->sq + 8 * i, 8);
		printf("%ld\n", (long)v);
	}
	if (fclose(stdout) != 0)
		return oops("stdout", errno);
	munmap(box, st.st_size);
	close(fd);
	return shm_unlink(name) ? oops("shm_unlink", errno) : 0;
}

int main(int argc, char *argv[])
{
	const char *s;
	int p = argc == 4 && !strcmp(argv[1], "produce");

	if (!p && !(argc == 3 && !strcmp(argv[1], "consume"))) {
usage:
		fprintf(stderr, "usage: %s produce NAME COUNT\nusage: %s consume NAME\n", argv[0],
			argv[0]);
		return 2;
	}
	if (p) {
		char *end;
		if (argv[3][0] < '0' || argv[3][0] > '9')
			goto usage;
		errno = 0;
		N = strtoull(argv[3], &end, 10);
		if (*end)
			goto usage;
		if (errno || N > SSIZE_MAX / 16)
			return oops("count", ERANGE);
	}
	s = argv[2][0] == '/' ? argv[2] + 1 : argv[2];
	if (!*s || strchr(s, '/') || strlen(s) > NAME_MAX)
		return oops("name", strlen(s) > NAME_MAX ? ENAMETOOLONG : EINVAL);
	name[0] = '/';
	strcat(name, s);
	return p ? produce() : consume();
}
