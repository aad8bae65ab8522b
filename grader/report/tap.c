/* tap.c: TAP version 14: a line a check, evidence as a YAML block below a failed one. */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/text.h"
#include "report/layout.h"
#include "report/report.h"

#include <string.h>

enum { ARENA = 64 << 20 };

/* A check that says something: a lab that was not judged has one line of its own instead. */
static bool judged(const struct lab_result *lab)
{
	return lab->status == LAB_PASS || lab->status == LAB_FAIL ||
	       (lab->status == LAB_BROKEN && lab->count > 0);
}

static size_t plan(const struct record *record)
{
	size_t lines = 0;

	for (size_t i = 0; i < record->count; i++)
		lines += judged(&record->lab[i]) ? record->lab[i].count : 1;
	return lines;
}

/* A description must not hold '#', which begins a directive, nor a line's end. */
static const char *description(struct arena *arena, const char *text)
{
	char *safe = printable(arena, text, false);

	for (char *c = safe; *c; c++)
		if (*c == '\n' || *c == '#')
			*c = ' ';
	return safe;
}

/* A YAML string in double quotes: JSON's escapes are YAML's. */
static void yaml_row(FILE *out, struct arena *arena, const char *key, const char *value)
{
	fprintf(out, "  %s: \"", key);
	for (const char *c = printable(arena, value, false); *c; c++) {
		if (*c == '\n')
			fputs("\\n", out);
		else if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else
			fputc(*c, out);
	}
	fprintf(out, "\"\n");
}

static void check_line(FILE *out, struct arena *arena, size_t number, const struct lab_result *lab,
		       const struct check_result *c)
{
	struct evidence_row rows[EVIDENCE_ROWS];
	int count = evidence_rows(&c->evidence, rows);
	bool fine = c->verdict == VERDICT_PASS || c->verdict == VERDICT_SKIP;

	fprintf(out, "%s %zu - %s: %s", fine ? "ok" : "not ok", number, lab->id,
		description(arena, c->title));
	if (c->verdict == VERDICT_SKIP)
		fprintf(out, " # SKIP %s",
			description(arena, c->evidence.why ? c->evidence.why : "not judged"));
	else if (c->verdict == VERDICT_BROKEN)
		fprintf(out, " # TODO the grader could not judge it");
	fprintf(out, "\n");
	if (c->verdict == VERDICT_PASS || c->verdict == VERDICT_SKIP)
		return;
	fprintf(out, "  ---\n");
	yaml_row(out, arena, "check", c->id);
	for (int i = 0; i < count; i++)
		yaml_row(out, arena, rows[i].label, rows[i].text);
	fprintf(out, "  ...\n");
}

static void lab_line(FILE *out, struct arena *arena, size_t number, const struct lab_result *lab)
{
	fprintf(out, "not ok %zu - %s: %s\n", number, lab->id, status_word(lab->status));
	if (lab->diagnostics && *lab->diagnostics) {
		fprintf(out, "  ---\n");
		yaml_row(out, arena, "diagnostics", lab->diagnostics);
		fprintf(out, "  ...\n");
	}
}

void report_tap(const struct record *record, const struct style *style, FILE *out)
{
	struct arena *arena = arena_new(ARENA, false);
	size_t number = 1;

	(void)style;
	fprintf(out, "TAP version 14\n1..%zu\n", plan(record));
	for (size_t i = 0; i < record->count; i++) {
		const struct lab_result *lab = &record->lab[i];

		if (!judged(lab))
			lab_line(out, arena, number++, lab);
		for (size_t c = 0; judged(lab) && c < lab->count; c++)
			check_line(out, arena, number++, lab, &lab->check[c]);
	}
	arena_free(arena);
}
