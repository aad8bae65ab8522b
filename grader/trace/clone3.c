#include "trace/clone3.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>

#include "trace/arch.h"

/* struct clone_args as it came with Linux 5.3; younger fields are all 0 in what we replace. */
struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	uint64_t younger[8];
};

enum { OLDEST = 64 }; /* bytes: CLONE_ARGS_SIZE_VER0 */

/* Does it make a process with memory of its own, and nothing that fork(2) has not? */
static bool is_fork(const struct clone3_args *args)
{
	const uint64_t harmless = CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID |
				  CLONE_CHILD_CLEARTID;
	const uint64_t one_register = CLONE_PIDFD | CLONE_PARENT_SETTID;
	const uint64_t nothing[8] = { 0 };

	return !(args->flags & ~harmless) && (args->flags & one_register) != one_register &&
	       args->exit_signal <= 64 && !args->stack && !args->stack_size && !args->tls &&
	       memcmp(args->younger, nothing, sizeof(nothing)) == 0;
}

bool clone3_replace(struct task *task, struct stop *stop)
{
	struct clone3_args args = { 0 };
	uint64_t size = stop->args[1];

	if (task->process && size >= OLDEST && size <= sizeof(args) &&
	    process_read(task->process, stop->args[0], &args, size) && is_fork(&args)) {
		memcpy(task->original, stop->args, sizeof(task->original));
		stop->number = SYS_clone;
		task->replaced = arch_put_clone(task->tid, args.flags | args.exit_signal,
						args.flags & CLONE_PIDFD ? args.pidfd
									 : args.parent_tid,
						args.child_tid, stop->args);
		return task->replaced;
	}
	arch_skip_call(task->tid, -ENOSYS);
	return false;
}

void clone3_put_back(const struct task *maker, pid_t tid)
{
	if (maker->replaced)
		arch_put_back(tid, maker->original);
}
