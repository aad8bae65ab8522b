/* Expectations that every lab has; the last chapter of exam.h. */
#include "exam/exam_inside.h"

#include "base/clock.h"
#include "base/text.h"
#include "procfs/proc.h"

/* The signal that ended it, with its place: the best that can be said of a crash. */
static const struct event *crash_of(const struct program *p)
{
	const struct event *last = NULL;

	if (ending(p).how != KILLED)
		return NULL;
	for (const struct event *event = p->events; event; event = event->next)
		if (event->kind == EVENT_SIGNAL && (int)event->args[0] == ending(p).status)
			last = event;
	return last;
}

static const char *where_it_ended(struct exam *x, struct program *p)
{
	const struct event *crash = crash_of(p);

	if (crash)
		return from_event(x, crash);
	if (*error_output(x, p))
		return say(x, "stderr: %s",
			   quoted(x, error_output(x, p), strlen(error_output(x, p)), 120));
	return NULL;
}

static const char *at_ending(struct exam *x, struct program *p)
{
	const struct event *crash = crash_of(p);

	if (crash)
		return at_event(x, crash);
	return ending(p).how == STILL_THERE ? waiting(x, p->first).at : NULL;
}

bool expect_exit(struct exam *x, struct program *p, int status, const char *why)
{
	struct ending end = ending(p);
	bool ok = end.how == EXITED && end.status == status && program_living(p) == 0;

	return expect(x, ok,
		      .expected = say(x, "\"%s\" ends with exit status %d", p->command, status),
		      .observed = ending_text(x, p), .from = where_it_ended(x, p),
		      .at = at_ending(x, p), .why = why);
}

/* The first line in which two texts differ, for evidence: whole outputs are too long to compare by
 * eye. */
static const char *line_at(struct exam *x, const char *text, size_t size, size_t offset)
{
	size_t start = offset < size ? offset : size, end;

	while (start > 0 && text[start - 1] != '\n')
		start--;
	for (end = start; end < size && text[end] != '\n';)
		end++;
	if (start == size)
		return "the end of the output";
	return say(x, "%s%s", quoted(x, text + start, end - start, 72),
		   end == size ? " without a newline" : "");
}

static size_t line_number(const char *text, size_t offset)
{
	size_t line = 1;

	for (size_t i = 0; i < offset; i++)
		line += text[i] == '\n';
	return line;
}

bool expect_output(struct exam *x, struct program *p, const char *text, const char *why)
{
	size_t size, wanted = strlen(text), same = 0;
	const char *printed = output(x, p, &size), *said = error_output(x, p);
	const char *end = ending_text(x, p);

	if (size == wanted && memcmp(printed, text, size) == 0)
		return true;
	while (same < size && same < wanted && printed[same] == text[same])
		same++;
	/* who ended early may have said why */
	if (same == size && *said)
		end = say(x, "%s, stderr: %s", end, quoted(x, said, strlen(said), 120));
	return expect(x, false,
		      .expected = say(x, "line %zu of its output: %s", line_number(text, same),
				      line_at(x, text, wanted, same)),
		      .observed = say(x, "%s (%s)", line_at(x, printed, size, same), end),
		      .from = say(x, "standard output of \"%s\"", p->command),
		      .at = at_ending(x, p), .why = why);
}

/* "prog: what: reason": one line, its beginning the program's name or argv[0], at least one more
 * colon. */
static bool is_error_line(const struct program *p, const char *text)
{
	const char *newline = strchr(text, '\n'), *colon = strstr(text, ": ");
	const char *slash;
	size_t name;

	if (!newline || newline[1] || !colon || colon > newline)
		return false;
	name = (size_t)(colon - text);
	for (slash = text; slash < colon; slash++)
		if (*slash == '/') {
			name = (size_t)(colon - slash - 1);
			text = slash + 1;
		}
	return name == strlen(p->name) && memcmp(text, p->name, name) == 0 && colon[2] != '\n' &&
	       strstr(colon + 2, ": ") && strstr(colon + 2, ": ") < newline;
}

bool expect_error(struct exam *x, struct program *p, const char *why)
{
	const char *said = error_output(x, p);

	if (!expect_exit(x, p, 1, why))
		return false;
	return expect(x, is_error_line(p, said),
		      .expected = say(x, "one line \"%s: what: reason\" on stderr", p->name),
		      .observed = *said ? quoted(x, said, strlen(said), 160) : "nothing on stderr",
		      .from = say(x, "standard error of \"%s\"", p->command),
		      .why = "an error that is not said in one clear line is an error lost");
}

/* It may stand below a line on what was wrong, as getopt(3) prints one. */
static bool has_usage_line(const char *said)
{
	while (said && !text_starts(said, "usage:")) {
		said = strchr(said, '\n');
		said = said ? said + 1 : NULL;
	}
	return said;
}

bool expect_usage(struct exam *x, struct program *p)
{
	const char *said = error_output(x, p);
	size_t printed;

	if (!expect_exit(
		    x, p, 2,
		    "a command line that makes no sense is answered by a usage line and exit status 2"))
		return false;
	output(x, p, &printed);
	return expect(x, has_usage_line(said) && printed == 0,
		      .expected = "\"usage: …\" on stderr and nothing on stdout",
		      .observed = say(x, "stderr: %s; %zu bytes on stdout",
				      quoted(x, said, strlen(said), 80), printed),
		      .from = say(x, "\"%s\"", p->command),
		      .why = "scripts tell usage errors from results by the stream");
}

void expect_usages(struct exam *x, const char *name, const struct words *lists)
{
	for (; lists->word[0]; lists++) {
		struct launch launch = { 0 };

		memcpy(launch.args, lists->word, sizeof(lists->word));
		expect_usage(x, exam_run(x, name, &launch));
	}
}

bool expect_size(struct exam *x, const char *file, off_t size, const char *why)
{
	off_t now = file_size(x, file);

	return expect(x, now == size,
		      .expected = say(x, "\"%s\" has %lld bytes", file, (long long)size),
		      .observed = now < 0 ? "there is no such file"
					  : say(x, "%lld bytes", (long long)now),
		      .from = say(x, "stat(\"%s\")", file), .why = why);
}

enum { MOST_SHOWN = 16 };

static const char *bytes_at(struct exam *x, const unsigned char *data, size_t size, size_t at)
{
	size_t left = at < size ? size - at : 0;

	if (left == 0)
		return "no byte there";
	return say(x, "bytes %s",
		   text_hex(x->arena, data + at, left < MOST_SHOWN ? left : MOST_SHOWN));
}

bool expect_bytes(struct exam *x, const char *file, off_t offset, const void *data, size_t size,
		  const char *why)
{
	struct bytes now = file_bytes(x, file, offset, size);
	const unsigned char *wanted = data;
	size_t at = 0;

	while (at < size && at < now.size && now.data[at] == wanted[at])
		at++;
	if (at == size)
		return true;
	at -= size > MOST_SHOWN ? at % 4 : at; /* a few bytes are shown whole */
	return expect(
		x, false, .expected = bytes_at(x, wanted, size, at),
		.observed = bytes_at(x, now.data, now.size, at),
		.from = say(x, "\"%s\" at offset %lld", file, (long long)offset + (long long)at),
		.why = why);
}

bool expect_mode(struct exam *x, const char *file, mode_t mode, const char *why)
{
	struct stat st = { 0 };
	bool there = file_stat(x, file, &st);

	return expect(x, there && (st.st_mode & 07777) == mode,
		      .expected = say(x, "mode %04o", (unsigned)mode),
		      .observed = there ? say(x, "mode %04o", (unsigned)st.st_mode & 07777)
					: "there is no such file",
		      .from = say(x, "stat(\"%s\")", file), .why = why);
}

bool expect_perms(struct exam *x, struct mapping mapping, const char *perms, const char *why)
{
	bool ok = mapping.vma && vma_perms_are(mapping.vma, perms);

	return expect(x, ok, .expected = say(x, "permissions %s", perms),
		      .observed = mapping.vma ? mapping.vma->perms : "no mapping",
		      .from = from_vma(x, mapping.vma),
		      .at = mapping.vma ? at_mapping(x, mapping.process, mapping.vma) : NULL,
		      .why = why);
}

bool expect_not_read(struct exam *x, struct program *p, const char *file)
{
	const struct event *event = read_by_call(x, p, file);

	return expect(
		x, !event,
		.expected = say(x, "the bytes of \"%s\" are had by looking at a mapping", file),
		.observed = "they are read by a system call",
		.from = event ? from_event(x, event) : NULL, .at = at_event(x, event),
		.why = "read(2) copies what a mapping already shows");
}

bool expect_not_written(struct exam *x, struct program *p, const char *file)
{
	const struct event *event = written_by_call(x, p, file);

	return expect(x, !event,
		      .expected = say(x, "\"%s\" is changed by stores into a mapping", file),
		      .observed = "it is written by a system call",
		      .from = event ? from_event(x, event) : NULL, .at = at_event(x, event),
		      .why = "write(2) copies what a store would put there at once");
}

/* ---- blocking ---- */

/* A wait that is renewed so often is polling. */
enum { LOOKS = 4, POLLING_MS = 40, CPU_MS = 250 };

static bool waits_for_others(const struct wait_info *wait)
{
	if (wait->timed && wait->timeout_ms < POLLING_MS)
		return false;
	if (wait->futex)
		return !wait->futex_private;
	return wait->call != CALL_NONE;
}

/* The process of the program that waits for other processes; the others may wait for it. */
static struct wait_info best_wait(struct exam *x, struct program *p)
{
	struct wait_info best = { 0 }, wait;

	for (struct process *process = p->first; process; process = process->next) {
		if (!alive(process))
			continue;
		wait = waiting(x, process);
		if (!best.text || (wait.futex && waits_for_others(&wait)))
			best = wait;
	}
	return best;
}

/* To a wait, 0, or to more sleeps than a program takes before it waits, 1; it may spin on the way.
 */
static int come_to_rest(struct exam *x, struct program *p)
{
	int64_t cpu = p->cpu_limit;
	bool own = p->own_limits;
	int reached = 1;

	p->cpu_limit = CPU_MS * NS_PER_MS;
	p->own_limits = true;
	for (int i = 0; i < LOOKS && reached == 1; i++)
		reached = run_to(x, p, when_blocked(), at_sleep());
	p->cpu_limit = cpu;
	p->own_limits = own;
	return reached;
}

static bool expect_rest(struct exam *x, struct program *p, const char *what_for)
{
	int reached = come_to_rest(x, p);

	return expect(
		x, reached == 0,
		.expected = say(x, "%s: it waits in the kernel until somebody wakes it", what_for),
		.observed = reached == 1 ? "it sleeps a while and looks again, over and over"
			    : reached == SPENT
				    ? "it spins: CPU time goes by, and it makes no call that waits"
				    : reached_text(x, p, reached),
		.from = reached == 1 ? from_event(x, p->stop.event) : NULL, .at = at_stop(x, p),
		.why = reached == 1
			       ? "polling is late when something comes and burns CPU when nothing does"
		       : reached == SPENT
			       ? "a waiting process must not use the CPU that its peer needs"
			       : "what it should wait for has not come, nor was it told to end");
}

bool expect_blocks(struct exam *x, struct program *p, const char *what_for)
{
	struct wait_info wait;

	if (!expect_rest(x, p, what_for))
		return false;
	wait = best_wait(x, p);
	return expect(
		x, waits_for_others(&wait),
		.expected = say(
			x, "%s: it waits in a futex or semaphore that other processes can wake",
			what_for),
		.observed = wait.text ? say(x, "it waits in %s%s", wait.text,
					    wait.timed ? say(x, " of %lld ms",
							     (long long)wait.timeout_ms)
						       : "")
				      : "it waits in no call that is known for this",
		.from = "/proc/PID/syscall", .at = wait.at,
		.why = wait.timed && wait.timeout_ms < POLLING_MS
			       ? "short waits one after the other are polling: wait without a time-out, or for a second and more"
		       : wait.futex
			       ? "a private futex is blind to other processes: initialise with pshared = 1"
			       : "what it waits for must be something that another process can give");
}
