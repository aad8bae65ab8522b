/*
 * buffer: a bounded buffer of 64-bit numbers in POSIX shared memory, for many producers and
 * consumers.
 *
 *	buffer create NAME CAPACITY    make an empty buffer; NAME must not exist
 *	buffer produce NAME FROM TO    put FROM, FROM+1, ... TO into it
 *	buffer consume NAME COUNT      take COUNT numbers out and print them, one a line
 *	buffer destroy NAME            remove the name
 *
 * Bad usage is exit status 2. Any other error is one line `buffer: what: reason` on standard
 * error and exit status 1.
 * The layout, and who may touch which field when, stands in common/bounded_buffer.h.
 *
 * Read shm_overview(7), shm_open(3), sem_overview(7), pthread_mutexattr_setpshared(3),
 * pthread_mutexattr_setrobust(3), pthread_mutex_consistent(3).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bounded_buffer.h"

enum { MOST_ITEMS = 1000000 };

struct shared {
	struct bounded_buffer *at;
	uint32_t capacity; /* our own copy, checked: nobody can change it under our hands */
};

static _Noreturn void usage(void)
{
	fputs("usage: buffer create NAME CAPACITY | produce NAME FROM TO | consume NAME COUNT | "
	      "destroy NAME\n",
	      stderr);
	exit(2);
}

static _Noreturn void die(const char *what, const char *reason)
{
	fprintf(stderr, "buffer: %s: %s\n", what, reason);
	exit(1);
}

static long long number(const char *text, bool may_be_negative)
{
	const char *digits = text + (may_be_negative && text[0] == '-');
	long long value;

	if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
		usage();
	errno = 0;
	value = strtoll(text, NULL, 10);
	if (errno != 0)
		die(text, strerror(errno));
	return value;
}

static uint32_t checked_capacity(const char *text)
{
	long long capacity = number(text, false);

	if (capacity < 1 || capacity > MOST_ITEMS)
		die(text, "the capacity must be between 1 and 1000000");
	return (uint32_t)capacity;
}

static void create(const char *name, uint32_t capacity)
{
	/*
	 * TODO 1: make the object (shm_open), refuse one that exists, give it mode 0600 and room
	 * for capacity items. Set up mutex, semaphores and indexes. The mutex is used by several
	 * processes, any of which may be killed while it holds it: which two attributes does it
	 * need? When may others see the magic number? Leave nothing behind when a call fails. NAME
	 * may begin with a slash; what else may it not be?
	 */
	(void)capacity;
	die(name, "create is not written yet");
}

static struct shared open_buffer(const char *name)
{
	/*
	 * TODO 2: open and map an existing buffer. It may be anything: too short, not ready, or
	 * with a capacity that its size belies. Look at all of it before you use any of it.
	 */
	die(name, "open is not written yet");
}

static void destroy(const char *name)
{
	/* Part of TODO 2: remove the name of a buffer. */
	die(name, "destroy is not written yet");
}

/*
 * TODO 4: lock the mutex. Its last holder may be dead: what does pthread_mutex_lock return then, in
 * what state may the indexes be, and what has to be called before the mutex is unlocked again?
 */

static void produce(struct shared buffer, int64_t from, int64_t to)
{
	/*
	 * TODO 3: put each number at the tail. Two things have to be waited for, room and the
	 * mutex: in which order? What does a wait return when a signal comes? And where does a loop
	 * to INT64_MAX end?
	 */
	(void)buffer.at;
	(void)buffer.capacity;
	(void)from;
	(void)to;
}

static void consume(struct shared buffer, long long count)
{
	/*
	 * Part of TODO 3: take each number from the head and print it before you wait for the next
	 * one. How late may its place be given back, and how early?
	 */
	(void)buffer.at;
	(void)buffer.capacity;
	(void)count;
}

int main(int argc, char *argv[])
{
	const char *command = argc > 1 ? argv[1] : "";
	long long from, to, count;

	if (argc == 4 && strcmp(command, "create") == 0) {
		create(argv[2], checked_capacity(argv[3]));
	} else if (argc == 5 && strcmp(command, "produce") == 0) {
		from = number(argv[3], true);
		to = number(argv[4], true);
		produce(open_buffer(argv[2]), from, to);
	} else if (argc == 4 && strcmp(command, "consume") == 0) {
		count = number(argv[3], false);
		consume(open_buffer(argv[2]), count);
	} else if (argc == 3 && strcmp(command, "destroy") == 0) {
		destroy(argv[2]);
	} else {
		usage();
	}
	return 0;
}
