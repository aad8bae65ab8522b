#include "base/buffer.h"

#include "base/die.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Room for MORE bytes and the NUL behind them. */
static void reserve(struct buffer *b, size_t more)
{
	size_t need, room = b->room ? b->room : 64;
	char *data;

	if (more >= SIZE_MAX / 2 - b->size)
		die("a buffer of more than half the address space was asked for");
	need = b->size + more + 1;
	if (need <= b->room)
		return;
	while (room < need)
		room *= 2;
	data = realloc(b->data, room);
	if (!data)
		die("out of memory: a buffer of %zu bytes", room);
	b->data = data;
	b->room = room;
}

void buffer_add(struct buffer *b, const void *data, size_t size)
{
	reserve(b, size);
	if (size)
		memcpy(b->data + b->size, data, size);
	b->size += size;
	b->data[b->size] = '\0';
}

void buffer_vprintf(struct buffer *b, const char *format, va_list args)
{
	va_list again;
	int length;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		die("a text could not be formatted: %s", strerror(errno));
	reserve(b, (size_t)length);
	vsnprintf(b->data + b->size, (size_t)length + 1, format, args);
	b->size += (size_t)length;
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buffer_vprintf(b, format, args);
	va_end(args);
}

const char *buffer_text(const struct buffer *b)
{
	return b->data ? b->data : "";
}

void buffer_clear(struct buffer *b)
{
	b->size = 0;
	if (b->data)
		b->data[0] = '\0';
}

void buffer_free(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){ 0 };
}

int buffer_read_fd(struct buffer *b, int fd, size_t limit)
{
	size_t begin = b->size;

	for (;;) {
		ssize_t got;

		/* With 4 kB free at least, for /proc cuts its texts to the room it is given. */
		if (b->room - b->size < 4096 + 1)
			reserve(b, 4096);
		got = read(fd, b->data + b->size, b->room - b->size - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got > 0)
			b->size += (size_t)got;
		if (b->size - begin > limit) {
			b->size = begin + limit;
			got = -1;
			errno = EFBIG;
		}
		b->data[b->size] = '\0';
		if (got <= 0)
			return (int)got;
	}
}
