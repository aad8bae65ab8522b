/*
 * limits.h: how much a student's program, and a whole stage, may use. One table holds the names,
 * the defaults and the meaning; a copy of the values travels with a stage and with every program.
 */
#ifndef STAGE_LIMITS_H
#define STAGE_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum limit {
	/* of each process: setrlimit(2) */
	LIMIT_CPU,	     /* seconds of CPU time */
	LIMIT_FILE_SIZE,     /* bytes, logical: holes count */
	LIMIT_PROCESSES,     /* processes and threads of the stage together */
	LIMIT_OPEN_FILES,    /* descriptors */
	LIMIT_ADDRESS_SPACE, /* bytes of mappings */
	LIMIT_DATA,	     /* bytes of private writable mappings */
	LIMIT_STACK,	     /* bytes */
	LIMIT_LOCKED,	     /* bytes of mlock(2) and of locked System V segments */
	/* of the whole stage */
	LIMIT_WORK,   /* bytes: tmpfs on /lab/work */
	LIMIT_SHM,    /* bytes: tmpfs on /dev/shm */
	LIMIT_TMP,    /* bytes: tmpfs on /tmp */
	LIMIT_MEMORY, /* bytes in RAM: cgroup v2 where it may be had, and stage_limit_broken() */
	LIMIT_DISK,   /* bytes on /lab/disk: stage_limit_broken() */
	LIMIT_COUNT
};

#define LIMIT_NONE UINT64_MAX

struct limits {
	uint64_t value[LIMIT_COUNT]; /* LIMIT_NONE: unlimited */
};

/* One row a limit, in the order of enum limit; limits_table() is never NULL. */
struct limit_row {
	const char *name;    /* "file-size" */
	const char *unit;    /* "bytes", "seconds", "processes", … */
	const char *meaning; /* half a sentence for --help */
	uint64_t preset;     /* the default */
	int resource;	     /* RLIMIT_…, or -1 for a limit of the whole stage */
};
const struct limit_row *limits_table(void);

/* The defaults. */
struct limits limits_default(void);

/*
 * Sets the limit called NAME from text: decimal digits with an optional K, M, G or T (powers of
 * 1024), or "none". False, with nothing changed, for an unknown name or other text.
 */
bool limits_set(struct limits *limits, const char *name, const char *text);

/*
 * For the calling process: sets every rlimit of the table (soft and hard alike; the soft one of CPU
 * stands one second below, so that SIGXCPU comes before SIGKILL) and no core files. A value above
 * the hard limit in force becomes that hard limit. EXTRA_PROCESSES is added to LIMIT_PROCESSES:
 * tasks of the same user that are outside the stage but counted with it. Async-signal-safe.
 * Returns 0, or -1 with errno. setrlimit(2).
 */
int limits_apply(const struct limits *limits, uint64_t extra_processes);

#endif
