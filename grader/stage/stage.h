/*
 * stage.h: the sandbox of one exam. All programs of the exam share it; no two exams do.
 *
 * Who is who. The exam worker (a child of maplab, one a grading) opens the stage, launches programs
 * on it and traces them; it never runs a student's code itself. Pid 1 of the sandbox is the
 * launcher, maplab itself in a hidden mode, which forks the students' programs on request and
 * answers for what can only be seen inside. A janitor process waits outside for the worker's death
 * and clears away what the worker then no longer can.
 *
 * Order of calls:
 *
 *     stage_drop_privileges(&options)      as root: become an unprivileged user
 *     stage_open(&options, &why)           some milliseconds: once an exam
 *     PTRACE_SEIZE of stage_launcher()     the tracer's business; every child is then traced from
 * birth stage_put_program(), stage_fresh_directory(), stage_launch() …    any number of runs
 *     stage_clean()                        between runs, when all programs have ended
 *     stage_close()
 *
 * Paths inside: /lab/work (tmpfs), /lab/disk (a directory of a real file system, with
 * stage_options.disk), /lab/bin (the programs, read-only), /tmp and /dev/shm (tmpfs). Nothing else
 * can be written; of the host, only the system's libraries and commands can be read. From outside a
 * file is reached through stage_directory.outside. With isolation STAGE_PARTIAL or STAGE_NONE there
 * are no such paths: inside and outside are the same, somewhere in the scratch directory. So never
 * spell a path of the stage, ask for it.
 *
 * For the tracer. The launcher blocks every signal, so it stops for nothing but SIGSTOP and its own
 * forks; resume it with signal 0 always. It must never be left stopped when one of the functions
 * marked (asks) is called: those wait for its answer, up to STAGE_PATIENCE_MS. It is undumpable
 * (PR_SET_DUMPABLE in prctl(2)): no program inside can reach its memory or /proc/1, while the
 * worker, owner of the sandbox's user namespace, still can. With STAGE_PARTIAL the worker must
 * seize it before the first launch, for the same reason.
 */
#ifndef STAGE_STAGE_H
#define STAGE_STAGE_H

#include "base/buffer.h"
#include "stage/limits.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sock_filter;
struct stage;

#define STAGE_PATIENCE_MS 2000

/* How well students' programs are kept apart from the rest. */
enum stage_isolation {
	STAGE_FULL,    /* bubblewrap: namespaces, private file systems, seccomp filter, limits */
	STAGE_PARTIAL, /* Landlock, seccomp filter, limits; one exam at a time; cleaned up
			  afterwards */
	STAGE_NONE,    /* limits and clean-up only; on explicit wish only */
};

/* "full", "partial", "none": as in the JSON result. */
const char *stage_isolation_name(enum stage_isolation isolation);

struct stage_options {
	struct limits limits; /* start from limits_default() */
	bool disk;	      /* /lab/disk is wanted */
	bool allow_none;      /* STAGE_NONE rather than no stage */
	const char *scratch;  /* parent of the scratch directory; NULL: $TMPDIR, /var/tmp, /tmp, the
				 first one that can hold programs, disk file systems preferred */
	uid_t uid;	      /* whom to become when root; 0: STAGE_UID */
	gid_t gid;	      /* 0: the same number as uid */
};

/* An id that no distribution gives to anybody by itself, neither to people nor to services. */
#define STAGE_UID 64173

/* The default options. */
struct stage_options stage_options_default(void);

/*
 * First call of an exam worker. Opens what an unprivileged user may not open any more (maplab's own
 * binary for the launcher, a cgroup), then, when the effective user is root, gives root up for
 * good: no supplementary groups, options->uid and gid, no capabilities; the process stays dumpable,
 * so its /proc/self works. For an ordinary user nothing changes. Afterwards the process is in no
 * terminal's foreground business: it keeps its session, but a PR_SET_PDEATHSIG set before is gone
 * (prctl(2)): set it after this call. Returns 0, or -1 with errno and a plain sentence in *WHY.
 * setgroups(2), setresgid(2), setresuid(2), capabilities(7).
 */
int stage_drop_privileges(const struct stage_options *options, const char **why);

/*
 * The uid and gid that stage_drop_privileges() will change to; the process's own for an ordinary
 * user. For those who prepare directories before the worker is forked.
 */
void stage_identity(const struct stage_options *options, uid_t *uid, gid_t *gid);

/*
 * Opens a stage and waits until its launcher is ready. The best isolation that the host offers is
 * taken (host.h; MAPLAB_WITHOUT takes features away). NULL with a plain sentence in *WHY (static
 * until the next call) when there is none. With STAGE_PARTIAL and STAGE_NONE it waits for other
 * stages of the host to close. One stage a process at a time.
 */
struct stage *stage_open(const struct stage_options *options, const char **why);

/*
 * Kills every process of the stage, waits until they are gone, removes the scratch directory, the
 * cgroup, and what the programs left. The worker may still trace all of them, stopped or not: here
 * they are let go, through PTRACE_EVENT_EXIT too, and reaped. Whoever wants to see the programs end
 * must do so before, and never wait for the launcher alone: its death waits for that of all the
 * others. NULL is allowed. Never fails; what could not be removed is left to the janitor and warned
 * about.
 */
void stage_close(struct stage *stage);

/*
 * Keeps the scratch directory, with the programs and what is on /lab/disk, from being removed by
 * stage_close(); it is renamed to PATH (at least PATH_MAX bytes). Returns 0, or -1 with errno.
 */
int stage_keep(struct stage *stage, char *path);

/* Kills every process of the stage but not the stage's files: quick, and of no use afterwards. */
void stage_kill(struct stage *stage);

enum stage_isolation stage_isolation(const struct stage *stage);

/* The launcher's pid as the worker sees it. Pid 1 inside when STAGE_FULL. */
pid_t stage_launcher(const struct stage *stage);

/*
 * The root directory of the stage as the worker sees it: "/proc/PID/root", or "" where the stage
 * has no root of its own. Put it before a path that a program of the stage sees. Owned by the
 * stage.
 */
const char *stage_root(const struct stage *stage);

/* Where the stage's private files are on the host: for logs, never for programs. */
const char *stage_scratch(const struct stage *stage);

/* A place on the stage where programs may write. */
enum stage_place {
	STAGE_WORK, /* tmpfs when STAGE_FULL, else the disk */
	STAGE_DISK, /* a directory of the scratch's file system; needs stage_options.disk */
	STAGE_SHM,  /* /dev/shm */
	STAGE_TMP,  /* /tmp, or what stands for it */
};

struct stage_directory {
	char inside[PATH_MAX];	/* for the program: argv, cwd */
	char outside[PATH_MAX]; /* for the worker: open(2), stat(2) … */
};

/*
 * Makes an empty directory NAME (one path component; an old one goes with all it holds) with mode
 * 0777 under the umask 022, owned by the programs' user, and tells both its paths. NAME NULL: only
 * tells the paths of the place itself. Returns 0, or -1 with errno.
 */
int stage_fresh_directory(struct stage *stage, enum stage_place place, const char *name,
			  struct stage_directory *directory);

/* The magic number of the place's file system (statfs(2)), such as TMPFS_MAGIC; 0 when unknown. */
long stage_filesystem(struct stage *stage, enum stage_place place);

/*
 * Puts the host's file FILE (a compiled program or shared library, readable for the worker) on the
 * stage as NAME, executable and read-only; one that is there is replaced. INSIDE (at least PATH_MAX
 * bytes, may be NULL) receives its path inside. Works at any time, running programs are not
 * disturbed. Returns 0, or -1 with errno. link(2), else copied.
 */
int stage_put_program(struct stage *stage, const char *file, const char *name, char *inside);

/* A program to start. Take STAGE_PROGRAM and set the rest. */
struct stage_program {
	const char *path;	 /* inside, absolute */
	const char *const *argv; /* with argv[0], NULL behind the last */
	const char *const *env;	 /* "NAME=value", NULL behind the last; on top of the clean
				    environment,  later ones win. May be NULL */
	const char *directory;	 /* inside: the working directory */
	mode_t umask;
	int stdio[3];			  /* the worker's descriptors; -1: closed in the program */
	const struct limits *limits;	  /* NULL: those of the stage */
	const struct sock_filter *filter; /* installed last, seccomp(2); may be NULL */
	size_t filter_length;		  /* instructions */
	bool no_aslr;			  /* personality(2) with ADDR_NO_RANDOMIZE */
	bool no_thp;			  /* PR_SET_THP_DISABLE */
	bool announce;			  /* the program can be waited for with stage_announced() */
};
#define STAGE_PROGRAM ((struct stage_program){ .umask = 022, .stdio = { -1, -1, -1 } })

/*
 * Asks the launcher to start a program and returns at once; the launcher's fork is what the tracer
 * sees next. Requests are served in order, one fork each. The child: new session, all signals at
 * their default and unblocked, limits, working directory, no descriptor but 0 to 2, filter, then
 * execve(2). What fails there before execve is one line "maplab-launcher: …" on the program's
 * stderr, and exit status 126. STAGE_PROGRAM's pointers and descriptors may go after the call.
 * Returns 0, or -1 with errno (E2BIG: arguments and filter over 128 KiB together; EPIPE: the
 * launcher is gone).
 */
int stage_launch(struct stage *stage, const struct stage_program *program);

/*
 * Whether the launcher has reported that it could not even fork for a request (no blocking; a
 * tracer that waits in vain for a fork asks this). *WHY: a plain sentence part.
 */
bool stage_launch_failed(struct stage *stage, const char **why);

/*
 * For a stage without tracer: the pid, as the worker sees it, of the next program that was launched
 * with .announce, in the order of the requests; sent by the child before its limits and filter.
 * -1 with ETIMEDOUT after TIMEOUT_MS. The program is the launcher's child: pidfd_open(2) tells its
 * end.
 */
pid_t stage_announced(struct stage *stage, int timeout_ms);

/*
 * (asks) The text of a file that exists only inside, such as /proc/sysvipc/shm, as pid 1 of the
 * stage reads it; at most LIMIT bytes. Replaces the buffer's bytes. Returns 0, or -1 with errno.
 */
int stage_read_inside(struct stage *stage, const char *path, struct buffer *text, size_t limit);

/*
 * (asks) Removes all System V objects and everything in /dev/shm, /tmp, /lab/work and /lab/disk.
 * Call it when no program lives. With STAGE_PARTIAL and STAGE_NONE only what was not there when the
 * stage was opened, belongs to the programs' user, and is used by no process of anybody else.
 * Returns 0, or -1 with errno when something stays.
 */
int stage_clean(struct stage *stage);

/* What all programs of the stage use together, at this moment. */
struct stage_usage {
	unsigned processes; /* without the launcher */
	uint64_t memory;    /* bytes in RAM: anonymous pages of all, and the tmpfs once */
	uint64_t disk;	    /* bytes in /lab/disk */
};

/*
 * Reads it (some ten µs a process): for who waits for the last process to end, or wants to tell a
 * student how much it was. Processes that may not be looked into count 0 bytes. Returns 0, or -1
 * with errno.
 */
int stage_usage(struct stage *stage, struct stage_usage *usage);

/*
 * Whether the programs have been killed, all of them and with SIGKILL, for using more than
 * LIMIT_MEMORY or LIMIT_DISK since this was asked last; *LIMIT tells which. No blocking. The
 * launcher looks every STAGE_LOOK_MS while programs run, with STAGE_FULL only.
 */
#define STAGE_LOOK_MS 50
bool stage_limit_broken(struct stage *stage, enum limit *limit);

/* Whether the launcher lives. Without it nothing can be launched: a broken stage. */
bool stage_alive(const struct stage *stage);

/*
 * The launcher's main(), for maplab's main() to call when argv[1] is STAGE_LAUNCHER_WORD. Never
 * returns but to end the process.
 */
#define STAGE_LAUNCHER_WORD "--launcher"
int launcher_main(int argc, char **argv);

#endif
