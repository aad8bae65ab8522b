/*
 * Lab 03: two programs and one file. reader stores ten integers in "temp" through a shared mapping,
 * writer looks at them through another, five after 5 s and five after 5 s more.
 */
#include "exam/exam.h"

#include <inttypes.h>
#include <sys/sysmacros.h>
#include <time.h>

enum {
	COUNT = 10,
	HALF = COUNT / 2,
	SIZE = COUNT * sizeof(int32_t),
	PAUSE = 5000,  /* ms */
	SLACK = 500,   /* ms by which a wait may miss */
	TICK = 1000,   /* ms; time(2) knows no smaller ones, so who counts with it may be early */
	AT_ONCE = 100, /* ms of sleep that may lie between read and store, of a polling helper */
	MOST_STOPS = 2048, /* sleeps of one program that are looked at one by one */
	MOST_LOOKS = 5000
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

/* epoll_wait(2) names no descriptor: who waits so, with nothing left to read, waits for more. */
static bool waits_for_events(struct exam *x, struct program *p)
{
	for (struct process *process = first_process(p); process != NULL;
	     process = next_process(process)) {
		enum call call = alive(process) ? waiting(x, process).call : CALL_NONE;

		if (call == CALL_epoll_wait || call == CALL_epoll_pwait ||
		    call == CALL_epoll_pwait2)
			return true;
	}
	return false;
}

/*
 * Runs until the reader has taken all that was fed and asks for more. False where it ends or gets
 * stuck instead.
 */
static bool asks_for_more(struct exam *x, struct program *reader)
{
	for (;;)
		switch (run_to(x, reader, at_read_of(STDIN_FILENO), when_blocked())) {
		case 0:
			if (unread_input(x, reader) == 0)
				return true;
			break;
		case 1:
			return unread_input(x, reader) == 0 && waits_for_events(x, reader);
		default:
			return false;
		}
}

static void feed_integer(struct exam *x, struct program *reader, int32_t value)
{
	feed(x, reader, say(x, "%" PRId32 "\n", value));
}

static bool slot_holds(struct exam *x, int slot, int32_t value)
{
	struct bytes bytes = file_bytes(x, TEMP, (off_t)slot * 4, 4);

	return bytes.size == 4 && memcmp(bytes.data, &value, 4) == 0;
}

/* What became of an integer that was entered. */
struct entered {
	bool asks;    /* the reader asks for the next one */
	bool stored;  /* it stands in its slot */
	int64_t kept; /* ms of virtual time from the moment it was read to the one it was stored */
};

/*
 * Enters one integer and runs until it is stored and the next one is asked for. The store may be
 * another thread's or process's work, so at the question all others get their turn first. Virtual
 * time moves only while nobody has anything to do but sleep.
 */
static struct entered enter_integer(struct exam *x, struct program *reader, int slot, int32_t value)
{
	enum { LONGEST = 60000 };
	struct entered entered = { .kept = 0 };
	int64_t read_at = -1;

	feed_integer(x, reader, value);
	for (;;) {
		int reached = run_to(x, reader, at_read_of(STDIN_FILENO), when_blocked(),
				     at_sleep());

		if (unread_input(x, reader) > 0 && reached != 1 && reached >= 0)
			continue;
		if (read_at < 0)
			read_at = virtual_ms(x);
		if (!entered.stored && slot_holds(x, slot, value)) {
			entered.stored = true;
			entered.kept = virtual_ms(x) - read_at;
		}
		if (reached == 0)
			entered.asks = true;
		if (reached == 1)
			entered.asks = entered.asks || waits_for_events(x, reader);
		if ((entered.stored && entered.asks) || reached == 1 || reached < 0 ||
		    virtual_ms(x) - read_at > LONGEST)
			return entered;
	}
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

/* All ten; the first one that is different is told. */
static void expect_slots(struct exam *x, const int32_t *ints, const char *why)
{
	for (int i = 0; i < COUNT; i++)
		if (!slot_holds(x, i, ints[i])) {
			expect_slot(x, i, ints[i], why);
			return;
		}
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

/*
 * A VMA that has the slots too, and through which they may be stored to (or only looked at, as
 * `letter` says), but not in the way it should be: the right one beside it is a decoy.
 */
static struct mapping decoyed_by(struct exam *x, struct program *p, const char *perms, int letter)
{
	struct stat st;

	for (struct process *process = first_process(p); process != NULL && file_stat(x, TEMP, &st);
	     process = next_process(process)) {
		const struct maps *maps = alive(process) ? maps_now(x, process) : NULL;

		for (size_t i = 0; maps != NULL && i < maps->count; i++) {
			const struct vma *vma = &maps->vma[i];

			if (vma->offset == 0 && strchr(vma->perms, letter) != NULL &&
			    !vma_perms_are(vma, perms) &&
			    vma_is_file(vma, major(st.st_dev), minor(st.st_dev), st.st_ino))
				return (struct mapping){ process, vma };
		}
	}
	return (struct mapping){ NULL, NULL };
}

static void expect_no_decoy(struct exam *x, struct program *p, const char *perms, int letter,
			    const char *why)
{
	struct mapping other = decoyed_by(x, p, perms, letter);

	if (other.vma != NULL)
		expect(x, false, .expected = say(x, "the ten integers mapped %s", perms),
		       .observed = say(x, "they are mapped %s as well", other.vma->perms),
		       .from = from_vma(x, other.vma),
		       .at = at_mapping(x, other.process, other.vma), .why = why);
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
	       .observed = say(
		       x, "%jd bytes; temp was %s at the start%s", (intmax_t)file_size(x, TEMP),
		       state->words,
		       ending(reader).how == STILL_THERE
			       ? ""
			       : say(x, ", and the reader ended with %s", ending_text(x, reader))),
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
	static const char why[] =
		"a store reaches the file through MAP_SHARED alone; PROT_READ and "
		"PROT_WRITE are both needed, and nothing else is";
	const int32_t *ints = ten_counts(x, NULL);
	struct program *reader;

	put_file(x, TEMP, ten_ints(x, ints), SIZE, 0666);
	if (have_watchpoints(x))
		watch_slots(x, WATCH_STORES);
	reader = start(x, "reader", .typed = true);
	feed_integer(x, reader, ints[0]);
	/* the first store; or else the question for the second integer, or the end; who unmaps
	 * after each store has the mapping at the munmap(2) still */
	for (;;) {
		int reached = run_to(x, reader, at_watch(NULL), at_read_of(STDIN_FILENO),
				     at_last_exit(), at_call(CALL_munmap));

		if (reached == 3 ? !have_watchpoints(x) && maps_slots(x, reader, "rw-s")
				 : reached != 1 || unread_input(x, reader) == 0)
			break;
	}
	expect_slots_mapped(x, reader, "rw-s", why);
	expect_no_decoy(x, reader, "rw-s", 'w', why);
	if (failed(x))
		return;
	kill_program(x, reader);
	reader = run(x, "reader", .input = one_a_line(x, ints));
	expect_not_written(x, reader, TEMP);
	expect_not_read(x, reader, TEMP);
	if (failed(x))
		return;
	/* a new file has to get its size without a write(2) at its end */
	no_temp(x);
	reader = run(x, "reader", .input = one_a_line(x, ints));
	if (name_exists(x, TEMP))
		expect_not_written(x, reader, TEMP);
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
		struct entered entered = enter_integer(x, reader, i, ints[i]);

		if (i < COUNT - 1)
			expect(x, entered.asks, .expected = "the reader asks for the next integer",
			       .observed = ending_text(x, reader),
			       .why = say(x, "%d of ten were entered", i + 1));
		expect_slot(x, i, ints[i], why);
		expect(x, entered.kept <= AT_ONCE,
		       .expected = say(x, "%" PRId32 " in slot %d at once", ints[i], i),
		       .observed = say(x, "stored %" PRId64 " ms after it was read", entered.kept),
		       .why = why);
	}
	if (failed(x))
		return;
	feed_end(x, reader);
	finish(x, reader);
	expect_exit(x, reader, 0, "ten integers were entered");
	expect_slots(x, ints, "all ten in their slots at the end");
	expect_output(x, reader, "", "the interface states no line for the reader");

	reader = run(x, "reader", .input = "1 2\t3\n\n  4 \r\n5\v6\f7\n8 9 10");
	expect_exit(x, reader, 0, "integers are separated by white space, in any amount");
	expect_slots(x, (const int32_t[]){ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 },
		     "1 to 10, several on a line");
	if (failed(x))
		return;
	put_file(x, "elsewhere", old, SIZE, 0666);
	no_temp(x);
	put_link(x, TEMP, "elsewhere");
	reader = run(x, "reader", .input = one_a_line(x, ints));
	expect_exit(x, reader, 0, "temp is a symbolic link to a file: that file is temp");
	expect_slots(x, ints, "the file behind the symbolic link temp gets the ten integers");
}

/*
 * A word that is no int; size for the one with a NUL in it. `begun`: it begins with one. Who asks
 * scanf(3) for a number gets that first, and meets the rest at the next question: an error all the
 * same, one number later.
 */
struct bad_word {
	const char *text;
	size_t size;
	const char *why;
	bool begun;
};

static const struct bad_word bad_words[] = {
	{ "abc\n", 4, "abc is no integer: scanf leaves it where it is, and says so", false },
	{ "2147483648\n", 11, "one more than INT_MAX", false },
	{ "-2147483649\n", 12, "one less than INT_MIN", false },
	{ "4294967303\n", 11, "2^32 + 7: cut to 32 bits it would be 7", false },
	{ "9223372036854775808\n", 20, "one more than a long holds", false },
	{ "-18446744073709551629\n", 22, "-(2^64 + 13): cut to 64 bits it would be -13", false },
	{ "12x\n", 4, "an integer ends at white space", true },
	{ "7\0\n", 3, "a NUL is no white space", true },
	{ "-\n", 2, "a sign without digits", false },
	{ "--5\n", 4, "two signs", false },
	{ "1.5\n", 4, "a dot is no digit", true },
	{ "0x10\n", 5, "decimal digits only", true },
	{ "3,4\n", 4, "a comma is no white space", true },
	{ NULL, 0, "the input ends before the tenth integer", false },
};

/*
 * Whether the reader still wants integers after that word. A question alone does not say so: who
 * reads ahead, in another thread or process, asks before the word has been looked at. So at each
 * question all others get their turn, until nothing moves any more.
 */
static bool goes_on_asking(struct exam *x, struct program *reader, const char **at)
{
	enum { MOST_QUESTIONS = 20 }; /* of one that naps and looks again */
	int questions = 0;

	while (questions < MOST_QUESTIONS)
		switch (run_to(x, reader, at_read_of(STDIN_FILENO), when_blocked())) {
		case 0:
			if (unread_input(x, reader) == 0) {
				*at = last_stop(x, reader)->at;
				questions++;
			}
			break;
		case 1:
			return ending(reader).how == STILL_THERE && unread_input(x, reader) == 0 &&
			       (questions > 0 || waits_for_events(x, reader));
		default:
			return false;
		}
	return true;
}

/* Some good integers, then the bad word: an error, and temp as it was before that word. */
static void expect_refused(struct exam *x, const struct bad_word *word)
{
	const int32_t *ints = ten_counts(x, NULL);
	/* behind the tenth there is no next question */
	int good = (int)pick(x, 1, word->begun ? COUNT - 2 : COUNT - 1);
	struct program *reader;
	struct bytes before;
	int32_t kept[COUNT];
	const char *why, *at = NULL;

	put_file(x, TEMP, ten_ints(x, ints), SIZE, 0666);
	reader = start(x, "reader", .typed = true);
	for (int i = 0; i < good; i++) {
		struct entered entered = enter_integer(x, reader, i, ints[i]);

		if (!entered.asks || !entered.stored)
			return; /* another check's matter */
	}
	before = file_bytes(x, TEMP, 0, SIZE);
	if (before.size != SIZE)
		return;
	why = word->text == NULL ? word->why
				 : say(x, "%s after %d integer%s: %s",
				       quoted(x, word->text, word->size - 1, 40), good,
				       good == 1 ? "" : "s", word->why);
	if (word->text != NULL) {
		feed_bytes(x, reader, word->text, word->size);
		bool asks = goes_on_asking(x, reader, &at);

		expect(x, !asks, .expected = "an error", .observed = "it asks for the next integer",
		       .at = at, .why = why);
	}
	feed_end(x, reader);
	finish(x, reader);
	expect_error(x, reader, why);
	expect_size(x, TEMP, SIZE, "temp keeps its ten slots, whatever is entered");
	memcpy(kept, before.data, SIZE);
	if (word->begun && slot_holds(x, good, (int32_t)strtol(word->text, NULL, 10)))
		kept[good] = (int32_t)strtol(word->text, NULL, 10);
	expect_slots(
		x, kept,
		say(x, "%s; what was entered before stays, what was refused is not stored", why));
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
	expect_slots(x, extremes, "the extremes of int, signs and leading zeros");
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
 * The sleeps of one run. A program that looks at the clock (which does not follow virtual time)
 * instead of adding up its sleeps, or that waits for a timer or with a time-out, has no such order
 * of events; it is judged by real time.
 */
struct slept {
	int64_t from[MOST_STOPS];	  /* ms of virtual time at which a sleep began */
	const int32_t *shown[MOST_STOPS]; /* what temp holds from then to the next one */
	size_t count;			  /* of them, MOST_STOPS at most */
	bool more;			  /* there were more */
	bool absolute;			  /* one lasts until a point in time */
	bool whole_seconds; /* … that is a whole second, as one made from time(2) is */
	int64_t asked;	    /* ms, the sleeps one by one */
	int64_t total;	    /* ms of virtual time, all of it */
	int64_t real;	    /* ms of real time */
	int64_t cpu;	    /* ms */
};

/*
 * One of several threads or processes is about to sleep. The others get their turn before temp
 * changes, for they may still have to look at what the last wait has ended; no time passes. True
 * where another sleep begins meanwhile.
 */
static bool let_others_look(struct exam *x, struct program *writer)
{
	bool another;

	if (!works_with_others(x, writer))
		return false;
	hold_thread(x, writer);
	set_limits(x, writer, 25000, 60000, 1);
	another = run_to(x, writer, at_sleep(), when_blocked()) == 0;
	be_patient(x, writer);
	release_program(x, writer);
	return another;
}

/* Runs the writer to its end, or to one sleep too many; with INTS, temp gets fresh ones at each
 * sleep. */
static struct slept *watch_sleeps(struct exam *x, struct program *writer, const int32_t *ints)
{
	struct slept *slept = room(x, sizeof(*slept));
	int64_t began = virtual_ms(x), really_began = real_ms(x);
	bool another = false;

	be_patient(x, writer);
	while (!slept->more && (another || run_to(x, writer, at_sleep()) == 0)) {
		const struct event *event = last_stop(x, writer)->event;

		if (event->call == CALL_clock_nanosleep && event->args[1] == TIMER_ABSTIME) {
			struct timespec until = { 0 };

			slept->absolute = true;
			if (!peek(x, event->process, event->args[2], &until, sizeof(until)) ||
			    until.tv_nsec == 0)
				slept->whole_seconds = true;
		}
		slept->asked += event->sleep_ns / 1000000;
		slept->more = slept->count == MOST_STOPS;
		if (slept->more)
			break;
		another = let_others_look(x, writer);
		if (ints != NULL) {
			ints = ten_ints(x, ints);
			put_bytes(x, TEMP, 0, ints, SIZE);
		}
		slept->shown[slept->count] = ints;
		slept->from[slept->count++] = virtual_ms(x) - began;
	}
	slept->total = virtual_ms(x) - began;
	slept->real = real_ms(x) - really_began;
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
	    llabs(slept->total - slept->from[second] - PAUSE) > SLACK)
		return 0;
	return second;
}

static bool ten_seconds(const struct slept *slept)
{
	return llabs(slept->total - 2 * PAUSE) <= 2 * SLACK;
}

/* How the writer waits, where its waits are no sum of sleeps. */
struct manner {
	bool by_the_clock; /* in one of these ways … */
	bool real_time;	   /* … of which only real time can tell */
	bool fine; /* it sleeps until points in time that are no whole seconds, nothing else */
};

/*
 * Until a point in time, polling the clock, spinning on it, for a timer: only real time moves it.
 * With time-outs, or two at a time: virtual time does, but there is no sleep to stop at.
 */
static struct manner manner_of(const struct slept *slept)
{
	bool other_waits = llabs(slept->asked - slept->total) > SLACK;
	bool real_time = slept->absolute || slept->more || slept->count > 100 ||
			 slept->cpu > 2000 || slept->real > PAUSE - SLACK ||
			 (other_waits && !ten_seconds(slept));
	bool fine = slept->absolute && !slept->whole_seconds && slept->count <= 4 &&
		    slept->cpu <= 2000 && slept->real <= PAUSE - SLACK;

	if (second_wait(slept) != 0)
		return (struct manner){ 0 };
	return (struct manner){ real_time || other_waits, real_time, fine };
}

static void find_manner(struct exam *x, void *facts)
{
	struct manner *manner = facts;
	struct program *writer;

	put_file(x, TEMP, ten_ints(x, NULL), SIZE, 0666);
	writer = start(x, "writer");
	*manner = manner_of(watch_sleeps(x, writer, NULL));
	kill_program(x, writer);
}

static const struct manner *manner_of_writer(struct exam *x)
{
	return scene(x, find_manner, sizeof(struct manner));
}

static bool writer_goes_by_the_clock(struct exam *x)
{
	return manner_of_writer(x)->by_the_clock;
}

static struct program *start_writer(struct exam *x, enum output_kind stdout_is)
{
	struct program *writer = start(x, "writer", .stdout_is = stdout_is,
				       .real_time = manner_of_writer(x)->real_time);

	be_patient(x, writer);
	return writer;
}

/* To its end. Whom virtual time does not move gets real time. */
static struct program *run_writer(struct exam *x, enum output_kind stdout_is)
{
	struct program *writer = start_writer(x, stdout_is);

	finish(x, writer);
	return writer;
}

/*
 * One run by the clock that moves it: when was each half looked at last? A program cannot be faster
 * than its waits, only slower, so times are only judged for being too early.
 */
struct looks {
	int32_t ints[COUNT];
	int64_t half[2]; /* ms; -1: no look was seen */
	int64_t total;	 /* ms */
	bool ended_well;
	const char *ending;
	const char *output;
};

/* temp is a link, and holds zeros and extremes: neither makes a difference to the waits. */
static void put_linked_temp(struct exam *x, int32_t *ints)
{
	static const int32_t special[] = { 0, INT32_MIN, INT32_MAX, -1, 0 };

	memcpy(ints, ten_ints(x, NULL), SIZE);
	for (int i = 0; i < HALF; i++)
		ints[2 * i + 1] = special[i];
	put_file(x, "elsewhere", ints, SIZE, 0666);
	no_temp(x);
	put_link(x, TEMP, "elsewhere");
}

static void look_at_the_clock(struct exam *x, void *facts)
{
	static const off_t at[4] = { 0, 8, 24, 32 }; /* none of them lies in both halves */
	struct looks *looks = facts;
	struct eyes eyes = { { NULL } };
	const bool real = manner_of_writer(x)->real_time;
	struct program *writer;
	int64_t began;

	put_linked_temp(x, looks->ints);
	looks->half[0] = looks->half[1] = -1;
	writer = start_writer(x, OUTPUT_PIPE);
	for (int i = 0; i < 4 && have_watchpoints(x); i++)
		eyes.watch[i] = watch_file(x, "elsewhere", at[i], 8, WATCH_ACCESSES);
	began = real ? real_ms(x) : virtual_ms(x);
	for (int i = 0; i < MOST_LOOKS && run_to(x, writer, at_watch(NULL)) == 0; i++)
		for (int eye = 0; eye < 4; eye++)
			if (last_stop(x, writer)->watch == eyes.watch[eye])
				looks->half[eye / 2] = (real ? real_ms(x) : virtual_ms(x)) - began;
	close_eyes(x, &eyes);
	finish(x, writer);
	looks->total = (real ? real_ms(x) : virtual_ms(x)) - began;
	looks->ended_well = ending(writer).how == EXITED && ending(writer).status == 0;
	looks->ending = keep(x, ending_text(x, writer));
	looks->output = keep(x, output(x, writer, NULL));
}

static const struct looks *looks_by_the_clock(struct exam *x)
{
	return scene(x, look_at_the_clock, sizeof(struct looks));
}

static const char *sleeps_in_words(struct exam *x, const struct slept *slept)
{
	const char *text;

	if (slept->count == 0)
		return slept->total == 0 ? "no sleep at all"
					 : say(x, "no sleep, but waits of together %" PRId64 " ms",
					       slept->total);
	text = say(x, "%zu sleep%s of together %" PRId64 " ms, beginning at", slept->count,
		   slept->count == 1 ? "" : "s", slept->asked);
	for (size_t i = 0; i < slept->count && i < 4; i++)
		text = say(x, "%s%s %" PRId64 " ms", text, i == 0 ? "" : " and", slept->from[i]);
	return slept->count > 4 ? say(x, "%s …", text) : text;
}

/* ---- writer: its mapping --------------------------------------------------------------------- */

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

/* What a longer temp is to the writer is left open; that it gets shorter is not. Whoever cuts it
 * does so at the start. */
static void leaves_longer_temp(struct exam *x)
{
	const off_t longer = SIZE + pick(x, 1, 4000);
	struct program *writer;

	put_file(x, TEMP, pick_bytes(x, (size_t)longer), (size_t)longer, 0666);
	writer = start(x, "writer");
	/* a short time for one that spins on the clock */
	set_limits(x, writer, 500, 5000, 2 * PAUSE);
	run_to(x, writer, after_calls(call_set_family(FAMILY_SIZE)), at_sleep(), at_exit());
	expect_size(x, TEMP, longer, "the writer leaves temp as it is, a longer one too");
	kill_program(x, writer);
}

static void writer_map(struct exam *x)
{
	static const char why[] = "MAP_SHARED shows what others store for certain, and who only "
				  "looks asks for PROT_READ and O_RDONLY";
	const int32_t *ints = ten_ints(x, NULL);
	struct program *writer;

	writer_goes_by_the_clock(x); /* asked for the first time it takes a run of its own */
	put_file(x, TEMP, ints, SIZE, 0666);
	writer = start(x, "writer");
	if (first_look(x, writer)) {
		expect_slots_mapped(x, writer, "r--s", why);
		expect_no_decoy(x, writer, "r--s", 'r', why);
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
	writer = start_writer(x, OUTPUT_PIPE);
	/* what it is looked at through later on is mapped no other way */
	while (run_to(x, writer, at_call(CALL_munmap), at_exit()) >= 0 && !failed(x)) {
		expect_no_decoy(x, writer, "r--s", 'r', why);
		expect_no_decoy(x, writer, "r--s", 'w', why);
	}
	if (failed(x))
		return;
	expect_not_read(x, writer, TEMP);
	expect_not_written(x, writer, TEMP);
	expect_bytes(x, TEMP, 0, ints, SIZE, "the writer leaves temp as it is");
	expect_size(x, TEMP, SIZE, "the writer leaves temp as it is");
	if (!failed(x))
		leaves_longer_temp(x);
}

/* ---- writer: what it does with the time -------------------------------------------------------
 */

/* What the clock tells of the waits. Looks that come before any wait are another check's matter. */
static void two_waits_by_the_clock(struct exam *x)
{
	static const char expected[] = "a wait of 5 s, and another of 5 s";
	static const char why[] = "in the first wait others may store the first five, in the "
				  "second the other five";
	const struct looks *looks = looks_by_the_clock(x);
	int64_t first = looks->half[0], second = looks->half[1];
	int64_t least = 2 * PAUSE - (manner_of_writer(x)->fine ? SLACK : TICK);

	expect(x, looks->ended_well, .expected = "\"writer\" ends with exit status 0",
	       .observed = looks->ending, .why = "temp holds ten integers");
	expect(x, looks->total >= least, .expected = expected,
	       .observed = say(x, "it ended after %" PRId64 " ms by the clock", looks->total),
	       .why = why);
	if (first < SLACK || second < first)
		return;
	expect(x, first >= PAUSE - TICK - SLACK / 5, .expected = expected,
	       .observed = say(x, "it looked at the first five after %" PRId64 " ms", first),
	       .why = why);
	expect(x, first < 2 * PAUSE - TICK || second - first >= PAUSE / 2, .expected = expected,
	       .observed = say(x,
			       "it looked at the first five after %" PRId64
			       " ms and at the other five after %" PRId64 " ms",
			       first, second),
	       .why = why);
}

static void two_waits(struct exam *x)
{
	const struct slept *slept;
	struct program *writer;

	if (writer_goes_by_the_clock(x)) {
		two_waits_by_the_clock(x);
		return;
	}
	put_file(x, TEMP, ten_ints(x, NULL), SIZE, 0666);
	writer = start(x, "writer");
	slept = watch_sleeps(x, writer, NULL);
	expect_exit(x, writer, 0, "temp holds ten integers");
	expect(x, second_wait(slept) != 0, .expected = "a wait of 5 s, and another of 5 s",
	       .observed = sleeps_in_words(x, slept),
	       .why = "in the first wait others may store the first five, in the second the other "
		      "five");
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

/*
 * Was VALUE in SLOT at the end of that wait? What was put there at the last sleep before it may
 * still be seen after it, for a short time, when another thread goes on sleeping.
 */
static bool stood_there(const struct slept *slept, int slot, int64_t value)
{
	int64_t wait_end = slot < HALF ? PAUSE : 2 * PAUSE;

	for (size_t i = 0; i < slept->count; i++) {
		int64_t until = i + 1 < slept->count ? slept->from[i + 1] : INT64_MAX;

		if (slept->shown[i][slot] == value && until >= wait_end - SLACK &&
		    slept->from[i] <= wait_end + SLACK &&
		    (slot >= HALF || until < 2 * PAUSE - SLACK || slept->from[i] < PAUSE - SLACK))
			return true;
	}
	return false;
}

static void expect_values(struct exam *x, struct program *writer, const struct slept *slept,
			  const int32_t *first, int32_t *ints)
{
	const char *at = output(x, writer, NULL);

	for (int i = 0; i < COUNT && *at != '\0'; i++) {
		char *end;
		long value = strtol(at, &end, 10);

		if (end == at || *end != '\n')
			break;
		if (!expect(x, stood_there(slept, i, value),
			    .expected = say(x,
					    "line %d: %" PRId32 ", as slot %d holds after the wait",
					    i + 1, ints[i], i),
			    .observed = say(x, "%ld: %s", value, origin(x, slept, first, value)),
			    .from = say(x, "line %d of standard output", i + 1),
			    .why = "the first five are looked at between the waits, the other "
				   "five behind both: not earlier, not later, each in its own "
				   "slot"))
			return;
		ints[i] = (int32_t)value;
		at = end + 1;
	}
	expect_output(x, writer, one_a_line(x, ints), "ten integers, one a line, nothing else");
}

static void fresh_values_by_the_clock(struct exam *x)
{
	static const char why[] = "a value that was copied before the wait is not what stands "
				  "there now";
	const struct looks *looks = looks_by_the_clock(x);
	const char *right = one_a_line(x, looks->ints);
	int64_t first = looks->half[0], second = looks->half[1];

	expect(x, strcmp(looks->output, right) == 0,
	       .expected = quoted(x, right, strlen(right), 160),
	       .observed = quoted(x, looks->output, strlen(looks->output), 160),
	       .from = "standard output of \"writer\"",
	       .why = "ten integers, one a line, nothing else");
	expect(x, first < 0 || first >= PAUSE - TICK - SLACK / 5,
	       .expected = "a look at the first five after 5 s",
	       .observed = say(x, "the last one was after %" PRId64 " ms", first), .why = why);
	expect(x, second < 0 || (second >= 2 * PAUSE - TICK && second - first >= PAUSE / 2),
	       .expected = "a look at the other five after 5 s more",
	       .observed = say(x, "the last one was after %" PRId64 " ms", second), .why = why);
}

static void fresh_values(struct exam *x)
{
	int32_t *ints = room(x, SIZE);
	const int32_t *first = ten_ints(x, NULL);
	const struct slept *slept;
	struct program *writer;
	size_t second;

	if (writer_goes_by_the_clock(x)) {
		fresh_values_by_the_clock(x);
		return;
	}
	put_file(x, TEMP, first, SIZE, 0666);
	writer = start(x, "writer");
	slept = watch_sleeps(x, writer, first);
	second = second_wait(slept);
	need(x, second > 0, .expected = "a wait of 5 s, and another of 5 s, as in the run before",
	     .observed = sleeps_in_words(x, slept),
	     .why = "what temp holds makes no difference to the waits");
	memcpy(ints, slept->shown[second - 1], SIZE / 2);
	memcpy(ints + HALF, slept->shown[slept->count - 1] + HALF, SIZE / 2);
	expect_values(x, writer, slept, first, ints);
	if (failed(x))
		return;
	put_linked_temp(x, ints);
	writer = start(x, "writer");
	set_limits(x, writer, 10000, 30000, 6 * 2 * PAUSE); /* no need to watch it for longer */
	finish(x, writer);
	expect_exit(x, writer, 0,
		    "temp is a symbolic link to a file with ten integers, 0 among them");
	expect_output(x, writer, one_a_line(x, ints),
		      "temp is a symbolic link to the file; 0 is an integer like others");
}

/* ---- both
 * ---------------------------------------------------------------------------------------- */

static const char not_alone[] =
	"the reader alone does not take and store ten integers, which other "
	"checks judge";

static void enter_one(struct exam *x, struct program *reader, const int32_t *ints, int i)
{
	struct entered entered = enter_integer(x, reader, i, ints[i]);

	if ((!entered.asks && i < COUNT - 1) || !entered.stored)
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

/* Somewhere in its first wait, or on the way to it: it has mapped temp, and shown nothing yet. */
static bool to_first_wait(struct exam *x, struct program *writer)
{
	if (writer_goes_by_the_clock(x))
		return run_to(x, writer, after_call_on(CALL_mmap, TEMP)) == 0;
	return run_to(x, writer, at_sleep()) == 0;
}

/*
 * To the second wait or its brink. Sleeps are counted; who goes by the clock is stopped at its
 * first look, behind which the second wait lies.
 */
static bool to_second_wait(struct exam *x, struct program *writer, int64_t began)
{
	if (writer_goes_by_the_clock(x)) {
		struct eyes eyes;
		bool looks;

		if (!have_watchpoints(x))
			return false;
		eyes = watch_slots(x, WATCH_ACCESSES);
		looks = run_to(x, writer, at_watch(NULL)) == 0;
		close_eyes(x, &eyes);
		return looks;
	}
	while (run_to(x, writer, at_sleep()) == 0)
		if (virtual_ms(x) - began >= PAUSE - SLACK)
			return true;
	return false;
}

static void meet(struct exam *x, bool writer_first)
{
	static const char unseen[] = "this host does not show when the writer waits";
	const int32_t *old = ten_ints(x, NULL), *ints = ten_counts(x, old);
	struct program *reader, *writer = NULL;
	int64_t began = 0;

	no_temp(x);
	if (writer_first) {
		put_file(x, TEMP, old, SIZE, 0666);
		writer = start_writer(x, OUTPUT_PIPE);
		began = virtual_ms(x);
		if (!to_first_wait(x, writer))
			skip(x, unseen);
		hold_program(x, writer);
	}
	reader = start(x, "reader", .typed = true);
	enter_one(x, reader, ints, 0);
	if (!writer_first) {
		hold_program(x, reader);
		writer = start_writer(x, OUTPUT_PIPE);
		began = virtual_ms(x);
		if (!to_first_wait(x, writer)) {
			expect_exit(x, writer, 0, "the writer finds what the reader has made");
			skip(x, unseen);
		}
		release_program(x, reader);
	}
	enter(x, reader, writer, ints, 1, HALF);
	if (!to_second_wait(x, writer, began))
		skip(x, unseen);
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
	writer_goes_by_the_clock(x);
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

/* It found another way: the reader stored 1 to 10, the writer printed what temp holds. */
static bool went_well(struct exam *x, struct program *p, const int32_t *ints)
{
	static const int32_t entered[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
	struct bytes now = file_bytes(x, TEMP, 0, SIZE);

	if (ending(p).how != EXITED || ending(p).status != 0 || now.size != SIZE)
		return false;
	if (strcmp(output(x, p, NULL), "") == 0)
		return memcmp(now.data, entered, SIZE) == 0 && expect_not_written(x, p, TEMP);
	return strcmp(output(x, p, NULL), one_a_line(x, ints)) == 0 && expect_not_read(x, p, TEMP);
}

/* Every mapping fails, MOST_TRIES times at most. Who has another way to temp may take that, but not
 * try the same for ever. */
static void mmap_refused(struct exam *x, const char *name)
{
	enum { MOST_TRIES = 12 };
	const int32_t *ints = ten_ints(x, NULL);
	struct program *p;
	int tries = 0;

	put_file(x, TEMP, ints, SIZE, 0666);
	p = start(x, name, .input = "1 2 3 4 5 6 7 8 9 10\n");
	for (bool struck = true; struck && tries < MOST_TRIES; tries += struck) {
		struct fault *fault = fail_call(x, p, CALL_mmap, ENOMEM, TEMP, 0);

		run_to(x, p, after_call_on(CALL_mmap, TEMP));
		struck = fault_struck(fault);
	}
	expect(x, tries < MOST_TRIES, .expected = "an error",
	       .observed = say(x, "it calls mmap again and again (%d times)", tries),
	       .at = at_stop(x, p), .why = say(x, "%s: mmap failed with ENOMEM, each time", name));
	finish(x, p);
	if (tries > 0 && !failed(x) && !went_well(x, p, ints))
		expect_error(x, p,
			     say(x, "%s: mmap failed with ENOMEM, which it reports as MAP_FAILED",
				 name));
}

/* The call that would give temp its size fails. A reader with another way to it may take that. */
static void size_refused(struct exam *x, enum call call)
{
	static const char input[] = "1 2 3 4 5 6 7 8 9 10\n";
	struct program *p;
	struct fault *fault;

	no_temp(x);
	p = start(x, "reader", .input = input);
	fault = fail_call(x, p, call, EIO, NULL, 0);
	finish(x, p);
	if (fault_struck(fault) && !went_well(x, p, NULL))
		expect_error(x, p, "reader: the size of temp could not be set (EIO)");
}

static void reports_failures(struct exam *x)
{
	static const off_t short_sizes[] = { 0, 12, SIZE - 1 };
	static const struct words bad[] = {
		{ { "temp" } }, { { "5", "5" } }, { { "" } }, { { NULL } }
	};

	writer_goes_by_the_clock(x);
	no_temp(x);
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
	size_refused(x, CALL_ftruncate);
	size_refused(x, CALL_truncate);
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
	feed(x, reader, "10\n20\n30\n40\n50\n");
	asks_for_more(x, reader);
	writer = start(x, "writer");
	run_to(x, writer, at_sleep());
	hold_program(x, writer);
	feed(x, reader, "60\n70\n80\n90\n100\n");
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
