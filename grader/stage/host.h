/*
 * host.h: what this host can do for the grader, and what to do where it cannot. The one place that
 * decides: other layers ask host_has() and nothing else. Each feature is probed when it is first
 * asked for, once a process.
 */
#ifndef STAGE_HOST_H
#define STAGE_HOST_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

enum host_feature {
	HOST_BWRAP,	     /* bubblewrap is installed */
	HOST_BWRAP_SIZE,     /* … and knows --size and --perms (0.7.0) */
	HOST_USERNS,	     /* it may make user namespaces: full isolation */
	HOST_LANDLOCK,	     /* landlock(7): partial isolation */
	HOST_LANDLOCK_SCOPE, /* … with signals kept inside (ABI 6, Linux 6.12) */
	HOST_SECCOMP,	     /* seccomp filters */
	HOST_PTRACE,	     /* a process may trace its children */
	HOST_WATCHPOINTS,    /* … and give them hardware watchpoints */
	HOST_CACHESTAT,	     /* cachestat(2), Linux 6.5 */
	HOST_CGROUP,	     /* a cgroup v2 with memory and pids can be made here */
	HOST_DISK,	     /* the scratch is on a disk file system, not tmpfs or overlay on it */
	HOST_SHM,	     /* /dev/shm is a tmpfs with 64 MiB free */
	HOST_THP,	     /* transparent huge pages: always or madvise */
	HOST_PIDFD,	     /* pidfd_open(2) */
	HOST_COMPILER,	     /* cc */
	HOST_UTF8,	     /* the terminal's character set */
	HOST_COLOURS,	     /* the terminal knows colours */
	HOST_FEATURE_COUNT
};

/*
 * Whether the host has the feature. MAPLAB_WITHOUT=userns,cachestat,… (names as in the table) takes
 * features away, for tests; what rests on a feature goes with it. Cheap from the second call on;
 * the first costs: under 0.1 ms for most, about 5 ms for HOST_USERNS and HOST_WATCHPOINTS.
 */
bool host_has(enum host_feature feature);

/* "userns": the name for MAPLAB_WITHOUT and for messages. */
const char *host_feature_name(enum host_feature feature);

/*
 * What is known without a probe: whether MAPLAB_WITHOUT has taken the feature away or an attempt
 * has shown that it is not there. Whoever tries anyway, and falls back, asks this first and
 * reports.
 */
bool host_lacks(enum host_feature feature);
void host_learn(enum host_feature feature, bool found);

/* Forgets what was probed and what MAPLAB_WITHOUT said. For tests. */
void host_forget(void);

/* One line of `maplab doctor`. The texts are owned by the arena or static. */
struct host_finding {
	enum host_feature feature;
	const char *title; /* "user namespaces" */
	bool found;
	const char *detail; /* what was found: a version, a size, an error */
	const char *loss;   /* what is skipped or weaker without it; NULL when found */
	const char *remedy; /* what to type or change; NULL when found or there is none */
};

/* Probes everything. HOST_FEATURE_COUNT findings in FINDINGS. */
void host_examine(struct arena *arena, struct host_finding *findings);

/* "bwrap" and "cc", found by PATH; the compiler only where sandboxes can see it, below /usr and in
 * /bin. NULL when there is none. Static. */
const char *host_bwrap(void);
const char *host_compiler(void);

/* utsname release and machine, for the result record: "6.18.44", "x86_64". Static. */
const char *host_kernel(void);
const char *host_arch(void);

/* The isolation that stage_open() would choose: "full", "partial" or "none". */
const char *host_isolation(void);

#endif
