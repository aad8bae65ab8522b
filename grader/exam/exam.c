/* One check on a stage that stands ready: fresh ground before it, nothing left after it. */
#include "exam/exam_inside.h"

#include "base/text.h"

void exam_begin(struct exam *x)
{
	x->clean_mark = arena_mark(x->arena);
	x->failed = false;
	x->open_files = x->mapped_count = 0;
	if (!exam_work_in(x, STAGE_WORK))
		broken(x,
		       say(x, "the grader cannot make a working directory: %s", strerror(errno)));
}

void exam_end(struct exam *x)
{
	session_clear(x->session);
	if (x->keep_files && x->failed)
		exam_keep_files(x);
	for (size_t i = 0; i < x->open_files; i++)
		close(x->open_file[i]);
	for (size_t i = 0; i < x->mapped_count; i++)
		munmap(x->mapped[i].address, x->mapped[i].size);
	x->open_files = x->mapped_count = 0;
	exam_close_places(x);
	stage_clean(x->stage);
	arena_reset(x->arena, x->clean_mark);
}

static void seed_check(struct exam *x, const struct check *check)
{
	struct random fresh = x->random;

	random_seed_text(&x->random, random_next(&fresh), check->id);
}

void exam_run_check(struct exam *x, const struct check *check, struct check_result *result)
{
	struct random kept = x->random;

	x->check = check;
	x->result = result;
	result->verdict = VERDICT_PENDING;
	seed_check(x, check);
	if (setjmp(x->end_of_check) == 0) {
		exam_begin(x);
		(check->run)(x); /* in parentheses: run() is a macro of exam.h */
	}
	if (result->verdict == VERDICT_PENDING)
		result->verdict = x->failed ? VERDICT_FAIL : VERDICT_PASS;
	result->score = result->verdict == VERDICT_PASS ? check->points : 0;
	exam_end(x);
	x->random = kept;
	x->check = NULL;
	x->result = NULL;
}
