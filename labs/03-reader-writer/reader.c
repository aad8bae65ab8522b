/*
 * reader: maps the file "temp" of the current directory, creating it if need be, reads ten
 * integers from stdin and stores each through the map as soon as it is read. It prints nothing.
 *
 * An integer is an optional sign and decimal digits; white space stands between two of them.
 * Anything else, a number that fits no int, and an early end of the input are errors: exit 1 and
 * one line on stderr, `reader: what: reason`. What was stored before stays.
 *
 * Read: open(2), umask(2), ftruncate(2), mmap(2), mprotect(2), getchar(3), strtol(3)
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT 10
#define SIZE  (COUNT * sizeof(int))

/* For every run-time error: fail("temp", strerror(errno)). */
_Noreturn static void fail(const char *what, const char *reason)
{
	fprintf(stderr, "reader: %s: %s\n", what, reason);
	exit(1);
}

static int *map_temp(void)
{
	/*
	 * TODO 1: Open temp for what you want to do with it, creating it with mode 0666 (in which
	 * base does C read 666?). It may be there already, and it may be no regular file.
	 */

	/*
	 * TODO 2: Give it its 40 bytes, whether it was missing, shorter or longer. A writer may
	 * look at it at this very moment: what happens to it when the file gets shorter?
	 */

	/* TODO 3: Map it, so that a store reaches the file. Which protection, which flag? */
	return NULL;
}

/* The next integer of stdin. */
static int read_integer(void)
{
	/*
	 * TODO 4: Read one integer and find out whether it really was one. What does scanf("%d")
	 * tell you about abc, about 99999999999 and about the end of the input?
	 */
	fail("read_integer", "not written yet");
}

int main(int argc, char **argv)
{
	int *slot;

	(void)argv;
	if (argc != 1) {
		fprintf(stderr, "usage: reader\n");
		return 2;
	}
	slot = map_temp();
	if (slot == NULL)
		fail("map_temp", "not written yet");
	for (int i = 0; i < COUNT; i++)
		slot[i] = read_integer();
	return 0;
}
