/* database.h: SQLite with less ceremony. Errors are warnings; see store.h. */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>

/* Opens the file (making its directory) and brings its tables up to date. NULL after a warning. */
sqlite3 *database_open(const char *path);

/* Runs statements that give no rows. False after a warning. */
bool database_run(sqlite3 *db, const char *sql);

/*
 * A statement with its parameters bound, in order: 's' text (NULL allowed), 'i' int64_t.
 * NULL after a warning. The caller steps and finalizes.
 */
sqlite3_stmt *database_ask(sqlite3 *db, const char *sql, const char *types, ...);

/* Steps a statement that gives no rows and finalizes it. False after a warning; NULL gives false.
 */
bool database_do(sqlite3 *db, sqlite3_stmt *statement);

#endif
