/*
 * hardening.h: the seccomp filter that every process of a stage lives under, compilers included. It
 * takes away what a lab never needs and what would reach beyond the sandbox: mounts, namespaces,
 * modules, keyrings, eBPF, io_uring … seccomp(2), seccomp_export_bpf(3).
 */
#ifndef STAGE_HARDENING_H
#define STAGE_HARDENING_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * The filter as a new memfd with the bytes of struct sock_filter[], at offset 0, close-on-exec; the
 * caller closes it.
 * LAUNCHER: the launcher's pid as the programs see it; signals to it do nothing, and
 * kill(2) says 0. SHARED: the programs are not alone in their pid namespace, so kill(-1, …) is
 * refused with EPERM. -1 with errno when libseccomp cannot.
 */
int hardening_filter(pid_t launcher, bool shared);

/* Installs the filter in the calling process, with PR_SET_NO_NEW_PRIVS. 0, or -1 with errno. */
int hardening_install(int filter);

#endif
