/* scratch.h: private directories of the grader on the host. */
#ifndef STAGE_SCRATCH_H
#define STAGE_SCRATCH_H

#include "stage/janitor.h"

#include <sys/types.h>

/*
 * Makes a directory of mode 0700 named maplab-PURPOSE-XXXXXX and owned by UID and GID (changed to
 * them only when root). Below PARENT, or with NULL below the first of $TMPDIR, /var/tmp and /tmp
 * that UID can reach and where programs can be executed, disk file systems before tmpfs. Writes its
 * path, at least PATH_MAX bytes. Returns 0, or -1 with errno. mkdir(2).
 *
 * The directory stays locked, flock(2), as long as this process lives. One without a lock is an
 * orphan: its maker and the janitor have both been killed. The first call in a process removes the
 * orphans of the same user beside the new directory that are older than scratch_orphan_age seconds
 * (60; a test may change it).
 */
extern int scratch_orphan_age;
int scratch_make(const char *parent, const char *purpose, uid_t uid, gid_t gid, char *path);

/* The same; JANITOR is told to remove it before it is made, so no death comes between. */
int scratch_make_told(struct janitor *janitor, const char *parent, const char *purpose, uid_t uid,
		      gid_t gid, char *path);

/* Whether PATH is on a file system that writes to a disk: not tmpfs, ramfs or an overlay. */
int scratch_is_disk(const char *path);

#endif
