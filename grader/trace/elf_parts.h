/* elf_parts.h: struct elf_file, between elf_file.c, elf_symbols.c, elf_lines.c and elf_tails.c
 * alone. */
#ifndef TRACE_ELF_PARTS_H
#define TRACE_ELF_PARTS_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "trace/elf_file.h"

enum { REMEMBERED_LINES = 256, REMEMBERED_TAILS = 64 };

struct remembered_line {
	uint64_t address;
	bool known;
	struct source_line line;
};

struct elf_file {
	struct elf_file *next;
	int users;  /* images */
	bool stale; /* its file was written to: only for those who have it */
	unsigned major, minor;
	uint64_t inode;
	struct stat stat; /* when it was opened */
	char *name;
	bool submission;

	int fd;
	char *bytes;  /* a copy, or */
	char *memory; /* borrowed; else the file is mapped */
	size_t size;

	bool tried_elf, tried_cfi, tried_dwarf, tried_symbols;
	Elf *elf;
	Dwarf_CFI *cfi;

	/* elf_symbols.c */
	struct symbol *symbols;	       /* by start */
	const struct symbol **by_name; /* by name, the preferred of one name first */
	size_t symbol_count;

	/* elf_lines.c */
	Dwarf *dwarf;
	Dwarf_Die *units;
	size_t unit_count;
	struct remembered_line
		*lines; /* REMEMBERED_LINES of them, by the low bits of the address */

	/* elf_tails.c */
	struct remembered_tail {
		uint64_t behind, entered, jump;
		bool known;
	} tails[REMEMBERED_TAILS];
};

Elf *elf_file_elf(struct elf_file *file);

/*
 * The scopes around an address, innermost first, as they are nested in the machine code; how many.
 * To be freed.
 */
int elf_file_scopes(struct elf_file *file, uint64_t address, Dwarf_Die **scopes);

void elf_symbols_free(struct elf_file *file);
void elf_lines_free(struct elf_file *file);

#endif
