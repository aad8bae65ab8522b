/* help_panel.c: all keys, on `?`. */
#include "report/layout.h"
#include "ui/panel.h"

#include <string.h>

enum { KEYS = 20 };

static const struct {
	const char *keys, *what;
} rows_of_help[] = {
	{ "Up Down, k j", "move in the panel with the bright frame" },
	{ "Left Right, Tab", "go to another panel" },
	{ "PgUp PgDn", "scroll the details" },
	{ "Home End", "first and last" },
	{ "Enter, g, F5", "grade the chosen lab" },
	{ "a", "grade all labs" },
	{ "h", "the next hint for the chosen check" },
	{ "?, F1", "this page; Esc leaves it" },
	{ "q, F10, Ctrl-C", "leave" },
	{ "", "" },
	{ "saving a file", "grades its lab at once" },
	{ "maplab trace NN", "shows each memory call of a run" },
	{ "maplab maps NN", "shows the address space at its stops" },
};

static const char *title(struct state *s)
{
	(void)s;
	return "keys";
}

static void draw(struct state *s, struct rect in, struct rect frame, bool focus)
{
	(void)s;
	(void)frame;
	(void)focus;
	for (int i = 0; i < (int)(sizeof rows_of_help / sizeof *rows_of_help) && i < in.height;
	     i++) {
		screen_text(in.top + i, in.left + 1, KEYS - 1, TONE_HINT, false,
			    rows_of_help[i].keys, strlen(rows_of_help[i].keys));
		screen_text(in.top + i, in.left + 1 + KEYS, in.width - KEYS - 1, TONE_PLAIN, false,
			    rows_of_help[i].what, strlen(rows_of_help[i].what));
	}
}

static int rows(struct state *s)
{
	(void)s;
	return (int)(sizeof rows_of_help / sizeof *rows_of_help);
}

const struct panel help_panel = { title, NULL, draw, NULL, rows };
