/* Its waits have a deadline, one for all of them and far away; and the file gets its name when all
 * is ready. */
#define _GNU_SOURCE
#include "message_queue.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *prog;
static char *tmp_name;

static void clean(void)
{
	if (tmp_name)
		unlink(tmp_name);
}

static int bad(const char *w)
{
	fprintf(stderr, "%s: %s: %s\n", prog, w, strerror(errno));
	return 1;
}

static int create(const char *path)
{
	struct message_queue *q;
	char *copy = strdup(path), proc[64];
	int fd = open(dirname(copy), O_TMPFILE | O_RDWR, 0600), viatmp = 0;

	free(copy);
	if (fd < 0) {
		if (asprintf(&tmp_name, "%s.XXXXXX", path) < 0 || (fd = mkstemp(tmp_name)) < 0) {
			tmp_name = NULL;
			return bad(path);
		}
		viatmp = 1;
	}
	if (fchmod(fd, 0600) || ftruncate(fd, sizeof *q))
		return bad(path);
	q = mmap(NULL, sizeof *q, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (q == MAP_FAILED)
		return bad(path);
	if (sem_init(&q->free_slots, 1, QUEUE_SLOTS) || sem_init(&q->used_slots, 1, 0) ||
	    sem_init(&q->lock, 1, 1))
		return bad("sem_init");
	q->version = 1;
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&q->magic, QUEUE_MAGIC, memory_order_relaxed);
	if (viatmp) {
		if (link(tmp_name, path))
			return bad(path);
	} else {
		snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
		if (linkat(AT_FDCWD, proc, AT_FDCWD, path, AT_SYMLINK_FOLLOW))
			return bad(path);
	}
	return 0;
}

/* O_PATH first: look at the thing before it is opened, then open that very thing. */
static struct message_queue *attach(const char *path)
{
	static char proc[64];
	struct message_queue *q;
	struct stat st;
	int fd, p = open(path, O_PATH | O_NOFOLLOW);

	if (p < 0) {
		bad(path);
		return NULL;
	}
	if (fstat(p, &st)) {
		bad(path);
		return NULL;
	}
	errno = EINVAL;
	if (!S_ISREG(st.st_mode) || st.st_size != sizeof *q) {
		bad(path);
		return NULL;
	}
	snprintf(proc, sizeof proc, "/proc/self/fd/%d", p);
	fd = open(proc, O_RDWR);
	if (fd < 0) {
		bad(path);
		return NULL;
	}
	close(p);
	q = mmap(NULL, sizeof *q, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (q == MAP_FAILED) {
		bad(path);
		return NULL;
	}
	errno = EPROTO;
	if (q->magic != QUEUE_MAGIC || q->version != 1) {
		bad(path);
		return NULL;
	}
	return q;
}

static int locked(sem_t *slots, struct message_queue *q,
		  void (*what)(struct message_queue *, char *), char *t, sem_t *other)
{
	while (sem_clockwait(slots, CLOCK_MONOTONIC, &(struct timespec){ .tv_sec = 1000000000 }))
		if (errno != EINTR && errno != ETIMEDOUT)
			return -1;
	while (sem_clockwait(&q->lock, CLOCK_MONOTONIC, &(struct timespec){ .tv_sec = 1000000000 }))
		if (errno != EINTR && errno != ETIMEDOUT)
			return -1;
	what(q, t);
	sem_post(&q->lock);
	sem_post(other);
	return 0;
}

static void in(struct message_queue *q, char *t)
{
	char *slot = q->text[q->write_index++];

	while ((*slot++ = *t++))
		;
	if (q->write_index >= QUEUE_SLOTS)
		q->write_index -= QUEUE_SLOTS;
}

static void out(struct message_queue *q, char *t)
{
	memccpy(t, q->text[q->read_index++], 0, QUEUE_TEXT);
	q->read_index %= QUEUE_SLOTS;
}

static int send_main(const char *path)
{
	struct message_queue *q = attach(path);
	char t[QUEUE_TEXT];
	int n;

	if (!q)
		return 1;
	for (;;) {
		int c;

		for (n = 0; (c = getc_unlocked(stdin)) != EOF && c != '\n'; t[n++] = (char)c) {
			errno = EILSEQ;
			if (c == '\0')
				return bad("input");
			errno = EMSGSIZE;
			if (n == QUEUE_TEXT - 1)
				return bad("input");
		}
		if (c == EOF && ferror(stdin))
			return bad("input");
		if (c == EOF && n == 0)
			return 0;
		t[n] = '\0';
		if (locked(&q->free_slots, q, in, t, &q->used_slots))
			return bad("wait");
		if (c == EOF)
			return 0;
	}
}

static int recv_main(const char *path, unsigned long long n)
{
	struct message_queue *q = attach(path);
	char t[QUEUE_TEXT];

	if (!q)
		return 1;
	setvbuf(stdout, NULL, _IONBF, 0);
	while (n-- > 0) {
		if (locked(&q->used_slots, q, out, t, &q->free_slots))
			return bad("wait");
		for (char *c = t; *c; c++)
			if (putchar(*c) == EOF)
				return bad("stdout");
		if (putchar('\n') == EOF)
			return bad("stdout");
	}
	return 0;
}

int main(int argc, char **argv)
{
	prog = program_invocation_short_name;
	atexit(clean);
	if (argc == 3) {
		if (!strcmp(argv[1], "create"))
			return create(argv[2]);
		if (!strcmp(argv[1], "send"))
			return send_main(argv[2]);
		if (!strcmp(argv[1], "destroy"))
			return !attach(argv[2]) ? 1 : unlink(argv[2]) ? bad(argv[2]) : 0;
	} else if (argc == 4 && !strcmp(argv[1], "recv")) {
		unsigned long long n;
		int end = 0;

		if (strspn(argv[3], "0123456789") == strlen(argv[3]) &&
		    sscanf(argv[3], "%llu%n", &n, &end) == 1 && !argv[3][end])
			return recv_main(argv[2], n);
	}
	fprintf(stderr, "usage: %s create|send|destroy FILE | recv FILE COUNT\n", prog);
	return 2;
}
