/*
 * gradescope.c: results.json as a Gradescope autograder writes it. A check that was skipped or that
 * the grader could not judge is not shown as failed.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "report/json.h"
#include "report/report.h"

enum { ARENA = 64 << 20 };

static void add_evidence(struct buffer *text, const struct check_result *c)
{
	struct evidence_row rows[EVIDENCE_ROWS];
	int count = evidence_rows(&c->evidence, rows);

	for (int i = 0; i < count; i++)
		buffer_printf(text, "%-9s %s\n", rows[i].label, rows[i].text);
}

static json_t *test_object(const struct lab_result *lab, const struct check_result *c,
			   struct arena *arena)
{
	json_t *object = json_object();
	struct buffer text = { 0 };

	add_evidence(&text, c);
	json_put_text(object, arena, "number", arena_format(arena, "%.2s.%d", lab->id, c->task));
	json_put_text(object, arena, "name", arena_format(arena, "%s: %s", lab->id, c->title));
	json_put(object, "score", json_integer(c->score));
	json_put(object, "max_score", json_integer(c->max));
	if (c->verdict == VERDICT_PASS || c->verdict == VERDICT_FAIL)
		json_put_text(object, arena, "status",
			      c->verdict == VERDICT_PASS ? "passed" : "failed");
	json_put_text(object, arena, "output", buffer_text(&text));
	json_put_text(object, arena, "visibility", "visible");
	buffer_free(&text);
	return object;
}

static void add_remark(struct buffer *text, const struct lab_result *lab)
{
	buffer_printf(text, "%s: %s, %d of %d points\n", lab->id, status_word(lab->status),
		      lab->score, lab->max);
	if (lab->diagnostics && *lab->diagnostics)
		buffer_printf(text, "%s\n", lab->diagnostics);
}

void report_gradescope(const struct record *record, const struct style *style, FILE *out)
{
	struct arena *arena = arena_new(ARENA, false);
	json_t *document = json_object(), *tests = json_array();
	struct buffer text = { 0 };
	double seconds = 0;
	int score, max;

	(void)style;
	record_points(record, &score, &max);
	for (size_t i = 0; i < record->count; i++) {
		const struct lab_result *lab = &record->lab[i];

		seconds += lab->seconds;
		add_remark(&text, lab);
		for (size_t c = 0; c < lab->count; c++)
			json_append(tests, test_object(lab, &lab->check[c], arena));
	}
	json_put(document, "score", json_integer(score));
	json_put(document, "execution_time", json_seconds(seconds));
	json_put_text(document, arena, "output", buffer_text(&text));
	json_put_text(document, arena, "stdout_visibility", "hidden");
	json_put(document, "tests", tests);
	json_print(document, out);
	buffer_free(&text);
	arena_free(arena);
}
