#include "cmd/pool.h"

#include "base/die.h"
#include "exam/builds.h"

#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>

enum { WORKERS_MOST = 64 };

/* Waits until one of the running gradings has something to say. */
static void wait_for_news(struct grading *const *gradings, const bool *ended, size_t from,
			  size_t to)
{
	struct pollfd wait[WORKERS_MOST];
	nfds_t count = 0;

	for (size_t i = from; i < to && count < WORKERS_MOST; i++)
		if (!ended[i])
			wait[count++] = (struct pollfd){ grading_fd(gradings[i]), POLLIN, 0 };
	poll(wait, count, -1);
}

static size_t take_news(struct grading *const *gradings, bool *ended, size_t from, size_t to)
{
	size_t running = 0;

	for (size_t i = from; i < to; i++) {
		if (!ended[i])
			ended[i] = grading_poll(gradings[i]);
		running += !ended[i];
	}
	return running;
}

void pool_run(const struct job *jobs, size_t count, int workers,
	      void (*done)(size_t index, const struct lab_result *result, void *data), void *data)
{
	struct grading **gradings = calloc(count + 1, sizeof *gradings);
	bool *ended = calloc(count + 1, sizeof *ended);
	size_t told = 0, started = 0, running = 0;
	struct builds builds;

	if (!gradings || !ended)
		die("out of memory");
	if (workers > WORKERS_MOST)
		workers = WORKERS_MOST;
	builds_open(&builds);
	while (told < count) {
		for (; started < count && running < (size_t)workers; started++, running++) {
			struct grading_options options = jobs[started].options;

			options.alone = workers > 1;
			options.builds = builds.directory[0] ? builds.directory : NULL;
			gradings[started] = grading_start(jobs[started].lab,
							  &jobs[started].submission, &options);
		}
		wait_for_news(gradings, ended, told, started);
		running = take_news(gradings, ended, told, started);
		for (; told < started && ended[told]; told++) {
			done(told, grading_result(gradings[told]), data);
			grading_free(gradings[told]);
		}
	}
	builds_close(&builds);
	free(gradings);
	free(ended);
}
