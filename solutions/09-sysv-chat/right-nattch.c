/*
 * The kernel counts the visitors: whoever dies is detached, so IPC_STAT tells each side whether the
 * other is still there, without kill() and without pids. Everything is looked at ten times a
 * second: sem_trywait(), standard input set to not block, and flags left by the signals.
 */
#define _GNU_SOURCE
#include "chat_room.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/select.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

static struct chat_room *room;
static int id = -1;
static volatile sig_atomic_t told;

static void tell(int number)
{
	told = number;
}

static int trouble(const char *text)
{
	return fprintf(stderr, "chat: %s\n", text), 1;
}

static unsigned long visitors(void)
{
	struct shmid_ds state;

	/* The room may be marked for removal already: that is no matter while one is inside. */
	return shmctl(id, IPC_STAT, &state) == -1 ? 0 : state.shm_nattch;
}

static void rest(int input)
{
	struct timeval tenth = { .tv_usec = 100000 };
	fd_set set;

	FD_ZERO(&set);
	if (input)
		FD_SET(0, &set);
	select(1, &set, NULL, NULL, &tenth);
}

/* One look at everything that may end the server: 0 when all is well. */
static int must_stop(int guest_came)
{
	if (told)
		return trouble("signal: asked to stop");
	if (guest_came && visitors() < 2)
		return trouble("guest: nobody is attached any more");
	return 0;
}

static int slot(void)
{
	while (sem_trywait(&room->empty) == -1) {
		int came = room->guest != 0;

		if (must_stop(came))
			return -1;
		rest(0);
	}
	return 0;
}

static int talk(void)
{
	static char text[CHAT_LINE];
	static char chunk[512];
	size_t length = 0;
	ssize_t got;

	for (;;) {
		if (must_stop(room->guest != 0))
			return 1;
		fd_set set;
		struct timeval tenth = { .tv_usec = 100000 };

		FD_ZERO(&set);
		FD_SET(0, &set);
		if (select(1, &set, NULL, NULL, &tenth) <= 0)
			continue;
		got = read(0, chunk, sizeof chunk);
		if (got == -1 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got == -1)
			return slot() ? 1 : trouble("stdin: it cannot be read");
		if (got == 0 && length == 0)
			return slot();
		if (got == 0)
			chunk[got++] = '\n';
		for (ssize_t i = 0; i < got; i++) {
			if (chunk[i] != '\n') {
				if (chunk[i] == '\0' || length == sizeof text - 1)
					return slot() ? 1 : trouble("line: it does not fit");
				text[length++] = chunk[i];
				continue;
			}
			text[length] = '\0';
			if (slot())
				return 1;
			if (!strcmp(text, "exit"))
				return 0;
			memcpy(room->line, text, length + 1);
			sem_post(&room->full);
			length = 0;
		}
	}
}

static int look_inside(int with)
{
	struct shmid_ds state;

	if (shmctl(with, IPC_STAT, &state) || state.shm_segsz != sizeof *room)
		return -1;
	room = shmat(with, 0, 0);
	if (room == (struct chat_room *)-1)
		return -1;
	if (room->magic != CHAT_MAGIC)
		return shmdt(room), -1;
	id = with;
	return 0;
}

static int serve(key_t key)
{
	struct sigaction sa = { .sa_handler = tell };

	sigaction(SIGINT, &sa, 0);
	sigaction(SIGTERM, &sa, 0);
	int old = shmget(key, 0, 0);

	if (old >= 0) {
		if (look_inside(old))
			return trouble("key: taken by something that is no room");
		int live = room->server > 0 && (!kill(room->server, 0) || errno != ESRCH);

		shmdt(room);
		if (live)
			return trouble("key: another server uses it");
		shmctl(old, IPC_RMID, 0);
	}
	id = shmget(key, sizeof *room, S_IRUSR | S_IWUSR | IPC_CREAT | IPC_EXCL);
	if (id < 0)
		return trouble("shmget: failed");
	room = shmat(id, 0, 0);
	if (room == (void *)-1) {
		shmctl(id, IPC_RMID, 0);
		return trouble("shmat: failed");
	}
	memset(room, 0, sizeof *room);
	sem_init(&room->empty, 1, 1);
	sem_init(&room->full, 1, 0);
	room->server = getpid();
	room->magic = CHAT_MAGIC;

	int status = talk();

	while (!status && !room->guest) {
		rest(0);
		status = must_stop(0);
	}
	room->ended = 1;
	sem_post(&room->full);
	/* Give the guest a moment to go by itself, but do not depend on it. */
	for (int i = 0; !status && !told && i < 3 && visitors() > 1; i++)
		rest(0);
	shmdt(room);
	if (shmctl(id, IPC_RMID, 0))
		return trouble("shmctl: the room stays");
	return status || told;
}

static int join(key_t key)
{
	int there = shmget(key, 0, SHM_R | SHM_W);

	if (there < 0)
		return trouble("shmget: there is no room");
	if (look_inside(there))
		return trouble("key: this is no room");
	if (kill(room->server, 0) && errno == ESRCH)
		return trouble("room: its server is dead");
	for (int none = 0; !atomic_compare_exchange_weak(&room->guest, &none, getpid()); none = 0)
		if (room->guest)
			return trouble("room: it has a guest");
	for (;;) {
		while (sem_trywait(&room->full)) {
			unsigned long there_are = visitors();

			if (there_are < 2 && sem_trywait(&room->full))
				return trouble("server: it is gone");
			if (there_are < 2)
				break;
			rest(0);
		}
		if (room->ended)
			break;
		printf("%s\n", room->line);
		if (fflush(stdout))
			return trouble("stdout: it takes no more");
		sem_post(&room->empty);
	}
	atomic_store(&room->guest, 0);
	return 0;
}

int main(int n, char **word)
{
	if (n == 3) {
		key_t key = ftok(word[2], 65);
		int s = !strcmp(word[1], "serve"), j = !strcmp(word[1], "join");

		if ((s || j) && key == -1)
			return trouble("KEYFILE: no such file");
		if (s || j)
			return s ? serve(key) : join(key);
	}
	fprintf(stderr, "usage: %s serve|join KEYFILE\n", word[0]);
	return 2;
}
