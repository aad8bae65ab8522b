// Sleeps in a hundred naps of a millisecond; the pair is an atomic struct.
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A whole struct may be atomic in C11; 8 bytes with an alignment of 8 need no lock. */
struct pair {
	_Alignas(8) int pid;
	int counter;
};
typedef _Atomic struct pair shared_pair;
_Static_assert(sizeof(shared_pair) == 8, "eight bytes");

static const char *prog;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", prog, what, strerror(errno));
	exit(EXIT_FAILURE);
}
static _Noreturn void usage(void)
{
	fprintf(stderr, "usage: %s monitor [CHANGES]\n       %s changer\n", prog, prog);
	exit(2);
}

static void wait_a_little(void)
{
	/* a hundred naps without a look between them */
	for (int i = 0; i < 100; i++) {
		struct timespec ms = { 0, 1000000 };
		while (nanosleep(&ms, &ms) == -1 && errno == EINTR)
			;
	}
}

static int open_monitor(void)
{
	int fd = open("shared", O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0644);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		die("shared");
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		die("shared");
	}
	if (st.st_size < 8 && ftruncate(fd, 8) < 0)
		die("ftruncate");
	return fd;
}

static int monitor(long changes)
{
	int fd = open_monitor();
	const shared_pair *p = mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die("mmap");
	close(fd);
	struct pair shown = { 0, 0 };
	for (long lines = 0;;) {
		struct pair now = atomic_load_explicit(p, memory_order_acquire);
		if (lines == 0 || memcmp(&now, &shown, sizeof now) != 0) {
			if (dprintf(STDOUT_FILENO, "pid %d count %d\n", now.pid, now.counter) < 0)
				die("stdout");
			shown = now;
			lines++;
			if (lines == changes)
				break;
		}
		wait_a_little();
	}
	munmap((void *)p, 8);
	return 0;
}

static int changer(void)
{
	int fd = open("shared", O_RDWR | O_NONBLOCK);
	if (fd < 0)
		die("shared");
	struct stat st;
	if (fstat(fd, &st) < 0)
		die("fstat");
	if (!S_ISREG(st.st_mode) || st.st_size < 8) {
		errno = EINVAL;
		die("shared");
	}
	shared_pair *p = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die("mmap");
	close(fd);
	struct pair old = atomic_load(p), new;
	do {
		new.pid = getpid();
		new.counter = old.counter + 1;
	} while (!atomic_compare_exchange_weak_explicit(p, &old, new, memory_order_acq_rel,
							memory_order_relaxed));
	munmap(p, 8);
	return 0;
}

int main(int argc, char *argv[])
{
	prog = argv[0];
	if (argc == 2 && strcmp(argv[1], "changer") == 0)
		return changer();
	if ((argc != 2 && argc != 3) || strcmp(argv[1], "monitor") != 0)
		usage();
	long changes = 0;
	if (argc == 3) {
		if (argv[2][0] == 0 || argv[2][strspn(argv[2], "0123456789")] != 0)
			usage();
		errno = 0;
		changes = strtol(argv[2], NULL, 10);
		if (errno)
			die(argv[2]);
		if (changes == 0)
			usage();
	}
	return monitor(changes);
}
