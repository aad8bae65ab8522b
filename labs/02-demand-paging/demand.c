/*
 * demand.c: touches chosen pages of a mapped file and shows how each becomes resident.
 *
 * Usage: demand FILE PAGE...
 *
 * Maps FILE and touches the pages of these numbers (the first is 0) in this order. Each first touch
 * makes one page resident, exactly one, whether or not FILE is in the page cache. Prints a line for
 * each touch and one at the end:
 *
 *     page N resident_kb K faults F
 *     cached C of T
 *
 * Read: mmap(2), madvise(2), getrusage(2), mincore(2), proc_pid_smaps(5).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void usage(void)
{
	fprintf(stderr, "usage: demand FILE PAGE...\n");
	exit(2);
}

/* A page's number: decimal digits only. One that is too large becomes SIZE_MAX: no file has that.
 */
static size_t page_number(const char *text)
{
	if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
		usage();
	return strtoull(text, NULL, 10);
}

int main(int argc, char *argv[])
{
	if (argc < 3)
		usage();
	for (int i = 2; i < argc; i++)
		page_number(argv[i]);

	/*
	 * TODO 1: open argv[1] read-only and map it whole, so that nothing of it is resident yet.
	 * What cannot be opened, is no regular file, or cannot be mapped is an error: one line
	 * "demand: WHAT: REASON" on standard error, and exit 1. So is a failed write to standard
	 * output at the very end.
	 */

	/* TODO 2: refuse a page that FILE does not have, before the first touch of any page. */

	for (int i = 2; i < argc; i++) {
		/*
		 * TODO 3: touch the page. A plain look at it lets the kernel map its neighbours
		 * too where they are cached (fault-around): find a touch that brings one page only.
		 * FILE itself must stay as it is.
		 */

		/*
		 * TODO 4: K is the sum of Rss over the mappings of FILE in /proc/self/smaps, after
		 * the touch. Which line of that file starts a mapping, and which one has its Rss?
		 */

		/*
		 * TODO 5: F is the number of page faults, minor and major, that the touch alone
		 * cost. What must happen between the two looks at getrusage(2), and what must not?
		 */
	}

	/*
	 * TODO 6: ask mincore(2) how many pages of FILE are in the page cache (C). T is the size of
	 * FILE in pages, the last one counted even when FILE fills it only partly.
	 */
	return 0;
}
