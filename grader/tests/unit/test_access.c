/*
 * test_access.c: what single instructions do to memory, and the lengths of all instructions of our
 * own program: decoding each of its functions must end exactly at its end.
 */
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/access_aarch64.h"
#include "trace/arch.h"
#include "trace/decode_x86_64.h"
#include "unit.h"

/* "LS!4": loads, stores, is locked, 4 bytes wide; "-": not known, or no access at all. */
static void check_access(const char *text, struct arch_access access, const char *wanted)
{
	char got[16] = "-";

	if (access.known)
		snprintf(got, sizeof(got), "%s%s%s%d", access.loads ? "L" : "",
			 access.stores ? "S" : "", access.locked ? "!" : "", access.width);
	ck_assert_msg(strcmp(got, wanted) == 0, "%s: %s, wanted %s", text, got, wanted);
}

static const struct {
	const char *text;
	uint32_t word;
	const char *wanted;
} aarch64[] = {
	{ "ldadd x0, x1, [x2]", 0xf8200041, "LS!8" },
	{ "ldaddal w0, w1, [x2]", 0xb8e00041, "LS!4" },
	{ "stadd w0, [x2]", 0xb820005f, "LS!4" },
	{ "swpal x0, x1, [x2]", 0xf8e08041, "LS!8" },
	{ "cas w0, w1, [x2]", 0x88a07c41, "LS!4" },
	{ "casal x0, x1, [x2]", 0xc8e0fc41, "LS!8" },
	{ "casp x0, x1, x2, x3, [x4]", 0x48207c82, "LS!16" },
	{ "ldapr w0, [x1]", 0xb8bfc020, "L4" },
	{ "ldapur w0, [x1, #4]", 0x99404020, "L4" },
	{ "stlur w0, [x1, #4]", 0x99004020, "S4" },
	{ "ldxp x0, x1, [x2]", 0xc87f0440, "L!16" },
	{ "stxp w3, x0, x1, [x2]", 0xc8230440, "S!16" },
	{ "ldxr w0, [x1]", 0x885f7c20, "L!4" },
	{ "stlxrb w2, w0, [x1]", 0x0802fc20, "S!1" },
	{ "ldar x0, [x1]", 0xc8dffc20, "L8" },
	{ "stlrh w0, [x1]", 0x489ffc20, "S2" },
	{ "ldsetb w0, w1, [x2]", 0x38203041, "LS!1" },
	{ "swph w0, w1, [x2]", 0x78208041, "LS!2" },
	{ "prfm pldl1keep, [x0]", 0xf9800000, "-" },
	{ "ld1 {v0.16b}, [x0]", 0x4c407000, "L0" },
	{ "st2 {v0.16b, v1.16b}, [x0], #32", 0x4c9f8000, "S0" },
	{ "ld1r {v0.4s}, [x0]", 0x4d40c800, "L0" },
	{ "ldr q0, [x1]", 0x3dc00020, "L16" },
	{ "stp q0, q1, [x2]", 0xad000440, "S32" },
	{ "ldpsw x0, x1, [x2]", 0x69400440, "L8" },
	{ "ldrsw x0, [x1, x2]", 0xb8a26820, "L4" },
	{ "ldr x0, literal", 0x58000040, "L8" },
	{ "ldtr w0, [x1]", 0xb8400820, "L4" },
};

START_TEST(words_of_aarch64)
{
	check_access(aarch64[_i].text, access_of_aarch64(aarch64[_i].word), aarch64[_i].wanted);
}
END_TEST

#if defined(__x86_64__)

static const struct {
	const char *text, *bytes, *wanted;
} x86[] = {
	{ "mov %eax,0x20(%rdi)", "89 47 20", "S4" },
	{ "mov 0x20(%rdi),%rax", "48 8b 47 20", "L8" },
	{ "movw $0x7,(%rax,%rbx,4)", "66 c7 04 98 07 00", "S2" },
	{ "movb $0x1,0x12345678(%rip)", "c6 05 78 56 34 12 01", "S1" },
	{ "movzbl (%rsi),%eax", "0f b6 06", "L1" },
	{ "movslq 0x4(%rsi),%rax", "48 63 46 04", "L4" },
	{ "addl $0x1,0x20(%rdi)", "83 47 20 01", "LS4" },
	{ "lock addl $0x1,0x20(%rdi)", "f0 83 47 20 01", "LS!4" },
	{ "incq (%rax)", "48 ff 00", "LS8" },
	{ "lock incl -0x4(%rbp)", "f0 ff 45 fc", "LS!4" },
	{ "xchg %eax,(%rdi)", "87 07", "LS!4" },
	{ "xchg %eax,%ebx", "93", "-" },
	{ "lock xadd %rax,(%rdx)", "f0 48 0f c1 02", "LS!8" },
	{ "cmpxchg %ecx,(%rdi)", "0f b1 0f", "LS4" },
	{ "lock cmpxchg %rcx,(%rdi)", "f0 48 0f b1 0f", "LS!8" },
	{ "lock cmpxchg16b (%rdi)", "f0 48 0f c7 0f", "LS!16" },
	{ "lock btsl $0x3,(%rdi)", "f0 0f ba 2f 03", "LS!4" },
	{ "bt %eax,(%rdi)", "0f a3 07", "L4" },
	{ "cmpl $0x5,(%r12)", "41 83 3c 24 05", "L4" },
	{ "testb $0x1,0x0(%r13)", "41 f6 45 00 01", "L1" },
	{ "cmp %rax,0x8(%rsp)", "48 39 44 24 08", "L8" },
	{ "sbb %eax,(%rdi)", "19 07", "LS4" },
	{ "negq (%rdi)", "48 f7 1f", "LS8" },
	{ "notb (%rdi)", "f6 17", "LS1" },
	{ "shll $0x2,(%rdi)", "c1 27 02", "LS4" },
	{ "sete (%rdi)", "0f 94 07", "S1" },
	{ "cmovne (%rdi),%eax", "0f 45 07", "L4" },
	{ "imul $0x64,(%rdi),%eax", "6b 07 64", "L4" },
	{ "rep stos %rax,%es:(%rdi)", "f3 48 ab", "S8" },
	{ "rep movsb %ds:(%rsi),%es:(%rdi)", "f3 a4", "LS1" },
	{ "movabs %eax,0x1122334455667788", "a3 88 77 66 55 44 33 22 11", "S4" },
	{ "movabs $0x1122334455667788,%rax", "48 b8 88 77 66 55 44 33 22 11", "-" },
	{ "movss %xmm0,(%rdi)", "f3 0f 11 07", "S4" },
	{ "movsd (%rdi),%xmm0", "f2 0f 10 07", "L8" },
	{ "movups %xmm1,0x10(%rdi)", "0f 11 4f 10", "S16" },
	{ "movdqa (%rdi),%xmm2", "66 0f 6f 17", "L16" },
	{ "movq %xmm0,(%rdi)", "66 0f d6 07", "S8" },
	{ "movd (%rdi),%xmm0", "66 0f 6e 07", "L4" },
	{ "movnti %rax,(%rdi)", "48 0f c3 07", "S8" },
	{ "vmovdqu %ymm0,(%rdi)", "c5 fe 7f 07", "S32" },
	{ "vmovdqu64 %zmm0,0x40(%rdi)", "62 f1 fe 48 7f 47 01", "S64" },
	{ "vmovups 0x20(%rdi),%ymm1", "c5 fc 10 4f 20", "L32" },
	{ "vpextrd $0x1,%xmm0,(%rdi)", "c4 e3 79 16 07 01", "S4" },
	{ "push (%rdi)", "ff 37", "L8" },
	{ "lea 0x8(%rdi),%rax", "48 8d 47 08", "-" },
	{ "nopw (%rax,%rax,1)", "66 0f 1f 04 00", "-" },
	{ "mov %fs:0x28,%rax", "64 48 8b 04 25 28 00 00 00", "L8" },
	{ "prefetcht0 (%rdi)", "0f 18 0f", "-" },
	{ "jmp *(%rdi)", "ff 27", "-" },
};

static size_t from_hex(const char *text, unsigned char *bytes)
{
	size_t size = 0;
	char *end;

	for (; *text; text = end)
		bytes[size++] = (unsigned char)strtoul(text, &end, 16);
	return size;
}

START_TEST(bytes_of_x86)
{
	unsigned char code[16];
	struct instruction decoded;
	size_t size = from_hex(x86[_i].bytes, code);

	ck_assert(x86_decode(code, size, &decoded));
	ck_assert_uint_eq(decoded.length, size);
	check_access(x86[_i].text, arch_access_before(code, size), x86[_i].wanted);
	/* a piece of it is none */
	ck_assert(!x86_decode(code, size - 1, &decoded));
	ck_assert(!arch_access_before(code, size - 1).known);
}
END_TEST

/* The last one counts, however it is led up to. */
START_TEST(last_of_several)
{
	static const unsigned char code[] = {
		0xf3, 0x0f, 0x1e, 0xfa,			     /* endbr64 */
		0x48, 0xb8, 0x89, 0x07, 0,    0, 0, 0, 0, 0, /* movabs with a store inside */
		0xf0, 0x83, 0x47, 0x20, 0x01,		     /* lock addl $1,0x20(%rdi) */
		0x89, 0x07,				     /* mov %eax,(%rdi) */
	};

	check_access("endbr64", arch_access_before(code, 4), "-");
	check_access("inside of movabs", arch_access_before(code, 8), "-");
	check_access("movabs", arch_access_before(code, 14), "-");
	check_access("lock add", arch_access_before(code, 19), "LS!4");
	check_access("mov", arch_access_before(code, 21), "S4");
	check_access("nothing", arch_access_before(code, 0), "-");
}
END_TEST

static void decode_function(const unsigned char *code, const GElf_Sym *symbol, const char *name)
{
	struct instruction decoded;
	size_t at = 0;

	while (at < symbol->st_size) {
		ck_assert_msg(x86_decode(code + at, symbol->st_size - at, &decoded), "%s+%#zx",
			      name, at);
		at += decoded.length;
	}
	ck_assert_msg(at == symbol->st_size, "%s", name);
}

/* The bytes of a function, from the file. */
static const unsigned char *code_of(const unsigned char *file, Elf *elf, const GElf_Sym *symbol)
{
	GElf_Shdr header;

	if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx >= SHN_LORESERVE ||
	    !gelf_getshdr(elf_getscn(elf, symbol->st_shndx), &header))
		return NULL;
	return file + header.sh_offset + (symbol->st_value - header.sh_addr);
}

static int decode_table(const unsigned char *file, Elf *elf, Elf_Scn *section,
			const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	int functions = 0;

	for (size_t i = 0; i < header->sh_size / header->sh_entsize; i++) {
		const unsigned char *code;
		GElf_Sym symbol;

		if (!gelf_getsym(data, (int)i, &symbol) || GELF_ST_TYPE(symbol.st_info) != STT_FUNC)
			continue;
		code = code_of(file, elf, &symbol);
		if (!code)
			continue;
		decode_function(code, &symbol, elf_strptr(elf, header->sh_link, symbol.st_name));
		functions++;
	}
	return functions;
}

START_TEST(all_of_our_own_program)
{
	int fd = open("/proc/self/exe", O_RDONLY), functions = 0;
	size_t size;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	ck_assert_ptr_nonnull(elf);
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) && header.sh_type == SHT_SYMTAB)
			functions += decode_table((unsigned char *)elf_rawfile(elf, &size), elf,
						  section, &header);
	}
	ck_assert_int_gt(functions, 100);
	elf_end(elf);
	close(fd);
}
END_TEST

#endif

Suite *access_suite(void)
{
	Suite *suite = suite_create("access");
	TCase *test_case = tcase_create("aarch64");

	tcase_add_loop_test(test_case, words_of_aarch64, 0, sizeof(aarch64) / sizeof(*aarch64));
	suite_add_tcase(suite, test_case);
#if defined(__x86_64__)
	test_case = tcase_create("x86-64");
	tcase_add_loop_test(test_case, bytes_of_x86, 0, sizeof(x86) / sizeof(*x86));
	tcase_add_test(test_case, last_of_several);
	tcase_add_test(test_case, all_of_our_own_program);
	suite_add_tcase(suite, test_case);
#endif
	return suite;
}
