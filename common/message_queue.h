/*
 * message_queue.h: the layout of lab 07's queue, the same for everybody who maps the file.
 *
 * Each field says who may touch it and when. "Whoever creates" is the one process whose `queue
 * create` made the file; nobody else looks at the rest before the magic number stands in its place.
 */
#ifndef MESSAGE_QUEUE_H
#define MESSAGE_QUEUE_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define QUEUE_MAGIC 0x51554555u /* "UEUQ" in a hex dump of a little-endian machine */
#define QUEUE_SLOTS 100
#define QUEUE_TEXT  64 /* bytes of a slot, the NUL at the end included */

struct message_queue {
	/* stored once, last of all, by whoever creates; read by everybody before anything else */
	_Atomic uint32_t magic;

	/* 1; stored by whoever creates, before the magic; only read afterwards */
	uint32_t version;

	/* set up by whoever creates, before the magic; then sem_wait and sem_post, by anybody, at
	 * any time */
	sem_t free_slots; /* starts at QUEUE_SLOTS; a sender waits for it before the lock */
	sem_t used_slots; /* starts at 0; a receiver waits for it before the lock */
	sem_t lock;	  /* starts at 1; at 0 somebody is inside */

	/* set up by whoever creates, before the magic; then read and written by the holder of the
	 * lock alone */
	uint32_t read_index;		    /* 0..QUEUE_SLOTS-1, the slot to be read next */
	uint32_t write_index;		    /* 0..QUEUE_SLOTS-1, the slot to be written next */
	char text[QUEUE_SLOTS][QUEUE_TEXT]; /* each ends in NUL; no newline */
};

#if defined(__x86_64__) && defined(__LP64__)
_Static_assert(offsetof(struct message_queue, magic) == 0, "the magic comes first");
_Static_assert(offsetof(struct message_queue, version) == 4, "version");
_Static_assert(offsetof(struct message_queue, free_slots) == 8, "free_slots");
_Static_assert(offsetof(struct message_queue, used_slots) == 40, "used_slots");
_Static_assert(offsetof(struct message_queue, lock) == 72, "lock");
_Static_assert(offsetof(struct message_queue, read_index) == 104, "read_index");
_Static_assert(offsetof(struct message_queue, write_index) == 108, "write_index");
_Static_assert(offsetof(struct message_queue, text) == 112, "text");
_Static_assert(sizeof(struct message_queue) == 6512, "more than one page of 4096 bytes");
#endif

#endif
