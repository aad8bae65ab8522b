/*
 * guard.h: puts the terminal back when the dashboard dies without time to do so itself. A crash is
 * caught; after a kill -9 a small child does it.
 */
#ifndef UI_GUARD_H
#define UI_GUARD_H

#include <stdbool.h>

/* Whether the terminal's type is known and the cursor can be put anywhere on it. Ask this first. */
bool guard_knows_terminal(void);

/* Before the terminal is changed. */
void guard_start(void);

/* After the terminal was put back. */
void guard_stop(void);

#endif
