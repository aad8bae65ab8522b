#include "stage/usage.h"

#include "base/file.h"
#include "procfs/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DEPTH	16
#define ENTRIES 4096

void usage_add_process(const char *proc, const char *pid, struct stage_usage *usage,
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

/* All processes of ROOT's /proc but pid 1, the launcher. */
static int add_processes(const char *root, struct stage_usage *usage)
{
	uint64_t shared = 0;
	char proc[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(proc, sizeof(proc), "%s/proc", root);
	dir = opendir(proc);
	if (dir == NULL)
		return -1;
	while ((entry = readdir(dir)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]) && strcmp(entry->d_name, "1") != 0)
			usage_add_process(proc, entry->d_name, usage, &shared);
	closedir(dir);
	usage->memory += shared;
	return 0;
}

static uint64_t tmpfs_bytes(const char *root)
{
	static const char *const mounts[] = { "/lab/work", "/dev/shm", "/tmp" };
	uint64_t bytes = 0;

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		char path[64];
		struct statvfs fs;

		snprintf(path, sizeof(path), "%s%s", root, mounts[i]);
		if (statvfs(path, &fs) == 0)
			bytes += (fs.f_blocks - fs.f_bfree) * fs.f_frsize;
	}
	return bytes;
}

/* Closes FD. */
static uint64_t blocks_below(int fd, int depth, int *entries)
{
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	uint64_t bytes = 0;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while ((entry = readdir(dir)) != NULL && ++*entries < ENTRIES) {
		struct stat st;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		bytes += (uint64_t)st.st_blocks * 512;
		if (S_ISDIR(st.st_mode) && depth < DEPTH)
			bytes += blocks_below(
				openat(dirfd(dir), entry->d_name,
				       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
				depth + 1, entries);
	}
	closedir(dir);
	return bytes;
}

uint64_t usage_of_directory(const char *path)
{
	int entries = 0;

	return blocks_below(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0, &entries);
}

int usage_read(const char *root, struct stage_usage *usage)
{
	char disk[64];

	*usage = (struct stage_usage){ 0 };
	if (add_processes(root, usage) < 0)
		return -1;
	usage->memory += tmpfs_bytes(root);
	snprintf(disk, sizeof(disk), "%s/lab/disk", root);
	usage->disk = usage_of_directory(disk);
	return 0;
}
