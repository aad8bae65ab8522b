/*
 * site.c: from a copied moment to the student's line.
 *
 * Whose call is it? A system call made by the submission itself (depth 0) or by a function of libc
 * that the submission called and that makes it at once (depth 1) is the student's own. Deeper, the
 * name of the function that the submission called decides: usleep() is two frames of libc and yet
 * nothing but the wrapper of a call, and so is an interceptor of a sanitizer; printf() and malloc()
 * act for themselves. A thin wrapper has the name of a system call, or stands in a small table.
 */
#include "trace/site.h"

#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include "base/text.h"
#include "procfs/pagemap.h"
#include "trace/call.h"
#include "trace/image.h"
#include "trace/unwind.h"

enum { FRAMES_MOST = 64, STACK_MOST = 64 << 10 };

/* ---- copying ---- */

/*
 * Does pc stand behind the instruction that matters? After a system call, and after a load or store
 * that a watchpoint has seen; not so at a fault, where it stands at the instruction itself.
 */
static bool is_behind(pid_t tid, int memory, uint64_t pc)
{
	unsigned char code[8];
	siginfo_t info;

	if (pread(memory, code, arch_call_size, (off_t)(pc - arch_call_size)) ==
		    (ssize_t)arch_call_size &&
	    memcmp(code, arch_call, arch_call_size) == 0)
		return true;
	return ptrace(PTRACE_GETSIGINFO, tid, 0, &info) == 0 && info.si_signo == SIGTRAP &&
	       info.si_code == TRAP_HWBKPT;
}

/*
 * How many bytes from SP on may be read without bringing in a page that is not there: our look must
 * not change what an exam counts. Above a thread's stack may lie a mapping of the student's; what a
 * stack holds has been touched.
 */
static size_t present_bytes(pid_t tid, uint64_t sp, size_t most)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct pagemap_entry entries[PAGEMAP_MOST];
	uint64_t end = sp - sp % page;
	size_t pages = (size_t)((sp + most - end + page - 1) / page);

	pages = pages < PAGEMAP_MOST ? pages : PAGEMAP_MOST;
	if (most == 0 || pagemap_entries(tid, end, entries, pages) != 0)
		return 0;
	for (size_t i = 0; i < pages && (entries[i].present || entries[i].swapped); i++)
		end += page;
	if (end <= sp)
		return 0;
	return end - sp < most ? (size_t)(end - sp) : most;
}

struct moment_copy *moment_copy(struct arena *arena, struct image *image, pid_t tid, int memory,
				size_t most)
{
	static unsigned char stack[STACK_MOST];
	struct arch_registers registers;
	struct moment_copy *copy;
	ssize_t size;

	if (!arch_get(tid, &registers))
		return NULL;
	most = present_bytes(tid, arch_sp(&registers), most < STACK_MOST ? most : STACK_MOST);
	size = pread(memory, stack, most, (off_t)arch_sp(&registers));
	copy = arena_take(arena, sizeof(*copy));
	copy->image = image;
	copy->tid = tid;
	copy->registers = registers;
	copy->behind = is_behind(tid, memory, arch_pc(&registers));
	copy->stack_at = arch_sp(&registers);
	copy->stack_size = size > 0 ? (size_t)size : 0;
	copy->stack = (const unsigned char *)arena_copy_bytes(arena, stack, copy->stack_size);
	if (image)
		image_look_again(image, tid, arch_pc(&registers));
	return copy;
}

/* ---- walking ---- */

struct walk {
	struct site site;
	struct place {
		struct module *module;
		uint64_t at; /* as the file has it */
	} entered,	     /* the function that the submission called; nothing at depth 0 */
		inner;	     /* the one that it called in turn */
	/* nothing of the submission stood between it and the frame of a signal: a handler jumped
	 * there as its last act */
	bool left_by_handler;
};

static const struct symbol *symbols_of(const struct place *place, size_t *count)
{
	*count = 0;
	return place->module ? elf_file_symbols_at(place->module->file, place->at, count) : NULL;
}

/* The call that returns here may be that of a function which ended in a jump to the one entered. */
static uint64_t jump_to(const struct walk *walk, struct module *module, uint64_t behind)
{
	size_t count;
	const struct symbol *names = symbols_of(&walk->entered, &count);

	return elf_file_tail_call(module->file, behind, names, count);
}

/* True when the place is in a .c file; else the first one is noted, in case that none comes. */
static bool note_place(struct walk *walk, const struct frame *frame, struct module *module,
		       uint64_t in_file, int depth)
{
	struct source_line line;
	uint64_t jump = 0;

	if (walk->entered.module && !walk->site.file && frame->behind)
		jump = jump_to(walk, module, in_file + 1);
	line = elf_file_line(module->file, jump ? jump : in_file);
	if (!line.file || (walk->site.file && !line.own))
		return false;
	walk->site = (struct site){ .file = line.file,
				    .line = line.line,
				    .function = line.function,
				    .depth = depth,
				    .pc = frame->pc };
	return line.own;
}

/*
 * Up to the innermost line of a .c file; what stands in a header counts when there is no other.
 * What a signal has interrupted is not the caller of its handler: when the handler has left no
 * frame (a tail call), nobody is known.
 */
static bool walk(const struct moment_copy *copy, struct walk *walk)
{
	struct frame frame = unwind_first(copy);
	int depth = -1;

	memset(walk, 0, sizeof(*walk));
	for (int i = 0; i < FRAMES_MOST; i++) {
		uint64_t in_file;
		struct module *module;

		image_look_again(copy->image, copy->tid, unwind_place(&frame));
		module = image_module(copy->image, unwind_place(&frame), &in_file);
		if (!module)
			break;
		if (elf_file_is_submission(module->file)) {
			depth = depth < 0 ? i : depth;
			if (note_place(walk, &frame, module, in_file, depth))
				return true;
		} else if (depth < 0) {
			walk->inner = walk->entered;
			walk->entered = (struct place){ module, in_file };
		} else {
			break;
		}
		if (!unwind_next(copy, &frame))
			break;
		if (frame.interrupted) {
			walk->left_by_handler = depth < 0;
			break;
		}
	}
	return walk->site.file != NULL;
}

bool site_find(const struct moment_copy *copy, struct site *site)
{
	struct walk found;

	if (!copy || !copy->image || !walk(copy, &found))
		return false;
	*site = found.site;
	return true;
}

const char *site_text(struct arena *arena, const struct moment_copy *copy)
{
	struct site site;

	if (!site_find(copy, &site))
		return NULL;
	return arena_format(arena, "%s:%d", site.file, site.line);
}

/* ---- whose call ---- */

/* Functions of libc that are nothing but a system call of another name. */
static const char *const thin[] = {
	"shm_open",	 "shm_unlink",	    "usleep",	    "sleep",
	"ftok",		 "remove",	    "sem_wait",	    "sem_post",
	"sem_timedwait", "sem_clockwait",   "raise",	    "wait",
	"waitpid",	 "wait3",	    "sigaction",    "signal",
	"sigwait",	 "sigwaitinfo",	    "sigtimedwait", "sigsuspend",
	"lockf",	 "posix_fallocate", "ualarm",	    "posix_madvise",
	"fork",		 "vfork",	    "_exit",	    "_Exit",
	"execv",	 "execvp",	    "execl",	    "execlp",
	"execle",	 "syscall",	    "pread",	    "pwrite",
	"clock_sleep",	 "thrd_sleep",	    "recv",	    "mq_receive",
	"exit_group",	 "clone",
};

/* "__interceptor_mmap.part.0", "__libc_open64", "__read_chk" → mmap, open, read. */
static size_t trim(const char **name)
{
	static const char *const before[] = { "interceptor_", "interceptor_trampoline_", "libc_",
					      "GI_" };
	static const char *const after[] = { "_chk", "64" };
	const char *start = *name;
	size_t length;

	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++) {
		start += strspn(start, "_");
		if (text_starts(start, before[i]))
			start += strlen(before[i]);
	}
	length = strcspn(start, ".");
	for (size_t i = 0; i < sizeof(after) / sizeof(*after); i++) {
		size_t size = strlen(after[i]);

		if (length > size && memcmp(start + length - size, after[i], size) == 0)
			length -= size;
	}
	*name = start;
	return length;
}

static bool same(const char *word, const char *name, size_t length)
{
	return strlen(word) == length && memcmp(word, name, length) == 0;
}

static bool is_thin(const char *name)
{
	const char *trimmed = name;
	size_t length = trim(&trimmed);

	for (enum call call = CALL_NONE + 1; call < CALL_COUNT; call++)
		if (text_equal(call_name(call), name) || same(call_name(call), trimmed, length))
			return true;
	for (size_t i = 0; i < sizeof(thin) / sizeof(*thin); i++)
		if (text_equal(thin[i], name) || same(thin[i], trimmed, length))
			return true;
	return false;
}

static bool is_thin_place(const struct place *place)
{
	size_t count;
	const struct symbol *symbols = symbols_of(place, &count);

	for (size_t i = 0; i < count; i++)
		if (is_thin(symbols[i].name))
			return true;
	return false;
}

/* The interceptors of a sanitizer have no symbols; what matters is the function of libc in it. */
static bool is_interceptor(const struct place *place)
{
	size_t count;

	return place->module && text_starts(elf_file_name(place->module->file), "lib") &&
	       strstr(elf_file_name(place->module->file), "san.so") && !symbols_of(place, &count);
}

bool site_is_direct(const struct moment_copy *copy)
{
	struct walk found;

	if (!copy || !copy->image)
		return false;
	/* The last frame before the interrupted one is the restorer: the handler jumped to what it
	 * called. */
	if (!walk(copy, &found))
		return found.left_by_handler && is_thin_place(&found.inner);
	if (found.site.depth <= 1)
		return true;
	return is_thin_place(is_interceptor(&found.entered) ? &found.inner : &found.entered);
}
