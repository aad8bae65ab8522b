/* usage.h: what all processes of a pid namespace, and the places of a stage, use together. */
#ifndef STAGE_USAGE_H
#define STAGE_USAGE_H

#include "stage/stage.h"

#include <stdbool.h>
#include <stdint.h>

/* Adds the process whose status file is PROC/PID/status. *SHARED grows to its shared pages. */
void usage_add_process(const char *proc, const char *pid, struct stage_usage *usage,
		       uint64_t *shared);

/* The blocks of the files below a directory, in bytes; a walk that does not follow links, and ends
 * at a depth and a number of entries that no lab comes near. */
uint64_t usage_of_directory(const char *path);

/*
 * Reads all of it below ROOT ("" for one's own root directory), which has its own /proc. The memory
 * is that of anonymous pages, mapped shared pages and the tmpfs. Pages of memfd_create(2) and
 * System V that nobody has mapped are not seen. 0, or -1 with errno.
 */
int usage_read(const char *root, struct stage_usage *usage);

#endif
