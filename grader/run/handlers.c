/* Unsafe functions in signal handlers; see handlers.h. */
#include "run/handlers.h"

#include "run/session.h"

/* What people really call there and must not; the last ones leave a handler without returning. */
static const char *const unsafe_names[] = {
	"printf",
	"fprintf",
	"vprintf",
	"vfprintf",
	"sprintf",
	"snprintf",
	"vsnprintf",
	"dprintf",
	"vdprintf",
	"__printf_chk",
	"__fprintf_chk",
	"__vfprintf_chk",
	"__sprintf_chk",
	"__snprintf_chk",
	"__dprintf_chk",
	"puts",
	"putchar",
	"fputs",
	"fputc",
	"putc",
	"fwrite",
	"fflush",
	"perror",
	"fopen",
	"fgets",
	"getline",
	"fclose",
	"setvbuf",
	"sscanf",
	"__isoc99_sscanf",
	"__isoc23_sscanf",
	"__overflow", /* what is left of putc_unlocked(3) */
	"asprintf",
	"vasprintf",
	"__asprintf_chk",
	"psiginfo",
	"warn",
	"warnx",
	"vwarn",
	"vwarnx",
	"err",
	"errx",
	"error",
	"malloc",
	"calloc",
	"realloc",
	"free",
	"strdup",
	"strndup",
	"posix_memalign",
	"aligned_alloc",
	"memalign",
	"exit",
	"__cxa_atexit",
	"on_exit",
	"getenv",
	"setenv",
	"strtol",
	"strtoul",
	"strtoll",
	"strtoull",
	"strtok",
	"quick_exit",
	"syslog",
	"strerror",
	"strsignal",
	"psignal",
	"usleep",
	"pthread_mutex_lock",
	"pthread_cond_wait",
	"sem_wait",
	"shm_unlink",
	"shm_open",
	"system",
	"popen",
};
static const char *const leaving_names[] = { "longjmp", "siglongjmp", "_longjmp", "__longjmp_chk",
					     "setcontext" };

enum {
	UNSAFE = sizeof(unsafe_names) / sizeof(*unsafe_names),
	LEAVING = sizeof(leaving_names) / sizeof(*leaving_names),
	NAMES = UNSAFE + LEAVING,
	BREAKPOINT_ROOM = 8,
};

struct handler_guard {
	bool active;
	const struct task *task; /* which is in the handler */
	bool resolved;
	struct breakpoint {
		const char *name;
		uint64_t address; /* 0: not in this program */
		bool set;
		unsigned char kept[BREAKPOINT_ROOM];
	} breakpoint[NAMES];
};

static void resolve(struct handler_guard *guard, const struct process *process)
{
	image_refresh(process->image, process_view(process));
	for (size_t i = 0; i < NAMES; i++) {
		const char *name = i < UNSAFE ? unsafe_names[i] : leaving_names[i - UNSAFE];

		guard->breakpoint[i].name = name;
		guard->breakpoint[i].address = image_function(process->image, name);
	}
	guard->resolved = true;
}

static void set_breakpoint(const struct process *process, struct breakpoint *breakpoint)
{
	if (!breakpoint->address || breakpoint->set)
		return;
	breakpoint->set = process_read(process, breakpoint->address, breakpoint->kept,
				       arch_breakpoint_size) &&
			  process_write(process, breakpoint->address, arch_breakpoint,
					arch_breakpoint_size);
}

static void clear_breakpoint(const struct process *process, struct breakpoint *breakpoint)
{
	if (breakpoint->set)
		process_write(process, breakpoint->address, breakpoint->kept, arch_breakpoint_size);
	breakpoint->set = false;
}

/* Two names of one function are one breakpoint: the second would keep the first one's bytes. */
static bool taken(const struct handler_guard *guard, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (guard->breakpoint[i].set &&
		    guard->breakpoint[i].address == guard->breakpoint[index].address)
			return true;
	return false;
}

void handlers_enter(struct session *session, struct task *task)
{
	struct process *process = task->process;
	const struct program *program = process->program;

	if (!program->guard_handlers || !process->image)
		return;
	if (!process->guard)
		process->guard = arena_take(session->arena, sizeof(*process->guard));
	if (process->guard->active)
		return;
	if (!process->guard->resolved)
		resolve(process->guard, process);
	process->guard->active = true;
	process->guard->task = task;
	for (size_t i = 0; i < NAMES; i++)
		if (!taken(process->guard, i))
			set_breakpoint(process, &process->guard->breakpoint[i]);
}

void handlers_left(struct task *task)
{
	struct process *process = task->process;

	if (!process->guard || !process->guard->active)
		return;
	process->guard->active = false;
	for (size_t i = 0; i < NAMES; i++)
		clear_breakpoint(process, &process->guard->breakpoint[i]);
}

void handlers_forked(struct task *child)
{
	struct process *process = child->process;
	struct handler_guard copy;

	if (!process->parent || !process->parent->guard || !process->parent->guard->active)
		return;
	copy = *process->parent->guard; /* clearing marks them as cleared: the parent's stay */
	for (size_t i = 0; i < NAMES; i++)
		clear_breakpoint(process, &copy.breakpoint[i]);
}

bool handlers_hit(struct session *session, struct task *task)
{
	struct process *process = task->process;
	struct program *program = process->program;
	struct arch_registers registers;
	struct event *event;

	if (!process->guard || !process->guard->active || !arch_get(task->tid, &registers))
		return false;
	for (size_t i = 0; i < NAMES; i++) {
		struct breakpoint *breakpoint = &process->guard->breakpoint[i];

		if (!breakpoint->set ||
		    breakpoint->address != arch_pc(&registers) - (uint64_t)arch_breakpoint_advance)
			continue;
		arch_set_pc(&registers, breakpoint->address);
		arch_set(task->tid, &registers);
		clear_breakpoint(process, breakpoint);
		if (process->guard->task != task) /* another thread, which may call what it likes */
			return true;
		if (i >= UNSAFE) {
			handlers_left(task);
			return true;
		}
		event = event_new(session, task, EVENT_UNSAFE);
		event->path = breakpoint->name;
		if (!program->unsafe)
			program->unsafe = event;
		return true;
	}
	return false;
}
