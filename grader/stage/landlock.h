/*
 * landlock.h: landlock(7) by its raw calls (libc has no names for them), for the stage without user
 * namespaces.
 */
#ifndef STAGE_LANDLOCK_H
#define STAGE_LANDLOCK_H

/* The ABI of the running kernel; 0: no Landlock. */
int landlock_abi(void);

/*
 * Confines the calling process and its descendants for ever: they may read and execute the system's
 * libraries and SCRATCH/bin, write in SCRATCH/work, SCRATCH/disk, SCRATCH/tmp and /dev/shm, use
 * /dev/null and its kin, read /proc, and open nothing else; from ABI 4 on no TCP, from ABI 6 on
 * signals and abstract sockets reach only those who are confined with them. Attributes (chmod,
 * stat) are not confined, nor System V objects; POSIX message queues are
 * shut off altogether. 0, or -1 with errno.
 */
int landlock_confine(const char *scratch);

/* The same for a compiler: reads and executes all of /usr and READABLE, writes in WRITABLE. */
int landlock_confine_compiler(const char *readable, const char *writable);

#endif
