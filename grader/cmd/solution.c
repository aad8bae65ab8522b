/* solution.c: `maplab solution`: the reference, for who has solved the lab already. */
#include "base/buffer.h"
#include "base/die.h"
#include "base/file.h"
#include "cmd/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SOURCE_MOST = 1 << 20, NOT_YET = 1 };

static void print_file(const struct options *o, const struct lab *lab, size_t program, bool named)
{
	const char *name = source_name(o->arena, lab, program);
	const char *folder = file_join(o->arena, file_join(o->arena, o->root, "solutions"),
				       lab->id);
	const char *path = file_join(o->arena, folder, name);
	struct buffer text = { 0 };

	if (file_read(path, &text, SOURCE_MOST) < 0)
		die("cannot read the reference %s: %s", path, strerror(errno));
	if (named)
		printf("%s/* ---- %s ---- */\n", program > 0 ? "\n" : "", name);
	fwrite(buffer_text(&text), 1, text.size, stdout);
	buffer_free(&text);
}

int command_solution(struct options *o, char **words)
{
	const struct lab *lab = lab_or_usage(words[0]);
	struct store *store = store_open(o->source);
	size_t programs = lab_program_count(lab);
	struct standing standing;

	store_standing(store, lab->id, &standing);
	store_close(store);
	if (!standing.passed && !o->anyway) {
		fprintf(stderr,
			"maplab: %s has not passed yet: `maplab hint %.2s` helps, `maplab grade %.2s`"
			" grades (instructors: --anyway)\n",
			lab->id, lab->id, lab->id);
		return NOT_YET;
	}
	for (size_t i = 0; i < programs; i++)
		print_file(o, lab, i, programs > 1);
	return 0;
}
