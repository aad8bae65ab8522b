#include "stage/host.h"

#include "base/die.h"
#include "base/text.h"
#include "stage/host_probes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define NOTHING (-1)

/* What a feature is, who finds out, and what it means to be without. */
struct row {
	const char *name, *title;
	host_probe *probe;
	int rests_on; /* a feature without which there is no need to look, or NOTHING */
	const char *loss, *remedy;
};

static const struct row rows[HOST_FEATURE_COUNT] = {
	[HOST_BWRAP] = { "bwrap", "bubblewrap", probe_bwrap, NOTHING,
			 "students' programs are confined by Landlock only, one lab at a time",
			 "install bubblewrap: make deps" },
	[HOST_BWRAP_SIZE] = { "bwrap-size", "size limits on tmpfs", probe_bwrap_size, HOST_BWRAP,
			      "files in /dev/shm and /lab/work may fill half of the memory; checks of "
			      "a full /dev/shm are skipped",
			      "bubblewrap 0.7.0 or newer" },
	[HOST_USERNS] = { "userns", "user namespaces", probe_userns, HOST_BWRAP,
			  "students' programs are confined by Landlock only, one lab at a time",
			  NULL },
	[HOST_LANDLOCK] = { "landlock", "Landlock", probe_landlock, NOTHING,
			    "no second way to confine programs where user namespaces are refused",
			    "Linux 5.13 or newer, with landlock in the boot parameter lsm=" },
	[HOST_LANDLOCK_SCOPE] = { "landlock-scope", "Landlock for signals", probe_landlock_scope,
				  HOST_LANDLOCK,
				  "a program that is confined by Landlock only may send signals to other "
				  "processes of its user",
				  "Linux 6.12 or newer" },
	[HOST_SECCOMP] = { "seccomp", "seccomp filters", probe_seccomp, NOTHING,
			   "nothing can be graded: programs cannot be stopped at chosen calls",
			   "a kernel with CONFIG_SECCOMP_FILTER" },
	[HOST_PTRACE] = { "ptrace", "ptrace", probe_ptrace, NOTHING,
			  "nothing can be graded: programs cannot be looked into", NULL },
	[HOST_WATCHPOINTS] = { "watchpoints", "hardware watchpoints", probe_watchpoints,
			       HOST_PTRACE,
			       "race witnesses are skipped: checks that two processes never are in one "
			       "critical section together",
			       "a machine, or virtual machine, that gives debug registers to its guests" },
	[HOST_CACHESTAT] = { "cachestat", "cachestat", probe_cachestat, NOTHING,
			     "checks that msync really wrote are skipped", "Linux 6.5 or newer" },
	[HOST_CGROUP] = { "cgroup", "cgroup v2", probe_cgroup, NOTHING,
			  "memory of a lab's programs together is looked at every 50 ms, not held by the kernel",
			  "run as root, or in a session whose cgroup systemd delegates: "
			  "systemd-run --user --scope -p Delegate=yes maplab" },
	[HOST_DISK] = { "disk", "scratch on a disk", probe_disk, NOTHING,
			"checks of what reaches the disk are skipped",
			"set TMPDIR to a directory on ext4, xfs or btrfs" },
	[HOST_SHM] = { "shm", "/dev/shm", probe_shm, NOTHING,
		       "labs on POSIX shared memory may find no room where user namespaces are refused",
		       "a larger /dev/shm; for Docker: --shm-size=256m" },
	[HOST_THP] = { "thp", "transparent huge pages", probe_thp, NOTHING,
		       "checks of huge pages are skipped",
		       "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled" },
	[HOST_PIDFD] = { "pidfd", "pidfd_open", probe_pidfd, NOTHING,
			 "ends of processes are looked for now and then", "Linux 5.3 or newer" },
	[HOST_COMPILER] = { "compiler", "C compiler", probe_compiler, NOTHING,
			    "nothing can be graded: sources cannot be compiled", "make deps" },
	[HOST_UTF8] = { "utf8", "UTF-8", probe_utf8, NOTHING, "output is plain ASCII",
			"a locale such as LC_ALL=C.UTF-8" },
	[HOST_COLOURS] = { "colours", "terminal colours", probe_colours, NOTHING,
			   "no colours, no dashboard without a terminal",
			   "a terminal, and TERM set for it, such as xterm-256color" },
};

static struct {
	enum { UNKNOWN, FOUND, MISSING } state;
	struct host_answer answer;
} known[HOST_FEATURE_COUNT];

static bool taken_away(enum host_feature feature)
{
	const char *list = getenv("MAPLAB_WITHOUT");
	size_t length = strlen(rows[feature].name);

	while (list != NULL && *list != '\0') {
		size_t word = strcspn(list, ",");

		if (word == length && strncmp(list, rows[feature].name, length) == 0)
			return true;
		list += word + (list[word] == ',');
	}
	return false;
}

static bool look(enum host_feature feature)
{
	struct host_answer *a = &known[feature].answer;
	int base = rows[feature].rests_on;

	if (taken_away(feature)) {
		answer_detail(a, "taken away by MAPLAB_WITHOUT");
		return false;
	}
	if (base != NOTHING && !host_has((enum host_feature)base)) {
		answer_detail(a, "there is no %s", rows[base].title);
		return false;
	}
	return rows[feature].probe(a);
}

bool host_has(enum host_feature feature)
{
	if (known[feature].state == UNKNOWN)
		known[feature].state = look(feature) ? FOUND : MISSING;
	return known[feature].state == FOUND;
}

bool host_lacks(enum host_feature feature)
{
	int base = rows[feature].rests_on;

	return known[feature].state == MISSING || taken_away(feature) ||
	       (base != NOTHING && host_lacks((enum host_feature)base));
}

void host_learn(enum host_feature feature, bool found)
{
	if (known[feature].state == UNKNOWN) {
		answer_detail(&known[feature].answer,
			      found ? "works" : "refused when it was tried");
		known[feature].state = found ? FOUND : MISSING;
	}
}

const char *host_feature_name(enum host_feature feature)
{
	return rows[feature].name;
}

void host_forget(void)
{
	memset(known, 0, sizeof(known));
}

void host_examine(struct arena *arena, struct host_finding *findings)
{
	for (int i = 0; i < HOST_FEATURE_COUNT; i++) {
		enum host_feature feature = (enum host_feature)i;
		bool found;
		const struct host_answer *a = &known[i].answer;
		const char *remedy;

		/* what grading has learnt in passing has no details */
		known[i].state = UNKNOWN;
		found = host_has(feature);
		remedy = a->remedy[0] != '\0' ? arena_copy(arena, a->remedy) : rows[i].remedy;
		findings[i] = (struct host_finding){ .feature = feature,
						     .title = rows[i].title,
						     .found = found,
						     .detail = arena_copy(arena, a->detail),
						     .loss = found ? NULL : rows[i].loss,
						     .remedy = found ? NULL : remedy };
	}
}

void answer_detail(struct host_answer *a, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(a->detail, sizeof(a->detail), format, args);
	va_end(args);
}

void answer_remedy(struct host_answer *a, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(a->remedy, sizeof(a->remedy), format, args);
	va_end(args);
}

static const struct utsname *names(void)
{
	static struct utsname u;

	if (u.release[0] == '\0' && uname(&u) < 0)
		die("uname failed");
	return &u;
}

const char *host_kernel(void)
{
	return names()->release;
}

const char *host_arch(void)
{
	return names()->machine;
}

const char *host_isolation(void)
{
	if (host_has(HOST_USERNS))
		return "full";
	return host_has(HOST_LANDLOCK) ? "partial" : "none";
}
