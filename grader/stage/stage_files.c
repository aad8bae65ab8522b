/* Places and programs on the stage. */
#include "stage/state.h"

#include "base/buffer.h"
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PROGRAM_MOST (256 << 20)

/* Where a place is inside a sandbox, and below the scratch without one. */
static const struct place {
	const char *inside, *scratch;
} places[] = {
	[STAGE_WORK] = { "/lab/work", "work" },
	[STAGE_DISK] = { "/lab/disk", "disk" },
	[STAGE_SHM] = { "/dev/shm", NULL },
	[STAGE_TMP] = { "/tmp", "tmp" },
};

static int locate(struct stage *stage, enum stage_place place, struct stage_directory *d)
{
	const struct place *p = &places[place];
	int most = sizeof(d->inside), length;

	if (place == STAGE_DISK && !stage->disk) {
		errno = ENOENT;
		return -1;
	}
	if (stage->isolation == STAGE_FULL) {
		snprintf(d->inside, sizeof(d->inside), "%s", p->inside);
		/* the scratch's own path holds even when the launcher is gone */
		length = place == STAGE_DISK ? snprintf(d->outside, sizeof(d->outside), "%s/disk",
							stage->scratch)
					     : snprintf(d->outside, sizeof(d->outside), "%s%s",
							stage->root, p->inside);
	} else {
		length = p->scratch == NULL
				 ? snprintf(d->inside, sizeof(d->inside), "%s", p->inside)
				 : snprintf(d->inside, sizeof(d->inside), "%s/%s", stage->scratch,
					    p->scratch);
		memcpy(d->outside, d->inside, sizeof(d->outside));
	}
	if (length < most)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

static int append(char path[PATH_MAX], const char *name)
{
	size_t length = strlen(path);

	if (length + strlen(name) + 2 > PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	path[length] = '/';
	strcpy(path + length + 1, name);
	return 0;
}

static bool is_component(const char *name)
{
	return name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

int stage_fresh_directory(struct stage *stage, enum stage_place place, const char *name,
			  struct stage_directory *directory)
{
	if (locate(stage, place, directory) < 0)
		return -1;
	if (name == NULL)
		return 0;
	if (!is_component(name)) {
		errno = EINVAL;
		return -1;
	}
	if (append(directory->inside, name) < 0 || append(directory->outside, name) < 0)
		return -1;
	if (mkdir(directory->outside, 0755) < 0 &&
	    (errno != EEXIST || file_remove_tree(directory->outside) < 0 ||
	     mkdir(directory->outside, 0755) < 0))
		return -1;
	return chmod(directory->outside, 0755);
}

long stage_filesystem(struct stage *stage, enum stage_place place)
{
	struct stage_directory directory;
	struct statfs fs;

	if (locate(stage, place, &directory) < 0 || statfs(directory.outside, &fs) < 0)
		return 0;
	return (long)fs.f_type;
}

static int copy(const char *from, const char *to)
{
	struct buffer bytes = { 0 };
	int result = file_read(from, &bytes, PROGRAM_MOST);

	if (result == 0)
		result = file_write(to, bytes.data, bytes.size, 0755);
	buffer_free(&bytes);
	return result;
}

int stage_put_program(struct stage *stage, const char *file, const char *name, char *inside)
{
	char path[PATH_MAX];

	if (!is_component(name)) {
		errno = EINVAL;
		return -1;
	}
	strcpy(path, stage->scratch);
	if (append(path, "bin") < 0 || append(path, name) < 0)
		return -1;
	unlink(path);
	/* no link: who locks its own program (flock(2)) would lock that of other stages, too */
	if (copy(file, path) < 0)
		return -1;
	if (inside == NULL)
		return 0;
	if (stage->isolation != STAGE_FULL)
		memcpy(inside, path, sizeof(path));
	else
		snprintf(inside, PATH_MAX, "/lab/bin/%s", name);
	return 0;
}
