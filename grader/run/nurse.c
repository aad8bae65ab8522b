#include "run/nurse.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "stage/hardening.h"
#include "stage/host.h"
#include "stage/landlock.h"
#include "stage/leftovers.h"
#include "stage/limits.h"
#include "stage/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TMP_BYTES (UINT64_C(256) << 20)
#define WORDS	  256

struct nurse {
	const struct compile_options *options;
	const struct nurse_case *patient;
	struct arena *arena;
	struct limits limits;
	const char *command[WORDS + 1];
	size_t words;
	struct buffer said; /* by the compiler */
	int report_pipe;
	pid_t pid;	/* of bwrap, or of the compiler's process group */
	bool sandboxed; /* else Landlock, or nothing at all */
	bool timed_out;
	struct nurse_report report;
};

static _Noreturn void finish(struct nurse *n)
{
	const char *at = (const char *)&n->report;
	size_t left = sizeof(n->report);

	while (left > 0) {
		ssize_t written = write(n->report_pipe, at, left);

		if (written < 0 && errno != EINTR)
			break;
		at += written > 0 ? written : 0;
		left -= written > 0 ? (size_t)written : 0;
	}
	_exit(0);
}

__attribute__((format(printf, 2, 3))) static _Noreturn void trouble(struct nurse *n,
								    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(n->report.trouble, sizeof(n->report.trouble), format, args);
	va_end(args);
	n->report.status = COMPILE_BROKEN;
	finish(n);
}

static char *path_of(struct nurse *n, const char *name)
{
	return file_join(n->arena, n->report.directory, name);
}

static void word(struct nurse *n, const char *text)
{
	if (n->words == WORDS)
		trouble(n, "too many files and flags for one compilation");
	n->command[n->words++] = text;
	n->command[n->words] = NULL;
}

static void put_files(struct nurse *n, const char *where, const struct compile_file *files,
		      size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *path = file_join(n->arena, path_of(n, where), files[i].name);

		if (file_write(path, files[i].bytes, files[i].size, 0644) < 0)
			trouble(n, "%.60s cannot be written: %s", files[i].name, strerror(errno));
	}
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* The job's directory: src, common and out, seen as /lab by the compiler. */
static void lay_out(struct nurse *n)
{
	const struct compile_job *job = n->patient->job;

	snprintf(n->report.directory, sizeof(n->report.directory), "%s", n->patient->directory);
	snprintf(n->report.name, sizeof(n->report.name), "%s", job->name);
	if (mkdir(n->report.directory, 0755) < 0 || mkdir(path_of(n, "src"), 0755) < 0 ||
	    mkdir(path_of(n, "common"), 0755) < 0 || mkdir(path_of(n, "out"), 0755) < 0)
		trouble(n, "no directory for the compilation: %s", strerror(errno));
	put_files(n, "src", job->sources, job->source_count);
	put_files(n, "common", n->options->headers, n->options->header_count);
	for (const char *const *o = job->objects; o != NULL && *o != NULL; o++)
		if (link(*o, file_join(n->arena, path_of(n, "src"), last_part(*o))) < 0)
			trouble(n, "%.60s cannot be linked: %s", last_part(*o), strerror(errno));
}

static void write_command(struct nurse *n)
{
	const struct compile_job *job = n->patient->job;

	word(n, host_compiler());
	for (const char *const *f = compile_standard_flags(); *f != NULL; f++)
		word(n, *f);
	/* sources are named from where they seem to be, wherever that really is */
	if (!n->sandboxed)
		word(n, arena_format(n->arena, "-fdebug-prefix-map=%s=/lab", n->report.directory));
	for (const char *const *f = job->flags; f != NULL && *f != NULL; f++)
		word(n, *f);
	word(n, "-o");
	word(n, arena_format(n->arena, "../out/%s", job->name));
	for (size_t i = 0; i < job->source_count; i++)
		if (job->only ? text_equal(job->sources[i].name, job->only)
			      : text_ends(job->sources[i].name, ".c"))
			word(n, job->sources[i].name);
	for (const char *const *o = job->objects; o != NULL && *o != NULL; o++)
		word(n, last_part(*o));
}

static void set_limits(struct nurse *n)
{
	const struct compile_limits *l = &n->options->limits;

	for (int i = 0; i < LIMIT_COUNT; i++)
		n->limits.value[i] = LIMIT_NONE;
	n->limits.value[LIMIT_CPU] = l->cpu_seconds;
	n->limits.value[LIMIT_ADDRESS_SPACE] = l->memory;
	n->limits.value[LIMIT_FILE_SIZE] = l->output;
	n->limits.value[LIMIT_OPEN_FILES] = 256;
}

/* No /proc, no device but one: what a source could include is the compiler's own files. */
static pid_t start_sandboxed(struct nurse *n, int output)
{
	int filter = hardening_filter(1, false);
	struct sandbox s;

	if (filter < 0)
		trouble(n, "seccomp: %s", strerror(errno));
	sandbox_begin(&s, n->arena, host_has(HOST_BWRAP_SIZE));
	s.limits = &n->limits;
	sandbox_add(&s, "--as-pid-1", "--seccomp", sandbox_keep(&s, filter), (char *)NULL);
	sandbox_add_usr(&s);
	sandbox_add(&s, "--dev-bind", "/dev/null", "/dev/null", (char *)NULL);
	sandbox_add_tmpfs(&s, "/tmp", "1777", TMP_BYTES);
	sandbox_add(&s, "--ro-bind", path_of(n, "src"), "/lab/src", "--ro-bind",
		    path_of(n, "common"), "/lab/common", "--bind", path_of(n, "out"), "/lab/out",
		    "--remount-ro", "/", "--setenv", "PATH", "/usr/bin:/bin", "--setenv", "LC_ALL",
		    "C", "--setenv", "CCACHE_DISABLE", "1", "--chdir", "/lab/src", "--",
		    (char *)NULL);
	for (size_t i = 0; i < n->words; i++)
		sandbox_add(&s, n->command[i], (char *)NULL);
	return sandbox_start(&s, -1, output, output, -1);
}

static _Noreturn void become_compiler(struct nurse *n, int output)
{
	const char *const environment[] = { "PATH=/usr/bin:/bin", "LC_ALL=C", "CCACHE_DISABLE=1",
					    arena_format(n->arena, "TMPDIR=%s", path_of(n, "out")),
					    NULL };
	int filter = hardening_filter(getpid(), true), nothing = open("/dev/null", O_RDONLY);

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0 ||
	    chdir(path_of(n, "src")) < 0)
		_exit(127);
	if (host_has(HOST_LANDLOCK)
		    ? landlock_confine_compiler(n->report.directory, path_of(n, "out")) < 0
		    : !n->options->allow_none)
		_exit(127);
	if (filter < 0 || hardening_install(filter) < 0)
		_exit(127);
	close_range(3, ~0u, 0);
	/* last: a sanitized grader needs more address space than a compiler */
	if (limits_apply(&n->limits, 0) < 0)
		_exit(127);
	execve(n->command[0], (char **)(uintptr_t)n->command, (char **)(uintptr_t)environment);
	_exit(127);
}

static pid_t start_confined(struct nurse *n, int output)
{
	pid_t pid = fork();

	if (pid == 0)
		become_compiler(n, output);
	return pid;
}

static void stop(struct nurse *n)
{
	/* bwrap's death takes its namespace along */
	kill(n->sandboxed ? n->pid : -n->pid, SIGKILL);
}

/* Nobody wants the result any more. A bwrap killed at its start may leave us its child. */
static _Noreturn void abandon(struct nurse *n)
{
	stop(n);
	do
		leftovers_kill_tree(getpid());
	while (wait(NULL) > 0 || errno == EINTR);
	file_remove_tree(n->report.directory);
	_exit(0);
}

/* Takes what there is, keeps what may be kept. False at the end. */
static bool take_words(struct nurse *n, int from)
{
	size_t most = n->options->limits.diagnostics;
	char piece[4096];
	ssize_t got = read(from, piece, sizeof(piece));

	if (got < 0 && errno == EINTR)
		return true;
	if (got <= 0)
		return false;
	if (n->said.size < most) {
		size_t room = most - n->said.size;

		buffer_add(&n->said, piece, (size_t)got < room ? (size_t)got : room);
	}
	return true;
}

/* Until the compiler has closed its output, or has to be stopped. */
static void hear(struct nurse *n, int from, int64_t until)
{
	for (;;) {
		struct pollfd p[2] = { { .fd = from, .events = POLLIN },
				       { .fd = n->report_pipe, .events = 0 } };
		int64_t left = (until - clock_now() + NS_PER_MS - 1) / NS_PER_MS;

		if (left <= 0 && !n->timed_out) {
			n->timed_out = true;
			stop(n);
			until += NS_PER_S;
			continue;
		}
		if (left <= 0 || (poll(p, 2, (int)left) < 0 && errno != EINTR))
			return;
		/* nobody waits for the report: the worker is dead */
		if (p[1].revents & POLLERR)
			abandon(n);
		if ((p[0].revents & (POLLIN | POLLHUP)) && !take_words(n, from))
			return;
	}
}

/* Runs the compiler to its end; its wait status. */
static int compile(struct nurse *n, bool sandboxed)
{
	int64_t until = clock_now() + n->options->limits.wall_ms * NS_PER_MS;
	int ends[2], status = 0;

	n->sandboxed = sandboxed;
	n->words = 0;
	write_command(n);
	buffer_clear(&n->said);
	if (pipe2(ends, O_CLOEXEC) < 0)
		trouble(n, "pipe: %s", strerror(errno));
	n->pid = sandboxed ? start_sandboxed(n, ends[1]) : start_confined(n, ends[1]);
	close(ends[1]);
	if (n->pid < 0)
		trouble(n, "the compiler cannot be started: %s", strerror(errno));
	hear(n, ends[0], until);
	close(ends[0]);
	if (n->timed_out)
		stop(n);
	while (waitpid(n->pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* bwrap itself has failed, not what it was to run. */
static bool bwrap_failed(const struct nurse *n, int status)
{
	return n->sandboxed && status != 0 && text_starts(buffer_text(&n->said), "bwrap: ");
}

/* Paths as the student knows them: "../common/lab.h" is common/lab.h, "/lab/src/x.c" is x.c. */
static void tidy(struct nurse *n)
{
	static const struct {
		const char *from, *to;
	} changes[] = { { "../common/", "common/" }, { "/lab/src/", "" } };
	struct buffer out = { 0 };

	for (size_t at = 0; at < n->said.size;) {
		size_t i, taken = 1;

		for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
			if (text_starts(n->said.data + at, changes[i].from)) {
				taken = strlen(changes[i].from);
				buffer_add(&out, changes[i].to, strlen(changes[i].to));
				break;
			}
		if (taken == 1)
			buffer_add(&out, n->said.data + at, 1);
		at += taken;
	}
	buffer_free(&n->said);
	n->said = out;
}

/* Whether the compiler's words tell of a limit: it names the signal that ended a part of it. */
static bool hit_limit(const struct nurse *n)
{
	static const char *const signs[] = { "signal terminated program", "out of memory",
					     "virtual memory exhausted", "File too large",
					     "No space left on device" };

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strstr(buffer_text(&n->said), signs[i]) != NULL)
			return true;
	return false;
}

static void judge(struct nurse *n, int status)
{
	const struct compile_limits *l = &n->options->limits;
	char *program = file_join(n->arena, path_of(n, "out"), n->report.name);

	n->report.status = status == 0 ? COMPILE_OK : COMPILE_FAILED;
	if (status == 0 && (chmod(program, 0755) < 0))
		n->report.status = COMPILE_FAILED;
	if (n->said.size >= l->diagnostics)
		buffer_printf(&n->said,
			      "\nmaplab: the compiler's messages go on; cut after %zu bytes\n",
			      l->diagnostics);
	if (status == 0 && !n->timed_out)
		return;
	if (n->timed_out)
		buffer_printf(&n->said, "maplab: the compiler was stopped after %d ms\n",
			      l->wall_ms);
	else if (hit_limit(n))
		buffer_printf(
			&n->said,
			"maplab: the compiler came to a limit: %llu s of CPU time, %llu MiB of "
			"memory, %llu MiB a file\n",
			(unsigned long long)l->cpu_seconds, (unsigned long long)l->memory >> 20,
			(unsigned long long)l->output >> 20);
	else
		return;
	n->report.status = COMPILE_LIMIT;
}

/* Files the result under its own name, and where the next one with the same key will find it. */
static void file_result(struct nurse *n)
{
	struct nurse_report filed = n->report;
	const struct buffer *key = n->patient->key;

	if (file_write(path_of(n, "diagnostics"), buffer_text(&n->said), n->said.size, 0644) < 0)
		trouble(n, "the diagnostics cannot be written: %s", strerror(errno));
	file_remove_tree(path_of(n, "src"));
	file_remove_tree(path_of(n, "common"));
	/* a limit may have been the machine's mood: compile anew the next time */
	if (n->report.status == COMPILE_LIMIT)
		return;
	snprintf(filed.directory, sizeof(filed.directory), "%s", n->patient->cache);
	if (file_write(path_of(n, "key"), key->data, key->size, 0644) == 0 &&
	    file_write(path_of(n, "report"), &filed, sizeof(filed), 0644) == 0 &&
	    rename(n->report.directory, n->patient->cache) == 0)
		memcpy(n->report.directory, filed.directory, sizeof(filed.directory));
}

/* Nothing of the worker's is ours but the pipe: a janitor's pipe must end when the worker does. */
static int keep_only(int pipe)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 3; i++)
		if (nothing != i && dup2(nothing, i) < 0)
			return -1;
	if (pipe != 3 && dup3(pipe, 3, O_CLOEXEC) < 0)
		return -1;
	close_range(4, ~0u, 0);
	return 3;
}

_Noreturn void nurse_work(const struct compile_options *options, const struct nurse_case *patient,
			  int pipe)
{
	static struct nurse n;
	int64_t begun = clock_now();
	int status = 1;

	n.options = options;
	n.patient = patient;
	n.report.status = COMPILE_BROKEN;
	n.report_pipe = keep_only(pipe);
	if (n.report_pipe < 0)
		_exit(1);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NAME, "maplab-compile");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	n.arena = arena_new(1 << 20, false);
	set_limits(&n);
	lay_out(&n);
	if (!host_lacks(HOST_USERNS) && host_bwrap() != NULL)
		status = compile(&n, true);
	if (!n.sandboxed || bwrap_failed(&n, status))
		status = compile(&n, false);
	if (status != 0 && n.said.size == 0 && !n.timed_out)
		trouble(&n, "the compiler ended with status %#x and said nothing",
			(unsigned)status);
	n.report.wall_ms = (double)(clock_now() - begun) / NS_PER_MS;
	tidy(&n);
	judge(&n, status);
	file_result(&n);
	finish(&n);
}
