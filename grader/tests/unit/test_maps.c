/* test_maps.c: the parsers of maps and smaps, queries and diff, on texts alone. */
#include "base/buffer.h"
#include "procfs/maps.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

static struct arena *arena;

static void make_arena(void)
{
	arena = arena_new((size_t)1 << 26, false);
}

static void free_arena(void)
{
	arena_free(arena);
}

static struct maps maps_of(const char *text)
{
	struct maps maps;

	ck_assert(maps_parse(arena, text, strlen(text), &maps));
	return maps;
}

#define VMA(START, END, OFFSET, INODE, MAJOR, MINOR, PERMS, DELETED, PATH)                    \
	{                                                                                     \
		.start = START, .end = END, .offset = OFFSET, .inode = INODE, .major = MAJOR, \
		.minor = MINOR, .perms = PERMS, .deleted = DELETED, .path = PATH              \
	}

/* Lines as kernels print them, and what they say. */
static const struct {
	const char *line;
	struct vma vma;
} lines[] = {
	{ "7f3d2c1a0000-7f3d2c1a1000 rw-s 00001000 fe:00 1183                       /tmp/temp",
	  VMA(0x7f3d2c1a0000, 0x7f3d2c1a1000, 0x1000, 1183, 0xfe, 0, "rw-s", false, "/tmp/temp") },
	{ "7ffff7fb0000-7ffff7fb2000 rw-p 00000000 00:00 0 ",
	  VMA(0x7ffff7fb0000, 0x7ffff7fb2000, 0, 0, 0, 0, "rw-p", false, "") },
	{ "7ffff7fb0000-7ffff7fb2000 ---p 00000000 00:00 0",
	  VMA(0x7ffff7fb0000, 0x7ffff7fb2000, 0, 0, 0, 0, "---p", false, "") },
	{ "55555557a000-55555559b000 rw-p 00000000 00:00 0                          [heap]",
	  VMA(0x55555557a000, 0x55555559b000, 0, 0, 0, 0, "rw-p", false, "[heap]") },
	{ "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]",
	  VMA(0xffffffffff600000, 0xffffffffff601000, 0, 0, 0, 0, "--xp", false, "[vsyscall]") },
	{ "7f0000000000-7f0000001000 rw-s 00000000 00:01 1026                       /dev/zero (deleted)",
	  VMA(0x7f0000000000, 0x7f0000001000, 0, 1026, 0, 1, "rw-s", true, "/dev/zero") },
	{ "7f0000000000-7f0000001000 rw-s 00000000 00:01 0                          /SYSV0000162e (deleted)",
	  VMA(0x7f0000000000, 0x7f0000001000, 0, 0, 0, 1, "rw-s", true, "/SYSV0000162e") },
	{ "7f0000000000-7f0000001000 rw-s 00000000 00:01 32768                      /SYSV61012345 (deleted)",
	  VMA(0x7f0000000000, 0x7f0000001000, 0, 32768, 0, 1, "rw-s", true, "/SYSV61012345") },
	{ "7f0000000000-7f0000001000 r--p 00000000 08:01 12                         /tmp/a b  c\\012d ",
	  VMA(0x7f0000000000, 0x7f0000001000, 0, 12, 8, 1, "r--p", false, "/tmp/a b  c\\012d ") },
	{ "7f0000000000-7f0000001000 r--p 00000000 08:01 12                         /x (deleted) (deleted)",
	  VMA(0x7f0000000000, 0x7f0000001000, 0, 12, 8, 1, "r--p", true, "/x (deleted)") },
	{ "7f0000000000-7f0000001000 rw-p 00000000 00:00 0                          [anon:a: b (deleted)]",
	  VMA(0x7f0000000000, 0x7f0000001000, 0, 0, 0, 0, "rw-p", false, "[anon:a: b (deleted)]") },
	{ "00400000-00401000 r-xp 123456789000 103:100005 18446744073709551615 /x",
	  VMA(0x400000, 0x401000, 0x123456789000, UINT64_MAX, 0x103, 0x100005, "r-xp", false,
	      "/x") },
};

START_TEST(line_is_understood)
{
	const struct vma *want = &lines[_i].vma, *v;
	struct maps maps = maps_of(lines[_i].line);

	ck_assert_uint_eq(maps.count, 1);
	v = &maps.vma[0];
	ck_assert_uint_eq(v->start, want->start);
	ck_assert_uint_eq(v->end, want->end);
	ck_assert_uint_eq(v->offset, want->offset);
	ck_assert_uint_eq(v->inode, want->inode);
	ck_assert_uint_eq(v->major, want->major);
	ck_assert_uint_eq(v->minor, want->minor);
	ck_assert_str_eq(v->perms, want->perms);
	ck_assert_str_eq(v->path, want->path);
	ck_assert_int_eq(v->deleted, want->deleted);
	ck_assert_str_eq(v->line, lines[_i].line);
	ck_assert(!v->memory.known);
}
END_TEST

static const char *const wrong_lines[] = {
	"\n",
	"hello\n",
	"7f00-7f01\n",
	"7f01-7f01 rw-p 0 00:00 0 \n",
	"7f01-7f00 rw-p 0 00:00 0 \n",
	"7f00-7f01 rwxz 0 00:00 0 \n",
	"7f00-7f01 rw-  0 00:00 0 \n",
	"7f00-7f01 rw-pp 0 00:00 0 \n",
	"7f00-7f01 rw-p 0 0000 0 \n",
	"7f00-7f01 rw-p 0 00:00 x \n",
	"7f00-7f01 rw-p 0 00:00 12x \n",
	"7f00-7f01 rw-p 0 00:00\n",
	"fffffffffffffffff-7f01 rw-p 0 00:00 0 \n",
	"7f00-7f01 rw-p 0 00:00 0 \nRss:      4 kB\n", /* that is smaps */
};

START_TEST(line_is_refused)
{
	struct maps maps;

	ck_assert(!maps_parse(arena, wrong_lines[_i], strlen(wrong_lines[_i]), &maps));
	ck_assert_uint_eq(maps.count, 0);
}
END_TEST

START_TEST(nul_is_refused_and_nothing_is_empty)
{
	static const char text[] = "7f00-7f01 rw-p 0 00:00 0 /a\0b\n";
	struct maps maps;

	ck_assert(!maps_parse(arena, text, sizeof(text) - 1, &maps));
	ck_assert(maps_parse(arena, NULL, 0, &maps));
	ck_assert_uint_eq(maps.count, 0);
	ck_assert_ptr_null(maps_at(&maps, 0));
}
END_TEST

START_TEST(many_lines_and_long_paths)
{
	struct buffer text = { 0 };
	char path[4001];
	struct maps maps;

	memset(path, 'p', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	for (unsigned i = 0; i < 5000; i++)
		buffer_printf(&text, "%08x-%08x r--p %08x 08:01 %u %30s%s\n", i << 12,
			      (i + 1) << 12, 0, i, "", i % 100 ? "/short" : path);
	ck_assert(maps_parse(arena, text.data, text.size, &maps));
	buffer_free(&text);
	ck_assert_uint_eq(maps.count, 5000);
	ck_assert_str_eq(maps.vma[4900].path, path);
	ck_assert_ptr_eq(maps_at(&maps, 4999 << 12), &maps.vma[4999]);
	ck_assert_ptr_null(maps_at(&maps, 5000 << 12));
}
END_TEST

/* smaps -------------------------------------------------------------------------------------- */

static const char smaps_text[] =
	"7f3d2c1a0000-7f3d2c1a4000 rw-s 00000000 fe:00 1183                       /tmp/temp\n"
	"Size:                 16 kB\n"
	"KernelPageSize:        4 kB\n"
	"Rss:                  12 kB\n"
	"Pss:                   9 kB\n"
	"Pss_Dirty:             2 kB\n"
	"Shared_Clean:          1 kB\n"
	"Shared_Dirty:          2 kB\n"
	"Private_Clean:         3 kB\n"
	"Private_Dirty:         4 kB\n"
	"Referenced:            5 kB\n"
	"Anonymous:             6 kB\n"
	"AnonHugePages:      2048 kB\n"
	"Swap:                  7 kB\n"
	"SwapPss:               8 kB\n"
	"THPeligible:           0\n"
	"SomethingNew: of a later kernel\n"
	"VmFlags: rd wr sh mr mw me ms sr sd \n"
	"7f3d2c1a4000-7f3d2c1a5000 ---p 00000000 00:00 0 \n"
	"Size:                  4 kB\n"
	"VmFlags: mr mw me\n";

START_TEST(smaps_is_understood)
{
	const struct vma_memory *m;
	struct maps maps;

	ck_assert(smaps_parse(arena, smaps_text, strlen(smaps_text), &maps));
	ck_assert_uint_eq(maps.count, 2);
	m = &maps.vma[0].memory;
	ck_assert(m->known);
	ck_assert_uint_eq(m->size_kb, 16);
	ck_assert_uint_eq(m->rss_kb, 12);
	ck_assert_uint_eq(m->pss_kb, 9);
	ck_assert_uint_eq(m->shared_clean_kb, 1);
	ck_assert_uint_eq(m->shared_dirty_kb, 2);
	ck_assert_uint_eq(m->private_clean_kb, 3);
	ck_assert_uint_eq(m->private_dirty_kb, 4);
	ck_assert_uint_eq(m->referenced_kb, 5);
	ck_assert_uint_eq(m->anonymous_kb, 6);
	ck_assert_uint_eq(m->anon_huge_kb, 2048);
	ck_assert_uint_eq(m->swap_kb, 7);
	ck_assert_str_eq(m->flags, "rd wr sh mr mw me ms sr sd");
	ck_assert_str_eq(maps.vma[1].memory.flags, "mr mw me");
	ck_assert_uint_eq(maps.vma[1].memory.size_kb, 4);
	ck_assert_uint_eq(maps.vma[1].memory.rss_kb, 0);
}
END_TEST

START_TEST(smaps_flags_are_whole_words)
{
	struct vma v = { .memory.flags = "rd wr sr" };

	ck_assert(vma_has_flag(&v, "rd") && vma_has_flag(&v, "wr") && vma_has_flag(&v, "sr"));
	ck_assert(!vma_has_flag(&v, "d") && !vma_has_flag(&v, "w") && !vma_has_flag(&v, "hg"));
	ck_assert(!vma_has_flag(&v, "") && !vma_has_flag(&(struct vma){ 0 }, "rd"));
}
END_TEST

START_TEST(smaps_flags_of_any_length)
{
	struct buffer text = { 0 };
	struct maps maps;

	buffer_printf(&text, "7f00-7f01 rw-p 0 00:00 0 \nVmFlags:");
	for (int i = 0; i < 100; i++)
		buffer_printf(&text, " a%d", i % 10);
	ck_assert(smaps_parse(arena, text.data, text.size, &maps));
	ck_assert_uint_eq(strlen(maps.vma[0].memory.flags), 125); /* 42 words: no part of one */
	buffer_free(&text);
}
END_TEST

static const char *const wrong_smaps[] = {
	"Rss: 4 kB\n",
	"7f00-7f01 rw-p 0 00:00 0 \nRss: x kB\n",
	"7f00-7f01 rw-p 0 00:00 0 \nRss: 4 MB\n",
	"7f00-7f01 rw-p 0 00:00 0 \nno field at all\n",
	"7f00-7f01 rw-p 0 00:00 0 \n\n",
};

START_TEST(smaps_is_refused)
{
	struct maps maps;

	ck_assert(!smaps_parse(arena, wrong_smaps[_i], strlen(wrong_smaps[_i]), &maps));
}
END_TEST

/* Queries ------------------------------------------------------------------------------------ */

/*
 * File 8:1 inode 5, in three pieces, the middle one of it first in memory:
 *     address   1000      2000      3000      4000      5000      6000
 *     file 5    |p1 rw-s  |         |p0 rw-s  |p2 r--s  |         |p0 r--p
 *     others              |file 6   |                   |anonymous|
 */
static const char pieces_text[] = "1000-2000 rw-s 00001000 08:01 5 /tmp/five\n"
				  "2000-3000 rw-s 00000000 08:01 6 /tmp/six\n"
				  "3000-4000 rw-s 00000000 08:01 5 /tmp/five\n"
				  "4000-5000 r--s 00002000 08:01 5 /tmp/five\n"
				  "5000-6000 rw-p 00000000 00:00 0 \n"
				  "6000-7000 r--p 00000000 08:01 5 /tmp/five\n";

static const struct {
	uint64_t offset, length;
	const char *perms;
	bool covered;
} covers[] = {
	{ 0, 0x3000, NULL, true },	{ 0, 0x3000, "r??s", true },
	{ 0, 0x2000, "rw-s", true },	{ 0, 0x2001, "rw-s", false },
	{ 0x123, 0x10, "rw-s", true },	{ 0xfff, 2, "rw-s", true },
	{ 0x2fff, 1, "r--s", true },	{ 0x2fff, 2, NULL, false },
	{ 0x3000, 1, NULL, false },	{ 0, 0x1000, "r--p", true },
	{ 0, 0x1001, "r--p", false },	{ 0, 1, "r--", false },
	{ 0, 0, NULL, false },		{ 0, UINT64_MAX, NULL, false },
	{ UINT64_MAX, 1, NULL, false },
};

START_TEST(pieces_cover_a_file)
{
	struct maps maps = maps_of(pieces_text);

	ck_assert_int_eq(maps_cover_file(&maps, makedev(8, 1), 5, covers[_i].offset,
					 covers[_i].length, covers[_i].perms),
			 covers[_i].covered);
}
END_TEST

START_TEST(pieces_are_found)
{
	struct maps maps = maps_of(pieces_text);
	dev_t dev = makedev(8, 1);
	const struct vma *v = NULL;
	struct vma_sum sum;
	int count = 0;

	while ((v = maps_next_of_file(&maps, v, dev, 5)))
		count++;
	ck_assert_int_eq(count, 4);
	ck_assert_ptr_null(maps_next_of_file(&maps, NULL, makedev(8, 2), 5));
	ck_assert_ptr_null(maps_next_of_file(&maps, NULL, 0, 0)); /* anonymous is no file */
	ck_assert_ptr_eq(maps_named(&maps, "/tmp/six"), &maps.vma[1]);
	ck_assert_ptr_null(maps_named(&maps, "/tmp"));
	ck_assert_ptr_eq(maps_at(&maps, 0x1fff), &maps.vma[0]);
	ck_assert_ptr_eq(maps_at(&maps, 0x2000), &maps.vma[1]);
	ck_assert_ptr_null(maps_at(&maps, 0xfff));
	ck_assert_ptr_null(maps_at(&maps, 0x7000));
	ck_assert_uint_eq(maps_address_of(&maps, dev, 5, 0x1010), 0x1010);
	ck_assert_uint_eq(maps_address_of(&maps, dev, 5, 0x10), 0x3010);
	ck_assert_uint_eq(maps_address_of(&maps, dev, 5, 0x3000), 0);
	sum = maps_sum_of_file(&maps, dev, 5);
	ck_assert_uint_eq(sum.count, 4);
	ck_assert_uint_eq(sum.bytes, 0x4000);
	ck_assert(!sum.memory.known);
}
END_TEST

START_TEST(memory_is_added_up)
{
	struct vma_sum sum;
	struct maps maps;

	ck_assert(smaps_parse(arena, smaps_text, strlen(smaps_text), &maps));
	maps.vma[1] = maps.vma[0];
	sum = maps_sum_of_file(&maps, makedev(0xfe, 0), 1183);
	ck_assert(sum.memory.known);
	ck_assert_uint_eq(sum.memory.rss_kb, 24);
	ck_assert_uint_eq(sum.memory.swap_kb, 14);
	ck_assert(!maps_sum_of_file(&maps, makedev(0xfe, 0), 1).memory.known);
}
END_TEST

/* Diff --------------------------------------------------------------------------------------- */

#define ANON(range, perms)	 range " " perms " 0 00:00 0 \n"
#define FILE5(range, perms, off) range " " perms " " off " 08:01 5 /f\n"

/* Each result written as "start-end perms offset;" a range. */
static const struct {
	const char *before, *after, *added, *removed;
} diffs[] = {
	{ "", "", "", "" },
	{ ANON("1000-2000", "rw-p"), ANON("1000-2000", "rw-p"), "", "" },
	{ "", FILE5("1000-2000", "rw-s", "0"), "1000-2000 rw-s 0;", "" },
	{ FILE5("1000-2000", "rw-s", "0"), "", "", "1000-2000 rw-s 0;" },
	/* grown, at either end, by merging with a neighbour or not */
	{ ANON("2000-3000", "rw-p"), ANON("1000-5000", "rw-p"),
	  "1000-2000 rw-p 0;3000-5000 rw-p 0;", "" },
	{ ANON("1000-2000", "rw-p") ANON("3000-4000", "rw-p"), ANON("1000-4000", "rw-p"),
	  "2000-3000 rw-p 0;", "" },
	/* a hole, and a page of other permissions: the VMA is split, two parts stay */
	{ FILE5("1000-4000", "rw-s", "0"),
	  FILE5("1000-2000", "rw-s", "0") FILE5("3000-4000", "rw-s", "2000"), "",
	  "2000-3000 rw-s 1000;" },
	{ FILE5("1000-4000", "rw-s", "0"),
	  FILE5("1000-2000", "rw-s", "0") FILE5("2000-3000", "r--s", "1000")
		  FILE5("3000-4000", "rw-s", "2000"),
	  "2000-3000 r--s 1000;", "2000-3000 rw-s 1000;" },
	/* the same place, another part of the file; another file; moved */
	{ FILE5("1000-2000", "rw-s", "0"), FILE5("1000-2000", "rw-s", "1000"),
	  "1000-2000 rw-s 1000;", "1000-2000 rw-s 0;" },
	{ FILE5("1000-2000", "rw-s", "0"), "1000-2000 rw-s 0 08:01 6 /f\n", "1000-2000 rw-s 0;",
	  "1000-2000 rw-s 0;" },
	{ FILE5("1000-2000", "rw-s", "0"), FILE5("5000-6000", "rw-s", "0"), "5000-6000 rw-s 0;",
	  "1000-2000 rw-s 0;" },
	/* unlinked meanwhile: the same mapping */
	{ FILE5("1000-2000", "rw-s", "0"), "1000-2000 rw-s 0 08:01 5 /f (deleted)\n", "", "" },
};

static const char *render(const struct maps *maps)
{
	struct buffer text = { 0 };
	const char *copy;

	for (size_t i = 0; i < maps->count; i++)
		buffer_printf(&text, "%lx-%lx %s %lx;", (unsigned long)maps->vma[i].start,
			      (unsigned long)maps->vma[i].end, maps->vma[i].perms,
			      (unsigned long)maps->vma[i].offset);
	copy = arena_copy(arena, buffer_text(&text));
	buffer_free(&text);
	return copy;
}

START_TEST(diff_is_by_address)
{
	struct maps before = maps_of(diffs[_i].before), after = maps_of(diffs[_i].after);
	struct maps added, removed;

	maps_diff(arena, &before, &after, &added, &removed);
	ck_assert_str_eq(render(&added), diffs[_i].added);
	ck_assert_str_eq(render(&removed), diffs[_i].removed);
	maps_diff(arena, &before, &after, NULL, NULL);
}
END_TEST

START_TEST(diff_keeps_memory_of_whole_vmas)
{
	struct maps none = { 0 }, all, added;

	ck_assert(smaps_parse(arena, smaps_text, strlen(smaps_text), &all));
	maps_diff(arena, &none, &all, &added, NULL);
	ck_assert_uint_eq(added.count, 2);
	ck_assert(added.vma[0].memory.known);
	ck_assert_uint_eq(added.vma[0].memory.rss_kb, 12);
}
END_TEST

/* A test once a row of its table, which it finds with _i. */
#define ADD_ROWS(tcase, test, table) \
	tcase_add_loop_test(tcase, test, 0, (int)(sizeof(table) / sizeof(*(table))))

Suite *maps_suite(void)
{
	Suite *suite = suite_create("maps");
	TCase *parser = tcase_create("parser"), *smaps = tcase_create("smaps");
	TCase *queries = tcase_create("queries"), *diff = tcase_create("diff");
	TCase *const all[] = { parser, smaps, queries, diff };

	ADD_ROWS(parser, line_is_understood, lines);
	ADD_ROWS(parser, line_is_refused, wrong_lines);
	tcase_add_test(parser, nul_is_refused_and_nothing_is_empty);
	tcase_add_test(parser, many_lines_and_long_paths);

	tcase_add_test(smaps, smaps_is_understood);
	tcase_add_test(smaps, smaps_flags_are_whole_words);
	tcase_add_test(smaps, smaps_flags_of_any_length);
	ADD_ROWS(smaps, smaps_is_refused, wrong_smaps);

	ADD_ROWS(queries, pieces_cover_a_file, covers);
	tcase_add_test(queries, pieces_are_found);
	tcase_add_test(queries, memory_is_added_up);

	ADD_ROWS(diff, diff_is_by_address, diffs);
	tcase_add_test(diff, diff_keeps_memory_of_whole_vmas);

	for (int i = 0; i < 4; i++) {
		tcase_add_checked_fixture(all[i], make_arena, free_arena);
		suite_add_tcase(suite, all[i]);
	}
	return suite;
}
