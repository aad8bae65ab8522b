/* Probes that ask the kernel, file systems and the terminal. */
#include "stage/host_probes.h"

#include "base/buffer.h"
#include "base/file.h"
#include "stage/cgroup.h"
#include "stage/landlock.h"
#include "stage/scratch.h"

#include <errno.h>
#include <langinfo.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef FUSE_SUPER_MAGIC /* since Linux 5.16 */
#define FUSE_SUPER_MAGIC 0x65735546
#endif

#define SHM_LEAST (UINT64_C(64) << 20)

#ifndef SYS_cachestat
#define SYS_cachestat 451 /* the same number on every machine; newer than some libcs */
#endif

bool probe_landlock(struct host_answer *a)
{
	int abi = landlock_abi();

	if (abi > 0)
		answer_detail(a, "ABI %d", abi);
	else
		answer_detail(a, "%s", strerror(errno));
	return abi > 0;
}

bool probe_landlock_scope(struct host_answer *a)
{
	int abi = landlock_abi();

	answer_detail(a, "ABI %d, 6 is needed", abi);
	return abi >= 6;
}

/* A NULL program is looked at only when the kernel knows filters: EFAULT says yes. */
bool probe_seccomp(struct host_answer *a)
{
	long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL);
	bool found = result < 0 && errno == EFAULT;

	answer_detail(a, "%s", found ? "filters work" : strerror(errno));
	return found;
}

/* On a descriptor that is none: EBADF says that the call is there. */
bool probe_cachestat(struct host_answer *a)
{
	bool found = syscall(SYS_cachestat, -1, NULL, NULL, 0) < 0 && errno == EBADF;

	answer_detail(a, "%s", found ? "there" : strerror(errno));
	return found;
}

bool probe_cgroup(struct host_answer *a)
{
	struct limits limits = limits_default();
	struct cgroup group = { .procs = -1 };

	if (cgroup_make(&group, &limits) < 0) {
		answer_detail(a, "no cgroup with memory and pids can be made from this session");
		if (geteuid() == 0)
			answer_remedy(
				a,
				"cgroup v2 alone, not beside v1: "
				"systemd.unified_cgroup_hierarchy=1 on the kernel's command line");
		return false;
	}
	answer_detail(a, "made and removed %.200s", group.path);
	close(group.procs);
	cgroup_remove(group.path);
	return true;
}

/* The names that matter to a reader; other disks are told by number. */
static const char *filesystem_name(long type)
{
	static char number[40];
	static const struct {
		long type;
		const char *name;
	} names[] = {
		{ EXT4_SUPER_MAGIC, "ext4" }, { BTRFS_SUPER_MAGIC, "btrfs" },
		{ XFS_SUPER_MAGIC, "xfs" },   { TMPFS_MAGIC, "tmpfs" },
		{ RAMFS_MAGIC, "ramfs" },     { OVERLAYFS_SUPER_MAGIC, "overlay" },
		{ NFS_SUPER_MAGIC, "nfs" },   { F2FS_SUPER_MAGIC, "f2fs" },
		{ V9FS_MAGIC, "9p" },	      { FUSE_SUPER_MAGIC, "fuse" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].type == type)
			return names[i].name;
	snprintf(number, sizeof(number), "file system 0x%lx", (unsigned long)type);
	return number;
}

bool probe_disk(struct host_answer *a)
{
	char path[PATH_MAX];
	struct statfs fs;
	bool found;

	if (scratch_make(NULL, "probe", geteuid(), getegid(), path) < 0) {
		answer_detail(a, "no scratch directory can be made: %s", strerror(errno));
		return false;
	}
	found = scratch_is_disk(path) != 0;
	if (statfs(path, &fs) == 0)
		answer_detail(a, "%s, %.*s", filesystem_name((long)fs.f_type),
			      (int)(strrchr(path, '/') - path), path);
	rmdir(path);
	return found;
}

bool probe_shm(struct host_answer *a)
{
	struct statvfs fs;
	struct statfs type;
	uint64_t free_bytes;

	if (statvfs("/dev/shm", &fs) < 0 || statfs("/dev/shm", &type) < 0) {
		answer_detail(a, "%s", strerror(errno));
		return false;
	}
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	answer_detail(a, "%llu MiB free of %llu, %s", (unsigned long long)(free_bytes >> 20),
		      (unsigned long long)fs.f_blocks * fs.f_frsize >> 20,
		      filesystem_name((long)type.f_type));
	return type.f_type == TMPFS_MAGIC && free_bytes >= SHM_LEAST;
}

bool probe_thp(struct host_answer *a)
{
	struct buffer text = { 0 };
	bool found;

	if (file_read("/sys/kernel/mm/transparent_hugepage/enabled", &text, 256) < 0) {
		answer_detail(a, "the kernel has none");
		return false;
	}
	found = strstr(buffer_text(&text), "[never]") == NULL;
	answer_detail(a, "%.*s", (int)strcspn(buffer_text(&text), "\n"), buffer_text(&text));
	buffer_free(&text);
	return found;
}

bool probe_pidfd(struct host_answer *a)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	answer_detail(a, "%s", fd >= 0 ? "there" : strerror(errno));
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool probe_utf8(struct host_answer *a)
{
	/* a locale of its own: the process may not have called setlocale(3) yet */
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	const char *set = locale == (locale_t)0 ? "unknown" : nl_langinfo_l(CODESET, locale);
	bool found = strcmp(set, "UTF-8") == 0;

	answer_detail(a, "character set %s", set);
	if (locale != (locale_t)0)
		freelocale(locale);
	return found;
}

bool probe_colours(struct host_answer *a)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
	bool found = isatty(1) && term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0 &&
		     (no == NULL || no[0] == '\0');

	if (!isatty(1))
		answer_detail(a, "the output is no terminal");
	else
		answer_detail(a, "TERM=%.60s%s", term == NULL ? "" : term,
			      no != NULL && no[0] != '\0' ? ", NO_COLOR is set" : "");
	return found;
}
