/* main.c: which of the three things that this binary is: a launcher on a stage, an actor there, or
 * maplab. */
#include "base/die.h"
#include "cmd/command.h"
#include "exam/lab.h"
#include "stage/stage.h"
#include "trace/filter.h"

#include <locale.h>
#include <signal.h>
#include <string.h>

/* `maplab --actor LAB NAME ARGS…`: a peer of the grader's own; sees NAME ARGS… as its command line.
 */
static int actor_main(int argc, char **argv)
{
	const struct lab *lab = argc > 3 ? lab_find(argv[2]) : NULL;

	filter_install(); /* only now: of the loader's hundreds of calls nobody wants to hear */
	for (size_t i = 0; lab && i < LAB_MAX_ACTORS && lab->actors[i].name; i++)
		if (strcmp(lab->actors[i].name, argv[3]) == 0)
			return lab->actors[i].main(argc - 3, argv + 3);
	die("no actor of that name");
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], STAGE_LAUNCHER_WORD) == 0)
		return launcher_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], "--actor") == 0)
		return actor_main(argc, argv);
	setlocale(LC_CTYPE, "");
	/* A reader that went away (| head) is no error of ours worth a message. */
	signal(SIGPIPE, SIG_DFL);
	return command_line(argc, argv);
}
