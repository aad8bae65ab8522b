/* sysvipc.c: parsers of /proc/sysvipc/shm and sem. They find their columns by the header's names.
 */
#include "procfs/sysvipc.h"

#include "base/text.h"
#include "procfs/scan.h"

#include <string.h>

enum { MOST_COLUMNS = 32, REMOVED = 01000, LOCKED = 02000, PERMISSIONS = 0777 };

/* A column we want: its name, and where its number goes (as int64_t). */
struct column {
	const char *name;
	bool octal;
	size_t at;
};

/* Which column (or NULL) each word of the header line is. */
struct header {
	const struct column *column[MOST_COLUMNS];
	size_t count;
};

static bool parse_header(const char *line, size_t length, const struct column *columns,
			 size_t count, struct header *header)
{
	struct scan s = scan_of(line, length);
	const char *word;
	size_t size, known = 0;

	header->count = 0;
	for (scan_spaces(&s); scan_word(&s, &word, &size); scan_spaces(&s)) {
		if (header->count == MOST_COLUMNS)
			return false;
		header->column[header->count] = NULL;
		for (size_t i = 0; i < count; i++) {
			if (strlen(columns[i].name) != size || memcmp(columns[i].name, word, size))
				continue;
			header->column[header->count] = &columns[i];
			known++;
		}
		header->count++;
	}
	return known > 0;
}

/* Reads one line of numbers into ROW. A line may not be shorter than the header. */
static bool parse_row(const char *line, size_t length, const struct header *header, void *row)
{
	struct scan s = scan_of(line, length);

	for (size_t i = 0; i < header->count; i++) {
		const struct column *column = header->column[i];
		bool octal = column && column->octal;
		int64_t number;
		uint64_t bits;

		scan_spaces(&s);
		if (octal ? !scan_u64(&s, 8, &bits) : !scan_i64(&s, &number))
			return false;
		if (octal)
			number = (int64_t)bits;
		if (column)
			memcpy((char *)row + column->at, &number, sizeof(number));
	}
	return true;
}

/* All numbers of a row as they are printed, before they get their types. */
struct shm_row {
	int64_t key, shmid, perms, size, cpid, lpid, nattch, uid, cuid, rss;
};

static const struct column shm_columns[] = {
	{ "key", false, offsetof(struct shm_row, key) },
	{ "shmid", false, offsetof(struct shm_row, shmid) },
	{ "perms", true, offsetof(struct shm_row, perms) },
	{ "size", false, offsetof(struct shm_row, size) },
	{ "cpid", false, offsetof(struct shm_row, cpid) },
	{ "lpid", false, offsetof(struct shm_row, lpid) },
	{ "nattch", false, offsetof(struct shm_row, nattch) },
	{ "uid", false, offsetof(struct shm_row, uid) },
	{ "cuid", false, offsetof(struct shm_row, cuid) },
	{ "rss", false, offsetof(struct shm_row, rss) },
};

/*
 *        key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid …
 *   1627455820          3   600                  4096  4711  4712      2  1000  1000  1000  1000 …
 * A removed one has mode bit 01000 in perms: " 1600".
 */
bool sysvipc_shm_parse(struct arena *arena, const char *text, size_t size, struct sysv_shm **list,
		       size_t *count)
{
	struct text_lines lines = text_lines(text, size);
	struct header header;

	*count = 0;
	*list = arena_take(arena, text_line_count(text, size) * sizeof(**list));
	if (!text_next_line(&lines) ||
	    !parse_header(lines.line, lines.length, shm_columns,
			  sizeof(shm_columns) / sizeof(*shm_columns), &header))
		return false;
	while (text_next_line(&lines)) {
		struct shm_row row = { 0 };

		if (!parse_row(lines.line, lines.length, &header, &row)) {
			*count = 0;
			return false;
		}
		(*list)[(*count)++] = (struct sysv_shm){
			.key = (int32_t)row.key,
			.shmid = (int)row.shmid,
			.perms = (unsigned)row.perms & PERMISSIONS,
			.removed = row.perms & REMOVED,
			.locked = row.perms & LOCKED,
			.size = (uint64_t)row.size,
			.cpid = (pid_t)row.cpid,
			.lpid = (pid_t)row.lpid,
			.nattch = (uint64_t)row.nattch,
			.uid = (uid_t)row.uid,
			.cuid = (uid_t)row.cuid,
			.rss = (uint64_t)row.rss,
			.line = arena_copy_bytes(arena, lines.line, lines.length),
		};
	}
	return true;
}

struct sem_row {
	int64_t key, semid, perms, nsems, uid, cuid, otime, ctime;
};

static const struct column sem_columns[] = {
	{ "key", false, offsetof(struct sem_row, key) },
	{ "semid", false, offsetof(struct sem_row, semid) },
	{ "perms", true, offsetof(struct sem_row, perms) },
	{ "nsems", false, offsetof(struct sem_row, nsems) },
	{ "uid", false, offsetof(struct sem_row, uid) },
	{ "cuid", false, offsetof(struct sem_row, cuid) },
	{ "otime", false, offsetof(struct sem_row, otime) },
	{ "ctime", false, offsetof(struct sem_row, ctime) },
};

/*
 *        key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime
 *   1627455820          0   600          2  1000  1000  1000  1000          0 1795226400
 */
bool sysvipc_sem_parse(struct arena *arena, const char *text, size_t size, struct sysv_sem **list,
		       size_t *count)
{
	struct text_lines lines = text_lines(text, size);
	struct header header;

	*count = 0;
	*list = arena_take(arena, text_line_count(text, size) * sizeof(**list));
	if (!text_next_line(&lines) ||
	    !parse_header(lines.line, lines.length, sem_columns,
			  sizeof(sem_columns) / sizeof(*sem_columns), &header))
		return false;
	while (text_next_line(&lines)) {
		struct sem_row row = { 0 };

		if (!parse_row(lines.line, lines.length, &header, &row)) {
			*count = 0;
			return false;
		}
		(*list)[(*count)++] = (struct sysv_sem){
			.key = (int32_t)row.key,
			.semid = (int)row.semid,
			.perms = (unsigned)row.perms & PERMISSIONS,
			.nsems = (uint64_t)row.nsems,
			.uid = (uid_t)row.uid,
			.cuid = (uid_t)row.cuid,
			.otime = (uint64_t)row.otime,
			.ctime = (uint64_t)row.ctime,
			.line = arena_copy_bytes(arena, lines.line, lines.length),
		};
	}
	return true;
}

const struct sysv_shm *sysvipc_find_shm(const struct sysv_shm *list, size_t count, int shmid)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].shmid == shmid)
			return &list[i];
	return NULL;
}

const struct sysv_sem *sysvipc_find_sem(const struct sysv_sem *list, size_t count, int semid)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].semid == semid)
			return &list[i];
	return NULL;
}
