/*
 * scan.h: reading numbers and words out of a text that need not be NUL-terminated. Internal to
 * procfs. Each function moves on over what it took, or stays where it is and returns false.
 */
#ifndef PROCFS_SCAN_H
#define PROCFS_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scan {
	const char *at, *end;
};

static inline struct scan scan_of(const char *text, size_t size)
{
	return (struct scan){ text, size ? text + size : text };
}

/* Spaces and tabs. */
static inline void scan_spaces(struct scan *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\t'))
		s->at++;
}

static inline bool scan_char(struct scan *s, char c)
{
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

/* An unsigned number of base 8, 10 or 16 without prefix, that fits. */
bool scan_u64(struct scan *s, unsigned base, uint64_t *value);

/* Decimal with an optional minus. */
bool scan_i64(struct scan *s, int64_t *value);

/* Hexadecimal with its 0x. */
bool scan_hex(struct scan *s, uint64_t *value);

/* The text up to the next space, tab or the end; not empty. */
bool scan_word(struct scan *s, const char **word, size_t *length);

/* Whether the text begins with PREFIX, which is then passed over. */
bool scan_prefix(struct scan *s, const char *prefix);

#endif
