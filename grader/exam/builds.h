/*
 * builds.h: a directory of compiled programs that several gradings share, so that identical sources
 * are compiled once (run/compile.h compares the bytes). Worth its while when many submissions of a
 * lab are graded in a row.
 */
#ifndef EXAM_BUILDS_H
#define EXAM_BUILDS_H

#include <limits.h>

#include "stage/janitor.h"

struct builds {
	char directory[PATH_MAX]; /* "" when there is none: then nothing is shared, and nothing is
				     wrong */
	struct janitor janitor;	  /* removes it, also when we are killed */
};

/* Makes the directory, owned by the user that workers become. Give its path to struct
 * grading_options. */
void builds_open(struct builds *builds);

/* Removes it. No grading may be using it. */
void builds_close(struct builds *builds);

#endif
