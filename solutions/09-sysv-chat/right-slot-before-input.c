/* Takes the slot before it reads the line for it; input without blocking, and 16 looks a second. */
#define _GNU_SOURCE
#include "chat_room.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

struct chat_room *r;
int id = -1;
int bad = 0;
volatile sig_atomic_t stop = 0;

void h(int s)
{
	stop = s;
}
void cleanup(void)
{
	if (id != -1 && shmctl(id, IPC_RMID, 0) == -1) {
		perror("chat: rmid");
		_exit(1);
	}
}
void die(char *m)
{
	if (errno)
		perror(m);
	else
		fprintf(stderr, "%s: stopped\n", m);
	exit(1);
}
int alive(int p)
{
	return kill(p, 0) == 0 || errno == EPERM;
}
void nap(void)
{
	errno = 0;
	if (stop)
		die("chat: signal");
	if (r->guest && !alive(r->guest))
		die("chat: guest");
	usleep(62500);
	errno = 0;
	if (stop)
		die("chat: signal");
}
void down(sem_t *s)
{
	while (sem_trywait(s) != 0)
		nap();
}

/* 1 a line, 0 the end, -1 an error */
int getl(char *to)
{
	int n = 0;
	char c;
	for (;;) {
		int k = read(0, &c, 1);
		if (k < 0 && (errno == EAGAIN || errno == EINTR)) {
			nap();
			continue;
		}
		if (k < 0) {
			perror("chat: stdin");
			return -1;
		}
		if (k == 0 && n == 0)
			return 0;
		if (k == 0 || c == '\n') {
			to[n] = 0;
			return strcmp(to, "exit") != 0;
		}
		if (c == 0) {
			fprintf(stderr, "chat: stdin: NUL\n");
			return -1;
		}
		if (n == 255) {
			fprintf(stderr, "chat: stdin: too long\n");
			return -1;
		}
		to[n++] = c;
	}
}

int serve(char *f)
{
	key_t k = ftok(f, 65);
	int what;
	char l[256];
	if (k == -1) {
		perror("chat: ftok");
		return 1;
	}
	signal(SIGTERM, h);
	signal(SIGINT, h);
	fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
	while ((id = shmget(k, sizeof *r, IPC_CREAT | IPC_EXCL | 0600)) == -1) {
		struct shmid_ds d;
		int o = shmget(k, sizeof *r, 0);
		if (o == -1) {
			perror("chat: shmget");
			return 1;
		}
		if (shmctl(o, IPC_STAT, &d) || d.shm_segsz != sizeof *r) {
			fprintf(stderr, "chat: shm: not mine\n");
			return 1;
		}
		r = shmat(o, 0, SHM_RDONLY);
		if (r == (void *)-1) {
			perror("chat: shmat");
			return 1;
		}
		if (r->magic != CHAT_MAGIC) {
			fprintf(stderr, "chat: shm: not mine\n");
			return 1;
		}
		if (alive(r->server)) {
			fprintf(stderr, "chat: shm: in use\n");
			return 1;
		}
		shmdt(r);
		shmctl(o, IPC_RMID, 0);
	}
	atexit(cleanup);
	r = shmat(id, 0, 0);
	if (r == (void *)-1)
		die("chat: shmat");
	r->server = getpid();
	if (sem_init(&r->empty, 1, 1) || sem_init(&r->full, 1, 0))
		die("chat: sem_init");
	r->magic = CHAT_MAGIC;
	for (;;) {
		down(&r->empty);
		what = getl(l);
		if (what != 1)
			break;
		strcpy(r->line, l);
		sem_post(&r->full);
	}
	if (what == -1)
		return 1;
	while (!r->guest)
		nap();
	r->ended = 1;
	sem_post(&r->full);
	return 0;
}

int join(char *f)
{
	key_t k = ftok(f, 65);
	struct shmid_ds d;
	int z = 0, i;
	if (k == -1) {
		perror("chat: ftok");
		return 1;
	}
	if ((i = shmget(k, 0, 0)) == -1 || shmctl(i, IPC_STAT, &d) == -1) {
		perror("chat: shm");
		return 1;
	}
	if (d.shm_segsz != sizeof *r) {
		fprintf(stderr, "chat: shm: no room\n");
		return 1;
	}
	if ((r = shmat(i, 0, 0)) == (void *)-1) {
		perror("chat: shmat");
		return 1;
	}
	if (r->magic != CHAT_MAGIC) {
		fprintf(stderr, "chat: shm: no room\n");
		return 1;
	}
	if (!alive(r->server)) {
		fprintf(stderr, "chat: shm: dead room\n");
		return 1;
	}
	if (!atomic_compare_exchange_strong(&r->guest, &z, getpid())) {
		fprintf(stderr, "chat: shm: guest there\n");
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, 0, _IOLBF, 0);
	for (;;) {
		int dead = 0;
		while (sem_trywait(&r->full)) {
			if (dead) {
				fprintf(stderr, "chat: server: died\n");
				return 1;
			}
			dead = !alive(r->server);
			usleep(62500);
		}
		if (r->ended)
			return 0;
		if (puts(r->line) == EOF) {
			perror("chat: stdout");
			return 1;
		}
		sem_post(&r->empty);
	}
}

int main(int c, char **v)
{
	if (c == 3 && !strcmp(v[1], "serve"))
		return serve(v[2]);
	if (c == 3 && !strcmp(v[1], "join"))
		return join(v[2]);
	fprintf(stderr, "usage: chat serve KEYFILE or chat join KEYFILE\n");
	return 2;
}
