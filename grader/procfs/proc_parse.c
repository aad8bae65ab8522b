/* proc_parse.c: the texts of the small files of /proc/PID. */
#include "base/text.h"
#include "procfs/proc.h"
#include "procfs/scan.h"

#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

/*
 * "4711 (my (odd) name) S 4700 4711 4700 34816 4711 4194304 95 0 2 0 0 1 0 0 20 0 3 0 8123456 …"
 * The name may hold spaces and parentheses, what follows it holds neither: look for the last ')'.
 */
static bool split_name(const char *text, size_t size, struct proc_stat *stat, struct scan *rest)
{
	const char *open = size ? memchr(text, '(', size) : NULL, *close = NULL;
	size_t length;

	for (const char *at = open; at && at < text + size; at++)
		if (*at == ')')
			close = at;
	if (!close)
		return false;
	length = (size_t)(close - open) - 1;
	if (length >= sizeof(stat->name))
		length = sizeof(stat->name) - 1;
	memcpy(stat->name, open + 1, length);
	*rest = scan_of(close + 1, (size_t)(text + size - close) - 1);
	return true;
}

bool proc_stat_parse(const char *text, size_t size, struct proc_stat *stat)
{
	/* Numbers behind the state; proc_pid_stat(5) counts from 1 at the pid, so these are + 4. */
	enum { PPID, MINFLT = 6, MAJFLT = 8, UTIME = 10, STIME, THREADS = 16, START = 18, FIELDS };
	struct proc_stat out = { 0 };
	int64_t field[FIELDS];
	struct scan s;

	*stat = out;
	if (!split_name(text, size, &out, &s) || !scan_char(&s, ' ') || s.at == s.end)
		return false;
	out.state = *s.at++;
	for (size_t i = 0; i < FIELDS; i++)
		if (!scan_char(&s, ' ') || !scan_i64(&s, &field[i]))
			return false;
	out.ppid = (pid_t)field[PPID];
	out.minflt = (uint64_t)field[MINFLT];
	out.majflt = (uint64_t)field[MAJFLT];
	out.utime_ticks = (uint64_t)field[UTIME];
	out.stime_ticks = (uint64_t)field[STIME];
	out.threads = (unsigned)field[THREADS];
	out.start_ticks = (uint64_t)field[START];
	*stat = out;
	return true;
}

/* A line "NAME:<blank>NUMBER…" and where its (first or last) number goes. */
struct field {
	const char *name;
	unsigned base;
	bool last; /* of several numbers the last one */
	uint64_t *to;
};

static bool parse_number(struct scan s, const struct field *field)
{
	scan_spaces(&s);
	if (!scan_u64(&s, field->base, field->to))
		return false;
	for (scan_spaces(&s); field->last && s.at < s.end; scan_spaces(&s))
		if (!scan_u64(&s, field->base, field->to))
			return false;
	return true;
}

/* Goes over all lines and fills what the table names. False when a named line is malformed. */
static bool parse_fields(const char *text, size_t size, const struct field *fields, size_t count)
{
	struct text_lines lines = text_lines(text, size);

	while (text_next_line(&lines)) {
		for (size_t i = 0; i < count; i++) {
			struct scan s = scan_of(lines.line, lines.length);

			if (scan_prefix(&s, fields[i].name) && scan_char(&s, ':') &&
			    !parse_number(s, &fields[i]))
				return false;
		}
	}
	return true;
}

/* Lines such as "VmHWM:	    1520 kB", "SigCgt:	0000000000000400", "NSpid:	4711 2". */
bool proc_status_parse(const char *text, size_t size, struct proc_status *status)
{
	uint64_t pid = 0, ns_pid = 0, uid = 0, tracer = 0;
	struct proc_status out = { 0 };
	const struct field fields[] = {
		{ "Pid", 10, false, &pid },
		{ "NSpid", 10, true, &ns_pid },
		{ "Uid", 10, false, &uid },
		{ "TracerPid", 10, false, &tracer },
		{ "VmHWM", 10, false, &out.vm_hwm_kb },
		{ "RssAnon", 10, false, &out.rss_anon_kb },
		{ "RssFile", 10, false, &out.rss_file_kb },
		{ "RssShmem", 10, false, &out.rss_shmem_kb },
		{ "SigBlk", 16, false, &out.sig_blocked },
		{ "SigIgn", 16, false, &out.sig_ignored },
		{ "SigCgt", 16, false, &out.sig_caught },
		{ "voluntary_ctxt_switches", 10, false, &out.voluntary_switches },
		{ "nonvoluntary_ctxt_switches", 10, false, &out.involuntary_switches },
	};
	bool good = parse_fields(text, size, fields, COUNT_OF(fields)) && pid;

	out.ns_pid = (pid_t)(ns_pid ? ns_pid : pid); /* a kernel without pid namespaces */
	out.uid = (uid_t)uid;
	out.tracer = (pid_t)tracer;
	*status = good ? out : (struct proc_status){ 0 };
	return good;
}

bool proc_mask_has(uint64_t mask, int signal)
{
	return signal >= 1 && signal <= 64 && mask >> (signal - 1) & 1;
}

/*
 * "running"
 * "-1 0x7ffc4a1b2c80 0x401136"                              stack and instruction pointer
 * "0 0x3 0x7f…000 0x1000 0x22 0xffffffff 0x0 0x7ffc4a1b2c80 0x7f0a1b2c3d4e"   six arguments before
 */
bool proc_syscall_parse(const char *text, size_t size, struct proc_syscall *call)
{
	struct proc_syscall out = { .where = PROC_RUNNING };
	struct scan s = scan_of(text, size);
	int64_t number;

	*call = out;
	if (scan_prefix(&s, "running"))
		return true;
	if (!scan_i64(&s, &number))
		return false;
	out.number = (long)number;
	out.where = number < 0 ? PROC_NOT_IN_CALL : PROC_IN_CALL;
	for (int i = 0; out.where == PROC_IN_CALL && i < 6; i++)
		if (!scan_char(&s, ' ') || !scan_hex(&s, &out.args[i]))
			return false;
	if (!scan_char(&s, ' ') || !scan_hex(&s, &out.sp) || !scan_char(&s, ' ') ||
	    !scan_hex(&s, &out.pc))
		return false;
	*call = out;
	return true;
}

/* Lines "pos:	40" and "flags:	02100002" (octal) among others. */
bool proc_fdinfo_parse(const char *text, size_t size, int *flags, int64_t *offset)
{
	uint64_t pos = UINT64_MAX, bits = UINT64_MAX;
	const struct field fields[] = {
		{ "pos", 10, false, &pos },
		{ "flags", 8, false, &bits },
	};

	if (!parse_fields(text, size, fields, COUNT_OF(fields)) || pos > INT64_MAX ||
	    bits > INT32_MAX)
		return false;
	*flags = (int)bits;
	*offset = (int64_t)pos;
	return true;
}

/* Lines "rchar: 4292", "wchar: 0", "syscr: 13", "syscw: 0" among others. */
bool proc_io_parse(const char *text, size_t size, struct proc_io *io)
{
	struct proc_io out = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX };
	const struct field fields[] = {
		{ "rchar", 10, false, &out.rchar },
		{ "wchar", 10, false, &out.wchar },
		{ "syscr", 10, false, &out.syscr },
		{ "syscw", 10, false, &out.syscw },
	};
	bool good = parse_fields(text, size, fields, COUNT_OF(fields)) && out.rchar != UINT64_MAX &&
		    out.wchar != UINT64_MAX && out.syscr != UINT64_MAX && out.syscw != UINT64_MAX;

	*io = good ? out : (struct proc_io){ 0 };
	return good;
}
