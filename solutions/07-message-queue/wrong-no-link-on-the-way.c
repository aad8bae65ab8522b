// expect: FAIL only-a-queue-is-opened
/* A link anywhere in the path is refused, that to the directory, too: RESOLVE_NO_SYMLINKS. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "message_queue.h"

enum { VERSION = 1 };
enum line { LINE, LINE_END_OF_INPUT, LINE_TOO_LONG, LINE_HAS_NUL, LINE_FAILED };

static _Noreturn void usage(void)
{
	fputs("usage: queue create FILE | send FILE | recv FILE COUNT | destroy FILE\n", stderr);
	exit(2);
}

static _Noreturn void die(const char *what, const char *reason)
{
	fprintf(stderr, "queue: %s: %s\n", what, reason);
	exit(1);
}

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) == -1)
		if (errno != EINTR)
			die("sem_wait", strerror(errno));
}

static void post(sem_t *semaphore)
{
	if (sem_post(semaphore) == -1)
		die("sem_post", strerror(errno));
}

/* Everything but the magic number, which says that all this is done. */
static bool prepare(struct message_queue *queue)
{
	queue->version = VERSION;
	queue->read_index = 0;
	queue->write_index = 0;
	return sem_init(&queue->free_slots, 1, QUEUE_SLOTS) == 0 &&
	       sem_init(&queue->used_slots, 1, 0) == 0 && sem_init(&queue->lock, 1, 1) == 0;
}

static void create_queue(const char *path)
{
	/* O_EXCL: a live queue is never made anew, and a planted link is not followed. */
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct message_queue *queue;

	if (fd == -1)
		die(path, strerror(errno));
	if (fchmod(fd, 0600) == -1) /* whatever the umask took away */
		goto bad;
	if (ftruncate(fd, sizeof(*queue)) == -1)
		goto bad;
	queue = mmap(NULL, sizeof(*queue), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (queue == MAP_FAILED)
		goto bad;
	if (!prepare(queue))
		goto bad;
	atomic_store_explicit(&queue->magic, QUEUE_MAGIC, memory_order_release);
	return;
bad:
	fprintf(stderr, "queue: %s: %s\n", path, strerror(errno));
	unlink(path);
	exit(1);
}

/* Trust nothing about a file that only has the right name. What we opened is what we looked at. */
static struct message_queue *open_queue(const char *path)
{
	struct open_how how = { .flags = O_RDWR | O_NONBLOCK | O_CLOEXEC,
				.resolve = RESOLVE_NO_SYMLINKS };
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	struct message_queue *queue;
	struct stat st;

	if (fd == -1)
		die(path, strerror(errno));
	if (fstat(fd, &st) == -1)
		die(path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		die(path, "not a regular file");
	if (st.st_size != sizeof(*queue))
		die(path, "not the size of a queue");
	queue = mmap(NULL, sizeof(*queue), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (queue == MAP_FAILED)
		die(path, strerror(errno));
	close(fd);
	if (atomic_load_explicit(&queue->magic, memory_order_acquire) != QUEUE_MAGIC)
		die(path, "not a queue, or not ready yet");
	if (queue->version != VERSION)
		die(path, "a queue of another version");
	return queue;
}

/* The slot first, the lock second: who waits for a slot must not keep the lock from who will free
 * one. */
static void put(struct message_queue *queue, const char *text)
{
	wait_for(&queue->free_slots);
	wait_for(&queue->lock);
	strcpy(queue->text[queue->write_index], text);
	queue->write_index = (queue->write_index + 1) % QUEUE_SLOTS;
	post(&queue->lock);
	post(&queue->used_slots);
}

static void take(struct message_queue *queue, char text[QUEUE_TEXT])
{
	wait_for(&queue->used_slots);
	wait_for(&queue->lock);
	memcpy(text, queue->text[queue->read_index], QUEUE_TEXT);
	queue->read_index = (queue->read_index + 1) % QUEUE_SLOTS;
	post(&queue->lock);
	post(&queue->free_slots);
	text[QUEUE_TEXT - 1] = '\0';
}

/* One line without its newline. Not fgets: it cannot tell a NUL in the line from the line's end. */
static enum line read_line(char text[QUEUE_TEXT])
{
	size_t length = 0;
	int c;

	while ((c = getchar()) != EOF && c != '\n') {
		if (c == '\0')
			return LINE_HAS_NUL;
		if (length == QUEUE_TEXT - 1)
			return LINE_TOO_LONG;
		text[length++] = (char)c;
	}
	text[length] = '\0';
	if (ferror(stdin))
		return LINE_FAILED;
	return c == EOF && length == 0 ? LINE_END_OF_INPUT : LINE;
}

static void send_lines(struct message_queue *queue)
{
	char text[QUEUE_TEXT];

	for (;;) {
		switch (read_line(text)) {
		case LINE:
			put(queue, text);
			break;
		case LINE_END_OF_INPUT:
			return;
		case LINE_TOO_LONG:
			die("standard input", "a line over 63 bytes");
		case LINE_HAS_NUL:
			die("standard input", "a NUL in a line");
		case LINE_FAILED:
			die("standard input", strerror(errno));
		}
	}
}

static void receive(struct message_queue *queue, long long count)
{
	char text[QUEUE_TEXT];

	while (count-- > 0) {
		take(queue, text);
		/* flushed now: the next take may wait for ever */
		if (puts(text) == EOF || fflush(stdout) == EOF)
			die("standard output", strerror(errno));
	}
}

static long long parse_count(const char *text)
{
	long long value;

	if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
		usage();
	errno = 0;
	value = strtoll(text, NULL, 10);
	if (errno != 0)
		die(text, strerror(errno));
	return value;
}

int main(int argc, char *argv[])
{
	const char *command = argc > 1 ? argv[1] : "";
	const char *path = argc > 2 ? argv[2] : "";
	long long count;

	if (argc == 3 && strcmp(command, "create") == 0) {
		create_queue(path);
	} else if (argc == 3 && strcmp(command, "send") == 0) {
		send_lines(open_queue(path));
	} else if (argc == 4 && strcmp(command, "recv") == 0) {
		count = parse_count(argv[3]);
		receive(open_queue(path), count);
	} else if (argc == 3 && strcmp(command, "destroy") == 0) {
		open_queue(path);
		if (unlink(path) == -1)
			die(path, strerror(errno));
	} else {
		usage();
	}
	return 0;
}
