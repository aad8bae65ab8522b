#include "stage/stage.h"

#include "base/clock.h"
#include "base/die.h"
#include "base/file.h"
#include "procfs/proc.h"
#include "stage/host.h"
#include "stage/scratch.h"
#include "stage/state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CLOSE_MS   30000
#define KILL_TRIES 200

const char *stage_isolation_name(enum stage_isolation isolation)
{
	static const char *const names[] = { "full", "partial", "none" };

	return names[isolation];
}

struct stage_options stage_options_default(void)
{
	return (struct stage_options){ .limits = limits_default() };
}

char *stage_path(struct stage *stage, const char *name)
{
	return file_join(stage->arena, stage->scratch, name);
}

/* Where MAPLAB_WITHOUT or an earlier failure has ruled a way out, it is not tried. */
static int start(struct stage *stage, const struct stage_options *options, const char **why)
{
	const char *full = "user namespaces are not used", *partial = "there is no Landlock";

	if (!host_lacks(HOST_USERNS) && !host_lacks(HOST_BWRAP)) {
		if (stage_start_full(stage, &full) == 0)
			return 0;
		host_learn(HOST_USERNS, false);
	}
	if (host_has(HOST_LANDLOCK) && stage_start_partial(stage, true, &partial) == 0)
		return 0;
	if (options->allow_none && stage_start_partial(stage, false, &partial) == 0)
		return 0;
	*why = arena_format(stage->arena,
			    "no sandbox for students' programs: %s; %s "
			    "(maplab doctor tells more)",
			    full, partial);
	return -1;
}

static int make_scratch(struct stage *stage, const struct stage_options *options)
{
	static const char *const parts[] = { "bin", "work", "disk", "tmp" };

	if (scratch_make_told(&stage->janitor, options->scratch, "stage", geteuid(), getegid(),
			      stage->scratch) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (mkdir(stage_path(stage, parts[i]), 0755) < 0)
			return -1;
	return 0;
}

/* The last word of a stage that could not be opened: it outlives the stage's arena. */
static void keep_reason(const char **why, const char *reason)
{
	static char text[1024];

	snprintf(text, sizeof(text), "%s", reason);
	*why = text;
}

struct stage *stage_open(const struct stage_options *options, const char **why)
{
	struct stage *stage;
	const char *reason = NULL;

	if (stage_drop_privileges(options, &reason) < 0) {
		keep_reason(why, reason);
		return NULL;
	}
	stage = calloc(1, sizeof(*stage));
	if (stage == NULL)
		die("out of memory");
	stage->arena = arena_new(1 << 20, false);
	stage->limits = options->limits;
	stage->disk = options->disk;
	stage->lock = stage->channel = stage->first_fd = stage->broken = -1;
	/* the stage takes over what was kept */
	stage->janitor = stage_kept.janitor;
	stage->cgroup = stage_kept.cgroup;
	stage_kept.janitor = (struct janitor){ .pipe = -1 };
	stage_kept.cgroup = (struct cgroup){ .procs = -1 };

	if (make_scratch(stage, options) < 0)
		reason = arena_format(stage->arena, "no scratch directory can be made: %s",
				      strerror(errno));
	else if (start(stage, options, &reason) == 0) {
		stage->first_fd = (int)syscall(SYS_pidfd_open, stage->first, 0);
		return stage;
	}
	keep_reason(why, reason);
	stage_close(stage);
	return NULL;
}

bool stage_alive(const struct stage *stage)
{
	struct proc_stat stat;

	return !stage->first_gone && stage->launcher > 0 &&
	       proc_stat(stage->launcher, &stat) == 0 && stat.state != 'Z' && stat.state != 'X';
}

/*
 * A killed pid 1 takes its namespace along, and bwrap goes with it. Without a namespace the
 * launcher must live until it has no descendants: orphans become its children as long as it does.
 */
void stage_kill(struct stage *stage)
{
	if (stage->first <= 0 || stage->first_gone)
		return;
	for (int tries = 0; stage->isolation != STAGE_FULL && tries < KILL_TRIES; tries++)
		if (leftovers_kill_tree(stage->launcher) == 0)
			break;
	kill(stage->launcher, SIGKILL);
}

/* Waits for our own child. A tracer's wait for any child may have been quicker (ECHILD). */
static void reap_first(struct stage *stage)
{
	const struct timespec moment = { .tv_nsec = 100000 };
	int64_t begun = clock_now();
	int status;

	while (stage->first > 0 && clock_now() < begun + CLOSE_MS * NS_PER_MS) {
		pid_t pid = waitpid(stage->first, &status, WNOHANG | __WALL);

		if (pid < 0 && errno != EINTR)
			break;
		if (pid == stage->first && (WIFEXITED(status) || WIFSIGNALED(status)))
			break;
		/* dead programs that the tracer has not reaped keep their namespace, and bwrap */
		if (clock_now() > begun + NS_PER_MS)
			leftovers_reap_traced();
		nanosleep(&moment, NULL);
	}
	stage->first_gone = true;
}

void stage_close(struct stage *stage)
{
	if (stage == NULL)
		return;
	stage_kill(stage);
	reap_first(stage);
	if (stage->channel >= 0)
		close(stage->channel);
	if (stage->first_fd >= 0)
		close(stage->first_fd);
	for (size_t i = 0; i < stage->opened_count; i++)
		close(stage->opened[i].fd);
	if (stage->cgroup.procs >= 0)
		close(stage->cgroup.procs);
	if (stage->lock >= 0 && leftovers_remove(&stage->before) < 0)
		warn("not everything that a program left in /dev/shm or System V could be removed");
	if (stage->scratch[0] != '\0' && !stage->kept && file_remove_tree(stage->scratch) < 0)
		warn("%s cannot be removed: %s", stage->scratch, strerror(errno));
	else if (stage->cgroup.path[0] == '\0')
		janitor_tell(&stage->janitor, JANITOR_FORGET, "");
	/* the cgroup is the janitor's: it may need rights that we have given up */
	janitor_dismiss(&stage->janitor);
	if (stage->lock >= 0)
		close(stage->lock);
	leftovers_free(&stage->before);
	arena_free(stage->arena);
	free(stage);
}

int stage_keep(struct stage *stage, char *path)
{
	const char *name = strrchr(stage->scratch, '/') + 1;

	if (snprintf(path, PATH_MAX, "%.*smaplab-kept-%s", (int)(name - stage->scratch),
		     stage->scratch, strrchr(name, '-') + 1) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (rename(stage->scratch, path) < 0)
		return -1;
	stage->kept = true;
	strcpy(stage->scratch, path);
	return 0;
}

enum stage_isolation stage_isolation(const struct stage *stage)
{
	return stage->isolation;
}

pid_t stage_launcher(const struct stage *stage)
{
	return stage->launcher;
}

const char *stage_root(const struct stage *stage)
{
	return stage->root;
}

const char *stage_scratch(const struct stage *stage)
{
	return stage->scratch;
}
