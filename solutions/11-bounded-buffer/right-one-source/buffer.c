/* One source for both programs: sysv.c defines SYSV and includes this. K&R, by an old hand. */
#include "bounded_buffer.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef SYSV
#define NAME "sysv"
#else
#define NAME "buffer"
#endif

typedef struct bounded_buffer BUF;

char *obj;
long objlen;
int trouble(s)
char *s;
{
	perror(s);
	return 1;
}

int usage()
{
	char *t = "usage: " NAME " create|produce|consume|destroy object [n [m]]\n";

	write(2, t, strlen(t)) < 0 ? exit(2) : exit(2);
	return 2;
}

/* 0 if s is no number */
int getnum(s, neg, v)
char *s;
int neg;
long *v;
{
	char *t = s;

	if (*t == '-' && neg)
		++t;
	do
		if (*t > '9' || *t < '0')
			return 0;
	while (*++t);
	errno = 0;
	*v = strtol(s, (char **)0, 10);
	if (errno)
		exit(trouble(NAME ": number"));
	return 1;
}

BUF *grab(fd)
int fd;
{
	void *p;
#ifdef SYSV
	p = shmat(fd, (void *)0, 0);
	return p == (void *)-1 ? (BUF *)0 : p;
#else
	p = mmap((void *)0, objlen, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)0);
	close(fd);
	return p == MAP_FAILED ? (BUF *)0 : p;
#endif
}

int opn(create)
int create;
{
#ifdef SYSV
	key_t k = ftok(obj, 66);
	struct shmid_ds d;
	int id;

	if (k == -1)
		return -1;
	id = shmget(k, create ? objlen : 0L, create ? IPC_CREAT | IPC_EXCL | 0600 : 0);
	if (id < 0 || shmctl(id, IPC_STAT, &d) < 0)
		return -1;
	objlen = d.shm_segsz;
	return id;
#else
	static char path[400];
	struct stat s;
	int fd;
	mode_t m = umask(0);

	if (*obj == '/')
		++obj;
	if (*obj == 0 || strchr(obj, '/')) {
		errno = EINVAL;
		return -1;
	}
	if (strlen(obj) > 255) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = shm_open(strcat(strcpy(path, "/"), obj), create ? O_CREAT | O_EXCL | O_RDWR : O_RDWR,
		      0600);
	obj = path;
	umask(m);
	if (fd < 0)
		return -1;
	if (create && ftruncate(fd, objlen) < 0) {
		shm_unlink(path);
		return -1;
	}
	if (fstat(fd, &s) < 0)
		return -1;
	objlen = s.st_size;
	return fd;
#endif
}

int rm(fd)
int fd;
{
#ifdef SYSV
	return shmctl(fd, IPC_RMID, (void *)0);
#else
	(void)fd;
	return shm_unlink(obj);
#endif
}

int crit(b)
BUF *b;
{
	int r = pthread_mutex_lock(&b->mutex);

	if (r == EOWNERDEAD)
		r = pthread_mutex_consistent(&b->mutex);
	errno = r;
	return r;
}

int P(s)
sem_t *s;
{
	int r;

	while ((r = sem_wait(s)) < 0 && errno == EINTR)
		;
	return r;
}

int put(b, x)
BUF *b;
int64_t x;
{
	if (P(&b->empty) || crit(b))
		return -1;
	memcpy(b->item + b->tail, &x, sizeof x);
	b->tail = (b->tail + 1) % b->capacity;
	pthread_mutex_unlock(&b->mutex);
	return sem_post(&b->full);
}

int get(b, x)
BUF *b;
int64_t *x;
{
	if (P(&b->full) || crit(b))
		return -1;
	memcpy(x, b->item + b->head, sizeof *x);
	b->head = (b->head + 1) % b->capacity;
	pthread_mutex_unlock(&b->mutex);
	return sem_post(&b->empty);
}

int show(x)
int64_t x;
{
	char t[30];
	struct iovec v[2];
	ssize_t n;

	v[0].iov_base = t;
	v[0].iov_len = snprintf(t, sizeof t, "%ld", (long)x);
	v[1].iov_base = "\n";
	v[1].iov_len = 1;
	while (v[0].iov_len + v[1].iov_len) {
		n = writev(1, v, 2);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if ((size_t)n > v[0].iov_len) {
			v[1].iov_len -= n - v[0].iov_len;
			v[0].iov_len = 0;
		} else {
			v[0].iov_base = (char *)v[0].iov_base + n;
			v[0].iov_len -= n;
		}
	}
	return 0;
}

int main(argc, argv)
int argc;
char **argv;
{
	long n = 0, m = 0;
	int fd, st, put_it = 0;
	BUF *b;
	pid_t parent = getpid(), p;
	pthread_mutexattr_t a;

	if (argc < 3)
		usage();
	obj = argv[2];
	if (!strcmp(argv[1], "destroy")) {
		if (argc != 3)
			usage();
		if ((fd = opn(0)) < 0)
			return trouble(NAME ": destroy");
		return rm(fd) ? trouble(NAME ": destroy") : 0;
	}
	if (!strcmp(argv[1], "produce")) {
		if (argc != 5 || !getnum(argv[4], 1, &m))
			usage();
		put_it = 1;
	} else if (argc != 4)
		usage();
	if (!getnum(argv[3], put_it, &n))
		usage();
	if (!strcmp(argv[1], "create")) {
		if (n < 1 || n > 1000000) {
			errno = ERANGE;
			return trouble(NAME ": capacity");
		}
		objlen = sizeof(BUF) + n * sizeof(int64_t);
		if ((fd = opn(1)) < 0)
			return trouble(NAME ": create");
		if (!(b = grab(fd))) {
			st = errno;
			rm(fd);
			errno = st;
			return trouble(NAME ": attach");
		}
		b->capacity = n;
		sem_init(&b->empty, 1, (unsigned)n);
		sem_init(&b->full, 1, 0);
		pthread_mutexattr_init(&a);
		pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
		pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
		pthread_mutex_init(&b->mutex, &a);
		atomic_store_explicit(&b->magic, BUFFER_MAGIC, memory_order_release);
		return 0;
	}
	if (!put_it && strcmp(argv[1], "consume"))
		usage();
	if ((fd = opn(0)) < 0)
		return trouble(NAME ": open");
	errno = EINVAL;
	if (objlen < (long)sizeof(BUF))
		return trouble(NAME ": size");
	if (!(b = grab(fd)))
		return trouble(NAME ": attach");
	errno = EINVAL;
	if (b->magic != BUFFER_MAGIC || b->capacity < 1 || b->capacity > 1000000 ||
	    objlen < (long)(sizeof(BUF) + b->capacity * sizeof(int64_t)))
		return trouble(NAME ": no buffer");

	/* a child works, and dies with its parent */
	switch (p = fork()) {
	case -1:
		return trouble(NAME ": fork");
	case 0:
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		if (put_it) {
			if (n <= m)
				do
					if (put(b, (int64_t)n))
						_exit(trouble(NAME ": put"));
				while (n != m && (n++, 1));
		} else {
			int64_t x;

			while (n--)
				if (get(b, &x))
					_exit(trouble(NAME ": get"));
				else if (show(x))
					_exit(trouble(NAME ": write"));
		}
		_exit(0);
	}
	while (waitpid(p, &st, 0) < 0)
		if (errno != EINTR)
			return trouble(NAME ": wait");
	if (WIFEXITED(st))
		return WEXITSTATUS(st);
	errno = ECHILD;
	return trouble(NAME ": child killed");
}
