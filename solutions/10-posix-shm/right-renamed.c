/* The object gets its name, by rename, when it is done; the consumer is told by inotify(7). */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The object gets its name only when complete: the name itself says "ready". Its first word is the
 * count. */
static int dir;
static char tmp[64];

static void usage(void)
{
	fputs("usage: squares produce NAME COUNT\n", stderr);
	fputs("       squares consume NAME\n", stderr);
	exit(2);
}

static const char *checked(const char *s)
{
	if (*s == '/')
		++s;
	if (!*s || strchr(s, '/'))
		error(1, EINVAL, "name `%s'", s);
	if (strlen(s) > 255)
		error(1, ENAMETOOLONG, "name");
	return s;
}

static void drop(void)
{
	if (tmp[0])
		unlinkat(dir, tmp, 0);
}

static void produce(const char *name, unsigned long long n)
{
	char t[64];
	struct stat st;

	if (n > (1ULL << 58))
		error(1, EFBIG, "count");
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		error(1, EEXIST, "%s", name);
	snprintf(t, sizeof t, ".squares.%ld", (long)getpid());
	int fd = openat(dir, t, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		error(1, errno, "%s", t);
	strcpy(tmp, t);
	atexit(drop);
	int e = posix_fallocate(fd, 0, (n + 1) * 8);
	if (e)
		error(1, e, "reserving");
	uint64_t *p = mmap(NULL, (n + 1) * 8, PROT_WRITE | PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		error(1, errno, "mapping");
	*p++ = n;
	for (uint64_t i = n; i-- > 0;)
		p[i] = i * i;
	munmap(p - 1, (n + 1) * 8);
	close(fd);
	if (renameat2(dir, tmp, dir, name, RENAME_NOREPLACE) < 0)
		error(1, errno, "%s", name);
	tmp[0] = 0;
}

static void consume(const char *name)
{
	int in = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), fd, left = 5000;
	char buf[4096];
	struct stat st;

	if (in < 0 || inotify_add_watch(in, "/dev/shm", IN_MOVED_TO | IN_CREATE | IN_MODIFY) < 0)
		error(1, errno, "inotify");
	for (;;) {
		fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0) {
			if (fstat(fd, &st) < 0)
				error(1, errno, "fstat");
			if (st.st_size >= 8)
				break;
			close(fd);
		} else if (errno != ENOENT)
			error(1, errno, "%s", name);
		if (left <= 0)
			error(1, ETIMEDOUT, "%s", name);
		struct pollfd w = { in, POLLIN, 0 };
		int r = poll(&w, 1, 250);
		if (r == 0)
			left -= 250;
		else if (r > 0)
			while (read(in, buf, sizeof buf) > 0)
				;
	}
	uint64_t *p = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		error(1, errno, "mapping");
	if (*p > (uint64_t)st.st_size / 8 - 1)
		error(1, EINVAL, "%s", name);
	for (uint64_t i = 1; i <= *p; i++)
		if (dprintf(1, "%ju\n", (uintmax_t)p[i]) < 0)
			error(1, errno, "write");
	munmap(p, st.st_size);
	close(fd);
	close(in);
	if (unlinkat(dir, name, 0) < 0)
		error(1, errno, "%s", name);
}

int main(int argc, char **argv)
{
	dir = open("/dev/shm", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (argc == 4 && !strcmp(argv[1], "produce")) {
		char *s = argv[3];
		if (!*s || s[strspn(s, "0123456789")])
			usage();
		errno = 0;
		unsigned long long n = strtoull(s, NULL, 10);
		if (errno)
			error(1, errno, "count");
		produce(checked(argv[2]), n);
	} else if (argc == 3 && !strcmp(argv[1], "consume"))
		consume(checked(argv[2]));
	else
		usage();
	return 0;
}
