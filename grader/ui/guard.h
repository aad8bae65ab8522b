/*
 * guard.h: a small child that puts the terminal back when the dashboard dies in a way that leaves
 * it no time to do so (kill -9, a crash).
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
