/*
 * cli.c: the command line from outside: exit status and words for good and bad input. One row a
 * command line; %S is an empty directory for submissions, %R the references.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/text.h"
#include "exam/lab.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_MOST = 8 << 20, SECONDS = 120 };

static struct arena *arena;
static char directory[64];

static void setup(void)
{
	arena = arena_new(64 << 20, false);
	strcpy(directory, "/tmp/maplab-cli-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chmod(directory, 0755), 0);
	ck_assert_int_eq(mkdir(file_join(arena, directory, "source"), 0755), 0);
	setenv("MAPLAB_STORE", file_join(arena, directory, "store.db"), 1);
}

static void teardown(void)
{
	file_remove_tree(directory);
	arena_free(arena);
}

static const char *replaced(const char *text, const char *mark, const char *with)
{
	const char *at = strstr(text, mark);

	if (!at)
		return text;
	return arena_format(arena, "%.*s%s%s", (int)(at - text), text, with, at + strlen(mark));
}

/* Runs `maplab ARGS` in a shell, both outputs in *SAID. The exit status. */
static int maplab(const char *args, const char **said)
{
	const char *binary = getenv("MAPLAB");
	struct buffer text = { 0 };
	int status;
	FILE *pipe;

	args = replaced(args, "%S", file_join(arena, directory, "source"));
	args = replaced(args, "%R", "solutions");
	while (strstr(args, "%D"))
		args = replaced(args, "%D", directory);
	pipe = popen(arena_format(arena, "%s %s 2>&1", binary ? binary : "build/maplab", args),
		     "r");
	ck_assert_ptr_nonnull(pipe);
	buffer_read_fd(&text, fileno(pipe), OUTPUT_MOST);
	status = pclose(pipe);
	*said = arena_copy(arena, buffer_text(&text));
	buffer_free(&text);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const struct {
	const char *args;
	int status;
	const char *says; /* somewhere in what is printed */
} rows[] = {
	{ "--help", 0, "usage:" },
	{ "grade --help", 0, "--format NAME" },
	{ "list --help", 0, "usage: maplab list" },
	{ "new-lab --help", 0, "usage: maplab new-lab NN-name" },
	{ "list --source %S", 0, "not started" },
	{ "</dev/null | cat", 0, "last time" },
	{ "doctor", 0, "isolation:" },
	{ "frobnicate", 2, "`maplab --help` lists them" },
	{ "grad", 2, "did you mean `maplab grade`?" },
	{ "list 01", 2, "usage: maplab list" },
	{ "hint", 2, "usage: maplab hint LAB [CHECK]" },
	{ "hint 01 x y", 2, "usage: maplab hint LAB [CHECK]" },
	{ "trace", 2, "usage: maplab trace" },
	{ "grade 99", 2, "there is no lab \"99\"" },
	{ "grade 01-map-fiel", 2, "did you mean 01-map-file?" },
	{ "grade ''", 2, "there is no lab \"\"" },
	{ "hint 01 no-such-check", 2, "has no check \"no-such-check\"" },
	{ "list --source /nowhere", 2, "the directory /nowhere is not there" },
	{ "list --source /etc/passwd", 2, "is no directory" },
	{ "grade --format yaml", 2, "there are text, json, junit, tap, gradescope" },
	{ "grade --repeat 0", 2, "--repeat takes a number from 1" },
	{ "grade --seed abc", 2, "--seed takes a number" },
	{ "grade --seed 18446744073709551616", 2, "--seed takes a number" },
	{ "grade --nonsense", 2, "there is no option --nonsense here" },
	{ "grade --seed", 2, "--seed needs a value" },
	{ "grade 01 --out /nowhere/x", 2, "nothing can be written in /nowhere" },
	{ "grade 01 --out /tmp", 2, "is a directory; name a file" },
	{ "grade 01 --source %S", 1, "" },
	{ "grade 1 --source %R", 0, "1 of 1 lab passed" },
	{ "grade labs/01-map-file/ --source %R", 0, "1 of 1 lab passed" },
	{ "grade 01 --source %R --format tap | head -1", 0, "TAP version 14" },
	{ "grade 01 --source %R --format json --out %D/r.json && cat %D/r.json", 0,
	  "\"schema\": 1" },
	{ "grade 01 --source %R --format json --out /dev/stdout", 0, "\"status\": \"pass\"" },
	{ "grade 01 --source %R --seed 7", 0, "seed 7" },
	{ "grade 01 --source %R --repeat 2", 0, "graded 2 times, passed 2 times" },
	{ "trace 01 --source %R", 0, "mmap" },
	{ "maps 01 --source %R", 0, "r--p" },
	{ "solution 01 --source %S", 1, "has not passed yet" },
	{ "solution 01 --source %S --anyway", 0, "mmap" },
	{ "reset 01 --source %S </dev/null", 0, "Nothing was changed" },
	{ "hint 01 --source %S", 0, "hint 1 of" },
	{ "new-lab Twelve", 2, "is no name for a lab" },
	{ "new-lab 1-x", 2, "is no name for a lab" },
	{ "new-lab 01-map-file", 2, "is there already" },
};

START_TEST(row)
{
	const char *said;
	int status = maplab(rows[_i].args, &said);

	ck_assert_msg(status == rows[_i].status && strstr(said, rows[_i].says),
		      "maplab %s\nexit status %d, not %d; \"%s\" looked for in\n%s", rows[_i].args,
		      status, rows[_i].status, rows[_i].says, said);
}
END_TEST

static void has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part), "%s\nis not in\n%s", part, text);
}

/* Each lab has a run that is worth looking at. */
START_TEST(lab_is_shown)
{
	const char *id = lab_at((size_t)_i)->id, *said;

	ck_assert_int_eq(maplab(arena_format(arena, "trace %s --source %%R", id), &said), 0);
	has(said, "exit 0");
	ck_assert_int_eq(maplab(arena_format(arena, "maps %s --source %%R", id), &said), 0);
	has(said, "[stack]");
}
END_TEST

/* A ladder is climbed one step at a time, and remembered. */
START_TEST(hints_climb)
{
	const char *said;

	maplab("hint 01 --source %S", &said);
	has(said, "hint 1 of");
	maplab("hint 01 --source %S", &said);
	has(said, "hint 2 of");
	for (int i = 0; i < LAB_MAX_HINTS; i++)
		maplab("hint 01 --source %S", &said);
	has(said, "These are all");
}
END_TEST

START_TEST(solution_after_passing)
{
	const char *said;

	ck_assert_int_eq(maplab("solution 01 --source %R", &said), 1);
	ck_assert_int_eq(maplab("grade 01 --source %R", &said), 0);
	ck_assert_int_eq(maplab("solution 01 --source %R", &said), 0);
	ck_assert_int_eq(maplab("list --source %R", &said), 0);
	has(said, "passed");
}
END_TEST

/* Nothing is lost by a reset, however often. */
START_TEST(reset_keeps)
{
	const char *folder = arena_format(arena, "%s/source/%s", directory, lab_at(0)->id);
	char room[256];
	const char *path = file_join(arena, folder,
				     lab_source(&lab_at(0)->programs[0], room, sizeof room));
	const char *said;

	ck_assert_int_eq(file_make_dirs(folder, 0755), 0);
	for (int i = 1; i <= 2; i++) {
		struct buffer kept = { 0 };
		const char *mine = arena_format(arena, "int work = %d;\n", i);

		ck_assert_int_eq(file_write(path, mine, strlen(mine), 0644), 0);
		ck_assert_int_eq(maplab("reset 01 --source %S --yes", &said), 0);
		ck_assert_int_eq(file_read(arena_format(arena, "%s.old-%d", path, i), &kept, 4096),
				 0);
		ck_assert_str_eq(buffer_text(&kept), mine);
		buffer_free(&kept);
	}
	ck_assert_int_eq(maplab("grade 01 --source %S", &said), 1);
	has(said, "not started");
}
END_TEST

/* From another directory, as from this one. */
START_TEST(any_directory)
{
	const char *said, *binary = getenv("MAPLAB");
	char *path = realpath(binary ? binary : "build/maplab", NULL);

	setenv("MAPLAB", path, 1);
	free(path);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(maplab("list", &said), 0);
	has(said, lab_at(0)->id);
	setenv("MAPLAB_ROOT", "/nowhere", 1);
	ck_assert_int_eq(maplab("list", &said), 2);
	has(said, "set MAPLAB_ROOT");
}
END_TEST

/* A store that cannot be used costs a warning, not the grading. */
START_TEST(without_a_store)
{
	const char *said;

	setenv("MAPLAB_STORE", "/proc/nowhere/store.db", 1);
	ck_assert_int_eq(maplab("grade 01 --source %R", &said), 0);
	has(said, "going on without it");
	has(said, "1 of 1 lab passed");
}
END_TEST

/* --keep: the program, and what it had before it when it failed. */
START_TEST(scratch_is_kept)
{
	const char *folder = arena_format(arena, "%s/source/03-reader-writer", directory);
	const char *said, *at;
	char *path;

	ck_assert_int_eq(file_make_dirs(folder, 0755), 0);
	ck_assert_int_eq(system(arena_format(arena,
					     "cp solutions/03-reader-writer/writer.c "
					     "solutions/03-reader-writer/wrong-base-0/*.c %s",
					     folder)),
			 0);
	ck_assert_int_eq(maplab("grade 03 --keep --source %S", &said), 1);
	at = strstr(said, "kept in ");
	ck_assert_msg(at, "%s", said);
	path = arena_copy(arena, at + strlen("kept in "));
	path[strcspn(path, ":")] = '\0';
	ck_assert(file_exists(file_join(arena, path, "bin/reader")));
	ck_assert(file_exists(file_join(arena, path, "failed/checks-input/temp")));
	ck_assert_int_eq(file_remove_tree(path), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli");
	TCase *tests = tcase_create("lines");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, SECONDS);
	tcase_add_loop_test(tests, row, 0, sizeof rows / sizeof *rows);
	tcase_add_loop_test(tests, lab_is_shown, 0, (int)lab_count());
	tcase_add_test(tests, hints_climb);
	tcase_add_test(tests, solution_after_passing);
	tcase_add_test(tests, reset_keeps);
	tcase_add_test(tests, any_directory);
	tcase_add_test(tests, without_a_store);
	tcase_add_test(tests, scratch_is_kept);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
