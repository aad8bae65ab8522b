/*
 * proc.h: the one place that opens /proc/PID. Every reading is split into a pure parser of text
 * (…_parse: false when the text is not what it should be) and an opener, which returns 0 or an
 * errno value: ENOENT or ESRCH (the process is gone), EACCES or EPERM (it is not ours to look at),
 * EBADMSG (the text was not understood, a fault of the grader). On error the result is zeroed.
 *
 * PID and TID are as this process' /proc names them, outside of any sandbox; 0 means ourselves.
 * Unless said otherwise a reading of /proc/TID is about the whole process TID belongs to.
 */
#ifndef PROCFS_PROC_H
#define PROCFS_PROC_H

#include "base/arena.h"
#include "base/buffer.h"
#include "procfs/maps.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Replaces the buffer's bytes with the file /proc/PID/NAME. NAME may be a path: "fdinfo/3". */
int proc_read(pid_t pid, const char *name, struct buffer *buffer);

/* A snapshot of the address space; a zombie has an empty one. For a consistent one the process
 * must be stopped. smaps walks the page tables: dearer. proc_pid_maps(5), proc_pid_smaps(5). */
int proc_maps(struct arena *arena, pid_t pid, struct maps *maps);
int proc_smaps(struct arena *arena, pid_t pid, struct maps *maps);

/*
 * Device and inode under which /proc/PID/maps shows the file that FD has open for reading: learnt
 * by mapping it here for a moment, for st_dev is not always the same device (btrfs). Works for an
 * empty file too. ENODEV or EACCES as mmap(2) when it cannot be mapped.
 */
int proc_file_identity(int fd, dev_t *dev, ino_t *ino);

/* /proc/TID/stat, proc_pid_stat(5). */
struct proc_stat {
	char name[64]; /* the command's name, cut by the kernel to 15 bytes; may hold anything */
	char state;    /* R running, S sleeping, D disk sleep, T stopped, t traced, Z zombie, … */
	pid_t ppid;
	uint64_t minflt, majflt;	   /* page faults of all threads, without children */
	uint64_t utime_ticks, stime_ticks; /* of all threads; sysconf(_SC_CLK_TCK) a second */
	unsigned threads;
	uint64_t start_ticks; /* since boot: with the pid it names a process for ever */
};
bool proc_stat_parse(const char *text, size_t size, struct proc_stat *stat);
int proc_stat(pid_t tid, struct proc_stat *stat);

/* /proc/PID/status, proc_pid_status(5). A field that is not printed (a zombie has no memory) is 0.
 * Signal N is bit N-1 of a mask. */
struct proc_status {
	uint64_t vm_hwm_kb; /* highest resident size so far */
	uint64_t rss_anon_kb, rss_file_kb, rss_shmem_kb;
	uint64_t sig_caught, sig_ignored;
	uint64_t sig_blocked; /* of this thread */
	pid_t ns_pid;	      /* in the innermost namespace: last of NSpid */
	uint64_t voluntary_switches, involuntary_switches; /* of this thread */
	uid_t uid;					   /* the real one */
	pid_t tracer;					   /* 0: none */
};
bool proc_status_parse(const char *text, size_t size, struct proc_status *status);
int proc_status(pid_t tid, struct proc_status *status);

/* Whether bit SIGNAL of a mask (sig_caught, …) is set. */
bool proc_mask_has(uint64_t mask, int signal);

/* /proc/TID/syscall, proc_pid_syscall(5): what this one thread waits in. Needs the right to trace
 * the process. */
struct proc_syscall {
	enum {
		PROC_RUNNING, /* on a CPU or ready for one: the rest is 0 */
		PROC_IN_CALL, /* blocked in call NUMBER, or held by ptrace at its entry or exit */
		PROC_NOT_IN_CALL /* stopped or waiting in its own code (a signal, a page fault);
				    number -1 */
	} where;
	long number;
	uint64_t args[6];
	uint64_t sp, pc;
};
bool proc_syscall_parse(const char *text, size_t size, struct proc_syscall *call);
int proc_syscall(pid_t tid, struct proc_syscall *call);

/*
 * The thread ids of a process, rising, from /proc/PID/task. Writes at most ROOM of them to TIDS and
 * returns how many there are (it may be more than ROOM), or -1 with errno. proc_pid_task(5).
 */
int proc_tasks(pid_t pid, pid_t *tids, size_t room);

/* One open descriptor. proc_pid_fd(5), proc_pid_fdinfo(5). */
struct proc_fd {
	int number;
	const char *link; /* "/tmp/x", "/tmp/x (deleted)", "pipe:[123]", "socket:[45]" */
	dev_t dev;	  /* as stat(2) sees the open file: compare with another stat(2) only */
	ino_t ino;
	mode_t mode; /* type and permissions of the file, of st_mode */
	int flags;   /* of open(2), with O_CLOEXEC: compare flags & O_ACCMODE */
	int64_t offset;
};

/* The pos and flags lines of the text of /proc/PID/fdinfo/N. */
bool proc_fdinfo_parse(const char *text, size_t size, int *flags, int64_t *offset);

/* All open descriptors, rising. Owned by the arena. One that is closed meanwhile is left out. */
int proc_fds(struct arena *arena, pid_t pid, struct proc_fd **list, size_t *count);

/* /proc/PID/io, proc_pid_io(5): what passed through read(2)- and write(2)-like calls of all
 * threads; stores and loads in a mapping do not count. Needs the right to trace the process. */
struct proc_io {
	uint64_t rchar, wchar; /* bytes */
	uint64_t syscr, syscw; /* calls */
};
bool proc_io_parse(const char *text, size_t size, struct proc_io *io);
int proc_io(pid_t pid, struct proc_io *io);

#endif
