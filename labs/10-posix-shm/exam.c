/*
 * Lab 10: an object in /dev/shm, a producer and a consumer. The layout is the student's own: the
 * squares are found by their values, and everything else about the object is left alone. What
 * "not ready" looks like is taken from the student's producer, stopped half-way.
 */
#include "exam/exam.h"

#include <inttypes.h>
#include <sys/statvfs.h>

enum {
	EXTRA = 65536,	 /* bytes an object may have on top, and a page */
	LEAST_MS = 4500, /* of patience */
	MOST_MS = 7000,
	LATE_MS = 3000,	      /* of waiting after which the object comes */
	MOST_REAL_MS = 10000, /* the same by the real clock of a busy machine */
	MOST_SLEPT_MS = 7500, /* … where all sleeps are slept: nothing else adds to it */
	MOST_LOOKS = 24,      /* consumers that are sent to one production */
	FEW_MS = 400,	      /* CPU time in which a consumer has come to rest */
	WATCHES = 4,	      /* as many as a CPU has */
	MANY_NAPS = 2000,     /* after so many they last 0.1 ms and more, or it is no rest */
};

/* ---- names, squares, objects ---------------------------------------------------------------- */

static const char *object_of(struct exam *x, const char *name)
{
	return say(x, "/dev/shm/%s", name);
}

/* As shm_open(3) wants it; that the slash may be missing is asked once, by names_and_numbers(). */
static const char *slashed(struct exam *x, const char *name)
{
	return *name == '/' ? name : say(x, "/%s", name);
}

static const char *decimal(struct exam *x, int64_t number)
{
	return say(x, "%" PRId64, number);
}

static int64_t *squares(struct exam *x, int64_t count)
{
	int64_t *square = room(x, (size_t)count * sizeof *square + 1);

	for (int64_t i = 0; i < count; i++)
		square[i] = i * i;
	return square;
}

/* Where in the object `count` numbers stand one behind the other, or -1. */
static off_t find(const struct bytes *object, const int64_t *numbers, int64_t count)
{
	size_t size = (size_t)count * sizeof *numbers;

	for (size_t at = 0; at + size <= object->size; at++)
		if (memcmp(object->data + at, numbers, size) == 0)
			return (off_t)at;
	return -1;
}

static bool all_stand(struct exam *x, const char *file, off_t at, int64_t count)
{
	size_t size = (size_t)count * sizeof(int64_t);
	struct bytes part = file_bytes(x, file, at, size);

	return part.size == size && memcmp(part.data, squares(x, count), size) == 0;
}

static const char *lines(struct exam *x, const int64_t *numbers, int64_t count)
{
	char *text = room(x, (size_t)count * 21 + 1), *end = text;

	for (int64_t i = 0; i < count; i++)
		end += sprintf(end, "%" PRId64 "\n", numbers[i]);
	return text;
}

static struct program *produced(struct exam *x, const char *name, int64_t count)
{
	struct program *p = run(x, "squares",
				.args = { "produce", slashed(x, name), decimal(x, count) });

	need(x, ending(p).how == EXITED && ending(p).status == 0, .expected = "exit 0",
	     .observed = ending_text(x, p), .why = "nothing stands in the way of this object",
	     .from = command_of(x, p));
	return p;
}

static off_t need_squares(struct exam *x, const char *file, int64_t count)
{
	struct bytes object = file_bytes(x, file, 0, (size_t)count * 8 + EXTRA + page_size());
	off_t at = find(&object, squares(x, count), count);
	size_t shown = object.size < 64 ? object.size : 64;

	need(x, at >= 0,
	     .expected = say(x, "the squares of 0 to %" PRId64 ", 64 bits each", count - 1),
	     .observed = say(x, "%zu bytes without them; they begin with %s", object.size,
			     quoted(x, object.data, shown, 200)),
	     .why = "the consumer, and everybody else, sees the object's bytes and nothing more",
	     .from = file);
	return at;
}

/* ---- the producer --------------------------------------------------------------------------- */

static void object_is_right(struct exam *x, int64_t count)
{
	const char *name = pick_word(x, 9), *file = object_of(x, name);
	struct program *p = produced(x, name, count);
	int64_t least = count * 8, most = least + EXTRA + (int64_t)page_size();
	struct stat st;

	need(x, file_stat(x, file, &st), .expected = say(x, "%s is there", file),
	     .observed = say(x, "/dev/shm holds: %s", directory_list(x, "/dev/shm")),
	     .why = "the name is what the consumer finds the memory by, after the producer's end",
	     .from = command_of(x, p));
	expect(x, st.st_size >= least && st.st_size <= most,
	       .expected = say(x, "%" PRId64 " to %" PRId64 " bytes", least, most),
	       .observed = say(x, "%lld bytes", (long long)st.st_size),
	       .why = "a new object has no bytes at all, and mmap(2) gives it none; too many "
		      "are memory taken from others",
	       .from = say(x, "stat of %s after %s", file, command_of(x, p)));
	expect_mode(x, file, 0600,
		    "the last argument of shm_open(3) says who may open the object: you alone");
}

static void object_has_room(struct exam *x)
{
	object_is_right(x, pick(x, 2000, 9000));
	object_is_right(x, 0);
	object_is_right(x, 1);
}

/* Which object does the program hold at the end of its last process? NULL: none. */
static const char *held_at_end(struct exam *x, struct program *p, const char *file)
{
	const char *held = NULL;

	while (run_to(x, p, at_exit(), at_end()) == 0)
		held = descriptor_of(x, p, file);
	return held;
}

static void squares_stand(struct exam *x)
{
	int64_t counts[] = { pick(x, 100100, 110000), pick(x, 300, 3000) };

	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		const char *name = pick_word(x, 9), *file = object_of(x, name);
		struct program *p = start(
			x, "squares",
			.args = { "produce", slashed(x, name), decimal(x, counts[i]) });
		const char *held = held_at_end(x, p, file);

		expect_exit(x, p, 0, "nothing stands in the way of this object");
		need_squares(x, file, counts[i]);
		expect(x, held == NULL, .expected = "no descriptor of the object", .observed = held,
		       .why = "the mapping needs no descriptor: close(2) it when it is made",
		       .from = "/proc/PID/fd at the program's end");
		expect_output(x, p, "", "produce prints nothing");
	}
}

/* Calls that may give the object its name. */
static struct call_set naming_calls(void)
{
	return call_set_family(FAMILY_OPEN | FAMILY_NAME);
}

/*
 * At how many naming calls a production stops before the one that makes the name: 0 is the first.
 * -1 where it never appears.
 */
static int stops_before_name(struct exam *x)
{
	const char *name = pick_word(x, 9), *file = object_of(x, name);
	struct program *p = start(x, "squares", .args = { "produce", slashed(x, name), "40" });
	int stops = 0;

	while (run_to(x, p, at_calls(naming_calls())) == 0 && !name_exists(x, file))
		stops++;
	return stops - 1;
}

static void expect_untouched(struct exam *x, struct program *p, const char *file,
			     const unsigned char *bytes, size_t size, const char *why)
{
	expect_error(x, p, why);
	expect_size(x, file, (off_t)size, why);
	if (name_exists(x, file))
		expect_bytes(x, file, 0, bytes, size, why);
}

static void existing_name_refused(struct exam *x)
{
	const char *name = pick_word(x, 9), *file = object_of(x, name);
	size_t size = (size_t)pick(x, 100, 5000);
	unsigned char *bytes = pick_bytes(x, size);

	put_file(x, file, bytes, size, 0600);
	expect_untouched(
		x, run(x, "squares", .args = { "produce", slashed(x, name), decimal(x, 100) }),
		file, bytes, size, "the object was there before, and is somebody else's");

	/* without a byte as well: a producer has just begun, or a consumer waits for one */
	const char *empty = pick_word(x, 9), *empty_file = object_of(x, empty);

	put_file(x, empty_file, "", 0, 0600);
	expect_untouched(x, run(x, "squares", .args = { "produce", slashed(x, empty), "40" }),
			 empty_file, bytes, 0,
			 "an object without a byte is somebody else's as well");

	int stops = stops_before_name(x);
	const char *late = pick_word(x, 9), *late_file = object_of(x, late);
	struct program *p = start(x, "squares", .args = { "produce", slashed(x, late), "40" });

	for (int i = 0; i <= stops; i++)
		if (run_to(x, p, at_calls(naming_calls())) != 0)
			return;
	if (stops < 0 || name_exists(x, late_file))
		return;
	put_file(x, late_file, bytes, size, 0600);
	finish(x, p);
	expect_untouched(x, p, late_file, bytes, size,
			 "the name appeared between the look and the creation: only O_EXCL makes "
			 "them one step");
}

/* Leaves about `left` bytes in /dev/shm. False where it is not the stage's own. */
static bool fill_shm(struct exam *x, uint64_t left)
{
	struct statvfs fs;
	int fd = open_file(x, "/dev/shm/filler", O_CREAT | O_RDWR);

	if (fd == -1 || fstatvfs(fd, &fs) != 0)
		return false;
	uint64_t have = (uint64_t)fs.f_bavail * fs.f_bsize;

	if (have > (uint64_t)1 << 30)
		return false;
	return have <= left || posix_fallocate(fd, 0, (off_t)(have - left)) == 0;
}

/* A name in /dev/shm that was not there before, or NULL. Named semaphores are no objects. */
static const char *new_object(struct exam *x, const char *before)
{
	const char *now = directory_list(x, "/dev/shm"), *known = say(x, "\n%s\n", before);

	for (size_t length; *now != '\0'; now += length + (now[length] == '\n')) {
		length = strcspn(now, "\n");
		if (strncmp(now, "sem.", 4) != 0 &&
		    strstr(known, say(x, "\n%.*s\n", (int)length, now)) == NULL)
			return say(x, "/dev/shm/%.*s", (int)length, now);
	}
	return NULL;
}

/* Under its own name or under a passing one: what is left holds memory. */
static void expect_no_object(struct exam *x, struct program *p, const char *before, const char *why)
{
	const char *left = new_object(x, before);

	expect_error(x, p, why);
	expect(x, left == NULL, .expected = "nothing new in /dev/shm",
	       .observed = say(x, "%s is left", left),
	       .why = "an unfinished object deceives the consumer, blocks the next producer and "
		      "keeps its memory",
	       .from = command_of(x, p));
}

static void no_space_no_object(struct exam *x)
{
	static const enum call failing[] = { CALL_mmap, CALL_ftruncate };
	static const int errors[] = { ENOMEM, EINVAL };

	for (size_t i = 0; i < 2; i++) {
		const char *name = pick_word(x, 9), *before = directory_list(x, "/dev/shm");
		struct program *p = start(x, "squares",
					  .args = { "produce", slashed(x, name), "500" });
		struct fault *fault = fail_call(x, p, failing[i], errors[i], NULL, 0);

		finish(x, p);
		if (fault_struck(fault))
			expect_no_object(x, p, before,
					 say(x, "%s failed with %s", call_name(failing[i]),
					     strerrorname_np(errors[i])));
	}
	if (fully_isolated(x) && fill_shm(x, 16 * page_size())) {
		const char *name = pick_word(x, 9), *before = directory_list(x, "/dev/shm");
		struct program *p = run(
			x, "squares",
			.args = { "produce", slashed(x, name), decimal(x, 40 * page_size()) });

		expect_no_object(x, p, before,
				 "/dev/shm is full: a store into a page that cannot be had is "
				 "SIGBUS, so ask for the pages first");
	}
	remove_name(x, "/dev/shm/filler");
}

/* ---- names and numbers ---------------------------------------------------------------------- */

static void bad_name(struct exam *x, const char *name)
{
	const char *before = directory_list(x, "/dev/shm");
	const char *why = say(x,
			      "%s is no name: one slash may stand in front, and 1 to 255 other "
			      "characters follow",
			      quoted(x, name, strlen(name), 40));

	expect_error(x, run(x, "squares", .args = { "produce", name, "7" }), why);
	expect_error(x, run(x, "squares", .args = { "consume", name }), why);
	expect(x, strcmp(before, directory_list(x, "/dev/shm")) == 0,
	       .expected = "nothing new in /dev/shm", .observed = directory_list(x, "/dev/shm"),
	       .why = why);
}

static void good_names(struct exam *x, const char *produce_name, const char *consume_name)
{
	const char *why = say(x, "made as %s, opened as %s: a leading slash changes nothing",
			      produce_name, consume_name);

	expect_exit(x, run(x, "squares", .args = { "produce", produce_name, "3" }), 0, why);
	expect_output(x, run(x, "squares", .args = { "consume", consume_name }), "0\n1\n4\n", why);
}

static void names_and_numbers(struct exam *x)
{
	/* Where a name gets too long is a matter of who is asked: 254 characters behind the slash
	 * says shm_open(3), 255 the file system, fewer a suffix. */
	const char *word = pick_word(x, 9), *longest = pick_word(x, 200);
	static const char *const huge[] = { "9223372036854775807", "2305843009213693952",
					    "1152921504606846976" };

	const char *other = pick_word(x, 9), *third = pick_word(x, 9), *before;

	good_names(x, word, say(x, "/%s", word));
	good_names(x, say(x, "/%s", other), other);
	good_names(x, longest, longest);
	bad_name(x, "");
	bad_name(x, "/");
	bad_name(x, say(x, "//%s", word));
	bad_name(x, say(x, "%s/%s", word, word));
	bad_name(x, say(x, "%s/", word));
	bad_name(x, pick_word(x, 256));
	/* who finds out by writing until there is no room shall find out soon */
	if (fully_isolated(x))
		fill_shm(x, 64 * page_size());
	before = directory_list(x, "/dev/shm");
	for (size_t i = 0; i < sizeof huge / sizeof huge[0]; i++)
		expect_no_object(x, run(x, "squares", .args = { "produce", third, huge[i] }),
				 before, "8 * COUNT does not fit: compare before you multiply");
	remove_name(x, "/dev/shm/filler");
	expect_exit(x, run(x, "squares", .args = { "produce", third, "010" }), 0,
		    "decimal digits only: that is ten");
	expect_output(x, run(x, "squares", .args = { "consume", third }),
		      lines(x, squares(x, 10), 10),
		      "COUNT was 010, and COUNT is decimal: no zero in front makes it octal");
	expect_usage(x, run(x, "squares"));
	expect_usages(x, "squares",
		      (const struct words[]){ { { "produce" } },
					      { { "consume" } },
					      { { "produce", word } },
					      { { "consume", word, "1" } },
					      { { "produce", word, "1", "2" } },
					      { { "produce", word, "12x" } },
					      { { "produce", word, "-1" } },
					      { { "produce", word, "+1" } },
					      { { "produce", word, " 1" } },
					      { { "produce", word, "0x1" } },
					      { { "produce", word, "" } },
					      { { word, word } },
					      { { NULL } } });
}

/* ---- the consumer --------------------------------------------------------------------------- */

static void prints(struct exam *x, int64_t count)
{
	const char *name = pick_word(x, 9), *file = object_of(x, name);
	int64_t *square = squares(x, count);

	produced(x, name, count);
	if (count > 2) { /* fewer could be found in the wrong place: 0 is everywhere */
		off_t at = need_squares(x, file, count);
		int64_t altered = pick(x, 0, count - 1);

		square[altered] = pick(x, (int64_t)1 << 40, INT64_MAX);
		put_bytes(x, file, at + altered * 8, &square[altered], 8);
	}
	struct program *p = run(x, "squares", .args = { "consume", slashed(x, name) });

	expect_exit(x, p, 0, "the object is ready");
	expect_output(x, p, lines(x, square, count),
		      "one square a line, as it stands in the object: the grader has altered one");
}

/* The last square begins a page of the object, or ends one. */
static void prints_at_page_borders(struct exam *x)
{
	const char *name = pick_word(x, 9);
	int64_t page = (int64_t)page_size(), few = pick(x, 200, 400), at, whole;

	produced(x, name, few);
	at = need_squares(x, object_of(x, name), few) % page;
	whole = (2 * page - at) / 8;
	prints(x, whole);
	prints(x, whole + 1);
}

static void prints_what_stands(struct exam *x)
{
	const char *name = pick_word(x, 9);

	prints(x, pick(x, 4, 99));
	prints(x, pick(x, 101, 900));
	prints(x, 1);
	prints(x, 0);
	prints(x, 50000);
	if (!failed(x))
		prints_at_page_borders(x);
	produced(x, name, 9);
	expect_error(x,
		     run(x, "squares", .args = { "consume", slashed(x, name) },
			 .stdout_is = OUTPUT_FULL),
		     "nothing of it could be printed: only fflush(3) or fclose(3) finds out");
}

/*
 * How the processes of the program map the object now. By the path that maps shows, for the name
 * may be gone already; it is fresh, so nothing else is called so.
 */
static bool see_mappings(struct exam *x, struct program *p, const char *file)
{
	bool seen = false;

	for (struct process *q = first_process(p); q != NULL; q = next_process(q)) {
		const struct maps *maps = maps_now(x, q);

		for (size_t i = 0; i < maps->count; i++) {
			if (strcmp(maps->vma[i].path, file) != 0)
				continue;
			if (strncmp(maps->vma[i].perms, "---", 3) == 0)
				continue; /* nobody looks there before an mprotect(2) */
			seen = true;
			expect_perms(x, (struct mapping){ q, &maps->vma[i] }, "r--s",
				     "who only looks maps PROT_READ, and MAP_SHARED: a private "
				     "mapping may be a copy from before");
		}
	}
	return seen;
}

/* An error, or tried again. */
static void mapping_fails(struct exam *x)
{
	const char *name = pick_word(x, 9);
	int64_t count = pick(x, 300, 3000);
	struct program *p;
	struct fault *fault;

	produced(x, name, count);
	p = start(x, "squares", .args = { "consume", slashed(x, name) });
	fault = fail_call(x, p, CALL_mmap, ENOMEM, object_of(x, name), 0);
	finish(x, p);
	if (fault_struck(fault) && ending(p).how == EXITED && ending(p).status == 0)
		expect_output(x, p, lines(x, squares(x, count), count),
			      "mmap(2) of the object failed with ENOMEM at first");
	else if (fault_struck(fault))
		expect_error(x, p,
			     "mmap(2) of the object failed with ENOMEM: it returns MAP_FAILED, "
			     "never NULL");
}

static void maps_read_only(struct exam *x)
{
	const char *name = pick_word(x, 9), *file = object_of(x, name);
	const struct event *event = NULL;
	bool seen = false;

	produced(x, name, pick(x, 300, 3000));

	struct program *p = start(x, "squares", .args = { "consume", slashed(x, name) });

	while (!failed(x) && run_to(x, p, at_calls(call_set_family(FAMILY_MAP)), at_exit()) >= 0)
		seen = see_mappings(x, p, file) || seen;
	expect(x, seen, .expected = say(x, "%s mapped r--s", file), .observed = "never mapped",
	       .why = "shared memory is looked at, not copied", .from = command_of(x, p));
	while ((event = next_call(x, p, event, call_set_family(FAMILY_READ), NULL)) != NULL)
		expect(x, strncmp(event->path, file, strlen(file)) != 0,
		       .expected = "no read(2) and the like of the object",
		       .observed = from_event(x, event),
		       .why = "the numbers are had by looking at the mapping alone");
	if (!failed(x))
		mapping_fails(x);
}

/* ---- together ------------------------------------------------------------------------------- */

/* A production of `count` squares under way. The squares will stand at `at`. */
struct production {
	struct program *p;
	const char *name, *file;
	int64_t count;
	off_t at;
	struct bytes model; /* an object of as many squares, finished */
	bool closely;	    /* its first moments, without a byte, and stores count too */
	bool signs;	    /* the squares stand: what is watched are the words that say so */
	struct watch *watch[WATCHES];
	int64_t index[WATCHES], before[WATCHES]; /* of the squares that are watched */
	bool taken[WATCHES], taken_back;
};

static struct production begin(struct exam *x, int64_t count)
{
	struct production made = { .name = pick_word(x, 9), .count = count };
	const char *other = pick_word(x, 9);

	/* A first one shows where the squares come to stand. */
	produced(x, other, count);
	made.at = need_squares(x, object_of(x, other), count);
	made.model = file_bytes(x, object_of(x, other), 0, (size_t)count * 8 + EXTRA + page_size());
	made.file = object_of(x, made.name);
	made.p = start(x, "squares",
		       .args = { "produce", slashed(x, made.name), decimal(x, count) });
	return made;
}

static void watch_squares(struct exam *x, struct production *made)
{
	/* Not the first: its square is what a new object holds anyway. */
	int64_t index[WATCHES] = { 1, made->count - 1, pick(x, 2, made->count / 2),
				   pick(x, made->count / 2, made->count - 2) };

	/* Behind a packed header they are not aligned: then a part of each is watched. */
	size_t part = made->at % 8 == 0 ? 8 : (size_t)(made->at & -made->at);

	if (!made->closely || made->watch[0] || !have_watchpoints(x))
		return;
	for (size_t i = 0; i < WATCHES; i++) {
		made->index[i] = index[i];
		made->watch[i] = watch_file(x, made->file, made->at + index[i] * 8, part,
					    WATCH_STORES);
	}
}

static void unwatch_all(struct exam *x, struct production *made)
{
	for (size_t i = 0; i < WATCHES; i++) {
		if (made->watch[i])
			unwatch(x, made->watch[i]);
		made->watch[i] = NULL;
	}
}

static int64_t square_at(struct exam *x, const struct production *made, int64_t index)
{
	int64_t square = 0;
	struct bytes part = file_bytes(x, made->file, made->at + index * 8, sizeof square);

	memcpy(&square, part.data, part.size);
	return square;
}

/*
 * With this store all squares stand. The instant before it is to be seen: what the watched squares
 * were at the stop before it is put there again. Every store into them stops, so all that has
 * changed since is the work of this one instruction (which may be a whole rep movs).
 */
static bool take_back(struct exam *x, struct production *made)
{
	bool any = false;

	for (size_t i = 0; i < WATCHES && last_stop(x, made->p)->watch; i++) {
		int64_t index = made->index[i];

		if (made->before[i] == index * index)
			continue;
		put_bytes(x, made->file, made->at + index * 8, &made->before[i], 8);
		made->taken[i] = any = true;
	}
	return any;
}

/* The instruction is not carried out again: its squares are put back. */
static void give_again(struct exam *x, struct production *made)
{
	for (size_t i = 0; i < WATCHES; i++) {
		int64_t square = made->index[i] * made->index[i];

		if (made->taken[i])
			put_bytes(x, made->file, made->at + made->index[i] * 8, &square, 8);
		made->taken[i] = false;
	}
}

/*
 * All that is watched stands: from now on the words are watched in which the object still differs
 * from a finished one. A sign that all is ready is among them, and a count, or whatever else a
 * consumer goes by: it may not come behind the sign.
 */
static void watch_signs(struct exam *x, struct production *made)
{
	struct bytes now = file_bytes(x, made->file, 0, made->model.size);
	off_t end = made->at + made->count * 8;
	size_t signs = 0;

	for (size_t i = 0; i < WATCHES; i++) {
		if (made->signs || !made->watch[i] ||
		    square_at(x, made, made->index[i]) != made->index[i] * made->index[i])
			return;
	}
	made->signs = true;
	unwatch_all(x, made);
	for (size_t at = 0; at + 8 <= now.size && signs < WATCHES; at += 8) {
		if ((off_t)at + 8 > made->at && (off_t)at < end)
			continue;
		if (memcmp(now.data + at, made->model.data + at, 8) != 0)
			made->watch[signs++] = watch_file(x, made->file, (off_t)at, 8,
							  WATCH_STORES);
	}
}

/*
 * To the next moment at which the name is there and the squares are not, or at which they stand and
 * what says so is being stored. False at the end.
 */
static bool next_unready(struct exam *x, struct production *made)
{
	struct call_set calls = call_set_family(FAMILY_MAP | FAMILY_OPEN | FAMILY_SIZE |
						FAMILY_WRITE | FAMILY_NAME);

	while (run_to(x, made->p, after_calls(calls), at_watch(NULL)) >= 0) {
		bool unready;

		if (!name_exists(x, made->file))
			continue;
		if (!made->signs)
			watch_squares(x, made);
		made->taken_back = false;
		unready = !all_stand(x, made->file, made->at, made->count);
		if (!unready && !made->signs)
			unready = made->taken_back = take_back(x, made);
		for (size_t i = 0; i < WATCHES && made->watch[i] && !made->signs; i++)
			made->before[i] = square_at(x, made, made->index[i]);
		if (!unready && made->signs)
			unready = true; /* for all that we know */
		else if (!unready)
			watch_signs(x, made);
		if (unready && (made->closely || file_size(x, made->file) > 0))
			return true;
	}
	return false;
}

/* To a rest of the consumer, or its end. SPENT: it has used up its CPU time before. */
static int to_rest(struct exam *x, struct program *c)
{
	int64_t until = real_ms(x) + MOST_REAL_MS;
	int reached;

	set_limits(x, c, FEW_MS, MOST_REAL_MS, 600000);
	do
		reached = run_to(x, c, at_sleep(), when_blocked(), at_end());
	while (reached == SPENT && cpu_us(x, c) < FEW_MS * 1000 && real_ms(x) < until);
	return reached;
}

/*
 * Squares may be the work of several threads or processes. Whoever made the last store is kept from
 * the next one, and all others go on: who says too early that all is ready, does it now.
 */
static void let_others_go_on(struct exam *x, struct production *made)
{
	hold_thread(x, made->p);
	set_limits(x, made->p, FEW_MS, MOST_REAL_MS, 0);
	run_to(x, made->p, when_blocked(), at_end());
	set_limits(x, made->p, 10000, 30000, 0);
	for (size_t i = 0; i < WATCHES && made->watch[i]; i++)
		if (!made->taken[i])
			made->before[i] = square_at(x, made, made->index[i]);
}

/* A consumer that comes now; it has a moment to come to rest, while the producer stays still. */
static struct program *send_consumer(struct exam *x, struct production *made, int *reached)
{
	struct program *c = start(x, "squares", .args = { "consume", slashed(x, made->name) });

	hold_program(x, made->p);
	*reached = to_rest(x, c);
	return c;
}

/*
 * A consumer that comes now may succeed only if all squares stand, and then with all of them. False
 * where it burned its CPU time meanwhile.
 */
static bool expect_unready(struct exam *x, struct production *made, const char *from,
			   const char *where)
{
	const char *expected = lines(x, squares(x, made->count), made->count);
	bool stand = all_stand(x, made->file, made->at, made->count);
	size_t size;
	int reached;
	struct program *c = send_consumer(x, made, &reached);
	const char *printed = output(x, c, &size);
	bool success = ending(c).how == EXITED && ending(c).status == 0;

	expect(x,
	       strncmp(printed, expected, size) == 0 &&
		       (!success || (stand && size == strlen(expected))),
	       .expected = stand ? "a consumer that prints all squares, or waits: not all that "
				   "says so stands there yet"
				 : "a consumer that waits: not all squares stand there yet",
	       .observed = say(x, "%s, having printed %s", ending_text(x, c),
			       quoted(x, printed, size, 60)),
	       .why = "store the sign that all is ready after the last square and after all else, "
		      "with memory_order_release, and look at nothing before it is there",
	       .from = say(x, "the producer was stopped %s", from), .at = where);
	kill_program(x, c);
	return reached != SPENT;
}

/* Has it made a thread or a process? */
static bool has_company(struct exam *x, struct program *p)
{
	const struct event *e = NULL;

	while ((e = next_call(x, p, e, call_set_family(FAMILY_PROCESS), NULL)) != NULL)
		if (e->call != CALL_execve && e->returned && e->result > 0)
			return true;
	return false;
}

/*
 * One production, with a consumer at each of its moments; at watched store number `nth` (0: at
 * none) the others go on. False where it is a single thread's.
 */
static bool looks_while_produced(struct exam *x, int64_t count, int nth)
{
	struct production made = begin(x, count);
	int stores = 0;

	made.closely = true;
	for (int looks = 0; looks < MOST_LOOKS && !failed(x) && next_unready(x, &made); looks++) {
		const struct stop_info *stop = last_stop(x, made.p);
		const char *where = stop->at;
		const char *from = stop->event ? say(x, "after %s", from_event(x, stop->event))
				   : made.taken_back
					   ? "right before the store that completes the squares"
				   : made.signs ? "after a store beside the squares"
						: "after a store into the squares";

		if (stop->watch != NULL && ++stores == nth) {
			let_others_go_on(x, &made);
			from = say(x, "%s; its other threads and processes went on", from);
		}
		/* each who burns his time costs it here: of those some are enough */
		if (name_exists(x, made.file) && !expect_unready(x, &made, from, where))
			looks += MOST_LOOKS / 3;
		give_again(x, &made);
		watch_signs(x, &made);
		release_program(x, made.p);
	}
	unwatch_all(x, &made);
	return has_company(x, made.p);
}

static void ready_comes_last(struct exam *x)
{
	if (looks_while_produced(x, pick(x, 300, 900), 0))
		for (int nth = 1; nth <= WATCHES && !failed(x); nth++)
			looks_while_produced(x, pick(x, 300, 900), nth);
	if (!failed(x)) /* more than goes into a chunk of any kind */
		looks_while_produced(x, pick(x, 20000, 50000), 0);
	if (!failed(x))
		need_watchpoints(x); /* what happens between two stores was not seen */
}

static const char *rest_of(struct exam *x, struct program *c, int reached)
{
	return reached == SPENT ? "burns CPU time instead of waiting" : ending_text(x, c);
}

/*
 * Sleeps and waits with a time-out go by in virtual time, alarms, timers and clocks in real time: a
 * program is right by either.
 */
static void expect_patience(struct exam *x, struct program *c, bool right, int64_t asked,
			    int64_t real)
{
	if (!expect_error(x, c, "five seconds have gone by, and no squares came"))
		return;
	expect(x, right, .expected = "about five seconds of waiting in all (4.5 to 7)",
	       .observed = say(x,
			       "gave up after %" PRId64 " ms of sleep, %" PRId64 " ms by the clock",
			       asked, real),
	       .why = "a producer needs its time, and a consumer must not wait for one that has "
		      "died",
	       .from = command_of(x, c));
}

/* What it has waited since then: all its sleeps, or the time that the stage has let pass. */
static int64_t waited_ms(struct exam *x, struct program *c, int64_t began)
{
	int64_t slept = asked_sleep_ms(c), passed = virtual_ms(x) - began;

	return slept > passed ? slept : passed;
}

/*
 * Lets a consumer that waits in vain come to its end, and looks how long it took. Does it go by the
 * real clock, if only for a part of its patience? No grader can move that: what seems wrong is
 * played once more, by `again`, to a consumer whose sleeps are slept.
 */
static void gives_up(struct exam *x, struct program *c, int64_t began, int64_t real_began,
		     struct program *(*again)(struct exam *x, int64_t *real_began))
{
	int64_t until = real_ms(x) + MOST_REAL_MS, asked, real;
	int reached, naps = 0;

	set_limits(x, c, 20000, MOST_REAL_MS, 600000);
	do {
		reached = run_to(x, c, at_sleep(), at_end());
		asked = waited_ms(x, c, began);
		naps += reached == 0;
	} while ((reached == 0 || reached == SPENT) && asked <= 2 * MOST_MS && real_ms(x) < until &&
		 (naps < MANY_NAPS || asked * 10 >= naps));
	if (!expect(x, naps < MANY_NAPS || asked * 10 >= naps, .expected = "a consumer that rests",
		    .observed = say(x, "%d naps, %" PRId64 " ms in all", naps, asked),
		    .why = "naps as short as that wake it thousands of times a second for "
			   "nothing; a hundredth of a second is soon enough",
		    .from = command_of(x, c)))
		return;
	real = real_ms(x) - real_began;
	if ((asked >= LEAST_MS && asked <= MOST_MS) || (real >= LEAST_MS && real <= MOST_REAL_MS)) {
		expect_patience(x, c, true, asked, real);
		return;
	}
	kill_program(x, c);
	c = again(x, &real_began);
	if (c == NULL)
		return;
	do {
		set_limits(x, c, 20000, MOST_REAL_MS, 600000);
		finish(x, c);
		real = real_ms(x) - real_began;
	} while (ending(c).how == STILL_THERE && real < MOST_REAL_MS);
	expect_patience(x, c, real >= LEAST_MS && real <= MOST_SLEPT_MS, asked, real);
}

static void need_rest(struct exam *x, struct program *c, int reached, const char *what)
{
	need(x, reached == 0 || reached == 1,
	     .expected = say(x, "a consumer that waits at rest: the object is %s", what),
	     .observed = rest_of(x, c, reached),
	     .why = "a consumer that comes first waits for its producer, asleep and not in a loop",
	     .from = command_of(x, c));
}

static struct program *empty_again(struct exam *x, int64_t *real_began)
{
	const char *name = pick_word(x, 9);

	put_text(x, object_of(x, name), "");
	*real_began = real_ms(x);
	return start(x, "squares", .args = { "consume", slashed(x, name) }, .real_time = true);
}

static void waits_for_empty(struct exam *x)
{
	const char *name = pick_word(x, 9);
	int64_t began = virtual_ms(x), real_began = real_ms(x);
	struct program *c = start(x, "squares", .args = { "consume", slashed(x, name) });

	put_text(x, object_of(x, name), "");

	int reached = to_rest(x, c);

	need_rest(x, c, reached, "empty");
	expect(x, file_size(x, object_of(x, name)) <= 0,
	       .expected = "an object that stays without a byte",
	       .observed = say(x, "%lld bytes", (long long)file_size(x, object_of(x, name))),
	       .why = "its size is the producer's to set", .from = command_of(x, c));
	gives_up(x, c, began, real_began, empty_again);
	kill_program(x, c);
}

static void waits_for_unready(struct exam *x)
{
	struct production made = begin(x, pick(x, 300, 900));
	int reached;

	if (!next_unready(x, &made))
		return; /* It is ready as soon as it has its name. */

	struct program *c = send_consumer(x, &made, &reached);

	if (ending(c).how == EXITED && ending(c).status == 0)
		return; /* It takes this for ready: ready-comes-last has said so. */
	need_rest(x, c, reached, "not ready");
	/* Most of its patience is over before the producer goes on; its clock may be the real one.
	 */
	set_limits(x, c, FEW_MS, LEAST_MS - 1200, LEAST_MS - 300);
	run_to(x, c, at_end());
	need(x, ending(c).how != EXITED || ending(c).status != 0,
	     .expected = "a consumer that waits on: the object is not ready",
	     .observed = "it ended with exit status 0 while its producer was held",
	     .why = "time makes nothing ready; the producer does", .from = command_of(x, c));
	/* What it would find if it looked in between is a matter of ready-comes-last. */
	hold_program(x, c);
	release_program(x, made.p);
	finish(x, made.p);
	release_program(x, c);
	set_limits(x, c, 20000, 30000, 600000);
	finish(x, c);
	expect_exit(x, c, 0, "the producer has finished while the consumer waited");
	expect_output(x, c, lines(x, squares(x, made.count), made.count),
		      "all squares, once they are ready");
}

/*
 * The object comes late, and then does not get ready. So many squares are more than goes into a
 * chunk of any kind; where all stand all the same, it may be ready for all that we know: NULL.
 */
static struct program *late_again(struct exam *x, int64_t *real_began)
{
	struct production made = begin(x, pick(x, 20000, 50000));
	struct program *c = start(x, "squares", .args = { "consume", slashed(x, made.name) },
				  .real_time = true);

	hold_program(x, made.p);
	*real_began = real_ms(x);
	set_limits(x, c, 20000, LATE_MS, 600000);
	run_to(x, c, at_end());
	hold_program(x, c);
	release_program(x, made.p);
	if (!next_unready(x, &made) || all_stand(x, made.file, made.at, made.count))
		return NULL;
	hold_program(x, made.p);
	release_program(x, c);
	return c;
}

/* Both waits count. */
static void waits_in_sum(struct exam *x)
{
	struct production made = begin(x, pick(x, 300, 900));
	struct program *c = start(x, "squares", .args = { "consume", slashed(x, made.name) });
	int64_t began = virtual_ms(x), real_began = real_ms(x);
	int reached;

	hold_program(x, made.p);
	reached = to_rest(x, c);
	need(x, !name_exists(x, made.file),
	     .expected = "no object yet: that is the producer's to make",
	     .observed = say(x, "/dev/shm holds: %s", directory_list(x, "/dev/shm")),
	     .why = "an object that the consumer makes keeps the producer from making it",
	     .from = command_of(x, c));
	if (reached >= 2 || ending(c).how != STILL_THERE) {
		expect_error(x, c, "there is no such object: wait for it, or say so");
		return;
	}
	while (waited_ms(x, c, began) < LATE_MS && real_ms(x) - real_began < LATE_MS)
		if (run_to(x, c, at_sleep(), at_end()) != 0)
			return;
	hold_program(x, c);
	release_program(x, made.p);
	if (!next_unready(x, &made))
		return;
	hold_program(x, made.p);
	release_program(x, c);
	to_rest(x, c);
	if (ending(c).how == EXITED && ending(c).status == 0)
		return; /* As above. */
	gives_up(x, c, began, real_began, late_again);
}

static void waits_for_producer(struct exam *x)
{
	waits_for_empty(x);
	if (!failed(x))
		waits_for_unready(x);
	if (!failed(x))
		waits_in_sum(x);
}

/* actor alias FROM TO: a second name, by which the grader finds the object when the first is gone.
 */
static int alias(int argc, char **argv)
{
	return argc < 3 || link(argv[1], argv[2]) == -1;
}

/* A consumer that waits has not had its success yet. */
static void name_stays(struct exam *x)
{
	struct production made = begin(x, pick(x, 300, 900));
	struct program *c;
	int reached;

	if (!next_unready(x, &made))
		return;
	c = send_consumer(x, &made, &reached);
	need(x, name_exists(x, made.file) || ending(c).how != STILL_THERE,
	     .expected = "the name, as long as nothing is printed",
	     .observed = "no such name any more, while the consumer waits",
	     .why = "a consumer that gives up or is killed must leave the object to the next",
	     .from = command_of(x, c));
	kill_program(x, c);
}

/* It waits a little, whatever it waits by. */
static void waits_a_little(struct exam *x, struct program *c)
{
	set_limits(x, c, FEW_MS, 200, 1200);
	run_to(x, c, at_end());
}

/*
 * A consumer that waited, for an object without a byte and for one without all squares, has looked
 * at it more than once: each look closes what it opened.
 */
static void nothing_held_after_a_wait(struct exam *x)
{
	struct production made = begin(x, pick(x, 300, 900));
	const char *second = say(x, "%s-alias", made.file), *held;
	struct program *c;
	int reached;

	made.closely = true;
	if (!next_unready(x, &made))
		return; /* It is ready as soon as it has its name. */
	made.closely = false;
	unwatch_all(x, &made);
	hold_program(x, made.p); /* for who finishes the actor lets all others run */
	finish(x, start(x, NULL, .actor = "alias", .args = { made.file, second }));
	if (!name_exists(x, second))
		broken(x, "no second name for the object");
	c = send_consumer(x, &made, &reached);
	waits_a_little(x, c);
	hold_program(x, c);
	release_program(x, made.p);
	if (file_size(x, made.file) > 0 || next_unready(x, &made)) {
		hold_program(x, made.p);
		release_program(x, c);
		waits_a_little(x, c);
		hold_program(x, c);
		release_program(x, made.p);
	}
	finish(x, made.p);
	release_program(x, c);
	set_limits(x, c, 20000, 30000, 600000);
	held = held_at_end(x, c, second);
	expect(x, held == NULL || ending(c).status != 0,
	       .expected = "no descriptor of the object at the end", .observed = held,
	       .why = "the consumer had to wait: each look that opens the object closes it again",
	       .from = "/proc/PID/fd at the program's end");
	remove_name(x, second);
}

/* So many squares that no buffer holds them all: when the first are printed, others are not. */
static void name_stays_till_printed(struct exam *x)
{
	const char *name = pick_word(x, 9), *file = object_of(x, name);
	int64_t count = pick(x, 40000, 50000);
	size_t size = 0;
	struct program *c;

	produced(x, name, count);
	c = start(x, "squares", .args = { "consume", slashed(x, name) });
	while (size == 0 && run_to(x, c, after_calls(call_set_family(FAMILY_WRITE)), at_end()) == 0)
		output(x, c, &size);
	expect(x, name_exists(x, file) || size == strlen(lines(x, squares(x, count), count)),
	       .expected = say(x, "%s, until all is printed", file),
	       .observed = say(x, "no such name any more, and %zu bytes printed", size),
	       .why = "the next write may fail, or somebody kill the consumer: then the object is "
		      "needed once more",
	       .from = command_of(x, c));
	kill_program(x, c);
}

static void name_goes(struct exam *x, int64_t count)
{
	const char *name = pick_word(x, 9), *file = object_of(x, name), *held;
	const char *second = say(x, "%s-alias", file);
	struct program *c;

	produced(x, name, count);
	finish(x, start(x, NULL, .actor = "alias", .args = { file, second }));
	if (!name_exists(x, second))
		broken(x, "no second name for the object");
	c = start(x, "squares", .args = { "consume", slashed(x, name) });
	held = held_at_end(x, c, second);
	expect_exit(x, c, 0, "the object is ready");
	expect(x, !name_exists(x, file), .expected = say(x, "no %s", file),
	       .observed = "it is still there",
	       .why = "the memory is given back only after shm_unlink(3): no end of a process does it",
	       .from = say(x, "/dev/shm after %s of %" PRId64 " squares", command_of(x, c), count));
	expect(x, held == NULL, .expected = "no descriptor of the object at the end",
	       .observed = held,
	       .why = "the mapping needs no descriptor: close(2) it when it is made",
	       .from = "/proc/PID/fd at the program's end");
}

static void name_stays_then_goes(struct exam *x)
{
	name_stays(x);
	if (!failed(x))
		name_goes(x, pick(x, 300, 900));
	if (!failed(x))
		name_goes(x, 0);
	if (!failed(x))
		nothing_held_after_a_wait(x);
	if (!failed(x))
		name_stays_till_printed(x);
}

/* ---- the lab -------------------------------------------------------------------------------- */

/* To its end, with a stop where its memory can still be looked at. */
static void show_to_end(struct exam *x, struct program *p)
{
	run_to(x, p, at_exit());
	finish(x, p);
}

static void show(struct exam *x, const char *const *args)
{
	if (args[0] != NULL) {
		struct launch launch = { .typed = false };

		for (int i = 0; i < 15 && args[i] != NULL; i++)
			launch.args[i] = args[i];
		show_to_end(x, exam_start(x, "squares", &launch));
		return;
	}
	show_to_end(x, start(x, "squares", .args = { "produce", "/demo", "5" }));
	show_to_end(x, start(x, "squares", .args = { "consume", "/demo" }));
}

LAB(.id = "10-posix-shm", .title = "Squares in POSIX shared memory",
    .programs = { { .name = "squares" } }, .show = show, .actors = { { "alias", alias } },
    .checks = {
	    { .id = "object-has-room",
	      .points = 2,
	      .task = 1,
	      .title = "produce leaves an object of mode 0600 with room for all squares",
	      .run = object_has_room,
	      .hints = { "What does ls -l /dev/shm show after produce?",
			 "A new object has 0 bytes; ftruncate(2) or posix_fallocate(3) sets the size.",
			 "shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600), then header + COUNT * 8 "
			 "bytes" } },
	    { .id = "squares-stand",
	      .points = 2,
	      .task = 2,
	      .needs = "object-has-room",
	      .title = "COUNT consecutive 64-bit squares stand in the object",
	      .run = squares_stand,
	      .hints = { "What does od -A d -t d8 /dev/shm/NAME show?",
			 "46341 * 46341 fits no int. Which type has your i?",
			 "uint64_t *square = …; square[i] = i * i; with a uint64_t i, through "
			 "MAP_SHARED; close(fd) after mmap" } },
	    { .id = "existing-name-refused",
	      .points = 2,
	      .task = 1,
	      .needs = "object-has-room",
	      .title =
		      "produce refuses a name that exists, also one that appears at the last moment",
	      .run = existing_name_refused,
	      .hints = { "What happens to the squares of a first producer when a second one comes?",
			 "A look and then a creation are two steps; open(2) has a flag for one." } },
	    { .id = "no-space-no-object",
	      .points = 2,
	      .task = 1,
	      .needs = "squares-stand",
	      .title =
		      "too small a /dev/shm and a failed call are errors that leave no object behind",
	      .run = no_space_no_object,
	      .hints = { "What can a store do when there is no page for it?",
			 "ftruncate(2) reserves nothing. Which call does, and how does it report?",
			 "error = posix_fallocate(fd, 0, bytes); at an error shm_unlink(name), "
			 "exit 1" } },
	    { .id = "prints-what-stands",
	      .points = 2,
	      .task = 4,
	      .needs = "squares-stand",
	      .title = "consume prints what stands in the object, each number on its line",
	      .run = prints_what_stands,
	      .hints = { "How does your consumer know how many there are? And if there are none?",
			 "The numbers come out of the mapping: print what you see, not what you know.",
			 "printf(\"%\" PRIu64 \"\\n\", square[i]), and fflush(stdout) == EOF looked "
			 "at" } },
	    { .id = "maps-read-only",
	      .points = 2,
	      .task = 4,
	      .needs = "prints-what-stands",
	      .title =
		      "consume looks through a shared read-only mapping and reads nothing by calls",
	      .run = maps_read_only,
	      .hints = { "What four letters does /proc/PID/maps show for the object?",
			 "shm_open with O_RDONLY, mmap with PROT_READ and MAP_SHARED.",
			 "Where mmap fails nothing is mapped: squares == MAP_FAILED, never NULL" } },
	    { .id = "ready-comes-last",
	      .points = 2,
	      .task = 3,
	      .needs = "prints-what-stands",
	      .title =
		      "a consumer that comes at any moment of the production prints nothing before "
		      "all squares stand",
	      .run = ready_comes_last,
	      .hints = { "What does a consumer see that comes between your first store and the last?",
			 "The size is there before the squares are; so is a count, if you store it "
			 "first.",
			 "atomic_store_explicit(&object->ready, 1, memory_order_release) behind the "
			 "loop" } },
	    { .id = "waits-for-producer",
	      .points = 2,
	      .task = 5,
	      .needs = "prints-what-stands",
	      .title =
		      "consume waits at rest for an object that is empty or not ready, and gives up "
		      "after five seconds",
	      .run = waits_for_producer,
	      .hints = { "Start the consumer on an empty file in /dev/shm: what does it say, what "
			 "does top say?",
			 "Look, sleep a little, look again; count the sleeps of all your waits "
			 "together.",
			 "for (tries = 0; !ready(); tries++) { if (tries == 50) give up; nanosleep "
			 "100 ms; }" } },
	    { .id = "name-goes-at-the-end",
	      .points = 2,
	      .task = 6,
	      .needs = "prints-what-stands",
	      .title =
		      "consume removes the name after success, not before, and holds no descriptor "
		      "at its end",
	      .run = name_stays_then_goes,
	      .hints = { "What is left in /dev/shm after both have ended?",
			 "shm_unlink(3) is the last step; close(2) belongs right behind mmap(2)." } },
	    { .id = "names-and-numbers",
	      .points = 2,
	      .task = 1,
	      .needs = "prints-what-stands",
	      .title = "NAME may have its slash; a bad name or number is refused",
	      .run = names_and_numbers,
	      .hints = { "Which object does shm_open(\"//x\") open?",
			 "Skip one slash, then look at the rest: is it empty, too long, is there "
			 "another slash in it?",
			 "Compare COUNT with (SSIZE_MAX - header) / 8 before you multiply." } },
    });
