/* scratch.h: private directories of the grader on the host. */
#ifndef STAGE_SCRATCH_H
#define STAGE_SCRATCH_H

#include <sys/types.h>

/*
 * Makes a directory of mode 0700 named maplab-PURPOSE-XXXXXX and owned by UID and GID (changed to
 * them only when root). Below PARENT, or with NULL below the first of $TMPDIR, /var/tmp and /tmp
 * that UID can reach and where programs can be executed, disk file systems before tmpfs. Writes its
 * path, at least PATH_MAX bytes. Returns 0, or -1 with errno. mkdtemp(3).
 */
int scratch_make(const char *parent, const char *purpose, uid_t uid, gid_t gid, char *path);

/* Whether PATH is on a file system that writes to a disk: not tmpfs, ramfs or an overlay. */
int scratch_is_disk(const char *path);

#endif
