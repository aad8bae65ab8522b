#include "stage/scratch.h"

#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

int scratch_orphan_age = 60;

int scratch_is_disk(const char *path)
{
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return 0;
	return fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC &&
	       fs.f_type != OVERLAYFS_SUPER_MAGIC;
}

/* Whether everybody may pass through each directory on the way: UID may not be who asks. */
static bool reachable(const char *path)
{
	char part[PATH_MAX];
	struct stat st;

	if (path[0] != '/' || strlen(path) >= sizeof(part))
		return false;
	for (const char *slash = path + 1; slash != NULL; slash = strchr(slash, '/')) {
		size_t length = (size_t)(slash - path);

		memcpy(part, path, length);
		part[length] = '\0';
		if (stat(part, &st) < 0 || !(st.st_mode & S_IXOTH))
			return false;
		slash++;
	}
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & S_IXOTH);
}

static bool usable(const char *path)
{
	struct statvfs fs;

	if (path == NULL || access(path, W_OK | X_OK) < 0 || statvfs(path, &fs) < 0)
		return false;
	return !(fs.f_flag & (ST_NOEXEC | ST_RDONLY)) && (geteuid() != 0 || reachable(path));
}

static const char *choose(void)
{
	const char *candidates[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" };
	const size_t count = sizeof(candidates) / sizeof(candidates[0]);

	for (size_t i = 0; i < count; i++)
		if (usable(candidates[i]) && scratch_is_disk(candidates[i]))
			return candidates[i];
	for (size_t i = 0; i < count; i++)
		if (usable(candidates[i]))
			return candidates[i];
	errno = EACCES;
	return NULL;
}

/* Everything that a maker may have called its directory; what was kept on purpose has another name.
 */
static bool is_scratch_name(const char *name)
{
	return text_starts(name, "maplab-stage-") || text_starts(name, "maplab-compile-") ||
	       text_starts(name, "maplab-session-") || text_starts(name, "maplab-probe-");
}

static void remove_if_orphan(int parent, const char *where, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char path[PATH_MAX];
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    st.st_ctime <= time(NULL) - scratch_orphan_age && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
	    snprintf(path, sizeof(path), "%s/%s", where, name) < (int)sizeof(path))
		file_remove_tree(path);
	close(fd);
}

static void remove_orphans(const char *where)
{
	static bool done;
	struct dirent *entry;
	DIR *dir;

	if (done)
		return;
	done = true;
	dir = opendir(where);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (is_scratch_name(entry->d_name))
			remove_if_orphan(dirfd(dir), where, entry->d_name);
	if (dir != NULL)
		closedir(dir);
}

/* The descriptor is never closed: the lock is to end with the process, however that ends. */
static void lock_for_life(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		close(fd);
}

/* Whoever clears away hears of the directory before it is there: we may die in between. */
static int make_fresh(struct janitor *janitor, char *path)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char *end = path + strlen(path) - 6;
	unsigned char random[6];
	struct stat st;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -1;
	for (size_t i = 0; i < sizeof(random); i++)
		end[i] = letters[random[i] % (sizeof(letters) - 1)];
	if (lstat(path, &st) == 0) {
		errno = EEXIST;
		return -1;
	}
	if (janitor != NULL)
		janitor_tell(janitor, JANITOR_REMOVE, path);
	return mkdir(path, 0700);
}

int scratch_make(const char *parent, const char *purpose, uid_t uid, gid_t gid, char *path)
{
	return scratch_make_told(NULL, parent, purpose, uid, gid, path);
}

int scratch_make_told(struct janitor *janitor, const char *parent, const char *purpose, uid_t uid,
		      gid_t gid, char *path)
{
	if (parent == NULL)
		parent = choose();
	if (parent == NULL)
		return -1;
	if (snprintf(path, PATH_MAX, "%s/maplab-%s-XXXXXX", parent, purpose) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	remove_orphans(parent);
	if (make_fresh(janitor, path) < 0)
		return -1;
	lock_for_life(path);
	if (geteuid() != 0 || uid == 0 || chown(path, uid, gid) == 0)
		return 0;
	rmdir(path);
	return -1;
}
