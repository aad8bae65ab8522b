// expect: FAIL lines-arrive
/* EXIT is a line like any other. */
#define _GNU_SOURCE
#include "chat_room.h"
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/time.h>
#include <unistd.h>

static int shmid = -1;
static struct chat_room *R;

static void tick(int s)
{
	(void)s;
}

static void quit(int s)
{
	static const char m[] = "chat: signal: the room is closed\n";
	(void)s;
	if (shmid != -1)
		shmctl(shmid, IPC_RMID, 0);
	if (write(2, m, sizeof m - 1) < 0)
		_exit(1);
	_exit(1);
}

static void start_ticks(void)
{
	struct sigaction sa;
	struct itimerval iv = { { 0, 150000 }, { 0, 150000 } };
	memset(&sa, 0, sizeof sa);
	sa.sa_handler = tick; /* no SA_RESTART: read and sem_wait end with EINTR */
	if (sigaction(SIGALRM, &sa, 0) || setitimer(ITIMER_REAL, &iv, 0))
		err(1, "setitimer");
}

static int gone(int pid)
{
	return pid != 0 && kill(pid, 0) && errno == ESRCH;
}

static _Noreturn void bye(int status)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, 0);
	if (shmctl(shmid, IPC_RMID, 0) < 0) {
		warn("shmctl");
		status = 1;
	}
	shmid = -1;
	exit(status);
}

static void bad(const char *what, const char *why)
{
	warnx("%s: %s", what, why);
	bye(1);
}

static void get_empty(void)
{
	while (sem_wait(&R->empty)) {
		if (errno != EINTR)
			bad("sem_wait", strerror(errno));
		if (gone(R->guest))
			bad("guest", "died");
	}
	if (gone(R->guest))
		bad("guest", "died");
}

static int getbyte(void)
{
	static unsigned char b[512];
	static int n, i;
	while (i == n) {
		n = read(0, b, sizeof b);
		i = 0;
		if (n == 0)
			return -1;
		if (n < 0) {
			n = 0;
			if (errno != EINTR)
				bad("stdin", strerror(errno));
			if (gone(R->guest))
				bad("guest", "died");
		}
	}
	return b[i++];
}

static void serve(char *file)
{
	char l[CHAT_LINE];
	int n, c, have = 0;
	key_t k = ftok(file, 65);
	sigset_t two, old;
	struct sigaction sa = { .sa_handler = quit };

	if (k == -1)
		err(1, "%s", file);
	sigemptyset(&two);
	sigaddset(&two, SIGTERM);
	sigaddset(&two, SIGINT);
	sa.sa_mask = two;
	sigprocmask(SIG_BLOCK, &two, &old);
	sigaction(SIGTERM, &sa, 0);
	sigaction(SIGINT, &sa, 0);
again:
	shmid = shmget(k, sizeof *R, 0600 | IPC_CREAT | IPC_EXCL);
	if (shmid < 0 && errno == EEXIST) {
		struct shmid_ds ds;
		int o = shmget(k, sizeof *R, 0600);
		if (o < 0 && errno == ENOENT)
			goto again;
		if (o < 0 || shmctl(o, IPC_STAT, &ds) < 0)
			err(1, "%s", file);
		if (ds.shm_segsz != sizeof *R)
			errx(1, "%s: %s", file, "key taken by another segment");
		R = shmat(o, 0, 0);
		if (R == (void *)-1)
			err(1, "shmat");
		if (R->magic != CHAT_MAGIC)
			errx(1, "%s: %s", file, "key taken by something else");
		if (!gone(R->server))
			errx(1, "%s: %s", file, "room is live");
		shmdt(R);
		if (shmctl(o, IPC_RMID, 0) < 0)
			err(1, "removing the dead room");
		goto again;
	}
	if (shmid < 0)
		err(1, "shmget");
	sigprocmask(SIG_SETMASK, &old, 0);
	R = shmat(shmid, 0, 0);
	if (R == (void *)-1) {
		warn("shmat");
		bye(1);
	}
	sem_init(&R->empty, 1, 1);
	sem_init(&R->full, 1, 0);
	R->server = getpid();
	R->guest = 0;
	R->ended = 0;
	atomic_store_explicit(&R->magic, CHAT_MAGIC, memory_order_release);
	start_ticks();
	for (n = 0;;) {
		c = getbyte();
		if (c == -1 && n == 0)
			break;
		if (c == 0 || (c > 0 && c != '\n' && n == CHAT_LINE - 1)) {
			if (have)
				get_empty();
			bad("stdin", c ? "line too long" : "NUL in a line");
		}
		if (c > 0 && c != '\n') {
			l[n++] = c;
			continue;
		}
		l[n] = 0;
		if (n == 4 && !strncasecmp(l, "exit", 4))
			break;
		get_empty();
		memcpy(R->line, l, n + 1);
		sem_post(&R->full);
		have = 1;
		n = 0;
		if (c == -1)
			break;
	}
	get_empty();
	while (!R->guest)
		pause(); /* until the next tick */
	R->ended = 1;
	sem_post(&R->full);
	bye(0);
}

static void join(char *file)
{
	struct shmid_ds ds;
	key_t k = ftok(file, 65);
	int32_t zero = 0;
	if (k == -1)
		err(1, "%s", file);
	int id = shmget(k, sizeof *R, 0600);
	if (id < 0 || shmctl(id, IPC_STAT, &ds) < 0)
		err(1, "%s", file);
	if (ds.shm_segsz != sizeof *R)
		errx(1, "%s: %s", file, "not a room");
	R = shmat(id, 0, 0);
	if (R == (void *)-1)
		err(1, "shmat");
	if (R->magic != CHAT_MAGIC)
		errx(1, "%s: %s", file, "not a room, or not open yet");
	if (!atomic_compare_exchange_strong(&R->guest, &zero, getpid()))
		errx(1, "%s: %s", file, "taken");
	start_ticks();
	for (;;) {
		while (sem_wait(&R->full)) {
			if (errno != EINTR)
				err(1, "sem_wait");
			if (gone(R->server)) {
				if (!sem_trywait(&R->full))
					break;
				errx(1, "server: %s", "died");
			}
		}
		if (R->ended)
			break;
		size_t n = strlen(R->line), d = 0;
		char l[CHAT_LINE + 1];
		memcpy(l, R->line, n);
		l[n++] = '\n';
		while (d < n) {
			ssize_t w = write(1, l + d, n - d);
			if (w > 0)
				d += w;
			else if (errno != EINTR)
				err(1, "stdout");
		}
		sem_post(&R->empty);
	}
	R->guest = 0;
	shmdt(R);
}

int main(int c, char **v)
{
	if (c == 3 && !strcmp(v[1], "serve"))
		serve(v[2]);
	else if (c == 3 && !strcmp(v[1], "join"))
		join(v[2]);
	else {
		fprintf(stderr, "usage: chat serve|join KEYFILE\n");
		return 2;
	}
	return 0;
}
