/* elf_lines.c: from an address of the student's program to a line of the student's source. */
#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "base/text.h"
#include "trace/elf_parts.h"

static bool read_units(struct elf_file *file)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die root;

	if (file->tried_dwarf)
		return file->unit_count > 0;
	file->tried_dwarf = true;
	if (!elf_file_elf(file))
		return false;
	file->dwarf = dwarf_begin_elf(file->elf, DWARF_C_READ, NULL);
	while (file->dwarf &&
	       dwarf_get_units(file->dwarf, unit, &unit, NULL, NULL, &root, NULL) == 0) {
		file->units = realloc(file->units, (file->unit_count + 1) * sizeof(root));
		if (!file->units)
			die("out of memory");
		file->units[file->unit_count++] = root;
	}
	return file->unit_count > 0;
}

void elf_lines_free(struct elf_file *file)
{
	free(file->lines);
	free(file->units);
	if (file->dwarf)
		dwarf_end(file->dwarf);
}

/* .debug_aranges would be a quicker way, but clang does not write it. */
static Dwarf_Die *unit_of(struct elf_file *file, uint64_t address)
{
	if (!read_units(file))
		return NULL;
	for (size_t i = 0; i < file->unit_count; i++)
		if (dwarf_haspc(&file->units[i], address) == 1)
			return &file->units[i];
	return NULL;
}

/* The place where an inlined function was called. */
static bool place_of_call(Dwarf_Die *unit, Dwarf_Die *inlined, struct source_line *place)
{
	Dwarf_Attribute attribute;
	Dwarf_Word file, line;
	Dwarf_Files *files;
	size_t count;

	if (!dwarf_attr(inlined, DW_AT_call_file, &attribute) ||
	    dwarf_formudata(&attribute, &file) != 0 ||
	    !dwarf_attr(inlined, DW_AT_call_line, &attribute) ||
	    dwarf_formudata(&attribute, &line) != 0 ||
	    dwarf_getsrcfiles(unit, &files, &count) != 0 || file >= count)
		return false;
	place->file = dwarf_filesrc(files, file, NULL, NULL);
	place->line = (int)line;
	return place->file != NULL;
}

static bool is_function(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

static bool is_system(const char *path)
{
	return text_starts(path, "/usr/");
}

/* How good a place is to be shown: nothing of the system's headers, best a .c file. */
static int rank(const struct source_line *place)
{
	if (!place->file || place->line <= 0 || is_system(place->file))
		return 0;
	return text_ends(place->file, ".h") ? 1 : 2;
}

/* dwarf_getscopes() alone goes on from an inlined function to where that one was written. */
static int scopes_of(Dwarf_Die *unit, uint64_t address, Dwarf_Die **chain)
{
	Dwarf_Die *scopes = NULL;
	int count = dwarf_getscopes(unit, address, &scopes);

	*chain = NULL;
	if (count > 0)
		count = dwarf_getscopes_die(&scopes[0], chain);
	free(scopes);
	return count;
}

int elf_file_scopes(struct elf_file *file, uint64_t address, Dwarf_Die **scopes)
{
	Dwarf_Die *unit = unit_of(file, address);

	*scopes = NULL;
	return unit ? scopes_of(unit, address, scopes) : 0;
}

/* From the innermost inlined function outwards, until a place in a .c file is found. */
static struct source_line best_place(Dwarf_Die *unit, uint64_t address, struct source_line place)
{
	struct source_line best = { 0 };
	Dwarf_Die *scopes;
	int count = scopes_of(unit, address, &scopes);

	for (int i = 0; i < count; i++) {
		if (!is_function(&scopes[i]))
			continue;
		place.function = dwarf_diename(&scopes[i]);
		if (rank(&place) > rank(&best))
			best = place;
		if (rank(&best) == 2 || dwarf_tag(&scopes[i]) == DW_TAG_subprogram ||
		    !place_of_call(unit, &scopes[i], &place))
			break;
	}
	if (count <= 0 && rank(&place))
		best = place;
	free(scopes);
	return best;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static struct source_line find_line(struct elf_file *file, uint64_t address)
{
	Dwarf_Die *unit = unit_of(file, address);
	Dwarf_Line *line = unit ? dwarf_getsrc_die(unit, address) : NULL;
	struct source_line place = { 0 };

	if (!line || dwarf_lineno(line, &place.line) != 0)
		return (struct source_line){ 0 };
	place.file = dwarf_linesrc(line, NULL, NULL);
	place = best_place(unit, address, place);
	place.own = rank(&place) == 2;
	if (place.file)
		place.file = base_name(place.file);
	return place;
}

struct source_line elf_file_line(struct elf_file *file, uint64_t address)
{
	struct remembered_line *known;

	if (!file->lines) {
		file->lines = calloc(REMEMBERED_LINES, sizeof(*file->lines));
		if (!file->lines)
			die("out of memory");
	}
	known = &file->lines[address % REMEMBERED_LINES];
	if (!known->known || known->address != address) {
		known->line = find_line(file, address);
		known->address = address;
		known->known = true;
	}
	return known->line;
}
