/*
 * compile.h: students' sources become programs, in a sandbox of their own that sees the compiler,
 * the sources given and the common headers, and nothing else. Compilations run side by side, each
 * with limits; the same bytes with the same flags and headers are compiled once a session
 * directory.
 */
#ifndef RUN_COMPILE_H
#define RUN_COMPILE_H

#include "base/arena.h"
#include "stage/janitor.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A source or header in memory. NAME is one path component: "reader.c". Borrowed. */
struct compile_file {
	const char *name;
	const char *bytes;
	size_t size;
};

/*
 * Reads the file at PATH, which is a stranger's: regular, no symbolic link, at most 1 MiB; never
 * hangs. Name and bytes are owned by the arena. On failure false and a plain sentence in *WHY
 * (owned by the arena): "reader.c: is a FIFO, not a regular file". Call it while the files can
 * still be read (before stage_drop_privileges()).
 */
bool compile_read_file(struct arena *arena, const char *path, struct compile_file *file,
		       const char **why);

/* Reads every *.h of a directory, sorted by name. Owned by the arena. False as above. */
bool compile_read_headers(struct arena *arena, const char *directory, struct compile_file **headers,
			  size_t *count, const char **why);

struct compile_limits {
	int wall_ms;	      /* of one job */
	uint64_t cpu_seconds; /* of each of its processes */
	uint64_t memory;      /* bytes of address space of each */
	uint64_t output;      /* bytes of any file written */
	size_t diagnostics;   /* bytes kept of the compiler's messages */
};
struct compile_limits compile_limits_default(void);

struct compile_options {
	const char *directory; /* the session directory, writable for the worker; NULL: a scratch
				  directory of this compiler alone, removed by compile_close() */
	const struct compile_file *headers; /* on the include path as "NAME" */
	size_t header_count;
	struct compile_limits limits;
	bool allow_none; /* without user namespaces and Landlock: compile all the same */
};

struct compiler;

/*
 * Makes a session directory for several workers, owned by UID and GID (stage_identity()), below the
 * same parents as a stage's scratch. PATH has at least PATH_MAX bytes. JANITOR hears of it first,
 * and removes it in the end. Returns 0, or -1 with errno.
 */
int compile_make_session(struct janitor *janitor, uid_t uid, gid_t gid, char *path);

/* NULL with a plain sentence in *WHY when nothing can be compiled here. Headers are borrowed. */
struct compiler *compile_open(const struct compile_options *options, const char **why);

/* Stops what still runs, and removes the directory if it is the compiler's own. */
void compile_close(struct compiler *compiler);

struct compile_job {
	const char *name;		    /* of the program or library: one path component */
	const struct compile_file *sources; /* .c files go on the command line, others lie beside */
	size_t source_count;
	const char *only;	  /* the one source on the command line; NULL: every .c file */
	const char *const *flags; /* behind the standard ones, NULL behind the last; may be NULL */
	const char *const *objects; /* host paths of outputs of earlier jobs, put behind the sources
				       under their own last component; may be NULL */
};

/* The flags of every compilation, NULL behind the last: -std=gnu17 -O2 -g … */
const char *const *compile_standard_flags(void);

enum compile_status {
	COMPILE_OK,
	COMPILE_FAILED, /* the sources are wrong: see the diagnostics */
	COMPILE_LIMIT,	/* time, memory, output: see the diagnostics' last line */
	COMPILE_BROKEN, /* the grader's fault; the diagnostics tell */
};

struct compile_result {
	enum compile_status status;
	char *diagnostics; /* the compiler's words, "reader.c:31:5: …"; a last line "maplab: …" when
			      a limit cut in. Never NULL. Warnings also when COMPILE_OK */
	char output[PATH_MAX]; /* the program on the host, mode 0755; "" unless COMPILE_OK. Stays
				  until the session directory goes; share it, never change it */
	double wall_ms;	       /* 0 when cached */
	bool cached;
};

struct compile;

/*
 * Starts a job and returns at once; never fails (what goes wrong is in the result). The job and
 * all that it points to may go after the call. The caller must not reap unknown children with
 * wait(-1): the compiler's are children of the worker, see compile_pids().
 */
struct compile *compile_start(struct compiler *compiler, const struct compile_job *job);

/*
 * Waits for the job, no longer than its wall limit from its start, and frees it. Several jobs run
 * at once: wait for them in any order. The result's diagnostics are owned by the arena.
 */
void compile_wait(struct compile *compile, struct arena *arena, struct compile_result *result);

/* Whether compile_wait() would return at once. */
bool compile_done(struct compile *compile);

#endif
