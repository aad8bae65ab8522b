/*
 * state.h: what the dashboard shows, and the gradings behind it. Panels read it and change the
 * selection; nothing here knows of ncurses.
 */
#ifndef UI_STATE_H
#define UI_STATE_H

#include "base/arena.h"
#include "ui/ui.h"
#include "ui/watcher.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* One lab and the last that is known of it. */
struct lab_view {
	const struct lab *lab;
	struct submission submission;
	struct standing standing;
	const struct lab_result *result; /* NULL: never graded */
	struct grading *grading; /* that the result lives in; NULL when it is from the store */
	bool wanted;		 /* to be graded as soon as nothing else is */
};

struct state {
	const struct ui_options *options;
	struct arena *arena;   /* as long as the dashboard */
	struct arena *scratch; /* of one drawing */
	size_t scratch_mark;   /* where that is empty */
	struct watcher *watcher;

	struct lab_view *labs;
	size_t lab_count;
	size_t lab;   /* the chosen one */
	size_t check; /* the chosen one of it */

	struct grading *running; /* NULL: none */
	size_t running_lab;
	uint64_t running_seed;

	char message[200]; /* on top, until the next event */
};

void state_open(struct state *state, const struct ui_options *options);
void state_close(struct state *state);

/* Has the lab graded as soon as possible; what runs of the same lab is begun again. */
void state_grade(struct state *state, size_t lab);

/* Takes in what gradings and files have to say. True when something changed. Never blocks. */
bool state_update(struct state *state);

/* The result to be shown of the chosen lab: the running one as far as it is, else the last. */
const struct lab_result *state_result(const struct state *state);
struct lab_view *state_view(const struct state *state);

/* The chosen check, NULL where the lab has none. */
const struct check *state_check(const struct state *state);
const struct check_result *state_check_result(const struct state *state);

void state_choose_lab(struct state *state, size_t lab);
void state_choose_check(struct state *state, size_t check);

/* Hints of the chosen check that were shown so far, and one more. */
int state_hints(const struct state *state);
void state_next_hint(struct state *state);

void state_say(struct state *state, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
