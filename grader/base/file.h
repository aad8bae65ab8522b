/*
 * file.h: whole files and trees. Functions that return int give 0, or -1 with errno. Submissions
 * are files of strangers: read them with file_read_regular() only.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/arena.h"
#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Appends the file at PATH to the buffer; EFBIG beyond LIMIT bytes. open(2), read(2). */
int file_read(const char *path, struct buffer *buffer, size_t limit);

/*
 * The same for a file that is not to be trusted: it must be a regular one, not a symbolic link,
 * FIFO, socket, device or directory, and at most LIMIT bytes long. Never waits (a FIFO without a
 * writer would). On -1 *WHY (when WHY is not NULL) is a plain sentence part without the path, such
 * as "is a symbolic link, not a regular file"; valid until the next call in this thread. Only the
 * last part of PATH is held to this: directories on the way may be links.
 */
int file_read_regular(const char *path, struct buffer *buffer, size_t limit, const char **why);

/*
 * Writes the file at PATH with permissions MODE (the umask does not count), replacing one that is
 * there by rename(2): a reader sees the old bytes or the new ones, never a part. A symbolic link at
 * PATH is replaced, not followed. Not a promise against power failure (no fsync).
 */
int file_write(const char *path, const void *data, size_t size, mode_t mode);

/* Whether something (following links) is there. access(2) with F_OK. */
bool file_exists(const char *path);

/* Makes the directory and those above it, each with MODE under the umask; fine when it is there. */
int file_make_dirs(const char *path, mode_t mode);

/*
 * Removes PATH with everything below it. Never follows a symbolic link, never enters another mount
 * (EXDEV; bind mounts are noticed from Linux 5.6 on, openat2(2)), opens up directories that were
 * closed with chmod, and copes with any depth and with others that remove the same. 0 also when
 * there was nothing. Stops at the first thing that cannot be removed.
 */
int file_remove_tree(const char *path);

/* "A/B" with exactly one slash between; B alone when A is empty. Owned by the arena. */
char *file_join(struct arena *arena, const char *a, const char *b);

/*
 * The names in a directory, without those that begin with a dot, sorted as by strcmp(3), with a
 * NULL behind the last; *COUNT (may be NULL) without the NULL. NULL with errno on error. Owned by
 * the arena.
 */
const char **file_list(struct arena *arena, const char *dir, size_t *count);
/* With those that begin with a dot, but for "." and "..". */
const char **file_list_all(struct arena *arena, const char *dir, size_t *count);

#endif
