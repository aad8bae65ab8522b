/* A named semaphore beside the object says ready; the consumer waits for it with one time limit. */
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
static char sname[300];
static void produce(uint64_t n)
{
	size_t l = 8 + n * 8;
	int e;
	if (strlen(name) > 240)
		die("NAME", ENAMETOOLONG);
	snprintf(sname, sizeof sname, "%.245s.rdy", name);
	int f = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (f < 0)
		die(name, errno);
	if ((e = posix_fallocate(f, 0, l)))
		undo(name, e);
	struct box *b = mmap(NULL, l, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
	if (b == MAP_FAILED)
		undo("mmap", errno);
	close(f);
	b->n = n;
	for (uint64_t i = 0; i < n; i++)
		b->sq[i] = i * i;
	munmap(b, l);
	sem_t *s = sem_open(sname, O_CREAT, 0600, 0);
	if (s == SEM_FAILED)
		undo("sem_open", errno);
	sem_post(s);
	sem_close(s);
}
static void consume(void)
{
	struct timespec t;
	if (strlen(name) > 240)
		die("NAME", ENAMETOOLONG);
	snprintf(sname, sizeof sname, "%.245s.rdy", name);
	sem_t *s = sem_open(sname, O_CREAT, 0600, 0);
	if (s == SEM_FAILED)
		die("sem_open", errno);
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += 5;
	while (sem_timedwait(s, &t))
		if (errno != EINTR) {
			int e = errno;
			sem_unlink(sname);
			die(name, e);
		}
	sem_close(s);
	sem_unlink(sname);
	int f = shm_open(name, O_RDONLY, 0);
	struct stat st;
	if (f < 0 || fstat(f, &st))
		die(name, errno);
	struct box *b = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, f, 0);
	if (b == MAP_FAILED)
		die("mmap", errno);
	close(f);
	for (uint64_t k = 0; k < b->n; k++)
		printf("%lu\n", b->sq[k]);
	if (fflush(stdout))
		die("stdout", errno);
	munmap(b, st.st_size);
	if (shm_unlink(name))
		die(name, errno);
}
