/* System calls by number where there are any; the mapping starts as one page, is looked at, and
 * grows by mremap; a byte is read at a time. */
#define _GNU_SOURCE
#include "message_queue.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE  4096
#define WHOLE (4 * PAGE)

static void say(const char *a, const char *b)
{
	struct iovec v[] = { { "queue: ", 7 },
			     { (void *)a, strlen(a) },
			     { ": ", 2 },
			     { (void *)b, strlen(b) },
			     { "\n", 1 } };

	if (syscall(SYS_writev, 2, v, 5) < 0)
		syscall(SYS_exit_group, 1);
	syscall(SYS_exit_group, 1);
}

static void usage(void)
{
	static const char text[] = "usage: queue create|send|destroy FILE, queue recv FILE COUNT\n";

	if (syscall(SYS_write, 2, text, sizeof(text) - 1) < 0)
		syscall(SYS_exit_group, 2);
	syscall(SYS_exit_group, 2);
}

static void p(sem_t *s)
{
	if (sem_trywait(s) == 0)
		return;
	while (sem_wait(s) != 0)
		if (errno != EINTR)
			say("sem_wait", "failed");
}

static void make(const char *file)
{
	long fd = syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct message_queue *q;

	if (fd < 0)
		say(file, strerror(errno));
	if (syscall(SYS_ftruncate, fd, sizeof(*q)))
		goto undo;
	q = (void *)syscall(SYS_mmap, 0, WHOLE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (q == MAP_FAILED)
		goto undo;
	syscall(SYS_fchmod, fd, 0600);
	sem_init(&q->free_slots, 1, 100);
	sem_init(&q->used_slots, 1, 0);
	sem_init(&q->lock, 1, 1);
	q->version = 1;
	__atomic_store_n((uint32_t *)&q->magic, QUEUE_MAGIC, __ATOMIC_SEQ_CST);
	syscall(SYS_munmap, q, WHOLE);
	return;
undo:
	syscall(SYS_unlinkat, AT_FDCWD, file, 0);
	say(file, "cannot be made");
}

static struct message_queue *enter(const char *file)
{
	long fd = syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0);
	struct message_queue *q;
	struct statx x;

	if (fd < 0)
		say(file, strerror(errno));
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x))
		say(file, strerror(errno));
	if ((x.stx_mode & S_IFMT) != S_IFREG || x.stx_size != sizeof(*q))
		say(file, "no queue");
	q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	if (q == MAP_FAILED)
		say(file, strerror(errno));
	if (q->magic != QUEUE_MAGIC || q->version != 1)
		say(file, "no queue");
	q = mremap(q, PAGE, WHOLE, MREMAP_MAYMOVE);
	if (q == MAP_FAILED || mprotect(q, WHOLE, PROT_READ | PROT_WRITE))
		say(file, strerror(errno));
	return q;
}

static void put(struct message_queue *q, const char *text, int n)
{
	p(&q->free_slots);
	p(&q->lock);
	for (int i = 0; i < n; i++)
		q->text[q->write_index][i] = text[i];
	q->text[q->write_index][n] = 0;
	q->write_index = q->write_index < 99 ? q->write_index + 1 : 0;
	sem_post(&q->lock);
	sem_post(&q->used_slots);
}

static void copy_in(struct message_queue *q)
{
	char text[64], c;
	int n = 0;
	long got;

	while ((got = syscall(SYS_read, 0, &c, 1)) == 1) {
		if (c == '\n') {
			put(q, text, n);
			n = 0;
		} else if (n == 63 || c == 0) {
			say("input", "a line that does not fit");
		} else {
			text[n++] = c;
		}
	}
	if (got < 0)
		say("input", strerror(errno));
	if (n)
		put(q, text, n);
}

static void copy_out(struct message_queue *q, long long count)
{
	char text[65];
	int n;

	for (; count; count--) {
		p(&q->used_slots);
		p(&q->lock);
		for (n = 0; n < 63 && q->text[q->read_index][n]; n++)
			text[n] = q->text[q->read_index][n];
		q->read_index++;
		q->read_index %= QUEUE_SLOTS;
		sem_post(&q->lock);
		sem_post(&q->free_slots);
		text[n++] = '\n';
		for (long done = 0, w; done < n; done += w)
			if ((w = syscall(SYS_write, 1, text + done, n - done)) <= 0)
				say("output", strerror(errno));
	}
}

int main(int argc, char **argv)
{
	char *word = argc >= 3 ? argv[1] : "";

	if (argc == 3 && !strcmp(word, "create"))
		make(argv[2]);
	else if (argc == 3 && !strcmp(word, "send"))
		copy_in(enter(argv[2]));
	else if (argc == 4 && !strcmp(word, "recv") && argv[3][0] &&
		 !argv[3][strspn(argv[3], "0123456789")])
		copy_out(enter(argv[2]), strtoll(argv[3], NULL, 10));
	else if (argc == 3 && !strcmp(word, "destroy"))
		enter(argv[2]), syscall(SYS_unlinkat, AT_FDCWD, argv[2], 0);
	else
		usage();
	return 0;
}
