#include "report/layout.h"

#include "base/buffer.h"

#include <stdint.h>
#include <string.h>
#include <wchar.h>

/* The letters of ours that are no ASCII, and how a plain terminal shows them. */
static const struct {
	uint32_t letter;
	const char *plain;
} spelt[] = {
	{ 0x2026, "..." },		     /* … */
	{ 0x2013, "-" },		     /* – */
	{ 0x2014, "-" },		     /* — */
	{ 0x2212, "-" },		     /* − */
	{ 0x00d7, "x" },		     /* × */
	{ 0x00b7, "-" },		     /* · */
	{ 0x2192, "->" },		     /* → */
	{ 0x2264, "<=" },		     /* ≤ */
	{ 0x2265, ">=" },		     /* ≥ */
	{ 0x2018, "'" },   { 0x2019, "'" },  /* quotes as gcc prints them */
	{ 0x201c, "\"" },  { 0x201d, "\"" }, /* “ ” */
	{ 0x00b5, "u" },		     /* µ */
};

/*
 * One character at TEXT (at most SIZE bytes): its code point and its length in bytes; length 0
 * where the bytes are no well-formed UTF-8 (too long forms and surrogates included).
 */
static uint32_t decode(const char *text, size_t size, size_t *length)
{
	static const struct {
		unsigned char mask, head;
		uint32_t least;
	} forms[] = { { 0x80, 0x00, 0 },
		      { 0xe0, 0xc0, 0x80 },
		      { 0xf0, 0xe0, 0x800 },
		      { 0xf8, 0xf0, 0x10000 } };
	const unsigned char *s = (const unsigned char *)text;

	*length = 0;
	for (size_t n = 0; n < sizeof forms / sizeof *forms; n++) {
		uint32_t c = s[0] & (unsigned char)~forms[n].mask;

		if ((s[0] & forms[n].mask) != forms[n].head)
			continue;
		if (n >= size)
			return 0;
		for (size_t i = 1; i <= n; i++) {
			if ((s[i] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (s[i] & 0x3f);
		}
		if (c < forms[n].least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return 0;
		*length = n + 1;
		return c;
	}
	return 0;
}

static int width_of(uint32_t c)
{
	int width;

	if (c < 0x80)
		return 1;
	/* In the C locale wcwidth(3) knows no letter beyond ASCII: count one column then. */
	width = wcwidth((wchar_t)c);
	return width < 0 ? 1 : width;
}

static void add_plain(struct buffer *out, uint32_t c)
{
	for (size_t i = 0; i < sizeof spelt / sizeof *spelt; i++)
		if (spelt[i].letter == c) {
			buffer_printf(out, "%s", spelt[i].plain);
			return;
		}
	buffer_printf(out, "?");
}

static void add_character(struct buffer *out, const char *s, uint32_t c, size_t length, bool ascii)
{
	bool control = c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;

	if (c == '\t')
		buffer_add(out, "    ", 4);
	else if (control && c != '\n')
		for (size_t i = 0; i < length; i++)
			buffer_printf(out, "\\%03o", (unsigned char)s[i]);
	else if (ascii && c >= 0x80)
		add_plain(out, c);
	else
		buffer_add(out, s, length);
}

char *printable(struct arena *arena, const char *text, bool ascii)
{
	struct buffer out = { 0 };
	size_t size = text ? strlen(text) : 0;
	char *result;

	while (size > 0) {
		size_t length;
		uint32_t c = decode(text, size, &length);

		if (length == 0) {
			length = 1;
			buffer_printf(&out, "\\%03o", (unsigned char)*text);
		} else {
			add_character(&out, text, c, length, ascii);
		}
		text += length;
		size -= length;
	}
	result = arena_copy(arena, buffer_text(&out));
	buffer_free(&out);
	return result;
}

int columns_of(const char *text, size_t size)
{
	int columns = 0;

	while (size > 0) {
		size_t length;
		uint32_t c = decode(text, size, &length);

		length += length == 0;
		columns += width_of(c);
		text += length;
		size -= length;
	}
	return columns;
}

size_t bytes_that_fit(const char *text, size_t size, int columns)
{
	size_t used = 0;

	while (used < size) {
		size_t length;
		uint32_t c = decode(text + used, size - used, &length);

		length += length == 0;
		columns -= width_of(c);
		if (columns < 0)
			break;
		used += length;
	}
	return used;
}

const char *shortened(struct arena *arena, const char *text, int columns, bool ascii)
{
	const char *dots = ascii ? "..." : "…";
	size_t size = strlen(text);
	int room = columns - (ascii ? 3 : 1);

	if (bytes_that_fit(text, size, columns) == size)
		return text;
	return arena_format(arena, "%.*s%s", (int)bytes_that_fit(text, size, room), text,
			    room < 0 ? "" : dots);
}

struct wrap wrap_start(const char *text, int columns)
{
	return (struct wrap){ .next = text, .columns = columns > 0 ? columns : 1 };
}

/* Where a line of LENGTH bytes that is too wide is cut: behind its last blank that fits. */
static size_t cut(const char *line, size_t length, int columns)
{
	size_t fits = bytes_that_fit(line, length, columns);
	size_t at;

	if (fits == length)
		return length;
	for (at = fits; at > 0 && line[at] != ' '; at--)
		;
	if (at > 0 && strspn(line, " ") < at)
		return at;
	/* No blank to cut at: within the word, one character at least. */
	return fits > 0 ? fits : bytes_that_fit(line, length, 2);
}

bool wrap_next(struct wrap *wrap)
{
	size_t whole, part;

	if (!*wrap->next)
		return false;
	whole = strcspn(wrap->next, "\n");
	part = cut(wrap->next, whole, wrap->columns);
	if (part == 0 && whole > 0)
		part = 1;
	wrap->line = wrap->next;
	wrap->length = part;
	wrap->next += part;
	if (part == whole)
		wrap->next += *wrap->next == '\n';
	else
		wrap->next += strspn(wrap->next, " ");
	while (wrap->length > 0 && wrap->line[wrap->length - 1] == ' ')
		wrap->length--;
	return true;
}
