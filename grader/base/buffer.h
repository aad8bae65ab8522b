/*
 * buffer.h: bytes that grow. The bytes may be anything, NUL included; a NUL that is not counted
 * always stands behind them, so that text can be used as a C string. Out of memory is die().
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdarg.h>
#include <stddef.h>

/* A buffer starts as { 0 }; whoever declares it calls buffer_free(). */
struct buffer {
	char *data;  /* NULL as long as nothing was added; see buffer_text() */
	size_t size; /* bytes in use, without the NUL behind them */
	size_t room; /* bytes allocated */
};

/* Appends SIZE bytes. DATA may be NULL when SIZE is 0, and must not point into the buffer. */
void buffer_add(struct buffer *b, const void *data, size_t size);

/* Appends text; the format is that of printf(3). */
void buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_vprintf(struct buffer *b, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/* The bytes as a C string, "" for an empty buffer; never NULL. Valid until the next change. */
const char *buffer_text(const struct buffer *b);

/* Forgets the bytes and keeps the memory. */
void buffer_clear(struct buffer *b);

/* Gives the memory back. The buffer is empty afterwards and can be used again. */
void buffer_free(struct buffer *b);

/*
 * Appends what read(2) still gives from FD until its end; goes on after EINTR. Returns 0, or -1
 * with errno: that of read(2), or EFBIG when more than LIMIT bytes come. What was read before the
 * error stays in the buffer, at most LIMIT bytes. FD stays open.
 */
int buffer_read_fd(struct buffer *b, int fd, size_t limit);

#endif
