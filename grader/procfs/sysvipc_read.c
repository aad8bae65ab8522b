/*
 * sysvipc_read.c: the opener of /proc/sysvipc. The kernel shows the IPC namespace of the task that
 * opens the file, so a forked helper joins the namespace, opens, and passes the text through a
 * pipe. A child, because joining cannot be undone, and a user namespace is closed to threads.
 */
#include "base/buffer.h"
#include "base/file.h"
#include "procfs/proc_open.h"
#include "procfs/sysvipc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_TEXT = 64 << 20 };

/* In the helper: only async-signal-safe calls, for the parent may have threads. */
static int join(int ipc)
{
	int user;

	if (setns(ipc, CLONE_NEWIPC) == 0)
		return 0;
	user = errno == EPERM ? ioctl(ipc, NS_GET_USERNS) : -1;
	if (user < 0 || setns(user, CLONE_NEWUSER) < 0 || setns(ipc, CLONE_NEWIPC) < 0)
		return errno;
	return 0;
}

/* Copies the file at PATH, seen from inside, into the pipe; returns an errno value. */
static int helper(int ipc, const char *path, int to)
{
	char piece[4096];
	int error = join(ipc), from;
	ssize_t got;

	if (error)
		return error;
	from = open(path, O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return errno;
	while ((got = read(from, piece, sizeof(piece))) > 0)
		if (write(to, piece, (size_t)got) != got)
			return EIO;
	return got < 0 ? errno : 0;
}

/* The helper's exit status is its errno value, which is below 256 on Linux. */
static int reap(pid_t child)
{
	int status;

	while (waitpid(child, &status, __WALL) < 0)
		if (errno != EINTR)
			return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

static int read_inside(int ipc, const char *path, struct buffer *text)
{
	int ends[2], error = 0;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return errno;
	child = fork();
	if (child == 0)
		_exit(helper(ipc, path, ends[1]));
	if (child < 0)
		error = errno;
	close(ends[1]);
	if (child > 0 && buffer_read_fd(text, ends[0], MOST_TEXT) < 0)
		error = errno;
	close(ends[0]);
	if (child > 0) {
		int status = reap(child);

		error = error ? error : status;
	}
	return error;
}

static bool is_our_namespace(int ipc)
{
	struct stat theirs, ours;

	return fstat(ipc, &theirs) == 0 && stat("/proc/self/ns/ipc", &ours) == 0 &&
	       theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

/* Of our own namespace without a helper, which would count in nattch of what we have attached. */
static int read_list(pid_t pid, const char *path, struct buffer *text)
{
	int ipc, error;

	ipc = proc_open(pid, "ns/ipc");
	if (ipc < 0)
		return errno;
	if (is_our_namespace(ipc))
		error = file_read(path, text, MOST_TEXT) < 0 ? errno : 0;
	else
		error = read_inside(ipc, path, text);
	close(ipc);
	return error;
}

int sysvipc_shm(struct arena *arena, pid_t pid, struct sysv_shm **list, size_t *count)
{
	struct buffer text = { 0 };
	int error = read_list(pid, "/proc/sysvipc/shm", &text);

	*list = NULL;
	*count = 0;
	if (!error && !sysvipc_shm_parse(arena, buffer_text(&text), text.size, list, count))
		error = EBADMSG;
	buffer_free(&text);
	return error;
}

int sysvipc_sem(struct arena *arena, pid_t pid, struct sysv_sem **list, size_t *count)
{
	struct buffer text = { 0 };
	int error = read_list(pid, "/proc/sysvipc/sem", &text);

	*list = NULL;
	*count = 0;
	if (!error && !sysvipc_sem_parse(arena, buffer_text(&text), text.size, list, count))
		error = EBADMSG;
	buffer_free(&text);
	return error;
}
