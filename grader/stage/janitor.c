#include "stage/janitor.h"

#include "base/buffer.h"
#include "base/file.h"
#include "stage/cgroup.h"
#include "stage/leftovers.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAME	   "lab-janitor"
#define MOST_TASKS 8
#define PATIENCE   500 /* tries, a moment apart */

static const struct timespec moment = { .tv_nsec = 10000000 };

/* What the janitor knows. */
struct list {
	bool dismissed;
	struct task {
		enum janitor_task what;
		char argument[PATH_MAX];
		struct leftovers before;
	} tasks[MOST_TASKS];
	size_t count;
};

static void take_down(struct list *list, const char *line)
{
	struct task *t = &list->tasks[list->count];

	if (line[0] == JANITOR_FORGET)
		list->count = 0;
	else if (line[0] == JANITOR_GOODBYE)
		list->dismissed = true;
	else if (list->count < MOST_TASKS) {
		t->what = (enum janitor_task)line[0];
		strcpy(t->argument, line + 1);
		if (t->what == JANITOR_SEGMENTS)
			leftovers_note(&t->before, (uid_t)atoi(t->argument));
		list->count++;
	}
}

/* Lines end in NUL, so that a path may hold anything. */
static void listen_until_end(int fd, struct list *list)
{
	char line[PATH_MAX + 1]; /* the task and its argument */
	size_t used = 0;
	ssize_t n;

	while ((n = read(fd, line + used, 1)) == 1 || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		if (line[used] == '\0') {
			take_down(list, line);
			used = 0;
		} else if (used < sizeof(line) - 1) {
			used++;
		}
	}
}

/* A dying maker closes its pipe before its children hear of its death, and may fork until then. */
static void outlive(pid_t maker)
{
	for (int tries = 0; tries < PATIENCE && getppid() == maker; tries++)
		nanosleep(&moment, NULL);
}

/* One pass; true when nothing is left to do. A process that is being killed takes its time, and
 * may still make files. */
static bool do_task(const struct task *t)
{
	switch (t->what) {
	case JANITOR_CGROUP:
		return cgroup_remove(t->argument) == 0;
	case JANITOR_SEGMENTS:
		return leftovers_remove(&t->before) == 0;
	case JANITOR_REMOVE:
		/* one that lost its parent between clone(2) and prctl(2) would wait for it for ever
		 */
		return leftovers_kill_named("bwrap", t->argument) == 0 &&
		       file_remove_tree(t->argument) == 0;
	case JANITOR_FORGET:
	case JANITOR_GOODBYE:
		break;
	}
	return true;
}

static void clear_away(const struct list *list)
{
	static const enum janitor_task order[] = { JANITOR_CGROUP, JANITOR_SEGMENTS,
						   JANITOR_REMOVE };

	for (size_t o = 0; o < sizeof(order) / sizeof(order[0]); o++)
		for (size_t i = 0; i < list->count; i++)
			for (int tries = 0; tries < PATIENCE && list->tasks[i].what == order[o] &&
					    !do_task(&list->tasks[i]);
			     tries++)
				nanosleep(&moment, NULL);
}

/*
 * Who kills the grader by name, as pkill(1) does, with "-f" even by its command line, must not hit
 * the one who clears away after it. The words of a command line stand where /proc/PID/stat says,
 * and are the process' own to write. proc_pid_stat(5), fields 48 and 49.
 */
static void rename_command_line(void)
{
	struct buffer stat = { 0 };
	unsigned long start = 0, end = 0;
	const char *field;

	if (file_read("/proc/self/stat", &stat, 4096) == 0 &&
	    (field = strrchr(buffer_text(&stat), ')')) != NULL) {
		for (int i = 2; i < 48 && field != NULL; i++)
			field = strchr(field + 1, ' ');
		if (field != NULL && sscanf(field, "%lu %lu", &start, &end) == 2 && start != 0 &&
		    end > start) {
			memset((void *)start, 0, end - start);
			memcpy((void *)start, NAME,
			       end - start > sizeof(NAME) ? sizeof(NAME) - 1 : 1);
		}
	}
	buffer_free(&stat);
}

static _Noreturn void be_janitor(pid_t maker, int fd)
{
	static struct list list;

	setsid();
	prctl(PR_SET_NAME, NAME);
	rename_command_line();
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	if (chdir("/") < 0)
		_exit(1);
	/* whoever reads the grader's output must not have to wait for us */
	if (fd != 0 && dup2(fd, 0) < 0)
		_exit(1);
	close_range(1, ~0u, 0);
	open("/dev/null", O_WRONLY);
	open("/dev/null", O_WRONLY);
	listen_until_end(0, &list);
	if (!list.dismissed)
		outlive(maker);
	clear_away(&list);
	_exit(0);
}

int janitor_start(struct janitor *janitor)
{
	const pid_t maker = getpid();
	int ends[2];

	*janitor = (struct janitor){ .pipe = -1 };
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	janitor->pid = fork();
	if (janitor->pid == 0) {
		close(ends[1]);
		be_janitor(maker, ends[0]);
	}
	close(ends[0]);
	if (janitor->pid > 0) {
		janitor->pipe = ends[1];
		return 0;
	}
	close(ends[1]);
	janitor->pid = 0;
	return -1;
}

void janitor_tell(const struct janitor *janitor, enum janitor_task task, const char *argument)
{
	char line[PATH_MAX + 2];
	int length = snprintf(line, sizeof(line), "%c%s", (char)task, argument);
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;

	if (janitor->pid == 0 || length >= (int)sizeof(line))
		return;
	sigaction(SIGPIPE, &ignore, &before);
	if (write(janitor->pipe, line, (size_t)length + 1) < 0)
		errno = 0;
	sigaction(SIGPIPE, &before, NULL);
}

void janitor_dismiss(struct janitor *janitor)
{
	int status;

	if (janitor->pid == 0)
		return;
	janitor_tell(janitor, JANITOR_GOODBYE, "");
	close(janitor->pipe);
	while (waitpid(janitor->pid, &status, 0) < 0 && errno == EINTR)
		;
	*janitor = (struct janitor){ .pipe = -1 };
}
