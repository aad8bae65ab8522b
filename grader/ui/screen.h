/*
 * screen.h: ncurses, held in one place: start, stop, tones, and text that is clipped to rectangles.
 * Whatever ends the process, the terminal is as it was.
 */
#ifndef UI_SCREEN_H
#define UI_SCREEN_H

#include "report/style.h"

#include <stdbool.h>
#include <stddef.h>

struct rect {
	int top, left, height, width;
};

/* False where the terminal cannot do it; nothing was changed then. */
bool screen_start(const struct style *style);
void screen_stop(void);

/* Readable when a signal came (a resized window too); see screen_signal(). */
int screen_signal_fd(void);

/* A signal that asks the process to end, or 0. Empties the descriptor. */
int screen_signal(void);

/* Puts text (printable() has seen it) at a place, cut to `width` columns. Returns the columns used.
 */
int screen_text(int top, int left, int width, enum tone tone, bool reverse, const char *text,
		size_t size);

/* The same for a C string, with an ellipsis where it is too long. */
void screen_cut(int top, int left, int width, enum tone tone, bool reverse, const char *text);

/* The same for a C string, filled up with blanks to the width. */
void screen_field(int top, int left, int width, enum tone tone, bool reverse, const char *text);

/* A frame with a title in its upper edge. Returns what is inside. */
struct rect screen_frame(struct rect outside, const char *title, bool focus);

/* A mark on the frame's right edge for what is above or below: lines `first`… of `total` are seen.
 */
void screen_scroll_mark(struct rect outside, int first, int total);

#endif
