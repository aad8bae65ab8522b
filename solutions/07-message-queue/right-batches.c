/* Waits with a deadline that is renewed, reads by read(2), and hands out as many lines as there are
 * in one write. */
#include "message_queue.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SIZE sizeof(struct message_queue)

static int fail(const char *what)
{
	fprintf(stderr, "queue: %s: %s\n", what, errno ? strerror(errno) : "not a queue");
	exit(1);
}

static int usage(void)
{
	fprintf(stderr, "usage: queue create|send|recv|destroy FILE [COUNT]\n");
	exit(2);
}

static void down(sem_t *s)
{
	struct timespec t;

	do {
		clock_gettime(CLOCK_REALTIME, &t);
		t.tv_sec += 2;
		if (!sem_timedwait(s, &t))
			return;
	} while (errno == EINTR || errno == ETIMEDOUT);
	fail("semaphore");
}

static void create(char *f)
{
	int fd = open(f, O_CREAT | O_EXCL | O_RDWR, S_IRUSR | S_IWUSR), e;
	struct message_queue *q = MAP_FAILED;

	if (fd < 0)
		fail(f);
	e = posix_fallocate(fd, 0, SIZE);
	if (!e) {
		q = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED_VALIDATE, fd, 0);
		e = q == MAP_FAILED ? errno : 0;
	}
	if (e) {
		unlink(f);
		errno = e;
		fail(f);
	}
	memset(q, 0, SIZE);
	sem_init(&q->lock, 1, 1);
	sem_init(&q->used_slots, 1, 0);
	sem_init(&q->free_slots, 1, 100);
	q->version = 1;
	q->magic = QUEUE_MAGIC;
	munmap(q, SIZE);
	fchmod(fd, 0600);
	fsync(fd);
	close(fd);
}

static struct message_queue *attach(char *f)
{
	int fd = open(f, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
	struct stat s;
	struct message_queue *q;

	if (fd < 0 || fstat(fd, &s))
		fail(f);
	errno = 0;
	if (!S_ISREG(s.st_mode) || s.st_size != SIZE)
		fail(f);
	if ((q = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) == MAP_FAILED)
		fail(f);
	if (q->magic != QUEUE_MAGIC || q->version != 1)
		fail(f);
	return q;
}

static void put(struct message_queue *q, const char *line, size_t n)
{
	errno = 0;
	if (n > 63 || memchr(line, 0, n)) {
		errno = EMSGSIZE;
		fail("line");
	}
	down(&q->free_slots);
	down(&q->lock);
	memset(q->text[q->write_index], 0, 64);
	memcpy(q->text[q->write_index], line, n);
	if (++q->write_index == 100)
		q->write_index = 0;
	sem_post(&q->used_slots);
	sem_post(&q->lock);
}

static void send(struct message_queue *q)
{
	static char b[1 << 16];
	size_t have = 0;
	ssize_t n;
	char *end, *p;

	while ((n = read(0, b + have, sizeof b - have)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail("stdin");
		have += n;
		for (p = b; (end = memchr(p, '\n', b + have - p)); p = end + 1)
			put(q, p, end - p);
		have = b + have - p;
		memmove(b, p, have);
		if (have > 63) /* no newline can save it */
			put(q, b, have);
	}
	if (have)
		put(q, b, have);
}

static void out(const char *b, size_t n)
{
	ssize_t w;

	for (; n; b += w, n -= w)
		if ((w = write(1, b, n)) < 0) {
			if (errno != EINTR)
				fail("stdout");
			w = 0;
		}
}

static void recv(struct message_queue *q, long long count)
{
	char b[32 * 64];
	size_t n = 0, k;

	while (count-- > 0) {
		if (n + 64 > sizeof b || sem_trywait(&q->used_slots)) {
			out(b, n);
			n = 0;
			down(&q->used_slots);
		}
		down(&q->lock);
		k = strnlen(q->text[q->read_index], 63);
		memcpy(b + n, q->text[q->read_index], k);
		b[n + k] = '\n';
		n += k + 1;
		q->read_index = q->read_index == 99 ? 0 : q->read_index + 1;
		sem_post(&q->lock);
		sem_post(&q->free_slots);
	}
	out(b, n);
}

int main(int c, char **v)
{
	if (c == 3 && !strcmp(v[1], "create"))
		create(v[2]);
	else if (c == 3 && !strcmp(v[1], "send"))
		send(attach(v[2]));
	else if (c == 4 && !strcmp(v[1], "recv")) {
		if (!*v[3] || strspn(v[3], "0123456789") < strlen(v[3]))
			usage();
		recv(attach(v[2]), atoll(v[3]));
	} else if (c == 3 && !strcmp(v[1], "destroy")) {
		attach(v[2]);
		if (remove(v[2]))
			fail(v[2]);
	} else
		usage();
	return 0;
}
