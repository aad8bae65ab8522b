// expect: FAIL live-room-kept
/* The room of a dead server is made ready for removal before it is known to be dead. */
#define _GNU_SOURCE /* sem_clockwait */
#include "chat_room.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

#define PROJECT_ID 65
#define SLICE_MS   200 /* no wait is longer than this without a look at the other side */

struct input {
	char bytes[4096];
	size_t from, to;
	bool over;
};

static volatile sig_atomic_t stopped; /* SIGTERM or SIGINT has come */

static void on_signal(int signal)
{
	stopped = signal;
}

static int complain(const char *what)
{
	fprintf(stderr, "chat: %s: %s\n", what, strerror(errno));
	return -1;
}

static bool alive(pid_t pid)
{
	return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

/* Attaches the segment if it is a room; NULL and errno when it is something else. */
static struct chat_room *attach_room(int id)
{
	struct shmid_ds status;

	if (shmctl(id, IPC_STAT, &status) == -1)
		return NULL;
	if (status.shm_segsz != sizeof(struct chat_room)) {
		errno = EINVAL;
		return NULL;
	}
	struct chat_room *room = shmat(id, NULL, 0);

	if (room == (void *)-1)
		return NULL;
	if (atomic_load_explicit(&room->magic, memory_order_acquire) != CHAT_MAGIC) {
		shmdt(room);
		errno = EINVAL;
		return NULL;
	}
	return room;
}

/* ---- Waiting: always in slices, because a dead peer posts nothing. ---- */

typedef bool gone_fn(struct chat_room *room);

static bool server_gone(struct chat_room *room)
{
	return !alive(room->server);
}

static bool guest_gone(struct chat_room *room)
{
	pid_t guest = room->guest;

	return stopped || (guest != 0 && !alive(guest));
}

static int wait_for(sem_t *sem, struct chat_room *room, gone_fn *gone)
{
	for (;;) {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += SLICE_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		if (sem_clockwait(sem, CLOCK_MONOTONIC, &until) == 0)
			return 0;
		if (errno != ETIMEDOUT && errno != EINTR)
			return -1;
		if (gone(room)) {
			/* It may have posted and left since the wait ran out. */
			if (!stopped && sem_trywait(sem) == 0)
				return 0;
			errno = stopped ? EINTR : ESRCH;
			return -1;
		}
	}
}

/* ---- The server ---- */

/* Makes way for a new room if the old one's server is dead. */
static int remove_dead_room(key_t key)
{
	int id = shmget(key, 0, 0);

	if (id == -1)
		return errno == ENOENT ? 0 : -1;
	struct chat_room *room = attach_room(id);

	if (!room)
		return -1;
	room->guest = 0;
	bool live = alive(room->server);

	shmdt(room);
	if (live) {
		errno = EEXIST;
		return -1;
	}
	return shmctl(id, IPC_RMID, NULL);
}

static int create_room(key_t key)
{
	const int flags = IPC_CREAT | IPC_EXCL | 0600;
	int id = shmget(key, sizeof(struct chat_room), flags);

	if (id == -1 && errno == EEXIST && remove_dead_room(key) == 0)
		id = shmget(key, sizeof(struct chat_room), flags);
	return id;
}

static int furnish(struct chat_room *room)
{
	if (sem_init(&room->empty, 1, 1) == -1 || sem_init(&room->full, 1, 0) == -1)
		return -1;
	room->guest = 0;
	room->ended = 0;
	room->server = getpid();
	atomic_store_explicit(&room->magic, CHAT_MAGIC, memory_order_release);
	return 0;
}

/* Fetches more input, watching the guest while there is none. */
static int fill(struct input *in, struct chat_room *room)
{
	struct pollfd stdin_ready = { .fd = STDIN_FILENO, .events = POLLIN };

	for (;;) {
		int ready = poll(&stdin_ready, 1, SLICE_MS);

		if (ready == -1 && errno != EINTR)
			return -1;
		if (guest_gone(room)) {
			errno = stopped ? EINTR : ESRCH;
			return -1;
		}
		if (ready <= 0)
			continue;
		ssize_t got = read(STDIN_FILENO, in->bytes, sizeof in->bytes);

		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return -1;
		in->from = 0;
		in->to = got;
		in->over = got == 0;
		return 0;
	}
}

/* 1 and a line, 0 at the end, -1 and errno. A line that does not fit is an error, never cut. */
static int next_line(struct input *in, struct chat_room *room, char text[CHAT_LINE])
{
	size_t length = 0;

	for (;;) {
		if (in->from == in->to && !in->over && fill(in, room) == -1)
			return -1;
		if (in->over && length == 0)
			return 0;
		char c = in->over ? '\n' : in->bytes[in->from++];

		if (c == '\n')
			break;
		if (c == '\0' || length == CHAT_LINE - 1) {
			errno = EMSGSIZE;
			return -1;
		}
		text[length++] = c;
	}
	text[length] = '\0';
	return strcmp(text, "exit") != 0;
}

static int hand_on_lines(struct chat_room *room)
{
	static struct input in;
	char text[CHAT_LINE];
	int more;

	while ((more = next_line(&in, room, text)) == 1) {
		if (wait_for(&room->empty, room, guest_gone) == -1)
			return -1;
		strcpy(room->line, text);
		sem_post(&room->full);
	}
	int reason = errno;

	/* Whatever comes now, the line in the slot is the guest's to take. */
	if (!stopped && wait_for(&room->empty, room, guest_gone) == -1)
		return -1;
	/* Nor may the room go before anybody has come to hear of the end. */
	while (more == 0 && room->guest == 0 && !stopped)
		poll(NULL, 0, SLICE_MS);
	errno = stopped ? EINTR : reason;
	return stopped ? -1 : more;
}

static int serve(const char *keyfile)
{
	struct sigaction action = { .sa_handler = on_signal };

	/* Before there is anything to leave behind. Without SA_RESTART: a signal ends the waits. */
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);

	key_t key = ftok(keyfile, PROJECT_ID);

	if (key == -1)
		return complain(keyfile);
	int id = create_room(key);

	if (id == -1)
		return complain("shmget");
	struct chat_room *room = shmat(id, NULL, 0);
	int result = 0;

	if (room == (void *)-1 || furnish(room) == -1)
		result = complain("making the room");
	else if (hand_on_lines(room) == -1)
		result = complain("talking");
	if (room != (void *)-1) {
		room->ended = 1;
		sem_post(&room->full);
		shmdt(room);
	}
	if (shmctl(id, IPC_RMID, NULL) == -1)
		result = complain("removing the room");
	return result;
}

/* ---- The guest ---- */

static int hear(struct chat_room *room)
{
	for (;;) {
		if (wait_for(&room->full, room, server_gone) == -1)
			return complain("waiting for the server");
		if (room->ended)
			return 0;
		if (printf("%.*s\n", CHAT_LINE - 1, room->line) < 0 || fflush(stdout) == EOF)
			return complain("stdout");
		sem_post(&room->empty);
	}
}

static int join(const char *keyfile)
{
	key_t key = ftok(keyfile, PROJECT_ID);

	if (key == -1)
		return complain(keyfile);
	int id = shmget(key, 0, 0);

	if (id == -1)
		return complain("shmget");
	struct chat_room *room = attach_room(id);

	if (!room)
		return complain("entering the room");
	int32_t nobody = 0;
	int result = 0;

	if (!atomic_compare_exchange_strong(&room->guest, &nobody, getpid())) {
		errno = EBUSY;
		result = complain("the place of the guest");
	} else {
		result = hear(room);
	}
	shmdt(room);
	return result;
}

int main(int argc, char *argv[])
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2]) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	if (argc == 3 && strcmp(argv[1], "join") == 0)
		return join(argv[2]) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	fprintf(stderr, "usage: %s serve|join KEYFILE\n", argv[0]);
	return 2;
}
