/*
 * Lab 01: a file becomes memory. map_file looks at FILE through a private read-only mapping that
 * covers it whole, closes the descriptor before the first look, and gives the mapping back.
 */
#include "exam/exam.h"

#include <inttypes.h>
#include <sys/sysmacros.h>

enum {
	SMALL = 32,	  /* four watchpoints of eight bytes see every look at such a file */
	FEW_MB = 4 << 10, /* kB that one byte of a huge file may make resident */
	MANY_STOPS = 200,
	MOST_CLOSES = 4, /* of FILE, in each process, that are held back */
	MOST_NAPS = 50
};

/* ---- the first look ------------------------------------------------------------------------- */

/* The moments at which a mapping that was never looked at can be judged: before it goes. */
static bool before_it_goes(struct exam *x, struct program *p, const char *file)
{
	while (run_to(x, p, at_call(CALL_munmap), at_exit()) >= 0)
		if (find_mapping(x, p, file).vma != NULL)
			return true;
	return false;
}

/*
 * Runs to the first look at one of the watched bytes. Without watchpoints, or where the program
 * never looks (it has its bytes from elsewhere, which another check judges): again, to the moment
 * before the mapping goes.
 */
static struct program *first_look(struct exam *x, const char *file, const char *offset)
{
	struct program *p;
	bool ends = true;

	if (have_watchpoints(x)) {
		p = start(x, "map_file", .args = { file, offset });
		set_limits(x, p, 5000, 20000, 60000);
		if (run_to(x, p, at_watch(NULL)) == 0)
			return p;
		/* what does not end will not end the next time either */
		ends = ending(p).how != STILL_THERE;
		if (ends)
			kill_program(x, p);
	}
	if (ends)
		p = start(x, "map_file", .args = { file, offset });
	if (!ends || !before_it_goes(x, p, file))
		need(x, false, .expected = "FILE is mapped when its bytes are looked at",
		     .observed = say(x, "no mapping of FILE was looked at in the whole run (%s)",
				     ending_text(x, p)),
		     .why = "a mapping is how this program gets at the bytes");
	return p;
}

/* All bytes of a small file, under watch. */
struct eyes {
	struct watch *watch[SMALL / 8];
};

static struct eyes watch_all(struct exam *x, const char *file)
{
	struct eyes eyes = { { NULL } };

	if (have_watchpoints(x))
		for (off_t at = 0; at < SMALL; at += 8)
			eyes.watch[at / 8] = watch_file(x, file, at, 8, WATCH_ACCESSES);
	return eyes;
}

static void close_eyes(struct exam *x, const struct eyes *eyes)
{
	for (size_t i = 0; i < SMALL / 8; i++)
		if (eyes->watch[i] != NULL)
			unwatch(x, eyes->watch[i]);
}

static const char *small_file(struct exam *x)
{
	const char *file = pick_word(x, 8);

	put_file(x, file, pick_bytes(x, SMALL), SMALL, 0644);
	return file;
}

/* The process that looks, or any that has the file mapped. */
static struct process *looker(struct exam *x, struct program *p, const char *file)
{
	struct process *process = last_stop(x, p)->process;

	if (process != NULL && mapped_sum(x, process, file).count > 0)
		return process;
	return need_mapping(x, p, file).process;
}

/*
 * A mapping through which FILE was looked at, while no r--p one has a page resident: that one is a
 * decoy. Each VMA has page tables of its own, so the first look shows in the one that it went
 * through.
 */
static const struct vma *looked_through(struct exam *x, const struct process *process,
					const char *file)
{
	const struct maps *maps = smaps_now(x, process);
	const struct vma *other = NULL;
	struct stat st;

	for (size_t i = 0; file_stat(x, file, &st) && i < maps->count; i++) {
		const struct vma *vma = &maps->vma[i];

		if (!vma_is_file(vma, major(st.st_dev), minor(st.st_dev), st.st_ino) ||
		    vma->memory.rss_kb == 0)
			continue;
		if (vma_perms_are(vma, "r--p"))
			return NULL;
		other = vma;
	}
	return other;
}

static void expect_whole_private_readonly(struct exam *x, struct program *p, const char *file)
{
	struct process *process = looker(x, p, file);
	struct mapping map = need_mapping(x, p, file);
	off_t size = file_size(x, file);
	const char *perms = map.vma->perms;
	const struct vma *other;

	if (covers(x, process, file, 0, size, "r--p")) {
		other = looked_through(x, process, file);
		expect(x, other == NULL, .expected = "r--p: readable, private",
		       .observed = say(x, "the look goes through another mapping, %s",
				       other != NULL ? other->perms : ""),
		       .from = other != NULL ? from_vma(x, other) : NULL, .at = last_stop(x, p)->at,
		       .why = "a mapping that nobody looks at protects nothing");
		return;
	}
	if (covers(x, process, file, 0, size, NULL))
		expect(x, false, .expected = "r--p: readable, private",
		       .observed = say(x, "%s", perms), .from = from_vma(x, map.vma),
		       .at = at_mapping(x, process, map.vma),
		       .why = "who only looks asks for no more: PROT_READ and MAP_PRIVATE keep "
			      "the file safe from a stray store");
	else
		expect(x, false, .expected = say(x, "all %jd bytes of FILE mapped", (intmax_t)size),
		       .observed = say(x, "%" PRIu64 " bytes of address space map it",
				       mapped_sum(x, process, file).bytes),
		       .from = from_vma(x, map.vma), .at = at_mapping(x, process, map.vma),
		       .why = "fstat(2) says how many bytes FILE has: each of them has its place in "
			      "the mapping");
}

static void expect_closed(struct exam *x, struct program *p, const char *file, const char *why)
{
	const char *open = descriptor_of(x, p, file);

	expect(x, open == NULL, .expected = "no process holds a descriptor of FILE any more",
	       .observed = say(x, "still open: %s", open != NULL ? open : ""), .from = open,
	       .at = last_stop(x, p)->at, .why = why);
}

static void expect_no_descriptor(struct exam *x, struct program *p, const char *file)
{
	expect_closed(x, p, file,
		      "the mapping keeps the file by itself; a descriptor that is kept as well is "
		      "one of a limited number, and leaks at every call of such a function");
}

/* ---- checks: the mapping -------------------------------------------------------------------- */

/*
 * A hole of 64 MiB: a limit that is big enough for small files shows. Nobody has to walk through
 * it, for the first look is at one of its ends or in the middle. Who cannot map it (locked memory
 * is scarce) says so and is not judged.
 */
static void expect_large_mapped(struct exam *x)
{
	const char *file = pick_word(x, 10);
	const off_t size = ((off_t)64 << 20) + pick(x, 1, 1 << 20);
	const off_t looks[] = { 0, size / 2, size - 1 };
	struct program *p;

	put_text(x, file, "");
	set_size(x, file, size);
	for (int i = 0; i < 3; i++)
		watch_file(x, file, looks[i] & -8, 8, WATCH_ACCESSES);
	p = start(x, "map_file", .args = { file });
	set_limits(x, p, 5000, 20000, 60000);
	if (run_to(x, p, at_watch(NULL)) == 0)
		expect_whole_private_readonly(x, p, file);
}

static void maps_the_file(struct exam *x)
{
	const char *file = small_file(x);
	struct eyes eyes = watch_all(x, file);

	expect_whole_private_readonly(x, first_look(x, file, NULL), file);
	close_eyes(x, &eyes);

	/* and one of several pages */
	if (failed(x))
		return;
	file = pick_word(x, 9);
	off_t size = 7 * page_size() + pick(x, 1, page_size() - 1);
	put_file(x, file, pick_bytes(x, size), size, 0644);
	if (have_watchpoints(x))
		watch_file(x, file, 0, 8, WATCH_ACCESSES);
	expect_whole_private_readonly(x, first_look(x, file, NULL), file);

	if (!failed(x) && have_watchpoints(x))
		expect_large_mapped(x);
}

/* The way round about: what a mapping shows, copied by a call that reads a process's memory. */
static void expect_memory_not_read(struct exam *x, struct program *p)
{
	const struct call_set reads = call_set_both(call_set_family(FAMILY_READ),
						    call_set_one(CALL_process_vm_readv));
	const struct event *e = NULL;

	while ((e = next_call(x, p, e, reads, NULL)) != NULL) {
		size_t length = strlen(e->path);
		bool memory = e->call == CALL_process_vm_readv ||
			      (strncmp(e->path, "/proc/", 6) == 0 && length > 4 &&
			       strcmp(e->path + length - 4, "/mem") == 0);

		if (!expect(x, !memory,
			    .expected = "the bytes of FILE are had by looking at a mapping",
			    .observed = "memory is read by a system call", .from = from_event(x, e),
			    .at = at_event(x, e),
			    .why = "bytes[i] looks by itself; a call that copies them adds nothing"))
			return;
	}
}

/* A copy is a temptation where no zero ends the last page, and where the file is a small one. */
static void not_by_read(struct exam *x)
{
	const off_t sizes[] = { 2 * page_size() + pick(x, 1, 999), 3 * page_size(),
				pick(x, 100, 900), 300 * page_size() };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !failed(x); i++) {
		const char *file = pick_word(x, 8);

		put_file(x, file, pick_bytes(x, sizes[i]), sizes[i], 0644);

		struct program *p = run(x, "map_file", .args = { file });

		if (expect_not_read(x, p, file))
			expect_memory_not_read(x, p);
	}
}

/* Is what it maps locked into memory, by mlockall(2) for one? Then it is resident at once. */
static bool locked(struct exam *x, const struct process *process, const char *file)
{
	const struct vma *vma = maps_at(smaps_now(x, process), address_of(x, process, file, 0));

	return vma != NULL && vma_has_flag(vma, "lo");
}

/* Did the program ask for pages before it looks at them? Then resident ones tell nothing. */
static bool asked_for_pages(struct exam *x, struct program *p, const char *file)
{
	const struct call_set mmaps = call_set_one(CALL_mmap);
	const struct event *e = NULL;

	if (locked(x, last_stop(x, p)->process, file))
		return true;
	while ((e = next_event(p, e)) != NULL)
		if (e->kind == EVENT_CALL && (e->call == CALL_madvise || e->call == CALL_mlock))
			return true;
	while ((e = next_call(x, p, e, mmaps, NULL)) != NULL)
		if (e->args[3] & (MAP_POPULATE | MAP_LOCKED))
			return true;
	return false;
}

/*
 * A look by the kernel (a write of mapped bytes) meets no watchpoint, but it makes a page resident:
 * at the close of the one descriptor there must be none yet.
 */
static void expect_unseen_at_close(struct exam *x, const char *file)
{
	const struct call_set opens = call_set_one(CALL_openat);
	struct program *p = start(x, "map_file", .args = { file });
	const struct event *first;
	uint64_t rss;

	if (run_to(x, p, at_call_on(CALL_close, file)) != 0 || asked_for_pages(x, p, file))
		return;
	first = next_call(x, p, NULL, opens, file);
	if (first == NULL || next_call(x, p, first, opens, file) != NULL)
		return;
	rss = mapped_sum(x, last_stop(x, p)->process, file).memory.rss_kb;
	expect(x, rss == 0, .expected = "nobody has looked at FILE when its descriptor is closed",
	       .observed = say(x, "%" PRIu64 " kB of it are resident then", rss),
	       .at = last_stop(x, p)->at,
	       .why = "a page of a mapping becomes resident when somebody looks at it, a system "
		      "call like write(2) included");
}

static int birth_of(const struct process *process)
{
	int n = 0;

	for (const struct process *other = first_process(program_of(process)); other != process;
	     other = next_process(other))
		n++;
	return n;
}

static struct process *born(const struct program *p, int n)
{
	struct process *process = first_process(p);

	while (process != NULL && n-- > 0)
		process = next_process(process);
	return process;
}

/*
 * Runs to the first look, which must not come while the n-th process is held at one of its closes.
 * The others wait at theirs until it is there. False where it has no such close.
 */
static bool expect_look_waits(struct exam *x, const char *file, int n, int skip_closes)
{
	struct program *p = start(x, "map_file", .args = { file });
	struct process *waiting[MOST_CLOSES];
	bool held = false, others = true;
	int reached, naps = 0, count = 0;

	/* a short time for those who wait without a nap */
	set_limits(x, p, 500, 3000, 60000);
	for (;;) {
		reached = run_to(x, p, at_watch(NULL), at_call_on(CALL_close, file), at_sleep());
		if (reached == 0)
			expect_closed(x, p, file,
				      "nobody waits for the close: it was held back, and FILE was "
				      "looked at all the same");
		/* who naps and asks again does wait */
		if (reached == 0 || (reached == 2 && ++naps > MOST_NAPS))
			break;
		if (reached == 1) {
			struct process *process = last_stop(x, p)->process;

			if (birth_of(process) == n && !held && skip_closes-- == 0) {
				held = true;
				hold_thread(x, p);
			} else if (birth_of(process) != n && others && count < MOST_CLOSES) {
				waiting[count++] = process;
				hold_thread(x, p);
			}
		}
		if (reached < 0) {
			if (!others || count == 0)
				break;
			others = false;
			while (count > 0)
				release(x, waiting[--count]);
		}
	}
	kill_program(x, p);
	return held;
}

/*
 * Where several processes or threads are at work, one may look while another is still about to
 * close. Who is first there must not be luck: each close is held back in turn, and whoever looks
 * waits for it.
 */
static void expect_looks_wait(struct exam *x, struct program *seen, const char *file)
{
	/* who is alone cannot look while he is held */
	if (!works_with_others(x, seen))
		return;
	for (int n = 0; n < MOST_CLOSES && born(seen, n) != NULL; n++)
		for (int closes = 0; closes < MOST_CLOSES && !failed(x); closes++)
			if (!expect_look_waits(x, file, n, closes))
				break;
}

static void closes_descriptor(struct exam *x)
{
	const char *file = small_file(x);
	struct eyes eyes = watch_all(x, file);
	struct program *p = first_look(x, file, NULL);

	expect_no_descriptor(x, p, file);
	kill_program(x, p);
	if (!failed(x) && have_watchpoints(x))
		expect_looks_wait(x, p, file);
	close_eyes(x, &eyes);
	if (!failed(x))
		expect_unseen_at_close(x, file);
}

/* Every process that made a mapping of FILE ends without one. */
static void expect_unmapped(struct exam *x, struct program *p, const char *file)
{
	const struct call_set maps = call_set_one(CALL_mmap);

	while (run_to(x, p, at_exit()) == 0) {
		struct process *process = last_stop(x, p)->process;
		const struct event *made = NULL;
		const struct vma *vma;

		while ((made = next_call(x, p, made, maps, file)) != NULL)
			if (made->process == process)
				break;
		if (made == NULL || mapped_sum(x, process, file).count == 0)
			continue;
		vma = need_mapping(x, p, file).vma;
		expect(x, false, .expected = "nothing of FILE mapped at the end",
		       .observed = say(x, "%" PRIu64 " bytes still are",
				       mapped_sum(x, process, file).bytes),
		       .from = from_vma(x, vma), .at = at_mapping(x, process, vma),
		       .why = "the kernel tidies up after a process, but a function that maps and "
			      "never unmaps fills the address space of a longer-living one");
		return;
	}
	expect_exit(x, p, 0, "this file is a good one");
}

static void unmaps(struct exam *x)
{
	const char *file = pick_word(x, 8);
	off_t size = 3 * page_size() + pick(x, 1, 999);
	struct program *p;

	put_file(x, file, pick_bytes(x, size), size, 0644);
	p = start(x, "map_file", .args = { file });
	expect_unmapped(x, p, file);
}

/* ---- checks: what is printed ---------------------------------------------------------------- */

static const char *right_lines(struct exam *x, const unsigned char *data, size_t size)
{
	const unsigned char *end = data + size, *next;
	size_t errors = 0;

	for (const unsigned char *line = data; line < end; line = next) {
		next = memchr(line, '\n', (size_t)(end - line));
		next = next ? next + 1 : end;
		errors += memmem(line, (size_t)(next - line), "ERROR", 5) != NULL;
	}
	if (size == 0)
		return "size 0\nerrors 0\n";
	return say(x, "size %zu\nfirst 0x%02x\nmiddle 0x%02x\nlast 0x%02x\nerrors %zu\n", size,
		   data[0], data[size / 2], data[size - 1], errors);
}

static bool expect_lines(struct exam *x, const void *data, size_t size, const char *why)
{
	const char *file = pick_word(x, 8);
	struct program *p;

	put_file(x, file, data, size, 0644);
	p = run(x, "map_file", .args = { file });
	return expect_output(x, p, right_lines(x, data, size), why) && expect_exit(x, p, 0, why);
}

/* Sizes that are no whole pages: what stands behind the last byte then is another check's matter.
 */
static void size_and_bytes(struct exam *x)
{
	static const unsigned char telling[][3] = { { 0x0c, 0xab, 0xf0 },
						    { 0xfe, 0x00, 0x5a },
						    { 0x80, 0x7f, 0x0a } };
	const size_t sizes[] = { 1, 2, 3, 2 * page_size() + 2 * pick(x, 5, 1500) + 1,
				 17 * page_size() - 2 * pick(x, 1, 500) };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !failed(x); i++) {
		size_t size = sizes[i], middle = size / 2;
		unsigned char *data = pick_bytes(x, size);
		const unsigned char *bytes = telling[i % 3];

		data[0] = bytes[0];
		data[size - 1] = bytes[2];
		data[middle] = bytes[1];
		/* neighbours that cannot be taken for the middle */
		if (middle > 1)
			data[middle - 1] = ~bytes[1];
		if (middle + 2 < size)
			data[middle + 1] = ~bytes[1];
		expect_lines(x, data, size, say(x, "a file of %zu random bytes", size));
	}
}

/* A growing file. */
struct text {
	unsigned char *data;
	size_t size;
};

static void add(struct text *text, const void *data, size_t size)
{
	memcpy(text->data + text->size, data, size);
	text->size += size;
}

#define ADD(text, literal) add((text), (literal), sizeof(literal) - 1)

static struct text some_lines(struct exam *x, int lines)
{
	struct text text = { room(x, (size_t)lines * 128 + 4096), 0 };

	for (int i = 0; i < lines; i++) {
		int words = (int)pick(x, 0, 6);

		for (int word = 0; word < words; word++) {
			if (pick(x, 0, 3) == 0)
				ADD(&text, "ERROR");
			else
				add(&text, pick_word(x, 4), 4);
			ADD(&text, " ");
		}
		ADD(&text, "\n");
	}
	return text;
}

static void expect_text(struct exam *x, struct text text, const char *why)
{
	if (!failed(x))
		expect_lines(x, text.data, text.size, why);
}

/* The word begins AHEAD bytes before the border of any two pages, each in a line of its own. */
static struct text across_borders(struct exam *x, size_t ahead)
{
	const size_t page = page_size(), pages = (1 << 20) / page + 1;
	struct text text = { room(x, (pages + 1) * page), 0 };

	for (size_t border = page; border <= pages * page; border += page) {
		memset(text.data + text.size, '.', border - ahead - text.size);
		text.size = border - ahead;
		ADD(&text, "ERROR behind it\n");
	}
	return text;
}

/* Lines of several pages: with the word in each page, far from the beginning, at both ends. */
static struct text long_lines(struct exam *x)
{
	static const char *const begins[] = { "", "ERROR " };
	const size_t far = 80 << 10;
	struct text text = { room(x, 3 * far), 0 };

	while (text.size < 5 * page_size())
		ADD(&text, "all of it is one line with an ERROR here and there, ");
	for (int i = 0; i < 2; i++) {
		size_t begin = text.size;

		ADD(&text, "\nshort\n");
		add(&text, begins[i], strlen(begins[i]));
		while (text.size < begin + far)
			ADD(&text, "on and on ");
		ADD(&text, "to an ERROR");
	}
	ADD(&text, "\n");
	return text;
}

static void counts_lines(struct exam *x)
{
	struct text text;

	text = some_lines(x, 700); /* several pages */
	ADD(&text, "a last line\n");
	expect_text(x, text, "some lines have the word once, some more often, some not at all");

	text = some_lines(x, 10);
	ADD(&text, "ERROR ERROR ERRORERROR xERRORx\n\n\nend of it\nnoERRORS\nERROR_2\n");
	expect_text(x, text, "a line counts once, however often the word stands in it");

	text = some_lines(x, 5);
	ADD(&text, "ERERROR\nERRERROR\nERROERROR\nEEEERROR\nERRO R\nerror\nERR\nOR\nEROR\n.\n");
	expect_text(x, text, "beginnings of the word before the word, and words that are none");

	text = some_lines(x, 5);
	ADD(&text, "nul\0ERROR\0\n\0\n\0\0ERROR ERROR\nERR\0OR\nwarning\nERROR\0and\0ERROR\0\n");
	expect_text(x, text, "a NUL is a byte like any other");

	text = some_lines(x, 5);
	ADD(&text, "ERROR\rERROR\r\nfine\r\nERROR\vERROR\fERROR\r.\n");
	expect_text(x, text, "a line ends at a newline only, not at a carriage return");

	text = some_lines(x, 5);
	ADD(&text, "the last line has an ERROR but no newline");
	expect_text(x, text, "the last line counts without a newline, too");

	for (size_t ahead = 1; ahead <= 4; ahead++)
		expect_text(x, across_borders(x, ahead), "the word lies across two pages");
	expect_text(x, long_lines(x), "a line may be longer than a page, or than 64 KiB");
}

/*
 * Has the program itself chosen what stands at `address`? Then one of its mmaps reached over the
 * border there (a room was taken first, and FILE laid over all but its end), or asked for this very
 * place.
 */
static bool laid_out(struct exam *x, struct program *p, uint64_t address)
{
	const struct call_set mmaps = call_set_one(CALL_mmap);
	const struct event *e = NULL;

	while ((e = next_call(x, p, e, mmaps, NULL)) != NULL) {
		uint64_t low = (uint64_t)e->result;

		if (e->returned && e->result > 0 && address >= low && address - low < e->args[1] &&
		    (low < address || e->args[0] == address))
			return true;
	}
	return false;
}

/*
 * The page behind the mapping of the last byte, where something else is mapped there: then a look
 * too far raises no signal, and has to be watched. Another piece of FILE, which may be mapped in
 * any order, and memory that the program put there itself may be looked at.
 */
static struct watch *watch_behind(struct exam *x, struct program *p, const char *file, off_t size)
{
	struct process *process = last_stop(x, p)->process;
	uint64_t end = address_of(x, process, file, size - 1) + 1;
	const struct vma *last = end > 1 ? maps_at(maps_now(x, process), end - 1) : NULL;
	const struct vma *behind = end > 1 ? maps_at(maps_now(x, process), end) : NULL;

	if (last == NULL || behind == NULL || laid_out(x, p, end) ||
	    vma_is_file(behind, last->major, last->minor, last->inode))
		return NULL;
	return watch_memory(x, process, end, 8, WATCH_ACCESSES);
}

/* Is it a fault in the page behind FILE's last byte? Anything else is another matter. */
static bool just_behind(struct exam *x, struct program *p, const char *file, off_t size)
{
	const struct stop_info *stop = last_stop(x, p);
	uint64_t end = address_of(x, stop->process, file, size - 1) + 1;

	return end > 1 && stop->fault_address - end < page_size();
}

/* Runs to the end; false, with the evidence noted, where it looks at what is behind FILE. */
static bool stays_inside(struct exam *x, struct program *p, const char *file, off_t size)
{
	const struct moment segv = at_signal(SIGSEGV), bus = at_signal(SIGBUS);
	struct watch *watch = NULL;
	const char *too_far = NULL;
	int reached;

	/* from the first look on all is mapped where it stays */
	if (have_watchpoints(x))
		watch = watch_file(x, file, 0, 8, WATCH_ACCESSES);
	reached = run_to(x, p, segv, bus, at_last_exit(), at_watch(NULL));
	if (watch != NULL)
		unwatch(x, watch);
	if (reached == 3) {
		watch = watch_behind(x, p, file, size);
		reached = run_to(x, p, segv, bus, at_last_exit(), at_watch(NULL));
		if (watch != NULL)
			unwatch(x, watch);
		/* only what the student's own code does counts */
		if (reached == 3 && last_stop(x, p)->at != NULL)
			too_far = "what is mapped there was looked at";
	}
	if ((reached == 0 || reached == 1) && just_behind(x, p, file, size))
		too_far = say(x, "%s at %#" PRIx64, reached == 0 ? "SIGSEGV" : "SIGBUS",
			      last_stop(x, p)->fault_address);
	return expect(x, too_far == NULL, .expected = "no look behind the last byte",
		      .observed = too_far, .at = last_stop(x, p)->at,
		      .why = "FILE fills its last page to the end: behind it there may be no "
			     "memory, and what is there is never part of the file");
}

static void exact_end(struct exam *x)
{
	static const char *const ends[] = { "ERROR", "ERRO", "ERR", "ER", "E", "ERROR\n" };
	/* 512 pages are 2 MiB on most machines: their mapping is aligned, with a gap behind it */
	static const size_t pages[] = { 512, 1, 512, 2, 512, 3 };

	for (size_t i = 0; i < 6 && !failed(x); i++) {
		const char *file = pick_word(x, 8);
		size_t size = pages[i] * page_size();
		unsigned char *data = room(x, size);
		size_t length = strlen(ends[i]);
		struct program *p;
		bool inside;

		memset(data, 'x', size);
		memcpy(data + size / 2, "an ERROR\n", 9);
		memcpy(data + size - length, ends[i], length);
		put_file(x, file, data, size, 0644);
		p = start(x, "map_file", .args = { file });
		inside = stays_inside(x, p, file, (off_t)size);
		if (inside && finish(x, p))
			expect_output(x, p, right_lines(x, data, size),
				      say(x, "FILE is %zu whole pages and ends in %s", pages[i],
					  quoted(x, ends[i], length, 20)));
	}
}

/* ---- checks: files that are none, and failures ---------------------------------------------- */

/* An error, and no piece of a line on standard output: whole ones may stand, printed before it. */
static bool expect_refused(struct exam *x, struct program *p, const char *why)
{
	size_t size;
	const char *text = output(x, p, &size);

	return expect_error(x, p, why) &&
	       expect(x, size == 0 || text[size - 1] == '\n',
		      .expected = "whole lines on standard output, or none",
		      .observed = quoted(x, text, size, 80),
		      .from = say(x, "standard output of \"%s\"", command_of(x, p)),
		      .why = "what reads the output takes a piece of a line for all of it");
}

static void odd_files(struct exam *x)
{
	const char *file = pick_word(x, 8);

	expect_lines(x, "", 0, "an empty file has no bytes to show, and no mapping has length 0");

	put_text(x, file, "a line\n");
	put_link(x, "link", file);
	expect_output(x, run(x, "map_file", .args = { "link" }),
		      right_lines(x, (const unsigned char *)"a line\n", 7),
		      "a symbolic link to a file stands for the file");

	expect_refused(x, run(x, "map_file", .args = { pick_word(x, 10) }),
		       "there is no such file");
	put_directory(x, "directory");
	expect_refused(x, run(x, "map_file", .args = { "directory" }), "a directory is no file");
	put_fifo(x, "fifo");
	expect_refused(x, run(x, "map_file", .args = { "fifo" }),
		       "a FIFO has no size to map; opening one to read waits for a writer, unless "
		       "O_NONBLOCK is given");
	expect_refused(x, run(x, "map_file", .args = { "/dev/null" }),
		       "a device has no size: st_size is 0, and yet it is no empty file");
}

/* ---- check: the second form ----------------------------------------------------------------- */

static const char *decimal(struct exam *x, uint64_t n)
{
	return say(x, "%" PRIu64, n);
}

/* `where` is the offset as the command line has it. */
static void expect_byte(struct exam *x, const char *file, const char *where, unsigned char byte)
{
	struct program *p = run(x, "map_file", .args = { file, where });

	expect_output(x, p, say(x, "byte 0x%02x\n", byte),
		      say(x, "the byte at %s (a decimal number) of a file of %jd", where,
			  (intmax_t)file_size(x, file)));
	expect_exit(x, p, 0, "the byte is there");
	expect_not_read(x, p, file);
}

static void expect_behind(struct exam *x, const char *file, uint64_t offset)
{
	struct program *p = run(x, "map_file", .args = { file, decimal(x, offset) });
	const char *text = output(x, p, NULL);

	if (expect_error(x, p,
			 say(x, "FILE has %jd bytes: there is none at %" PRIu64,
			     (intmax_t)file_size(x, file), offset)))
		expect(x, *text == '\0', .expected = "nothing on standard output",
		       .observed = quoted(x, text, strlen(text), 80),
		       .from = say(x, "standard output of \"%s\"", command_of(x, p)),
		       .why = "a byte that is not there has no value to print");
}

/* What the first form was asked for, once more: one byte is looked at, all of FILE is mapped. */
static void expect_mapped_for_byte(struct exam *x, const char *file, off_t byte)
{
	struct watch *watch = NULL;
	struct program *p;

	if (have_watchpoints(x))
		watch = watch_file(x, file, byte & -8, 8, WATCH_ACCESSES);
	p = first_look(x, file, decimal(x, (uint64_t)byte));
	expect_whole_private_readonly(x, p, file);
	expect_no_descriptor(x, p, file);
	if (watch != NULL)
		unwatch(x, watch);
}

static void mapping_of_second_form(struct exam *x)
{
	const char *file = pick_word(x, 8);
	size_t size = 5 * page_size() + (size_t)pick(x, 1, 999);
	off_t byte = (off_t)(2 * page_size()) + pick(x, 0, 99);

	put_file(x, file, pick_bytes(x, size), size, 0644);
	expect_mapped_for_byte(x, file, byte);
	expect_unmapped(x, start(x, "map_file", .args = { file, decimal(x, (uint64_t)byte) }),
			file);
}

static bool expect_few_resident(struct exam *x, struct program *p, const char *file)
{
	struct process *process = last_stop(x, p)->process;
	uint64_t rss = process != NULL ? mapped_sum(x, process, file).memory.rss_kb : 0;

	return expect(x, rss <= FEW_MB, .expected = "one page, or a few neighbours",
		      .observed = say(x, "%" PRIu64 " kB of FILE are resident", rss),
		      .at = last_stop(x, p)->at,
		      .why = "a mapping costs address space; memory it costs only where somebody "
			     "looks, and only one byte was asked for");
}

/* About to bring in all of it: not carried out, for it takes long and proves nothing more. */
static bool expect_not_populated(struct exam *x, struct program *p)
{
	const struct event *mmap = last_stop(x, p)->event;

	return expect(x, (mmap->args[3] & MAP_POPULATE) == 0 || mmap->args[1] < 1 << 26,
		      .expected = "pages that come when they are looked at",
		      .observed = "MAP_POPULATE, which brings in the whole file at once",
		      .from = from_event(x, mmap), .at = last_stop(x, p)->at,
		      .why = "eight gibibytes for one byte");
}

/* Runs to the end; false, with the evidence noted, once more than a few pages are resident. */
static bool stays_small(struct exam *x, struct program *p, const char *file)
{
	for (int stops = 0;; stops++) {
		/* who maps or unmaps it in thousands of pieces is looked at less often */
		int reached = stops < MANY_STOPS
				      ? run_to(x, p, at_watch(NULL), at_exit(),
					       at_call(CALL_munmap), at_call_on(CALL_mmap, file))
				      : run_to(x, p, at_watch(NULL), at_exit());

		if (reached < 0)
			return true;
		if (reached == 3 ? !expect_not_populated(x, p) : !expect_few_resident(x, p, file))
			return false;
	}
}

/* 8 GiB, nearly all of them a hole. */
static void huge_file(struct exam *x)
{
	const off_t gib = (off_t)1 << 30, size = 8 * gib, step = 8 << 20;
	const off_t offset = 5 * gib + pick(x, gib / 4, gib / 2);
	/* whoever walks through the file comes by, and has made megabytes resident by then */
	const off_t on_the_way[] = { step, size - step, offset - step, offset + step };
	const unsigned char byte = (unsigned char)pick(x, 1, 255);
	const char *file = pick_word(x, 8);
	struct watch *watch[4] = { NULL };
	struct program *p;

	put_text(x, file, "");
	set_size(x, file, size);
	put_bytes(x, file, offset, &byte, 1);
	for (int i = 0; i < 4 && have_watchpoints(x); i++)
		watch[i] = watch_file(x, file, on_the_way[i] & -8, 8, WATCH_ACCESSES);
	p = start(x, "map_file", .args = { file, decimal(x, (uint64_t)offset) });
	set_limits(x, p, 2000, 20000, 1000);
	if (!stays_small(x, p, file))
		return;
	expect_output(x, p, say(x, "byte 0x%02x\n", byte),
		      say(x, "the byte at %jd of a sparse file of 8 GiB", (intmax_t)offset));
	expect_exit(x, p, 0, "the byte is there");
	expect_not_read(x, p, file);
	for (int i = 0; i < 4; i++)
		if (watch[i] != NULL)
			unwatch(x, watch[i]);
	if (!failed(x))
		expect_mapped_for_byte(x, file, offset);
}

/* What the first form refuses, and the link that it follows: the second one has to know them, too.
 */
static void odd_files_of_second_form(struct exam *x, const char *file, unsigned char first)
{
	const char *const names[] = { pick_word(x, 9), "directory", "fifo" };
	struct ending end;

	put_directory(x, "directory");
	put_fifo(x, "fifo");
	for (size_t i = 0; i < 3; i++) {
		end = ending(run(x, "map_file", .args = { names[i] }));
		if (end.how == EXITED && end.status == 1)
			expect_error(x, run(x, "map_file", .args = { names[i], "0" }),
				     "the first form refuses it, and no OFFSET makes it a file");
	}
	put_link(x, "link", file);
	end = ending(run(x, "map_file", .args = { "link" }));
	if (end.how == EXITED && end.status == 0)
		expect_byte(x, "link", "0", first);
}

static void one_byte(struct exam *x)
{
	const char *file = pick_word(x, 7);
	const char *empty = pick_word(x, 6);
	size_t size = 2 * page_size() + (size_t)pick(x, 100, 900);
	unsigned char *data = pick_bytes(x, size);
	size_t inside = (size_t)pick(x, 11, (int64_t)size / 2 - 1);
	const char *bytes;

	data[0] = 0xfe;
	data[8] = 0x21;
	data[9] = 0x00;
	data[10] = 0x7d;
	data[inside] |= 0x80;
	data[size / 2] = 0x00;
	data[size - 1] = 0x0a;
	put_file(x, file, data, size, 0644);
	bytes = output(x, run(x, "map_file", .args = { file }), NULL);
	if (strstr(bytes, "\nfirst 0xfe\nmiddle 0x00\n") == NULL ||
	    strstr(bytes, "\nlast 0x0a\n") == NULL)
		skip(x, "the first form prints bytes wrongly, which size-and-bytes judges");
	expect_byte(x, file, "0", data[0]);
	expect_byte(x, file, decimal(x, size - 1), data[size - 1]);
	expect_byte(x, file, decimal(x, inside), data[inside]);
	expect_byte(x, file, "9", data[9]);
	expect_byte(x, file, "010", data[10]);
	expect_behind(x, file, size);
	expect_behind(x, file, size + (uint64_t)pick(x, 1, 90));
	expect_behind(x, file, size + 100 * page_size());
	expect_behind(x, file, INT64_MAX);
	put_file(x, empty, "", 0, 0644);
	expect_behind(x, empty, 0);
	if (!failed(x))
		odd_files_of_second_form(x, file, data[0]);
	if (failed(x))
		return;
	mapping_of_second_form(x);
	if (!failed(x))
		huge_file(x);
}

/* ---- check: failures ------------------------------------------------------------------------ */

static void expect_failures(struct exam *x, const char *file, const char *offset)
{
	struct program *p = start(x, "map_file", .args = { file, offset });
	struct fault *fault = fail_call(x, p, CALL_mmap, ENOMEM, file, 0);

	finish(x, p);
	if (fault_struck(fault))
		expect_refused(x, p,
			       "mmap failed with ENOMEM, and says so with MAP_FAILED, not NULL");
	expect_error(x, run(x, "map_file", .args = { file, offset }, .stdout_is = OUTPUT_FULL),
		     "stdout took nothing (ENOSPC): what is not printed is not done");
}

static void reports_failures(struct exam *x)
{
	const char *file = pick_word(x, 8);
	const struct words bad[] = { { { file, "x" } },	 { { file, "-1" } },	 { { file, "1x" } },
				     { { file, "" } },	 { { file, "0x1" } },	 { { file, "+1" } },
				     { { file, " 1" } }, { { file, "1", "2" } }, { { NULL } } };

	put_text(x, file, "some text\nwith an ERROR\n");
	put_text(x, "empty", "");
	expect_failures(x, file, NULL);
	/* a way of its own through many programs, which odd-files judges otherwise */
	if (strcmp(output(x, run(x, "map_file", .args = { "empty" }), NULL),
		   "size 0\nerrors 0\n") == 0)
		expect_error(
			x, run(x, "map_file", .args = { "empty" }, .stdout_is = OUTPUT_FULL),
			"stdout took nothing (ENOSPC), and two lines of an empty FILE are lost");
	expect_usage(x, run(x, "map_file"));
	expect_usages(x, "map_file", bad);
	/* the second form, too, once it is written */
	if (strcmp(output(x, run(x, "map_file", .args = { file, "0" }), NULL), "byte 0x73\n") == 0)
		expect_failures(x, file, "0");
}

/* ---- a run to look at ----------------------------------------------------------------------- */

static void show(struct exam *x, const char *const *args)
{
	const char *file = "server.log";
	struct moment mapped = after_call(CALL_mmap);
	struct program *p;

	put_text(x, file,
		 "09:00 started\n09:01 ERROR disk full\n09:02 ERROR, ERROR\n09:03 stopped\n");
	p = start(x, "map_file", .args = { file, args[0] });
	mapped.file = file;
	run_to(x, p, mapped);
	run_to(x, p, at_exit());
	finish(x, p);
}

LAB(.id = "01-map-file", .title = "A file becomes memory", .programs = { { .name = "map_file" } },
    .show = show,
    .checks = {
	    { .id = "maps-the-file",
	      .points = 2,
	      .task = 2,
	      .title = "FILE is mapped whole, private and read-only",
	      .run = maps_the_file,
	      .hints = { "Look at the line of FILE in /proc/PID/maps: what do its four letters say?",
			 "mmap(2): prot says what you may do there, flags whom a store would reach; "
			 "the length comes from fstat(2).",
			 "mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0)" } },
	    { .id = "not-by-read",
	      .points = 2,
	      .task = 2,
	      .needs = "maps-the-file",
	      .title = "the bytes come from the mapping, no call reads them",
	      .run = not_by_read,
	      .hints = { "Which calls does `strace ./map_file FILE` show behind mmap?",
			 "The pointer that mmap returned is an array of bytes already: no read, "
			 "fread or sendfile has anything to add." } },
	    { .id = "closes-descriptor",
	      .points = 2,
	      .task = 3,
	      .needs = "not-by-read",
	      .title = "no descriptor of FILE is open at the first look",
	      .run = closes_descriptor,
	      .hints = { "Does the mapping need the descriptor once mmap has returned?",
			 "mmap(2), NOTES: closing the descriptor does not unmap the region.",
			 "close(fd) right behind mmap; every duplicate, in every process, too." } },
	    { .id = "size-and-bytes",
	      .points = 2,
	      .task = 4,
	      .title = "size, first, middle and last byte are right",
	      .run = size_and_bytes,
	      .hints = { "What are the size, the middle and the last index of a file of 1, 2, 3 "
			 "bytes?",
			 "Is your char signed? Try a byte over 0x7f.",
			 "printf(\"last 0x%02x\\n\", bytes[size - 1]) with unsigned char bytes." } },
	    { .id = "counts-lines",
	      .points = 2,
	      .task = 4,
	      .needs = "size-and-bytes",
	      .title = "a line with ERROR counts once, whatever else is in it",
	      .run = counts_lines,
	      .hints = { "What does your loop do after it has found the word?",
			 "The file is no string: strstr(3) stops at the first NUL. memmem(3) and "
			 "memchr(3) take lengths.",
			 "After a hit go on behind the next newline: at = memchr(at, '\\n', end - at); "
			 "NULL means that this was the last line." } },
	    { .id = "exact-end",
	      .points = 2,
	      .task = 4,
	      .needs = "counts-lines",
	      .title = "the search ends exactly at the last byte",
	      .run = exact_end,
	      .hints = { "At which index can the last ERROR of a file of N bytes begin?",
			 "How many bytes are left at `at`, and how many does your comparison look "
			 "at?",
			 "end - at >= 5 && memcmp(at, \"ERROR\", 5) == 0, or memmem(at, end - at, …)" } },
	    { .id = "odd-files",
	      .points = 2,
	      .task = 1,
	      .needs = "size-and-bytes",
	      .title = "an empty file, a missing one, a directory, a FIFO and a device end well",
	      .run = odd_files,
	      .hints = { "What do mmap(2) and open(2) say to each of the five?",
			 "mmap of length 0 is EINVAL: an empty file is not mapped at all. open(2) "
			 "of a FIFO waits.",
			 "open(path, O_RDONLY | O_NONBLOCK), then S_ISREG(status.st_mode)" } },
	    { .id = "unmaps",
	      .points = 1,
	      .task = 6,
	      .needs = "closes-descriptor",
	      .title = "FILE is unmapped before the program ends with 0",
	      .run = unmaps,
	      .hints = { "Which call undoes mmap, and how many bytes does it give back?",
			 "munmap(start, size) with the start that mmap returned and the whole "
			 "size." } },
	    { .id = "one-byte",
	      .points = 3,
	      .task = 5,
	      .needs = "unmaps",
	      .title = "map_file FILE OFFSET shows one byte of any file, and refuses an OFFSET "
		       "behind its end",
	      .run = one_byte,
	      .hints = { "Which offsets has a file of N bytes, and which has an empty one?",
			 "The rest of the last page reads as zeros, without any signal: the size "
			 "decides, not the memory.",
			 "Offsets beyond 4 GiB need 64 bits: size_t or off_t, parsed with "
			 "strtoull(3).",
			 "if (offset >= size) fail(…); then bytes[offset], and no other byte" } },
	    { .id = "reports-failures",
	      .points = 2,
	      .task = 2,
	      .needs = "size-and-bytes",
	      .title = "a failed mmap, a full stdout and bad usage are reported",
	      .run = reports_failures,
	      .hints = { "What does mmap(2) return when it fails? Is that NULL?",
			 "printf(3) only fills a buffer: who learns that the device is full?",
			 "if (start == MAP_FAILED) …; at the end if (fflush(stdout) == EOF) …" } },
    }, );
