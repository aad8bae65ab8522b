/* Every call gives back a result, as other languages have it; looks at a semaphore before it waits
 * with a deadline, prints inside the section, gives a mutex back once it is consistent and locks it
 * anew. */
#define _GNU_SOURCE
#include "bounded_buffer.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* type Result<T> = { value: T, error: what + errno } */
typedef struct {
	const char *what;
	int no;
} error_t_;
#define OKAY	  ((error_t_){ 0 })
#define ERR(w, n) ((error_t_){ (w), (n) })
#define TRY(e)                     \
	do {                       \
		error_t_ e_ = (e); \
		if (e_.what)       \
			return e_; \
	} while (0)
#define SYS(e)                                 \
	do {                                   \
		if ((long)(e) == -1)           \
			return ERR(#e, errno); \
	} while (0)
#define RC(e)                               \
	do {                                \
		int r_ = (e);               \
		if (r_)                     \
			return ERR(#e, r_); \
	} while (0)

struct header {
	uint32_t magic, capacity;
};
typedef struct {
	struct bounded_buffer *b;
	uint32_t cap;
} handle;
static const size_t HEAD = sizeof(struct bounded_buffer);

static error_t_ parse(const char *s, int negative, long *v)
{
	size_t k = strspn(s + (negative && s[0] == '-'), "0123456789");
	if (k == 0 || s[k + (negative && s[0] == '-')] != '\0')
		return ERR("usage", 0);
	errno = 0;
	*v = strtol(s, NULL, 10);
	return errno ? ERR("number", errno) : OKAY;
}

static error_t_ object(const char *file, size_t size, int flags, int *id)
{
	struct stat st;
	if (stat(file, &st) < 0)
		return ERR("stat", errno);
	/* what ftok(file, 66) does */
	key_t key = (st.st_ino & 0xffff) | (st.st_dev & 0xff) << 16 | 66u << 24;
	*id = syscall(SYS_shmget, key, size, flags);
	if (*id < 0)
		return ERR("shmget", errno);
	return OKAY;
}

static error_t_ initialise(struct bounded_buffer *b, long cap)
{
	pthread_mutexattr_t a;
	b->capacity = cap;
	RC(pthread_mutexattr_init(&a));
	RC(pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE));
	RC(pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST));
	RC(pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED));
	RC(pthread_mutex_init(&b->mutex, &a));
	RC(pthread_mutexattr_destroy(&a));
	SYS(sem_init(&b->empty, 1, cap));
	SYS(sem_init(&b->full, 1, 0));
	__sync_synchronize();
	*(volatile uint32_t *)&b->magic = BUFFER_MAGIC;
	return OKAY;
}

static error_t_ create(char **v)
{
	long cap;
	error_t_ e = OKAY;
	TRY(parse(v[1], 0, &cap));
	if (cap < 1 || cap > 1000000)
		return ERR("capacity", EINVAL);
	size_t size = HEAD + cap * 8;
	struct bounded_buffer *b;
	int id;
	TRY(object(v[0], size, IPC_CREAT | IPC_EXCL | 0600, &id));
	b = shmat(id, NULL, 0);
	if (b == (void *)-1)
		e = ERR("shmat", errno);
	else
		e = initialise(b, cap);
	if (e.what)
		shmctl(id, IPC_RMID, NULL);
	return e;
}

static error_t_ attach(const char *name, handle *h)
{
	int id;
	struct shmid_ds ds;
	TRY(object(name, 0, 0, &id));
	SYS(shmctl(id, IPC_STAT, &ds));
	/* at an address of our own choice */
	void *p = mmap(NULL, ds.shm_segsz, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);
	if (p == MAP_FAILED)
		return ERR("mmap", errno);
	SYS(p = shmat(id, p, SHM_REMAP));
	h->b = p;
	if (ds.shm_segsz < HEAD || atomic_load(&h->b->magic) != BUFFER_MAGIC)
		return ERR("magic", EINVAL);
	h->cap = h->b->capacity;
	if (h->cap == 0 || h->cap > 1000000 || ds.shm_segsz < HEAD + 8 * (size_t)h->cap)
		return ERR("capacity", EINVAL);
	return OKAY;
}

static error_t_ down(sem_t *s)
{
	for (int i = 0; i < 50; i++)
		if (sem_trywait(s) == 0)
			return OKAY;
	for (;;) {
		struct timespec t;
		clock_gettime(CLOCK_MONOTONIC, &t);
		t.tv_sec += 2;
		if (sem_clockwait(s, CLOCK_MONOTONIC, &t) == 0)
			return OKAY;
		if (errno != ETIMEDOUT && errno != EINTR)
			return ERR("sem_clockwait", errno);
	}
}

static error_t_ lock(pthread_mutex_t *m)
{
	int r = EBUSY;
	for (int i = 0; i < 100 && r == EBUSY; i++) {
		r = pthread_mutex_trylock(m);
	}
	if (r == EBUSY)
		r = pthread_mutex_lock(m);
	if (r == EOWNERDEAD) {
		RC(pthread_mutex_consistent(m));
		RC(pthread_mutex_unlock(m));
		return lock(m);
	}
	RC(r);
	return OKAY;
}

static error_t_ produce(char **v)
{
	long from, to;
	handle h;
	TRY(parse(v[1], 1, &from));
	TRY(parse(v[2], 1, &to));
	TRY(attach(v[0], &h));
	for (; from <= to; from++) {
		TRY(down(&h.b->empty));
		TRY(lock(&h.b->mutex));
		h.b->item[h.b->tail] = from;
		h.b->tail = h.b->tail == h.cap - 1 ? 0 : h.b->tail + 1;
		RC(pthread_mutex_unlock(&h.b->mutex));
		SYS(sem_post(&h.b->full));
		if (from == to)
			break;
	}
	return OKAY;
}

static error_t_ show(long x)
{
	char text[24];
	struct iovec io[2] = { { text, snprintf(text, sizeof text, "%ld", x) }, { "\n", 1 } };
	size_t all = io[0].iov_len + 1;
	ssize_t w = writev(1, io, 2);
	if (w < 0)
		return ERR("stdout", errno);
	return (size_t)w == all ? OKAY : ERR("stdout", EIO);
}

static error_t_ consume(char **v)
{
	long n;
	handle h;
	TRY(parse(v[1], 0, &n));
	TRY(attach(v[0], &h));
	for (; n; n--) {
		TRY(down(&h.b->full));
		TRY(lock(&h.b->mutex));
		long x = h.b->item[h.b->head];
		h.b->head = h.b->head == h.cap - 1 ? 0 : h.b->head + 1;
		__asm__ volatile("" ::: "memory");
		error_t_ e = show(x); /* inside: so the lines of several consumers are in order */
		RC(pthread_mutex_unlock(&h.b->mutex));
		SYS(sem_post(&h.b->empty));
		TRY(e);
	}
	return OKAY;
}

static error_t_ destroy(char **v)
{
	int id;
	TRY(object(v[0], 0, 0, &id));
	SYS(shmctl(id, IPC_RMID, NULL));
	return OKAY;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int args;
		error_t_ (*run)(char **);
	} table[] = {
		{ "create", 2, create },
		{ "produce", 3, produce },
		{ "consume", 2, consume },
		{ "destroy", 1, destroy },
	};
	for (unsigned i = 0; argc > 1 && i < sizeof table / sizeof *table; i++) {
		if (strcmp(argv[1], table[i].name) || argc != table[i].args + 2)
			continue;
		error_t_ e = table[i].run(argv + 2);
		if (!e.what)
			return 0;
		if (!strcmp(e.what, "usage"))
			break;
		fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, e.what,
			strerror(e.no));
		return 1;
	}
	fprintf(stderr, "usage: %s create|produce|consume|destroy ...\n",
		program_invocation_short_name);
	return 2;
}
