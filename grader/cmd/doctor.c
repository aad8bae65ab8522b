/* doctor.c: `maplab doctor`: what this host gives, and what is weaker without it. */
#include "cmd/command.h"
#include "report/layout.h"
#include "stage/host.h"

#include <stdio.h>

enum { TITLE = 34 };

static void line(const struct options *o, const char *label, const char *text, enum tone tone)
{
	struct wrap wrap;

	if (!text)
		return;
	wrap = wrap_start(printable(o->arena, text, o->style.ascii), o->style.width - 15);
	for (bool first = true; wrap_next(&wrap); first = false)
		printf("    %-10s %s%.*s%s\n", first ? label : "", tone_on(&o->style, tone),
		       (int)wrap.length, wrap.line, tone_off(&o->style));
}

static void finding(const struct options *o, const struct host_finding *f)
{
	enum verdict like = f->found ? VERDICT_PASS : VERDICT_SKIP;
	const char *title = printable(o->arena, f->title, o->style.ascii);

	printf("%s%s%s %-*s %s%s%s\n", tone_on(&o->style, verdict_tone(like)),
	       verdict_mark(&o->style, like), tone_off(&o->style), TITLE, title,
	       tone_on(&o->style, TONE_DIM), printable(o->arena, f->detail, o->style.ascii),
	       tone_off(&o->style));
	if (f->found)
		return;
	line(o, "without it", f->loss, TONE_PLAIN);
	line(o, "remedy", f->remedy, TONE_HINT);
}

int command_doctor(struct options *o, char **words)
{
	struct host_finding findings[HOST_FEATURE_COUNT];
	int missing = 0;

	(void)words;
	host_examine(o->arena, findings);
	printf("maplab %s on Linux %s, %s\n\n", report_version(), host_kernel(), host_arch());
	for (int i = 0; i < HOST_FEATURE_COUNT; i++) {
		finding(o, &findings[i]);
		missing += !findings[i].found;
	}
	printf("\nisolation: %s%s\n", host_isolation(),
	       missing ? "" : ", and nothing is missing: every check can be judged here");
	return 0;
}
