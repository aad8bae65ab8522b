#include "cmd/cases.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/text.h"

#include <string.h>
#include <sys/stat.h>

enum { SOURCE_MOST = 1 << 20, CASES_MOST = 256 };

static const char marker[] = "// expect: FAIL ";

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static const char *solutions_of(const struct options *o, const struct lab *lab)
{
	return file_join(o->arena, file_join(o->arena, o->root, "solutions"), lab->id);
}

/* The lab's sources, each from the first of the folders (NULL behind the last) that has it. */
static struct submission sources_from(const struct options *o, const struct lab *lab,
				      const char *const *folders)
{
	struct submission s = { 0 };

	for (size_t i = 0; i < lab_program_count(lab); i++) {
		const char *name = source_name(o->arena, lab, i), *path = NULL;

		for (size_t f = 0; folders[f] && (!path || !file_exists(path)); f++)
			path = file_join(o->arena, folders[f], name);
		s.source[s.count++] = (struct source){ name, path };
	}
	return s;
}

/* Takes the ids of the line "// expect: FAIL id id" if that is the file's first line. */
static void take_expectation(const struct options *o, struct lab_case *c, const char *path)
{
	struct buffer text = { 0 };
	char *line, *word, *rest = NULL;

	if (file_read(path, &text, SOURCE_MOST) == 0 && text_starts(buffer_text(&text), marker)) {
		line = arena_copy(o->arena, buffer_text(&text) + strlen(marker));
		line[strcspn(line, "\n")] = '\0';
		for (word = strtok_r(line, " \t\r,", &rest); word;
		     word = strtok_r(NULL, " \t\r,", &rest)) {
			if (!lab_check(c->lab, word))
				c->defect = arena_format(o->arena,
							 "expects \"%s\", which is no check", word);
			else if (c->expects < CASE_EXPECTS_MOST)
				c->expect[c->expects++] = word;
		}
	}
	buffer_free(&text);
}

static void expectations(const struct options *o, struct lab_case *c)
{
	if (c->kind != CASE_WRONG)
		return;
	for (size_t i = 0; i < c->submission.count; i++)
		take_expectation(o, c, c->submission.source[i].path);
	if (c->expects == 0 && !c->defect)
		c->defect = "no first line `// expect: FAIL check-id`";
}

/* The case in solutions/LAB/NAME: a file in place of the one program, or a folder of some of them.
 */
static bool take_case(const struct options *o, const struct lab *lab, const char *name,
		      struct lab_case *c)
{
	const char *folder = solutions_of(o, lab);
	const char *path = file_join(o->arena, folder, name);
	bool right = text_starts(name, "right-");

	if (!right && !text_starts(name, "wrong-"))
		return false;
	*c = (struct lab_case){ .lab = lab, .kind = right ? CASE_RIGHT : CASE_WRONG };
	if (is_directory(path)) {
		const char *const folders[] = { path, folder, NULL };

		c->name = name;
		c->submission = sources_from(o, lab, folders);
	} else if (text_ends(name, ".c")) {
		c->name = arena_copy_bytes(o->arena, name, strlen(name) - 2);
		c->submission.source[0] = (struct source){ source_name(o->arena, lab, 0), path };
		c->submission.count = 1;
		if (lab_program_count(lab) != 1)
			c->defect = "a lab of several programs has folders as cases";
	} else {
		return false;
	}
	expectations(o, c);
	return true;
}

struct lab_case *cases_of(const struct options *o, const struct lab *lab, size_t *count)
{
	struct lab_case *cases = arena_take(o->arena, CASES_MOST * sizeof *cases);
	const char *skeletons = file_join(o->arena, file_join(o->arena, o->root, "labs"), lab->id);
	const char *const skeleton[] = { skeletons, NULL };
	const char *const reference[] = { solutions_of(o, lab), NULL };
	const char **names = file_list(o->arena, reference[0], NULL);

	cases[0] = (struct lab_case){ .lab = lab,
				      .kind = CASE_SKELETON,
				      .name = "skeleton",
				      .submission = sources_from(o, lab, skeleton) };
	cases[1] = (struct lab_case){ .lab = lab,
				      .kind = CASE_REFERENCE,
				      .name = "reference",
				      .submission = sources_from(o, lab, reference) };
	*count = 2;
	for (; names && *names && *count < CASES_MOST; names++)
		*count += take_case(o, lab, *names, &cases[*count]);
	return cases;
}
