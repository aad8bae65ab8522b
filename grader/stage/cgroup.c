#include "stage/cgroup.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SMALL_FILE 65536

bool cgroup_find_mount(const char *mountinfo, char *mount, size_t room)
{
	struct text_lines lines = text_lines(mountinfo, strlen(mountinfo));

	while (text_next_line(&lines)) {
		char line[1024], path[512];

		if (lines.length >= sizeof(line))
			continue;
		memcpy(line, lines.line, lines.length);
		line[lines.length] = '\0';
		/* id, parent, major:minor, root, mount point, options … - type source options */
		if (strstr(line, " - cgroup2 ") == NULL ||
		    sscanf(line, "%*s %*s %*s %*s %511s", path) != 1 || strlen(path) >= room)
			continue;
		strcpy(mount, path);
		return true;
	}
	return false;
}

static bool find_own(char *path, size_t room, size_t *mount_length)
{
	struct buffer text = { 0 };
	char mount[PATH_MAX];
	const char *own;
	bool found = false;

	if (file_read("/proc/self/mountinfo", &text, 1 << 20) == 0 &&
	    cgroup_find_mount(buffer_text(&text), mount, sizeof(mount))) {
		buffer_clear(&text);
		if (file_read("/proc/self/cgroup", &text, SMALL_FILE) == 0 &&
		    (own = strstr(buffer_text(&text), "0::/")) != NULL) {
			*mount_length = strlen(mount);
			found = snprintf(path, room, "%s%.*s", mount, (int)strcspn(own + 3, "\n"),
					 own + 3) < (int)room;
		}
	}
	buffer_free(&text);
	return found;
}

static bool hands_on_controllers(const char *path)
{
	struct buffer text = { 0 };
	char name[PATH_MAX];
	bool yes = snprintf(name, sizeof(name), "%s/cgroup.subtree_control", path) <
			   (int)sizeof(name) &&
		   file_read(name, &text, SMALL_FILE) == 0 &&
		   strstr(buffer_text(&text), "memory") != NULL &&
		   strstr(buffer_text(&text), "pids") != NULL;

	buffer_free(&text);
	return yes;
}

static int put(const char *group, const char *file, const char *text)
{
	char name[PATH_MAX];
	int fd, result;

	if (snprintf(name, sizeof(name), "%s/%s", group, file) >= (int)sizeof(name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	result = write(fd, text, strlen(text)) < 0 ? -1 : 0;
	close(fd);
	return result;
}

static int put_limit(const char *group, const char *file, uint64_t value)
{
	char text[32];

	if (value == LIMIT_NONE)
		return 0;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return put(group, file, text);
}

/* Whether a process of ours may be moved in: asked by moving a short-lived child. */
static bool lets_in(const struct cgroup *group)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(cgroup_enter(group) == 0 ? 0 : 1);
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static int make_below(struct cgroup *group, const char *parent, const struct limits *limits)
{
	/* bubblewrap, the launcher and their kin come on top; the rlimit is the exact one */
	uint64_t tasks = limits->value[LIMIT_PROCESSES];
	char name[PATH_MAX];

	if (tasks < LIMIT_NONE - 16)
		tasks += 16;
	if (snprintf(group->path, sizeof(group->path), "%s/maplab-%d", parent, (int)getpid()) >=
		    (int)sizeof(group->path) ||
	    snprintf(name, sizeof(name), "%s/cgroup.procs", group->path) >= (int)sizeof(name) ||
	    mkdir(group->path, 0755) < 0)
		return -1;
	group->procs = open(name, O_WRONLY | O_CLOEXEC);
	if (group->procs >= 0 &&
	    put_limit(group->path, "memory.max", limits->value[LIMIT_MEMORY]) == 0 &&
	    put_limit(group->path, "pids.max", tasks) == 0 && lets_in(group)) {
		put(group->path, "memory.swap.max", "0");
		put(group->path, "memory.oom.group", "0");
		return 0;
	}
	if (group->procs >= 0)
		close(group->procs);
	rmdir(group->path);
	return -1;
}

int cgroup_make(struct cgroup *group, const struct limits *limits)
{
	char path[PATH_MAX];
	size_t mount_length = 0;

	*group = (struct cgroup){ .procs = -1 };
	if (find_own(path, sizeof(path), &mount_length))
		while (strlen(path) >= mount_length) {
			char *slash;

			if (hands_on_controllers(path) && make_below(group, path, limits) == 0)
				return 0;
			slash = strrchr(path, '/');
			if (slash == NULL)
				break;
			*slash = '\0';
		}
	*group = (struct cgroup){ .procs = -1 };
	errno = ENOTSUP;
	return -1;
}

int cgroup_enter(const struct cgroup *group)
{
	if (group->procs < 0)
		return 0;
	return write(group->procs, "0", 1) == 1 ? 0 : -1;
}

int cgroup_remove(const char *path)
{
	const struct timespec moment = { .tv_nsec = 2000000 };

	if (path[0] == '\0')
		return 0;
	put(path, "cgroup.kill", "1");
	for (int tries = 0; tries < 500; tries++) {
		if (rmdir(path) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			return -1;
		nanosleep(&moment, NULL);
	}
	return -1;
}
