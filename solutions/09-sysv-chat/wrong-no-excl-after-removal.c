// expect: FAIL live-room-kept
/* A dead room is removed, and then whatever stands under the key is moved into. */
#define _GNU_SOURCE
#include "chat_room.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stop;
static struct chat_room *room;
static int id = -1;
static int handed;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static int fail(const char *what)
{
	fprintf(stderr, "chat: %s: %s\n", what, strerror(errno));
	return 1;
}

static bool gone(pid_t pid)
{
	return pid > 0 && kill(pid, 0) == -1 && errno == ESRCH;
}

/* 0 = got it, -1 = errno */
static int take(sem_t *sem, _Atomic int32_t *peer)
{
	for (;;) {
		struct timespec t;

		clock_gettime(CLOCK_REALTIME, &t);
		t.tv_nsec += 200000000;
		if (t.tv_nsec >= 1000000000) {
			t.tv_nsec -= 1000000000;
			t.tv_sec++;
		}
		bool dead = gone(*peer);
		if (sem_timedwait(sem, &t) == 0)
			return 0;
		if (stop) {
			errno = EINTR;
			return -1;
		}
		if (errno != ETIMEDOUT && errno != EINTR)
			return -1;
		if (dead) {
			errno = EPIPE;
			return -1;
		}
	}
}

static int make(const char *keyfile)
{
	key_t key = ftok(keyfile, 65);
	if (key == (key_t)-1)
		return -1;
	for (int tries = 0; tries < 3; tries++) {
		id = shmget(key, sizeof *room, IPC_CREAT | (tries ? 0 : IPC_EXCL) | 0600);
		if (id != -1)
			break;
		if (errno != EEXIST)
			return -1;
		int old = shmget(key, 0, 0);
		if (old == -1)
			continue;
		struct shmid_ds ds;
		if (shmctl(old, IPC_STAT, &ds) == -1)
			return -1;
		if (ds.shm_segsz != sizeof *room) {
			errno = EEXIST;
			return -1;
		}
		struct chat_room *r = shmat(old, NULL, 0);
		if (r == (void *)-1)
			return -1;
		bool stale = r->magic == CHAT_MAGIC && gone(r->server);
		shmdt(r);
		if (!stale) {
			errno = EEXIST;
			return -1;
		}
		shmctl(old, IPC_RMID, NULL);
	}
	if (id == -1)
		return -1;
	room = shmat(id, NULL, 0);
	if (room == (void *)-1) {
		int e = errno;
		shmctl(id, IPC_RMID, NULL);
		errno = e;
		return -1;
	}
	room->server = getpid();
	room->guest = 0;
	room->ended = 0;
	sem_init(&room->empty, 1, 1);
	sem_init(&room->full, 1, 0);
	atomic_store_explicit(&room->magic, CHAT_MAGIC, memory_order_release);
	return 0;
}

static char in[4096];
static ssize_t in_at, in_have;

/* next byte, -1 end, -2 error */
static int next(void)
{
	while (in_at == in_have) {
		struct pollfd p = { 0, POLLIN, 0 };
		int n = poll(&p, 1, 200);

		if (stop) {
			errno = EINTR;
			return -2;
		}
		if (gone(room->guest)) {
			errno = EPIPE;
			return -2;
		}
		if (n == 0 || (n == -1 && errno == EINTR))
			continue;
		if (n == -1)
			return -2;
		in_have = read(0, in, sizeof in);
		in_at = 0;
		if (in_have == -1) {
			in_have = 0;
			if (errno == EINTR)
				continue;
			return -2;
		}
		if (in_have == 0)
			return -1;
	}
	return (unsigned char)in[in_at++];
}

/* 1 = line, 0 = end, -1 = error */
static int get_line(char *line)
{
	int n = 0, c;

	while ((c = next()) >= 0 && c != '\n') {
		if (c == 0 || n == CHAT_LINE - 1) {
			errno = c == 0 ? EILSEQ : EMSGSIZE;
			return -1;
		}
		line[n++] = c;
	}
	if (c == -2)
		return -1;
	line[n] = 0;
	return c == '\n' || n > 0;
}

static int talk(void)
{
	char line[CHAT_LINE];
	int got;

	while ((got = get_line(line)) == 1) {
		if (strcmp(line, "exit") == 0)
			break;
		if (take(&room->empty, &room->guest) == -1)
			return fail("slot");
		strcpy(room->line, line);
		handed++;
		sem_post(&room->full);
	}
	if (got == -1) {
		fail("input");
		if (handed && (errno == EILSEQ || errno == EMSGSIZE))
			take(&room->empty, &room->guest);
		return 1;
	}
	if (take(&room->empty, &room->guest) == -1)
		return fail("slot");
	while (room->guest == 0) {
		usleep(50000);
		if (stop)
			return fail("stopped");
	}
	if (gone(room->guest)) {
		errno = EPIPE;
		return fail("guest");
	}
	room->ended = 1;
	sem_post(&room->full);
	return 0;
}

static int serve(const char *keyfile)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	if (make(keyfile) == -1)
		return fail(keyfile);
	int status = talk();
	shmdt(room);
	if (shmctl(id, IPC_RMID, NULL) == -1)
		return fail("shmctl");
	return status;
}

static int join(const char *keyfile)
{
	key_t key = ftok(keyfile, 65);
	if (key == (key_t)-1)
		return fail(keyfile);
	id = shmget(key, 0, 0);
	if (id == -1)
		return fail("shmget");
	struct shmid_ds ds;
	if (shmctl(id, IPC_STAT, &ds) == -1)
		return fail("shmctl");
	if (ds.shm_segsz != sizeof *room) {
		errno = EINVAL;
		return fail("size");
	}
	room = shmat(id, NULL, 0);
	if (room == (void *)-1)
		return fail("shmat");
	if (atomic_load_explicit(&room->magic, memory_order_acquire) != CHAT_MAGIC) {
		errno = EINVAL;
		return fail("magic");
	}
	int32_t nobody = 0;
	if (!atomic_compare_exchange_strong(&room->guest, &nobody, getpid())) {
		errno = EBUSY;
		return fail("guest");
	}
	for (;;) {
		char line[CHAT_LINE];

		if (take(&room->full, &room->server) == -1)
			return fail("server");
		if (room->ended)
			break;
		memcpy(line, room->line, sizeof line);
		if (printf("%s\n", line) < 0 || fflush(stdout) == EOF)
			return fail("stdout");
		sem_post(&room->empty);
	}
	shmdt(room);
	return 0;
}

int main(int argc, char *argv[])
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2]);
	if (argc == 3 && strcmp(argv[1], "join") == 0)
		return join(argv[2]);
	fprintf(stderr, "usage: %s serve|join KEYFILE\n", argv[0]);
	return 2;
}
