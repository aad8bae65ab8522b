// expect: FAIL live-room-kept
/* A dead server whose guest is still there is taken for alive: it goes by nattch. */
// Written by someone who thinks in channels: a reader "goroutine", a signal "goroutine", and main.
#define _GNU_SOURCE
#include "chat_room.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/types.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

typedef struct {
	enum { MSG_LINE, MSG_END, MSG_BAD, MSG_FAILED } kind;
	char text[CHAT_LINE];
	int error;
} Msg;

typedef struct {
	mtx_t m;
	cnd_t put, got;
	Msg q[8];
	unsigned r, w;
} Chan;

static Chan lines;
static int roomId = -1;
static struct chat_room *room;
static mtx_t cleanup = { 0 };
static sigset_t sigs;

static void chanSend(Chan *c, const Msg *m)
{
	mtx_lock(&c->m);
	while (c->w - c->r == 8)
		cnd_wait(&c->got, &c->m);
	c->q[c->w++ % 8] = *m;
	cnd_signal(&c->put);
	mtx_unlock(&c->m);
}

static bool chanRecv(Chan *c, Msg *m, int ms)
{
	struct timespec t;
	timespec_get(&t, TIME_UTC);
	t.tv_nsec += ms * 1000000L;
	while (t.tv_nsec >= 1000000000L)
		t.tv_nsec -= 1000000000L, t.tv_sec++;
	mtx_lock(&c->m);
	while (c->w == c->r)
		if (cnd_timedwait(&c->put, &c->m, &t) == thrd_timedout) {
			mtx_unlock(&c->m);
			return false;
		}
	*m = c->q[c->r++ % 8];
	cnd_signal(&c->got);
	mtx_unlock(&c->m);
	return true;
}

static void logError(const char *what, const char *why)
{
	fprintf(stderr, "chat: %s: %s\n", what, why);
}

/* Removes the room (once, whoever comes first) and ends the process. */
_Noreturn static void finish(int status)
{
	mtx_lock(&cleanup); /* never given back */
	if (roomId != -1 && shmctl(roomId, IPC_RMID, NULL) == -1) {
		logError("IPC_RMID", strerror(errno));
		status = 1;
	}
	_Exit(status);
}

static int signalMain(void *arg)
{
	int s;
	(void)arg;
	while (sigwait(&sigs, &s) != 0)
		;
	logError("signal", strsignal(s));
	finish(1);
}

static int readerMain(void *arg)
{
	char *buf = NULL;
	size_t cap = 0;
	Msg m;
	(void)arg;
	for (;;) {
		errno = 0;
		ssize_t n = getline(&buf, &cap, stdin);
		memset(&m, 0, sizeof m);
		if (n < 0) {
			m.error = errno;
			m.kind = ferror(stdin) ? MSG_FAILED : MSG_END;
		} else {
			if (n > 0 && buf[n - 1] == '\n')
				n--;
			if (n >= CHAT_LINE || memchr(buf, 0, n))
				m.kind = MSG_BAD;
			else if (n == 4 && strncmp(buf, "exit", 4) == 0)
				m.kind = MSG_END;
			else {
				m.kind = MSG_LINE;
				memcpy(m.text, buf, n);
			}
		}
		chanSend(&lines, &m);
		if (m.kind != MSG_LINE)
			break;
	}
	free(buf);
	return 0;
}

static bool dead(pid_t p)
{
	return p && kill(p, 0) < 0 && errno == ESRCH;
}

static void checkGuest(void)
{
	if (dead(atomic_load(&room->guest))) {
		logError("guest", "gone");
		finish(1);
	}
}

static void waitEmpty(void)
{
	struct timespec t;
	do {
		checkGuest();
		clock_gettime(CLOCK_MONOTONIC, &t);
		t.tv_sec += (t.tv_nsec += 500000000) / 1000000000;
		t.tv_nsec %= 1000000000;
	} while (sem_clockwait(&room->empty, CLOCK_MONOTONIC, &t) != 0);
	checkGuest();
}

static int openRoom(key_t key)
{
	for (;;) {
		int n = shmget(key, sizeof *room, 0600 | IPC_CREAT | IPC_EXCL);
		if (n >= 0)
			return n;
		if (errno != EEXIST)
			return logError("shmget", strerror(errno)), -1;
		int o = shmget(key, 1, 0);
		if (o < 0)
			continue;
		struct shmid_ds d;
		if (shmctl(o, IPC_STAT, &d) < 0)
			continue;
		struct chat_room *r = d.shm_segsz == sizeof *r ? shmat(o, NULL, SHM_RDONLY)
							       : (void *)-1;
		if (r == (void *)-1)
			return logError("room", "the key belongs to another segment"), -1;
		bool ours = r->magic == CHAT_MAGIC, stale = ours && d.shm_nattch == 0;
		shmdt(r);
		if (!stale)
			return logError("room", ours ? "in use" : "no magic"), -1;
		if (shmctl(o, IPC_RMID, NULL) < 0)
			return logError("IPC_RMID", strerror(errno)), -1;
	}
}

static int serve(const char *path)
{
	thrd_t t;
	Msg m;
	bool any = false;
	key_t key = ftok(path, 65);
	if (key == -1)
		return logError(path, strerror(errno)), 1;
	sigemptyset(&sigs);
	sigaddset(&sigs, SIGINT);
	sigaddset(&sigs, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &sigs, NULL);
	if (mtx_init(&cleanup, mtx_plain) || mtx_init(&lines.m, mtx_plain) ||
	    cnd_init(&lines.put) || cnd_init(&lines.got))
		return logError("mtx_init", "failed"), 1;
	if ((roomId = openRoom(key)) < 0)
		return 1;
	room = shmat(roomId, NULL, 0);
	if (room == (void *)-1) {
		logError("shmat", strerror(errno));
		finish(1);
	}
	sem_init(&room->empty, 1, 1);
	sem_init(&room->full, 1, 0);
	atomic_store(&room->server, getpid());
	atomic_store_explicit(&room->magic, CHAT_MAGIC, memory_order_release);
	if (thrd_create(&t, signalMain, NULL) != thrd_success || thrd_detach(t) ||
	    thrd_create(&t, readerMain, NULL) != thrd_success || thrd_detach(t)) {
		logError("thrd_create", "failed");
		finish(1);
	}
	for (;;) {
		while (!chanRecv(&lines, &m, 500))
			checkGuest();
		if (m.kind == MSG_LINE) {
			waitEmpty();
			strcpy(room->line, m.text);
			any = true;
			sem_post(&room->full);
		} else if (m.kind == MSG_END) {
			waitEmpty();
			while (!room->guest)
				thrd_sleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
			room->ended = 1;
			sem_post(&room->full);
			finish(0);
		} else {
			if (any)
				waitEmpty();
			logError("stdin", m.kind == MSG_BAD ? "bad line" : strerror(m.error));
			finish(1);
		}
	}
}

static int join(const char *path)
{
	struct shmid_ds d;
	key_t key = ftok(path, 65);
	if (key == -1)
		return logError(path, strerror(errno)), 1;
	int id = shmget(key, 0, 0);
	if (id < 0 || shmctl(id, IPC_STAT, &d) < 0)
		return logError("no room", strerror(errno)), 1;
	if (d.shm_segsz != sizeof *room || (room = shmat(id, NULL, 0)) == (void *)-1)
		return logError("room", "unfit"), 1;
	for (int i = 0; room->magic != CHAT_MAGIC; i++) {
		if (room->magic != 0 || i == 10)
			return logError("room", "no magic"), 1;
		thrd_sleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	}
	if (!__sync_bool_compare_and_swap((int32_t *)&room->guest, 0, getpid()))
		return logError("room", "occupied"), 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (;;) {
		/* the state of the server first, the semaphore after it */
		bool over = dead(room->server);
		if (sem_trywait(&room->full) != 0) {
			if (over)
				return logError("server", "gone"), 1;
			thrd_sleep(&(struct timespec){ .tv_nsec = 60000000 }, NULL);
			continue;
		}
		if (room->ended)
			return 0;
		if (puts(room->line) == EOF)
			return logError("stdout", strerror(errno)), 1;
		sem_post(&room->empty);
	}
}

int main(int argc, char *argv[])
{
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "join"))
		return join(argv[2]);
	fputs("usage: chat {serve|join} KEYFILE\n", stderr);
	return 2;
}
