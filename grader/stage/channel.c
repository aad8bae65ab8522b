#include "stage/channel.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int channel_pair(int ends[2])
{
	const int on = 1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	if (setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0)
		return 0;
	close(ends[0]);
	close(ends[1]);
	return -1;
}

int channel_send(int fd, const struct message *message, size_t size, const int *fds, int fd_count)
{
	union {
		char room[CMSG_SPACE(CHANNEL_FDS * sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec data = { (void *)(uintptr_t)message, size };
	struct msghdr header = { .msg_iov = &data, .msg_iovlen = 1 };
	ssize_t sent;

	if (fd_count > 0) {
		struct cmsghdr *c;

		header.msg_control = control.room;
		header.msg_controllen = CMSG_SPACE((size_t)fd_count * sizeof(int));
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN((size_t)fd_count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, (size_t)fd_count * sizeof(int));
	}
	do
		sent = sendmsg(fd, &header, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

static void take_control(struct msghdr *header, struct arrival *arrival)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS) {
			arrival->fd_count = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(arrival->fds, CMSG_DATA(c), (size_t)arrival->fd_count * sizeof(int));
		} else if (c->cmsg_type == SCM_CREDENTIALS) {
			struct ucred sender;

			memcpy(&sender, CMSG_DATA(c), sizeof(sender));
			arrival->sender = sender.pid;
		}
	}
}

static int wait_readable(int fd, int timeout_ms)
{
	int64_t until = clock_now() + timeout_ms * NS_PER_MS;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = timeout_ms < 0 ? -1
					      : (until - clock_now() + NS_PER_MS - 1) / NS_PER_MS;
		int n = poll(&p, 1, timeout_ms >= 0 && left < 0 ? 0 : (int)left);

		if (n > 0)
			return 0;
		if (n == 0)
			errno = ETIMEDOUT;
		if (n == 0 || errno != EINTR)
			return -1;
	}
}

int channel_receive(int fd, struct letter *letter, struct arrival *arrival, int timeout_ms)
{
	union {
		char room[CMSG_SPACE(CHANNEL_FDS * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct iovec data = { letter, sizeof(*letter) - 1 };
	struct msghdr header = { .msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control.room,
				 .msg_controllen = sizeof(control.room) };
	ssize_t got;

	*arrival = (struct arrival){ .size = 0 };
	if (wait_readable(fd, timeout_ms) < 0)
		return -1;
	do
		got = recvmsg(fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got < 0) {
		if (errno == ECONNRESET)
			errno = EPIPE;
		return -1;
	}
	take_control(&header, arrival);
	if (got > 0 && (size_t)got >= sizeof(letter->head) && !(header.msg_flags & MSG_TRUNC)) {
		arrival->size = (size_t)got;
		letter->text[arrival->size - offsetof(struct letter, text)] = '\0';
		return 0;
	}
	for (int i = 0; i < arrival->fd_count; i++)
		close(arrival->fds[i]);
	arrival->fd_count = 0;
	errno = got == 0 ? EPIPE : EBADMSG;
	return -1;
}
