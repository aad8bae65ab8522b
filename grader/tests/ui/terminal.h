/*
 * terminal.h: a terminal of our own (tmux with its own server), in which the dashboard is driven as
 * by a person. Nothing here sleeps and hopes: the screen is looked at until it shows what it
 * should, or a generous limit is over.
 */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>

/* False where there is no tmux. */
bool terminal_possible(void);

/* A shell in a new terminal of that size, with $MAPLAB, $SOURCE and a store of its own. */
void terminal_open(int columns, int rows);
void terminal_close(void);

/* The directory of this terminal: submissions are in SOURCE = …/source. */
const char *terminal_directory(void);

void terminal_resize(int columns, int rows);

/* Keys by tmux's names, separated by blanks: "Down Enter q". */
void terminal_keys(const char *keys);

/* Types a command line and Enter. */
void terminal_type(const char *text);

/* What the screen shows now. Valid until the next call. */
const char *terminal_screen(void);

/* Fails the test where the text does not come (or does not go) in time. */
void terminal_shows(const char *text);
void terminal_hides(const char *text);

/* The pid of the maplab that runs in the terminal. */
int terminal_maplab(void);

#endif
