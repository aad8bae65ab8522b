/*
 * hostile.c: programs and sources that mean no good, and graders that die. Each must get a verdict
 * that is the student's (never "broken", never a pass), within its limits, and nothing may be left:
 * no process, no scratch directory, no name in /dev/shm, no System V object.
 *
 * The grader runs as our child with a scratch directory of its own, and we are the subreaper of all
 * that comes from it: what is left of it becomes our child.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "exam/lab.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	SECONDS = 240,	     /* of one test */
	PATIENCE_MS = 30000, /* for what is being cleared away */
	SOURCE_MOST = 1 << 20,
	OUTPUT_MOST = 16 << 20,
	HOSTILE_KEY = 0x6d61706c,
};

static const char programs[] = "grader/tests/hostile/programs/*.c";

static struct arena *arena;
static char directory[64]; /* of one test: source/, tmp/, result.json */
static const char *source; /* the first lab's program, as the grader will look for it */
static glob_t found;

static void setup(void)
{
	const struct lab *lab = lab_at(0);
	char room[256];
	const char *folder;

	arena = arena_new(64 << 20, false);
	strcpy(directory, "/tmp/maplab-hostile-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chmod(directory, 0755), 0);
	ck_assert_int_eq(mkdir(file_join(arena, directory, "tmp"), 0700), 0);
	ck_assert_int_eq(chmod(file_join(arena, directory, "tmp"), 01777), 0);
	folder = arena_format(arena, "%s/source/%s", directory, lab->id);
	ck_assert_int_eq(file_make_dirs(folder, 0755), 0);
	source = file_join(arena, folder, lab_source(&lab->programs[0], room, sizeof room));
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
}

static void teardown(void)
{
	file_remove_tree(directory);
	arena_free(arena);
}

static pid_t start_grader(const char *without)
{
	const char *maplab = getenv("MAPLAB");
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	setenv("TMPDIR", file_join(arena, directory, "tmp"), 1);
	setenv("MAPLAB_STORE", file_join(arena, directory, "store.db"), 1);
	setenv("MAPLAB_TIME_SCALE", "0.1", 1);
	if (without)
		setenv("MAPLAB_WITHOUT", without, 1);
	execl(maplab ? maplab : "build/maplab", "maplab", "grade", lab_at(0)->id, "--source",
	      file_join(arena, directory, "source"), "--format", "json", "--out",
	      file_join(arena, directory, "result.json"), (char *)NULL);
	_exit(127);
}

/* The exit status of the grader; its orphans are reaped later. */
static int end_of(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Waits until a condition holds, which it has to in the end. */
static bool in_time(bool (*condition)(void))
{
	const struct timespec look = { .tv_nsec = 10000000 };
	int64_t until = clock_now() + PATIENCE_MS * NS_PER_MS;

	while (!condition()) {
		if (clock_now() > until)
			return false;
		nanosleep(&look, NULL);
	}
	return true;
}

static bool no_children(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		;
	return pid < 0 && errno == ECHILD;
}

static bool no_scratch(void)
{
	size_t count = 0;

	return file_list(arena, file_join(arena, directory, "tmp"), &count) && count == 0;
}

static bool no_names(void)
{
	static const char *const names[] = { "/dev/shm/maplab-hostile", "/tmp/maplab-hostile",
					     "/var/tmp/maplab-hostile", "maplab-hostile" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (file_exists(names[i]))
			return false;
	return true;
}

static bool no_segments(void)
{
	static const char *const tables[] = { "shm", "sem", "msg" };
	bool none = true;

	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		struct buffer text = { 0 };

		if (file_read(arena_format(arena, "/proc/sysvipc/%s", tables[i]), &text,
			      OUTPUT_MOST) == 0)
			none = none &&
			       !strstr(buffer_text(&text), arena_format(arena, "%d ", HOSTILE_KEY));
		buffer_free(&text);
	}
	return none;
}

static void nothing_is_left(void)
{
	ck_assert_msg(in_time(no_children), "processes are left");
	ck_assert_msg(in_time(no_scratch), "scratch directories are left");
	ck_assert_msg(no_names(), "names are left in the host's /dev/shm or /tmp");
	ck_assert_msg(no_segments(), "System V objects are left");
}

/* "fail" and the like of the only lab in the result. */
static const char *status_of_result(void)
{
	struct buffer text = { 0 };
	json_t *document, *lab;
	const char *status;

	ck_assert_int_eq(file_read(file_join(arena, directory, "result.json"), &text, OUTPUT_MOST),
			 0);
	document = json_loads(buffer_text(&text), 0, NULL);
	ck_assert_ptr_nonnull(document);
	lab = json_array_get(json_object_get(document, "labs"), 0);
	status = arena_copy(arena, json_string_value(json_object_get(lab, "status")));
	json_decref(document);
	buffer_free(&text);
	return status;
}

static void copy_to_source(const char *path)
{
	struct buffer text = { 0 };

	ck_assert_int_eq(file_read(path, &text, SOURCE_MOST), 0);
	ck_assert_int_eq(file_write(source, text.data, text.size, 0644), 0);
	buffer_free(&text);
}

static void is_judged(const char *name, const char *without)
{
	int exit_status = end_of(start_grader(without));
	const char *status = status_of_result();

	ck_assert_msg(exit_status == 1, "%s: exit status %d, %s", name, exit_status, status);
	ck_assert_msg(text_equal(status, "fail") || text_equal(status, "build-error"), "%s: %s",
		      name, status);
	nothing_is_left();
}

START_TEST(program)
{
	copy_to_source(found.gl_pathv[_i]);
	is_judged(found.gl_pathv[_i], NULL);
}
END_TEST

/* Those that reach for what is outside, without namespaces around them. */
static const char *const reachers[] = { "closes", "daemon",   "fills",	"forks", "ignores",
					"kills",  "segments", "steals", "stops", "traces" };

START_TEST(program_in_partial_isolation)
{
	const char *path = arena_format(arena, "grader/tests/hostile/programs/%s.c", reachers[_i]);

	copy_to_source(path);
	is_judged(path, "userns");
}
END_TEST

/* Sources that are no plain files. ----------------------------------------------------------------
 */

static void make_nothing(void)
{
}

static void make_link(void)
{
	ck_assert_int_eq(symlink("/etc/passwd", source), 0);
}

static void make_dangling_link(void)
{
	ck_assert_int_eq(symlink("nowhere", source), 0);
}

static void make_fifo(void)
{
	ck_assert_int_eq(mkfifo(source, 0644), 0);
}

static void make_directory(void)
{
	ck_assert_int_eq(mkdir(source, 0755), 0);
}

static void make_device(void)
{
	if (mknod(source, S_IFCHR | 0644, makedev(1, 5)) < 0) /* /dev/zero, for who may */
		make_link();
}

static void make_huge(void)
{
	int fd = open(source, O_CREAT | O_WRONLY, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, INT64_C(1) << 40), 0);
	close(fd);
}

static void make_empty(void)
{
	ck_assert_int_eq(file_write(source, "", 0, 0644), 0);
}

static void make_binary(void)
{
	ck_assert_int_eq(file_write(source, "\0\377\0main", 7, 0644), 0);
}

static void make_unreadable(void)
{
	ck_assert_int_eq(file_write(source, "int main(", 9, 0000), 0);
}

static void (*const makers[])(void) = {
	make_nothing, make_link, make_dangling_link, make_fifo,	  make_directory,
	make_device,  make_huge, make_empty,	     make_binary, make_unreadable,
};

START_TEST(strange_source)
{
	makers[_i]();
	ck_assert_int_eq(end_of(start_grader(NULL)), 1);
	ck_assert_str_eq(status_of_result(), "build-error");
	nothing_is_left();
}
END_TEST

/* Graders that die. -------------------------------------------------------------------------------
 */

/* After so many ms the grader is killed, wherever it is. */
static const int lives_ms[] = { 1, 5, 20, 60, 120, 250, 500 };

START_TEST(killed_grader)
{
	const struct timespec life = { .tv_nsec = lives_ms[_i] * 1000000L };
	pid_t pid;

	copy_to_source("grader/tests/hostile/programs/ignores.c");
	pid = start_grader(NULL);
	nanosleep(&life, NULL);
	kill(pid, SIGKILL);
	end_of(pid);
	nothing_is_left();
}
END_TEST

/* Each feature of the host taken away: the reference passes all the same. -------------------------
 */

static const char *const features[] = { "bwrap",	  "bwrap-size",	 "userns",    "landlock",
					"landlock-scope", "watchpoints", "cachestat", "cgroup",
					"disk",		  "thp",	 "pidfd" };

START_TEST(reference_without)
{
	const struct lab *lab = lab_at(0);
	char room[256];

	copy_to_source(arena_format(arena, "solutions/%s/%s", lab->id,
				    lab_source(&lab->programs[0], room, sizeof room)));
	ck_assert_int_eq(end_of(start_grader(features[_i])), 0);
	ck_assert_str_eq(status_of_result(), "pass");
	nothing_is_left();
}
END_TEST

static TCase *cases(Suite *suite, const char *name)
{
	TCase *tests = tcase_create(name);

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, SECONDS);
	suite_add_tcase(suite, tests);
	return tests;
}

int main(void)
{
	Suite *suite = suite_create("hostile");
	SRunner *runner;
	int failed;

	if (glob(programs, 0, NULL, &found) != 0 || lab_count() == 0)
		return EXIT_FAILURE;
	tcase_add_loop_test(cases(suite, "sources"), strange_source, 0,
			    sizeof makers / sizeof *makers);
	tcase_add_loop_test(cases(suite, "without"), reference_without, 0,
			    sizeof features / sizeof *features);
	tcase_add_loop_test(cases(suite, "deaths"), killed_grader, 0,
			    sizeof lives_ms / sizeof *lives_ms);
	tcase_add_loop_test(cases(suite, "programs"), program, 0, (int)found.gl_pathc);
	tcase_add_loop_test(cases(suite, "partial"), program_in_partial_isolation, 0,
			    sizeof reachers / sizeof *reachers);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
