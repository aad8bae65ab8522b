/*
 * elf_tails.c: calls that left no frame. `static void done(void) { munmap(p, n); }` ends at -O2 in
 * a jump to munmap(), which then returns to the caller of done(): the stack shows that caller's
 * line. The call sites of DWARF 5 (DW_TAG_call_site; 3.4) tell that done() was called there and
 * which jumps it ends in. Where only one of them fits it is the place; else the caller's line
 * stays.
 */
#include <dwarf.h>
#include <stdlib.h>

#include "base/text.h"
#include "trace/elf_parts.h"

enum { JUMPS_MOST = 4 };

static void each_call(Dwarf_Die *parent, void (*visit)(Dwarf_Die *call, void *context),
		      void *context)
{
	Dwarf_Die child;

	if (dwarf_child(parent, &child) != 0)
		return;
	do {
		int tag = dwarf_tag(&child);

		if (tag == DW_TAG_call_site || tag == DW_TAG_GNU_call_site)
			visit(&child, context);
		else if (tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine)
			each_call(&child, visit, context);
	} while (dwarf_siblingof(&child, &child) == 0);
}

/* The address behind the call or jump; clang gives that of the jump itself. */
static bool address_behind(Dwarf_Die *call, uint64_t *address)
{
	static const struct {
		unsigned attribute;
		int ahead;
	} ways[] = { { DW_AT_call_return_pc, 0 }, { DW_AT_call_pc, 1 }, { DW_AT_low_pc, 0 } };

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		Dwarf_Attribute attribute;
		Dwarf_Addr value;

		if (dwarf_attr(call, ways[i].attribute, &attribute) &&
		    dwarf_formaddr(&attribute, &value) == 0) {
			*address = value + (uint64_t)ways[i].ahead;
			return true;
		}
	}
	return false;
}

static bool is_jump(Dwarf_Die *call)
{
	return dwarf_hasattr(call, DW_AT_call_tail_call) ||
	       dwarf_hasattr(call, DW_AT_GNU_tail_call);
}

static bool callee_of(Dwarf_Die *call, Dwarf_Die *callee)
{
	Dwarf_Attribute attribute;

	return (dwarf_attr(call, DW_AT_call_origin, &attribute) ||
		dwarf_attr(call, DW_AT_abstract_origin, &attribute)) &&
	       dwarf_formref_die(&attribute, callee);
}

/* The function that has code of this one: itself, or the only copy of one that is also inlined. */
static bool with_code(Dwarf_Die *callee)
{
	Dwarf_Addr start;
	Dwarf_Die unit, child, found;
	int count = 0;

	if (dwarf_lowpc(callee, &start) == 0)
		return true;
	if (!dwarf_diecu(callee, &unit, NULL, NULL) || dwarf_child(&unit, &child) != 0)
		return false;
	do {
		Dwarf_Attribute attribute;
		Dwarf_Die origin;

		if (dwarf_tag(&child) == DW_TAG_subprogram && dwarf_lowpc(&child, &start) == 0 &&
		    dwarf_attr(&child, DW_AT_abstract_origin, &attribute) &&
		    dwarf_formref_die(&attribute, &origin) &&
		    dwarf_dieoffset(&origin) == dwarf_dieoffset(callee)) {
			found = child;
			count++;
		}
	} while (dwarf_siblingof(&child, &child) == 0);
	if (count == 1)
		*callee = found;
	return count == 1;
}

struct search {
	uint64_t behind; /* the address behind the call that is looked for */
	bool found;
	Dwarf_Die call;
};

static void match_address(Dwarf_Die *call, void *context)
{
	struct search *search = context;
	uint64_t behind;

	if (address_behind(call, &behind) && behind == search->behind && !is_jump(call)) {
		search->found = true;
		search->call = *call;
	}
}

/* The submission's function that was called right before this address; false when it is none. */
static bool called_before(struct elf_file *file, uint64_t behind, Dwarf_Die *callee)
{
	struct search search = { .behind = behind };
	Dwarf_Die *scopes;
	int count = elf_file_scopes(file, behind - 1, &scopes);

	for (int i = 0; i < count && !search.found; i++)
		if (dwarf_tag(&scopes[i]) == DW_TAG_subprogram)
			each_call(&scopes[i], match_address, &search);
	free(scopes);
	return search.found && callee_of(&search.call, callee) && with_code(callee);
}

struct jumps {
	const struct symbol *names; /* where they are to lead */
	size_t name_count;
	int all, fitting;
	Dwarf_Die last, fits;
};

static void count_jump(Dwarf_Die *call, void *context)
{
	struct jumps *jumps = context;
	Dwarf_Die callee;

	if (!is_jump(call))
		return;
	jumps->all++;
	jumps->last = *call;
	if (!callee_of(call, &callee))
		return;
	for (size_t i = 0; i < jumps->name_count; i++)
		if (text_equal(jumps->names[i].name, dwarf_diename(&callee))) {
			jumps->fitting++;
			jumps->fits = *call;
			return;
		}
}

/* The only jump that can have led from this function to one of those names. */
static bool only_jump(Dwarf_Die *function, struct jumps *jumps, Dwarf_Die *jump)
{
	jumps->all = jumps->fitting = 0;
	each_call(function, count_jump, jumps);
	*jump = jumps->fitting == 1 ? jumps->fits : jumps->last;
	return jumps->fitting == 1 || jumps->all == 1;
}

static uint64_t find_jump(struct elf_file *file, uint64_t behind, const struct symbol *names,
			  size_t count)
{
	struct jumps jumps = { .names = names, .name_count = count };
	Dwarf_Die function, jump;
	uint64_t after;

	if (!called_before(file, behind, &function))
		return 0;
	for (int i = 0; i < JUMPS_MOST && only_jump(&function, &jumps, &jump); i++) {
		if (callee_of(&jump, &function) && with_code(&function) && !(jumps.fitting == 1))
			continue; /* to another function of the submission */
		return address_behind(&jump, &after) ? after - 1 : 0;
	}
	return 0;
}

uint64_t elf_file_tail_call(struct elf_file *file, uint64_t behind, const struct symbol *names,
			    size_t count)
{
	uint64_t start = count ? names[0].start : 0;
	struct remembered_tail *known = &file->tails[behind % REMEMBERED_TAILS];

	if (!known->known || known->behind != behind || known->entered != start) {
		*known = (struct remembered_tail){ .known = true,
						   .behind = behind,
						   .entered = start };
		known->jump = find_jump(file, behind, names, count);
	}
	return known->jump;
}
