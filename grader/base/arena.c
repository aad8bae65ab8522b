#include "base/arena.h"

#include "base/die.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * The arena begins with this, inside its own mapping, so that of a shared one every process sees
 * the same `used`. Bytes from `used` on are zero always: fresh from the kernel or cleared by
 * arena_reset().
 *
 *     | struct arena | taken … | zero …                        |
 *     0              16        used                            room
 */
struct arena {
	size_t room;
	size_t used; /* atomic */
};

enum { ALIGNMENT = 16 };

_Static_assert(sizeof(struct arena) % ALIGNMENT == 0, "the first piece must be aligned");

struct arena *arena_new(size_t reserve, bool shared)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (reserve + sizeof(struct arena) + page - 1) / page * page;
	int flags = MAP_ANONYMOUS | MAP_NORESERVE | (shared ? MAP_SHARED : MAP_PRIVATE);
	struct arena *a;

	if (room < reserve)
		die("an arena of %zu bytes was asked for", reserve);
	a = mmap(NULL, room, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (a == MAP_FAILED)
		die("mmap of %zu bytes for an arena: %s", room, strerror(errno));
	a->room = room;
	a->used = sizeof(*a);
	return a;
}

void arena_free(struct arena *a)
{
	if (a)
		munmap(a, a->room);
}

/* `used` moves only when the piece fits, so that the others can go on after one has died. */
void *arena_take(struct arena *a, size_t size)
{
	size_t used = __atomic_load_n(&a->used, __ATOMIC_RELAXED);
	size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

	do {
		if (rounded < size || rounded > a->room - used)
			die("an arena of %zu bytes is used up (%zu more were asked for)", a->room,
			    size);
	} while (!__atomic_compare_exchange_n(&a->used, &used, used + rounded, true,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return (char *)a + used;
}

char *arena_copy_bytes(struct arena *a, const void *data, size_t size)
{
	char *copy = arena_take(a, size + 1);

	if (size)
		memcpy(copy, data, size);
	return copy;
}

char *arena_copy(struct arena *a, const char *text)
{
	return arena_copy_bytes(a, text, strlen(text));
}

char *arena_vformat(struct arena *a, const char *format, va_list args)
{
	va_list again;
	int length;
	char *text;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		die("a text could not be formatted: %s", strerror(errno));
	text = arena_take(a, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, args);
	return text;
}

char *arena_format(struct arena *a, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = arena_vformat(a, format, args);
	va_end(args);
	return text;
}

size_t arena_mark(const struct arena *a)
{
	return __atomic_load_n(&a->used, __ATOMIC_RELAXED);
}

void arena_reset(struct arena *a, size_t mark)
{
	size_t used = arena_mark(a);

	if (mark < sizeof(*a) || mark > used)
		die("an arena was reset to a mark that is not its own");
	memset((char *)a + mark, 0, used - mark);
	__atomic_store_n(&a->used, mark, __ATOMIC_RELAXED);
}
