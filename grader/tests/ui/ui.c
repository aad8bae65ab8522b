/* ui.c: the dashboard as a person meets it. */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/file.h"
#include "exam/lab.h"
#include "terminal.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { SOURCE_MOST = 1 << 20, SECONDS = 120 };

static struct arena *arena;
static const struct lab *first; /* the first lab, which the tests play with */

static void setup(void)
{
	arena = arena_new(16 << 20, false);
	first = lab_at(0);
	terminal_open(80, 24);
}

static void teardown(void)
{
	terminal_close();
	arena_free(arena);
}

/* Puts files in place of the student's: those of the first lab in FROM/ID/, with a text before. */
static void submit(const char *from, const char *before)
{
	const char *folder = arena_format(arena, "%s/source/%s", terminal_directory(), first->id);

	file_make_dirs(folder, 0755);
	for (size_t i = 0; i < lab_program_count(first); i++) {
		struct buffer text = { 0 };
		char room[256];
		const char *name = lab_source(&first->programs[i], room, sizeof room);

		buffer_printf(&text, "%s", before);
		ck_assert_int_eq(file_read(arena_format(arena, "%s/%s/%s", from, first->id, name),
					   &text, SOURCE_MOST),
				 0);
		ck_assert_int_eq(file_write(arena_format(arena, "%s/%s", folder, name), text.data,
					    text.size, 0644),
				 0);
		buffer_free(&text);
	}
}

static void start(const char *options)
{
	terminal_type("stty -g >$SOURCE/before; echo BEFORE");
	terminal_shows("BEFORE\n");
	terminal_type(arena_format(arena, "$MAPLAB --source $SOURCE %s", options));
	terminal_shows("quit");
}

/* Everything as it was: the text from before, the terminal's modes, a prompt that takes commands.
 */
static void left(const char *status)
{
	terminal_hides("quit");
	terminal_shows("BEFORE\n");
	terminal_type("echo LEFT $?");
	terminal_shows(arena_format(arena, "LEFT %s", status));
	terminal_type("stty -g | cmp $SOURCE/before - && echo SAME$((1+1))");
	terminal_shows("SAME2");
}

START_TEST(starts_and_quits)
{
	start("");
	terminal_shows("labs");
	terminal_shows(first->id);
	terminal_shows("Enter grade");
	terminal_keys("q");
	left("0");
}
END_TEST

START_TEST(grades_the_reference)
{
	submit("solutions", "");
	start("");
	terminal_keys("Enter");
	terminal_shows("passed");
	terminal_shows(arena_format(arena, "%d/%d", lab_points(first), lab_points(first)));
	terminal_keys("q");
	left("0");
	/* And remembers it. */
	terminal_type("$MAPLAB list --source $SOURCE");
	terminal_shows("passed");
}
END_TEST

START_TEST(tells_the_unstarted)
{
	submit("labs", "");
	start("");
	terminal_keys("g");
	terminal_shows("not started");
	terminal_shows("TODO 1");
	terminal_keys("q");
	left("0");
}
END_TEST

START_TEST(a_save_is_graded)
{
	submit("labs", "");
	start("");
	submit("solutions", "#error \"not yet\"\n");
	terminal_shows("does not compile");
	terminal_shows("not yet");
	submit("solutions", "");
	terminal_shows("passed");
	terminal_hides("not yet");
	terminal_keys("q");
	left("0");
}
END_TEST

START_TEST(moves)
{
	const struct lab *second = lab_at(1);

	start("");
	terminal_keys("Home Down");
	terminal_shows(second->checks[0].id);
	terminal_keys("k");
	terminal_shows(first->checks[0].id);
	terminal_keys("Tab Down");
	terminal_shows(first->checks[1].id);
	terminal_keys("End");
	terminal_shows(first->checks[lab_check_count(first) - 1].id);
	terminal_keys("q");
	left("0");
}
END_TEST

START_TEST(helps)
{
	start("");
	terminal_keys("?");
	terminal_shows("grade all labs");
	terminal_keys("Escape");
	terminal_hides("grade all labs");
	terminal_keys("h");
	terminal_shows("hint 1");
	terminal_keys("q");
	left("0");
}
END_TEST

static const struct {
	int columns, rows;
	const char *shows;
} sizes[] = {
	{ 200, 60, "hint" }, { 20, 4, "make the window" }, { 40, 10, "labs" },
	{ 12, 2, "make" },   { 300, 90, "hint" },	   { 80, 24, "quit" },
};

START_TEST(resizes)
{
	start("");
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		terminal_resize(sizes[i].columns, sizes[i].rows);
		terminal_shows(sizes[i].shows);
	}
	terminal_keys("q");
	left("0");
}
END_TEST

START_TEST(plain_ascii)
{
	start("--ascii --no-color");
	terminal_shows("+- labs");
	for (const char *c = terminal_screen(); *c; c++)
		ck_assert_int_lt((unsigned char)*c, 0x80);
	terminal_keys("q");
	left("0");
}
END_TEST

/* Its ways to die, and what the shell says then. */
static const struct {
	int signal;
	const char *status;
} deaths[] = { { SIGTERM, "143" }, { SIGINT, "130" },  { SIGHUP, "129" },
	       { SIGSEGV, "139" }, { SIGKILL, "137" }, { SIGABRT, "134" } };

START_TEST(restores_the_terminal)
{
	start("");
	ck_assert_int_eq(kill(terminal_maplab(), deaths[_i].signal), 0);
	left(deaths[_i].status);
}
END_TEST

/* The CPU time and the wake-ups of a process so far. */
static const char *life(int pid)
{
	struct buffer text = { 0 };
	const char *copy;

	/* pid (name) state … utime stime are fields 14 and 15. */
	ck_assert_int_eq(file_read(arena_format(arena, "/proc/%d/stat", pid), &text, 4096), 0);
	buffer_printf(&text, "\n");
	ck_assert_int_eq(file_read(arena_format(arena, "/proc/%d/status", pid), &text, 8192), 0);
	copy = arena_copy(arena, buffer_text(&text));
	buffer_free(&text);
	return copy;
}

static const char *switches(int pid)
{
	return strstr(life(pid), "voluntary_ctxt_switches");
}

START_TEST(sleeps_when_idle)
{
	const struct timespec second = { 1, 0 };
	const char *before;
	int pid;

	submit("labs", "");
	for (size_t i = 1; i < lab_count(); i++)
		file_make_dirs(
			arena_format(arena, "%s/source/%s", terminal_directory(), lab_at(i)->id),
			0755);
	start("");
	pid = terminal_maplab();
	/* It may still be drawing: the second that counts is one in which nothing happened. */
	for (int i = 0; i < 10; i++) {
		before = switches(pid);
		nanosleep(&second, NULL);
		if (strcmp(before, switches(pid)) == 0)
			break;
		ck_assert_msg(i < 9, "it never sleeps for a whole second");
	}
	terminal_keys("q");
	left("0");
}
END_TEST

START_TEST(no_terminal)
{
	terminal_type("$MAPLAB --source $SOURCE | cat; echo LEFT $?");
	terminal_shows("LEFT 0");
	terminal_shows(first->id);
	terminal_shows("not started");
	terminal_type("clear; TERM=nonsense $MAPLAB --source $SOURCE; echo LEFT $?");
	terminal_shows("LEFT 0");
	terminal_shows("not started");
}
END_TEST

START_TEST(watch_command)
{
	submit("labs", "");
	terminal_type(
		arena_format(arena, "$MAPLAB watch %s --source $SOURCE; echo LEFT $?", first->id));
	terminal_shows("not started");
	submit("solutions", "");
	terminal_shows("Ctrl-C leaves");
	terminal_hides("not started");
	terminal_keys("C-c");
	terminal_shows("LEFT 0");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ui");
	TCase *tests = tcase_create("dashboard");
	SRunner *runner;
	int failed;

	if (!terminal_possible())
		printf("skipped: tmux is not installed (make deps)\n");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, SECONDS);
	tcase_add_test(tests, starts_and_quits);
	tcase_add_test(tests, grades_the_reference);
	tcase_add_test(tests, tells_the_unstarted);
	tcase_add_test(tests, a_save_is_graded);
	tcase_add_test(tests, moves);
	tcase_add_test(tests, helps);
	tcase_add_test(tests, resizes);
	tcase_add_test(tests, plain_ascii);
	tcase_add_loop_test(tests, restores_the_terminal, 0, sizeof deaths / sizeof *deaths);
	tcase_add_test(tests, sleeps_when_idle);
	tcase_add_test(tests, no_terminal);
	tcase_add_test(tests, watch_command);
	if (terminal_possible() && lab_count() >= 2)
		suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
