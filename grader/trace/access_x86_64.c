/*
 * access_x86_64.c: what the instruction before a stop did to memory: decoded from the start of the
 * function up to pc, and the last one looked up in the rows of accesses[], first match. What is not
 * there is unknown, which costs a check its evidence; a wrong answer would cost a student points.
 *
 * Where a repeated string instruction (rep movs) is stopped between two rounds, pc stands at its
 * start and the instruction before it is another one.
 */
#if defined(__x86_64__)

#include "trace/arch.h"
#include "trace/decode_x86_64.h"

const unsigned char arch_call[] = { 0x0f, 0x05 }; /* syscall */
const size_t arch_call_size = sizeof(arch_call);

enum effect { NOTHING, LOAD, STORE, CHANGE, COPY }; /* CHANGE: load and store of one place */

/* Bytes: a number, or by operand size, by vector length, as the SSE prefix says, … */
enum width {
	W_UNKNOWN = 0,
	W_OPERAND = 100, /* 2, 4, 8 */
	W_NUMBER,	 /* 4, 8: no 16-bit form */
	W_VECTOR,	 /* xmm, ymm, zmm; MMX: 8 */
	W_SCALAR,	 /* none: vector, 66: vector, F3: 4, F2: 8 */
	W_COMPARE,	 /* none: 4, 66: 8 */
	W_PAIR,		 /* 8, 16 */
	W_STACK,	 /* 8, 2 */
};

enum { ANY = -1, IMPLICIT = -2 }; /* /reg of ModRM; IMPLICIT: memory that ModRM does not name */

static const struct access_row {
	unsigned char map, mask, value; /* opcode & mask == value */
	signed char prefix;		/* enum mandatory, or ANY */
	signed char reg;
	unsigned char effect, width;
} accesses[] = {
	/* arithmetic: cmp only looks */
	{ MAP_ONE, 0xff, 0x38, ANY, ANY, LOAD, 1 },
	{ MAP_ONE, 0xff, 0x39, ANY, ANY, LOAD, W_OPERAND },
	{ MAP_ONE, 0xc7, 0x00, ANY, ANY, CHANGE, 1 },
	{ MAP_ONE, 0xc7, 0x01, ANY, ANY, CHANGE, W_OPERAND },
	{ MAP_ONE, 0xc7, 0x02, ANY, ANY, LOAD, 1 },
	{ MAP_ONE, 0xc7, 0x03, ANY, ANY, LOAD, W_OPERAND },
	{ MAP_ONE, 0xff, 0x80, ANY, 7, LOAD, 1 },
	{ MAP_ONE, 0xff, 0x80, ANY, ANY, CHANGE, 1 },
	{ MAP_ONE, 0xff, 0x81, ANY, 7, LOAD, W_OPERAND },
	{ MAP_ONE, 0xff, 0x81, ANY, ANY, CHANGE, W_OPERAND },
	{ MAP_ONE, 0xff, 0x83, ANY, 7, LOAD, W_OPERAND },
	{ MAP_ONE, 0xff, 0x83, ANY, ANY, CHANGE, W_OPERAND },
	{ MAP_ONE, 0xfe, 0xc0, ANY, ANY, CHANGE, W_UNKNOWN }, /* shifts */
	{ MAP_ONE, 0xfc, 0xd0, ANY, ANY, CHANGE, W_UNKNOWN },
	{ MAP_ONE, 0xff, 0xf6, ANY, 2, CHANGE, 1 }, /* not, neg */
	{ MAP_ONE, 0xff, 0xf6, ANY, 3, CHANGE, 1 },
	{ MAP_ONE, 0xff, 0xf6, ANY, ANY, LOAD, 1 }, /* test, mul, div */
	{ MAP_ONE, 0xff, 0xf7, ANY, 2, CHANGE, W_OPERAND },
	{ MAP_ONE, 0xff, 0xf7, ANY, 3, CHANGE, W_OPERAND },
	{ MAP_ONE, 0xff, 0xf7, ANY, ANY, LOAD, W_OPERAND },
	{ MAP_ONE, 0xff, 0xfe, ANY, 0, CHANGE, 1 }, /* inc, dec */
	{ MAP_ONE, 0xff, 0xfe, ANY, 1, CHANGE, 1 },
	{ MAP_ONE, 0xff, 0xff, ANY, 0, CHANGE, W_OPERAND },
	{ MAP_ONE, 0xff, 0xff, ANY, 1, CHANGE, W_OPERAND },
	{ MAP_ONE, 0xff, 0xff, ANY, 6, LOAD, W_STACK }, /* push of memory */
	{ MAP_ONE, 0xff, 0x69, ANY, ANY, LOAD, W_OPERAND },
	{ MAP_ONE, 0xff, 0x6b, ANY, ANY, LOAD, W_OPERAND },
	{ MAP_ONE, 0xff, 0x84, ANY, ANY, LOAD, 1 },
	{ MAP_ONE, 0xff, 0x85, ANY, ANY, LOAD, W_OPERAND },
	/* moves */
	{ MAP_ONE, 0xff, 0x63, ANY, ANY, LOAD, 4 },
	{ MAP_ONE, 0xff, 0x86, ANY, ANY, CHANGE, 1 }, /* xchg */
	{ MAP_ONE, 0xff, 0x87, ANY, ANY, CHANGE, W_OPERAND },
	{ MAP_ONE, 0xff, 0x88, ANY, ANY, STORE, 1 },
	{ MAP_ONE, 0xff, 0x89, ANY, ANY, STORE, W_OPERAND },
	{ MAP_ONE, 0xff, 0x8a, ANY, ANY, LOAD, 1 },
	{ MAP_ONE, 0xff, 0x8b, ANY, ANY, LOAD, W_OPERAND },
	{ MAP_ONE, 0xff, 0x8f, ANY, 0, STORE, W_STACK }, /* pop into memory */
	{ MAP_ONE, 0xff, 0xc6, ANY, 0, STORE, 1 },
	{ MAP_ONE, 0xff, 0xc7, ANY, 0, STORE, W_OPERAND },
	{ MAP_ONE, 0xff, 0xa0, ANY, IMPLICIT, LOAD, 1 },
	{ MAP_ONE, 0xff, 0xa1, ANY, IMPLICIT, LOAD, W_OPERAND },
	{ MAP_ONE, 0xff, 0xa2, ANY, IMPLICIT, STORE, 1 },
	{ MAP_ONE, 0xff, 0xa3, ANY, IMPLICIT, STORE, W_OPERAND },
	/* strings */
	{ MAP_ONE, 0xff, 0xa4, ANY, IMPLICIT, COPY, 1 },
	{ MAP_ONE, 0xff, 0xa5, ANY, IMPLICIT, COPY, W_OPERAND },
	{ MAP_ONE, 0xff, 0xa6, ANY, IMPLICIT, LOAD, 1 },
	{ MAP_ONE, 0xff, 0xa7, ANY, IMPLICIT, LOAD, W_OPERAND },
	{ MAP_ONE, 0xff, 0xaa, ANY, IMPLICIT, STORE, 1 },
	{ MAP_ONE, 0xff, 0xab, ANY, IMPLICIT, STORE, W_OPERAND },
	{ MAP_ONE, 0xff, 0xac, ANY, IMPLICIT, LOAD, 1 },
	{ MAP_ONE, 0xff, 0xad, ANY, IMPLICIT, LOAD, W_OPERAND },
	{ MAP_ONE, 0xff, 0xae, ANY, IMPLICIT, LOAD, 1 },
	{ MAP_ONE, 0xff, 0xaf, ANY, IMPLICIT, LOAD, W_OPERAND },
	/* x87: fld, fst, fstp */
	{ MAP_ONE, 0xff, 0xd8, ANY, ANY, LOAD, 4 },
	{ MAP_ONE, 0xff, 0xd9, ANY, 0, LOAD, 4 },
	{ MAP_ONE, 0xff, 0xd9, ANY, 2, STORE, 4 },
	{ MAP_ONE, 0xff, 0xd9, ANY, 3, STORE, 4 },
	{ MAP_ONE, 0xff, 0xda, ANY, ANY, LOAD, 4 },
	{ MAP_ONE, 0xff, 0xdb, ANY, 0, LOAD, 4 },
	{ MAP_ONE, 0xff, 0xdb, ANY, 1, STORE, 4 },
	{ MAP_ONE, 0xff, 0xdb, ANY, 2, STORE, 4 },
	{ MAP_ONE, 0xff, 0xdb, ANY, 3, STORE, 4 },
	{ MAP_ONE, 0xff, 0xdb, ANY, 5, LOAD, 10 },
	{ MAP_ONE, 0xff, 0xdb, ANY, 7, STORE, 10 },
	{ MAP_ONE, 0xff, 0xdc, ANY, ANY, LOAD, 8 },
	{ MAP_ONE, 0xff, 0xdd, ANY, 0, LOAD, 8 },
	{ MAP_ONE, 0xff, 0xdd, ANY, 1, STORE, 8 },
	{ MAP_ONE, 0xff, 0xdd, ANY, 2, STORE, 8 },
	{ MAP_ONE, 0xff, 0xdd, ANY, 3, STORE, 8 },
	/* atomics and bits */
	{ MAP_0F, 0xff, 0xb0, ANY, ANY, CHANGE, 1 }, /* cmpxchg */
	{ MAP_0F, 0xff, 0xb1, ANY, ANY, CHANGE, W_OPERAND },
	{ MAP_0F, 0xff, 0xc0, ANY, ANY, CHANGE, 1 }, /* xadd */
	{ MAP_0F, 0xff, 0xc1, ANY, ANY, CHANGE, W_OPERAND },
	{ MAP_0F, 0xff, 0xc7, ANY, 1, CHANGE, W_PAIR }, /* cmpxchg8b, 16b */
	{ MAP_0F, 0xff, 0xa3, ANY, ANY, LOAD, W_OPERAND },
	{ MAP_0F, 0xff, 0xab, ANY, ANY, CHANGE, W_OPERAND },
	{ MAP_0F, 0xff, 0xb3, ANY, ANY, CHANGE, W_OPERAND },
	{ MAP_0F, 0xff, 0xbb, ANY, ANY, CHANGE, W_OPERAND },
	{ MAP_0F, 0xff, 0xba, ANY, 4, LOAD, W_OPERAND },
	{ MAP_0F, 0xff, 0xba, ANY, 5, CHANGE, W_OPERAND },
	{ MAP_0F, 0xff, 0xba, ANY, 6, CHANGE, W_OPERAND },
	{ MAP_0F, 0xff, 0xba, ANY, 7, CHANGE, W_OPERAND },
	{ MAP_0F, 0xf6, 0xa4, ANY, ANY, CHANGE, W_OPERAND }, /* shld, shrd */
	/* … and loads of whole numbers */
	{ MAP_0F, 0xf0, 0x40, ANY, ANY, LOAD, W_OPERAND }, /* cmov */
	{ MAP_0F, 0xff, 0xaf, ANY, ANY, LOAD, W_OPERAND },
	{ MAP_0F, 0xff, 0xb6, ANY, ANY, LOAD, 1 },
	{ MAP_0F, 0xff, 0xb7, ANY, ANY, LOAD, 2 },
	{ MAP_0F, 0xff, 0xbe, ANY, ANY, LOAD, 1 },
	{ MAP_0F, 0xff, 0xbf, ANY, ANY, LOAD, 2 },
	{ MAP_0F, 0xff, 0xb8, PREFIX_F3, ANY, LOAD, W_OPERAND },
	{ MAP_0F, 0xfe, 0xbc, ANY, ANY, LOAD, W_OPERAND },
	{ MAP_0F, 0xf0, 0x90, ANY, ANY, STORE, 1 }, /* setcc */
	{ MAP_0F, 0xff, 0xc3, PREFIX_NONE, ANY, STORE, W_NUMBER },
	{ MAP_0F38, 0xff, 0xf0, PREFIX_NONE, ANY, LOAD, W_OPERAND }, /* movbe */
	{ MAP_0F38, 0xff, 0xf1, PREFIX_NONE, ANY, STORE, W_OPERAND },
	/* vectors: moves */
	{ MAP_0F, 0xff, 0x10, ANY, ANY, LOAD, W_SCALAR },
	{ MAP_0F, 0xff, 0x11, ANY, ANY, STORE, W_SCALAR },
	{ MAP_0F, 0xff, 0x12, PREFIX_NONE, ANY, LOAD, 8 },
	{ MAP_0F, 0xff, 0x12, PREFIX_66, ANY, LOAD, 8 },
	{ MAP_0F, 0xff, 0x13, ANY, ANY, STORE, 8 },
	{ MAP_0F, 0xff, 0x16, PREFIX_NONE, ANY, LOAD, 8 },
	{ MAP_0F, 0xff, 0x16, PREFIX_66, ANY, LOAD, 8 },
	{ MAP_0F, 0xff, 0x17, ANY, ANY, STORE, 8 },
	{ MAP_0F, 0xff, 0x28, ANY, ANY, LOAD, W_VECTOR },
	{ MAP_0F, 0xff, 0x29, ANY, ANY, STORE, W_VECTOR },
	{ MAP_0F, 0xff, 0x2b, PREFIX_NONE, ANY, STORE, W_VECTOR },
	{ MAP_0F, 0xff, 0x2b, PREFIX_66, ANY, STORE, W_VECTOR },
	{ MAP_0F, 0xff, 0x6e, ANY, ANY, LOAD, W_NUMBER },
	{ MAP_0F, 0xff, 0x6f, ANY, ANY, LOAD, W_VECTOR },
	{ MAP_0F, 0xff, 0x7e, PREFIX_F3, ANY, LOAD, 8 },
	{ MAP_0F, 0xff, 0x7e, ANY, ANY, STORE, W_NUMBER },
	{ MAP_0F, 0xff, 0x7f, ANY, ANY, STORE, W_VECTOR },
	{ MAP_0F, 0xff, 0xd6, PREFIX_66, ANY, STORE, 8 },
	{ MAP_0F, 0xff, 0xe7, ANY, ANY, STORE, W_VECTOR },
	{ MAP_0F, 0xff, 0xf0, PREFIX_F2, ANY, LOAD, W_VECTOR },
	{ MAP_0F3A, 0xff, 0x14, ANY, ANY, STORE, 1 }, /* pextr, extract */
	{ MAP_0F3A, 0xff, 0x15, ANY, ANY, STORE, 2 },
	{ MAP_0F3A, 0xff, 0x16, ANY, ANY, STORE, W_NUMBER },
	{ MAP_0F3A, 0xff, 0x17, ANY, ANY, STORE, 4 },
	{ MAP_0F3A, 0xff, 0x20, ANY, ANY, LOAD, 1 }, /* pinsr */
	{ MAP_0F3A, 0xff, 0x22, ANY, ANY, LOAD, W_NUMBER },
	{ MAP_0F, 0xff, 0xc4, ANY, ANY, LOAD, 2 },
	{ MAP_0F3A, 0xdf, 0x19, ANY, ANY, STORE, W_UNKNOWN },
	{ MAP_0F3A, 0xdf, 0x1b, ANY, ANY, STORE, W_UNKNOWN },
	/* … and arithmetic */
	{ MAP_0F, 0xfe, 0x2e, ANY, ANY, LOAD, W_COMPARE }, /* ucomis, comis */
	{ MAP_0F, 0xfe, 0x14, ANY, ANY, LOAD, W_VECTOR },
	{ MAP_0F, 0xfe, 0x5a, ANY, ANY, LOAD, W_UNKNOWN },
	{ MAP_0F, 0xf0, 0x50, ANY, ANY, LOAD, W_SCALAR },
	{ MAP_0F, 0xfe, 0x2c, ANY, ANY, LOAD, W_UNKNOWN },
	{ MAP_0F, 0xff, 0x2a, ANY, ANY, LOAD, W_UNKNOWN },
	{ MAP_0F, 0xf0, 0x60, ANY, ANY, LOAD, W_VECTOR },
	{ MAP_0F, 0xff, 0x70, ANY, ANY, LOAD, W_VECTOR },
	{ MAP_0F, 0xff, 0x74, ANY, ANY, LOAD, W_VECTOR },
	{ MAP_0F, 0xff, 0x75, ANY, ANY, LOAD, W_VECTOR },
	{ MAP_0F, 0xff, 0x76, ANY, ANY, LOAD, W_VECTOR },
	{ MAP_0F, 0xff, 0xc2, ANY, ANY, LOAD, W_SCALAR },
	{ MAP_0F, 0xff, 0xc6, ANY, ANY, LOAD, W_VECTOR },
	{ MAP_0F, 0xf0, 0xd0, ANY, ANY, LOAD, W_VECTOR },
	{ MAP_0F, 0xf0, 0xe0, ANY, ANY, LOAD, W_VECTOR },
	{ MAP_0F, 0xf8, 0xf0, ANY, ANY, LOAD, W_VECTOR },
	{ MAP_0F, 0xf8, 0xf8, ANY, ANY, LOAD, W_VECTOR },
	{ MAP_0F38, 0xf0, 0x00, ANY, ANY, LOAD, W_VECTOR },
	/* broadcasts */
	{ MAP_0F38, 0xff, 0x18, ANY, ANY, LOAD, 4 },
	{ MAP_0F38, 0xff, 0x58, ANY, ANY, LOAD, 4 },
	{ MAP_0F38, 0xff, 0x19, ANY, ANY, LOAD, 8 },
	{ MAP_0F38, 0xff, 0x59, ANY, ANY, LOAD, 8 },
	{ MAP_0F38, 0xff, 0x78, ANY, ANY, LOAD, 1 },
	{ MAP_0F38, 0xff, 0x79, ANY, ANY, LOAD, 2 },
};

/* The opcodes of moves of masks and of a few AVX-512 forms mean something else in the old map. */
static bool is_other_with_vex(const struct instruction *it)
{
	if (!it->vex)
		return false;
	if (it->map == MAP_ONE || it->map > MAP_0F3A)
		return true;
	if (it->map == MAP_0F)
		return (it->opcode & 0xf0) == 0x40 || (it->opcode & 0xf0) == 0x90 ||
		       (it->evex && (it->opcode & 0xfc) == 0x78);
	return it->map == MAP_0F38 && (it->opcode & 0xf0) == 0xf0;
}

static const struct access_row *row_of(const struct instruction *it)
{
	if (is_other_with_vex(it))
		return NULL;
	for (size_t i = 0; i < sizeof(accesses) / sizeof(*accesses); i++) {
		const struct access_row *row = &accesses[i];

		if (row->map != it->map || (it->opcode & row->mask) != row->value ||
		    (row->prefix != ANY && row->prefix != (int)it->prefix))
			continue;
		if (row->reg >= 0 && row->reg != (it->modrm >> 3 & 7))
			continue;
		return row->reg == IMPLICIT || it->memory ? row : NULL;
	}
	return NULL;
}

static unsigned operand_width(const struct instruction *it)
{
	return it->wide ? 8 : it->operand16 ? 2 : 4;
}

static unsigned vector_width(const struct instruction *it)
{
	bool is_mmx = !it->vex && it->prefix == PREFIX_NONE && it->map == MAP_0F &&
		      it->opcode >= 0x60 && it->opcode != 0xc6;

	return is_mmx || (it->map == MAP_0F38 && !it->vex && it->prefix == PREFIX_NONE)
		       ? 8
		       : it->vector;
}

static unsigned width_of(const struct access_row *row, const struct instruction *it)
{
	switch (row->width) {
	case W_UNKNOWN:
		if (it->map == MAP_ONE)
			return it->opcode & 1 ? operand_width(it) : 1;
		return 0;
	case W_OPERAND:
		return operand_width(it);
	case W_NUMBER:
		return it->wide ? 8 : 4;
	case W_VECTOR:
		return vector_width(it);
	case W_SCALAR:
		return it->prefix == PREFIX_F3 ? 4 : it->prefix == PREFIX_F2 ? 8 : it->vector;
	case W_COMPARE:
		return it->prefix == PREFIX_66 ? 8 : 4;
	case W_PAIR:
		return it->wide ? 16 : 8;
	case W_STACK:
		return it->operand16 ? 2 : 8;
	default:
		return row->width;
	}
}

static struct arch_access classify(const struct instruction *it)
{
	const struct access_row *row = row_of(it);
	struct arch_access access = { 0 };
	bool is_xchg = it->map == MAP_ONE && (it->opcode & 0xfe) == 0x86;

	if (!row)
		return access;
	access.known = true;
	access.loads = row->effect != STORE;
	access.stores = row->effect != LOAD;
	access.locked = row->effect == CHANGE && (it->locked || is_xchg);
	access.width = (uint8_t)width_of(row, it);
	return access;
}

struct arch_access arch_access_before(const unsigned char *code, size_t size)
{
	struct instruction last = { 0 };

	for (size_t at = 0; at < size; at += last.length)
		if (!x86_decode(code + at, size - at, &last))
			return (struct arch_access){ 0 };
	return size ? classify(&last) : (struct arch_access){ 0 };
}

#endif
