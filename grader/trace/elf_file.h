/*
 * elf_file.h: what is known of one ELF file, kept for all images of this process: symbols, call
 * frame information (CFI) and, of the submission's own files, line numbers. libc is opened and
 * read once a worker, and a program once for its dozens of runs.
 *
 * All addresses are the file's own, as in its program headers; image.h knows the bias.
 */
#ifndef TRACE_ELF_FILE_H
#define TRACE_ELF_FILE_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "procfs/maps.h"

struct elf_file;

/*
 * The file behind an executable mapping of a living process, or NULL when it cannot be opened or
 * is another one. Opened here, read when somebody asks. Each one got is given back.
 */
struct elf_file *elf_file_get(pid_t pid, const struct vma *vma);
void elf_file_put(struct elf_file *file);

/* The [vdso], which is the same in all processes: ours. NULL when there is none. */
struct elf_file *elf_file_vdso(void);

/* Its base name; whether it is the student's, not the system's. */
const char *elf_file_name(const struct elf_file *file);
bool elf_file_is_submission(const struct elf_file *file);

/* What is to be subtracted from addresses where OFFSET of the file is mapped at START. */
bool elf_file_bias(struct elf_file *file, uint64_t start, uint64_t offset, uint64_t *bias);

/* NULL when it has none. */
Dwarf_CFI *elf_file_cfi(struct elf_file *file);

struct symbol {
	uint64_t start, size;
	const char *name;
	enum { SYMBOL_GLOBAL, SYMBOL_LOCAL, SYMBOL_OLD } kind; /* OLD: not the default version */
};

/* The function symbols (no IFUNCs) that contain ADDRESS: aliases of one start; NULL when none. */
const struct symbol *elf_file_symbols_at(struct elf_file *file, uint64_t address, size_t *count);

/* Start of the function NAME (of its default version), 0 when there is none. */
uint64_t elf_file_function(struct elf_file *file, const char *name);

/* Start of the function that contains ADDRESS, also where its symbol was stripped (the CFI names
 * it). 0 when unknown. */
uint64_t elf_file_function_start(struct elf_file *file, uint64_t address);

/* A place in the student's source. file NULL: unknown. Strings live as long as the elf_file. */
struct source_line {
	const char *file, *function;
	int line;
	bool own; /* in a .c file: not inside of an inline function of a header */
};

/* The line of ADDRESS; seen from outside where the line belongs to an inlined function of a
 * header. */
struct source_line elf_file_line(struct elf_file *file, uint64_t address);

/*
 * A call returns to BEHIND, and yet another function than the one called there is running: one of
 * NAMES (aliases). The address of the jump (tail call) that led to it, 0 when there is none or
 * more than one.
 */
uint64_t elf_file_tail_call(struct elf_file *file, uint64_t behind, const struct symbol *names,
			    size_t count);

#endif
