// expect: FAIL first-in-first-out
/* produce and consume map a page, whatever the size: items lie beyond it. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bounded_buffer.h"

enum { MOST_ITEMS = 1000000 };

struct shared {
	struct bounded_buffer *at;
	uint32_t capacity; /* our own copy, checked: nobody can change it under our hands */
};

static _Noreturn void usage(void)
{
	fputs("usage: buffer create NAME CAPACITY | produce NAME FROM TO | consume NAME COUNT | "
	      "destroy NAME\n",
	      stderr);
	exit(2);
}

static _Noreturn void die(const char *what, const char *reason)
{
	fprintf(stderr, "buffer: %s: %s\n", what, reason);
	exit(1);
}

static long long number(const char *text, bool may_be_negative)
{
	const char *digits = text + (may_be_negative && text[0] == '-');
	long long value;

	if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
		usage();
	errno = 0;
	value = strtoll(text, NULL, 10);
	if (errno != 0)
		die(text, strerror(errno));
	return value;
}

/* Returns 0 or an error number. The attributes have to say it: by default a mutex is for one
 * process's threads. */
static int prepare_mutex(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t attributes;
	int error = pthread_mutexattr_init(&attributes);

	if (error != 0)
		return error;
	error = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	if (error == 0)
		error = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	if (error == 0)
		error = pthread_mutex_init(mutex, &attributes);
	pthread_mutexattr_destroy(&attributes);
	return error;
}

/* Everything, and the magic number last: who sees it may use the rest. Returns 0 or an error
 * number. */
static int prepare(struct bounded_buffer *buffer, uint32_t capacity)
{
	int error = prepare_mutex(&buffer->mutex);

	if (error != 0)
		return error;
	if (sem_init(&buffer->empty, 1, capacity) == -1 || sem_init(&buffer->full, 1, 0) == -1)
		return errno;
	buffer->capacity = capacity;
	buffer->head = 0;
	buffer->tail = 0;
	atomic_store_explicit(&buffer->magic, BUFFER_MAGIC, memory_order_release);
	return 0;
}

static uint32_t checked_capacity(const char *text)
{
	long long capacity = number(text, false);

	if (capacity < 1 || capacity > MOST_ITEMS)
		die(text, "the capacity must be between 1 and 1000000");
	return (uint32_t)capacity;
}

static size_t size_for(uint32_t capacity)
{
	return sizeof(struct bounded_buffer) + capacity * sizeof(int64_t);
}

/* Why this is no buffer, or NULL. size is what the kernel says, not what the object says of itself.
 */
static const char *fault_of(const struct bounded_buffer *buffer, size_t size, uint32_t *capacity)
{
	if (atomic_load_explicit(&buffer->magic, memory_order_acquire) != BUFFER_MAGIC)
		return "not a buffer, or not ready yet";
	*capacity = buffer->capacity;
	if (*capacity < 1 || *capacity > MOST_ITEMS || size < size_for(*capacity))
		return "its capacity does not fit its size";
	return NULL;
}

/* Any number of slashes in front would do for glibc's shm_open; here it is one or none, and no
 * other. */
static const char *checked_name(const char *name)
{
	const char *bare = name + (name[0] == '/');

	if (bare[0] == '\0' || strchr(bare, '/') != NULL)
		die(name, "not a name of shared memory");
	return name;
}

static void create(const char *name, uint32_t capacity)
{
	size_t size = size_for(capacity);
	struct bounded_buffer *buffer;
	int fd, error;

	fd = shm_open(checked_name(name), O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd == -1)
		die(name, strerror(errno));
	if (fchmod(fd, 0600) == -1) { /* whatever the umask took away */
		error = errno;
		goto bad;
	}
	/* Not ftruncate: memory that is missing shows now, not as a SIGBUS in some producer. */
	error = posix_fallocate(fd, 0, (off_t)size);
	if (error != 0)
		goto bad;
	buffer = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (buffer == MAP_FAILED) {
		error = errno;
		goto bad;
	}
	error = prepare(buffer, capacity);
	if (error == 0)
		return;
bad:
	shm_unlink(name);
	die(name, strerror(error));
}

static struct shared open_buffer(const char *name)
{
	int fd = shm_open(checked_name(name), O_RDWR, 0);
	struct shared buffer;
	const char *fault;
	struct stat st;

	if (fd == -1)
		die(name, strerror(errno));
	if (fstat(fd, &st) == -1)
		die(name, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(*buffer.at))
		die(name, "too short for a buffer");
	buffer.at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (buffer.at == MAP_FAILED)
		die(name, strerror(errno));
	close(fd);
	fault = fault_of(buffer.at, (size_t)st.st_size, &buffer.capacity);
	if (fault != NULL)
		die(name, fault);
	return buffer;
}

static void destroy(const char *name)
{
	open_buffer(name);
	if (shm_unlink(name) == -1)
		die(name, strerror(errno));
}

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) == -1)
		if (errno != EINTR)
			die("sem_wait", strerror(errno));
}

static void post(sem_t *semaphore)
{
	if (sem_post(semaphore) == -1)
		die("sem_post", strerror(errno));
}

/*
 * Whoever is killed inside has moved its index or not, by one store, and the item was in its place
 * before. So there is nothing to mend but the mutex itself.
 */
static void lock(pthread_mutex_t *mutex)
{
	int error = pthread_mutex_lock(mutex);

	if (error == EOWNERDEAD)
		error = pthread_mutex_consistent(mutex);
	if (error != 0)
		die("pthread_mutex_lock", strerror(error));
}

static void unlock(pthread_mutex_t *mutex)
{
	int error = pthread_mutex_unlock(mutex);

	if (error != 0)
		die("pthread_mutex_unlock", strerror(error));
}

/* The semaphore first, the mutex second: who waits for room must not keep others from making it. */
static void put(struct shared buffer, int64_t item)
{
	struct bounded_buffer *b = buffer.at;

	wait_for(&b->empty);
	lock(&b->mutex);
	b->item[b->tail] = item;
	atomic_signal_fence(memory_order_release); /* the compiler keeps this order, too */
	b->tail = (b->tail + 1) % buffer.capacity;
	unlock(&b->mutex);
	post(&b->full);
}

static int64_t take(struct shared buffer)
{
	struct bounded_buffer *b = buffer.at;
	int64_t item;

	wait_for(&b->full);
	lock(&b->mutex);
	item = b->item[b->head];
	b->head = (b->head + 1) % buffer.capacity;
	unlock(&b->mutex);
	post(&b->empty);
	return item;
}

/* Not `item <= to` in the loop: with INT64_MAX that is always true. */
static void produce(struct shared buffer, int64_t from, int64_t to)
{
	if (from > to)
		return;
	for (int64_t item = from;; item++) {
		put(buffer, item);
		if (item == to)
			return;
	}
}

static void consume(struct shared buffer, long long count)
{
	while (count-- > 0)
		/* flushed now: the next take may wait for ever */
		if (printf("%lld\n", (long long)take(buffer)) < 0 || fflush(stdout) == EOF)
			die("standard output", strerror(errno));
}

int main(int argc, char *argv[])
{
	const char *command = argc > 1 ? argv[1] : "";
	long long from, to, count;

	if (argc == 4 && strcmp(command, "create") == 0) {
		create(argv[2], checked_capacity(argv[3]));
	} else if (argc == 5 && strcmp(command, "produce") == 0) {
		from = number(argv[3], true);
		to = number(argv[4], true);
		produce(open_buffer(argv[2]), from, to);
	} else if (argc == 4 && strcmp(command, "consume") == 0) {
		count = number(argv[3], false);
		consume(open_buffer(argv[2]), count);
	} else if (argc == 3 && strcmp(command, "destroy") == 0) {
		destroy(argv[2]);
	} else {
		usage();
	}
	return 0;
}
