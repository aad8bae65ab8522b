/*
 * Lab 02: pages of a mapped file become resident one by one, when they are touched.
 *
 * A touch makes no system call, but the program counts its faults before and after each one: at
 * every getrusage(2), at every call that asks for memory or opens a file, the exam reads smaps. The
 * list of these samples is the journey; where it rises by a page, there was a first touch.
 */
#include "exam/exam.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/resource.h>

#define FIGURES "page %" PRIu64 " resident_kb %" PRIu64 " faults %" PRIu64 "\n"

enum { MOST_PAGES = 12, FILE_PAGES = 72, MOST_FAULTS = 3 };

/* What was seen at one stop. */
struct sample {
	uint64_t kb;  /* Rss of the mappings of FILE */
	bool counted; /* getrusage has just returned: */
	long faults;  /* what it said, minor and major */
	uint64_t who; /* about whom it said so, and in which thread */
	pid_t tid;
	bool meddled; /* the exam itself has changed kb here */
	bool smaps;   /* somebody is about to open smaps */
	enum call call;
	uint64_t from, to; /* the addresses that the call is about */
	const char *line;  /* of maps */
	const char *at;
};

/* What mincore said at one call. */
struct cached {
	size_t pages, set, sample;
};

struct journey {
	struct program *program;
	const char *file;
	const uint64_t *page; /* the arguments */
	size_t pages;
	struct sample *sample;
	size_t count, room;
	struct cached *cached;
	size_t cached_count, cached_room;
	bool mapped, meddled;
	bool all_seen;		 /* what comes now is no touch: smaps needs no look any more */
	uint64_t faults;	 /* of the only process, at the last sample */
	struct process *toucher; /* has pages of FILE resident */
	struct vma vma;		 /* one of FILE */
	size_t enough; /* so many pages, and the rest of the run is not waited for; 0: to the end */
	uint64_t meddled_address; /* of the page that the exam has touched itself */
	void *peer;		  /* FILE in the exam, never touched, for mincore */
	size_t seen, in_cache;	  /* touches looked at so far, and pages in the cache then */
	void (*meddle)(struct exam *x, struct journey *j);
};

/* Where the journey rises: the samples right after a first touch. */
struct rises {
	size_t sample[64];
	size_t count;
};

/* The program's own figures. */
struct figures {
	uint64_t page, kb, faults;
};

/* ---- the journey ---------------------------------------------------------------------------- */

static void *grown(struct exam *x, void *old, size_t count, size_t *capacity, size_t each)
{
	if (count < *capacity)
		return old;
	*capacity = *capacity > 0 ? 2 * *capacity : 64;

	void *new = room(x, *capacity * each);

	if (count > 0)
		memcpy(new, old, count * each);
	return new;
}

/*
 * Rss of FILE in the process that has most of it: where the program has forked, one does the work.
 */
static uint64_t resident(struct exam *x, struct journey *j, const char **line)
{
	uint64_t most = 0;

	for (struct process *p = first_process(j->program); p != NULL; p = next_process(p)) {
		if (!alive(p))
			continue;

		struct vma_sum sum = mapped_sum(x, p, j->file);

		if (sum.memory.rss_kb > most) {
			most = sum.memory.rss_kb;
			j->toucher = p;
		}
	}

	struct mapping first = find_mapping(x, j->program, j->file);

	j->mapped |= first.vma != NULL;
	if (first.vma != NULL)
		j->vma = *first.vma;
	*line = first.vma != NULL ? from_vma(x, first.vma) : NULL;
	return most;
}

static bool maps_it(struct exam *x, const struct journey *j, const struct process *process)
{
	const struct maps *maps = maps_now(x, process);

	for (size_t i = 0; i < maps->count; i++)
		if (vma_is_file(&maps->vma[i], j->vma.major, j->vma.minor, j->vma.inode))
			return true;
	return false;
}

/*
 * Nothing of FILE was resident at the last sample, and the only process has had no fault since. Who
 * gives each page a VMA of its own before the first touch makes hundreds of calls, and every look
 * at smaps takes longer than the one before.
 */
static bool still_empty(struct exam *x, struct journey *j)
{
	const struct process *only = first_process(j->program);
	const struct sample *last = j->count > 0 ? &j->sample[j->count - 1] : NULL;
	uint64_t before = j->faults;

	if (only == NULL || next_process(only) != NULL || !alive(only))
		return false;
	j->faults = faults_of(x, only);
	return last != NULL && last->line != NULL && last->kb == 0 && j->faults == before;
}

static bool names_smaps(const char *path)
{
	size_t length = path != NULL ? strlen(path) : 0;

	return length >= 5 && strcmp(path + length - 5, "smaps") == 0;
}

static struct sample *note_sample(struct exam *x, struct journey *j, bool fresh)
{
	const struct stop_info *stop = last_stop(x, j->program);
	struct sample s = { .at = stop->at };
	const struct sample *last = j->count > 0 ? &j->sample[j->count - 1] : NULL;

	if (stop->event != NULL && stop->event->kind == EVENT_CALL) {
		s.call = stop->event->call;
		s.from = stop->event->args[0];
		s.to = s.from + stop->event->args[1];
		s.tid = stop->event->tid;
		s.smaps = (call_families(s.call) & FAMILY_OPEN) && names_smaps(stop->event->path);
	}
	/*
	 * mincore page by page: there is no touch between two of these calls. And a helper that has
	 * nothing of FILE mapped, a shell or a filter, touches nothing; who has is asked at its own
	 * next call.
	 */
	bool again = s.call == CALL_mincore && last != NULL && last->call == CALL_mincore &&
		     last->tid == s.tid;
	bool empty = still_empty(x, j);
	bool helper = last != NULL && stop->process != NULL && j->toucher != NULL &&
		      stop->process != j->toucher && alive(j->toucher) &&
		      !maps_it(x, j, stop->process);

	if (!fresh && (again || helper || empty || (j->all_seen && last != NULL))) {
		s.kb = last->kb;
		s.line = last->line;
	} else {
		s.kb = resident(x, j, &s.line);
	}
	j->sample = grown(x, j->sample, j->count, &j->room, sizeof s);
	j->sample[j->count] = s;
	return &j->sample[j->count++];
}

/* What getrusage has just told the program, read from the program's own memory. */
static void note_faults(struct exam *x, struct journey *j, struct sample *s)
{
	const struct event *event = last_stop(x, j->program)->event;
	struct rusage usage;

	if (event->result != 0 || !peek(x, event->process, event->args[1], &usage, sizeof usage))
		return;
	s->counted = true;
	s->faults = usage.ru_minflt + usage.ru_majflt;
	s->who = event->args[0];
}

static void note_cached(struct exam *x, struct journey *j)
{
	const struct event *event = last_stop(x, j->program)->event;
	struct cached c = { .sample = j->count - 1 };

	c.pages = (event->args[1] + page_size() - 1) / page_size();

	unsigned char *in = room(x, c.pages + 1);

	if (event->result != 0 || !peek(x, event->process, event->args[2], in, c.pages))
		return;
	for (size_t i = 0; i < c.pages; i++)
		c.set += in[i] & 1;
	j->cached = grown(x, j->cached, j->cached_count, &j->cached_room, sizeof c);
	j->cached[j->cached_count++] = c;
}

static struct rises rises_of(const struct journey *j)
{
	struct rises r = { .count = 0 };

	for (size_t i = 0; i < j->count && r.count < 64; i++)
		if (!j->sample[i].meddled && j->sample[i].kb > (i > 0 ? j->sample[i - 1].kb : 0))
			r.sample[r.count++] = i;
	return r;
}

/* Runs the program to its end, or as far as is enough, and samples on the way. */
static void walk(struct exam *x, struct journey *j)
{
	struct call_set looks = call_set_both(call_set_family(FAMILY_MAP | FAMILY_OPEN),
					      call_set_one(CALL_getrusage));
	int reached;

	while ((reached = run_to(x, j->program, after_call(CALL_getrusage),
				 after_call(CALL_mincore), at_exit(), after_call(CALL_mmap),
				 at_calls(looks))) >= 0) {
		struct sample *s = note_sample(x, j, false);

		if (reached == 0)
			note_faults(x, j, s);
		if (reached == 1)
			note_cached(x, j);
		if (j->meddle != NULL && !j->meddled)
			j->meddle(x, j);
		if (j->enough > 0 && rises_of(j).count >= j->enough)
			break;
	}
}

/* ---- runs ----------------------------------------------------------------------------------- */

/* A file of so many pages, the last one not full, with bytes nobody has seen before. */
static void put_pages(struct exam *x, const char *name, size_t pages)
{
	size_t size = pages * page_size() - (size_t)pick(x, 1, (int64_t)page_size() - 1);

	put_file(x, name, pick_bytes(x, size), size, 0644);
}

static struct journey travel(struct exam *x, const char *file, const uint64_t *page, size_t count,
			     void (*meddle)(struct exam *, struct journey *))
{
	struct launch launch = { .args = { file } };
	struct journey j = { .file = file, .page = page, .pages = count, .meddle = meddle };

	for (size_t i = 0; i < count; i++)
		launch.args[1 + i] = say(x, "%" PRIu64, page[i]);
	j.program = exam_start(x, "demand", &launch);
	walk(x, &j);
	return j;
}

/*
 * Pages in no order, with neighbours among them and the first one. The last page, which FILE fills
 * only partly, is page_in_range's matter.
 */
static size_t choose_pages(struct exam *x, uint64_t page[MOST_PAGES])
{
	uint64_t middle = (uint64_t)pick(x, 10, 20);
	const uint64_t order[] = { middle, middle + 1, FILE_PAGES - 2, 1, middle - 1, 0 };

	memcpy(page, order, sizeof order);
	return sizeof order / sizeof order[0];
}

/* The program's line for each touch. What comes behind them is given back in `rest`. */
static struct figures *need_figures(struct exam *x, const struct journey *j, const char **rest)
{
	struct figures *f = room(x, j->pages * sizeof *f);
	const char *text = output(x, j->program, NULL);
	size_t used = 0;

	for (size_t i = 0; i < j->pages; i++) {
		const char *line = text + used, *again;
		int fields = sscanf(line,
				    "page %" SCNu64 " resident_kb %" SCNu64 " faults %" SCNu64,
				    &f[i].page, &f[i].kb, &f[i].faults);

		again = say(x, FIGURES, j->page[i], f[i].kb, f[i].faults);
		need(x, fields == 3 && strncmp(line, again, strlen(again)) == 0,
		     .expected = say(x, "line %zu: \"page %" PRIu64 " resident_kb K faults F\"",
				     i + 1, j->page[i]),
		     .observed = say(x, "%s (%s)", quoted(x, line, strcspn(line, "\n"), 80),
				     ending_text(x, j->program)),
		     .why = "a line for each touch, in the order of the arguments");
		used += strlen(again);
	}
	if (rest != NULL)
		*rest = text + used;
	return f;
}

/* ---- checks --------------------------------------------------------------------------------- */

static bool counts_faults(const struct journey *j)
{
	for (size_t i = 0; i < j->count; i++)
		if (j->sample[i].counted)
			return true;
	return false;
}

/*
 * The last sample that cannot lie behind two touches: the first count of faults, or the first look
 * at the mapping where nothing is ever counted. Who counts only behind the touch, or maps each page
 * when its turn comes, has one page by then.
 */
static size_t first_touch(const struct journey *j)
{
	size_t i = 0;

	while (i < j->count && j->sample[i].line == NULL)
		i++;

	size_t mapped = i;

	while (i < j->count && !j->sample[i].counted && j->sample[i].kb <= page_size() / 1024)
		i++;
	return i < j->count && counts_faults(j) ? i : mapped;
}

static void starts_empty(struct exam *x)
{
	uint64_t page[MOST_PAGES];
	size_t count = choose_pages(x, page);

	put_pages(x, "FILE", FILE_PAGES);

	struct journey j = travel(x, "FILE", page, count, NULL);
	size_t i = first_touch(&j);

	need(x, j.mapped, .expected = "a mapping of FILE",
	     .observed = say(x, "none at any call (%s)", ending_text(x, j.program)),
	     .why = "a page of a file that is not mapped cannot become resident");
	if (i < j.count)
		expect(x, j.sample[i].kb <= page_size() / 1024,
		       .expected = "nothing of FILE resident before the first touch",
		       .observed = say(x, "%" PRIu64 " kB are", j.sample[i].kb),
		       .from = j.sample[i].line, .at = j.sample[i].at,
		       .why = "mmap promises addresses; pages come when they are touched");
}

/* One kind of FILE. */
struct kind {
	const char *name, *words;
	bool disk, evicted;
};

static const struct kind kinds[] = {
	{ "/dev/shm/FILE", "on tmpfs", false, false },
	{ "FILE", "cached, on disk", true, false },
	{ "FILE", "not cached, on disk", true, true },
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* Makes FILE of that kind; false where the stage has no disk to put it on. */
static bool put_kind(struct exam *x, const struct kind *kind)
{
	if (kind->disk)
		use_disk(x);
	put_pages(x, kind->name, FILE_PAGES);
	if (kind->disk && !on_disk(x, kind->name))
		return false;
	if (kind->evicted) {
		evict_file(x, kind->name);
		return cached_pages(x, kind->name) <= 0;
	}
	return true;
}

static bool expect_single_pages(struct exam *x, const struct journey *j, const char *kind)
{
	for (size_t i = 0; i < j->count; i++) {
		uint64_t before = i > 0 ? j->sample[i - 1].kb : 0;
		uint64_t more = j->sample[i].kb > before ? j->sample[i].kb - before : 0;

		if (more > page_size() / 1024)
			return expect(
				x, false, .expected = "one page more at each first touch",
				.observed = say(x,
						"%" PRIu64 " pages more at once (Rss %" PRIu64
						" to %" PRIu64 " kB) in a FILE %s",
						more * 1024 / page_size(), before, j->sample[i].kb,
						kind),
				.from = j->sample[i].line, .at = j->sample[i].at,
				.why = "only one page is touched between two counts of faults, and a load may "
				       "bring cached neighbours along: fault-around");
	}
	return true;
}

/* Who gives each page a VMA of its own has no room for so many (vm.max_map_count). */
static bool lacks_mappings(struct exam *x, const struct program *p)
{
	const struct call_set maps = call_set_family(FAMILY_MAP);
	const struct event *e = NULL;

	while ((e = next_call(x, p, e, maps, NULL)) != NULL)
		if (e->returned && e->result == -ENOMEM)
			return true;
	return false;
}

/*
 * Pages whose offsets fit no 32 bits. Somebody who loses the upper bits touches the first one
 * twice. What comes behind the touches takes some programs long for so many pages, and is not
 * waited for.
 */
static void expect_far_pages(struct exam *x)
{
	const uint64_t far = ((uint64_t)1 << 32) / page_size(), near = (uint64_t)pick(x, 1, 9);
	const uint64_t page[] = { near, far + near, far };
	struct journey j = { .file = "/dev/shm/FILE", .enough = 3 };
	struct launch launch = { .args = { j.file } };

	/* A host with less memory than FILE has bytes may refuse the mapping: nobody's fault. */
	if ((uint64_t)sysconf(_SC_PHYS_PAGES) < far + far / 4)
		return;
	put_pages(x, j.file, FILE_PAGES);
	set_size(x, j.file, (off_t)((far + FILE_PAGES) * page_size()));
	for (int i = 0; i < 3; i++)
		launch.args[1 + i] = say(x, "%" PRIu64, page[i]);
	j.program = exam_start(x, "demand", &launch);
	set_limits(x, j.program, 1500, 5000, 60000);
	walk(x, &j);

	size_t count = rises_of(&j).count;

	/* Who is still at something else than touching has shown nothing. */
	expect(x,
	       count == 3 || ending(j.program).how == STILL_THERE || lacks_mappings(x, j.program),
	       .expected = say(x, "%s: three pages become resident", command_of(x, j.program)),
	       .observed = say(x, "%zu (%s)", count, ending_text(x, j.program)),
	       .from = j.count > 0 ? j.sample[j.count - 1].line : NULL,
	       .why = "FILE may have more than 4 GiB: a page number times the size of a page fits "
		      "no int, and no unsigned either");
	kill_program(x, j.program);
}

/*
 * Which page of FILE was it? In a sparse file on tmpfs a hole comes into the cache when its page is
 * touched, and nothing else comes along. Where the kernel hands out larger pieces, nothing is told.
 */
static void look_at_holes(struct exam *x, struct journey *j)
{
	enum { TOTAL = FILE_PAGES };
	unsigned char in[TOTAL];
	size_t rises = rises_of(j).count, before = j->in_cache;

	if (rises == j->seen || rises > j->pages || mincore(j->peer, TOTAL * page_size(), in) != 0)
		return;
	j->seen = rises;
	j->in_cache = 0;
	for (size_t i = 0; i < TOTAL; i++)
		j->in_cache += in[i] & 1;
	if (j->in_cache > before + 1 || failed(x))
		return;

	uint64_t page = j->page[rises - 1];

	expect(x, in[page] & 1,
	       .expected = say(x, "%s: touch %zu is one of page %" PRIu64,
			       command_of(x, j->program), rises, page),
	       .observed = "another page became resident, and that one is not even in the cache",
	       .from = j->sample[j->count - 1].line, .at = j->sample[j->count - 1].at,
	       .why = "the pages are touched in the order of the command line; page N begins "
		      "at byte N times the size of a page");
}

static void expect_pages_in_order(struct exam *x, const uint64_t *page, size_t count)
{
	const char *file = "/dev/shm/FILE";
	struct launch launch = { .args = { file } };
	struct journey j = { .file = file, .page = page, .pages = count, .meddle = look_at_holes };
	size_t size;

	put_text(x, file, "");
	set_size(x, file, (off_t)(FILE_PAGES * page_size()));
	j.peer = map_into_exam(x, file, &size);
	for (size_t i = 0; i < count; i++)
		launch.args[1 + i] = say(x, "%" PRIu64, page[i]);
	j.program = exam_start(x, "demand", &launch);
	walk(x, &j);
	remove_name(x, file);
}

/* One page more than before: those of earlier touches are still there. */
static bool expect_all_kept(struct exam *x, const struct journey *j, const struct rises *r)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct sample *s = &j->sample[r->sample[i]];
		uint64_t pages = s->kb * 1024 / page_size();

		if (pages != i + 1)
			return expect(x, false,
				      .expected = say(x, "%zu pages resident after touches of %zu",
						      i + 1, i + 1),
				      .observed = say(x, "%" PRIu64, pages), .from = s->line,
				      .at = s->at,
				      .why = "a page that was touched stays resident, unless its "
					     "mapping is given back or replaced");
	}
	return true;
}

static void one_page_a_touch(struct exam *x)
{
	uint64_t page[MOST_PAGES];
	size_t count = choose_pages(x, page);

	for (size_t k = 0; k < KINDS && !failed(x); k++) {
		if (!put_kind(x, &kinds[k]))
			continue;

		struct journey j = travel(x, kinds[k].name, page, count, NULL);

		if (!expect_single_pages(x, &j, kinds[k].words))
			return;

		if (!expect_exit(x, j.program, 0, "all pages exist"))
			return;

		struct rises r = rises_of(&j);

		if (!expect(x, r.count == count,
			    .expected = say(x, "%zu touches of %zu pages, each with one page more",
					    count, count),
			    .observed = say(x, "%zu pages became resident in a FILE %s (%s)",
					    r.count, kinds[k].words, ending_text(x, j.program)),
			    .from = j.count > 0 ? j.sample[j.count - 1].line : NULL,
			    .why = r.count == 0
					   ? "a load that nobody needs is not compiled at all"
					   : "page N begins at byte N times the size of a page"))
			return;
		if (!expect_all_kept(x, &j, &r))
			return;
	}
	if (!failed(x))
		expect_pages_in_order(x, page, count);
	if (!failed(x))
		expect_far_pages(x);
}

/* Makes pages of FILE resident behind the program's back, once two touches have been seen. */
static void add_far_pages(struct exam *x, struct journey *j)
{
	struct process *process = last_stop(x, j->program)->process;
	unsigned char byte;

	if (rises_of(j).count < 2)
		return;
	j->meddled = true;

	uint64_t address = address_of(x, process, j->file, (off_t)(48 * page_size()));

	if (address == 0 || !peek(x, process, address, &byte, 1))
		return;

	/* Mapped by somebody else as well, a page counts in full for Rss, and by half for Pss. */
	size_t size;
	const volatile unsigned char *ours = map_into_exam(x, j->file, &size);

	if (ours != NULL)
		byte = ours[48 * page_size()];
	note_sample(x, j, true)->meddled = true;
}

/* The samples that belong to line i: from its page's rise to the next one. */
static size_t first_sample_of(const struct rises *r, const uint64_t *page, size_t i, size_t *end,
			      size_t count)
{
	size_t distinct = 0;

	for (size_t k = 0; k <= i; k++) {
		bool known = false;

		for (size_t m = 0; m < k; m++)
			known |= page[m] == page[k];
		distinct += !known;
	}
	*end = distinct < r->count ? r->sample[distinct] : count;
	return r->sample[distinct - 1];
}

static bool opened_smaps(struct exam *x, const struct program *p)
{
	const struct call_set opens = call_set_family(FAMILY_OPEN);
	const struct event *e = NULL;

	while ((e = next_call(x, p, e, opens, NULL)) != NULL)
		if (names_smaps(e->path))
			return true;
	return false;
}

/*
 * Where the exam has made pages resident and smaps is opened after that, before the next touch, the
 * figures from before are old ones. Who keeps smaps open may have read it already: nothing is
 * known.
 */
static size_t sample_after_meddling(const struct journey *j, size_t from, size_t end)
{
	for (size_t m = from; m < end; m++)
		if (j->sample[m].meddled)
			for (size_t i = m + 1; i < end; i++)
				if (j->sample[i].smaps)
					return m;
	return from;
}

static bool expect_resident(struct exam *x, const char *file, const uint64_t *page, size_t count,
			    void (*meddle)(struct exam *, struct journey *))
{
	put_pages(x, file, FILE_PAGES);

	struct journey j = travel(x, file, page, count, meddle);
	struct figures *f = need_figures(x, &j, NULL);
	struct rises r = rises_of(&j);

	for (size_t i = 0; i < count; i++) {
		size_t end, s = first_sample_of(&r, page, i, &end, j.count);

		s = sample_after_meddling(&j, s, end);

		const struct sample *last = &j.sample[s];
		bool equal = false;

		for (; s < end; s++) {
			equal |= j.sample[s].kb == f[i].kb;
			if (j.sample[s].kb > last->kb)
				last = &j.sample[s];
		}
		if (!expect(x, equal && f[i].kb > 0,
			    .expected = say(x, "resident_kb %" PRIu64 " in line %zu: Rss of FILE",
					    last->kb, i + 1),
			    .observed = say(x, "resident_kb %" PRIu64, f[i].kb), .from = last->line,
			    .why = meddle != NULL
					   ? "pages become resident for reasons of the kernel's own "
					     "too (the exam has made some so): only smaps knows, "
					     "read after the touch"
					   : "a line of smaps is as long as the path of its file "
					     "makes it, and a path may have hundreds of bytes"))
			return false;
	}
	return expect(
		x, opened_smaps(x, j.program), .expected = "K taken from smaps",
		.observed = "nobody has opened /proc/PID/smaps",
		.why = "other ways give the same number here and now; this exercise is to find Rss "
		       "where the kernel tells it for each mapping");
}

/* Many pages, and a path that fits no line of 128 or 256 bytes. */
static void expect_long_way(struct exam *x)
{
	enum { MANY = 30 };
	uint64_t page[MANY];
	const char *directory = pick_word(x, 180);

	/* every page once, neighbours never behind each other: 7 and 72 have no common divisor */
	for (size_t i = 0; i < MANY; i++)
		page[i] = (i * 7 + 3) % (FILE_PAGES - 1);
	put_directory(x, directory);
	expect_resident(x, say(x, "%s/%s", directory, pick_word(x, 120)), page, MANY, NULL);
}

static void resident_as_smaps(struct exam *x)
{
	uint64_t page[MOST_PAGES];
	size_t count = choose_pages(x, page);

	/* The name is a part of many others: "/usr/lib/…", for one. */
	if (expect_resident(x, "lib", page, count, add_far_pages))
		expect_long_way(x);
}

/* The two counts around a rise: false where they cannot be told. */
static bool window(const struct journey *j, size_t rise, size_t *from, size_t *to)
{
	*from = rise;
	*to = rise;
	while (*from > 0 && (!j->sample[*from].counted || *from == rise))
		--*from;
	while (*to < j->count && !j->sample[*to].counted)
		++*to;
	return j->sample[*from].counted && *to < j->count &&
	       j->sample[*from].who == j->sample[*to].who &&
	       j->sample[*from].tid == j->sample[*to].tid;
}

/*
 * A touch costs one fault. The very first one may write to a page or two of the program's own that
 * were never used, where it keeps the counts or what it has loaded, or enter the handler that opens
 * the page; and who forks writes to each page of its own with a fault, once. Then the kernel's own
 * difference is right too, if nothing else came in between.
 */
static bool cost_is_right(const struct journey *j, size_t rise, bool first, uint64_t faults)
{
	bool forked = next_process(first_process(j->program)) != NULL, opened = false;
	size_t from, to;

	if (faults == 1)
		return true;
	if ((!first && !forked) || !window(j, rise, &from, &to))
		return false;
	for (size_t i = from + 1; i < to; i++) {
		if (call_families(j->sample[i].call) & FAMILY_OPEN)
			return false;
		opened |= j->sample[i].call == CALL_mprotect &&
			  j->sample[i].to - j->sample[i].from <= page_size();
	}
	if (faults > MOST_FAULTS && !opened)
		return false;
	return faults == (uint64_t)(j->sample[to].faults - j->sample[from].faults);
}

static const char *window_text(struct exam *x, const struct journey *j, size_t rise)
{
	size_t from, to;

	if (!window(j, rise, &from, &to))
		return NULL;
	return say(x, "getrusage said %ld faults before the page became resident, %ld after that",
		   j->sample[from].faults, j->sample[to].faults);
}

/* Touches the page of the last argument for the program, when two touches have been seen. */
static void touch_for_program(struct exam *x, struct journey *j)
{
	struct process *process = last_stop(x, j->program)->process;
	unsigned char byte = 0;

	if (rises_of(j).count < 2)
		return;
	j->meddled = true;

	uint64_t address = address_of(x, process, j->file,
				      (off_t)(j->page[j->pages - 1] * page_size()));

	if (address == 0)
		return;
	if (!poke(x, process, address, &byte, 1) && !peek(x, process, address, &byte, 1))
		return;
	note_sample(x, j, true)->meddled = true;
	j->meddled_address = address;
}

/*
 * Has the program mapped, protected or advised that address anew since the exam touched it? What it
 * does behind its last count of faults is too late to matter, munmap at the end above all.
 */
static bool changed_since(const struct journey *j)
{
	bool since = false;
	size_t last = j->count;

	while (last > 0 && !j->sample[last - 1].counted)
		last--;
	for (size_t i = 0; i < last; i++) {
		const struct sample *s = &j->sample[i];

		if (since && (call_families(s->call) & FAMILY_MAP) && s->call != CALL_mincore &&
		    s->from <= j->meddled_address && j->meddled_address < s->to)
			return true;
		since |= s->meddled;
	}
	return false;
}

/*
 * What the last two counts of faults differ by: -1 without two of the same thread, or where smaps
 * was opened in between, so that they are no counts around a touch.
 */
static long last_cost(const struct journey *j)
{
	const struct sample *last = NULL;

	for (size_t i = j->count; i > 0; i--) {
		const struct sample *s = &j->sample[i - 1];

		if (last != NULL && (call_families(s->call) & FAMILY_OPEN))
			return -1;
		if (!s->counted)
			continue;
		if (last != NULL)
			return s->who == last->who && s->tid == last->tid ? last->faults - s->faults
									  : -1;
		last = s;
	}
	return -1;
}

/* A fork since then has made the page one that is copied at a store, which the counts show. */
static void counts_for_untouched(struct exam *x)
{
	uint64_t page[MOST_PAGES];
	size_t count = choose_pages(x, page);

	page[count - 1] = 48;
	put_pages(x, "/dev/shm/FILE", FILE_PAGES);

	struct journey j = travel(x, "/dev/shm/FILE", page, count, touch_for_program);

	if (j.meddled_address == 0)
		return; /* mapped page by page, each when its turn comes: nothing to touch before */

	struct figures *f = need_figures(x, &j, NULL);
	struct rises r = rises_of(&j);

	/* One page more that came otherwise is nobody's fault. */
	for (size_t i = 0; i < count - 1 && i < r.count; i++)
		if (!expect(x, cost_is_right(&j, r.sample[i], i == 0, f[i].faults),
			    .expected = say(x, "faults 1 in line %zu", i + 1),
			    .observed = say(x, "faults %" PRIu64, f[i].faults),
			    .from = window_text(x, &j, r.sample[i]), .at = j.sample[r.sample[i]].at,
			    .why = "a page may become resident without a fault of this program (the exam "
				   "has made one so): faults are counted by getrusage, not worked out "
				   "from resident pages"))
			return;
	expect(x,
	       f[count - 1].faults == 0 || changed_since(&j) ||
		       (long)f[count - 1].faults == last_cost(&j),
	       .expected = say(x, "faults 0 for page %" PRIu64 ", which is resident already",
			       page[count - 1]),
	       .observed = say(x, "faults %" PRIu64, f[count - 1].faults),
	       .from = "the exam has touched that page through /proc/PID/mem before the program did",
	       .why = "faults are counted by the kernel, not worked out from the list of pages");
}

static void faults_of_the_touch(struct exam *x)
{
	uint64_t page[MOST_PAGES];
	size_t count = choose_pages(x, page);

	for (size_t k = 0; k < KINDS; k++) {
		if (!put_kind(x, &kinds[k]))
			continue;

		struct journey j = travel(x, kinds[k].name, page, count, NULL);
		struct figures *f = need_figures(x, &j, NULL);
		struct rises r = rises_of(&j);

		need(x, counts_faults(&j), .expected = "faults counted by getrusage",
		     .observed = "getrusage was never called",
		     .why = "only the kernel knows what a touch has cost: ru_minflt and ru_majflt");
		for (size_t i = 0; i < count && i < r.count; i++)
			if (!expect(x, cost_is_right(&j, r.sample[i], i == 0, f[i].faults),
				    .expected = say(x, "faults 1 in line %zu of a FILE %s", i + 1,
						    kinds[k].words),
				    .observed = say(x, "faults %" PRIu64, f[i].faults),
				    .from = window_text(x, &j, r.sample[i]),
				    .at = j.sample[r.sample[i]].at,
				    .why = "a fault is minor where the page is in the cache and major "
					   "where it must be read, and nothing but the touch may lie "
					   "between the two counts"))
				return;
	}
	counts_for_untouched(x);
}

static void second_touch_is_free(struct exam *x)
{
	uint64_t a = (uint64_t)pick(x, 5, 20), b = (uint64_t)pick(x, 40, 60);
	const uint64_t page[] = { a, b, a, b, b, a };
	enum { COUNT = sizeof page / sizeof page[0] };

	put_pages(x, "FILE", FILE_PAGES);

	struct journey j = travel(x, "FILE", page, COUNT, NULL);
	struct figures *f = need_figures(x, &j, NULL);
	struct rises r = rises_of(&j);

	expect(x, r.count == 2, .expected = "two pages become resident, once each",
	       .observed = say(x, "something became resident %zu times", r.count),
	       .from = j.count > 0 ? j.sample[j.count - 1].line : NULL,
	       .why = "a page that is resident stays so: nobody is short of memory");
	for (size_t i = 2; i < COUNT; i++)
		if (!expect(x, f[i].faults == 0,
			    .expected = say(
				    x, "faults 0 in line %zu: page %" PRIu64 " was touched before",
				    i + 1, page[i]),
			    .observed = say(x, "faults %" PRIu64, f[i].faults),
			    .why = "a page that is there costs the processor's own walk, no fault"))
			return;
}

/* What the last calls of mincore, that together look at all of FILE, have said. */
static bool last_mincore(const struct journey *j, size_t pages, size_t *set, size_t *sample)
{
	size_t seen = 0;

	*set = 0;
	for (size_t i = j->cached_count; i > 0 && seen < pages; i--) {
		seen += j->cached[i - 1].pages;
		*set += j->cached[i - 1].set;
		*sample = j->cached[i - 1].sample;
	}
	return seen >= pages;
}

/* The last line of the program. */
static void need_last_line(struct exam *x, const struct journey *j, uint64_t *cached,
			   uint64_t *total)
{
	const char *rest;

	*cached = *total = 0;
	need_figures(x, j, &rest);
	sscanf(rest, "cached %" SCNu64 " of %" SCNu64, cached, total);
	need(x, strcmp(rest, say(x, "cached %" PRIu64 " of %" PRIu64 "\n", *cached, *total)) == 0,
	     .expected = "a last line \"cached C of T\", and no other",
	     .observed = say(x, "%s (%s)", quoted(x, rest, strlen(rest), 120),
			     ending_text(x, j->program)),
	     .why = "it comes once, behind the lines of all touches");
}

static void expect_total(struct exam *x, const char *file, uint64_t total, uint64_t pages)
{
	expect(x, total == pages, .expected = say(x, "of %" PRIu64, pages),
	       .observed = say(x, "of %" PRIu64, total),
	       .from = say(x, "FILE has %jd bytes", (intmax_t)file_size(x, file)),
	       .why = "a page that FILE fills only partly is a page; one that it ends before is not");
}

enum { CACHED_TOUCHED = 3 };

/* All pages are resident now: only mincore is still of interest. */
static void see_them_all(struct exam *x, struct journey *j)
{
	(void)x;
	j->all_seen = rises_of(j).count >= CACHED_TOUCHED;
}

/*
 * A sparse file on tmpfs: its holes are in no cache until they are touched, and nothing reads ahead
 * there. So C is what was written, and the holes among the pages touched.
 */
static void cached_pages_counted(struct exam *x)
{
	enum { TOTAL = 240 };
	const char *file = "/dev/shm/FILE";
	uint64_t hole = (uint64_t)pick(x, 100, 200), page[] = { hole, 3, hole + 7, hole };
	enum { COUNT = sizeof page / sizeof page[0] };
	uint64_t cached, total;
	size_t set, sample = 0;
	size_t written = (size_t)pick(x, 12, 40) * page_size();

	put_file(x, file, pick_bytes(x, written), written, 0644);
	/* the last page is there, too, though FILE fills only a part of it */
	put_bytes(x, file, (off_t)((TOTAL - 1) * page_size()), pick_bytes(x, 1), 1);
	set_size(x, file, (off_t)(TOTAL * page_size()) - pick(x, 1, (int64_t)page_size() - 1));

	struct journey j = travel(x, file, page, COUNT, see_them_all);
	struct rises r = rises_of(&j);

	need_last_line(x, &j, &cached, &total);
	expect_total(x, file, total, TOTAL);
	need(x, last_mincore(&j, TOTAL, &set, &sample), .expected = "mincore over all of FILE",
	     .observed = say(x, "%zu calls of mincore that worked, over too few pages",
			     j.cached_count),
	     .why = "smaps knows what this process has; the page cache is asked by mincore");
	expect(x, r.count > 0 && sample >= r.sample[r.count - 1],
	       .expected = "mincore after the last touch", .observed = "mincore before it",
	       .at = j.sample[sample].at, .why = "a touch brings its page into the cache");
	expect(x, cached == set, .expected = say(x, "cached %zu: what mincore answered", set),
	       .observed = say(x, "cached %" PRIu64, cached), .at = j.sample[sample].at,
	       .why = "bit 0 of each byte says whether that page is in memory");

	put_file(x, "whole", pick_bytes(x, 8 * page_size()), 8 * page_size(), 0644);
	j = travel(x, "whole", page + 1, 1, NULL);
	need_last_line(x, &j, &cached, &total);
	expect_total(x, "whole", total, 8);
}

/* The words of a page that FILE does not have, and why. */
static void refuse(struct exam *x, const char *file, const char *before, const char *page,
		   const char *why)
{
	struct journey j = { .file = file };

	j.program = before != NULL ? start(x, "demand", .args = { file, before, page })
				   : start(x, "demand", .args = { file, page });
	walk(x, &j);
	if (!expect_error(x, j.program, why))
		return;
	for (size_t i = 0; i < j.count; i++)
		if (!expect(x, j.sample[i].kb == 0,
			    .expected = say(x, "no touch before page %s is refused", page),
			    .observed = say(x, "%" PRIu64 " kB resident", j.sample[i].kb),
			    .from = j.sample[i].line, .at = j.sample[i].at,
			    .why = "a request is refused as a whole, or half of it has been done"))
			return;
	expect(x, *output(x, j.program, NULL) == '\0', .expected = "nothing on standard output",
	       .observed = quoted(x, output(x, j.program, NULL), strlen(output(x, j.program, NULL)),
				  120),
	       .why = "no page was touched, so there is nothing to tell");
}

static void page_in_range(struct exam *x)
{
	size_t pages = (size_t)pick(x, 5, 20);
	/* As many bytes as a 64-bit multiplication turns into 0, or into one page. */
	uint64_t wraps = UINT64_MAX / page_size() + 1;

	put_pages(x, "FILE", pages);
	put_file(x, "whole", pick_bytes(x, 3 * page_size()), 3 * page_size(), 0644);
	put_file(x, "empty", "", 0, 0644);
	expect_exit(x, run(x, "demand", .args = { "FILE", say(x, "%zu", pages - 1) }), 0,
		    "the last page exists, though FILE fills it only partly");
	refuse(x, "FILE", NULL, say(x, "%zu", pages), "the first page behind the end");
	refuse(x, "FILE", "1", say(x, "%zu", pages), "checked before the first touch of any page");
	refuse(x, "whole", NULL, "3", "a FILE of three whole pages has pages 0, 1 and 2");
	put_pages(x, "nine", 9);
	refuse(x, "nine", NULL, "010", "a zero in front makes no octal number: this is page ten");
	refuse(x, "FILE", "0", "4294967296", "2^32 does not fit an int");
	refuse(x, "FILE", "1", say(x, "%" PRIu64, wraps),
	       "its offset in bytes is 2^64, which is 0 when nobody looks");
	refuse(x, "FILE", NULL, say(x, "%" PRIu64, wraps + 1), "an offset of 2^64 and a page");
	refuse(x, "empty", NULL, "0", "an empty FILE has no page at all");
}

static void file_untouched(struct exam *x)
{
	uint64_t page[MOST_PAGES];
	size_t count = choose_pages(x, page);
	struct call_set opens = call_set_family(FAMILY_OPEN);

	put_pages(x, "FILE", FILE_PAGES);

	struct bytes before = file_bytes(x, "FILE", 0, FILE_PAGES * page_size());
	struct journey j = travel(x, "FILE", page, count, NULL);
	struct bytes after = file_bytes(x, "FILE", 0, before.size + 1);

	expect(x, after.size == before.size && memcmp(after.data, before.data, after.size) == 0,
	       .expected = "FILE has the same bytes as before",
	       .observed = after.size == before.size ? "some of them changed" : "another size",
	       .why = "a store through MAP_SHARED goes to the file, through MAP_PRIVATE to a copy");
	for (const struct event *e = NULL;
	     (e = next_call(x, j.program, e, opens, "FILE")) != NULL;) {
		uint64_t flags = e->call == CALL_open ? e->args[1] : e->args[2];

		if (e->call != CALL_open && e->call != CALL_openat)
			continue;
		if (!expect(x, (flags & O_ACCMODE) == O_RDONLY, .expected = "opened O_RDONLY",
			    .observed = "opened for writing", .from = from_event(x, e),
			    .why = "a private mapping may be stored into all the same, and a file "
				   "that nobody may write can be looked at too"))
			return;
	}
}

static void refuse_files(struct exam *x)
{
	put_directory(x, "directory");
	put_fifo(x, "fifo");
	put_link(x, "nowhere", "missing");
	put_link(x, "link", "FILE");
	expect_error(x, run(x, "demand", .args = { "missing", "0" }), "there is no such FILE");
	expect(x, !name_exists(x, "missing"), .expected = "no such FILE afterwards either",
	       .observed = "it has been created",
	       .why = "O_CREAT has no place in a program that only looks");
	expect_error(x, run(x, "demand", .args = { "nowhere", "0" }), "a link to nothing");
	expect_exit(x, run(x, "demand", .args = { "link", "0" }), 0,
		    "a link is followed: what it leads to is a FILE like any other");
	expect_error(x, run(x, "demand", .args = { "directory", "0" }), "a directory has no pages");
	expect_error(
		x, run(x, "demand", .args = { "fifo", "0" }),
		"a FIFO cannot be mapped; its open waits for a writer unless O_NONBLOCK is set");
}

/* Who asks again, and is answered then, has lost nothing. */
static void expect_mincore_checked(struct exam *x)
{
	struct program *p = start(x, "demand", .args = { "FILE", "7", "9" });
	struct fault *fault = fail_call(x, p, CALL_mincore, ENOMEM, NULL, 0);

	finish(x, p);
	if (!fault_struck(fault))
		return;
	for (const struct event *e = fault_event(fault);
	     (e = next_call(x, p, e, call_set_one(CALL_mincore), NULL)) != NULL;)
		if (e->returned && e->result == 0)
			return;
	expect_error(x, p, "mincore failed with ENOMEM; its vector says nothing then");
}

static void errors_reported(struct exam *x)
{
	static const struct words bad[] = {
		{ { "FILE" } },	      { { "FILE", "x" } },	 { { "FILE", "1x" } },
		{ { "FILE", "" } },   { { "FILE", "0", "-1" } }, { { "FILE", "0x1" } },
		{ { "FILE", "1 " } }, { { "FILE", " 1" } },	 { { "FILE", "+1" } },
		{ { NULL } },
	};

	put_pages(x, "FILE", FILE_PAGES);
	refuse_files(x);

	struct program *p = start(x, "demand", .args = { "FILE", "7", "9" });
	struct fault *fault = fail_call(x, p, CALL_mmap, ENOMEM, "FILE", 0);

	finish(x, p);
	need(x, fault_struck(fault), .expected = "FILE mapped by mmap",
	     .observed = "no call of mmap on FILE", .why = "its pages are to become resident");
	expect_error(x, p, "mmap failed with ENOMEM; it returns MAP_FAILED, which is not NULL");
	expect_error(x, run(x, "demand", .args = { "FILE", "1" }, .stdout_is = OUTPUT_FULL),
		     "output that is lost is an error, and shows when it is flushed");
	expect_mincore_checked(x);
	expect_usage(x, run(x, "demand"));
	expect_usages(x, "demand", bad);
}

static void show(struct exam *x, const char *const *args)
{
	struct program *p;

	put_pages(x, "FILE", FILE_PAGES);
	p = start_shown(x, "demand", args, .args = { "FILE", "3", "40", "4", "3" });
	/* Before the first touch, and after the last one. */
	run_to(x, p, after_call(CALL_getrusage), at_end());
	run_to(x, p, at_call(CALL_mincore), at_end());
	finish(x, p);
}

LAB(.id = "02-demand-paging", .title = "Pages come when they are touched",
    .programs = { { .name = "demand" } }, .show = show,
    .checks = {
	    { "starts-empty",
	      2,
	      1,
	      NULL,
	      "a fresh mapping of FILE has no page resident",
	      starts_empty,
	      { "What does mmap bring into memory, apart from a promise?",
		"MAP_POPULATE, mlockall(2) and a loop over the file all bring pages before their time.",
		"mmap(NULL, length, …, fd, 0) with neither of them, and no look at any byte yet." } },
	    { "one-page-a-touch",
	      3,
	      3,
	      "starts-empty",
	      "each first touch makes exactly one page resident, cached or not, on disk and on tmpfs",
	      one_page_a_touch,
	      { "How many pages does Rss grow by when you load one byte of a file that is cached?",
		"Fault-around maps up to 16 cached pages at a read fault. MADV_RANDOM does not stop it: "
		"it stops readahead.",
		"A store into a MAP_PRIVATE mapping copies one page; so PROT_READ | PROT_WRITE and "
		"*(volatile char *)address = 0." } },
	    { "resident-as-smaps",
	      2,
	      4,
	      "one-page-a-touch",
	      "resident_kb is Rss of FILE's mappings, as smaps has it after the touch",
	      resident_as_smaps,
	      { "Who knows how much of a mapping is resident: you or the kernel?",
		"/proc/self/smaps repeats the lines of maps, each followed by its figures; Rss is one.",
		"Add up the Rss lines of those entries whose addresses lie in your mapping; read the "
		"file afresh after each touch." } },
	    { "faults-of-the-touch",
	      3,
	      5,
	      "one-page-a-touch",
	      "faults counts the minor and major faults of the touch alone",
	      faults_of_the_touch,
	      { "Which of the two kinds of fault does the touch of a page cost that is cached?",
		"getrusage counts since the program began; take one count before and one after.",
		"ru_minflt + ru_majflt, after less before, with the touch and nothing else in between." } },
	    { "second-touch-is-free",
	      1,
	      5,
	      "faults-of-the-touch",
	      "a second touch of a page costs no fault",
	      second_touch_is_free,
	      { "What is left to do for the kernel when the page is there?",
		"Do you map, drop or protect anything again between two touches?",
		"Map FILE once, and give nothing back before the end." } },
	    { "cached-pages",
	      2,
	      6,
	      "one-page-a-touch",
	      "cached C of T is what mincore says of all pages of FILE at the end",
	      cached_pages_counted,
	      { "Is a page that this process never touched in memory? Who knows?",
		"mincore(2) takes bytes and gives a vector with a byte for each page, the last one too.",
		"T = (size + page - 1) / page; C counts the bytes of the vector with bit 0 set." } },
	    { "page-in-range",
	      2,
	      2,
	      "starts-empty",
	      "a page that FILE does not have is refused before any touch",
	      page_in_range,
	      { "What happens to a process that touches a page wholly behind the end of its file?",
		"Look at all arguments before the first touch, and compare page numbers, not bytes.",
		"if (page >= (size + page_size - 1) / page_size) error; for every argument first." } },
	    { "file-untouched",
	      1,
	      3,
	      "starts-empty",
	      "FILE is opened read-only and left as it was",
	      file_untouched,
	      { "Where does a store through a private mapping go?",
		"open(2) with O_RDONLY is enough for MAP_PRIVATE with PROT_WRITE.",
		"mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0)" } },
	    { "errors-reported",
	      2,
	      1,
	      NULL,
	      "errors end the program with one line on standard error and status 1, bad usage with 2",
	      errors_reported,
	      { "What can fail here, and what does each call return then?",
		"mmap returns MAP_FAILED, never NULL; printf only fills a buffer; the open of a FIFO waits.",
		"Check open (O_NONBLOCK), fstat and S_ISREG, mmap == MAP_FAILED, fflush(stdout) == EOF." } },
    });
