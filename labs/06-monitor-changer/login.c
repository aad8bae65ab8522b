/*
 * login.c: one program changes a pair of numbers in a file, another one watches them.
 *
 * Usage: login monitor [CHANGES]     ends after CHANGES lines (1 or more), else never
 *        login changer               changes the pair once
 *
 * The file "shared" in the current directory holds the struct login below. The monitor prints
 * "pid P count C" for what it finds, and again at each change that it sees, with 100 ms of sleep
 * between two looks. The changer stores its own pid and the counter plus one.
 *
 * Errors at run time: one line "login: WHAT: REASON" on standard error, exit status 1.
 *
 * Read: open(2), ftruncate(2), mmap(2), nanosleep(2), stdatomic.h (C11, section 7.17).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARED "shared"

struct login {
	int32_t pid;
	int32_t counter;
};

static int usage(void)
{
	fprintf(stderr, "usage: login monitor [CHANGES]\n"
			"       login changer\n");
	return 2;
}

static int is_number(const char *text)
{
	return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* Runs until it has printed so many lines. */
static void monitor(unsigned long long changes)
{
	/*
	 * TODO 1: open SHARED, and create it with mode 0644 where it is missing. It needs 8 bytes;
	 * it may have more. What stands in it already is somebody's: keep every byte.
	 */

	/* TODO 2: map it. A monitor never stores. */

	/*
	 * TODO 3: print the pair that is there, then look, compare, print and sleep. Each line has
	 * to be out before the next sleep, also into a pipe or a file.
	 */

	/*
	 * TODO 4: a changer may come at any instruction of yours. How many loads does one look
	 * need, if what was compared, what is printed and what is kept are to be the same pair?
	 */
	(void)changes;
}

static void changer(void)
{
	/*
	 * TODO 5: map SHARED. Where it is missing or has less than 8 bytes, that is an error, and
	 * nothing is created. Then store the pair so that nobody ever sees one new and one old
	 * half.
	 */

	/*
	 * TODO 6: between your load of the counter and your store, another changer may have come
	 * and gone. Its addition must not be lost.
	 */
}

int main(int argc, char *argv[])
{
	if (argc == 2 && strcmp(argv[1], "changer") == 0) {
		changer();
		return 0;
	}
	if (argc < 2 || argc > 3 || strcmp(argv[1], "monitor") != 0)
		return usage();

	unsigned long long changes = -1ULL;

	if (argc == 3) {
		changes = is_number(argv[2]) ? strtoull(argv[2], NULL, 10) : 0;
		if (changes == 0)
			return usage();
	}
	monitor(changes);
	return 0;
}
