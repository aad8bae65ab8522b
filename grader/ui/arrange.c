#include "ui/arrange.h"

enum {
	LEAST_ROWS = 8,
	LEAST_COLUMNS = 30,
	ALL_ROWS = 16, /* from here on all panels are shown */
	ALL_COLUMNS = 64,
	WIDE_COLUMNS = 150, /* from here on side by side */
	TALL_ROWS = 34,	    /* from here on the details stand beside the labs */
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

static int limit(int value, int least, int most)
{
	return value < least ? least : value > most ? most : value;
}

/*
 * labs | checks, and below them the details: right of the labs where there is height for all; else
 * over the whole width, for which a sentence takes fewer of the few lines.
 */
static void usual(struct state *s, struct placed *placed, struct rect body)
{
	bool tall = body.height >= TALL_ROWS;
	int labs = body.width >= 100 ? LABS_COLUMNS_WIDE : LABS_COLUMNS;
	int checks = checks_panel.rows(s), rows = labs_panel.rows(s), left = tall ? labs : 0;

	checks = limit((tall || checks > rows ? checks : rows) + FRAME, FRAME + 1,
		       body.height - DETAILS_ROWS);
	placed[0].frame = (struct rect){ body.top, 0, tall ? body.height : checks, labs };
	placed[1].frame = (struct rect){ body.top, labs, checks, body.width - labs };
	placed[2].frame = (struct rect){ body.top + checks, left, body.height - checks,
					 body.width - left };
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
