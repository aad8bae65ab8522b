/* From root to nobody in particular. */
#include "stage/state.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct stage_kept stage_kept = { .self = -1, .janitor = { .pipe = -1 }, .cgroup = { .procs = -1 } };

void stage_identity(const struct stage_options *options, uid_t *uid, gid_t *gid)
{
	*uid = geteuid();
	*gid = getegid();
	if (*uid != 0)
		return;
	*uid = options->uid != 0 ? options->uid : STAGE_UID;
	*gid = options->gid != 0 ? options->gid : *uid;
}

/* setresuid has dropped the capabilities of the sets, but not what a child could get back. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	return (int)syscall(SYS_capset, &header, none);
}

static int become(uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 ||
	    setresuid(uid, uid, uid) < 0 || drop_capabilities() < 0)
		return -1;
	/* a change of user makes a process undumpable, and /proc/self root's */
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

int stage_drop_privileges(const struct stage_options *options, const char **why)
{
	uid_t uid;
	gid_t gid;

	if (stage_kept.self < 0)
		stage_kept.self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (stage_kept.self < 0) {
		*why = "maplab cannot open its own program through /proc/self/exe";
		return -1;
	}
	/* both before the change: the janitor keeps the rights that it may need */
	if (stage_kept.janitor.pid == 0 && janitor_start(&stage_kept.janitor) < 0) {
		*why = "no process could be made for the janitor";
		return -1;
	}
	if (stage_kept.cgroup.path[0] == '\0' &&
	    cgroup_make(&stage_kept.cgroup, &options->limits) == 0)
		janitor_tell(&stage_kept.janitor, JANITOR_CGROUP, stage_kept.cgroup.path);
	stage_identity(options, &uid, &gid);
	if (geteuid() == 0 && become(uid, gid) < 0) {
		*why = "root's privileges cannot be given up";
		return -1;
	}
	return 0;
}
