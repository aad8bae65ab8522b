/*
 * The launcher: pid 1 of the sandbox. It lives under the same user as the students' programs, so it
 * must give them nothing to hold it by: signals are blocked, its memory is closed, it has no file.
 */
#include "stage/launcher.h"
#include "stage/stage.h"

#include "base/clock.h"
#include "stage/channel.h"
#include "stage/hardening.h"
#include "stage/landlock.h"
#include "stage/leftovers.h"
#include "stage/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const places[] = { "/dev/shm", "/tmp", "/lab/work", "/lab/disk" };

static void answer(int channel, enum message_kind kind, uint32_t number, int error, int fd)
{
	const struct message m = { .kind = kind, .number = number, .error = error };

	/* a worker that does not listen any more has died, and so shall we */
	if (channel_send(channel, &m, sizeof(m), &fd, fd >= 0) < 0 && errno == EPIPE)
		_exit(0);
}

static void open_inside(int channel, const struct letter *l)
{
	int fd = open(l->text, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	answer(channel, MESSAGE_ANSWER, l->head.number, fd < 0 ? errno : 0, fd);
	if (fd >= 0)
		close(fd);
}

static void clean(int channel, const struct message *m)
{
	int error = leftovers_remove_all_ipc() < 0 ? errno : 0;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (leftovers_empty_directory(places[i]) < 0)
			error = errno;
	answer(channel, MESSAGE_ANSWER, m->number, error, -1);
}

static void launch(int channel, const struct letter *l, const struct arrival *arrival)
{
	pid_t pid = fork();

	if (pid == 0)
		launcher_child(channel, l, arrival);
	if (pid < 0)
		answer(channel, MESSAGE_FAILED, l->head.number, errno, -1);
}

static void serve(int channel, const struct letter *l, const struct arrival *arrival)
{
	switch (l->head.kind) {
	case MESSAGE_LAUNCH:
		/* by now the worker has seized us, if it wants to; see stage.h */
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		launch(channel, l, arrival);
		break;
	case MESSAGE_OPEN:
		open_inside(channel, l);
		break;
	case MESSAGE_CLEAN:
		clean(channel, &l->head);
		break;
	}
	for (int i = 0; i < arrival->fd_count; i++)
		close(arrival->fds[i]);
}

/* What no rlimit counts: everything together. */
struct watch {
	bool on; /* programs run */
	int64_t next;
	uint64_t memory, disk; /* at most */
};

static void begin_watch(struct watch *w, const struct limits *limits)
{
	w->memory = limits->value[LIMIT_MEMORY];
	w->disk = limits->value[LIMIT_DISK];
	if (!w->on)
		w->next = clock_now() + STAGE_LOOK_MS * NS_PER_MS;
	w->on = true;
}

static void look(struct watch *w, int channel)
{
	struct stage_usage usage;
	enum limit broken = LIMIT_COUNT;

	if (!w->on || clock_now() < w->next)
		return;
	w->on = usage_read("", &usage) == 0 && usage.processes > 0;
	w->next = clock_now() + STAGE_LOOK_MS * NS_PER_MS;
	if (w->on && usage.memory > w->memory)
		broken = LIMIT_MEMORY;
	else if (w->on && usage.disk > w->disk)
		broken = LIMIT_DISK;
	if (broken != LIMIT_COUNT && kill(-1, SIGKILL) == 0)
		answer(channel, MESSAGE_LIMIT, 0, (int)broken, -1);
}

/* Until the worker has closed its end. */
static void serve_all(int channel, bool own_namespace)
{
	static struct letter in;
	struct arrival arrival;
	struct watch watch = { .on = false };

	for (;;) {
		if (channel_receive(channel, &in, &arrival, watch.on ? STAGE_LOOK_MS : -1) == 0) {
			if (in.head.kind == MESSAGE_LAUNCH && own_namespace)
				begin_watch(&watch, &in.head.limits);
			serve(channel, &in, &arrival);
		} else if (errno != EBADMSG && errno != ETIMEDOUT) {
			return;
		}
		look(&watch, channel);
	}
}

/* So that memory that runs out takes the programs first. */
static void be_first_to_go(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "1000", 4) < 0)
		errno = 0;
	if (fd >= 0)
		close(fd);
}

/* Only the channel remains; descriptors 0 to 2 are /dev/null. */
static int keep_channel_alone(int channel)
{
	if (channel != 3 && dup2(channel, 3) < 0)
		return -1;
	close_range(4, ~0u, 0);
	fcntl(3, F_SETFD, FD_CLOEXEC);
	for (int i = 0; i < 3; i++)
		if (fcntl(i, F_GETFD) < 0)
			open("/dev/null", O_RDWR);
	return 3;
}

/* The stage without namespaces of its own: what bubblewrap does elsewhere. */
static int confine(const char *scratch, bool landlock)
{
	int filter, result;

	if (landlock && landlock_confine(scratch) < 0)
		return -1;
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	filter = hardening_filter(getpid(), true);
	if (filter < 0)
		return -1;
	result = hardening_install(filter);
	close(filter);
	return result;
}

/* Without a pid namespace the programs do not go with pid 1; signals are blocked only by them. */
static void end_everybody(bool own_namespace)
{
	const struct timespec moment = { .tv_nsec = 2000000 };

	for (int tries = 0; !own_namespace && tries < 1000 && leftovers_kill_tree(getpid()) > 0;
	     tries++)
		nanosleep(&moment, NULL);
}

int launcher_main(int argc, char **argv)
{
	const bool own_namespace = argc == 4 && strcmp(argv[3], "full") == 0;
	sigset_t all;
	int channel;

	if (argc != 4 && argc != 5)
		return 2;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGCHLD, SIG_IGN);
	prctl(PR_SET_NAME, "maplab-launcher"); /* 15 letters; else it is the descriptor's number */
	umask(0);
	channel = keep_channel_alone(atoi(argv[2]));
	if (channel < 0)
		return 2;
	be_first_to_go();
	if (argc == 5 && confine(argv[4], strcmp(argv[3], "partial") == 0) < 0) {
		fprintf(stderr, "cannot confine: %s\n", strerror(errno));
		return 1;
	}
	if (own_namespace)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	answer(channel, MESSAGE_READY, 0, 0, -1);
	serve_all(channel, own_namespace);
	end_everybody(own_namespace);
	return 0;
}
