/*
 * A thread writes, the main thread waits for it. The handler runs in the thread that faulted;
 * SIGSEGV is never blocked. Everything is mapped open and closed afterwards, guard by guard;
 * `dirty` turns the page list into a mask of longs.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct job {
	char **list;
	unsigned long long bytes;
	bool up;
};

static unsigned char *map, *buf;
static size_t len, page;
static bool tracking;
static unsigned char *written;

static void complain(const char *what)
{
	fprintf(stderr, "guard: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void line_out(const char *line, int status)
{
	size_t left = strlen(line);

	if (write(STDOUT_FILENO, line, left) != (ssize_t)left) {
		static const char sorry[] = "guard: write: failed\n";

		if (write(STDERR_FILENO, sorry, sizeof(sorry) - 1) < 0)
			_exit(EXIT_FAILURE);
		_exit(EXIT_FAILURE);
	}
	_exit(status);
}

/* `digits` becomes the text of a decimal number ending at `end`. */
static char *backwards(char *end, unsigned long long number)
{
	*end = '\0';
	do
		*--end = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	return end;
}

static void faulted(int number, siginfo_t *info, void *context)
{
	unsigned char *where = info->si_addr;
	char digits[32], line[80];

	(void)context;
	if (info->si_code == SEGV_ACCERR && where >= buf && where < buf + len && tracking) {
		size_t which = (size_t)(where - buf) / page;

		if (mprotect(buf + which * page, page, PROT_READ | PROT_WRITE) == -1) {
			const char *sorry = "guard: mprotect: failed in the handler\n";

			if (write(STDERR_FILENO, sorry, strlen(sorry)) == -1)
				_exit(1);
			_exit(1);
		}
		written[which / 8] |= 1 << which % 8;
	} else if (where >= map && where < buf) {
		strcpy(line, "guard below offset -");
		strcat(line, backwards(digits + 31, (size_t)(buf - where)));
		strcat(line, "\n");
		line_out(line, 3);
	} else if (where >= buf + len && where < buf + len + page) {
		strcpy(line, "guard above offset ");
		strcat(line, backwards(digits + 31, (size_t)(where - buf)));
		strcat(line, "\n");
		line_out(line, 3);
	} else {
		signal(number, SIG_DFL);
		raise(number);
	}
}

static unsigned long long natural(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || text[digits] != '\0' || digits > 19) {
		fprintf(stderr,
			"usage: guard overflow|underflow PAGES BYTES\nusage: guard dirty PAGES PAGE...\n");
		exit(2);
	}
	return strtoull(text, NULL, 10);
}

static void *writer(void *argument)
{
	struct job *job = argument;
	volatile unsigned char *at = job->up ? buf : buf + len;

	if (tracking) {
		for (char **number = job->list; *number; number++)
			*(volatile unsigned char *)(buf + natural(*number) * page) = 0xff;
	} else {
		while (job->bytes-- > 0)
			if (job->up)
				*at++ = 7;
			else
				*--at = 7;
	}
	return NULL;
}

static void prepare(unsigned long long pages)
{
	struct sigaction act;

	page = (size_t)sysconf(_SC_PAGESIZE);
	if (pages > (SIZE_MAX >> 1) / page - 2) {
		errno = EOVERFLOW;
		complain("PAGES");
	}
	len = pages * page;
	map = mmap(NULL, len + 2 * page, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		complain("mmap");
	buf = map + page;
	if (mprotect(map, page, PROT_NONE) || mprotect(buf + len, page, PROT_NONE))
		complain("guards");
	if (tracking && mprotect(buf, len, PROT_READ))
		complain("buffer");
	memset(&act, 0, sizeof(act));
	act.sa_sigaction = faulted;
	act.sa_flags = SA_SIGINFO | SA_NODEFER;
	if (sigaction(SIGSEGV, &act, NULL) != 0)
		complain("sigaction");
}

int main(int argc, char *argv[])
{
	struct job job = { .list = argv + 3 };
	pthread_t thread;

	if (argc < 4)
		natural("");
	unsigned long long pages = natural(argv[2]);
	if (!pages)
		natural("");
	if (strcmp(argv[1], "dirty") == 0) {
		tracking = true;
		for (int i = 3; i < argc; i++)
			if (natural(argv[i]) >= pages)
				natural("");
	} else if ((strcmp(argv[1], "overflow") && strcmp(argv[1], "underflow")) || argc != 4) {
		natural("");
	} else {
		job.bytes = natural(argv[3]);
		job.up = *argv[1] == 'o';
	}
	prepare(pages);
	if (tracking && (written = calloc(1, pages / 8 + 1)) == NULL)
		complain("calloc");
	if ((errno = pthread_create(&thread, NULL, writer, &job)) != 0)
		complain("pthread_create");
	pthread_join(thread, NULL);
	if (munmap(buf, len) || munmap(map, page) || munmap(buf + len, page))
		complain("munmap");
	printf("%s", tracking ? "dirty" : "ok");
	for (size_t i = 0; tracking && i < pages; i++)
		if (written[i / 8] & 1 << i % 8)
			printf(" %zu", i);
	putchar('\n');
	if (fflush(stdout) || ferror(stdout))
		complain("stdout");
	return 0;
}
