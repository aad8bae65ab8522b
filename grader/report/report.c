#include "report/report.h"

#include "base/text.h"

#include <stddef.h>

static const struct report_format formats[] = {
	{ "text", "for people", report_text },
	{ "json", "for scripts, schema 1", report_json },
	{ "junit", "JUnit XML, for CI servers", report_junit },
	{ "tap", "TAP 14, for prove and other harnesses", report_tap },
	{ "gradescope", "results.json of a Gradescope autograder", report_gradescope },
	{ NULL, NULL, NULL },
};

const struct report_format *report_formats(void)
{
	return formats;
}

const struct report_format *report_format(const char *name)
{
	for (const struct report_format *f = formats; f->name; f++)
		if (text_equal(f->name, name))
			return f;
	return NULL;
}

int evidence_rows(const struct evidence *e, struct evidence_row rows[EVIDENCE_ROWS])
{
	const struct evidence_row all[EVIDENCE_ROWS] = {
		{ "expected", e->expected }, { "observed", e->observed },
		{ "from", e->from },	     { "at", e->at },
		{ "why", e->why },
	};
	int count = 0;

	for (int i = 0; i < EVIDENCE_ROWS; i++)
		if (all[i].text && *all[i].text)
			rows[count++] = all[i];
	return count;
}

const char *report_version(void)
{
	return MAPLAB_VERSION;
}
