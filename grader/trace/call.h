/*
 * call.h: the system calls that matter, as a table: name, number, family, how each argument is
 * shown. Numbers are those of the machine that we are compiled for; a call that it does not have
 * stays unknown.
 */
#ifndef TRACE_CALL_H
#define TRACE_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One row a call; X(name, families, argument formats). See call.c for the formats. */
#define TRACE_CALLS(X)                                                    \
	/* memory */                                                      \
	X(mmap, FAMILY_MAP, "pzPMfo")                                     \
	X(munmap, FAMILY_MAP, "pz")                                       \
	X(mremap, FAMILY_MAP, "pzzxp")                                    \
	X(mprotect, FAMILY_MAP, "pzP")                                    \
	X(pkey_mprotect, FAMILY_MAP, "pzPi")                              \
	X(msync, FAMILY_MAP | FAMILY_SYNC, "pzY")                         \
	X(madvise, FAMILY_MAP, "pzA")                                     \
	X(mincore, FAMILY_MAP, "pzp")                                     \
	X(mlock, FAMILY_MAP, "pz")                                        \
	X(remap_file_pages, FAMILY_MAP, "pzxzx")                          \
	/* files */                                                       \
	X(open, FAMILY_OPEN, "sOm")                                       \
	X(openat, FAMILY_OPEN, "dsOm")                                    \
	X(openat2, FAMILY_OPEN, "dspz")                                   \
	X(creat, FAMILY_OPEN, "sm")                                       \
	X(close, FAMILY_CLOSE, "f")                                       \
	X(close_range, FAMILY_CLOSE, "iix")                               \
	X(dup, FAMILY_CLOSE, "f")                                         \
	X(dup2, FAMILY_CLOSE, "fi")                                       \
	X(dup3, FAMILY_CLOSE, "fix")                                      \
	X(ftruncate, FAMILY_SIZE, "fo")                                   \
	X(truncate, FAMILY_SIZE, "so")                                    \
	X(fallocate, FAMILY_SIZE, "fxoo")                                 \
	X(unlink, FAMILY_NAME, "s")                                       \
	X(unlinkat, FAMILY_NAME, "dsx")                                   \
	X(rename, FAMILY_NAME, "ss")                                      \
	X(renameat, FAMILY_NAME, "dsds")                                  \
	X(renameat2, FAMILY_NAME, "dsdsx")                                \
	X(link, FAMILY_NAME, "ss")                                        \
	X(linkat, FAMILY_NAME, "dsdsx")                                   \
	X(chmod, FAMILY_NAME, "sm")                                       \
	X(fchmod, FAMILY_NAME, "fm")                                      \
	X(fchmodat, FAMILY_NAME, "dsm")                                   \
	X(fsync, FAMILY_SYNC, "f")                                        \
	X(fdatasync, FAMILY_SYNC, "f")                                    \
	X(sync, FAMILY_SYNC, "")                                          \
	X(syncfs, FAMILY_SYNC, "f")                                       \
	X(sync_file_range, FAMILY_SYNC, "foox")                           \
	X(flock, FAMILY_LOCK, "fx")                                       \
	X(fcntl, FAMILY_LOCK, "fix")                                      \
	X(memfd_create, FAMILY_OPEN, "sx")                                \
	/* bytes by calls */                                              \
	X(read, FAMILY_READ, "fpz")                                       \
	X(pread64, FAMILY_READ, "fpzo")                                   \
	X(readv, FAMILY_READ, "fpi")                                      \
	X(preadv, FAMILY_READ, "fpio")                                    \
	X(preadv2, FAMILY_READ, "fpio")                                   \
	X(write, FAMILY_WRITE, "fpz")                                     \
	X(pwrite64, FAMILY_WRITE, "fpzo")                                 \
	X(writev, FAMILY_WRITE, "fpi")                                    \
	X(pwritev, FAMILY_WRITE, "fpio")                                  \
	X(pwritev2, FAMILY_WRITE, "fpio")                                 \
	X(sendfile, FAMILY_READ | FAMILY_WRITE, "ffpz")                   \
	X(splice, FAMILY_READ | FAMILY_WRITE, "fpfpz")                    \
	X(tee, FAMILY_READ | FAMILY_WRITE, "ffz")                         \
	X(vmsplice, FAMILY_WRITE, "fpi")                                  \
	X(copy_file_range, FAMILY_READ | FAMILY_WRITE, "fpfpz")           \
	X(io_uring_setup, FAMILY_READ | FAMILY_WRITE, "ip")               \
	X(io_uring_enter, FAMILY_READ | FAMILY_WRITE, "fiix")             \
	X(io_setup, FAMILY_READ | FAMILY_WRITE, "ip")                     \
	X(io_submit, FAMILY_READ | FAMILY_WRITE, "pip")                   \
	X(recvmsg, FAMILY_OTHER, "fpx")                                   \
	X(process_vm_readv, FAMILY_OTHER, "ipipi")                        \
	X(process_vm_writev, FAMILY_OTHER, "ipipi")                       \
	/* time */                                                        \
	X(nanosleep, FAMILY_SLEEP, "Tp")                                  \
	X(clock_nanosleep, FAMILY_SLEEP, "iiTp")                          \
	X(poll, FAMILY_SLEEP | FAMILY_WAIT, "pii")                        \
	X(ppoll, FAMILY_SLEEP | FAMILY_WAIT, "piT")                       \
	X(select, FAMILY_SLEEP | FAMILY_WAIT, "ipppp")                    \
	X(pselect6, FAMILY_SLEEP | FAMILY_WAIT, "ipppT")                  \
	X(epoll_wait, FAMILY_WAIT, "fpii")                                \
	X(epoll_pwait, FAMILY_WAIT, "fpii")                               \
	X(epoll_pwait2, FAMILY_WAIT, "fpiT")                              \
	X(pause, FAMILY_WAIT, "")                                         \
	X(alarm, FAMILY_TIMER, "i")                                       \
	X(setitimer, FAMILY_TIMER, "ipp")                                 \
	X(timer_settime, FAMILY_TIMER, "ixpp")                            \
	X(timerfd_settime, FAMILY_TIMER, "fxpp")                          \
	X(setsockopt, FAMILY_OTHER, "fiipi")                              \
	X(getrusage, FAMILY_OTHER, "ip")                                  \
	/* processes and signals */                                       \
	X(wait4, FAMILY_WAIT, "ipxp")                                     \
	X(waitid, FAMILY_WAIT, "iipx")                                    \
	X(kill, FAMILY_SIGNAL, "iS")                                      \
	X(tkill, FAMILY_SIGNAL, "iS")                                     \
	X(tgkill, FAMILY_SIGNAL, "iiS")                                   \
	X(rt_sigaction, FAMILY_SIGNAL, "Spp")                             \
	X(rt_sigreturn, FAMILY_SIGNAL, "")                                \
	X(rt_sigtimedwait, FAMILY_WAIT, "ppT")                            \
	X(rt_sigsuspend, FAMILY_WAIT, "p")                                \
	X(prctl, FAMILY_OTHER, "ixxxx")                                   \
	X(personality, FAMILY_OTHER, "x")                                 \
	X(clone, FAMILY_PROCESS, "xpppx")                                 \
	X(clone3, FAMILY_PROCESS, "pz")                                   \
	X(fork, FAMILY_PROCESS, "")                                       \
	X(vfork, FAMILY_PROCESS, "")                                      \
	X(execve, FAMILY_PROCESS, "spp")                                  \
	X(exit_group, FAMILY_PROCESS, "i")                                \
	/* System V and other IPC */                                      \
	X(shmget, FAMILY_IPC, "kzx")                                      \
	X(shmat, FAMILY_IPC | FAMILY_MAP, "ipx")                          \
	X(shmdt, FAMILY_IPC | FAMILY_MAP, "p")                            \
	X(shmctl, FAMILY_IPC, "iip")                                      \
	X(semget, FAMILY_IPC, "kix")                                      \
	X(semop, FAMILY_IPC, "ipz")                                       \
	X(semtimedop, FAMILY_IPC, "ipzT")                                 \
	X(semctl, FAMILY_IPC, "iiix")                                     \
	X(msgget, FAMILY_IPC, "kx")                                       \
	X(msgrcv, FAMILY_IPC, "ipzxx")                                    \
	X(msgsnd, FAMILY_IPC, "ipzx")                                     \
	/* never stops a program by itself; named for what it waits in */ \
	X(futex, FAMILY_QUIET | FAMILY_WAIT, "pxiTpx")                    \
	X(futex_wait, FAMILY_QUIET | FAMILY_WAIT, "pxxxTi")               \
	X(futex_waitv, FAMILY_QUIET | FAMILY_WAIT, "pixTi")               \
	X(sched_yield, FAMILY_QUIET, "")                                  \
	X(recvfrom, FAMILY_QUIET, "fpzxpp")                               \
	X(accept, FAMILY_QUIET, "fpp")                                    \
	X(mq_timedreceive, FAMILY_QUIET, "fpzpT")

enum call {
	CALL_NONE,
#define TRACE_CALL_ENUM(name, families, format) CALL_##name,
	TRACE_CALLS(TRACE_CALL_ENUM)
#undef TRACE_CALL_ENUM
		CALL_COUNT,
};

enum call_family {
	FAMILY_MAP = 1 << 0, /* changes or asks about mappings */
	FAMILY_OPEN = 1 << 1,
	FAMILY_CLOSE = 1 << 2,	/* closes or duplicates descriptors */
	FAMILY_SIZE = 1 << 3,	/* changes the size of a file */
	FAMILY_NAME = 1 << 4,	/* changes names and modes */
	FAMILY_SYNC = 1 << 5,	/* makes durable */
	FAMILY_LOCK = 1 << 6,	/* file locks */
	FAMILY_READ = 1 << 7,	/* takes bytes out of a file by a call */
	FAMILY_WRITE = 1 << 8,	/* puts bytes into a file by a call */
	FAMILY_SLEEP = 1 << 9,	/* may be a plain sleep */
	FAMILY_WAIT = 1 << 10,	/* may block */
	FAMILY_TIMER = 1 << 11, /* starts a timer that will send a signal or the like */
	FAMILY_SIGNAL = 1 << 12,
	FAMILY_PROCESS = 1 << 13,
	FAMILY_IPC = 1 << 14, /* System V */
	FAMILY_OTHER = 1 << 15,
	FAMILY_QUIET = 1 << 16, /* known by name, but not stopped at */
};

/* A set of calls, as a value. */
struct call_set {
	uint64_t bits[2];
};
_Static_assert(CALL_COUNT <= 128, "struct call_set has room for 128 calls");

struct call_set call_set_one(enum call call);
struct call_set call_set_family(unsigned families); /* every call in any of them */
struct call_set call_set_both(struct call_set a, struct call_set b);
bool call_set_has(const struct call_set *set, enum call call);

const char *call_name(enum call call);
unsigned call_families(enum call call);

/* Number on this machine, or -1; and back (CALL_NONE when the table has no such row). */
long call_number(enum call call);
enum call call_of_number(long number);

/* Formats of its arguments, one letter each (call.c). */
const char *call_format(enum call call);

/*
 * Which argument is a file descriptor (the first 'f'), a path (the first 's'), the directory of the
 * path ('d'); -1 where none is.
 */
int call_descriptor_argument(enum call call);
int call_path_argument(enum call call);
int call_directory_argument(enum call call);

#endif
