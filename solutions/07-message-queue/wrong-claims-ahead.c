// expect: FAIL nothing-kept-back
/* Recv claims as many messages as sem_getvalue told before it takes the first: with another
 * receiver it blocks in the middle, and what it has claimed is lost when it is killed there. */
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

static struct message_queue *q;

static void usage(void)
{
	fputs("usage: queue create FILE | send FILE | recv FILE COUNT | destroy FILE\n", stderr);
	exit(2);
}

static void p(sem_t *s)
{
	while (sem_wait(s) == -1)
		if (errno != EINTR)
			err(1, "sem_wait");
}

static void use(const char *f)
{
	struct stat st;
	int fd = open(f, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", f);
	if (fstat(fd, &st))
		err(1, "%s", f);
	if (!S_ISREG(st.st_mode) || st.st_size != sizeof *q)
		errx(1, "%s: not a queue", f);
	q = mmap(NULL, sizeof *q, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (q == MAP_FAILED)
		err(1, "%s", f);
	close(fd);
	if (atomic_load_explicit(&q->magic, memory_order_acquire) != QUEUE_MAGIC)
		errx(1, "%s: wrong magic", f);
	if (q->version != 1)
		errx(1, "%s: wrong version", f);
}

static void create(const char *f)
{
	int fd = open(f, O_RDWR | O_CREAT | O_EXCL, 0600);

	if (fd < 0)
		err(1, "%s", f);
	if (ftruncate(fd, sizeof *q) ||
	    (q = mmap(NULL, sizeof *q, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) == MAP_FAILED) {
		int e = errno;
		unlink(f);
		errno = e;
		err(1, "%s", f);
	}
	q->version = 1;
	sem_init(&q->free_slots, 1, QUEUE_SLOTS);
	sem_init(&q->used_slots, 1, 0);
	sem_init(&q->lock, 1, 1);
	q->read_index = 0;
	q->write_index = 0;
	atomic_store_explicit(&q->magic, QUEUE_MAGIC, memory_order_release);
	munmap(q, sizeof *q);
	close(fd);
}

static void send_all(void)
{
	char *l = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&l, &cap, stdin)) > 0) {
		if (l[n - 1] == '\n')
			l[--n] = 0;
		if (n >= QUEUE_TEXT)
			errx(1, "line: too long");
		if (memchr(l, 0, n))
			errx(1, "line: NUL in it");
		p(&q->free_slots);
		p(&q->lock);
		memcpy(q->text[q->write_index], l, n + 1);
		q->write_index = (q->write_index + 1) % QUEUE_SLOTS;
		sem_post(&q->lock);
		sem_post(&q->used_slots);
	}
	if (ferror(stdin))
		err(1, "stdin");
}

static void recv_all(unsigned long long count)
{
	char t[QUEUE_TEXT];
	unsigned long long have = 0;

	while (count--) {
		if (!have) {
			int v = 0;

			sem_getvalue(&q->used_slots, &v);
			if (v < 1)
				v = 1;
			have = (unsigned long long)v > count + 1 ? count + 1
								 : (unsigned long long)v;
			for (unsigned long long i = 0; i < have; i++)
				p(&q->used_slots);
		}
		have--;
		p(&q->lock);
		memcpy(t, q->text[q->read_index], QUEUE_TEXT);
		q->read_index = (q->read_index + 1) % QUEUE_SLOTS;
		sem_post(&q->lock);
		sem_post(&q->free_slots);
		printf("%s\n", t);
		if (fflush(stdout))
			err(1, "stdout");
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "create")) {
		create(argv[2]);
	} else if (argc == 3 && !strcmp(argv[1], "send")) {
		use(argv[2]);
		send_all();
	} else if (argc == 4 && !strcmp(argv[1], "recv")) {
		unsigned long long c;
		if (!*argv[3] || argv[3][strspn(argv[3], "0123456789")])
			usage();
		errno = 0;
		c = strtoull(argv[3], NULL, 10);
		if (errno)
			errx(1, "%s: too large", argv[3]);
		use(argv[2]);
		recv_all(c);
	} else if (argc == 3 && !strcmp(argv[1], "destroy")) {
		use(argv[2]);
		if (unlink(argv[2]))
			err(1, "%s", argv[2]);
	} else
		usage();
	return 0;
}
