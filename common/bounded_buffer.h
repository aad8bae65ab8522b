/*
 * bounded_buffer.h: the layout of lab 11's buffer, the same in POSIX and in System V shared memory.
 *
 * Each field says who may touch it and when. "Whoever creates" is the one process whose `create`
 * made the object; nobody else looks at the rest before the magic number stands in its place.
 */
#ifndef BOUNDED_BUFFER_H
#define BOUNDED_BUFFER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define BUFFER_MAGIC 0x46465542u /* "BUFF" in a hex dump of a little-endian machine */

struct bounded_buffer {
	/* stored once, last of all, with release, by whoever creates; read by everybody before
	 * anything else */
	_Atomic uint32_t magic;

	/* stored by whoever creates, before the magic; then only read, and never believed unchecked
	 */
	uint32_t capacity; /* how many items item[] has room for */

	/* set up by whoever creates, before the magic; then used by anybody, at any time */
	pthread_mutex_t mutex; /* process-shared and robust: its holder may be killed */
	sem_t empty;	       /* starts at capacity; a producer waits for it before the mutex */
	sem_t full;	       /* starts at 0; a consumer waits for it before the mutex */

	/* set up by whoever creates, before the magic; then read and written by the holder of the
	 * mutex alone; both are below capacity whenever the mutex is free */
	uint32_t head;	/* the item to be taken next */
	uint32_t tail;	/* the place to be filled next */
	int64_t item[]; /* capacity of them */
};

#if defined(__x86_64__) && defined(__LP64__)
_Static_assert(offsetof(struct bounded_buffer, magic) == 0, "the magic comes first");
_Static_assert(offsetof(struct bounded_buffer, capacity) == 4, "capacity");
_Static_assert(offsetof(struct bounded_buffer, mutex) == 8, "mutex");
_Static_assert(offsetof(struct bounded_buffer, empty) == 48, "empty");
_Static_assert(offsetof(struct bounded_buffer, full) == 80, "full");
_Static_assert(offsetof(struct bounded_buffer, head) == 112, "head");
_Static_assert(offsetof(struct bounded_buffer, tail) == 116, "tail");
_Static_assert(offsetof(struct bounded_buffer, item) == 120, "item");
_Static_assert(sizeof(struct bounded_buffer) == 120, "the items follow at once");
#endif

#endif
