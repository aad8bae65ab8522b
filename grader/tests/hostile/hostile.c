/*
 * hostile.c: programs and sources that mean no good, and graders that die. Each must get a verdict
 * that is the student's (never "broken", never a pass), within its limits; nothing of the host may
 * be seen in it, and nothing may be left: no process, no scratch directory, no name in /dev/shm, no
 * System V object.
 *
 * Each grader runs as our child with a scratch directory of its own, and we are the subreaper of
 * all that comes from it: what is left of it becomes our child. The programs are graded a few at a
 * time before the tests, which then look at what came out.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "exam/lab.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	SECONDS = 240,	     /* of one test */
	PATIENCE_MS = 30000, /* for what a dead grader leaves to its janitor */
	AT_ONCE = 3,	     /* graders: they wait as much as they compute */
	SOURCE_MOST = 1 << 20,
	OUTPUT_MOST = 16 << 20,
	HOSTILE_KEY = 0x6d61706c,
	SOMEBODY = 1000, /* an ordinary user */
	NO_SUCH = 77,	 /* exit status: that user cannot reach the project */
};

#define SECRET "SECRET of the host, far longer than the forty bytes that anybody wants"
#define BYTES  "53 45 43 52" /* how evidence would quote it */

/* ---- a grader and its ground ----------------------------------------------------------------- */

struct grader {
	const char *directory, *source; /* ground; where the hostile file belongs */
	const char *without;		/* features of the host that are taken away */
	bool ordinary;			/* run by an ordinary user where we are root */
	const char *format;
	const struct lab *lab;
	pid_t pid;
	int64_t began;
};

static struct arena *arena;
static int port; /* of a socket that listens on this host */

static const char *in(const struct grader *g, const char *name)
{
	return file_join(arena, g->directory, name);
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "hostile: %s: %s\n", what, strerror(errno));
	ck_abort_msg("%s", what);
}

static const char *program_source(const struct lab *lab, size_t program)
{
	char room[256];

	return arena_copy(arena, lab_source(&lab->programs[program], room, sizeof room));
}

static void copy(const char *from, const char *to)
{
	struct buffer text = { 0 };

	must(file_read(from, &text, SOURCE_MOST) == 0, from);
	must(file_write(to, text.data, text.size, 0644) == 0, to);
	buffer_free(&text);
}

/* Fresh ground: source/NN-name with the reference's files but for the hostile one, tmp/, secret. */
static struct grader *ground(const char *lab_word, size_t program)
{
	struct grader *g = arena_take(arena, sizeof *g);
	char *directory = arena_copy(arena, "/tmp/maplab-hostile-XXXXXX");
	const char *folder;

	must(mkdtemp(directory) != NULL, "mkdtemp");
	*g = (struct grader){ .directory = directory, .format = "json", .lab = lab_find(lab_word) };
	must(g->lab != NULL, lab_word);
	folder = arena_format(arena, "%s/source/%s", directory, g->lab->id);
	must(chmod(directory, 0777) == 0 && mkdir(in(g, "tmp"), 0700) == 0 &&
		     chmod(in(g, "tmp"), 01777) == 0 && file_make_dirs(folder, 0755) == 0,
	     "the ground");
	must(file_write(in(g, "secret"), SECRET, strlen(SECRET), 0666) == 0, "secret");
	for (size_t i = 0; i < lab_program_count(g->lab); i++) {
		const char *to = file_join(arena, folder, program_source(g->lab, i));

		if (i == program)
			g->source = to;
		else
			copy(arena_format(arena, "solutions/%s/%s", g->lab->id,
					  program_source(g->lab, i)),
			     to);
	}
	return g;
}

static void clear_ground(const struct grader *g)
{
	file_remove_tree(g->directory);
}

static void become_somebody(void)
{
	const char *maplab = getenv("MAPLAB");
	char project[PATH_MAX];

	if (geteuid() != 0)
		return;
	if (setgroups(0, NULL) < 0 || setgid(SOMEBODY) < 0 || setuid(SOMEBODY) < 0 ||
	    !getcwd(project, sizeof(project)) || chdir(project) < 0 ||
	    access(maplab ? maplab : "build/maplab", X_OK) < 0 || access("common/.", R_OK) < 0)
		_exit(NO_SUCH);
}

static void start_grader(struct grader *g)
{
	const char *maplab = getenv("MAPLAB");

	g->began = clock_now();
	g->pid = fork();
	must(g->pid >= 0, "fork");
	if (g->pid != 0)
		return;
	if (g->ordinary)
		become_somebody();
	setenv("TMPDIR", in(g, "tmp"), 1);
	setenv("MAPLAB_STORE", in(g, "store.db"), 1);
	setenv("MAPLAB_TIME_SCALE", "0.1", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	if (g->without)
		setenv("MAPLAB_WITHOUT", g->without, 1);
	if (!freopen(in(g, "said"), "w", stderr))
		_exit(127);
	execl(maplab ? maplab : "build/maplab", "maplab", "grade", g->lab->id, "--source",
	      in(g, "source"), "--format", g->format, "--out", in(g, "result"), (char *)NULL);
	_exit(127);
}

static int status_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The exit status of the grader; its orphans are reaped later. */
static int end_of(const struct grader *g)
{
	int status;

	ck_assert_int_eq(waitpid(g->pid, &status, 0), g->pid);
	return status_of(status);
}

static const char *text_of(const struct grader *g, const char *name)
{
	struct buffer text = { 0 };
	const char *copied = "";

	if (file_read(in(g, name), &text, OUTPUT_MOST) == 0)
		copied = arena_copy_bytes(arena, buffer_text(&text), text.size);
	buffer_free(&text);
	return copied;
}

/* "fail" and the like of the only lab in the result; jansson accepts valid UTF-8 alone. */
static const char *verdict_in(const char *result)
{
	json_t *document = json_loads(result, 0, NULL);
	json_t *lab = json_array_get(json_object_get(document, "labs"), 0);
	const char *status = json_string_value(json_object_get(lab, "status"));

	status = arena_copy(arena, status ? status : "no JSON");
	json_decref(document);
	return status;
}

static const char *isolation_in(const char *result)
{
	json_t *document = json_loads(result, 0, NULL);
	json_t *host = json_object_get(document, "host");
	const char *name = json_string_value(json_object_get(host, "isolation"));

	name = arena_copy(arena, name ? name : "no JSON");
	json_decref(document);
	return name;
}

/* ---- what is left ---------------------------------------------------------------------------- */

static bool no_children(const struct grader *g)
{
	pid_t pid;

	(void)g;
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		;
	return pid < 0 && errno == ECHILD;
}

static bool no_scratch(const struct grader *g)
{
	size_t count = 0;

	return file_list(arena, in(g, "tmp"), &count) && count == 0;
}

static bool no_names(const struct grader *g)
{
	static const char *const places[] = { "/dev/shm", "/tmp", "/var/tmp", "." };

	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (file_exists(arena_format(arena, "%s/%s-left", places[i],
					     strrchr(g->directory, '/') + 1)))
			return false;
	return true;
}

static bool no_objects(const struct grader *g)
{
	static const char *const tables[] = { "shm", "sem", "msg" };
	bool none = true;

	(void)g;
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

/* Waits until a condition holds, which it has to in the end. */
static bool in_time(bool (*condition)(const struct grader *), const struct grader *g)
{
	const struct timespec look = { .tv_nsec = 10000000 };
	int64_t until = clock_now() + PATIENCE_MS * NS_PER_MS;

	while (!condition(g)) {
		if (clock_now() > until)
			return false;
		nanosleep(&look, NULL);
	}
	return true;
}

static const char *left_of(const struct grader *g)
{
	if (!in_time(no_scratch, g))
		return "scratch directories are left";
	if (!no_names(g))
		return "names are left in the host's /dev/shm, /tmp or /var/tmp";
	return no_objects(g) ? NULL : "System V objects are left";
}

static void nothing_is_left(const struct grader *g)
{
	const char *left;

	ck_assert_msg(in_time(no_children, g), "processes are left");
	left = left_of(g);
	ck_assert_msg(!left, "%s", left);
}

/* ---- programs -------------------------------------------------------------------------------- */

/*
 * One hostile file. `words` must be somewhere in the result: what the evidence has to say. Limits
 * are those of a busy machine; the work is done in a tenth of them.
 */
struct row {
	const char *name, *lab;
	size_t program;
	const char *status, *words;
	int seconds;
	bool outward; /* reaches for the host: once more without namespaces, and by a person */
};

#define FAILS  "fail"
#define BUILDS "build-error"

static const struct row rows[] = {
	/* the compiler */
	{ "reads_device", "01", 0, BUILDS, "/dev/zero", 20, true },
	{ "reads_host", "01", 0, BUILDS, "", 20, true },
	{ "assembles", "01", 0, BUILDS, "/etc/shadow", 20, true },
	{ "steals", "01", 0, BUILDS, "/etc/shadow", 20, true },
	{ "deep_include", "01", 0, BUILDS, "nested", 20, false },
	{ "macros", "01", 0, BUILDS, "limit", 60, false },
	{ "huge_object", "01", 0, BUILDS, "", 60, false },
	{ "no_program", "01", 0, BUILDS, "main", 20, false },
	/* ways to end, and not to end */
	{ "vanishes", "01", 0, FAILS, "", 20, false },
	{ "crashes", "01", 0, FAILS, "", 20, false },
	{ "closes", "01", 0, FAILS, "pause", 20, true },
	{ "stops", "01", 0, FAILS, "SIGSTOP", 20, true },
	{ "loops", "01", 0, FAILS, "time", 60, false },
	{ "sleeps", "01", 0, FAILS, "", 20, false },
	{ "waits", "01", 0, FAILS, "", 20, false },
	{ "timers", "01", 0, FAILS, "", 60, false },
	{ "raises", "01", 0, FAILS, "", 60, false },
	{ "replaces", "01", 0, FAILS, "", 60, false },
	{ "executes", "01", 0, FAILS, "", 90, false },
	{ "borrows", "01", 0, FAILS, "", 20, false },
	/* too much of something */
	{ "floods", "01", 0, FAILS, "output", 60, false },
	{ "forks", "01", 0, FAILS, "", 90, true },
	{ "threads", "01", 0, FAILS, "", 90, false },
	{ "many_threads", "01", 0, FAILS, "", 60, false },
	{ "eats", "01", 0, FAILS, "", 90, false },
	{ "fills", "01", 0, FAILS, "", 90, true },
	{ "escapes", "01", 0, FAILS, "", 20, false },
	/* others */
	{ "group", "01", 0, FAILS, "SIGKILL", 20, true },
	{ "kills", "08", 0, FAILS, "", 20, true },
	{ "daemon", "08", 0, FAILS, "", 20, true },
	{ "ignores", "01", 0, FAILS, "", 90, true },
	{ "traces", "01", 0, FAILS, "", 20, true },
	{ "segments", "01", 0, FAILS, "", 20, true },
	{ "reaches_out", "01", 0, FAILS, "", 20, true },
	/* the files of the exam */
	{ "links", "03", 1, FAILS, "no byte there", 20, true },
	{ "directories", "03", 1, FAILS, "", 20, true },
	{ "devices", "03", 1, FAILS, "", 20, true },
	{ "locks_out", "01", 0, FAILS, "", 20, true },
	{ "locks_out", "03", 1, FAILS, "", 20, true },
};

enum { ROWS = sizeof rows / sizeof *rows, WAYS = 3 };

/* How a row is graded: as we are, by an ordinary user, without namespaces. */
static const struct way {
	const char *name, *without;
	bool ordinary;
} ways[WAYS] = { { "as usual", NULL, false },
		 { "by an ordinary user", NULL, true },
		 { "without namespaces", "userns", false } };

static struct outcome {
	const struct row *row;
	const struct way *way;
	struct grader *grader;
	int exit_status;
	double seconds;
} outcomes[ROWS * WAYS];
static int outcome_count;
static bool processes_left;

static void replace(struct buffer *text, const char *word, const char *by)
{
	struct buffer out = { 0 };
	const char *at = buffer_text(text), *hit;

	for (; (hit = strstr(at, word)); at = hit + strlen(word)) {
		buffer_add(&out, at, (size_t)(hit - at));
		buffer_add(&out, by, strlen(by));
	}
	buffer_add(&out, at, strlen(at));
	buffer_free(text);
	*text = out;
}

static void put_hostile(const struct grader *g, const char *name)
{
	struct buffer text = { 0 };
	char project[4096];
	const char *path = arena_format(arena, "grader/tests/hostile/programs/%s.c", name);

	must(getcwd(project, sizeof project) && file_read(path, &text, SOURCE_MOST) == 0, path);
	replace(&text, "@SECRET@", in(g, "secret"));
	replace(&text, "@FOLDER@", g->directory);
	replace(&text, "@PROJECT@", project);
	replace(&text, "@LEFT@", arena_format(arena, "%s-left", strrchr(g->directory, '/') + 1));
	replace(&text, "@PORT@", arena_format(arena, "%d", port));
	must(file_write(g->source, text.data, text.size, 0644) == 0, g->source);
	buffer_free(&text);
}

static void begin(struct outcome *o)
{
	o->grader = ground(o->row->lab, o->row->program);
	o->grader->without = o->way->without;
	o->grader->ordinary = o->way->ordinary;
	put_hostile(o->grader, o->row->name);
	start_grader(o->grader);
}

static void plan(void)
{
	for (int way = 0; way < WAYS; way++)
		for (int i = 0; i < ROWS; i++)
			if (way == 0 || (rows[i].outward && (way == 2 || geteuid() == 0)))
				outcomes[outcome_count++] = (struct outcome){ .row = &rows[i],
									      .way = &ways[way] };
}

/* Grades everything, AT_ONCE at a time. */
static void grade_all(void)
{
	int next = 0, running = 0;

	while (next < outcome_count || running > 0) {
		int status;
		pid_t pid;

		if (next < outcome_count && running < AT_ONCE) {
			begin(&outcomes[next++]);
			running++;
			continue;
		}
		pid = waitpid(-1, &status, 0);
		must(pid > 0, "waitpid");
		for (int i = 0; i < next; i++)
			if (outcomes[i].grader->pid == pid) {
				outcomes[i].exit_status = status_of(status);
				outcomes[i].seconds = (double)(clock_now() -
							       outcomes[i].grader->began) /
						      NS_PER_S;
				running--;
			}
	}
	processes_left = !in_time(no_children, NULL);
}

static void grade_programs(void)
{
	arena = arena_new(1 << 30, false);
	plan();
	grade_all();
}

static void forget_programs(void)
{
	for (int i = 0; i < outcome_count; i++)
		clear_ground(outcomes[i].grader);
}

START_TEST(program)
{
	const struct outcome *o = &outcomes[_i];
	const char *result = text_of(o->grader, "result"), *status, *left;
	const char *who = arena_format(arena, "%s, lab %s, %s", o->row->name, o->row->lab,
				       o->way->name);

	if (o->exit_status == NO_SUCH)
		return;
	status = verdict_in(result);
	ck_assert_msg(text_equal(status, o->row->status) && o->exit_status == 1,
		      "%s: %s, exit status %d, said: %s", who, status, o->exit_status,
		      text_of(o->grader, "said"));
	ck_assert_msg(strstr(result, o->row->words) != NULL, "%s: not a word of \"%s\"", who,
		      o->row->words);
	ck_assert_msg(o->seconds < o->row->seconds, "%s: took %.1f s", who, o->seconds);
	ck_assert_msg(!strstr(result, SECRET) && !strstr(result, BYTES) &&
			      !strstr(result, "reached ") && !strstr(result, "root:"),
		      "%s: the result tells of the host", who);
	ck_assert_msg(text_equal(text_of(o->grader, "secret"), SECRET),
		      "%s: a file of the host was written", who);
	left = left_of(o->grader);
	ck_assert_msg(!left, "%s: %s", who, left);
}
END_TEST

START_TEST(no_process_is_left)
{
	ck_assert(!processes_left);
}
END_TEST

static int listener = -1;

static void listen_here(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof address;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener >= 0 && bind(listener, (struct sockaddr *)&address, sizeof address) == 0 &&
	    listen(listener, 8) == 0 &&
	    getsockname(listener, (struct sockaddr *)&address, &length) == 0)
		port = ntohs(address.sin_port);
}

START_TEST(nobody_came_over_the_network)
{
	if (port != 0)
		ck_assert_int_lt(accept(listener, NULL, NULL), 0);
}
END_TEST

/* ---- one test, one ground -------------------------------------------------------------------- */

static struct grader *here;

static void setup(void)
{
	must(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "prctl"); /* each test is a process */
	here = ground("01", 0);
}

static void teardown(void)
{
	clear_ground(here);
}

/* Whatever a program prints, no format hands it on to the terminal. */
static const char *const formats[] = { "text", "json", "junit", "tap", "gradescope" };

START_TEST(output_is_quoted)
{
	put_hostile(here, "escapes");
	here->format = formats[_i];
	start_grader(here);
	ck_assert_int_eq(end_of(here), 1);
	for (const char *c = text_of(here, "result"); *c; c++)
		ck_assert_msg((unsigned char)*c >= ' ' || *c == '\n' || *c == '\t', "%s: byte %d",
			      formats[_i], *c);
	ck_assert(!strstr(text_of(here, "result"), "\x9b"
						   "31m"));
	nothing_is_left(here);
}
END_TEST

/* ---- sources that are no plain files --------------------------------------------------------- */

static void make_nothing(void)
{
}

static void make_link(void)
{
	ck_assert_int_eq(symlink("/etc/passwd", here->source), 0);
}

static void make_dangling_link(void)
{
	ck_assert_int_eq(symlink("nowhere", here->source), 0);
}

static void make_fifo(void)
{
	ck_assert_int_eq(mkfifo(here->source, 0644), 0);
}

static void make_directory(void)
{
	ck_assert_int_eq(mkdir(here->source, 0755), 0);
}

static void make_device(void)
{
	if (mknod(here->source, S_IFCHR | 0644, makedev(1, 5)) < 0) /* /dev/zero, for who may */
		make_link();
}

static void make_huge(void)
{
	int fd = open(here->source, O_CREAT | O_WRONLY, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, INT64_C(1) << 40), 0);
	close(fd);
}

static void make_empty(void)
{
	ck_assert_int_eq(file_write(here->source, "", 0, 0644), 0);
}

static void make_binary(void)
{
	ck_assert_int_eq(file_write(here->source, "\0\377\0main", 7, 0644), 0);
}

static void make_unreadable(void)
{
	ck_assert_int_eq(file_write(here->source, "int main(", 9, 0000), 0);
	here->ordinary = true; /* root reads everything */
}

static const struct {
	void (*make)(void);
	const char *words; /* in the diagnostics */
} makers[] = {
	{ make_nothing, "No such file" },
	{ make_link, "symbolic link" },
	{ make_dangling_link, "symbolic link" },
	{ make_fifo, "FIFO" },
	{ make_directory, "directory" },
	{ make_device, "not a regular file" },
	{ make_huge, "larger than" },
	{ make_empty, "main" },
	{ make_binary, "null character" },
	{ make_unreadable, "ermission denied" },
};

START_TEST(strange_source)
{
	const char *result;
	int status;

	makers[_i].make();
	start_grader(here);
	status = end_of(here);
	if (status == NO_SUCH)
		return;
	result = text_of(here, "result");
	ck_assert_int_eq(status, 1);
	ck_assert_str_eq(verdict_in(result), BUILDS);
	ck_assert_msg(strstr(result, makers[_i].words) != NULL, "no word of \"%s\": %s",
		      makers[_i].words, result);
	nothing_is_left(here);
}
END_TEST

/* Command lines that name nothing: usage, exit 2, one line. */
static const char *const usages[] = { "grade 99", "grade 01 --source /nowhere",
				      "grade 01 --source /etc/passwd", "grade 01 --format none",
				      "nothing" };

START_TEST(usage)
{
	const char *maplab = getenv("MAPLAB");
	const char *said;
	int status = system(arena_format(arena, "MAPLAB_STORE=%s %s %s >%s 2>&1",
					 in(here, "store.db"), maplab ? maplab : "build/maplab",
					 usages[_i], in(here, "said")));

	said = text_of(here, "said");
	ck_assert_msg(status_of(status) == 2, "%s: %d", usages[_i], status_of(status));
	ck_assert_msg(text_starts(said, "maplab: "), "%s: %s", usages[_i], said);
}
END_TEST

static void put_reference(const struct grader *g)
{
	copy(arena_format(arena, "solutions/%s/%s", g->lab->id, program_source(g->lab, 0)),
	     g->source);
}

/* ---- graders that die ------------------------------------------------------------------------ */

/* After so many ms the grader is killed, wherever it is: by the first signal, then by the other. */
static const int lives_ms[] = { 1, 5, 20, 60, 120, 250 };
static const int deaths[] = { SIGKILL, SIGINT };

enum { LIVES = sizeof lives_ms / sizeof *lives_ms };

START_TEST(killed_grader)
{
	const struct timespec life = { .tv_nsec = lives_ms[_i % LIVES] * 1000000L };

	put_hostile(here, "ignores");
	signal(SIGINT, SIG_DFL); /* Check's handler, before exec, would kill the test */
	here->without = _i / LIVES == 2 ? "userns" : NULL;
	start_grader(here);
	nanosleep(&life, NULL);
	kill(here->pid, deaths[_i / LIVES % 2]);
	end_of(here);
	nothing_is_left(here);
}
END_TEST

/* The workers that a grader has forked, older first; returns how many, at most two. */
static int workers_of(pid_t grader, int worker[2])
{
	char path[64];
	int count = 0;
	FILE *children;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", grader, grader);
	children = fopen(path, "r");
	if (!children)
		return 0;
	while (count < 2 && fscanf(children, "%d", &worker[count]) == 1)
		count++;
	fclose(children);
	return count;
}

/* None where it is alone or gone. */
static void kill_second_worker(pid_t grader)
{
	int worker[2];

	if (workers_of(grader, worker) == 2)
		kill(worker[1], SIGKILL);
}

/* Whatever it was about to do, the first does it. */
START_TEST(killed_second_worker)
{
	const struct timespec life = { .tv_nsec = lives_ms[_i] * 1000000L };

	put_reference(here);
	start_grader(here);
	nanosleep(&life, NULL);
	kill_second_worker(here->pid);
	ck_assert_int_eq(end_of(here), 0);
	ck_assert_str_eq(verdict_in(text_of(here, "result")), "pass");
	nothing_is_left(here);
}
END_TEST

/* Or it would share its turns on the CPU with all that runs in its caller's session. */
START_TEST(worker_in_its_own_session)
{
	siginfo_t ended = { 0 };
	int worker[2];
	bool left = false;

	put_hostile(here, "ignores");
	start_grader(here);
	while (!left && ended.si_pid == 0) {
		left = workers_of(here->pid, worker) > 0 && getsid(worker[0]) == worker[0];
		waitid(P_PID, (id_t)here->pid, &ended, WEXITED | WNOHANG | WNOWAIT);
	}
	ck_assert(left);
	end_of(here);
}
END_TEST

/* ---- features of the host taken away: the reference passes all the same ---------------------- */

static const struct {
	const char *without, *isolation;
} hosts[] = { { "bwrap", "partial" },  { "bwrap-size", "full" },     { "userns", "partial" },
	      { "landlock", "full" },  { "landlock-scope", "full" }, { "watchpoints", "full" },
	      { "cachestat", "full" }, { "cgroup", "full" },	     { "disk", "full" },
	      { "thp", "full" },       { "pidfd", "full" } };

START_TEST(reference_without)
{
	const char *result;

	put_reference(here);
	here->without = hosts[_i].without;
	start_grader(here);
	ck_assert_int_eq(end_of(here), 0);
	result = text_of(here, "result");
	ck_assert_str_eq(verdict_in(result), "pass");
	ck_assert_str_eq(isolation_in(result), hosts[_i].isolation);
	nothing_is_left(here);
}
END_TEST

/* Without these nothing can be graded: our fault, and said so. */
static const struct {
	const char *without, *words;
} hopeless[] = { { "ptrace", "ptrace" }, { "userns,landlock", "no sandbox" } };

START_TEST(nothing_without)
{
	const char *result;

	put_reference(here);
	here->without = hopeless[_i].without;
	start_grader(here);
	ck_assert_int_eq(end_of(here), 3);
	result = text_of(here, "result");
	ck_assert_str_eq(verdict_in(result), "broken");
	ck_assert_msg(strstr(result, hopeless[_i].words) != NULL, "%s", result);
	nothing_is_left(here);
}
END_TEST

static TCase *cases(Suite *suite, const char *name)
{
	TCase *tests = tcase_create(name);

	tcase_set_timeout(tests, SECONDS);
	suite_add_tcase(suite, tests);
	return tests;
}

static TCase *cases_on_ground(Suite *suite, const char *name)
{
	TCase *tests = cases(suite, name);

	tcase_add_checked_fixture(tests, setup, teardown);
	return tests;
}

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
	Suite *suite = suite_create("hostile");
	TCase *tests;
	SRunner *runner;
	int failed;

	/* before anything forks, for all of them */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return EXIT_FAILURE;
	listen_here();
	grade_programs();
	tests = cases(suite, "programs");
	tcase_add_loop_test(tests, program, 0, outcome_count);
	tcase_add_test(tests, no_process_is_left);
	tcase_add_test(tests, nobody_came_over_the_network);
	tcase_add_loop_test(cases_on_ground(suite, "sources"), strange_source, 0, COUNT(makers));
	tcase_add_loop_test(cases_on_ground(suite, "usage"), usage, 0, COUNT(usages));
	tcase_add_loop_test(cases_on_ground(suite, "formats"), output_is_quoted, 0, COUNT(formats));
	tests = cases_on_ground(suite, "without");
	tcase_add_loop_test(tests, reference_without, 0, COUNT(hosts));
	tcase_add_loop_test(tests, nothing_without, 0, COUNT(hopeless));
	tests = cases_on_ground(suite, "deaths");
	tcase_add_loop_test(tests, killed_grader, 0, 3 * LIVES);
	tcase_add_loop_test(tests, killed_second_worker, 0, LIVES);
	tcase_add_test(tests, worker_in_its_own_session);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	forget_programs();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
