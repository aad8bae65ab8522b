/*
 * sized.c: changes the size of a file, and bytes of it through a map.
 *
 * Usage: sized grow|shrink FILE SIZE     prints "old N new M"
 *        sized poke FILE OFFSET TEXT     stores TEXT at OFFSET, durable when it ends
 *        sized peek FILE OFFSET          prints "byte 0xHH", or "truncated" and exit status 4
 *
 * Errors at run time: one line "sized: WHAT: REASON" on standard error, exit status 1. A file that
 * cannot be opened, that is no regular file (do not hang on a FIFO), a failed mmap(2), msync(2) or
 * write to standard output: all of these are such errors.
 *
 * Read: ftruncate(2), mmap(2), msync(2), sigaction(2), sigsetjmp(3).
 */
#include "lab.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int usage(void)
{
	fprintf(stderr, "usage: sized grow|shrink FILE SIZE\n"
			"       sized poke FILE OFFSET TEXT\n"
			"       sized peek FILE OFFSET\n");
	return 2;
}

static int is_number(const char *text)
{
	return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* Of decimal digits only. Too large a number becomes LLONG_MAX, more than any file has. */
static off_t number(const char *text)
{
	return strtoll(text, NULL, 10);
}

static void resize(const char *file, off_t size, int growing)
{
	/* TODO 1: set the size of FILE and print the old and the new one. No block of the disk is
	 * needed for it. */

	/*
	 * TODO 2: what must be refused: growing to a smaller size, shrinking to a larger one, a
	 * FILE that is not there (and must not be there afterwards either). The same size is fine.
	 */
	(void)file, (void)size, (void)growing;
}

static void poke(const char *file, off_t offset, const char *text)
{
	/*
	 * TODO 3: store TEXT through a shared map. Its offset in the file must be a multiple of the
	 * page size; OFFSET need not be. An empty TEXT changes nothing. Bytes of the last page that
	 * lie behind the end of FILE can be stored into: does FILE have them afterwards?
	 */

	/* TODO 4: write every byte that was stored to the disk before you return: msync(2),
	 * MS_SYNC. */
	(void)file, (void)offset, (void)text;
}

static int peek(const char *file, off_t offset)
{
	/* TODO 5: look at the byte through a map. An OFFSET that FILE does not have is an error. */
	lab_checkpoint("mapped"); /* this line stands between the mmap and the look */

	/*
	 * TODO 6: somebody may shorten FILE at this very line. Survive the look, and when OFFSET is
	 * no longer inside FILE after it, print "truncated" and return 4. Does every such look end
	 * in a signal?
	 */
	(void)file, (void)offset;
	return 0;
}

int main(int argc, char *argv[])
{
	if (argc < 4 || !is_number(argv[3]))
		return usage();

	if (argc == 4 && strcmp(argv[1], "grow") == 0)
		resize(argv[2], number(argv[3]), 1);
	else if (argc == 4 && strcmp(argv[1], "shrink") == 0)
		resize(argv[2], number(argv[3]), 0);
	else if (argc == 5 && strcmp(argv[1], "poke") == 0)
		poke(argv[2], number(argv[3]), argv[4]);
	else if (argc == 4 && strcmp(argv[1], "peek") == 0)
		return peek(argv[2], number(argv[3]));
	else
		return usage();
	return 0;
}
