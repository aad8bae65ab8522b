/*
 * watcher.h: tells which files were saved. inotify(7) on their directories, because editors write a
 * new file and rename it; where inotify cannot see (network file systems, a directory that is not
 * there yet) the files are looked at twice a second. Nothing happens while nothing changes.
 */
#ifndef UI_WATCHER_H
#define UI_WATCHER_H

#include <stdbool.h>

struct watcher;

/* `poll_only`: never use inotify. */
struct watcher *watcher_new(bool poll_only);
void watcher_free(struct watcher *watcher);

/* Watches PATH, whether it is there or not; watcher_next() says `tag` when it changes. */
void watcher_add(struct watcher *watcher, const char *path, int tag);

/* For poll(2): readable when there is news; -1 where there is none. */
int watcher_fd(const struct watcher *watcher);

/* Milliseconds until watcher_next() has to be asked though the descriptor is silent; -1: never. */
int watcher_timeout(const struct watcher *watcher);

/* The tag of a file that was saved and then left alone for a moment, or -1. Never blocks. */
int watcher_next(struct watcher *watcher);

#endif
