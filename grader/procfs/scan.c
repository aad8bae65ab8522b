#include "procfs/scan.h"

#include <string.h>

static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A' + 10);
	return 16;
}

bool scan_u64(struct scan *s, unsigned base, uint64_t *value)
{
	const char *at = s->at;
	uint64_t sum = 0;

	for (; at < s->end && digit(*at) < base; at++)
		if (__builtin_mul_overflow(sum, base, &sum) ||
		    __builtin_add_overflow(sum, digit(*at), &sum))
			return false;
	if (at == s->at)
		return false;
	s->at = at;
	*value = sum;
	return true;
}

bool scan_i64(struct scan *s, int64_t *value)
{
	struct scan ahead = *s;
	bool negative = scan_char(&ahead, '-');
	uint64_t amount;

	if (!scan_u64(&ahead, 10, &amount) || amount > (uint64_t)INT64_MAX)
		return false;
	*value = negative ? -(int64_t)amount : (int64_t)amount;
	*s = ahead;
	return true;
}

bool scan_hex(struct scan *s, uint64_t *value)
{
	struct scan ahead = *s;

	if (!scan_prefix(&ahead, "0x") || !scan_u64(&ahead, 16, value))
		return false;
	*s = ahead;
	return true;
}

bool scan_word(struct scan *s, const char **word, size_t *length)
{
	const char *at = s->at;

	while (at < s->end && *at != ' ' && *at != '\t')
		at++;
	*word = s->at;
	*length = (size_t)(at - s->at);
	s->at = at;
	return *length > 0;
}

bool scan_prefix(struct scan *s, const char *prefix)
{
	size_t length = strlen(prefix);

	if ((size_t)(s->end - s->at) < length || memcmp(s->at, prefix, length) != 0)
		return false;
	s->at += length;
	return true;
}
