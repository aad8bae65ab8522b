#include "base/random.h"

#include "base/die.h"

#include <string.h>

void random_seed(struct random *r, uint64_t seed)
{
	r->state = seed;
}

/* The label goes in by FNV-1a, then one step of the generator spreads it over all bits. */
void random_seed_text(struct random *r, uint64_t seed, const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	r->state = hash;
	r->state = random_next(r) ^ seed;
	r->state = random_next(r);
}

/* splitmix64 (Steele, Lea, Flood 2014): a counter by the golden ratio, then a mixing of its bits.
 */
uint64_t random_next(struct random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* The lowest 2^64 mod n numbers are thrown away: what is left is a multiple of n long. */
uint64_t random_below(struct random *r, uint64_t n)
{
	uint64_t number, rest;

	if (!n)
		die("random_below: a number below 0 was asked for");
	rest = (UINT64_MAX % n + 1) % n;
	do
		number = random_next(r);
	while (number < rest);
	return number % n;
}

int64_t random_between(struct random *r, int64_t low, int64_t high)
{
	uint64_t span = (uint64_t)high - (uint64_t)low;
	uint64_t step;

	if (low > high)
		die("random_between: %lld is above %lld", (long long)low, (long long)high);
	step = span == UINT64_MAX ? random_next(r) : random_below(r, span + 1);
	return (int64_t)((uint64_t)low + step);
}

/* Byte by byte from the low end, so that the bytes are the same on every machine. */
void random_bytes(struct random *r, void *data, size_t size)
{
	unsigned char *bytes = data;
	uint64_t word = 0;

	for (size_t i = 0; i < size; i++, word >>= 8) {
		if (i % 8 == 0)
			word = random_next(r);
		bytes[i] = (unsigned char)word;
	}
}

char *random_word(struct random *r, char *buf, size_t length)
{
	for (size_t i = 0; i < length; i++)
		buf[i] = (char)('a' + random_below(r, 26));
	buf[length] = '\0';
	return buf;
}
