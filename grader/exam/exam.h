/*
 * exam.h: the whole language in which a lab's checks are written.
 *
 * A check starts the student's programs on the stage, runs them to moments of interest, looks at
 * what the kernel says of them there, and notes what it expects. Everything is held by ptrace(2):
 * between two calls of run_to() nothing on the stage moves, so what a check sees is one instant,
 * and the order of events is its own.
 *
 *     static void value_is_stored_at_once(struct exam *x)
 *     {
 *             struct program *reader = start(x, "reader", .typed = true);
 *
 *             need_moment(x, reader, at_read_of(STDIN_FILENO), "the program asks for a number");
 *             feed(x, reader, "7\n");
 *             need_moment(x, reader, at_read_of(STDIN_FILENO), "and for the next one");
 *             expect_bytes(x, "temp", 0, "\7\0\0\0", 4, "stored as soon as it was read");
 *     }
 *
 * Rules of the game
 * - `need_…` ends the check where it fails; `expect_…` notes the failure and goes on. The first
 * failure is shown.
 * - Verdicts come from states and orders that were forced, never from time that went by. Limits
 * only decide how long we look; reaching one is reported as what was seen ("burns CPU", "waits for
 * ever in futex").
 * - Sleeps of programs are held, not slept: when nothing else can run, the earliest sleeper is
 * woken and virtual time jumps there (program option .real_time turns it off).
 * - Strings and arrays returned here belong to the exam and live until the check ends.
 * - All programs are killed and the working directory is emptied between two checks.
 */
#ifndef EXAM_EXAM_H
#define EXAM_EXAM_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "exam/lab.h"
#include "exam/record.h"
#include "procfs/maps.h"
#include "run/moment.h"
#include "run/program.h"
#include "trace/call.h"
#include "trace/event.h"
#include "trace/watch.h"

struct exam;

/* ---- texts and fresh data
 * ---------------------------------------------------------------------------------- */

/* printf into the exam's memory. */
const char *say(struct exam *x, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Zeroed memory of the exam, for the rest of the check. */
void *room(struct exam *x, size_t bytes);

/* Bytes as readable text for evidence: quoted, escapes for what is not printable, cut with "…"
 * after `most` bytes. */
const char *quoted(struct exam *x, const void *data, size_t size, size_t most);

/* A whole number in [low, high], fresh at every grading (from the seed). */
int64_t pick(struct exam *x, int64_t low, int64_t high);

/* `size` fresh random bytes. */
unsigned char *pick_bytes(struct exam *x, size_t size);

/* A fresh word of `length` lower-case letters. */
const char *pick_word(struct exam *x, size_t length);

/* Bytes in a page of this machine. */
size_t page_size(void);

/* ---- evidence and verdicts
 * --------------------------------------------------------------------------------- */

/*
 * Notes an expectation; the check fails where `ok` is false. Named fields are those of struct
 * evidence: expect(x, size == 40, .expected = "40 bytes", .observed = say(x, "%zu bytes", size),
 * .why = "…"); Returns ok. need() ends the check where it is false.
 */
#define expect(x, ok, ...) exam_expect((x), (ok), &(struct evidence){ __VA_ARGS__ })
#define need(x, ok, ...)   exam_need((x), (ok), &(struct evidence){ __VA_ARGS__ })
bool exam_expect(struct exam *x, bool ok, const struct evidence *evidence);
void exam_need(struct exam *x, bool ok, const struct evidence *evidence);

/* Has an expectation of this check failed already? need_good_so_far() ends the check then: what
 * follows rests on what came before. */
bool failed(const struct exam *x);
void need_good_so_far(struct exam *x);

/* Ends the check as skipped, or as broken (our own fault), for a reason given in words. */
_Noreturn void skip(struct exam *x, const char *reason);
_Noreturn void broken(struct exam *x, const char *reason);

/* Skips the check where this host has no hardware watchpoints. */
void need_watchpoints(struct exam *x);
bool have_watchpoints(struct exam *x);

/* What the host gives otherwise: cachestat(2); whether `name` lies on a file system with a disk
 * behind it. */
bool have_cachestat(struct exam *x);
bool on_disk(struct exam *x, const char *name);

/* Is every program seen as in "full" isolation (own pid, ipc namespaces)? */
bool fully_isolated(struct exam *x);

/*
 * Plays `scene` once for all checks that want the same run: the memory of `size` bytes that it
 * filled stays for the whole exam (strings in it must come from exam_keep()). Where the scene
 * itself failed, the check that asked first fails with its evidence and the later ones are skipped
 * with that reason.
 */
const void *scene(struct exam *x, void (*play)(struct exam *x, void *facts), size_t size);
const char *keep(struct exam *x, const char *text);

/* ---- files, as the programs see them
 * ------------------------------------------------------------------------ */

/*
 * Names are relative to the working directory of the check (fresh and empty for each check; a
 * tmpfs, or a disk directory after use_disk()), or begin with "/dev/shm/" or "/tmp/". Failures of
 * our own file operations make the check broken; looking at a file that is not there is no failure
 * and says so in the result.
 */
void use_disk(struct exam *x);

/* Creates or replaces a file with these bytes; mode as given (no umask). */
void put_file(struct exam *x, const char *name, const void *data, size_t size, mode_t mode);
void put_text(struct exam *x, const char *name, const char *text);
/* Overwrites bytes of an existing file by pwrite(2); sets its size (sparse where it grows). */
void put_bytes(struct exam *x, const char *name, off_t offset, const void *data, size_t size);
void set_size(struct exam *x, const char *name, off_t size);
void put_fifo(struct exam *x, const char *name);
void put_link(struct exam *x, const char *name, const char *target);
void put_directory(struct exam *x, const char *name);
void remove_name(struct exam *x, const char *name);
void rename_file(struct exam *x, const char *from, const char *to);

struct bytes {
	unsigned char *data; /* NUL after the last byte */
	size_t size;
};

/* False where there is no such name; stat follows symbolic links, name_exists does not. */
bool name_exists(struct exam *x, const char *name);
bool file_stat(struct exam *x, const char *name, struct stat *st);
off_t file_size(struct exam *x, const char *name); /* -1 where there is none */
struct bytes file_bytes(struct exam *x, const char *name, off_t offset,
			size_t most); /* size 0, data non-NULL where there is none */

/* Names in a directory ("." or "/dev/shm"), sorted, one a line. */
const char *directory_list(struct exam *x, const char *name);

/* Opens for the exam itself (open(2) flags; -1 and errno); the exam closes it at the end of the
 * check. */
int open_file(struct exam *x, const char *name, int flags);

/*
 * Maps the whole file MAP_SHARED, PROT_READ|PROT_WRITE into the grader, so that the exam can be a
 * peer on shared memory; unmapped at the end of the check. NULL where it is missing or has no
 * bytes. Do not block on it (no sem_wait): nothing moves on the stage while the exam itself waits.
 */
void *map_into_exam(struct exam *x, const char *name, size_t *size);

/* Drops the file's clean pages from the page cache (disk only); pages of it in the cache now; dirty
 * ones (cachestat). */
void evict_file(struct exam *x, const char *name);
int64_t cached_pages(struct exam *x, const char *name);
int64_t dirty_pages(struct exam *x, const char *name); /* -1 without cachestat */

/* Text of a file of the stage's own namespaces, "/proc/sysvipc/shm" for one. */
const char *inside_text(struct exam *x, const char *path);

/* One row of /proc/sysvipc/shm. */
struct shm_row {
	int32_t key;
	int id;
	unsigned mode; /* permission bits; 01000 set = marked for removal */
	uint64_t size, attached;
	pid_t creator, last; /* as the stage's own pid namespace sees them */
};
/* All segments on the stage. */
const struct shm_row *segments(struct exam *x, size_t *count);

/* ---- programs
 * -----------------------------------------------------------------------------------------------
 */

/*
 * Starts a program of the lab (by name), held before its first instruction, and returns it. Options
 * by name: start(x, "queue", .args = {"send", "FILE"}, .typed = true)
 */
#define start(x, name, ...) exam_start((x), (name), &(struct launch){ __VA_ARGS__ })
struct program *exam_start(struct exam *x, const char *name, const struct launch *launch);

/*
 * start() for a lab's show(): the words of the command line (NULL-terminated), where there are any,
 * take the place of .args: start_shown(x, "guard", args, .args = {"dirty", "6", "4", "1"})
 */
#define start_shown(x, name, words, ...) \
	exam_start_shown((x), (name), (words), &(struct launch){ __VA_ARGS__ })
struct program *exam_start_shown(struct exam *x, const char *name, const char *const *words,
				 const struct launch *launch);

/* start() and run to the end, the whole tree of processes. Where it does not end by itself: see
 * ending(). */
#define run(x, name, ...) exam_run((x), (name), &(struct launch){ __VA_ARGS__ })
struct program *exam_run(struct exam *x, const char *name, const struct launch *launch);

/* The words of its command line, for messages: "queue send FILE". */
const char *command_of(struct exam *x, const struct program *p);

/* More standard input for a .typed program; end of input. */
void feed(struct exam *x, struct program *p, const char *text);
void feed_bytes(struct exam *x, struct program *p, const void *data, size_t size);
void feed_end(struct exam *x, struct program *p);

/* Bytes of standard input that the program has not read yet. */
size_t unread_input(struct exam *x, struct program *p);

/* Everything printed so far (nothing is lost between program and exam). Text: NUL-terminated, size
 * in `size` if not NULL. */
const char *output(struct exam *x, struct program *p, size_t *size);
const char *error_output(struct exam *x, struct program *p);

/* How the first process of the program ended. */
struct ending {
	enum { STILL_THERE, EXITED, KILLED } how;
	int status; /* exit status, or the signal's number */
};
struct ending ending(const struct program *p);
/* The same in words: "exit 1", "killed by SIGSEGV", "still running: waits in futex at queue.c:71".
 */
const char *ending_text(struct exam *x, const struct program *p);

/* Processes of the program, living or dead, in the order of birth. first_process() is never NULL.
 */
struct process *first_process(const struct program *p);
struct process *next_process(const struct process *process);
struct process *child_of(const struct process *parent); /* its first child, or NULL */
bool alive(const struct process *process);		/* has its memory still */
pid_t pid_of(const struct process *process);		/* as the program's own namespace sees it */
struct ending ending_of(const struct process *process);
bool was_reaped(const struct process *process); /* its parent has waited for it */
struct program *program_of(const struct process *process);
/* Has it made a thread or a process so far? */
bool works_with_others(struct exam *x, const struct program *p);

/* ---- moments: where to stop (made by the functions of run/moment.h: at_call(), at_read_of(),
 * at_exit(), when_blocked() …) ---- */

/*
 * Lets everything on the stage run that is not held, until `p` reaches one of the moments; then all
 * is still again. Returns the index of the moment (0 for the first) or one of the negative numbers
 * above. switch (run_to(x, p, at_read_of(0), at_exit())) { case 0: … }
 */
#define run_to(x, p, ...) exam_run_to((x), (p), (const struct moment[]){ __VA_ARGS__, { 0 } })
int exam_run_to(struct exam *x, struct program *p, const struct moment *moments);

/* run_to() one moment, or the check ends: `expected` says in words what should have come. */
#define need_moment(x, p, moment, expected) exam_need_moment((x), (p), (moment), (expected))
void exam_need_moment(struct exam *x, struct program *p, struct moment moment,
		      const char *expected);

/* To the end of all its processes. False where it did not end by itself (it is left as it is). */
bool finish(struct exam *x, struct program *p);

/*
 * What stopped it last (run/program.h): process, event, signal, fault address … Valid until the
 * next run_to(). All zero before the first stop.
 */
const struct stop_info *last_stop(struct exam *x, const struct program *p);

/* The words for what run_to() came back with, for evidence. */
const char *reached_text(struct exam *x, struct program *p, int reached);

/*
 * CPU and wall limits of one run_to() for this program, in ms (defaults 15,000 and 60,000; scaled
 * by the host's speed), and how much virtual time may go by (default ten minutes).
 */
void set_limits(struct exam *x, struct program *p, int64_t cpu_ms, int64_t wall_ms,
		int64_t virtual_ms);

/* ---- hold, wake, disturb
 * ---------------------------------------------------------------------------------------- */

/* A held process does not move, whatever run_to() is asked for, until it is released. */
void hold(struct exam *x, struct process *process);
void release(struct exam *x, struct process *process);
/* Holds the thread at which run_to() has stopped `p` last, while all others of its process may go
 * on. It moves again when its process is released. */
void hold_thread(struct exam *x, struct program *p);
void hold_program(struct exam *x, struct program *p);
void release_program(struct exam *x, struct program *p);

/* A signal as kill(2) sends it, at the next run_to(). SIGKILL acts at once: the process is gone
 * when this returns. */
void send_signal(struct exam *x, struct process *process, int signal);
void kill_process(struct exam *x, struct process *process);
void kill_program(struct exam *x, struct program *p);

/* Makes a wait in the kernel return EINTR, as if a signal with a handler had come. False where it
 * is in none. */
bool interrupt_wait(struct exam *x, struct process *process);

/* Where a process waits: valid after when_blocked(). */
struct wait_info {
	enum call call; /* CALL_NONE where it is in none, or in one that the table does not know */
	const char *text;   /* "futex(FUTEX_WAIT, shared)" */
	const char *at;	    /* the student's file:line, or NULL */
	uint64_t address;   /* of a futex */
	bool futex;	    /* futex wait of any kind */
	bool futex_private; /* FUTEX_PRIVATE_FLAG: blind to other processes */
	bool timed;	    /* with a time-out */
	int64_t timeout_ms; /* of a timed wait, from its start */
};
struct wait_info waiting(struct exam *x, struct process *process);

/*
 * The next call of this kind made by the student's own code (never what libc does for itself) fails
 * with `error` and is not carried out. On `file` (NULL: any). After `skip` such calls. Each fault
 * strikes once. fault_struck() says whether it did, fault_event() where (the event, with its site).
 */
struct fault *fail_call(struct exam *x, struct program *p, enum call call, int error,
			const char *file, int skip_calls);
/* Only the next call whose argument (0 to 5) has this value: shmctl(…, IPC_RMID, …), not IPC_STAT
 * before it. */
struct fault *fail_call_with(struct exam *x, struct program *p, enum call call, int error,
			     int argument, uint64_t value);
/* The next write-like or read-like call transfers at most `bytes` (a short count). */
struct fault *cut_call(struct exam *x, struct program *p, enum call call, size_t bytes,
		       const char *file, int skip_calls);
bool fault_struck(const struct fault *fault);
const struct event *fault_event(const struct fault *fault);

/* Virtual time since the exam began, ms; real time since some moment, ms; sleep that this program
 * asked for in sum so far, ms. */
int64_t virtual_ms(const struct exam *x);
int64_t real_ms(const struct exam *x);
int64_t asked_sleep_ms(const struct program *p);
/* CPU time of the whole program so far, in microseconds. */
int64_t cpu_us(struct exam *x, const struct program *p);

/* Minor and major faults of the process so far, from /proc/PID/stat. */
uint64_t faults_of(struct exam *x, const struct process *process);

/* ---- looking: maps, memory, descriptors
 * --------------------------------------------------------------------------- */

/* The address space at this moment; with smaps' figures in vma->memory. Empty (count 0) for a dead
 * process. */
const struct maps *maps_now(struct exam *x, const struct process *process);
const struct maps *smaps_now(struct exam *x, const struct process *process);

/*
 * The first VMA of this file in any living process of the program, by device and inode (never by
 * name), or NULL. need_mapping() ends the check where there is none.
 */
struct mapping {
	struct process *process;
	const struct vma *vma;
};
struct mapping find_mapping(struct exam *x, struct program *p, const char *file);
struct mapping need_mapping(struct exam *x, struct program *p, const char *file);

/* All mappings of the file in the process, summed; smaps figures included. */
struct vma_sum mapped_sum(struct exam *x, const struct process *process, const char *file);

/* Does this process map every byte of [offset, offset+length) of the file with these permissions
 * ("r--p"; '?' = any letter; NULL = any)? */
bool covers(struct exam *x, const struct process *process, const char *file, off_t offset,
	    size_t length, const char *perms);

/* Address at which the process sees that byte of the file, 0 where it maps it nowhere. */
uint64_t address_of(struct exam *x, const struct process *process, const char *file, off_t offset);

/* Does any living process of the program hold a descriptor of this file? The evidence text, or NULL
 * for none. */
const char *descriptor_of(struct exam *x, struct program *p, const char *file);

/* Memory of a stopped process. False where it cannot be read (PROT_NONE can; unmapped and past the
 * file's end cannot). */
bool peek(struct exam *x, const struct process *process, uint64_t address, void *data, size_t size);
bool poke(struct exam *x, const struct process *process, uint64_t address, const void *data,
	  size_t size);

/*
 * Sends the stopped thread to an address where nothing is mapped: a real fault, as after a jump
 * through a wild pointer. Valid at a watch, step or signal moment (not inside a call).
 */
void wild_jump(struct exam *x, struct process *process, uint64_t address);

/* "maps at 7f…-7f… r--s temp" and "mmap(NULL, 4096, PROT_READ, …) = 0x7f…" for the field .from of
 * evidence. */
const char *from_vma(struct exam *x, const struct vma *vma);
const char *from_event(struct exam *x, const struct event *event);
/* "reader.c:31" of an event, or of the last stop of the program; NULL when it cannot be known. */
const char *at_event(struct exam *x, const struct event *event);
const char *at_stop(struct exam *x, const struct program *p);
/* file:line of the call that made this mapping, or NULL. */
const char *at_mapping(struct exam *x, const struct process *process, const struct vma *vma);

/* ---- watchpoints
 * --------------------------------------------------------------------------------------------------
 */

/*
 * Watches 1, 2, 4 or 8 aligned bytes. At most four watches at once (per thread of the CPU). A watch
 * on an object follows the file's bytes into every process and every mapping (present and to come,
 * of every program of the check); memory shared by MAP_ANONYMOUS is an object too. Only accesses of
 * programs count, not the kernel's. An address in private memory is watched in its process and in
 * its children's copies.
 */
struct watch *watch_file(struct exam *x, const char *file, off_t offset, size_t size,
			 enum watch_kind kind);
struct watch *watch_memory(struct exam *x, const struct process *process, uint64_t address,
			   size_t size, enum watch_kind kind);
void unwatch(struct exam *x, struct watch *watch);

/* At a watch moment: what the instruction that just ran was. */
struct access_info {
	bool known;  /* the instruction could be found and decoded */
	bool locked; /* one atomic read-modify-write instruction (lock prefix, xchg; LSE atomics on
			aarch64) */
	bool loaded, stored;
	uint8_t width; /* bytes it touched, 0 when not known */
	uint64_t pc;   /* behind the instruction */
};
struct access_info last_access(struct exam *x, const struct program *p);

/* One instruction of this process's stopped thread; all else stays still. False where it ended, or
 * blocks in a call. */
bool step(struct exam *x, struct process *process);

/* ---- events: what has happened
 * --------------------------------------------------------------------------------------- */

/* Events of the program in order: pass NULL for the first. */
const struct event *next_event(const struct program *p, const struct event *previous);

/* The next event after `previous` with one of these calls, on that file (NULL: any). */
const struct event *next_call(struct exam *x, const struct program *p, const struct event *previous,
			      struct call_set calls, const char *file);

/* Is this a call that may bring a new name into being (open with O_CREAT, link, rename, shmget …)?
 */
bool makes_a_name(const struct event *event);

/* Has any process of the program read this file by calls (read, sendfile, splice, copy_file_range,
 * io_uring …)? */
const struct event *read_by_call(struct exam *x, const struct program *p, const char *file);
const struct event *written_by_call(struct exam *x, const struct program *p, const char *file);

/*
 * The first call of a function that signal-safety(7) does not list (stdio, malloc, exit …), made
 * inside a signal handler; NULL for none. A handler that is left by siglongjmp(3) is left. Call
 * watch_handlers() right after start().
 */
void watch_handlers(struct exam *x, struct program *p);
const struct event *unsafe_in_handler(struct exam *x, const struct program *p);

/* ---- expectations that every lab has
 * ----------------------------------------------------------------------------------- */

/* It ended by itself with this exit status. */
bool expect_exit(struct exam *x, struct program *p, int status, const char *why);

/* Exactly this on standard output. */
bool expect_output(struct exam *x, struct program *p, const char *text, const char *why);

/* A run-time error: exit 1, one line "prog: what: reason" on standard error. Standard output is not
 * looked at. */
bool expect_error(struct exam *x, struct program *p, const char *why);

/* Bad usage: exit 2, "usage: …" on standard error, nothing on standard output. */
bool expect_usage(struct exam *x, struct program *p);

/*
 * Runs the program with each of these argument lists and expects bad usage. An empty list ends
 * them; to run it with no argument at all: expect_usage(x, run(x, name)).
 */
struct words {
	const char *word[16];
};
void expect_usages(struct exam *x, const char *name, const struct words *lists);

/* The file has exactly this size; these bytes at the offset; this mode (permission bits). */
bool expect_size(struct exam *x, const char *file, off_t size, const char *why);
bool expect_bytes(struct exam *x, const char *file, off_t offset, const void *data, size_t size,
		  const char *why);
bool expect_mode(struct exam *x, const char *file, mode_t mode, const char *why);

/* These permissions in maps ("rw-s"; '?' = any letter). */
bool expect_perms(struct exam *x, struct mapping mapping, const char *perms, const char *why);

/* Neither read nor written by calls: the bytes were had through a mapping. */
bool expect_not_read(struct exam *x, struct program *p, const char *file);
bool expect_not_written(struct exam *x, struct program *p, const char *file);

/* It waits in the kernel, in a futex or semaphore that other processes can wake, and burns no CPU.
 * Runs it there. */
bool expect_blocks(struct exam *x, struct program *p, const char *what_for);

#endif
