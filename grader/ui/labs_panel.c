/* labs_panel.c: the list of labs with their best scores. */
#include "report/layout.h"
#include "ui/panel.h"

#include <curses.h>
#include <string.h>

static int first;

static const char *title(struct state *s)
{
	(void)s;
	return "labs";
}

/* A running or waiting lab shows that, not its last verdict. */
static const char *mark(const struct state *s, size_t index, enum tone *tone)
{
	const struct lab_view *view = &s->labs[index];
	enum lab_status status = view->result ? view->result->status : LAB_UNTOUCHED;

	if ((s->running && s->running_lab == index) || view->wanted) {
		*tone = TONE_HINT;
		return s->options->style.ascii ? "*" : "●";
	}
	*tone = status_tone(status);
	return status_mark(&s->options->style, status);
}

static void draw_row(struct state *s, size_t index, int top, struct rect in, bool focus)
{
	const struct lab_view *view = &s->labs[index];
	const char *score = arena_format(s->scratch, "%d/%d", view->standing.best,
					 lab_points(view->lab));
	int room = in.width - (int)strlen(score) - 5;
	bool chosen = index == s->lab;
	enum tone tone;
	const char *sign = mark(s, index, &tone);

	screen_field(top, in.left, in.width, TONE_PLAIN, chosen && focus, "");
	screen_text(top, in.left + 1, 1, tone, chosen && focus, sign, strlen(sign));
	screen_cut(top, in.left + 3, room, chosen ? TONE_BOLD : TONE_PLAIN, chosen && focus,
		   view->lab->id);
	screen_text(top, in.left + in.width - (int)strlen(score) - 1, (int)strlen(score),
		    view->standing.passed ? TONE_PASS : TONE_DIM, chosen && focus, score,
		    strlen(score));
}

static void draw(struct state *s, struct rect in, struct rect frame, bool focus)
{
	first = list_first(first, (int)s->lab, in.height, (int)s->lab_count);
	for (int row = 0; row < in.height && first + row < (int)s->lab_count; row++)
		draw_row(s, (size_t)(first + row), in.top + row, in, focus);
	screen_scroll_mark(frame, first, (int)s->lab_count);
}

static bool on_key(struct state *s, int key)
{
	switch (key) {
	case KEY_UP:
	case 'k':
		if (s->lab > 0)
			state_choose_lab(s, s->lab - 1);
		return true;
	case KEY_DOWN:
	case 'j':
		state_choose_lab(s, s->lab + 1);
		return true;
	case KEY_HOME:
		state_choose_lab(s, 0);
		return true;
	case KEY_END:
		state_choose_lab(s, s->lab_count - 1);
		return true;
	}
	return false;
}

static int rows(struct state *s)
{
	return (int)s->lab_count;
}

const struct panel labs_panel = { title, NULL, draw, on_key, rows };
