/*
 * cgroup.h: limits on memory and tasks of a whole stage, where a cgroup v2 may be made: as root, or
 * in a session that systemd has delegated. cgroups(7). Everything is optional: without it rlimits
 * and the launcher's looks remain.
 */
#ifndef STAGE_CGROUP_H
#define STAGE_CGROUP_H

#include "stage/limits.h"

#include <limits.h>
#include <stdbool.h>

struct cgroup {
	char path[PATH_MAX]; /* "" when there is none */
	int procs;	     /* cgroup.procs, open for writing; -1 when there is none */
};

/*
 * Makes a cgroup as a child of the nearest ancestor of this process' cgroup that hands on memory
 * and pids and lets us. Must run before privileges are dropped: what is opened here stays usable.
 * 0, or -1 with errno and *group empty.
 */
int cgroup_make(struct cgroup *group, const struct limits *limits);

/* Moves the calling process into it. Async-signal-safe. 0, or -1 with errno. */
int cgroup_enter(const struct cgroup *group);

/* Kills what is in it and removes it. Does nothing when PATH is "". 0, or -1 with errno. */
int cgroup_remove(const char *path);

/* The mount point of the cgroup2 file system in the text of /proc/self/mountinfo; false: none. */
bool cgroup_find_mount(const char *mountinfo, char *mount, size_t room);

#endif
