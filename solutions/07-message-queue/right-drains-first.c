/* send reads on as long as poll(2) says that a read will not wait, and sends the lines in hand
 * before one that may. */
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

static void wait_sem(sem_t *s)
{
	while (sem_wait(s) == -1)
		if (errno != EINTR)
			error(1, errno, "sem_wait");
}
static bool try_sem(sem_t *s)
{
	for (;;) {
		if (sem_trywait(s) == 0)
			return true;
		if (errno == EAGAIN)
			return false;
		if (errno != EINTR)
			error(1, errno, "sem_trywait");
	}
}
static struct message_queue *attach(const char *file)
{
	int fd = open(file, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1)
		error(1, errno, "%s", file);
	struct stat st;
	if (fstat(fd, &st) == -1)
		error(1, errno, "%s", file);
	if ((st.st_mode & S_IFMT) != S_IFREG)
		error(1, EINVAL, "%s", file);
	if (st.st_size != (off_t)sizeof(struct message_queue))
		error(1, EBADMSG, "%s", file);
	/* more than needed: two pages and a spare one behind the end */
	struct message_queue *q = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_POPULATE, fd, 0);
	if (q == MAP_FAILED)
		error(1, errno, "mmap");
	close(fd);
	if (atomic_load(&q->magic) != QUEUE_MAGIC || q->version != 1)
		error(1, EBADMSG, "%s", file);
	return q;
}
static void enqueue(struct message_queue *q, const char *s, size_t n)
{
	wait_sem(&q->free_slots);
	wait_sem(&q->lock);
	char *slot = q->text[q->write_index++];
	if (q->write_index >= QUEUE_SLOTS)
		q->write_index = 0;
	memset(slot, 0, QUEUE_TEXT);
	memcpy(slot, s, n);
	sem_post(&q->lock);
	sem_post(&q->used_slots);
}
static void do_send(const char *file)
{
	struct message_queue *q = attach(file);
	static char buf[1 << 16];
	size_t have = 0;
	for (;;) {
		ssize_t r = read(STDIN_FILENO, buf + have, sizeof buf - have);
		if (r == -1) {
			if (errno == EINTR)
				continue;
			error(1, errno, "stdin");
		}
		have += r;
		struct pollfd pf = { .fd = 0, .events = POLLIN };
		if (r && have < sizeof buf && poll(&pf, 1, 0) == 1)
			continue;
		char *p = buf, *end = buf + have, *nl;
		while ((nl = memchr(p, '\n', end - p)) != NULL) {
			if (nl - p >= QUEUE_TEXT || memchr(p, 0, nl - p))
				error(1, EINVAL, "line");
			enqueue(q, p, nl - p);
			p = nl + 1;
		}
		have = end - p;
		if (have >= QUEUE_TEXT || memchr(p, 0, have))
			error(1, EINVAL, "line");
		if (r == 0) {
			if (have)
				enqueue(q, p, have);
			return;
		}
		memmove(buf, p, have);
	}
}
static void write_all(struct iovec *v, int n)
{
	while (n) {
		ssize_t w = writev(STDOUT_FILENO, v, n);
		if (w == -1) {
			if (errno == EINTR)
				continue;
			error(1, errno, "stdout");
		}
		while (n && (size_t)w >= v->iov_len) {
			w -= v->iov_len;
			v++, n--;
		}
		if (n) {
			v->iov_base = (char *)v->iov_base + w;
			v->iov_len -= w;
		}
	}
}
static void do_recv(const char *file, unsigned long long count)
{
	struct message_queue *q = attach(file);
	static char text[32][QUEUE_TEXT + 1];
	struct iovec v[32];
	while (count) {
		int n = 0;
		wait_sem(&q->used_slots);
		do {
			wait_sem(&q->lock);
			strcpy(text[n], q->text[q->read_index]);
			q->read_index = (q->read_index + 1) % QUEUE_SLOTS;
			sem_post(&q->lock);
			sem_post(&q->free_slots);
			strcat(text[n], "\n");
			v[n].iov_base = text[n];
			v[n].iov_len = strlen(text[n]);
			n++, count--;
		} while (count && n < 32 && try_sem(&q->used_slots));
		write_all(v, n);
	}
}
static void do_create(const char *file)
{
	int fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (fd == -1)
		error(1, errno, "%s", file);
	struct message_queue *q = MAP_FAILED;
	int allocated = posix_fallocate(fd, 0, sizeof *q);
	errno = allocated;
	if (allocated == 0 && fchmod(fd, 0600) == 0)
		q = mmap(NULL, sizeof *q, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (q == MAP_FAILED) {
		int e = errno;
		unlink(file);
		error(1, e, "%s", file);
	}
	q->version = 1;
	q->read_index = q->write_index = 0;
	if (sem_init(&q->free_slots, 1, QUEUE_SLOTS) || sem_init(&q->used_slots, 1, 0) ||
	    sem_init(&q->lock, 1, 1)) {
		int e = errno;
		unlink(file);
		error(1, e, "sem_init");
	}
	msync(q, sizeof *q, MS_SYNC);
	atomic_store_explicit(&q->magic, QUEUE_MAGIC, memory_order_release);
	fsync(fd);
}
static int usage(void)
{
	fprintf(stderr, "usage: %s create|send|recv|destroy FILE [COUNT]\n",
		program_invocation_short_name);
	return 2;
}
int main(int argc, char **argv)
{
	if (argc < 3)
		return usage();
	const char *cmd = argv[1];
	if (!strcmp(cmd, "recv")) {
		if (argc != 4 || !*argv[3] || argv[3][strspn(argv[3], "0123456789")])
			return usage();
		errno = 0;
		unsigned long long n = strtoull(argv[3], NULL, 10);
		if (errno)
			error(1, errno, "%s", argv[3]);
		do_recv(argv[2], n);
		return 0;
	}
	if (argc != 3)
		return usage();
	if (!strcmp(cmd, "create"))
		do_create(argv[2]);
	else if (!strcmp(cmd, "send"))
		do_send(argv[2]);
	else if (!strcmp(cmd, "destroy")) {
		attach(argv[2]);
		if (unlink(argv[2]))
			error(1, errno, "%s", argv[2]);
	} else
		return usage();
	return 0;
}
