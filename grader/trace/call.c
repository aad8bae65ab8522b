/* The call table; see call.h. Letters of the argument formats: i int, x hexadecimal, p address, z
 * bytes, o offset, f descriptor, d directory descriptor, s path, P protection, M mmap flags, O open
 * flags, m mode, Y msync flags, A advice, S signal, k key, T timespec. */
#include "trace/call.h"

#include <string.h>
#include <sys/syscall.h>

/* A call that this machine does not have gets -1: aarch64 knows no open(2), poll(2) and their like.
 */
#ifndef SYS_open
#define SYS_open -1
#endif
#ifndef SYS_creat
#define SYS_creat -1
#endif
#ifndef SYS_dup2
#define SYS_dup2 -1
#endif
#ifndef SYS_unlink
#define SYS_unlink -1
#endif
#ifndef SYS_rename
#define SYS_rename -1
#endif
#ifndef SYS_renameat
#define SYS_renameat -1
#endif
#ifndef SYS_link
#define SYS_link -1
#endif
#ifndef SYS_chmod
#define SYS_chmod -1
#endif
#ifndef SYS_poll
#define SYS_poll -1
#endif
#ifndef SYS_select
#define SYS_select -1
#endif
#ifndef SYS_epoll_wait
#define SYS_epoll_wait -1
#endif
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 -1
#endif
#ifndef SYS_pause
#define SYS_pause -1
#endif
#ifndef SYS_fork
#define SYS_fork -1
#endif
#ifndef SYS_vfork
#define SYS_vfork -1
#endif
#ifndef SYS_alarm
#define SYS_alarm -1
#endif
/* Younger than some headers; such calls have one number everywhere. */
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#ifndef SYS_futex_wait
#define SYS_futex_wait 455
#endif

static const struct row {
	const char *name;
	long number;
	unsigned families;
	const char *format;
} rows[CALL_COUNT] = { [CALL_NONE] = { "none", -1, 0, "" },
#define TRACE_CALL_ROW(name, families, format) \
	[CALL_##name] = { #name, SYS_##name, families, format },
		       TRACE_CALLS(TRACE_CALL_ROW)
#undef TRACE_CALL_ROW
};

struct call_set call_set_one(enum call call)
{
	struct call_set set = { { 0 } };

	set.bits[call / 64] |= 1ull << (call % 64);
	return set;
}

struct call_set call_set_both(struct call_set a, struct call_set b)
{
	return (struct call_set){ { a.bits[0] | b.bits[0], a.bits[1] | b.bits[1] } };
}

struct call_set call_set_family(unsigned families)
{
	struct call_set set = { { 0 } };

	for (int call = 1; call < CALL_COUNT; call++)
		if (rows[call].families & families)
			set = call_set_both(set, call_set_one(call));
	return set;
}

bool call_set_has(const struct call_set *set, enum call call)
{
	return set->bits[call / 64] >> (call % 64) & 1;
}

const char *call_name(enum call call)
{
	return rows[call].name;
}

unsigned call_families(enum call call)
{
	return rows[call].families;
}

long call_number(enum call call)
{
	return rows[call].number;
}

const char *call_format(enum call call)
{
	return rows[call].format;
}

/* Numbers are small, so the way back is a table too, filled at its first use. */
enum call call_of_number(long number)
{
	enum { NUMBERS = 512 };
	static unsigned char back[NUMBERS];
	static bool filled;

	if (!filled) {
		for (int call = 1; call < CALL_COUNT; call++)
			if (rows[call].number >= 0 && rows[call].number < NUMBERS)
				back[rows[call].number] = (unsigned char)call;
		filled = true;
	}
	return number >= 0 && number < NUMBERS ? back[number] : CALL_NONE;
}

static int argument(enum call call, char letter)
{
	const char *at = strchr(rows[call].format, letter);

	return at ? (int)(at - rows[call].format) : -1;
}

int call_descriptor_argument(enum call call)
{
	return argument(call, 'f');
}

int call_path_argument(enum call call)
{
	return argument(call, 's');
}

int call_directory_argument(enum call call)
{
	return argument(call, 'd');
}
