#include "run/compile.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/die.h"
#include "base/file.h"
#include "base/text.h"
#include "run/nurse.h"
#include "stage/host.h"
#include "stage/janitor.h"
#include "stage/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOURCE_MOST (1 << 20)

struct compiler {
	struct compile_options options;
	struct arena *arena;
	struct janitor janitor; /* of the directory, if it is our own */
	char directory[PATH_MAX];
	bool own;
	unsigned jobs; /* so far, for their names */
};

struct compile {
	pid_t nurse; /* 0: the answer was known */
	int pipe;    /* its report, then its end */
	struct nurse_report report;
};

/* Some distributions fortify whatever is compiled: the same source would make other calls there,
 * or be refused. */
static const char *const standard_flags[] = {
	"-std=gnu17",	     "-O2", "-g", "-Wall", "-Wextra", "-pthread", "-I../common",
	"-U_FORTIFY_SOURCE", NULL
};

const char *const *compile_standard_flags(void)
{
	return standard_flags;
}

/* The CPU time says that a compiler does too much. The wall time is for one that waits, and long,
 * as a busy machine may keep the compiler waiting, too. */
struct compile_limits compile_limits_default(void)
{
	return (struct compile_limits){ .wall_ms = 60000,
					.cpu_seconds = 10,
					.memory = UINT64_C(1) << 30,
					.output = UINT64_C(64) << 20,
					.diagnostics = 64 << 10 };
}

bool compile_read_file(struct arena *arena, const char *path, struct compile_file *file,
		       const char **why)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	struct buffer bytes = { 0 };
	const char *reason = NULL;
	bool good = file_read_regular(path, &bytes, SOURCE_MOST, &reason) == 0;

	if (good)
		*file = (struct compile_file){ .name = arena_copy(arena, name),
					       .bytes = arena_copy_bytes(arena, bytes.data,
									 bytes.size),
					       .size = bytes.size };
	else
		*why = arena_format(arena, "%s: %s", name,
				    reason != NULL ? reason : strerror(errno));
	buffer_free(&bytes);
	return good;
}

bool compile_read_headers(struct arena *arena, const char *directory, struct compile_file **headers,
			  size_t *count, const char **why)
{
	size_t all = 0;
	const char **names = file_list(arena, directory, &all);

	*count = 0;
	if (names == NULL) {
		*why = arena_format(arena, "%s: %s", directory, strerror(errno));
		return false;
	}
	*headers = arena_take(arena, all * sizeof(**headers));
	for (size_t i = 0; i < all; i++) {
		if (!text_ends(names[i], ".h"))
			continue;
		if (!compile_read_file(arena, file_join(arena, directory, names[i]),
				       &(*headers)[*count], why))
			return false;
		++*count;
	}
	return true;
}

int compile_make_session(struct janitor *janitor, uid_t uid, gid_t gid, char *path)
{
	return scratch_make_told(janitor, NULL, "session", uid, gid, path);
}

struct compiler *compile_open(const struct compile_options *options, const char **why)
{
	struct compiler *c = calloc(1, sizeof(*c));

	if (c == NULL)
		die("out of memory");
	c->options = *options;
	c->janitor.pipe = -1;
	*why = NULL;
	if (host_compiler() == NULL)
		*why = "there is no C compiler: cc was not found in PATH below /usr";
	else if (host_lacks(HOST_USERNS) && !host_has(HOST_LANDLOCK) && !options->allow_none)
		*why = "no sandbox for the compiler (maplab doctor tells more)";
	else if (options->directory != NULL && strlen(options->directory) < sizeof(c->directory))
		strcpy(c->directory, options->directory);
	else if (options->directory != NULL)
		*why = "the session directory's path is too long";
	else if (janitor_start(&c->janitor) < 0 ||
		 scratch_make_told(&c->janitor, NULL, "compile", geteuid(), getegid(),
				   c->directory) < 0)
		*why = "no scratch directory can be made for compilations";
	else
		c->own = true;
	if (*why == NULL) {
		c->arena = arena_new(16 << 20, false);
		return c;
	}
	janitor_dismiss(&c->janitor);
	free(c);
	return NULL;
}

void compile_close(struct compiler *c)
{
	if (c == NULL)
		return;
	/* the janitor removes the directory; it does so, too, when a nurse still works in it */
	janitor_dismiss(&c->janitor);
	arena_free(c->arena);
	free(c);
}

static void key_text(struct buffer *key, const char *what, const char *text, size_t size)
{
	buffer_printf(key, "%s %zu ", what, size);
	buffer_add(key, text, size);
	buffer_add(key, "\n", 1);
}

static void key_list(struct buffer *key, const char *what, const char *const *list)
{
	for (; list != NULL && *list != NULL; list++)
		key_text(key, what, *list, strlen(*list));
}

static void key_files(struct buffer *key, const char *what, const struct compile_file *files,
		      size_t count)
{
	for (size_t i = 0; i < count; i++) {
		key_text(key, what, files[i].name, strlen(files[i].name));
		key_text(key, "bytes", files[i].bytes, files[i].size);
	}
}

/* Everything that the result depends on, lengths included, so that no two jobs look alike. */
static void describe(struct buffer *key, const struct compiler *c, const struct compile_job *job)
{
	key_list(key, "compiler", (const char *[]){ host_compiler(), job->name, job->only, NULL });
	key_list(key, "flag", standard_flags);
	key_list(key, "flag", job->flags);
	key_list(key, "object", job->objects);
	key_files(key, "source", job->sources, job->source_count);
	key_files(key, "header", c->options.headers, c->options.header_count);
}

/* FNV-1a: only to find an entry; the bytes are compared. */
static uint64_t hash(const struct buffer *key)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < key->size; i++)
		h = (h ^ (unsigned char)key->data[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* Whether DIRECTORY holds the result of a job with this key; its report then. */
static bool recall(const char *directory, const struct buffer *key, struct nurse_report *report)
{
	struct buffer old = { 0 };
	char path[PATH_MAX + 16];
	bool same;

	snprintf(path, sizeof(path), "%s/key", directory);
	same = file_read(path, &old, key->size) == 0 && old.size == key->size &&
	       memcmp(old.data, key->data, key->size) == 0;
	buffer_clear(&old);
	snprintf(path, sizeof(path), "%s/report", directory);
	same = same && file_read(path, &old, sizeof(*report)) == 0 && old.size == sizeof(*report);
	if (same)
		memcpy(report, old.data, sizeof(*report));
	buffer_free(&old);
	return same;
}

static bool good_name(const char *name)
{
	return name[0] != '\0' && name[0] != '-' && name[0] != '.' && strchr(name, '/') == NULL &&
	       strlen(name) < NAME_MAX;
}

/* A job that nothing can be made of; the reason goes where the diagnostics would be. */
static const char *find_fault(const struct compile_job *job)
{
	if (!good_name(job->name))
		return "the program's name is no file name";
	for (size_t i = 0; i < job->source_count; i++)
		if (!good_name(job->sources[i].name))
			return "a source's name is no file name";
	return NULL;
}

static void start_nurse(struct compile *compile, const struct compiler *c,
			const struct nurse_case *patient)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0) {
		snprintf(compile->report.trouble, sizeof(compile->report.trouble), "pipe: %s",
			 strerror(errno));
		return;
	}
	compile->nurse = fork();
	if (compile->nurse == 0)
		nurse_work(&c->options, patient, ends[1]);
	close(ends[1]);
	compile->pipe = ends[0];
	if (compile->nurse < 0) {
		close(ends[0]);
		compile->nurse = 0;
		compile->pipe = -1;
		snprintf(compile->report.trouble, sizeof(compile->report.trouble), "fork: %s",
			 strerror(errno));
	}
}

struct compile *compile_start(struct compiler *c, const struct compile_job *job)
{
	struct compile *compile = calloc(1, sizeof(*compile));
	struct buffer key = { 0 };
	const size_t mark = arena_mark(c->arena);
	const char *fault = find_fault(job);

	if (compile == NULL)
		die("out of memory");
	compile->pipe = -1;
	compile->report.status = COMPILE_BROKEN;
	if (fault != NULL) {
		strcpy(compile->report.trouble, fault);
		return compile;
	}
	describe(&key, c, job);
	struct nurse_case patient = {
		.job = job,
		.key = &key,
		.directory = arena_format(c->arena, "%s/job-%d-%u", c->directory, (int)getpid(),
					  c->jobs++),
		.cache = arena_format(c->arena, "%s/done-%016llx", c->directory,
				      (unsigned long long)hash(&key)),
	};
	if (recall(patient.cache, &key, &compile->report))
		compile->report.cached = true;
	else
		start_nurse(compile, c, &patient);
	buffer_free(&key);
	arena_reset(c->arena, mark);
	return compile;
}

bool compile_done(struct compile *compile)
{
	struct pollfd p = { .fd = compile->pipe, .events = POLLIN };

	return compile->nurse == 0 || poll(&p, 1, 0) > 0;
}

/* The nurse ends with its report; who has waited for all children may have reaped it already. */
static void hear_nurse(struct compile *compile)
{
	struct nurse_report report;
	struct buffer bytes = { 0 };

	if (buffer_read_fd(&bytes, compile->pipe, sizeof(report)) == 0 &&
	    bytes.size == sizeof(report))
		memcpy(&compile->report, bytes.data, sizeof(report));
	else
		strcpy(compile->report.trouble, "the compilation's keeper died");
	buffer_free(&bytes);
	close(compile->pipe);
	while (waitpid(compile->nurse, NULL, 0) < 0 && errno == EINTR)
		;
}

void compile_wait(struct compile *compile, struct arena *arena, struct compile_result *result)
{
	const struct nurse_report *r = &compile->report;
	struct buffer text = { 0 };
	char path[PATH_MAX + 16];

	if (compile->nurse != 0)
		hear_nurse(compile);
	*result = (struct compile_result){ .status = r->status,
					   .cached = r->cached,
					   .wall_ms = r->cached ? 0 : r->wall_ms };
	if (r->trouble[0] != '\0') {
		result->diagnostics = arena_format(arena, "maplab: %s\n", r->trouble);
	} else {
		snprintf(path, sizeof(path), "%s/diagnostics", r->directory);
		if (file_read(path, &text, SOURCE_MOST) < 0)
			result->status = COMPILE_BROKEN;
		result->diagnostics = arena_copy_bytes(arena, buffer_text(&text), text.size);
		buffer_free(&text);
	}
	if (result->status == COMPILE_OK &&
	    snprintf(result->output, sizeof(result->output), "%s/out/%s", r->directory, r->name) >=
		    (int)sizeof(result->output))
		result->status = COMPILE_BROKEN;
	free(compile);
}
