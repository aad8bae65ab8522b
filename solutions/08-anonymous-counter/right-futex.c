/* A lock of our own on the bare futex call (0 free, 1 held, 2 held and awaited), raw clone and
 * wait4, one page more than needed. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct record {
	uint64_t now;
	uint32_t pid;
	uint32_t by;
};

struct page {
	struct record *log; /* fixed address, private copies of a pointer would do as well */
	_Atomic uint32_t lock;
	uint32_t length;
	uint64_t value;
};

static void lock(_Atomic uint32_t *word)
{
	uint32_t seen = 0;

	if (atomic_compare_exchange_strong(word, &seen, 1))
		return;
	while (atomic_exchange(word, 2) != 0)
		if (syscall(SYS_futex, word, FUTEX_WAIT, 2, NULL, NULL, 0) == -1 &&
		    errno != EAGAIN && errno != EINTR)
			_exit(1);
}

static void unlock(_Atomic uint32_t *word)
{
	if (atomic_exchange(word, 0) == 2)
		syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void go(struct page *p, uint32_t steps, uint32_t by)
{
	uint32_t me = getpid();

	for (; steps; steps--) {
		lock(&p->lock);
		p->value += by;
		p->log[p->length].now = p->value;
		p->log[p->length].pid = me;
		p->log[p->length++].by = by;
		unlock(&p->lock);
	}
}

static int error(const char *what)
{
	fprintf(stderr, "counter: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	uint64_t n[2] = { 0, 0 };

	for (int i = 0; i < 2; i++) {
		const char *s = argc == 3 ? argv[i + 1] : "";

		do {
			if (*s < '0' || *s > '9') {
				fputs("usage: counter CHILD_STEPS PARENT_STEPS\n", stderr);
				return 2;
			}
			n[i] = n[i] > INT_MAX ? n[i] : n[i] * 10 + (*s - '0');
		} while (*++s);
	}
	errno = EOVERFLOW;
	if (n[0] > 1 << 24 || n[1] > 1 << 24)
		return error("steps");
	size_t size = 8192 + (n[0] + n[1]) * sizeof(struct record);
	struct page *p = (void *)syscall(SYS_mmap, 0, size, PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return error("mmap");
	p->log = (struct record *)(p + 1);
	int child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0), status;

	if (child == -1)
		return error("clone");
	if (child == 0) {
		go(p, n[0], 1);
		syscall(SYS_munmap, p, size);
		syscall(SYS_exit_group, 0);
	}
	go(p, n[1], 2);
	while (syscall(SYS_wait4, child, &status, 0, NULL) == -1)
		if (errno != EINTR)
			return error("wait4");
	if (status)
		return fprintf(stderr, "counter: child: wait status 0x%x\n", status), 1;
	for (uint32_t i = 0; i < p->length; i++) {
		struct record *r = &p->log[i];

		printf("%s %u %lu %lu\n", r->by == 1 ? "child" : "parent", r->pid, r->now - r->by,
		       r->now);
	}
	printf("final %lu\n", p->value);
	syscall(SYS_munmap, p, size);
	return fflush(stdout) ? error("stdout") : 0;
}
