/*
 * file_remove.c: file_remove_tree(). The trees are scratch directories that programs of strangers
 * have filled, so: no name is ever resolved through more than one step, no link is followed, no
 * mount entered, and depth costs neither stack nor descriptors.
 *
 * One directory is open at a time. On the way down its device and inode are noted, and the way up,
 * through "..", must come out there again.
 */
#include "base/die.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OPEN_DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, TRIES = 100 };

/* A directory that we are below of. */
struct level {
	dev_t dev;
	ino_t ino;
	char *child; /* the name in it through which we went down; owned */
};

struct walk {
	int fd; /* the directory we are in */
	struct level *levels;
	size_t depth, room;
};

/* Opens the directory NAME of PARENT unless another mount lies on it. */
static int open_on_same_mount(int parent, const char *name)
{
	struct open_how how = {
		.flags = OPEN_DIRECTORY,
		.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
	};
	struct stat above, below;
	int fd = (int)syscall(SYS_openat2, parent, name, &how, sizeof(how));

	if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
		return fd;
	fd = openat(parent, name, OPEN_DIRECTORY); /* an old kernel or a sandbox without openat2 */
	if (fd < 0)
		return fd;
	if (fstat(parent, &above) == 0 && fstat(fd, &below) == 0 && above.st_dev == below.st_dev)
		return fd;
	close(fd);
	errno = EXDEV;
	return -1;
}

/* The same, with the owner's rights put back if chmod took them away. */
static int enter(int parent, const char *name)
{
	struct stat st;
	int fd = open_on_same_mount(parent, name);

	if (fd < 0 && errno == EACCES && fchmodat(parent, name, S_IRWXU, AT_SYMLINK_NOFOLLOW) == 0)
		fd = open_on_same_mount(parent, name);
	if (fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & S_IRWXU) != S_IRWXU)
		(void)!fchmod(fd, S_IRWXU); /* if it matters, the removal will say so */
	return fd;
}

/*
 * Removes what is no directory from the one that is open. *CHILD becomes the name of the first
 * directory found in it (to be freed), or NULL when it is empty now.
 */
static int remove_files(int fd, char **child)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0), failed = 0;
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	*child = NULL;
	if (!stream) {
		if (copy >= 0)
			close(copy);
		return -1;
	}
	for (errno = 0; !*child && (entry = readdir(stream)); errno = 0) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (unlinkat(fd, entry->d_name, 0) == 0 || errno == ENOENT)
			continue;
		if (errno != EISDIR)
			break;
		*child = strdup(entry->d_name);
		if (!*child)
			die("out of memory");
	}
	if (!*child)
		failed = errno;
	closedir(stream);
	errno = failed;
	return failed ? -1 : 0;
}

static int go_down(struct walk *w, char *child)
{
	struct level level = { .child = child };
	struct stat st;
	int fd = enter(w->fd, child);

	if (fd < 0 || fstat(w->fd, &st) < 0) {
		if (fd >= 0)
			close(fd);
		free(child);
		return -1;
	}
	level.dev = st.st_dev;
	level.ino = st.st_ino;
	if (w->depth == w->room) {
		w->room = w->room ? 2 * w->room : 16;
		w->levels = reallocarray(w->levels, w->room, sizeof(level));
		if (!w->levels)
			die("out of memory: a tree of %zu levels", w->room);
	}
	w->levels[w->depth++] = level;
	close(w->fd);
	w->fd = fd;
	return 0;
}

static int go_up(struct walk *w)
{
	struct level level = w->levels[--w->depth];
	int up = openat(w->fd, "..", OPEN_DIRECTORY), result = -1;
	struct stat st;

	if (up >= 0) {
		close(w->fd);
		w->fd = up;
	}
	if (up >= 0 && fstat(up, &st) == 0) {
		if (st.st_dev == level.dev && st.st_ino == level.ino)
			result = unlinkat(up, level.child, AT_REMOVEDIR);
		else
			errno = EXDEV; /* somebody moved the directory away meanwhile */
	}
	free(level.child);
	return result;
}

static int empty_directory(struct walk *w)
{
	for (;;) {
		char *child;

		if (remove_files(w->fd, &child) < 0)
			return -1;
		if (!child && !w->depth)
			return 0;
		if ((child ? go_down(w, child) : go_up(w)) < 0)
			return -1;
	}
}

static int remove_directory(const char *path)
{
	struct walk w = { .fd = open(path, OPEN_DIRECTORY) };
	struct stat st;
	int result, kept;

	if (w.fd < 0 && errno == EACCES &&
	    fchmodat(AT_FDCWD, path, S_IRWXU, AT_SYMLINK_NOFOLLOW) == 0)
		w.fd = open(path, OPEN_DIRECTORY);
	if (w.fd < 0)
		return -1;
	if (fstat(w.fd, &st) == 0 && (st.st_mode & S_IRWXU) != S_IRWXU)
		(void)!fchmod(w.fd, S_IRWXU);
	result = empty_directory(&w);
	kept = errno;
	while (w.depth)
		free(w.levels[--w.depth].child);
	free(w.levels);
	close(w.fd);
	errno = kept;
	return result < 0 ? -1 : rmdir(path);
}

/* As a side effect errno is ENOENT if it is not. */
static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

int file_remove_tree(const char *path)
{
	struct buffer name = { 0 };
	int result, tries = 0;

	/* "link/" would be followed, "link" is not. */
	buffer_add(&name, path, strlen(path));
	while (name.size > 1 && name.data[name.size - 1] == '/')
		name.data[--name.size] = '\0';
	do {
		result = unlinkat(AT_FDCWD, name.data, 0);
		if (result < 0 && errno == EISDIR)
			result = remove_directory(name.data);
		/* what was gone further down tells that somebody else removes, too, not that all is
		 * gone */
	} while (result < 0 && errno == ENOENT && is_there(name.data) && ++tries < TRIES);
	if (result < 0 && errno == ENOENT)
		result = 0;
	buffer_free(&name);
	return result;
}
