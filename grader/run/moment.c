/* Moments, made. See moment.h. */
#include "run/moment.h"

struct moment at_calls(struct call_set calls)
{
	return (struct moment){ .kind = MOMENT_CALL, .calls = calls };
}

struct moment after_calls(struct call_set calls)
{
	return (struct moment){ .kind = MOMENT_RETURN, .calls = calls };
}

struct moment at_call(enum call call)
{
	return at_calls(call_set_one(call));
}

struct moment after_call(enum call call)
{
	return after_calls(call_set_one(call));
}

struct moment at_call_on(enum call call, const char *file)
{
	struct moment moment = at_call(call);

	moment.file = file;
	return moment;
}

struct moment after_call_on(enum call call, const char *file)
{
	struct moment moment = after_call(call);

	moment.file = file;
	return moment;
}

struct moment at_read_of(int descriptor)
{
	struct moment moment = at_calls(call_set_family(FAMILY_READ | FAMILY_WAIT));

	moment.of_descriptor = true;
	moment.descriptor = descriptor;
	return moment;
}

struct moment at_sleep(void)
{
	return (struct moment){ .kind = MOMENT_SLEEP };
}

struct moment at_signal(int signal)
{
	return (struct moment){ .kind = MOMENT_SIGNAL, .signal = signal };
}

struct moment at_fork(void)
{
	return (struct moment){ .kind = MOMENT_FORK };
}

struct moment at_exit(void)
{
	return (struct moment){ .kind = MOMENT_EXIT };
}

struct moment at_last_exit(void)
{
	return (struct moment){ .kind = MOMENT_EXIT, .last = true };
}

struct moment at_end(void)
{
	return (struct moment){ .kind = MOMENT_END };
}

struct moment at_watch(const struct watch *watch)
{
	return (struct moment){ .kind = MOMENT_WATCH, .watch = watch };
}

struct moment when_blocked(void)
{
	return (struct moment){ .kind = MOMENT_BLOCKED };
}

struct moment at_handler_end(void)
{
	return at_call(CALL_rt_sigreturn);
}

struct moment at_checkpoint(void)
{
	struct moment moment = at_call(CALL_write);

	moment.checkpoint = true;
	return moment;
}

struct moment only(const struct process *process, struct moment moment)
{
	moment.by = process;
	return moment;
}
