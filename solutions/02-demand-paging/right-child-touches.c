/*
 * A child does everything with raw system calls while its parent only waits. The touch is a store
 * that the kernel makes: read(2) of a zero from /dev/zero into the page.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(call) check((long)(call), #call)

static long check(long result, const char *what)
{
	if (result == -1) {
		dprintf(2, "demand: %s: %s\n", what, strerror(errno));
		_exit(1);
	}
	return result;
}

static long kb_of(unsigned long from, unsigned long to)
{
	static char text[1 << 20];
	int fd = (int)CHECK(syscall(SYS_openat, AT_FDCWD, "/proc/self/smaps", O_RDONLY));
	size_t used = 0;
	long got, sum = 0;

	while ((got = CHECK(read(fd, text + used, sizeof text - 1 - used))) > 0)
		used += (size_t)got;
	text[used] = 0;
	CHECK(syscall(SYS_close, fd));

	unsigned long start = 0;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char *end;
		unsigned long number = strtoul(line, &end, 16);

		if (*end == '-')
			start = number;
		else if (start >= from && start < to && !strncmp(line, "Rss:", 4))
			sum += atol(line + 4);
	}
	return sum;
}

static void work(char **argv)
{
	int zero = (int)CHECK(open("/dev/zero", O_RDONLY));
	int fd = (int)CHECK(open(argv[1], O_RDONLY | O_NONBLOCK));
	struct rusage now[2];
	struct stat st;
	unsigned long page, pages, size = (unsigned long)getpagesize();

	CHECK(fstat(fd, &st));
	if (S_ISDIR(st.st_mode) || !S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		check(-1, argv[1]);
	}
	pages = ((unsigned long)st.st_size + size - 1) / size;
	for (char **a = argv + 2; *a; a++)
		if (errno = 0, strtoul(*a, NULL, 10) >= pages || errno) {
			errno = EINVAL;
			check(-1, *a);
		}

	/* One page more than the file has: never touched, so it does no harm. */
	size_t length = (pages + 1) * size;
	long map = CHECK(
		syscall(SYS_mmap, NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	for (char **a = argv + 2; *a; a++) {
		page = strtoul(*a, NULL, 10);
		CHECK(syscall(SYS_getrusage, RUSAGE_SELF, &now[0]));
		CHECK(syscall(SYS_read, zero, (unsigned long)map + page * size + 17, 1));
		CHECK(syscall(SYS_getrusage, RUSAGE_SELF, &now[1]));
		CHECK(dprintf(1, "page %lu resident_kb %ld faults %ld\n", page,
			      kb_of((unsigned long)map, (unsigned long)map + length),
			      now[1].ru_minflt + now[1].ru_majflt - now[0].ru_minflt -
				      now[0].ru_majflt));
	}

	unsigned long in = 0;
	for (unsigned long i = 0; i < pages; i++) {
		unsigned char one;

		CHECK(syscall(SYS_mincore, (unsigned long)map + i * size, size, &one));
		in += one & 1;
	}
	CHECK(dprintf(1, "cached %lu of %lu\n", in, pages));
	_exit(0);
}

int main(int argc, char **argv)
{
	int status;

	for (int i = 2; i < argc; i++)
		if (!*argv[i] || argv[i][strspn(argv[i], "0123456789")])
			argc = 0;
	if (argc < 3)
		return dprintf(2, "usage: %s FILE PAGE...\n", argv[0]), 2;

	pid_t child = (pid_t)CHECK(fork());
	if (child == 0)
		work(argv);
	CHECK(waitpid(child, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
