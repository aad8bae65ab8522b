#include "exam/checks.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"

struct share *share_new(struct arena *record, const struct lab_result *empty)
{
	struct share *share = arena_take(record, sizeof(*share));

	for (size_t i = 0; i < empty->count; i++)
		share->check[i].result = empty->check[i];
	return share;
}

/* ---- the two workers ---- */

void hand_tell(const struct hand *hand)
{
	while (hand->peer >= 0 && send(hand->peer, "+", 1, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

bool hand_hear(const struct hand *hand)
{
	char news[64];
	ssize_t got;

	if (hand->peer < 0)
		return false;
	do
		got = read(hand->peer, news, sizeof(news));
	while (got < 0 && errno == EINTR);
	return got > 0;
}

void hand_let_go(struct hand *hand)
{
	if (hand->peer >= 0)
		close(hand->peer);
	hand->peer = -1;
}

static bool is_done(const struct hand *hand, size_t i)
{
	return __atomic_load_n(&hand->share->check[i].done, __ATOMIC_ACQUIRE);
}

static bool judge(const struct hand *hand, size_t i);

/* Until the check is done. The first worker does itself what the second has left undone by dying;
 * false: we are the second, and the first is gone. */
static bool await(const struct hand *hand, size_t i)
{
	while (!is_done(hand, i)) {
		if (hand_hear(hand))
			continue;
		if (!hand->result)
			return false;
		/* what is published is empty still; the other may have died with half a result */
		hand->share->check[i].result = hand->result->check[i];
		judge(hand, i);
	}
	return true;
}

/* ---- one check ---- */

/* The earlier check that check i needs; i itself where it needs none. */
static size_t needed_by(const struct lab *lab, size_t i)
{
	size_t j = 0;

	while (j < i && !text_equal(lab->checks[j].id, lab->checks[i].needs))
		j++;
	return j;
}

/*
 * The earlier check that failed in the same scene as this one. A worker does not play again what
 * has failed; where each of the two has played it, the later check is the one that should not have.
 */
static const struct check_result *failed_before(const struct hand *hand, size_t i)
{
	const struct shared_check *check = hand->share->check;

	if (!check[i].failed_scene)
		return NULL;
	for (size_t j = 0; j < i; j++)
		if (await(hand, j) && check[j].failed_scene == check[i].failed_scene)
			return &check[j].result;
	return NULL;
}

static void skip_dependent(struct exam *x, struct check_result *result, const char *needed)
{
	result->verdict = VERDICT_SKIP;
	result->dependent = true;
	result->evidence.why = arena_format(x->record, "it rests on \"%s\"", needed);
}

/* One mistake costs once: what rests on a failed check is skipped. A check that the host could not
 * judge blocks nothing. */
static bool is_blocked(const struct hand *hand, size_t needed)
{
	const struct check_result *result = &hand->share->check[needed].result;

	return result->verdict != VERDICT_PASS && !failed_before(hand, needed) &&
	       (result->verdict != VERDICT_SKIP || result->dependent);
}

/* play() of the scene in which this check has failed, or NULL. */
static const void *failed_scene(const struct exam *x, const struct check *check)
{
	for (size_t i = 0; i < x->scene_count; i++)
		if (x->scenes[i].failed_in == check->id)
			return x->scenes[i].play;
	return NULL;
}

static bool judge(const struct hand *hand, size_t i)
{
	struct exam *x = hand->exam;
	const struct check *check = &x->lab->checks[i];
	struct shared_check *shared = &hand->share->check[i];
	size_t needed = needed_by(x->lab, i);

	if (needed != i && !await(hand, needed))
		return false;
	if (needed != i && is_blocked(hand, needed)) {
		skip_dependent(x, &shared->result, x->lab->checks[needed].title);
	} else {
		exam_run_check(x, check, &shared->result);
		shared->failed_scene = failed_scene(x, check);
	}
	__atomic_store_n(&shared->done, true, __ATOMIC_RELEASE);
	hand_tell(hand);
	return true;
}

/* ---- all of them ---- */

static void publish(const struct hand *hand, size_t i)
{
	const struct check_result *before = failed_before(hand, i);
	struct check_result result = hand->share->check[i].result;

	if (before) {
		result.verdict = VERDICT_SKIP;
		result.score = result.more = 0;
		result.evidence = (struct evidence){ .why = exam_same_scene(hand->exam,
									    before->id) };
	}
	hand->result->check[i] = result;
	hand->published();
}

bool checks_run(const struct hand *hand)
{
	size_t count = lab_check_count(hand->exam->lab), published = 0, i;

	while ((i = __atomic_fetch_add(&hand->share->next, 1, __ATOMIC_RELAXED)) < count) {
		if (!judge(hand, i))
			return false;
		while (hand->result && published < count && is_done(hand, published))
			publish(hand, published++);
	}
	for (; hand->result && published < count; published++) {
		await(hand, published);
		publish(hand, published);
	}
	return true;
}

void checks_sum_up(struct lab_result *result)
{
	bool fail = false, broken_check = false;

	result->score = result->max = 0;
	for (size_t i = 0; i < result->count; i++) {
		const struct check_result *check = &result->check[i];
		bool judged = check->verdict == VERDICT_PASS || check->verdict == VERDICT_FAIL ||
			      check->dependent;

		fail |= check->verdict == VERDICT_FAIL;
		broken_check |= check->verdict == VERDICT_BROKEN;
		result->score += check->score;
		result->max += judged ? check->max : 0;
	}
	result->status = broken_check ? LAB_BROKEN : fail ? LAB_FAIL : LAB_PASS;
}
