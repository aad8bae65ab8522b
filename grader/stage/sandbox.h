/*
 * sandbox.h: a bubblewrap command line, put together piece by piece, and its start. For the stage
 * of an exam and the one of a compilation. bwrap(1).
 */
#ifndef STAGE_SANDBOX_H
#define STAGE_SANDBOX_H

#include "base/arena.h"
#include "stage/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SANDBOX_WORDS 192

struct sandbox {
	struct arena *arena; /* owns the words */
	const char *argv[SANDBOX_WORDS + 1];
	size_t count;
	int keep[4]; /* descriptors that go through to the command, under their own numbers */
	size_t keep_count;
	bool sizes;		     /* bwrap knows --size */
	const struct limits *limits; /* applied to bwrap and all below it; may be NULL */
};

/* Begins with all namespaces, no terminal, no environment, death with the parent. */
void sandbox_begin(struct sandbox *s, struct arena *arena, bool sizes);

/* Adds words, NULL behind the last. Copied. */
void sandbox_add(struct sandbox *s, ...) __attribute__((sentinel));

/* What the dynamic loader and libc need, read-only; links of the host's root stay links. */
void sandbox_add_libraries(struct sandbox *s);

/* All of /usr, with the compilers. */
void sandbox_add_usr(struct sandbox *s);

/* A tmpfs of at most SIZE bytes, with MODE, an octal number such as "1777". */
void sandbox_add_tmpfs(struct sandbox *s, const char *path, const char *mode, uint64_t size);

/* Lets descriptor FD (the sandbox does not own it) through; its number as a word. */
const char *sandbox_keep(struct sandbox *s, int fd);

/*
 * Starts bwrap: stdin and stdout are /dev/null or the descriptors given (-1), stderr is ERRORS. All
 * other descriptors but the kept ones are closed. The pid, a child of the caller; -1 with errno.
 * When bwrap fails before the command, its words are in ERRORS, and exit status 1 follows.
 */
pid_t sandbox_start(const struct sandbox *s, int input, int output, int errors, int cgroup_procs);

#endif
