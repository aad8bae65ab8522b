/* The exam worker; see worker.h. Reads like the list of what a grading is. */
#include "exam/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/die.h"
#include "base/file.h"
#include "base/text.h"
#include "exam/exam_inside.h"
#include "exam/show.h"
#include "exam/submission.h"
#include "run/compile.h"

enum {
	ARENA_EXAM = 256 << 20, /* reserved, not used: MAP_NORESERVE */
	ARENA_CHECK = 1 << 30,
	WATCHDOG_S = 600, /* a worker that hangs is our fault; it must not hang the grader */
};

/* Everything of one grading, so that a failure anywhere can be put into the record. */
static struct grading_work {
	const struct work *work;
	struct arena *arena;
	struct compile_file sources[LAB_MAX_PROGRAMS];
	struct compile_file *headers;
	size_t header_count;
	bool skeleton;
	int self; /* maplab's own program, for actors */
	struct compiler *compiler;
	struct compile_result built[LAB_MAX_PROGRAMS];
	struct stage *stage;
	struct session *session;
	struct exam exam;
} now;

static const char *recorded(const char *text)
{
	return arena_copy(now.work->record, text);
}

static void finish_worker(enum lab_status status, const char *diagnostics)
{
	now.work->result->status = status;
	if (diagnostics)
		now.work->result->diagnostics = recorded(diagnostics);
}

/* The hook of die(): our own failure is a result too. */
static void record_failure(const char *message)
{
	finish_worker(LAB_BROKEN, message);
}

static void keep_scratch(void)
{
	char path[PATH_MAX];

	if (stage_keep(now.stage, path) == 0)
		*now.work->kept = recorded(path);
	else
		warn("the scratch directory cannot be kept: %s", strerror(errno));
}

_Noreturn static void leave(void)
{
	fflush(NULL);
	session_free(now.session);
	if (now.stage && now.work->options->keep)
		keep_scratch();
	stage_close(now.stage);
	if (now.compiler)
		compile_close(now.compiler);
	_exit(0);
}

_Noreturn static void give_up(enum lab_status status, const char *why)
{
	finish_worker(status, why);
	leave();
}

/* ---- before privileges are dropped: all that only the caller may read ---- */

static void read_sources(void)
{
	const struct submission *submission = now.work->submission;
	const char *why;

	for (size_t i = 0; i < submission->count; i++) {
		if (!compile_read_file(now.arena, submission->source[i].path, &now.sources[i],
				       &why))
			give_up(LAB_BUILD_ERROR, why);
		now.sources[i].name = submission->source[i].name;
	}
	now.skeleton = submission_is_skeleton(now.arena, now.work->lab, now.work->options->root,
					      now.sources, submission->count);
	if (!compile_read_headers(now.arena,
				  file_join(now.arena, now.work->options->root, "common"),
				  &now.headers, &now.header_count, &why))
		give_up(LAB_BROKEN, why);
	now.self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

/* Dies with its caller, and does so, too, where that was quicker than prctl(2). */
static void follow_caller(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != now.work->caller)
		_exit(0);
}

static void drop_privileges(struct stage_options *options)
{
	const char *why;

	if (stage_drop_privileges(options, &why) != 0)
		give_up(LAB_BROKEN, why);
	follow_caller(); /* a change of user has undone it */
}

/* ---- build ---- */

static void start_compilation(struct compile *jobs[])
{
	struct compile_options options = { .headers = now.headers,
					   .header_count = now.header_count,
					   .limits = compile_limits_default(),
					   .directory = now.work->options->builds };
	const char *why;

	now.compiler = compile_open(&options, &why);
	if (!now.compiler)
		give_up(LAB_BROKEN, why);
	for (size_t i = 0; i < now.work->submission->count; i++) {
		struct compile_job job = { .name = now.work->lab->programs[i].name,
					   .sources = &now.sources[i],
					   .source_count = 1 };

		jobs[i] = compile_start(now.compiler, &job);
	}
}

static void await_compilation(struct compile *jobs[])
{
	enum lab_status status = LAB_PASS;
	const char *words = "";

	for (size_t i = 0; i < now.work->submission->count; i++) {
		struct compile_result *built = &now.built[i];

		compile_wait(jobs[i], now.arena, built);
		words = arena_format(now.arena, "%s%s", words, built->diagnostics);
		if (built->status == COMPILE_BROKEN)
			status = LAB_BROKEN;
		else if (built->status != COMPILE_OK && status == LAB_PASS)
			status = LAB_BUILD_ERROR;
	}
	finish_worker(LAB_PASS, words); /* warnings are shown, whatever comes */
	if (status != LAB_PASS)
		give_up(status, words);
}

/* ---- the stage ---- */

/*
 * The worker and the program that it traces take turns; on one CPU a turn costs half of what it
 * costs across two. Whoever grades many submissions has one worker a CPU anyway.
 */
static void stay_on_this_cpu(void)
{
	cpu_set_t one;
	int cpu = sched_getcpu();

	CPU_ZERO(&one);
	if (cpu >= 0)
		CPU_SET((size_t)cpu, &one);
	if (cpu >= 0 && !now.work->lab->all_cpus)
		sched_setaffinity(0, sizeof(one), &one);
}

static void open_stage(const struct stage_options *options)
{
	const char *why;

	stay_on_this_cpu();
	now.stage = stage_open(options, &why);
	if (!now.stage)
		give_up(LAB_BROKEN, why);
	*now.work->isolation = recorded(stage_isolation_name(stage_isolation(now.stage)));
	now.session = session_new(now.stage, now.exam.arena, &why);
	if (!now.session)
		give_up(LAB_BROKEN, why);
	if (now.work->options->time_scale > 0)
		now.session->time_scale = now.work->options->time_scale;
}

static void put_programs(void)
{
	char inside[PATH_MAX], self[64];

	for (size_t i = 0; i < now.work->submission->count; i++) {
		if (stage_put_program(now.stage, now.built[i].output,
				      now.work->lab->programs[i].name, inside) != 0)
			give_up(LAB_BROKEN, "the compiled program cannot be put on the stage");
		now.exam.program_path[i] = arena_copy(now.arena, inside);
	}
	if (!now.work->lab->actors[0].name)
		return;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", now.self);
	if (stage_put_program(now.stage, self, "maplab", inside) != 0)
		give_up(LAB_BROKEN, "maplab cannot put itself on the stage");
	now.exam.actor_path = arena_copy(now.arena, inside);
}

/* ---- the checks ---- */

static void notify(void)
{
	while (now.work->notify >= 0 && write(now.work->notify, "+", 1) < 0 && errno == EINTR)
		;
}

static struct check_result *result_of(const char *id)
{
	struct lab_result *result = now.work->result;

	for (size_t i = 0; i < result->count; i++)
		if (text_equal(result->check[i].id, id))
			return &result->check[i];
	return NULL;
}

/* Was it asked for, or is it needed by one that was? */
static bool is_wanted(const struct check *check)
{
	const char *only = now.work->options->only_check;

	while (only) {
		const struct check *wanted = lab_check(now.work->lab, only);

		if (text_equal(check->id, only))
			return true;
		only = wanted ? wanted->needs : NULL;
	}
	return !now.work->options->only_check;
}

/* One mistake costs once: what rests on a failed check is skipped. A check that the host could not
 * judge blocks nothing. */
static bool is_blocked(const struct check *check, struct check_result *result)
{
	const struct check_result *needed = check->needs ? result_of(check->needs) : NULL;

	if (!needed || needed->verdict == VERDICT_PASS ||
	    (needed->verdict == VERDICT_SKIP && !needed->dependent))
		return false;
	result->verdict = VERDICT_SKIP;
	result->dependent = true;
	result->evidence.why = recorded(
		arena_format(now.arena, "it rests on \"%s\"", needed->title));
	return true;
}

static void run_checks(void)
{
	struct lab_result *result = now.work->result;

	for (size_t i = 0; i < result->count; i++) {
		const struct check *check = &now.work->lab->checks[i];
		struct check_result *verdict = &result->check[i];

		if (!is_wanted(check)) {
			verdict->verdict = VERDICT_SKIP;
			verdict->evidence.why = recorded("not asked for");
		} else if (!is_blocked(check, verdict)) {
			exam_run_check(&now.exam, check, verdict);
		}
		notify();
	}
}

static void sum_up(void)
{
	struct lab_result *result = now.work->result;
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

static void prepare_exam(void)
{
	struct exam *x = &now.exam;

	x->lab = now.work->lab;
	x->record = now.work->record;
	x->whole = now.arena;
	x->arena = arena_new(ARENA_CHECK, false);
	x->keep_files = now.work->options->keep;
	random_seed_text(&x->random, now.work->options->seed, x->lab->id);
}

_Noreturn void worker_main(const struct work *work)
{
	struct stage_options options = stage_options_default();
	struct compile *jobs[LAB_MAX_PROGRAMS];
	int64_t began = clock_now(), compiled;

	now.work = work;
	follow_caller();
	now.arena = arena_new(ARENA_EXAM, false);
	options.disk = true;
	alarm(WATCHDOG_S);
	die_hook(record_failure);
	prepare_exam();
	read_sources();
	if (now.skeleton && !work->options->skeleton_counts && !work->show)
		give_up(LAB_UNTOUCHED, NULL);
	drop_privileges(&options);
	start_compilation(jobs);
	open_stage(&options);
	await_compilation(jobs);
	compiled = clock_now();
	work->result->compile_seconds = (double)(compiled - began) / NS_PER_S;
	put_programs();
	now.exam.stage = now.stage;
	now.exam.session = now.session;
	if (work->show) {
		show_lab(&now.exam, work->args, work->maps_only);
	} else {
		run_checks();
		sum_up();
	}
	work->result->seconds = (double)(clock_now() - began) / NS_PER_S;
	leave();
}
