/*
 * Threads instead of time limits: one reads with getline() and hands on, one takes the signals,
 * one looks after the guest. Whoever sees the end removes the room and leaves for all.
 */
#include "chat_room.h"

#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

static struct chat_room *room;
static int room_id;
static pthread_mutex_t leaving = PTHREAD_MUTEX_INITIALIZER;

/* The lock is never given back: the first one out closes the door. */
static void leave(int status)
{
	pthread_mutex_lock(&leaving);
	room->ended = 1;
	sem_post(&room->full);
	if (shmctl(room_id, IPC_RMID, NULL)) {
		warn("shmctl");
		status = 1;
	}
	_exit(status);
}

static void *take_signals(void *set)
{
	int signal;

	sigwait(set, &signal);
	warnx("signal: %s", strsignal(signal));
	leave(1);
	return NULL;
}

static void *look_after_guest(void *unused)
{
	(void)unused;
	for (;;) {
		int guest = room->guest;

		if (guest && kill(guest, 0) == -1 && errno == ESRCH) {
			warnx("guest: it is dead");
			leave(1);
		}
		usleep(300000);
	}
	return NULL;
}

static int dead_room_removed(key_t key)
{
	struct shmid_ds ds;
	int id = shmget(key, 0, 0);

	if (id == -1 || shmctl(id, IPC_STAT, &ds) || ds.shm_segsz != sizeof *room)
		return 0;
	struct chat_room *old = shmat(id, NULL, SHM_RDONLY);

	if (old == (void *)-1)
		return 0;
	int dead = old->magic == CHAT_MAGIC && kill(old->server, 0) == -1 && errno == ESRCH;

	shmdt(old);
	return dead && shmctl(id, IPC_RMID, NULL) == 0;
}

static void serve(key_t key)
{
	static sigset_t set;
	pthread_t thread;
	char *line = NULL;
	size_t space = 0;
	ssize_t length;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);

	do
		room_id = shmget(key, sizeof *room, IPC_EXCL | IPC_CREAT | 0600);
	while (room_id == -1 && errno == EEXIST && dead_room_removed(key));
	if (room_id == -1)
		err(1, "shmget");
	room = shmat(room_id, NULL, 0);
	if (room == (void *)-1) {
		warn("shmat");
		shmctl(room_id, IPC_RMID, NULL);
		exit(1);
	}
	room->server = getpid();
	sem_init(&room->full, 1, 0);
	sem_init(&room->empty, 1, 1);
	atomic_store_explicit(&room->magic, CHAT_MAGIC, memory_order_release);
	if (pthread_create(&thread, NULL, take_signals, &set) ||
	    pthread_create(&thread, NULL, look_after_guest, NULL)) {
		warnx("pthread_create: no thread");
		leave(1);
	}

	while ((length = getline(&line, &space, stdin)) != -1) {
		if (line[length - 1] == '\n')
			line[--length] = '\0';
		while (sem_wait(&room->empty))
			;
		if (strlen(line) != (size_t)length || length >= CHAT_LINE) {
			warnx("line: it does not fit");
			leave(1);
		}
		if (!strcmp(line, "exit")) {
			sem_post(&room->empty);
			break;
		}
		memcpy(room->line, line, length + 1);
		sem_post(&room->full);
	}
	if (ferror(stdin))
		warn("stdin");
	int status = ferror(stdin) != 0;

	while (sem_wait(&room->empty))
		;
	while (!status && !room->guest)
		usleep(100000);
	leave(status);
}

static void *wait_for_news(void *unused)
{
	(void)unused;
	for (;;) {
		while (sem_wait(&room->full))
			;
		if (room->ended)
			_exit(0);
		if (puts(room->line) == EOF || fflush(stdout)) {
			warn("stdout");
			_exit(1);
		}
		sem_post(&room->empty);
	}
	return NULL;
}

static void join(key_t key)
{
	struct shmid_ds ds;
	pthread_t thread;
	int32_t nobody = 0;

	room_id = shmget(key, 0, 0);
	if (room_id == -1 || shmctl(room_id, IPC_STAT, &ds))
		err(1, "shmget");
	if (ds.shm_segsz != sizeof *room)
		errx(1, "segment: wrong size");
	room = shmat(room_id, NULL, 0);
	if (room == (void *)-1)
		err(1, "shmat");
	for (int i = 0; i < 10 && room->magic == 0; i++)
		usleep(20000);
	if (room->magic != CHAT_MAGIC)
		errx(1, "segment: no room");
	if (!atomic_compare_exchange_strong(&room->guest, &nobody, (int32_t)getpid()))
		errx(1, "room: taken");
	if (pthread_create(&thread, NULL, wait_for_news, NULL))
		errx(1, "pthread_create: no thread");
	while (kill(room->server, 0) == 0)
		usleep(400000);
	if (room->ended) {
		/* It went in good order, and the other thread is about to learn that. */
		sem_post(&room->full);
		pause();
	}
	errx(1, "server: it is dead");
}

int main(int argc, char **argv)
{
	int serves = argc == 3 && !strcmp(argv[1], "serve");
	int joins = argc == 3 && !strcmp(argv[1], "join");

	if (!serves && !joins) {
		fprintf(stderr, "usage: chat serve|join KEYFILE\n");
		return 2;
	}
	key_t key = ftok(argv[2], 65);

	if (key == -1)
		err(1, "%s", argv[2]);
	serves ? serve(key) : join(key);
}
