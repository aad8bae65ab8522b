/*
 * handlers.h: which functions a signal handler calls. While a guarded program is inside a handler,
 * breakpoints stand on functions that signal-safety(7) does not list (stdio, malloc, exit …); what
 * hits one is noted as an EVENT_UNSAFE, once, and goes on.
 */
#ifndef RUN_HANDLERS_H
#define RUN_HANDLERS_H

#include <stdbool.h>

struct session;
struct task;

/* A caught signal is about to be delivered to this task. */
void handlers_enter(struct session *session, struct task *task);

/* The handler returned (rt_sigreturn) or the process is ending. */
void handlers_left(struct task *task);

/* A new process: takes the breakpoints out of it that its parent had when it forked. */
void handlers_forked(struct task *child);

/* A SIGTRAP stop: true when it was one of our breakpoints; it is taken out and the task goes on
 * behind it. */
bool handlers_hit(struct session *session, struct task *task);

#endif
