/* host_probes.h: one function a feature; host.c has the table. */
#ifndef STAGE_HOST_PROBES_H
#define STAGE_HOST_PROBES_H

#include <stdbool.h>

/* What a probe tells besides yes and no. */
struct host_answer {
	char detail[256];
	char remedy[512]; /* "": the one in the table */
};

void answer_detail(struct host_answer *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void answer_remedy(struct host_answer *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

typedef bool host_probe(struct host_answer *a);

/* host_probes.c */
host_probe probe_landlock, probe_landlock_scope, probe_seccomp, probe_cachestat, probe_cgroup,
	probe_disk, probe_shm, probe_thp, probe_pidfd, probe_utf8, probe_colours;
/* host_programs.c */
host_probe probe_bwrap, probe_bwrap_size, probe_userns, probe_compiler;
/* host_ptrace.c */
host_probe probe_ptrace, probe_watchpoints;

#endif
