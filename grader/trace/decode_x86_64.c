/*
 * decode_x86_64.c: how long an instruction is (Intel SDM volume 2, chapter 2 and appendix A). Every
 * opcode has one letter in a table that says what follows it.
 */
#if defined(__x86_64__)

#include "trace/decode_x86_64.h"

#include <string.h>

enum { LENGTH_MOST = 15 };

/*
 * What follows each opcode. M: ModRM; b, z, w, v: an immediate of 1, 2 or 4, 2, up to 8 bytes; B,
 * Z: ModRM and immediate b or z; e: 3 bytes (enter); j: 4 (near branches); o: an address; F, G:
 * ModRM, and b or z for /0 and /1 (test); p, R: prefixes; E: escape to another table; V: VEX or
 * EVEX; x: not in 64-bit mode.
 */
static const char one_byte[] = "MMMMbzxxMMMMbzxE"
			       "MMMMbzxxMMMMbzxx"
			       "MMMMbzpxMMMMbzpx"
			       "MMMMbzpxMMMMbzpx"
			       "RRRRRRRRRRRRRRRR"
			       "................"
			       "xxVMppppzZbB...."
			       "bbbbbbbbbbbbbbbb"
			       "BZxBMMMMMMMMMMMM"
			       "..........x....."
			       "oooo....bz......"
			       "bbbbbbbbvvvvvvvv"
			       "BBw.VVBZe.w..bx."
			       "MMMMxxx.MMMMMMMM"
			       "bbbbbbbbjjxb...."
			       "p.pp..FG......MM";

static const char two_bytes[] = "MMMMx.....x.xM.B"
				"MMMMMMMMMMMMMMMM"
				"MMMMxxxxMMMMMMMM"
				"......x.ExExxxxx"
				"MMMMMMMMMMMMMMMM"
				"MMMMMMMMMMMMMMMM"
				"MMMMMMMMMMMMMMMM"
				"BBBBMMM.MMxxMMMM"
				"jjjjjjjjjjjjjjjj"
				"MMMMMMMMMMMMMMMM"
				"...MBMxx...MBMMM"
				"MMMMMMMMMMBMMMMM"
				"MMBMBBBM........"
				"MMMMMMMMMMMMMMMM"
				"MMMMMMMMMMMMMMMM"
				"MMMMMMMMMMMMMMMM";

/* Bytes with an end: reading past it is no instruction. */
struct bytes {
	const unsigned char *at, *end;
	bool short_of;
};

static unsigned next_byte(struct bytes *bytes)
{
	if (bytes->at == bytes->end) {
		bytes->short_of = true;
		return 0;
	}
	return *bytes->at++;
}

static void skip(struct bytes *bytes, size_t count)
{
	if ((size_t)(bytes->end - bytes->at) < count)
		bytes->short_of = true;
	else
		bytes->at += count;
}

/* ModRM, SIB and displacement. */
static void take_modrm(struct bytes *bytes, struct instruction *it)
{
	unsigned mode, base;

	it->modrm = (unsigned char)next_byte(bytes);
	mode = it->modrm >> 6;
	base = it->modrm & 7;
	it->memory = mode != 3;
	if (!it->memory)
		return;
	if (base == 4)
		base = next_byte(bytes) & 7;
	if (mode == 1)
		skip(bytes, 1);
	else if (mode == 2 || (mode == 0 && base == 5))
		skip(bytes, 4);
}

static size_t immediate_z(const struct instruction *it)
{
	return it->operand16 && !it->wide ? 2 : 4;
}

/* False for what does not exist. */
static bool take_rest(struct bytes *bytes, struct instruction *it, char form)
{
	if (strchr("MBZFG", form))
		take_modrm(bytes, it);
	switch (form) {
	case '.':
	case 'M':
		return true;
	case 'b':
	case 'B':
		skip(bytes, 1);
		return true;
	case 'z':
	case 'Z':
		skip(bytes, immediate_z(it));
		return true;
	case 'w':
		skip(bytes, 2);
		return true;
	case 'e':
		skip(bytes, 3);
		return true;
	case 'j':
		skip(bytes, 4);
		return true;
	case 'v':
		skip(bytes, it->wide ? 8 : immediate_z(it));
		return true;
	case 'o':
		skip(bytes, it->address32 ? 4 : 8);
		return true;
	case 'F':
	case 'G':
		if ((it->modrm & 0x30) == 0)
			skip(bytes, form == 'F' ? 1 : immediate_z(it));
		return true;
	default:
		return false;
	}
}

/* C5: one byte behind it; C4: two; 62 (EVEX): three. The opcode comes after that. */
static bool take_vex(struct bytes *bytes, struct instruction *it, unsigned first)
{
	unsigned a = next_byte(bytes);
	unsigned b = first == 0xc5 ? a : next_byte(bytes);
	unsigned c = first == 0x62 ? next_byte(bytes) : 0;

	it->vex = true;
	it->evex = first == 0x62;
	it->map = first == 0xc5 ? MAP_0F : it->evex ? a & 7 : a & 31;
	it->wide = first != 0xc5 && b & 0x80;
	it->prefix = b & 3;
	it->vector = it->evex ? 16u << (c >> 5 & 3) : b & 4 ? 32 : 16;
	it->opcode = (unsigned char)next_byte(bytes);
	switch (it->map) {
	case MAP_0F:
		if (it->opcode == 0x77)
			return true; /* vzeroupper */
		return take_rest(bytes, it, two_bytes[it->opcode] == 'B' ? 'B' : 'M');
	case MAP_0F3A:
		return take_rest(bytes, it, 'B');
	case MAP_0F38:
	case MAP_HALF5:
	case MAP_HALF6:
		return take_rest(bytes, it, 'M');
	default:
		return false;
	}
}

static bool take_escape(struct bytes *bytes, struct instruction *it)
{
	it->opcode = (unsigned char)next_byte(bytes);
	it->map = MAP_0F;
	if (two_bytes[it->opcode] != 'E')
		return take_rest(bytes, it, two_bytes[it->opcode]);
	it->map = it->opcode == 0x38 ? MAP_0F38 : MAP_0F3A;
	it->opcode = (unsigned char)next_byte(bytes);
	return take_rest(bytes, it, it->map == MAP_0F3A ? 'B' : 'M');
}

/* A legacy prefix. The last of F2 and F3 counts, and before 66. */
static void take_prefix(struct instruction *it, unsigned byte)
{
	switch (byte) {
	case 0xf0:
		it->locked = true;
		break;
	case 0x66:
		it->operand16 = true;
		if (it->prefix == PREFIX_NONE)
			it->prefix = PREFIX_66;
		break;
	case 0x67:
		it->address32 = true;
		break;
	case 0xf3:
		it->prefix = PREFIX_F3;
		break;
	case 0xf2:
		it->prefix = PREFIX_F2;
		break;
	default:
		break; /* segments */
	}
}

bool x86_decode(const unsigned char *code, size_t size, struct instruction *it)
{
	struct bytes bytes = { code, code + (size < LENGTH_MOST ? size : LENGTH_MOST), false };
	unsigned rex = 0, byte;
	char form;
	bool good;

	*it = (struct instruction){ .vector = 16 };
	for (;;) {
		byte = next_byte(&bytes);
		form = one_byte[byte];
		if (bytes.short_of || (form != 'p' && form != 'R'))
			break;
		if (form == 'p')
			take_prefix(it, byte);
		rex = form == 'R' ? byte : 0; /* counts only right before the opcode */
	}
	it->wide = rex & 8;
	it->opcode = (unsigned char)byte;
	if (form == 'V')
		good = take_vex(&bytes, it, byte);
	else if (form == 'E')
		good = take_escape(&bytes, it);
	else
		good = take_rest(&bytes, it, form);
	it->length = (size_t)(bytes.at - code);
	return good && !bytes.short_of;
}

#endif
