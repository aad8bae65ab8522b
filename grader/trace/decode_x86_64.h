/* decode_x86_64.h: one x86-64 instruction, for access_x86_64.c. */
#ifndef TRACE_DECODE_X86_64_H
#define TRACE_DECODE_X86_64_H

#include <stdbool.h>
#include <stddef.h>

enum map { MAP_ONE, MAP_0F, MAP_0F38, MAP_0F3A, MAP_HALF5 = 5, MAP_HALF6 = 6 };
enum mandatory { PREFIX_NONE, PREFIX_66, PREFIX_F3, PREFIX_F2 }; /* as VEX.pp counts them */

struct instruction {
	size_t length;
	enum map map;
	unsigned char opcode, modrm;
	enum mandatory prefix;			 /* of an SSE or AVX instruction: chooses it */
	bool locked, operand16, address32, wide; /* F0, 66, 67, REX.W or VEX.W */
	bool vex, evex;
	bool memory;	 /* ModRM names memory */
	unsigned vector; /* bytes of a vector: 16, 32, 64 */
};

/* The instruction that starts at `code`. False when it is none, or reaches beyond `size`. */
bool x86_decode(const unsigned char *code, size_t size, struct instruction *it);

#endif
