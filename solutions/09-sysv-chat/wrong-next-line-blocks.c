// expect: FAIL death-is-noticed
/* Looks after the guest before it waits for the slot, and not while it waits. */
/* chat.c - one server, one guest, one slot in a System V segment. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

#include "chat_room.h"

#define TICK_MS 200

static const char *prog = "chat";
static volatile sig_atomic_t stop;

static void complain(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s: %s\n", prog, what, why);
}

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static bool alive(pid_t pid)
{
	return kill(pid, 0) == 0 || errno != ESRCH;
}

/* Waits up to a tick: 1 got it, 0 not yet, -1 error. */
static int tick_wait(sem_t *sem)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += TICK_MS * 1000000L;
	if (t.tv_nsec >= 1000000000L) {
		t.tv_nsec -= 1000000000L;
		t.tv_sec++;
	}
	if (sem_timedwait(sem, &t) == 0)
		return 1;
	return errno == ETIMEDOUT || errno == EINTR ? 0 : -1;
}

/* --- reading lines ------------------------------------------------ */

struct input {
	char buf[4096];
	size_t at, len;
	char line[CHAT_LINE];
	size_t used;
	bool eof;
};

enum got { GOT_LINE, GOT_END, GOT_NOTHING, GOT_BAD, GOT_ERROR };

static enum got next_line(struct input *in)
{
	for (;;) {
		while (in->at < in->len) {
			char c = in->buf[in->at++];
			if (c == '\n') {
				in->line[in->used] = '\0';
				in->used = 0;
				return GOT_LINE;
			}
			if (c == '\0' || in->used == CHAT_LINE - 1)
				return GOT_BAD;
			in->line[in->used++] = c;
		}
		if (in->eof) {
			if (in->used == 0)
				return GOT_END;
			in->line[in->used] = '\0';
			in->used = 0;
			return GOT_LINE;
		}
		struct pollfd p = { .fd = 0, .events = POLLIN };
		int r = poll(&p, 1, TICK_MS);
		if (r == 0 || (r < 0 && errno == EINTR))
			return GOT_NOTHING;
		if (r < 0)
			return GOT_ERROR;
		ssize_t n = read(0, in->buf, sizeof in->buf);
		if (n < 0 && errno == EINTR)
			return GOT_NOTHING;
		if (n < 0)
			return GOT_ERROR;
		in->at = 0;
		in->len = (size_t)n;
		in->eof = n == 0;
	}
}

/* --- server -------------------------------------------------------- */

static int id = -1;
static struct chat_room *room;

static bool troubled(void)
{
	pid_t g;

	if (stop) {
		complain("serve", "stopped by a signal");
		return true;
	}
	g = atomic_load(&room->guest);
	if (g != 0 && !alive(g)) {
		complain("guest", "has died");
		return true;
	}
	return false;
}

/* Takes the empty slot, or returns false for an error that has been told. */
static bool take_slot(void)
{
	for (;;) {
		if (troubled())
			return false;
		int r = sem_wait(&room->empty) ? (errno == EINTR ? 0 : -1) : 1;
		if (r > 0)
			return true;
		if (r < 0) {
			complain("sem_timedwait", strerror(errno));
			return false;
		}
	}
}

static int create(key_t key)
{
	for (int tries = 0; tries < 5; tries++) {
		id = shmget(key, sizeof *room, IPC_CREAT | IPC_EXCL | 0600);
		if (id >= 0)
			return 0;
		if (errno != EEXIST) {
			complain("shmget", strerror(errno));
			return -1;
		}
		int old = shmget(key, 0, 0);
		struct shmid_ds ds;
		if (old < 0) {
			if (errno == ENOENT)
				continue;
			complain("shmget", strerror(errno));
			return -1;
		}
		if (shmctl(old, IPC_STAT, &ds) < 0) {
			complain("shmctl", strerror(errno));
			return -1;
		}
		if (ds.shm_segsz != sizeof *room) {
			complain("room", "a segment of another size has the key");
			return -1;
		}
		struct chat_room *r = shmat(old, NULL, SHM_RDONLY);
		if (r == (void *)-1) {
			complain("shmat", strerror(errno));
			return -1;
		}
		bool good = atomic_load_explicit(&r->magic, memory_order_acquire) == CHAT_MAGIC;
		pid_t server = r->server;
		shmdt(r);
		if (!good) {
			complain("room", "not a chat room");
			return -1;
		}
		if (alive(server)) {
			complain("room", "has a server already");
			return -1;
		}
		if (shmctl(old, IPC_RMID, NULL) < 0) {
			complain("shmctl", strerror(errno));
			return -1;
		}
	}
	complain("room", "cannot be created");
	return -1;
}

static int talk(void)
{
	static struct input in;

	for (;;) {
		switch (next_line(&in)) {
		case GOT_NOTHING:
			if (troubled())
				return 1;
			continue;
		case GOT_ERROR:
			complain("stdin", strerror(errno));
			return 1;
		case GOT_BAD:
			/* those before are taken first */
			if (atomic_load(&room->guest) != 0 || sem_trywait(&room->empty) != 0)
				if (!take_slot())
					return 1;
			complain("stdin", "line too long or with a NUL");
			return 1;
		case GOT_LINE:
			if (strcmp(in.line, "exit") != 0) {
				if (!take_slot())
					return 1;
				strcpy(room->line, in.line);
				sem_post(&room->full);
				continue;
			}
			/* fall through */
		case GOT_END:
			if (!take_slot())
				return 1;
			/* before the end is told: a guest may leave its place at once after it */
			while (atomic_load(&room->guest) == 0) {
				if (stop) {
					complain("serve", "stopped by a signal");
					return 1;
				}
				poll(NULL, 0, 60);
			}
			atomic_store(&room->ended, 1);
			sem_post(&room->full);
			return 0;
		}
	}
}

static int serve(const char *file)
{
	key_t key = ftok(file, 65);
	struct sigaction sa = { .sa_handler = on_signal };
	int status = 1;

	if (key == (key_t)-1) {
		complain(file, strerror(errno));
		return 1;
	}
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	if (create(key) < 0)
		return 1;
	room = shmat(id, NULL, 0);
	if (room == (void *)-1) {
		complain("shmat", strerror(errno));
		room = NULL;
	} else if (sem_init(&room->empty, 1, 1) < 0 || sem_init(&room->full, 1, 0) < 0)
		complain("sem_init", strerror(errno));
	else {
		room->server = getpid();
		atomic_store_explicit(&room->magic, CHAT_MAGIC, memory_order_release);
		status = talk();
	}
	if (room)
		shmdt(room);
	if (shmctl(id, IPC_RMID, NULL) < 0) {
		complain("shmctl", strerror(errno));
		status = 1;
	}
	return status;
}

/* --- guest --------------------------------------------------------- */

static int join(const char *file)
{
	key_t key = ftok(file, 65);
	struct shmid_ds ds;
	int32_t nobody = 0;
	int status = 1;

	if (key == (key_t)-1) {
		complain(file, strerror(errno));
		return 1;
	}
	id = shmget(key, 0, 0);
	if (id < 0 || shmctl(id, IPC_STAT, &ds) < 0) {
		complain(file, strerror(errno));
		return 1;
	}
	if (ds.shm_segsz != sizeof *room) {
		complain(file, "segment has another size");
		return 1;
	}
	room = shmat(id, NULL, 0);
	if (room == (void *)-1) {
		complain("shmat", strerror(errno));
		return 1;
	}
	if (atomic_load_explicit(&room->magic, memory_order_acquire) != CHAT_MAGIC) {
		complain(file, "no chat room, or not ready");
		goto out;
	}
	if (!atomic_compare_exchange_strong(&room->guest, &nobody, getpid())) {
		complain(file, "there is a guest already");
		goto out;
	}
	for (;;) {
		bool dead = !alive(room->server);
		int r = tick_wait(&room->full);
		if (r < 0) {
			complain("sem_timedwait", strerror(errno));
			goto out;
		}
		if (r == 0) {
			if (dead) {
				complain("server", "has died");
				goto out;
			}
			continue;
		}
		if (atomic_load(&room->ended)) {
			status = 0;
			goto out;
		}
		if (printf("%s\n", room->line) < 0 || fflush(stdout) == EOF) {
			complain("stdout", strerror(errno));
			goto out;
		}
		sem_post(&room->empty);
	}
out:
	shmdt(room);
	return status;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2]);
	if (argc == 3 && strcmp(argv[1], "join") == 0)
		return join(argv[2]);
	fprintf(stderr, "usage: %s serve|join KEYFILE\n", prog);
	return 2;
}
