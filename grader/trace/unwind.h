/*
 * unwind.h: from a frame to its caller by the call frame information of the ELF files, with nothing
 * but a copy of registers and stack.
 */
#ifndef TRACE_UNWIND_H
#define TRACE_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

#include "trace/image.h"

struct frame {
	uint64_t values[ARCH_DWARF_REGISTERS];
	uint64_t known; /* bit N: values[N] is */
	uint64_t pc;
	bool behind;	  /* pc stands behind the instruction that is under way: a call */
	bool interrupted; /* by a signal: this frame has called nobody */
};

struct frame unwind_first(const struct moment_copy *copy);

/* The address that belongs to the instruction under way. */
uint64_t unwind_place(const struct frame *frame);

/* False at the outermost frame, and where the copy or the ELF file does not tell. */
bool unwind_next(const struct moment_copy *copy, struct frame *frame);

#endif
