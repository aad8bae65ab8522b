/* bars.c: the line on top (what is going on) and the one at the bottom (what can be done). */
#include "report/layout.h"
#include "ui/panel.h"

#include <string.h>

/* A key of the footer, and whether it does anything now: what does not is dim, not gone. */
struct key {
	const char *key, *what;
	bool (*enabled)(struct state *s);
};

static bool always(struct state *s)
{
	(void)s;
	return true;
}

static bool any_lab(struct state *s)
{
	return s->lab_count > 0;
}

static bool any_hint(struct state *s)
{
	const struct check *check = state_check(s);
	int shown = state_hints(s);

	return check && shown < LAB_MAX_HINTS && check->hints[shown];
}

static const struct key keys[] = {
	{ "Enter", "grade", any_lab }, { "Tab", "panel", always }, { "h", "hint", any_hint },
	{ "a", "grade all", any_lab }, { "?", "help", always },	   { "q", "quit", always },
};

void footer_draw(struct state *s, struct rect place)
{
	int left = place.left + 1;

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		bool enabled = keys[i].enabled(s);
		int need = (int)strlen(keys[i].key) + (int)strlen(keys[i].what) + 1;

		if (left + need > place.left + place.width)
			return;
		left += screen_text(place.top, left, place.width, enabled ? TONE_HINT : TONE_DIM,
				    false, keys[i].key, strlen(keys[i].key)) +
			1;
		left += screen_text(place.top, left, place.width, enabled ? TONE_PLAIN : TONE_DIM,
				    false, keys[i].what, strlen(keys[i].what)) +
			3;
	}
}

static const char *summary(struct state *s)
{
	int score = 0, max = 0, passed = 0;

	for (size_t i = 0; i < s->lab_count; i++) {
		score += s->labs[i].standing.best;
		max += lab_points(s->labs[i].lab);
		passed += s->labs[i].standing.passed;
	}
	return arena_format(s->scratch, "%d of %zu labs, %d of %d points", passed, s->lab_count,
			    score, max);
}

/* "grading 03  ████░░ 4/6": full blocks for checks that are done. */
static const char *progress(struct state *s)
{
	const struct lab_result *result = grading_result(s->running);
	bool ascii = s->options->style.ascii;
	char bar[LAB_MAX_CHECKS * 4 + 1] = "";
	size_t done = 0;

	for (size_t i = 0; i < result->count; i++)
		done += result->check[i].verdict != VERDICT_PENDING;
	for (size_t i = 0; i < result->count && i < LAB_MAX_CHECKS; i++)
		strcat(bar, i < done ? (ascii ? "#" : "█") : (ascii ? "." : "░"));
	return arena_format(s->scratch, "grading %.2s %s %zu/%zu", s->labs[s->running_lab].lab->id,
			    bar, done, result->count);
}

void header_draw(struct state *s, struct rect place)
{
	const char *right = s->running ? progress(s)
				       : printable(s->scratch, s->message, s->options->style.ascii);
	int width = columns_of(right, strlen(right)), left = place.left + 1;

	left += screen_text(place.top, left, place.width, TONE_BOLD, false, "maplab", 6) + 2;
	if (left + width + 2 < place.left + place.width - 30)
		screen_text(place.top, left, place.width, TONE_DIM, false, summary(s),
			    strlen(summary(s)));
	if (width > place.width - left - 1)
		width = place.width - left - 1;
	screen_text(place.top, place.left + place.width - width - 1, width,
		    s->running ? TONE_HINT : TONE_PLAIN, false, right, strlen(right));
}
