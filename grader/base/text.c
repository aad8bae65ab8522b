#include "base/text.h"

#include "base/buffer.h"

#include <string.h>

bool text_starts(const char *text, const char *prefix)
{
	return text && prefix && !strncmp(text, prefix, strlen(prefix));
}

bool text_ends(const char *text, const char *suffix)
{
	size_t whole, part;

	if (!text || !suffix)
		return false;
	whole = strlen(text);
	part = strlen(suffix);
	return part <= whole && !memcmp(text + whole - part, suffix, part);
}

bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* Counts downwards, for INT64_MIN has no positive twin. */
bool text_to_i64(const char *text, int64_t *value)
{
	bool negative;
	int64_t sum = 0;

	if (!text)
		return false;
	negative = *text == '-';
	text += negative;
	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (__builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_sub_overflow(sum, *text - '0', &sum))
			return false;
	}
	if (!negative && sum == INT64_MIN)
		return false;
	*value = negative ? sum : -sum;
	return true;
}

/* Code points that would not show, or would reorder or hide the text around them. */
static const struct {
	uint32_t first, last;
} unprintable[] = {
	{ 0x0000, 0x00a0 }, { 0x00ad, 0x00ad }, { 0x061c, 0x061c }, { 0x180e, 0x180e },
	{ 0x200b, 0x200f }, { 0x2028, 0x202f }, { 0x2060, 0x206f }, { 0xd800, 0xf8ff },
	{ 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xfff0, 0xffff }, { 0xe0000, UINT32_MAX },
};

static bool is_printable(uint32_t point)
{
	for (size_t i = 0; i < sizeof(unprintable) / sizeof(*unprintable); i++)
		if (point >= unprintable[i].first && point <= unprintable[i].last)
			return false;
	return true;
}

/* The length of the printable character beyond ASCII that stands at AT in shortest form, or 0. */
static size_t utf8_letter(const unsigned char *at, const unsigned char *end)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2;
	uint32_t point = *at & (0x7fu >> length);

	if (*at < 0xc2 || *at > 0xf4 || (size_t)(end - at) < length)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (at[i] & 0x3f);
	}
	return point >= smallest[length] && is_printable(point) ? length : 0;
}

static void quote_byte(struct buffer *out, unsigned char byte)
{
	static const char named[] = "\"\\\a\b\t\n\v\f\r", letters[] = "\"\\abtnvfr";
	const char *found = byte ? strchr(named, byte) : NULL;

	if (found)
		buffer_printf(out, "\\%c", letters[found - named]);
	else if (byte >= ' ' && byte <= '~')
		buffer_add(out, &byte, 1);
	else
		buffer_printf(out, "\\%03o", byte);
}

char *text_quote(struct arena *a, const void *data, size_t size, size_t most)
{
	const unsigned char *at = data;
	const unsigned char *end = size ? at + (size < most ? size : most) : at;
	struct buffer out = { 0 };
	char *text;

	buffer_add(&out, "\"", 1);
	while (at < end) {
		size_t letter = utf8_letter(at, end);

		if (letter)
			buffer_add(&out, at, letter);
		else
			quote_byte(&out, *at);
		at += letter ? letter : 1;
	}
	buffer_printf(&out, "\"%s", size > most ? "…" : "");
	text = arena_copy(a, out.data);
	buffer_free(&out);
	return text;
}

char *text_hex(struct arena *a, const void *data, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = data;
	char *text = arena_take(a, size * 3 + 1);

	for (size_t i = 0; i < size; i++) {
		text[3 * i] = digits[bytes[i] >> 4];
		text[3 * i + 1] = digits[bytes[i] & 15];
		text[3 * i + 2] = i + 1 < size ? ' ' : '\0';
	}
	return text;
}

struct text_lines text_lines(const char *data, size_t size)
{
	return (struct text_lines){ .next = data, .end = size ? data + size : data };
}

bool text_next_line(struct text_lines *lines)
{
	const char *newline;

	if (lines->next == lines->end)
		return false;
	lines->line = lines->next;
	newline = memchr(lines->line, '\n', (size_t)(lines->end - lines->line));
	lines->length = (size_t)((newline ? newline : lines->end) - lines->line);
	lines->next = newline ? newline + 1 : lines->end;
	return true;
}

size_t text_line_count(const char *data, size_t size)
{
	struct text_lines lines = text_lines(data, size);
	size_t count = 0;

	while (text_next_line(&lines))
		count++;
	return count;
}
