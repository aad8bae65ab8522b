/*
 * squares.c: a producer leaves squares in a POSIX shared memory object, a consumer prints them.
 *
 *	squares produce NAME COUNT	stores i * i for 0 <= i < COUNT; prints nothing
 *	squares consume NAME		prints them, one a line, and removes the name
 *
 * The layout of the object is yours, but the squares lie in it one behind the other, 64 bits each.
 *
 * Read: shm_overview(7), shm_open(3), posix_fallocate(3), mmap(2), fstat(2), nanosleep(2).
 * Look: ls -l /dev/shm; clean up: rm /dev/shm/NAME.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int complain(const char *what)
{
	fprintf(stderr, "squares: %s: %s\n", what, strerror(errno));
	return -1;
}

/*
 * TODO 1: make the object, for you alone (0600), and only if there is none of that name yet; give
 * it its size. What happens at a store when /dev/shm is full, and how can you know before? Which
 * names are none (empty, too long, a second slash)? shm_open(3) does not refuse all of them.
 *
 * TODO 2: store the squares through a shared mapping.
 *
 * TODO 3: let the consumer know that they are ready: not before the last of them stands there.
 */
static int produce(const char *name, uint64_t count)
{
	(void)count;
	errno = ENOSYS;
	return complain(name);
}

/*
 * TODO 4: map the object for reading only, and print what stands there.
 *
 * TODO 5: the consumer may have come first. Wait for an object that is empty or not ready, at rest,
 * and give up after five seconds in all.
 *
 * TODO 6: leave nothing behind: no descriptor, and after the last line no name.
 */
static int consume(const char *name)
{
	errno = ENOSYS;
	return complain(name);
}

static int usage(void)
{
	fputs("usage: squares produce NAME COUNT | squares consume NAME\n", stderr);
	return 2;
}

/* Decimal digits only. What fits no int64_t becomes INT64_MAX, which no object has room for. */
static bool parse(const char *digits, uint64_t *value)
{
	if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0')
		return false;
	*value = strtoll(digits, NULL, 10);
	return true;
}

int main(int argc, char *argv[])
{
	bool producer = argc == 4 && strcmp(argv[1], "produce") == 0;
	bool consumer = argc == 3 && strcmp(argv[1], "consume") == 0;
	uint64_t count = 0;

	if ((!producer && !consumer) || (producer && !parse(argv[3], &count)))
		return usage();
	int result = producer ? produce(argv[2], count) : consume(argv[2]);

	return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
