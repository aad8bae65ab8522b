/* test_base.c: die, buffer, arena, clock, text, random. Files have test_file.c. */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/die.h"
#include "base/random.h"
#include "base/text.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* die ---------------------------------------------------------------------------------------- */

static void hook_that_speaks(const char *message)
{
	fprintf(stderr, "hook: %s\n", message);
}

static void hook_that_dies(const char *message)
{
	die("again: %s", message);
}

static void die_plain(void)
{
	die("no %s today", "luck");
}

static void die_with_hook(void)
{
	die_hook(hook_that_speaks);
	die("no %s today", "luck");
}

static void die_in_hook(void)
{
	die_hook(hook_that_dies);
	die("first");
}

static void die_of_usage(void)
{
	die_hook(hook_that_speaks);
	die_usage("no such lab: %d", 99);
}

static void only_warn(void)
{
	errno = ENOENT;
	warn("careful");
	_exit(errno == ENOENT ? 0 : 1);
}

static const struct {
	void (*run)(void);
	int status;
	const char *said;
} deaths[] = {
	{ die_plain, 3, "maplab: no luck today\n" },
	{ die_with_hook, 3, "maplab: no luck today\nhook: no luck today\n" },
	{ die_in_hook, 3, "maplab: first\nmaplab: again: first\n" },
	{ die_of_usage, 2, "maplab: no such lab: 99\n" },
	{ only_warn, 0, "maplab: careful\n" },
};

START_TEST(death_has_status_and_message)
{
	struct buffer said = { 0 };
	int ends[2], status;
	pid_t child;

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		deaths[_i].run();
	}
	close(ends[1]);
	ck_assert_int_eq(buffer_read_fd(&said, ends[0], 10000), 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), deaths[_i].status);
	ck_assert_str_eq(buffer_text(&said), deaths[_i].said);
	buffer_free(&said);
}
END_TEST

/* buffer ------------------------------------------------------------------------------------- */

START_TEST(buffer_grows_and_ends_with_nul)
{
	struct buffer b = { 0 };

	ck_assert_str_eq(buffer_text(&b), "");
	buffer_add(&b, NULL, 0);
	ck_assert_uint_eq(b.size, 0);
	for (int i = 0; i < 1000; i++)
		buffer_printf(&b, "%d,", i);
	ck_assert_uint_eq(b.size, 10 * 2 + 90 * 3 + 900 * 4);
	ck_assert(text_ends(buffer_text(&b), ",998,999,"));
	ck_assert_uint_eq(strlen(b.data), b.size);
	buffer_clear(&b);
	ck_assert_str_eq(buffer_text(&b), "");
	buffer_add(&b, "a\0b", 3);
	ck_assert_uint_eq(b.size, 3);
	ck_assert_int_eq(memcmp(b.data, "a\0b\0", 4), 0);
	buffer_free(&b);
	ck_assert_ptr_null(b.data);
}
END_TEST

/* What comes through the pipe, the limit, and what must have been read. */
static const struct {
	size_t sent, limit, read;
	int error;
} readings[] = {
	{ 0, 0, 0, 0 },	       { 1, 0, 0, EFBIG },	   { 10, 10, 10, 0 },
	{ 11, 10, 10, EFBIG }, { 50000, 50000, 50000, 0 }, { 50000, 49999, 49999, EFBIG },
};

START_TEST(buffer_reads_to_the_end_or_the_limit)
{
	struct buffer sent = { 0 }, got = { 0 };
	int ends[2], result;

	for (size_t i = 0; i < readings[_i].sent; i++)
		buffer_add(&sent, &(char){ (char)i }, 1);
	buffer_add(&got, "kept", 4);
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], buffer_text(&sent), sent.size), (ssize_t)sent.size);
	close(ends[1]);
	errno = 0;
	result = buffer_read_fd(&got, ends[0], readings[_i].limit);
	ck_assert_int_eq(result, readings[_i].error ? -1 : 0);
	ck_assert_int_eq(readings[_i].error ? errno : 0, readings[_i].error);
	ck_assert_uint_eq(got.size, 4 + readings[_i].read);
	ck_assert_int_eq(memcmp(got.data, "kept", 4), 0);
	ck_assert_int_eq(memcmp(got.data + 4, buffer_text(&sent), readings[_i].read), 0);
	ck_assert_int_eq(got.data[got.size], '\0');
	ck_assert_int_eq(buffer_read_fd(&got, -1, 10), -1);
	ck_assert_int_eq(errno, EBADF);
	buffer_free(&sent);
	buffer_free(&got);
}
END_TEST

/* arena -------------------------------------------------------------------------------------- */

START_TEST(arena_gives_zeroed_aligned_pieces)
{
	struct arena *a = arena_new(1 << 20, false);
	size_t mark;
	char *first, *text;

	for (size_t size = 0; size < 40; size++) {
		char *piece = arena_take(a, size);

		ck_assert_uint_eq((uintptr_t)piece % 16, 0);
		for (size_t i = 0; i < size; i++)
			ck_assert_int_eq(piece[i], 0);
		memset(piece, 0xff, size);
	}
	mark = arena_mark(a);
	first = arena_take(a, 100);
	memset(first, 0xff, 100);
	arena_reset(a, mark);
	ck_assert_ptr_eq(arena_take(a, 100), first);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(first[i], 0);
	text = arena_format(a, "%s-%03d", arena_copy(a, "check"), 7);
	ck_assert_str_eq(text, "check-007");
	ck_assert_int_eq(memcmp(arena_copy_bytes(a, "x\0y", 3), "x\0y\0", 4), 0);
	ck_assert_str_eq(arena_copy_bytes(a, NULL, 0), "");
	arena_free(a);
	arena_free(NULL);
}
END_TEST

START_TEST(arena_of_a_child_stands_in_the_parent)
{
	struct arena *a = arena_new((size_t)1 << 30, true);
	const char **slot = arena_take(a, sizeof(*slot));
	size_t before = arena_mark(a);
	int status;
	pid_t child = fork();

	if (child == 0) {
		*slot = arena_format(a, "from %s", "below");
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_str_eq(*slot, "from below");
	ck_assert_uint_gt(arena_mark(a), before);
	ck_assert_ptr_ne(arena_take(a, 1), *slot);
	arena_free(a);
}
END_TEST

START_TEST(arena_dies_when_used_up)
{
	struct arena *a = arena_new(10000, false);

	close(STDERR_FILENO);
	for (;;)
		arena_take(a, 100);
}
END_TEST

START_TEST(arena_dies_of_nonsense_sizes)
{
	close(STDERR_FILENO);
	arena_take(arena_new(10000, false), SIZE_MAX);
}
END_TEST

/* clock -------------------------------------------------------------------------------------- */

START_TEST(clock_counts_cpu_time_of_others)
{
	int64_t start = clock_now(), used, later;
	pid_t child = fork();

	if (child == 0)
		for (volatile unsigned i = 0;; i++)
			;
	do
		used = clock_of_process(child);
	while (used < 2 * NS_PER_MS && clock_now() - start < 20 * NS_PER_S);
	ck_assert_int_ge(used, 2 * NS_PER_MS);
	ck_assert_int_gt(clock_now(), start);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitid(P_PID, (id_t)child, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	later = clock_of_process(child); /* a zombie */
	ck_assert_int_ge(later, used);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert_int_eq(clock_of_process(child), -1);
	ck_assert_int_eq(errno, ESRCH);
}
END_TEST

/* text --------------------------------------------------------------------------------------- */

START_TEST(text_compares)
{
	ck_assert(text_starts("mmap", "mm") && text_starts("mmap", ""));
	ck_assert(!text_starts("mm", "mmap") && !text_starts(NULL, "") && !text_starts("", NULL));
	ck_assert(text_ends("reader.c", ".c") && text_ends("c", "c") && text_ends("", ""));
	ck_assert(!text_ends("c", ".c") && !text_ends(NULL, "") && !text_ends("c", NULL));
	ck_assert(text_equal("a", "a") && text_equal(NULL, NULL));
	ck_assert(!text_equal("a", NULL) && !text_equal(NULL, "a") && !text_equal("a", "b"));
}
END_TEST

static const struct {
	const char *text;
	bool good;
	int64_t value;
} numbers[] = {
	{ "0", true, 0 },
	{ "-0", true, 0 },
	{ "007", true, 7 },
	{ "-12", true, -12 },
	{ "9223372036854775807", true, INT64_MAX },
	{ "-9223372036854775808", true, INT64_MIN },
	{ "9223372036854775808", false, 0 },
	{ "-9223372036854775809", false, 0 },
	{ "99999999999999999999", false, 0 },
	{ "", false, 0 },
	{ "-", false, 0 },
	{ "--1", false, 0 },
	{ "+1", false, 0 },
	{ " 1", false, 0 },
	{ "1 ", false, 0 },
	{ "1\n", false, 0 },
	{ "0x1", false, 0 },
	{ "1e3", false, 0 },
	{ NULL, false, 0 },
};

START_TEST(text_becomes_a_number)
{
	int64_t value = 4711;

	ck_assert_int_eq(text_to_i64(numbers[_i].text, &value), numbers[_i].good);
	ck_assert_int_eq(value, numbers[_i].good ? numbers[_i].value : 4711);
}
END_TEST

static const struct {
	const char *data;
	size_t size, most;
	const char *quoted;
} quotes[] = {
	{ "", 0, 10, "\"\"" },
	{ "plain", 5, 10, "\"plain\"" },
	{ "plain", 5, 5, "\"plain\"" },
	{ "plain", 5, 2, "\"pl\"…" },
	{ "plain", 5, 0, "\"\"…" },
	{ "a\"\\\n\t\0001", 7, 10, "\"a\\\"\\\\\\n\\t\\0001\"" },
	{ "\x7f\x1b[2J", 5, 10, "\"\\177\\033[2J\"" },
	{ "안녕", 6, 10, "\"안녕\"" },
	{ "안녕", 6, 4, "\"안\\353\"…" },
	{ "caf\xc3\xa9\xff", 6, 10, "\"café\\377\"" },
	{ "\xc0\xaf\xe0\x80\xaf", 5, 10, "\"\\300\\257\\340\\200\\257\"" }, /* too long forms */
	{ "\xed\xa0\x80", 3, 10, "\"\\355\\240\\200\"" },		    /* a surrogate */
	{ "\xe2\x80\xae", 3, 10, "\"\\342\\200\\256\"" },		    /* right to left */
	{ "\xf0\x9f\x98\x80", 4, 10, "\"😀\"" },
};

START_TEST(text_is_quoted)
{
	struct arena *a = arena_new(1 << 16, false);

	ck_assert_str_eq(text_quote(a, quotes[_i].data, quotes[_i].size, quotes[_i].most),
			 quotes[_i].quoted);
	arena_free(a);
}
END_TEST

START_TEST(text_in_hex)
{
	struct arena *a = arena_new(1 << 16, false);

	ck_assert_str_eq(text_hex(a, NULL, 0), "");
	ck_assert_str_eq(text_hex(a, "\xde", 1), "de");
	ck_assert_str_eq(text_hex(a, "\xde\xad\x00\x0f", 4), "de ad 00 0f");
	arena_free(a);
}
END_TEST

START_TEST(text_is_walked_by_lines)
{
	static const char text[] = "one\n\nthree\0x\nlast";
	static const size_t lengths[] = { 3, 0, 7, 4 };
	struct text_lines lines = text_lines(text, sizeof(text) - 1);

	for (int i = 0; i < 4; i++) {
		ck_assert(text_next_line(&lines));
		ck_assert_uint_eq(lines.length, lengths[i]);
	}
	ck_assert_int_eq(memcmp(lines.line, "last", 4), 0);
	ck_assert(!text_next_line(&lines));
	ck_assert_uint_eq(text_line_count(text, sizeof(text) - 1), 4);
	ck_assert_uint_eq(text_line_count("a\n", 2), 1);
	ck_assert_uint_eq(text_line_count("\n", 1), 1);
	ck_assert_uint_eq(text_line_count("", 0), 0);
	ck_assert_uint_eq(text_line_count(NULL, 0), 0);
}
END_TEST

/* random ------------------------------------------------------------------------------------- */

START_TEST(random_is_the_same_everywhere)
{
	unsigned char bytes[9];
	struct random r;

	random_seed(&r, 0); /* the published sequence of splitmix64 for 0 */
	ck_assert_uint_eq(random_next(&r), UINT64_C(0xe220a8397b1dcdaf));
	ck_assert_uint_eq(random_next(&r), UINT64_C(0x6e789e6aa1b965f4));
	random_seed(&r, 0);
	random_bytes(&r, bytes, sizeof(bytes));
	ck_assert_int_eq(memcmp(bytes, "\xaf\xcd\x1d\x7b\x39\xa8\x20\xe2\xf4", 9), 0);
}
END_TEST

START_TEST(random_labels_part_sequences)
{
	struct random a, b, c;

	random_seed_text(&a, 1, "07-message-queue");
	random_seed_text(&b, 1, "08-counter");
	random_seed_text(&c, 2, "07-message-queue");
	ck_assert_uint_ne(a.state, b.state);
	ck_assert_uint_ne(a.state, c.state);
	random_seed_text(&b, 1, "07-message-queue");
	ck_assert_uint_eq(random_next(&a), random_next(&b));
}
END_TEST

START_TEST(random_stays_in_its_range)
{
	unsigned seen[6] = { 0 };
	char word[13];
	struct random r;

	random_seed(&r, 42);
	for (int i = 0; i < 6000; i++)
		seen[random_below(&r, 6)]++;
	for (int i = 0; i < 6; i++)
		ck_assert(seen[i] > 850 && seen[i] < 1150);
	for (int i = 0; i < 1000; i++) {
		int64_t number = random_between(&r, -2, 2);

		ck_assert(number >= -2 && number <= 2);
	}
	ck_assert_int_eq(random_between(&r, 5, 5), 5);
	ck_assert_uint_eq(random_below(&r, 1), 0);
	random_between(&r, INT64_MIN, INT64_MAX);
	ck_assert_ptr_eq(random_word(&r, word, 12), word);
	ck_assert_uint_eq(strspn(word, "abcdefghijklmnopqrstuvwxyz"), 12);
	ck_assert_uint_eq(strlen(word), 12);
}
END_TEST

/* A test once a row of its table, which it finds with _i. */
#define ADD_ROWS(tcase, test, table) \
	tcase_add_loop_test(tcase, test, 0, (int)(sizeof(table) / sizeof(*(table))))

Suite *base_suite(void)
{
	Suite *suite = suite_create("base");
	TCase *die_case = tcase_create("die"), *buffer_case = tcase_create("buffer");
	TCase *arena_case = tcase_create("arena"), *clock_case = tcase_create("clock");
	TCase *text_case = tcase_create("text"), *random_case = tcase_create("random");

	ADD_ROWS(die_case, death_has_status_and_message, deaths);
	suite_add_tcase(suite, die_case);

	tcase_add_test(buffer_case, buffer_grows_and_ends_with_nul);
	ADD_ROWS(buffer_case, buffer_reads_to_the_end_or_the_limit, readings);
	suite_add_tcase(suite, buffer_case);

	tcase_add_test(arena_case, arena_gives_zeroed_aligned_pieces);
	tcase_add_test(arena_case, arena_of_a_child_stands_in_the_parent);
	tcase_add_exit_test(arena_case, arena_dies_when_used_up, EXIT_GRADER);
	tcase_add_exit_test(arena_case, arena_dies_of_nonsense_sizes, EXIT_GRADER);
	suite_add_tcase(suite, arena_case);

	tcase_set_timeout(clock_case, 30);
	tcase_add_test(clock_case, clock_counts_cpu_time_of_others);
	suite_add_tcase(suite, clock_case);

	tcase_add_test(text_case, text_compares);
	ADD_ROWS(text_case, text_becomes_a_number, numbers);
	ADD_ROWS(text_case, text_is_quoted, quotes);
	tcase_add_test(text_case, text_in_hex);
	tcase_add_test(text_case, text_is_walked_by_lines);
	suite_add_tcase(suite, text_case);

	tcase_add_test(random_case, random_is_the_same_everywhere);
	tcase_add_test(random_case, random_labels_part_sequences);
	tcase_add_test(random_case, random_stays_in_its_range);
	suite_add_tcase(suite, random_case);
	return suite;
}
