#include "base/die.h"
#include "base/file.h"
#include "base/text.h"
#include "cmd/command.h"

#include <stdlib.h>
#include <string.h>

/* The last part of a path, so that `maplab grade labs/03-reader-writer/` works as well. */
static const char *last_part(const char *word, char *room, size_t size)
{
	size_t length = strlen(word);
	const char *slash;

	while (length > 1 && word[length - 1] == '/')
		length--;
	if (length >= size)
		return word;
	memcpy(room, word, length);
	room[length] = '\0';
	slash = strrchr(room, '/');
	return slash && slash[1] ? slash + 1 : room;
}

static const char *nearest_lab(const char *word)
{
	const char *known[256];
	size_t count = 0;
	const char *id;

	for (size_t i = 0; i < lab_count() && count + 3 < sizeof known / sizeof *known; i++) {
		known[count++] = lab_at(i)->id;
		known[count++] = lab_at(i)->id + 3;
	}
	known[count] = NULL;
	id = nearest(word, known);
	return id && lab_find(id) ? lab_find(id)->id : NULL;
}

const struct lab *lab_or_usage(const char *word)
{
	char room[256];
	const char *name = last_part(word, room, sizeof room);
	const struct lab *lab = lab_find(name);
	const char *near;

	if (lab)
		return lab;
	near = nearest_lab(name);
	if (near)
		die_usage("there is no lab \"%s\"; did you mean %s? `maplab list` shows all", word,
			  near);
	die_usage("there is no lab \"%s\"; `maplab list` shows all", word);
}

const struct check *check_or_usage(const struct lab *lab, const char *id)
{
	const struct check *check = lab_check(lab, id);
	const char *known[LAB_MAX_CHECKS + 1] = { NULL };
	const char *near;

	if (check)
		return check;
	for (size_t i = 0; i < lab_check_count(lab); i++)
		known[i] = lab->checks[i].id;
	near = nearest(id, known);
	if (near)
		die_usage("%s has no check \"%s\"; did you mean %s?", lab->id, id, near);
	die_usage("%s has no check \"%s\"; `maplab grade %s` shows them", lab->id, id, lab->id);
}

const struct lab **labs_of_words(struct arena *arena, char **words, size_t *count)
{
	const struct lab **labs;

	*count = 0;
	while (words[*count])
		++*count;
	if (*count > 0) {
		labs = arena_take(arena, *count * sizeof *labs);
		for (size_t i = 0; i < *count; i++)
			labs[i] = lab_or_usage(words[i]);
		return labs;
	}
	*count = lab_count();
	labs = arena_take(arena, *count * sizeof *labs);
	for (size_t i = 0; i < *count; i++)
		labs[i] = lab_at(i);
	return labs;
}

struct grading_options grading_options_from(const struct options *options)
{
	const char *scale = getenv("MAPLAB_TIME_SCALE");

	return (struct grading_options){
		.seed = options->seed ? options->seed : fresh_seed(),
		.root = skeleton_root(options),
		.keep = options->keep,
		.time_scale = scale ? strtod(scale, NULL) : 0,
	};
}

const char *project_root(void)
{
	const char *given = getenv("MAPLAB_ROOT");
	const char *root = given && *given ? given : MAPLAB_ROOT;
	struct arena *arena = arena_new(1 << 16, false);
	bool there = file_exists(file_join(arena, root, "labs")) &&
		     file_exists(file_join(arena, root, "common"));

	arena_free(arena);
	if (!there)
		die_usage(
			"the project is not in %s; set MAPLAB_ROOT to the directory with labs/ and common/",
			root);
	return root;
}

const char *skeleton_root(const struct options *options)
{
	const char *kept = file_join(options->arena, options->root, "build/skeletons");

	return file_exists(kept) ? kept : options->root;
}

const char *source_name(struct arena *arena, const struct lab *lab, size_t program)
{
	char room[256];

	return arena_copy(arena, lab_source(&lab->programs[program], room, sizeof room));
}
