#include "ui/state.h"

#include "report/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ARENA = 64 << 20 };

static void open_lab(struct state *s, size_t index)
{
	struct lab_view *view = &s->labs[index];

	view->lab = lab_at(index);
	view->submission = submission_find(s->arena, view->lab, s->options->source);
	view->result = store_last(s->options->store, s->arena, view->lab);
	store_standing(s->options->store, view->lab->id, &view->standing);
	for (size_t i = 0; i < view->submission.count; i++)
		watcher_add(s->watcher, view->submission.source[i].path, (int)index);
}

/* Where the student left off: the lab of the latest attempt that is not done, else the first open
 * one. */
static size_t first_choice(const struct state *s)
{
	size_t best = s->lab_count;

	for (size_t i = 0; i < s->lab_count; i++)
		if (s->labs[i].standing.attempts > 0 && s->labs[i].standing.now != LAB_PASS &&
		    (best == s->lab_count ||
		     s->labs[i].standing.when > s->labs[best].standing.when))
			best = i;
	for (size_t i = 0; i < s->lab_count && best == s->lab_count; i++)
		if (!s->labs[i].standing.passed)
			best = i;
	return best == s->lab_count ? 0 : best;
}

void state_open(struct state *s, const struct ui_options *options)
{
	memset(s, 0, sizeof *s);
	s->options = options;
	s->arena = arena_new(ARENA, false);
	s->scratch = arena_new(ARENA, false);
	s->scratch_mark = arena_mark(s->scratch);
	s->watcher = watcher_new(options->poll);
	s->lab_count = lab_count();
	s->labs = arena_take(s->arena, (s->lab_count + 1) * sizeof *s->labs);
	for (size_t i = 0; i < s->lab_count; i++)
		open_lab(s, i);
	state_choose_lab(s, first_choice(s));
}

void state_close(struct state *s)
{
	grading_free(s->running);
	for (size_t i = 0; i < s->lab_count; i++)
		grading_free(s->labs[i].grading);
	watcher_free(s->watcher);
	arena_free(s->scratch);
	arena_free(s->arena);
}

void state_say(struct state *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(s->message, sizeof s->message, format, args);
	va_end(args);
}

static void start(struct state *s, size_t lab)
{
	struct grading_options how = s->options->how;
	struct lab_view *view = &s->labs[lab];

	view->wanted = false;
	if (!how.seed)
		how.seed = fresh_seed();
	s->running = grading_start(view->lab, &view->submission, &how);
	s->running_lab = lab;
	s->running_seed = how.seed;
}

static void start_wanted(struct state *s)
{
	for (size_t i = 0; i < s->lab_count && !s->running; i++)
		if (s->labs[i].wanted)
			start(s, i);
}

void state_grade(struct state *s, size_t lab)
{
	if (lab >= s->lab_count)
		return;
	if (s->running && s->running_lab == lab) {
		grading_free(s->running);
		s->running = NULL;
	}
	s->labs[lab].wanted = true;
	start_wanted(s);
}

/* What a student wants to see first. */
static void choose_first_failed(struct state *s)
{
	const struct lab_result *result = state_result(s);

	for (size_t i = 0; result && i < result->count; i++)
		if (result->check[i].verdict == VERDICT_FAIL) {
			s->check = i;
			return;
		}
}

static void take_result(struct state *s)
{
	struct lab_view *view = &s->labs[s->running_lab];
	const struct lab_result *result = grading_result(s->running);
	char clock[16];
	time_t now = time(NULL);
	struct tm tm;

	grading_free(view->grading);
	view->grading = s->running;
	view->result = result;
	s->running = NULL;
	store_attempt(s->options->store, result, s->running_seed);
	store_standing(s->options->store, view->lab->id, &view->standing);
	/* Who works at one check stays with it until it passes. */
	if (s->running_lab == s->lab && state_check_result(s) &&
	    state_check_result(s)->verdict != VERDICT_FAIL)
		choose_first_failed(s);
	strftime(clock, sizeof clock, "%H:%M:%S", localtime_r(&now, &tm));
	state_say(s, "%.2s %s %d/%d, %.2f s, %s", view->lab->id, status_word(result->status),
		  result->score, result->max, result->seconds, clock);
}

bool state_update(struct state *s)
{
	bool changed = false;
	int saved;

	if (s->running) {
		changed = true;
		if (grading_poll(s->running))
			take_result(s);
	}
	while ((saved = watcher_next(s->watcher)) >= 0) {
		state_choose_lab(s, (size_t)saved);
		state_grade(s, (size_t)saved);
		changed = true;
	}
	start_wanted(s);
	return changed;
}

struct lab_view *state_view(const struct state *s)
{
	return s->lab < s->lab_count ? &s->labs[s->lab] : NULL;
}

const struct lab_result *state_result(const struct state *s)
{
	if (s->running && s->running_lab == s->lab)
		return grading_result(s->running);
	return s->lab_count > 0 ? s->labs[s->lab].result : NULL;
}

const struct check *state_check(const struct state *s)
{
	const struct lab_view *view = state_view(s);

	return view && s->check < lab_check_count(view->lab) ? &view->lab->checks[s->check] : NULL;
}

const struct check_result *state_check_result(const struct state *s)
{
	const struct lab_result *result = state_result(s);

	return result && s->check < result->count ? &result->check[s->check] : NULL;
}

void state_choose_lab(struct state *s, size_t lab)
{
	if (lab >= s->lab_count || (lab == s->lab && s->check > 0))
		return;
	s->lab = lab;
	s->check = 0;
	choose_first_failed(s);
}

void state_choose_check(struct state *s, size_t check)
{
	const struct lab_view *view = state_view(s);

	if (view && check < lab_check_count(view->lab))
		s->check = check;
}

int state_hints(const struct state *s)
{
	const struct check *check = state_check(s);

	return check ? store_hints(s->options->store, state_view(s)->lab->id, check->id) : 0;
}

void state_next_hint(struct state *s)
{
	const struct check *check = state_check(s);
	int shown = state_hints(s);

	if (!check || shown >= LAB_MAX_HINTS || !check->hints[shown])
		state_say(s, "no further hint; the lab's chapter in workbook.md explains");
	else if (!s->options->store)
		state_say(s, "no store, no hints here: maplab hint %.2s %s", state_view(s)->lab->id,
			  check->id);
	else
		store_hint_shown(s->options->store, state_view(s)->lab->id, check->id, shown + 1);
}
