/* arrange.h: where the panels stand on screens of all sizes. */
#ifndef UI_ARRANGE_H
#define UI_ARRANGE_H

#include "ui/panel.h"

enum { PANELS = 3 };

struct placed {
	const struct panel *panel;
	struct rect frame; /* height 0: not shown on a screen this small */
};

/* The panels in the order of Tab. */
const struct panel *panel_at(int index);

/*
 * Places the panels below the header and above the footer. On a small screen only the one with the
 * focus is shown. False where the screen is too small for any.
 */
bool arrange(struct state *state, int rows, int columns, int focus, struct placed placed[PANELS]);

#endif
