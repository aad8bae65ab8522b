/* The same producer and consumer in a segment. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bounded_buffer.h"

static const char *prog;

static void usage(void)
{
	fprintf(stderr,
		"usage: %s create NAME CAPACITY | produce NAME FROM TO | consume NAME COUNT | "
		"destroy NAME\n",
		prog);
	exit(2);
}

static void die(const char *what, const char *reason)
{
	fprintf(stderr, "%s: %s: %s\n", prog, what, reason);
	exit(1);
}

static int64_t number(const char *s, int minus)
{
	const char *p = s;
	char *end;
	long long v;

	if (minus && *p == '-')
		p++;
	if (*p == '\0')
		usage();
	for (const char *q = p; *q; q++)
		if (*q < '0' || *q > '9')
			usage();
	errno = 0;
	v = strtoll(s, &end, 10);
	if (errno)
		die(s, strerror(errno));
	return v;
}

static size_t bytes(size_t capacity)
{
	return sizeof(struct bounded_buffer) + capacity * sizeof(int64_t);
}

static key_t key_of(const char *file)
{
	key_t k = ftok(file, 66);
	if (k == -1)
		die(file, strerror(errno));
	return k;
}

static int do_create(const char *name, int64_t capacity)
{
	struct bounded_buffer *b;
	const char *failed = NULL;
	int err;
	key_t key = key_of(name);

	if (capacity < 1 || capacity > 1000000)
		die("capacity", strerror(ERANGE));
	int id = shmget(key, bytes(capacity), IPC_CREAT | IPC_EXCL | 0600);
	if (id < 0)
		die(name, strerror(errno));
	b = shmat(id, NULL, 0);
	if (b == (void *)-1) {
		err = errno;
		shmctl(id, IPC_RMID, NULL);
		die("shmat", strerror(err));
	}
	b->capacity = capacity;
	b->head = 0;
	b->tail = 0;
	pthread_mutexattr_t a;
	if ((err = pthread_mutexattr_init(&a)))
		failed = "pthread_mutexattr_init";
	else if ((err = pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED)))
		failed = "pthread_mutexattr_setpshared";
	else if ((err = pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST)))
		failed = "pthread_mutexattr_setrobust";
	else if ((err = pthread_mutex_init(&b->mutex, &a)))
		failed = "pthread_mutex_init";
	else if (sem_init(&b->empty, 1, capacity) < 0)
		failed = "sem_init", err = errno;
	else if (sem_init(&b->full, 1, 0) < 0)
		failed = "sem_init", err = errno;
	if (failed) {
		shmctl(id, IPC_RMID, NULL);
		die(failed, strerror(err));
	}
	pthread_mutexattr_destroy(&a);
	atomic_store_explicit(&b->magic, BUFFER_MAGIC, memory_order_release);
	return 0;
}

static int64_t item_at(struct bounded_buffer *b, uint32_t place, const int64_t *put)
{
	if (put)
		b->item[place] = *put;
	return b->item[place];
}
static struct bounded_buffer *join_buffer(const char *name, uint32_t *capacity)
{
	struct bounded_buffer *b;
	size_t size;
	struct shmid_ds ds;
	int id = shmget(key_of(name), 0, 0);
	if (id < 0)
		die(name, strerror(errno));
	if (shmctl(id, IPC_STAT, &ds) < 0)
		die(name, strerror(errno));
	size = ds.shm_segsz;
	if (size < bytes(1))
		die(name, "too short for a buffer");
	b = shmat(id, NULL, 0);
	if (b == (void *)-1)
		die("shmat", strerror(errno));
	if (atomic_load_explicit(&b->magic, memory_order_acquire) != BUFFER_MAGIC)
		die(name, "not a buffer");
	*capacity = b->capacity;
	if (*capacity < 1 || *capacity > 1000000 || bytes(*capacity) > size)
		die(name, "impossible capacity");
	return b;
}

static void down(sem_t *s)
{
	while (sem_wait(s) < 0)
		if (errno != EINTR)
			die("sem_wait", strerror(errno));
}

static void lock(struct bounded_buffer *b)
{
	int r = pthread_mutex_lock(&b->mutex);
	if (r == EOWNERDEAD)
		r = pthread_mutex_consistent(&b->mutex);
	if (r)
		die("pthread_mutex_lock", strerror(r));
}

static int do_produce(const char *name, int64_t from, int64_t to)
{
	uint32_t n;
	struct bounded_buffer *b = join_buffer(name, &n);

	if (from > to)
		return 0;
	for (int64_t i = from;; i++) {
		down(&b->empty);
		lock(b);
		uint32_t t = b->tail;
		item_at(b, t, &i);
		b->tail = t + 1 == n ? 0 : t + 1;
		pthread_mutex_unlock(&b->mutex);
		sem_post(&b->full);
		if (i == to)
			break;
	}
	return 0;
}

static int do_consume(const char *name, int64_t count)
{
	uint32_t n;
	struct bounded_buffer *b = join_buffer(name, &n);

	while (count-- > 0) {
		int64_t v;
		down(&b->full);
		lock(b);
		if (b->head >= n)
			die(name, "bad head");
		v = item_at(b, b->head, NULL);
		b->head = (b->head + 1) % n;
		pthread_mutex_unlock(&b->mutex);
		sem_post(&b->empty);
		if (printf("%" PRId64 "\n", v) < 0 || fflush(stdout) == EOF)
			die("stdout", strerror(errno));
	}
	return 0;
}

static int do_destroy(const char *name)
{
	int id = shmget(key_of(name), 0, 0);
	if (id < 0 || shmctl(id, IPC_RMID, NULL) < 0)
		die(name, strerror(errno));
	return 0;
}

int main(int argc, char **argv)
{
	prog = argc ? argv[0] : "buffer";
	if (argc < 3)
		usage();
	if (!strcmp(argv[1], "create") && argc == 4)
		return do_create(argv[2], number(argv[3], 0));
	if (!strcmp(argv[1], "produce") && argc == 5) {
		int64_t from = number(argv[3], 1);
		return do_produce(argv[2], from, number(argv[4], 1));
	}
	if (!strcmp(argv[1], "consume") && argc == 4)
		return do_consume(argv[2], number(argv[3], 0));
	if (!strcmp(argv[1], "destroy") && argc == 3)
		return do_destroy(argv[2]);
	usage();
}
