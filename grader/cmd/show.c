/* show.c: `maplab trace` and `maplab maps`: one run of a lab's programs to look at. */
#include "cmd/command.h"

#include <stdio.h>

static int show(struct options *o, char **words, bool maps_only)
{
	const struct lab *lab = lab_or_usage(words[0]);
	struct submission submission = submission_find(o->arena, lab, o->source);
	struct grading_options how = grading_options_from(o);

	fflush(stdout);
	return grading_show(lab, &submission, &how, (const char *const *)(words + 1), maps_only);
}

int command_trace(struct options *o, char **words)
{
	return show(o, words, false);
}

int command_maps(struct options *o, char **words)
{
	return show(o, words, true);
}
