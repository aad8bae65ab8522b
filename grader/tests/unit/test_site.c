/*
 * test_site.c: a program is compiled in several ways, run under a plain ptrace(2), and asked after
 * its death where its calls came from. A call in the source is marked by a comment, so the line
 * numbers are looked up and not written down.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include "base/file.h"
#include "base/text.h"
#include "trace/call.h"
#include "trace/site.h"
#include "unit.h"

static const char source[] =
	"#include <fcntl.h>\n"
	"#include <signal.h>\n"
	"#include <stdio.h>\n"
	"#include <stdlib.h>\n"
	"#include <sys/mman.h>\n"
	"#include <sys/wait.h>\n"
	"#include <unistd.h>\n"
	"#include \"mark.h\"\n"
	"static __attribute__((noinline)) void drop(char *p)\n"
	"{\n"
	"	p[0] = 1;\n"
	"	munmap(p, 8192); /* tail */\n"
	"}\n"
	"static void on_alarm(int number)\n"
	"{\n"
	"	(void)number;\n"
	"	msync(NULL, 0, MS_SYNC); /* handler */\n"
	"	madvise(NULL, 0, MADV_NORMAL); /* handler's tail */\n"
	"}\n"
	"static inline char *take(void)\n"
	"{\n"
	"	return mmap(NULL, 8192, PROT_READ | PROT_WRITE, /* inlined */\n"
	"		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);\n"
	"}\n"
	"int main(void)\n"
	"{\n"
	"	char *p = take(), *big, line[64];\n"
	"	FILE *file;\n"
	"	mark(\"here\"); /* header */\n"
	"	mprotect(p + 4096, 4096, PROT_READ); /* plain */\n"
	"	drop(p); /* caller of tail */\n"
	"	big = malloc(1 << 20); /* malloc */\n"
	"	*(volatile char *)big = 1;\n"
	"	free(big); /* free */\n"
	"	file = fopen(\"/dev/null\", \"r\"); /* fopen */\n"
	"	fgets(line, sizeof(line), file);\n"
	"	usleep(1); /* usleep */\n"
	"	unlink(\"/nowhere/at-all\"); /* unlink */\n"
	"	signal(SIGALRM, on_alarm);\n"
	"	raise(SIGALRM);\n"
	"	return 0;\n"
	"}\n";

static const char header[] = "#include <string.h>\n"
			     "#include <unistd.h>\n"
			     "static inline void mark(const char *name)\n"
			     "{\n"
			     "	if (write(-1, name, strlen(name)) == 0)\n"
			     "		_exit(1);\n"
			     "}\n";

static const char *const compilations[] = {
	"cc -O2 -g",
	"cc -O0 -g",
	"cc -O2 -g -no-pie -fno-pie",
	"cc -O2 -g -fcf-protection=full -fno-asynchronous-unwind-tables -funwind-tables",
	"cc -O2 -g -gdwarf-4 -fno-omit-frame-pointer",
	"cc -O2 -g -fsanitize=address -fno-sanitize-recover",
	"clang -O2 -g",
};

enum { MANY = 256, STACK = 12 << 10 };

static char scratch[] = "/tmp/maplab-site-XXXXXX";
static struct arena *arena;
static struct image *image;
static size_t count;
static struct {
	enum call call;
	struct moment_copy *copy;
} calls[MANY];

static void set_up(void)
{
	arena = arena_new(64 << 20, false);
	ck_assert_ptr_nonnull(mkdtemp(scratch));
	ck_assert_int_eq(chdir(scratch), 0);
	ck_assert_int_eq(file_write("student.c", source, strlen(source), 0644), 0);
	ck_assert_int_eq(file_write("mark.h", header, strlen(header), 0644), 0);
	image = NULL;
	count = 0;
}

static void tear_down(void)
{
	image_free(image);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(file_remove_tree(scratch), 0);
	arena_free(arena);
}

/* False when there is no such compiler here, or no such library. */
static bool compile(const char *command)
{
	char line[256];

	snprintf(line, sizeof(line), "%s -w student.c -o student 2>/dev/null", command);
	return system(line) == 0;
}

static pid_t start(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* which is ptrace(2), too */
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		execl("student", "student", (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(ptrace(PTRACE_SETOPTIONS, pid, 0,
				PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL),
			 0);
	ptrace(PTRACE_SYSCALL, pid, 0, 0);
	return pid;
}

static void note_call(pid_t pid, int memory)
{
	struct __ptrace_syscall_info info;
	enum call call;

	ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	call = call_of_number((long)info.entry.nr);
	if (call == CALL_NONE || count == MANY)
		return;
	calls[count].call = call;
	calls[count++].copy = moment_copy(arena, image, pid, memory, STACK);
}

/* Runs the program to its end. The questions come afterwards. */
static void run(void)
{
	pid_t pid = start();
	int status, memory = -1;

	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		long signal = WSTOPSIG(status);

		if (status >> 16 == PTRACE_EVENT_EXEC) {
			char path[64];

			snprintf(path, sizeof(path), "/proc/%d/mem", pid);
			memory = open(path, O_RDONLY);
			image = image_new(pid);
		} else if (signal == (SIGTRAP | 0x80) && image) {
			note_call(pid, memory);
		}
		ptrace(PTRACE_SYSCALL, pid, 0,
		       status >> 16 || (signal & ~0x80) == SIGTRAP ? 0L : signal);
	}
	close(memory);
	ck_assert(WIFEXITED(status));
}

static int line_of(const char *mark)
{
	char comment[64];
	const char *at;
	int line = 1;

	snprintf(comment, sizeof(comment), "/* %s */", mark);
	at = strstr(source, comment);
	ck_assert_ptr_nonnull(at);
	for (const char *c = source; c < at; c++)
		line += *c == '\n';
	return line;
}

/* The one call of this kind that came from there. */
static const struct moment_copy *call_from(enum call call, const char *mark, struct site *site)
{
	const struct moment_copy *found = NULL;

	for (size_t i = 0; i < count; i++) {
		if (calls[i].call != call || !site_find(calls[i].copy, site) ||
		    site->line != line_of(mark))
			continue;
		ck_assert_str_eq(site->file, "student.c");
		found = calls[i].copy;
	}
	ck_assert_msg(found, "no %s at \"%s\"", call_name(call), mark);
	ck_assert(site_find(found, site));
	return found;
}

static void check_direct(enum call call, const char *mark, bool direct)
{
	struct site site;

	ck_assert_msg(site_is_direct(call_from(call, mark, &site)) == direct, "%s at \"%s\"",
		      call_name(call), mark);
}

START_TEST(lines)
{
	struct site site;
	bool sanitized = strstr(compilations[_i], "address");

	if (!compile(compilations[_i]))
		return;
	run();
	check_direct(CALL_mmap, "inlined", true);
	check_direct(CALL_write, "header", true);
	check_direct(CALL_mprotect, "plain", true);
	check_direct(CALL_munmap, "tail", true);
	check_direct(CALL_unlink, "unlink", true);
	check_direct(CALL_clock_nanosleep, "usleep", true);
	check_direct(CALL_openat, "fopen", false);
	if (!sanitized) {
		check_direct(CALL_mmap, "malloc", false);
		check_direct(CALL_munmap, "free", false);
	}
	check_direct(CALL_msync, "handler", true);
	for (size_t i = 0; i < count; i++) /* with its frame, or else not at all */
		if (!sanitized && calls[i].call == CALL_madvise && site_find(calls[i].copy, &site))
			ck_assert_int_eq(site.line, line_of("handler's tail"));
	call_from(CALL_msync, "handler", &site);
	ck_assert_str_eq(site.function, "on_alarm");
	if (!sanitized) /* msync(3) may be cancelled: with glibc 2.41 two frames more */
		ck_assert(site.depth >= 1 && site.depth <= 3);
}
END_TEST

START_TEST(text)
{
	struct site site;
	char wanted[64];

	ck_assert(compile(compilations[0]));
	run();
	snprintf(wanted, sizeof(wanted), "student.c:%d", line_of("plain"));
	ck_assert_str_eq(site_text(arena, call_from(CALL_mprotect, "plain", &site)), wanted);
	ck_assert_str_eq(site.function, "main");
	/* the loader's calls come from nobody's source */
	ck_assert_int_eq(calls[0].call, CALL_mmap);
	ck_assert_ptr_null(site_text(arena, calls[0].copy));
	ck_assert(!site_is_direct(calls[0].copy));
	ck_assert_ptr_null(site_text(arena, NULL));
}
END_TEST

START_TEST(without_lines)
{
	struct site site;

	ck_assert(compile("cc -O2 -g0"));
	run();
	for (size_t i = 0; i < count; i++)
		ck_assert(!site_find(calls[i].copy, &site));
}
END_TEST

/* A stack that was cut is no reason to guess. */
START_TEST(without_stack)
{
	struct site site;

	ck_assert(compile(compilations[0]));
	run();
	for (size_t i = 0; i < count; i++) {
		calls[i].copy->stack_size = 0;
		ck_assert(!site_find(calls[i].copy, &site));
	}
}
END_TEST

/* The next run finds the file known; a file that was replaced or written to is another one. */
START_TEST(new_version)
{
	struct site site;
	int before;

	ck_assert(compile(compilations[0]));
	run();
	call_from(CALL_mprotect, "plain", &site);
	before = site.line;
	image_free(image);
	image = NULL;
	count = 0;
	ck_assert_int_eq(system("sed -i '1i\\\n' student.c && cc -w -O2 -g student.c -o new && "
				"cat new > student"),
			 0);
	run();
	for (size_t i = 0; i < count; i++)
		if (calls[i].call == CALL_mprotect && site_find(calls[i].copy, &site))
			before -= site.line;
	ck_assert_int_eq(before, -1);
}
END_TEST

START_TEST(functions)
{
	uint64_t start, printf_start;

	ck_assert(compile(compilations[0]));
	run();
	start = image_function(image, "drop");
	ck_assert_uint_ne(start, 0);
	ck_assert_uint_eq(image_function_start(image, start + 4), start);
	printf_start = image_function(image, "printf");
	ck_assert_uint_ne(printf_start, 0);
	ck_assert_uint_eq(image_function_start(image, printf_start + 8), printf_start);
	ck_assert_uint_ne(image_function(image, "malloc"), 0);
	ck_assert_uint_eq(image_function(image, "no_such_function"), 0);
	ck_assert_uint_eq(image_function(image, "memcpy"), 0); /* one of several, at run time */
	ck_assert_uint_eq(image_function_start(image, 4096), 0);
	image_refresh(image, getpid() + 1000000); /* nobody: what is known stays */
	ck_assert_uint_eq(image_function(image, "drop"), start);
}
END_TEST

Suite *site_suite(void)
{
	Suite *suite = suite_create("site");
	TCase *test_case = tcase_create("site");

	tcase_add_checked_fixture(test_case, set_up, tear_down);
	tcase_set_timeout(test_case, 30);
	tcase_add_loop_test(test_case, lines, 0, sizeof(compilations) / sizeof(*compilations));
	tcase_add_test(test_case, text);
	tcase_add_test(test_case, without_lines);
	tcase_add_test(test_case, without_stack);
	tcase_add_test(test_case, new_version);
	tcase_add_test(test_case, functions);
	suite_add_tcase(suite, test_case);
	return suite;
}
