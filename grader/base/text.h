/* text.h: small questions about strings, and bytes made readable for evidence. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether TEXT begins or ends with the other string. NULL begins and ends with nothing. */
bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);

/* Whether both are the same text; NULL equals only NULL. */
bool text_equal(const char *a, const char *b);

/*
 * The whole of TEXT as a decimal number, such as "-12": an optional minus and digits, no spaces, no
 * plus, nothing behind. False (and VALUE untouched) for anything else, NULL and what does not fit.
 */
bool text_to_i64(const char *text, int64_t *value);

/*
 * SIZE bytes in double quotes with the escapes of C (\n, \t, \\, \", three octal digits for the
 * rest), readable on any terminal; well-formed UTF-8 letters stay as they are. Beyond MOST bytes
 * the text is cut and "…" follows the closing quote. Owned by the arena.
 */
char *text_quote(struct arena *a, const void *data, size_t size, size_t most);

/* SIZE bytes as "de ad be ef", in the order of memory. Owned by the arena. */
char *text_hex(struct arena *a, const void *data, size_t size);

/*
 * Walks over lines:
 *     struct text_lines lines = text_lines(data, size);
 *     while (text_next_line(&lines)) use(lines.line, lines.length);
 * A line is given without its '\n' and is not NUL-terminated. A last line that has no '\n' counts;
 * an empty text has no line. DATA is borrowed.
 */
struct text_lines {
	const char *line; /* the current line */
	size_t length;
	const char *next; /* where the following one begins */
	const char *end;
};
struct text_lines text_lines(const char *data, size_t size);
bool text_next_line(struct text_lines *lines);

/* How many lines that walk finds. */
size_t text_line_count(const char *data, size_t size);

#endif
