/*
 * leftovers.h: what programs leave in the kernel where they have no namespaces of their own: System
 * V objects, files in /dev/shm, processes. And emptying the namespaces where they have.
 */
#ifndef STAGE_LEFTOVERS_H
#define STAGE_LEFTOVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Things that belong to a user, noted so that later ones can be told apart. */
struct leftovers {
	uid_t uid;
	char *names; /* of /dev/shm, each with its NUL */
	size_t size;
	int *ids[3]; /* of shm, sem, msg */
	size_t counts[3];
};

/* Notes what UID has now. */
void leftovers_note(struct leftovers *before, uid_t uid);
void leftovers_free(struct leftovers *before);

/*
 * Removes what UID has got since then: System V objects that no process is attached to, and files
 * in /dev/shm that no process of UID has open or mapped, so that another program of the same person
 * keeps its own. 0, or -1 with errno when something could not be removed.
 */
int leftovers_remove(const struct leftovers *before);

/* Removes every System V object that can be seen: for whoever has an ipc namespace alone. */
int leftovers_remove_all_ipc(void);

/* Removes everything in DIRECTORY, but not itself. 0 also when it is not there; -1 with errno. */
int leftovers_empty_directory(const char *directory);

/* SIGKILL to every living descendant of ROOT, which is spared; how many there were. */
unsigned leftovers_kill_tree(pid_t root);

/*
 * SIGKILL to every process called NAME (proc_pid_comm(5)) with PATH in its command line; how many
 * there were. Dead ones have no command line.
 */
unsigned leftovers_kill_named(const char *name, const char *path);

/* How many tasks (processes and threads) UID has. */
unsigned leftovers_count_tasks(uid_t uid);

/* Reaps every dead process and thread that the caller traces, without touching its other children.
 */
void leftovers_reap_traced(void);

#endif
