/*
 * Lab 04: a buffer between two guards, and pages that are opened one by one.
 *
 * No layout is given, so each check first finds the buffer: it is what has the right number of
 * pages and a neighbour without any access on both sides. The rest is told by the faults
 * themselves.
 */
#include "exam/exam.h"

enum { MOST_LISTED = 9, MOST_TRIES = 12 };

struct guarded {
	struct process *process;
	uint64_t start, end;
};

static const char *number(struct exam *x, int64_t value)
{
	return say(x, "%lld", (long long)value);
}

/* ---- finding the buffer -----------------------------------------------------------------------
 */

static bool is_closed(const struct vma *vma)
{
	return strncmp(vma->perms, "---", 3) == 0;
}

/*
 *	---p  guard            a run of neighbours that may be touched in some way, LENGTH bytes in
 *all, r--p  \                with a closed neighbour at either end rw-p   > the buffer r--p  /
 *	---p  guard
 */
static int find_buffers(const struct maps *maps, uint64_t length, struct guarded *buffers, int most)
{
	int count = 0;

	for (size_t low = 0; low + 2 < maps->count && count < most; low++) {
		const struct vma *below = &maps->vma[low], *above = below + 1;

		if (!is_closed(below) || is_closed(above) || above->start != below->end)
			continue;
		while (above + 1 < maps->vma + maps->count && !is_closed(above) &&
		       above[1].start == above->end)
			above++;
		if (is_closed(above) && above->start - below->end == length) {
			buffers[count].start = below->end;
			buffers[count++].end = above->start;
		}
	}
	return count;
}

enum { MOST_BUFFERS = 8 };

/* Is this one there, between its guards? */
static bool is_guarded(struct exam *x, const struct process *process, const struct guarded *buffer)
{
	struct guarded found[MOST_BUFFERS];
	int count = find_buffers(maps_now(x, process), buffer->end - buffer->start, found,
				 MOST_BUFFERS);

	for (int i = 0; i < count; i++)
		if (found[i].start == buffer->start)
			return true;
	return false;
}

/* Those that were met in a run, in the order of their coming. */
struct met {
	struct guarded buffers[MOST_BUFFERS];
	int count;
};

static void meet(struct met *met, const struct maps *maps, uint64_t length)
{
	struct guarded found[MOST_BUFFERS];
	int count = find_buffers(maps, length, found, MOST_BUFFERS);

	for (int i = 0; i < count; i++) {
		bool known = met->count == MOST_BUFFERS;

		for (int k = 0; k < met->count; k++)
			known = known || met->buffers[k].start == found[i].start;
		if (!known)
			met->buffers[met->count++] = found[i];
	}
}

/*
 * A program may have guarded memory of its own besides: a stack for the handler, a list, a copy.
 * What has a fixed size is met once, and then no buffer is asked for that has as many pages. Of
 * several as large as the buffer, the one that faults is the buffer: so many come before it.
 */
struct others {
	int64_t pages[16];
	int count;
	int before[3]; /* in each of the commands */
};

static const char *const commands[] = { "overflow", "underflow", "dirty" };

enum { UNLIKELY = 173 }; /* pages: nobody's own memory is as large */

static void meet_sizes(struct others *others, const struct maps *maps)
{
	for (size_t low = 0; low + 2 < maps->count; low++) {
		const struct vma *inner = &maps->vma[low + 1];
		int64_t pages = (int64_t)((inner->end - inner->start) / page_size());
		bool guarded = is_closed(inner - 1) && !is_closed(inner) && is_closed(inner + 1) &&
			       inner->start == inner[-1].end && inner[1].start == inner->end &&
			       pages != UNLIKELY;

		for (int i = 0; i < others->count; i++)
			guarded = guarded && others->pages[i] != pages;
		if (guarded && others->count < 16)
			others->pages[others->count++] = pages;
	}
}

static void meet_others(struct exam *x, void *facts)
{
	const uint64_t length = UNLIKELY * page_size();
	const char *last_words[] = { number(x, length + 1), number(x, length + 1), "0" };
	/* where the first fault is, from the start of the buffer */
	const uint64_t offsets[] = { length, (uint64_t)-1, 0 };
	struct moment mapped = after_calls(call_set_family(FAMILY_MAP));
	struct others *others = facts;

	for (int i = 0; i < 3; i++) {
		struct program *p = start(
			x, "guard", .args = { commands[i], number(x, UNLIKELY), last_words[i] });
		struct met met = { .count = 0 };
		int reached;

		while ((reached = run_to(x, p, mapped, at_signal(SIGSEGV))) == 0) {
			const struct maps *maps = maps_now(x, last_stop(x, p)->process);

			meet_sizes(others, maps);
			meet(&met, maps, length);
		}
		for (int k = 0; reached == 1 && k < met.count; k++)
			if (i == 2 ? last_stop(x, p)->fault_address - met.buffers[k].start <
					     page_size()
				   : last_stop(x, p)->fault_address ==
					     met.buffers[k].start + offsets[i])
				others->before[i] = k;
		kill_program(x, p);
	}
}

static const struct others *others_of(struct exam *x)
{
	return scene(x, meet_others, sizeof(struct others));
}

/* The number of pages to ask for: this one, or the next one that nothing else has. */
static int64_t unlike(struct exam *x, int64_t pages)
{
	const struct others *others = others_of(x);

	for (int i = 0; i < others->count; i++)
		if (others->pages[i] == pages) {
			pages++;
			i = -1;
		}
	return pages;
}

static void count_calls(struct exam *x, void *facts)
{
	enum { MORE = 64 };
	int calls[2] = { 0, 0 };

	for (int i = 0; i < 2; i++) {
		struct program *p = run(x, "guard",
					.args = { "overflow", number(x, 2 + i * MORE), "5" });

		for (const struct event *e = next_event(p, NULL); e != NULL; e = next_event(p, e))
			calls[i] += e->kind == EVENT_CALL;
	}
	*(bool *)facts = calls[1] - calls[0] >= MORE;
}

/*
 * Whether it makes calls for every single page. By hand a million of them take seconds, here they
 * are more than a run may have, and so such a program is asked for fewer pages.
 */
static bool calls_page_by_page(struct exam *x)
{
	return *(const bool *)scene(x, count_calls, sizeof(bool));
}

/* A closed VMA without a file, for the evidence: the nearest thing to a guard that was seen. */
static const struct vma *half_a_guard(const struct maps *maps)
{
	for (size_t i = 0; i < maps->count; i++)
		if (is_closed(&maps->vma[i]) && maps->vma[i].path[0] == '\0')
			return &maps->vma[i];
	return NULL;
}

/*
 * Runs the program until its buffer stands between its guards; false when it ended, wrote or died
 * before. `nearest` (may be NULL) gets the last closed VMA seen on the way.
 */
static bool reach_buffer(struct exam *x, struct program *p, int64_t pages, struct guarded *buffer,
			 const struct vma **nearest)
{
	struct moment mapped = after_calls(call_set_family(FAMILY_MAP));
	struct met met = { .count = 0 };
	int before = 0;

	for (int i = 0; i < 3; i++)
		if (strcmp(p->launch.args[0], commands[i]) == 0)
			before = others_of(x)->before[i];
	while (run_to(x, p, mapped, at_signal(SIGSEGV)) == 0) {
		buffer->process = last_stop(x, p)->process;
		const struct maps *maps = maps_now(x, buffer->process);
		const struct vma *guard = half_a_guard(maps);

		if (guard != NULL && nearest != NULL)
			*nearest = guard;
		meet(&met, maps, pages * page_size());
		if (met.count > before) {
			buffer->start = met.buffers[before].start;
			buffer->end = met.buffers[before].end;
			return true;
		}
	}
	return false;
}

static void need_buffer(struct exam *x, struct program *p, int64_t pages, struct guarded *buffer)
{
	const struct vma *nearest = NULL;
	bool found = reach_buffer(x, p, pages, buffer, &nearest);
	const char *observed = "a mapping without access, but not on both sides of such a buffer";

	if (nearest == NULL)
		observed = "no mapping without access at all";
	else if (nearest->end - nearest->start == (pages + 2) * page_size())
		observed = "the whole buffer is without access, as its guards are";

	need(x, found,
	     .expected = say(x,
			     "before the first write: %lld pages with a PROT_NONE page right below "
			     "and right above",
			     (long long)pages),
	     .observed = observed,
	     .from = nearest ? from_vma(x, nearest) : say(x, "maps of %s", command_of(x, p)),
	     .why = "a guard stops the first byte too far only when it lies right beside the "
		    "buffer");
}

/* ---- task 1: the guards -----------------------------------------------------------------------
 */

static const char *neighbours(struct exam *x, const struct process *process,
			      const struct guarded *b)
{
	const struct maps *maps = maps_now(x, process);
	const struct vma *below = maps_at(maps, b->start - 1), *above = maps_at(maps, b->end);

	if (maps_at(maps, b->start) == NULL)
		return "the buffer is not there any more";
	return say(x, "right below the buffer: %s, right above it: %s",
		   below ? below->perms : "nothing mapped",
		   above ? above->perms : "nothing mapped");
}

static void expect_guards(struct exam *x, const char *command, const char *last_word, int64_t pages)
{
	pages = unlike(x, pages);
	struct program *p = start(x, "guard", .args = { command, number(x, pages), last_word });
	struct guarded mapped;

	need_buffer(x, p, pages, &mapped);
	/* And they are still there at the first write, wherever that goes. */
	struct watch *first = NULL;
	bool backwards = strcmp(command, "underflow") == 0;
	const struct vma *vma = maps_at(smaps_now(x, mapped.process), mapped.start);
	bool touched = vma != NULL && vma->memory.rss_kb > 0;

	if (have_watchpoints(x) && strcmp(command, "dirty") != 0)
		first = watch_memory(x, mapped.process, backwards ? mapped.end - 1 : mapped.start,
				     1, WATCH_STORES);
	int reached = first ? run_to(x, p, at_signal(SIGSEGV), at_watch(first))
			    : run_to(x, p, at_signal(SIGSEGV));
	/* Who fills it before, with something else, fills it once more now. */
	if (first != NULL)
		need(x, reached >= 0 || !touched,
		     .expected = say(x, "%s: both guards there before the first write",
				     command_of(x, p)),
		     .observed = say(x,
				     "a buffer that was written to already when it had both; "
				     "from then on, no write at its %s",
				     backwards ? "end" : "start"),
		     .why = "guards that are made after the writing have guarded nothing");
	if (reached >= 0)
		expect(x, is_guarded(x, last_stop(x, p)->process, &mapped),
		       .expected = "both guards still there at the first write",
		       .observed = neighbours(x, last_stop(x, p)->process, &mapped),
		       .at = last_stop(x, p)->at,
		       .why = "a guard that is gone when it is needed guards nothing");
}

static void guards_on_both_sides(struct exam *x)
{
	expect_guards(x, "overflow", "1", pick(x, 7, 60));
	expect_guards(x, "underflow", "1", pick(x, 7, 60));
	expect_guards(x, "dirty", "3", pick(x, 7, 60));
}

/* ---- task 2: the handler ----------------------------------------------------------------------
 */

/* What rt_sigaction(2) takes; the rest of the struct is of no interest. */
struct kernel_action {
	uint64_t handler, flags;
};

static void need_handler(struct exam *x, const char *command, int64_t pages, int64_t last)
{
	struct program *p = start(x, "guard",
				  .args = { command, number(x, pages), number(x, last) });
	struct kernel_action now = { 0 };
	const struct event *seen = NULL;
	const char *at = NULL;

	while (run_to(x, p, at_call(CALL_rt_sigaction), at_signal(SIGSEGV)) == 0) {
		const struct stop_info *stop = last_stop(x, p);
		struct kernel_action action;

		if (stop->event->args[0] != SIGSEGV || stop->event->args[1] == 0 ||
		    !peek(x, stop->process, stop->event->args[1], &action, sizeof(action)))
			continue;
		now = action;
		seen = stop->event;
		at = stop->at;
	}
	bool caught = now.handler != (uint64_t)(uintptr_t)SIG_DFL &&
		      now.handler != (uint64_t)(uintptr_t)SIG_IGN;
	const char *observed = "a handler without SA_SIGINFO";

	if (seen == NULL)
		observed = "nothing was installed for SIGSEGV";
	else if (!caught)
		observed = now.handler ? "SIG_IGN: the kernel kills all the same" : "SIG_DFL";
	need(x, caught && (now.flags & SA_SIGINFO) != 0,
	     .expected = say(x, "%s: a handler for SIGSEGV, installed with SA_SIGINFO",
			     command_of(x, p)),
	     .observed = observed, .from = seen ? from_event(x, seen) : NULL, .at = at,
	     .why = "the address of the fault comes in the siginfo_t, and only SA_SIGINFO promises "
		    "one");
}

static void handler_gets_the_address(struct exam *x)
{
	int64_t pages = pick(x, 2, 30), over = pages * page_size() + pick(x, 20, 900);

	/* Each command may have a handler of its own. */
	need_handler(x, "overflow", pages, over);
	need_handler(x, "underflow", pages, over);
	need_handler(x, "dirty", pages, pages - 1);
}

/* ---- task 3: writing --------------------------------------------------------------------------
 */

/* The address of the byte that is written as number `i`. */
static uint64_t byte_at(const struct guarded *b, bool backwards, int64_t i)
{
	return backwards ? b->end - 1 - i : b->start + i;
}

/*
 * Runs it until that byte has been written. From then on the buffer is looked at in the process
 * that wrote: a child has its own copy of it.
 */
static int write_byte(struct exam *x, struct program *p, struct guarded *b, bool backwards,
		      int64_t i)
{
	struct watch *watch = watch_memory(x, b->process, byte_at(b, backwards, i), 1,
					   WATCH_STORES);
	int reached = run_to(x, p, at_watch(watch), at_signal(SIGSEGV));

	unwatch(x, watch);
	if (reached == 0)
		b->process = last_stop(x, p)->process;
	return reached;
}

static void need_written(struct exam *x, struct program *p, struct guarded *b, bool backwards,
			 int64_t i)
{
	int reached = write_byte(x, p, b, backwards, i);

	need(x, reached == 0,
	     .expected = say(x, "%s: byte number %lld from the buffer's %s is written%s",
			     command_of(x, p), (long long)i, backwards ? "end" : "start",
			     i > 0 ? ", after those before it" : ""),
	     .observed = reached == 1 ? say(x, "a fault at offset %lld of the buffer first",
					    (long long)(last_stop(x, p)->fault_address - b->start))
				      : reached_text(x, p, reached),
	     .why = "BYTES bytes, from the first to the last");
}

/* Of the bytes from `first` to `written` the noise is gone (a few may have had the right value by
 * chance), of those behind it, up to `last`, it is not. */
static void expect_written_so_far(struct exam *x, struct program *p, const struct guarded *b,
				  bool backwards, const unsigned char *noise, int64_t first,
				  int64_t written, int64_t last)
{
	int64_t before = 0, behind = 0, all_before = written - first + 1;
	unsigned char now;

	for (int64_t i = first; i <= last; i++)
		if (peek(x, b->process, byte_at(b, backwards, i), &now, 1) &&
		    now != noise[i - first])
			*(i <= written ? &before : &behind) += 1;
	expect(x, before >= all_before * 3 / 4 && behind == 0,
	       .expected = say(
		       x,
		       "%s: when byte number %lld is written, all before it are and none behind it",
		       command_of(x, p), (long long)written),
	       .observed = say(x, "%lld of the %lld before it, and %lld of the next %lld",
			       (long long)before, (long long)all_before, (long long)behind,
			       (long long)(last - written)),
	       .at = last_stop(x, p)->at,
	       .why = "gcc makes a memset of a plain loop, and memset stores wide and in its own order; volatile forbids it");
}

/*
 * Held right after the first byte, the program finds random bytes in its way. Held again right
 * after byte `middle`, and after each of the next few, it must have changed those before and none
 * behind. In the first page, where few bytes are written, and in one of several: who fills whole
 * pages in another way has only the rest to write one by one.
 */
static void expect_one_by_one(struct exam *x, const char *command, int64_t bytes, int64_t middle)
{
	enum { BEFORE = 200, BEHIND = 40, IN_A_ROW = 5 };
	bool backwards = strcmp(command, "underflow") == 0;
	int64_t pages = unlike(x, bytes / page_size() + pick(x, 2, 7)), first = middle - BEFORE + 1;
	struct program *p = start(x, "guard",
				  .args = { command, number(x, pages), number(x, bytes) });
	unsigned char *noise = pick_bytes(x, BEFORE + IN_A_ROW + BEHIND);
	struct guarded b;

	need_buffer(x, p, pages, &b);
	need_written(x, p, &b, backwards, 0);
	for (int64_t i = first; i < middle + IN_A_ROW + BEHIND; i++)
		poke(x, b.process, byte_at(&b, backwards, i), &noise[i - first], 1);
	/* Several in a row: a wide store that ends at one of them begins at another. */
	for (int64_t i = middle; i < middle + IN_A_ROW && !failed(x); i++) {
		need_written(x, p, &b, backwards, i);
		expect_written_so_far(x, p, &b, backwards, noise, first, i, i + BEHIND - 1);
	}
	need_written(x, p, &b, backwards, bytes - 1);
}

static void expect_bytes_one_by_one(struct exam *x, const char *command)
{
	int64_t pages = pick(x, 2, 4), page = pick(x, 0, pages - 1);

	expect_one_by_one(x, command, pick(x, 700, 1900), pick(x, 200, 500));
	if (!failed(x))
		expect_one_by_one(x, command, pages * page_size() + pick(x, 0, 99),
				  page * page_size() + pick(x, 300, 3000));
}

/* No byte of several pages is left out: one of each page, picked afresh, stands for all. */
static void expect_none_left_out(struct exam *x, const char *command)
{
	int64_t pages = unlike(x, pick(x, 3, 9)), bytes = pages * page_size() - pick(x, 1, 99);
	struct program *p = start(x, "guard",
				  .args = { command, number(x, pages), number(x, bytes) });
	struct guarded b;

	need_buffer(x, p, pages, &b);
	for (int64_t page = 0; page < pages; page++)
		need_written(x, p, &b, strcmp(command, "underflow") == 0,
			     page * page_size() + pick(x, 1, page_size() - 200));
}

/* Of more bytes than the buffer has, those inside come first, any of them. */
static void expect_filled_before_the_hit(struct exam *x, const char *command)
{
	int64_t pages = unlike(x, pick(x, 1, 4)), bytes = pages * page_size();
	struct program *p = start(
		x, "guard",
		.args = { command, number(x, pages), number(x, bytes + pick(x, 1, 5000)) });
	struct guarded b;

	need_buffer(x, p, pages, &b);
	need_written(x, p, &b, strcmp(command, "underflow") == 0, pick(x, 0, bytes - 2));
	need_written(x, p, &b, strcmp(command, "underflow") == 0, bytes - 1);
}

static void expect_ok(struct exam *x, const char *command, int64_t pages, int64_t bytes)
{
	struct program *p = run(x, "guard",
				.args = { command, number(x, pages), number(x, bytes) });

	expect_output(x, p, "ok\n", "not one byte too many was written");
	expect_exit(x, p, 0, "no guard was hit");
}

static void bytes_in_order(struct exam *x)
{
	need_watchpoints(x);
	expect_bytes_one_by_one(x, "overflow");
	expect_bytes_one_by_one(x, "underflow");
	expect_none_left_out(x, "overflow");
	expect_none_left_out(x, "underflow");
	expect_filled_before_the_hit(x, "overflow");
	expect_filled_before_the_hit(x, "underflow");
	int64_t pages = pick(x, 1, 5);

	expect_ok(x, "overflow", pages, pages * page_size());
	expect_ok(x, "underflow", pages, pages * page_size());
	expect_ok(x, "overflow", pages, pick(x, 0, page_size()));
	expect_ok(x, "underflow", pages, 0);
}

/* ---- task 4: a guard is hit -------------------------------------------------------------------
 */

static void expect_hit(struct exam *x, const char *command, int64_t pages, int64_t over)
{
	pages = unlike(x, pages);
	struct program *p = start(
		x, "guard",
		.args = { command, number(x, pages), number(x, pages * page_size() + over) });
	bool backwards = strcmp(command, "underflow") == 0;
	int64_t offset = backwards ? -1 : pages * (int64_t)page_size();
	struct guarded b;

	need_buffer(x, p, pages, &b);
	int reached = run_to(x, p, at_signal(SIGSEGV));

	need(x, reached == 0, .expected = say(x, "%s: a fault in the guard", command_of(x, p)),
	     .observed = reached_text(x, p, reached),
	     .why = "the kernel finds the first byte too far; nobody has to compute it");
	const struct stop_info *stop = last_stop(x, p);

	expect(x, stop->fault_address == b.start + offset && stop->signal_code == SEGV_ACCERR,
	       .expected = say(x, "%s: the first fault at offset %lld, of a page without access",
			       command_of(x, p), (long long)offset),
	       .observed = say(x, "at offset %lld%s", (long long)(stop->fault_address - b.start),
			       stop->signal_code == SEGV_MAPERR ? ", where nothing is mapped" : ""),
	       .at = stop->at, .why = "bytes written one by one meet the guard at its first byte");
	finish(x, p);
	expect_output(
		x, p,
		say(x, "guard %s offset %lld\n", backwards ? "below" : "above", (long long)offset),
		"the offset is si_addr less the start of the buffer");
	expect_exit(x, p, 3, "a script must be able to tell a hit from `ok`");
}

/* A host with less memory than a million pages may refuse the buffer; that is not the student's
 * doing. */
static bool memory_for_a_million(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) >= 1300000;
}

/* Runs instruction by instruction until that byte is written. How many it took; 0: too many. */
static int steps_to_byte(struct exam *x, const struct guarded *b, bool backwards, int64_t i)
{
	enum { MOST_STEPS = 300 };
	unsigned char before, now;

	/* most loops write the same again and again, so it must not be there before */
	if (!peek(x, b->process, byte_at(b, backwards, i - 1), &before, 1))
		return 0;
	before = ~before;
	poke(x, b->process, byte_at(b, backwards, i), &before, 1);
	for (int steps = 1; steps <= MOST_STEPS; steps++)
		if (!step(x, b->process) || !peek(x, b->process, byte_at(b, backwards, i), &now, 1))
			return 0;
		else if (now != before)
			return steps;
	return 0;
}

/*
 * To the brink of the first write outside: the last byte of the buffer is written, and so is all
 * that the program notes of the next one. Of a loop whose rounds differ only the first is certain.
 */
static bool reach_brink(struct exam *x, struct program *p, struct guarded *b, bool backwards)
{
	int64_t last = (int64_t)(b->end - b->start) - 1;
	int round;

	if (write_byte(x, p, b, backwards, last - 2) != 0)
		return false;
	round = steps_to_byte(x, b, backwards, last - 1);
	if (round == 0)
		return write_byte(x, p, b, backwards, last) == 0;
	if (steps_to_byte(x, b, backwards, last) == round)
		for (int steps = 1; steps < round; steps++)
			step(x, b->process);
	return true;
}

/*
 * The first byte too far has the offset that the loop has counted to. So the program is sent
 * somewhere else in the guard: whoever asks si_addr says where. Whoever sees that this is no write,
 * and dies of it as of any foreign fault, has said nothing wrong.
 */
enum when { AT_BRINK, AT_START, AT_START_BEHIND };

static void expect_address_told(struct exam *x, const char *command, int64_t pages, enum when when)
{
	bool backwards = strcmp(command, "underflow") == 0;
	bool below = backwards != (when == AT_START_BEHIND);
	pages = unlike(x, pages);
	int64_t far = pick(x, 100, page_size() - 1);
	int64_t offset = below ? -far : pages * (int64_t)page_size() + far;
	struct program *p = start(
		x, "guard",
		.args = { command, number(x, pages), number(x, (pages + 1) * page_size()) });
	struct guarded b;

	if (!reach_buffer(x, p, pages, &b, NULL) ||
	    (when == AT_BRINK ? !reach_brink(x, p, &b, backwards)
			      : write_byte(x, p, &b, backwards, 0) != 0))
		return;
	wild_jump(x, b.process, b.start + offset);
	set_limits(x, p, 1000, 10000, 60000);
	run_to(x, p, at_end());
	struct ending end = ending(p);

	if (end.how == EXITED && end.status == 3)
		expect_output(x, p,
			      say(x, "guard %s offset %lld\n", below ? "below" : "above",
				  (long long)offset),
			      "the fault was there: si_addr says so, a counter of bytes does not "
			      "(the exam made the program fault in the middle of the guard)");
	kill_program(x, p);
}

static void guard_hit_is_reported(struct exam *x)
{
	int64_t pages = pick(x, 1, 40), over = pick(x, 2, 3 * page_size());

	expect_hit(x, "overflow", pages, 1);
	expect_hit(x, "underflow", pages, 1);
	expect_hit(x, "overflow", 1, over);
	expect_hit(x, "underflow", 2, over);
	if (failed(x) || !have_watchpoints(x))
		return;
	expect_address_told(x, "overflow", pick(x, 1, 3), AT_BRINK);
	expect_address_told(x, "underflow", pick(x, 1, 3), AT_BRINK);
	/* The guard on the other side is a guard, too. */
	expect_address_told(x, "overflow", pick(x, 1, 3), AT_START_BEHIND);
	expect_address_told(x, "underflow", pick(x, 1, 3), AT_START_BEHIND);
	/* Once more with an offset that fits no int. */
	if (memory_for_a_million() && !calls_page_by_page(x))
		expect_address_told(x, "overflow", pick(x, 600000, 999999), AT_START);
}

/* ---- task 5: opening pages --------------------------------------------------------------------
 */

struct dirty_run {
	struct program *program;
	struct guarded buffer;
	int64_t pages;
	const char *text; /* what it has to print */
	int distinct;
	bool *listed;
	bool *opened; /* faulted already, so writable from now on */
	int faults;
	const char *at; /* of the last fault */
};

/*
 * `guard dirty PAGES` with the first and the last page among others, some twice, in no order;
 * `watched`: by watch_handlers().
 */
static struct dirty_run start_dirty(struct exam *x, bool watched)
{
	struct dirty_run run = { .pages = unlike(x, pick(x, 12, 40)) };
	struct launch launch = { .args = { "dirty", number(x, run.pages) } };
	int64_t list[MOST_LISTED];
	bool *listed = run.listed = room(x, run.pages);

	for (int i = 0; i < MOST_LISTED; i++)
		list[i] = pick(x, 0, run.pages - 1);
	list[2] = run.pages - 1;
	list[3] = 10; /* sorted as text it comes before 2 to 9 */
	list[4] = 0;
	list[5] = pick(x, 2, 9);
	list[7] = list[1];
	for (int i = 0; i < MOST_LISTED; i++) {
		launch.args[2 + i] = number(x, list[i]);
		run.distinct += !listed[list[i]];
		listed[list[i]] = true;
	}
	run.text = "dirty";
	for (int64_t page = 0; page < run.pages; page++)
		if (listed[page])
			run.text = say(x, "%s %lld", run.text, (long long)page);
	run.text = say(x, "%s\n", run.text);
	run.opened = room(x, run.pages);
	run.program = exam_start(x, "guard", &launch);
	if (watched)
		watch_handlers(x, run.program);
	need_buffer(x, run.program, run.pages, &run.buffer);
	return run;
}

enum which { ALL, OPENED, NOT_OPENED }; /* pages to look at */

/*
 * Pages that have not faulted yet are read-only. Those that have are readable and writable; but
 * while others may still be in their handlers (threads), that is looked at in the end only.
 */
static bool pages_are_as_they_should(struct exam *x, const struct dirty_run *run, enum which which)
{
	const struct maps *maps = maps_now(x, run->buffer.process);

	for (int64_t page = 0; page < run->pages; page++) {
		const struct vma *vma = maps_at(maps, run->buffer.start + page * page_size());
		bool opened = run->opened[page];

		if (which == (opened ? NOT_OPENED : OPENED) ||
		    (vma != NULL && vma_perms_are(vma, opened ? "rw??" : "r-??")))
			continue;
		return expect(
			x, false,
			.expected = say(x, "after %d fault%s page %lld is %s", run->faults,
					run->faults == 1 ? "" : "s", (long long)page,
					opened ? "readable and writable, for good"
					       : "read-only still"),
			.observed = vma ? say(x, "it is %s", vma->perms) : "it is not mapped",
			.from = vma ? from_vma(x, vma) : NULL, .at = run->at,
			.why = opened ? "PROT_WRITE replaces PROT_READ, and who closes a page "
					"again gets another fault for it"
				      : "a page that is opened too early is written without a "
					"fault, and nobody learns of it");
	}
	return true;
}

static const char unaligned[] = "mprotect takes the address of a page, not one inside it";

/* An mprotect that was refused for its arguments: of an address that is not aligned. */
static const struct event *refused_opening(struct exam *x, struct program *p)
{
	const struct event *e = NULL;

	while ((e = next_call(x, p, e, call_set_one(CALL_mprotect), NULL)) != NULL)
		if (e->returned && e->result == -EINVAL)
			return e;
	return NULL;
}

/* One SIGSEGV of the run. False when something was wrong with it. */
static bool look_at_fault(struct exam *x, struct dirty_run *run)
{
	const struct stop_info *stop = last_stop(x, run->program);

	const struct event *refused = refused_opening(x, run->program);

	run->buffer.process = stop->process; /* a child has its own copy of the buffer */
	bool inside = stop->fault_address >= run->buffer.start &&
		      stop->fault_address < run->buffer.end;
	int64_t page = (int64_t)(stop->fault_address - run->buffer.start) / (int64_t)page_size();

	if (!expect(x, inside, .expected = "faults in the buffer alone",
		    .observed = say(x, "a fault at offset %lld",
				    (long long)(stop->fault_address - run->buffer.start)),
		    .at = stop->at, .why = "only pages of the list are written") ||
	    !expect(x, run->listed[page],
		    .expected = say(x, "%s: faults in the pages of its list",
				    command_of(x, run->program)),
		    .observed = say(x, "page %lld faults", (long long)page), .at = stop->at,
		    .why = "byte number PAGE times the size of a page is the first of its page") ||
	    !expect(x, !run->opened[page], .expected = "one fault for each page",
		    .observed = say(x, "page %lld faults again", (long long)page),
		    .from = refused ? from_event(x, refused) : NULL, .at = stop->at,
		    .why = refused ? unaligned
				   : "once opened a page stays open: the next write to it is free"))
		return false;
	if (!pages_are_as_they_should(x, run, NOT_OPENED))
		return false;
	run->opened[page] = true;
	run->at = stop->at;
	run->faults++;
	return true;
}

static bool still_mapped(struct exam *x, const struct dirty_run *run)
{
	return alive(run->buffer.process) &&
	       maps_at(maps_now(x, run->buffer.process), run->buffer.start) != NULL;
}

static uint64_t written_kb(struct exam *x, const struct dirty_run *run)
{
	const struct maps *maps = smaps_now(x, run->buffer.process);
	uint64_t sum = 0;

	for (size_t i = 0; i < maps->count; i++)
		if (maps->vma[i].end > run->buffer.start && maps->vma[i].start < run->buffer.end &&
		    maps->vma[i].perms[1] == 'w')
			sum += maps->vma[i].memory.rss_kb;
	return sum;
}

/* Is the call that it is about to make one that takes the buffer away? The libraries unmap things
 * of their own, in other threads too. */
static bool unmaps_buffer(const struct event *e, const struct guarded *b)
{
	uint64_t from = e->args[0], length = e->call == CALL_munmap ? e->args[1] : 1;

	return from < b->end + page_size() && from + length > b->start - page_size();
}

/* As many pages as a launch has room for, from a buffer wider than a word has bits. */
static void expect_long_list(struct exam *x)
{
	enum { LISTED = LAUNCH_ARGS - 3, PAGES = 300 };
	struct launch launch = { .args = { "dirty", number(x, PAGES) } };
	bool listed[PAGES] = { false };
	const char *text = "dirty";

	for (int i = 0; i < LISTED; i++) {
		int64_t page = pick(x, 0, PAGES - 1);

		launch.args[2 + i] = number(x, page);
		listed[page] = true;
	}
	for (int page = 0; page < PAGES; page++)
		if (listed[page])
			text = say(x, "%s %d", text, page);
	struct program *p = exam_run(x, "guard", &launch);

	expect_output(x, p, say(x, "%s\n", text), "a list may be long: each page once, ascending");
	expect_exit(x, p, 0, "all went well");
}

static void one_fault_a_page(struct exam *x)
{
	static const char *const after_faults[] = { "another fault", "an unmapping",
						    "a line is written", "it ends" };
	struct dirty_run run = start_dirty(x, false);
	struct moment output = at_calls(call_set_family(FAMILY_WRITE));
	struct moment unmap = at_calls(
		call_set_both(call_set_one(CALL_munmap), call_set_one(CALL_shmdt)));
	struct watch *written = NULL; /* the byte that has faulted last */
	bool returned = false; /* from the handler of the last fault, or the write was done */
	int reached;

	/* a pipe to a parent or a helper may be written to in between */
	output.of_descriptor = true;
	output.descriptor = STDOUT_FILENO;
	do {
		reached = run_to(x, run.program, at_signal(SIGSEGV), unmap, output, at_last_exit(),
				 at_handler_end(), at_watch(written));
		if (reached == 0 && !look_at_fault(x, &run))
			return;
		if (reached == 0) {
			returned = false;
			if (written != NULL)
				unwatch(x, written);
			if (have_watchpoints(x))
				written = watch_memory(x, run.buffer.process,
						       last_stop(x, run.program)->fault_address, 1,
						       WATCH_STORES);
		}
		if (reached >= 4 && still_mapped(x, &run)) {
			if (!pages_are_as_they_should(x, &run, NOT_OPENED))
				return;
			returned = true;
		}
		if (reached == 1 && run.faults > 0 && run.faults < run.distinct &&
		    still_mapped(x, &run) && !pages_are_as_they_should(x, &run, NOT_OPENED))
			return;
		/* A parent may give its own copy back while its child is at work. */
	} while (reached == 0 || reached >= 4 ||
		 (reached == 1 && (run.faults < run.distinct ||
				   last_stop(x, run.program)->process != run.buffer.process ||
				   !unmaps_buffer(last_stop(x, run.program)->event, &run.buffer))));

	const struct event *refused = refused_opening(x, run.program);

	need(x, run.faults == run.distinct,
	     .expected = say(x, "%s: %d faults, one for each page written",
			     command_of(x, run.program), run.distinct),
	     .observed = say(x, "%d of them, then %s", run.faults,
			     reached >= 0 ? after_faults[reached]
					  : reached_text(x, run.program, reached)),
	     .from = refused ? from_event(x, refused) : NULL,
	     .at = reached >= 0 ? last_stop(x, run.program)->at : NULL,
	     .why = refused ? unaligned
			    : "what the list says must come from the faults, not from the arguments");
	/* A buffer that goes to free(3) is made writable before, all of it. */
	if (reached == 1 && pages_are_as_they_should(x, &run, returned ? OPENED : ALL)) {
		uint64_t written = written_kb(x, &run), least = run.distinct * page_size() / 1024;

		expect(x, written >= least,
		       .expected = say(x, "a byte written to each of %d pages: %llu kB resident",
				       run.distinct, (unsigned long long)least),
		       .observed = say(x, "%llu kB", (unsigned long long)written),
		       .why = "after the handler the write goes on, it is not left out");
	}
	finish(x, run.program);
	expect_output(x, run.program, run.text, "each page once, ascending");
	expect_exit(x, run.program, 0, "all went well");
	if (!failed(x))
		expect_long_list(x);
}

/*
 * No page can be opened from here on, at most MOST_TRIES times. False where the handler makes no
 * call that could fail.
 */
static bool refuse_in_handler(struct exam *x, struct program *p, int *tries)
{
	static const enum call calls[] = { CALL_mprotect, CALL_pkey_mprotect, CALL_mmap };
	struct fault *fault[3];
	bool struck = false;

	*tries = 0;
	set_limits(x, p, 2000, 10000, 60000);
	do {
		for (int i = 0; i < 3; i++)
			fault[i] = fail_call(x, p, calls[i], ENOMEM, NULL, 0);
		int reached = run_to(x, p, at_signal(SIGSEGV), at_end());

		struck = struck || fault_struck(fault[0]) || fault_struck(fault[1]) ||
			 fault_struck(fault[2]);
		if (reached != 0)
			return struck;
	} while (struck && ++*tries < MOST_TRIES);
	return struck;
}

static void refused_page_ends(struct exam *x)
{
	struct dirty_run run = start_dirty(x, false);
	int tries;

	need_moment(x, run.program, at_signal(SIGSEGV), "a fault at the first page");
	if (!refuse_in_handler(x, run.program, &tries))
		skip(x, "the handler opens pages by a call that this check cannot make fail");
	need(x, tries < MOST_TRIES,
	     .expected = "the program ends when mprotect fails in its handler",
	     .observed = say(x, "the same write faults again and again (%d times)", tries),
	     .from = say(x, "SIGSEGV at 0x%llx, mprotect = -1 ENOMEM each time",
			 (unsigned long long)last_stop(x, run.program)->fault_address),
	     .at = last_stop(x, run.program)->at,
	     .why = "returning from the handler repeats the write; a page that stayed closed faults for ever");
	expect_error(x, run.program,
		     "the kernel may refuse: 65,530 mappings are the usual limit of a process, and "
		     "each page opened on its own makes two more");
}

/* ---- task 6: faults of others -----------------------------------------------------------------
 */

static void expect_death(struct exam *x, struct program *p, uint64_t address)
{
	int faults = 0;

	wild_jump(x, last_stop(x, p)->process, address);
	set_limits(x, p, 1000, 10000, 60000);
	while (faults < MOST_TRIES && run_to(x, p, at_signal(SIGSEGV)) == 0)
		faults++;
	struct ending end = ending(p);

	expect(x, end.how == KILLED && end.status == SIGSEGV,
	       .expected = say(x, "%s: a fault at 0x%llx, outside the guards, kills with SIGSEGV",
			       command_of(x, p), (unsigned long long)address),
	       .observed = faults < MOST_TRIES
				   ? ending_text(x, p)
				   : say(x, "it faults again and again (%d times)", faults),
	       .why = "a handler that swallows every fault turns each bug into a wrong report or "
		      "an endless loop");
	expect_output(x, p, "", "that fault hit neither a guard nor a page of the list");
	kill_program(x, p);
}

/* Far below the buffer; of one that lies low itself, the lowest pages, which nobody may map. */
static uint64_t place_below(struct exam *x, const struct guarded *b)
{
	const struct maps *maps = maps_now(x, b->process);
	const uint64_t far = (uint64_t)1 << 34, step = (uint64_t)1 << 30;
	uint64_t address = b->start > far ? b->start - far : 0;

	while (address > step && maps_at(maps, address) != NULL)
		address -= step;
	return address > step ? address : (uint64_t)pick(x, 64, 60000);
}

/* In a wide gap above the buffer, far below what follows: that may be a stack, which grows; 0 where
 * there is no such gap. */
static uint64_t place_above(struct exam *x, const struct guarded *b)
{
	const struct maps *maps = maps_now(x, b->process);
	const uint64_t wide = (uint64_t)96 << 20;

	for (size_t i = 0; i + 1 < maps->count; i++) {
		uint64_t from = maps->vma[i].end, to = maps->vma[i + 1].start;

		if (from > b->end && to > from && to - from >= wide && to >> 47 == 0)
			return from + (wide >> 3);
	}
	return 0;
}

/* The byte next to a guard, on its far side; 0 where code is mapped there: a jump would be none. */
static uint64_t place_beside(struct exam *x, const struct guarded *b, bool above)
{
	const struct maps *maps = maps_now(x, b->process);
	const struct vma *guard = maps_at(maps, above ? b->end : b->start - 1);
	uint64_t address = guard == NULL ? 0 : above ? guard->end : guard->start - 1;
	const struct vma *beside = address == 0 ? NULL : maps_at(maps, address);

	return beside == NULL || beside->perms[2] == '-' ? address : 0;
}

enum place { AT_NULL, BELOW, ABOVE, NEXT_BELOW, NEXT_ABOVE };

static uint64_t place(struct exam *x, const struct guarded *b, enum place where)
{
	switch (where) {
	case BELOW:
		return place_below(x, b);
	case ABOVE:
		return place_above(x, b);
	case NEXT_BELOW:
	case NEXT_ABOVE:
		return place_beside(x, b, where == NEXT_ABOVE);
	default:
		return pick(x, 64, 60000);
	}
}

static void wild_while_filling(struct exam *x, const char *command, enum place where)
{
	struct guarded b;
	int64_t pages = unlike(x, 5);
	struct program *p = start(x, "guard", .args = { command, number(x, pages), "6000" });

	need_buffer(x, p, pages, &b);
	if (write_byte(x, p, &b, strcmp(command, "underflow") == 0, 0) != 0)
		return;
	uint64_t address = place(x, &b, where);

	if (address != 0)
		expect_death(x, p, address);
}

/* In `dirty` too, as far as it works: whether it does is the business of other checks. */
static void wild_in_dirty(struct exam *x, enum place where)
{
	struct dirty_run run = start_dirty(x, false);

	if (run_to(x, run.program, at_signal(SIGSEGV)) != 0)
		return;
	struct watch *watch = watch_memory(
		x, run.buffer.process, last_stop(x, run.program)->fault_address, 1, WATCH_STORES);

	if (run_to(x, run.program, at_watch(watch)) != 0)
		return;
	unwatch(x, watch);
	uint64_t address = place(x, &run.buffer, where);

	if (address != 0)
		expect_death(x, run.program, address);
}

/*
 * A guard is no page of the list. Whether `dirty` says of a hit what the other commands say, or
 * dies of it as of any foreign fault, is its own business; but it must not come back to it for
 * ever.
 */
static void expect_guard_kept_closed(struct exam *x, bool above)
{
	struct dirty_run run = start_dirty(x, false);
	struct program *p = run.program;
	int64_t far = pick(x, 64, page_size() - 1);
	uint64_t address = above ? run.buffer.end + far : run.buffer.start - far;
	const struct vma *opened = NULL;
	int faults = 0;

	if (run_to(x, p, at_signal(SIGSEGV)) != 0)
		return;
	struct watch *watch = watch_memory(x, run.buffer.process, last_stop(x, p)->fault_address, 1,
					   WATCH_STORES);

	if (run_to(x, p, at_watch(watch)) != 0)
		return;
	unwatch(x, watch);
	wild_jump(x, last_stop(x, p)->process, address);
	set_limits(x, p, 1000, 10000, 60000);
	while (faults < MOST_TRIES && run_to(x, p, at_signal(SIGSEGV)) == 0) {
		const struct vma *guard = maps_at(maps_now(x, last_stop(x, p)->process), address);

		if (guard != NULL && !is_closed(guard))
			opened = guard;
		faults++;
	}
	expect(x, faults < MOST_TRIES,
	       .expected = say(x, "%s: a fault in the guard %s the buffer ends the program",
			       command_of(x, p), above ? "above" : "below"),
	       .observed = say(x, "it faults again and again (%d times)%s", faults,
			       opened ? ", and the guard was opened" : ""),
	       .from = opened ? from_vma(x, opened) : NULL,
	       .why = "only pages of the buffer may be opened; the exam made the program fault in a guard, as a wild pointer does");
	kill_program(x, p);
}

static void wild_pointer_kills(struct exam *x)
{
	need_watchpoints(x);
	wild_while_filling(x, "overflow", AT_NULL);
	wild_while_filling(x, "overflow", ABOVE);
	wild_while_filling(x, "underflow", BELOW);
	wild_while_filling(x, "underflow", ABOVE);
	wild_while_filling(x, "overflow", NEXT_ABOVE);
	wild_while_filling(x, "underflow", NEXT_BELOW);
	wild_in_dirty(x, BELOW);
	wild_in_dirty(x, ABOVE);
	expect_guard_kept_closed(x, false);
	expect_guard_kept_closed(x, true);
}

/* ---- task 4 again: what a handler may call, in whatever it does -------------------------------
 */

static void need_only_safe_calls(struct exam *x, struct program *p, const char *when)
{
	const struct event *e = unsafe_in_handler(x, p);

	if (e != NULL)
		need(x, false,
		     .expected =
			     "in the handler only functions of signal-safety(7), mprotect, munmap "
			     "and mmap",
		     .observed = say(x, "%s%s: the handler calls %s", command_of(x, p), when,
				     e->path),
		     .from = from_event(x, e),
		     .why = "a signal may come in the middle of this very function, with its lock "
			    "held and its data half changed");
}

static void expect_safe(struct exam *x, struct program *p, const char *when)
{
	watch_handlers(x, p);
	finish(x, p);
	need_only_safe_calls(x, p, when);
}

/* The way out of an error is as much a part of the handler as the rest. */
static void expect_safe_errors(struct exam *x)
{
	expect_safe(
		x, start(x, "guard", .args = { "overflow", "2", "9000" }, .stdout_is = OUTPUT_FULL),
		" into a full device");

	struct dirty_run run = start_dirty(x, true);
	int tries;

	if (run_to(x, run.program, at_signal(SIGSEGV)) == 0)
		refuse_in_handler(x, run.program, &tries);
	kill_program(x, run.program);
	need_only_safe_calls(x, run.program, ", where a page cannot be opened");
}

static void expect_safe_farewell(struct exam *x)
{
	int64_t pages = unlike(x, 5);
	struct program *p = start(x, "guard", .args = { "overflow", number(x, pages), "6000" });
	struct guarded b;

	watch_handlers(x, p);
	need_buffer(x, p, pages, &b);
	if (write_byte(x, p, &b, false, 0) != 0)
		return;
	wild_jump(x, last_stop(x, p)->process, pick(x, 64, 60000));
	set_limits(x, p, 1000, 10000, 60000);
	for (int faults = 0; faults < 2 && run_to(x, p, at_signal(SIGSEGV)) == 0;)
		faults++;
	kill_program(x, p);
	need_only_safe_calls(x, p, ", at a fault elsewhere");
}

static void handler_is_signal_safe(struct exam *x)
{
	int64_t bytes = 2 * page_size() + pick(x, 1, 99);

	expect_safe(x, start(x, "guard", .args = { "overflow", "2", number(x, bytes) }), "");
	expect_safe(x, start(x, "guard", .args = { "underflow", "2", number(x, bytes) }), "");
	expect_safe(x, start(x, "guard", .args = { "dirty", "9", "4", "7", "1" }), "");
	expect_safe_errors(x);
	if (have_watchpoints(x))
		expect_safe_farewell(x);
}

/* ---- the end ----------------------------------------------------------------------------------
 */

static const struct event *newest_event(const struct program *p)
{
	const struct event *newest = NULL;

	for (const struct event *e = next_event(p, NULL); e != NULL; e = next_event(p, e))
		newest = e;
	return newest;
}

/* Whether a munmap(2) after `since` took this page away: its place may have been used again by
 * something else. */
static bool was_unmapped(struct exam *x, const struct process *process, const struct event *since,
			 uint64_t page)
{
	const struct event *e = since;

	while ((e = next_call(x, program_of(process), e, call_set_one(CALL_munmap), NULL)) != NULL)
		if (e->process == process && e->returned && e->result == 0 && page >= e->args[0] &&
		    page - e->args[0] < e->args[1])
			return true;
	return false;
}

static void need_gone(struct exam *x, struct program *p, const struct guarded *b,
		      const struct event *since)
{
	const struct maps *maps = maps_now(x, b->process);

	for (uint64_t page = b->start - page_size(); page <= b->end; page += page_size()) {
		const struct vma *vma = maps_at(maps, page);

		if (vma == NULL || was_unmapped(x, b->process, since, page))
			continue;
		need(x, false,
		     .expected = say(x, "%s: buffer and guards unmapped when it ends",
				     command_of(x, p)),
		     .observed = page < b->start || page == b->end ? "a guard is still mapped"
								   : "the buffer is still mapped",
		     .from = from_vma(x, vma), .at = at_mapping(x, b->process, vma),
		     .why = "what is mapped must be unmapped by somebody, guards too; a long-lived program would fill up");
	}
}

/*
 * Programs that hit a guard, die or give up have nothing to unmap: that they should not is the
 * business of other checks. The line may come before the munmap or behind it.
 */
static void expect_unmapped(struct exam *x, struct program *p, int64_t pages, bool faults)
{
	struct guarded b;

	need_buffer(x, p, pages, &b);
	const struct event *since = newest_event(p);
	struct moment end = only(b.process, at_exit());

	if ((faults ? run_to(x, p, end) : run_to(x, p, end, at_signal(SIGSEGV))) == 0 &&
	    last_stop(x, p)->event->result == 0)
		need_gone(x, p, &b, since);
}

static void everything_is_unmapped(struct exam *x)
{
	int64_t pages = unlike(x, pick(x, 7, 40));
	const char *text = number(x, pages);

	expect_unmapped(x, start(x, "guard", .args = { "overflow", text, "100" }), pages, false);
	expect_unmapped(x, start(x, "guard", .args = { "underflow", text, "100" }), pages, false);
	expect_unmapped(x, start(x, "guard", .args = { "dirty", text, "2", "5" }), pages, true);
}

static const struct words bad_usage[] = {
	{ { "overflow", "0", "1" } },
	{ { "underflow", "0", "1" } },
	{ { "dirty", "0", "0" } },
	{ { "dirty", "4", "4" } },
	{ { "dirty", "4", "1", "5" } },
	{ { "dirty", "4" } },
	{ { "overflow", "3" } },
	{ { "overflow", "3", "1", "1" } },
	{ { "overflow", "3x", "1" } },
	{ { "underflow", "3", "-1" } },
	{ { "dirty", "4", "+1" } },
	{ { "dirty", "4", "" } },
	{ { "sideways", "3", "1" } },
	{ { "overflow", "", "1" } },
	{ { "overflow", " 3", "1" } },
	{ { "underflow", "0x3", "1" } },
	{ { "dirty", "4", "1.0" } },
	{ { "overflow" } },
	{ { 0 } },
};

/*
 * Whether the program answers rightly in the small. Only then it is asked in the large: what goes
 * wrong in both is the business of another check.
 */
static bool works(struct exam *x, const char *command, const char *pages, const char *last_word,
		  const char *answer, int status)
{
	struct program *p = run(x, "guard", .args = { command, pages, last_word });
	struct ending end = ending(p);

	return strcmp(output(x, p, NULL), answer) == 0 && end.how == EXITED && end.status == status;
}

static void expect_answer(struct exam *x, const char *command, const char *pages,
			  const char *last_word, const char *answer, int status)
{
	bool million = strlen(pages) > 3;
	struct program *p = run(x, "guard", .args = { command, pages, last_word });

	expect_output(x, p, answer,
		      million ? "a million pages are more bytes than an int counts"
			      : "BYTES may be any number: the guard ends the writing");
	expect_exit(x, p, status,
		    million ? "a million pages are addresses, not memory"
			    : "BYTES may be any number: the guard ends the writing");
}

static void expect_large(struct exam *x)
{
	bool over = works(x, "overflow", "2", "5", "ok\n", 0),
	     under = works(x, "underflow", "2", "5", "ok\n", 0);

	if (works(x, "overflow", "1", number(x, page_size() + 1),
		  say(x, "guard above offset %zu\n", page_size()), 3))
		expect_answer(x, "overflow", "2", number(x, (int64_t)1 << 40),
			      say(x, "guard above offset %zu\n", 2 * page_size()), 3);
	if (works(x, "underflow", "1", number(x, 3 * page_size()), "guard below offset -1\n", 3))
		expect_answer(x, "underflow", "2", number(x, (int64_t)1 << 40),
			      "guard below offset -1\n", 3);
	if (!memory_for_a_million())
		return;
	int64_t most = calls_page_by_page(x) ? 1000 : 1000000;
	const char *pages = number(x, most);

	if (over)
		expect_answer(x, "overflow", pages, number(x, pick(x, 1, 9000)), "ok\n", 0);
	if (under)
		expect_answer(x, "underflow", pages, number(x, pick(x, 1, 9000)), "ok\n", 0);
	const char *page = number(x, pick(x, most - most / 2 + most / 32, most - 1));

	if (works(x, "dirty", "3", "2", "dirty 2\n", 0))
		expect_answer(x, "dirty", pages, page, say(x, "dirty %s\n", page), 0);
}

/* 2^52 + 1 pages of 4096 bytes are 4096 bytes, for who multiplies without looking. */
static const char impossible[] = "4503599627370497";

/*
 * A refused mprotect before the first write: of the guards or of the buffer, and in `dirty` of what
 * makes a buffer read-only that was mapped writable. Who gets its guards in some other way is right
 * too.
 */
static void expect_protected(struct exam *x)
{
	const char *why =
		"mprotect failed with ENOMEM here (the exam saw to it): without it the guards are not there, or the buffer is not "
		"what it should be";
	int64_t pages = unlike(x, 3);
	struct program *p = start(x, "guard", .args = { "overflow", number(x, pages), "9" });
	struct fault *fault = fail_call(x, p, CALL_mprotect, ENOMEM, NULL, 0);
	struct guarded b;

	if (!reach_buffer(x, p, pages, &b, NULL) && fault_struck(fault)) {
		finish(x, p);
		expect_error(x, p, why);
	}
	kill_program(x, p);

	p = start(x, "guard", .args = { "dirty", number(x, pages), "1" });
	if (!reach_buffer(x, p, pages, &b, NULL))
		return;
	const struct vma *first = maps_at(maps_now(x, b.process), b.start);

	if (first == NULL || !vma_perms_are(first, "?w??"))
		return;
	fault = fail_call(x, p, CALL_mprotect, ENOMEM, NULL, 0);
	finish(x, p);
	if (fault_struck(fault))
		expect_error(x, p, why);
}

static void expect_refusals(struct exam *x)
{
	static const char *const full[][4] = {
		{ "overflow", "2", "1", "ok\n" },
		{ "underflow", "1", "1000000", "guard below offset -1\n" },
		{ "dirty", "6", "2", "dirty 2\n" },
	};

	expect_error(x, run(x, "guard", .args = { "overflow", impossible, "5000" }),
		     "the size of the buffer does not fit into a size_t");
	expect_error(x, run(x, "guard", .args = { "dirty", impossible, "2" }),
		     "the size of the buffer does not fit into a size_t");
	for (size_t i = 0; i < sizeof(full) / sizeof(full[0]); i++)
		if (works(x, full[i][0], full[i][1], full[i][2], full[i][3],
			  strcmp(full[i][0], "underflow") == 0 ? 3 : 0))
			expect_error(x,
				     run(x, "guard", .args = { full[i][0], full[i][1], full[i][2] },
					 .stdout_is = OUTPUT_FULL),
				     "a result that could not be printed is none");
	struct program *p = start(x, "guard", .args = { "overflow", "3", "9" });
	struct fault *fault = fail_call(x, p, CALL_mmap, ENOMEM, NULL, 0);

	/* Not the first alone: who asks once more, elsewhere or for less, may do so. */
	for (int i = 1; i < MOST_TRIES; i++)
		fail_call(x, p, CALL_mmap, ENOMEM, NULL, 0);
	finish(x, p);
	if (fault_struck(fault))
		expect_error(x, p, "mmap reports failure with MAP_FAILED");
	expect_protected(x);
}

static void sizes_and_errors(struct exam *x)
{
	expect_usage(x, run(x, "guard"));
	expect_usages(x, "guard", bad_usage);
	expect_large(x);
	expect_refusals(x);
}

/* ---- the lab ----------------------------------------------------------------------------------
 */

static void show(struct exam *x, const char *const *args)
{
	struct program *p = start_shown(x, "guard", args, .args = { "dirty", "6", "4", "1", "4" });

	/* Worth a look: each fault, and what is left in the end. */
	while (run_to(x, p, at_signal(SIGSEGV), at_exit()) >= 0)
		;
}

LAB(.id = "04-protection", .title = "Pages that nobody may touch",
    .programs = {{"guard", NULL}},
    .checks =
	    {
		    {"guards-on-both-sides",
		     2,
		     1,
		     NULL,
		     "a page without access stands right below and right above the buffer",
		     guards_on_both_sides,
		     {"What stands in /proc/PID/maps right before and right after your buffer?",
		      "Map two pages more than asked for, all of them PROT_NONE, and open the middle.",
		      "mmap(NULL, length + 2 * page, PROT_NONE, …), then mprotect(below + page, length, …)."}},
		    {"handler-gets-the-address",
		     2,
		     2,
		     "guards-on-both-sides",
		     "SIGSEGV is caught by a handler that is told the address",
		     handler_gets_the_address,
		     {"How does your handler learn which address was touched?",
		      "sigaction(2): a handler with three arguments needs a flag.",
		      "action.sa_sigaction = handler; action.sa_flags = SA_SIGINFO;"}},
		    {"bytes-in-order",
		     2,
		     3,
		     "handler-gets-the-address",
		     "bytes are written one at a time and in order, both ways, and exactly BYTES of them",
		     bytes_in_order,
		     {"Which instruction does the compiler make of your loop? Look with objdump -d.",
		      "A plain loop of stores becomes memset; the pointer has to be to volatile.",
		      "volatile unsigned char *p: p[i] forwards, p[length - 1 - i] backwards, for i from 0 to BYTES - 1."}},
		    {"guard-hit-is-reported",
		     2,
		     4,
		     "bytes-in-order",
		     "a hit on a guard is reported with its offset, and the exit status is 3",
		     guard_hit_is_reported,
		     {"From where is N counted?",
		      "N is si_addr less the start of the buffer: -1 is the last byte of the lower guard.",
		      "intptr_t offset = (char *)info->si_addr - start; write(1, …); _exit(3);"}},
		    {"handler-is-signal-safe",
		     2,
		     4,
		     "handler-gets-the-address",
		     "the handler calls only what a signal handler may call",
		     handler_is_signal_safe,
		     {"Which functions may a handler call? There is a man page with the list.",
		      "signal-safety(7): write and _exit are in it, printf, malloc and exit are not.",
		      "Turn the number into digits yourself, in a local array, and write(2) it."}},
		    {"one-fault-a-page",
		     3,
		     5,
		     "handler-gets-the-address",
		     "dirty: one fault for each page that is written, and only this page is opened",
		     one_fault_a_page,
		     {"How many faults does `dirty 4 1 1 2` have to make?",
		      "Round the address down to its page: mprotect(2) takes nothing else. PROT_WRITE replaces PROT_READ.",
		      "mprotect(start + offset / page * page, page, PROT_READ | PROT_WRITE); opened[offset / page] = true;"}},
		    {"refused-page-ends",
		     2,
		     5,
		     "one-fault-a-page",
		     "when a page cannot be opened, the program ends with an error",
		     refused_page_ends,
		     {"What does the CPU do after a handler has returned?",
		      "mprotect may fail in the handler too; whoever returns then comes back at once.",
		      "if (mprotect(…) == -1) { write(2, …); _exit(1); }"}},
		    {"wild-pointer-kills",
		     2,
		     6,
		     "handler-gets-the-address",
		     "a fault elsewhere still kills the program",
		     wild_pointer_kills,
		     {"What happens when another part of the program follows a null pointer?",
		      "Neither guard nor buffer: then it is not yours. The default action is right.",
		      "signal(SIGSEGV, SIG_DFL); return; — the instruction faults again, and dies."}},
		    {"everything-is-unmapped",
		     1,
		     3,
		     "guards-on-both-sides",
		     "buffer and guards are unmapped before the program ends",
		     everything_is_unmapped,
		     {"Guards are mappings too. Who removes them?",
		      "munmap(start - page, length + 2 * page) takes all three at once, before you return."}},
		    {"sizes-and-errors",
		     2,
		     1,
		     NULL,
		     "a million pages work; impossible sizes, bad arguments and failures are refused",
		     sizes_and_errors,
		     {"What is PAGES times the size of a page for 4503599627370497?",
		      "size_t, not int; test before you multiply; MAP_FAILED, not NULL; stdout can be full.",
		      "if (pages > SIZE_MAX / page - 2) fail; if (fflush(stdout) == EOF) fail;"}},
	    },
    .show = show);
