/* test_report.c: layout of text, and the five formats on one record with everything awkward in it.
 */
#include "base/arena.h"
#include "report/layout.h"
#include "report/report.h"
#include "unit.h"

#include <jansson.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;

static void setup(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	arena = arena_new(16 << 20, false);
}

static void teardown(void)
{
	arena_free(arena);
}

/* layout ------------------------------------------------------------------------------------- */

static const struct {
	const char *text, *shown, *ascii;
} printables[] = {
	{ "plain", "plain", "plain" },
	{ NULL, "", "" },
	{ "tab\tend", "tab    end", "tab    end" },
	{ "\033[31mred", "\\033[31mred", "\\033[31mred" },
	{ "bad \xff\xc3( byte", "bad \\377\\303( byte", "bad \\377\\303( byte" },
	{ "cut \xe2\x80", "cut \\342\\200", "cut \\342\\200" },
	{ "long form \xc0\xaf", "long form \\300\\257", "long form \\300\\257" },
	{ "surrogate \xed\xa0\x80", "surrogate \\355\\240\\200", "surrogate \\355\\240\\200" },
	{ "C1 \xc2\x9b!", "C1 \\302\\233!", "C1 \\302\\233!" },
	{ "two\nlines", "two\nlines", "two\nlines" },
	{ "a … b – c × d ‘e’", "a … b – c × d ‘e’", "a ... b - c x d 'e'" },
	{ "한글", "한글", "??" },
};

START_TEST(printable_text)
{
	ck_assert_str_eq(printable(arena, printables[_i].text, false), printables[_i].shown);
	ck_assert_str_eq(printable(arena, printables[_i].text, true), printables[_i].ascii);
}
END_TEST

START_TEST(columns)
{
	ck_assert_int_eq(columns_of("abc", 3), 3);
	ck_assert_int_eq(columns_of("✓ ok", strlen("✓ ok")), 4);
	ck_assert_int_eq(columns_of("한글", strlen("한글")), 4);
	ck_assert_uint_eq(bytes_that_fit("한글", strlen("한글"), 3), 3);
	ck_assert_uint_eq(bytes_that_fit("abc", 3, 0), 0);
	ck_assert_uint_eq(bytes_that_fit("abc", 3, -1), 0);
}
END_TEST

START_TEST(shortened_text)
{
	ck_assert_str_eq(shortened(arena, "exactly", 7, false), "exactly");
	ck_assert_str_eq(shortened(arena, "too long", 7, false), "too lo…");
	ck_assert_str_eq(shortened(arena, "too long", 7, true), "too ...");
	ck_assert_str_eq(shortened(arena, "한글", 3, false), "한…");
	ck_assert_str_eq(shortened(arena, "x", 0, false), "");
	ck_assert_str_eq(shortened(arena, "x", -5, true), "");
}
END_TEST

static const struct {
	const char *text;
	int columns;
	const char *lines; /* joined by | */
} wraps[] = {
	{ "", 10, "" },
	{ "one", 10, "one" },
	{ "one two three", 7, "one two|three" },
	{ "one two three", 8, "one two|three" },
	{ "exactly ten", 11, "exactly ten" },
	{ "a verylongword b", 5, "a|veryl|ongwo|rd b" },
	{ "one\n\ntwo\n", 10, "one||two" },
	{ "  indented text", 10, "  indented|text" },
	{ "한글한글", 3, "한|글|한|글" },
	{ "한", 1, "한" },
	{ "trailing   ", 20, "trailing" },
};

START_TEST(wrapped_text)
{
	struct wrap wrap = wrap_start(wraps[_i].text, wraps[_i].columns);
	char joined[256] = "";

	for (bool first = true; wrap_next(&wrap); first = false) {
		strcat(joined, first ? "" : "|");
		strncat(joined, wrap.line, wrap.length);
	}
	ck_assert_str_eq(joined, wraps[_i].lines);
}
END_TEST

/* formats ------------------------------------------------------------------------------------ */

/* Every verdict and status, quotes, markup, control characters, bytes that are no text. */
static struct check_result checks[] = {
	{ .id = "passes",
	  .title = "a <b> & \"c\"",
	  .task = 1,
	  .verdict = VERDICT_PASS,
	  .score = 2,
	  .max = 2 },
	{ .id = "fails",
	  .title = "room for # ten",
	  .task = 2,
	  .verdict = VERDICT_FAIL,
	  .max = 3,
	  .hints = 2,
	  .more = 1,
	  .evidence = { .expected = "40 bytes",
			.observed = "bytes \033[2J\xff </failure>",
			.why = "ten ints\nof four bytes",
			.from = "mmap(NULL, \"x\\y\")",
			.at = "reader.c:31" } },
	{ .id = "skipped",
	  .title = "later",
	  .verdict = VERDICT_SKIP,
	  .max = 4,
	  .evidence = { .why = "needs \"fails\"" } },
	{ .id = "broken",
	  .title = "ours",
	  .verdict = VERDICT_BROKEN,
	  .max = 1,
	  .evidence = { .why = "ptrace refused" } },
};

static struct lab_result results[] = {
	{ "03-reader-writer", "Two programs", LAB_FAIL, 2, 10, 0.0801, 0.06, "", checks, 4 },
	{ "04-protection", "Guards", LAB_BUILD_ERROR, 0, 12, 0.05, 0.05,
	  "guard.c:3:1: error: x < y", NULL, 0 },
	{ "05-resize", "Sizes", LAB_UNTOUCHED, 0, 12, 0, 0, "", NULL, 0 },
	{ "06-monitor", "Pairs", LAB_BROKEN, 0, 12, 0, 0, "bwrap: not found", NULL, 0 },
};

static const struct record record = { 123, { "6.1", "x86_64", "full" }, results, 4 };

static char *written(const char *format, const struct style *style)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(report_format(format));
	report_format(format)->write(&record, style, out);
	fclose(out);
	return text;
}

static char *plain(const char *format)
{
	struct style style = style_plain();

	return written(format, &style);
}

static void has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part), "%s\nis not in\n%s", part, text);
}

START_TEST(format_table)
{
	ck_assert_ptr_null(report_format("xml"));
	ck_assert_ptr_null(report_format(""));
	for (const struct report_format *f = report_formats(); f->name; f++)
		ck_assert_ptr_eq(report_format(f->name), f);
}
END_TEST

START_TEST(text_for_people)
{
	char *text = plain("text");

	has(text, "expected  40 bytes");
	has(text, "observed  bytes \\033[2J\\377 </failure>");
	has(text, "at        reader.c:31");
	has(text, "hint      maplab hint 03 fails");
	has(text, "1 more expectation of this check failed");
	has(text, "guard.c:3:1: error: x < y");
	has(text, "Begin with TODO 1");
	has(text, "this is not your fault");
	has(text, "0 of 4 labs passed, 2 of 46 points");
	ck_assert_ptr_null(strchr(text, '\033'));
	free(text);
}
END_TEST

START_TEST(text_in_ascii)
{
	struct style style = { .ascii = true, .width = 60 };
	char *text = written("text", &style);

	for (const char *c = text; *c; c++)
		ck_assert_int_lt((unsigned char)*c, 0x80);
	free(text);
}
END_TEST

START_TEST(text_keeps_to_the_width)
{
	struct style style = { .width = 50 };
	char *text = written("text", &style), *rest = NULL;

	/* What the compiler said is not ours to break. */
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (!strstr(line, "seed") && !strstr(line, "    "))
			ck_assert_msg(columns_of(line, strlen(line)) <= 50, "too wide: %s", line);
	free(text);
}
END_TEST

START_TEST(text_with_colour)
{
	struct style style = { .colour = true, .width = 80 };
	char *text = written("text", &style);

	has(text, "\033[31m✗\033[0m");
	ck_assert_ptr_null(strstr(text, "\033[2J"));
	free(text);
}
END_TEST

static const char *string_at(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	ck_assert_msg(text, "no string \"%s\"", key);
	return text;
}

START_TEST(json_contract)
{
	char *text = plain("json");
	json_t *document = json_loads(text, 0, NULL);
	json_t *lab, *check;

	ck_assert_ptr_nonnull(document);
	ck_assert_int_eq(json_integer_value(json_object_get(document, "schema")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(document, "seed")), 123);
	ck_assert_str_eq(string_at(document, "maplab"), report_version());
	ck_assert_str_eq(string_at(json_object_get(document, "host"), "isolation"), "full");
	lab = json_array_get(json_object_get(document, "labs"), 0);
	ck_assert_str_eq(string_at(lab, "id"), "03-reader-writer");
	ck_assert_str_eq(string_at(lab, "status"), "fail");
	ck_assert(json_real_value(json_object_get(lab, "seconds")) == 0.0801);
	check = json_array_get(json_object_get(lab, "checks"), 1);
	ck_assert_str_eq(string_at(check, "status"), "fail");
	ck_assert_str_eq(string_at(check, "expected"), "40 bytes");
	ck_assert_str_eq(string_at(check, "from"), "mmap(NULL, \"x\\y\")");
	ck_assert_str_eq(string_at(check, "why"), "ten ints\nof four bytes");
	ck_assert_str_eq(string_at(check, "at"), "reader.c:31");
	ck_assert_int_eq(json_integer_value(json_object_get(check, "hints")), 2);
	check = json_array_get(json_object_get(lab, "checks"), 0);
	ck_assert_ptr_null(json_object_get(check, "expected"));
	lab = json_array_get(json_object_get(document, "labs"), 1);
	ck_assert_str_eq(string_at(lab, "status"), "build-error");
	ck_assert_str_eq(string_at(lab, "diagnostics"), "guard.c:3:1: error: x < y");
	json_decref(document);
	free(text);
}
END_TEST

START_TEST(tap_lines)
{
	char *text = plain("tap");

	has(text, "TAP version 14\n1..7\n");
	has(text, "ok 1 - 03-reader-writer: a <b> & \"c\"\n");
	has(text, "not ok 2 - 03-reader-writer: room for   ten\n  ---\n");
	has(text, "  why: \"ten ints\\nof four bytes\"\n");
	has(text, "ok 3 - 03-reader-writer: later # SKIP needs \"fails\"\n");
	has(text, "not ok 4 - 03-reader-writer: ours # TODO");
	has(text, "not ok 5 - 04-protection: does not compile\n");
	has(text, "not ok 7 - 06-monitor");
	free(text);
}
END_TEST

START_TEST(junit_document)
{
	char *text = plain("junit");

	has(text,
	    "<testsuites name=\"maplab\" tests=\"7\" failures=\"3\" errors=\"2\" skipped=\"1\"");
	has(text, "<testcase classname=\"03-reader-writer\" name=\"passes\"/>");
	has(text, "message=\"bytes \\033[2J\\377 &lt;/failure&gt;\"");
	has(text, "<skipped message=\"needs &quot;fails&quot;\"/>");
	has(text, "<error message=\"the grader failed\">bwrap: not found</error>");
	free(text);
}
END_TEST

START_TEST(gradescope_results)
{
	char *text = plain("gradescope");
	json_t *document = json_loads(text, 0, NULL), *tests;

	ck_assert_ptr_nonnull(document);
	ck_assert_int_eq(json_integer_value(json_object_get(document, "score")), 2);
	tests = json_object_get(document, "tests");
	ck_assert_uint_eq(json_array_size(tests), 4);
	ck_assert_str_eq(string_at(json_array_get(tests, 0), "status"), "passed");
	ck_assert_str_eq(string_at(json_array_get(tests, 1), "status"), "failed");
	ck_assert_ptr_null(json_object_get(json_array_get(tests, 2), "status"));
	has(string_at(document, "output"), "does not compile");
	json_decref(document);
	free(text);
}
END_TEST

Suite *report_suite(void)
{
	Suite *suite = suite_create("report");
	TCase *layout = tcase_create("layout"), *formats = tcase_create("formats");

	tcase_add_checked_fixture(layout, setup, teardown);
	tcase_add_loop_test(layout, printable_text, 0, sizeof(printables) / sizeof(*printables));
	tcase_add_test(layout, columns);
	tcase_add_test(layout, shortened_text);
	tcase_add_loop_test(layout, wrapped_text, 0, sizeof(wraps) / sizeof(*wraps));
	suite_add_tcase(suite, layout);
	tcase_add_checked_fixture(formats, setup, teardown);
	tcase_add_test(formats, format_table);
	tcase_add_test(formats, text_for_people);
	tcase_add_test(formats, text_in_ascii);
	tcase_add_test(formats, text_keeps_to_the_width);
	tcase_add_test(formats, text_with_colour);
	tcase_add_test(formats, json_contract);
	tcase_add_test(formats, tap_lines);
	tcase_add_test(formats, junit_document);
	tcase_add_test(formats, gradescope_results);
	suite_add_tcase(suite, formats);
	return suite;
}
