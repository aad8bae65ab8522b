/*
 * clone3.h: clone3(2) takes its flags from memory, where no seccomp filter can look. The hardening
 * filter hands it to the tracer instead (without one the kernel answers ENOSYS), and what does no
 * more than fork(2) is made by clone(2), whose flags stand in registers. For all else there is no
 * clone3: libc, which makes threads by it, falls back on clone.
 */
#ifndef TRACE_CLONE3_H
#define TRACE_CLONE3_H

#include "trace/tracer.h"

/* At the entry of clone3(2). True: the task makes the clone(2) that STOP describes now. False: its
 * call gives ENOSYS. */
bool clone3_replace(struct task *task, struct stop *stop);

/* Behind that call, for its maker or its child: the registers of the arguments as they were. */
void clone3_put_back(const struct task *maker, pid_t tid);

#endif
