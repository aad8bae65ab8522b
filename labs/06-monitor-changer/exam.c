/*
 * Lab 06: a pair of numbers in a file, changed by some programs and watched by others.
 *
 * The pair is 8 bytes. Watchpoints stop a program right after each load and store of them: there
 * the exam changes the pair under a monitor, or lets a second changer run while the first one is
 * held between its load and its store.
 */
#include "exam/exam.h"

#include <inttypes.h>

#define SHARED "shared"

/* A pair as the file has it. */
struct pair {
	int32_t pid, counter;
};
_Static_assert(sizeof(struct pair) == 8, "the file has 8 bytes");

/*
 * Between two looks of a monitor: 90 to 110 ms. A sleep until "now + 100 ms" loses what goes by
 * between the two calls, much of it on a busy machine: so most pauses must keep to the slack, and
 * every one to the tolerance, but where real time makes up for what is missing.
 */
enum { PAUSE_MS = 100, SLACK_MS = 10, TOLERANCE_MS = 25, PAUSES = 80 };

/* A size that an int takes for 0. */
static const off_t four_gib = (off_t)1 << 32;

/* A pause may be made of many short ones; and what to_next_line() says where no line comes. */
enum { MOST_SLEEPS = 4000, NO_LINE = -100 };

/* Who sleeps until a clock says that 100 ms are over is believed after so many pauses. */
enum { PAUSES_BY_CLOCK = 8 };

/* What a monitor may sleep in one run, and less than there is between two looks. */
enum { MOST_VIRTUAL_MS = 60000, NEXT_LOOK_MS = 50 };

/* A look takes microseconds: who needs so much from one sleep to the next does not sleep. */
enum { MOST_CPU_MS = 100 };

static struct pair fresh_pair(struct exam *x)
{
	return (struct pair){ .pid = (int32_t)pick(x, 300, 4000000),
			      .counter = (int32_t)pick(x, 5, 1000000000) };
}

static void set_pair(struct exam *x, struct pair pair)
{
	put_bytes(x, SHARED, 0, &pair, sizeof pair);
}

static void put_pair(struct exam *x, struct pair pair)
{
	put_file(x, SHARED, &pair, sizeof pair, 0644);
}

static struct pair pair_now(struct exam *x)
{
	struct bytes b = file_bytes(x, SHARED, 0, sizeof(struct pair));
	struct pair pair = { 0, 0 };

	memcpy(&pair, b.data, b.size < sizeof pair ? b.size : sizeof pair);
	return pair;
}

static bool same(struct pair a, struct pair b)
{
	return a.pid == b.pid && a.counter == b.counter;
}

static const char *pair_text(struct exam *x, struct pair p)
{
	return say(x, "pid %" PRId32 " count %" PRId32, p.pid, p.counter);
}

/* ---- the monitor ---------------------------------------------------------------------------- */

static void limit_monitor(struct exam *x, struct program *p, int64_t virtual_ms)
{
	set_limits(x, p, MOST_CPU_MS, 20000, virtual_ms);
}

/* One that runs until it is killed. A monitor that never sleeps is stopped by the limit on CPU. */
static struct program *start_monitor(struct exam *x, const char *changes)
{
	struct program *p = start(x, "login", .args = { "monitor", changes });

	limit_monitor(x, p, MOST_VIRTUAL_MS);
	return p;
}

/* One that should end soon. One that does not may sleep in naps of a millisecond: not for long. */
static struct program *run_monitor(struct exam *x, const char *changes)
{
	struct program *p = start(x, "login", .args = { "monitor", changes });

	limit_monitor(x, p, 20 * PAUSE_MS);
	finish(x, p);
	return p;
}

/* Where it has not slept yet: the call by which it set a timer, which only real time moves, or
 * NULL. */
static const struct event *timer_of(struct exam *x, struct program *p)
{
	return asked_sleep_ms(p) > 0 ? NULL
				     : next_call(x, p, NULL, call_set_family(FAMILY_TIMER), NULL);
}

/*
 * To its next sleep, 0, or to its end, 1. Who waits with a time-out, for a signal's descriptor for
 * one, does not stop there: with him it is the time of a pause later, and one look or two. Who has
 * set a timer gets some real time.
 */
static int to_pause(struct exam *x, struct program *p)
{
	int64_t until = virtual_ms(x) + PAUSE_MS + TOLERANCE_MS;
	int reached = 2;

	limit_monitor(x, p, PAUSE_MS + TOLERANCE_MS);
	if (asked_sleep_ms(p) > 0)
		reached = run_to(x, p, at_sleep(), at_end());
	else if (timer_of(x, p) == NULL)
		reached = run_to(x, p, at_sleep(), at_end(),
				 after_calls(call_set_family(FAMILY_TIMER)));
	if (reached == 2) {
		set_limits(x, p, MOST_CPU_MS, 10 * PAUSE_MS, PAUSE_MS + TOLERANCE_MS);
		reached = run_to(x, p, at_sleep(), at_end());
		if (reached == SPENT)
			reached = 0;
	}
	limit_monitor(x, p, MOST_VIRTUAL_MS);
	return reached == SPENT && virtual_ms(x) >= until ? 0 : reached;
}

static void creates_shared(struct exam *x)
{
	struct program *p = start_monitor(x, NULL);
	int reached = to_pause(x, p);

	need(x, name_exists(x, SHARED),
	     .expected = "a file \"shared\" when the monitor first sleeps",
	     .observed = say(x, "none; %s",
			     reached < 0 ? reached_text(x, p, reached) : ending_text(x, p)),
	     .why = "the monitor creates the file where it is missing");
	expect_mode(x, SHARED, 0644, "given to open(2) as an octal number: 0644");
	expect_size(x, SHARED, 8, "two ints of four bytes");
	expect_bytes(x, SHARED, 0, "\0\0\0\0\0\0\0\0", 8, "nobody has stored anything yet");
}

/* A monitor looks once at a file of these bytes: they stand, and zeros are added up to 8. */
static bool expect_kept(struct exam *x, size_t size, const char *why)
{
	unsigned char *data = room(x, size + 8);

	memcpy(data, pick_bytes(x, size), size);
	for (size_t i = 0; i < size; i++)
		data[i] |= 1;
	put_file(x, SHARED, data, size, 0644);

	struct program *p = start_monitor(x, "1");

	to_pause(x, p);

	bool kept = expect_size(x, SHARED, size < 8 ? 8 : (off_t)size, why) &&
		    expect_bytes(x, SHARED, 0, data, size < 8 ? 8 : size, why) &&
		    expect(x, ending(p).how != KILLED && ending(p).status == 0,
			   .expected = "the monitor looks at this file, and ends with 0 if at all",
			   .observed = ending_text(x, p), .why = why);

	kill_program(x, p);
	return kept;
}

static bool expect_huge_kept(struct exam *x, struct pair pair)
{
	const char *why = "a longer file is accepted, whatever its size: st_size is an off_t";

	put_pair(x, pair);
	set_size(x, SHARED, four_gib);

	struct program *p = start_monitor(x, "1");

	to_pause(x, p);

	bool kept = expect_size(x, SHARED, four_gib, why) &&
		    expect(x, same(pair_now(x), pair), .expected = pair_text(x, pair),
			   .observed = pair_text(x, pair_now(x)), .why = why) &&
		    expect(x, ending(p).how != KILLED && ending(p).status == 0,
			   .expected = "the monitor looks at a file of 4 GiB",
			   .observed = ending_text(x, p), .why = why);

	kill_program(x, p);
	remove_name(x, SHARED);
	put_pair(x, pair);
	return kept;
}

/* A monitor that starts leaves this pair alone, odd as it may look. */
static bool expect_pair_kept(struct exam *x, struct pair pair)
{
	set_pair(x, pair);

	struct program *p = start_monitor(x, NULL);

	to_pause(x, p);

	bool kept = expect(
		x, same(pair_now(x), pair), .expected = pair_text(x, pair),
		.observed = say(x, "%s after the start of a monitor", pair_text(x, pair_now(x))),
		.why = "a zero in one half is a number like others");

	kill_program(x, p);
	return kept;
}

/* The pair changes right behind a monitor's load of it: it stands, whatever was loaded. */
static bool expect_nothing_stored_back(struct exam *x)
{
	enum { LOOKS = 3 };
	bool kept = true;

	put_pair(x, fresh_pair(x));

	struct program *p = start_monitor(x, NULL);
	struct watch *watch = watch_file(x, SHARED, 0, 8, WATCH_ACCESSES);

	for (int i = 0; i < LOOKS && kept; i++) {
		struct pair next = fresh_pair(x);

		if (run_to(x, p, at_watch(watch), at_end()) != 0)
			break;

		const char *at = last_stop(x, p)->at;

		set_pair(x, next);
		if (to_pause(x, p) != 0)
			break;
		kept = expect(
			x, same(pair_now(x), next), .expected = pair_text(x, next),
			.observed = say(x, "%s at the monitor's next sleep",
					pair_text(x, pair_now(x))),
			.from = "a changer stored its pair right behind a load of the monitor",
			.at = at,
			.why = "who only watches stores nothing, not even what it has loaded");
	}
	unwatch(x, watch);
	kill_program(x, p);
	return kept;
}

static void keeps_the_bytes(struct exam *x)
{
	struct pair pair = fresh_pair(x);

	if (!expect_kept(x, 8, "a pair that stands in the file is somebody's") ||
	    !expect_kept(x, 20, "a longer file is accepted as it is") ||
	    !expect_kept(x, 5, "a shorter file is extended by zeros, its bytes kept") ||
	    !expect_kept(x, 0, "an empty file is extended") || !expect_huge_kept(x, pair))
		return;

	struct program *first = start_monitor(x, NULL);

	to_pause(x, first);
	if (!expect_pair_kept(x, (struct pair){ 0, pair.counter }) ||
	    !expect_pair_kept(x, (struct pair){ pair.pid, 0 }))
		return;
	set_pair(x, pair);

	struct program *second = start_monitor(x, NULL);

	to_pause(x, second);
	if (expect(x, same(pair_now(x), pair), .expected = pair_text(x, pair),
		   .observed = say(x, "%s after the start of a second monitor",
				   pair_text(x, pair_now(x))),
		   .why = "who only watches changes nothing, and may come at any time") &&
	    have_watchpoints(x)) {
		kill_program(x, first);
		kill_program(x, second);
		expect_nothing_stored_back(x);
	}
}

/* Is the pair mapped shared and readable? A monitor may also map it for each look alone. */
static bool looks_shared(struct exam *x, struct program *p)
{
	for (struct process *q = first_process(p); q != NULL; q = next_process(q))
		if (alive(q) && covers(x, q, SHARED, 0, 8, "r??s"))
			return true;
	if (find_mapping(x, p, SHARED).vma != NULL)
		return false;
	for (const struct event *e = NULL;
	     (e = next_call(x, p, e, call_set_one(CALL_mmap), SHARED)) != NULL;)
		if (e->result > 0 && (e->args[2] & PROT_READ) && (e->args[3] & MAP_SHARED))
			return true;
	return false;
}

static void looks_through_map(struct exam *x)
{
	put_pair(x, fresh_pair(x));

	struct program *p = start_monitor(x, NULL);

	to_pause(x, p);
	set_pair(x, fresh_pair(x));
	to_pause(x, p);
	to_pause(x, p);

	struct mapping m = find_mapping(x, p, SHARED);

	expect(x, looks_shared(x, p), .expected = "the pair mapped r--s or rw-s",
	       .observed = m.vma != NULL ? "mapped otherwise" : "not mapped",
	       .from = m.vma != NULL ? from_vma(x, m.vma) : NULL,
	       .at = m.vma != NULL ? at_mapping(x, m.process, m.vma) : NULL,
	       .why = "MAP_SHARED is the promise that others' stores are seen");
	expect_not_read(x, p, SHARED);
}

static size_t lines_of(struct exam *x, struct program *p)
{
	size_t lines = 0;

	for (const char *c = output(x, p, NULL); *c != '\0'; c++)
		lines += *c == '\n';
	return lines;
}

/* Runs the monitor to the first sleep behind its next line; NO_LINE where none comes. */
static int to_next_line(struct exam *x, struct program *p, size_t lines)
{
	int64_t patience = asked_sleep_ms(p) + 25 * PAUSE_MS;

	for (int sleeps = 0; sleeps < MOST_SLEEPS && asked_sleep_ms(p) <= patience; sleeps++) {
		int reached = to_pause(x, p);

		if (reached != 0 || lines_of(x, p) > lines)
			return reached;
	}
	return NO_LINE;
}

static bool within(int64_t pause, int64_t tolerance)
{
	return pause >= PAUSE_MS - tolerance && pause <= PAUSE_MS + tolerance;
}

/*
 * One of `count` pauses, with the number of those so far, itself included, that left the slack, and
 * the real time that it took.
 */
static bool expect_pause(struct exam *x, struct program *p, int64_t pause, int64_t real, int count,
			 int *off)
{
	bool lost = pause < PAUSE_MS && pause + real >= PAUSE_MS - SLACK_MS;

	*off += !within(pause, SLACK_MS);
	return expect(x, (lost || within(pause, TOLERANCE_MS)) && *off <= count / 2,
		      .expected = "100 ms of sleep between two looks, 90 to 110",
		      .observed = say(x, "%" PRId64 " ms", pause), .at = last_stop(x, p)->at,
		      .why = "shorter pauses burn the processor, longer ones miss changes");
}

/* What was asked for, how often, and what a clock said, up to now. */
struct pauses {
	int64_t asked, real;
	int sleeps;
};

/*
 * A clock does not follow virtual time: who sleeps until it says that 100 ms are over asks for one
 * sleep after the other, more than for himself alone. Real time went by, so he is right.
 */
static bool by_the_clock(struct pauses before, struct pauses now)
{
	return now.asked - before.asked > PAUSE_MS + SLACK_MS && now.sleeps >= before.sleeps + 2 &&
	       now.real - before.real >= PAUSE_MS - SLACK_MS;
}

/*
 * Looks are seen by a watchpoint: what was asked for between two of them, in however many parts.
 * The pair changes at times, then stays for long: neither makes a pause shorter or longer.
 */
static void pauses_between_looks(struct exam *x)
{
	struct program *p = start_monitor(x, NULL);
	struct watch *watch = watch_file(x, SHARED, 0, 8, WATCH_ACCESSES);
	int reached = 0, pauses = 0, without = 0, off = 0, clocked = 0;
	struct pauses before = { .asked = -1 }, now = { .sleeps = 0 };

	while (pauses < PAUSES && clocked < PAUSES_BY_CLOCK &&
	       now.sleeps - before.sleeps < MOST_SLEEPS &&
	       (reached = run_to(x, p, at_watch(watch), at_sleep(), at_end())) <= 1 &&
	       reached >= 0) {
		if (reached == 1) {
			now.sleeps++;
			continue;
		}
		now.asked = asked_sleep_ms(p);
		now.real = real_ms(x);
		if (before.asked >= 0 && now.asked > before.asked) {
			if (by_the_clock(before, now))
				clocked++;
			else if (!expect_pause(x, p, now.asked - before.asked,
					       now.real - before.real, PAUSES, &off))
				return;
			if (pauses++ % 2 == 0 && pauses < 6)
				set_pair(x, (struct pair){ 1, 1 + pauses });
			without = 0;
		} else if (!expect(x, ++without < 40, .expected = "a sleep between two looks",
				   .observed = "forty looks without any sleep",
				   .at = last_stop(x, p)->at,
				   .why = "a monitor that never sleeps burns a processor"))
			return;
		before = now;
	}
	expect(x, reached == 0, .expected = "one look after the other",
	       .observed = reached == SPENT || reached == 1
				   ? "it sleeps and sleeps, and does not look again"
				   : reached_text(x, p, reached),
	       .why = "a monitor goes on looking");
}

/*
 * Without watchpoints: a change comes at the first sleep behind each line, so the next line comes
 * one pause later.
 */
static void pauses_between_lines(struct exam *x)
{
	struct program *p = start_monitor(x, NULL);
	struct pair pair = fresh_pair(x);
	int reached = to_next_line(x, p, 0), off = 0;
	int64_t before = asked_sleep_ms(p), since = real_ms(x);

	for (size_t line = 1; line < 5 && reached == 0; line++) {
		pair.counter++;
		set_pair(x, pair);
		reached = to_next_line(x, p, line);
		if (reached == 0 &&
		    !expect_pause(x, p, asked_sleep_ms(p) - before, real_ms(x) - since, 4, &off))
			return;
		before = asked_sleep_ms(p);
		since = real_ms(x);
	}
	expect(x, reached == 0, .expected = "a line for each change, and a sleep behind it",
	       .observed = say(x, "%s, %zu lines so far",
			       reached == NO_LINE ? "it sleeps on" : reached_text(x, p, reached),
			       lines_of(x, p)),
	       .why = "the monitor sleeps 100 ms between two looks");
}

/*
 * The pair changes again right behind each line: the next line comes after a pause and no sooner.
 * The first line is left out: who looks for the state that it finds, then begins to watch, may look
 * twice there.
 */
static void rests_behind_lines(struct exam *x)
{
	struct program *p = start_monitor(x, NULL);
	struct pair pair = fresh_pair(x);
	int64_t asked = 0, virtual = 0, real = 0;

	for (size_t line = 0; line < 5; line++) {
		while (lines_of(x, p) <= line)
			if (run_to(x, p, after_calls(call_set_family(FAMILY_WRITE)), at_end()) != 0)
				return;
		asked = asked_sleep_ms(p) - asked;
		virtual = virtual_ms(x) - virtual;
		real = real_ms(x) - real;
		if (line > 1 &&
		    !expect(x,
			    asked >= NEXT_LOOK_MS || virtual >= NEXT_LOOK_MS ||
				    real >= PAUSE_MS - SLACK_MS,
			    .expected = "100 ms of sleep behind each line as well",
			    .observed = say(x, "%" PRId64 " ms, then the next line", asked),
			    .at = last_stop(x, p)->at,
			    .why = "the pair changed as soon as the line was out: that "
				   "is seen at the next look, which comes after a pause"))
			return;
		asked = asked_sleep_ms(p);
		virtual = virtual_ms(x);
		real = real_ms(x);
		pair.counter++;
		set_pair(x, pair);
	}
	kill_program(x, p);
}

/* A timer is no sleep: it goes by real time, of which nothing here depends. */
static void expect_no_timer(struct exam *x)
{
	struct program *p = start_monitor(x, NULL);

	to_pause(x, p);
	to_pause(x, p);

	const struct event *timer = timer_of(x, p);

	need(x, timer == NULL,
	     .expected = "a wait by sleep, nanosleep, clock_nanosleep, usleep, poll or select",
	     .observed = timer != NULL ? from_event(x, timer) : NULL,
	     .at = timer != NULL ? at_event(x, timer) : NULL,
	     .why = "the pause is asked for as a sleep, not as a timer");
	kill_program(x, p);
}

static void sleeps_100ms(struct exam *x)
{
	put_pair(x, (struct pair){ 1, 1 });
	expect_no_timer(x);
	if (have_watchpoints(x))
		pauses_between_looks(x);
	else
		pauses_between_lines(x);
	if (!failed(x))
		rests_behind_lines(x);
}

/* To the monitor's next look, 0, past its sleeps; 1 where it sleeps and sleeps and never looks. */
static int to_look(struct exam *x, struct program *p, const struct watch *watch)
{
	int reached = 1;

	for (int sleeps = 0; sleeps < MOST_SLEEPS && reached == 1; sleeps++)
		reached = run_to(x, p, at_watch(watch), at_sleep(), at_end());
	return reached;
}

/* The monitor's next look, and what follows it up to a sleep; false when it has ended. */
static bool next_look(struct exam *x, struct program *p, const struct watch *watch)
{
	int reached = to_look(x, p, watch);

	return reached == 0 ? to_pause(x, p) == 0 : reached == 1;
}

/* Lets the monitor sleep for two looks; false when it has ended. */
static bool two_pauses(struct exam *x, struct program *p)
{
	int64_t until = asked_sleep_ms(p) + 2 * (PAUSE_MS + TOLERANCE_MS);

	while (asked_sleep_ms(p) < until)
		if (to_pause(x, p) != 0)
			return false;
	return true;
}

/* Lets the monitor look twice at least; false when it has ended. */
static bool two_looks(struct exam *x, struct program *p)
{
	struct watch *watch;
	bool looks = true;

	if (!have_watchpoints(x))
		return two_pauses(x, p);
	watch = watch_file(x, SHARED, 0, 8, WATCH_ACCESSES);
	for (int i = 0; i < 2 && looks; i++)
		looks = next_look(x, p, watch);
	unwatch(x, watch);
	return looks;
}

/*
 * A change that the monitor has looked at is printed before it sleeps on: at its first sleep behind
 * that look the line is out.
 */
static void out_before_the_next_sleep(struct exam *x)
{
	struct pair pair = fresh_pair(x);

	put_pair(x, pair);

	struct program *p = start_monitor(x, NULL);
	struct watch *watch = watch_file(x, SHARED, 0, 8, WATCH_ACCESSES);

	for (int i = 0; i < 4 && !failed(x); i++) {
		const char *line = say(x, "%s\n", pair_text(x, pair));

		if (run_to(x, p, at_watch(watch), at_end()) != 0 || to_pause(x, p) != 0)
			break;
		expect(x, strstr(output(x, p, NULL), line) != NULL,
		       .expected = say(x, "the line \"%s\" at the sleep behind the look",
				       pair_text(x, pair)),
		       .observed = say(
			       x, "so far %s",
			       quoted(x, output(x, p, NULL), strlen(output(x, p, NULL)), 300)),
		       .at = last_stop(x, p)->at,
		       .why = "a line that waits in a buffer while the monitor sleeps is late");
		pair.counter++;
		set_pair(x, pair);
	}
	unwatch(x, watch);
	kill_program(x, p);
}

/* It may call so large a number too large, but must not take it for another one. */
static void expect_many_lines(struct exam *x)
{
	struct program *p = start_monitor(x, "4294967297");

	two_looks(x, p);
	expect(x,
	       ending(p).how == STILL_THERE || (ending(p).how == EXITED && ending(p).status != 0),
	       .expected = say(x, "\"%s\" goes on after its first line", command_of(x, p)),
	       .observed = ending_text(x, p),
	       .why = "an int keeps the lower 32 bits of that number, which are 1");
	kill_program(x, p);
}

static void prints_each_change(struct exam *x)
{
	struct pair a = fresh_pair(x), b = fresh_pair(x);
	const struct pair states[] = {
		a,
		b,
		{ b.pid, b.counter + 1 },
		{ b.pid + 1, b.counter + 1 },
		{ b.pid + 1, b.counter - 3 },
		{ 0, 0 },
		{ -7, -1 },
		a,
	};
	enum { STATES = sizeof states / sizeof states[0] };
	const char *lines = "";
	bool runs = true;

	put_pair(x, (struct pair){ 0, 0 });
	struct program *one = run_monitor(x, "1");

	if (!expect_output(x, one, "pid 0 count 0\n",
			   "the state that it finds is the first line, whatever it is") ||
	    !expect_exit(x, one, 0, "one line was asked for, and the first one counts"))
		return;

	/* 08 is eight for who reads decimal digits, and no number for who takes it for octal */
	struct program *p = start_monitor(x, say(x, "0%d", STATES));

	for (size_t i = 0; i < STATES; i++) {
		if (!expect(x, runs, .expected = say(x, "the end after %d lines", STATES),
			    .observed = say(x, "%zu lines; %s", lines_of(x, p), ending_text(x, p)),
			    .why = "the first line counts as well, and numbers are decimal"))
			return;
		lines = say(x, "%s%s\n", lines, pair_text(x, states[i]));
		set_pair(x, states[i]);
		runs = two_looks(x, p);
		if (!expect_output(x, p, lines,
				   "one line for each change, and out before the next sleep"))
			return;
	}
	need(x, !runs && ending(p).how == EXITED,
	     .expected = say(x, "the end after %d lines", STATES), .observed = ending_text(x, p),
	     .why = "the first line counts as well, and numbers are decimal");
	expect_exit(x, p, 0, "it has printed CHANGES lines");

	if (!failed(x) && have_watchpoints(x))
		out_before_the_next_sleep(x);
	put_pair(x, a);

	struct program *endless = start_monitor(x, NULL);

	for (size_t i = 0; i < STATES && two_pauses(x, endless); i++)
		set_pair(x, fresh_pair(x));
	/* more than a minute without any change, in one go: pauses may be made of many short naps
	 */
	set_limits(x, endless, MOST_CPU_MS * 100, 5000, 75000);
	run_to(x, endless, at_end());
	expect(x, ending(endless).how == STILL_THERE,
	       .expected = "a monitor without CHANGES goes on for ever",
	       .observed = ending_text(x, endless), .why = "only CHANGES gives it an end");
	kill_program(x, endless);

	expect_many_lines(x);

	put_file(x, "elsewhere", &a, sizeof a, 0644);
	remove_name(x, SHARED);
	put_link(x, SHARED, "elsewhere");
	expect_output(x, run_monitor(x, "1"), say(x, "%s\n", pair_text(x, a)),
		      "a symbolic link to a regular file is followed");
}

/* The states that the file has had, in their order. */
struct states {
	struct pair pair[32];
	bool must[32]; /* stood during a whole look: its line has to come */
	size_t count;
};

static void next_state(struct exam *x, struct states *s)
{
	/* Two pids in turn, and no count twice: a load of one half alone says nothing of the other.
	 */
	s->pair[s->count].pid = 1000 + (int32_t)(s->count % 2);
	s->pair[s->count].counter = (int32_t)(1000 * (s->count + 1)) + (int32_t)pick(x, 0, 999);
	set_pair(x, s->pair[s->count++]);
}

/*
 * One look of the monitor, with so many changes, each right after an access of its own to the pair.
 * False where it does not look.
 */
static bool one_look(struct exam *x, struct program *p, const struct watch *watch, size_t changes,
		     struct states *s)
{
	bool looked = false;
	int64_t first = 0;

	for (int sleeps = 0; sleeps < MOST_SLEEPS;) {
		int reached = run_to(x, p, at_watch(watch), at_sleep(), at_end());

		if (reached == 1 && looked)
			return true;
		/* a wait with a time-out lies in between: this is the next look already */
		if (reached == 0 && looked && virtual_ms(x) >= first + NEXT_LOOK_MS)
			return true;
		if (reached != 0 && reached != 1)
			return false;
		sleeps += reached;
		if (reached == 0 && !looked)
			first = virtual_ms(x);
		looked |= reached == 0;
		if (reached == 0 && changes > 0) {
			next_state(x, s);
			changes--;
		}
	}
	return false;
}

/* Each line is one of the states, later ones later, none twice, and no lasting one is left out. */
static void expect_states(struct exam *x, struct program *p, const struct states *s)
{
	const char *line = output(x, p, NULL);
	size_t next = 0;

	while (*line != '\0') {
		size_t length = strcspn(line, "\n"), i = next;
		const char *text = say(x, "%.*s", (int)length, line);

		while (i < s->count && strcmp(text, pair_text(x, s->pair[i])) != 0)
			i++;
		if (!expect(x, i < s->count,
			    .expected = "lines that each show a pair which stood in the file, once",
			    .observed = text,
			    .from = say(
				    x, "all lines: %s",
				    quoted(x, output(x, p, NULL), strlen(output(x, p, NULL)), 300)),
			    .why = "the exam changed the pair right after a load: what is compared, "
				   "printed and kept must come from one load of 8 bytes"))
			return;
		for (; next < i; next++)
			if (s->must[next])
				break;
		if (next < i)
			break;
		next = i + 1;
		line += length + (line[length] == '\n');
	}
	for (size_t i = next; i < s->count; i++)
		if (!expect(x, !s->must[i],
			    .expected = say(x, "a line %s", pair_text(x, s->pair[i])),
			    .observed = "no such line, though the pair stood for whole looks",
			    .why = "a change that came between two loads of one look was lost"))
			return;
}

/*
 * The pair changes, and right after the look's first access it is what it was before. A monitor has
 * seen the change, and then sees the way back; or it has seen neither. Never the old pair again
 * alone.
 */
static void expect_no_line_twice(struct exam *x)
{
	struct pair a = { 1, 10 }, b = { 2, 20 };

	put_pair(x, a);

	struct program *p = start_monitor(x, NULL);
	struct watch *watch = watch_file(x, SHARED, 0, 8, WATCH_ACCESSES);

	if (!next_look(x, p, watch) || lines_of(x, p) == 0)
		broken(x, "the monitor printed no line, though it did in an earlier check");
	set_pair(x, b);
	if (to_look(x, p, watch) != 0)
		broken(x, "the monitor did not look, though it did before");
	set_pair(x, a);
	unwatch(x, watch);
	two_looks(x, p);

	const char *once = say(x, "%s\n", pair_text(x, a));
	const char *thrice = say(x, "%s%s\n%s", once, pair_text(x, b), once);
	const char *text = output(x, p, NULL);

	expect(x, strcmp(text, once) == 0 || strcmp(text, thrice) == 0,
	       .expected = say(x, "%s, or no line but the first",
			       quoted(x, thrice, strlen(thrice), 200)),
	       .observed = quoted(x, text, strlen(text), 200),
	       .from = "the pair changed, and changed back right after the first load of the next look",
	       .why = "what is printed must be what was compared: one load of 8 bytes a look");
}

static void pairs_are_real(struct exam *x)
{
	static const size_t changes[] = { 1, 0, 2, 0, 3, 0, 1, 0, 0 };
	struct states s = { .count = 0 };

	need_watchpoints(x);
	put_pair(x, (struct pair){ 0, 0 });
	next_state(x, &s);

	struct program *p = start_monitor(x, NULL);
	struct watch *watch = watch_file(x, SHARED, 0, 8, WATCH_ACCESSES);

	/* the state that it finds is loaded at once as well */
	if (!one_look(x, p, watch, 2, &s) || (lines_of(x, p) == 0 && to_next_line(x, p, 0) != 0))
		broken(x, "the monitor printed no line, though it did in an earlier check");
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		if (changes[i] > 0)
			next_state(x, &s);
		need(x, one_look(x, p, watch, changes[i], &s),
		     .expected = "a look at the pair between two sleeps",
		     .observed = say(x, "none: %s", ending_text(x, p)),
		     .why = "the monitor looks every 100 ms");
		s.must[s.count - 1] |= changes[i] == 0;
	}
	unwatch(x, watch);
	expect_states(x, p, &s);
	kill_program(x, p);
	if (!failed(x))
		expect_no_line_twice(x);
}

/* ---- the changer ---------------------------------------------------------------------------- */

static bool is_pid_of(const struct program *p, int32_t pid)
{
	for (struct process *q = first_process(p); q != NULL; q = next_process(q))
		if (pid_of(q) == pid)
			return true;
	return false;
}

/* Does this call take a lock of a file? fcntl(2) does much else. */
static bool takes_lock(const struct event *e)
{
	switch (e->call) {
	case CALL_flock:
		return true;
	case CALL_fcntl:
		return e->args[1] == F_SETLK || e->args[1] == F_SETLKW ||
		       e->args[1] == F_OFD_SETLK || e->args[1] == F_OFD_SETLKW;
	default:
		return false;
	}
}

/* May this be a lock that lies elsewhere? A name that stands for one, or a lock of another file. */
static bool locks_elsewhere(struct exam *x, struct program *p, const struct event *before,
			    const struct event *e)
{
	if (e->kind != EVENT_CALL || e->result < 0 ||
	    next_call(x, p, before, call_set_one(e->call), SHARED) == e)
		return false;
	return takes_lock(e) || e->call == CALL_semget ||
	       (makes_a_name(e) && e->call != CALL_shmget);
}

static bool expect_no_lock_elsewhere(struct exam *x, struct program *p)
{
	for (const struct event *before = NULL, *e; (e = next_event(p, before)) != NULL; before = e)
		if (!expect(x, !locks_elsewhere(x, p, before, e),
			    .expected = "no lock, or one that is held on \"shared\" itself",
			    .observed = from_event(x, e), .at = at_event(x, e),
			    .why = "other programs that use \"shared\" can only know of a lock on \"shared\" itself"))
			return false;
	return true;
}

static bool expect_changed(struct exam *x, struct pair old)
{
	set_pair(x, old);

	struct program *p = run(x, "login", .args = { "changer" });
	struct pair now = pair_now(x);

	return expect_exit(x, p, 0, "the file is there and long enough") &&
	       expect_output(x, p, "", "a changer prints nothing") &&
	       expect(x, is_pid_of(p, now.pid) && now.counter == old.counter + 1,
		      .expected = say(x, "pid %d, its own, and count %" PRId32,
				      (int)pid_of(first_process(p)), old.counter + 1),
		      .observed = pair_text(x, now),
		      .from = say(x, "\"shared\" had %s before", pair_text(x, old)),
		      .why = "the pair says who came last and how many came before") &&
	       expect_not_written(x, p, SHARED) && expect_no_lock_elsewhere(x, p);
}

/* A changer need not wait for a monitor, which sleeps nearly always. */
static bool expect_changed_beside_monitor(struct exam *x)
{
	struct pair old = fresh_pair(x);

	put_pair(x, old);

	struct program *monitor = start_monitor(x, NULL);
	struct program *p;

	to_pause(x, monitor);
	set_pair(x, old);
	hold_program(x, monitor);
	p = start(x, "login", .args = { "changer" });
	set_limits(x, p, 500, 10000, 2000);
	run_to(x, p, at_end(), when_blocked());

	bool changed = expect(
		x, ending(p).how == EXITED && pair_now(x).counter == old.counter + 1,
		.expected = "a changer that ends while a monitor sleeps, and has counted",
		.observed = say(x, "%s; count %" PRId32 " after %" PRId32, ending_text(x, p),
				pair_now(x).counter, old.counter),
		.why = "who watches holds no lock while it sleeps: it would stop all changers");

	release_program(x, monitor);
	kill_program(x, monitor);
	return changed;
}

static void changer_adds_one(struct exam *x)
{
	struct pair negative = { .pid = 1, .counter = -(int32_t)pick(x, 2, 900) };
	unsigned char *tail = pick_bytes(x, 20);

	put_pair(x, fresh_pair(x));
	if (!expect_changed(x, fresh_pair(x)) || !expect_changed(x, (struct pair){ 0, 0 }) ||
	    !expect_changed(x, negative) || !expect_changed_beside_monitor(x))
		return;
	put_file(x, SHARED, tail, 20, 0644);
	if (expect_changed(x, fresh_pair(x)))
		expect_bytes(x, SHARED, 8, tail + 8, 12, "what follows the pair is not its own");
	expect_size(x, SHARED, 20, "a longer file is accepted as it is");
	expect(x, strcmp(directory_list(x, "."), SHARED "\n") == 0,
	       .expected = "\"shared\" and no other file in the directory",
	       .observed = quoted(x, directory_list(x, "."), strlen(directory_list(x, ".")), 200),
	       .why = "a lock, if any, is held on \"shared\" itself");
	if (failed(x))
		return;
	set_size(x, SHARED, four_gib);
	if (!expect_changed(x, fresh_pair(x)))
		return;
	expect_size(x, SHARED, four_gib, "a longer file is accepted as it is");

	struct pair zero = { 0, 0 };

	put_file(x, "elsewhere", &zero, sizeof zero, 0644);
	remove_name(x, SHARED);
	put_link(x, SHARED, "elsewhere");

	struct program *p = run(x, "login", .args = { "changer" });
	struct bytes b = file_bytes(x, "elsewhere", 4, 4);

	if (expect_exit(x, p, 0, "a symbolic link to a regular file is followed"))
		expect(x, b.size == 4 && memcmp(b.data, "\1\0\0\0", 4) == 0,
		       .expected = "count 1 in the file that the link \"shared\" names",
		       .observed = "another count",
		       .why = "a symbolic link to a regular file is followed");
}

static void pair_at_once(struct exam *x)
{
	struct pair old = fresh_pair(x);

	need_watchpoints(x);
	put_pair(x, old);

	struct watch *watch = watch_file(x, SHARED, 0, 8, WATCH_STORES);
	struct program *p = start(x, "login", .args = { "changer" });

	while (run_to(x, p, at_watch(watch)) == 0) {
		struct pair now = pair_now(x);
		bool whole = same(now, old) ||
			     (is_pid_of(p, now.pid) && now.counter == old.counter + 1);

		if (!expect(x, whole,
			    .expected = say(x, "after each store the old pair (%s) or the new one",
					    pair_text(x, old)),
			    .observed = say(x, "%s: half old, half new", pair_text(x, now)),
			    .from = "a watchpoint on the 8 bytes, right after a store",
			    .at = last_stop(x, p)->at,
			    .why = "a monitor may look between your two stores, and asks no lock"))
			return;
	}
}

/*
 * How often the changer can be stopped: after each access to the pair, each call on a lock, and
 * each that reads the pair.
 */
static bool to_stop(struct exam *x, struct program *p, const struct watch *watch, int which)
{
	struct call_set locks = call_set_both(call_set_one(CALL_flock), call_set_one(CALL_fcntl));

	struct moment has_read = after_calls(call_set_family(FAMILY_READ));

	has_read.file = SHARED;
	for (int i = 0; i < which; i++)
		if (run_to(x, p, at_watch(watch), after_calls(locks), has_read) < 0)
			return false;
	return true;
}

/*
 * The first changer is held at its stop number `which`, a second one runs to its end, or as far as
 * the first one lets it, then the first goes on. False when the first has no such stop.
 */
static bool both_count(struct exam *x, int which)
{
	struct pair old = fresh_pair(x);

	put_pair(x, old);

	struct watch *watch = watch_file(x, SHARED, 0, 8, WATCH_ACCESSES);
	struct program *first = start(x, "login", .args = { "changer" });

	if (!to_stop(x, first, watch, which)) {
		unwatch(x, watch);
		return false;
	}

	const char *at = last_stop(x, first)->at;
	struct access_info access = { .known = false };

	if (last_stop(x, first)->watch != NULL)
		access = last_access(x, first);
	hold_program(x, first);
	unwatch(x, watch);

	struct program *second = start(x, "login", .args = { "changer" });

	set_limits(x, second, 500, 10000, 2000);

	bool alone = run_to(x, second, at_end(), when_blocked()) == 0;

	release_program(x, first);
	finish(x, first);
	finish(x, second);
	expect(x, pair_now(x).counter == old.counter + 2,
	       .expected = say(x, "count %" PRId32 " after two changers", old.counter + 2),
	       .observed = say(x, "count %" PRId32 "; first: %s, second: %s", pair_now(x).counter,
			       ending_text(x, first), ending_text(x, second)),
	       .from = "the first was held there, the second ran, then the first went on", .at = at,
	       .why = "what another changer stored between your load and your store must not be "
		      "overwritten");
	expect(x, !(alone && access.loaded && access.stored && !access.locked),
	       .expected = "an atomic addition, or a lock around it",
	       .observed = "one instruction that loads and stores, without a lock prefix", .at = at,
	       .why = "two processors may do both their loads before either store");
	return true;
}

/*
 * Each time the changer has looked at the pair another one comes in between, many times over: who
 * tries again only so and so often loses in the end. False where it was not overtaken.
 */
static bool overtaken(struct exam *x, struct program *first, int *others)
{
	struct watch *watch = watch_file(x, SHARED, 0, 8, WATCH_ACCESSES);
	int reached = run_to(x, first, at_watch(watch));
	struct program *other;
	bool alone;

	unwatch(x, watch);
	if (reached != 0)
		return false;
	hold_program(x, first);
	other = start(x, "login", .args = { "changer" });
	set_limits(x, other, 500, 10000, 2000);
	alone = run_to(x, other, at_end(), when_blocked()) == 0;
	release_program(x, first);
	++*others;
	if (!alone) {
		finish(x, first); /* it holds a lock */
		finish(x, other);
	}
	return alone;
}

static void tries_until_it_works(struct exam *x)
{
	enum { OVERTAKERS = 24 };
	/* zeros: what the very first changer finds */
	struct pair old = { 0, 0 };
	struct program *first;
	int others = 0;

	put_pair(x, old);
	first = start(x, "login", .args = { "changer" });
	while (others < OVERTAKERS && overtaken(x, first, &others))
		;
	finish(x, first);
	expect(x, pair_now(x).counter == old.counter + others + 1,
	       .expected = say(x, "count %" PRId32 " after %d changers", old.counter + others + 1,
			       others + 1),
	       .observed = say(x, "count %" PRId32 "; the first changer: %s", pair_now(x).counter,
			       ending_text(x, first)),
	       .from = "another changer ran each time the first one had looked at the pair",
	       .why = "a swap that failed is tried again, however often");
}

static void no_update_lost(struct exam *x)
{
	need_watchpoints(x);
	for (int which = 1; which <= 12 && !failed(x); which++)
		if (!both_count(x, which))
			break;
	if (!failed(x))
		tries_until_it_works(x);
}

/* ---- errors --------------------------------------------------------------------------------- */

static void refuse_short(struct exam *x, size_t size)
{
	unsigned char *data = pick_bytes(x, size + 1);

	put_file(x, SHARED, data, size, 0644);
	expect_error(x, run(x, "login", .args = { "changer" }), "the file has no room for a pair");
	expect_size(x, SHARED, (off_t)size, "the monitor makes the file, a changer only uses it");
	expect_bytes(x, SHARED, 0, data, size, "what is refused changes nothing");
	remove_name(x, SHARED);
}

static void no_memory(struct exam *x, const char *command, const char *changes)
{
	struct program *p = start(x, "login", .args = { command, changes });
	struct fault *fault = fail_call(x, p, CALL_mmap, ENOMEM, SHARED, 0);

	finish(x, p);
	need(x, fault_struck(fault), .expected = say(x, "%s maps \"shared\"", command),
	     .observed = "no call of mmap on it", .why = "both work through a map");
	expect_error(x, p, "mmap failed with ENOMEM; it returns MAP_FAILED, which is not NULL");
}

/* Who extends the file in another way, or tries another one then, is not meant. */
static void no_room(struct exam *x)
{
	put_file(x, SHARED, "", 0, 0644);

	struct program *p = start(x, "login", .args = { "monitor", "1" });
	struct fault *fault = fail_call(x, p, CALL_ftruncate, EIO, SHARED, 0);

	set_limits(x, p, 800, 20000, 2000);
	finish(x, p);
	if (!fault_struck(fault) || file_size(x, SHARED) == 8)
		return;
	expect_error(x, p, "ftruncate failed with EIO: \"shared\" has no room for a pair");
}

static void output_lost(struct exam *x)
{
	struct program *p = start(x, "login", .args = { "monitor", "1" }, .stdout_is = OUTPUT_FULL);

	set_limits(x, p, 800, 20000, 2000);
	if (run_to(x, p, at_sleep(), at_end()) == 0)
		set_pair(x, fresh_pair(x));
	finish(x, p);
	expect_error(x, p, "output that is lost is an error, and shows when it is flushed");
}

static void errors_reported(struct exam *x)
{
	static const struct words bad[] = {
		{ { "changer", "1" } },
		{ { "watch" } },
		{ { "monitor", "1", "2" } },
		{ { "changers" } },
		{ { "chang" } },
		{ { "monit", "1" } },
		{ { "monitors", "1" } },
		{ { "MONITOR", "1" } },
		{ { "" } },
		{ { NULL } },
	};
	static const char *const no_changes[] = { "0", "x", "3x", "-1", "+1", " 1", "" };

	expect_error(x, run(x, "login", .args = { "changer" }), "there is no file to change");
	expect(x, !name_exists(x, SHARED), .expected = "no file \"shared\" afterwards",
	       .observed = "the changer created it", .why = "only the monitor creates it");
	if (failed(x))
		return;
	refuse_short(x, 0);
	refuse_short(x, 7);

	put_directory(x, SHARED);
	expect_error(x, run(x, "login", .args = { "changer" }), "a directory cannot be mapped");
	expect_error(x, run_monitor(x, "1"), "a directory cannot be mapped");
	remove_name(x, SHARED);
	put_fifo(x, SHARED);
	expect_error(x, run(x, "login", .args = { "changer" }), "a FIFO cannot be mapped");
	expect_error(x, run_monitor(x, "1"), "a FIFO cannot be mapped");
	remove_name(x, SHARED);

	put_pair(x, fresh_pair(x));
	no_memory(x, "changer", NULL);
	no_memory(x, "monitor", "1");
	no_room(x);
	put_pair(x, fresh_pair(x));
	output_lost(x);
	for (size_t i = 0; i < sizeof no_changes / sizeof no_changes[0]; i++)
		expect_usage(x, run_monitor(x, no_changes[i]));
	expect_usages(x, "login", bad);
	expect_usage(x, run(x, "login"));
}

static void show(struct exam *x, const char *const *args)
{
	struct launch launch = { .args = { "monitor", "2" } };

	for (size_t i = 0; args[0] != NULL && i < 15; i++) {
		launch.args[i] = args[i];
		if (args[i] == NULL)
			break;
	}

	struct program *p = exam_start(x, "login", &launch);

	if (run_to(x, p, at_sleep(), at_end()) == 0 && name_exists(x, SHARED))
		run(x, "login", .args = { "changer" });
	finish(x, p);
}

LAB(.id = "06-monitor-changer", .title = "Two numbers that belong together",
    .programs = { { .name = "login" } }, .show = show,
    .checks = {
	    { "creates-shared",
	      2,
	      1,
	      NULL,
	      "the monitor creates \"shared\" where it is missing: 8 bytes, mode 0644",
	      creates_shared,
	      { "What does ls -l say after the first start?",
		"open(2) takes the mode as its third argument, in octal; ftruncate(2) gives the size.",
		"open(\"shared\", O_RDWR | O_CREAT, 0644), then ftruncate(fd, 8) if it is shorter." } },
	    { "keeps-the-bytes",
	      2,
	      1,
	      "creates-shared",
	      "the monitor never changes the pair, nor the rest of a longer file",
	      keeps_the_bytes,
	      { "What becomes of the count when a second monitor is started?",
		"No O_TRUNC, no memset; ftruncate also cuts a file that is longer.",
		"if (st.st_size < 8) ftruncate(fd, 8), and nothing else that writes." } },
	    { "looks-through-map",
	      2,
	      2,
	      "keeps-the-bytes",
	      "the monitor looks through a shared map of the file, not by read",
	      looks_through_map,
	      { "Which letters does /proc/PID/maps show for the file?",
		"MAP_PRIVATE makes no promise that later stores of others are seen.",
		"mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0)" } },
	    { "sleeps-100ms",
	      1,
	      3,
	      "looks-through-map",
	      "the monitor sleeps 100 ms between two looks",
	      sleeps_100ms,
	      { "What does top(1) say of your monitor?",
		"nanosleep(2) takes seconds and nanoseconds, usleep(3) microseconds.",
		"struct timespec t = { 0, 100000000 }; nanosleep(&t, NULL);" } },
	    { "prints-each-change",
	      2,
	      3,
	      "sleeps-100ms",
	      "one line for the state found and for each change, out at once, CHANGES lines in all",
	      prints_each_change,
	      { "What is compared with what at the very first look?",
		"Into a pipe, stdio keeps lines until its buffer is full.",
		"Print the first state without any comparison; then compare all 8 bytes; "
		"fflush(stdout) behind each line." } },
	    { "pairs-are-real",
	      3,
	      4,
	      "prints-each-change",
	      "every line shows a pair that stood in the file, and no lasting one is missed",
	      pairs_are_real,
	      { "How many instructions load the pair in one look of yours?",
		"Two loads of four bytes are not one of eight; nor is a second look for printing.",
		"One atomic_load of a uint64_t a look: compare, print and keep that copy." } },
	    { "changer-adds-one",
	      1,
	      5,
	      NULL,
	      "a changer stores its own pid and the counter plus one, through the map",
	      changer_adds_one,
	      { "Whose pid is it, and which of the two ints comes first?",
		"PROT_READ | PROT_WRITE and MAP_SHARED; the file is opened O_RDWR.",
		"pid at offset 0 from getpid(), counter at offset 4." } },
	    { "pair-at-once",
	      2,
	      5,
	      "changer-adds-one",
	      "no half-old pair is ever visible: pid and counter change in one store",
	      pair_at_once,
	      { "What would a monitor see that looks between your two stores?",
		"A lock helps only against those who take it; the monitor takes none.",
		"Put both into a uint64_t and store, exchange or compare-and-swap that." } },
	    { "no-update-lost",
	      3,
	      6,
	      "changer-adds-one",
	      "no addition is lost when another changer comes between load and store",
	      no_update_lost,
	      { "Two changers load 7. Which counts do they store?",
		"Either nobody comes in between (a lock held from before the load until after the "
		"store), or you notice that somebody did.",
		"do new = old + 1; while (!atomic_compare_exchange_strong(p, &old, new)); the failed "
		"swap loads old anew." } },
	    { "errors-reported",
	      2,
	      5,
	      NULL,
	      "errors end the program with one line on standard error and status 1, bad usage with 2",
	      errors_reported,
	      { "What can fail here, and what does each call return then?",
		"A changer creates nothing and extends nothing. mmap returns MAP_FAILED, never NULL.",
		"fstat: st_size < 8 is an error of the changer; CHANGES is digits only and not 0." } },
    });
