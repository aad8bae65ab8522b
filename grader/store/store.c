#include "store/store.h"

#include "base/file.h"
#include "base/text.h"
#include "store/database.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct store {
	sqlite3 *db;
	char *source;
};

const char *store_path(struct arena *arena)
{
	const char *given = getenv("MAPLAB_STORE"), *state = getenv("XDG_STATE_HOME"),
		   *home = getenv("HOME");

	if (given && *given)
		return arena_copy(arena, given);
	if (state && *state == '/')
		return file_join(arena, state, "maplab/store.db");
	if (home && *home)
		return file_join(arena, home, ".local/state/maplab/store.db");
	return NULL;
}

struct store *store_open(const char *source)
{
	struct arena *arena = arena_new(1 << 16, false);
	const char *path = store_path(arena);
	sqlite3 *db = path ? database_open(path) : NULL;
	struct store *store = NULL;

	arena_free(arena);
	if (!db)
		return NULL;
	store = malloc(sizeof *store);
	if (store)
		*store = (struct store){ .db = db, .source = realpath(source, NULL) };
	if (store && !store->source)
		store->source = strdup(source);
	if (store && store->source)
		return store;
	free(store);
	sqlite3_close(db);
	return NULL;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	sqlite3_close(store->db);
	free(store->source);
	free(store);
}

static enum lab_status status_of(const char *name)
{
	for (enum lab_status s = LAB_PASS; s <= LAB_BROKEN; s++)
		if (text_equal(lab_status_name(s), name))
			return s;
	return LAB_BROKEN;
}

static enum verdict verdict_of(const char *name)
{
	for (enum verdict v = VERDICT_PASS; v <= VERDICT_BROKEN; v++)
		if (text_equal(verdict_name(v), name))
			return v;
	return VERDICT_PENDING;
}

static const char *column(sqlite3_stmt *row, int index)
{
	return (const char *)sqlite3_column_text(row, index);
}

bool store_standing(struct store *store, const char *lab, struct standing *standing)
{
	static const char sql[] = "SELECT count(*), max(score), sum(status = 'pass') FROM attempt"
				  " WHERE source = ? AND lab = ?";
	static const char last[] = "SELECT status, score, max, time FROM attempt"
				   " WHERE source = ? AND lab = ? ORDER BY id DESC LIMIT 1";
	sqlite3_stmt *row;

	*standing = (struct standing){ .now = LAB_UNTOUCHED };
	if (!store)
		return false;
	row = database_ask(store->db, sql, "ss", store->source, lab);
	if (row && sqlite3_step(row) == SQLITE_ROW) {
		standing->attempts = sqlite3_column_int(row, 0);
		standing->best = sqlite3_column_int(row, 1);
		standing->passed = sqlite3_column_int(row, 2) > 0;
	}
	sqlite3_finalize(row);
	row = database_ask(store->db, last, "ss", store->source, lab);
	if (row && sqlite3_step(row) == SQLITE_ROW) {
		standing->now = status_of(column(row, 0));
		standing->score = sqlite3_column_int(row, 1);
		standing->max = sqlite3_column_int(row, 2);
		standing->when = sqlite3_column_int64(row, 3);
	}
	sqlite3_finalize(row);
	return standing->attempts > 0;
}

static bool save_checks(struct store *store, const struct lab_result *result, int64_t attempt)
{
	static const char sql[] =
		"INSERT INTO verdict (attempt, check_id, verdict, score, max, more,"
		" expected, observed, why, seen, at)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	bool saved = true;

	for (size_t i = 0; i < result->count && saved; i++) {
		const struct check_result *c = &result->check[i];
		const struct evidence *e = &c->evidence;

		saved = database_do(store->db,
				    database_ask(store->db, sql, "issiiisssss", attempt, c->id,
						 verdict_name(c->verdict), (int64_t)c->score,
						 (int64_t)c->max, (int64_t)c->more, e->expected,
						 e->observed, e->why, e->from, e->at));
	}
	return saved;
}

static bool save_attempt(struct store *store, const struct lab_result *result, uint64_t seed)
{
	static const char sql[] =
		"INSERT INTO attempt (source, lab, time, seed, status, score, max,"
		" microseconds, compile_microseconds, diagnostics)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

	return database_do(store->db,
			   database_ask(store->db, sql, "ssiisiiiis", store->source, result->id,
					(int64_t)time(NULL), (int64_t)seed,
					lab_status_name(result->status), (int64_t)result->score,
					(int64_t)result->max, (int64_t)(result->seconds * 1e6),
					(int64_t)(result->compile_seconds * 1e6),
					result->diagnostics ? result->diagnostics : "")) &&
	       save_checks(store, result, sqlite3_last_insert_rowid(store->db));
}

/* Evidence is read again for the last attempt only. */
static bool forget_old_evidence(struct store *store, const char *lab)
{
	static const char sql[] = "DELETE FROM verdict WHERE attempt IN"
				  " (SELECT id FROM attempt WHERE source = ?1 AND lab = ?2 AND id <"
				  "  (SELECT max(id) FROM attempt WHERE source = ?1 AND lab = ?2))";

	return database_do(store->db, database_ask(store->db, sql, "ss", store->source, lab));
}

void store_attempt(struct store *store, const struct lab_result *result, uint64_t seed)
{
	bool saved;

	if (!store || result->status == LAB_BROKEN || !database_run(store->db, "BEGIN IMMEDIATE"))
		return;
	saved = save_attempt(store, result, seed) && forget_old_evidence(store, result->id);
	database_run(store->db, saved ? "COMMIT" : "ROLLBACK");
}

static const char *kept(struct arena *arena, sqlite3_stmt *row, int index)
{
	const char *text = column(row, index);

	return text ? arena_copy(arena, text) : NULL;
}

/* The lab of today as a result in which nothing was judged. */
static struct lab_result *empty_result(struct arena *arena, const struct lab *lab)
{
	struct lab_result *result = arena_take(arena, sizeof *result);

	result->id = lab->id;
	result->title = lab->title;
	result->max = lab_points(lab);
	result->count = lab_check_count(lab);
	result->check = arena_take(arena, result->count * sizeof *result->check);
	for (size_t i = 0; i < result->count; i++) {
		const struct check *check = &lab->checks[i];
		struct check_result *c = &result->check[i];

		c->id = check->id;
		c->title = check->title;
		c->task = check->task;
		c->max = check->points;
		while (c->hints < LAB_MAX_HINTS && check->hints[c->hints])
			c->hints++;
	}
	return result;
}

static void fill_check(struct arena *arena, struct check_result *c, sqlite3_stmt *row)
{
	c->verdict = verdict_of(column(row, 1));
	c->score = sqlite3_column_int(row, 2);
	c->more = sqlite3_column_int(row, 3);
	c->evidence = (struct evidence){ .expected = kept(arena, row, 4),
					 .observed = kept(arena, row, 5),
					 .why = kept(arena, row, 6),
					 .from = kept(arena, row, 7),
					 .at = kept(arena, row, 8) };
}

static void fill_checks(struct store *store, struct arena *arena, struct lab_result *result,
			int64_t attempt)
{
	static const char sql[] = "SELECT check_id, verdict, score, more, expected, observed, why,"
				  " seen, at FROM verdict WHERE attempt = ?";
	sqlite3_stmt *row = database_ask(store->db, sql, "i", attempt);

	while (row && sqlite3_step(row) == SQLITE_ROW)
		for (size_t i = 0; i < result->count; i++)
			if (text_equal(result->check[i].id, column(row, 0)))
				fill_check(arena, &result->check[i], row);
	sqlite3_finalize(row);
}

struct lab_result *store_last(struct store *store, struct arena *arena, const struct lab *lab)
{
	static const char sql[] = "SELECT id, status, score, microseconds, compile_microseconds,"
				  " diagnostics FROM attempt WHERE source = ? AND lab = ?"
				  " ORDER BY id DESC LIMIT 1";
	struct lab_result *result = NULL;
	sqlite3_stmt *row;

	if (!store)
		return NULL;
	row = database_ask(store->db, sql, "ss", store->source, lab->id);
	if (row && sqlite3_step(row) == SQLITE_ROW) {
		result = empty_result(arena, lab);
		result->status = status_of(column(row, 1));
		result->score = sqlite3_column_int(row, 2);
		result->seconds = sqlite3_column_double(row, 3) / 1e6;
		result->compile_seconds = sqlite3_column_double(row, 4) / 1e6;
		result->diagnostics = kept(arena, row, 5);
		fill_checks(store, arena, result, sqlite3_column_int64(row, 0));
	}
	sqlite3_finalize(row);
	return result;
}

int store_hints(struct store *store, const char *lab, const char *check)
{
	static const char sql[] =
		"SELECT shown FROM hint WHERE source = ? AND lab = ? AND check_id = ?";
	sqlite3_stmt *row;
	int shown = 0;

	if (!store)
		return 0;
	row = database_ask(store->db, sql, "sss", store->source, lab, check);
	if (row && sqlite3_step(row) == SQLITE_ROW)
		shown = sqlite3_column_int(row, 0);
	sqlite3_finalize(row);
	return shown;
}

void store_hint_shown(struct store *store, const char *lab, const char *check, int shown)
{
	static const char sql[] =
		"INSERT INTO hint (source, lab, check_id, shown) VALUES (?, ?, ?, ?)"
		" ON CONFLICT (source, lab, check_id)"
		" DO UPDATE SET shown = max(shown, excluded.shown)";

	if (store)
		database_do(store->db, database_ask(store->db, sql, "sssi", store->source, lab,
						    check, (int64_t)shown));
}
