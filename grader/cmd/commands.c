#include "cmd/command.h"

static const struct command table[] = {
	{ "", "", "the dashboard (the table of `maplab list` where there is no terminal)", NULL,
	  OPTION_SOURCE | OPTION_SEED, 0, 0, command_dashboard },
	{ "list", "", "labs, status, score", NULL, OPTION_SOURCE, 0, 0, command_list },
	{ "grade", "[LAB...]", "grade and print; all labs when none is named",
	  "A LAB is `07`, `message-queue` or `07-message-queue`.\n"
	  "With --repeat N each lab is graded N times, and verdicts that differ are reported.",
	  OPTION_SOURCE | OPTION_FORMAT | OPTION_OUT | OPTION_SEED | OPTION_REPEAT | OPTION_KEEP, 0,
	  -1, command_grade },
	{ "watch", "[LAB]", "grade again at every save",
	  "Leave it with Ctrl-C. --poll looks at the files twice a second instead of waiting for\n"
	  "news of them; it does so by itself on network file systems.",
	  OPTION_SOURCE | OPTION_SEED | OPTION_POLL, 0, 1, command_watch },
	{ "trace", "LAB [-- ARGS]", "the timeline of memory calls of one run", NULL,
	  OPTION_SOURCE | OPTION_SEED | OPTION_KEEP, 1, -1, command_trace },
	{ "maps", "LAB [-- ARGS]", "the address space at each stop of one run", NULL,
	  OPTION_SOURCE | OPTION_SEED | OPTION_KEEP, 1, -1, command_maps },
	{ "hint", "LAB [CHECK]", "the next hint",
	  "Without a CHECK it is the first that failed when the lab was last graded.",
	  OPTION_SOURCE, 1, 2, command_hint },
	{ "reset", "LAB", "put the skeleton back",
	  "Asks first. Your file stays beside it as FILE.old-1, FILE.old-2, …",
	  OPTION_SOURCE | OPTION_YES, 1, 1, command_reset },
	{ "solution", "LAB", "the reference, once the lab has passed", NULL,
	  OPTION_SOURCE | OPTION_ANYWAY, 1, 1, command_solution },
	{ "verify", "[LAB...]", "for who writes labs: do the exams judge rightly?",
	  "Skeletons must fail, references and right-* pass whole, wrong-* fail with exactly the checks\n"
	  "of their line `// expect: FAIL check-id…`; each check must be failed by one of them.",
	  OPTION_JOBS | OPTION_REPEAT | OPTION_SEED, 0, -1, command_verify },
	{ "doctor", "", "what this host can do, and what is skipped without it", NULL, 0, 0, 0,
	  command_doctor },
	{ "new-lab", "NN-name", "write the scaffold of a lab", NULL, 0, 1, 1, command_new_lab },
	{ 0 },
};

const struct command *commands(void)
{
	return table;
}
