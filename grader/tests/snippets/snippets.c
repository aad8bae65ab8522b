/*
 * snippets.c: the workbook tells the truth about the code.
 *     <!-- snippet PATH:FIRST-LAST -->   the fence behind it holds exactly these lines of the file
 *     <!-- checks NN-name -->            the list behind it holds exactly the titles of the exam
 * A chapter is headed by its lab's number and title.
 * Reads workbook.md, grader/HACKING.md, README.md and every labs/NN/chapter.md. One check a marker;
 * and each lab must have its list somewhere. Runs in the project's directory.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/text.h"
#include "exam/lab.h"

#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MOST = 16 << 20, MARKERS_MOST = 2048 };

struct marker {
	const char *file; /* the text that it stands in */
	int line;
	char what[256];	  /* "PATH:FIRST-LAST" or "NN-name" */
	const char *rest; /* what follows its line */
};

static struct marker snippets[MARKERS_MOST], lists[MARKERS_MOST];
static int snippet_count, list_count;
static struct arena *arena;

static const char *contents(const char *path)
{
	struct buffer text = { 0 };
	const char *copy = NULL;

	if (file_read(path, &text, FILE_MOST) == 0)
		copy = arena_copy_bytes(arena, buffer_text(&text), text.size);
	buffer_free(&text);
	return copy;
}

/* The line at *TEXT without its end; *TEXT goes behind it. NULL at the end of the text. */
static const char *next_line(const char **text)
{
	size_t length = strcspn(*text, "\n");
	const char *line;

	if (!**text)
		return NULL;
	line = arena_copy_bytes(arena, *text, length);
	*text += length + ((*text)[length] == '\n');
	return line;
}

/* "<!-- NAME what -->": what, in ROOM. */
static bool is_marker(const char *line, const char *name, char room[256])
{
	char format[64];
	int end = 0;

	snprintf(format, sizeof format, "<!-- %s %%255s -->%%n", name);
	return sscanf(line, format, room, &end) == 1 && end > 0;
}

static void collect(const char *path)
{
	const char *text = contents(path), *line;
	char room[256];

	for (int number = 1; text && (line = next_line(&text)); number++) {
		struct marker *m = NULL;

		if (is_marker(line, "snippet", room) && snippet_count < MARKERS_MOST)
			m = &snippets[snippet_count++];
		else if (is_marker(line, "checks", room) && list_count < MARKERS_MOST)
			m = &lists[list_count++];
		if (!m)
			continue;
		*m = (struct marker){ .file = arena_copy(arena, path),
				      .line = number,
				      .rest = text };
		strcpy(m->what, room);
	}
}

/* The text of the fence that begins on the next line that is not empty. */
static const char *fence(const struct marker *m)
{
	struct buffer text = { 0 };
	const char *rest = m->rest, *line, *copy;

	while ((line = next_line(&rest)) && !*line)
		;
	ck_assert_msg(line && text_starts(line, "```"), "%s:%d: no fence behind the marker",
		      m->file, m->line);
	while ((line = next_line(&rest)) && !text_starts(line, "```"))
		buffer_printf(&text, "%s\n", line);
	ck_assert_msg(line, "%s:%d: the fence has no end", m->file, m->line);
	copy = arena_copy(arena, buffer_text(&text));
	buffer_free(&text);
	return copy;
}

static const char *lines_of(const char *path, int first, int last)
{
	const char *text = contents(path), *line, *copy;
	struct buffer part = { 0 };

	if (!text)
		return NULL;
	for (int number = 1; number <= last && (line = next_line(&text)); number++)
		if (number >= first)
			buffer_printf(&part, "%s\n", line);
	copy = arena_copy(arena, buffer_text(&part));
	buffer_free(&part);
	return copy;
}

START_TEST(snippet_equals_file)
{
	const struct marker *m = &snippets[_i];
	char path[256];
	int first = 0, last = 0;
	const char *now;

	ck_assert_msg(sscanf(m->what, "%255[^:]:%d-%d", path, &first, &last) == 3 && first > 0 &&
			      last >= first,
		      "%s:%d: not PATH:FIRST-LAST: %s", m->file, m->line, m->what);
	now = lines_of(path, first, last);
	ck_assert_msg(now, "%s:%d: there is no %s", m->file, m->line, path);
	ck_assert_msg(text_equal(now, fence(m)), "%s:%d: %s is now\n%s", m->file, m->line, m->what,
		      now);
}
END_TEST

START_TEST(list_equals_exam)
{
	const struct marker *m = &lists[_i];
	const struct lab *lab = lab_find(m->what);
	const char *rest = m->rest, *line;
	size_t count = 0;

	ck_assert_msg(lab, "%s:%d: there is no lab %s", m->file, m->line, m->what);
	while ((line = next_line(&rest)) && !text_equal(line, "<!-- /checks -->")) {
		if (!text_starts(line, "- "))
			continue;
		ck_assert_msg(count < lab_check_count(lab), "%s:%d: more lines than checks: %s",
			      m->file, m->line, line);
		ck_assert_msg(text_equal(line + 2, lab->checks[count].title),
			      "%s:%d: check %zu of %s is\n  %s\nnot\n  %s", m->file, m->line,
			      count + 1, lab->id, lab->checks[count].title, line + 2);
		count++;
	}
	ck_assert_msg(line, "%s:%d: no <!-- /checks --> behind the list", m->file, m->line);
	ck_assert_msg(count == lab_check_count(lab),
		      "%s:%d: the list has %zu lines, %s has %zu checks", m->file, m->line, count,
		      lab->id, lab_check_count(lab));
}
END_TEST

START_TEST(lab_has_its_list)
{
	const char *id = lab_at((size_t)_i)->id;
	bool found = false;

	for (int i = 0; i < list_count; i++)
		found = found || text_equal(lists[i].what, id);
	ck_assert_msg(found, "no chapter has <!-- checks %s -->", id);
}
END_TEST

START_TEST(chapter_has_title_of_lab)
{
	const struct lab *lab = lab_at((size_t)_i);
	char heading[256], own[256];
	const char *chapter;

	snprintf(heading, sizeof heading, "## %.2s %s\n", lab->id, lab->title);
	snprintf(own, sizeof own, "labs/%s/chapter.md", lab->id);
	chapter = contents(own);
	ck_assert_msg((chapter && strstr(chapter, heading)) ||
			      strstr(contents("workbook.md"), heading),
		      "no chapter has the heading %s", heading);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("snippets");
	TCase *tests = tcase_create("workbook");
	SRunner *runner;
	glob_t chapters;
	int failed;

	arena = arena_new(1 << 30, false);
	collect("workbook.md");
	collect("README.md");
	collect("grader/HACKING.md");
	if (glob("labs/*/chapter.md", 0, NULL, &chapters) == 0)
		for (size_t i = 0; i < chapters.gl_pathc; i++)
			collect(chapters.gl_pathv[i]);
	tcase_add_loop_test(tests, snippet_equals_file, 0, snippet_count);
	tcase_add_loop_test(tests, list_equals_exam, 0, list_count);
	tcase_add_loop_test(tests, lab_has_its_list, 0, (int)lab_count());
	tcase_add_loop_test(tests, chapter_has_title_of_lab, 0, (int)lab_count());
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
