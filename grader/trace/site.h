/*
 * site.h: the student's file:line behind a stop, by elfutils' libdw. Costs are paid when somebody
 * asks: at the stop only the registers and the top of the stack are copied, and the frames are
 * walked in that copy later. Only the submission's own modules (below /lab/bin/ on the stage) are
 * asked for lines. A site is never guessed: where the walk does not reach the submission it is
 * unknown (NULL).
 */
#ifndef TRACE_SITE_H
#define TRACE_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "trace/arch.h"

struct image; /* the modules (program, libraries) of one process image; shared by forked children */

/*
 * The image of a stopped process: which ELF files are mapped where, read from /proc/PID/maps and
 * opened through /proc/PID/root. Cheap: libdw is started at the first question. image_refresh()
 * reads the maps again (libraries that came later by dlopen or because the loader had not run yet);
 * call it while the process still has its memory.
 */
struct image *image_new(pid_t pid);
void image_refresh(struct image *image, pid_t pid);
void image_free(struct image *image);

/*
 * Is it the dynamic loader that stands at PC, and was it so each time that this was asked since
 * exec(2)? Then no code of the submission has run yet.
 */
bool image_is_loading(struct image *image, uint64_t pc);

struct moment_copy {
	struct image *image;
	pid_t tid;
	bool behind; /* pc stands behind the instruction that matters: a call, a watched access */
	struct arch_registers registers;
	uint64_t stack_at; /* address of the first copied byte: the stack pointer */
	size_t stack_size;
	const unsigned char *stack;
};

/*
 * Copies registers and up to `most` bytes of stack of a stopped thread into `arena`; memory is its
 * process's /proc/PID/mem. NULL when it died.
 */
struct moment_copy *moment_copy(struct arena *arena, struct image *image, pid_t tid, int memory,
				size_t most);

struct site {
	const char *file; /* base name of the student's source, e.g. "reader.c" */
	int line;
	const char *function; /* innermost function of the submission, or NULL */
	int depth;   /* frames of other modules below it: 0 inline system call, 1 a libc wrapper
			called directly */
	uint64_t pc; /* address in the submission */
};

/* True when the innermost frame of the submission was found. Strings belong to the image. */
bool site_find(const struct moment_copy *copy, struct site *site);

/* "reader.c:31" in the arena, or NULL when unknown. */
const char *site_text(struct arena *arena, const struct moment_copy *copy);

/* Is this call the student's own (a libc wrapper called directly, or an inline system call), not
 * libc's for itself? */
bool site_is_direct(const struct moment_copy *copy);

/* Address of a function by name in any module of the image ("printf" in libc), 0 when there is
 * none. */
uint64_t image_function(struct image *image, const char *name);

/* Start address of the function that contains pc, 0 when unknown: where decoding may begin. */
uint64_t image_function_start(struct image *image, uint64_t pc);

#endif
