// expect: FAIL lock-guards-everything lines-arrive-unchanged
/* The second and later lines of a block wait for their slots inside the lock: deadlock when the
 * queue fills in the middle. */
/* As much as possible at once: what can be had without waiting is taken along. */
#define _GNU_SOURCE
#include "message_queue.h"
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static struct message_queue *Q;

static void P(sem_t *s)
{
	while (sem_wait(s))
		if (errno != EINTR)
			error(1, errno, "sem_wait");
}

static bool T(sem_t *s)
{
	while (sem_trywait(s)) {
		if (errno == EAGAIN)
			return false;
		if (errno != EINTR)
			error(1, errno, "sem_trywait");
	}
	return true;
}

static void attach(const char *name)
{
	uint32_t head[2];
	int fd = open(name, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		error(1, errno, "%s", name);
	if (!S_ISREG(st.st_mode) || (size_t)st.st_size != sizeof *Q)
		error(1, EINVAL, "%s", name);
	/* magic and version by pread: only a good one is mapped at all */
	if (pread(fd, head, sizeof head, 0) != sizeof head || head[0] != QUEUE_MAGIC ||
	    head[1] != 1)
		error(1, EPROTO, "%s", name);
	Q = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (Q == MAP_FAILED)
		error(1, errno, "%s", name);
	close(fd);
}

static char lines[4096][QUEUE_TEXT];
static unsigned nlines;

static void hand_over(void)
{
	unsigned i = 0;

	while (i < nlines) {
		unsigned got = 1, k;

		P(&Q->free_slots);
		P(&Q->lock);
		got = nlines - i;
		for (k = 0; k < got; k++, i++) {
			if (k)
				P(&Q->free_slots);
			memcpy(Q->text[Q->write_index], lines[i], QUEUE_TEXT);
			Q->write_index = (Q->write_index + 1) % QUEUE_SLOTS;
		}
		sem_post(&Q->lock);
		for (k = 0; k < got; k++)
			sem_post(&Q->used_slots);
	}
	nlines = 0;
}

static bool more_is_there(void)
{
	struct pollfd p = { .fd = 0, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void do_send(void)
{
	static char buf[1024], cur[QUEUE_TEXT];
	size_t len = 0;
	bool open_line = false;

	for (;;) {
		ssize_t n;

		/* only a read that may block needs all lines to be in the queue */
		if (nlines && (nlines > 3000 || !more_is_there()))
			hand_over();
		n = read(STDIN_FILENO, buf, sizeof buf);
		if (n < 0) {
			int e = errno;
			if (e == EINTR)
				continue;
			hand_over();
			error(1, e, "standard input");
		}
		if (n == 0)
			break;
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] == '\n') {
				memset(lines[nlines], 0, QUEUE_TEXT);
				memcpy(lines[nlines++], cur, len);
				len = 0;
				open_line = false;
				continue;
			}
			if (buf[i] == 0 || len == QUEUE_TEXT - 1) {
				hand_over();
				error(1, buf[i] ? EMSGSIZE : EILSEQ, "standard input");
			}
			open_line = true;
			cur[len++] = buf[i];
		}
	}
	if (open_line) {
		memset(lines[nlines], 0, QUEUE_TEXT);
		memcpy(lines[nlines++], cur, len);
	}
	hand_over();
}

static void do_recv(unsigned long long left)
{
	static char mine[QUEUE_SLOTS][QUEUE_TEXT];
	struct iovec v[2 * QUEUE_SLOTS];

	while (left) {
		unsigned got = 1, k;
		struct iovec *w = v;
		int nv;

		P(&Q->used_slots);
		while (got < left && got < QUEUE_SLOTS && T(&Q->used_slots))
			got++;
		P(&Q->lock);
		for (k = 0; k < got; k++) {
			memcpy(mine[k], Q->text[Q->read_index], QUEUE_TEXT);
			Q->read_index = (Q->read_index + 1) % QUEUE_SLOTS;
		}
		sem_post(&Q->lock);
		for (k = 0; k < got; k++) {
			sem_post(&Q->free_slots);
			v[2 * k] = (struct iovec){ mine[k], strlen(mine[k]) };
			v[2 * k + 1] = (struct iovec){ "\n", 1 };
		}
		nv = 2 * (int)got;
		while (nv) {
			ssize_t n = writev(1, w, nv);
			if (n < 0) {
				if (errno == EINTR)
					continue;
				error(1, errno, "standard output");
			}
			while (nv && (size_t)n >= w->iov_len) {
				n -= (ssize_t)w->iov_len;
				w++;
				nv--;
			}
			if (nv) {
				w->iov_base = (char *)w->iov_base + n;
				w->iov_len -= (size_t)n;
			}
		}
		left -= got;
	}
}

static void do_create(const char *name)
{
	static const char zero[sizeof(struct message_queue)];
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0);
	int e;

	if (fd == -1)
		error(1, errno, "%s", name);
	if (write(fd, zero, sizeof zero) != sizeof zero)
		goto bad;
	Q = mmap(NULL, sizeof *Q, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (Q == MAP_FAILED || fchmod(fd, 0600))
		goto bad;
	Q->version = 1;
	if (sem_init(&Q->free_slots, 1, QUEUE_SLOTS) || sem_init(&Q->used_slots, 1, 0) ||
	    sem_init(&Q->lock, 1, 1))
		goto bad;
	atomic_store(&Q->magic, QUEUE_MAGIC);
	msync(Q, sizeof *Q, MS_SYNC);
	fsync(fd);
	return;
bad:
	e = errno;
	unlink(name);
	error(1, e, "%s", name);
}

int main(int argc, char **argv)
{
	const char *cmd = argc > 1 ? argv[1] : "";
	char *end;

	if (argc == 3 && !strcmp(cmd, "create"))
		do_create(argv[2]);
	else if (argc == 3 && !strcmp(cmd, "send")) {
		attach(argv[2]);
		do_send();
	} else if (argc == 3 && !strcmp(cmd, "destroy")) {
		attach(argv[2]);
		if (unlinkat(AT_FDCWD, argv[2], 0))
			error(1, errno, "%s", argv[2]);
	} else if (argc == 4 && !strcmp(cmd, "recv") && argv[3][0] >= '0' && argv[3][0] <= '9') {
		unsigned long long n = strtoull(argv[3], &end, 10);

		if (*end)
			goto usage;
		attach(argv[2]);
		do_recv(n);
	} else {
usage:
		fputs("usage: queue create FILE|send FILE|recv FILE COUNT|destroy FILE\n", stderr);
		return 2;
	}
	return 0;
}
