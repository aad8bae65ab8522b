/* Probes that trace a child. */
#include "stage/host_probes.h"

#include "base/buffer.h"
#include "base/file.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child stores to; the watchpoint is set on it. */
static volatile uint64_t watched __attribute__((aligned(8)));

#if defined(__x86_64__)

/* Debug register 7: register 0 on, for stores, of eight bytes. */
#define DR7_STORES_OF_8 (1ul | 1ul << 16 | 2ul << 18)

static int set_watchpoint(pid_t pid)
{
	if (ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[0]), &watched) < 0)
		return -1;
	return (int)ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[7]),
			   DR7_STORES_OF_8);
}

#elif defined(__aarch64__)

#include <asm/ptrace.h>

/* Control register: enabled, for user code, stores, all eight bytes. */
#define WCR_STORES_OF_8 (1u | 2u << 1 | 2u << 3 | 0xffu << 5)

static int set_watchpoint(pid_t pid)
{
	struct user_hwdebug_state state = { 0 };
	struct iovec part = { &state, offsetof(struct user_hwdebug_state, dbg_regs[1]) };

	state.dbg_regs[0].addr = (uint64_t)(uintptr_t)&watched;
	state.dbg_regs[0].ctrl = WCR_STORES_OF_8;
	return (int)ptrace(PTRACE_SETREGSET, pid, NT_ARM_HW_WATCH, &part);
}

#else

static int set_watchpoint(pid_t pid)
{
	(void)pid;
	errno = ENOSYS;
	return -1;
}

#endif

static _Noreturn void be_traced(void)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(errno);
	raise(SIGSTOP);
	watched = 1;
	_exit(0);
}

/* Waits for the child's next stop; its signal, or -1 when it has ended. *ERROR: its exit status. */
static int next_stop(pid_t pid, int *error)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	if (WIFSTOPPED(status))
		return WSTOPSIG(status);
	*error = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	return -1;
}

/* Traces a child to its first stop, then on to its store. Each step that works is set. */
static int try_child(bool *traced, bool *trapped)
{
	pid_t pid = fork();
	int error = 0;

	if (pid < 0)
		return errno;
	if (pid == 0)
		be_traced();
	*traced = next_stop(pid, &error) == SIGSTOP;
	if (*traced && trapped != NULL) {
		if (set_watchpoint(pid) < 0)
			error = errno;
		else if (ptrace(PTRACE_CONT, pid, NULL, NULL) == 0)
			*trapped = next_stop(pid, &error) == SIGTRAP;
	}
	if (kill(pid, SIGKILL) == 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	return error;
}

bool probe_ptrace(struct host_answer *a)
{
	struct buffer scope = { 0 };
	bool traced = false;
	int error = try_child(&traced, NULL);
	int level = file_read("/proc/sys/kernel/yama/ptrace_scope", &scope, 16) == 0
			    ? atoi(buffer_text(&scope))
			    : -1;

	buffer_free(&scope);
	if (traced && level < 0)
		answer_detail(a, "works");
	else if (traced)
		answer_detail(a, "works, yama ptrace_scope %d", level);
	else
		answer_detail(a, "%s%s", strerror(error),
			      level >= 2 ? ", yama ptrace_scope forbids it" : "");
	if (!traced && level >= 2)
		answer_remedy(
			a, level == 2 ? "sysctl kernel.yama.ptrace_scope=1, or run as root"
				      : "kernel.yama.ptrace_scope is 3, which lasts until the next "
					"boot: take it out of /etc/sysctl.d and boot");
	else if (!traced)
		answer_remedy(a, "allow ptrace(2): in a container, --cap-add=SYS_PTRACE or a newer "
				 "seccomp profile");
	/* 2 asks for a capability that the worker, once unprivileged, has over sandboxes only */
	return traced;
}

bool probe_watchpoints(struct host_answer *a)
{
	bool traced = false, trapped = false;
	int error = try_child(&traced, &trapped);

	if (trapped)
		answer_detail(a, "a store was caught");
	else if (error != 0)
		answer_detail(a, "cannot be set: %s", strerror(error));
	else
		answer_detail(a, "could be set, but a store was not caught");
	return trapped;
}
