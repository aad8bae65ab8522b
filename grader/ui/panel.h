/*
 * panel.h: a part of the screen. A new one is one file that defines a struct panel, and a row in
 * the table of arrange.c (or, for an overlay, in ui.c).
 */
#ifndef UI_PANEL_H
#define UI_PANEL_H

#include "ui/screen.h"
#include "ui/state.h"

#include <stdbool.h>

struct panel {
	const char *(*title)(struct state *state);

	/* Takes in what changed, before drawing: selections that are out of range, say. May be
	 * NULL. */
	void (*scan)(struct state *state);

	/* Draws the inside of its frame. `frame` is around it, for scroll marks. */
	void (*draw)(struct state *state, struct rect inside, struct rect frame, bool focus);

	/* Has the key used; false gives it to the dashboard. May be NULL. */
	bool (*on_key)(struct state *state, int key);

	/* Rows that it would like to have, frame not counted. May be NULL: as many as there are. */
	int (*rows)(struct state *state);
};

extern const struct panel labs_panel, checks_panel, details_panel, help_panel;

/* One line on top, one at the bottom. */
void header_draw(struct state *state, struct rect place);
void footer_draw(struct state *state, struct rect place);

/*
 * For panels that are a list: the first row to be shown so that `chosen` is seen, when `first` was
 * shown before.
 */
int list_first(int first, int chosen, int rows, int total);

#endif
