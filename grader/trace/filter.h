/* filter.h: the seccomp filter that makes programs stop at the calls of the table and nowhere else.
 */
#ifndef TRACE_FILTER_H
#define TRACE_FILTER_H

#include <stddef.h>

struct sock_filter;

/*
 * A BPF program that lets every call run but those of call.h outside FAMILY_QUIET, which stop the
 * program with PTRACE_EVENT_SECCOMP (SECCOMP_RET_TRACE). Made by libseccomp. Owned by the caller:
 * free(). Dies on failure.
 */
struct sock_filter *filter_new(size_t *length);

/* Installs it in the calling process, seccomp(2). Dies on failure. */
void filter_install(void);

#endif
