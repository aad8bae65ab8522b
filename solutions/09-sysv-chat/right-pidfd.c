/*
 * Descriptors instead of signals and pids: a signalfd for SIGINT and SIGTERM, a pidfd for the
 * peer, and one poll() over all with standard input. The peer's pidfd is taken once, so a pid that
 * is used again by somebody else deceives nobody.
 */
#define _GNU_SOURCE
#include "chat_room.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { GO_ON, STOP, GONE };

static struct chat_room *room;
static int signals = -1, peer = -1;

static int say(const char *what, const char *reason)
{
	fprintf(stderr, "chat: %s: %s\n", what, reason);
	return 1;
}

/* Looks at signals, the peer and (where asked) standard input for up to 250 ms. */
static int look(int with_input, int *input_ready, int ms)
{
	if (peer == -1 && signals != -1 && room->guest != 0) {
		peer = syscall(SYS_pidfd_open, (pid_t)room->guest, 0);
		if (peer == -1)
			return GONE;
	}
	struct pollfd all[3] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = peer, .events = POLLIN },
		{ .fd = with_input ? 0 : -1, .events = POLLIN },
	};

	if (poll(all, 3, ms) == -1)
		return GO_ON;
	if (input_ready)
		*input_ready = all[2].revents != 0;
	return all[0].revents ? STOP : all[1].revents ? GONE : GO_ON;
}

static int take(sem_t *sem)
{
	for (;;) {
		struct timespec soon;

		clock_gettime(CLOCK_REALTIME, &soon);
		soon.tv_nsec += 100000000;
		if (soon.tv_nsec >= 1000000000)
			soon.tv_nsec -= 1000000000, soon.tv_sec++;
		if (sem_timedwait(sem, &soon) == 0)
			return GO_ON;
		int news = look(0, NULL, 0);

		if (news == STOP || (news == GONE && sem_trywait(sem) != 0))
			return news;
		if (news == GONE)
			return GO_ON;
	}
}

/* Whether the segment is a finished room; attaches it to `room`. */
static int enter(int id)
{
	struct shmid_ds state;

	if (shmctl(id, IPC_STAT, &state) || state.shm_segsz != sizeof *room)
		return 0;
	void *where = shmat(id, NULL, 0);

	if (where == (void *)-1)
		return 0;
	room = where;
	if (atomic_load(&room->magic) == CHAT_MAGIC)
		return 1;
	shmdt(where);
	return 0;
}

/* One line at a time out of a large block; -1 for a bad one or an unreadable input, 0 at the end.
 */
static char *block;
static size_t have, used;

static int next(char **line, int *news)
{
	for (;;) {
		char *end = memchr(block + used, '\n', have - used);
		size_t length = end ? (size_t)(end - block) - used : have - used;

		if (memchr(block + used, '\0', length) || length >= CHAT_LINE)
			return -1;
		if (end) {
			*end = '\0';
			*line = block + used;
			used += length + 1;
			return 1;
		}
		memmove(block, block + used, length);
		have = length;
		used = 0;
		int ready = 0;

		while (!ready)
			if ((*news = look(1, &ready, 250)) != GO_ON)
				return -1;
		ssize_t got = read(0, block + have, 65536);

		if (got < 0)
			return -1;
		if (got == 0) {
			block[have] = '\0';
			*line = block;
			got = have != 0;
			have = 0;
			return got;
		}
		have += got;
	}
}

static int conversation(void)
{
	char *line = NULL;
	int more, news = GO_ON;

	while ((more = next(&line, &news)) == 1 && strcmp(line, "exit") != 0) {
		news = take(&room->empty);
		if (news != GO_ON)
			break;
		stpcpy(room->line, line);
		sem_post(&room->full);
	}
	if (news == GO_ON)
		news = take(&room->empty);
	while (news == GO_ON && more != -1 && peer == -1)
		news = look(0, NULL, 50);
	if (news == STOP)
		return say("signal", "told to stop");
	if (news == GONE)
		return say("guest", "it has died");
	return more == -1 ? say("input", "unreadable, or a line that does not fit") : 0;
}

static int serve(key_t key)
{
	sigset_t set;
	int id;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	block = calloc(1, 65536 + 2 * CHAT_LINE);
	if (signals == -1 || !block)
		return say("start", strerror(errno));
	id = shmget(key, sizeof *room, 0);
	if (id != -1) {
		if (!enter(id))
			return say("segment", "it is no room");
		int old = syscall(SYS_pidfd_open, (pid_t)room->server, 0);

		if (old != -1 || errno != ESRCH)
			return say("room", "its server lives");
		shmdt(room);
		shmctl(id, IPC_RMID, NULL);
	}
	id = shmget(key, sizeof *room, 0600 | IPC_CREAT | IPC_EXCL);
	if (id == -1)
		return say("shmget", strerror(errno));
	room = shmat(id, NULL, 0);
	int status;

	if (room == (void *)-1) {
		status = say("shmat", strerror(errno));
	} else {
		sem_init(&room->empty, 1, 1);
		sem_init(&room->full, 1, 0);
		atomic_store(&room->server, getpid());
		atomic_store_explicit(&room->magic, CHAT_MAGIC, memory_order_release);
		status = conversation();
		atomic_store(&room->ended, 1);
		sem_post(&room->full);
	}
	if (shmctl(id, IPC_RMID, NULL) == -1)
		status = say("shmctl", strerror(errno));
	return status;
}

static int join(key_t key)
{
	int id = shmget(key, 0, 0);

	if (id == -1)
		return say("shmget", strerror(errno));
	if (!enter(id))
		return say("segment", "it is no room");
	peer = syscall(SYS_pidfd_open, (pid_t)room->server, 0);
	if (peer == -1)
		return say("server", strerror(errno));
	int32_t mine = 0;

	if (!atomic_compare_exchange_strong(&room->guest, &mine, getpid()))
		return say("room", "it has its guest");
	while (take(&room->full) == GO_ON) {
		if (atomic_load(&room->ended)) {
			atomic_store(&room->guest, 0);
			sem_post(&room->empty);
			return 0;
		}
		if (dprintf(1, "%s\n", room->line) < 0)
			return say("stdout", strerror(errno));
		sem_post(&room->empty);
	}
	return say("server", "it has died");
}

int main(int argc, char **argv)
{
	int (*play)(key_t) = NULL;

	if (argc == 3)
		play = !strcmp(argv[1], "serve") ? serve : !strcmp(argv[1], "join") ? join : NULL;
	if (!play) {
		fputs("usage: chat serve KEYFILE | chat join KEYFILE\n", stderr);
		return 2;
	}
	key_t key = ftok(argv[2], 'A');

	return key == -1 ? say(argv[2], strerror(errno)) : play(key);
}
