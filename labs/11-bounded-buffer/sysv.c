/*
 * sysv: the bounded buffer of buffer.c, in System V shared memory.
 *
 *	sysv create KEYFILE CAPACITY    make an empty buffer; there must be none under KEYFILE's key
 *	sysv produce KEYFILE FROM TO    put FROM, FROM+1, ... TO into it
 *	sysv consume KEYFILE COUNT      take COUNT numbers out and print them, one a line
 *	sysv destroy KEYFILE            remove the segment
 *
 * Only finding, making and removing the memory differ; what happens in it is the same.
 *
 * Bad usage is exit status 2. Any other error is one line `sysv: what: reason` on standard
 * error and exit status 1.
 * The layout, and who may touch which field when, stands in common/bounded_buffer.h.
 *
 * Read sysvipc(7), ftok(3), shmget(2), shmat(2), shmctl(2).
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#include "bounded_buffer.h"

enum { MOST_ITEMS = 1000000, PROJECT = 66 };

struct shared {
	struct bounded_buffer *at;
	uint32_t capacity; /* our own copy, checked: nobody can change it under our hands */
};

static _Noreturn void usage(void)
{
	fputs("usage: sysv create KEYFILE CAPACITY | produce KEYFILE FROM TO | consume KEYFILE COUNT | "
	      "destroy KEYFILE\n",
	      stderr);
	exit(2);
}

static _Noreturn void die(const char *what, const char *reason)
{
	fprintf(stderr, "sysv: %s: %s\n", what, reason);
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

static void create(const char *keyfile, uint32_t capacity)
{
	/*
	 * TODO 5: make the segment under ftok(keyfile, PROJECT), and refuse one that exists. ftok
	 * may fail, and -1 is a key like any other to shmget. A segment outlives its maker: what
	 * has to be done when a later call fails?
	 */
	(void)capacity;
	die(keyfile, "create is not written yet");
}

static struct shared open_buffer(const char *keyfile)
{
	/* Part of TODO 5: find and attach it. Who knows its true size? */
	die(keyfile, "open is not written yet");
}

static void destroy(const char *keyfile)
{
	/* Part of TODO 5: remove the segment. Processes that are attached keep it until they leave.
	 */
	die(keyfile, "destroy is not written yet");
}

static void produce(struct shared buffer, int64_t from, int64_t to)
{
	/*
	 * TODO 6: the same as in buffer.c: nothing in the memory knows how it was made.
	 */
	(void)buffer.at;
	(void)buffer.capacity;
	(void)from;
	(void)to;
}

static void consume(struct shared buffer, long long count)
{
	/*
	 * Part of TODO 6: the same as in buffer.c.
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
