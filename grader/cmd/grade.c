/* grade.c: `maplab grade`. */
#include "base/die.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/output.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

/* What --repeat found of one lab: the first grading that did not pass, else the last. */
struct repeated {
	struct grading *kept;
	uint64_t seed;
	int passes[LAB_MAX_CHECKS];
	int fails[LAB_MAX_CHECKS];
	int whole; /* gradings that passed */
};

/* One line that is rewritten while the lab is graded; only where somebody looks. */
static void progress(const struct options *o, const struct lab *lab,
		     const struct lab_result *result)
{
	size_t done = 0;

	if (!o->style.terminal)
		return;
	for (size_t i = 0; i < result->count; i++)
		done += result->check[i].verdict != VERDICT_PENDING;
	printf("\r%s%s  %zu/%zu%s\033[K", tone_on(&o->style, TONE_DIM), lab->id, done,
	       result->count, tone_off(&o->style));
	fflush(stdout);
}

static struct grading *grade(const struct options *o, const struct lab *lab,
			     const struct grading_options *how)
{
	struct submission submission = submission_find(o->arena, lab, o->source);
	struct grading *grading = grading_start(lab, &submission, how);

	do {
		struct pollfd wait = { grading_fd(grading), POLLIN, 0 };

		progress(o, lab, grading_result(grading));
		poll(&wait, 1, -1);
	} while (!grading_poll(grading));
	if (o->style.terminal)
		printf("\r\033[K");
	if (grading_kept(grading))
		fprintf(stderr,
			"%s: kept in %s: the programs in bin, files of failed checks in failed\n",
			lab->id, grading_kept(grading));
	return grading;
}

static void count(struct repeated *r, const struct lab_result *result)
{
	r->whole += result->status == LAB_PASS;
	for (size_t i = 0; i < result->count && i < LAB_MAX_CHECKS; i++) {
		r->passes[i] += result->check[i].verdict == VERDICT_PASS;
		r->fails[i] += result->check[i].verdict == VERDICT_FAIL;
	}
}

static struct repeated grade_often(const struct options *o, const struct lab *lab, uint64_t seed)
{
	struct repeated r = { 0 };

	for (int i = 0; i < o->repeat; i++) {
		struct grading_options how = grading_options_from(o);
		struct grading *grading;

		if (i == 0)
			how.seed = seed;
		grading = grade(o, lab, &how);
		count(&r, grading_result(grading));
		if (r.kept && grading_result(r.kept)->status != LAB_PASS) {
			grading_free(grading);
			continue;
		}
		grading_free(r.kept);
		r.kept = grading;
		r.seed = how.seed;
	}
	return r;
}

/* Verdicts that are not the same every time are worth more than any of them. */
static void report_repeated(const struct options *o, const struct lab *lab,
			    const struct repeated *r)
{
	fprintf(stderr, "%s: graded %d times, passed %d times", lab->id, o->repeat, r->whole);
	if (r->whole < o->repeat)
		fprintf(stderr, " (shown: seed %llu)", (unsigned long long)r->seed);
	fprintf(stderr, "\n");
	for (size_t i = 0; i < lab_check_count(lab); i++)
		if (r->passes[i] > 0 && r->passes[i] < o->repeat)
			fprintf(stderr, "    %s passed %d and failed %d times\n", lab->checks[i].id,
				r->passes[i], r->fails[i]);
}

int command_grade(struct options *o, char **words)
{
	struct store *store = NULL;
	const struct lab **labs;
	struct grading **gradings;
	struct lab_result *results;
	struct record record;
	uint64_t seed = o->seed ? o->seed : fresh_seed();
	bool shown = o->style.terminal && !o->out && text_equal(o->format->name, "text");
	size_t count;

	output_check(o);
	labs = labs_of_words(o->arena, words, &count);
	store = store_open(o->source);
	results = arena_take(o->arena, count * sizeof *results);
	gradings = arena_take(o->arena, count * sizeof *gradings);
	o->style.terminal = shown;
	for (size_t i = 0; i < count; i++) {
		struct repeated r = grade_often(o, labs[i], seed);

		gradings[i] = r.kept;
		results[i] = *grading_result(r.kept);
		store_attempt(store, &results[i], r.seed);
		if (o->repeat > 1)
			report_repeated(o, labs[i], &r);
	}
	record = record_of(results, count, seed);
	output_record(o, &record);
	for (size_t i = 0; i < count; i++)
		grading_free(gradings[i]);
	store_close(store);
	return record_exit_status(&record);
}
