/* The pipes of a program: fed and captured without ever waiting. */
#include "run/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"

/* One pipe; `ours` is the end that stays here. */
static bool open_pipe(struct channel *channel, int *theirs, bool we_write)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	channel->fd = ends[we_write];
	*theirs = ends[!we_write];
	fcntl(channel->fd, F_SETFL, O_NONBLOCK);
	return true;
}

static bool open_input(struct program *program, int *theirs)
{
	const struct launch *launch = &program->launch;
	struct stat st;

	*theirs = -1;
	if (launch->stdin_is == INPUT_CLOSED)
		return true;
	if (launch->stdin_is == INPUT_BROKEN) {
		*theirs = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return *theirs >= 0;
	}
	if (!open_pipe(&program->in, theirs, true))
		return false;
	if (fstat(*theirs, &st) == 0)
		program->in_inode = st.st_ino;
	if (launch->input)
		buffer_add(&program->in.text, launch->input,
			   launch->input_size ? launch->input_size : strlen(launch->input));
	program->in_end = !launch->typed;
	return true;
}

static bool open_output(struct program *program, int *theirs)
{
	*theirs = -1;
	switch (program->launch.stdout_is) {
	case OUTPUT_CLOSED:
		return true;
	case OUTPUT_FULL:
		*theirs = open("/dev/full", O_WRONLY | O_CLOEXEC);
		return *theirs >= 0;
	case OUTPUT_GONE:
	case OUTPUT_PIPE:
		break;
	}
	if (!open_pipe(&program->out, theirs, false))
		return false;
	if (program->launch.stdout_is == OUTPUT_GONE) {
		close(program->out.fd);
		program->out.fd = -1;
	}
	return true;
}

bool channels_open(struct session *session, struct program *program, int stdio[3])
{
	(void)session;
	program->in.fd = program->out.fd = program->err.fd = -1;
	stdio[0] = stdio[1] = stdio[2] = -1;
	return open_input(program, &stdio[0]) && open_output(program, &stdio[1]) &&
	       open_pipe(&program->err, &stdio[2], false);
}

static void close_channel(struct channel *channel)
{
	if (channel->fd >= 0)
		close(channel->fd);
	channel->fd = -1;
}

void channels_close(struct program *program)
{
	close_channel(&program->in);
	close_channel(&program->out);
	close_channel(&program->err);
	buffer_free(&program->in.text);
	buffer_free(&program->out.text);
	buffer_free(&program->err.text);
}

static void drain(struct session *session, struct program *program, struct channel *channel)
{
	char text[65536];
	ssize_t got;

	while (channel->fd >= 0) {
		got = read(channel->fd, text, sizeof(text));
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (got <= 0) {
			close_channel(channel);
			return;
		}
		if (channel->text.size + (size_t)got > session->output_limit) {
			program->output_lost = true;
			continue;
		}
		buffer_add(&channel->text, text, (size_t)got);
	}
}

static void supply(struct program *program)
{
	struct channel *in = &program->in;
	ssize_t put;

	while (in->fd >= 0 && in->text.size > 0) {
		put = write(in->fd, in->text.data, in->text.size);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno == EAGAIN)
			return;
		if (put < 0) { /* nobody reads any more */
			buffer_clear(&in->text);
			break;
		}
		memmove(in->text.data, in->text.data + put, in->text.size - (size_t)put);
		in->text.size -= (size_t)put;
	}
	if (program->in_end && in->text.size == 0)
		close_channel(in);
}

void program_pump(struct session *session, struct program *program)
{
	drain(session, program, &program->out);
	drain(session, program, &program->err);
	supply(program);
}

void session_pump(struct session *session)
{
	for (struct program *program = session->programs; program; program = program->next)
		program_pump(session, program);
}
