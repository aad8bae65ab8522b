/*
 * die.h: the grader's own errors. Nothing here is ever a student's fault; what a submission does
 * wrong is a verdict, not a death.
 */
#ifndef BASE_DIE_H
#define BASE_DIE_H

/* The exit statuses of maplab that these functions use. */
enum { EXIT_USAGE = 2, EXIT_GRADER = 3 };

/*
 * Prints "maplab: MESSAGE" and a newline on stderr, calls the hook, and ends the process with
 * exit status 3: the grader itself could not do its work. Uses exit(3), so atexit handlers run.
 * A die() inside the hook or inside an atexit handler ends the process at once. (noreturn as an
 * attribute and not as _Noreturn, for cppcheck understands only that.)
 */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/*
 * Names a function that die() calls with its message (no newline; borrowed for the call) before
 * the process ends. One hook a process, inherited by fork(2); NULL takes it away. die_usage() does
 * not call it.
 */
void die_hook(void (*hook)(const char *message));

/* Prints "maplab: MESSAGE" and a newline on stderr and goes on. errno is kept. */
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Like die(), for a command line that makes no sense: exit status 2, no hook. */
void die_usage(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
