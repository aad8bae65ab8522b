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
#include "exam/checks.h"
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
	struct stage *stage;
	struct session *session;
	struct exam exam;
	struct hand hand;
} now;

static const char *recorded(const char *text)
{
	return arena_copy(now.work->record, text);
}

/* What the second worker cannot do the first does: nobody needs to hear of it. */
static void finish_worker(enum lab_status status, const char *diagnostics)
{
	if (now.work->second)
		return;
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

/* The program's file, and those of the lab's other programs that it names: it may include them.
 * (All of them would do, but then no program is known to be compiled already.) */
static size_t sources_of(size_t program, struct compile_file sources[LAB_MAX_PROGRAMS])
{
	const struct compile_file *own = &now.sources[program];
	size_t count = 0;

	sources[count++] = *own;
	for (size_t i = 0; i < now.work->submission->count; i++) {
		const char *name = now.sources[i].name;

		if (i != program && memmem(own->bytes, own->size, name, strlen(name)))
			sources[count++] = now.sources[i];
	}
	return count;
}

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
		struct compile_file sources[LAB_MAX_PROGRAMS];
		struct compile_job job = { .name = now.work->lab->programs[i].name,
					   .sources = sources,
					   .source_count = sources_of(i, sources),
					   .only = now.sources[i].name };

		jobs[i] = compile_start(now.compiler, &job);
	}
}

static void await_compilation(struct compile *jobs[])
{
	enum lab_status status = LAB_PASS;
	const char *words = "";

	for (size_t i = 0; i < now.work->submission->count; i++) {
		struct compile_result built;

		compile_wait(jobs[i], now.arena, &built);
		words = arena_format(now.arena, "%s%s", words, built.diagnostics);
		if (built.status == COMPILE_BROKEN)
			status = LAB_BROKEN;
		else if (built.status != COMPILE_OK && status == LAB_PASS)
			status = LAB_BUILD_ERROR;
		memcpy(now.work->share->program[i], built.output, sizeof(built.output));
	}
	finish_worker(LAB_PASS, words); /* warnings are shown, whatever comes */
	if (status != LAB_PASS)
		give_up(status, words);
	__atomic_store_n(&now.work->share->built, true, __ATOMIC_RELEASE);
	hand_tell(&now.hand);
}

/* ---- the stage ---- */

/* The second worker's: any but that of the first. */
static int another_cpu(void)
{
	cpu_set_t allowed;
	int cpu = 0;

	sched_getaffinity(0, sizeof(allowed), &allowed);
	while (cpu < CPU_SETSIZE && (!CPU_ISSET(cpu, &allowed) || cpu == now.work->share->cpu))
		cpu++;
	return cpu < CPU_SETSIZE ? cpu : -1;
}

/*
 * The worker and the program that it traces take turns; on one CPU a turn costs half of what it
 * costs across two. Whoever grades many submissions has one worker a CPU anyway.
 */
static void stay_on_one_cpu(void)
{
	cpu_set_t one;
	int cpu = now.work->second ? another_cpu() : sched_getcpu();

	CPU_ZERO(&one);
	if (cpu >= 0)
		CPU_SET((size_t)cpu, &one);
	if (cpu >= 0 && !now.work->lab->all_cpus)
		sched_setaffinity(0, sizeof(one), &one);
	if (!now.work->second)
		now.work->share->cpu = cpu;
}

/* Stages without namespaces take turns: two of one grading would wait for each other for ever. */
static void let_second_begin(void)
{
	if (stage_isolation(now.stage) != STAGE_FULL) {
		hand_let_go(&now.hand);
		return;
	}
	__atomic_store_n(&now.work->share->staged, true, __ATOMIC_RELEASE);
	hand_tell(&now.hand);
}

static void open_stage(const struct stage_options *options)
{
	const char *why;

	stay_on_one_cpu();
	now.stage = stage_open(options, &why);
	if (!now.stage)
		give_up(LAB_BROKEN, why);
	now.session = session_new(now.stage, now.exam.arena, &why);
	if (!now.session)
		give_up(LAB_BROKEN, why);
	if (now.work->options->time_scale > 0)
		now.session->time_scale = now.work->options->time_scale;
	now.exam.stage = now.stage;
	now.exam.session = now.session;
}

static void put_programs(void)
{
	char inside[PATH_MAX], self[64];

	for (size_t i = 0; i < now.work->submission->count; i++) {
		if (stage_put_program(now.stage, now.work->share->program[i],
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

/*
 * A session of its own is a scheduling group of its own (sched(7), autogroup). In its caller's, the
 * worker would wait at every turn for whatever else was started from the same terminal: beside a
 * busy loop on each CPU a grading took up to a hundred times as long.
 */
static void leave_session(void)
{
	setsid();
}

static void prepare(const struct work *work)
{
	now.work = work;
	follow_caller();
	leave_session();
	now.arena = arena_new(ARENA_EXAM, false);
	now.hand = (struct hand){ .exam = &now.exam,
				  .share = work->share,
				  .peer = work->peer,
				  .result = work->second ? NULL : work->result,
				  .published = notify };
	alarm(WATCHDOG_S);
	die_hook(record_failure);
	prepare_exam();
	now.self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

/* Until the first worker has come so far; ends with it. */
static void hear_that(const bool *is_so)
{
	while (!__atomic_load_n(is_so, __ATOMIC_ACQUIRE))
		if (!hand_hear(&now.hand))
			leave();
}

/* The second worker: it opens its stage while the first compiles, and then takes its share. */
static void help_along(struct stage_options *options)
{
	const struct share *share = now.work->share;

	drop_privileges(options);
	hear_that(&share->staged);
	open_stage(options);
	hear_that(&share->built);
	put_programs();
	checks_run(&now.hand);
	leave();
}

static void grade(const struct work *work, struct stage_options *options)
{
	struct compile *jobs[LAB_MAX_PROGRAMS];
	int64_t began = clock_now();

	read_sources();
	if (now.skeleton && !work->options->skeleton_counts && !work->show)
		give_up(LAB_UNTOUCHED, NULL);
	drop_privileges(options);
	start_compilation(jobs);
	open_stage(options);
	*work->isolation = recorded(stage_isolation_name(stage_isolation(now.stage)));
	let_second_begin();
	await_compilation(jobs);
	work->result->compile_seconds = (double)(clock_now() - began) / NS_PER_S;
	put_programs();
	if (work->show) {
		show_lab(&now.exam, work->args, work->maps_only);
	} else {
		checks_run(&now.hand);
		checks_sum_up(work->result);
	}
	work->result->seconds = (double)(clock_now() - began) / NS_PER_S;
}

_Noreturn void worker_main(const struct work *work)
{
	struct stage_options options = stage_options_default();

	options.disk = true;
	prepare(work);
	if (work->second)
		help_along(&options);
	else
		grade(work, &options);
	leave();
}
