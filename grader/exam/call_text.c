/* Events in words; see call_text.h. */
#include "exam/call_text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/text.h"

struct flag {
	uint64_t bits;
	const char *name;
};

static const struct flag protections[] = { { PROT_READ, "PROT_READ" },
					   { PROT_WRITE, "PROT_WRITE" },
					   { PROT_EXEC, "PROT_EXEC" },
					   { 0, NULL } };

static const struct flag map_flags[] = {
	{ MAP_ANONYMOUS, "MAP_ANONYMOUS" },
	{ MAP_FIXED, "MAP_FIXED" },
	{ MAP_FIXED_NOREPLACE, "MAP_FIXED_NOREPLACE" },
	{ MAP_NORESERVE, "MAP_NORESERVE" },
	{ MAP_POPULATE, "MAP_POPULATE" },
	{ MAP_LOCKED, "MAP_LOCKED" },
	{ MAP_STACK, "MAP_STACK" },
	{ MAP_GROWSDOWN, "MAP_GROWSDOWN" },
	{ 0, NULL },
};

static const struct flag open_flags[] = {
	{ O_CREAT, "O_CREAT" },	      { O_EXCL, "O_EXCL" },
	{ O_TRUNC, "O_TRUNC" },	      { O_APPEND, "O_APPEND" },
	{ O_NOFOLLOW, "O_NOFOLLOW" }, { O_NONBLOCK, "O_NONBLOCK" },
	{ O_CLOEXEC, "O_CLOEXEC" },   { 0, NULL },
};

static const struct flag sync_flags[] = { { MS_ASYNC, "MS_ASYNC" },
					  { MS_SYNC, "MS_SYNC" },
					  { MS_INVALIDATE, "MS_INVALIDATE" },
					  { 0, NULL } };

/* Not bits but numbers. */
static const struct flag advices[] = {
	{ MADV_NORMAL, "MADV_NORMAL" },
	{ MADV_RANDOM, "MADV_RANDOM" },
	{ MADV_SEQUENTIAL, "MADV_SEQUENTIAL" },
	{ MADV_WILLNEED, "MADV_WILLNEED" },
	{ MADV_DONTNEED, "MADV_DONTNEED" },
	{ MADV_HUGEPAGE, "MADV_HUGEPAGE" },
	{ MADV_NOHUGEPAGE, "MADV_NOHUGEPAGE" },
	{ MADV_POPULATE_READ, "MADV_POPULATE_READ" },
	{ 0, NULL },
};

static void put_flags(struct buffer *text, uint64_t value, const struct flag *flags,
		      const char *none)
{
	const char *between = "";

	for (; flags->name; flags++) {
		if (!flags->bits || (value & flags->bits) != flags->bits)
			continue;
		buffer_printf(text, "%s%s", between, flags->name);
		between = "|";
		value &= ~flags->bits;
	}
	if (value)
		buffer_printf(text, "%s0x%" PRIx64, between, value);
	else if (!*between)
		buffer_printf(text, "%s", none);
}

static void put_one_of(struct buffer *text, uint64_t value, const struct flag *table)
{
	for (; table->name; table++)
		if (table->bits == value) {
			buffer_printf(text, "%s", table->name);
			return;
		}
	buffer_printf(text, "%" PRIu64, value);
}

static void put_map_flags(struct buffer *text, uint64_t value)
{
	static const char *const kinds[] = { NULL, "MAP_SHARED", "MAP_PRIVATE",
					     "MAP_SHARED_VALIDATE" };
	const char *kind = kinds[value & 3];

	if (kind)
		buffer_printf(text, "%s%s", kind, value & ~3ull ? "|" : "");
	if (value & ~3ull || !kind)
		put_flags(text, value & ~3ull, map_flags, "0");
}

static void put_open_flags(struct buffer *text, uint64_t value)
{
	static const char *const modes[] = { "O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE" };

	buffer_printf(text, "%s%s", modes[value & O_ACCMODE],
		      value & ~(uint64_t)O_ACCMODE ? "|" : "");
	if (value & ~(uint64_t)O_ACCMODE)
		put_flags(text, value & ~(uint64_t)O_ACCMODE, open_flags, "");
}

/* Of two descriptors the event names the one that is read. */
static int named_argument(enum call call)
{
	return call == CALL_sendfile ? 1 : call_descriptor_argument(call);
}

static void put_descriptor(struct buffer *text, const struct event *event, int index)
{
	const uint64_t value = event->args[index];
	const char *name = strrchr(event->path, '/');
	bool named = *event->path && call_path_argument(event->call) < 0 && (int)value >= 0 &&
		     index == named_argument(event->call);

	buffer_printf(text, "%d", (int)value);
	if (named)
		buffer_printf(text, " \"%s\"", name && name[1] ? name + 1 : event->path);
}

static void put_signal(struct buffer *text, int number)
{
	const char *name = sigabbrev_np(number);

	if (name)
		buffer_printf(text, "SIG%s", name);
	else
		buffer_printf(text, "signal %d", number);
}

static void put_argument(struct buffer *text, const struct event *event, int index)
{
	const uint64_t value = event->args[index];

	switch (call_format(event->call)[index]) {
	case 'i':
		buffer_printf(text, "%d", (int)value);
		break;
	case 'p':
		if (value)
			buffer_printf(text, "0x%" PRIx64, value);
		else
			buffer_printf(text, "NULL");
		break;
	case 'z':
		buffer_printf(text, "%" PRIu64, value);
		break;
	case 'o':
		buffer_printf(text, "%" PRId64, (int64_t)value);
		break;
	case 'f':
		put_descriptor(text, event, index);
		break;
	case 'd':
		buffer_printf(text, (int)value == AT_FDCWD ? "AT_FDCWD" : "%d", (int)value);
		break;
	case 's':
		buffer_printf(text, "\"%s\"", event->path);
		break;
	case 'P':
		put_flags(text, value, protections, "PROT_NONE");
		break;
	case 'M':
		put_map_flags(text, value);
		break;
	case 'O':
		put_open_flags(text, value);
		break;
	case 'm':
		buffer_printf(text, "0%o", (unsigned)value & 07777);
		break;
	case 'Y':
		put_flags(text, value, sync_flags, "0");
		break;
	case 'A':
		put_one_of(text, value, advices);
		break;
	case 'S':
		put_signal(text, (int)value);
		break;
	case 'T':
		if (event->sleep_ns)
			buffer_printf(text, "%.3f s", (double)event->sleep_ns / NS_PER_S);
		else
			buffer_printf(text, value ? "0x%" PRIx64 : "NULL", value);
		break;
	default:
		buffer_printf(text, "0x%" PRIx64, value);
		break;
	}
}

static void put_result(struct buffer *text, const struct event *event)
{
	bool address = event->call == CALL_mmap || event->call == CALL_mremap ||
		       event->call == CALL_shmat;
	const char *name;

	if (!event->returned)
		return;
	if (event->result < 0 && event->result > -4096) {
		name = strerrorname_np((int)-event->result);
		buffer_printf(text, " = -1 %s", name ? name : "error");
	} else if (address) {
		buffer_printf(text, " = 0x%" PRIx64, (uint64_t)event->result);
	} else {
		buffer_printf(text, " = %" PRId64, event->result);
	}
	if (event->injected)
		buffer_printf(text, " (made up by the grader)");
}

/* open(2) has a mode only when it may create. */
static int arguments_shown(const struct event *event)
{
	int count = (int)strlen(call_format(event->call));
	bool mode_unused = (event->call == CALL_openat &&
			    !(event->args[2] & (O_CREAT | O_TMPFILE))) ||
			   (event->call == CALL_open && !(event->args[1] & (O_CREAT | O_TMPFILE)));

	return mode_unused ? count - 1 : count;
}

static void put_call(struct buffer *text, const struct event *event)
{
	int shown = arguments_shown(event);

	if (event->call == CALL_write && (int)event->args[0] == -1) {
		buffer_printf(text, "lab_checkpoint(\"%s\")", event->path);
		return;
	}
	buffer_printf(text, "%s(", call_name(event->call));
	for (int i = 0; i < shown; i++) {
		buffer_printf(text, "%s", i ? ", " : "");
		put_argument(text, event, i);
	}
	buffer_printf(text, ")");
	put_result(text, event);
}

static const char *fault_code(int signal, int64_t code)
{
	if (signal == SIGSEGV)
		return code == SEGV_MAPERR   ? "SEGV_MAPERR"
		       : code == SEGV_ACCERR ? "SEGV_ACCERR"
					     : NULL;
	if (signal == SIGBUS)
		return code == BUS_ADRERR ? "BUS_ADRERR" : code == BUS_ADRALN ? "BUS_ADRALN" : NULL;
	return NULL;
}

static void put_signal_event(struct buffer *text, const struct event *event)
{
	const char *code = fault_code((int)event->args[0], event->result);

	put_signal(text, (int)event->args[0]);
	if (code)
		buffer_printf(text, " (%s) at 0x%" PRIx64, code, event->args[1]);
}

static void put_exit(struct buffer *text, int status)
{
	if (WIFSIGNALED(status)) {
		buffer_printf(text, "killed by ");
		put_signal(text, WTERMSIG(status));
	} else {
		buffer_printf(text, "exit %d", WEXITSTATUS(status));
	}
}

const char *event_text(struct arena *arena, const struct event *event)
{
	struct buffer text = { 0 };
	const char *copy;

	switch (event->kind) {
	case EVENT_CALL:
		put_call(&text, event);
		break;
	case EVENT_SIGNAL:
		put_signal_event(&text, event);
		break;
	case EVENT_FORK:
		buffer_printf(&text, "process %d is born", (int)event->result);
		break;
	case EVENT_EXEC:
		buffer_printf(&text, "runs another program");
		break;
	case EVENT_EXIT:
		put_exit(&text, (int)event->result);
		break;
	case EVENT_UNSAFE:
		buffer_printf(&text, "%s() inside a signal handler", event->path);
		break;
	}
	copy = arena_copy(arena, buffer_text(&text));
	buffer_free(&text);
	return copy;
}
