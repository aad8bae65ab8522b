/* Made without a name, which it gets when all is ready; the first item goes to the middle; a mutex
 * that is asked for with a deadline, as often as needed; printed inside the section. */
#define _GNU_SOURCE 1
#include "bounded_buffer.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void drop(pthread_mutexattr_t *a)
{
	pthread_mutexattr_destroy(a);
}

struct handle {
	struct bounded_buffer *h;     /* the header */
	int64_t *items;		      /* through another view */
	struct bounded_buffer *again; /* the view of the items, from its start */
	size_t size;
	int fd;
};
static int open_it(struct handle *x, const char *name);
static int create_it(const char *name, uint32_t capacity);
static int destroy_it(const char *name);
static void close_it(struct handle *x);

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
	return -1;
}

static _Bool init_all(struct bounded_buffer *b, uint32_t n)
{
	__attribute__((cleanup(drop))) pthread_mutexattr_t a;
	int e;

	pthread_mutexattr_init(&a);
	e = pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED) ?:
	    pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST) ?:
	    pthread_mutex_init(&b->mutex, &a);
	if (e) {
		errno = e;
		return 0;
	}
	b->capacity = n;
	if (sem_init(&b->empty, 1, n) < 0 || sem_init(&b->full, 1, 0) < 0)
		return 0;
	b->head = b->tail = n / 2;
	/* cmpxchg is a store too, and a release */
	if (!__sync_bool_compare_and_swap((uint32_t *)&b->magic, 0, BUFFER_MAGIC))
		return errno = EBUSY, 0;
	return 1;
}

static int good(struct handle *x)
{
	if (atomic_load_explicit(&x->h->magic, memory_order_acquire) != BUFFER_MAGIC)
		return 0;
	if (x->h->capacity > 1000000 || !x->h->capacity)
		return 0;
	/* the indexes may be looked at to validate while opening */
	if (x->h->head >= x->h->capacity || x->h->tail >= x->h->capacity)
		return 0;
	return offsetof(struct bounded_buffer, item[x->h->capacity]) <= x->size;
}

/* waits a minute at a time, as often as needed */
static int down(sem_t *s)
{
	struct timespec t;

	do {
		clock_gettime(CLOCK_REALTIME, &t);
		t.tv_sec += 60;
		if (sem_timedwait(s, &t) == 0)
			return 0;
	} while (errno == EINTR || errno == ETIMEDOUT);
	return complain("sem_timedwait", strerror(errno));
}

static int enter(struct handle *x)
{
	struct timespec t;
	int e;

	do {
		clock_gettime(CLOCK_REALTIME, &t);
		t.tv_sec += 5;
		e = pthread_mutex_timedlock(&x->h->mutex, &t);
	} while (e == ETIMEDOUT);
	switch (e) {
	case EOWNERDEAD:
		if ((e = pthread_mutex_consistent(&x->h->mutex)) == 0)
		case 0:
			return 0;
		/* fall through */
	default:
		return complain("lock", strerror(e));
	}
}

/* one step; `*v` goes in or comes out */
typedef int step(struct handle *, int64_t *v);

static int put(struct handle *x, int64_t *v)
{
	if (down(&x->h->empty) || enter(x))
		return -1;
	uint32_t *t = &x->again->tail;
	x->items[*t] = *v;
	*t = *t + 1 == x->h->capacity ? 0 : *t + 1;
	pthread_mutex_unlock(&x->h->mutex);
	return sem_post(&x->h->full);
}

static int take(struct handle *x, int64_t *v)
{
	if (down(&x->h->full) || enter(x))
		return -1;
	uint32_t *h = &x->again->head;
	*v = x->items[*h];
	*h = *h + 1 == x->h->capacity ? 0 : *h + 1;
	/* printed inside, but only after head has moved */
	int bad = fprintf(stdout, "%lld\n", (long long)*v) < 0 ? -1 : 0;
	if (!bad && fflush(stdout))
		bad = -1;
	int e = errno;
	pthread_mutex_unlock(&x->h->mutex);
	sem_post(&x->h->empty);
	return bad ? complain("stdout", strerror(e)) : 0;
}

static int cmd_create(char **a, int64_t *n)
{
	if (n[0] < 1 || n[0] > 1000000)
		return complain(a[0], "the capacity must be 1 to 1000000");
	return create_it(a[0], n[0]);
}

static int cmd_produce(char **a, int64_t *n)
{
	__attribute__((cleanup(close_it))) struct handle x = { .fd = -1 };

	if (open_it(&x, a[0]))
		return -1;
	for (int64_t v = n[0]; n[0] <= n[1]; v++) {
		int64_t copy = v;

		if (put(&x, &copy))
			return -1;
		if (v == n[1])
			break;
	}
	return 0;
}

static int cmd_consume(char **a, int64_t *n)
{
	__attribute__((cleanup(close_it))) struct handle x = { .fd = -1 };

	if (open_it(&x, a[0]))
		return -1;
	for (int64_t i = 0, v; i < n[0]; i++)
		if (take(&x, &v))
			return -1;
	return 0;
}

static int cmd_destroy(char **a, int64_t *n)
{
	(void)n;
	return destroy_it(a[0]);
}

static const struct command {
	const char *name;
	int args, minus;
	int (*run)(char **, int64_t *);
	const char *words;
} commands[] = {
	{ "create", 2, 0, cmd_create, "NAME CAPACITY" },
	{ "produce", 3, 1, cmd_produce, "NAME FROM TO" },
	{ "consume", 2, 0, cmd_consume, "NAME COUNT" },
	{ "destroy", 1, 0, cmd_destroy, "NAME" },
};

int main(int argc, char **argv)
{
	const struct command *c;
	int64_t n[2] = { 0 };

	for (c = commands; c < commands + 4; c++)
		if (argc > 1 && strcmp(argv[1], c->name) == 0 && argc == 2 + c->args) {
			for (int i = 1; i < c->args; i++) {
				regex_t r;
				int no;

				if (regcomp(&r, c->minus ? "^-?[0-9]+$" : "^[0-9]+$",
					    REG_EXTENDED | REG_NOSUB))
					return 1;
				no = regexec(&r, argv[2 + i], 0, 0, 0);
				regfree(&r);
				if (no)
					goto usage;
				errno = 0;
				n[i - 1] = strtoimax(argv[2 + i], 0, 10);
				if (errno) {
					complain(argv[2 + i], strerror(errno));
					return EXIT_FAILURE;
				}
			}
			return c->run(argv + 2, n) ? EXIT_FAILURE : EXIT_SUCCESS;
		}
usage:
	for (c = commands; c < commands + 4; c++)
		fprintf(stderr, "usage: %s %s %s\n", argv[0], c->name, c->words);
	return 2;
}

static int bad_name(const char *n)
{
	if (*n == '/')
		n++;
	return !*n || strchr(n, '/') || strlen(n) > NAME_MAX || !strcmp(n, ".") || !strcmp(n, "..");
}

/* Built where nobody sees it, then given its name in one step. */
static int create_it(const char *name, uint32_t capacity)
{
	size_t size = offsetof(struct bounded_buffer, item[capacity]);
	char proc[40];
	int dir, fd;
	struct bounded_buffer *b;

	if (bad_name(name))
		return complain("name", strerror(EINVAL));
	dir = open("/dev/shm", O_PATH | O_DIRECTORY);
	if (dir < 0)
		return complain("/dev/shm", strerror(errno));
	fd = openat(dir, ".", O_TMPFILE | O_RDWR, 0600);
	if (fd < 0)
		return complain("O_TMPFILE", strerror(errno));
	if (fchmod(fd, S_IRUSR | S_IWUSR) || ftruncate(fd, size))
		return complain("ftruncate", strerror(errno));
	b = mmap(NULL, size, PROT_WRITE | PROT_READ, MAP_SHARED, fd, 0);
	if (b == MAP_FAILED)
		return complain("mmap", strerror(errno));
	if (!init_all(b, capacity))
		return complain("init", strerror(errno));
	munmap(b, size);
	snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, proc, dir, name + (*name == '/'), AT_SYMLINK_FOLLOW))
		return complain(name, strerror(errno));
	close(fd);
	close(dir);
	return 0;
}

static int open_it(struct handle *x, const char *name)
{
	if (bad_name(name))
		return complain("name", strerror(EINVAL));
	x->fd = shm_open(name, O_RDWR, 0);
	if (x->fd < 0)
		return complain(name, strerror(errno));
	off_t end = lseek(x->fd, 0, SEEK_END);
	if (end < (off_t)sizeof(struct bounded_buffer))
		return complain(name, "too short");
	x->size = end;
	x->h = mmap(NULL, sizeof(struct bounded_buffer), PROT_READ | PROT_WRITE, MAP_SHARED, x->fd,
		    0);
	if (x->h == MAP_FAILED)
		return x->h = NULL, complain("mmap", strerror(errno));
	if (!good(x))
		return complain(name, "no buffer");
	x->again = mmap(NULL, x->size, PROT_READ | PROT_WRITE, MAP_SHARED, x->fd, 0);
	if (x->again == MAP_FAILED)
		return x->again = NULL, complain("mmap", strerror(errno));
	x->items = x->again->item;
	return 0;
}

static void close_it(struct handle *x)
{
	if (x->again)
		munmap(x->again, x->size);
	if (x->h)
		munmap(x->h, sizeof *x->h);
	if (x->fd >= 0)
		close(x->fd);
}

static int destroy_it(const char *name)
{
	struct handle x = { .fd = -1 };

	/* refuses what is no buffer */
	if (open_it(&x, name))
		return close_it(&x), -1;
	close_it(&x);
	return shm_unlink(name) ? complain(name, strerror(errno)) : 0;
}
