/*
 * maps_diff.c: what changed between two snapshots, as ranges of addresses.
 *
 *     before   |---- rw-p ----|
 *     after    |- rw-p -|r--p |---- rw-p ----|
 *     added             |r--p ||---- rw-p ---|
 *     removed           |rw-p |
 */
#include "base/text.h"
#include "procfs/maps.h"

#include <string.h>

/* Whether an address that both hold is backed by the same bytes with the same permissions. */
static bool same_mapping(const struct vma *a, const struct vma *b)
{
	if (strcmp(a->perms, b->perms) != 0 || a->inode != b->inode || a->major != b->major ||
	    a->minor != b->minor)
		return false;
	if (!vma_has_file(a))
		return text_equal(a->path, b->path);
	return a->offset - a->start == b->offset - b->start;
}

/* Adds the part START … END of the VMA, if there is one, to the list. */
static void add_part(struct maps *list, const struct vma *vma, uint64_t start, uint64_t end)
{
	struct vma *part;

	if (start >= end)
		return;
	part = &list->vma[list->count++];
	*part = *vma;
	if (start == vma->start && end == vma->end)
		return;
	part->start = start;
	part->end = end;
	if (vma_has_file(vma))
		part->offset += start - vma->start;
	part->memory = (struct vma_memory){ 0 };
}

/* The ranges of A that B does not hold in the same way. Both are in order: one pass over each. */
static void subtract(struct arena *arena, const struct maps *a, const struct maps *b,
		     struct maps *out)
{
	size_t first = 0;

	out->count = 0;
	out->vma = arena_take(arena, (a->count + b->count) * sizeof(*out->vma));
	for (size_t i = 0; i < a->count; i++) {
		const struct vma *v = &a->vma[i];
		uint64_t at = v->start;

		while (first < b->count && b->vma[first].end <= v->start)
			first++;
		for (size_t j = first; j < b->count && b->vma[j].start < v->end; j++) {
			if (!same_mapping(v, &b->vma[j]))
				continue;
			add_part(out, v, at, b->vma[j].start);
			at = b->vma[j].end;
		}
		add_part(out, v, at, v->end);
	}
}

void maps_diff(struct arena *arena, const struct maps *before, const struct maps *after,
	       struct maps *added, struct maps *removed)
{
	if (added)
		subtract(arena, after, before, added);
	if (removed)
		subtract(arena, before, after, removed);
}
