/*
 * Lab 05: the size of a file, the end of a mapping, and what must happen before a byte is safe.
 */
#include "exam/exam.h"

#include <inttypes.h>

#define GIB ((off_t)1 << 30)

/* A file with a last page that it fills only partly, of bytes that no text has. */
static off_t put_odd_file(struct exam *x, const char *name, off_t pages)
{
	size_t size = (size_t)pages * page_size() - (size_t)pick(x, 100, 1000);
	unsigned char *data = pick_bytes(x, size);

	for (size_t i = 0; i < size; i++)
		data[i] |= 0x80;
	put_file(x, name, data, size, 0644);
	return (off_t)size;
}

static struct program *run_resize(struct exam *x, const char *command, const char *file, off_t size)
{
	return run(x, "sized", .args = { command, file, say(x, "%jd", (intmax_t)size) });
}

/* FILE has these bytes from `offset`; where it has not, the first difference is shown. */
static bool expect_file(struct exam *x, off_t offset, struct bytes wanted, const char *why)
{
	struct bytes now = file_bytes(x, "FILE", offset, wanted.size);
	size_t i = 0;

	while (i < wanted.size && i < now.size && wanted.data[i] == now.data[i])
		i++;
	return i == wanted.size || expect_bytes(x, "FILE", offset + (off_t)i, wanted.data + i,
						wanted.size - i < 16 ? wanted.size - i : 16, why);
}

static bool expect_resize(struct exam *x, const char *command, off_t old, off_t size)
{
	struct program *p = run_resize(x, command, "FILE", size);

	return expect_exit(x, p, 0, "nothing stands in the way of this size") &&
	       expect_output(x, p, say(x, "old %jd new %jd\n", (intmax_t)old, (intmax_t)size),
			     "the size before and the size after") &&
	       expect_size(x, "FILE", size, "a size is counted in bytes; only mappings have pages");
}

/* ---- grow and shrink ------------------------------------------------------------------------ */

static void resize_exact(struct exam *x)
{
	off_t size = put_odd_file(x, "FILE", 3);
	off_t larger = size + pick(x, 5000, 20000), smaller = pick(x, 1, 4000);

	put_link(x, "link", "FILE");
	if (!expect_resize(x, "grow", size, larger) ||
	    !expect_resize(x, "shrink", larger, smaller) ||
	    !expect_resize(x, "shrink", smaller, 0) || !expect_resize(x, "grow", 0, 1))
		return;
	if (!expect_exit(x, run_resize(x, "grow", "link", 77), 0, "a symbolic link is followed") ||
	    !expect_size(x, "FILE", 77, "the file behind the link is meant") ||
	    !expect_exit(x, run_resize(x, "shrink", "link", 5), 0, "a symbolic link is followed") ||
	    !expect_size(x, "FILE", 5, "the file behind the link is meant, no new one instead"))
		return;
	expect_exit(x, run(x, "sized", .args = { "grow", "FILE", "010" }), 0, "010 is ten");
	expect_size(x, "FILE", 10, "010 is ten: numbers are decimal");
}

static intmax_t blocks(struct exam *x)
{
	struct stat st = { .st_blocks = 0 };

	file_stat(x, "FILE", &st);
	return st.st_blocks;
}

/* The bytes of FILE from `offset`: `kept` as before, then nothing but zeros. */
static bool expect_zeros_behind(struct exam *x, unsigned char *old, off_t kept, off_t size)
{
	struct bytes now = file_bytes(x, "FILE", 0, (size_t)size);

	if (!expect_file(x, 0, (struct bytes){ old, (size_t)kept },
			 "the bytes that it had are kept"))
		return false;
	for (size_t i = (size_t)kept; i < now.size; i++)
		if (now.data[i] != 0)
			return expect(x, false, .expected = "zeros behind the old bytes",
				      .observed = say(x, "0x%02x at offset %zu", now.data[i], i),
				      .why = "what was never written reads as zero");
	return true;
}

static void grows_sparse(struct exam *x)
{
	off_t size = put_odd_file(x, "FILE", 2);
	unsigned char *old = file_bytes(x, "FILE", 0, (size_t)size).data;
	off_t larger = size + GIB / 1024 + pick(x, 1, 4000), cut = pick(x, 300, 3000);
	intmax_t before = blocks(x);

	/* whether the same size is accepted is another check's matter */
	run_resize(x, "grow", "FILE", size);
	run_resize(x, "shrink", "FILE", size);
	if (!expect_file(x, 0, (struct bytes){ old, (size_t)size },
			 "the same size changes no byte, the last one neither"))
		return;
	if (!expect_resize(x, "grow", size, larger) || !expect_zeros_behind(x, old, size, larger))
		return;
	if (!expect(x, blocks(x) <= before + 8, .expected = "at most 8 blocks of 512 bytes more",
		    .observed = say(x, "%jd blocks before, %jd after", before, blocks(x)),
		    .why = "a size is a number; room on the disk is taken when bytes are written"))
		return;
	if (!expect_resize(x, "shrink", larger, cut) || !expect_resize(x, "grow", cut, size) ||
	    !expect_zeros_behind(x, old, cut, size))
		return;
	if (expect_resize(x, "grow", size, 5 * GIB + 3))
		expect(x, blocks(x) <= before + 8, .expected = "5 GiB without more blocks",
		       .observed = say(x, "%jd blocks", blocks(x)),
		       .why = "the file is a hole nearly all over");
}

/* The command is an error, and FILE has these bytes as before. */
static bool expect_refused(struct exam *x, const char *command, off_t size, struct bytes before,
			   const char *why)
{
	return expect_exit(x, run_resize(x, command, "FILE", size), 1, why) &&
	       expect_size(x, "FILE", (off_t)before.size, "what is refused changes nothing") &&
	       expect_file(x, 0, before, "what is refused changes nothing");
}

static void resize_refused(struct exam *x)
{
	off_t size = put_odd_file(x, "FILE", 2);
	struct bytes before = file_bytes(x, "FILE", 0, (size_t)size);

	if (!expect_refused(x, "grow", size - 1, before, "grow refuses to shrink") ||
	    !expect_refused(x, "grow", 0, before, "grow refuses to shrink") ||
	    !expect_refused(x, "shrink", size + 1, before, "shrink refuses to grow") ||
	    !expect_refused(x, "shrink", 5 * GIB, before, "shrink refuses to grow") ||
	    !expect_resize(x, "grow", size, size) || !expect_resize(x, "shrink", size, size))
		return;
	expect_exit(x, run_resize(x, "grow", "missing", 5), 1, "there is no such file");
	expect_exit(x, run_resize(x, "shrink", "missing", 0), 1, "there is no such file");
	expect(x, !name_exists(x, "missing"), .expected = "no file \"missing\" afterwards either",
	       .observed = "it was created", .why = "who mistypes a name wants to hear of it");
}

/* ---- poke ----------------------------------------------------------------------------------- */

static struct program *run_poke(struct exam *x, off_t offset, const char *text)
{
	return run(x, "sized", .args = { "poke", "FILE", say(x, "%jd", (intmax_t)offset), text });
}

/* After the poke FILE has TEXT there, and is otherwise as before. */
static bool expect_poke(struct exam *x, off_t offset, const char *text, const char *why)
{
	off_t size = file_size(x, "FILE");
	off_t from = offset > 5000 ? offset - 5000 : 0;
	size_t length = strlen(text);
	struct bytes near = file_bytes(x, "FILE", from, 5000 + length + 5000);
	struct program *p = run_poke(x, offset, text);

	size_t before = (size_t)(offset - from), behind = near.size - before - length;
	const char *else_why = "bytes before and behind TEXT are left alone: no NUL, no newline";

	memcpy(near.data + before, text, length);
	return expect_exit(x, p, 0, why) && expect_output(x, p, "", "poke has nothing to tell") &&
	       expect_size(x, "FILE", size, "poke changes bytes, not the size") &&
	       expect_file(x, offset, (struct bytes){ near.data + before, length }, why) &&
	       expect_file(x, from, (struct bytes){ near.data, before }, else_why) &&
	       expect_file(x, offset + (off_t)length,
			   (struct bytes){ near.data + before + length, behind }, else_why) &&
	       expect_not_written(x, p, "FILE");
}

static void poke_stores(struct exam *x)
{
	off_t page = (off_t)page_size();
	off_t size = put_odd_file(x, "FILE", 4);
	const char *word = pick_word(x, (size_t)pick(x, 20, 60));

	if (!expect_poke(x, pick(x, 1, 3000), word, "OFFSET need not be a multiple of anything") ||
	    !expect_poke(x, page, word, "OFFSET may be a page border") ||
	    !expect_poke(x, 2 * page - pick(x, 1, 15), word, "TEXT may go on in the next page") ||
	    !expect_poke(x, size - (off_t)strlen(word), word, "TEXT may end where FILE ends") ||
	    !expect_poke(x, pick(x, 4000, 4090), pick_word(x, 4096 + 200),
			 "TEXT may be longer than a page") ||
	    !expect_poke(x, pick(x, 1, 3000), "5% \t of \"it\"\n%s %d \\n \xc3\xa4\x01\xff.",
			 "TEXT is stored as it is, whatever its bytes may mean elsewhere") ||
	    !expect_poke(x, pick(x, 1, 3000), "-n", "TEXT is no option, whatever it begins with") ||
	    !expect_poke(x, pick(x, 1, 3000), "--", "TEXT is no option, whatever it begins with") ||
	    !expect_poke(x, pick(x, 1, 3000), "", "an empty TEXT changes nothing") ||
	    !expect_poke(x, page, "", "an empty TEXT changes nothing, and is no error"))
		return;
	put_link(x, "link", "FILE");
	expect_exit(x, run(x, "sized", .args = { "poke", "link", "0", word }), 0,
		    "a symbolic link is followed");
	expect_bytes(x, "FILE", 0, word, strlen(word), "the file behind the link is meant");
	if (failed(x))
		return;
	set_size(x, "FILE", 6 * GIB);
	if (expect_poke(x, 4 * GIB + pick(x, 1, 4000), word,
			"an offset may need more than 32 bits"))
		expect_poke(x, 2 * GIB + pick(x, 1, 4000), word,
			    "as an int this offset would be negative");
}

/* Which bytes of TEXT were stored, and then covered by an msync that worked. */
struct safety {
	off_t offset;
	const char *text;
	bool *safe;
	int calls;		 /* of msync */
	const struct event *bad; /* an msync that did not work, or did nothing */
};

/* msync has just come back: marks the bytes that it covers and that are stored by now. */
static void note_msync(struct exam *x, struct program *p, struct safety *s)
{
	const struct event *e = last_stop(x, p)->event;
	const struct maps *maps = maps_now(x, e->process);
	const struct vma *file = find_mapping(x, p, "FILE").vma;
	struct bytes now = file_bytes(x, "FILE", s->offset, strlen(s->text));
	uint64_t pages = (e->args[1] + page_size() - 1) / page_size();
	uint64_t low = e->args[0], high = low + pages * page_size();

	if (e->result != 0 || !(e->args[2] & MS_SYNC))
		s->bad = e;
	if (s->bad == e || file == NULL)
		return;
	for (size_t v = 0; v < maps->count; v++) {
		const struct vma *vma = &maps->vma[v];

		/* nothing stored is behind a private view: msync has nothing to do there */
		if (!vma_is_file(vma, file->major, file->minor, file->inode) ||
		    vma->perms[3] != 's')
			continue;
		for (size_t i = 0; i < now.size; i++) {
			uint64_t at = vma->start + ((uint64_t)s->offset + i - vma->offset);

			s->safe[i] |= at >= vma->start && at < vma->end && at >= low && at < high &&
				      now.data[i] == (unsigned char)s->text[i];
		}
	}
}

/* Runs to the end and looks at each msync: so many bytes of the text are not safe then. */
static size_t count_unsafe(struct exam *x, struct program *p, struct safety *s)
{
	size_t length = strlen(s->text), unsafe = 0;

	s->safe = room(x, length);
	for (s->calls = 0; run_to(x, p, after_call(CALL_msync)) == 0; s->calls++)
		note_msync(x, p, s);
	for (size_t i = 0; i < length; i++)
		unsafe += !s->safe[i];
	return unsafe;
}

static struct program *start_poke(struct exam *x, const struct safety *s)
{
	return start(x, "sized",
		     .args = { "poke", "FILE", say(x, "%jd", (intmax_t)s->offset), s->text });
}

/* Pokes and looks at each msync; then every byte of the text has to be safe. How many there were is
 * stored in `calls`. */
static bool expect_safe_counted(struct exam *x, off_t offset, size_t length, int *calls)
{
	struct safety s = { .offset = offset, .text = pick_word(x, length) };
	struct program *p = start_poke(x, &s);
	size_t unsafe = count_unsafe(x, p, &s);

	*calls = s.calls;
	return expect(x, unsafe == 0,
		      .expected = say(x,
				      "msync(…, MS_SYNC) = 0 over all %zu bytes from offset %jd, "
				      "after they were stored",
				      length, (intmax_t)offset),
		      .observed = say(x, "%zu of them were covered by no such call (%s)", unsafe,
				      ending_text(x, p)),
		      .from = s.bad != NULL ? from_event(x, s.bad) : NULL,
		      .why = "msync wants a page's address, and does only what its range says") &&
	       expect_exit(x, p, 0, "the text fits");
}

static bool expect_safe(struct exam *x, off_t offset, size_t length)
{
	int calls;

	return expect_safe_counted(x, offset, length, &calls);
}

/* With more calls than this a text of some bytes shows the same, and takes no minutes. */
enum { MANY_CALLS = 64, LONG_TEXT = 4096 + 200 };

/*
 * Of several calls of msync for one text, only the first or only the last fails. Who asks for those
 * bytes once more, with success, may go on.
 */
static void each_failure_counts(struct exam *x, int calls)
{
	size_t length = LONG_TEXT;
	struct safety s = { .offset = pick(x, 4000, 4090) };
	int failing;

	if (calls > MANY_CALLS) {
		length = 20;
		s.offset = (off_t)page_size() - 9;
		s.text = pick_word(x, length);
		count_unsafe(x, start_poke(x, &s), &s);
		calls = s.calls;
	}
	for (int i = 0; i < 2 && calls > 1 && !failed(x); i++) {
		struct program *p;
		struct fault *fault;

		/* other bytes than those that stand there */
		s.text = pick_word(x, length);
		p = start_poke(x, &s);
		failing = i == 0 ? 0 : calls - 1;
		fault = fail_call(x, p, CALL_msync, EIO, NULL, failing);
		if (count_unsafe(x, p, &s) > 0 && fault_struck(fault))
			expect_exit(x, p, 1,
				    say(x,
					"of %d calls of msync the %s one failed with EIO: each "
					"has its own result",
					calls, i == 0 ? "first" : "last"));
	}
}

/* Writes FILE back, so that later only the student's own pages are dirty. */
static bool make_clean(struct exam *x)
{
	int fd = open_file(x, "FILE", O_RDWR);

	return fd != -1 && fsync(fd) == 0 && on_disk(x, "FILE") && have_cachestat(x) &&
	       dirty_pages(x, "FILE") == 0;
}

static void expect_nothing_dirty(struct exam *x, off_t offset, const char *where)
{
	if (!make_clean(x) || !expect_safe(x, offset, 30))
		return;
	expect(x, dirty_pages(x, "FILE") == 0, .expected = "no dirty page when poke has ended",
	       .observed = say(x, "%jd dirty pages (text %s)", (intmax_t)dirty_pages(x, "FILE"),
			       where),
	       .from = "cachestat of FILE: nr_dirty",
	       .why = "a dirty page is lost when the machine stops");
}

/* A disk that fails: none of the calls that write and wait works. What MS_ASYNC says is not asked.
 */
static void fails_with_the_disk(struct exam *x)
{
	struct program *p = start(x, "sized", .args = { "poke", "FILE", "5000", "lost?" });
	struct fault *first = fail_call_with(x, p, CALL_msync, EIO, 2, MS_SYNC);
	struct fault *other = fail_call_with(x, p, CALL_msync, EIO, 2, MS_SYNC | MS_INVALIDATE);

	for (int i = 0; i < 8; i++) {
		fail_call_with(x, p, CALL_msync, EIO, 2, MS_SYNC);
		fail_call_with(x, p, CALL_msync, EIO, 2, MS_SYNC | MS_INVALIDATE);
	}
	finish(x, p);
	if (fault_struck(first) || fault_struck(other))
		expect_exit(x, p, 1, "msync failed with EIO: the text may not be on the disk");
}

static void poke_durable(struct exam *x)
{
	off_t page = (off_t)page_size();
	int calls;

	use_disk(x);
	put_odd_file(x, "FILE", 5);
	/* In one page; over a border with a few bytes behind it; over two borders; over a border
	 * with a single byte. */
	if (!expect_safe(x, page + pick(x, 100, 2000), 40) ||
	    !expect_safe(x, 2 * page - pick(x, 30, 50), 60) ||
	    !expect_safe_counted(x, pick(x, 4000, 4090), LONG_TEXT, &calls) ||
	    !expect_safe(x, page, 10) || !expect_safe(x, 2 * page - 29, 30))
		return;
	expect_nothing_dirty(x, page + pick(x, 100, 2000), "in one page");
	expect_nothing_dirty(x, 3 * page - 10, "over a page border");
	if (failed(x))
		return;

	fails_with_the_disk(x);
	if (!failed(x))
		each_failure_counts(x, calls);
}

/* ---- peek ----------------------------------------------------------------------------------- */

static const char *byte_line(struct exam *x, unsigned char byte)
{
	return say(x, "byte 0x%02x\n", byte);
}

static bool expect_look(struct exam *x, off_t offset, const char *why)
{
	unsigned char byte = file_bytes(x, "FILE", offset, 1).data[0];
	struct program *p = run(x, "sized",
				.args = { "peek", "FILE", say(x, "%jd", (intmax_t)offset) });

	return expect_output(x, p, byte_line(x, byte), why) && expect_exit(x, p, 0, why);
}

/* Starts a peek and stops it between the map and the look. Checkpoints of other names are free. */
static struct program *peek_to_checkpoint(struct exam *x, off_t offset)
{
	struct program *p = start(x, "sized",
				  .args = { "peek", "FILE", say(x, "%jd", (intmax_t)offset) });

	set_limits(x, p, 1500, 20000, 60000);
	need_moment(x, p, at_checkpoint(), "lab_checkpoint(\"mapped\") between map and look");

	const char *first = last_stop(x, p)->event->path, *at = last_stop(x, p)->at;

	while (strcmp(last_stop(x, p)->event->path, "mapped") != 0)
		need(x, run_to(x, p, at_checkpoint()) == 0,
		     .expected = "lab_checkpoint(\"mapped\")",
		     .observed = say(x, "lab_checkpoint(\"%s\"), and none of that name", first),
		     .at = at, .why = "the name says which moment of the program it is");
	return p;
}

static void looks_late(struct exam *x)
{
	off_t offset = (off_t)page_size() + pick(x, 1, 4000);
	unsigned char old = file_bytes(x, "FILE", offset, 1).data[0];
	unsigned char new = (unsigned char)(old ^ 0x5a);
	struct program *p = peek_to_checkpoint(x, offset);
	bool mapped = false;

	for (struct process *q = first_process(p); q != NULL; q = next_process(q))
		mapped |= alive(q) && covers(x, q, "FILE", offset, 1, "r???");
	expect(x, mapped, .expected = "OFFSET mapped readable at the checkpoint",
	       .observed = "no mapping of FILE covers it", .at = last_stop(x, p)->at,
	       .why = "the checkpoint stands between the map and the look");
	put_bytes(x, "FILE", offset, &new, 1);
	finish(x, p);
	expect_output(x, p, byte_line(x, new),
		      "the byte was changed at the checkpoint, and the look comes behind it");
	expect_not_read(x, p, "FILE");
}

static void peek_looks(struct exam *x)
{
	off_t page = (off_t)page_size(), size = put_odd_file(x, "FILE", 4);
	off_t small = pick(x, 1, 4000), zero = page + pick(x, 1, 4000);

	/* 0xff is EOF to who reads with getc; 4 and 0x87 mean something as an exit status; the last
	 * one is found by who loses the upper bits of an offset, and must be no byte that is far */
	put_bytes(x, "FILE", small, "\x07\xfe\xff\x04\x87\x2b", 6);
	put_bytes(x, "FILE", zero, "", 1);
	if (!expect_look(x, small,
			 "OFFSET need not be a multiple of anything; two digits always") ||
	    !expect_look(x, small + 1, "a byte is unsigned; digits are lower-case") ||
	    !expect_look(x, small + 2, "0xff is a byte like others") ||
	    !expect_look(x, small + 3, "4 is a byte like others") ||
	    !expect_look(x, small + 4, "0x87 is a byte like others") ||
	    !expect_look(x, zero, "a zero is a byte like others") ||
	    !expect_look(x, 2 * page, "OFFSET may be a page border") ||
	    !expect_look(x, size - 1, "the last byte"))
		return;
	looks_late(x);
	put_link(x, "link", "FILE");
	expect_output(x,
		      run(x, "sized", .args = { "peek", "link", say(x, "%jd", (intmax_t)small) }),
		      byte_line(x, 7), "a symbolic link is followed");
	set_size(x, "FILE", 6 * GIB);

	off_t far = 4 * GIB + small + 5, middle = 2 * GIB + small + 5;

	put_bytes(x, "FILE", far, "\xb7", 1);
	put_bytes(x, "FILE", middle, "\x5c", 1);
	if (expect_look(x, far, "an offset may need more than 32 bits"))
		expect_look(x, middle, "as an int this offset would be negative");
}

static bool expect_truncated(struct exam *x, off_t offset, off_t size, const char *why)
{
	struct program *p;

	put_odd_file(x, "FILE", 4);
	p = peek_to_checkpoint(x, offset);
	set_size(x, "FILE", size);
	finish(x, p);
	return expect_output(x, p, "truncated\n", why) && expect_exit(x, p, 4, why);
}

/* Where the instruction behind the look lies in the program's own image; 0 where that is not known.
 */
static uint64_t place_of_look(struct exam *x, off_t offset)
{
	struct program *p = peek_to_checkpoint(x, offset);
	struct process *process = last_stop(x, p)->process;
	struct watch *watch = watch_file(x, "FILE", offset & -8, 8, WATCH_ACCESSES);
	uint64_t place = 0;

	if (run_to(x, p, at_watch(watch)) == 0 && last_stop(x, p)->process == process)
		place = last_stop(x, p)->pc - maps_now(x, process)->vma[0].start;
	unwatch(x, watch);
	kill_program(x, p);
	return place;
}

/* Goes step by step from the checkpoint: how many it takes to that place, or until `most` are made.
 */
static int steps_to(struct exam *x, struct program *p, uint64_t place, int most)
{
	struct process *process = last_stop(x, p)->process;
	uint64_t start = maps_now(x, process)->vma[0].start;

	for (int steps = 0; steps < most; steps++)
		if (!step(x, process))
			return most;
		else if (last_stop(x, p)->pc - start == place)
			return steps + 1;
	return most;
}

/*
 * FILE is cut one instruction before the look. Who asks for the size and then looks unprotected
 * dies here. Where the look is another process's, another thread's or the kernel's, nothing is
 * said.
 */
static void expect_late_cut_survived(struct exam *x, off_t offset)
{
	enum { MOST_STEPS = 6000 };
	const char *why = "FILE was cut between whatever was asked before and the look: only a "
			  "caught SIGBUS helps";
	uint64_t place;
	struct program *p;
	int steps;
	unsigned char byte;

	put_odd_file(x, "FILE", 4);
	byte = file_bytes(x, "FILE", offset, 1).data[0];
	place = place_of_look(x, offset);
	if (place == 0)
		return;
	p = peek_to_checkpoint(x, offset);
	steps = steps_to(x, p, place, MOST_STEPS);
	kill_program(x, p);
	if (steps == MOST_STEPS)
		return;
	p = peek_to_checkpoint(x, offset);
	steps_to(x, p, place, steps - 1);
	set_size(x, "FILE", offset & -(off_t)page_size());
	finish(x, p);
	/* a step more or less than in the run before: it has looked already */
	if (strcmp(output(x, p, NULL), byte_line(x, byte)) == 0 && ending(p).how == EXITED &&
	    ending(p).status == 0)
		return;
	if (expect_output(x, p, "truncated\n", why))
		expect_exit(x, p, 4, why);
}

static void peek_survives_truncation(struct exam *x)
{
	off_t page = (off_t)page_size(), offset = 2 * page + pick(x, 1, 2000);

	if (expect_truncated(x, offset, 2 * page,
			     "FILE was cut at the border of OFFSET's page: the look is SIGBUS") &&
	    expect_truncated(x, offset, pick(x, 1, 4000),
			     "FILE was cut pages before OFFSET: the look is SIGBUS") &&
	    expect_truncated(x, pick(x, 1, 2000), 0, "FILE was emptied: the look is SIGBUS") &&
	    expect_truncated(x, 3 * page - 1, 2 * page,
			     "OFFSET is the last byte of its page, and FILE was cut at the page's "
			     "border") &&
	    expect_truncated(
		    x, 2 * page, 2 * page,
		    "OFFSET is the first byte of its page, and FILE was cut right there") &&
	    have_watchpoints(x))
		expect_late_cut_survived(x, offset);
}

/* FILE is cut right behind the look: only who asks for its size after the look can know. */
static void expect_asks_afterwards(struct exam *x, off_t offset)
{
	const char *why = "FILE was cut right behind the look: only a size that is asked for after "
			  "it can tell";
	struct watch *watch;
	struct program *p;
	int reached;

	put_odd_file(x, "FILE", 4);
	p = peek_to_checkpoint(x, offset);
	watch = watch_file(x, "FILE", offset & -8, 8, WATCH_ACCESSES);
	reached = run_to(x, p, at_watch(NULL));
	unwatch(x, watch);
	if (reached != 0)
		return; /* the kernel looks for this one */
	set_size(x, "FILE", offset);
	finish(x, p);
	expect_output(x, p, "truncated\n", why);
	expect_exit(x, p, 4, why);
}

static void peek_truncated_inside_page(struct exam *x)
{
	off_t page = (off_t)page_size(), offset = page + pick(x, 1000, 3000);

	if (!expect_truncated(
		    x, offset, page + 500,
		    "FILE ends before OFFSET in the same page: no signal, a zero is read") ||
	    !expect_truncated(x, offset, offset,
			      "OFFSET is the first byte that FILE has no longer"))
		return;

	put_odd_file(x, "FILE", 4);

	unsigned char byte = file_bytes(x, "FILE", offset, 1).data[0];
	struct program *p = peek_to_checkpoint(x, offset);

	set_size(x, "FILE", offset + 1);
	finish(x, p);
	expect_output(x, p, byte_line(x, byte), "FILE is shorter now, but still has OFFSET");
	expect_exit(x, p, 0, "FILE is shorter now, but still has OFFSET");
	if (!failed(x) && have_watchpoints(x))
		expect_asks_afterwards(x, offset);
}

/* ---- both ----------------------------------------------------------------------------------- */

static void refuse_poke(struct exam *x, off_t offset, const char *text, const char *why)
{
	off_t size = file_size(x, "FILE");
	struct bytes before = file_bytes(x, "FILE", 0, (size_t)size);

	if (!failed(x) && expect_exit(x, run_poke(x, offset, text), 1, why) &&
	    expect_size(x, "FILE", size, "poke does not change the size"))
		expect_file(x, 0, before, "what is refused changes nothing");
}

static void refuse_peek(struct exam *x, off_t offset, const char *why)
{
	const char *where = say(x, "%jd", (intmax_t)offset);

	if (!failed(x))
		expect_exit(x, run(x, "sized", .args = { "peek", "FILE", where }), 1, why);
}

static void ends_at_last_byte(struct exam *x)
{
	off_t page = (off_t)page_size(), size = put_odd_file(x, "FILE", 2);

	refuse_poke(x, size, "tail", "the rest of the last page is no part of FILE");
	refuse_poke(x, size + 9, "tail", "the rest of the last page is no part of FILE");
	refuse_poke(x, size - 3, "half", "the last byte of TEXT would lie behind the end");
	refuse_poke(x, 2 * page - 2, "half", "the last bytes of TEXT would lie in no page of FILE");
	refuse_poke(x, 9 * page, "far", "no page of FILE is there");
	refuse_poke(x, 4 * GIB + 9, "far",
		    "the lower 32 bits of OFFSET are 9, but that is another place");
	refuse_poke(x, INT64_MAX, "far", "OFFSET and length have a sum that no off_t can hold");
	refuse_peek(x, size, "OFFSET counts from 0: the size itself is behind the end");
	refuse_peek(x, size + 20,
		    "the rest of the last page reads as zero, but is no part of FILE");
	refuse_peek(x, 2 * page, "no page of FILE is there");
	refuse_peek(x, 9 * page + 5, "no page of FILE is there");
	refuse_peek(x, 4 * GIB + 9, "the lower 32 bits of OFFSET are 9, but that is another place");
	refuse_peek(x, INT64_MAX, "OFFSET + 1 is more than an off_t can hold");

	set_size(x, "FILE", page);
	refuse_poke(x, page - 1, "xy", "FILE ends at a page border");
	refuse_peek(x, page, "FILE ends at a page border");
	set_size(x, "FILE", 0);
	refuse_poke(x, 0, "x", "an empty FILE has no byte");
	refuse_peek(x, 0, "an empty FILE has no byte");
}

static void no_memory(struct exam *x, const char *command, const char *text)
{
	/* A page border: glibc itself refuses other offsets, before any system call. */
	const char *where = say(x, "%zu", page_size());
	struct program *p = start(x, "sized", .args = { command, "FILE", where, text });
	struct fault *fault = fail_call(x, p, CALL_mmap, ENOMEM, "FILE", 0);

	finish(x, p);
	need(x, fault_struck(fault), .expected = say(x, "%s maps FILE", command),
	     .observed = "no call of mmap on FILE", .why = "both work through a map");
	expect_error(x, p, "mmap failed with ENOMEM; it returns MAP_FAILED, which is not NULL");
}

/* Grow and shrink have been asked before. */
static void refuse_missing(struct exam *x, const char *command, const char *text)
{
	struct program *p = run(x, "sized", .args = { command, "missing", "0", text });

	expect_error(x, p, "there is no such file");
	expect(x, !name_exists(x, "missing"), .expected = "no file \"missing\" afterwards either",
	       .observed = say(x, "\"%s\" created it", command_of(x, p)),
	       .why = "only what exists is changed");
	if (name_exists(x, "missing"))
		remove_name(x, "missing");
}

static void refuse_file(struct exam *x, const char *name, const char *why)
{
	expect_error(x, run(x, "sized", .args = { "poke", name, "0", "text" }), why);
	expect_error(x, run(x, "sized", .args = { "peek", name, "0" }), why);
	expect_error(x, run_resize(x, "grow", name, 99999), why);
	expect_error(x, run_resize(x, "shrink", name, 0), why);
}

/* Whether it is refused is judged elsewhere; here: in which words. */
static void expect_line(struct exam *x, struct program *p, const char *why)
{
	struct ending end = ending(p);

	if (end.how == EXITED && end.status == 1)
		expect_error(x, p, why);
}

static void refused_in_a_line(struct exam *x)
{
	const char *size = say(x, "%jd", (intmax_t)file_size(x, "FILE"));

	expect_line(x, run(x, "sized", .args = { "poke", "FILE", size, "text" }),
		    "there is no such byte");
	expect_line(x, run(x, "sized", .args = { "peek", "FILE", size }), "there is no such byte");
	expect_line(x, run_resize(x, "grow", "FILE", 1), "grow refuses to shrink");
	expect_line(x, run_resize(x, "shrink", "FILE", 99999), "shrink refuses to grow");
}

/* No integer of 64 bits holds such a number: in whichever way it is refused, it is no smaller one.
 */
static void refuse_endless_number(struct exam *x, const char *command)
{
	struct program *p = run(x, "sized", .args = { command, "FILE", "18446744073709551621" });
	struct ending end = ending(p);

	/* who takes it for the largest number there is, asks for more than the stage allows */
	if (end.how == KILLED && end.status == SIGXFSZ)
		return;
	expect(x, end.how == EXITED && (end.status == 1 || end.status == 2),
	       .expected = say(x, "\"%s\" ends with exit status 1 or 2", command_of(x, p)),
	       .observed = ending_text(x, p),
	       .why = "the lower 64 bits of that number are 5, but that is another number");
}

/* The size cannot be set; who finds another way to it has done what was asked for. */
static void no_resize(struct exam *x, const char *command, off_t size)
{
	struct program *p = start(x, "sized",
				  .args = { command, "FILE", say(x, "%jd", (intmax_t)size) });
	struct fault *by_fd = fail_call(x, p, CALL_ftruncate, EIO, NULL, 0);
	struct fault *by_name = fail_call(x, p, CALL_truncate, EIO, NULL, 0);

	finish(x, p);
	if ((fault_struck(by_fd) || fault_struck(by_name)) && file_size(x, "FILE") != size)
		expect_error(x, p, "the call that sets the size failed with EIO");
}

/* `truncated` is output like any other. */
static void truncated_is_lost(struct exam *x)
{
	struct program *p = start(x, "sized", .args = { "peek", "FILE", "6000" },
				  .stdout_is = OUTPUT_FULL);
	struct ending end;

	set_limits(x, p, 1500, 20000, 60000);
	if (run_to(x, p, at_checkpoint()) != 0)
		return;
	set_size(x, "FILE", 5500);
	finish(x, p);
	end = ending(p);
	if (end.how == EXITED && (end.status == 1 || end.status == 4))
		expect_error(x, p, "output that is lost is an error, \"truncated\" too");
}

static void errors_reported(struct exam *x)
{
	static const struct words bad[] = {
		{ { "grow", "FILE" } },
		{ { "shrink", "FILE" } },
		{ { "grow", "FILE", "9999", "2" } },
		{ { "shrink", "FILE", "1", "2" } },
		{ { "grow", "FILE", "-1" } },
		{ { "shrink", "FILE", "-1" } },
		{ { "poke", "FILE", "-1", "text" } },
		{ { "peek", "FILE", "-1" } },
		{ { "grow", "FILE", "9999k" } },
		{ { "shrink", "FILE", "3x" } },
		{ { "peek", "FILE", "1x" } },
		{ { "poke", "FILE", "1" } },
		{ { "poke", "FILE", "x", "text" } },
		{ { "poke", "FILE", "1", "two", "words" } },
		{ { "peek", "FILE" } },
		{ { "peek", "FILE", "" } },
		{ { "peek", "FILE", "1", "2" } },
		{ { "touch", "FILE", "1" } },
		{ { "peeks", "FILE", "1" } },
		{ { "pokes", "FILE", "1", "text" } },
		{ { "grown", "FILE", "9999" } },
		{ { "pee", "FILE", "1" } },
		{ { "pok", "FILE", "1", "text" } },
		{ { "gro", "FILE", "9999" } },
		{ { "GROW", "FILE", "9999" } },
		{ { "", "FILE", "9999" } },
		{ { "grow", "FILE", "+9999" } },
		{ { "peek", "FILE", " 1" } },
		{ { "peek", "FILE", "1 " } },
		{ { "peek", "FILE", "1\n" } },
		{ { "peek", "FILE", "1e3" } },
		{ { "grow", "FILE", "9999.0" } },
		{ { "poke", "FILE", "0x1", "text" } },
		{ { NULL } },
	};

	put_odd_file(x, "FILE", 2);
	put_fifo(x, "fifo");
	put_directory(x, "directory");
	refuse_missing(x, "poke", "text");
	refuse_missing(x, "peek", NULL);
	refuse_file(x, "fifo", "a FIFO has neither size nor map, and its open may wait");
	refuse_file(x, "directory", "a directory has no size to set, and no map");
	no_memory(x, "poke", "text");
	no_memory(x, "peek", NULL);
	expect_error(x, run(x, "sized", .args = { "peek", "FILE", "1" }, .stdout_is = OUTPUT_FULL),
		     "output that is lost is an error, and shows when it is flushed");
	expect_error(x,
		     run(x, "sized", .args = { "grow", "FILE", "9999" }, .stdout_is = OUTPUT_FULL),
		     "output that is lost is an error, and shows when it is flushed");
	truncated_is_lost(x);
	put_odd_file(x, "FILE", 2);
	expect_error(
		x, run(x, "sized", .args = { "shrink", "FILE", "7000" }, .stdout_is = OUTPUT_FULL),
		"output that is lost is an error, and shows when it is flushed");
	put_odd_file(x, "FILE", 2);
	refused_in_a_line(x);
	no_resize(x, "grow", 9999);
	no_resize(x, "shrink", 99);
	refuse_endless_number(x, "peek");
	refuse_endless_number(x, "grow");
	refuse_endless_number(x, "shrink");
	expect_usage(x, run(x, "sized"));
	expect_usages(x, "sized", bad);
}

static void show(struct exam *x, const char *const *args)
{
	struct program *p;

	put_odd_file(x, "FILE", 3);
	p = start_shown(x, "sized", args, .args = { "poke", "FILE", "4090", "over a page border" });
	while (run_to(x, p, after_call_on(CALL_mmap, "FILE"), after_call(CALL_msync),
		      at_checkpoint()) >= 0)
		;
	finish(x, p);
}

LAB(.id = "05-resize-and-sync", .title = "Where a file ends, and when its bytes are safe",
    .programs = { { .name = "sized" } }, .show = show,
    .checks = {
	    { "resize-exact",
	      2,
	      1,
	      NULL,
	      "grow and shrink set exactly the size asked for, and print the old one and the new one",
	      resize_exact,
	      { "In which unit does a file have its size, and in which one a mapping?",
		"ftruncate(2) takes bytes and rounds nothing. Ask fstat(2) before, not after.",
		"ftruncate(fd, size), then printf(\"old %lld new %lld\\n\", …)." } },
	    { "grows-sparse",
	      2,
	      1,
	      "resize-exact",
	      "growing keeps the old bytes, adds zeros and takes no room on the disk, beyond 4 GiB too",
	      grows_sparse,
	      { "How many blocks does a byte need that nobody ever wrote?",
		"ftruncate(2) changes a number; write(2) and posix_fallocate(3) take blocks. off_t has "
		"64 bits, int has 32.",
		"No O_TRUNC, no loop of zeros: ftruncate alone, with a size of type off_t." } },
	    { "resize-refused",
	      2,
	      2,
	      "resize-exact",
	      "the wrong direction and a missing file are refused, and nothing is changed or created",
	      resize_refused,
	      { "What does each command promise about the old size and the new one?",
		"Compare before you change anything; the same size is right for both.",
		"open without O_CREAT; if (growing ? size < old : size > old) error." } },
	    { "poke-stores",
	      2,
	      3,
	      NULL,
	      "poke stores TEXT at any OFFSET through a map, and nothing else",
	      poke_stores,
	      { "Which offsets does mmap(2) accept?",
		"Map from the page border at or before OFFSET, long enough for the last byte of TEXT.",
		"border = offset - offset % page; length = offset - border + strlen(text); MAP_SHARED; "
		"nothing at all for an empty TEXT." } },
	    { "poke-durable",
	      3,
	      4,
	      "poke-stores",
	      "every byte stored is synced by msync with MS_SYNC, and a failure of it is an error",
	      poke_durable,
	      { "When would your text be on the disk if you did nothing?",
		"msync(2) wants an address that is a multiple of the page size, and MS_ASYNC does "
		"nothing. Did you look at what it returned?",
		"msync(start of the mapping, its whole length, MS_SYNC), after the stores; -1 is an "
		"error." } },
	    { "peek-looks",
	      2,
	      5,
	      NULL,
	      "peek prints the byte that FILE has at OFFSET when it looks through its map",
	      peek_looks,
	      { "What is the type of a byte that is never negative?",
		"Order: map, lab_checkpoint(\"mapped\"), look, print.",
		"*(volatile unsigned char *)(start + (offset - border)), printed with 0x%02x." } },
	    { "ends-at-last-byte",
	      2,
	      3,
	      "poke-stores",
	      "poke and peek refuse what lies behind the last byte of FILE, inside its last page too",
	      ends_at_last_byte,
	      { "A file has 100 bytes, its mapping 4096: what are the other 3996?",
		"They read as zero and forget what is stored. No signal comes: only fstat(2) knows.",
		"if (offset > size || length > size - offset) error; peek has a length of 1." } },
	    { "peek-survives-truncation",
	      2,
	      6,
	      "peek-looks",
	      "peek tells of a truncation to a page border instead of dying of SIGBUS",
	      peek_survives_truncation,
	      { "Which signal does a look at a page get that its file no longer has?",
		"A handler that returns makes the same load again, and it faults again.",
		"sigaction(SIGBUS, …) with a handler that calls siglongjmp; sigsetjmp before the look. "
		"Then \"truncated\" and exit status 4." } },
	    { "peek-truncated-inside-page",
	      1,
	      6,
	      "peek-looks",
	      "peek tells of a truncation inside the page of OFFSET, where no signal comes",
	      peek_truncated_inside_page,
	      { "What does a byte of the last page read as when the file ends before it?",
		"Ask for the size again when you have looked.",
		"fstat after the look: offset >= st_size is \"truncated\", signal or not." } },
	    { "errors-reported",
	      2,
	      5,
	      NULL,
	      "errors end the program with one line on standard error and status 1, bad usage with 2",
	      errors_reported,
	      { "What can fail here, and what does each call return then?",
		"mmap returns MAP_FAILED, never NULL; printf only fills a buffer; the open of a FIFO waits.",
		"Check open (O_NONBLOCK), fstat and S_ISREG, mmap == MAP_FAILED, fflush(stdout) == EOF." } },
    });
