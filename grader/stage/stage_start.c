/* Two ways to a launcher: inside bubblewrap, and confined by Landlock. */
#include "stage/state.h"

#include "base/buffer.h"
#include "base/text.h"
#include "stage/hardening.h"
#include "stage/host.h"
#include "stage/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MS 10000

/*
 * A descriptor of our own binary that the programs' user may execute and read; unreadable programs
 * are undumpable in a way that shuts us out, too. Mostly that is the file itself.
 */
static int launcher_binary(void)
{
	struct stat st;
	int copy;

	if (fstat(stage_kept.self, &st) < 0)
		return -1;
	if ((st.st_mode & 05) == 05)
		return fcntl(stage_kept.self, F_DUPFD_CLOEXEC, 3);
	copy = memfd_create("launcher", MFD_CLOEXEC);
	if (copy < 0)
		return -1;
	for (off_t at = 0; at < st.st_size;)
		if (sendfile(copy, stage_kept.self, &at, (size_t)(st.st_size - at)) <= 0)
			break;
	if (fchmod(copy, 0555) == 0 && lseek(copy, 0, SEEK_END) == st.st_size)
		return copy;
	close(copy);
	return -1;
}

/* Everything that the sandbox of an exam is made of. Later entries cover earlier ones. */
static void describe(struct stage *stage, struct sandbox *s, int filter, int self, int channel)
{
	sandbox_add(s, "--as-pid-1", "--seccomp", sandbox_keep(s, filter), (char *)NULL);
	sandbox_add_libraries(s);
	sandbox_add(s, "--proc", "/proc", "--dev", "/dev", (char *)NULL);
	sandbox_add_tmpfs(s, "/dev/shm", "1777", stage->limits.value[LIMIT_SHM]);
	sandbox_add_tmpfs(s, "/tmp", "1777", stage->limits.value[LIMIT_TMP]);
	sandbox_add_tmpfs(s, "/lab/work", "0755", stage->limits.value[LIMIT_WORK]);
	sandbox_add(s, "--ro-bind", stage_path(stage, "bin"), "/lab/bin", (char *)NULL);
	if (stage->disk)
		sandbox_add(s, "--bind", stage_path(stage, "disk"), "/lab/disk", (char *)NULL);
	sandbox_add(s, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/", "--",
		    arena_format(stage->arena, "/proc/self/fd/%s", sandbox_keep(s, self)),
		    STAGE_LAUNCHER_WORD, sandbox_keep(s, channel), "full", (char *)NULL);
}

/* The launcher's first message tells its pid; the socket's end, that it failed. */
static int await_ready(struct stage *stage)
{
	struct arrival arrival;

	if (channel_receive(stage->channel, &stage->in, &arrival, START_MS) < 0)
		return -1;
	if (stage->in.head.kind != MESSAGE_READY || arrival.sender <= 0) {
		errno = EBADMSG;
		return -1;
	}
	stage->launcher = arrival.sender;
	return 0;
}

static void give_up(struct stage *stage)
{
	int status;

	if (stage->first > 0) {
		kill(stage->first, SIGKILL);
		while (waitpid(stage->first, &status, 0) < 0 && errno == EINTR)
			;
	}
	if (stage->channel >= 0)
		close(stage->channel);
	stage->first = 0;
	stage->channel = -1;
}

/* What went wrong, in the words of the program that failed; its last line says most. */
static const char *explain(struct stage *stage, int errors, const char *who)
{
	struct buffer text = { 0 };
	const char *line = strerror(errno);
	char *end;

	if (errors >= 0 && lseek(errors, 0, SEEK_SET) == 0 &&
	    buffer_read_fd(&text, errors, 4096) == 0 && text.size > 0) {
		end = text.data + strlen(text.data);
		while (end > text.data && end[-1] == '\n')
			*--end = '\0';
		line = strrchr(text.data, '\n') != NULL ? strrchr(text.data, '\n') + 1 : text.data;
	}
	line = arena_format(stage->arena, "%s: %s", who, line);
	buffer_free(&text);
	return line;
}

static int try_full(struct stage *stage, bool sizes, const char **why)
{
	struct sandbox s;
	int errors = memfd_create("errors", MFD_CLOEXEC), filter = hardening_filter(1, false);
	int self = launcher_binary(), ends[2] = { -1, -1 }, result = -1;

	stage->channel = -1;
	if (errors >= 0 && filter >= 0 && self >= 0 && channel_pair(ends) == 0) {
		sandbox_begin(&s, stage->arena, sizes);
		describe(stage, &s, filter, self, ends[1]);
		stage->channel = ends[0];
		stage->first = sandbox_start(&s, -1, -1, errors, stage->cgroup.procs);
		close(ends[1]);
		result = stage->first < 0 ? -1 : await_ready(stage);
	}
	if (result < 0) {
		give_up(stage);
		*why = explain(stage, errors, "bubblewrap");
	}
	for (size_t i = 0; i < 3; i++)
		if ((int[]){ errors, filter, self }[i] >= 0)
			close((int[]){ errors, filter, self }[i]);
	return result;
}

int stage_start_full(struct stage *stage, const char **why)
{
	bool sizes = !host_lacks(HOST_BWRAP_SIZE);

	if (host_bwrap() == NULL) {
		*why = "bubblewrap (bwrap) is not installed";
		return -1;
	}
	if (try_full(stage, sizes, why) < 0) {
		if (!sizes || strstr(*why, "--size") == NULL)
			return -1;
		host_learn(HOST_BWRAP_SIZE, false);
		if (try_full(stage, false, why) < 0)
			return -1;
	}
	host_learn(HOST_USERNS, true);
	stage->isolation = STAGE_FULL;
	snprintf(stage->root, sizeof(stage->root), "/proc/%d/root", (int)stage->launcher);
	return 0;
}

static _Noreturn void become_launcher(const struct stage *stage, bool landlock, int self,
				      int channel, int errors)
{
	char number[16];
	const char *argv[] = { "maplab",       STAGE_LAUNCHER_WORD,
			       number,	       landlock ? "partial" : "none",
			       stage->scratch, NULL };
	char *no_environment[] = { NULL };
	int nothing = open("/dev/null", O_RDWR);
	sigset_t none;

	setsid();
	snprintf(number, sizeof(number), "%d", channel);
	if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(nothing, 1) < 0 || dup2(errors, 2) < 0)
		_exit(127);
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	fcntl(channel, F_SETFD, 0);
	if (cgroup_enter(&stage->cgroup) < 0 || chdir("/") < 0)
		errno = 0;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	fexecve(self, (char **)(uintptr_t)argv, no_environment);
	_exit(127);
}

/* The names of /dev/shm and System V keys are the host's: one at a time, for everybody. */
static int take_turn(void)
{
	int lock = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (lock >= 0 && flock(lock, LOCK_EX) < 0)
		if (errno != EINTR) {
			close(lock);
			return -1;
		}
	return lock;
}

int stage_start_partial(struct stage *stage, bool landlock, const char **why)
{
	int errors = memfd_create("errors", MFD_CLOEXEC), self = launcher_binary();
	int ends[2] = { -1, -1 }, result = -1;
	char uid[16];

	snprintf(uid, sizeof(uid), "%u", geteuid());
	stage->lock = take_turn();
	leftovers_note(&stage->before, geteuid());
	stage->tasks_before = leftovers_count_tasks(geteuid());
	janitor_tell(&stage->janitor, JANITOR_SEGMENTS, uid);
	stage->channel = -1;
	if (errors >= 0 && self >= 0 && channel_pair(ends) == 0) {
		stage->channel = ends[0];
		stage->first = fork();
		if (stage->first == 0)
			become_launcher(stage, landlock, self, ends[1], errors);
		close(ends[1]);
		result = stage->first < 0 ? -1 : await_ready(stage);
	}
	if (result < 0) {
		give_up(stage);
		*why = explain(stage, errors, "the launcher");
	} else {
		stage->isolation = landlock ? STAGE_PARTIAL : STAGE_NONE;
		/* Landlock's ptrace rules do not bind us; dying with us does: see stage_close() */
		stage->root[0] = '\0';
	}
	if (errors >= 0)
		close(errors);
	if (self >= 0)
		close(self);
	return result;
}
