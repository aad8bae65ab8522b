/* dashboard.c: `maplab` alone. */
#include "cmd/command.h"
#include "ui/ui.h"

#include <unistd.h>

int command_dashboard(struct options *o, char **words)
{
	struct ui_options ui = { .source = o->source, .style = o->style, .poll = o->poll };
	bool shown = false;

	if (!o->style.terminal || !isatty(STDIN_FILENO))
		return command_list(o, words);
	ui.how = grading_options_from(o);
	ui.how.seed = o->seed;
	ui.store = store_open(o->source);
	shown = ui_run(&ui);
	store_close(ui.store);
	return shown ? 0 : command_list(o, words);
}
