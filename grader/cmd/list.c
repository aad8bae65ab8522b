/* list.c: `maplab list`, and the dashboard's stand-in where there is no terminal. */
#include "cmd/command.h"
#include "report/layout.h"

#include <stdio.h>
#include <string.h>

static int widest_id(void)
{
	int widest = 0;

	for (size_t i = 0; i < lab_count(); i++)
		if ((int)strlen(lab_at(i)->id) > widest)
			widest = (int)strlen(lab_at(i)->id);
	return widest;
}

static void row(struct options *o, struct store *store, const struct lab *lab, int width)
{
	struct standing s;
	const char *title = printable(o->arena, lab->title, o->style.ascii);
	int room = o->style.width - width - 37;

	store_standing(store, lab->id, &s);
	printf("%s%s%s %-*s  %s%-16s%s %3d/%-3d  %4d  %s\n", tone_on(&o->style, status_tone(s.now)),
	       status_mark(&o->style, s.now), tone_off(&o->style), width, lab->id,
	       tone_on(&o->style, status_tone(s.now)), status_word(s.now), tone_off(&o->style),
	       s.best, lab_points(lab), s.attempts,
	       shortened(o->arena, title, room, o->style.ascii));
}

int command_list(struct options *o, char **words)
{
	struct store *store = store_open(o->source);
	int width = widest_id();

	(void)words;
	if (lab_count() == 0)
		printf("There are no labs yet; `maplab new-lab 01-name` writes one.\n");
	else
		printf("%s  %-*s  %-16s %7s %5s%s\n", tone_on(&o->style, TONE_DIM), width, "lab",
		       "last time", "best", "tries", tone_off(&o->style));
	for (size_t i = 0; i < lab_count(); i++)
		row(o, store, lab_at(i), width);
	store_close(store);
	return 0;
}
