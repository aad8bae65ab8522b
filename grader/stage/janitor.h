/*
 * janitor.h: a process that clears away when its maker has died without doing so itself, kill -9
 * included. It sleeps in read(2) on a pipe that only the maker writes to; the pipe's end is the
 * maker's end. It has a session of its own, so what kills the maker's process group or terminal
 * does not kill it, and keeps the rights that the maker had when it was forked. It is called
 * "lab-janitor", so that what kills everything named maplab does not, either.
 */
#ifndef STAGE_JANITOR_H
#define STAGE_JANITOR_H

#include <sys/types.h>

struct janitor {
	pid_t pid;
	int pipe; /* the writing end, close-on-exec */
};

/* What the janitor can be told to do; things of a kind add up, up to eight. */
enum janitor_task {
	JANITOR_REMOVE = 'r',	/* argument: a directory, removed with all below after the death of
				   every bwrap whose command line names it */
	JANITOR_CGROUP = 'c',	/* argument: a cgroup directory, killed and removed */
	JANITOR_SEGMENTS = 's', /* argument: a uid that only stages use; its System V objects and
				   files in /dev/shm are removed */
	JANITOR_FORGET = 'f',	/* no argument: all of the above are done already */
	JANITOR_GOODBYE = 'g',	/* told by janitor_dismiss(): the maker lives on */
};

/* Forks the janitor. 0, or -1 with errno. */
int janitor_start(struct janitor *janitor);

/* Tells it a task. A janitor that is gone hears nothing; that is no error of the caller's. */
void janitor_tell(const struct janitor *janitor, enum janitor_task task, const char *argument);

/* Lets it do its tasks now, waits for its end. Does nothing to a janitor of pid 0. */
void janitor_dismiss(struct janitor *janitor);

#endif
