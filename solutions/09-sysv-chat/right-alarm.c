/*
 * Plain blocking calls, and an interval timer that interrupts them twice a second (EINTR). A tick
 * that comes a moment too early is repaired by the next. The handler of SIGTERM and SIGINT removes
 * the room itself and leaves: shmctl() and _exit() are allowed there, and the signals are blocked
 * while the id is not yet known.
 */
#include "chat_room.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/time.h>
#include <unistd.h>

static struct chat_room *volatile room;
static volatile int id = -1;

static void tick(int signal)
{
	(void)signal;
}

static void go(int signal)
{
	(void)signal;
	if (id != -1)
		shmctl(id, IPC_RMID, NULL);
	if (room) {
		room->ended = 1;
		sem_post(&room->full);
	}
	_exit(1);
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "chat: %s: %s\n", what, why);
	exit(1);
}

static void start_ticking(void)
{
	struct sigaction action = { .sa_handler = tick };
	struct itimerval half = { { 0, 500000 }, { 0, 500000 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &half, NULL);
}

static int dead(int pid)
{
	return pid != 0 && kill(pid, 0) == -1 && errno == ESRCH;
}

static int is_room(int which)
{
	struct shmid_ds state;
	int good = 0;

	if (shmctl(which, IPC_STAT, &state) == 0 && state.shm_segsz == sizeof *room) {
		void *where = shmat(which, NULL, 0);

		if (where != (void *)-1) {
			room = where;
			good = room->magic == CHAT_MAGIC;
			if (!good)
				shmdt(where), room = NULL;
		}
	}
	return good;
}

static void quit(const char *what, const char *why)
{
	fprintf(stderr, "chat: %s: %s\n", what, why);
	go(0);
}

static void slot(void)
{
	while (sem_wait(&room->empty) == -1)
		if (dead(room->guest))
			quit("guest", "gone");
}

/* Byte by byte: slow, and nothing is ever in a buffer that nobody watches. */
static int byte(void)
{
	unsigned char c;

	for (;;) {
		ssize_t n = read(0, &c, 1);

		if (n >= 0)
			return n ? c : -1;
		if (errno != EINTR)
			return -2;
		if (dead(room->guest))
			quit("guest", "gone");
	}
}

static void serve(key_t key)
{
	struct sigaction action = { .sa_handler = go };
	sigset_t both, before;

	sigemptyset(&both);
	sigaddset(&both, SIGTERM);
	sigaddset(&both, SIGINT);
	action.sa_mask = both;
	sigprocmask(SIG_BLOCK, &both, &before);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	int new = shmget(key, sizeof *room, IPC_CREAT | IPC_EXCL | 0600);

	if (new == -1 && errno == EEXIST) {
		int old = shmget(key, 0, 0);

		if (old == -1 || !is_room(old))
			die("segment", "not a room");
		int live = !dead(room->server);

		shmdt(room);
		room = NULL;
		if (live)
			die("segment", "in use");
		shmctl(old, IPC_RMID, NULL);
		new = shmget(key, sizeof *room, IPC_CREAT | IPC_EXCL | 0600);
	}
	if (new == -1)
		die("shmget", strerror(errno));
	void *where = shmat(new, NULL, 0);

	id = new;
	if (where == (void *)-1) {
		perror("chat: shmat");
		go(0);
	}
	room = where;
	room->server = getpid();
	sem_init(&room->empty, 1, 1);
	sem_init(&room->full, 1, 0);
	atomic_store_explicit(&room->magic, CHAT_MAGIC, memory_order_release);
	sigprocmask(SIG_SETMASK, &before, NULL);
	start_ticking();

	char line[CHAT_LINE];
	int last = 0;

	while (!last) {
		int n = 0, c;

		while ((c = byte()) > 0 && c != '\n') {
			if (n == CHAT_LINE - 1) {
				c = -3;
				break;
			}
			line[n++] = c;
		}
		if (c == -2 || c == -3 || c == 0) {
			slot();
			quit("line", c == -2 ? "cannot be read" : "does not fit");
		}
		last = c == -1;
		line[n] = '\0';
		if (strcmp(line, "exit") == 0 || (last && n == 0))
			break;
		slot();
		memcpy(room->line, line, n + 1);
		sem_post(&room->full);
	}
	slot();
	while (room->guest == 0)
		pause();
	room->ended = 1;
	sem_post(&room->full);
	if (shmctl(id, IPC_RMID, NULL) == -1)
		die("shmctl", strerror(errno));
}

static void join(key_t key)
{
	int there = shmget(key, 0, 0), free_place = 0;

	if (there == -1)
		die("shmget", strerror(errno));
	if (!is_room(there))
		die("segment", "not a room");
	if (!atomic_compare_exchange_strong(&room->guest, &free_place, getpid()))
		die("guest", "there is one");
	start_ticking();
	for (;;) {
		while (sem_wait(&room->full) == -1)
			if (dead(room->server)) {
				if (sem_trywait(&room->full) == 0)
					break;
				die("server", "gone");
			}
		if (room->ended)
			return;
		fputs(room->line, stdout);
		putchar('\n');
		if (fflush(stdout) == EOF)
			die("stdout", strerror(errno));
		sem_post(&room->empty);
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && (!strcmp(argv[1], "serve") || !strcmp(argv[1], "join"))) {
		key_t key = ftok(argv[2], 65);

		if (key == -1)
			die(argv[2], strerror(errno));
		(argv[1][0] == 's' ? serve : join)(key);
		return 0;
	}
	fputs("usage: chat serve|join KEYFILE\n", stderr);
	return 2;
}
