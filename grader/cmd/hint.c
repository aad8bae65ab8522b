/* hint.c: `maplab hint`: one step of the ladder at a time. */
#include "base/die.h"
#include "cmd/command.h"
#include "report/layout.h"

#include <stdio.h>

/* The check that a student is stuck at: the first that failed last time. */
static const struct check *stuck_at(struct options *o, struct store *store, const struct lab *lab)
{
	const struct lab_result *last = store_last(store, o->arena, lab);

	if (!last)
		return &lab->checks[0];
	for (size_t i = 0; i < last->count; i++)
		if (last->check[i].verdict == VERDICT_FAIL)
			return &lab->checks[i];
	return last->status == LAB_PASS ? NULL : &lab->checks[0];
}

static void paragraph(const struct options *o, const char *text)
{
	struct wrap wrap = wrap_start(printable(o->arena, text, o->style.ascii),
				      o->style.width - 4);

	while (wrap_next(&wrap))
		printf("    %.*s\n", (int)wrap.length, wrap.line);
}

static void print_hint(const struct options *o, const struct lab *lab, const struct check *check,
		       int number, int total)
{
	printf("%s%s %s%s, hint %d of %d\n%s", tone_on(&o->style, TONE_BOLD), lab->id, check->id,
	       tone_off(&o->style), number, total, tone_on(&o->style, TONE_DIM));
	paragraph(o, check->title);
	printf("%s", tone_off(&o->style));
	printf("%s", tone_on(&o->style, TONE_HINT));
	paragraph(o, check->hints[number - 1]);
	printf("%s", tone_off(&o->style));
}

/* The next step; after the last one the whole ladder once more. */
static void climb(const struct options *o, struct store *store, const struct lab *lab,
		  const struct check *check)
{
	int total = 0, shown = store_hints(store, lab->id, check->id);

	while (total < LAB_MAX_HINTS && check->hints[total])
		total++;
	if (total == 0) {
		printf("%s has no hints.\n", check->id);
	} else if (shown < total && store) {
		print_hint(o, lab, check, shown + 1, total);
		store_hint_shown(store, lab->id, check->id, shown + 1);
	} else {
		for (int i = 1; i <= total; i++)
			print_hint(o, lab, check, i, total);
		printf("These are all. The chapter in workbook.md explains what lies behind them.\n");
	}
}

int command_hint(struct options *o, char **words)
{
	const struct lab *lab = lab_or_usage(words[0]);
	const struct check *check = words[1] ? check_or_usage(lab, words[1]) : NULL;
	struct store *store = store_open(o->source);

	if (!check)
		check = stuck_at(o, store, lab);
	if (check)
		climb(o, store, lab, check);
	else
		printf("Nothing failed when %s was last graded; name a check to see its hints.\n",
		       lab->id);
	store_close(store);
	return 0;
}
