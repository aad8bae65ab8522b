/* junit.c: JUnit XML as CI servers read it: a testsuite a lab, a testcase a check. */
#include "base/arena.h"
#include "report/layout.h"
#include "report/report.h"

enum { ARENA = 64 << 20 };

struct tally {
	size_t tests;
	size_t failures;
	size_t errors;
	size_t skipped;
};

static void escaped(FILE *out, struct arena *arena, const char *text)
{
	for (const char *c = printable(arena, text, false); *c; c++) {
		switch (*c) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\n':
			fputs("&#10;", out);
			break;
		default:
			fputc(*c, out);
		}
	}
}

static void attribute(FILE *out, struct arena *arena, const char *name, const char *value)
{
	fprintf(out, " %s=\"", name);
	escaped(out, arena, value);
	fprintf(out, "\"");
}

/* A lab without checks to show (it does not compile, say) is one case that names the lab. */
static bool whole_lab_is_the_case(const struct lab_result *lab)
{
	return lab->status == LAB_UNTOUCHED || lab->status == LAB_BUILD_ERROR || lab->count == 0;
}

static struct tally tally_of(const struct lab_result *lab)
{
	struct tally t = { 0 };

	if (whole_lab_is_the_case(lab)) {
		t.tests = 1;
		t.errors = lab->status == LAB_BROKEN;
		t.failures = lab->status != LAB_BROKEN;
		return t;
	}
	for (size_t i = 0; i < lab->count; i++) {
		t.tests++;
		t.failures += lab->check[i].verdict == VERDICT_FAIL;
		t.errors += lab->check[i].verdict == VERDICT_BROKEN;
		t.skipped += lab->check[i].verdict == VERDICT_SKIP;
	}
	return t;
}

static void numbers(FILE *out, struct tally t, double seconds)
{
	fprintf(out,
		" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%.3f\">\n",
		t.tests, t.failures, t.errors, t.skipped, seconds);
}

static void evidence(FILE *out, struct arena *arena, const struct check_result *c, const char *tag)
{
	struct evidence_row rows[EVIDENCE_ROWS];
	int count = evidence_rows(&c->evidence, rows);

	fprintf(out, "      <%s", tag);
	attribute(out, arena, "message",
		  c->evidence.observed ? c->evidence.observed : c->evidence.why);
	fprintf(out, ">");
	for (int i = 0; i < count; i++) {
		fprintf(out, "%s%s: ", i ? "&#10;" : "", rows[i].label);
		escaped(out, arena, rows[i].text);
	}
	fprintf(out, "</%s>\n", tag);
}

static void check_case(FILE *out, struct arena *arena, const struct lab_result *lab,
		       const struct check_result *c)
{
	static const char *const tags[] = {
		[VERDICT_FAIL] = "failure",
		[VERDICT_BROKEN] = "error",
	};

	fprintf(out, "    <testcase");
	attribute(out, arena, "classname", lab->id);
	attribute(out, arena, "name", c->id);
	if (c->verdict == VERDICT_PASS) {
		fprintf(out, "/>\n");
		return;
	}
	fprintf(out, ">\n");
	if (c->verdict == VERDICT_FAIL || c->verdict == VERDICT_BROKEN) {
		evidence(out, arena, c, tags[c->verdict]);
	} else {
		fprintf(out, "      <skipped");
		attribute(out, arena, "message", c->evidence.why);
		fprintf(out, "/>\n");
	}
	fprintf(out, "    </testcase>\n");
}

static void lab_case(FILE *out, struct arena *arena, const struct lab_result *lab)
{
	const char *tag = lab->status == LAB_BROKEN ? "error" : "failure";

	fprintf(out, "    <testcase");
	attribute(out, arena, "classname", lab->id);
	attribute(out, arena, "name", lab_status_name(lab->status));
	fprintf(out, "><%s", tag);
	attribute(out, arena, "message", status_word(lab->status));
	fprintf(out, ">");
	escaped(out, arena, lab->diagnostics);
	fprintf(out, "</%s></testcase>\n", tag);
}

static void suite(FILE *out, struct arena *arena, const struct lab_result *lab)
{
	fprintf(out, "  <testsuite");
	attribute(out, arena, "name", lab->id);
	numbers(out, tally_of(lab), lab->seconds);
	if (whole_lab_is_the_case(lab))
		lab_case(out, arena, lab);
	else
		for (size_t i = 0; i < lab->count; i++)
			check_case(out, arena, lab, &lab->check[i]);
	fprintf(out, "  </testsuite>\n");
}

void report_junit(const struct record *record, const struct style *style, FILE *out)
{
	struct arena *arena = arena_new(ARENA, false);
	struct tally sum = { 0 };
	double seconds = 0;

	(void)style;
	for (size_t i = 0; i < record->count; i++) {
		struct tally t = tally_of(&record->lab[i]);

		sum.tests += t.tests;
		sum.failures += t.failures;
		sum.errors += t.errors;
		sum.skipped += t.skipped;
		seconds += record->lab[i].seconds;
	}
	fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"maplab\"");
	numbers(out, sum, seconds);
	for (size_t i = 0; i < record->count; i++)
		suite(out, arena, &record->lab[i]);
	fprintf(out, "</testsuites>\n");
	arena_free(arena);
}
