/* style.h: how verdicts look: a symbol each, and a colour where the terminal has them. */
#ifndef REPORT_STYLE_H
#define REPORT_STYLE_H

#include "exam/record.h"

#include <stdbool.h>

struct style {
	bool terminal; /* somebody is looking: progress may be shown */
	bool colour;
	bool ascii;
	int width; /* columns to fill */
};

enum tone {
	TONE_PLAIN,
	TONE_PASS,
	TONE_FAIL,
	TONE_SKIP,
	TONE_BROKEN,
	TONE_DIM,
	TONE_BOLD,
	TONE_HINT,
	TONE_COUNT
};

/*
 * The style for a descriptor: colour only on a terminal and without NO_COLOR (no-color.org), ASCII
 * where the locale is not UTF-8, the width of the terminal (100 elsewhere). Call setlocale(3)
 * before.
 */
struct style style_for(int fd, bool no_color, bool ascii);

/* The style of what is not shown on a terminal: no colour, 100 columns. */
struct style style_plain(void);

/* Escape sequences to begin and end a tone; "" without colour. */
const char *tone_on(const struct style *style, enum tone tone);
const char *tone_off(const struct style *style);

/* ✓ ✗ – ! · and in ASCII: + x - ! . */
const char *verdict_mark(const struct style *style, enum verdict verdict);
const char *status_mark(const struct style *style, enum lab_status status);
enum tone verdict_tone(enum verdict verdict);
enum tone status_tone(enum lab_status status);

/* What a status is called in sentences: "passed", "failed", "not started", "does not compile", … */
const char *status_word(enum lab_status status);

#endif
