/*
 * writer: maps the file "temp" of the current directory read-only, sleeps 5 s, prints the first
 * five of its ten integers, sleeps 5 s, prints the other five; one a line.
 *
 * A temp that is missing, too short or no regular file is an error: exit 1 and one line on
 * stderr, `writer: what: reason`.
 *
 * Read: open(2), fstat(2), mmap(2), sleep(3), fflush(3)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT 10
#define HALF  (COUNT / 2)
#define SIZE  (COUNT * sizeof(int))
#define PAUSE 5

/* For every run-time error: fail("temp", strerror(errno)). */
_Noreturn static void fail(const char *what, const char *reason)
{
	fprintf(stderr, "writer: %s: %s\n", what, reason);
	exit(1);
}

static const int *map_temp(void)
{
	/*
	 * TODO 5: Open temp, make sure that there are ten integers to look at, and map it in a way
	 * that shows what another process stores. mmap(2) does not mind a file that is too short;
	 * who does, and when? Can open(2) wait for ever here?
	 */
	return NULL;
}

int main(int argc, char **argv)
{
	const int *slots;

	(void)argv;
	if (argc != 1) {
		fprintf(stderr, "usage: writer\n");
		return 2;
	}
	slots = map_temp();
	if (slots == NULL)
		fail("map_temp", "not written yet");

	/*
	 * TODO 6: Sleep and print, twice. Somebody may store while you sleep: when has a value to
	 * be looked at? And what if stdout takes no more?
	 */
	return 0;
}
