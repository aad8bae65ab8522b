/* text.c: results for people. Wide enough terminals get a line a check; evidence hangs below it. */
#include "base/arena.h"
#include "report/layout.h"
#include "report/report.h"

#include <string.h>

enum { INDENT = 8, LABEL = 10, ARENA = 64 << 20, DIAGNOSTIC_LINES = 60 };

struct writer {
	FILE *out;
	const struct style *style;
	struct arena *arena;
};

/* TEXT in a column that begins at INDENT, wrapped; the first line is already begun there. */
static void paragraph(struct writer *w, const char *text, int indent, enum tone tone)
{
	struct wrap wrap = wrap_start(text, w->style->width - indent);

	for (bool first = true; wrap_next(&wrap); first = false) {
		if (!first)
			fprintf(w->out, "%*s", indent, "");
		fprintf(w->out, "%s%.*s%s\n", tone_on(w->style, tone), (int)wrap.length, wrap.line,
			tone_off(w->style));
	}
}

static enum tone tone_of_row(const char *label)
{
	if (strcmp(label, "expected") == 0)
		return TONE_PASS;
	return strcmp(label, "observed") == 0 ? TONE_FAIL : TONE_PLAIN;
}

static void row(struct writer *w, const char *label, const char *text, enum tone tone)
{
	fprintf(w->out, "%*s%s%-*s%s", INDENT, "", tone_on(w->style, TONE_DIM), LABEL, label,
		tone_off(w->style));
	paragraph(w, printable(w->arena, text, w->style->ascii), INDENT + LABEL, tone);
}

static void evidence(struct writer *w, const struct lab_result *lab, const struct check_result *c)
{
	struct evidence_row rows[EVIDENCE_ROWS];
	int count = evidence_rows(&c->evidence, rows);

	for (int i = 0; i < count; i++)
		row(w, rows[i].label, rows[i].text, tone_of_row(rows[i].label));
	if (c->more > 0)
		fprintf(w->out, "%*s%d more expectation%s of this check failed after that\n",
			INDENT, "", c->more, c->more == 1 ? "" : "s");
	if (c->verdict == VERDICT_FAIL && c->hints > 0)
		row(w, "hint", arena_format(w->arena, "maplab hint %.2s %s", lab->id, c->id),
		    TONE_HINT);
}

static void check_line(struct writer *w, const struct check_result *c)
{
	const struct style *style = w->style;
	const char *title = printable(w->arena, c->title, style->ascii);
	const char *points = arena_format(w->arena, "%d/%d", c->score, c->max);
	int room = style->width - 7 - (int)strlen(points) - 1;
	struct wrap wrap = wrap_start(title, room);

	fprintf(w->out, "  %s%s%s ", tone_on(style, verdict_tone(c->verdict)),
		verdict_mark(style, c->verdict), tone_off(style));
	if (c->task > 0)
		fprintf(w->out, "%2d ", c->task);
	else
		fprintf(w->out, "   ");
	for (bool first = true; wrap_next(&wrap); first = false) {
		fprintf(w->out, "%s%.*s", first ? "" : "       ", (int)wrap.length, wrap.line);
		if (first)
			fprintf(w->out, "%*s%s%s%s", room + 1 - columns_of(wrap.line, wrap.length),
				"", tone_on(style, c->score == c->max ? TONE_DIM : TONE_BOLD),
				points, tone_off(style));
		fprintf(w->out, "\n");
	}
}

/* What the compiler said, its first lines: one mistake makes many. */
static void diagnostics(struct writer *w, const char *text)
{
	struct wrap wrap = wrap_start(printable(w->arena, text, w->style->ascii), 4096);

	for (int line = 0; wrap_next(&wrap); line++) {
		if (line == DIAGNOSTIC_LINES) {
			fprintf(w->out, "    and so on; mend the first of these first\n");
			return;
		}
		fprintf(w->out, "    %.*s\n", (int)wrap.length, wrap.line);
	}
}

static void head(struct writer *w, const struct lab_result *lab)
{
	const struct style *style = w->style;
	const char *title = printable(w->arena, lab->title, style->ascii);
	const char *end = arena_format(w->arena, "%d/%d  %.2f s", lab->score, lab->max,
				       lab->seconds);
	int room = style->width - (int)strlen(lab->id) - (int)strlen(end) - 6;

	title = shortened(w->arena, title, room, style->ascii);
	fprintf(w->out, "%s%s%s %s%s%s  %s%*s  %s\n", tone_on(style, status_tone(lab->status)),
		status_mark(style, lab->status), tone_off(style), tone_on(style, TONE_BOLD),
		lab->id, tone_off(style), title,
		room > 0 ? room - columns_of(title, strlen(title)) : 0, "", end);
}

/* What stands below the head in place of checks, or with them. */
static void remark(struct writer *w, const struct lab_result *lab)
{
	switch (lab->status) {
	case LAB_UNTOUCHED:
		fprintf(w->out,
			"    not started: the files are still the skeleton. Begin with TODO 1.\n");
		break;
	case LAB_BUILD_ERROR:
		fprintf(w->out, "    it does not compile, so nothing could be checked:\n");
		break;
	case LAB_BROKEN:
		fprintf(w->out, "    the grader could not do its work; this is not your fault"
				" (`maplab doctor` may say more):\n");
		break;
	case LAB_PASS:
	case LAB_FAIL:
		break;
	}
	if (lab->diagnostics && *lab->diagnostics)
		diagnostics(w, lab->diagnostics);
}

static void checks(struct writer *w, const struct lab_result *lab)
{
	if (lab->status == LAB_UNTOUCHED || lab->status == LAB_BUILD_ERROR)
		return;
	for (size_t i = 0; i < lab->count; i++) {
		const struct check_result *c = &lab->check[i];

		check_line(w, c);
		if (c->verdict != VERDICT_PASS && c->verdict != VERDICT_PENDING)
			evidence(w, lab, c);
	}
}

void report_lab(const struct lab_result *lab, const struct style *style, FILE *out)
{
	struct writer w = { out, style, arena_new(ARENA, false) };

	head(&w, lab);
	remark(&w, lab);
	checks(&w, lab);
	arena_free(w.arena);
}

void report_text(const struct record *record, const struct style *style, FILE *out)
{
	int score, max, passed = 0;

	for (size_t i = 0; i < record->count; i++) {
		report_lab(&record->lab[i], style, out);
		fprintf(out, "\n");
		passed += record->lab[i].status == LAB_PASS;
	}
	record_points(record, &score, &max);
	fprintf(out, "%s%d of %zu lab%s passed, %d of %d points%s   %sseed %llu, isolation %s%s\n",
		tone_on(style, TONE_BOLD), passed, record->count, record->count == 1 ? "" : "s",
		score, max, tone_off(style), tone_on(style, TONE_DIM),
		(unsigned long long)record->seed, record->host.isolation, tone_off(style));
}
