/*
 * guard.c: a buffer between two guard pages, and a list of written pages, both by page protection.
 *
 * Usage:  guard overflow PAGES BYTES    write BYTES bytes forwards from the buffer's start
 *         guard underflow PAGES BYTES   write BYTES bytes backwards from the buffer's end
 *         guard dirty PAGES PAGE...     write one byte to each PAGE, list the pages that were
 * written
 *
 * Prints `ok`, or `guard above|below offset N` (exit status 3), or `dirty a b c`.
 *
 * Read:   mmap(2) mprotect(2) munmap(2) sigaction(2) signal-safety(7) sysconf(3)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { EXIT_ERROR = 1, EXIT_USAGE = 2, EXIT_GUARD = 3 };

static void usage(void)
{
	fputs("usage: guard overflow|underflow PAGES BYTES\n"
	      "       guard dirty PAGES PAGE...\n",
	      stderr);
	exit(EXIT_USAGE);
}

static void die(const char *what)
{
	fprintf(stderr, "guard: %s: %s\n", what, strerror(errno));
	exit(EXIT_ERROR);
}

static size_t parse_number(const char *text)
{
	if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
		usage();
	errno = 0;
	unsigned long value = strtoul(text, NULL, 10);
	if (errno != 0)
		die(text);
	return value;
}

/*
 * TODO 1: map the buffer: `pages` pages with the given protection, and on either side of it a page
 * that nobody may touch. Ask sysconf(3) for the size of a page. A million pages must work; a size
 * that cannot be multiplied, or that mmap(2) refuses, is a run-time error: die("mmap").
 */
static void map_buffer(size_t pages, int protection)
{
	(void)pages;
	(void)protection;
}

/*
 * TODO 2: have a handler called at SIGSEGV that is told the address: sigaction(2) with SA_SIGINFO.
 *
 * The handler has three cases to tell apart by that address:
 *
 * TODO 4: in a guard: print `guard above offset N` or `guard below offset N`, where N is the
 * address less the buffer's start, and leave with EXIT_GUARD. Use only what signal-safety(7) lists:
 * no printf, no exit.
 *
 * TODO 5: in the buffer, for `dirty`: make this one page readable and writable, remember it,
 * return: the interrupted write goes on. When the page cannot be opened, end with an error, or it
 * never ends.
 *
 * TODO 6: anywhere else: somebody's bug. The program must still die of SIGSEGV.
 */
static void catch_faults(void)
{
}

/*
 * TODO 3: write `bytes` bytes, one at a time and in order, forwards from the buffer's start or
 * backwards from its end, through a pointer to volatile: gcc makes a memset of a plain loop. Then
 * unmap the buffer and its guards, and print `ok`. (For `dirty`: write to each page of the list,
 * unmap, print.)
 */
static void overrun(size_t pages, size_t bytes, bool backwards)
{
	map_buffer(pages, PROT_READ | PROT_WRITE);
	catch_faults();
	(void)bytes;
	(void)backwards;
}

static void track(size_t pages, char **list)
{
	for (char **number = list; *number != NULL; number++)
		if (parse_number(*number) >= pages)
			usage();
	map_buffer(pages, PROT_READ);
	catch_faults();
}

int main(int argc, char **argv)
{
	if (argc < 4)
		usage();
	size_t pages = parse_number(argv[2]);
	if (pages == 0)
		usage();

	if (strcmp(argv[1], "dirty") == 0)
		track(pages, argv + 3);
	else if (argc == 4 && strcmp(argv[1], "overflow") == 0)
		overrun(pages, parse_number(argv[3]), false);
	else if (argc == 4 && strcmp(argv[1], "underflow") == 0)
		overrun(pages, parse_number(argv[3]), true);
	else
		usage();
	return 0;
}
