/* A thread that reads all input into a list, one in sigwait, one that watches the guest by its
 * pidfd. */
#define _GNU_SOURCE
#include "chat_room.h"
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct node {
	struct node *next;
	int kind; /* 0 line, 1 end, 2 error */
	char *why;
	char text[CHAT_LINE];
};

static struct node *first, **last = &first;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t some = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t ending = PTHREAD_MUTEX_INITIALIZER;
static struct chat_room *R;
static int segment = -1;
static sigset_t sigs;

static _Noreturn void leave(int status)
{
	/* only one thread gets in and it never lets go */
	pthread_mutex_lock(&ending);
	if (segment != -1 && shmctl(segment, IPC_RMID, 0) < 0) {
		warn("cannot remove the room");
		status = 1;
	}
	/* nothing waits for output here; and exit(3) may wait for who has stdin locked */
	_exit(status);
}

static _Noreturn void leave_saying(const char *why)
{
	warnx("serve: %s", why);
	leave(1);
}

static void append(int kind, const char *text, const char *why)
{
	struct node *n = calloc(1, sizeof *n);
	if (!n)
		leave_saying("no memory");
	n->kind = kind;
	if (text)
		strcpy(n->text, text);
	n->why = why ? strdup(why) : NULL;
	pthread_mutex_lock(&lock);
	*last = n;
	last = &n->next;
	pthread_cond_signal(&some);
	pthread_mutex_unlock(&lock);
}

static void *reading(void *unused)
{
	char *s = NULL;
	size_t cap = 0;
	ssize_t n;
	(void)unused;
	errno = 0;
	while ((n = getline(&s, &cap, stdin)) != -1) {
		if (n && s[n - 1] == '\n')
			s[--n] = 0;
		if (memchr(s, 0, n)) {
			append(2, NULL, "NUL in a line");
			return NULL;
		}
		if (n > 255) {
			append(2, NULL, "line too long");
			return NULL;
		}
		if (!strcmp(s, "exit"))
			break;
		append(0, s, NULL);
		errno = 0;
	}
	if (n == -1 && !feof(stdin))
		append(2, NULL, strerror(errno));
	else
		append(1, NULL, NULL);
	return NULL;
}

static void *signals(void *unused)
{
	int sig;
	(void)unused;
	while (sigwait(&sigs, &sig))
		;
	leave_saying("terminated");
}

static void *watching(void *unused)
{
	(void)unused;
	pid_t g;
	while ((g = R->guest) == 0)
		usleep(100000);
	int fd = syscall(SYS_pidfd_open, g, 0);
	if (fd >= 0) {
		struct pollfd p = { fd, POLLIN, 0 };
		while (poll(&p, 1, -1) < 1)
			;
	} else if (errno != ESRCH) {
		while (!kill(g, 0))
			usleep(300000);
	}
	/* perhaps it has left because it has seen the end */
	if (R->ended)
		return NULL;
	leave_saying("guest is gone");
}

static void down(void)
{
	while (sem_wait(&R->empty))
		if (errno != EINTR)
			leave_saying("sem_wait");
}

static void thread(void *(*f)(void *))
{
	pthread_t t;
	int e = pthread_create(&t, NULL, f, NULL);
	if (e) {
		errno = e;
		warn("pthread_create");
		leave(1);
	}
	pthread_detach(t);
}

static void serve(const char *file)
{
	key_t k = ftok(file, 65);
	if (k == -1)
		err(1, "%s", file);
	sigemptyset(&sigs);
	sigaddset(&sigs, SIGINT);
	sigaddset(&sigs, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &sigs, NULL);
	for (int tries = 0;; tries++) {
		segment = shmget(k, sizeof(struct chat_room), IPC_CREAT | IPC_EXCL | 0600);
		if (segment >= 0)
			break;
		if (errno != EEXIST || tries == 10)
			err(1, "shmget");
		int old = shmget(k, sizeof(struct chat_room), 0);
		if (old == -1 && errno == ENOENT)
			continue;
		if (old == -1)
			err(1, "what has the key is no room");
		struct shmid_ds d;
		if (shmctl(old, IPC_STAT, &d))
			continue;
		if (d.shm_segsz != sizeof(struct chat_room))
			errx(1, "serve: what has the key is larger than a room");
		struct chat_room *o = shmat(old, 0, SHM_RDONLY);
		if (o == (void *)-1)
			continue;
		if (o->magic != CHAT_MAGIC)
			errx(1, "serve: what has the key is no room");
		if (!kill(o->server, 0) || errno == EPERM)
			errx(1, "serve: there is a server: %d", (int)o->server);
		shmdt(o);
		shmctl(old, IPC_RMID, 0);
	}
	R = shmat(segment, 0, 0);
	if (R == (void *)-1) {
		warn("shmat");
		leave(1);
	}
	R->server = getpid();
	if (sem_init(&R->full, 1, 0) || sem_init(&R->empty, 1, 1)) {
		warn("sem_init");
		leave(1);
	}
	__atomic_store_n((uint32_t *)&R->magic, CHAT_MAGIC, __ATOMIC_RELEASE);
	thread(signals);
	thread(watching);
	thread(reading);
	int any = 0;
	for (;;) {
		pthread_mutex_lock(&lock);
		while (!first)
			pthread_cond_wait(&some, &lock);
		struct node *n = first;
		first = n->next;
		if (!first)
			last = &first;
		pthread_mutex_unlock(&lock);
		if (n->kind == 2) {
			warnx("stdin: %s", n->why);
			if (any)
				down();
			leave(1);
		}
		if (n->kind == 1)
			break;
		down();
		strcpy(R->line, n->text);
		sem_post(&R->full);
		free(n);
		any = 1;
	}
	while (!R->guest)
		usleep(100000);
	down();
	R->ended = 1;
	sem_post(&R->full);
	leave(0);
}

static void join(const char *file)
{
	key_t k = ftok(file, 65);
	if (k == -1)
		err(1, "%s", file);
	signal(SIGPIPE, SIG_IGN);
	int i = shmget(k, sizeof(struct chat_room), 0600);
	if (i == -1)
		err(1, "no room");
	struct shmid_ds d;
	if (shmctl(i, IPC_STAT, &d) == -1)
		err(1, "shmctl");
	if (d.shm_segsz != sizeof *R)
		errx(1, "join: size is %zu", (size_t)d.shm_segsz);
	R = shmat(i, NULL, 0);
	if (R == (void *)-1)
		err(1, "shmat");
	/* the server may be about to be ready */
	for (int t = 0; R->magic == 0 && t < 10; t++)
		usleep(50000);
	if (R->magic != CHAT_MAGIC)
		errx(1, "join: not a room");
	int fd = syscall(SYS_pidfd_open, (pid_t)R->server, 0);
	if (fd == -1)
		err(1, "server %d", (int)R->server);
	int32_t zero = 0;
	if (!__atomic_compare_exchange_n((int32_t *)&R->guest, &zero, getpid(), 0, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		errx(1, "join: guest %d is here", (int)zero);
	for (;;) {
		struct timespec ts;
		clock_gettime(CLOCK_MONOTONIC, &ts);
		ts.tv_sec++;
		if (sem_clockwait(&R->full, CLOCK_MONOTONIC, &ts)) {
			struct pollfd p = { fd, POLLIN, 0 };
			if (errno == EINTR)
				continue;
			if (errno != ETIMEDOUT)
				err(1, "sem_clockwait");
			if (poll(&p, 1, 0) != 1)
				continue;
			if (sem_trywait(&R->full))
				errx(1, "join: the server has died");
		}
		if (R->ended)
			break;
		if (printf("%s\n", R->line) < 0 || fflush(stdout))
			err(1, "stdout");
		if (sem_post(&R->empty))
			err(1, "sem_post");
	}
	/* there is nobody in the chair any more */
	R->guest = 0;
	exit(0);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "join"))
		join(argv[2]);
	fputs("usage: chat {serve|join} KEYFILE\n", stderr);
	return 2;
}
