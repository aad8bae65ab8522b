/* What the worker asks of the launcher. */
#include "stage/state.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <string.h>
#include <unistd.h>

static void take_hello(struct stage *stage, pid_t pid)
{
	if (stage->hello_count < STAGE_HELLOS)
		stage->hellos[stage->hello_count++] = pid;
}

int stage_listen(struct stage *stage, uint32_t number, int timeout_ms, struct arrival *arrival)
{
	int64_t until = clock_now() + timeout_ms * NS_PER_MS;
	const struct message *m = &stage->in.head;

	for (;;) {
		int64_t left = (until - clock_now()) / NS_PER_MS;

		if (channel_receive(stage->channel, &stage->in, arrival, left > 0 ? (int)left : 0) <
		    0)
			return -1;
		if (m->kind == MESSAGE_ANNOUNCE)
			take_hello(stage, arrival->sender);
		if (m->kind == MESSAGE_FAILED)
			stage->launch_error = m->error;
		if (m->kind == MESSAGE_LIMIT)
			stage->broken = m->error;
		if (m->kind == MESSAGE_ANSWER && m->number == number && number != 0)
			return 0;
		/* the late answer to a question that was given up */
		for (int i = 0; i < arrival->fd_count; i++)
			close(arrival->fds[i]);
		if (number == 0 && m->kind == MESSAGE_ANNOUNCE)
			return 0;
	}
}

bool stage_launch_failed(struct stage *stage, const char **why)
{
	struct arrival arrival;

	while (stage->channel >= 0 && stage_listen(stage, 0, 0, &arrival) == 0)
		;
	if (stage->launch_error == 0)
		return false;
	*why = strerror(stage->launch_error);
	stage->launch_error = 0;
	return true;
}

bool stage_limit_broken(struct stage *stage, enum limit *limit)
{
	struct arrival arrival;

	while (stage->channel >= 0 && stage_listen(stage, 0, 0, &arrival) == 0)
		;
	if (stage->broken < 0)
		return false;
	*limit = (enum limit)stage->broken;
	stage->broken = -1;
	return true;
}

pid_t stage_announced(struct stage *stage, int timeout_ms)
{
	struct arrival arrival;
	pid_t pid;

	if (stage->hello_count == 0 && stage_listen(stage, 0, timeout_ms, &arrival) < 0)
		return -1;
	pid = stage->hellos[0];
	stage->hello_count--;
	memmove(stage->hellos, stage->hellos + 1, stage->hello_count * sizeof(*stage->hellos));
	return pid;
}

/* A message in the making. */
struct packing {
	char *text;
	size_t used, room;
	bool full;
};

static void pack(struct packing *p, const void *bytes, size_t size)
{
	if (p->full || size > p->room - p->used) {
		p->full = true;
	} else if (size > 0) {
		memcpy(p->text + p->used, bytes, size);
		p->used += size;
	}
}

static void pack_text(struct packing *p, const char *text)
{
	pack(p, text, strlen(text) + 1);
}

/* Whether one of LIST sets the same variable as ENTRY, "NAME=…". */
static bool is_set(const char *const *list, const char *entry)
{
	size_t length = strcspn(entry, "=") + 1;

	for (; list != NULL && *list != NULL; list++)
		if (strncmp(*list, entry, length) == 0)
			return true;
	return false;
}

/* The clean environment with the program's own on top. How many there are. */
static uint32_t pack_environment(struct stage *stage, struct packing *p, const char *const *extra)
{
	const bool full = stage->isolation == STAGE_FULL;
	const size_t mark = arena_mark(stage->arena);
	const char *clean[] = {
		arena_format(stage->arena, "PATH=%s:/usr/bin:/bin",
			     full ? "/lab/bin" : stage_path(stage, "bin")),
		arena_format(stage->arena, "HOME=%s",
			     full ? "/lab/work" : stage_path(stage, "work")),
		arena_format(stage->arena, "TMPDIR=%s", full ? "/tmp" : stage_path(stage, "tmp")),
		"LC_ALL=C.UTF-8",
	};
	uint32_t count = 0;

	for (size_t i = 0; i < sizeof(clean) / sizeof(clean[0]); i++)
		if (!is_set(extra, clean[i])) {
			pack_text(p, clean[i]);
			count++;
		}
	for (; extra != NULL && *extra != NULL; extra++)
		if (!is_set(extra + 1, *extra)) {
			pack_text(p, *extra);
			count++;
		}
	arena_reset(stage->arena, mark);
	return count;
}

/* The kernel counts tasks per user; in a user namespace only those inside, launcher included. */
static void adjust_processes(const struct stage *stage, struct limits *limits)
{
	uint64_t *processes = &limits->value[LIMIT_PROCESSES];

	if (*processes < LIMIT_NONE - stage->tasks_before - 1)
		*processes += stage->tasks_before + 1;
}

static uint32_t launch_flags(const struct stage_program *program)
{
	return (program->no_aslr ? LAUNCH_NO_ASLR : 0u) | (program->no_thp ? LAUNCH_NO_THP : 0u) |
	       (program->announce ? LAUNCH_ANNOUNCE : 0u);
}

int stage_launch(struct stage *stage, const struct stage_program *program)
{
	static const char padding[8];
	struct message *m = &stage->out.head;
	struct packing p = { stage->out.text, 0, sizeof(stage->out.text), false };
	int fds[3], fd_count = 0;

	*m = (struct message){ .kind = MESSAGE_LAUNCH,
			       .number = ++stage->asked,
			       .flags = launch_flags(program),
			       .umask = (uint32_t)program->umask,
			       .instructions = (uint32_t)program->filter_length,
			       .limits = program->limits ? *program->limits : stage->limits };
	adjust_processes(stage, &m->limits);
	for (int i = 0; i < 3; i++)
		if (program->stdio[i] >= 0) {
			m->stdio |= 1u << i;
			fds[fd_count++] = program->stdio[i];
		}
	pack_text(&p, program->path);
	pack_text(&p, program->directory);
	for (; program->argv[m->arguments] != NULL; m->arguments++)
		pack_text(&p, program->argv[m->arguments]);
	m->variables = pack_environment(stage, &p, program->env);
	m->strings = (uint32_t)p.used;
	pack(&p, padding, -p.used & 7);
	pack(&p, program->filter, program->filter_length * sizeof(struct sock_filter));
	if (p.full) {
		errno = E2BIG;
		return -1;
	}
	return channel_send(stage->channel, m, sizeof(*m) + p.used, fds, fd_count);
}

static int ask(struct stage *stage, enum message_kind kind, const char *text,
	       struct arrival *arrival)
{
	struct message *m = &stage->out.head;
	size_t length = strlen(text) + 1;

	*m = (struct message){ .kind = kind, .number = ++stage->asked };
	if (length > PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(stage->out.text, text, length);
	if (channel_send(stage->channel, m, sizeof(*m) + length, NULL, 0) < 0 ||
	    stage_listen(stage, m->number, STAGE_PATIENCE_MS, arrival) < 0)
		return -1;
	if (stage->in.head.error == 0)
		return 0;
	for (int i = 0; i < arrival->fd_count; i++)
		close(arrival->fds[i]);
	errno = stage->in.head.error;
	return -1;
}

static int open_inside(struct stage *stage, const char *path)
{
	struct arrival arrival;

	if (stage->isolation != STAGE_FULL)
		return open(path, O_RDONLY | O_CLOEXEC);
	if (ask(stage, MESSAGE_OPEN, path, &arrival) < 0)
		return -1;
	if (arrival.fd_count == 1)
		return arrival.fds[0];
	errno = EBADMSG;
	return -1;
}

/* Tables of the ipc namespace are asked for again and again; once open, they can be read anew. */
static int opened_before(const struct stage *stage, const char *path)
{
	for (size_t i = 0; i < stage->opened_count; i++)
		if (strcmp(stage->opened[i].path, path) == 0 &&
		    lseek(stage->opened[i].fd, 0, SEEK_SET) == 0)
			return stage->opened[i].fd;
	return -1;
}

int stage_read_inside(struct stage *stage, const char *path, struct buffer *text, size_t limit)
{
	const size_t room = sizeof(stage->opened) / sizeof(stage->opened[0]);
	int fd = opened_before(stage, path), result;
	bool keep = fd >= 0;

	buffer_clear(text);
	if (fd < 0)
		fd = open_inside(stage, path);
	if (fd < 0)
		return -1;
	if (!keep && text_starts(path, "/proc/sysvipc/") && stage->opened_count < room) {
		stage->opened[stage->opened_count++] = (struct opened){
			arena_copy(stage->arena, path), fd
		};
		keep = true;
	}
	result = buffer_read_fd(text, fd, limit);
	if (!keep) {
		int error = errno;

		close(fd);
		errno = error;
	}
	return result;
}

/* Only those places that the stage does not share with the rest of the host. */
static int clean_own(struct stage *stage)
{
	static const char *const places[] = { "work", "disk", "tmp" };
	int result = leftovers_remove(&stage->before);
	const size_t mark = arena_mark(stage->arena);

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (leftovers_empty_directory(stage_path(stage, places[i])) < 0)
			result = -1;
	arena_reset(stage->arena, mark);
	return result;
}

int stage_clean(struct stage *stage)
{
	struct arrival arrival;

	if (stage->isolation != STAGE_FULL)
		return clean_own(stage);
	return ask(stage, MESSAGE_CLEAN, "", &arrival);
}
