/*
 * access_aarch64.c: loads and stores of A64 by their classes (Arm ARM, C4.1 "A64 instruction set
 * encoding"): first match. Both halves of a load-exclusive, store-exclusive pair count as locked:
 * the store fails when somebody else has stored in between.
 */
#include "trace/access_aarch64.h"

enum class {
	EXCLUSIVE, /* ldxr, stxr */
	EXCLUSIVE_PAIR,
	COMPARE, /* cas */
	COMPARE_PAIR,
	ORDERED, /* ldar, stlr */
	LITERAL,
	PAIR,
	ATOMIC,	   /* ldadd, swp and so on */
	ACQUIRE,   /* ldapr */
	PLAIN,	   /* ldr, str, ldapur, stlur of all addressing modes */
	STRUCTURE, /* ld1 to ld4, st1 to st4 */
};

static const struct class_row {
	uint32_t mask, value;
	enum class class;
} classes[] = {
	{ 0x3fa00000, 0x08000000, EXCLUSIVE },	  { 0xbfa00000, 0x88200000, EXCLUSIVE_PAIR },
	{ 0xbfa00000, 0x08200000, COMPARE_PAIR }, { 0x3fa00000, 0x08800000, ORDERED },
	{ 0x3fa00000, 0x08a00000, COMPARE },	  { 0x3b000000, 0x18000000, LITERAL },
	{ 0x3a000000, 0x28000000, PAIR },	  { 0x3f20fc00, 0x3820c000, ACQUIRE },
	{ 0x3f208c00, 0x38200000, ATOMIC },	  { 0x3f20fc00, 0x38208000, ATOMIC }, /* swp */
	{ 0x3b000000, 0x39000000, PLAIN }, /* immediate */
	{ 0x3b200000, 0x38000000, PLAIN }, /* unscaled, pre- and post-indexed */
	{ 0x3b200c00, 0x38200800, PLAIN }, /* register */
	{ 0x3f200c00, 0x19000000, PLAIN }, /* ldapur, stlur */
	{ 0xbfbf0000, 0x0c000000, STRUCTURE },	  { 0xbfa00000, 0x0c800000, STRUCTURE },
	{ 0xbf9f0000, 0x0d000000, STRUCTURE },	  { 0xbf800000, 0x0d800000, STRUCTURE },
};

static struct arch_access access_make(bool loads, bool stores, bool locked, unsigned width)
{
	return (struct arch_access){ .known = true,
				     .loads = loads,
				     .stores = stores,
				     .locked = locked,
				     .width = (uint8_t)width };
}

static const struct arch_access none; /* prefetches, and what is not allocated */

static struct arch_access literal(unsigned size, bool vector)
{
	if (size == 3)
		return none;
	if (vector)
		return access_make(true, false, false, 4u << size);
	return access_make(true, false, false, size == 1 ? 8 : 4);
}

static struct arch_access pair(unsigned size, bool vector, bool loads)
{
	if (size == 3 || (size == 1 && !vector && !loads))
		return none;
	if (vector)
		return access_make(loads, !loads, false, 8u << size);
	return access_make(loads, !loads, false, size == 2 ? 16 : 8);
}

static struct arch_access plain(unsigned size, bool vector, unsigned operation)
{
	if (vector && operation >= 2)
		return size == 0 ? access_make(operation & 1, !(operation & 1), false, 16) : none;
	if (!vector && operation >= 2 && (size == 3 || (size == 2 && operation == 3)))
		return none;
	return access_make(operation != 0, operation == 0, false, 1u << size);
}

struct arch_access access_of_aarch64(uint32_t instruction)
{
	unsigned size = instruction >> 30, operation = instruction >> 22 & 3;
	bool vector = instruction >> 26 & 1, loads = instruction >> 22 & 1;

	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		if ((instruction & classes[i].mask) != classes[i].value)
			continue;
		switch (classes[i].class) {
		case EXCLUSIVE:
			return access_make(loads, !loads, true, 1u << size);
		case EXCLUSIVE_PAIR:
			return access_make(loads, !loads, true, 8u << (size & 1));
		case COMPARE_PAIR:
			return access_make(true, true, true, 8u << (size & 1));
		case COMPARE:
		case ATOMIC:
			return access_make(true, true, true, 1u << size);
		case ORDERED:
			return access_make(loads, !loads, false, 1u << size);
		case ACQUIRE:
			return access_make(true, false, false, 1u << size);
		case LITERAL:
			return literal(size, vector);
		case PAIR:
			return pair(size, vector, loads);
		case PLAIN:
			return plain(size, vector, operation);
		case STRUCTURE:
			return access_make(loads, !loads, false, 0);
		}
	}
	return none;
}
