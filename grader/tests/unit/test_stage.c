/*
 * The stage, played on by this very program in the roles of stage_roles.c. Each test is a process
 * of its own (Check forks), so as root each gives its privileges up for itself.
 */
#include "unit.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "stage/cgroup.h"
#include "stage/host.h"
#include "stage/scratch.h"
#include "stage/stage.h"
#include "stage_roles.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The launcher, and the students' programs of these tests, are this program started again. */
__attribute__((constructor)) static void enter_stage(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], STAGE_LAUNCHER_WORD) == 0)
		_exit(launcher_main(argc, argv));
	if (argc != 4 || strcmp(argv[1], ROLE_WORD) != 0)
		return;
	for (const struct role *r = stage_roles; r->name != NULL; r++)
		if (strcmp(r->name, argv[2]) == 0)
			_exit(r->function(argv[3]));
	_exit(99);
}

/* The ways to confine programs that every test of a stage is run with. */
static const struct way {
	const char *without; /* MAPLAB_WITHOUT */
	enum stage_isolation isolation;
	enum host_feature needs;
} ways[] = {
	{ "", STAGE_FULL, HOST_USERNS },
	{ "bwrap-size", STAGE_FULL, HOST_USERNS },
	{ "userns", STAGE_PARTIAL, HOST_LANDLOCK },
};
enum { FULL, FULL_WITHOUT_SIZES, PARTIAL, WAYS };

struct play {
	struct stage *stage;
	struct stage_directory work;
	char program[PATH_MAX];
	char output[8192];
};

/* False when this host cannot do it that way: the test says so by passing. */
static bool prepare(int way)
{
	unsetenv("MAPLAB_WITHOUT");
	host_forget();
	if (!host_has(ways[way].needs))
		return false;
	setenv("MAPLAB_WITHOUT", ways[way].without, 1);
	host_forget();
	return true;
}

static struct stage_options small_stage(void)
{
	struct stage_options options = stage_options_default();

	options.disk = true;
	options.limits.value[LIMIT_CPU] = 5;
	options.limits.value[LIMIT_OPEN_FILES] = 64;
	options.limits.value[LIMIT_PROCESSES] = 40;
	options.limits.value[LIMIT_SHM] = 4 << 20;
	options.limits.value[LIMIT_WORK] = 8 << 20;
	return options;
}

static void open_play(struct play *play)
{
	struct stage_options options = small_stage();
	const char *why = "";
	long options_of_trace = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
				PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;

	play->stage = stage_open(&options, &why);
	ck_assert_msg(play->stage != NULL, "%s", why);
	ck_assert_int_ne(geteuid(), 0);
	ck_assert_int_eq(ptrace(PTRACE_SEIZE, stage_launcher(play->stage), NULL, options_of_trace),
			 0);
	ck_assert_int_eq(stage_put_program(play->stage, "/proc/self/exe", "maplab", play->program),
			 0);
	ck_assert_int_eq(stage_fresh_directory(play->stage, STAGE_WORK, "here", &play->work), 0);
}

/*
 * Lets all run until PID, or the first program when 0, has ended; its wait status. The kernel tells
 * of the youngest first: a program may have lived and died before its birth is reported.
 */
static int follow(struct stage *stage, pid_t pid)
{
	static struct {
		pid_t pid;
		int status;
	} dead[256];
	size_t deaths = 0;
	int status;
	pid_t stopped;

	while ((stopped = waitpid(-1, &status, __WALL)) > 0) {
		int event = status >> 16, signal = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
		unsigned long child;

		if (!WIFSTOPPED(status)) {
			if (stopped == pid)
				return status;
			dead[deaths % 256].pid = stopped;
			dead[deaths++ % 256].status = status;
			continue;
		}
		if (event == PTRACE_EVENT_FORK && stopped == stage_launcher(stage) && pid == 0 &&
		    ptrace(PTRACE_GETEVENTMSG, stopped, NULL, &child) == 0)
			pid = (pid_t)child;
		if (event != 0 || stopped == stage_launcher(stage))
			signal = 0;
		ptrace(PTRACE_CONT, stopped, NULL, (long)signal);
		for (size_t i = 0; i < deaths && i < 256; i++)
			if (dead[i].pid == pid)
				return dead[i].status;
	}
	ck_abort_msg("no program has ended");
	return -1;
}

static struct stage_program role_program(const struct play *play, const char **argv)
{
	struct stage_program program = STAGE_PROGRAM;

	program.path = play->program;
	program.argv = argv;
	program.directory = play->work.inside;
	return program;
}

/* Plays a role to its end, with its output in play->output; its exit status. */
static int act(struct play *play, const char *role, const char *argument)
{
	const char *argv[] = { "maplab", ROLE_WORD, role, argument, NULL };
	struct stage_program program = role_program(play, argv);
	int output = memfd_create("output", MFD_CLOEXEC), status;
	ssize_t n;

	program.stdio[1] = program.stdio[2] = output;
	ck_assert_int_eq(stage_launch(play->stage, &program), 0);
	status = follow(play->stage, 0);
	n = pread(output, play->output, sizeof(play->output) - 1, 0);
	play->output[n > 0 ? n : 0] = '\0';
	close(output);
	ck_assert_msg(WIFEXITED(status), "%s: status %#x, %s", role, (unsigned)status,
		      play->output);
	return WEXITSTATUS(status);
}

static void acts_well(struct play *play, const char *role, const char *argument)
{
	int status = act(play, role, argument);

	ck_assert_msg(status == 0, "%s: exit %d, %s", role, status, play->output);
}

static const char *queues(const struct play *play)
{
	return stage_isolation(play->stage) == STAGE_FULL ? "" : "no-queues";
}

/* Whether the directory has nothing in it. */
static bool is_empty(const char *path)
{
	return rmdir(path) == 0 && mkdir(path, 0755) == 0;
}

START_TEST(programs_are_confined_and_still_work)
{
	static const char *const roles[] = { "plain-process", "hardened", "processes", "memory" };
	struct play play;

	if (!prepare(_i))
		return;
	open_play(&play);
	ck_assert_int_eq(stage_isolation(play.stage), ways[_i].isolation);
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		acts_well(&play, roles[i], "");
	/* something that is there and readable outside */
	acts_well(&play, "confined", "/usr/include/stdio.h");
	stage_close(play.stage);
}
END_TEST

START_TEST(nothing_is_left_after_close)
{
	struct play play;
	struct stage_usage usage;
	char scratch[PATH_MAX];
	pid_t launcher;

	if (!prepare(_i))
		return;
	open_play(&play);
	snprintf(scratch, sizeof(scratch), "%s", stage_scratch(play.stage));
	launcher = stage_launcher(play.stage);
	acts_well(&play, "ipc", queues(&play));
	acts_well(&play, "stay", "");
	acts_well(&play, "bomb", "");
	ck_assert_int_gt(atoi(play.output), 20);
	/* what else the user runs may come and go without a namespace */
	ck_assert_int_le(atoi(play.output), 45);
	ck_assert_int_eq(stage_usage(play.stage, &usage), 0);
	ck_assert_uint_ge(usage.processes, 20);
	ck_assert(stage_alive(play.stage));
	stage_close(play.stage);
	ck_assert(!file_exists(scratch));
	ck_assert(kill(launcher, 0) < 0 && errno == ESRCH);
	ck_assert(!file_exists("/dev/shm/maplab-test") && !file_exists("/dev/shm/sem.maplab-test"));
	ck_assert(shmget(4711, 0, 0) < 0 && errno == ENOENT);
}
END_TEST

START_TEST(clean_empties_everything)
{
	struct buffer table = { 0 };
	struct stage_directory place;
	struct play play;

	if (!prepare(_i))
		return;
	open_play(&play);
	acts_well(&play, "ipc", queues(&play));
	ck_assert_int_eq(stage_read_inside(play.stage, "/proc/sysvipc/shm", &table, 65536), 0);
	ck_assert_ptr_nonnull(strstr(buffer_text(&table), "\n      4711 "));
	ck_assert_int_eq(stage_clean(play.stage), 0);
	ck_assert_int_eq(stage_read_inside(play.stage, "/proc/sysvipc/shm", &table, 65536), 0);
	ck_assert_ptr_null(strstr(buffer_text(&table), "\n      4711 "));
	ck_assert_int_eq(stage_fresh_directory(play.stage, STAGE_SHM, NULL, &place), 0);
	strcat(place.outside, "/maplab-test");
	ck_assert(!file_exists(place.outside));
	ck_assert(!file_exists(play.work.outside));
	/* and all of it can be made again */
	ck_assert_int_eq(stage_fresh_directory(play.stage, STAGE_WORK, "here", &play.work), 0);
	acts_well(&play, "ipc", queues(&play));
	buffer_free(&table);
	stage_close(play.stage);
}
END_TEST

START_TEST(a_program_gets_what_it_is_given)
{
	const char *argv[] = { "maplab", ROLE_WORD, "show", "a word", NULL };
	const char *env[] = { "HOME=/nowhere", "X=1", "X=2", NULL };
	struct stage_program program;
	struct play play;
	char cwd[PATH_MAX + 8];
	int ends[2];
	ssize_t n;

	if (!prepare(_i))
		return;
	open_play(&play);
	program = role_program(&play, argv);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	program.stdio[1] = ends[1];
	program.env = env;
	program.umask = 0137;
	ck_assert_int_eq(stage_launch(play.stage, &program), 0);
	close(ends[1]);
	ck_assert_int_eq(follow(play.stage, 0), 0);
	n = read(ends[0], play.output, sizeof(play.output) - 1);
	ck_assert_int_gt(n, 0);
	play.output[n] = '\0';
	snprintf(cwd, sizeof(cwd), "cwd %s\n", play.work.inside);
	ck_assert_ptr_nonnull(strstr(play.output, "argument a word\n"));
	ck_assert_ptr_nonnull(strstr(play.output, cwd));
	ck_assert_ptr_nonnull(strstr(play.output, "umask 137\n"));
	ck_assert_ptr_nonnull(strstr(play.output, "env HOME=/nowhere\n"));
	ck_assert_ptr_nonnull(strstr(play.output, "env X=2\n"));
	ck_assert_ptr_null(strstr(play.output, "env X=1\n"));
	ck_assert_ptr_null(strstr(play.output, "MAPLAB_WITHOUT"));
	stage_close(play.stage);
}
END_TEST

START_TEST(closed_stdio_is_closed)
{
	const char *argv[] = { "maplab", ROLE_WORD, "closed", "", NULL };
	struct stage_program program;
	struct play play;

	if (!prepare(_i))
		return;
	open_play(&play);
	program = role_program(&play, argv);
	ck_assert_int_eq(stage_launch(play.stage, &program), 0);
	ck_assert_int_eq(follow(play.stage, 0), 0);
	stage_close(play.stage);
}
END_TEST

START_TEST(the_launcher_survives_its_children)
{
	struct play play;

	if (!prepare(_i))
		return;
	open_play(&play);
	for (int i = 0; i < 3; i++)
		acts_well(&play, "murder", "");
	ck_assert(stage_alive(play.stage));
	acts_well(&play, "bomb", "");
	/* the bomb has taken all there was for programs; what it left must not stop the stage */
	ck_assert_int_eq(stage_clean(play.stage), 0);
	stage_close(play.stage);
}
END_TEST

START_TEST(sizes_are_limited)
{
	struct stage_directory directory;
	struct play play;

	if (!prepare(FULL) || !host_has(HOST_BWRAP_SIZE))
		return;
	open_play(&play);
	acts_well(&play, "fill", "20000000");
	ck_assert_int_eq(stage_clean(play.stage), 0);
	ck_assert_int_eq(stage_fresh_directory(play.stage, STAGE_SHM, "d", &directory), 0);
	play.work = directory;
	acts_well(&play, "fill", "5000000");
	ck_assert_int_eq(stage_filesystem(play.stage, STAGE_SHM), TMPFS_MAGIC);
	ck_assert_int_eq(stage_fresh_directory(play.stage, STAGE_DISK, "d", &directory), 0);
	play.work = directory;
	ck_assert_int_eq(act(&play, "fill", "20000000"), 3);
	stage_close(play.stage);
}
END_TEST

START_TEST(directories_are_fresh)
{
	struct stage_directory d, again;
	char file[PATH_MAX + 2];
	struct play play;
	int fd;

	if (!prepare(_i))
		return;
	open_play(&play);
	for (enum stage_place place = STAGE_WORK; place <= STAGE_TMP; place++) {
		ck_assert_int_eq(stage_fresh_directory(play.stage, place, "maplab-d", &d), 0);
		snprintf(file, sizeof(file), "%s/f", d.outside);
		fd = open(file, O_RDWR | O_CREAT, 0600);
		ck_assert(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
		ck_assert_int_eq(stage_fresh_directory(play.stage, place, "maplab-d", &again), 0);
		ck_assert_str_eq(d.inside, again.inside);
		ck_assert(is_empty(again.outside));
	}
	ck_assert_int_eq(stage_fresh_directory(play.stage, STAGE_WORK, "a/b", &d), -1);
	ck_assert_int_eq(stage_fresh_directory(play.stage, STAGE_WORK, "..", &d), -1);
	stage_close(play.stage);
}
END_TEST

START_TEST(switches_of_a_program)
{
	const char *argv[] = { "maplab", ROLE_WORD, "address", "", NULL };
	const char *thp[] = { "maplab", ROLE_WORD, "no-thp", "", NULL };
	struct stage_program program;
	struct play play;
	char first[256] = "";
	int fd;

	if (!prepare(_i))
		return;
	open_play(&play);
	for (int i = 0; i < 2; i++) {
		program = role_program(&play, argv);
		program.no_aslr = true;
		fd = program.stdio[1] = memfd_create("output", MFD_CLOEXEC);
		ck_assert_int_eq(stage_launch(play.stage, &program), 0);
		ck_assert_int_eq(follow(play.stage, 0), 0);
		ck_assert_int_gt(pread(fd, i == 0 ? first : play.output, sizeof(first), 0), 10);
		close(fd);
	}
	ck_assert_int_eq(strncmp(first, play.output, strcspn(first, "\n")), 0);
	program = role_program(&play, thp);
	program.no_thp = true;
	ck_assert_int_eq(stage_launch(play.stage, &program), 0);
	ck_assert_int_eq(follow(play.stage, 0), 0);
	stage_close(play.stage);
}
END_TEST

START_TEST(filters_are_installed)
{
	const struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 77),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const char *argv[] = { "maplab", ROLE_WORD, "parent", "", NULL };
	struct stage_program program;
	struct play play;

	if (!prepare(_i))
		return;
	open_play(&play);
	program = role_program(&play, argv);
	program.filter = filter;
	program.filter_length = sizeof(filter) / sizeof(filter[0]);
	ck_assert_int_eq(stage_launch(play.stage, &program), 0);
	ck_assert_int_eq(WEXITSTATUS(follow(play.stage, 0)), 77);
	stage_close(play.stage);
}
END_TEST

START_TEST(a_failed_launch_says_so)
{
	const char *argv[] = { "nothing", NULL };
	struct stage_program program = STAGE_PROGRAM;
	struct play play;
	char *huge;
	const char *too_long[] = { "nothing", NULL, NULL };
	ssize_t n;

	if (!prepare(_i))
		return;
	open_play(&play);
	program.path = "/lab/bin/nothing";
	program.argv = argv;
	program.directory = play.work.inside;
	program.stdio[2] = memfd_create("errors", MFD_CLOEXEC);
	ck_assert_int_eq(stage_launch(play.stage, &program), 0);
	ck_assert_int_eq(WEXITSTATUS(follow(play.stage, 0)), 126);
	n = pread(program.stdio[2], play.output, sizeof(play.output) - 1, 0);
	play.output[n > 0 ? n : 0] = '\0';
	ck_assert_str_eq(play.output,
			 "maplab-launcher: /lab/bin/nothing: No such file or directory\n");
	huge = calloc(1, 200000);
	ck_assert_ptr_nonnull(huge);
	memset(huge, 'x', 199999);
	too_long[1] = huge;
	program.argv = too_long;
	ck_assert(stage_launch(play.stage, &program) < 0 && errno == E2BIG);
	free(huge);
	stage_close(play.stage);
}
END_TEST

/* Without a tracer: programs announce themselves, and end with the stage. */
START_TEST(untraced_programs_are_announced)
{
	const char *argv[] = { "maplab", ROLE_WORD, "stay", "", NULL };
	struct stage_options options = small_stage();
	struct stage_program program;
	const char *why = "";
	struct play play;
	pid_t pids[3];

	if (!prepare(_i))
		return;
	play.stage = stage_open(&options, &why);
	ck_assert_msg(play.stage != NULL, "%s", why);
	ck_assert_int_eq(stage_put_program(play.stage, "/proc/self/exe", "maplab", play.program),
			 0);
	ck_assert_int_eq(stage_fresh_directory(play.stage, STAGE_WORK, "here", &play.work), 0);
	program = role_program(&play, argv);
	program.announce = true;
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(stage_launch(play.stage, &program), 0);
	for (int i = 0; i < 3; i++) {
		pids[i] = stage_announced(play.stage, 2000);
		ck_assert_int_gt(pids[i], 0);
	}
	ck_assert_int_eq(stage_announced(play.stage, 10), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	stage_close(play.stage);
	for (int i = 0; i < 3; i++)
		ck_assert(kill(pids[i], 0) < 0 && errno == ESRCH);
}
END_TEST

START_TEST(usage_counts_memory)
{
	const char *argv[] = { "maplab", ROLE_WORD, "hog", "67108864", NULL };
	struct stage_program program;
	struct stage_usage usage;
	struct play play;
	int ends[2];
	char c;

	if (!prepare(_i))
		return;
	open_play(&play);
	ptrace(PTRACE_INTERRUPT, stage_launcher(play.stage), NULL, NULL);
	ck_assert_int_gt(waitpid(stage_launcher(play.stage), NULL, __WALL), 0);
	ck_assert_int_eq(ptrace(PTRACE_DETACH, stage_launcher(play.stage), NULL, NULL), 0);
	program = role_program(&play, argv);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	program.stdio[1] = ends[1];
	ck_assert_int_eq(stage_launch(play.stage, &program), 0);
	ck_assert_int_eq(read(ends[0], &c, 1), 1);
	ck_assert_int_eq(stage_usage(play.stage, &usage), 0);
	ck_assert_uint_eq(usage.processes, 1);
	ck_assert_uint_ge(usage.memory, 64 << 20);
	ck_assert_uint_lt(usage.memory, 96 << 20);
	stage_close(play.stage);
}
END_TEST

START_TEST(memory_together_is_limited)
{
	const char *argv[] = { "maplab", ROLE_WORD, "hog", "67108864", NULL };
	struct stage_program program;
	struct limits limits = limits_default();
	enum limit limit = LIMIT_COUNT;
	struct play play;
	int status;

	if (!prepare(FULL))
		return;
	open_play(&play);
	ck_assert(!stage_limit_broken(play.stage, &limit));
	program = role_program(&play, argv);
	limits.value[LIMIT_MEMORY] = 48 << 20;
	program.limits = &limits;
	ck_assert_int_eq(stage_launch(play.stage, &program), 0);
	status = follow(play.stage, 0);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	for (int i = 0; i < 100 && !stage_limit_broken(play.stage, &limit); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	ck_assert_int_eq((int)limit, LIMIT_MEMORY);
	/* and the next one plays on */
	acts_well(&play, "nothing", "");
	ck_assert(!stage_limit_broken(play.stage, &limit));
	stage_close(play.stage);
}
END_TEST

/* Programs that stand at a stop, and will stop once more at their exit, must not hold up the end.
 */
START_TEST(stopped_programs_do_not_hold_up_the_end)
{
	const char *argv[] = { "maplab", ROLE_WORD, "stay", "", NULL };
	const long all = PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT |
			 PTRACE_O_EXITKILL;
	struct stage_program program;
	struct play play;
	int64_t begun;
	int status;

	if (!prepare(_i))
		return;
	open_play(&play);
	ptrace(PTRACE_INTERRUPT, stage_launcher(play.stage), NULL, NULL);
	ck_assert_int_gt(waitpid(stage_launcher(play.stage), &status, __WALL), 0);
	ck_assert_int_eq(ptrace(PTRACE_SETOPTIONS, stage_launcher(play.stage), NULL, all), 0);
	ptrace(PTRACE_CONT, stage_launcher(play.stage), NULL, NULL);
	program = role_program(&play, argv);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(stage_launch(play.stage, &program), 0);
	/* a dozen stops, then leave them as they stand */
	for (int i = 0; i < 12; i++) {
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid == stage_launcher(play.stage) || i < 6)
			ptrace(PTRACE_CONT, pid, NULL, NULL);
		if (i >= 8)
			break;
	}
	begun = clock_now();
	stage_close(play.stage);
	ck_assert_int_lt(clock_now() - begun, 20000 * NS_PER_MS); /* held up: 30 s */
}
END_TEST

/* What the victim of the next test tells before it is killed. */
struct victim {
	char scratch[PATH_MAX];
	pid_t launcher, first;
};

static _Noreturn void be_victim(int out)
{
	const char *argv[] = { "maplab", ROLE_WORD, "wait", "", NULL };
	struct stage_program program;
	struct victim victim = { 0 };
	struct play play;

	open_play(&play);
	acts_well(&play, "ipc", queues(&play));
	acts_well(&play, "stay", "");
	program = role_program(&play, argv);
	stage_launch(play.stage, &program);
	snprintf(victim.scratch, sizeof(victim.scratch), "%s", stage_scratch(play.stage));
	victim.launcher = stage_launcher(play.stage);
	if (write(out, &victim, sizeof(victim)) != sizeof(victim))
		_exit(1);
	for (;;)
		pause();
}

/* A dead process may be a zombie for a while: whoever inherited it has to reap it. */
static bool is_gone(pid_t pid)
{
	struct buffer stat = { 0 };
	char path[64];
	bool gone;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	gone = file_read(path, &stat, 4096) < 0 || strstr(buffer_text(&stat), ") Z ") != NULL;
	buffer_free(&stat);
	return gone;
}

START_TEST(nothing_is_left_after_kill_9)
{
	const struct timespec moment = { .tv_nsec = 10000000 };
	struct victim victim;
	int ends[2];
	pid_t pid;

	if (!prepare(_i))
		return;
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		be_victim(ends[1]);
	close(ends[1]);
	ck_assert_int_eq(read(ends[0], &victim, sizeof(victim)), sizeof(victim));
	ck_assert(file_exists(victim.scratch) && !is_gone(victim.launcher));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 400 && (file_exists(victim.scratch) || !is_gone(victim.launcher)); i++)
		nanosleep(&moment, NULL);
	ck_assert(!file_exists(victim.scratch));
	ck_assert(is_gone(victim.launcher));
	ck_assert(!file_exists("/dev/shm/maplab-test"));
	ck_assert(shmget(4711, 0, 0) < 0 && errno == ENOENT);
}
END_TEST

START_TEST(a_scratch_can_be_kept)
{
	char path[PATH_MAX], disk[PATH_MAX + 8];
	struct play play;

	if (!prepare(_i))
		return;
	open_play(&play);
	ck_assert_int_eq(stage_fresh_directory(play.stage, STAGE_DISK, "d", &play.work), 0);
	acts_well(&play, "memory", "");
	ck_assert_int_eq(stage_keep(play.stage, path), 0);
	stage_close(play.stage);
	snprintf(disk, sizeof(disk), "%s/disk/d", path);
	ck_assert(file_exists(disk));
	ck_assert_ptr_nonnull(strstr(path, "/maplab-kept-"));
	ck_assert_int_eq(file_remove_tree(path), 0);
}
END_TEST

/* Both the maker and its janitor are dead: the next stage of the same user clears away. */
START_TEST(orphans_are_cleared_away)
{
	char parent[] = "/var/tmp/maplab-test-XXXXXX", orphan[64], other[64], living[64];
	struct stage_options options = small_stage();
	const char *why = "";
	struct stage *stage;
	int fd;

	ck_assert_int_eq(stage_drop_privileges(&options, &why), 0);
	ck_assert_ptr_nonnull(mkdtemp(parent));
	snprintf(orphan, sizeof(orphan), "%s/maplab-stage-abcdef", parent);
	snprintf(living, sizeof(living), "%s/maplab-stage-ghijkl", parent);
	snprintf(other, sizeof(other), "%s/maplab-kept-abcdef", parent);
	ck_assert(mkdir(orphan, 0700) == 0 && mkdir(other, 0700) == 0 && mkdir(living, 0700) == 0);
	fd = open(living, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	scratch_orphan_age = 0;
	options.scratch = parent;
	stage = stage_open(&options, &why);
	ck_assert_msg(stage != NULL, "%s", why);
	ck_assert(!file_exists(orphan) && file_exists(other) && file_exists(living));
	stage_close(stage);
	file_remove_tree(parent);
}
END_TEST

START_TEST(one_partial_stage_at_a_time)
{
	struct play play;
	int lock;

	if (!prepare(PARTIAL))
		return;
	open_play(&play);
	lock = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert(flock(lock, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK);
	stage_close(play.stage);
	ck_assert_int_eq(flock(lock, LOCK_EX | LOCK_NB), 0);
	close(lock);
}
END_TEST

START_TEST(no_sandbox_only_on_wish)
{
	struct stage_options options = small_stage();
	const char *why = "";
	struct play play;

	setenv("MAPLAB_WITHOUT", "userns,landlock", 1);
	host_forget();
	ck_assert_str_eq(host_isolation(), "none");
	ck_assert_ptr_null(stage_open(&options, &why));
	ck_assert_ptr_nonnull(strstr(why, "no sandbox"));
	options.allow_none = true;
	play.stage = stage_open(&options, &why);
	ck_assert_msg(play.stage != NULL, "%s", why);
	ck_assert_int_eq(stage_isolation(play.stage), STAGE_NONE);
	ck_assert_str_eq(stage_isolation_name(STAGE_NONE), "none");
	stage_close(play.stage);
}
END_TEST

START_TEST(features_can_be_taken_away)
{
	setenv("MAPLAB_WITHOUT", "cachestat,bwrap", 1);
	host_forget();
	ck_assert(!host_has(HOST_CACHESTAT) && host_lacks(HOST_CACHESTAT));
	/* and what rests on it */
	ck_assert(!host_has(HOST_USERNS) && !host_has(HOST_BWRAP_SIZE));
	setenv("MAPLAB_WITHOUT", "cachestats", 1);
	host_forget();
	ck_assert(!host_lacks(HOST_CACHESTAT));
	ck_assert(host_has(HOST_SECCOMP));
}
END_TEST

START_TEST(the_doctor_is_complete)
{
	struct arena *arena = arena_new(1 << 20, false);
	struct host_finding findings[HOST_FEATURE_COUNT];

	unsetenv("MAPLAB_WITHOUT");
	host_forget();
	host_examine(arena, findings);
	for (int i = 0; i < HOST_FEATURE_COUNT; i++) {
		const struct host_finding *f = &findings[i];

		ck_assert_int_eq((int)f->feature, i);
		ck_assert(f->title[0] != '\0' && f->detail[0] != '\0');
		ck_assert_int_eq(f->found, host_has(f->feature));
		ck_assert(f->found == (f->loss == NULL));
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(host_feature_name(f->feature),
					 host_feature_name((enum host_feature)j));
	}
	/* taken away one and all, each has a loss to tell */
	for (int i = 0; i < HOST_FEATURE_COUNT; i++) {
		setenv("MAPLAB_WITHOUT", host_feature_name((enum host_feature)i), 1);
		host_forget();
		ck_assert(!host_has((enum host_feature)i));
	}
	arena_free(arena);
}
END_TEST

START_TEST(limits_are_read_from_text)
{
	struct limits limits = limits_default();

	ck_assert(limits_set(&limits, "cpu", "3") && limits.value[LIMIT_CPU] == 3);
	ck_assert(limits_set(&limits, "shm", "64M"));
	ck_assert_uint_eq(limits.value[LIMIT_SHM], 64 << 20);
	ck_assert(limits_set(&limits, "work", "2T"));
	ck_assert_uint_eq(limits.value[LIMIT_WORK], UINT64_C(2) << 40);
	ck_assert(limits_set(&limits, "data", "none") && limits.value[LIMIT_DATA] == LIMIT_NONE);
	ck_assert(!limits_set(&limits, "cpus", "3") && !limits_set(&limits, "cpu", ""));
	ck_assert(!limits_set(&limits, "cpu", "-3") && !limits_set(&limits, "cpu", "3 M"));
	ck_assert(!limits_set(&limits, "cpu", "3MB"));
	ck_assert(!limits_set(&limits, "cpu", "99999999999999999999"));
	ck_assert(!limits_set(&limits, "cpu", "99999999T"));
	ck_assert_uint_eq(limits.value[LIMIT_CPU], 3);
}
END_TEST

START_TEST(cgroup_mounts_are_found)
{
	char mount[64];

	ck_assert(cgroup_find_mount(
		"25 1 0:2 / /proc rw - proc proc rw\n"
		"30 25 0:26 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 "
		"cgroup2 rw\n",
		mount, sizeof(mount)));
	ck_assert_str_eq(mount, "/sys/fs/cgroup/unified");
	ck_assert(!cgroup_find_mount("30 25 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n",
				     mount, sizeof(mount)));
	ck_assert(!cgroup_find_mount("", mount, sizeof(mount)));
}
END_TEST

Suite *stage_suite(void)
{
	Suite *suite = suite_create("stage");
	TCase *each = tcase_create("each-way"), *other = tcase_create("stage");

	tcase_set_timeout(each, 60);
	tcase_set_timeout(other, 60);
	tcase_add_loop_test(each, programs_are_confined_and_still_work, 0, WAYS);
	tcase_add_loop_test(each, nothing_is_left_after_close, 0, WAYS);
	tcase_add_loop_test(each, nothing_is_left_after_kill_9, 0, WAYS);
	tcase_add_loop_test(each, clean_empties_everything, 0, WAYS);
	tcase_add_loop_test(each, a_program_gets_what_it_is_given, 0, WAYS);
	tcase_add_loop_test(each, closed_stdio_is_closed, 0, WAYS);
	tcase_add_loop_test(each, the_launcher_survives_its_children, 0, WAYS);
	tcase_add_loop_test(each, directories_are_fresh, 0, WAYS);
	tcase_add_loop_test(each, switches_of_a_program, 0, WAYS);
	tcase_add_loop_test(each, filters_are_installed, 0, WAYS);
	tcase_add_loop_test(each, a_failed_launch_says_so, 0, WAYS);
	tcase_add_loop_test(each, untraced_programs_are_announced, 0, WAYS);
	tcase_add_loop_test(each, usage_counts_memory, 0, WAYS);
	tcase_add_loop_test(each, stopped_programs_do_not_hold_up_the_end, 0, WAYS);
	tcase_add_test(other, sizes_are_limited);
	tcase_add_test(other, memory_together_is_limited);
	tcase_add_loop_test(each, a_scratch_can_be_kept, 0, WAYS);
	tcase_add_test(other, orphans_are_cleared_away);
	tcase_add_test(other, one_partial_stage_at_a_time);
	tcase_add_test(other, no_sandbox_only_on_wish);
	tcase_add_test(other, features_can_be_taken_away);
	tcase_add_test(other, the_doctor_is_complete);
	tcase_add_test(other, limits_are_read_from_text);
	tcase_add_test(other, cgroup_mounts_are_found);
	suite_add_tcase(suite, each);
	suite_add_tcase(suite, other);
	return suite;
}
