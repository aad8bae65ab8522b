/* proc_open.h: the open(2) of everything below /proc/PID. Internal to procfs. */
#ifndef PROCFS_PROC_OPEN_H
#define PROCFS_PROC_OPEN_H

#include <stddef.h>
#include <sys/types.h>

/* Room for "/proc/PID/NAME" with any name that we ask for. */
enum { PROC_PATH_ROOM = 128 };

/* Writes the path of NAME for the process (0: ourselves) and returns it. */
char *proc_path(char path[PROC_PATH_ROOM], pid_t pid, const char *name);

/* Opens it for reading; -1 with errno. */
int proc_open(pid_t pid, const char *name);

#endif
