/* maps.c: questions about a snapshot. */
#include "procfs/maps.h"

#include "base/text.h"

#include <string.h>
#include <sys/sysmacros.h>

bool vma_perms_are(const struct vma *vma, const char *perms)
{
	for (int i = 0; i < 4; i++)
		if (perms[i] != '?' && perms[i] != vma->perms[i])
			return false;
	return perms[4] == '\0';
}

bool vma_has_file(const struct vma *vma)
{
	return vma->inode || vma->major || vma->minor;
}

bool vma_is_file(const struct vma *vma, unsigned major, unsigned minor, uint64_t inode)
{
	return vma_has_file(vma) && vma->inode == inode && vma->major == major &&
	       vma->minor == minor;
}

static bool is_file(const struct vma *vma, dev_t dev, ino_t ino)
{
	return vma_is_file(vma, major(dev), minor(dev), ino);
}

bool vma_has_flag(const struct vma *vma, const char *flag)
{
	size_t length = strlen(flag);
	const char *found = vma->memory.flags;

	while (length && (found = strstr(found, flag))) {
		bool begins = found == vma->memory.flags || found[-1] == ' ';

		if (begins && (found[length] == ' ' || !found[length]))
			return true;
		found += length;
	}
	return false;
}

const struct vma *maps_at(const struct maps *maps, uint64_t address)
{
	for (size_t i = 0; i < maps->count; i++)
		if (address >= maps->vma[i].start && address < maps->vma[i].end)
			return &maps->vma[i];
	return NULL;
}

const struct vma *maps_named(const struct maps *maps, const char *path)
{
	for (size_t i = 0; i < maps->count; i++)
		if (text_equal(maps->vma[i].path, path))
			return &maps->vma[i];
	return NULL;
}

const struct vma *maps_next_of_file(const struct maps *maps, const struct vma *previous, dev_t dev,
				    ino_t ino)
{
	size_t i = previous ? (size_t)(previous - maps->vma) + 1 : 0;

	for (; i < maps->count; i++)
		if (is_file(&maps->vma[i], dev, ino))
			return &maps->vma[i];
	return NULL;
}

static void add_memory(struct vma_memory *sum, const struct vma_memory *one)
{
	sum->known = sum->known && one->known;
	sum->size_kb += one->size_kb;
	sum->rss_kb += one->rss_kb;
	sum->pss_kb += one->pss_kb;
	sum->shared_clean_kb += one->shared_clean_kb;
	sum->shared_dirty_kb += one->shared_dirty_kb;
	sum->private_clean_kb += one->private_clean_kb;
	sum->private_dirty_kb += one->private_dirty_kb;
	sum->referenced_kb += one->referenced_kb;
	sum->anonymous_kb += one->anonymous_kb;
	sum->anon_huge_kb += one->anon_huge_kb;
	sum->swap_kb += one->swap_kb;
}

struct vma_sum maps_sum_of_file(const struct maps *maps, dev_t dev, ino_t ino)
{
	struct vma_sum sum = { .memory.known = true };
	const struct vma *v = NULL;

	while ((v = maps_next_of_file(maps, v, dev, ino))) {
		sum.count++;
		sum.bytes += v->end - v->start;
		add_memory(&sum.memory, &v->memory);
	}
	sum.memory.known = sum.memory.known && sum.count;
	return sum;
}

/* Whether the VMA maps byte OFFSET of its file. */
static bool holds_offset(const struct vma *v, uint64_t offset)
{
	return offset >= v->offset && offset - v->offset < v->end - v->start;
}

/* The first byte of the file from OFFSET on that the VMAs do not map. */
static uint64_t covered_until(const struct maps *maps, dev_t dev, ino_t ino, uint64_t offset,
			      const char *perms)
{
	const struct vma *v = NULL;

	while ((v = maps_next_of_file(maps, v, dev, ino))) {
		if (!holds_offset(v, offset) || (perms && !vma_perms_are(v, perms)))
			continue;
		offset = v->offset + (v->end - v->start);
		v = NULL; /* an earlier VMA may go on from here */
	}
	return offset;
}

bool maps_cover_file(const struct maps *maps, dev_t dev, ino_t ino, uint64_t offset,
		     uint64_t length, const char *perms)
{
	return length && covered_until(maps, dev, ino, offset, perms) - offset >= length;
}

uint64_t maps_address_of(const struct maps *maps, dev_t dev, ino_t ino, uint64_t offset)
{
	const struct vma *v = NULL;

	while ((v = maps_next_of_file(maps, v, dev, ino)))
		if (holds_offset(v, offset))
			return v->start + (offset - v->offset);
	return 0;
}
