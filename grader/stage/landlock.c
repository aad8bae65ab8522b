#include "stage/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Fixed by the kernel's ABI; written out because older <linux/landlock.h> lack the later ones. */
#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH      1
enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REFER = 1 << 13,	/* ABI 2 */
	FS_TRUNCATE = 1 << 14,	/* ABI 3 */
	FS_IOCTL_DEV = 1 << 15, /* ABI 5 */
	FS_ALL = (1 << 16) - 1,
};
#define NET_ALL	  UINT64_C(3) /* bind and connect of TCP */
#define SCOPE_ALL UINT64_C(3) /* abstract sockets, signals */

struct ruleset {
	uint64_t fs, net, scoped;
};

struct path_rule {
	uint64_t access;
	int32_t fd;
} __attribute__((packed));

#define READ   (FS_EXECUTE | FS_READ_FILE | FS_READ_DIR)
#define LOOK   (FS_READ_FILE | FS_READ_DIR)
#define DEVICE (FS_READ_FILE | FS_WRITE_FILE | FS_IOCTL_DEV)
#define WRITE  (FS_ALL & ~(FS_EXECUTE | FS_IOCTL_DEV))

/* What may be done below a path. One that begins with no slash is below the scratch. */
struct grant {
	const char *path;
	uint64_t access;
};

static const struct grant for_programs[] = {
	{ "/usr/lib", READ },		{ "/usr/lib64", READ },	 { "/usr/lib32", READ },
	{ "/usr/local/lib", READ },	{ "/lib", READ },	 { "/lib64", READ },
	{ "/usr/bin", READ },		{ "/bin", READ },	 { "/etc/alternatives", READ },
	{ "/etc/ld.so.cache", LOOK },	{ "/proc", LOOK },	 { "/dev/null", DEVICE },
	{ "/dev/zero", DEVICE },	{ "/dev/full", DEVICE }, { "/dev/random", LOOK },
	{ "/dev/urandom", LOOK },	{ "/dev/shm", WRITE },	 { "bin", READ },
	{ "work", WRITE | FS_EXECUTE }, { "disk", WRITE },	 { "tmp", WRITE },
};

static const struct grant for_compilers[] = {
	{ "/usr", READ },
	{ "/lib", READ },
	{ "/lib64", READ },
	{ "/bin", READ },
	{ "/etc/alternatives", READ },
	{ "/etc/ld.so.cache", LOOK },
	{ "/dev/null", DEVICE },
};

int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

static uint64_t known_fs(int abi)
{
	uint64_t all = FS_ALL;

	if (abi < 5)
		all &= ~(uint64_t)FS_IOCTL_DEV;
	if (abi < 3)
		all &= ~(uint64_t)FS_TRUNCATE;
	if (abi < 2)
		all &= ~(uint64_t)FS_REFER;
	return all;
}

static int open_ruleset(int abi, struct ruleset *set)
{
	size_t size = abi >= 6 ? sizeof(*set) : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);

	*set = (struct ruleset){ known_fs(abi), NET_ALL, SCOPE_ALL };
	return (int)syscall(SYS_landlock_create_ruleset, set, size, 0);
}

/* A path that this host does not have is no error. */
static int grant(int rules, const struct ruleset *set, const char *path, uint64_t access)
{
	struct path_rule rule = { .access = access & set->fs };
	struct stat st;
	int result;

	rule.fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.fd < 0)
		return errno == ENOENT ? 0 : -1;
	/* rights to directories are refused for a file */
	if (fstat(rule.fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.access &= FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE |
			       FS_IOCTL_DEV;
	result = (int)syscall(SYS_landlock_add_rule, rules, RULE_PATH_BENEATH, &rule, 0);
	close(rule.fd);
	return result;
}

static int confine(int rules)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_landlock_restrict_self, rules, 0);
}

int landlock_confine(const char *scratch)
{
	struct ruleset set;
	int rules = open_ruleset(landlock_abi(), &set);
	int result = rules < 0 ? -1 : 0;

	for (size_t i = 0; i < sizeof(for_programs) / sizeof(for_programs[0]) && result == 0; i++) {
		const struct grant *g = &for_programs[i];
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s%s%s", g->path[0] == '/' ? "" : scratch,
			 g->path[0] == '/' ? "" : "/", g->path);
		result = grant(rules, &set, path, g->access);
	}
	if (result == 0)
		result = confine(rules);
	if (rules >= 0)
		close(rules);
	return result;
}

int landlock_confine_compiler(const char *readable, const char *writable)
{
	struct ruleset set;
	int rules = open_ruleset(landlock_abi(), &set);
	int result = rules < 0 ? -1 : 0;

	for (size_t i = 0; i < sizeof(for_compilers) / sizeof(for_compilers[0]) && result == 0; i++)
		result = grant(rules, &set, for_compilers[i].path, for_compilers[i].access);
	if (result == 0)
		result = grant(rules, &set, readable, LOOK);
	if (result == 0)
		result = grant(rules, &set, writable, WRITE);
	if (result == 0)
		result = confine(rules);
	if (rules >= 0)
		close(rules);
	return result;
}
