/*
 * chat.c: two processes talk, line by line, through a System V shared memory segment.
 *
 *	chat serve KEYFILE	makes the room and hands on each line of standard input
 *	chat join KEYFILE	prints each line; one guest at a time
 *
 * A line "exit", or the end of input, ends both. The room's layout, and who may touch which field
 * when, stands in chat_room.h.
 *
 * Read: shmget(2), shmat(2), shmctl(2), ftok(3), sysvipc(7), sem_init(3), sem_clockwait(3),
 *poll(2), kill(2), sigaction(2), signal-safety(7). Look: ipcs -m, /proc/sysvipc/shm; clean up:
 *ipcrm -m ID.
 */
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

static int complain(const char *what)
{
	fprintf(stderr, "chat: %s: %s\n", what, strerror(errno));
	return -1;
}

/*
 * TODO 1: make the room. ftok(3) gives the key, and can fail. Who owns the segment if it is there
 * already: a live server, a dead one, or somebody who never heard of chats? A new room is furnished
 * field by field, and the magic number is stored last.
 */
static struct chat_room *make_room(const char *keyfile)
{
	(void)keyfile;
	errno = ENOSYS;
	return NULL;
}

/*
 * TODO 2: enter the room as its guest. Is the segment a room at all (size, magic)? Only one guest
 * may win, even if two come in the same instant.
 */
static struct chat_room *enter_room(const char *keyfile)
{
	(void)keyfile;
	errno = ENOSYS;
	return NULL;
}

/*
 * TODO 3: the server's half of the talk: wait for the empty slot, store the line without its
 * newline, tell the guest. What about a line that does not fit?
 *
 * TODO 4: the end: the line `exit`, or no more input. Which lines has the guest still to take, has
 * a guest come at all, and who removes the segment?
 *
 * TODO 5: a peer that was killed posts nothing. No wait may last for ever, neither the one for the
 * slot nor the one for input, and none may spin either.
 *
 * TODO 6: SIGTERM and SIGINT end the server, with exit status 1, and leave no segment behind.
 */
static int serve(const char *keyfile)
{
	struct chat_room *room = make_room(keyfile);

	if (!room)
		return complain("making the room");
	return 0;
}

/* TODO 3, 4 and 5 again: the guest's half. Each line is out before the slot is given back. */
static int join(const char *keyfile)
{
	struct chat_room *room = enter_room(keyfile);

	if (!room)
		return complain("entering the room");
	return 0;
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
