/* checks_panel.c: the checks of the chosen lab, as far as they were judged. */
#include "report/layout.h"
#include "ui/panel.h"

#include <curses.h>
#include <string.h>

static int first;

static const char *title(struct state *s)
{
	const struct lab_view *view = state_view(s);

	if (!view)
		return "checks";
	return printable(s->scratch,
			 arena_format(s->scratch, "%s  %s", view->lab->id, view->lab->title),
			 s->options->style.ascii);
}

static int count(const struct state *s);

static int count_rows(struct state *s)
{
	return count(s);
}

static int count(const struct state *s)
{
	const struct lab_view *view = state_view(s);

	return view ? (int)lab_check_count(view->lab) : 0;
}

static void scan(struct state *s)
{
	if (s->check >= (size_t)count(s))
		s->check = 0;
}

static const struct check_result *result_of(const struct state *s, int index)
{
	const struct lab_result *result = state_result(s);

	return result && (size_t)index < result->count ? &result->check[index] : NULL;
}

static void draw_row(struct state *s, int index, int top, struct rect in, bool focus)
{
	const struct style *style = &s->options->style;
	const struct check *check = &state_view(s)->lab->checks[index];
	const struct check_result *result = result_of(s, index);
	enum verdict verdict = result ? result->verdict : VERDICT_PENDING;
	const char *points = verdict == VERDICT_PENDING
				     ? arena_format(s->scratch, "%d", check->points)
				     : arena_format(s->scratch, "%d/%d", result->score,
						    check->points);
	const char *text = printable(s->scratch, check->title, style->ascii);
	bool chosen = (size_t)index == s->check, reverse = chosen && focus;
	int room = in.width - (int)strlen(points) - 6;

	screen_field(top, in.left, in.width, TONE_PLAIN, reverse, "");
	screen_text(top, in.left + 1, 1, verdict_tone(verdict), reverse,
		    verdict_mark(style, verdict), strlen(verdict_mark(style, verdict)));
	screen_cut(top, in.left + 3, room,
		   chosen			? TONE_BOLD
		   : verdict == VERDICT_PENDING ? TONE_DIM
						: TONE_PLAIN,
		   reverse, text);
	screen_text(top, in.left + in.width - (int)strlen(points) - 1, (int)strlen(points),
		    verdict == VERDICT_PASS ? TONE_PASS : TONE_DIM, reverse, points,
		    strlen(points));
}

static void draw(struct state *s, struct rect in, struct rect frame, bool focus)
{
	first = list_first(first, (int)s->check, in.height, count(s));
	for (int row = 0; row < in.height && first + row < count(s); row++)
		draw_row(s, first + row, in.top + row, in, focus);
	screen_scroll_mark(frame, first, count(s));
}

static bool on_key(struct state *s, int key)
{
	switch (key) {
	case KEY_UP:
	case 'k':
		if (s->check > 0)
			state_choose_check(s, s->check - 1);
		return true;
	case KEY_DOWN:
	case 'j':
		state_choose_check(s, s->check + 1);
		return true;
	case KEY_HOME:
		state_choose_check(s, 0);
		return true;
	case KEY_END:
		state_choose_check(s, (size_t)count(s) - 1);
		return true;
	}
	return false;
}

const struct panel checks_panel = { title, scan, draw, on_key, count_rows };
