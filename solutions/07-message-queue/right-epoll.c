/* send learns from epoll(7) that there is something to read. The mapping grows by mremap(2). */
#define _GNU_SOURCE
#include "message_queue.h"
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void wait_for(sem_t *s)
{
	struct timespec t;
	if (sem_trywait(s) == 0)
		return;
	do {
		clock_gettime(CLOCK_MONOTONIC, &t);
		t.tv_sec += 10;
		if (sem_clockwait(s, CLOCK_MONOTONIC, &t) == 0)
			return;
	} while (errno == ETIMEDOUT || errno == EINTR);
	err(1, "sem_clockwait");
}
static struct message_queue *join_queue(const char *f)
{
	struct message_queue *q = NULL;
	struct stat st;
	int fd = openat(AT_FDCWD, f, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		err(1, "cannot open %s", f);
	if (fstat(fd, &st) == -1)
		err(1, "cannot stat %s", f);
	if (!S_ISREG(st.st_mode))
		errx(1, "%s: not a file", f);
	if (st.st_size != sizeof *q)
		errx(1, "%s: size %ld", f, (long)st.st_size);
	/* the header first, then grown to the whole */
	void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		err(1, "mmap");
	q = p;
	uint32_t magic;
	__asm__ volatile("movl %1, %0" : "=r"(magic) : "m"(q->magic) : "memory");
	if (magic != QUEUE_MAGIC)
		errx(1, "%s: bad magic 0x%x", f, magic);
	if (q->version != 1)
		errx(1, "%s: bad version", f);
	p = mremap(p, 4096, sizeof *q, MREMAP_MAYMOVE);
	if (p == MAP_FAILED)
		err(1, "mremap");
	if (mprotect(p, sizeof *q, PROT_READ | PROT_WRITE) == -1)
		err(1, "mprotect");
	close(fd);
	return p;
}
static void send_all(struct message_queue *q)
{
	char line[QUEUE_TEXT];
	unsigned n = 0;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int sfd = signalfd(-1, &set, SFD_CLOEXEC);
	if (sfd == -1)
		err(1, "signalfd");
	struct pollfd p[2] = { { .fd = 0, .events = POLLIN }, { .fd = sfd, .events = POLLIN } };
	for (;;) {
		struct epoll_event ee = { .events = EPOLLIN }, got;
		int ep = epoll_create1(0);
		p[0].revents = POLLIN, p[1].revents = 0;
		int rc = epoll_ctl(ep, EPOLL_CTL_ADD, 0, &ee) == -1 ? 1
								    : epoll_wait(ep, &got, 1, -1);
		int ke = errno;
		close(ep);
		errno = ke;
		if (rc == -1) {
			if (errno == EINTR)
				continue;
			err(1, "poll");
		}
		if (p[1].revents)
			errx(1, "interrupted: good bye");
		if (!p[0].revents)
			continue;
		char b[50];
		ssize_t r = read(0, b, sizeof b);
		if (r == -1 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (r == -1)
			err(1, "stdin");
		if (r == 0 && n == 0)
			return;
		if (r == 0)
			b[r++] = '\n', p[0].fd = -1;
		for (ssize_t i = 0; i < r; i++)
			if (b[i] == '\n') {
				wait_for(&q->free_slots);
				wait_for(&q->lock);
				unsigned w = q->write_index;
				for (unsigned k = 0; k < n; k++)
					q->text[w][k] = line[k];
				q->text[w][n] = '\0';
				q->write_index = w == 99 ? 0 : w + 1;
				sem_post(&q->used_slots);
				sem_post(&q->lock);
				n = 0;
			} else if (b[i] && n < sizeof line - 1)
				line[n++] = b[i];
			else
				errx(1, "stdin: line refused");
		if (p[0].fd == -1)
			return;
	}
}
static void recv_all(struct message_queue *q, long long n)
{
	char block[100 * (QUEUE_TEXT + 1)], *e = block;
	FILE *out = fdopen(1, "w");
	setvbuf(out, NULL, _IOFBF, 1 << 16);
	while (n > 0) {
		if (sem_trywait(&q->used_slots)) {
			if (errno != EAGAIN && errno != EINTR)
				err(1, "sem_trywait");
			/* nothing there: all that was taken goes out before we sleep */
			if (e > block &&
			    (fwrite(block, 1, e - block, out) < (size_t)(e - block) || fflush(out)))
				err(1, "stdout");
			e = block;
			wait_for(&q->used_slots);
		}
		wait_for(&q->lock);
		e = stpcpy(e, q->text[q->read_index]);
		q->read_index = (q->read_index + 1) % QUEUE_SLOTS;
		sem_post(&q->lock);
		sem_post(&q->free_slots);
		*e++ = '\n';
		n--;
		if (e > block + sizeof block - QUEUE_TEXT - 1) {
			if (fwrite(block, e - block, 1, out) != 1)
				err(1, "stdout");
			e = block;
		}
	}
	if (e > block)
		fwrite(block, e - block, 1, out);
	if (fclose(out))
		err(1, "stdout");
}
int main(int argc, char **argv)
{
	const char *c = argc > 1 ? argv[1] : "";
	if (!strcmp(c, "create") && argc == 3) {
		struct message_queue *q;
		int fd = creat("/dev/null", 0), e;
		close(fd);
		fd = open(argv[2], O_EXCL | O_CREAT | O_RDWR, 0600);
		if (fd == -1)
			err(1, "%s", argv[2]);
		if ((e = posix_fallocate(fd, 0, sizeof *q)) ||
		    ((q = mmap(0, sizeof *q, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) ==
			     MAP_FAILED &&
		     (e = errno))) {
			unlink(argv[2]);
			errno = e;
			err(1, "%s", argv[2]);
		}
		sem_init(&q->free_slots, 1, QUEUE_SLOTS);
		sem_init(&q->used_slots, 1, 0);
		sem_init(&q->lock, 1, 1);
		q->version++;
		uint32_t magic = QUEUE_MAGIC;
		__asm__ volatile("xchgl %0, %1" : "+r"(magic), "+m"(q->magic) : : "memory");
		return 0;
	}
	if (!strcmp(c, "send") && argc == 3) {
		send_all(join_queue(argv[2]));
		return 0;
	}
	if (!strcmp(c, "recv") && argc == 4) {
		char *end;
		errno = 0;
		long long n = strtoll(argv[3], &end, 10);
		if (end != argv[3] && !*end && argv[3][0] >= '0' && argv[3][0] <= '9' && !errno) {
			recv_all(join_queue(argv[2]), n);
			return 0;
		}
	}
	if (!strcmp(c, "destroy") && argc == 3) {
		join_queue(argv[2]);
		if (unlink(argv[2]) == -1)
			err(1, "%s", argv[2]);
		return 0;
	}
	fprintf(stderr, "usage: %s [create|send|destroy] FILE\n", program_invocation_short_name);
	exit(2);
}
