/* Which descriptors a call reads or waits for. */
#include "run/session.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "procfs/proc.h"

/* Is this descriptor of the process the one that is meant? By number, and 0 by the identity of the
 * pipe: a duplicate is the standard input, too. */
static bool is_meant(const struct program *program, const struct moment *moment,
		     const struct process *process, int fd)
{
	char path[64];
	struct stat st;

	if (moment->descriptor != 0 || !program->in_inode)
		return fd == moment->descriptor;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)process_view(process), fd);
	return stat(path, &st) == 0 && S_ISFIFO(st.st_mode) && st.st_ino == program->in_inode;
}

/* Is it in the set of an epoll descriptor? */
static bool in_epoll_set(const struct program *program, const struct moment *moment,
			 const struct process *process, int set)
{
	struct buffer text = { 0 };
	char name[32];
	bool found = false;

	snprintf(name, sizeof(name), "fdinfo/%d", set);
	if (proc_read(process_view(process), name, &text) == 0)
		for (const char *line = strstr(buffer_text(&text), "tfd:"); line && !found;
		     line = strstr(line + 1, "tfd:"))
			found = is_meant(program, moment, process, atoi(line + strlen("tfd:")));
	buffer_free(&text);
	return found;
}

bool event_on_descriptor(const struct program *program, const struct moment *moment,
			 const struct event *event)
{
	int index = call_descriptor_argument(event->call);

	switch (event->call) {
	case CALL_poll:
	case CALL_ppoll: {
		struct pollfd fds[64];
		uint64_t count = event->args[1] < 64 ? event->args[1] : 64;

		if (!count ||
		    !process_read(event->process, event->args[0], fds, count * sizeof(*fds)))
			return false;
		for (uint64_t i = 0; i < count; i++)
			if (is_meant(program, moment, event->process, fds[i].fd))
				return true;
		return false;
	}
	case CALL_select:
	case CALL_pselect6: {
		int count = (int)event->args[0];
		fd_set set;

		if (count <= 0 || !event->args[1])
			return false;
		if (count > FD_SETSIZE)
			count = FD_SETSIZE;
		if (!process_read(event->process, event->args[1], &set,
				  (size_t)(count + 63) / 64 * 8))
			return false;
		for (int fd = 0; fd < count; fd++)
			if (FD_ISSET(fd, &set) && is_meant(program, moment, event->process, fd))
				return true;
		return false;
	}
	case CALL_epoll_wait:
	case CALL_epoll_pwait:
	case CALL_epoll_pwait2:
		return in_epoll_set(program, moment, event->process, (int)event->args[0]);
	default:
		break;
	}
	if (index < 0)
		return false;
	if (moment->descriptor == 0 && program->in_inode)
		return event->inode == program->in_inode;
	return (int)event->args[index] == moment->descriptor;
}
