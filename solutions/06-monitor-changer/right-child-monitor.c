/*
 * A child monitors while the parent waits for it; sleeps until a point in time instead of for a
 * while. The changer loads through one view and swaps through another one, under a record lock that
 * keeps other changers of its kind away, and replaces nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct login {
	int pid, counter;
};
typedef _Atomic(struct login) atomic_login;
typedef _Atomic int64_t atomic_word;

static _Noreturn void die(char *what)
{
	fprintf(stderr, "login: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void nap(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += 100000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static _Noreturn void watch(bool ends, unsigned long lines)
{
	struct stat st;
	int64_t shown = 0, found;
	int fd = open("shared", O_RDWR | O_CREAT, 0644);

	if (fd == -1 || fstat(fd, &st) == -1)
		die("shared");
	if (st.st_size < 8 && truncate("shared", 8) == -1)
		die("truncate");
	atomic_word *look = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (look == MAP_FAILED)
		die("mmap");
	close(fd);

	for (unsigned long line = 0; !ends || line < lines; nap()) {
		found = atomic_load_explicit(look, memory_order_relaxed);
		if (line > 0 && found == shown)
			continue;
		struct login pair;
		memcpy(&pair, &found, 8);
		shown = found;
		if (dprintf(1, "pid %d count %d\n", pair.pid, pair.counter) < 0)
			die("stdout");
		if (++line == lines && ends)
			break;
	}
	_exit(0);
}

static int monitor(bool ends, unsigned long lines)
{
	int status;
	pid_t child = fork();

	if (child == -1)
		die("fork");
	if (child == 0)
		watch(ends, lines);
	while (waitpid(child, &status, 0) == -1)
		if (errno != EINTR)
			die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int change(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat st;
	int fd = open("shared", O_RDWR);

	if (fd == -1 || fstat(fd, &st) == -1)
		die("shared");
	if (st.st_size < 8) {
		errno = ERANGE;
		die("shared");
	}
	atomic_login *from = mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);
	atomic_login *to = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (from == MAP_FAILED || to == MAP_FAILED)
		die("mmap");
	if (fcntl(fd, F_SETLKW, &lock) == -1)
		die("lock");
	for (;;) {
		struct login old = atomic_load(from), new = { getpid(), old.counter + 1 };

		if (atomic_compare_exchange_weak(to, &old, new))
			break;
	}
	return 0; /* the lock goes with the process */
}

int main(int argc, char **argv)
{
	unsigned long lines = 0;

	if (argc == 2 && strcmp(argv[1], "changer") == 0)
		return change();
	if (argc == 2 && strcmp(argv[1], "monitor") == 0)
		return monitor(false, 0);
	if (argc == 3 && strcmp(argv[1], "monitor") == 0 && strspn(argv[2], "0123456789") &&
	    !argv[2][strspn(argv[2], "0123456789")])
		lines = strtoul(argv[2], NULL, 10);
	if (lines > 0)
		return monitor(true, lines);
	fputs("usage: login monitor [CHANGES]\n       login changer\n", stderr);
	return 2;
}
