// Waits with poll for a signal, 100 ms at most: a pause that is a time-out.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME "shared"

struct login {
	int32_t pid, counter;
};
union both {
	struct login l;
	uint64_t u;
};

static int fail(const char *what)
{
	fprintf(stderr, "login: %s: %s\n", what, strerror(errno));
	return 1;
}

static int usage(void)
{
	fputs("usage: login monitor [CHANGES] | login changer\n", stderr);
	return 2;
}

static bool regular(int fd, struct stat *st)
{
	if (fstat(fd, st) < 0)
		return false;
	if (!S_ISREG(st->st_mode)) {
		errno = EINVAL;
		return false;
	}
	return true;
}

static int monitor(unsigned long long changes)
{
	struct stat st;
	union both seen, now;
	int fd = open(NAME, O_RDWR | O_CREAT | O_NONBLOCK, 0644);

	if (fd < 0 || !regular(fd, &st))
		return fail(NAME);
	if (st.st_size < 8 && ftruncate(fd, 8) < 0)
		return fail("ftruncate");
	_Atomic uint64_t *map = mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return fail("mmap");
	close(fd);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int sfd = signalfd(-1, &set, SFD_CLOEXEC);
	seen.u = atomic_load(map);
	for (;;) {
		printf("pid %d count %d\n", seen.l.pid, seen.l.counter);
		if (fflush(stdout) == EOF)
			return fail("stdout");
		if (--changes == 0)
			break;
		do {
			struct pollfd pfd = { .fd = sfd, .events = POLLIN };
			if (poll(&pfd, 1, 100) > 0) {
				puts("bye");
				return 0;
			}
			now.u = atomic_load(map);
		} while (now.u == seen.u);
		seen = now;
	}
	munmap(map, 8);
	return 0;
}

static int changer(void)
{
	struct stat st;
	int fd = open(NAME, O_RDWR | O_NONBLOCK);

	if (fd < 0 || !regular(fd, &st))
		return fail(NAME);
	if (st.st_size < 8) {
		errno = ENODATA;
		return fail(NAME);
	}
	_Atomic uint64_t *map = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return fail("mmap");
	close(fd);
	union both old, new;
	old.u = atomic_load(map);
	do {
		new.l.pid = getpid();
		new.l.counter = old.l.counter + 1;
	} while (!atomic_compare_exchange_weak(map, &old.u, new.u));
	munmap(map, 8);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "changer"))
		return changer();
	if (argc == 2 && !strcmp(argv[1], "monitor"))
		return monitor(0);
	if (argc == 3 && !strcmp(argv[1], "monitor")) {
		unsigned long long n = 0;
		const char *s;
		for (s = argv[2]; *s >= '0' && *s <= '9'; s++)
			n = n > UINT64_MAX / 10 - 10 ? n : n * 10 + (*s - '0');
		if (*s || n == 0)
			return usage();
		return monitor(n);
	}
	return usage();
}
