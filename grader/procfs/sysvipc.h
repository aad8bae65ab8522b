/*
 * sysvipc.h: System V segments and semaphore sets, from /proc/sysvipc/shm and sem, proc_sysvipc(5),
 * sysvipc(7). The parsers find columns by the names in the header line, so a new column does no
 * harm and a missing one is 0.
 */
#ifndef PROCFS_SYSVIPC_H
#define PROCFS_SYSVIPC_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One shared memory segment; shmctl(2). */
struct sysv_shm {
	int32_t key; /* 0 is IPC_PRIVATE, and becomes the key of a removed segment */
	int shmid;
	unsigned perms; /* the nine permission bits alone */
	bool removed;	/* mode bit 01000: IPC_RMID was called, it lives until the last detaches */
	bool locked;	/* mode bit 02000: SHM_LOCK */
	uint64_t size;	/* bytes, as asked of shmget(2), not rounded */
	pid_t cpid, lpid; /* creator, and the last one to attach or detach; 0: not seen from here */
	uint64_t nattch;
	uid_t uid, cuid;  /* owner, creator */
	uint64_t rss;	  /* bytes */
	const char *line; /* raw, for evidence */
};

/* One semaphore set; semctl(2). */
struct sysv_sem {
	int32_t key;
	int semid;
	unsigned perms;
	uint64_t nsems;
	uid_t uid, cuid;
	uint64_t otime, ctime; /* seconds since 1970: last semop(2), last change; 0 never */
	const char *line;
};

/* The whole file with its header line; lists are owned by the arena, in the kernel's order. False
 * when the header or a line is not what it should be. */
bool sysvipc_shm_parse(struct arena *arena, const char *text, size_t size, struct sysv_shm **list,
		       size_t *count);
bool sysvipc_sem_parse(struct arena *arena, const char *text, size_t size, struct sysv_sem **list,
		       size_t *count);

/*
 * Reads the lists of the IPC namespace that process PID lives in (0: our own). The file always
 * shows the namespace of who opens it, also below /proc/PID/root; so for another one a forked
 * helper joins it with setns(2), through the user namespace that owns it where that is needed.
 * The pids in the list are those that our own /proc shows, uid and cuid those of the user namespace
 * that owns the other IPC namespace. Returns 0 or an errno value (EACCES or EPERM: we may not look
 * at the process or join it; ENOENT: the process or the kernel's System V IPC is not there).
 */
int sysvipc_shm(struct arena *arena, pid_t pid, struct sysv_shm **list, size_t *count);
int sysvipc_sem(struct arena *arena, pid_t pid, struct sysv_sem **list, size_t *count);

/* The segment or set with that id, or NULL. */
const struct sysv_shm *sysvipc_find_shm(const struct sysv_shm *list, size_t count, int shmid);
const struct sysv_sem *sysvipc_find_sem(const struct sysv_sem *list, size_t count, int semid);

#endif
