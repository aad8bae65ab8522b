/*
 * labs.c: `maplab verify` as a test: skeletons fail, references and right-* pass whole, wrong-*
 * fail with exactly the checks that they name. Runs the binary in $MAPLAB.
 */
#include "base/buffer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { OUTPUT_MOST = 8 << 20, SECONDS = 900 };

/* NUMBER of a lab, or "" for all. */
static void expect_verified(const char *number, int jobs)
{
	const char *maplab = getenv("MAPLAB");
	struct buffer said = { 0 };
	char command[512];
	FILE *pipe;
	int status;

	snprintf(command, sizeof command, "%s verify %s --jobs %d 2>&1",
		 maplab ? maplab : "build/maplab", number, jobs);
	pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	buffer_read_fd(&said, fileno(pipe), OUTPUT_MOST);
	status = pclose(pipe);
	/* Check cuts long messages: all of it goes to the log. */
	if (status != 0)
		fprintf(stderr, "%s\n", buffer_text(&said));
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "verify %s: exit status %d",
		      number, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	buffer_free(&said);
}

/* All of them in one go: while a case sleeps through its seconds another lab is at work. */
START_TEST(verify)
{
	expect_verified("", 6);
}
END_TEST

/* One grading at a time has two workers (exam/checks.h). A lab with scenes, and with checks that
 * need each other: no verdict depends on who has run what. */
START_TEST(verify_by_two)
{
	expect_verified("04", 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("labs");
	TCase *tests = tcase_create("verify");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, SECONDS);
	tcase_add_test(tests, verify);
	tcase_add_test(tests, verify_by_two);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
