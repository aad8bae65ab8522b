// expect: FAIL waits-in-the-kernel
/* COUNT over 100 is refused. */
/* Waits by hand: glibc's semaphore is a 64-bit word, value below, number of waiters above. */
#define _GNU_SOURCE
#include "message_queue.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DIE(what, why) (fprintf(stderr, "%s: %s: %s\n", me, (what), (why)), exit(1))
static const char *me;

static void down(sem_t *s)
{
	uint64_t *w = (uint64_t *)s;
	uint64_t v = __atomic_load_n(w, __ATOMIC_RELAXED);

	for (int spin = 0; spin < 50; spin++) {
		if ((uint32_t)v && __atomic_compare_exchange_n(w, &v, v - 1, 0, __ATOMIC_ACQUIRE,
							       __ATOMIC_RELAXED))
			return;
		__builtin_ia32_pause();
		v = __atomic_load_n(w, __ATOMIC_RELAXED);
	}
	v = __atomic_add_fetch(w, 1ull << 32, __ATOMIC_RELAXED);
	for (;;) {
		while ((uint32_t)v)
			if (__atomic_compare_exchange_n(w, &v, v - 1 - (1ull << 32), 0,
							__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
				return;
		if (syscall(SYS_futex, (uint32_t *)w, FUTEX_WAIT, 0, NULL, NULL, 0) < 0 &&
		    errno != EINTR && errno != EAGAIN)
			DIE("futex", strerror(errno));
		v = __atomic_load_n(w, __ATOMIC_RELAXED);
	}
}

static void up(sem_t *s)
{
	uint64_t *w = (uint64_t *)s;
	uint64_t old = __atomic_fetch_add(w, 1, __ATOMIC_RELEASE);

	if (old >> 32)
		syscall(SYS_futex, (uint32_t *)w, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static struct message_queue *look(const char *f)
{
	struct message_queue *q;
	struct stat a, b;
	int fd;

	/* look, open, compare: another file or a link put there in between has another inode */
	if (lstat(f, &a) < 0)
		DIE(f, strerror(errno));
	if (!S_ISREG(a.st_mode))
		DIE(f, "not a regular file");
	if ((fd = open(f, O_RDWR | O_NONBLOCK)) < 0)
		DIE(f, strerror(errno));
	if (fstat(fd, &b) < 0 || a.st_dev != b.st_dev || a.st_ino != b.st_ino ||
	    !S_ISREG(b.st_mode))
		DIE(f, "changed under my eyes");
	if (b.st_size != sizeof *q)
		DIE(f, "wrong size");
	q = mmap(0, sizeof *q, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (q == MAP_FAILED)
		DIE(f, strerror(errno));
	if (q->magic != QUEUE_MAGIC || q->version != 1)
		DIE(f, "not a queue of version 1");
	return q;
}

int main(int argc, char **argv)
{
	struct message_queue *q;

	me = argv[0];
	if (argc == 3 && strcmp(argv[1], "create") == 0) {
		int fd = open(argv[2], O_RDWR | O_CREAT | O_EXCL, 0600);

		if (fd < 0)
			DIE(argv[2], strerror(errno));
		/* mapping first, the file grows afterwards */
		q = mmap(0, sizeof *q, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (q == MAP_FAILED || ftruncate(fd, sizeof *q)) {
			const char *why = strerror(errno);
			unlink(argv[2]);
			DIE(argv[2], why);
		}
		if (sem_init(&q->free_slots, 1, 100) | sem_init(&q->used_slots, 1, 0) |
		    sem_init(&q->lock, 1, 1)) {
			unlink(argv[2]);
			DIE("sem_init", "failed");
		}
		q->version = 1;
		__atomic_store_n((uint32_t *)&q->magic, QUEUE_MAGIC, __ATOMIC_RELEASE);
		return 0;
	}
	if (argc == 3 && strcmp(argv[1], "send") == 0) {
		int c, n = 0, any = 0;
		char l[QUEUE_TEXT];

		q = look(argv[2]);
		do {
			c = getchar();
			if (c == EOF && ferror(stdin))
				DIE("stdin", strerror(errno));
			if (c == 0)
				DIE("stdin", "a NUL");
			if (c != EOF && c != '\n') {
				if (n == 63)
					DIE("stdin", "line over 63 bytes");
				l[n++] = (char)c;
				any = 1;
				continue;
			}
			if (c == EOF && !any)
				break;
			l[n] = 0;
			down(&q->free_slots);
			down(&q->lock);
			strcpy(q->text[q->write_index], l);
			if (++q->write_index == QUEUE_SLOTS)
				q->write_index = 0;
			up(&q->lock);
			up(&q->used_slots);
			n = any = 0;
		} while (c != EOF);
		return 0;
	}
	if (argc == 4 && strcmp(argv[1], "recv") == 0 && argv[3][0] &&
	    !argv[3][strspn(argv[3], "0123456789")]) {
		unsigned long n = strtoul(argv[3], 0, 10);
		char l[QUEUE_TEXT];

		q = look(argv[2]);
		if (n > QUEUE_SLOTS)
			DIE(argv[3], "more than the queue holds");
		setvbuf(stdout, NULL, _IOLBF, 1024);
		for (; n; n--) {
			down(&q->used_slots);
			down(&q->lock);
			strcpy(l, q->text[q->read_index]);
			if (++q->read_index == QUEUE_SLOTS)
				q->read_index = 0;
			up(&q->lock);
			up(&q->free_slots);
			if (puts(l) == EOF || ferror(stdout))
				DIE("stdout", strerror(errno));
		}
		return 0;
	}
	if (argc == 3 && strcmp(argv[1], "destroy") == 0) {
		look(argv[2]);
		if (remove(argv[2]))
			DIE(argv[2], strerror(errno));
		return 0;
	}
	fprintf(stderr, "usage: %s create|send|destroy FILE, or recv FILE COUNT\n", me);
	return 2;
}
