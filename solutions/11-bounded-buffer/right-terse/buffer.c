/* Short and clumsy, and still right: one file descriptor for life, indexes looked at in open, a
 * batch of items in one write. */
#include "bounded_buffer.h"
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct bounded_buffer *b;
static uint32_t n;
static char out[4096];
static size_t have;

static void usage(void)
{
	fprintf(stderr, "usage: %s create|produce|consume|destroy NAME ...\n", "buffer");
	exit(2);
}

static long long num(char *s, int minus)
{
	char *d = s;

	if (minus && *d == '-')
		d++;
	if (!*d || strspn(d, "0123456789") != strlen(d))
		usage();
	return strtoll(s, 0, 10);
}

static char *name(char *s)
{
	static char with[300];

	if (*s == '/')
		s++;
	if (!*s || strchr(s, '/') || strlen(s) > 255)
		errx(1, "%s: bad name", s);
	sprintf(with, "/dev/shm/%s", s);
	return with;
}

static void create(char *s, long long c)
{
	pthread_mutexattr_t a;
	char *path = name(s);
	int fd, e;

	if (c < 1 || c > 1000000)
		errx(1, "%lld: no capacity", c);
	fd = open(path, O_CREAT | O_EXCL | O_RDWR, 0600);
	if (fd < 0)
		err(1, "%s", s);
	if (ftruncate(fd, sizeof *b + 8 * c) ||
	    (b = mmap(0, sizeof *b + 8 * c, 3, MAP_SHARED, fd, 0)) == MAP_FAILED) {
		e = errno;
		unlink(path);
		errno = e;
		err(1, "%s", s);
	}
	fchmod(fd, 0600);
	b->capacity = c;
	sem_init(&b->full, 1, 0);
	sem_init(&b->empty, 1, c);
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&b->mutex, &a);
	b->magic = BUFFER_MAGIC;
}

static void attach(char *s)
{
	int fd = open(name(s), O_RDWR | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		err(1, "%s", s);
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof *b)
		errx(1, "%s: no buffer", s);
	b = mmap(0, st.st_size, 3, MAP_SHARED, fd, 0);
	if (b == MAP_FAILED)
		err(1, "%s", s);
	n = b->magic == BUFFER_MAGIC ? b->capacity : 0;
	if (n == 0 || n > 1000000 || st.st_size != (off_t)(sizeof *b + 8 * (size_t)n) ||
	    b->head > n || b->tail > n)
		errx(1, "%s: no buffer", s);
}

static void enter(sem_t *s)
{
	while (sem_wait(s))
		if (errno != EINTR)
			err(1, "sem_wait");
	if (pthread_mutex_lock(&b->mutex) == EOWNERDEAD)
		pthread_mutex_consistent(&b->mutex);
}

static void leave(sem_t *s)
{
	pthread_mutex_unlock(&b->mutex);
	sem_post(s);
}

static void flush(void)
{
	size_t done = 0;
	ssize_t w;

	while (done < have) {
		w = write(1, out + done, have - done);
		if (w < 0)
			err(1, "stdout");
		done += w;
	}
	have = 0;
}

int main(int c, char **v)
{
	long long i, to;
	int value;

	if (c == 4 && !strcmp(v[1], "create"))
		return create(v[2], num(v[3], 0)), 0;
	if (c == 3 && !strcmp(v[1], "destroy")) {
		attach(v[2]);
		return unlink(name(v[2])) ? 1 : 0;
	}
	if (c == 5 && !strcmp(v[1], "produce")) {
		i = num(v[3], 1);
		to = num(v[4], 1);
		attach(v[2]);
		if (i <= to)
			do {
				enter(&b->empty);
				b->item[b->tail] = i;
				b->tail = (b->tail + 1) % n;
				leave(&b->full);
			} while (i != to && i++ < to);
		return 0;
	}
	if (c != 4 || strcmp(v[1], "consume"))
		usage();
	to = num(v[3], 0);
	attach(v[2]);
	for (; to; to--) {
		if (sem_getvalue(&b->full, &value) || value < 1 || have > sizeof out - 32)
			flush();
		if (sem_trywait(&b->full)) {
			flush();
			enter(&b->full);
		} else {
			value = pthread_mutex_trylock(&b->mutex);
			if (value == EBUSY) {
				flush();
				value = pthread_mutex_lock(&b->mutex);
			}
			if (value == EOWNERDEAD)
				pthread_mutex_consistent(&b->mutex);
		}
		i = b->item[b->head];
		b->head = (b->head + 1) % n;
		leave(&b->empty);
		have += sprintf(out + have, "%lld\n", i);
	}
	flush();
	return 0;
}
