/*
 * store.h: what a student has done so far: attempts, best scores, hints taken. One SQLite file,
 * $MAPLAB_STORE, else $XDG_STATE_HOME/maplab/store.db, else ~/.local/state/maplab/store.db.
 * Everything is kept by source directory, so that two clones do not share their scores.
 *
 * The store is a convenience: where it cannot be opened or written there is a warning, the handle
 * is NULL or the call does nothing, and grading goes on. All functions take a NULL store.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "exam/lab.h"
#include "exam/record.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

/* Opens (makes) the store for the labs below SOURCE. NULL after a warning where that is impossible.
 */
struct store *store_open(const char *source);
void store_close(struct store *store);

/* The path that store_open() uses; NULL when not even a home directory is known. */
const char *store_path(struct arena *arena);

struct standing {
	int attempts;
	int best;	     /* points of the best attempt */
	bool passed;	     /* some attempt passed whole */
	enum lab_status now; /* of the last attempt */
	int score, max;	     /* of the last attempt */
	int64_t when;	     /* seconds since 1970, of the last attempt */
};

/* False, and all zeros with LAB_UNTOUCHED, when the lab was never graded. */
bool store_standing(struct store *store, const char *lab, struct standing *standing);

/* Notes an attempt. Broken ones are not noted: they say nothing about the student. */
void store_attempt(struct store *store, const struct lab_result *result, uint64_t seed);

/*
 * The last attempt with its checks and their evidence, in the shape of LAB as it is today (checks
 * that are new since then are pending). NULL when there is none. Owned by the arena.
 */
struct lab_result *store_last(struct store *store, struct arena *arena, const struct lab *lab);

/* How many hints of the check were shown, and that one more was. */
int store_hints(struct store *store, const char *lab, const char *check);
void store_hint_shown(struct store *store, const char *lab, const char *check, int shown);

#endif
