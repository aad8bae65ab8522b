// expect: FAIL lock-guards-everything
/* The sender zeroes the live queue when it looks empty: it initialises the semaphores again. */
/* The queue as a table of commands; each step a small function; raw calls where libc only wraps. */
#define _GNU_SOURCE
#include "message_queue.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct message_queue mq_t;

struct session {
	const char *prog, *path, *count_text;
	long long count;
	int fd;
	mq_t *mq;
	bool made;
};

static int complain(struct session *s, const char *what, const char *why)
{
	dprintf(STDERR_FILENO, "%s: %s: %s\n", s->prog, what, why);
	return EXIT_FAILURE;
}

static int complain_errno(struct session *s, const char *what)
{
	return complain(s, what, strerror(errno));
}

static long raw_open(const char *path, int flags, mode_t mode)
{
	return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static bool down(sem_t *sem)
{
	for (;;) {
		if (sem_wait(sem) == 0)
			return true;
		if (errno != EINTR)
			return false;
	}
}

static void up(sem_t *sem)
{
	sem_post(sem);
}

static uint32_t next(uint32_t i)
{
	return i + 1 == QUEUE_SLOTS ? 0 : i + 1;
}

static void leave(struct session *s)
{
	if (s->mq)
		munmap(s->mq, sizeof(mq_t));
	if (s->fd >= 0)
		close(s->fd);
	s->mq = NULL;
	s->fd = -1;
}

static bool map(struct session *s)
{
	void *at = mmap(0, sizeof(mq_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, s->fd,
			0);

	if (at == MAP_FAILED)
		return false;
	s->mq = at;
	return true;
}

static const char *judge(struct session *s)
{
	struct stat st;

	if (syscall(SYS_fstat, s->fd, &st) != 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "not a regular file";
	if (st.st_size != (off_t)sizeof(mq_t))
		return "not the size of a queue";
	if (!map(s))
		return strerror(errno);
	if (s->mq->magic != QUEUE_MAGIC)
		return "no magic number";
	if (s->mq->version != 1)
		return "unknown version";
	return NULL;
}

static int enter(struct session *s)
{
	const char *why;

	s->fd = (int)raw_open(s->path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
	if (s->fd < 0)
		return complain_errno(s, s->path);
	why = judge(s);
	if (why) {
		leave(s);
		return complain(s, s->path, why);
	}
	return 0;
}

static void prepare(mq_t *mq)
{
	sem_init(&mq->lock, 1, 1);
	sem_init(&mq->used_slots, 1, 0);
	sem_init(&mq->free_slots, 1, QUEUE_SLOTS);
	mq->write_index = mq->read_index = 0;
	mq->version = 1;
}

static void publish(mq_t *mq)
{
	mq->magic = QUEUE_MAGIC;
}

static int cmd_create(struct session *s)
{
	s->fd = (int)raw_open(s->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, S_IRUSR | S_IWUSR);
	if (s->fd < 0)
		return complain_errno(s, s->path);
	if (syscall(SYS_ftruncate, s->fd, (long)sizeof(mq_t)) != 0 || !map(s)) {
		int rc = complain_errno(s, s->path);
		syscall(SYS_unlinkat, AT_FDCWD, s->path, 0);
		leave(s);
		return rc;
	}
	prepare(s->mq);
	publish(s->mq);
	leave(s);
	return 0;
}

/* One byte after the other: slow, simple, and never a line ahead. */
static int read_line(char *line, size_t *len)
{
	*len = 0;
	for (;;) {
		char c;
		long n = syscall(SYS_read, 0, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			return *len > 0;
		if (c == '\n')
			return 1;
		if (c == '\0')
			return -2;
		if (*len == QUEUE_TEXT - 1)
			return -3;
		line[(*len)++] = c;
	}
}

static bool put(mq_t *mq, const char *line, size_t len)
{
	if (!down(&mq->free_slots))
		return false;
	if (!down(&mq->lock)) {
		up(&mq->free_slots);
		return false;
	}
	memset(mq->text[mq->write_index], 0, QUEUE_TEXT);
	memcpy(mq->text[mq->write_index], line, len);
	mq->write_index = next(mq->write_index);
	up(&mq->lock);
	up(&mq->used_slots);
	return true;
}

static bool get(mq_t *mq, char *line)
{
	if (!down(&mq->used_slots))
		return false;
	if (!down(&mq->lock)) {
		up(&mq->used_slots);
		return false;
	}
	strcpy(line, mq->text[mq->read_index]);
	mq->read_index = next(mq->read_index);
	up(&mq->lock);
	up(&mq->free_slots);
	return true;
}

static int cmd_send(struct session *s)
{
	char line[QUEUE_TEXT];
	size_t len;
	int rc = enter(s), got;

	if (rc)
		return rc;
	int used = 0;
	if (sem_getvalue(&s->mq->used_slots, &used) == 0 && used == 0)
		sem_init(&s->mq->free_slots, 1, QUEUE_SLOTS);
	while ((got = read_line(line, &len)) > 0)
		if (!put(s->mq, line, len)) {
			got = -1;
			break;
		}
	if (got == -1)
		rc = complain_errno(s, "standard input");
	else if (got == -2)
		rc = complain(s, "standard input", "a line with a NUL");
	else if (got == -3)
		rc = complain(s, "standard input", "a line over 63 bytes");
	leave(s);
	return rc;
}

static bool say(const char *text)
{
	char out[QUEUE_TEXT + 1];
	size_t n = strlen(text), done = 0;

	memcpy(out, text, n);
	out[n++] = '\n';
	while (done < n) {
		long w = syscall(SYS_write, 1, out + done, n - done);
		if (w < 0 && errno != EINTR)
			return false;
		if (w > 0)
			done += (size_t)w;
	}
	return true;
}

static int cmd_recv(struct session *s)
{
	char line[QUEUE_TEXT];
	int rc = enter(s);

	for (long long i = 0; !rc && i < s->count; i++) {
		if (!get(s->mq, line))
			rc = complain_errno(s, "waiting");
		else if (!say(line))
			rc = complain_errno(s, "standard output");
	}
	leave(s);
	return rc;
}

static int cmd_destroy(struct session *s)
{
	int rc = enter(s);

	if (!rc && syscall(SYS_unlink, s->path) != 0)
		rc = complain_errno(s, s->path);
	leave(s);
	return rc;
}

static const struct {
	const char *name;
	int args;
	int (*run)(struct session *);
} table[] = {
	{ "create", 1, cmd_create },
	{ "send", 1, cmd_send },
	{ "recv", 2, cmd_recv },
	{ "destroy", 1, cmd_destroy },
};

static bool number(const char *t, long long *v)
{
	*v = 0;
	if (!*t)
		return false;
	for (; *t; t++) {
		if (*t < '0' || *t > '9')
			return false;
		if (__builtin_mul_overflow(*v, 10, v) || __builtin_add_overflow(*v, *t - '0', v))
			return false;
	}
	return true;
}

int main(int argc, char *argv[])
{
	struct session s = { .prog = argv[0], .fd = -1 };

	for (size_t i = 0; argc > 1 && i < sizeof table / sizeof *table; i++) {
		if (strcmp(argv[1], table[i].name) != 0)
			continue;
		if (argc != 2 + table[i].args)
			break;
		s.path = argv[2];
		if (table[i].args == 2 && !number(argv[3], &s.count))
			break;
		return table[i].run(&s);
	}
	dprintf(2,
		"usage: %s create FILE\n       %s send FILE\n       %s recv FILE COUNT\n       %s destroy FILE\n",
		argv[0], argv[0], argv[0], argv[0]);
	return 2;
}
