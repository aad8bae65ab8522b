/* verify.c: `maplab verify`: proves that the exams judge as they should. */
#include "base/clock.h"
#include "base/text.h"
#include "cmd/cases.h"
#include "cmd/pool.h"
#include "report/layout.h"
#include "stage/host.h"

#include <stdio.h>
#include <string.h>

struct verify {
	struct options *o;
	struct lab_case *cases;
	struct job *jobs;
	size_t count;
	bool (*caught)[LAB_MAX_CHECKS]; /* by lab: some wrong case fails this check */
	const struct lab **labs;
	size_t lab_count;
	int bad, round;
};

static bool expected_to_fail(const struct lab_case *c, const char *id)
{
	for (size_t i = 0; i < c->expects; i++)
		if (text_equal(c->expect[i], id))
			return true;
	return false;
}

/* What the result should have been and was not; NULL when all is as it should be. */
static const char *surprise_of_wrong(struct arena *arena, const struct lab_case *c,
				     const struct lab_result *result)
{
	const char *text = NULL;

	for (size_t i = 0; i < result->count; i++) {
		const struct check_result *r = &result->check[i];
		bool fails = r->verdict == VERDICT_FAIL;

		if (fails != expected_to_fail(c, r->id))
			text = arena_format(arena, "%s%s%s %s", text ? text : "", text ? "; " : "",
					    r->id, fails ? "fails unexpectedly" : "should fail");
		if (r->verdict == VERDICT_BROKEN)
			text = arena_format(arena, "%s%s%s is broken", text ? text : "",
					    text ? "; " : "", r->id);
	}
	return text;
}

/* Checks may be skipped where the host lacks what they need, but not where it lacks nothing. */
static const char *surprise_of_right(struct arena *arena, const struct lab_result *result)
{
	static const enum host_feature needed[] = { HOST_USERNS, HOST_PTRACE, HOST_WATCHPOINTS,
						    HOST_CACHESTAT, HOST_DISK };
	const char *text = NULL;

	if (result->status != LAB_PASS)
		return "should pass whole";
	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (!host_has(needed[i]))
			return NULL;
	for (size_t i = 0; i < result->count; i++)
		if (result->check[i].verdict == VERDICT_SKIP)
			text = arena_format(
				arena, "%s%s%s is skipped, though the host lacks nothing",
				text ? text : "", text ? "; " : "", result->check[i].id);
	return text;
}

static const char *surprise(struct arena *arena, const struct lab_case *c,
			    const struct lab_result *result)
{
	if (c->defect)
		return c->defect;
	if (result->status == LAB_BROKEN || result->status == LAB_BUILD_ERROR)
		return status_word(result->status);
	switch (c->kind) {
	case CASE_SKELETON:
		return result->status == LAB_FAIL && result->score < result->max
			       ? NULL
			       : "the skeleton passes";
	case CASE_REFERENCE:
	case CASE_RIGHT:
		return surprise_of_right(arena, result);
	case CASE_WRONG:
		return surprise_of_wrong(arena, c, result);
	}
	return NULL;
}

static void print_case(const struct verify *v, const struct lab_case *c,
		       const struct lab_result *result, const char *wrong)
{
	const struct style *style = &v->o->style;
	enum verdict like = wrong ? VERDICT_FAIL : VERDICT_PASS;

	printf("%s%s%s %-22s %-32s %3d/%-3d %6.2f s%s%s\n", tone_on(style, verdict_tone(like)),
	       verdict_mark(style, like), tone_off(style), c->lab->id, c->name, result->score,
	       result->max, result->seconds, wrong ? "  " : "",
	       wrong ? printable(v->o->arena, wrong, style->ascii) : "");
	if (wrong)
		report_lab(result, style, stdout);
	fflush(stdout);
}

static size_t lab_index(const struct verify *v, const struct lab *lab)
{
	size_t i = 0;

	while (i < v->lab_count && v->labs[i] != lab)
		i++;
	return i;
}

static void note_caught(struct verify *v, const struct lab_case *c, const struct lab_result *result)
{
	size_t lab = lab_index(v, c->lab);

	for (size_t i = 0; i < result->count && i < LAB_MAX_CHECKS; i++)
		if (result->check[i].verdict == VERDICT_FAIL && c->kind == CASE_WRONG)
			v->caught[lab][i] = true;
}

static void done(size_t index, const struct lab_result *result, void *data)
{
	struct verify *v = data;
	const struct lab_case *c = &v->cases[index];
	size_t mark = arena_mark(v->o->arena);
	const char *wrong = surprise(v->o->arena, c, result);

	note_caught(v, c, result);
	v->bad += wrong != NULL;
	/* From the second round on only what is not as before. */
	if (wrong || v->round == 0)
		print_case(v, c, result, wrong);
	arena_reset(v->o->arena, mark);
}

static void collect(struct verify *v)
{
	size_t most = 0;

	for (size_t i = 0; i < v->lab_count; i++) {
		size_t count;
		struct lab_case *cases = cases_of(v->o, v->labs[i], &count);
		struct lab_case *all = arena_take(v->o->arena, (most + count) * sizeof *all);

		if (most > 0)
			memcpy(all, v->cases, most * sizeof *all);
		memcpy(all + most, cases, count * sizeof *all);
		v->cases = all;
		most += count;
	}
	v->count = most;
	v->jobs = arena_take(v->o->arena, (most + 1) * sizeof *v->jobs);
}

static void prepare_jobs(struct verify *v)
{
	for (size_t i = 0; i < v->count; i++) {
		struct job *job = &v->jobs[i];

		job->lab = v->cases[i].lab;
		job->submission = v->cases[i].submission;
		job->options = grading_options_from(v->o);
		job->options.root = v->o->root;
		job->options.skeleton_counts = true;
	}
}

static void print_defect(struct verify *v, const struct lab *lab, const char *text)
{
	const struct style *style = &v->o->style;

	printf("%s%s%s %-22s %s\n", tone_on(style, TONE_FAIL), verdict_mark(style, VERDICT_FAIL),
	       tone_off(style), lab->id, printable(v->o->arena, text, style->ascii));
	v->bad++;
}

static void defects(struct verify *v)
{
	for (size_t i = 0; i < v->lab_count; i++)
		for (const char **text = lab_defects(v->o, v->labs[i]); *text; text++)
			print_defect(v, v->labs[i], *text);
}

/* A check that no wrong submission fails has not been shown to check anything. */
static void uncaught(struct verify *v)
{
	for (size_t i = 0; i < v->lab_count; i++)
		for (size_t c = 0; c < lab_check_count(v->labs[i]); c++)
			if (!v->caught[i][c])
				print_defect(v, v->labs[i],
					     arena_format(v->o->arena,
							  "no wrong submission fails %s",
							  v->labs[i]->checks[c].id));
}

int command_verify(struct options *o, char **words)
{
	struct verify v = { .o = o };
	int64_t start = clock_now();

	v.labs = labs_of_words(o->arena, words, &v.lab_count);
	v.caught = arena_take(o->arena, (v.lab_count + 1) * sizeof *v.caught);
	collect(&v);
	defects(&v);
	for (v.round = 0; v.round < o->repeat; v.round++) {
		prepare_jobs(&v);
		pool_run(v.jobs, v.count, o->jobs, done, &v);
	}
	uncaught(&v);
	printf("%zu lab%s, %zu cases%s, %.1f s: ", v.lab_count, v.lab_count == 1 ? "" : "s",
	       v.count, o->repeat > 1 ? arena_format(o->arena, " %d times", o->repeat) : "",
	       (double)(clock_now() - start) / (double)NS_PER_S);
	if (v.bad == 0)
		printf("all as it should be\n");
	else
		printf("%d not as it should be\n", v.bad);
	return v.bad > 0;
}
