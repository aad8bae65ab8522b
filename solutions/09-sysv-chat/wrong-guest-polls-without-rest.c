// expect: FAIL death-is-noticed
/* A poll(2) with the time-out 0 is no wait. */
#define _GNU_SOURCE
#include "chat_room.h"
#include <errno.h>
#include <error.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* An event loop: stdin, signals, a tick, and the guest's pidfd. A state machine decides what stdin
 * is good for. */
enum { IN, SIG, TICK, GUEST, FDS };
static struct pollfd fds[FDS];
static struct chat_room *room;
static int shm = -1;

static void remove_room(void)
{
	int id = shm;
	shm = -1;
	if (id >= 0 && shmctl(id, IPC_RMID, NULL) != 0) {
		fprintf(stderr, "chat: IPC_RMID: %s\n", strerror(errno));
		_exit(1);
	}
}

#define DIE(...)                                       \
	do {                                           \
		fprintf(stderr, "chat: " __VA_ARGS__); \
		fputc('\n', stderr);                   \
		exit(1);                               \
	} while (0)

static int is_dead(pid_t pid)
{
	char path[32];
	snprintf(path, sizeof path, "/proc/%d", (int)pid);
	return access(path, F_OK) != 0 && errno == ENOENT && kill(pid, 0) != 0 && errno == ESRCH;
}

static char data[600];
static size_t have;
static int eof, pending, bad, ending;

/* Looks for a whole line at the front of data; returns its length or -1. */
static int whole_line(void)
{
	char *nl = memchr(data, '\n', have);
	if (nl)
		return (int)(nl - data);
	return eof && have ? (int)have : -1;
}

static void step(void)
{
	for (;;) {
		int n = whole_line();

		if (n > CHAT_LINE - 1 || (n < 0 && have > CHAT_LINE - 1) ||
		    (n >= 0 ? memchr(data, 0, n) : memchr(data, 0, have)))
			bad = 1;
		if (n < 0 && eof)
			ending = 1;
		if (n == 4 && !bad && !memcmp(data, "exit", 4))
			ending = 1;
		if (!bad && !ending && n < 0)
			return;
		if (bad && !pending)
			DIE("stdin: a line that is too long, or has a NUL");
		if (ending && !room->guest)
			return;
		if (sem_trywait(&room->empty) != 0)
			return;
		pending = 0;
		if (bad)
			continue;
		if (ending) {
			room->ended = 1;
			sem_post(&room->full);
			exit(0);
		}
		memcpy(room->line, data, n);
		room->line[n] = 0;
		sem_post(&room->full);
		pending = 1;
		if ((size_t)n < have)
			n++;
		memmove(data, data + n, have - n);
		have -= n;
	}
}

static void serve(const char *file)
{
	key_t key = ftok(file, 65);
	sigset_t s;
	struct itimerspec it = { { 0, 80000000 }, { 0, 80000000 } };

	if (key == -1)
		DIE("%s: %s", file, strerror(errno));
	sigemptyset(&s);
	sigaddset(&s, SIGINT);
	sigaddset(&s, SIGTERM);
	sigprocmask(SIG_BLOCK, &s, NULL);
	fds[IN] = (struct pollfd){ 0, POLLIN, 0 };
	fds[SIG] = (struct pollfd){ signalfd(-1, &s, 0), POLLIN, 0 };
	fds[TICK] = (struct pollfd){ timerfd_create(CLOCK_MONOTONIC, 0), POLLIN, 0 };
	fds[GUEST] = (struct pollfd){ -1, POLLIN, 0 };
	if (fds[SIG].fd < 0 || fds[TICK].fd < 0 || timerfd_settime(fds[TICK].fd, 0, &it, NULL))
		DIE("descriptors: %s", strerror(errno));
	while ((shm = shmget(key, sizeof *room, IPC_CREAT | IPC_EXCL | 0600)) < 0) {
		struct shmid_ds ds;
		struct chat_room *r;
		if (errno != EEXIST)
			DIE("shmget: %s", strerror(errno));
		int o = shmget(key, 0, 0);
		if (o < 0 && errno == ENOENT)
			continue;
		if (o < 0 || shmctl(o, IPC_STAT, &ds))
			DIE("shmget: %s", strerror(errno));
		if (ds.shm_segsz != sizeof *r || (r = shmat(o, NULL, SHM_RDONLY)) == MAP_FAILED ||
		    r->magic != CHAT_MAGIC)
			DIE("%s: key is used for something else", file);
		if (!is_dead(r->server))
			DIE("%s: has a server", file);
		shmdt(r);
		if (shmctl(o, IPC_RMID, NULL))
			DIE("IPC_RMID: %s", strerror(errno));
	}
	atexit(remove_room);
	room = shmat(shm, NULL, 0);
	if (room == MAP_FAILED)
		DIE("shmat: %s", strerror(errno));
	sem_init(&room->full, 1, 0);
	sem_init(&room->empty, 1, 1);
	room->server = getpid();
	atomic_store_explicit(&room->magic, CHAT_MAGIC, memory_order_release);
	for (;;) {
		/* stdin only while there is room for more of the line, and nothing waits to be sent
		 */
		fds[IN].fd = bad || ending || eof || have == sizeof data || whole_line() >= 0 ? -1
											      : 0;
		if (poll(fds, FDS, -1) < 0 && errno != EINTR)
			DIE("poll: %s", strerror(errno));
		if (fds[SIG].revents)
			DIE("signal: %s", "told to stop");
		if (fds[GUEST].revents)
			DIE("guest: %s", "dead");
		if (fds[TICK].revents) {
			uint64_t x;
			if (read(fds[TICK].fd, &x, sizeof x) < 0)
				DIE("timerfd: %s", strerror(errno));
			if (fds[GUEST].fd < 0 && room->guest) {
				fds[GUEST].fd = syscall(SYS_pidfd_open, room->guest, 0);
				if (fds[GUEST].fd < 0)
					DIE("guest: %s", strerror(errno));
			}
		}
		if (fds[IN].fd == 0 && fds[IN].revents) {
			ssize_t n = read(0, data + have, sizeof data - have);
			if (n < 0)
				DIE("stdin: %s", strerror(errno));
			if (n == 0)
				eof = 1;
			have += n;
		}
		step();
	}
}

static void join(const char *file)
{
	key_t key = ftok(file, 65);
	struct shmid_ds ds;
	int id, none = 0, server;

	if (key == -1)
		DIE("%s: %s", file, strerror(errno));
	if ((id = shmget(key, 0, 0)) < 0 || shmctl(id, IPC_STAT, &ds))
		DIE("%s: %s", file, strerror(errno));
	if (ds.shm_segsz != sizeof *room)
		DIE("%s: %s", file, "size differs");
	if ((room = shmat(id, NULL, 0)) == MAP_FAILED)
		DIE("shmat: %s", strerror(errno));
	if (room->magic != CHAT_MAGIC)
		DIE("%s: %s", file, "no magic");
	int pfd = syscall(SYS_pidfd_open, room->server, 0);
	if (pfd < 0)
		DIE("server: %s", strerror(errno));
	if (!atomic_compare_exchange_strong(&room->guest, &none, getpid()))
		DIE("%s: %s", file, "taken");
	for (server = 1;;) {
		if (sem_trywait(&room->full)) {
			if (!server)
				DIE("server: %s", "dead");
			struct pollfd p = { pfd, POLLIN, 0 };
			if (poll(&p, 1, 0) > 0)
				server = 0; /* but look once more */
			continue;
		}
		if (room->ended)
			break;
		fputs(room->line, stdout);
		putchar('\n');
		if (fflush(stdout))
			DIE("stdout: %s", strerror(errno));
		sem_post(&room->empty);
	}
	exit(0);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		goto usage;
	if (!strcmp(argv[1], "serve"))
		serve(argv[2]);
	if (!strcmp(argv[1], "join"))
		join(argv[2]);
usage:
	fprintf(stderr, "usage: %s serve KEYFILE\n       %s join KEYFILE", argv[0], argv[0]);
	return 2;
}
