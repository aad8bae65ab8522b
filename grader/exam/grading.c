/* The caller's side of a grading: fork the worker, follow it, bury it. See grading.h. */
#include "exam/grading.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/die.h"
#include "exam/worker.h"

enum { RECORD_ROOM = 64 << 20 };

struct grading {
	struct arena *arena; /* shared with the worker */
	struct submission submission;
	struct grading_options options;
	struct lab_result *result;
	const char **isolation, **kept; /* set by the worker */
	pid_t worker, second;		/* 0 or -1: there is no second */
	int fd;				/* readable at news; end of file when the worker is gone */
	bool done;
};

static struct lab_result *empty_result(struct arena *arena, const struct lab *lab)
{
	struct lab_result *result = arena_take(arena, sizeof(*result));

	result->id = lab->id;
	result->title = lab->title;
	result->status = LAB_BROKEN; /* until the worker says otherwise */
	result->diagnostics = "";
	result->max = lab_points(lab);
	result->count = lab_check_count(lab);
	result->check = arena_take(arena, result->count * sizeof(*result->check));
	for (size_t i = 0; i < result->count; i++) {
		const struct check *check = &lab->checks[i];
		struct check_result *empty = &result->check[i];

		*empty = (struct check_result){ .id = check->id,
						.title = check->title,
						.task = check->task,
						.max = check->points };
		while (empty->hints < LAB_MAX_HINTS && check->hints[empty->hints])
			empty->hints++;
	}
	return result;
}

static uint64_t fresh_seed(void)
{
	uint64_t seed = 0;

	while (seed == 0)
		if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
			seed = (uint64_t)getpid();
	return seed >> 16; /* short enough to be typed */
}

static struct grading *grading_new(const struct lab *lab, const struct submission *submission,
				   const struct grading_options *options)
{
	struct arena *arena = arena_new(RECORD_ROOM, true);
	struct grading *grading = arena_take(arena, sizeof(*grading));

	grading->arena = arena;
	grading->submission = *submission;
	grading->options = *options;
	if (!grading->options.seed)
		grading->options.seed = fresh_seed();
	grading->result = empty_result(arena, lab);
	grading->isolation = arena_take(arena, sizeof(*grading->isolation));
	*grading->isolation = "none";
	grading->kept = arena_take(arena, sizeof(*grading->kept));
	grading->fd = -1;
	return grading;
}

static pid_t fork_flushed(void)
{
	fflush(NULL); /* or the child prints it again */
	return fork();
}

/* Two workers share the checks where that makes a grading quicker: where there is a second CPU, and
 * one scratch directory is not to be kept. */
static bool wants_two(const struct grading *grading, const struct work *work)
{
	cpu_set_t allowed;

	return !work->show && !grading->options.alone && !grading->options.keep &&
	       sched_getaffinity(0, sizeof(allowed), &allowed) == 0 && CPU_COUNT(&allowed) > 1;
}

/* Without a second worker the first does all: what fails here costs time only. */
static void fork_second(struct grading *grading, struct work *work, int peer)
{
	pid_t pid = fork_flushed();

	if (pid == 0) {
		close(grading->fd);
		work->second = true;
		work->peer = peer;
		work->notify = -1;
		worker_main(work);
	}
	grading->second = pid;
}

static void fork_workers(struct grading *grading, struct work *work)
{
	int ends[2], peers[2] = { -1, -1 };
	bool two = wants_two(grading, work) &&
		   socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, peers) == 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		die("cannot make a pipe: %s", strerror(errno));
	/* The grading is memory shared with the worker: only the parent writes the pid. */
	pid = fork_flushed();
	if (pid < 0)
		die("cannot fork a worker: %s", strerror(errno));
	if (pid == 0) {
		close(ends[0]);
		if (two)
			close(peers[1]);
		work->notify = ends[1];
		work->peer = peers[0];
		worker_main(work);
	}
	grading->worker = pid;
	close(ends[1]);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	grading->fd = ends[0];
	if (two) {
		close(peers[0]);
		fork_second(grading, work, peers[1]);
		close(peers[1]);
	}
}

static struct work work_of(struct grading *grading, const struct lab *lab)
{
	return (struct work){ .lab = lab,
			      .submission = &grading->submission,
			      .options = &grading->options,
			      .record = grading->arena,
			      .result = grading->result,
			      .isolation = grading->isolation,
			      .kept = grading->kept,
			      .share = share_new(grading->arena, grading->result),
			      .peer = -1,
			      .notify = -1,
			      .caller = getpid() };
}

struct grading *grading_start(const struct lab *lab, const struct submission *submission,
			      const struct grading_options *options)
{
	struct grading *grading = grading_new(lab, submission, options);
	struct work work = work_of(grading, lab);

	fork_workers(grading, &work);
	return grading;
}

int grading_fd(const struct grading *grading)
{
	return grading->fd;
}

/* What the worker could not judge before its end is broken, by our fault. */
static void conclude(struct grading *grading, int status)
{
	struct lab_result *result = grading->result;
	const char *end;

	grading->done = true;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	end = WIFSIGNALED(status) ? arena_format(grading->arena, "signal %d", WTERMSIG(status))
				  : arena_format(grading->arena, "status %d", WEXITSTATUS(status));
	result->status = LAB_BROKEN;
	if (!*result->diagnostics || WIFSIGNALED(status))
		result->diagnostics = arena_format(grading->arena, "the exam worker ended with %s",
						   end);
	for (size_t i = 0; i < result->count; i++)
		if (result->check[i].verdict == VERDICT_PENDING) {
			result->check[i].verdict = VERDICT_BROKEN;
			result->check[i].evidence.why = result->diagnostics;
		}
}

/* The wait status of a worker that is at its end; 0 where there was none. */
static int bury(pid_t worker)
{
	int status = 0;

	while (worker > 0 && waitpid(worker, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

bool grading_poll(struct grading *grading)
{
	char news[256];
	ssize_t got;
	int status;

	if (grading->done)
		return true;
	do
		got = read(grading->fd, news, sizeof(news));
	while (got > 0 || (got < 0 && errno == EINTR));
	if (got < 0)
		return false;
	status = bury(grading->worker);
	if (status != 0 && grading->second > 0)
		kill(grading->second, SIGKILL);
	bury(grading->second);
	conclude(grading, status);
	return true;
}

void grading_wait(struct grading *grading)
{
	struct pollfd fd = { .fd = grading->fd, .events = POLLIN };

	while (!grading_poll(grading))
		poll(&fd, 1, -1);
}

const struct lab_result *grading_result(const struct grading *grading)
{
	return grading->result;
}

const char *grading_isolation(const struct grading *grading)
{
	return *grading->isolation;
}

const char *grading_kept(const struct grading *grading)
{
	return *grading->kept;
}

void grading_free(struct grading *grading)
{
	if (!grading)
		return;
	if (!grading->done) {
		kill(grading->worker, SIGKILL); /* the stage's janitor clears away after it */
		if (grading->second > 0)
			kill(grading->second, SIGKILL);
		bury(grading->worker);
		bury(grading->second);
	}
	if (grading->fd >= 0)
		close(grading->fd);
	arena_free(grading->arena);
}

int grading_show(const struct lab *lab, const struct submission *submission,
		 const struct grading_options *options, const char *const *args, bool maps_only)
{
	struct grading *grading = grading_new(lab, submission, options);
	struct work work = work_of(grading, lab);
	int status = 0;

	work.show = true;
	work.maps_only = maps_only;
	work.args = args;
	fork_workers(grading, &work);
	grading_wait(grading);
	if (grading->result->status == LAB_BUILD_ERROR) {
		fputs(grading->result->diagnostics, stderr);
		status = 1;
	} else if (grading->result->status == LAB_BROKEN) {
		warn("%s", grading->result->diagnostics);
		status = 3;
	}
	grading_free(grading);
	return status;
}
