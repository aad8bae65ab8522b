/* Signals come only while it waits: ppoll and pselect bring the mask that lets them in. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

#include "chat_room.h"

#define TICK_MS 200

static struct chat_room *room;
static int id = -1;
static sigset_t stops, open_mask;

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "chat: %s: %s\n", what, why);
	return 1;
}

static int fail(const char *what)
{
	return complain(what, strerror(errno));
}

static int dead(pid_t pid)
{
	return kill(pid, 0) == -1 && errno == ESRCH;
}

static volatile sig_atomic_t sig_seen;

static void on_signal(int s)
{
	sig_seen = s;
}

static int stopped(void)
{
	return sig_seen;
}

static struct timespec after(long ms)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

/* 0: go on, 1: an error was reported */
static int look_around(void)
{
	pid_t guest = room->guest;

	if (stopped())
		return complain("serve", "stopped by a signal");
	if (guest != 0 && dead(guest))
		return complain("serve", "the guest has died");
	return 0;
}

static int wait_empty(void)
{
	for (;;) {
		struct timespec t = { 0, TICK_MS * 500000 };

		if (sem_trywait(&room->empty) == 0)
			return 0;
		if (errno != EAGAIN)
			return fail("sem_trywait");
		pselect(0, NULL, NULL, NULL, &t, &open_mask);
		if (look_around())
			return 1;
	}
}

static int wait_guest(void)
{
	while (room->guest == 0) {
		if (look_around())
			return 1;
		ppoll(NULL, 0, &(struct timespec){ 0, 100000000 }, &open_mask);
	}
	return 0;
}

static int hand_on(const char *line, size_t n)
{
	if (wait_empty())
		return 1;
	memcpy(room->line, line, n);
	room->line[n] = '\0';
	sem_post(&room->full);
	return 0;
}

static int finish(void)
{
	if (wait_guest())
		return 1;
	if (wait_empty())
		return 1;
	room->ended = 1;
	sem_post(&room->full);
	return 0;
}

/* a bad line or a failed read: what was handed on before must still be taken */
static int give_up(int sent)
{
	if (sent)
		wait_empty();
	return 1;
}

static int talk(void)
{
	char buffer[4096];
	char line[CHAT_LINE];
	size_t n = 0;
	int sent = 0;

	for (;;) {
		struct pollfd p = { .fd = 0, .events = POLLIN };
		struct timespec tick = { 0, TICK_MS * 1000000 };
		int ready = ppoll(&p, 1, &tick, &open_mask);
		ssize_t got;

		if (ready == -1 && errno != EINTR)
			return fail("poll");
		if (look_around())
			return 1;
		if (ready <= 0)
			continue;
		got = read(0, buffer, sizeof(buffer));
		if (got == -1) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			fail("stdin");
			return give_up(sent);
		}
		if (got == 0) {
			if (n > 0 && !(n == 4 && memcmp(line, "exit", 4) == 0))
				if (hand_on(line, n))
					return 1;
			return finish();
		}
		for (ssize_t i = 0; i < got; i++) {
			char c = buffer[i];

			if (c == '\n') {
				if (n == 4 && memcmp(line, "exit", 4) == 0)
					return finish();
				if (hand_on(line, n))
					return 1;
				sent = 1;
				n = 0;
			} else if (c == '\0') {
				complain("stdin", "a line holds a NUL");
				return give_up(sent);
			} else if (n == CHAT_LINE - 1) {
				complain("stdin", "a line is too long");
				return give_up(sent);
			} else {
				line[n++] = c;
			}
		}
	}
}

/* 1: try again, 0: error reported */
static int replace(key_t key)
{
	struct shmid_ds ds;
	struct chat_room *old;
	int other = shmget(key, 0, 0);
	int gone = 0;

	if (other == -1) {
		if (errno == ENOENT)
			return 1;
		fail("shmget");
		return 0;
	}
	if (shmctl(other, IPC_STAT, &ds) == -1) {
		if (errno == EINVAL || errno == EIDRM)
			return 1;
		fail("shmctl");
		return 0;
	}
	if (ds.shm_segsz != sizeof(*old)) {
		complain("serve", "a segment of another size has this key");
		return 0;
	}
	old = shmat(other, NULL, SHM_RDONLY);
	if (old == (void *)-1) {
		if (errno == EINVAL || errno == EIDRM)
			return 1;
		fail("shmat");
		return 0;
	}
	if (atomic_load(&old->magic) != CHAT_MAGIC)
		complain("serve", "a segment that is no room has this key");
	else if (!dead(old->server))
		complain("serve", "the room has a server already");
	else
		gone = 1;
	shmdt(old);
	if (gone && shmctl(other, IPC_RMID, NULL) == -1 && errno != EINVAL && errno != EIDRM) {
		fail("IPC_RMID");
		return 0;
	}
	return gone;
}

static int serve(const char *keyfile)
{
	key_t key = ftok(keyfile, 65);
	int result;

	if (key == -1)
		return fail(keyfile);
	sigemptyset(&stops);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGINT);
	sigprocmask(SIG_BLOCK, &stops, &open_mask);
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_signal, .sa_mask = stops }, NULL);
	sigaction(SIGINT, &(struct sigaction){ .sa_handler = on_signal, .sa_mask = stops }, NULL);
	while ((id = shmget(key, sizeof(*room), IPC_CREAT | IPC_EXCL | 0600)) == -1) {
		if (errno != EEXIST)
			return fail("shmget");
		if (!replace(key))
			return 1;
	}
	room = shmat(id, NULL, 0);
	if (room == (void *)-1) {
		fail("shmat");
		shmctl(id, IPC_RMID, NULL);
		return 1;
	}
	room->server = getpid();
	room->guest = 0;
	room->ended = 0;
	if (sem_init(&room->empty, 1, 1) == -1 || sem_init(&room->full, 1, 0) == -1) {
		fail("sem_init");
		shmctl(id, IPC_RMID, NULL);
		return 1;
	}
	atomic_store_explicit(&room->magic, CHAT_MAGIC, memory_order_release);
	result = talk();
	if (shmctl(id, IPC_RMID, NULL) == -1)
		result = fail("IPC_RMID");
	shmdt(room);
	return result;
}

static int put(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(1, p, n);

		if (w == -1 && errno == EINTR)
			continue;
		if (w == -1)
			return fail("stdout");
		p += w;
		n -= w;
	}
	return 0;
}

static int wait_full(void)
{
	for (;;) {
		struct timespec t = after(500);

		if (sem_timedwait(&room->full, &t) == 0)
			return 0;
		if (errno != ETIMEDOUT && errno != EINTR)
			return fail("sem_timedwait");
		if (dead(room->server)) {
			if (sem_trywait(&room->full) == 0)
				return 0;
			return complain("join", "the server has died");
		}
	}
}

static int join(const char *keyfile)
{
	key_t key = ftok(keyfile, 65);
	struct shmid_ds ds;
	int32_t nobody = 0;
	char out[CHAT_LINE + 1];
	size_t n;

	if (key == -1)
		return fail(keyfile);
	signal(SIGPIPE, SIG_IGN);
	id = shmget(key, 0, 0);
	if (id == -1)
		return fail("shmget");
	if (shmctl(id, IPC_STAT, &ds) == -1)
		return fail("shmctl");
	if (ds.shm_segsz != sizeof(*room))
		return complain("join", "the segment is no room: its size is wrong");
	room = shmat(id, NULL, 0);
	if (room == (void *)-1)
		return fail("shmat");
	if (atomic_load_explicit(&room->magic, memory_order_acquire) != CHAT_MAGIC)
		return complain("join", "the segment is no room, or not ready");
	if (dead(room->server))
		return complain("join", "the server of this room is dead");
	if (!atomic_compare_exchange_strong(&room->guest, &nobody, getpid()))
		return complain("join", "there is a guest already");
	for (;;) {
		if (wait_full())
			return 1;
		if (room->ended)
			break;
		n = strnlen(room->line, CHAT_LINE - 1);
		memcpy(out, room->line, n);
		out[n++] = '\n';
		if (put(out, n))
			return 1;
		sem_post(&room->empty);
	}
	shmdt(room);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2]);
	if (argc == 3 && strcmp(argv[1], "join") == 0)
		return join(argv[2]);
	fprintf(stderr, "usage: chat serve KEYFILE | chat join KEYFILE\n");
	return 2;
}
