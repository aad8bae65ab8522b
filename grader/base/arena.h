/*
 * arena.h: memory that is taken piece by piece and given back all at once. One mmap(2), reserved
 * but not committed (MAP_NORESERVE), so a generous reserve costs only what is touched.
 *
 * A shared arena is MAP_SHARED | MAP_ANONYMOUS: what a forked child takes and writes stands in the
 * parent at the same addresses, pointers included. Taking is safe from several processes or
 * threads at once; arena_reset() is not.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;

/* A new arena of RESERVE bytes (rounded up to pages). Never NULL: dies when mmap(2) refuses. */
struct arena *arena_new(size_t reserve, bool shared);

/* Unmaps the arena with all that was taken from it, in this process. NULL is allowed. */
void arena_free(struct arena *a);

/*
 * SIZE zeroed bytes, aligned to 16, valid until arena_reset() below them or arena_free(). Size 0
 * gives a valid pointer to nothing. Dies when the reserve is used up: reserve more.
 */
void *arena_take(struct arena *a, size_t size);

/* A copy of the C string TEXT. */
char *arena_copy(struct arena *a, const char *text);

/* A copy of SIZE bytes (NULs included) with a NUL behind them. */
char *arena_copy_bytes(struct arena *a, const void *data, size_t size);

/* A new C string, made as by printf(3). */
char *arena_format(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vformat(struct arena *a, const char *format, va_list args)
	__attribute__((format(printf, 2, 0), nonnull(2)));

/* Where the arena stands now, for arena_reset(): everything taken after the mark is given back. */
size_t arena_mark(const struct arena *a);
void arena_reset(struct arena *a, size_t mark);

#endif
