/*
 * Ready is the mode: the object is made with mode 0 and gets 0600 when all squares stand. Who looks
 * asks fstat(2), for root opens anything.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static char name[300];
static void die(const char *what, int e)
{
	fprintf(stderr, "squares: %s: %s\n", what, strerror(e));
	exit(1);
}
static void undo(const char *what, int e)
{
	shm_unlink(name);
	die(what, e);
}
static void usage(void)
{
	fprintf(stderr, "usage: squares produce NAME COUNT\n       squares consume NAME\n");
	exit(2);
}
static void setname(const char *s)
{
	if (*s == 47)
		s++;
	if (!*s || strchr(s, 47))
		die("NAME", EINVAL);
	if (strlen(s) > 254)
		die("NAME", ENAMETOOLONG);
	snprintf(name, sizeof name, "/%s", s);
}
static uint64_t getcount(const char *s)
{
	uint64_t n = 0;
	int big = 0;
	if (!*s)
		usage();
	for (; *s; s++) {
		if (*s < 48 || *s > 57)
			usage();
		if (n > (UINT64_C(1) << 44))
			big = 1;
		else
			n = n * 10 + (*s - 48);
	}
	if (big)
		die("COUNT", ERANGE);
	return n;
}
static void produce(uint64_t n);
static void consume(void);
int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "produce")) {
		uint64_t n = getcount(argv[3]);
		setname(argv[2]);
		produce(n);
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "consume")) {
		setname(argv[2]);
		consume();
		return 0;
	}
	usage();
}
struct box {
	uint64_t n;
	uint64_t sq[];
};
static void produce(uint64_t n)
{
	size_t l = 8 + n * 8;
	int f = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0), e;
	if (f < 0)
		die(name, errno);
	if ((e = posix_fallocate(f, 0, l)))
		undo(name, e);
	struct box *b = mmap(NULL, l, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
	if (b == MAP_FAILED)
		undo("mmap", errno);
	b->n = n;
	for (uint64_t i = 0; i < n; i++)
		b->sq[i] = i * i;
	munmap(b, l);
	if (fchmod(f, 0600))
		undo("fchmod", errno);
	close(f);
}
static void consume(void)
{
	sigset_t none;
	sigemptyset(&none);
	struct timespec nap = { 0, 100 * 1000 * 1000 };
	for (int i = 0; i < 52; i++, sigtimedwait(&none, NULL, &nap)) {
		int f = shm_open(name, O_RDONLY, 0);
		struct stat s;
		if (f < 0 && (errno == ENOENT || errno == EACCES))
			continue;
		if (f < 0)
			die(name, errno);
		if (fstat(f, &s))
			die("fstat", errno);
		if ((s.st_mode & 0777) != 0600 || s.st_size < 8) {
			close(f);
			continue;
		}
		struct box *b = mmap(NULL, s.st_size, PROT_READ, MAP_SHARED, f, 0);
		if (b == MAP_FAILED)
			die("mmap", errno);
		close(f);
		for (uint64_t k = 0; k < b->n; k++)
			printf("%lu\n", b->sq[k]);
		if (fflush(stdout))
			die("stdout", errno);
		munmap(b, s.st_size);
		if (shm_unlink(name))
			die(name, errno);
		return;
	}
	die(name, ETIMEDOUT);
}
