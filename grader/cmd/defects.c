/* defects.c: what is wrong with a lab before anything is graded. */
#include "base/buffer.h"
#include "base/file.h"
#include "base/text.h"
#include "cmd/cases.h"
#include "run/compile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEFECTS_MOST = 64, SOURCE_MOST = 1 << 20, TODO_LEAST = 2, TODO_MOST = 6 };
enum {
	CHECKS_LEAST = 5,
	CHECKS_MOST = 10,
	POINTS_LEAST = 10,
	POINTS_MOST = 20,
	HINTS_LEAST = 2,
	HINTS_MOST = 4
};

struct findings {
	const struct options *o;
	const struct lab *lab;
	const char *text[DEFECTS_MOST + 1];
	size_t count;
};

static void found(struct findings *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void found(struct findings *f, const char *format, ...)
{
	va_list args;

	if (f->count == DEFECTS_MOST)
		return;
	va_start(args, format);
	f->text[f->count++] = arena_vformat(f->o->arena, format, args);
	va_end(args);
}

static const char *folder_of(const struct findings *f, const char *above)
{
	return file_join(f->o->arena, file_join(f->o->arena, f->o->root, above), f->lab->id);
}

static bool is_source(const struct findings *f, const char *name)
{
	for (size_t i = 0; i < lab_program_count(f->lab); i++)
		if (text_equal(source_name(f->o->arena, f->lab, i), name))
			return true;
	return false;
}

/* Files that a lab's folder may hold besides its programs. */
static bool belongs(const char *name, const char *const *allowed)
{
	for (; *allowed; allowed++)
		if (text_equal(name, *allowed) ||
		    (text_ends(*allowed, "-") && text_starts(name, *allowed)))
			return true;
	return false;
}

static void stray_files(struct findings *f, const char *above, const char *const *allowed)
{
	const char *folder = folder_of(f, above);
	const char **names = file_list(f->o->arena, folder, NULL);

	if (!names) {
		found(f, "%s/%s: %s", above, f->lab->id, strerror(errno));
		return;
	}
	for (; *names; names++)
		if (!is_source(f, *names) && !belongs(*names, allowed))
			found(f, "%s/%s/%s does not belong there", above, f->lab->id, *names);
}

/* Programs without a skeleton or reference; the text of those that are there goes to `text`. */
static void read_skeletons(struct findings *f, struct buffer *text)
{
	for (size_t i = 0; i < lab_program_count(f->lab); i++) {
		const char *name = source_name(f->o->arena, f->lab, i);

		if (file_read(file_join(f->o->arena, folder_of(f, "labs"), name), text,
			      SOURCE_MOST) < 0)
			found(f, "labs/%s/%s: %s", f->lab->id, name, strerror(errno));
		if (!file_exists(file_join(f->o->arena, folder_of(f, "solutions"), name)))
			found(f, "solutions/%s/%s, the reference, is missing", f->lab->id, name);
	}
}

static bool has_todo(const char *text, int number)
{
	char mark[24];

	snprintf(mark, sizeof mark, "TODO %d:", number);
	return strstr(text, mark) != NULL;
}

/* Tasks are numbered 1, 2, …; each check belongs to one of them or, with 0, to none. */
static void tasks(struct findings *f, const char *text)
{
	int todos = 0;

	while (has_todo(text, todos + 1))
		todos++;
	if (todos < TODO_LEAST || todos > TODO_MOST || has_todo(text, todos + 2))
		found(f, "the skeletons have %d TODOs numbered from 1, not %d to %d", todos,
		      TODO_LEAST, TODO_MOST);
	for (size_t i = 0; i < lab_check_count(f->lab); i++)
		if (f->lab->checks[i].task < 0 || f->lab->checks[i].task > todos)
			found(f, "check %s belongs to task %d, which no TODO names",
			      f->lab->checks[i].id, f->lab->checks[i].task);
}

static bool well_formed(const char *id)
{
	return id[strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0' && *id != '-' && *id;
}

static void hints(struct findings *f, const struct check *check)
{
	int count = 0;

	for (; count < LAB_MAX_HINTS && check->hints[count]; count++)
		if (check->hints[count][strspn(check->hints[count], " \n")] == '\0')
			found(f, "check %s: hint %d is empty", check->id, count + 1);
	if (count < HINTS_LEAST || count > HINTS_MOST)
		found(f, "check %s has %d hints, not %d to %d", check->id, count, HINTS_LEAST,
		      HINTS_MOST);
}

static bool comes_before(const struct lab *lab, size_t index, const char *id)
{
	for (size_t i = 0; i < index; i++)
		if (text_equal(lab->checks[i].id, id))
			return true;
	return false;
}

static void checks(struct findings *f)
{
	int count = (int)lab_check_count(f->lab), points = lab_points(f->lab);

	if (count < CHECKS_LEAST || count > CHECKS_MOST)
		found(f, "%d checks, not %d to %d", count, CHECKS_LEAST, CHECKS_MOST);
	if (points < POINTS_LEAST || points > POINTS_MOST)
		found(f, "%d points, not %d to %d", points, POINTS_LEAST, POINTS_MOST);
	for (int i = 0; i < count; i++) {
		const struct check *check = &f->lab->checks[i];

		if (!well_formed(check->id))
			found(f, "check \"%s\": ids are lower-case words with hyphens", check->id);
		if (comes_before(f->lab, (size_t)i, check->id))
			found(f, "check %s is there twice", check->id);
		if (check->needs && !comes_before(f->lab, (size_t)i, check->needs))
			found(f, "check %s needs \"%s\", which is no earlier check", check->id,
			      check->needs);
		if (!check->title || !*check->title)
			found(f, "check %s has no title", check->id);
		hints(f, check);
	}
}

static _Noreturn void run_compiler(const struct findings *f, const char *path, int output)
{
	const char *words[32] = { "cc", "-Werror", "-o", "/dev/null" };
	size_t count = 4;

	for (const char *const *flag = compile_standard_flags(); *flag && count < 28; flag++)
		words[count++] = *flag;
	words[count++] = arena_format(f->o->arena, "-I%s/common", f->o->root);
	words[count++] = path;
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execvp("cc", (char *const *)words);
	_exit(127);
}

/* A skeleton is ours, so it is compiled right here; a warning is an error. */
static void warnings(struct findings *f, const char *name)
{
	const char *path = file_join(f->o->arena, folder_of(f, "labs"), name);
	struct buffer said = { 0 };
	int ends[2], status;
	pid_t pid;

	if (pipe(ends) < 0)
		return;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		run_compiler(f, path, ends[1]);
	close(ends[1]);
	buffer_read_fd(&said, ends[0], SOURCE_MOST);
	close(ends[0]);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		found(f, "labs/%s/%s does not compile without a warning:\n%s", f->lab->id, name,
		      buffer_text(&said));
	buffer_free(&said);
}

const char **lab_defects(const struct options *o, const struct lab *lab)
{
	static const char *const in_labs[] = { "exam.c", "chapter.md", NULL };
	static const char *const in_solutions[] = { "right-", "wrong-", NULL };
	struct findings *f = arena_take(o->arena, sizeof *f);
	struct buffer text = { 0 };

	f->o = o;
	f->lab = lab;
	stray_files(f, "labs", in_labs);
	stray_files(f, "solutions", in_solutions);
	read_skeletons(f, &text);
	tasks(f, buffer_text(&text));
	checks(f);
	for (size_t i = 0; i < lab_program_count(lab); i++)
		warnings(f, source_name(o->arena, lab, i));
	buffer_free(&text);
	return f->text;
}
