/*
 * A child reads standard input with fgets() and sends records of fixed size over a socket pair.
 * The parent, who alone knows the room, waits with sigtimedwait(): for a signal, a tick, or
 * nothing.
 */
#define _GNU_SOURCE
#include "chat_room.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct record {
	enum { TEXT, FINISH, TROUBLE } kind;
	char text[CHAT_LINE];
};

static struct chat_room *room;
static sigset_t stops;

_Noreturn static void read_input(int to, pid_t parent)
{
	char line[CHAT_LINE + 1];
	struct record record;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	do {
		size_t n = 0;
		int c;

		memset(&record, 0, sizeof record);
		while ((c = getchar()) != EOF && c != '\n' && c != '\0' && n < CHAT_LINE)
			line[n++] = c;
		line[n] = '\0';
		if ((c == EOF && ferror(stdin)) || c == '\0' || n >= CHAT_LINE)
			record.kind = TROUBLE;
		else if ((c == EOF && n == 0) || strcmp(line, "exit") == 0)
			record.kind = FINISH;
		else
			memcpy(record.text, line, n + 1);
		if (send(to, &record, sizeof record, MSG_NOSIGNAL) != sizeof record)
			_exit(1);
	} while (record.kind == TEXT);
	_exit(0);
}

/* A short rest; true when it is time to leave, with the reason on stderr. */
static int must_leave(void)
{
	struct timespec rest = { .tv_nsec = 60000000 };

	if (sigtimedwait(&stops, NULL, &rest) > 0) {
		warnx("server: asked to stop");
		return 1;
	}
	pid_t guest = atomic_load(&room->guest);

	if (guest != 0 && kill(guest, 0) != 0 && errno == ESRCH) {
		warnx("guest: died");
		return 1;
	}
	return 0;
}

static int slot_is_mine(void)
{
	/* A few quick tries first, for a guest that is fast. */
	for (int i = 0; sem_trywait(&room->empty) != 0; i++)
		if (i > 2 && must_leave())
			return 0;
	return 1;
}

static int hand_on(int from)
{
	struct record record;

	for (;;) {
		ssize_t got = recv(from, &record, sizeof record, MSG_DONTWAIT);

		if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
			if (must_leave())
				return 1;
			continue;
		}
		if (got != sizeof record)
			record.kind = TROUBLE;
		if (!slot_is_mine())
			return 1;
		if (record.kind == TROUBLE) {
			warnx("input: unreadable, or a line that is too long");
			return 1;
		}
		if (record.kind == FINISH)
			break;
		memcpy(room->line, record.text, CHAT_LINE);
		sem_post(&room->full);
	}
	while (atomic_load(&room->guest) == 0)
		if (must_leave())
			return 1;
	return 0;
}

static int serve(key_t key)
{
	int ends[2], id;
	pid_t self = getpid();

	sigemptyset(&stops);
	sigaddset(&stops, SIGINT);
	sigaddset(&stops, SIGTERM);
	sigprocmask(SIG_BLOCK, &stops, NULL);
	while ((id = shmget(key, sizeof *room, IPC_CREAT | IPC_EXCL | 0600)) == -1) {
		struct shmid_ds info;
		int old = errno == EEXIST ? shmget(key, 0, 0) : -1;

		if (old == -1 || shmctl(old, IPC_STAT, &info) == -1)
			err(1, "shmget");
		if (info.shm_segsz != sizeof *room)
			errx(1, "shmget: the key is somebody else's");
		room = shmat(old, NULL, 0);
		if (room == (void *)-1)
			err(1, "shmat");
		if (room->magic != CHAT_MAGIC)
			errx(1, "shmget: the key is somebody else's");
		if (kill(room->server, 0) == 0 || errno == EPERM)
			errx(1, "room: server %d lives", (int)room->server);
		if (shmdt(room) == -1 || shmctl(old, IPC_RMID, NULL) == -1)
			err(1, "shmctl");
	}
	int status = 1;
	pid_t reader = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1)
		warn("socketpair");
	else if ((reader = fork()) == -1)
		warn("fork");
	else if (reader == 0)
		read_input(ends[1], self);
	else if ((room = shmat(id, NULL, 0)) == (void *)-1)
		warn("shmat");
	else {
		room->server = self;
		sem_init(&room->empty, 1, 1);
		sem_init(&room->full, 1, 0);
		atomic_store_explicit(&room->magic, CHAT_MAGIC, memory_order_release);
		status = hand_on(ends[0]);
		atomic_store(&room->ended, 1);
		sem_post(&room->full);
	}
	if (shmctl(id, IPC_RMID, NULL) == -1) {
		warn("shmctl");
		status = 1;
	}
	if (reader > 0)
		kill(reader, SIGKILL);
	return status;
}

static int join(key_t key)
{
	struct shmid_ds info;
	int id = shmget(key, sizeof *room, 0), nobody = 0;

	if (id == -1 || shmctl(id, IPC_STAT, &info) == -1)
		err(1, "shmget");
	room = shmat(id, (void *)0x500000000000, SHM_RND);
	if (room == (void *)-1)
		err(1, "shmat");
	if (info.shm_segsz != sizeof *room || room->magic != CHAT_MAGIC)
		errx(1, "shmat: that is no room");
	if (!__atomic_compare_exchange_n((int *)&room->guest, &nobody, getpid(), 0,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		errx(1, "room: full");
	for (;;) {
		struct timespec tick = { .tv_nsec = 60000000 };

		if (sem_trywait(&room->full) == -1) {
			int dead = kill(room->server, 0) == -1 && errno == ESRCH;

			if (!dead)
				nanosleep(&tick, NULL);
			else if (sem_trywait(&room->full) == -1)
				errx(1, "server: died");
			else
				sem_post(&room->full);
			continue;
		}
		if (room->ended)
			return 0;
		/* One write for the line and its newline, in a copy of my own. */
		char text[CHAT_LINE + 1];
		int length = snprintf(text, sizeof text, "%s\n", room->line);

		for (int done = 0; done < length;) {
			ssize_t n = write(STDOUT_FILENO, text + done, length - done);

			if (n == -1 && errno != EINTR)
				err(1, "stdout");
			done += n > 0 ? n : 0;
		}
		sem_post(&room->empty);
	}
}

int main(int argc, char **argv)
{
	if (argc != 3 || (strcmp(argv[1], "serve") && strcmp(argv[1], "join"))) {
		fprintf(stderr, "usage: chat serve|join KEYFILE\n");
		exit(2);
	}
	key_t key = ftok(argv[2], 65);

	if (key == (key_t)-1)
		err(1, "%s", argv[2]);
	return argv[1][0] == 's' ? serve(key) : join(key);
}
