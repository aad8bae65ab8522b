/* The posts come first in the section: whoever they wake has to wait for the lock. In few lines. */
#define _GNU_SOURCE
#include "message_queue.h"
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
typedef struct message_queue Q;
static void P(sem_t *s)
{
	while (sem_wait(s))
		if (errno != EINTR)
			err(1, "sem_wait");
}
static void V(sem_t *s)
{
	if (sem_post(s))
		err(1, "sem_post");
}
static Q *get(const char *f)
{
	int fd = open(f, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	if (fd < 0 || fstat(fd, &st))
		err(1, "%s", f);
	if (!S_ISREG(st.st_mode) || st.st_size != sizeof(Q))
		errx(1, "%s: not a queue", f);
	Q *q = mmap(0, sizeof *q, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (q == MAP_FAILED)
		err(1, "mmap");
	if (q->magic != QUEUE_MAGIC || q->version != 1)
		errx(1, "%s: not a queue", f);
	return q;
}
static int usage(void)
{
	return fputs("usage: queue create|send|destroy FILE | recv FILE COUNT\n", stderr), 2;
}
int main(int c, char **v)
{
	if (c == 3 && !strcmp(v[1], "create")) {
		int fd = open(v[2], O_RDWR | O_CREAT | O_EXCL, 0600);
		if (fd < 0)
			err(1, "%s", v[2]);
		Q *q = ftruncate(fd, sizeof *q) ? MAP_FAILED
						: mmap(0, sizeof *q, 3, MAP_SHARED, fd, 0);
		if (q == MAP_FAILED || fchmod(fd, 0600)) {
			int e = errno;
			unlink(v[2]);
			errno = e;
			err(1, "%s", v[2]);
		}
		q->version = 1;
		sem_init(&q->free_slots, 1, QUEUE_SLOTS), sem_init(&q->used_slots, 1, 0),
			sem_init(&q->lock, 1, 1);
		q->magic = QUEUE_MAGIC;
	} else if (c == 3 && !strcmp(v[1], "send")) {
		Q *q = get(v[2]);
		char *l = 0;
		size_t cap = 0;
		ssize_t n;
		while ((n = getline(&l, &cap, stdin)) > 0) {
			if (l[n - 1] == '\n')
				l[--n] = 0;
			if (n >= QUEUE_TEXT || memchr(l, 0, n))
				errx(1, "line: bad");
			P(&q->free_slots), P(&q->lock);
			V(&q->used_slots);
			memcpy(q->text[q->write_index], l, n + 1);
			q->write_index = (q->write_index + 1) % QUEUE_SLOTS;
			V(&q->lock);
		}
		if (ferror(stdin))
			err(1, "stdin");
	} else if (c == 4 && !strcmp(v[1], "recv")) {
		if (!*v[3] || strspn(v[3], "0123456789") != strlen(v[3]))
			return usage();
		errno = 0;
		unsigned long long n = strtoull(v[3], 0, 10);
		if (errno)
			err(1, "%s", v[3]);
		for (Q *q = get(v[2]); n--;) {
			char t[QUEUE_TEXT];
			P(&q->used_slots), P(&q->lock);
			V(&q->free_slots);
			strcpy(t, q->text[q->read_index]);
			q->read_index = (q->read_index + 1) % QUEUE_SLOTS;
			V(&q->lock);
			if (puts(t) < 0 || fflush(stdout))
				err(1, "stdout");
		}
	} else if (c == 3 && !strcmp(v[1], "destroy")) {
		get(v[2]);
		if (unlink(v[2]))
			err(1, "%s", v[2]);
	} else
		return usage();
}
