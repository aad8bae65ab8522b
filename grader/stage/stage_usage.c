/* What the programs of a stage use. */
#include "stage/state.h"

#include "base/file.h"
#include "procfs/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DEPTH 16

static void add_process(const char *proc, const char *pid, struct stage_usage *usage,
			uint64_t *shared)
{
	struct buffer text = { 0 };
	struct proc_status status;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/status", proc, pid);
	if (file_read(path, &text, 65536) == 0 &&
	    proc_status_parse(buffer_text(&text), text.size, &status)) {
		usage->processes++;
		usage->memory += status.rss_anon_kb * 1024;
		/* the same pages may be mapped by all: the greatest one counts */
		if (status.rss_shmem_kb * 1024 > *shared)
			*shared = status.rss_shmem_kb * 1024;
	}
	buffer_free(&text);
}

/* All processes of the sandbox's own /proc but pid 1. */
static int add_inside(struct stage *stage, struct stage_usage *usage, uint64_t *shared)
{
	char proc[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(proc, sizeof(proc), "%s/proc", stage->root);
	dir = opendir(proc);
	if (dir == NULL)
		return -1;
	while ((entry = readdir(dir)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]) && strcmp(entry->d_name, "1") != 0)
			add_process(proc, entry->d_name, usage, shared);
	closedir(dir);
	return 0;
}

/* The launcher's descendants: it is their subreaper, none gets away. */
static void add_descendants(pid_t pid, struct stage_usage *usage, uint64_t *shared, int depth)
{
	struct buffer children = { 0 };
	char name[64], *rest, *word;

	snprintf(name, sizeof(name), "task/%d/children", (int)pid);
	if (depth < DEPTH && proc_read(pid, name, &children) == 0 && children.size > 0)
		for (word = strtok_r(children.data, " ", &rest); word != NULL;
		     word = strtok_r(NULL, " ", &rest)) {
			add_process("/proc", word, usage, shared);
			add_descendants((pid_t)atoi(word), usage, shared, depth + 1);
		}
	buffer_free(&children);
}

/* What the files of a tmpfs hold. The host's own /dev/shm is nobody's in particular. */
static uint64_t tmpfs_bytes(struct stage *stage)
{
	static const char *const mounts[] = { "/lab/work", "/dev/shm", "/tmp" };
	uint64_t bytes = 0;

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		char path[64];
		struct statvfs fs;

		snprintf(path, sizeof(path), "%s%s", stage->root, mounts[i]);
		if (statvfs(path, &fs) == 0)
			bytes += (fs.f_blocks - fs.f_bfree) * fs.f_frsize;
	}
	return bytes;
}

/* Blocks below an open directory, which is closed. Links are not followed. */
static uint64_t disk_bytes(int fd, int depth)
{
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	uint64_t bytes = 0;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while ((entry = readdir(dir)) != NULL) {
		struct stat st;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		bytes += (uint64_t)st.st_blocks * 512;
		if (S_ISDIR(st.st_mode) && depth < DEPTH)
			bytes += disk_bytes(openat(dirfd(dir), entry->d_name,
						   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
					    depth + 1);
	}
	closedir(dir);
	return bytes;
}

static uint64_t scratch_bytes(struct stage *stage, const char *name)
{
	char path[PATH_MAX + 8];

	snprintf(path, sizeof(path), "%s/%s", stage->scratch, name);
	return disk_bytes(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0);
}

int stage_usage(struct stage *stage, struct stage_usage *usage)
{
	uint64_t shared = 0;

	*usage = (struct stage_usage){ 0 };
	if (stage->isolation == STAGE_FULL) {
		if (add_inside(stage, usage, &shared) < 0)
			return -1;
		usage->memory += tmpfs_bytes(stage);
	} else {
		add_descendants(stage->launcher, usage, &shared, 0);
		usage->disk += scratch_bytes(stage, "work") + scratch_bytes(stage, "tmp");
	}
	usage->memory += shared;
	if (stage->disk)
		usage->disk += scratch_bytes(stage, "disk");
	return 0;
}
