/*
 * details_panel.c: all that is known of the chosen check (what was expected, observed, where, why,
 * the hints that were asked for), or of the lab where no check could be judged.
 */
#include "report/layout.h"
#include "report/report.h"
#include "ui/panel.h"

#include <curses.h>
#include <string.h>

enum { LINES_MOST = 2000, LABEL = 10 };

struct line {
	const char *label; /* "" where the paragraph goes on */
	enum tone tone;
	const char *text;
	size_t size;
};

/* The page of one drawing, in the scratch arena. */
struct page {
	struct state *s;
	struct line *line;
	int count, width;
};

/* How far it is scrolled, and for which lab and check. */
static int first;
static size_t shown_lab, shown_check;
static const struct lab_result *shown_result;
static int shown_hints;

static void add(struct page *p, const char *label, const char *text, enum tone tone)
{
	int indent = label ? LABEL : 0;
	struct wrap wrap;

	if (!text)
		return;
	wrap = wrap_start(printable(p->s->scratch, text, p->s->options->style.ascii),
			  p->width - indent);
	for (bool begun = false; wrap_next(&wrap) && p->count < LINES_MOST; begun = true)
		p->line[p->count++] = (struct line){ !label  ? NULL
						     : begun ? ""
							     : label,
						     tone, wrap.line, wrap.length };
}

static void blank(struct page *p)
{
	if (p->count < LINES_MOST)
		p->line[p->count++] = (struct line){ NULL, TONE_PLAIN, "", 0 };
}

static void add_hints(struct page *p, const struct check *check)
{
	int shown = state_hints(p->s), total = 0;

	while (total < LAB_MAX_HINTS && check->hints[total])
		total++;
	if (shown > 0)
		blank(p);
	for (int i = 0; i < shown && i < total; i++)
		add(p, arena_format(p->s->scratch, "hint %d", i + 1), check->hints[i], TONE_HINT);
	if (shown < total) {
		blank(p);
		add(p, NULL,
		    arena_format(p->s->scratch, "h shows %s hint (%d of %d)",
				 shown ? "the next" : "a", shown + 1, total),
		    TONE_DIM);
	}
}

/* "one-byte (TODO 5): failed, 0 of 3 points" */
static const char *sentence(struct arena *arena, const struct check *check,
			    const struct check_result *r)
{
	static const char *const words[] = {
		[VERDICT_PENDING] = "not judged yet",
		[VERDICT_PASS] = "passed",
		[VERDICT_FAIL] = "failed",
		[VERDICT_SKIP] = "skipped",
		[VERDICT_BROKEN] = "the grader could not judge it; not your fault",
	};
	const char *word = words[r ? r->verdict : VERDICT_PENDING];
	const char *task = check->task > 0 ? arena_format(arena, " (TODO %d)", check->task) : "";

	return arena_format(arena, "%s%s: %s, %d of %d points", check->id, task, word,
			    r ? r->score : 0, check->points);
}

static void check_page(struct page *p, const struct check *check, const struct check_result *r)
{
	struct evidence_row rows[EVIDENCE_ROWS];
	int count = r ? evidence_rows(&r->evidence, rows) : 0;
	struct arena *arena = p->s->scratch;

	add(p, NULL, check->title, TONE_BOLD);
	for (int i = 0; i < count; i++)
		add(p, rows[i].label, rows[i].text,
		    strcmp(rows[i].label, "expected") == 0   ? TONE_PASS
		    : strcmp(rows[i].label, "observed") == 0 ? TONE_FAIL
							     : TONE_PLAIN);
	if (r && r->more > 0)
		add(p, "more", arena_format(arena, "%d more of its expectations failed", r->more),
		    TONE_DIM);
	if (!r || r->verdict != VERDICT_PASS)
		add_hints(p, check);
}

static void begin_page(struct page *p, const struct lab_view *view)
{
	struct arena *arena = p->s->scratch;

	add(p, NULL, "Not started: the files are still the skeleton.", TONE_BOLD);
	blank(p);
	for (size_t i = 0; i < view->submission.count; i++)
		add(p, i == 0 ? "edit" : "", view->submission.source[i].path, TONE_HINT);
	add(p, "read", arena_format(arena, "the chapter of %s in workbook.md", view->lab->id),
	    TONE_PLAIN);
	add(p, "begin", "with TODO 1. Each save is graded at once and shown here.", TONE_PLAIN);
	blank(p);
}

static void passed_page(struct page *p, const struct lab_view *view)
{
	add(p, NULL, "The lab has passed.", TONE_PASS);
	add(p, NULL,
	    arena_format(p->s->scratch, "maplab solution %.2s shows the reference.", view->lab->id),
	    TONE_DIM);
	blank(p);
}

static void trouble_page(struct page *p, const struct lab_result *result)
{
	bool ours = result->status == LAB_BROKEN;

	add(p, NULL,
	    ours ? "The grader could not do its work. This is not your fault."
		 : "It does not compile, so nothing could be checked.",
	    status_tone(result->status));
	blank(p);
	add(p, NULL, result->diagnostics, TONE_PLAIN);
}

static void fill(struct page *p)
{
	const struct lab_view *view = state_view(p->s);
	const struct lab_result *result = state_result(p->s);
	const struct check *check = state_check(p->s);
	bool running = p->s->running && p->s->running_lab == p->s->lab;

	if (!view) {
		add(p, NULL, "There are no labs.", TONE_PLAIN);
		return;
	}
	if (result && (result->status == LAB_BUILD_ERROR || result->status == LAB_BROKEN) &&
	    !running) {
		trouble_page(p, result);
		return;
	}
	if (!running && (!result || result->status == LAB_UNTOUCHED))
		begin_page(p, view);
	if (result && result->status == LAB_PASS && !running)
		passed_page(p, view);
	if (check)
		check_page(p, check, state_check_result(p->s));
	if (result && *result->diagnostics && !running) {
		blank(p);
		add(p, NULL, "The compiler warns:", TONE_SKIP);
		add(p, NULL, result->diagnostics, TONE_PLAIN);
	}
}

static const char *title(struct state *s)
{
	const struct check *check = state_check(s);
	const struct lab_result *result = state_result(s);

	if (result && result->status == LAB_BUILD_ERROR)
		return "compiler";
	return check ? sentence(s->scratch, check, state_check_result(s)) : "details";
}

/* Another check, or another verdict: from its top. */
static void scan(struct state *s)
{
	const struct lab_result *result = state_result(s);

	if (s->lab != shown_lab || s->check != shown_check || result != shown_result)
		first = 0;
	else if (state_hints(s) > shown_hints)
		first = LINES_MOST; /* the new hint is at the end */
	shown_hints = state_hints(s);
	shown_lab = s->lab;
	shown_check = s->check;
	shown_result = result;
}

static void draw(struct state *s, struct rect in, struct rect frame, bool focus)
{
	struct page page = { .s = s, .width = in.width - 2 };

	(void)focus;
	page.line = arena_take(s->scratch, LINES_MOST * sizeof *page.line);
	fill(&page);
	if (first > page.count - in.height)
		first = page.count - in.height;
	if (first < 0)
		first = 0;
	for (int row = 0; row < in.height && first + row < page.count; row++) {
		const struct line *line = &page.line[first + row];
		int indent = line->label ? LABEL : 0;

		if (line->label)
			screen_text(in.top + row, in.left + 1, LABEL, TONE_DIM, false, line->label,
				    strlen(line->label));
		screen_text(in.top + row, in.left + 1 + indent, in.width - 1 - indent, line->tone,
			    false, line->text, line->size);
	}
	screen_scroll_mark(frame, first, page.count);
}

static bool on_key(struct state *s, int key)
{
	(void)s;
	switch (key) {
	case KEY_UP:
	case 'k':
		first -= first > 0;
		return true;
	case KEY_DOWN:
	case 'j':
		first++;
		return true;
	case KEY_HOME:
		first = 0;
		return true;
	case KEY_END:
		first = LINES_MOST;
		return true;
	case KEY_PPAGE:
		first -= 10;
		return true;
	case KEY_NPAGE:
		first += 10;
		return true;
	}
	return false;
}

const struct panel details_panel = { title, scan, draw, on_key, NULL };
