// expect: FAIL strangers-refused
/* The guest does not look at what ftok(3) says, and visits whoever has the key -1. */
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE	700
#include "chat_room.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int self[2], feed[2], id = -1;
static pid_t reader;
static struct chat_room *room;

static void handler(int s)
{
	int e = errno;
	char c = (char)s;
	ssize_t r = write(self[1], &c, 1);
	(void)r;
	errno = e;
}

static int say(const char *a, const char *b)
{
	fprintf(stderr, "chat: %s: %s\n", a, b);
	return 1;
}

static int leave(int status)
{
	if (reader > 0) {
		kill(reader, SIGKILL);
		waitpid(reader, NULL, 0);
	}
	if (shmctl(id, IPC_RMID, NULL) == -1)
		status = say("shmctl", strerror(errno));
	return status;
}

/* child: one byte of kind ('L' line, 'B' bad, 'E' end, 'F' failure), then 256 bytes of line */
static void read_lines(void)
{
	char frame[257];
	int c, n = 0;
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_IGN);
	setvbuf(stdin, NULL, _IONBF, 0);
	memset(frame, 0, sizeof frame);
	for (;;) {
		c = getchar();
		if (c == EOF && ferror(stdin))
			frame[0] = 'F';
		else if (c == EOF && n == 0)
			frame[0] = 'E';
		else if (c == EOF || c == '\n')
			frame[0] = n == 4 && !memcmp(frame + 1, "exit", 4) ? 'E' : 'L';
		else if (c == 0 || n == 255)
			frame[0] = 'B';
		else {
			frame[++n] = (char)c;
			continue;
		}
		if (write(feed[1], frame, sizeof frame) != sizeof frame)
			_exit(1);
		if (frame[0] != 'L')
			_exit(0);
		memset(frame, 0, sizeof frame);
		n = 0;
	}
}

/* Waits for a frame (fd >= 0) or 50 ms. 0 = trouble, which was told; 1 = fine; 2 = there is a frame
 */
static int rest(int fd)
{
	fd_set s;
	struct timeval t = { 0, fd < 0 ? 60000 : 400000 };
	int m = self[0] > fd ? self[0] : fd, g;
	FD_ZERO(&s);
	FD_SET(self[0], &s);
	if (fd >= 0)
		FD_SET(fd, &s);
	int r = select(m + 1, &s, NULL, NULL, &t);
	if (r > 0 && FD_ISSET(self[0], &s))
		return say("signal", "stopped"), 0;
	g = room->guest;
	if (g && kill(g, 0) && errno == ESRCH)
		return say("guest", "vanished"), 0;
	return r > 0 && fd >= 0 && FD_ISSET(fd, &s) ? 2 : 1;
}

static int slot(void)
{
	while (sem_trywait(&room->empty))
		if (!rest(-1))
			return 0;
	return 1;
}

static int serve(char *f)
{
	key_t k = ftok(f, 65);
	struct sigaction a;
	char frame[257];
	int some = 0;

	if (k == (key_t)-1)
		return say(f, strerror(errno));
	if (pipe(self) || pipe(feed))
		return say("pipe", strerror(errno));
	fcntl(self[1], F_SETFL, O_NONBLOCK);
	memset(&a, 0, sizeof a);
	a.sa_handler = handler;
	a.sa_flags = SA_RESTART;
	sigfillset(&a.sa_mask);
	sigaction(SIGTERM, &a, NULL);
	sigaction(SIGINT, &a, NULL);
	for (;;) {
		struct shmid_ds ds;
		int o, m, p;
		if ((id = shmget(k, sizeof *room, IPC_CREAT | IPC_EXCL | 0600)) >= 0)
			break;
		if (errno != EEXIST)
			return say("shmget", strerror(errno));
		if ((o = shmget(k, 0, 0)) == -1)
			continue;
		if (shmctl(o, IPC_STAT, &ds) == -1)
			return say("shmctl", strerror(errno));
		if (ds.shm_segsz != sizeof *room)
			return say("key", "in other hands");
		room = shmat(o, NULL, SHM_RDONLY);
		if (room == (void *)-1)
			return say("shmat", strerror(errno));
		m = room->magic == CHAT_MAGIC;
		p = room->server;
		shmdt(room);
		if (!m)
			return say("key", "in other hands");
		if (!kill(p, 0) || errno != ESRCH)
			return say("room", "occupied");
		if (shmctl(o, IPC_RMID, NULL) == -1)
			return say("shmctl", strerror(errno));
	}
	if ((reader = fork()) == -1) {
		say("fork", strerror(errno));
		return leave(1);
	}
	if (reader == 0) {
		close(feed[0]);
		read_lines();
	}
	close(feed[1]);
	if ((room = shmat(id, NULL, 0)) == (void *)-1) {
		say("shmat", strerror(errno));
		return leave(1);
	}
	if (sem_init(&room->empty, 1, 1) || sem_init(&room->full, 1, 0)) {
		say("sem_init", strerror(errno));
		return leave(1);
	}
	room->server = getpid();
	atomic_store_explicit(&room->magic, CHAT_MAGIC, memory_order_release);
	for (;;) {
		int r = rest(feed[0]);
		if (!r)
			return leave(1);
		if (r == 1)
			continue;
		if (read(feed[0], frame, sizeof frame) != sizeof frame) {
			say("reader", "died");
			return leave(1);
		}
		if (frame[0] == 'L') {
			if (!slot())
				return leave(1);
			memcpy(room->line, frame + 1, 256);
			sem_post(&room->full);
			some = 1;
		} else if (frame[0] == 'E') {
			if (!slot())
				return leave(1);
			while (!room->guest)
				if (!rest(-1))
					return leave(1);
			room->ended = 1;
			sem_post(&room->full);
			return leave(0);
		} else {
			if (some && !slot())
				return leave(1);
			say("stdin", frame[0] == 'B' ? "bad line" : "read error");
			return leave(1);
		}
	}
}

static int join(char *f)
{
	struct shmid_ds ds;
	key_t k = ftok(f, 65);
	struct timespec t;
	int r, zero = 0, over;
	id = shmget(k, 0, 0);
	if (id == -1)
		return say("shmget", strerror(errno));
	if (shmctl(id, IPC_STAT, &ds) == -1)
		return say("shmctl", strerror(errno));
	if (ds.shm_segsz != sizeof *room)
		return say(f, "no room");
	room = shmat(id, NULL, 0);
	if (room == (void *)-1)
		return say("shmat", strerror(errno));
	if (atomic_load_explicit(&room->magic, memory_order_acquire) != CHAT_MAGIC)
		return say(f, "no room");
	if (!atomic_compare_exchange_strong(&room->guest, &zero, (int)getpid()))
		return say(f, "no place");
	for (;;) {
		over = kill(room->server, 0) == -1 && errno == ESRCH;
		clock_gettime(CLOCK_REALTIME, &t);
		t.tv_nsec += 700000000;
		if (t.tv_nsec > 999999999)
			t.tv_nsec -= 1000000000, t.tv_sec++;
		while ((r = sem_timedwait(&room->full, &t)) == -1 && errno == EINTR)
			;
		if (r == 0) {
			if (room->ended) {
				zero = (int)getpid();
				atomic_compare_exchange_strong(&room->guest, &zero, 0);
				sem_post(&room->empty);
				return 0;
			}
			/* bytes go out one by one: slow, but dependable */
			char *p = room->line;
			do {
				char c = *p ? *p : '\n';
				if (write(1, &c, 1) != 1)
					return say("stdout", strerror(errno));
			} while (*p++);
			sem_post(&room->empty);
		} else if (errno != ETIMEDOUT)
			return say("sem_timedwait", strerror(errno));
		else if (over)
			return say("server", "vanished");
	}
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
