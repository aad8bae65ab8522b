/* A child of the server watches the guest and tells its parent by a signal; it is attached, too. */
#define _GNU_SOURCE
#include "chat_room.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>
static struct chat_room *room;
static volatile int shmid = -1;
static int fail(const char *w)
{
	fprintf(stderr, "chat: %s: %s\n", w, strerror(errno));
	return 1;
}
static int leave(int rc)
{
	int id = shmid;
	if (id >= 0 && shmctl(id, IPC_RMID, NULL) < 0) {
		fail("removing the room");
		rc = 1;
	}
	shmid = -1;
	return rc;
}
static void on_signal(int sig)
{
	(void)sig;
	if (shmid >= 0)
		shmctl(shmid, IPC_RMID, NULL);
	_exit(1);
}
static int gone(int pid)
{
	return pid > 0 && kill(pid, 0) < 0 && errno == ESRCH;
}
static volatile sig_atomic_t mourning;
static void on_usr1(int s)
{
	(void)s;
	mourning = 1;
	if (shmid >= 0) {
		shmctl(shmid, IPC_RMID, NULL);
	}
	if (write(2, "chat: guest: died\n", 18) < 0) {
	}
	_exit(1);
}
static void watchdog(void)
{
	pid_t parent = getpid();
	signal(SIGUSR1, on_usr1);
	if (fork())
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	close(0);
	for (;;) {
		usleep(150000);
		if (getppid() != parent)
			_exit(0);
		if (gone(room->guest) && !room->ended) {
			kill(parent, SIGUSR1);
			_exit(0);
		}
	}
}
static int wait_sem(sem_t *s, _Atomic int32_t *peer)
{
	if (peer == &room->guest) {
		while (sem_wait(s))
			if (errno != EINTR)
				return -1;
		return 0;
	}
	for (;;) {
		struct timespec t;
		clock_gettime(CLOCK_REALTIME, &t);
		t.tv_sec += 1;
		if (!sem_timedwait(s, &t))
			return 0;
		if (errno != ETIMEDOUT && errno != EINTR)
			return -1;
		if (gone(*peer)) {
			if (!sem_trywait(s))
				return 0;
			errno = EPIPE;
			return -1;
		}
	}
}
static int make(const char *file)
{
	sigset_t set, old;
	key_t key = ftok(file, 65);
	if (key == -1)
		return fail(file);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, &old);
	struct sigaction sa = { .sa_handler = on_signal };
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	int id;
	while ((id = shmget(key, sizeof *room, IPC_CREAT | IPC_EXCL | 0600)) < 0) {
		struct shmid_ds ds;
		if (errno != EEXIST)
			return fail("shmget");
		if ((id = shmget(key, 0, 0)) < 0) {
			if (errno == ENOENT)
				continue;
			return fail("shmget");
		}
		if (shmctl(id, IPC_STAT, &ds) < 0) {
			if (errno == EINVAL || errno == EIDRM)
				continue;
			return fail("IPC_STAT");
		}
		errno = EEXIST;
		if (ds.shm_segsz != sizeof *room)
			return fail("not a room");
		struct chat_room *r = shmat(id, NULL, SHM_RDONLY);
		if (r == (void *)-1)
			return fail("shmat");
		int ok = r->magic == CHAT_MAGIC && gone(r->server);
		shmdt(r);
		errno = EEXIST;
		if (!ok)
			return fail("room is taken");
		if (shmctl(id, IPC_RMID, NULL) < 0 && errno != EINVAL && errno != EIDRM)
			return fail("old room");
	}
	shmid = id;
	sigprocmask(SIG_SETMASK, &old, NULL);
	room = shmat(id, NULL, 0);
	if (room == (void *)-1) {
		fail("shmat");
		return leave(1);
	}
	if (sem_init(&room->empty, 1, 1) || sem_init(&room->full, 1, 0)) {
		fail("sem_init");
		return leave(1);
	}
	room->server = getpid();
	room->guest = 0;
	room->ended = 0;
	atomic_store_explicit(&room->magic, CHAT_MAGIC, memory_order_release);
	return 0;
}
static char buf[65536];
static size_t have;
static int eof;
/* 1: a line in out; 0: the end; -1 error */
static int next_line(char *out)
{
	for (;;) {
		char *nl = memchr(buf, '\n', have);
		size_t len = nl ? (size_t)(nl - buf) : have;
		if (nl || (eof && have)) {
			if (len > 255 || memchr(buf, 0, len)) {
				errno = EMSGSIZE;
				return -1;
			}
			memcpy(out, buf, len);
			out[len] = 0;
			len += nl != NULL;
			memmove(buf, buf + len, have -= len);
			return 1;
		}
		if (eof)
			return 0;
		if (have > 255) {
			errno = EMSGSIZE;
			return -1;
		}
		struct pollfd p = { 0, POLLIN, 0 };
		int n = poll(&p, 1, -1);
		if (n < 0) {
			if (errno != EINTR)
				return -1;
			continue;
		}
		ssize_t r = read(0, buf + have, sizeof buf - have);
		if (r < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		if (!r)
			eof = 1;
		have += r;
	}
}
static int serve(const char *file)
{
	char line[256];
	int sent = 0, r, bad = 0;
	if (make(file))
		return 1;
	watchdog();
	while ((r = next_line(line)) > 0 && strcmp(line, "exit")) {
		if (wait_sem(&room->empty, &room->guest)) {
			fail("guest");
			return leave(1);
		}
		memcpy(room->line, line, strlen(line) + 1);
		sem_post(&room->full);
		sent++;
	}
	if (r < 0) {
		bad = 1;
		fail("input");
		if (r == -2 || !sent)
			return leave(1);
	}
	if (wait_sem(&room->empty, &room->guest)) {
		if (!bad)
			fail("guest");
		return leave(1);
	}
	room->ended = 1;
	sem_post(&room->full);
	for (int untaken = 1;
	     !bad && !room->guest && !sem_getvalue(&room->full, &untaken) && untaken;) {
		struct timespec ts = { 0, 100000000 };
		nanosleep(&ts, NULL);
	}
	return leave(bad);
}
static int join(const char *file)
{
	key_t key = ftok(file, 65);
	if (key == -1)
		return fail(file);
	int id = shmget(key, 0, 0);
	if (id < 0)
		return fail("no room");
	struct shmid_ds ds;
	if (shmctl(id, IPC_STAT, &ds) < 0)
		return fail("IPC_STAT");
	errno = EINVAL;
	if (ds.shm_segsz != sizeof *room)
		return fail("no room of mine");
	room = shmat(id, NULL, 0);
	if (room == (void *)-1)
		return fail("shmat");
	errno = EINVAL;
	if (atomic_load_explicit(&room->magic, memory_order_acquire) != CHAT_MAGIC)
		return fail("magic");
	int32_t zero = 0;
	errno = EBUSY;
	if (!atomic_compare_exchange_strong(&room->guest, &zero, getpid()))
		return fail("another guest");
	for (;;) {
		if (wait_sem(&room->full, &room->server))
			return fail("server");
		if (room->ended)
			break;
		printf("%s\n", room->line);
		if (fflush(stdout))
			return fail("stdout");
		sem_post(&room->empty);
	}
	shmdt(room);
	return 0;
}
int main(int c, char **v)
{
	if (c == 3 && !strcmp(v[1], "serve"))
		return serve(v[2]);
	if (c == 3 && !strcmp(v[1], "join"))
		return join(v[2]);
	fprintf(stderr, "usage: chat serve|join KEYFILE\n");
	return 2;
}
