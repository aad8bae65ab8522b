/* The program of document 003 (2.3), adapted as little as possible: it adds 1 to an index and goes
 * round afterwards. */
#define _GNU_SOURCE
#include "bounded_buffer.h"
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define SIZE_OF(n) (sizeof(shared_data_t) + (size_t)(n)*8)
typedef struct bounded_buffer shared_data_t;

// 초기화
static int init_shared_data(shared_data_t *data, uint32_t n)
{
	// 프로세스 간 공유 가능한 동기화 객체
	pthread_mutexattr_t mutex_attr;
	pthread_mutexattr_init(&mutex_attr);
	pthread_mutexattr_setpshared(&mutex_attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&mutex_attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_settype(&mutex_attr, PTHREAD_MUTEX_ERRORCHECK);
	int rc = pthread_mutex_init(&data->mutex, &mutex_attr);
	if (rc != 0) {
		errno = rc;
		return -1;
	}

	if (sem_init(&data->full, 1, 0) == -1)
		return -1;
	if (sem_init(&data->empty, 1, n) == -1)
		return -1;
	data->head = data->tail = 0;
	data->capacity = n;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	data->magic = BUFFER_MAGIC;
	return 0;
}

static void enter(shared_data_t *data)
{
	switch ((errno = pthread_mutex_lock(&data->mutex))) {
	case 0:
		break;
	case EOWNERDEAD:
		if ((errno = pthread_mutex_consistent(&data->mutex)) == 0)
			break;
		/* fallthrough */
	default:
		err(1, "mutex");
	}
}

// 생산자
static void produce(shared_data_t *data, int64_t value)
{
	// 빈 슬롯 대기
	while (sem_wait(&data->empty) == -1)
		if (errno != EINTR)
			err(1, "sem_wait");

	enter(data);
	data->item[data->tail++] = value;
	if (data->tail == data->capacity)
		data->tail = 0;
	pthread_mutex_unlock(&data->mutex);

	sem_post(&data->full); // 데이터 있음 신호
}

// 소비자
static int64_t consume(shared_data_t *data)
{
	while (sem_wait(&data->full) == -1) // 데이터 대기
		if (errno != EINTR)
			err(1, "sem_wait");

	enter(data);
	int64_t value = data->item[data->head++];
	if (data->head == data->capacity)
		data->head = 0;
	pthread_mutex_unlock(&data->mutex);

	sem_post(&data->empty); // 빈 슬롯 신호
	return value;
}

static void usage(void)
{
	fputs("usage: buffer create NAME CAPACITY\n"
	      "       buffer produce NAME FROM TO\n"
	      "       buffer consume NAME COUNT\n"
	      "       buffer destroy NAME\n",
	      stderr);
	exit(2);
}

static bool digits(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == 0;
}

static long long num(const char *s, bool neg)
{
	if (!digits(s + (neg && *s == '-')))
		usage();
	errno = 0;
	long long v = strtoll(s, NULL, 10);
	if (errno)
		err(1, "%s", s);
	return v;
}

static shared_data_t *get(const char *arg)
{
	void *p;
	size_t have;
	key_t key = ftok(arg, 66);
	if (key == -1)
		err(1, "ftok %s", arg);
	int id = shmget(key, SIZE_OF(1), 0600);
	if (id == -1)
		err(1, "shmget %s", arg);
	p = shmat(id, 0, 0);
	if (p == (void *)-1)
		err(1, "shmat");
	struct shmid_ds ds;
	if (shmctl(id, IPC_STAT, &ds) == -1)
		err(1, "shmctl");
	have = ds.shm_segsz;
	shared_data_t *d = p;
	if (d->magic != BUFFER_MAGIC)
		errx(1, "%s: not a buffer", arg);
	if (d->capacity == 0 || d->capacity > 1000000 || SIZE_OF(d->capacity) > have)
		errx(1, "%s: capacity is not possible", arg);
	return d;
}

int main(int argc, char *argv[])
{
	if (argc < 2)
		usage();
	if (strcmp(argv[1], "create") == 0) {
		if (argc != 4)
			usage();
		long long cap = num(argv[3], false);
		if (cap <= 0 || cap > 1000000)
			errx(1, "capacity %lld: out of range", cap);
		key_t key = ftok(argv[2], 66);
		if (key == -1)
			err(1, "ftok %s", argv[2]);
		int id = shmget(key, SIZE_OF(cap), IPC_CREAT | IPC_EXCL | 0600);
		if (id == -1)
			err(1, "shmget %s", argv[2]);
		void *p = shmat(id, 0, 0);
		if (p == (void *)-1 || init_shared_data(p, cap) == -1) {
			int e = errno;
			shmctl(id, IPC_RMID, 0);
			errno = e;
			err(1, "create %s", argv[2]);
		}
		shmdt(p);
	} else if (strcmp(argv[1], "produce") == 0) {
		if (argc != 5)
			usage();
		long long from = num(argv[3], true), to = num(argv[4], true);
		shared_data_t *d = get(argv[2]);
		if (from <= to) {
			while (from < to)
				produce(d, from++);
			produce(d, to);
		}
	} else if (strcmp(argv[1], "consume") == 0) {
		if (argc != 4)
			usage();
		long long n = num(argv[3], false);
		shared_data_t *d = get(argv[2]);
		for (long long i = 0; i < n; i++) {
			printf("%lld\n", (long long)consume(d));
			if (fflush(stdout) != 0)
				err(1, "stdout");
		}
	} else if (strcmp(argv[1], "destroy") == 0) {
		if (argc != 3)
			usage();
		key_t key = ftok(argv[2], 66);
		if (key == -1)
			err(1, "ftok %s", argv[2]);
		int id = shmget(key, 0, 0);
		if (id == -1)
			err(1, "shmget %s", argv[2]);
		if (shmctl(id, IPC_RMID, 0) == -1)
			err(1, "shmctl");
	} else {
		usage();
	}
	return 0;
}
