/* maps_parse.c: the texts of /proc/PID/maps and /proc/PID/smaps. */
#include "base/text.h"
#include "procfs/maps.h"
#include "procfs/scan.h"

#include <string.h>

/* Whether a line begins a VMA: "7f12a0000000-7f12a0021000 …". Fields of smaps have no '-' there. */
static bool is_vma_line(const char *line, size_t length)
{
	struct scan s = scan_of(line, length);
	uint64_t number;

	return scan_u64(&s, 16, &number) && scan_char(&s, '-');
}

/* "rw-p" */
static bool scan_perms(struct scan *s, char perms[5])
{
	static const char *const allowed[] = { "r-", "w-", "x-", "ps" };

	for (int i = 0; i < 4; i++, s->at++) {
		if (s->at == s->end || !strchr(allowed[i], *s->at) || !*s->at)
			return false;
		perms[i] = *s->at;
	}
	perms[4] = '\0';
	return true;
}

/* "7f3d2c1a0000-7f3d2c1a1000 rw-s 00001000 fe:00 1183 " */
static bool scan_numbers(struct scan *s, struct vma *vma)
{
	uint64_t major, minor;

	if (!scan_u64(s, 16, &vma->start) || !scan_char(s, '-') || !scan_u64(s, 16, &vma->end) ||
	    !scan_char(s, ' ') || !scan_perms(s, vma->perms) || !scan_char(s, ' ') ||
	    !scan_u64(s, 16, &vma->offset) || !scan_char(s, ' ') || !scan_u64(s, 16, &major) ||
	    !scan_char(s, ':') || !scan_u64(s, 16, &minor) || !scan_char(s, ' ') ||
	    !scan_u64(s, 10, &vma->inode))
		return false;
	vma->major = (unsigned)major;
	vma->minor = (unsigned)minor;
	return vma->start < vma->end && (s->at == s->end || *s->at == ' ');
}

/*
 * One line:
 *     7f3d2c1a0000-7f3d2c1a1000 rw-s 00000000 fe:00 1183        /tmp/my file\012x (deleted)
 * The name is all the rest behind the padding, spaces included; path and line share their copy
 * unless " (deleted)" has to be cut off.
 */
static bool parse_vma(struct arena *arena, const char *line, size_t length, struct vma *vma)
{
	static const char deleted[] = " (deleted)";
	struct scan s = scan_of(line, length);
	const char *copy;

	if (memchr(line, '\0', length) || !scan_numbers(&s, vma))
		return false;
	scan_spaces(&s);
	copy = arena_copy_bytes(arena, line, length);
	vma->line = copy;
	vma->path = copy + (s.at - line);
	if (vma_has_file(vma) && text_ends(vma->path, deleted)) {
		vma->deleted = true;
		vma->path = arena_copy_bytes(arena, vma->path, strlen(vma->path) - strlen(deleted));
	}
	return true;
}

/* The fields of smaps that we keep; kernels have others, and may lack some of these. */
static const struct {
	const char *name;
	size_t at;
} fields[] = {
	{ "Size:", offsetof(struct vma_memory, size_kb) },
	{ "Rss:", offsetof(struct vma_memory, rss_kb) },
	{ "Pss:", offsetof(struct vma_memory, pss_kb) },
	{ "Shared_Clean:", offsetof(struct vma_memory, shared_clean_kb) },
	{ "Shared_Dirty:", offsetof(struct vma_memory, shared_dirty_kb) },
	{ "Private_Clean:", offsetof(struct vma_memory, private_clean_kb) },
	{ "Private_Dirty:", offsetof(struct vma_memory, private_dirty_kb) },
	{ "Referenced:", offsetof(struct vma_memory, referenced_kb) },
	{ "Anonymous:", offsetof(struct vma_memory, anonymous_kb) },
	{ "AnonHugePages:", offsetof(struct vma_memory, anon_huge_kb) },
	{ "Swap:", offsetof(struct vma_memory, swap_kb) },
};

/* "rd wr mr mw me ac sd " without the space at its end, whole words only. */
static void parse_flags(struct scan s, struct vma_memory *memory)
{
	size_t used = 0, length;
	const char *word;

	for (scan_spaces(&s); scan_word(&s, &word, &length); scan_spaces(&s)) {
		if (used + length + 2 > sizeof(memory->flags))
			break;
		if (used)
			memory->flags[used++] = ' ';
		memcpy(memory->flags + used, word, length);
		used += length;
	}
	memory->flags[used] = '\0';
}

/* A field of smaps, such as "Private_Dirty:         4 kB"; false when it is nothing of the kind. */
static bool parse_field(const char *line, size_t length, struct vma_memory *memory)
{
	struct scan s = scan_of(line, length);
	uint64_t kb;

	if (scan_prefix(&s, "VmFlags:")) {
		parse_flags(s, memory);
		return true;
	}
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (!scan_prefix(&s, fields[i].name))
			continue;
		scan_spaces(&s);
		if (!scan_u64(&s, 10, &kb) || !scan_prefix(&s, " kB") || s.at != s.end)
			return false;
		memcpy((char *)memory + fields[i].at, &kb, sizeof(kb));
		return true;
	}
	while (s.at < s.end && *s.at != ':' && *s.at != ' ')
		s.at++;
	return s.at > line && scan_char(&s, ':');
}

static size_t count_vmas(const char *text, size_t size)
{
	struct text_lines lines = text_lines(text, size);
	size_t count = 0;

	while (text_next_line(&lines))
		count += is_vma_line(lines.line, lines.length);
	return count;
}

static bool parse(struct arena *arena, const char *text, size_t size, bool smaps, struct maps *out)
{
	struct text_lines lines = text_lines(text, size);
	struct vma *current = NULL;

	*out = (struct maps){ 0 };
	if (!size)
		return true;
	out->vma = arena_take(arena, count_vmas(text, size) * sizeof(*out->vma));
	while (text_next_line(&lines)) {
		bool good;

		if (is_vma_line(lines.line, lines.length)) {
			current = &out->vma[out->count++];
			current->memory.known = smaps;
			good = parse_vma(arena, lines.line, lines.length, current);
		} else {
			good = smaps && current &&
			       parse_field(lines.line, lines.length, &current->memory);
		}
		if (!good) {
			*out = (struct maps){ 0 };
			return false;
		}
	}
	return true;
}

bool maps_parse(struct arena *arena, const char *text, size_t size, struct maps *out)
{
	return parse(arena, text, size, false, out);
}

bool smaps_parse(struct arena *arena, const char *text, size_t size, struct maps *out)
{
	return parse(arena, text, size, true, out);
}
