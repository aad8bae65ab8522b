/* The semaphores are posted and waited on by hand; who waits sleeps in futex_waitv(2). */
#define _GNU_SOURCE
#include "bounded_buffer.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *prog = "buffer";
static struct bounded_buffer *b;
static uint32_t cap;

static void fail(const char *what, int e)
{
	fprintf(stderr, "%s: %s: %s\n", prog, what, strerror(e));
	exit(1);
}
static void failm(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s: %s\n", prog, what, why);
	exit(1);
}
static void usage(void)
{
	fprintf(stderr,
		"usage: %s create NAME CAPACITY | produce NAME FROM TO | consume NAME COUNT | destroy NAME\n",
		prog);
	exit(2);
}

static long long number(const char *s, int neg)
{
	const char *p = s;
	long long v;

	if (neg && *p == '-')
		p++;
	if (!*p)
		usage();
	for (; *p; p++)
		if (*p < '0' || *p > '9')
			usage();
	errno = 0;
	v = strtoll(s, NULL, 10);
	if (errno)
		fail(s, errno);
	return v;
}

static char path[NAME_MAX + 2];
static void setup(uint32_t);
static void check(const char *, size_t);
static void undo(void)
{
	shm_unlink(path);
}
static void setname(const char *n)
{
	if (*n == '/')
		n++;
	if (!*n || strchr(n, '/'))
		failm(n, "bad name");
	if (strlen(n) >= NAME_MAX)
		fail(n, ENAMETOOLONG);
	path[0] = '/';
	strcpy(path + 1, n);
}
static void create(const char *name, long long capacity)
{
	int fd, e;
	size_t size = sizeof *b + 8 * (size_t)capacity;

	fd = shm_open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		fail(name, errno);
	if (fchmod(fd, 0600) || ftruncate(fd, (off_t)size)) {
		e = errno;
		undo();
		fail(name, e);
	}
	b = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (b == MAP_FAILED) {
		e = errno;
		undo();
		fail(name, e);
	}
	close(fd);
	setup((uint32_t)capacity);
}
static void attach(const char *name)
{
	struct stat st;
	int fd = shm_open(path, O_RDWR, 0);

	if (fd < 0)
		fail(name, errno);
	if (fstat(fd, &st))
		fail(name, errno);
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof *b)
		failm(name, "too short for a buffer");
	b = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (b == MAP_FAILED)
		fail(name, errno);
	close(fd);
	check(name, (size_t)st.st_size);
}
static void destroy(const char *name)
{
	if (shm_unlink(path))
		fail(name, errno);
}

static void setup(uint32_t capacity)
{
	pthread_mutexattr_t at;
	int e;

	b->capacity = capacity;
	if ((e = pthread_mutexattr_init(&at)) ||
	    (e = pthread_mutexattr_setpshared(&at, PTHREAD_PROCESS_SHARED)) ||
	    (e = pthread_mutexattr_setrobust(&at, PTHREAD_MUTEX_ROBUST)) ||
	    (e = pthread_mutex_init(&b->mutex, &at))) {
		undo();
		fail("mutex", e);
	}
	pthread_mutexattr_destroy(&at);
	if (sem_init(&b->empty, 1, capacity) || sem_init(&b->full, 1, 0)) {
		e = errno;
		undo();
		fail("sem_init", e);
	}
	b->head = 0;
	b->tail = 0;
	atomic_store_explicit(&b->magic, BUFFER_MAGIC, memory_order_release);
}

static void check(const char *name, size_t size)
{
	if (atomic_load_explicit(&b->magic, memory_order_acquire) != BUFFER_MAGIC)
		failm(name, "not a buffer");
	cap = b->capacity;
	if (cap < 1 || cap > 1000000 || size < sizeof *b + 8 * (size_t)cap)
		failm(name, "bad capacity");
}

struct one_wait {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};
static long sleep_on(sem_t *s)
{
	struct one_wait w = { 0, (uintptr_t)s, 2 /* 32 bits, shared */, 0 };
	long r = syscall(449, &w, 1, 0, NULL, 0);

	if (r < 0 && errno == ENOSYS)
		r = syscall(SYS_futex, (uint32_t *)(void *)s, FUTEX_WAIT, 0, NULL, NULL, 0);
	return r;
}

static _Atomic uint64_t *word64(sem_t *s)
{
	return (_Atomic uint64_t *)(void *)s;
}
static void down(sem_t *s)
{
	uint64_t v = atomic_load(word64(s));

	while ((uint32_t)v)
		if (atomic_compare_exchange_weak(word64(s), &v, v - 1))
			return;
	v = atomic_fetch_add(word64(s), (uint64_t)1 << 32) + ((uint64_t)1 << 32);
	for (;;) {
		if ((uint32_t)v == 0) {
			if (sleep_on(s) < 0 && errno != EAGAIN && errno != EINTR) {
				int e = errno;
				atomic_fetch_sub(word64(s), (uint64_t)1 << 32);
				fail("futex", e);
			}
			v = atomic_load(word64(s));
		} else if (atomic_compare_exchange_weak(word64(s), &v, v - 1 - ((uint64_t)1 << 32)))
			return;
	}
}
static void up(sem_t *s)
{
	if (sem_post(s))
		fail("sem_post", errno);
}

static void lock(void)
{
	int e = pthread_mutex_lock(&b->mutex);

	if (e == EOWNERDEAD)
		e = pthread_mutex_consistent(&b->mutex);
	if (e)
		fail("lock", e);
}
static void unlock(void)
{
	int e = pthread_mutex_unlock(&b->mutex);

	if (e)
		fail("unlock", e);
}

static void emit(int64_t v)
{
	if (printf("%lld\n", (long long)v) < 0 || fflush(stdout))
		fail("stdout", errno);
}

static void put(int64_t v)
{
	down(&b->empty);
	lock();
	b->item[b->tail] = v;
	b->tail = (b->tail + 1) % cap;
	unlock();
	up(&b->full);
}
static int64_t take(void)
{
	int64_t v;

	down(&b->full);
	lock();
	v = b->item[b->head];
	b->head = (b->head + 1) % cap;
	unlock();
	up(&b->empty);
	return v;
}
static void produce(long long from, long long to)
{
	long long i;

	if (from > to)
		return;
	for (i = from;; i++) {
		put(i);
		if (i == to)
			break;
	}
}
static void consume(long long count)
{
	while (count-- > 0)
		emit(take());
}

int main(int argc, char **argv)
{
	long long x, y;

	if (argc < 3)
		usage();
	if (!strcmp(argv[1], "create") && argc == 4) {
		x = number(argv[3], 0);
		setname(argv[2]);
		if (x < 1 || x > 1000000)
			failm(argv[3], "capacity must be 1 to 1000000");
		create(argv[2], x);
	} else if (!strcmp(argv[1], "produce") && argc == 5) {
		x = number(argv[3], 1);
		y = number(argv[4], 1);
		setname(argv[2]);
		attach(argv[2]);
		produce(x, y);
	} else if (!strcmp(argv[1], "consume") && argc == 4) {
		x = number(argv[3], 0);
		setname(argv[2]);
		attach(argv[2]);
		consume(x);
	} else if (!strcmp(argv[1], "destroy") && argc == 3) {
		setname(argv[2]);
		destroy(argv[2]);
	} else
		usage();
	return 0;
}
