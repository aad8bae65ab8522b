/*
 * Lab 08: two processes, one counter, and a log of every step.
 *
 * No layout is given. The counter is found by its value (find_places), then every question about
 * the lock is a duel: one process is held in the middle of its step, the other one is let run as
 * far as it comes, and then both are let go. Whatever the lock is made of, and where there is none
 * because none is needed, the log must be an unbroken chain in the end. It is broken by each duel
 * that a missing lock loses, not now and then.
 */
#include "exam/exam.h"

enum {
	MOST_CANDIDATES = 16,
	MOST_PLACES = 4,     /* as many as there are hardware watchpoints */
	MOST_POSITIONS = 12, /* accesses of one step after which a process is held */
	SPIN_LOOKS = 200,
	SPIN_MS = 8, /* CPU time of a duel for who may spin */
	SPIN_US = SPIN_MS * 1000 / 2,
	MOST_WAITS =
		50, /* of one process in one run: two that wait for each other do so for ever */
	MOST_COPIED = 4 << 20, /* bytes at each end of a mapping that are searched */
	MOST_COPIES = 64,
	MOST_CALLS = 12, /* of a holder while the other one waits for it */
};

/* ---- running ----------------------------------------------------------------------------------
 */

struct pair {
	struct program *program;
	struct process *parent, *child;
	int64_t child_steps, parent_steps;
};

static const char *number(struct exam *x, int64_t value)
{
	return say(x, "%lld", (long long)value);
}

static int64_t final_value(const struct pair *pair)
{
	return pair->child_steps + 2 * pair->parent_steps;
}

/* Started and run to the birth of the child. */
static struct pair start_pair(struct exam *x, int64_t child_steps, int64_t parent_steps,
			      enum output_kind output)
{
	struct pair pair = { .child_steps = child_steps, .parent_steps = parent_steps };

	pair.program = start(x, "counter",
			     .args = { number(x, child_steps), number(x, parent_steps) },
			     .fixed_addresses = true, .stdout_is = output);
	need_moment(x, pair.program, at_fork(), "the program forks");
	pair.parent = first_process(pair.program);
	pair.child = child_of(pair.parent);
	return pair;
}

/* Who polls or spins shall not do so for long. */
static void be_impatient(struct exam *x, const struct pair *pair, int64_t virtual_ms)
{
	set_limits(x, pair->program, 20, 5000, virtual_ms);
}

static void be_patient(struct exam *x, const struct pair *pair)
{
	set_limits(x, pair->program, 10000, 30000, 600000);
}

/* One of them goes as far as it comes alone, then both run on. Without rivals every program counts
 * right. */
static void go_first(struct exam *x, const struct pair *pair, struct process *first)
{
	struct process *second = first == pair->child ? pair->parent : pair->child;

	be_impatient(x, pair, 2000);
	hold(x, second);
	run_to(x, pair->program, only(first, when_blocked()), only(first, at_exit()));
	release(x, second);
	be_patient(x, pair);
}

/* ---- the log ----------------------------------------------------------------------------------
 */

struct log_line {
	char who[16];
	int pid;
	long long old, new;
};

/* Reads `who pid old new`; false where the line is anything else, by a blank even. */
static bool read_line(const char *line, size_t length, struct log_line *out)
{
	char again[96], copy[96];

	if (length >= sizeof(copy))
		return false;
	memcpy(copy, line, length);
	copy[length] = '\0';
	if (sscanf(copy, "%15s %d %lld %lld", out->who, &out->pid, &out->old, &out->new) != 4)
		return false;
	snprintf(again, sizeof(again), "%s %d %lld %lld", out->who, out->pid, out->old, out->new);
	return strcmp(copy, again) == 0;
}

/* What is wrong with the output, or NULL: then it is the log of all steps, each once, in an
 * unbroken chain. */
static const char *fault_in_log(struct exam *x, const struct pair *pair)
{
	const char *text = output(x, pair->program, NULL);
	int64_t left[2] = { pair->parent_steps, pair->child_steps };
	long long value = 0;
	int number_of_line = 1;

	for (; strncmp(text, "final ", 6) != 0; number_of_line++) {
		size_t length = strcspn(text, "\n");
		struct log_line line;

		if (text[0] == '\0')
			return say(x, "%d lines, and no line `final N` at the end (%s) %s",
				   number_of_line - 1, ending_text(x, pair->program),
				   error_output(x, pair->program));
		if (!read_line(text, length, &line))
			return say(x, "line %d is %s", number_of_line, quoted(x, text, length, 60));
		bool child = strcmp(line.who, "child") == 0;

		if (!child && strcmp(line.who, "parent") != 0)
			return say(x, "line %d begins with %s", number_of_line, line.who);
		if (line.pid != pid_of(child ? pair->child : pair->parent))
			return say(x, "line %d has pid %d; the %s is %d", number_of_line, line.pid,
				   line.who, (int)pid_of(child ? pair->child : pair->parent));
		if (line.old != value)
			return say(
				x,
				"line %d, `%s %d %lld %lld`, does not begin at %lld, where the line before ended",
				number_of_line, line.who, line.pid, line.old, line.new, value);
		if (line.new - line.old != (child ? 1 : 2))
			return say(x, "line %d: the %s goes from %lld to %lld", number_of_line,
				   line.who, line.old, line.new);
		if (left[child]-- == 0)
			return say(x, "line %d: one step of the %s too many", number_of_line,
				   line.who);
		value = line.new;
		text += length + (text[length] == '\n');
	}
	if (left[0] != 0 || left[1] != 0)
		return say(x, "%lld steps of the child and %lld of the parent are missing",
			   (long long)left[1], (long long)left[0]);
	const char *last = say(x, "final %lld\n", (long long)final_value(pair));

	return strcmp(text, last) == 0 ? NULL
				       : say(x, "the end is %s", quoted(x, text, strlen(text), 60));
}

/* The whole run was right: the log, and the exit status. */
static bool expect_log(struct exam *x, const struct pair *pair, const char *why)
{
	const char *fault = fault_in_log(x, pair);

	return expect(x, fault == NULL,
		      .expected = say(
			      x,
			      "%s: %lld lines `who pid old new`, each beginning where the last one ended, then `final %lld`",
			      command_of(x, pair->program),
			      (long long)(pair->child_steps + pair->parent_steps),
			      (long long)final_value(pair)),
		      .observed = fault, .why = why) &&
	       expect_exit(x, pair->program, 0, "all steps were taken");
}

/* ---- shared memory ----------------------------------------------------------------------------
 */

/* MAP_SHARED|MAP_ANONYMOUS and /dev/zero look alike; a memfd is as nameless. Whatever mprotect has
 * made of it, it is mapped. */
static bool is_shared_anonymous(const struct vma *vma)
{
	return vma->perms[3] == 's' && ((vma->deleted && strcmp(vma->path, "/dev/zero") == 0) ||
					strncmp(vma->path, "/memfd:", 7) == 0 ||
					strncmp(vma->path, "[anon_shmem", 11) == 0);
}

static const struct vma *next_shared(const struct maps *maps, const struct vma *previous)
{
	for (const struct vma *vma = previous ? previous + 1 : maps->vma;
	     vma < maps->vma + maps->count; vma++)
		if (is_shared_anonymous(vma))
			return vma;
	return NULL;
}

/* How a number may stand in memory: the usual way first, which has the fewest false friends. */
enum shape {
	WORD,	   /* 32 bits, or the lower half of 64 */
	HALF,	   /* 16 bits */
	UNALIGNED, /* 32 bits in a packed structure */
	DOUBLE,
	SHAPES
};

static const struct {
	uint8_t bytes, every; /* it has so many bytes, and is looked for at multiples of this */
	uint8_t watched; /* bytes that a watchpoint can cover: those at the start tell enough */
} shapes[SHAPES] = {
	[WORD] = { 4, 4, 4 },
	[HALF] = { 2, 2, 2 },
	[UNALIGNED] = { 4, 1, 1 },
	[DOUBLE] = { 8, 8, 8 },
};

/* Addresses in shared memory at which a number of this shape has this value. */
static size_t find_value(struct exam *x, struct process *process, int64_t value, enum shape shape,
			 uint64_t *place, size_t most)
{
	static unsigned char piece[1 << 16];
	const struct maps *maps = maps_now(x, process);
	double real = (double)value;
	unsigned char wanted[8];
	size_t count = 0, bytes = shapes[shape].bytes;

	memcpy(wanted, shape == DOUBLE ? (void *)&real : (void *)&value, sizeof(wanted));
	for (const struct vma *vma = next_shared(maps, NULL); vma; vma = next_shared(maps, vma))
		for (uint64_t at = vma->start; at < vma->end && count < most;
		     at += sizeof(piece) - 8) {
			size_t size = vma->end - at < sizeof(piece) ? vma->end - at : sizeof(piece);
			/* the last 8 bytes come again at the start of the next piece */
			size_t end = at + size == vma->end ? size - bytes + 1 : size - 8;

			if (!peek(x, process, at, piece, size))
				break;
			for (size_t i = 0; i < end && count < most; i += shapes[shape].every)
				if (memcmp(piece + i, wanted, bytes) == 0)
					place[count++] = at + i;
			if (at + size == vma->end)
				break;
		}
	return count;
}

/* The last mapping that the program asked for before it forked: where its shared memory should have
 * come from. */
static const struct event *last_map(struct exam *x, const struct program *p)
{
	const struct event *last = NULL, *e = NULL;

	while ((e = next_call(x, p, e, call_set_one(CALL_mmap), NULL)) != NULL)
		last = e;
	return last;
}

/* ---- task 1: memory ---------------------------------------------------------------------------
 */

/* The number of its line `final N`, or what it should be. */
static int64_t printed_sum(struct exam *x, const struct pair *pair)
{
	const char *text = output(x, pair->program, NULL), *line = NULL;

	while ((text = strstr(text, "final ")) != NULL)
		line = text += strlen("final ");
	return line ? atoll(line) : final_value(pair);
}

/* The value stands in the shared memory of the parent, at the end: before it prints, unmaps, or
 * exits. */
static bool stands_in_memory(struct exam *x, const struct pair *pair, int64_t value)
{
	struct moment output = at_calls(call_set_family(FAMILY_WRITE));
	uint64_t place;

	while (run_to(x, pair->program, only(pair->parent, at_call(CALL_munmap)),
		      only(pair->parent, output), only(pair->parent, at_exit())) >= 0)
		for (enum shape shape = WORD; shape < SHAPES; shape++)
			if (find_value(x, pair->parent, value, shape, &place, 1) == 1)
				return true;
	return false;
}

static void log_is_shared(struct exam *x);

static void memory_is_shared(struct exam *x)
{
	int64_t child_steps = pick(x, 37, 60), parent_steps = pick(x, 23, 40);
	struct pair pair = start_pair(x, child_steps, parent_steps, OUTPUT_PIPE);
	const struct event *map = last_map(x, pair.program);

	const struct maps *maps = maps_now(x, pair.parent);
	const struct vma *vma = next_shared(maps, NULL);

	while (vma != NULL && !vma_perms_are(vma, "rw?s"))
		vma = next_shared(maps, vma);
	need(x, vma != NULL, .expected = "anonymous memory mapped rw-s when the child is born",
	     .observed = "no such mapping", .from = map ? from_event(x, map) : NULL,
	     .why = "fork copies private memory page by page; only a shared mapping made before it "
		    "is one memory for both");
	go_first(x, &pair, pair.child);
	if (!finish(x, pair.program))
		return; /* that it comes to no end is the business of the next check */
	int64_t sum = printed_sum(x, &pair);

	pair = start_pair(x, child_steps, parent_steps, OUTPUT_PIPE);
	go_first(x, &pair, pair.child);
	bool found = stands_in_memory(x, &pair, sum);

	/* Whether it is the right sum is the business of the next check: here it has to be one of
	 * both. */
	expect(x, found && sum != 2 * parent_steps && sum != child_steps,
	       .expected = say(x, "%s: the sum of all steps stands in the shared memory at the end",
			       command_of(x, pair.program)),
	       .observed = say(x,
			       found ? "%lld: one of them has counted alone"
				     : "%lld, which it prints, stands nowhere in it",
			       (long long)sum),
	       .from = map ? from_event(x, map) : NULL,
	       .why = "a variable outside of the shared mapping is a variable of each process");
	log_is_shared(x);
}

static void expect_unmapped(struct exam *x, int64_t child_steps, int64_t parent_steps)
{
	struct pair pair = start_pair(x, child_steps, parent_steps, OUTPUT_PIPE);
	struct process *both[] = { pair.child, pair.parent };

	/* The child first, alone if it can: nobody is to wait for a lock here. */
	be_impatient(x, &pair, 2000);
	hold(x, pair.parent);
	int reached = run_to(x, pair.program, only(pair.child, at_exit()),
			     only(pair.child, when_blocked()));
	release(x, pair.parent);
	be_patient(x, &pair);
	for (int i = 0; i < 2; i++) {
		if (i == 1 || reached != 0)
			need_moment(x, pair.program, only(both[i], at_exit()),
				    "each process comes to its end");
		const struct vma *vma = next_shared(maps_now(x, both[i]), NULL);

		if (vma == NULL)
			continue;
		expect(x, false,
		       .expected = say(x, "the %s has unmapped the shared memory when it ends",
				       i == 0 ? "child" : "parent"),
		       .observed = "it is still mapped", .from = from_vma(x, vma),
		       .at = at_mapping(x, both[i], vma),
		       .why = "the end of the process would do it; a program that lives on has to do it itself, all of it, in both processes");
	}
}

static void all_is_unmapped(struct exam *x)
{
	/* Enough steps for a log of several pages, even if it is a small one; and who has no steps
	 * has the mapping, too. */
	expect_unmapped(x, pick(x, 460, 495), pick(x, 460, 495));
	expect_unmapped(x, 0, pick(x, 180, 220));
	expect_unmapped(x, pick(x, 180, 220), 0);
}

/* ---- where the counter is ---------------------------------------------------------------------
 */

struct places {
	int64_t child_steps, parent_steps;
	uint64_t counter; /* 0: not found */
	enum shape shape; /* of the counter */
	bool is_index;	  /* nothing has the value of the counter: this counts the steps */
	uint64_t index;	  /* counts the steps; 0 where there is no such thing */
	uint64_t lock;	  /* a word that is changed inside of a step only; 0 … */
};

/* Stores to each of the places in a whole run without rivals. */
static void count_stores(struct exam *x, const struct places *f, const uint64_t *place,
			 size_t count, enum shape shape, int *stores)
{
	struct pair pair = start_pair(x, f->child_steps, f->parent_steps, OUTPUT_PIPE);
	struct watch *watch[MOST_PLACES];
	int reached;

	for (size_t i = 0; i < count; i++)
		watch[i] = watch_memory(x, pair.parent, place[i], shapes[shape].watched,
					WATCH_STORES);
	be_impatient(x, &pair, 2000);
	hold(x, pair.child);
	int waits = 0;

	do {
		reached = run_to(x, pair.program, at_watch(NULL),
				 only(pair.parent, when_blocked()));
		for (size_t i = 0; i < count && reached == 0; i++)
			stores[i] += last_stop(x, pair.program)->watch == watch[i];
		if (reached == 0)
			continue;
		waits++;
		/* Through, or waiting for the other one, perhaps by spinning. */
		release(x, pair.child);
		reached = waits == 1 ? 0 : reached;
	} while (reached == 0 || (reached > 0 && waits < MOST_WAITS));
	for (size_t i = 0; i < count; i++)
		unwatch(x, watch[i]);
}

/* A run for looking at values: a pid that is the same number would stand in every line of the log.
 */
static struct pair start_unlike(struct exam *x, const struct places *f, int64_t value)
{
	struct pair pair = start_pair(x, f->child_steps, f->parent_steps, OUTPUT_PIPE);

	for (int i = 0; i < 4 && (pid_of(pair.parent) == value || pid_of(pair.child) == value);
	     i++) {
		kill_program(x, pair.program);
		pair = start_pair(x, f->child_steps, f->parent_steps, OUTPUT_PIPE);
	}
	return pair;
}

/* As find_value(), behind the `count` places that are known. */
static size_t more_places(struct exam *x, struct process *process, int64_t value, enum shape shape,
			  uint64_t *place, size_t count)
{
	uint64_t found[MOST_CANDIDATES];
	size_t seen = find_value(x, process, value, shape, found, MOST_CANDIDATES), known = count;

	for (size_t i = 0; i < seen && count < MOST_CANDIDATES; i++) {
		bool is_new = true;

		for (size_t k = 0; k < known; k++)
			is_new = is_new && place[k] != found[i];
		if (is_new)
			place[count++] = found[i];
	}
	return count;
}

/* Of the places that have this value in the end, the one that is stored to at every step; 0 for
 * none. */
static uint64_t busiest(struct exam *x, const struct places *f, int64_t value, enum shape shape)
{
	struct pair pair = start_unlike(x, f, value);
	struct moment output = at_calls(call_set_family(FAMILY_WRITE));
	uint64_t place[MOST_CANDIDATES] = { 0 };
	int stores[MOST_CANDIDATES] = { 0 };
	size_t count = 0, best = 0;

	go_first(x, &pair, pair.child);
	/* Where the last step writes to a pipe, say, its line in the log may have the value
	 * already, and the counter not yet: one look more. */
	for (int looks = 0;
	     looks < 2 && run_to(x, pair.program, only(pair.parent, at_call(CALL_munmap)),
				 only(pair.parent, output), only(pair.parent, at_exit())) >= 0;)
		if (!alive(pair.child)) {
			count = more_places(x, pair.parent, value, shape, place, count);
			looks += count > 0;
		}
	kill_program(x, pair.program);
	for (size_t i = 0; i < count; i += MOST_PLACES)
		count_stores(x, f, place + i, count - i < MOST_PLACES ? count - i : MOST_PLACES,
			     shape, stores + i);
	for (size_t i = 0; i < count; i++)
		if (stores[i] > stores[best])
			best = i;
	return stores[best] >= 2 ? place[best] : 0; /* both store it once at the least */
}

/* The shared memory of a process, one piece after the other. Of what is very large the two ends. */
struct copy {
	bool whole;
	size_t count;
	uint64_t start[MOST_COPIES];
	size_t words[MOST_COPIES];
	uint32_t *data[MOST_COPIES];
};

static void copy_piece(struct exam *x, struct process *process, struct copy *copy, uint64_t start,
		       uint64_t end)
{
	if (copy->count == MOST_COPIES) {
		copy->whole = false;
		return;
	}
	copy->start[copy->count] = start;
	copy->words[copy->count] = (end - start) / 4;
	copy->data[copy->count] = room(x, end - start);
	copy->count += peek(x, process, start, copy->data[copy->count], end - start);
}

static struct copy copy_shared(struct exam *x, struct process *process)
{
	const struct maps *maps = maps_now(x, process);
	struct copy copy = { .whole = true };

	for (const struct vma *vma = next_shared(maps, NULL); vma; vma = next_shared(maps, vma)) {
		bool both_ends = vma->end - vma->start > 2 * MOST_COPIED;
		uint64_t first_end = both_ends ? vma->start + MOST_COPIED : vma->end;

		copy_piece(x, process, &copy, vma->start, first_end);
		if (both_ends) {
			copy_piece(x, process, &copy, vma->end - MOST_COPIED, vma->end);
			copy.whole = false;
		}
	}
	return copy;
}

/* The first word that is not the same in the middle of a step, and the same again at the end. */
static uint64_t find_lock(const struct copy *before, const struct copy *inside,
			  const struct copy *after)
{
	for (size_t i = 0; i < before->count && i < inside->count && i < after->count; i++)
		for (size_t w = 0; w < before->words[i]; w++)
			if (before->data[i][w] == after->data[i][w] &&
			    before->data[i][w] != inside->data[i][w])
				return before->start[i] + w * 4;
	return 0;
}

static uint64_t look_for_lock(struct exam *x, const struct places *f)
{
	struct pair pair = start_pair(x, f->child_steps, f->parent_steps, OUTPUT_PIPE);
	struct copy before = copy_shared(x, pair.parent), inside, after;
	struct watch *watch = watch_memory(x, pair.parent, f->counter, shapes[f->shape].watched,
					   WATCH_ACCESSES);

	hold(x, pair.parent);
	be_impatient(x, &pair, 2000);
	int reached = run_to(x, pair.program, at_watch(watch), only(pair.child, when_blocked()));
	inside = copy_shared(x, pair.child);
	unwatch(x, watch);
	if (reached != 0)
		return 0;
	be_patient(x, &pair);
	release(x, pair.parent);
	if (run_to(x, pair.program, only(pair.parent, at_call(CALL_munmap)),
		   only(pair.parent, at_exit())) < 0)
		return 0;
	after = copy_shared(x, pair.parent);
	return find_lock(&before, &inside, &after);
}

static void find_places(struct exam *x, void *facts)
{
	struct places *f = facts;

	f->child_steps = pick(x, 20, 30);
	f->parent_steps = pick(x, 12, 19);
	for (enum shape shape = WORD; shape < SHAPES && f->counter == 0; shape++) {
		f->counter = busiest(x, f, f->child_steps + 2 * f->parent_steps, shape);
		f->shape = shape;
	}
	if (f->counter != 0)
		f->index = busiest(x, f, f->child_steps + f->parent_steps, WORD);
	/* The sum of two counters, or what the last line of the log says: then the place in the log
	 * is what a step is about. */
	for (enum shape shape = WORD; shape < SHAPES && f->counter == 0; shape++) {
		f->counter = busiest(x, f, f->child_steps + f->parent_steps, shape);
		f->shape = shape;
		f->is_index = true;
	}
	if (f->counter == 0)
		return;
	f->lock = look_for_lock(x, f);
}

/* Bytes of the shared memory that are not what they were before. */
static size_t changed_now(struct exam *x, struct process *process, const struct copy *before,
			  size_t enough)
{
	static unsigned char piece[1 << 16];
	size_t changed = 0;

	for (size_t i = 0; i < before->count; i++) {
		const unsigned char *data = (const unsigned char *)before->data[i];
		size_t size = before->words[i] * 4, bytes;

		for (size_t at = 0; at < size && changed < enough; at += bytes) {
			bytes = size - at < sizeof(piece) ? size - at : sizeof(piece);
			if (!peek(x, process, before->start[i] + at, piece, bytes))
				break; /* no longer mapped */
			if (memcmp(piece, data + at, bytes) == 0)
				continue;
			for (size_t b = 0; b < bytes; b++)
				changed += piece[b] != data[at + b];
		}
	}
	return changed;
}

/* … seen on the way to the parent's end; no more than `enough` need be found. */
static size_t changed_since(struct exam *x, const struct pair *pair, const struct copy *before,
			    size_t enough)
{
	struct moment output = at_calls(call_set_family(FAMILY_WRITE));
	size_t most = 0;

	while (most < enough &&
	       run_to(x, pair->program, only(pair->parent, at_call(CALL_munmap)),
		      only(pair->parent, output), only(pair->parent, at_exit())) >= 0) {
		if (!alive(pair->parent))
			break;
		size_t changed = changed_now(x, pair->parent, before, enough);

		most = changed > most ? changed : most;
	}
	return most;
}

/* The log is in the shared memory: every step leaves something there. */
static void log_is_shared(struct exam *x)
{
	enum { STEPS = 250, LEAST = 2 * STEPS / 8 / 2 }; /* even a bit a step would be more */
	struct pair pair = start_pair(x, STEPS, STEPS, OUTPUT_PIPE);
	struct copy before = copy_shared(x, pair.parent);

	go_first(x, &pair, pair.child);
	size_t most = changed_since(x, &pair, &before, LEAST);

	finish(x, pair.program);
	if (most < LEAST && before.whole && fault_in_log(x, &pair) == NULL)
		expect(x, false,
		       .expected = say(x,
				       "%s: the log of all steps stands in the shared memory, too",
				       command_of(x, pair.program)),
		       .observed = say(x, "all the steps have changed %zu bytes of it", most),
		       .why = "the counter, the lock and the log are to be shared: no file and no pipe is needed to bring the child's steps to the parent");
}

/* ---- task 6: the log --------------------------------------------------------------------------
 */

/* Only the parent prints. */
static void expect_parent_prints(struct exam *x, const struct pair *pair)
{
	const struct event *e = NULL, *of_parent = NULL, *of_child = NULL;

	while ((e = next_call(x, pair->program, e, call_set_family(FAMILY_WRITE), NULL)) != NULL)
		if (e->args[0] == STDOUT_FILENO && e->result > 0)
			*(e->process == pair->child ? &of_child : &of_parent) = e;
	/* else the child has something else there */
	if (of_parent != NULL && of_child != NULL && of_child->inode == of_parent->inode)
		expect(x, false, .expected = "all lines are printed by the parent, at the end",
		       .observed = "the child prints, too", .from = from_event(x, of_child),
		       .why = "the log is in the memory of both, so that the parent can print all of it");
}

static void expect_steps(struct exam *x, int64_t child_steps, int64_t parent_steps,
			 bool child_first)
{
	struct pair pair = start_pair(x, child_steps, parent_steps, OUTPUT_PIPE);

	go_first(x, &pair, child_first ? pair.child : pair.parent);
	finish(x, pair.program);
	expect_log(
		x, &pair,
		"each step is logged where the next one finds the end of it, and printed once, by one process");
	expect_parent_prints(x, &pair);
}

/* The steps as they were taken, seen at the counter: the log has to tell the same, and not what
 * might have been. */
static void expect_true_order(struct exam *x, bool child_first)
{
	const struct places *f = scene(x, find_places, sizeof(*f));

	if (f->counter == 0)
		return;
	struct pair pair = start_pair(x, f->child_steps, f->parent_steps, OUTPUT_PIPE);
	struct process *first = child_first ? pair.child : pair.parent,
		       *second = child_first ? pair.parent : pair.child;
	struct watch *watch = watch_memory(x, pair.parent, f->counter, shapes[f->shape].watched,
					   WATCH_STORES);
	int64_t steps = f->child_steps + f->parent_steps, seen = 0;
	char *by_child = room(x, (size_t)steps);
	int reached, waits = 0;

	be_impatient(x, &pair, 2000);
	hold(x, second);
	do {
		reached = run_to(x, pair.program, at_watch(watch), only(first, when_blocked()));
		if (reached == 0 && seen++ < steps)
			by_child[seen - 1] = last_stop(x, pair.program)->process == pair.child;
		waits += reached > 0;
		if (reached != 0 && second != NULL) {
			release(x, second);
			second = NULL;
			be_patient(x, &pair);
			reached = 0;
		}
	} while (reached >= 0 && waits < MOST_WAITS);
	unwatch(x, watch);
	finish(x, pair.program);
	if (seen != steps || fault_in_log(x, &pair) != NULL)
		return; /* more than one store a step: they do not tell who was first */
	const char *line = output(x, pair.program, NULL);

	for (int64_t i = 0; i < steps; i++) {
		bool child = line[0] == 'c';

		need(x, child == (by_child[i] != 0),
		     .expected = say(x, "step %lld was taken by the %s, and line %lld says so",
				     (long long)i + 1, by_child[i] ? "child" : "parent",
				     (long long)i + 1),
		     .observed = say(x, "line %lld is %s", (long long)i + 1,
				     quoted(x, line, strcspn(line, "\n"), 60)),
		     .why = "the log is what happened, written down under the lock, and not what could be made up afterwards");
		line += strcspn(line, "\n") + 1;
	}
}

static void chain_is_unbroken(struct exam *x)
{
	int64_t child = pick(x, 5, 90), parent = pick(x, 5, 90);

	expect_steps(x, child, parent, true);
	expect_steps(x, child, parent, false);
	expect_steps(x, 0, parent, true);
	expect_steps(x, child, 0, false);
	expect_steps(x, 0, 0, false);
	if (failed(x) || !have_watchpoints(x))
		return;
	expect_true_order(x, true);
	expect_true_order(x, false);
}

/* ---- duels ------------------------------------------------------------------------------------
 */

/* One is held in its step, the other comes. */
struct duel {
	struct pair pair;
	struct process *holder, *comer;
	const char *holder_name, *comer_name;
	const struct places *places;
	struct watch *counter, *index, *lock; /* NULL where there is none */
	bool at_calls;	     /* it is held at calls, between which nobody squeezes in */
	const char *held_at; /* the student's line, or NULL */
	const char *came_to;
};

static struct duel start_duel(struct exam *x, bool child_holds)
{
	need_watchpoints(x);
	const struct places *f = scene(x, find_places, sizeof(*f));

	if (f->counter == 0)
		skip(x,
		     "no counter was found by its value in the shared memory, so nothing could be held at it");
	struct duel d = { .pair = start_pair(x, f->child_steps, f->parent_steps, OUTPUT_PIPE) };

	d.holder = child_holds ? d.pair.child : d.pair.parent;
	d.comer = child_holds ? d.pair.parent : d.pair.child;
	d.holder_name = child_holds ? "child" : "parent";
	d.comer_name = child_holds ? "parent" : "child";
	d.places = f;
	d.counter = watch_memory(x, d.pair.parent, f->counter, shapes[f->shape].watched,
				 WATCH_ACCESSES);
	set_limits(x, d.pair.program, SPIN_MS, 5000, 20);
	return d;
}

/* What the counter has come to. */
static int64_t counter_now(struct exam *x, const struct duel *d)
{
	union {
		uint16_t half;
		uint32_t word;
		double real;
	} value = { 0 };

	peek(x, d->comer, d->places->counter, &value, shapes[d->places->shape].bytes);
	return d->places->shape == HALF	    ? value.half
	       : d->places->shape == DOUBLE ? (int64_t)value.real
					    : value.word;
}

/* … by one step of this process. */
static int64_t worth_of_step(const struct duel *d, const struct process *process)
{
	return process == d->pair.child || d->places->is_index ? 1 : 2;
}

/* … by all of them. */
static int64_t worth_of_steps(const struct duel *d, const struct process *process)
{
	return worth_of_step(d, process) *
	       (process == d->pair.child ? d->pair.child_steps : d->pair.parent_steps);
}

/* (Here and below: a long sleep uses up the limit, and is over the next time.) */
static int holder_alone(struct exam *x, struct duel *d, struct moment there)
{
	struct moment blocked = only(d->holder, when_blocked());

	hold(x, d->comer);
	release(x, d->holder);
	int reached = run_to(x, d->pair.program, there, blocked);

	return reached == SPENT ? run_to(x, d->pair.program, there, blocked) : reached;
}

/* The other one stands in its step: it goes on instruction by instruction, and the holder tries to
 * get in behind it. */
static bool squeeze_in(struct exam *x, struct duel *d, struct moment there)
{
	for (int i = 1; i < 400 && step(x, d->comer); i++)
		if (i % 4 == 0 && holder_alone(x, d, there) == 0)
			return true;
	return false;
}

/*
 * The holder waits for the other one: for a common start, or for its turn. The other one goes on to
 * the counter, or to where it waits itself; if it does not help that the holder goes on alone then,
 * both do.
 */
static int help_holder(struct exam *x, struct duel *d, struct moment there, bool alone)
{
	struct moment come = only(d->comer, at_watch(d->counter));

	hold(x, d->holder);
	release(x, d->comer);
	if (!alone) {
		release(x, d->holder);
		return run_to(x, d->pair.program, there, come);
	}
	int reached = run_to(x, d->pair.program, come, only(d->comer, when_blocked()));

	hold(x, d->comer);
	if (reached == 0 && squeeze_in(x, d, there))
		return 0;
	return holder_alone(x, d, there);
}

/* The holder comes to the moment, alone if it can. In the end both are held. */
static bool holder_comes_to(struct exam *x, struct duel *d, struct moment moment)
{
	struct moment there = only(d->holder, moment);
	int reached = holder_alone(x, d, there);

	for (int helped = 0; (reached > 0 || reached == SPENT) && helped < 100; helped++) {
		helped += reached == SPENT ? 9 : 0; /* it spins or polls: that takes its time */
		reached = help_holder(x, d, there, !d->at_calls && reached > 0 && helped < 2);
	}
	hold(x, d->holder);
	hold(x, d->comer);
	if (reached == 0)
		d->held_at = last_stop(x, d->pair.program)->at;
	return reached == 0;
}

enum { CAME = 0, BLOCKED = 1 };

/* As below, with so many naps at the most: who polls would take them for ever. */
static int comer_comes_within(struct exam *x, struct duel *d, int naps)
{
	enum { NAP = 2 };
	struct moment comes = only(d->comer, at_watch(d->counter));
	struct moment blocked = only(d->comer, when_blocked());
	struct moment nap = only(d->comer, at_sleep());
	int64_t cpu_before = cpu_us(x, d->pair.program);
	int reached, spent = 0;

	hold(x, d->holder);
	release(x, d->comer);
	do {
		reached = run_to(x, d->pair.program, comes, blocked, nap);
		naps -= reached == NAP;
		/* Who has used up the time by spinning would do so again. */
		if (reached == SPENT)
			spent += cpu_us(x, d->pair.program) - cpu_before < SPIN_US ? 1 : 2;
	} while (reached == NAP ? naps > 0 : reached == SPENT && spent < 2);
	if (reached == CAME)
		d->came_to = last_stop(x, d->pair.program)->at;
	return reached == NAP ? SPENT : reached;
}

/* The comer runs, the holder stands: to the counter (CAME), into a wait (BLOCKED), or it spins
 * (negative). */
static int comer_comes(struct exam *x, struct duel *d)
{
	return comer_comes_within(x, d, 50);
}

static void end_watch(struct exam *x, struct watch **watch)
{
	if (*watch != NULL)
		unwatch(x, *watch);
	*watch = NULL;
}

/* There are four watchpoints, and a check has many duels. */
static void end_watches(struct exam *x, struct duel *d)
{
	end_watch(x, &d->counter);
	end_watch(x, &d->index);
	end_watch(x, &d->lock);
}

static void end_duel(struct exam *x, struct duel *d)
{
	end_watches(x, d);
	kill_program(x, d->pair.program);
}

static void let_both_go(struct exam *x, struct duel *d)
{
	end_watches(x, d);
	release(x, d->holder);
	release(x, d->comer);
	be_patient(x, &d->pair);
	finish(x, d->pair.program);
}

static bool in_shared_memory(struct exam *x, struct process *process, uint64_t address)
{
	const struct vma *vma = maps_at(maps_now(x, process), address);

	return vma != NULL && is_shared_anonymous(vma);
}

/* What a duel came to: it could not be had, it was had, or the comer waited in the kernel, spun or
 * polled all the while. */
enum result { NOT_HAD, HAD, WAITED, SPUN };

typedef enum result duel_body(struct exam *x, struct duel *d, int number);

static enum result fight(struct exam *x, bool child_holds, duel_body *body, int number)
{
	struct duel d = start_duel(x, child_holds);
	enum result result = body(x, &d, number);

	end_duel(x, &d);
	return result;
}

/* ---- task 2: who can wake whom ----------------------------------------------------------------
 */

static enum result judge_wait(struct exam *x, struct duel *d, int unused)
{
	(void)unused;
	if (!holder_comes_to(x, d, at_watch(d->counter)) || comer_comes(x, d) != BLOCKED)
		return HAD; /* a lock-free step, a spin lock: nothing sleeps, nothing has to be
				woken */
	struct wait_info wait = waiting(x, d->comer);

	if (!wait.futex || !in_shared_memory(x, d->comer, wait.address))
		return HAD; /* a lock of another kind: file, semaphore set, pipe … */
	expect(x, !wait.futex_private,
	       .expected = say(
		       x, "while the %s holds the lock, the %s waits in a futex between processes",
		       d->holder_name, d->comer_name),
	       .observed =
		       "it waits in a private one (FUTEX_PRIVATE_FLAG, 128): only its own threads can wake it",
	       .from = wait.text, .at = wait.at,
	       .why = "it works as long as nobody has to wait; then the waiter sleeps for ever");
	if (wait.futex_private)
		return HAD;
	/* The holder lets go and wakes it. Nothing else may: taking the watch away would begin the
	 * wait again. */
	release(x, d->holder);
	be_patient(x, &d->pair);
	expect(x, finish(x, d->pair.program),
	       .expected = say(x, "the %s lets the lock go, and the %s wakes up", d->holder_name,
			       d->comer_name),
	       .observed = say(x, "the %s does not, and both come to no end", d->comer_name),
	       .from = wait.text, .at = wait.at,
	       .why = "who waits in a futex between processes must be woken without FUTEX_PRIVATE_FLAG, too, and each time");
	return HAD;
}

static void lock_is_process_shared(struct exam *x)
{
	fight(x, true, judge_wait, 0);
	fight(x, false, judge_wait, 0);
}

/* ---- task 3: exclusion ------------------------------------------------------------------------
 */

static enum result expect_duel_survived(struct exam *x, struct duel *d, int came, const char *what)
{
	let_both_go(x, d);
	const char *fault = fault_in_log(x, &d->pair);

	need(x, fault == NULL,
	     .expected = say(
		     x,
		     "the log is unbroken although the %s was held %s and the %s let run meanwhile",
		     d->holder_name, what, d->comer_name),
	     .observed = fault,
	     .from = say(x, "%s held at %s; %s %s %s", d->holder_name,
			 d->held_at ? d->held_at : "?", d->comer_name,
			 came == CAME ? "came to the counter at" : "waited",
			 d->came_to ? d->came_to : ""),
	     .at = d->held_at,
	     .why = "reading, adding, storing and logging are one step only while nobody else can be in the middle of one");
	return came < 0 ? SPUN : came == BLOCKED ? WAITED : HAD;
}

/* The comer is held in its own step while the holder, who may have read a value that is old now,
 * goes on. */
static void stop_comer_too(struct exam *x, struct duel *d)
{
	struct program *p = d->pair.program;

	hold(x, d->comer);
	release(x, d->holder);
	for (int i = 0; i < 2; i++)
		if (run_to(x, p, only(d->holder, at_watch(d->counter)),
			   only(d->holder, when_blocked())) != 0)
			break;
}

/* Held after its access number `position` to counter, index or lock; false when it does not make
 * that many. */
static bool held_after_access(struct exam *x, struct duel *d, int position)
{
	const struct places *f = scene(x, find_places, sizeof(*f));

	/* A spinning lock word stops us at every turn: CPU time alone would take long to be used
	 * up. */
	set_limits(x, d->pair.program, SPIN_MS, 400, 20);
	if (f->index != 0)
		d->index = watch_memory(x, d->pair.parent, f->index, 4, WATCH_ACCESSES);
	if (f->lock != 0 && f->lock != f->index)
		d->lock = watch_memory(x, d->pair.parent, f->lock, 4, WATCH_ACCESSES);
	for (int i = 0; i <= position; i++)
		if (!holder_comes_to(x, d, at_watch(NULL)))
			return false;
	return true;
}

/* The holder stands where it shall: a comer that spins would be stopped at the lock at every turn.
 */
static void watch_counter_alone(struct exam *x, struct duel *d)
{
	end_watch(x, &d->index);
	end_watch(x, &d->lock);
}

/* The comer is stopped in its first step, and the holder comes to his. */
static enum result both_inside(struct exam *x, struct duel *d, int position)
{
	if (!held_after_access(x, d, position))
		return NOT_HAD;
	watch_counter_alone(x, d);
	int came = comer_comes(x, d);

	if (came == CAME)
		stop_comer_too(x, d);
	return expect_duel_survived(x, d, came,
				    say(x, "after access number %d of its step", position + 1));
}

/* The comer takes all its steps, as far as it can. */
static enum result overtaken(struct exam *x, struct duel *d, int position)
{
	if (!held_after_access(x, d, position))
		return NOT_HAD;
	watch_counter_alone(x, d);
	int came = comer_comes(x, d);

	for (int i = 0; i < 1000 && came == CAME; i++)
		came = comer_comes(x, d);
	return expect_duel_survived(x, d, d->came_to ? CAME : came,
				    say(x, "after access number %d of its step", position + 1));
}

/* A few instructions further than the first access, whatever they do. */
static enum result held_after_steps(struct exam *x, struct duel *d, int steps)
{
	if (!holder_comes_to(x, d, at_watch(d->counter)))
		return NOT_HAD;
	for (int i = 0; i < steps; i++)
		if (!step(x, d->holder))
			return NOT_HAD;
	int came = comer_comes(x, d);

	stop_comer_too(x, d);
	return expect_duel_survived(x, d, came,
				    say(x, "%d instructions after it came to the counter", steps));
}

/* In turns: an access of the holder, some of the comer. A step that tries again may try wrongly. */
static enum result by_turns(struct exam *x, struct duel *d, int accesses)
{
	if (!held_after_access(x, d, 0))
		return NOT_HAD;
	int came = CAME;

	for (int turn = 0; turn < 40 && came == CAME; turn++) {
		for (int i = 0; i < accesses && came == CAME; i++)
			came = comer_comes(x, d);
		hold(x, d->comer);
		release(x, d->holder);
		if (run_to(x, d->pair.program, only(d->holder, at_watch(NULL)),
			   only(d->holder, when_blocked())) != 0)
			break;
		hold(x, d->holder);
	}
	return expect_duel_survived(
		x, d, d->came_to ? CAME : came,
		say(x, "after each access to it, %d of the other one's in between", accesses));
}

/* The counter has come to this value or further, by an access of the holder's. */
static bool holder_brings_it_to(struct exam *x, struct duel *d, int64_t value)
{
	do
		if (!holder_comes_to(x, d, at_watch(d->counter)))
			return false;
	while (counter_now(x, d) < value);
	return true;
}

/* It has taken so many steps and is in the next. */
static bool holder_is_in_step(struct exam *x, struct duel *d, int steps)
{
	return holder_brings_it_to(x, d, steps * worth_of_step(d, d->holder)) &&
	       holder_comes_to(x, d, at_watch(d->counter));
}

/* In its third step: before, the first call of each function goes a long way through the linker. */
static bool holder_warms_up(struct exam *x, struct duel *d)
{
	return holder_is_in_step(x, d, 2);
}

/* Not only the first steps need the lock. */
static enum result late(struct exam *x, struct duel *d, int position)
{
	return !holder_brings_it_to(x, d, worth_of_steps(d, d->holder) * 3 / 4)
		       ? NOT_HAD
		       : both_inside(x, d, position);
}

/* … and the last one as well. */
static enum result in_last_step(struct exam *x, struct duel *d, int unused)
{
	int64_t all_but_one = worth_of_steps(d, d->holder) - worth_of_step(d, d->holder);

	(void)unused;
	if (!holder_brings_it_to(x, d, all_but_one) || !holder_comes_to(x, d, at_watch(d->counter)))
		return NOT_HAD;
	int came = comer_comes(x, d);

	if (came == CAME)
		stop_comer_too(x, d);
	return expect_duel_survived(x, d, came, "in its last step");
}

/* A wait with a time-out, or a number of tries: what does the comer do when it has had enough of
 * waiting? */
static enum result when_it_tires(struct exam *x, struct duel *d, int unused)
{
	enum { ROUNDS = 20, A_MINUTE = 60000 };
	struct program *p = d->pair.program;

	(void)unused;
	if (!holder_comes_to(x, d, at_watch(d->counter)))
		return NOT_HAD;
	int came = comer_comes(x, d);

	set_limits(x, p, SPIN_MS, 5000, A_MINUTE);
	if (came == BLOCKED && waiting(x, d->comer).timed)
		came = run_to(x, p, only(d->comer, at_watch(d->counter)));
	for (int i = 0; i < ROUNDS && came == SPENT; i++) {
		int64_t cpu_before = cpu_us(x, p);

		came = comer_comes(x, d);
		if (cpu_us(x, p) - cpu_before > SPIN_US)
			break; /* it spins, and does not tire */
	}
	if (came != CAME)
		return NOT_HAD;
	stop_comer_too(x, d);
	return expect_duel_survived(x, d, came, "in its step for a long time");
}

/* Does a call of the kernel's stand there? */
static bool is_call_at(struct exam *x, struct process *process, uint64_t pc)
{
#if defined(__x86_64__)
	static const unsigned char call[] = { 0x0f, 0x05 };
#else
	static const unsigned char call[] = { 0x01, 0x00, 0x00, 0xd4 };
#endif
	unsigned char code[sizeof(call)];

	return peek(x, process, pc, code, sizeof(code)) && memcmp(code, call, sizeof(call)) == 0;
}

/* The comer waits in the kernel: nothing but a call of the holder's lets it in. It may try after
 * the next one. */
static int comes_after_next_call(struct exam *x, struct duel *d, int *steps)
{
	bool call = false, called = false;

	hold(x, d->comer);
	while (!called && (*steps)-- > 0) {
		if (!step(x, d->holder))
			break;
		called = call;
		call = is_call_at(x, d->holder, last_stop(x, d->pair.program)->pc);
	}
	return called ? comer_comes(x, d) : SPENT;
}

/* The holder is held as soon as it has let the comer in: whatever it does behind that is outside of
 * the lock. */
static enum result held_when_let_in(struct exam *x, struct duel *d, int how_far)
{
	if (!holder_warms_up(x, d))
		return NOT_HAD;
	int came = comer_comes(x, d), steps = 4000;

	for (int calls = 0; calls < MOST_CALLS && came == BLOCKED; calls++)
		came = comes_after_next_call(x, d, &steps);
	if (came != CAME)
		return NOT_HAD;
	for (int i = 0; i < how_far && came == CAME; i++)
		came = comer_comes(x, d);
	if (came == CAME)
		stop_comer_too(x, d);
	return expect_duel_survived(x, d, CAME, "where it had just let the other one in");
}

/* Calls that can take a lock of the kernel's, or find it taken: a lock file, flock, a pipe … */
static struct moment at_lock_calls(void)
{
	return at_calls(call_set_family(FAMILY_OPEN | FAMILY_CLOSE | FAMILY_NAME | FAMILY_LOCK |
					FAMILY_READ | FAMILY_WRITE | FAMILY_IPC | FAMILY_SIZE));
}

/* Before a call of the kernel's: what it has found out by the calls before may be old news then. */
static enum result held_at_call(struct exam *x, struct duel *d, int position)
{
	struct moment calls = at_lock_calls();

	d->at_calls = true;
	for (int i = 0; i <= position; i++)
		if (!holder_comes_to(x, d, calls))
			return NOT_HAD;
	int came = comer_comes(x, d);

	if (came == CAME)
		stop_comer_too(x, d);
	return expect_duel_survived(x, d, came, say(x, "before call number %d", position + 1));
}

/* Goes on to an instruction that reads and stores the counter at once, but not atomically. */
static bool comes_to_plain_change(struct exam *x, struct duel *d, struct process *process)
{
	for (int i = 0; i < 3; i++) {
		if (process == d->holder ? !holder_comes_to(x, d, at_watch(d->counter))
					 : comer_comes(x, d) != CAME)
			return false;
		struct access_info access = last_access(x, d->pair.program);

		if (access.known && access.loaded && access.stored && !access.locked)
			return true;
	}
	return false;
}

/* No stop can tear one instruction, but another CPU can. */
static enum result expect_no_plain_change(struct exam *x, struct duel *d, int unused)
{
	(void)unused;
	/* The place in the log may be that of a ticket lock, which is let go by a plain store. */
	if (d->places->is_index || !comes_to_plain_change(x, d, d->holder) ||
	    !comes_to_plain_change(x, d, d->comer))
		return HAD;
	need(x, false,
	     .expected = "a lock around it, or an instruction that is atomic between CPUs",
	     .observed = say(x,
			     "nothing keeps %s and %s apart, and the counter is changed by an "
			     "instruction without lock prefix",
			     d->holder_name, d->comer_name),
	     .at = d->came_to ? d->came_to : d->held_at,
	     .why = "on two CPUs such an instruction is a load and a store, and the other one's store may come between them");
	return HAD;
}

#ifdef __x86_64__
/* An opcode that may have a lock prefix, and behind it an operand in memory: modrm below 0xc0. */
static bool lockable(const unsigned char *code)
{
	static const unsigned char after_0f[] = { 0xab, 0xb0, 0xb1, 0xb3, 0xba,
						  0xbb, 0xc0, 0xc1, 0xc7 };

	if (code[0] >= 0x40 && code[0] <= 0x4f) /* REX */
		code++;
	if (code[0] == 0x0f)
		return memchr(after_0f, code[1], sizeof(after_0f)) != NULL && code[2] < 0xc0;
	bool arithmetic = (code[0] < 0x34 && code[0] % 8 < 2) ||
			  (code[0] >= 0x80 && code[0] <= 0x83) || code[0] == 0xf6 ||
			  code[0] == 0xf7 || code[0] >= 0xfe;

	return arithmetic && code[1] < 0xc0;
}

/* A lock prefix, an xchg with memory, or an mfence among these bytes? It may err towards yes only.
 */
static bool looks_atomic(const unsigned char *code, size_t size)
{
	for (size_t i = 1; i + 5 < size; i++) {
		/* … but not the 0xf0 of `xor $1,%eax` (a turn is flipped so) and `mov %esi,%eax` */
		bool operand = code[i - 1] == 0x89 || (code[i - 1] == 0x83 && code[i + 1] == 1);
		bool locked = code[i] == 0xf0 && !operand && lockable(code + i + 1);
		bool exchange = (code[i] == 0x86 || code[i] == 0x87) && code[i - 1] != 0x0f &&
				code[i + 1] < 0xc0;
		bool fence = code[i] == 0x0f && code[i + 1] == 0xae && code[i + 2] == 0xf0;

		if (locked || exchange || fence)
			return true;
	}
	return false;
}

/* An entry of the procedure linkage table, whose neighbours hold distances to anywhere. */
static bool is_stub(const unsigned char *code)
{
	if (memcmp(code, "\xf3\x0f\x1e\xfa", 4) == 0) /* endbr64 */
		code += 4;
	return memcmp(code + (code[0] == 0xf2), "\xff\x25", 2) == 0; /* jmp *…(%rip) */
}

/* What was seen of a stay in a library, as in sem_trywait(3) or sched_yield(2). */
struct stay {
	bool atomic, kernel;
};

/* Atomic instructions beside a function that calls the kernel are its neighbours'. */
static bool may_exclude(struct stay stay)
{
	return stay.atomic && !stay.kernel;
}

/* The comer spins: around what it runs through, is there an atomic instruction? */
static bool spins_on_plain_variable(struct exam *x, struct duel *d)
{
	enum { AROUND = 96 };
	const struct maps *maps = maps_now(x, d->comer);
	struct stay stay = { 0 };
	bool own_code = false;

	for (int i = 0; i < SPIN_LOOKS && step(x, d->comer); i++) {
		uint64_t pc = last_stop(x, d->pair.program)->pc;
		const struct vma *vma = maps_at(maps, pc);
		unsigned char code[2 * AROUND];
		/* the program itself lies below all its libraries */
		bool own = vma != NULL && vma->inode == maps->vma[0].inode, atomic;

		if (!peek(x, d->comer, pc - AROUND, code, sizeof(code)))
			return false;
		if (own && is_stub(code + AROUND))
			continue;
		atomic = looks_atomic(code, sizeof(code));
		if (own && (atomic || may_exclude(stay)))
			return false;
		own_code = own_code || own;
		stay.atomic = !own && (stay.atomic || atomic);
		stay.kernel = !own && (stay.kernel || memcmp(code + AROUND, "\x0f\x05", 2) == 0);
	}
	/* else it spins in a library: pthread_spin_lock */
	return own_code && !may_exclude(stay);
}
#else
static bool spins_on_plain_variable(struct exam *x, struct duel *d)
{
	(void)x;
	(void)d;
	return false;
}
#endif

/* The comer spins: does it ask the kernel at each turn? Until O_CREAT | O_EXCL makes the lock file,
 * say, or flock with LOCK_NB succeeds. */
static bool asks_the_kernel(struct exam *x, struct duel *d)
{
	return run_to(x, d->pair.program, only(d->comer, at_lock_calls()),
		      only(d->comer, at_watch(d->counter))) == 0;
}

static enum result expect_no_plain_spinning(struct exam *x, struct duel *d, int unused)
{
	(void)unused;
	if (!holder_comes_to(x, d, at_watch(d->counter)) || comer_comes(x, d) >= 0)
		return HAD;
	need(x, asks_the_kernel(x, d) || !spins_on_plain_variable(x, d),
	     .expected = say(
		     x,
		     "while the %s is in its step, the %s waits in the kernel, or for an atomic variable",
		     d->holder_name, d->comer_name),
	     .observed = "it spins on a plain variable", .at = last_stop(x, d->pair.program)->at,
	     .why = "for a plain variable nothing is promised between processes, volatile or not, and the CPU is burnt");
	return HAD;
}

/*
 * After every access of one step, and between them. Where the other one cannot come to its step it
 * cannot overtake either, nor take turns: these duels would be the same. Where it spins each duel
 * is long: then some must do.
 */
static void all_duels(struct exam *x, bool child_holds)
{
	static const int further[] = { 2, 4, 7, 12, 20, 33, 55 };
	enum result first = fight(x, child_holds, both_inside, 0), inside = first;
	int spins = first == SPUN;

	if (first == NOT_HAD)
		return; /* it never comes to its first step alone: one waits for the other's end */

	for (int position = 0; inside && spins < 9;) {
		if (inside == HAD && !fight(x, child_holds, overtaken, position))
			break;
		if (++position == MOST_POSITIONS)
			break;
		inside = fight(x, child_holds, both_inside, position);
		spins += inside == SPUN;
	}
	enum result at_counter = fight(x, child_holds, held_after_steps, 0);

	spins = at_counter == SPUN;
	for (size_t i = 0; i < sizeof(further) / sizeof(further[0]) && spins < 5; i++)
		spins += fight(x, child_holds, held_after_steps, further[i]) == SPUN;
	for (int position = 0; position < 3 && spins < 5; position++)
		spins += fight(x, child_holds, late, position) == SPUN;
	fight(x, child_holds, in_last_step, 0);
	if (at_counter == WAITED && fight(x, child_holds, held_when_let_in, 0))
		fight(x, child_holds, held_when_let_in, 1000);
	if (at_counter != HAD)
		fight(x, child_holds, when_it_tires, 0);
	for (int accesses = 1; accesses < 5 && first == HAD; accesses++)
		fight(x, child_holds, by_turns, accesses);
	enum result at_call = HAD;

	spins = 0;
	for (int call = 0; call < 6 && at_call && spins < 3; call++) {
		at_call = fight(x, child_holds, held_at_call, call);
		spins += at_call == SPUN;
	}
	if (at_counter == HAD)
		fight(x, child_holds, expect_no_plain_change, 0);
	if (at_counter == SPUN)
		fight(x, child_holds, expect_no_plain_spinning, 0);
}

static void steps_exclude_each_other(struct exam *x)
{
	all_duels(x, true);
	all_duels(x, false);
}

/* ---- task 4: both at once ---------------------------------------------------------------------
 */

/* Is the holder in the middle of its steps, now that the comer stands at the counter? */
static bool holder_has_steps_left(struct exam *x, const struct duel *d)
{
	/* The access may have been the store of the comer's first step. */
	int64_t of_comer = last_access(x, d->pair.program).stored ? worth_of_step(d, d->comer) : 0;

	return counter_now(x, d) < worth_of_steps(d, d->holder) + of_comer;
}

/* Both run freely, the comer having waited already. */
static bool comes_in_between(struct exam *x, struct duel *d)
{
	release(x, d->holder);
	be_patient(x, &d->pair);
	return run_to(x, d->pair.program, only(d->comer, at_watch(d->counter)),
		      only(d->holder, at_exit())) == 0 &&
	       holder_has_steps_left(x, d);
}

/* Both run freely, once the comer has come as far as it could. */
static enum result comes_sooner_or_later(struct exam *x, struct duel *d, int unused)
{
	(void)unused;
	bool came = holder_comes_to(x, d, at_watch(d->counter)) &&
		    ((comer_comes(x, d) == CAME && holder_has_steps_left(x, d)) ||
		     comes_in_between(x, d));

	return came ? HAD : NOT_HAD;
}

/* The holder goes on instruction by instruction, and after every few the comer may try. */
static enum result comes_in_a_gap(struct exam *x, struct duel *d, int unused)
{
	(void)unused;
	if (!holder_warms_up(x, d))
		return NOT_HAD;
	set_limits(x, d->pair.program, 1, 400, 2); /* for each try */
	for (int i = 0; i < 6000; i++) {
		if (i % (i < 600 ? 4 : 24) == 0 && comer_comes_within(x, d, 2) == CAME)
			return holder_has_steps_left(x, d) ? HAD : NOT_HAD;
		hold(x, d->comer);
		if (!step(x, d->holder))
			return NOT_HAD;
	}
	return NOT_HAD;
}

/* Has it made a thread? Then it may be that one that is woken. */
static bool has_threads(struct exam *x, const struct duel *d, const struct process *process)
{
	int births = process == d->pair.parent ? -1 : 0; /* the child is no thread */
	const struct event *e = NULL;

	while ((e = next_call(x, d->pair.program, e, call_set_family(FAMILY_PROCESS), NULL)) !=
	       NULL)
		births += e->process == process && e->returned && e->result > 0;
	return births > 0;
}

/* The comer sleeps for the lock. Before the holder has taken a step more it has to have a chance.
 */
static enum result comes_after_one_step(struct exam *x, struct duel *d, int steps)
{
	if (!holder_is_in_step(x, d, steps) || comer_comes(x, d) != BLOCKED ||
	    has_threads(x, d, d->holder) || has_threads(x, d, d->comer))
		return HAD;
	int64_t before = counter_now(x, d), more = 0;
	bool call = false, called = false;

	set_limits(x, d->pair.program, 5, 400, 2); /* for each try */
	for (int i = 0; i < 4000; i++) {
		/* who waits in the kernel is let in by a call */
		if (called && comer_comes(x, d) != BLOCKED)
			return HAD;
		hold(x, d->comer);
		more = counter_now(x, d) - before;
		if (more < 0 || more > 2 * worth_of_step(d, d->holder))
			return HAD; /* not the counter alone */
		if (more == 2 * worth_of_step(d, d->holder))
			return NOT_HAD;
		if (!step(x, d->holder))
			return HAD;
		called = call;
		call = is_call_at(x, d->holder, last_stop(x, d->pair.program)->pc);
	}
	return HAD;
}

/* The holder is in a step, the comer spins for the lock. */
static bool comer_spins(struct exam *x, struct duel *d, int steps)
{
	if (!holder_is_in_step(x, d, steps) || has_threads(x, d, d->holder))
		return false;
	int64_t cpu_before = cpu_us(x, d->pair.program);

	return comer_comes(x, d) == SPENT && cpu_us(x, d->pair.program) - cpu_before > SPIN_US;
}

/* Between two steps the holder stores the word that keeps the comer spinning. */
static enum result stores_lock_after_step(struct exam *x, struct duel *d, int steps)
{
	if (d->places->lock == 0 || d->places->is_index || !comer_spins(x, d, steps))
		return HAD;
	int64_t before = counter_now(x, d);

	d->lock = watch_memory(x, d->pair.parent, d->places->lock, 4, WATCH_STORES);
	hold(x, d->comer);
	release(x, d->holder);
	for (int i = 0; i < 16; i++) {
		if (run_to(x, d->pair.program, only(d->holder, at_watch(NULL)),
			   only(d->holder, when_blocked())) != 0 ||
		    last_stop(x, d->pair.program)->watch == d->lock)
			return HAD;
		if (counter_now(x, d) - before == 2 * worth_of_step(d, d->holder))
			return NOT_HAD;
	}
	return HAD;
}

/* … or it may be another word: at whatever instruction the holder stands, the comer does not come.
 */
static enum result comes_between_steps(struct exam *x, struct duel *d, int steps)
{
	if (!comer_spins(x, d, steps))
		return HAD;
	int64_t before = counter_now(x, d);

	set_limits(x, d->pair.program, 4, 400, 2); /* for each try */
	for (int i = 0; i < 1500; i++) {
		if (comer_comes_within(x, d, 2) != SPENT)
			return HAD;
		hold(x, d->comer);
		if (!step(x, d->holder))
			return HAD;
		if (counter_now(x, d) - before == 2 * worth_of_step(d, d->holder))
			return NOT_HAD;
	}
	return HAD;
}

/* Two steps under one lock: they begin at one of two that follow each other. */
static bool lets_go_after_each_step(struct exam *x, bool child_holds)
{
	for (int steps = 2; steps < 4; steps++)
		if (!fight(x, child_holds, comes_after_one_step, steps) ||
		    (!fight(x, child_holds, stores_lock_after_step, steps) &&
		     !fight(x, child_holds, comes_between_steps, steps)))
			return false;
	return true;
}

static void steps_interleave(struct exam *x)
{
	for (int role = 0; role < 2; role++) {
		bool child_holds = role == 0;
		const char *holder = child_holds ? "child" : "parent",
			   *comer = child_holds ? "parent" : "child";

		expect(x,
		       fight(x, child_holds, comes_sooner_or_later, 0) ||
			       fight(x, child_holds, comes_in_a_gap, 0),
		       .expected = say(x,
				       "the %s takes a step before the %s has taken all of its own",
				       comer, holder),
		       .observed = say(x, "it never does, however slow the %s is", holder),
		       .why = "a lock that is held for all the steps, or a wait for the other's end, makes two processes do the work of one after the other");
		expect(x, lets_go_after_each_step(x, child_holds),
		       .expected = say(
			       x,
			       "the %s, which waits for the lock, can take it after each step of the %s",
			       comer, holder),
		       .observed = say(x, "the %s takes another step before it lets go", holder),
		       .why = "the lock is to be held for one step at a time");
	}
}

/* ---- task 5: the child's end ------------------------------------------------------------------
 */

enum { CHILD_STATUS = 113 };

/* What a process does that fails after all: exit_group(CHILD_STATUS), as instructions. */
#if defined(__x86_64__)
static const unsigned char leave_with_status[] = {
	0xbf, CHILD_STATUS, 0, 0, 0, /* mov $113, %edi */
	0xb8, 231,	    0, 0, 0, /* mov $SYS_exit_group, %eax */
	0x0f, 0x05,		     /* syscall */
};
#elif defined(__aarch64__)
static const uint32_t leave_with_status[] = {
	0x52800000 | CHILD_STATUS << 5, /* mov w0, #113 */
	0xd2800000 | 94 << 5 | 8,	/* mov x8, #SYS_exit_group */
	0xd4000001,			/* svc #0 */
};
#endif

/* The child fails when all its steps are taken: its memory of the code is its own, so that nobody
 * else is changed. */
static void child_fails(struct exam *x)
{
	struct pair pair = start_pair(x, 4, 3, OUTPUT_PIPE);

	go_first(x, &pair, pair.parent);
	if (run_to(x, pair.program, only(pair.child, at_call(CALL_munmap)),
		   only(pair.child, at_exit())) != 0 ||
	    !poke(x, pair.child, last_stop(x, pair.program)->pc, leave_with_status,
		  sizeof(leave_with_status)))
		return;
	finish(x, pair.program);
	if (ending_of(pair.child).how == EXITED && ending_of(pair.child).status == CHILD_STATUS)
		expect_error(
			x, pair.program,
			say(x,
			    "the child ended with exit status %d: something has gone wrong there",
			    CHILD_STATUS));
}

static void child_is_reaped(struct exam *x)
{
	struct pair pair = start_pair(x, 4, 3, OUTPUT_PIPE);

	go_first(x, &pair, pair.child);
	need_moment(x, pair.program, only(pair.parent, at_exit()), "the parent comes to its end");
	expect(x, was_reaped(pair.child), .expected = "the parent has waited for its child",
	       .observed = "it ends, and the child was never waited for",
	       .why = "a child that nobody waits for stays as a zombie, and nobody learns how it ended");
	kill_program(x, pair.program);

	/* All its steps are taken when it is killed, so that no lock goes with it. */
	pair = start_pair(x, 4, 3, OUTPUT_PIPE);
	if (run_to(x, pair.program, only(pair.child, at_call(CALL_exit_group)),
		   only(pair.child, at_exit())) != 0) {
		/* It ends by exit(2), as a child of clone(3) does: too late to kill it then. Its
		 * steps are taken when it unmaps. */
		kill_program(x, pair.program);
		pair = start_pair(x, 4, 3, OUTPUT_PIPE);
		if (run_to(x, pair.program, only(pair.child, at_call(CALL_munmap)),
			   only(pair.child, at_exit())) != 0)
			return;
	}
	kill_process(x, pair.child);
	finish(x, pair.program);
	expect_error(x, pair.program,
		     "the child was killed: nobody can say that all its steps were taken");
	child_fails(x);
}

/* ---- interruptions ----------------------------------------------------------------------------
 */

static enum result interrupt_lock(struct exam *x, struct duel *d, int unused)
{
	(void)unused;
	if (!holder_comes_to(x, d, at_watch(d->counter)) || comer_comes(x, d) != BLOCKED)
		return NOT_HAD;
	struct wait_info wait = waiting(x, d->comer);

	/* The kernel itself goes on with an interrupted FUTEX_LOCK_PI. */
	if (!wait.futex || strstr(wait.text, "FUTEX_WAIT") == NULL || !interrupt_wait(x, d->comer))
		return NOT_HAD;
	int came = comer_comes(x, d);

	need(x, came != CAME || !last_access(x, d->pair.program).stored,
	     .expected = say(x, "the %s, interrupted in its wait for the lock, waits again",
			     d->comer_name),
	     .observed = say(x, "it goes on to the counter while the %s holds the lock",
			     d->holder_name),
	     .from = say(x, "%s = -1 EINTR", wait.text), .at = d->came_to ? d->came_to : wait.at,
	     .why = "sem_wait that returns -1 has not taken anything");
	let_both_go(x, d);
	expect_log(
		x, &d->pair,
		say(x,
		    "the %s was interrupted in %s: no reason to give up, nor to go on without the lock",
		    d->comer_name, wait.text));
	return HAD;
}

static void interrupt_wait_for_child(struct exam *x)
{
	struct pair pair = start_pair(x, 4, 3, OUTPUT_PIPE);

	if (run_to(x, pair.program, only(pair.child, at_call(CALL_exit_group)),
		   only(pair.child, at_exit())) < 0)
		return;
	hold(x, pair.child);
	if (run_to(x, pair.program, only(pair.parent, when_blocked())) != 0)
		return;
	struct wait_info wait = waiting(x, pair.parent);

	if ((wait.call != CALL_wait4 && wait.call != CALL_waitid) ||
	    !interrupt_wait(x, pair.parent))
		return;
	expect(x,
	       run_to(x, pair.program, only(pair.parent, at_exit()),
		      only(pair.parent, when_blocked())) != 0,
	       .expected = "the parent, interrupted in its wait for the child, waits again",
	       .observed = "it comes to its end while the child is still there",
	       .from = say(x, "%s = -1 EINTR", wait.text), .at = wait.at,
	       .why = "a wait that returns -1 has not waited for anybody");
	release(x, pair.child);
	finish(x, pair.program);
	expect_log(
		x, &pair,
		say(x,
		    "the parent was interrupted in %s: the child is still there to be waited for",
		    wait.text));
}

static void survives_interrupts(struct exam *x)
{
	interrupt_wait_for_child(x);
	if (!have_watchpoints(x))
		return;
	fight(x, true, interrupt_lock, 0);
	fight(x, false, interrupt_lock, 0);
}

/* ---- many steps, and errors -------------------------------------------------------------------
 */

static const char *const huge = "4611686018427387904"; /* twice that is 2^63 */

/* So many steps end in an error. Then none was taken: a child there may be, but what both share is
 * as it was when the child was born, but for a lock, a flag or the like. */
static void expect_refused_early(struct exam *x, const char *child_steps, const char *parent_steps)
{
	enum { SLACK = 64 };
	struct pair pair = { 0 };

	pair.program = start(x, "counter", .args = { child_steps, parent_steps });
	set_limits(x, pair.program, 3000, 10000, 60000);
	if (run_to(x, pair.program, at_fork(), at_end()) != 0)
		return;
	pair.parent = first_process(pair.program);
	pair.child = child_of(pair.parent);
	struct copy before = copy_shared(x, pair.parent);
	size_t changed = changed_since(x, &pair, &before, SLACK);

	finish(x, pair.program);
	struct ending end = ending(pair.program);

	expect(x, changed < SLACK || end.how != EXITED || end.status == 0,
	       .expected = say(x, "%s is refused before any step", command_of(x, pair.program)),
	       .observed = say(x, "%s, when steps had changed the shared memory",
			       ending_text(x, pair.program)),
	       .from = *error_output(x, pair.program)
			       ? say(x, "stderr: %s",
				     quoted(x, error_output(x, pair.program),
					    strlen(error_output(x, pair.program)), 120))
			       : NULL,
	       .why = "whether the log has room for them is known from the arguments, before fork");
}

static void done_or_refused(struct exam *x, int64_t child_steps, int64_t parent_steps)
{
	struct pair more = { .child_steps = child_steps, .parent_steps = parent_steps };
	const char *args[] = { number(x, child_steps), number(x, parent_steps) };

	more.program = run(x, "counter", .args = { args[0], args[1] });
	more.parent = first_process(more.program);
	more.child = child_of(more.parent);
	if (more.child != NULL && output(x, more.program, NULL)[0] != '\0') {
		expect_log(x, &more,
			   "more steps are done, or refused before the first; never cut short");
		return;
	}
	if (more.child != NULL)
		expect_refused_early(x, args[0], args[1]);
	if (!failed(x))
		expect_error(x, more.program,
			     "more steps than it has room for are refused before the first");
}

static void thousands_of_steps(struct exam *x)
{
	struct pair pair = start_pair(x, 5000, 5000, OUTPUT_PIPE);

	finish(x, pair.program);
	expect_log(x, &pair, "the log has to have room for all the steps that were asked for");

	/* The sum is too large for 16 bits with a sign; the second time it is the child that has a
	 * lot to do. */
	if (!failed(x))
		done_or_refused(x, pick(x, 100, 200), pick(x, 16500, 17500));
	if (!failed(x))
		done_or_refused(x, pick(x, 10100, 10900), pick(x, 100, 200));
	if (!failed(x))
		expect_refused_early(x, huge, huge);
}

static const struct words bad_usage[] = {
	{ { "3" } },	   { { "3", "4", "5" } }, { { "3", "x" } },   { { "5x", "4" } },
	{ { "-1", "4" } }, { { "3", "+4" } },	  { { "", "4" } },    { { "3", " 4" } },
	{ { "3 ", "4" } }, { { "-0", "4" } },	  { { "0x3", "4" } }, { { "3", "4.0" } },
	{ { 0 } },
};

/* All is well after all: it has tried again, or done it in another way. */
static bool did_it_all_the_same(struct exam *x, struct program *p)
{
	struct pair pair = { .program = p,
			     .parent = first_process(p),
			     .child = child_of(first_process(p)),
			     .child_steps = 3,
			     .parent_steps = 4 };

	return pair.child != NULL && ending(p).how == EXITED && ending(p).status == 0 &&
	       fault_in_log(x, &pair) == NULL;
}

static void fail_and_finish(struct exam *x, const enum call *calls, size_t count, int skip_calls,
			    int error, const char *why)
{
	struct program *p = start(x, "counter", .args = { "3", "4" });
	struct fault *fault[4];
	bool struck = false;

	for (size_t i = 0; i < count; i++)
		fault[i] = fail_call(x, p, calls[i], error, NULL, skip_calls);
	finish(x, p);
	for (size_t i = 0; i < count; i++)
		struck = struck || fault_struck(fault[i]);
	if (struck && !did_it_all_the_same(x, p))
		expect_error(x, p, why);
}

static void refuses_and_reports(struct exam *x)
{
	static const enum call map[] = { CALL_mmap };
	static const enum call fork[] = { CALL_clone, CALL_fork, CALL_vfork };

	expect_usage(x, run(x, "counter", .input = ""));
	expect_usages(x, "counter", bad_usage);
	expect_error(x, run(x, "counter", .args = { huge, huge }),
		     "the size of such a log does not fit into a size_t");

	/* What goes wrong without any failure is the business of other checks. */
	struct pair pair = start_pair(x, 3, 2, OUTPUT_PIPE);

	go_first(x, &pair, pair.child);
	finish(x, pair.program);
	if (fault_in_log(x, &pair) != NULL)
		return;
	fail_and_finish(x, map, 1, 0, ENOMEM,
			"mmap reports failure with MAP_FAILED, and there is no memory to count in");
	fail_and_finish(
		x, map, 1, 1, ENOMEM,
		"the second mmap can fail as well as the first: it reports it with MAP_FAILED");
	fail_and_finish(x, fork, 3, 0, EAGAIN, "without a child there is nobody to take its steps");
	pair = start_pair(x, 3, 2, OUTPUT_FULL);
	go_first(x, &pair, pair.child);
	finish(x, pair.program);
	expect_error(x, pair.program, "a log that could not be printed is none");
}

/* ---- the lab ----------------------------------------------------------------------------------
 */

static void show(struct exam *x, const char *const *args)
{
	struct program *p = start_shown(x, "counter", args, .args = { "3", "2" });

	/* Worth a look: both when the child is born, and each at its end. */
	while (run_to(x, p, at_fork(), at_exit()) >= 0)
		;
}

LAB(.id = "08-anonymous-counter", .title = "A counter for parent and child",
    .programs = {{"counter", NULL}},
    .checks =
	    {
		    {"memory-is-shared",
		     2,
		     1,
		     NULL,
		     "the counter lies in anonymous memory that was shared before the fork",
		     memory_is_shared,
		     {"What becomes of a malloc'ed variable at fork(2)?",
		      "mmap(2) with MAP_SHARED | MAP_ANONYMOUS, before fork(2).",
		      "mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)"}},
		    {"chain-is-unbroken",
		     3,
		     6,
		     "memory-is-shared",
		     "every step is printed once and in order, and the sum is right",
		     chain_is_unbroken,
		     {"Who prints, and when are all steps in the log?",
		      "The parent, after it has waited; the child must not print, and no text may be in stdio's buffer at fork(2).",
		      "child: take_steps(…); munmap(…); _exit(0); parent: take_steps(…); waitpid(…); print(…);"}},
		    {"lock-is-process-shared",
		     2,
		     2,
		     "chain-is-unbroken",
		     "who waits for the lock waits where the other process can wake it",
		     lock_is_process_shared,
		     {"What does the second argument of sem_init(3) mean?",
		      "A lock in shared memory must be told that it is: pshared, PTHREAD_PROCESS_SHARED.",
		      "sem_init(&shared->lock, 1, 1)"}},
		    {"steps-exclude-each-other",
		     3,
		     3,
		     "lock-is-process-shared",
		     "two steps never overlap, wherever a process is held up in its step",
		     steps_exclude_each_other,
		     {"Which lines must never be run by both at the same time?",
		      "Reading the counter, storing it, choosing the place in the log: all under one lock that both share.",
		      "sem_wait; old = counter; counter += amount; log[steps++] = …; sem_post"}},
		    {"steps-interleave",
		     2,
		     4,
		     "lock-is-process-shared",
		     "both work at the same time, and the lock is held for one step only",
		     steps_interleave,
		     {"What can the child do while the parent takes its steps?",
		      "Take the lock inside the loop, not around it; wait for the child after your own steps.",
		      "for (…) { sem_wait(…); one step; sem_post(…); }"}},
		    {"child-is-reaped",
		     2,
		     5,
		     "chain-is-unbroken",
		     "the child is waited for, and its failure is an error",
		     child_is_reaped,
		     {"How does a parent learn that its child was killed?",
		      "waitpid(2) gives a status: WIFEXITED first, then WEXITSTATUS.",
		      "if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) { fprintf(stderr, …); exit(1); }"}},
		    {"survives-interrupts",
		     1,
		     3,
		     "steps-exclude-each-other",
		     "an interrupted wait is begun again",
		     survives_interrupts,
		     {"What do sem_wait(3) and waitpid(2) do when a signal handler has run?",
		      "They return -1 with EINTR, and nothing has been taken or reaped.",
		      "while (sem_wait(&lock) == -1) if (errno != EINTR) die(…);"}},
		    {"thousands-of-steps",
		     2,
		     1,
		     "steps-exclude-each-other",
		     "five thousand steps each work; more are done or refused, never cut short",
		     thousands_of_steps,
		     {"How many entries does your log have room for?",
		      "The size of the mapping follows from the arguments; look for overflow before you multiply.",
		      "size = sizeof(struct shared) + (child_steps + parent_steps) * sizeof(struct step)"}},
		    {"all-is-unmapped",
		     1,
		     6,
		     "chain-is-unbroken",
		     "both processes have unmapped all of the memory when they end",
		     all_is_unmapped,
		     {"Which processes have the memory mapped?",
		      "munmap(2) in the child before _exit(2), and in the parent after printing, with the whole size."}},
		    {"refuses-and-reports",
		     2,
		     4,
		     NULL,
		     "bad arguments and failing calls end with a message",
		     refuses_and_reports,
		     {"Which calls of yours can fail, and what do they return then?",
		      "MAP_FAILED for mmap, -1 for fork; what printf could not write shows at fflush(3).",
		      "if (fflush(stdout) == EOF) die(\"stdout\");"}},
	    },
    .show = show);
