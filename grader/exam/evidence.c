/* Texts, fresh data, verdicts: the first chapters of exam.h. */
#include "exam/exam_inside.h"

#include <stdarg.h>

#include "base/text.h"
#include "procfs/proc.h"
#include "stage/host.h"

const char *say(struct exam *x, const char *format, ...)
{
	va_list args;
	const char *text;

	va_start(args, format);
	text = arena_vformat(x->arena, format, args);
	va_end(args);
	return text;
}

void *room(struct exam *x, size_t bytes)
{
	return arena_take(x->arena, bytes);
}

const char *keep(struct exam *x, const char *text)
{
	return text ? arena_copy(x->whole, text) : NULL;
}

const char *quoted(struct exam *x, const void *data, size_t size, size_t most)
{
	return text_quote(x->arena, data, size, most);
}

int64_t pick(struct exam *x, int64_t low, int64_t high)
{
	return random_between(&x->random, low, high);
}

unsigned char *pick_bytes(struct exam *x, size_t size)
{
	unsigned char *bytes = arena_take(x->arena, size + 1);

	random_bytes(&x->random, bytes, size);
	return bytes;
}

const char *pick_word(struct exam *x, size_t length)
{
	return random_word(&x->random, arena_take(x->arena, length + 1), length);
}

size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* ---- verdicts ---- */

static const char *recorded(struct exam *x, const char *text)
{
	return text ? arena_copy(x->record, text) : NULL;
}

static void record_evidence(struct exam *x, const struct evidence *evidence)
{
	struct evidence *kept = &x->result->evidence;

	kept->expected = recorded(x, evidence->expected);
	kept->observed = recorded(x, evidence->observed);
	kept->why = recorded(x, evidence->why);
	kept->from = recorded(x, evidence->from);
	kept->at = recorded(x, evidence->at);
}

bool exam_expect(struct exam *x, bool ok, const struct evidence *evidence)
{
	if (ok || !x->result)
		return ok;
	if (x->failed)
		x->result->more++;
	else
		record_evidence(x, evidence);
	x->failed = true;
	return false;
}

void exam_need(struct exam *x, bool ok, const struct evidence *evidence)
{
	if (!exam_expect(x, ok, evidence))
		exam_leave(x);
}

bool failed(const struct exam *x)
{
	return x->failed;
}

void need_good_so_far(struct exam *x)
{
	if (failed(x))
		skip(x, "what it rests on has failed");
}

_Noreturn void exam_leave(struct exam *x)
{
	longjmp(x->end_of_check, 1);
}

_Noreturn void skip(struct exam *x, const char *reason)
{
	if (x->result && !x->failed) {
		x->result->verdict = VERDICT_SKIP;
		record_evidence(x, &(struct evidence){ .why = reason });
	}
	exam_leave(x);
}

_Noreturn void broken(struct exam *x, const char *reason)
{
	if (x->result) {
		x->result->verdict = VERDICT_BROKEN;
		record_evidence(x, &(struct evidence){ .why = reason });
	}
	exam_leave(x);
}

/* ---- what the host gives ---- */

bool have_watchpoints(struct exam *x)
{
	(void)x;
	return host_has(HOST_WATCHPOINTS);
}

void need_watchpoints(struct exam *x)
{
	if (!have_watchpoints(x))
		skip(x,
		     "this host gives no hardware watchpoints (maplab doctor), so it cannot be seen who touches what when");
}

bool have_cachestat(struct exam *x)
{
	(void)x;
	return host_has(HOST_CACHESTAT);
}

bool fully_isolated(struct exam *x)
{
	return stage_isolation(x->stage) == STAGE_FULL;
}

/* ---- scenes ---- */

const char *exam_same_scene(struct exam *x, const char *failed)
{
	return say(x, "it looks at the same run as \"%s\", which failed", failed);
}

const void *scene(struct exam *x, void (*play)(struct exam *x, void *facts), size_t size)
{
	struct played_scene *played;

	for (size_t i = 0; i < x->scene_count; i++) {
		played = &x->scenes[i];
		if (played->play != play)
			continue;
		if (played->failed_in)
			skip(x, exam_same_scene(x, played->failed_in));
		return played->facts;
	}
	if (x->scene_count == EXAM_SCENES)
		broken(x, "the exam has too many scenes");
	played = &x->scenes[x->scene_count++];
	*played = (struct played_scene){ play, arena_take(x->whole, size),
					 x->check ? x->check->id : "show" };
	play(x, played->facts); /* leaves by longjmp where it fails: failed_in stays */
	if (x->failed)
		exam_leave(x);
	played->failed_in = NULL;
	return played->facts;
}
