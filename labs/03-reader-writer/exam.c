/*
 * Lab 03: two programs and one file. reader stores ten integers in "temp" through a shared mapping,
 * writer looks at them through another, five after 5 s and five after 5 s more.
 */
#include "exam/exam.h"

#include <inttypes.h>
#include <time.h>

enum {
	COUNT = 10,
	HALF = COUNT / 2,
	SIZE = COUNT * sizeof(int32_t),
	PAUSE = 5000,	 /* ms */
	SLACK = 500,	 /* ms by which a wait may miss */
	MOST_STOPS = 512 /* sleeps of one program that are looked at one by one */
};

#define TEMP "temp"

/* ---- common pieces -------------------------------------------------------------------------- */

/* Ten integers of LOWEST and above, each different from the one at its place in OTHERS. */
static int32_t *ten_from(struct exam *x, int32_t lowest, const int32_t *others)
{
	int32_t *ints = room(x, SIZE);

	for (int i = 0; i < COUNT; i++)
		do
			ints[i] = (int32_t)pick(x, lowest, INT32_MAX);
		while (others != NULL && ints[i] == others[i]);
	return ints;
}

static int32_t *ten_ints(struct exam *x, const int32_t *others)
{
	return ten_from(x, INT32_MIN, others);
}

/* For the reader's input: signs are the matter of checks-input alone. */
static int32_t *ten_counts(struct exam *x, const int32_t *others)
{
	return ten_from(x, 1, others);
}

static const char *one_a_line(struct exam *x, const int32_t *ints)
{
	const char *text = "";

	for (int i = 0; i < COUNT; i++)
		text = say(x, "%s%" PRId32 "\n", text, ints[i]);
	return text;
}

/* Four watchpoints see eight of the ten slots. */
struct eyes {
	struct watch *watch[4];
};

static struct eyes watch_slots(struct exam *x, enum watch_kind kind)
{
	struct eyes eyes = { { NULL } };

	for (int i = 0; i < 4; i++)
		eyes.watch[i] = watch_file(x, TEMP, i * 8, 8, kind);
	return eyes;
}

static void close_eyes(struct exam *x, const struct eyes *eyes)
{
	for (int i = 0; i < 4; i++)
		if (eyes->watch[i] != NULL)
			unwatch(x, eyes->watch[i]);
}

static void no_temp(struct exam *x)
{
	if (name_exists(x, TEMP))
		remove_name(x, TEMP);
}

/*
 * Runs until the reader has taken all that was fed and asks for more. False where it ends or gets
 * stuck instead.
 */
static bool asks_for_more(struct exam *x, struct program *reader)
{
	while (run_to(x, reader, at_read_of(STDIN_FILENO)) == 0)
		if (unread_input(x, reader) == 0)
			return true;
	return false;
}

static bool give(struct exam *x, struct program *reader, const char *text)
{
	feed(x, reader, text);
	return asks_for_more(x, reader);
}

static void expect_slot(struct exam *x, int slot, int32_t value, const char *why)
{
	struct bytes bytes = file_bytes(x, TEMP, (off_t)slot * 4, 4);
	int32_t found = 0;

	if (bytes.size == 4)
		memcpy(&found, bytes.data, 4);
	expect(x, bytes.size == 4 && found == value,
	       .expected = say(x, "%" PRId32 " in slot %d", value, slot),
	       .observed = bytes.size == 4 ? say(x, "%" PRId32, found) : "temp is too short",
	       .from = say(x, "bytes %d to %d of temp", slot * 4, slot * 4 + 3), .why = why);
}

/* Some process of the program maps all ten slots so; else the evidence says how it maps them. */
static bool maps_slots(struct exam *x, struct program *p, const char *perms)
{
	struct process *process;

	for (process = first_process(p); process != NULL; process = next_process(process))
		if (alive(process) && covers(x, process, TEMP, 0, SIZE, perms))
			return true;
	return false;
}

static void expect_slots_mapped(struct exam *x, struct program *p, const char *perms,
				const char *why)
{
	struct mapping map;

	if (maps_slots(x, p, perms))
		return;
	map = need_mapping(x, p, TEMP);
	expect(x, false, .expected = say(x, "the ten integers mapped %s", perms),
	       .observed = map.vma->perms, .from = from_vma(x, map.vma),
	       .at = at_mapping(x, map.process, map.vma), .why = why);
}

/* ---- reader: the file ------------------------------------------------------------------------ */

static void expect_created(struct exam *x, mode_t umask)
{
	struct program *reader;

	no_temp(x);
	reader = run(x, "reader", .input = one_a_line(x, ten_counts(x, NULL)), .umask = umask);
	need(x, name_exists(x, TEMP), .expected = "temp is there after the reader's run",
	     .observed = say(x, "no such file; the reader ended with %s", ending_text(x, reader)),
	     .why = "open(2) makes a missing file only when O_CREAT asks for it");
	expect_mode(x, TEMP, 0666 & ~umask,
		    umask == 0 ? "the third argument of open(2), in octal, goes with O_CREAT"
			       : "the kernel takes the umask's bits away; chmod(2) would not");
}

static void creates_temp(struct exam *x)
{
	put_text(x, TEMP, "");
	expect_created(x, 0);
	expect_created(x, 027);
	expect_created(x, 077);
}

struct state {
	const char *words;
	off_t size; /* -1: no such file */
};

static void put_state(struct exam *x, const struct state *state)
{
	if (state->size < 0)
		no_temp(x);
	else
		put_file(x, TEMP, pick_bytes(x, (size_t)state->size), (size_t)state->size, 0666);
}

static void expect_forty(struct exam *x, struct program *reader, const struct state *state,
			 const char *when)
{
	const struct stop_info *stop = last_stop(x, reader);

	expect(x, file_size(x, TEMP) == SIZE, .expected = say(x, "40 bytes %s", when),
	       .observed = say(x, "%jd bytes; temp was %s at the start",
			       (intmax_t)file_size(x, TEMP), state->words),
	       .at = stop != NULL ? stop->at : NULL,
	       .why = "ten ints of four bytes: ftruncate(2) sets the size of a file, mmap(2) never "
		      "does, and a page behind the file's end cannot be stored to");
}

/* Just after a call that may have cut it. */
static void expect_not_cut(struct exam *x, struct program *reader, ino_t inode)
{
	const struct stop_info *stop = last_stop(x, reader);
	off_t size = file_size(x, TEMP);
	struct stat st;

	/* another file under the same name is not the one that a writer has mapped */
	if (!file_stat(x, TEMP, &st) || st.st_ino != inode)
		return;
	expect(x, size >= SIZE, .expected = "temp is never shorter than 40 bytes",
	       .observed = say(x, "%jd bytes for a while", (intmax_t)size),
	       .from = from_event(x, stop->event), .at = stop->at,
	       .why = "a writer that looks at its mapping in this moment dies of SIGBUS");
}

/* Where it is missing, or has a mode that lets nobody in, creates-temp has something to say. */
static bool usable(struct exam *x)
{
	struct stat st;

	return file_stat(x, TEMP, &st) && (st.st_mode & 0600) == 0600;
}

/* Runs the reader by way of its first store to its end, and looks at the size wherever it may
 * change. */
static void watch_size(struct exam *x, const struct state *state)
{
	const struct moment resized = after_calls(
		call_set_both(call_set_family(FAMILY_OPEN), call_set_family(FAMILY_SIZE)));
	const char *when = "after the run";
	struct eyes eyes = { { NULL } };
	bool watched = !have_watchpoints(x);
	struct stat before = { .st_ino = 0 };
	struct program *reader;

	put_state(x, state);
	file_stat(x, TEMP, &before);
	reader = start(x, "reader", .input = one_a_line(x, ten_counts(x, NULL)));
	for (bool running = true; running && !failed(x);) {
		if (!watched && usable(x)) {
			eyes = watch_slots(x, WATCH_STORES);
			watched = true;
		}
		switch (run_to(x, reader, at_watch(NULL), resized, at_signal(SIGBUS))) {
		case 0:
			expect_forty(x, reader, state, "before the first store");
			close_eyes(x, &eyes);
			eyes = (struct eyes){ { NULL } };
			break;
		case 1:
			if (state->size >= SIZE)
				expect_not_cut(x, reader, before.st_ino);
			break;
		case 2:
			when = "at the first store, which ended in SIGBUS";
			running = false;
			break;
		default:
			running = false;
		}
	}
	close_eyes(x, &eyes);
	if (!failed(x) && usable(x))
		expect_forty(x, reader, state, when);
}

static void forty_bytes(struct exam *x)
{
	static const struct state states[] = {
		{ "missing", -1 },	   { "empty", 0 },	    { "12 bytes long", 12 },
		{ "40 bytes long", SIZE }, { "41 bytes long", 41 }, { "5000 bytes long", 5000 },
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]) && !failed(x); i++)
		watch_size(x, &states[i]);
}

/* ---- reader: the map and the integers ---------------------------------------------------------
 */

static void shared_map(struct exam *x)
{
	static const char why[] = "a store reaches the file through MAP_SHARED alone, and "
				  "PROT_WRITE without PROT_READ does not even promise that the "
				  "value can be looked at";
	const int32_t *ints = ten_counts(x, NULL);
	struct program *reader;

	put_file(x, TEMP, ten_ints(x, ints), SIZE, 0666);
	if (have_watchpoints(x))
		watch_slots(x, WATCH_STORES);
	reader = start(x, "reader", .typed = true);
	feed(x, reader, say(x, "%" PRId32 "\n", ints[0]));
	/* the first store; or else the question for the second integer, or the end */
	for (;;) {
		int reached = run_to(x, reader, at_watch(NULL), at_read_of(STDIN_FILENO),
				     at_last_exit());

		if (reached != 1 || unread_input(x, reader) == 0)
			break;
	}
	expect_slots_mapped(x, reader, "rw-s", why);
	if (failed(x))
		return;
	kill_program(x, reader);
	reader = run(x, "reader", .input = one_a_line(x, ints));
	expect_not_written(x, reader, TEMP);
	expect_not_read(x, reader, TEMP);
}

static void stores_at_once(struct exam *x)
{
	static const char why[] = "whoever has the file mapped sees a value as soon as it is "
				  "stored: kept back in a variable it is lost with the program";
	const int32_t *old = ten_ints(x, NULL), *ints = ten_counts(x, old);
	struct program *reader;

	put_file(x, TEMP, old, SIZE, 0666);
	reader = start(x, "reader", .typed = true);
	for (int i = 0; i < COUNT && !failed(x); i++) {
		bool asks = give(x, reader, say(x, "%" PRId32 "\n", ints[i]));

		if (i < COUNT - 1)
			expect(x, asks, .expected = "the reader asks for the next integer",
			       .observed = ending_text(x, reader),
			       .why = say(x, "%d of ten were entered", i + 1));
		expect_slot(x, i, ints[i], why);
	}
	if (failed(x))
		return;
	feed_end(x, reader);
	finish(x, reader);
	expect_exit(x, reader, 0, "ten integers were entered");
	expect_bytes(x, TEMP, 0, ints, SIZE, "all ten in their slots at the end");
	expect_output(x, reader, "", "the interface states no line for the reader");

	/* several on a line, blanks of every kind, and temp is a link to the file */
	put_file(x, "elsewhere", ints, SIZE, 0666);
	no_temp(x);
	put_link(x, TEMP, "elsewhere");
	reader = run(x, "reader", .input = "1 2\t3\n\n  4 \r\n5\v6\f7\n8 9 10");
	expect_exit(x, reader, 0, "integers are separated by white space, in any amount");
	expect_bytes(x, TEMP, 0, (const int32_t[]){ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, SIZE,
		     "1 to 10, several on a line");
}

/* A word that is no int; size for the one with a NUL in it. */
struct bad_word {
	const char *text;
	size_t size;
	const char *why;
};

static const struct bad_word bad_words[] = {
	{ "abc\n", 4, "abc is no integer: scanf leaves it where it is, and says so" },
	{ "2147483648\n", 11, "one more than INT_MAX" },
	{ "-2147483649\n", 12, "one less than INT_MIN" },
	{ "4294967303\n", 11, "2^32 + 7: cut to 32 bits it would be 7" },
	{ "9223372036854775808\n", 20, "one more than a long holds" },
	{ "-18446744073709551629\n", 22, "-(2^64 + 13): cut to 64 bits it would be -13" },
	{ "12x\n", 4, "an integer ends at white space" },
	{ "7\0\n", 3, "a NUL is no white space" },
	{ "-\n", 2, "a sign without digits" },
	{ "--5\n", 4, "two signs" },
	{ "1.5\n", 4, "a dot is no digit" },
	{ "0x10\n", 5, "decimal digits only" },
	{ NULL, 0, "the input ends before the tenth integer" },
};

/* Some good integers, then the bad word: an error, and temp as it was before that word. */
static void expect_refused(struct exam *x, const struct bad_word *word)
{
	const int32_t *ints = ten_counts(x, NULL);
	int good = (int)pick(x, 1, COUNT - 1);
	struct program *reader;
	struct bytes before;
	const char *why;

	put_file(x, TEMP, ten_ints(x, ints), SIZE, 0666);
	reader = start(x, "reader", .typed = true);
	for (int i = 0; i < good; i++)
		if (!give(x, reader, say(x, "%" PRId32 "\n", ints[i])))
			return; /* another check's matter */
	before = file_bytes(x, TEMP, 0, SIZE);
	why = word->text == NULL ? word->why
				 : say(x, "%s after %d integers: %s",
				       quoted(x, word->text, word->size - 1, 40), good, word->why);
	if (word->text != NULL) {
		feed_bytes(x, reader, word->text, word->size);
		expect(x, !asks_for_more(x, reader), .expected = "an error",
		       .observed = "it took that and asks for the next integer",
		       .at = last_stop(x, reader)->at, .why = why);
	}
	feed_end(x, reader);
	finish(x, reader);
	expect_error(x, reader, why);
	expect_bytes(x, TEMP, 0, before.data, before.size,
		     "what was entered before stays, what was refused is not stored");
}

static void checks_input(struct exam *x)
{
	static const int32_t extremes[COUNT] = { INT32_MIN, INT32_MAX, 0,  0,  7,
						 7,	    -12,       -1, 10, 2147483640 };
	static const char text[] =
		"-2147483648\n2147483647\n0\n-0\n+7\n007\n"
		"-00000000000000000000000000000000000000000000000000000000000012\n"
		"-1\n010\n+0002147483640\n";
	struct program *reader;

	put_file(x, TEMP, ten_ints(x, NULL), SIZE, 0666);
	reader = run(x, "reader", .input = text);
	expect_exit(x, reader, 0, "all of these are integers that an int holds");
	expect_bytes(x, TEMP, 0, extremes, SIZE, "the extremes of int, signs and leading zeros");
	for (size_t i = 0; i < sizeof(bad_words) / sizeof(bad_words[0]) && !failed(x); i++)
		expect_refused(x, &bad_words[i]);
	if (failed(x))
		return;
	expect_error(x, run(x, "reader"), "no integer at all");
	expect_error(x, run(x, "reader", .stdin_is = INPUT_BROKEN), "read(2) from stdin fails");
}

/* ---- writer */

/* Time for a writer that watches the clock, which virtual time does not move, instead of sleeping.
 */
static void be_patient(struct exam *x, struct program *writer)
{
	set_limits(x, writer, 25000, 60000, INT64_C(1) << 40);
}

/*
 * From sleep to sleep to its end. Who naps so often looks at the clock in between, which only real
 * time moves: then it gets real time.
 */
static struct program *run_writer(struct exam *x, enum output_kind stdout_is)
{
	enum { NAPS = 150 };
	struct program *writer = start(x, "writer", .stdout_is = stdout_is);
	int reached = 0;

	be_patient(x, writer);
	for (int naps = 0; reached == 0 && naps < NAPS; naps++)
		reached = run_to(x, writer, at_sleep());
	if (reached != 0)
		return writer;
	kill_program(x, writer);
	writer = start(x, "writer", .stdout_is = stdout_is, .real_time = true);
	be_patient(x, writer);
	finish(x, writer);
	return writer;
}

/* To the first look at a slot; false where it never looks, or where this host cannot see it. */
static bool first_look(struct exam *x, struct program *writer)
{
	if (!have_watchpoints(x))
		return false;
	watch_slots(x, WATCH_ACCESSES);
	return run_to(x, writer, at_watch(NULL)) == 0;
}

/* At some moment before a mapping goes, the slots are mapped so. */
static bool maps_slots_once(struct exam *x, struct program *p, const char *perms)
{
	while (run_to(x, p, at_call(CALL_munmap), at_exit(), at_sleep()) >= 0)
		if (maps_slots(x, p, perms))
			return true;
	return false;
}

static void writer_map(struct exam *x)
{
	static const char why[] = "MAP_SHARED shows what others store for certain, and who only "
				  "looks asks for PROT_READ and O_RDONLY";
	const int32_t *ints = ten_ints(x, NULL);
	struct program *writer;

	put_file(x, TEMP, ints, SIZE, 0666);
	writer = start(x, "writer");
	if (first_look(x, writer)) {
		expect_slots_mapped(x, writer, "r--s", why);
	} else {
		kill_program(x, writer);
		writer = start(x, "writer");
		if (!maps_slots_once(x, writer, "r--s")) {
			kill_program(x, writer);
			writer = start(x, "writer");
			maps_slots_once(x, writer, NULL);
			expect_slots_mapped(x, writer, "r--s", why);
		}
	}
	if (failed(x))
		return;
	kill_program(x, writer);
	writer = run_writer(x, OUTPUT_PIPE);
	expect_not_read(x, writer, TEMP);
	expect_not_written(x, writer, TEMP);
	expect_bytes(x, TEMP, 0, ints, SIZE, "the writer leaves temp as it is");
	expect_size(x, TEMP, SIZE, "the writer leaves temp as it is");
}

/* ---- writer: what it does with the time -------------------------------------------------------
 */

/*
 * The sleeps of one run. A program that looks at the clock (which does not follow virtual time)
 * instead of adding up its sleeps has no such order of events; it is judged by real time.
 */
struct slept {
	int64_t from[MOST_STOPS];	  /* ms of virtual time at which a sleep began */
	const int32_t *shown[MOST_STOPS]; /* what temp holds while it lasts */
	size_t count;			  /* of them, MOST_STOPS at most */
	bool more;			  /* there were more */
	bool absolute;			  /* one lasts until a point in time */
	int64_t total;			  /* ms of virtual time, all of it */
	int64_t cpu;			  /* ms */
};

static int64_t real_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Runs the writer to its end; with INTS, temp gets fresh ones at each sleep. */
static struct slept *watch_sleeps(struct exam *x, struct program *writer, const int32_t *ints)
{
	struct slept *slept = room(x, sizeof(*slept));
	int64_t began = virtual_ms(x);

	be_patient(x, writer);
	while (run_to(x, writer, at_sleep()) == 0) {
		const struct event *event = last_stop(x, writer)->event;

		if (event->call == CALL_clock_nanosleep && event->args[1] == TIMER_ABSTIME)
			slept->absolute = true;
		slept->more = slept->count == MOST_STOPS;
		if (slept->more)
			continue;
		if (ints != NULL) {
			ints = ten_ints(x, ints);
			put_bytes(x, TEMP, 0, ints, SIZE);
		}
		slept->shown[slept->count] = ints;
		slept->from[slept->count++] = virtual_ms(x) - began;
	}
	slept->total = virtual_ms(x) - began;
	slept->cpu = cpu_us(x, writer) / 1000;
	return slept;
}

/* The first sleep of the second wait, or 0 where the sleeps make no two waits of 5 s. */
static size_t second_wait(const struct slept *slept)
{
	size_t second = 0;

	for (size_t i = 1; i < slept->count; i++)
		if (llabs(slept->from[i] - PAUSE) < llabs(slept->from[second] - PAUSE))
			second = i;
	if (slept->more || llabs(slept->from[second] - PAUSE) > SLACK ||
	    llabs(slept->total - 2 * PAUSE) > 2 * SLACK)
		return 0;
	return second;
}

/* Waits that are no sum of sleeps: until a point in time, polling the clock, or spinning on it. */
static bool goes_by_the_clock(const struct slept *slept)
{
	return second_wait(slept) == 0 &&
	       (slept->absolute || slept->more || slept->count > 100 || slept->cpu > 2000);
}

static const char *sleeps_in_words(struct exam *x, const struct slept *slept)
{
	const char *text = say(x, "%zu sleeps of together %" PRId64 " ms", slept->count,
			       slept->total);

	for (size_t i = 0; i < slept->count && i < 4; i++)
		text = say(x, "%s%s %" PRId64 " ms", text, i == 0 ? ", beginning at" : " and",
			   slept->from[i]);
	return text;
}

static void two_waits(struct exam *x)
{
	const struct slept *slept;
	struct program *writer;
	int64_t began;

	put_file(x, TEMP, ten_ints(x, NULL), SIZE, 0666);
	writer = start(x, "writer");
	slept = watch_sleeps(x, writer, NULL);
	expect_exit(x, writer, 0, "temp holds ten integers");
	if (!goes_by_the_clock(slept)) {
		expect(x, second_wait(slept) != 0, .expected = "a wait of 5 s, and another of 5 s",
		       .observed = sleeps_in_words(x, slept),
		       .why = "in the first wait others may store the first five, in the second "
			      "the other five");
		return;
	}
	/* nothing but the real clock can tell; a program cannot be faster than its waits */
	writer = start(x, "writer", .real_time = true);
	be_patient(x, writer);
	began = real_ms();
	finish(x, writer);
	expect(x, real_ms() - began >= 2 * (PAUSE - SLACK), .expected = "two waits of 5 s",
	       .observed = say(x, "%" PRId64 " ms by the clock", real_ms() - began),
	       .why = "others store while it waits");
}

/* Where a printed value comes from, in words. */
static const char *origin(struct exam *x, const struct slept *slept, const int32_t *first,
			  int64_t value)
{
	for (int slot = 0; slot < COUNT; slot++) {
		if (first[slot] == value)
			return say(x, "slot %d held that before the first sleep", slot);
		for (size_t i = 0; i < slept->count; i++)
			if (slept->shown[i][slot] == value)
				return say(x, "slot %d held that during sleep %zu of %zu", slot,
					   i + 1, slept->count);
	}
	return "no slot ever held that";
}

static void expect_values(struct exam *x, struct program *writer, const struct slept *slept,
			  const int32_t *first, const int32_t *ints)
{
	const char *at = output(x, writer, NULL);

	for (int i = 0; i < COUNT && *at != '\0'; i++) {
		char *end;
		long value = strtol(at, &end, 10);

		if (end == at || *end != '\n')
			break;
		if (!expect(x, value == ints[i],
			    .expected = say(x,
					    "line %d: %" PRId32 ", as slot %d holds after the wait",
					    i + 1, ints[i], i),
			    .observed = say(x, "%ld: %s", value, origin(x, slept, first, value)),
			    .from = say(x, "line %d of standard output", i + 1),
			    .why = "a value that was copied before the wait, or looked at in the "
				   "wrong slot, is not what stands there now"))
			return;
		at = end + 1;
	}
	expect_output(x, writer, one_a_line(x, ints), "ten integers, one a line, nothing else");
}

static void fresh_values(struct exam *x)
{
	int32_t *ints = room(x, SIZE);
	const int32_t *first = ten_ints(x, NULL);
	const struct slept *slept;
	struct program *writer;
	size_t second;

	put_file(x, TEMP, first, SIZE, 0666);
	writer = start(x, "writer");
	slept = watch_sleeps(x, writer, first);
	second = second_wait(slept);
	if (second > 0) {
		memcpy(ints, slept->shown[second - 1], SIZE / 2);
		memcpy(ints + HALF, slept->shown[slept->count - 1] + HALF, SIZE / 2);
		expect_values(x, writer, slept, first, ints);
		return;
	}
	/* it goes by the clock: no moment is known at which it waits */
	put_file(x, TEMP, first, SIZE, 0666);
	writer = run_writer(x, OUTPUT_PIPE);
	expect_output(x, writer, one_a_line(x, first), "ten integers, one a line, nothing else");
}

/* ---- both
 * ---------------------------------------------------------------------------------------- */

static const char not_alone[] =
	"the reader alone does not take and store ten integers, which other "
	"checks judge";

static void enter_one(struct exam *x, struct program *reader, const int32_t *ints, int i)
{
	bool asks = give(x, reader, say(x, "%" PRId32 "\n", ints[i]));
	struct bytes slot = file_bytes(x, TEMP, i * 4, 4);

	if ((!asks && i < COUNT - 1) || slot.size != 4 || memcmp(slot.data, &ints[i], 4) != 0)
		skip(x, not_alone);
}

/* The reader stores INTS[FROM] to INTS[TO - 1] while the writer is held in its sleep. */
static void enter(struct exam *x, struct program *reader, struct program *writer,
		  const int32_t *ints, int from, int to)
{
	hold_program(x, writer);
	for (int i = from; i < to; i++)
		enter_one(x, reader, ints, i);
	release_program(x, writer);
}

static bool sleeps(struct exam *x, struct program *writer)
{
	be_patient(x, writer);
	return run_to(x, writer, at_sleep()) == 0;
}

/* From the first sleep of the first wait, where it stands, to the first of the second. */
static bool to_second_wait(struct exam *x, struct program *writer, int64_t began)
{
	while (run_to(x, writer, at_sleep()) == 0)
		if (virtual_ms(x) - began >= PAUSE - SLACK)
			return true;
	return false;
}

static void meet(struct exam *x, bool writer_first)
{
	static const char by_the_clock[] = "the writer goes by the clock: it cannot be held asleep";
	const int32_t *old = ten_ints(x, NULL), *ints = ten_counts(x, old);
	struct program *reader, *writer = NULL;
	int64_t began;

	no_temp(x);
	if (writer_first) {
		put_file(x, TEMP, old, SIZE, 0666);
		writer = start(x, "writer");
		began = virtual_ms(x);
		if (!sleeps(x, writer))
			skip(x, by_the_clock);
		hold_program(x, writer);
	}
	reader = start(x, "reader", .typed = true);
	enter_one(x, reader, ints, 0);
	if (!writer_first) {
		hold_program(x, reader);
		writer = start(x, "writer");
		began = virtual_ms(x);
		if (!sleeps(x, writer)) {
			expect_exit(x, writer, 0, "the writer finds what the reader has made");
			skip(x, by_the_clock);
		}
		release_program(x, reader);
	}
	enter(x, reader, writer, ints, 1, HALF);
	if (!to_second_wait(x, writer, began))
		skip(x, by_the_clock);
	enter(x, reader, writer, ints, HALF, COUNT);
	feed_end(x, reader);
	if (!finish(x, reader) || ending(reader).status != 0)
		skip(x, not_alone);
	finish(x, writer);
	expect_exit(x, writer, 0, "temp had ten integers all the time");
	expect_output(x, writer, one_a_line(x, ints),
		      writer_first ? "the writer had mapped temp when the reader came and stored "
				     "these"
				   : "the reader stored these while the writer slept");
}

static void together(struct exam *x)
{
	meet(x, false);
	if (!failed(x))
		meet(x, true);
}

/* ---- failures
 * ------------------------------------------------------------------------------------- */

static void bad_temp(struct exam *x, const char *name)
{
	static const char input[] = "1 2 3 4 5 6 7 8 9 10\n";

	no_temp(x);
	put_fifo(x, TEMP);
	expect_error(x, run(x, name, .input = input), say(x, "%s: temp is a FIFO", name));
	no_temp(x);
	put_directory(x, TEMP);
	expect_error(x, run(x, name, .input = input), say(x, "%s: temp is a directory", name));
	no_temp(x);
}

static void mmap_refused(struct exam *x, const char *name)
{
	struct program *p;
	struct fault *fault;

	put_file(x, TEMP, ten_ints(x, NULL), SIZE, 0666);
	p = start(x, name, .input = "1 2 3 4 5 6 7 8 9 10\n");
	fault = fail_call(x, p, CALL_mmap, ENOMEM, TEMP, 0);
	finish(x, p);
	if (fault_struck(fault))
		expect_error(x, p,
			     say(x, "%s: mmap failed with ENOMEM, which it reports as MAP_FAILED",
				 name));
}

static void reports_failures(struct exam *x)
{
	static const off_t short_sizes[] = { 0, 12, SIZE - 1 };
	static const struct words bad[] = {
		{ { "temp" } }, { { "5", "5" } }, { { "" } }, { { NULL } }
	};

	expect_error(x, run(x, "writer"), "there is no temp to look at");
	expect(x, !name_exists(x, TEMP), .expected = "no temp made by the writer",
	       .observed = "an empty temp was left behind",
	       .why = "the writer only looks; a file it makes has nothing to show, and a mode that "
		      "nobody chose");
	for (size_t i = 0; i < 3 && !failed(x); i++) {
		put_file(x, TEMP, pick_bytes(x, SIZE), (size_t)short_sizes[i], 0666);
		expect_error(x, run(x, "writer"),
			     say(x,
				 "temp has %jd bytes: a look behind the end of a file is SIGBUS, "
				 "or a zero that nobody stored",
				 (intmax_t)short_sizes[i]));
	}
	if (failed(x))
		return;
	bad_temp(x, "writer");
	bad_temp(x, "reader");
	mmap_refused(x, "writer");
	mmap_refused(x, "reader");
	put_file(x, TEMP, ten_ints(x, NULL), SIZE, 0666);
	expect_error(x, run_writer(x, OUTPUT_FULL),
		     "stdout took nothing (ENOSPC): what is not printed is not done");
	expect_usages(x, "writer", bad);
	expect_usages(x, "reader", bad);
}

/* ---- a run to look at
 * ------------------------------------------------------------------------------ */

static void show(struct exam *x, const char *const *args)
{
	struct program *reader, *writer;

	(void)args;
	reader = start(x, "reader", .typed = true);
	give(x, reader, "10\n20\n30\n40\n50\n");
	writer = start(x, "writer");
	run_to(x, writer, at_sleep());
	hold_program(x, writer);
	give(x, reader, "60\n70\n80\n90\n100\n");
	finish(x, reader);
	release_program(x, writer);
	finish(x, writer);
}

LAB(.id = "03-reader-writer", .title = "Two programs and one file",
    .programs = { { .name = "reader" }, { .name = "writer" } }, .show = show,
    .checks = {
	    { .id = "creates-temp",
	      .points = 1,
	      .task = 1,
	      .title = "the reader creates temp with mode 0666 less the umask",
	      .run = creates_temp,
	      .hints = { "What does `ls -l temp` show after `rm temp; umask 0; ./reader`?",
			 "O_CREAT needs a third argument; without it open(2) takes what happens to "
			 "stand in a register.",
			 "open(\"temp\", O_RDWR | O_CREAT, 0666): the leading 0 makes it octal" } },
	    { .id = "forty-bytes",
	      .points = 2,
	      .task = 2,
	      .title = "temp has 40 bytes before the first store, and is never cut shorter",
	      .run = forty_bytes,
	      .hints = { "What does `ls -l temp` say before and after, when temp was empty, short or "
			 "long?",
			 "ftruncate(2) makes a file longer or shorter; mmap(2) never does.",
			 "ftruncate(fd, 10 * sizeof(int)) before the first store, without O_TRUNC and "
			 "not by way of 0." } },
	    { .id = "shared-map",
	      .points = 2,
	      .task = 3,
	      .needs = "forty-bytes",
	      .title = "the integers are stored through a shared mapping, readable and writable",
	      .run = shared_map,
	      .hints = { "What does /proc/PID/maps say of temp while the reader waits for input?",
			 "MAP_PRIVATE stores go to a copy of the page. PROT_WRITE alone shows as "
			 "-w-s.",
			 "mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), and no write(2) "
			 "on temp" } },
	    { .id = "stores-at-once",
	      .points = 2,
	      .task = 4,
	      .needs = "shared-map",
	      .title = "each integer is in temp before the next one is asked for",
	      .run = stores_at_once,
	      .hints = { "Enter three integers, leave the reader waiting, and look: od -i temp",
			 "Does the value go to the mapping in the loop, or behind it?",
			 "slot[i] = read_integer(); and nothing on stdout" } },
	    { .id = "checks-input",
	      .points = 3,
	      .task = 4,
	      .needs = "stores-at-once",
	      .title = "every int is taken; what is none is refused without harm",
	      .run = checks_input,
	      .hints = { "What does your reader store for abc, for 99999999999, and at Ctrl-D?",
			 "scanf(3) returns how many it stored; that a number was too large it does "
			 "not say.",
			 "strtol(3) into a long, with errno, the end pointer, and INT_MIN and INT_MAX "
			 "looked at; then the store." } },
	    { .id = "writer-map",
	      .points = 2,
	      .task = 5,
	      .title = "the writer looks through a shared read-only mapping, and leaves temp alone",
	      .run = writer_map,
	      .hints = { "What does /proc/PID/maps say of temp while the writer sleeps?",
			 "Who only looks opens with O_RDONLY; then PROT_WRITE on a shared mapping is "
			 "EACCES.",
			 "mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0)" } },
	    { .id = "two-waits",
	      .points = 2,
	      .task = 6,
	      .needs = "writer-map",
	      .title = "the writer waits 5 s before the first five and 5 s before the other five",
	      .run = two_waits,
	      .hints = { "What does `strace -r -e trace=clock_nanosleep ./writer` show?",
			 "sleep(3) counts seconds, usleep(3) microseconds.",
			 "sleep(5); the first loop; sleep(5); the second loop" } },
	    { .id = "fresh-values",
	      .points = 2,
	      .task = 6,
	      .needs = "two-waits",
	      .title = "each value is printed as it stands in temp after its wait",
	      .run = fresh_values,
	      .hints = { "When does your program look at the seventh integer: before or after the "
			 "second sleep?",
			 "No copies: the mapping itself is the array. And which index does the second "
			 "loop use?",
			 "for (i = 5; i < 10; i++) printf(\"%d\\n\", slot[i]); behind the second sleep" } },
	    { .id = "together",
	      .points = 2,
	      .task = 6,
	      .needs = "fresh-values",
	      .title = "reader and writer work at the same time, in either order",
	      .run = together,
	      .hints = { "Start the writer on an old temp, then the reader: do both have the same "
			 "file (ls -i temp)?",
			 "A file that is removed and made anew has the name of the old one, nothing "
			 "else." } },
	    { .id = "reports-failures",
	      .points = 2,
	      .task = 5,
	      .needs = "writer-map",
	      .title = "a bad temp, a failed mmap, a full stdout and an argument are reported",
	      .run = reports_failures,
	      .hints = { "Run the writer without temp, on an empty one, on a FIFO (mkfifo temp), on a "
			 "directory.",
			 "mmap(2) takes a file that is too short; the look at it is SIGBUS. fstat(2) "
			 "knows before.",
			 "open with O_NONBLOCK; S_ISREG; st_size >= 40; MAP_FAILED; fflush(stdout) == "
			 "EOF" } },
    }, );
