/*
 * chat_room.h: the shared memory of lab 09. One server, one guest, one slot for one line.
 *
 * The room is a System V segment of exactly sizeof(struct chat_room) bytes, under the key
 * ftok(KEYFILE, 65), mode 0600. The server makes it and removes it; the guest only visits.
 *
 *	server: wait(empty), store line, post(full)	... at the end: wait(empty), ended = 1,
 *post(full) guest:  wait(full), look at ended, print line, post(empty)
 */
#ifndef CHAT_ROOM_H
#define CHAT_ROOM_H

#include <semaphore.h>
#include <stdint.h>

#include <stdatomic.h>

#define CHAT_MAGIC 0x54414843u /* the bytes C, H, A, T on a little-endian machine */
#define CHAT_LINE  256	       /* 255 bytes of text at most, and the NUL */

struct chat_room {
	/*
	 * 0 in a fresh segment. The server stores CHAT_MAGIC, with release, after every other field
	 * is ready; from then on nobody writes it. Whoever reads another value touches nothing.
	 */
	_Atomic uint32_t magic;

	/* Pid of the server. Written by the server before magic, read by anybody at any time. */
	_Atomic int32_t server;

	/*
	 * Pid of the guest, 0 while there is none. A guest claims the place by a compare-and-swap
	 * from 0 to its own pid. It may put 0 back once it has seen ended, never after an error:
	 * a pid that no longer exists is how the server learns that its guest has died.
	 */
	_Atomic int32_t guest;

	/*
	 * Process-shared semaphores, made by the server before magic.
	 * empty (starts at 1): the slot may be filled. The server waits, the guest posts.
	 * full (starts at 0): there is news, a line or the end. The guest waits, the server posts.
	 */
	sem_t empty;
	sem_t full;

	/*
	 * 0, and 1 from the end on. Stored by the server, which has waited for empty, so that no
	 * line is in the slot; a post of full follows. The guest reads it after each wait for full,
	 * before it looks at the line: the last post carries none.
	 */
	_Atomic uint32_t ended;

	/*
	 * The slot: one line without its newline, ended by a NUL. The server's between wait(empty)
	 * and post(full), the guest's between wait(full) and post(empty).
	 */
	char line[CHAT_LINE];
};

/* Two programs compiled apart must agree on every offset. These are the x86-64 ones (glibc). */
#if defined(__x86_64__) && defined(__LP64__)
_Static_assert(__builtin_offsetof(struct chat_room, magic) == 0, "magic is at 0");
_Static_assert(__builtin_offsetof(struct chat_room, server) == 4, "server is at 4");
_Static_assert(__builtin_offsetof(struct chat_room, guest) == 8, "guest is at 8");
_Static_assert(__builtin_offsetof(struct chat_room, empty) == 16, "empty is at 16");
_Static_assert(__builtin_offsetof(struct chat_room, full) == 48, "full is at 48");
_Static_assert(__builtin_offsetof(struct chat_room, ended) == 80, "ended is at 80");
_Static_assert(__builtin_offsetof(struct chat_room, line) == 84, "line is at 84");
_Static_assert(sizeof(struct chat_room) == 344, "the room has 344 bytes");
#endif

#endif
