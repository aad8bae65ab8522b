/* Compilation of sources that are right, wrong, and hostile. */
#include "unit.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "run/compile.h"
#include "stage/host.h"
#include "stage/stage.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct arena *arena;
static struct compiler *compiler;
static const struct compile_file header = { "lab_numbers.h", "#define NUMBER 42\n", 18 };

/* The ways to confine a compiler: as they are, and without user namespaces. */
static const char *const ways[] = { "", "userns" };

static struct compile_options options_for_tests(void)
{
	struct compile_options options = { .headers = &header,
					   .header_count = 1,
					   .limits = compile_limits_default() };

	return options;
}

static void start_with(const struct compile_options *compile_options)
{
	struct stage_options options = stage_options_default();
	const char *why = "";

	arena = arena_new(64 << 20, false);
	ck_assert_int_eq(stage_drop_privileges(&options, &why), 0);
	compiler = compile_open(compile_options, &why);
	ck_assert_msg(compiler != NULL, "%s", why);
}

static void start(int way)
{
	struct compile_options options = options_for_tests();

	setenv("MAPLAB_WITHOUT", ways[way], 1);
	host_forget();
	start_with(&options);
}

static void finish(void)
{
	compile_close(compiler);
	arena_free(arena);
}

static struct compile_file source(const char *name, const char *text)
{
	return (struct compile_file){ name, text, strlen(text) };
}

static struct compile_result compile(const char *text, const char *const *flags)
{
	const struct compile_file file = source("prog.c", text);
	const struct compile_job job = {
		.name = "prog", .sources = &file, .source_count = 1, .flags = flags
	};
	struct compile_result result;

	compile_wait(compile_start(compiler, &job), arena, &result);
	return result;
}

/* The exit status of a compiled program. */
static int run(const char *path)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execl(path, path, (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

START_TEST(a_good_source_becomes_a_program)
{
	struct compile_result r;

	start(_i);
	r = compile(
		"#include <stdio.h>\n#include \"lab_numbers.h\"\nint main(void){return NUMBER;}\n",
		NULL);
	ck_assert_msg(r.status == COMPILE_OK, "%s", r.diagnostics);
	ck_assert_str_eq(r.diagnostics, "");
	ck_assert(r.wall_ms > 0 && !r.cached);
	ck_assert_int_eq(run(r.output), 42);
	finish();
}
END_TEST

START_TEST(messages_name_the_students_files)
{
	struct compile_result r;

	start(_i);
	r = compile("int main(void)\n{\n\tint unused;\n\treturn 0;\n}\n", NULL);
	ck_assert_int_eq(r.status, COMPILE_OK);
	ck_assert_msg(strstr(r.diagnostics, "prog.c:3:") != NULL, "%s", r.diagnostics);
	ck_assert_ptr_null(strstr(r.diagnostics, "/lab/"));
	ck_assert_ptr_null(strstr(r.diagnostics, "maplab-compile"));
	r = compile("int main(void) { return absent(); }\n", NULL);
	ck_assert_int_eq(r.status, COMPILE_FAILED);
	ck_assert_str_eq(r.output, "");
	ck_assert_ptr_nonnull(strstr(r.diagnostics, "prog.c:1:"));
	finish();
}
END_TEST

START_TEST(the_same_is_compiled_once)
{
	static const char text[] = "int main(void) { return 7; }\n";
	const char *flags[] = { "-DX", NULL };
	struct compile_result first, again, other;

	start(_i);
	first = compile(text, NULL);
	again = compile(text, NULL);
	other = compile(text, flags);
	ck_assert(!first.cached && again.cached && !other.cached);
	ck_assert_str_eq(first.output, again.output);
	ck_assert_str_ne(first.output, other.output);
	ck_assert_int_eq(run(again.output), 7);
	/* a failure is remembered with its words */
	first = compile("int main(void) { return x; }\n", NULL);
	again = compile("int main(void) { return x; }\n", NULL);
	ck_assert(!first.cached && again.cached && again.status == COMPILE_FAILED);
	ck_assert_str_eq(first.diagnostics, again.diagnostics);
	finish();
}
END_TEST

START_TEST(jobs_run_side_by_side_and_build_on_each_other)
{
	const struct compile_file lib = source("lib.c", "int seven(void) { return 7; }\n");
	const struct compile_file sources[] = {
		source("main.c", "#include \"own.h\"\nint main(void) { return seven() - OWN; }\n"),
		source("own.h", "#define OWN 2\nint seven(void);\n"),
	};
	const char *shared[] = { "-shared", "-fPIC", NULL },
		   *asan[] = { "-fsanitize=address", NULL };
	const struct compile_job library = {
		.name = "libseven.so", .sources = &lib, .source_count = 1, .flags = shared
	};
	const struct compile_file plain = source("main.c", "int main(void) { return 0; }\n");
	const struct compile_job sanitized = {
		.name = "asan", .sources = &plain, .source_count = 1, .flags = asan
	};
	const char *objects[] = { NULL, NULL };
	struct compile_job program = {
		.name = "main", .sources = sources, .source_count = 2, .objects = objects
	};
	struct compile_result r, s;
	struct compile *one, *two;

	start(_i);
	one = compile_start(compiler, &library);
	two = compile_start(compiler, &sanitized);
	compile_wait(two, arena, &s);
	compile_wait(one, arena, &r);
	ck_assert_msg(r.status == COMPILE_OK, "%s", r.diagnostics);
	ck_assert_msg(s.status == COMPILE_OK, "%s", s.diagnostics);
	objects[0] = r.output;
	compile_wait(compile_start(compiler, &program), arena, &s);
	ck_assert_msg(s.status == COMPILE_OK, "%s", s.diagnostics);
	*strrchr(r.output, '/') = '\0';
	setenv("LD_LIBRARY_PATH", r.output, 1);
	ck_assert_int_eq(run(s.output), 5);
	finish();
}
END_TEST

START_TEST(files_of_the_host_are_out_of_reach)
{
	static const char *const texts[] = {
		"#include \"/etc/passwd\"\nint main(void) { return 0; }\n",
		"#include \"/etc/shadow\"\nint main(void) { return 0; }\n",
		"__asm__(\".incbin \\\"/etc/passwd\\\"\");\nint main(void) { return 0; }\n",
		"__asm__(\".incbin \\\"/proc/self/environ\\\"\");\nint main(void) { return 0; }\n",
		"#include \"../../../solutions/01-map-file/map_file.c\"\n",
		"#include \"/dev/zero\"\nint main(void) { return 0; }\n",
		"#include \"/dev/stdin\"\n#include \"/dev/tty\"\nint main(void) { return 0; }\n",
	};

	start(_i);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct compile_result r = compile(texts[i], NULL);

		/* without namespaces /proc/self is the compiler's own, and empty */
		ck_assert_msg(r.status == COMPILE_FAILED, "%s%d: %s", texts[i], (int)r.status,
			      r.diagnostics);
		ck_assert_ptr_null(strstr(r.diagnostics, "root:"));
	}
	finish();
}
END_TEST

/* Each would go on for ever, or nearly. */
START_TEST(limits_hold)
{
	static const char *const texts[] = {
		/* the compiler's memory */
		"#define A(x) x x x x x x x x x x\n#define B(x) A(A(A(A(x))))\n"
		"char *s = B(B(B(\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\")));\n"
		"int main(void) { return 0; }\n",
		/* the output's size */
		"char big[1 << 30] = { 1 };\nint main(void) { return big[5]; }\n",
		/* the assembler's */
		"__asm__(\".fill 1000000000, 8, 1\");\nint main(void) { return 0; }\n",
	};
	struct compile_options options = options_for_tests();

	options.limits.wall_ms = 3000;
	options.limits.cpu_seconds = 2;
	options.limits.memory = 256 << 20;
	options.limits.output = 16 << 20;
	setenv("MAPLAB_WITHOUT", ways[_i], 1);
	host_forget();
	start_with(&options);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int64_t begun = clock_now();
		struct compile_result r = compile(texts[i], NULL);

		ck_assert_msg(r.status == COMPILE_LIMIT, "%zu: %d %s", i, (int)r.status,
			      r.diagnostics);
		ck_assert_ptr_nonnull(strstr(r.diagnostics, "maplab: the compiler"));
		ck_assert_int_lt(clock_now() - begun, 4500 * NS_PER_MS);
	}
	finish();
}
END_TEST

START_TEST(time_is_limited)
{
	struct compile_options options = options_for_tests();
	struct compile_result r;

	options.limits.wall_ms = 1;
	start_with(&options);
	r = compile("int main(void) { return 0; }\n", NULL);
	ck_assert_int_eq(r.status, COMPILE_LIMIT);
	ck_assert_ptr_nonnull(strstr(r.diagnostics, "stopped after 1 ms"));
	finish();
}
END_TEST

START_TEST(messages_are_cut)
{
	struct compile_options options = options_for_tests();
	char *text = malloc(2000000), *end;
	struct compile_result r;

	options.limits.diagnostics = 10000;
	start_with(&options);
	ck_assert_ptr_nonnull(text);
	end = text + sprintf(text, "int main(void) {\n");
	for (int i = 0; i < 2000; i++)
		end += sprintf(end, "\tint unused_%d;\n", i);
	strcpy(end, "return 0; }\n");
	r = compile(text, NULL);
	ck_assert_int_eq(r.status, COMPILE_OK);
	ck_assert_uint_lt(strlen(r.diagnostics), 10200);
	ck_assert_ptr_nonnull(strstr(r.diagnostics, "maplab: the compiler's messages go on"));
	free(text);
	finish();
}
END_TEST

START_TEST(odd_names_are_refused)
{
	static const char *const names[] = { "-o", "../x", "", ".", "a/b" };
	const struct compile_file file = source("prog.c", "int main(void) { return 0; }\n");
	struct compile_result r;

	start(0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct compile_job job = { .name = names[i],
						 .sources = &file,
						 .source_count = 1 };

		compile_wait(compile_start(compiler, &job), arena, &r);
		ck_assert_int_eq(r.status, COMPILE_BROKEN);
		ck_assert_ptr_nonnull(strstr(r.diagnostics, "maplab: "));
	}
	finish();
}
END_TEST

START_TEST(strange_files_are_not_read)
{
	char directory[] = "/tmp/maplab-test-XXXXXX", path[64];
	struct compile_file file, *headers;
	const char *why = "";
	size_t count = 0;

	arena = arena_new(1 << 20, false);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/fifo.h", directory);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert(!compile_read_file(arena, path, &file, &why));
	ck_assert_msg(strncmp(why, "fifo.h: ", 8) == 0, "%s", why);
	ck_assert(!compile_read_headers(arena, directory, &headers, &count, &why));
	unlink(path);
	snprintf(path, sizeof(path), "%s/link.c", directory);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	ck_assert(!compile_read_file(arena, path, &file, &why));
	ck_assert(!compile_read_file(arena, "/dev/zero", &file, &why));
	ck_assert(!compile_read_file(arena, directory, &file, &why));
	ck_assert(compile_read_headers(arena, directory, &headers, &count, &why));
	ck_assert_uint_eq(count, 0);
	file_remove_tree(directory);
	arena_free(arena);
}
END_TEST

/* The directory goes with a compiler that is killed, while its jobs still run. */
START_TEST(nothing_is_left_after_kill_9)
{
	const struct timespec moment = { .tv_nsec = 10000000 };
	const struct compile_file file = source(
		"prog.c", "#define A(x) x x x x x x x x\n#define B(x) A(A(A(A(A(x)))))\n"
			  "char *s = B(B(\"aaaaaa\"));\nint main(void) { return 0; }\n");
	const struct compile_job job = { .name = "prog", .sources = &file, .source_count = 1 };
	char parent[] = "/tmp/maplab-test-XXXXXX";
	struct arena *names = arena_new(1 << 20, false);
	size_t count = 1;
	int ends[2];
	pid_t pid;
	char c;

	ck_assert_ptr_nonnull(mkdtemp(parent));
	ck_assert_int_eq(chmod(parent, 01777), 0);
	setenv("TMPDIR", parent, 1);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		start(0);
		compile_start(compiler, &job);
		nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
		if (write(ends[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	ck_assert_int_eq(read(ends[0], &c, 1), 1);
	file_list(names, parent, &count);
	ck_assert_uint_eq(count, 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 400 && count > 0; i++) {
		nanosleep(&moment, NULL);
		file_list(names, parent, &count);
	}
	ck_assert_uint_eq(count, 0);
	rmdir(parent);
	arena_free(names);
}
END_TEST

Suite *compile_suite(void)
{
	const int all = sizeof(ways) / sizeof(ways[0]);
	Suite *suite = suite_create("compile");
	TCase *t = tcase_create("compile");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, a_good_source_becomes_a_program, 0, all);
	tcase_add_loop_test(t, messages_name_the_students_files, 0, all);
	tcase_add_loop_test(t, the_same_is_compiled_once, 0, all);
	tcase_add_loop_test(t, jobs_run_side_by_side_and_build_on_each_other, 0, all);
	tcase_add_loop_test(t, files_of_the_host_are_out_of_reach, 0, all);
	tcase_add_loop_test(t, limits_hold, 0, all);
	tcase_add_test(t, time_is_limited);
	tcase_add_test(t, messages_are_cut);
	tcase_add_test(t, odd_names_are_refused);
	tcase_add_test(t, strange_files_are_not_read);
	tcase_add_test(t, nothing_is_left_after_kill_9);
	suite_add_tcase(suite, t);
	return suite;
}
