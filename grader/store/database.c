#include "store/database.h"

#include "base/arena.h"
#include "base/die.h"
#include "base/file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

enum { BUSY_MS = 3000 };

/*
 * What turns the tables of version N into those of N + 1; PRAGMA user_version counts them. A step
 * that was released is never changed, only followed by another.
 */
static const char *const steps[] = {
	"CREATE TABLE attempt (id INTEGER PRIMARY KEY, source TEXT NOT NULL, lab TEXT NOT NULL,"
	" time INTEGER NOT NULL, seed INTEGER NOT NULL, status TEXT NOT NULL, score INTEGER NOT NULL,"
	" max INTEGER NOT NULL, microseconds INTEGER NOT NULL, compile_microseconds INTEGER NOT NULL,"
	" diagnostics TEXT NOT NULL);"
	"CREATE INDEX attempt_of_lab ON attempt (source, lab);"
	"CREATE TABLE verdict (attempt INTEGER NOT NULL REFERENCES attempt (id) ON DELETE CASCADE,"
	" check_id TEXT NOT NULL, verdict TEXT NOT NULL, score INTEGER NOT NULL, max INTEGER NOT NULL,"
	" more INTEGER NOT NULL, expected TEXT, observed TEXT, why TEXT, seen TEXT, at TEXT,"
	" PRIMARY KEY (attempt, check_id)) WITHOUT ROWID;"
	"CREATE TABLE hint (source TEXT NOT NULL, lab TEXT NOT NULL, check_id TEXT NOT NULL,"
	" shown INTEGER NOT NULL, PRIMARY KEY (source, lab, check_id)) WITHOUT ROWID;",
};

enum { VERSION = sizeof steps / sizeof *steps };

static bool complain(sqlite3 *db)
{
	warn("the store of results cannot be used (%s); going on without it", sqlite3_errmsg(db));
	return false;
}

bool database_run(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || complain(db);
}

static int version_of(sqlite3 *db)
{
	sqlite3_stmt *statement;
	int version = -1;

	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL) != SQLITE_OK)
		return -1;
	if (sqlite3_step(statement) == SQLITE_ROW)
		version = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return version;
}

/* Two maplabs may start at once: the version is looked at inside the transaction. */
static bool upgrade(sqlite3 *db)
{
	int version = version_of(db);

	if (version == VERSION)
		return true;
	if (version < 0)
		return complain(db);
	if (version > VERSION) {
		warn("the store of results was written by a newer maplab; going on without it");
		return false;
	}
	if (!database_run(db, "BEGIN IMMEDIATE"))
		return false;
	for (version = version_of(db); version < VERSION; version++) {
		char pragma[40];

		sqlite3_snprintf(sizeof pragma, pragma, "PRAGMA user_version = %d", version + 1);
		if (version < 0 || !database_run(db, steps[version]) || !database_run(db, pragma)) {
			sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
			return false;
		}
	}
	return database_run(db, "COMMIT");
}

static bool make_directory(const char *path)
{
	struct arena *arena = arena_new(1 << 16, false);
	char *directory = arena_copy(arena, path);
	char *slash = strrchr(directory, '/');
	bool made = true;

	if (slash && slash != directory) {
		*slash = '\0';
		made = file_make_dirs(directory, 0700) == 0;
		if (!made)
			warn("no store of results: cannot make %s: %s; going on without it",
			     directory, strerror(errno));
	}
	arena_free(arena);
	return made;
}

sqlite3 *database_open(const char *path)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	sqlite3 *db = NULL;

	if (!make_directory(path))
		return NULL;
	if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK) {
		warn("no store of results: %s: %s; going on without it", path,
		     db ? sqlite3_errmsg(db) : "out of memory");
		sqlite3_close(db);
		return NULL;
	}
	sqlite3_busy_timeout(db, BUSY_MS);
	if (!upgrade(db) ||
	    !database_run(db, "PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL")) {
		sqlite3_close(db);
		return NULL;
	}
	return db;
}

sqlite3_stmt *database_ask(sqlite3 *db, const char *sql, const char *types, ...)
{
	sqlite3_stmt *statement;
	va_list args;
	int result = SQLITE_OK;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
		complain(db);
		return NULL;
	}
	va_start(args, types);
	for (int i = 0; types[i] && result == SQLITE_OK; i++) {
		if (types[i] == 's')
			result = sqlite3_bind_text(statement, i + 1, va_arg(args, const char *), -1,
						   SQLITE_TRANSIENT);
		else
			result = sqlite3_bind_int64(statement, i + 1, va_arg(args, int64_t));
	}
	va_end(args);
	if (result == SQLITE_OK)
		return statement;
	complain(db);
	sqlite3_finalize(statement);
	return NULL;
}

bool database_do(sqlite3 *db, sqlite3_stmt *statement)
{
	bool done = statement && sqlite3_step(statement) == SQLITE_DONE;

	if (statement && !done)
		complain(db);
	sqlite3_finalize(statement);
	return done;
}
