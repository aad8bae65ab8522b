/* show.h: a lab's run told as a timeline, or as its address spaces; `maplab trace` and `maplab
 * maps`. */
#ifndef EXAM_SHOW_H
#define EXAM_SHOW_H

#include <stdbool.h>

struct exam;

/*
 * Plays the lab's show() with the given words (NULL-terminated, may be empty) and prints to
 * standard output. With `maps_only` the maps of every process at each moment at which the show
 * stopped, else the timeline of calls.
 */
void show_lab(struct exam *x, const char *const *args, bool maps_only);

/* The show has stopped somewhere: called by run_to(). Remembers the maps where they are wanted. */
void show_stop(struct exam *x);

#endif
