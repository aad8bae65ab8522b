/*
 * layers.c: walks the #include lines of the project. A file includes from its own folder and from
 * the layers below it; exams speak exam.h alone; students' code sees common/ alone. Runs in the
 * project's directory; one check a file.
 */
#include "base/buffer.h"
#include "base/file.h"
#include "base/text.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MOST = 4096, FILE_MOST = 4 << 20, LAYER_MOST = 16 };

/* From the lowest to the highest; folders of one row do not see each other. */
static const char *const layers[][3] = {
	{ "base" }, { "procfs" },	   { "trace", "stage" }, { "run" },
	{ "exam" }, { "report", "store" }, { "ui", "class" },	 { "cmd" },
};

enum { LAYERS = sizeof layers / sizeof *layers };

static char *files[FILES_MOST];
static int file_count;

/* -1 for a folder that is no layer. */
static int rank_of(const char *folder, size_t length)
{
	for (int rank = 0; rank < LAYERS; rank++)
		for (int i = 0; i < 3 && layers[rank][i]; i++)
			if (strlen(layers[rank][i]) == length &&
			    strncmp(layers[rank][i], folder, length) == 0)
				return rank;
	return -1;
}

static bool same_folder(const char *a, const char *b)
{
	size_t length = strcspn(a, "/");

	return length == strcspn(b, "/") && strncmp(a, b, length) == 0;
}

/* FILE is below grader/, as "ui/state.c". */
static const char *grader_breach(const char *file, const char *included)
{
	bool has_folder = strchr(included, '/') != NULL;
	int mine = rank_of(file, strcspn(file, "/"));
	int theirs = rank_of(included, strcspn(included, "/"));

	if (text_starts(file, "tests/"))
		return NULL;
	if (!has_folder)
		return "a header of the grader is named with its folder";
	if (theirs < 0)
		return "that is no layer";
	if (!strchr(file, '/')) /* main.c */
		return NULL;
	if (mine < 0)
		return "its own folder is no layer; layers.c lists them";
	if (same_folder(file, included) || theirs < mine)
		return NULL;
	return "that layer is not below its own";
}

static bool in_common(const char *included)
{
	char path[512];

	snprintf(path, sizeof path, "common/%s", included);
	return !strchr(included, '/') && file_exists(path);
}

/* A program of a lab may include another one of it. */
static bool is_beside(const char *file, const char *included)
{
	const char *name = strrchr(file, '/') + 1;
	char path[512];

	snprintf(path, sizeof path, "%.*s%s", (int)(name - file), file, included);
	return text_starts(file, "solutions/") && text_ends(included, ".c") &&
	       !strchr(included, '/') && file_exists(path);
}

/* NULL, or what is wrong with FILE including INCLUDED. */
static const char *breach(const char *file, const char *included)
{
	if (text_starts(file, "grader/"))
		return grader_breach(file + strlen("grader/"), included);
	if (text_ends(file, "/exam.c") && text_equal(included, "exam/exam.h"))
		return NULL;
	if (in_common(included) || is_beside(file, included))
		return NULL;
	return text_ends(file, "/exam.c")
		       ? "an exam includes exam/exam.h and common/ alone"
		       : "a student's program includes common/ and the lab's other program alone";
}

/* The name in `#include "name"`, in ROOM; false when the line is none. */
static bool included_name(const char *line, size_t length, char *room, size_t size)
{
	char text[512];
	const char *from, *to;

	if (length >= sizeof text)
		return false;
	memcpy(text, line, length);
	text[length] = '\0';
	from = text + strspn(text, " \t");
	if (*from != '#')
		return false;
	from += 1 + strspn(from + 1, " \t");
	if (!text_starts(from, "include"))
		return false;
	from = strchr(from, '"');
	to = from ? strchr(from + 1, '"') : NULL;
	if (!to)
		return false;
	snprintf(room, size, "%.*s", (int)(to - from - 1), from + 1);
	return true;
}

START_TEST(includes)
{
	struct buffer text = { 0 };
	struct text_lines lines;
	char name[512];

	ck_assert_int_eq(file_read(files[_i], &text, FILE_MOST), 0);
	lines = text_lines(text.data, text.size);
	while (text_next_line(&lines)) {
		const char *wrong = NULL;

		if (included_name(lines.line, lines.length, name, sizeof name))
			wrong = breach(files[_i], name);
		ck_assert_msg(!wrong, "%s includes \"%s\": %s", files[_i], name, wrong);
	}
	buffer_free(&text);
}
END_TEST

/* The rules themselves, so that a silent test means something. */
static const struct {
	const char *file, *included;
	bool allowed;
} examples[] = {
	{ "grader/ui/state.c", "report/style.h", true },
	{ "grader/ui/state.c", "ui/panel.h", true },
	{ "grader/report/text.c", "store/store.h", false },
	{ "grader/base/text.c", "procfs/maps.h", false },
	{ "grader/trace/site.c", "stage/stage.h", false },
	{ "grader/run/session.c", "trace/event.h", true },
	{ "grader/exam/exam.c", "report/report.h", false },
	{ "grader/main.c", "cmd/command.h", true },
	{ "grader/cmd/list.c", "lab.h", false },
	{ "labs/01-map-file/exam.c", "exam/exam.h", true },
	{ "labs/01-map-file/exam.c", "stage/stage.h", false },
	{ "labs/01-map-file/map_file.c", "exam/exam.h", false },
	{ "labs/01-map-file/map_file.c", "lab.h", true },
	{ "solutions/01-map-file/right-x.c", "lab.h", true },
};

START_TEST(rules)
{
	ck_assert_msg(!breach(examples[_i].file, examples[_i].included) == examples[_i].allowed,
		      "%s, %s", examples[_i].file, examples[_i].included);
}
END_TEST

static int note_file(const char *path, const struct stat *st, int kind, struct FTW *place)
{
	(void)st;
	(void)place;
	if (kind == FTW_F && (text_ends(path, ".c") || text_ends(path, ".h")) &&
	    file_count < FILES_MOST)
		files[file_count++] = strdup(path);
	return 0;
}

int main(void)
{
	static const char *const roots[] = { "grader", "labs", "solutions", "common" };
	Suite *suite = suite_create("layers");
	TCase *tests = tcase_create("includes");
	SRunner *runner;
	int failed;

	for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
		nftw(roots[i], note_file, 16, FTW_PHYS);
	tcase_add_loop_test(tests, rules, 0, sizeof examples / sizeof *examples);
	tcase_add_loop_test(tests, includes, 0, file_count);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	/* Some thousand small checks that share nothing: no process for each. */
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
