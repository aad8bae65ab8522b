#include "ui/arrange.h"

enum {
	LEAST_ROWS = 8,
	LEAST_COLUMNS = 30,
	ALL_ROWS = 16, /* from here on all panels are shown */
	ALL_COLUMNS = 64,
	WIDE_COLUMNS = 150, /* from here on side by side */
	LABS_COLUMNS = 28,
	LABS_COLUMNS_WIDE = 34,
	DETAILS_ROWS = 8, /* at least */
	FRAME = 2,
};

static const struct panel *const panels[PANELS] = { &labs_panel, &checks_panel, &details_panel };

const struct panel *panel_at(int index)
{
	return panels[index];
}

static void one(struct placed *placed, struct rect body, int focus)
{
	placed[focus].frame = body;
}

/* labs | checks | details */
static void wide(struct placed *placed, struct rect body)
{
	int checks = (body.width - LABS_COLUMNS_WIDE) * 9 / 20;
	struct rect at = body;

	at.width = LABS_COLUMNS_WIDE;
	placed[0].frame = at;
	at.left += at.width;
	at.width = checks;
	placed[1].frame = at;
	at.left += at.width;
	at.width = body.width - at.left;
	placed[2].frame = at;
}

/* labs | checks above details */
static void usual(struct state *s, struct placed *placed, struct rect body)
{
	int labs = body.width >= 100 ? LABS_COLUMNS_WIDE : LABS_COLUMNS;
	int checks = checks_panel.rows(s) + FRAME;
	struct rect right = { body.top, labs, body.height, body.width - labs };

	if (checks > body.height - DETAILS_ROWS)
		checks = body.height - DETAILS_ROWS;
	if (checks < FRAME + 1)
		checks = FRAME + 1;
	placed[0].frame = (struct rect){ body.top, 0, body.height, labs };
	placed[1].frame = (struct rect){ right.top, right.left, checks, right.width };
	placed[2].frame = (struct rect){ right.top + checks, right.left, right.height - checks,
					 right.width };
}

bool arrange(struct state *s, int rows, int columns, int focus, struct placed placed[PANELS])
{
	struct rect body = { 1, 0, rows - 2, columns };

	for (int i = 0; i < PANELS; i++)
		placed[i] = (struct placed){ .panel = panels[i] };
	if (rows < LEAST_ROWS || columns < LEAST_COLUMNS)
		return false;
	if (rows < ALL_ROWS || columns < ALL_COLUMNS)
		one(placed, body, focus);
	else if (columns >= WIDE_COLUMNS)
		wide(placed, body);
	else
		usual(s, placed, body);
	return true;
}

int list_first(int first, int chosen, int rows, int total)
{
	if (chosen < first)
		first = chosen;
	if (chosen >= first + rows)
		first = chosen - rows + 1;
	if (first > total - rows)
		first = total - rows;
	return first > 0 ? first : 0;
}
