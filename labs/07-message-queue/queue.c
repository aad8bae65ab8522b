/*
 * queue: a message queue in a file, for any number of senders and receivers.
 *
 *	queue create FILE        make an empty queue; FILE must not exist
 *	queue send FILE          each line of standard input becomes a message
 *	queue recv FILE COUNT    print COUNT messages, one a line
 *	queue destroy FILE       remove the queue's name
 *
 * Bad usage is exit status 2. Any other error is one line `queue: what: reason` on standard error
 * and exit status 1. The layout of FILE, and who may touch which field when, stands in
 * common/message_queue.h.
 *
 * Read mmap(2), open(2) about O_EXCL and O_NOFOLLOW, sem_overview(7), sem_init(3), sem_wait(3),
 * sem_post(3).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message_queue.h"

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

static void create_queue(const char *path)
{
	/*
	 * TODO 1: make the file, and refuse one that exists already. Give it mode 0600 and exactly
	 * the struct's size, map it and set everything up. The three semaphores are used by several
	 * processes: which argument of sem_init says so? Another process may open the file at any
	 * moment of this. How does it know that you are done? Leave no half-made file behind when a
	 * call fails.
	 */
	die(path, "create is not written yet");
}

static struct message_queue *open_queue(const char *path)
{
	/*
	 * TODO 2: open and map an existing queue. The file may be anything: a link to somebody
	 * else's file, a FIFO, too short, too long, not ready, or of another version. Refuse all
	 * that and change nothing.
	 */
	die(path, "open is not written yet");
}

static void send_lines(struct message_queue *queue)
{
	/*
	 * TODO 3: put each line of standard input into the queue. Two things have to be waited for,
	 * a free slot and the lock. In which order, and what happens to the receiver in the other
	 * order? What does a wait return when a signal comes?
	 *
	 * TODO 4: every line is in the queue before the next one is read, and nothing is held while
	 * reading. An empty line is a message. A line over 63 bytes, or with a NUL in it, is an
	 * error; the lines before it stay sent.
	 */
	(void)queue;
}

static void receive(struct message_queue *queue, long long count)
{
	/*
	 * TODO 5: take count messages out and print them, each before you wait for the next.
	 * Standard output may be full, or its reader gone: what must not be in your hands at that
	 * moment?
	 */
	(void)queue;
	(void)count;
}

static void destroy_queue(const char *path)
{
	/* Part of TODO 2: remove the name, but only of what open_queue would take. */
	die(path, "destroy is not written yet");
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
		destroy_queue(path);
	} else {
		usage();
	}
	return 0;
}
