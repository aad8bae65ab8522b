/* clock.h: time, in nanoseconds. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <sys/types.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

/* CLOCK_MONOTONIC in ns: for spans and deadlines, the same in all processes. clock_gettime(2). */
int64_t clock_now(void);

/*
 * The CPU time in ns that process PID (all its threads, the reaped children not) has used; -1 with
 * errno once the process has been reaped or never was. A zombie still tells its time.
 * clock_getcpuclockid(3).
 */
int64_t clock_of_process(pid_t pid);

#endif
