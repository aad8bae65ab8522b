/* watch.c: `maplab watch`: the report again at every save, in a plain terminal. */
#include "cmd/command.h"
#include "ui/watcher.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static volatile sig_atomic_t leaving;

static void leave(int signal)
{
	(void)signal;
	leaving = 1;
}

/* Waits for a grading's news or a file's, whichever comes first. */
static void wait_for(struct watcher *watcher, const struct grading *grading)
{
	struct pollfd wait[] = {
		{ watcher_fd(watcher), POLLIN, 0 },
		{ grading ? grading_fd(grading) : -1, POLLIN, 0 },
	};

	poll(wait, 2, watcher_timeout(watcher));
}

static void print_result(const struct options *o, const struct lab_result *result)
{
	char clock[16];
	time_t now = time(NULL);
	struct tm tm;

	strftime(clock, sizeof clock, "%H:%M:%S", localtime_r(&now, &tm));
	if (o->style.terminal)
		printf("\033[H\033[2J\033[3J");
	report_lab(result, &o->style, stdout);
	printf("%s%s  watching; Ctrl-C leaves%s\n", tone_on(&o->style, TONE_DIM), clock,
	       tone_off(&o->style));
	fflush(stdout);
}

struct state {
	struct options *o;
	struct store *store;
	struct watcher *watcher;
	struct grading *grading;
	struct grading_options how;
};

static void start(struct state *s, const struct lab *lab)
{
	struct submission submission = submission_find(s->o->arena, lab, s->o->source);

	grading_free(s->grading);
	s->how = grading_options_from(s->o);
	s->grading = grading_start(lab, &submission, &s->how);
}

static void take_result(struct state *s)
{
	if (!s->grading || !grading_poll(s->grading))
		return;
	print_result(s->o, grading_result(s->grading));
	store_attempt(s->store, grading_result(s->grading), s->how.seed);
	grading_free(s->grading);
	s->grading = NULL;
}

static void watch_lab(struct state *s, const struct lab *lab, int tag)
{
	struct submission submission = submission_find(s->o->arena, lab, s->o->source);

	for (size_t i = 0; i < submission.count; i++)
		watcher_add(s->watcher, submission.source[i].path, tag);
}

static void loop(struct state *s)
{
	while (!leaving) {
		size_t mark = arena_mark(s->o->arena);
		int tag;

		wait_for(s->watcher, s->grading);
		take_result(s);
		tag = watcher_next(s->watcher);
		if (tag >= 0)
			start(s, lab_at((size_t)tag));
		arena_reset(s->o->arena, mark);
	}
}

int command_watch(struct options *o, char **words)
{
	const struct lab *only = words[0] ? lab_or_usage(words[0]) : NULL;
	struct sigaction action = { .sa_handler = leave };
	struct state s = { .o = o, .store = store_open(o->source) };

	s.watcher = watcher_new(o->poll);
	for (size_t i = 0; i < lab_count(); i++)
		if (!only || lab_at(i) == only)
			watch_lab(&s, lab_at(i), (int)i);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (only)
		start(&s, only);
	else
		printf("watching %zu labs in %s: save a file and its lab is graded; Ctrl-C leaves\n",
		       lab_count(), o->source);
	fflush(stdout);
	loop(&s);
	grading_free(s.grading);
	watcher_free(s.watcher);
	store_close(s.store);
	return 0;
}
