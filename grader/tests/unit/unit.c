/*
 * unit.c: runs all unit tests, each in a process of its own.
 *     CK_RUN_SUITE=maps build/tests/unit      one suite
 *     CK_RUN_CASE=smaps build/tests/unit      one case of it
 *     CK_FORK=no                              in this process, for a debugger
 */
#include "unit.h"

#include <stdlib.h>

static Suite *(*const suites[])(void) = {
#define SUITE(name) name##_suite,
	SUITES
#undef SUITE
};

int main(void)
{
	SRunner *runner = srunner_create(NULL);
	int failed;

	for (size_t i = 0; i < sizeof(suites) / sizeof(*suites); i++)
		srunner_add_suite(runner, suites[i]());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
