/* ui.h: the dashboard. */
#ifndef UI_UI_H
#define UI_UI_H

#include "exam/grading.h"
#include "report/style.h"
#include "store/store.h"

struct ui_options {
	const char *source;	    /* where the submissions are */
	struct grading_options how; /* seed 0: a fresh one each time */
	struct style style;
	struct store *store;
	bool poll; /* look at files instead of using inotify */
};

/*
 * Runs the dashboard until the user leaves it. False, with nothing shown, where the terminal cannot
 * do it (unknown type, no cursor addressing). Ends the process by the signal that ended it.
 */
bool ui_run(const struct ui_options *options);

#endif
