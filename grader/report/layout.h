/*
 * layout.h: text that is safe and fits. What a grading says holds bytes of strangers (paths,
 * output, compiler messages); nothing of it reaches a terminal before printable() has seen it.
 */
#ifndef REPORT_LAYOUT_H
#define REPORT_LAYOUT_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * TEXT as well-formed UTF-8 without control characters but '\n' (a tab becomes blanks; other bytes
 * become \ooo as in C). With `ascii` what is not ASCII is spelt with ASCII ("…" as "..."). NULL
 * gives "". Owned by the arena.
 */
char *printable(struct arena *arena, const char *text, bool ascii);

/* How many columns of a terminal the first SIZE bytes of printable text take. */
int columns_of(const char *text, size_t size);

/* How many bytes of TEXT fit into so many columns, never cutting a character. */
size_t bytes_that_fit(const char *text, size_t size, int columns);

/* TEXT, with an ellipsis at its end where it takes more than so many columns. */
const char *shortened(struct arena *arena, const char *text, int columns, bool ascii);

/*
 * Walks over the lines of a paragraph, broken at blanks where it is wider than `columns`:
 *     struct wrap wrap = wrap_start(text, columns);
 *     while (wrap_next(&wrap)) use(wrap.line, wrap.length);
 * A '\n' always ends a line. A word wider than a line is cut. An empty text has no line.
 */
struct wrap {
	const char *line; /* not NUL-terminated */
	size_t length;
	const char *next;
	int columns;
};
struct wrap wrap_start(const char *text, int columns);
bool wrap_next(struct wrap *wrap);

#endif
