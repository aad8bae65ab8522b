#include "base/file.h"

#include "base/die.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* close(2) that keeps errno: an error path must report its own error. */
static void close_quietly(int fd)
{
	int kept = errno;

	close(fd);
	errno = kept;
}

int file_read(const char *path, struct buffer *buffer, size_t limit)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int result;

	if (fd < 0)
		return -1;
	result = buffer_read_fd(buffer, fd, limit);
	close_quietly(fd);
	return result;
}

static const char *why_not_regular(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return NULL;
	case S_IFDIR:
		return "is a directory, not a regular file";
	case S_IFLNK:
		return "is a symbolic link, not a regular file";
	case S_IFIFO:
		return "is a FIFO, not a regular file";
	case S_IFSOCK:
		return "is a socket, not a regular file";
	default:
		return "is a device, not a regular file";
	}
}

static const char *too_large(size_t limit)
{
	static _Thread_local char text[80];

	snprintf(text, sizeof(text), "is larger than %zu bytes, the most that is read", limit);
	return text;
}

/* Judges what is open: between a look at the name and open(2) the name may change its meaning. */
static int read_if_regular(int fd, struct buffer *buffer, size_t limit, const char **why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	*why = why_not_regular(st.st_mode);
	if (*why) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		return -1;
	}
	if ((uint64_t)st.st_size > limit)
		errno = EFBIG;
	else if (buffer_read_fd(buffer, fd, limit) == 0)
		return 0;
	if (errno == EFBIG)
		*why = too_large(limit);
	return -1;
}

int file_read_regular(const char *path, struct buffer *buffer, size_t limit, const char **why)
{
	const char *reason = NULL;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int result = -1;

	if (fd >= 0) {
		result = read_if_regular(fd, buffer, limit, &reason);
		close_quietly(fd);
	} else if (errno == ELOOP) {
		reason = why_not_regular(S_IFLNK);
	} else if (errno == ENXIO) {
		reason = why_not_regular(S_IFSOCK);
	}
	if (why)
		*why = result == 0 ? NULL : reason ? reason : strerror(errno);
	return result;
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t written = write(fd, data, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		data += written;
		size -= (size_t)written;
	}
	return 0;
}

int file_write(const char *path, const void *data, size_t size, mode_t mode)
{
	struct buffer name = { 0 };
	int fd, result = -1, kept;

	buffer_printf(&name, "%s.XXXXXX", path);
	fd = mkostemp(name.data, O_CLOEXEC);
	if (fd >= 0) {
		if (write_all(fd, data, size) == 0 && fchmod(fd, mode) == 0)
			result = rename(name.data, path);
		kept = errno;
		close(fd);
		if (result < 0)
			unlink(name.data);
		errno = kept;
	}
	buffer_free(&name);
	return result;
}

bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static int make_directory(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	/* EEXIST is the usual one, but a read-only parent answers EROFS or EACCES first. */
	if (stat(path, &st) < 0)
		return -1;
	if (S_ISDIR(st.st_mode))
		return 0;
	errno = ENOTDIR;
	return -1;
}

int file_make_dirs(const char *path, mode_t mode)
{
	struct buffer part = { 0 };
	int result = 0;

	buffer_add(&part, path, strlen(path));
	for (size_t i = 1; i < part.size && result == 0; i++) {
		if (part.data[i] != '/')
			continue;
		part.data[i] = '\0';
		result = make_directory(part.data, mode);
		part.data[i] = '/';
	}
	if (result == 0)
		result = make_directory(path, mode);
	buffer_free(&part);
	return result;
}

char *file_join(struct arena *arena, const char *a, const char *b)
{
	size_t length = strlen(a);

	if (!length)
		return arena_copy(arena, b);
	while (length && a[length - 1] == '/')
		length--;
	while (*b == '/')
		b++;
	return arena_format(arena, "%.*s/%s", (int)length, a, b);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_listed(const char *name, bool hidden)
{
	return hidden ? strcmp(name, ".") != 0 && strcmp(name, "..") != 0 : *name != '.';
}

static const char **list_names(struct arena *arena, const char *dir, size_t *count, bool hidden)
{
	struct buffer names = { 0 };
	const struct dirent *entry;
	const char **list;
	DIR *stream = opendir(dir);
	size_t found;

	if (!stream)
		return NULL;
	for (errno = 0; (entry = readdir(stream)); errno = 0) {
		const char *name;

		if (!is_listed(entry->d_name, hidden))
			continue;
		name = arena_copy(arena, entry->d_name);
		buffer_add(&names, &name, sizeof(name));
	}
	if (errno) {
		int kept = errno;

		closedir(stream);
		buffer_free(&names);
		errno = kept;
		return NULL;
	}
	closedir(stream);
	found = names.size / sizeof(*list);
	list = arena_take(arena, (found + 1) * sizeof(*list));
	if (found) {
		memcpy(list, names.data, names.size);
		qsort(list, found, sizeof(*list), compare_names);
	}
	buffer_free(&names);
	if (count)
		*count = found;
	return list;
}

const char **file_list(struct arena *arena, const char *dir, size_t *count)
{
	return list_names(arena, dir, count, false);
}

const char **file_list_all(struct arena *arena, const char *dir, size_t *count)
{
	return list_names(arena, dir, count, true);
}
