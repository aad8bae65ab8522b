/* printf first, then munmap: the line waits in the buffer of stdio, and comes out when all is
 * unmapped. */
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

/* What the signal handler has to know. It is complete before the first write, and fixed from then
 * on. */
static struct {
	volatile unsigned char *start;
	size_t length;
	size_t page;
	bool *opened; /* a flag for each page, or NULL where no page may be opened */
} buffer;

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

/* From here to on_fault: the handler's part. It calls nothing that signal-safety(7) does not list,
 * but for mprotect. */

static void die_in_handler(const char *line)
{
	ssize_t ignored = write(STDERR_FILENO, line, strlen(line));

	(void)ignored;
	_exit(EXIT_ERROR);
}

static void report_guard(const char *side, intptr_t offset)
{
	char line[64] = "guard ", digits[24];
	size_t end = strlen(line), count = 0;
	uintptr_t rest = offset < 0 ? -(uintptr_t)offset : (uintptr_t)offset;

	end = stpcpy(line + end, side) - line;
	end = stpcpy(line + end, offset < 0 ? " offset -" : " offset ") - line;
	do
		digits[count++] = '0' + rest % 10;
	while (rest /= 10);
	while (count > 0)
		line[end++] = digits[--count];
	line[end++] = '\n';
	if (write(STDOUT_FILENO, line, end) != (ssize_t)end)
		die_in_handler("guard: stdout: write failed\n");
	_exit(EXIT_GUARD);
}

static void open_page(size_t number)
{
	void *page = (void *)(buffer.start + number * buffer.page);

	if (mprotect(page, buffer.page, PROT_READ | PROT_WRITE) == -1)
		die_in_handler("guard: mprotect: the page cannot be opened\n");
	buffer.opened[number] = true;
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
	uintptr_t offset = (uintptr_t)info->si_addr - (uintptr_t)buffer.start;

	(void)context;
	if (info->si_code == SEGV_ACCERR) {
		if (offset - buffer.length < buffer.page)
			report_guard("above", offset);
		if (offset + buffer.page < buffer.page)
			report_guard("below", offset);
		if (buffer.opened != NULL && offset < buffer.length) {
			open_page(offset / buffer.page);
			return;
		}
	}
	/* Not ours. Back to the same instruction: it faults again, and this time the default action
	 * ends us. */
	signal(signo, SIG_DFL);
}

static void catch_faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigemptyset(&action.sa_mask);
	if (sigaction(SIGSEGV, &action, NULL) == -1)
		die("sigaction");
}

/* One mapping without any access, then the middle of it opened: what stays closed are the guards.
 */
static void map_buffer(size_t pages, int protection)
{
	size_t page = sysconf(_SC_PAGESIZE);

	if (pages > SIZE_MAX / page - 2) {
		errno = ENOMEM;
		die("buffer");
	}
	size_t length = pages * page;
	unsigned char *below = mmap(NULL, length + 2 * page, PROT_NONE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (below == MAP_FAILED)
		die("mmap");
	if (mprotect(below + page, length, protection) == -1)
		die("mprotect");
	buffer.start = below + page;
	buffer.length = length;
	buffer.page = page;
}

static void unmap_buffer(void)
{
	if (munmap((void *)(buffer.start - buffer.page), buffer.length + 2 * buffer.page) == -1)
		die("munmap");
}

static void finish_line(void)
{
	if (putchar('\n') == EOF || fflush(stdout) == EOF)
		die("stdout");
}

static void overrun(size_t pages, size_t bytes, bool backwards)
{
	map_buffer(pages, PROT_READ | PROT_WRITE);
	catch_faults();
	for (size_t i = 0; i < bytes; i++)
		buffer.start[backwards ? buffer.length - 1 - i : i] = 0xa5;
	fputs("ok", stdout);
	unmap_buffer();
	finish_line();
}

static void track(size_t pages, char **list)
{
	for (char **number = list; *number != NULL; number++)
		if (parse_number(*number) >= pages)
			usage();
	map_buffer(pages, PROT_READ);
	buffer.opened = calloc(pages, sizeof(*buffer.opened));
	if (buffer.opened == NULL)
		die("calloc");
	catch_faults();
	for (char **number = list; *number != NULL; number++)
		buffer.start[parse_number(*number) * buffer.page] = 0xa5;
	unmap_buffer();
	fputs("dirty", stdout);
	for (size_t i = 0; i < pages; i++)
		if (buffer.opened[i])
			printf(" %zu", i);
	finish_line();
	free(buffer.opened);
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
