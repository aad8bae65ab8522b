/*
 * Leaves the handler by siglongjmp, on a stack of its own. Legal: the interrupted instruction is a
 * store of ours, never the middle of a library function, so main may print with stdio afterwards.
 * The page is opened in the handler.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static sigjmp_buf out;
static char *volatile base;
static volatile long size, page, hit;
static char *volatile flags;
static volatile int broken;

static void handler(int signo, siginfo_t *info, void *unused)
{
	long offset = (char *)info->si_addr - base;

	(void)unused;
	if (flags != NULL && offset >= 0 && offset < size) {
		if (mprotect(base + offset / page * page, page, PROT_READ | PROT_WRITE) != 0) {
			broken = errno;
			siglongjmp(out, 2);
		}
		flags[offset / page] = 1;
	} else if (offset >= -page && offset < size + page) {
		hit = offset;
		siglongjmp(out, 1);
	} else {
		struct sigaction plain;

		memset(&plain, 0, sizeof plain);
		plain.sa_handler = SIG_DFL;
		sigaction(signo, &plain, NULL);
		raise(signo);
	}
}

static int fail(const char *what)
{
	fprintf(stderr, "guard: %s: %s\n", what, strerror(errno));
	return 1;
}

static int bad(void)
{
	fprintf(stderr,
		"usage: guard overflow|underflow PAGES BYTES | guard dirty PAGES PAGE...\n");
	return 2;
}

static int number(const char *text, unsigned long *value)
{
	char *end;

	errno = 0;
	if (*text < '0' || *text > '9')
		return 0;
	*value = strtoul(text, &end, 10);
	return *end == '\0' && errno == 0;
}

static int setup(unsigned long pages)
{
	static struct sigaction action = { .sa_sigaction = handler,
					   .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t stack = { .ss_size = 65536, .ss_sp = malloc(65536) };

	page = sysconf(_SC_PAGE_SIZE);
	if (stack.ss_sp == NULL || sigaltstack(&stack, NULL) != 0)
		return fail("sigaltstack");
	if (pages >= 1UL << 46) {
		errno = ENOMEM;
		return fail("PAGES");
	}
	size = pages * page;
	char *all = mmap(NULL, size + 2 * page, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (all == MAP_FAILED)
		return fail("mmap");
	base = all + page;
	if (mprotect(base, size, flags ? PROT_READ : PROT_READ | PROT_WRITE) != 0)
		return fail("mprotect");
	return sigaction(SIGSEGV, &action, NULL) ? fail("sigaction") : 0;
}

int main(int argc, char **argv)
{
	unsigned long pages, value;
	volatile char *at;

	if (argc < 4 || !number(argv[2], &pages) || pages == 0)
		return bad();
	int dirty = !strcmp(argv[1], "dirty"), under = !strcmp(argv[1], "underflow");
	if (!dirty && !under && strcmp(argv[1], "overflow") != 0)
		return bad();
	if (!dirty && argc > 4)
		return bad();
	for (int i = 3; i < argc; i++)
		if (!number(argv[i], &value) || (dirty && value >= pages))
			return bad();
	if (dirty && (flags = calloc(pages, 1)) == NULL)
		return fail("calloc");
	if (setup(pages))
		return 1;

	switch (sigsetjmp(out, 1)) {
	case 1:
		printf("guard %s offset %ld\n", hit < 0 ? "below" : "above", hit);
		return fflush(stdout) ? fail("stdout") : 3;
	case 2:
		errno = broken;
		return fail("mprotect");
	}
	if (dirty)
		for (int i = 3; i < argc; i++)
			*(volatile char *)(base + strtoul(argv[i], NULL, 10) * page + 17) += 1;
	else if (under)
		for (at = base + size; value > 0; value--)
			*--at = 'u';
	else
		for (at = base; value > 0; value--)
			*at++ = 'o';
	munmap(base - page, size + 2 * page);
	printf(dirty ? "dirty" : "ok");
	for (unsigned long i = 0; dirty && i < pages; i++)
		if (flags[i])
			printf(" %lu", i);
	puts("");
	return fflush(stdout) ? fail("stdout") : 0;
}
