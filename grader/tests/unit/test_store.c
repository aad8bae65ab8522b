/* test_store.c: what is remembered of attempts, and that nothing is lost by a bad store. */
#include "base/arena.h"
#include "base/file.h"
#include "store/store.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64];
static struct arena *arena;

static const struct lab lab = {
	.id = "03-reader-writer",
	.title = "Two programs",
	.programs = { { "reader", NULL } },
	.checks = { { .id = "one", .points = 2, .title = "first", .hints = { "a", "b" } },
		    { .id = "two", .points = 3, .title = "second" },
		    { .id = "new", .points = 5, .title = "since today" } },
};

static void setup(void)
{
	strcpy(directory, "/tmp/maplab-store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	arena = arena_new(16 << 20, false);
	setenv("MAPLAB_STORE", arena_format(arena, "%s/a/b/store.db", directory), 1);
	/* Warnings of these tests are wanted. */
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
}

static void teardown(void)
{
	arena_free(arena);
	file_remove_tree(directory);
}

static struct check_result checks[] = {
	{ .id = "one", .title = "first", .verdict = VERDICT_PASS, .score = 2, .max = 2 },
	{ .id = "two",
	  .title = "second",
	  .verdict = VERDICT_FAIL,
	  .max = 3,
	  .more = 1,
	  .evidence = { .expected = "e'e",
			.observed = "o",
			.why = "w",
			.from = "f",
			.at = "a.c:1" } },
};

static void attempt(struct store *store, enum lab_status status, int score)
{
	struct lab_result result = { .id = lab.id,
				     .title = lab.title,
				     .status = status,
				     .score = score,
				     .max = 5,
				     .seconds = 0.5,
				     .diagnostics = "",
				     .check = checks,
				     .count = 2 };

	store_attempt(store, &result, 7);
}

START_TEST(nothing_yet)
{
	struct store *store = store_open("/tmp");
	struct standing s;

	ck_assert_ptr_nonnull(store);
	ck_assert(!store_standing(store, lab.id, &s));
	ck_assert_int_eq(s.now, LAB_UNTOUCHED);
	ck_assert_int_eq(s.attempts, 0);
	ck_assert_ptr_null(store_last(store, arena, &lab));
	store_close(store);
}
END_TEST

START_TEST(best_and_last)
{
	struct store *store = store_open("/tmp");
	struct standing s;

	attempt(store, LAB_FAIL, 2);
	attempt(store, LAB_PASS, 5);
	attempt(store, LAB_FAIL, 1);
	store_close(store);
	store = store_open("/tmp");
	ck_assert(store_standing(store, lab.id, &s));
	ck_assert_int_eq(s.attempts, 3);
	ck_assert_int_eq(s.best, 5);
	ck_assert(s.passed);
	ck_assert_int_eq(s.now, LAB_FAIL);
	ck_assert_int_eq(s.score, 1);
	ck_assert(!store_standing(store, "04-protection", &s));
	store_close(store);
}
END_TEST

START_TEST(broken_is_not_noted)
{
	struct store *store = store_open("/tmp");
	struct standing s;

	attempt(store, LAB_FAIL, 2);
	attempt(store, LAB_BROKEN, 0);
	store_standing(store, lab.id, &s);
	ck_assert_int_eq(s.attempts, 1);
	ck_assert_int_eq(s.now, LAB_FAIL);
	ck_assert_int_eq(s.score, 2);
	store_close(store);
}
END_TEST

START_TEST(sources_are_apart)
{
	struct store *a = store_open("/tmp"), *b = store_open("/usr");
	struct standing s;

	attempt(a, LAB_PASS, 5);
	store_hint_shown(a, lab.id, "one", 2);
	ck_assert(!store_standing(b, lab.id, &s));
	ck_assert_int_eq(store_hints(b, lab.id, "one"), 0);
	ck_assert_int_eq(store_hints(a, lab.id, "one"), 2);
	store_close(a);
	store_close(b);
}
END_TEST

START_TEST(last_result_with_evidence)
{
	struct store *store = store_open("/tmp");
	const struct lab_result *last;

	attempt(store, LAB_FAIL, 1);
	attempt(store, LAB_FAIL, 2);
	last = store_last(store, arena, &lab);
	store_close(store);
	ck_assert_ptr_nonnull(last);
	ck_assert_int_eq(last->status, LAB_FAIL);
	ck_assert_uint_eq(last->count, 3);
	ck_assert_int_eq(last->max, 10);
	ck_assert_int_eq(last->check[0].verdict, VERDICT_PASS);
	ck_assert_int_eq(last->check[0].hints, 2);
	ck_assert_int_eq(last->check[1].verdict, VERDICT_FAIL);
	ck_assert_int_eq(last->check[1].more, 1);
	ck_assert_str_eq(last->check[1].evidence.expected, "e'e");
	ck_assert_str_eq(last->check[1].evidence.from, "f");
	ck_assert_str_eq(last->check[1].evidence.at, "a.c:1");
	ck_assert_ptr_null(last->check[0].evidence.why);
	ck_assert_int_eq(last->check[2].verdict, VERDICT_PENDING);
}
END_TEST

START_TEST(hints_only_grow)
{
	struct store *store = store_open("/tmp");

	ck_assert_int_eq(store_hints(store, lab.id, "one"), 0);
	store_hint_shown(store, lab.id, "one", 2);
	store_hint_shown(store, lab.id, "one", 1);
	ck_assert_int_eq(store_hints(store, lab.id, "one"), 2);
	ck_assert_int_eq(store_hints(store, lab.id, "two"), 0);
	store_close(store);
}
END_TEST

START_TEST(no_store_is_no_trouble)
{
	struct standing s;

	attempt(NULL, LAB_PASS, 5);
	ck_assert(!store_standing(NULL, lab.id, &s));
	ck_assert_ptr_null(store_last(NULL, arena, &lab));
	ck_assert_int_eq(store_hints(NULL, lab.id, "one"), 0);
	store_hint_shown(NULL, lab.id, "one", 1);
	store_close(NULL);
}
END_TEST

/* Files in place of the store that must not be taken for one, nor be harmed. */
static const char *const impostors[] = {
	"this is no database, and long enough to be seen as none\n",
	"SQLite format 3 is what it says, but the rest of this file is of another mind altogether,"
	" and goes on for longer than the hundred bytes that a real one's header has\n",
};

START_TEST(unreadable_store)
{
	const char *path = arena_format(arena, "%s/store", directory);
	struct buffer after = { 0 };
	struct store *store;

	ck_assert_int_eq(file_write(path, impostors[_i], strlen(impostors[_i]), 0600), 0);
	setenv("MAPLAB_STORE", path, 1);
	store = store_open("/tmp");
	attempt(store, LAB_PASS, 5);
	store_close(store);
	ck_assert_int_eq(file_read(path, &after, 4096), 0);
	ck_assert_str_eq(buffer_text(&after), impostors[_i]);
	buffer_free(&after);
}
END_TEST

START_TEST(no_place_for_a_store)
{
	setenv("MAPLAB_STORE", "/proc/nothing/store", 1);
	ck_assert_ptr_null(store_open("/tmp"));
	setenv("MAPLAB_STORE", directory, 1);
	ck_assert_ptr_null(store_open("/tmp"));
}
END_TEST

START_TEST(paths)
{
	setenv("MAPLAB_STORE", "", 1);
	setenv("XDG_STATE_HOME", "/x", 1);
	setenv("HOME", "/h", 1);
	ck_assert_str_eq(store_path(arena), "/x/maplab/store.db");
	setenv("XDG_STATE_HOME", "relative", 1);
	ck_assert_str_eq(store_path(arena), "/h/.local/state/maplab/store.db");
	unsetenv("HOME");
	ck_assert_ptr_null(store_path(arena));
}
END_TEST

/* Eight processes at once, which also make the tables. */
START_TEST(many_at_once)
{
	struct store *store;
	struct standing s;
	int status;

	for (int i = 0; i < 8; i++)
		if (fork() == 0) {
			store = store_open("/tmp");
			attempt(store, LAB_FAIL, 1);
			store_close(store);
			_exit(0);
		}
	while (wait(&status) > 0)
		;
	store = store_open("/tmp");
	store_standing(store, lab.id, &s);
	ck_assert_int_eq(s.attempts, 8);
	store_close(store);
}
END_TEST

Suite *store_suite(void)
{
	Suite *suite = suite_create("store");
	TCase *tests = tcase_create("store");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, nothing_yet);
	tcase_add_test(tests, best_and_last);
	tcase_add_test(tests, broken_is_not_noted);
	tcase_add_test(tests, sources_are_apart);
	tcase_add_test(tests, last_result_with_evidence);
	tcase_add_test(tests, hints_only_grow);
	tcase_add_test(tests, no_store_is_no_trouble);
	tcase_add_loop_test(tests, unreadable_store, 0, sizeof(impostors) / sizeof(*impostors));
	tcase_add_test(tests, no_place_for_a_store);
	tcase_add_test(tests, paths);
	tcase_add_test(tests, many_at_once);
	suite_add_tcase(suite, tests);
	return suite;
}
