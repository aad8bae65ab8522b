#include "ui/watcher.h"

#include "base/clock.h"
#include "base/die.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
	POLL_MS = 500, /* where inotify does not see */
	QUIET_MS = 25, /* a save is several events: let it end */
};

static const uint32_t interest = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
				 IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

/* File systems that other machines change without the kernel here being told. */
static const uint32_t remote[] = {
	NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, V9FS_MAGIC, 0xff534d42, /* CIFS */
	0xfe534d42,						  /* SMB2 */
	0x65735546, /* FUSE: sshfs, shared folders of Docker Desktop */
	0x786f4256, /* VirtualBox shared folders */
};

/* What tells one saved state of a file from another. All zero: it is not there. */
struct signature {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
};

struct watched {
	char *path, *directory;
	const char *name;    /* the last part of path */
	int tag, descriptor; /* of its directory; -1: polled */
	struct signature seen;
	int64_t touched; /* when there was news of it last; 0: none since it was reported */
};

struct watcher {
	int fd;
	bool poll_only;
	struct watched *file;
	size_t count;
	int64_t polled; /* when the polled files were looked at last */
};

static struct signature signature_of(const char *path)
{
	struct stat st;
	struct signature s;

	memset(&s, 0, sizeof s);
	if (stat(path, &st) < 0)
		return s;
	s.device = st.st_dev;
	s.inode = st.st_ino;
	s.size = st.st_size;
	s.modified.tv_sec = st.st_mtim.tv_sec;
	s.modified.tv_nsec = st.st_mtim.tv_nsec;
	return s;
}

static bool same(const struct signature *a, const struct signature *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->modified.tv_sec == b->modified.tv_sec &&
	       a->modified.tv_nsec == b->modified.tv_nsec;
}

static bool is_remote(const char *directory)
{
	struct statfs fs;

	if (statfs(directory, &fs) < 0)
		return true;
	for (size_t i = 0; i < sizeof remote / sizeof *remote; i++)
		if ((uint32_t)fs.f_type == remote[i])
			return true;
	return false;
}

struct watcher *watcher_new(bool poll_only)
{
	struct watcher *w = calloc(1, sizeof *w);

	if (!w)
		die("out of memory");
	w->poll_only = poll_only;
	w->fd = poll_only ? -1 : inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	w->polled = clock_now();
	return w;
}

void watcher_free(struct watcher *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->count; i++) {
		free(w->file[i].path);
		free(w->file[i].directory);
	}
	free(w->file);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

static int watch_directory(const struct watcher *w, const char *directory)
{
	if (w->fd < 0 || is_remote(directory))
		return -1;
	return inotify_add_watch(w->fd, directory, interest);
}

void watcher_add(struct watcher *w, const char *path, int tag)
{
	struct watched *grown = realloc(w->file, (w->count + 1) * sizeof *grown);
	struct watched *f;
	char *slash;

	if (!grown)
		die("out of memory");
	w->file = grown;
	f = &w->file[w->count++];
	*f = (struct watched){ .path = strdup(path), .directory = strdup(path), .tag = tag };
	if (!f->path || !f->directory)
		die("out of memory");
	slash = strrchr(f->directory, '/');
	if (slash) {
		*slash = '\0';
		f->name = f->path + (slash - f->directory) + 1;
	} else {
		strcpy(f->directory, *f->directory ? "." : "");
		f->name = f->path;
	}
	f->descriptor = watch_directory(w, *f->directory ? f->directory : "/");
	f->seen = signature_of(path);
}

int watcher_fd(const struct watcher *w)
{
	return w->fd;
}

static bool any_polled(const struct watcher *w)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->file[i].descriptor < 0)
			return true;
	return false;
}

int watcher_timeout(const struct watcher *w)
{
	int64_t now = clock_now(), due = INT64_MAX;

	if (any_polled(w))
		due = w->polled + POLL_MS * NS_PER_MS;
	for (size_t i = 0; i < w->count; i++)
		if (w->file[i].touched && w->file[i].touched + QUIET_MS * NS_PER_MS < due)
			due = w->file[i].touched + QUIET_MS * NS_PER_MS;
	if (due == INT64_MAX)
		return -1;
	return due <= now ? 0 : (int)((due - now) / NS_PER_MS) + 1;
}

/* News of a file, or of all files when the queue was too short for the names (no watch and no
 * name). */
static void note(struct watcher *w, const struct inotify_event *event)
{
	const uint32_t gone = IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT;

	for (size_t i = 0; i < w->count; i++) {
		struct watched *f = &w->file[i];

		if (!(event->mask & IN_Q_OVERFLOW) && f->descriptor != event->wd)
			continue;
		/* Its directory went away; another of that name may come. */
		if (event->mask & gone)
			f->descriptor = -1;
		else if (event->len > 0 && strcmp(event->name, f->name) != 0)
			continue;
		f->touched = clock_now();
	}
}

static void read_news(struct watcher *w)
{
	_Alignas(struct inotify_event) char room[8192];
	ssize_t size;

	while (w->fd >= 0 && (size = read(w->fd, room, sizeof room)) > 0)
		for (char *at = room; at < room + size;) {
			const struct inotify_event *event = (const struct inotify_event *)at;

			note(w, event);
			at += sizeof *event + event->len;
		}
}

static void poll_files(struct watcher *w)
{
	int64_t now = clock_now();

	if (now - w->polled < POLL_MS * NS_PER_MS)
		return;
	w->polled = now;
	for (size_t i = 0; i < w->count; i++) {
		struct watched *f = &w->file[i];
		struct signature s;

		if (f->descriptor >= 0)
			continue;
		s = signature_of(f->path);
		if (!same(&s, &f->seen) && !f->touched)
			f->touched = now;
		f->descriptor = watch_directory(w, *f->directory ? f->directory : "/");
	}
}

int watcher_next(struct watcher *w)
{
	int64_t now;

	read_news(w);
	poll_files(w);
	now = clock_now();
	for (size_t i = 0; i < w->count; i++) {
		struct watched *f = &w->file[i];
		struct signature s;

		if (!f->touched || now - f->touched < QUIET_MS * NS_PER_MS)
			continue;
		f->touched = 0;
		s = signature_of(f->path);
		if (same(&s, &f->seen))
			continue;
		f->seen = s;
		/* Gone: a save in progress, or it was deleted; grading waits until there is a file.
		 */
		if (s.inode != 0)
			return f->tag;
	}
	return -1;
}
