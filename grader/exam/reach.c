/*
 * reach.c: the grader's own way to the files of a check.
 *
 * A student's program may put links and directories where the grader will look. By a path through
 * /proc/PID/root, or without a root of its own, an absolute link would lead to a file of the host,
 * read or written with the rights of who grades. So nothing is reached by a path: the directories
 * are opened before programs run, and names are resolved beneath them, openat2(2).
 */
#include "exam/exam_inside.h"

#include <linux/openat2.h>
#include <sys/syscall.h>

#include "base/text.h"

static int open_directory(const char *path)
{
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int open_place(struct exam *x, enum stage_place place)
{
	struct stage_directory directory;

	if (stage_fresh_directory(x->stage, place, NULL, &directory) != 0)
		return -1;
	return open_directory(directory.outside);
}

static void forget(int *fd)
{
	if (*fd > 0)
		close(*fd);
	*fd = 0;
}

bool exam_work_in(struct exam *x, enum stage_place place)
{
	forget(&x->reached.work);
	if (stage_fresh_directory(x->stage, place, "run", &x->directory) != 0)
		return false;
	x->reached.work = open(x->directory.outside, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return x->reached.work > 0;
}

void exam_close_places(struct exam *x)
{
	forget(&x->reached.work);
	forget(&x->reached.shm);
	forget(&x->reached.tmp);
	forget(&x->reached.parent[0]);
	forget(&x->reached.parent[1]);
}

/* /dev/shm and /tmp are mounts of the stage, or the host's: no program can move them. */
static int place_of(struct exam *x, const char **name)
{
	static const struct {
		const char *path;
		enum stage_place place;
	} places[] = { { "/dev/shm", STAGE_SHM }, { "/tmp", STAGE_TMP } };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		int *fd = places[i].place == STAGE_SHM ? &x->reached.shm : &x->reached.tmp;
		size_t length = strlen(places[i].path);

		if (!text_starts(*name, places[i].path) ||
		    ((*name)[length] != '/' && (*name)[length] != '\0'))
			continue;
		if (*fd <= 0)
			*fd = open_place(x, places[i].place);
		*name += length;
		*name += strspn(*name, "/");
		return *fd;
	}
	return x->reached.work;
}

/* Where there is no openat2(2), before Linux 5.6 or under a filter, no link is followed. */
static int open_beneath(int directory, const char *name, int flags, mode_t mode)
{
	struct open_how how = { .flags = (unsigned)(flags | O_CLOEXEC),
				.mode = flags & O_CREAT ? mode : 0,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV |
					   RESOLVE_NO_MAGICLINKS };
	int fd, tries = 0;

	if (*name == '\0')
		name = ".";
	do /* EAGAIN: something was renamed or mounted somewhere while ".." was looked at */
		fd = (int)syscall(SYS_openat2, directory, name, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN && tries++ < 100);
	if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
		return fd;
	return openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW, mode);
}

int exam_open_name(struct exam *x, const char *name, int flags, mode_t mode)
{
	int directory = place_of(x, &name);

	/* O_PATH opens nothing, and openat2(2) is strict about flags that mean nothing */
	if (!(flags & O_PATH))
		flags |= O_NOCTTY | O_NONBLOCK;
	return open_beneath(directory, name, flags, mode);
}

const char *exam_path(struct exam *x, const char *name)
{
	int directory = place_of(x, &name);
	const char *slash = strrchr(name, '/');

	if (slash) {
		int *parent = &x->reached.parent[x->reached.parents++ % 2];

		forget(parent);
		*parent = open_beneath(directory,
				       arena_copy_bytes(x->arena, name, (size_t)(slash - name)),
				       O_PATH | O_DIRECTORY, 0);
		directory = *parent;
		name = slash + 1;
	}
	return arena_format(x->arena, "/proc/self/fd/%d/%s", directory, name);
}
