/*
 * Lab 07: a queue in a file. Besides the student's senders and receivers the exam itself is a peer:
 * it makes queues, fills and empties them, and takes their lock, so that each command is judged
 * alone.
 */
#include "exam/exam.h"

#include "message_queue.h"

#include <time.h>

#define QUEUE "queue"
#define SIZE  sizeof(struct message_queue)

/* ---- the exam as a peer ---- */

static int value_of(sem_t *semaphore)
{
	int value = -1;

	sem_getvalue(semaphore, &value);
	return value;
}

/* A good queue of `count` messages, the oldest in slot `first`. */
static struct message_queue *queue_image(struct exam *x, uint32_t first, uint32_t count)
{
	struct message_queue *q = room(x, SIZE);

	q->version = 1;
	sem_init(&q->free_slots, 1, QUEUE_SLOTS - count);
	sem_init(&q->used_slots, 1, count);
	sem_init(&q->lock, 1, 1);
	q->read_index = first;
	q->write_index = (first + count) % QUEUE_SLOTS;
	for (uint32_t i = 0; i < count; i++)
		strcpy(q->text[(first + i) % QUEUE_SLOTS], say(x, "%s %u", pick_word(x, 8), i));
	q->magic = QUEUE_MAGIC;
	return q;
}

static void put_queue(struct exam *x, const char *name, uint32_t first, uint32_t count)
{
	put_file(x, name, queue_image(x, first, count), SIZE, 0600);
}

/* The same, mapped: what programs do to it shows at once, and what we do shows to them. */
static struct message_queue *mapped_queue(struct exam *x, uint32_t first, uint32_t count)
{
	put_queue(x, QUEUE, first, count);
	return map_into_exam(x, QUEUE, NULL);
}

static struct message_queue *any_queue(struct exam *x, uint32_t count)
{
	return mapped_queue(x, (uint32_t)pick(x, 0, QUEUE_SLOTS - 1), count);
}

/* The queue as it is now, copied: where many queues are made, and nobody plays a peer. */
static struct message_queue *seen_queue(struct exam *x)
{
	return (struct message_queue *)file_bytes(x, QUEUE, 0, SIZE).data;
}

/* What recv should print for the messages from `skip` on. */
static const char *waiting_lines(struct exam *x, const struct message_queue *q, uint32_t first,
				 uint32_t count)
{
	char *lines = room(x, count * (QUEUE_TEXT + 1) + 1), *end = lines;

	for (uint32_t i = 0; i < count; i++)
		end += sprintf(end, "%.*s\n", QUEUE_TEXT - 1, q->text[(first + i) % QUEUE_SLOTS]);
	return lines;
}

static void put_message(struct message_queue *q, const char *text)
{
	strcpy(q->text[q->write_index], text);
	q->write_index = (q->write_index + 1) % QUEUE_SLOTS;
	sem_trywait(&q->free_slots);
	sem_post(&q->used_slots);
}

/* The oldest message, which the caller must know to be there; whoever waits for a slot may go on.
 */
static const char *take_message(struct exam *x, struct message_queue *q)
{
	const char *line = waiting_lines(x, q, q->read_index, 1);

	sem_trywait(&q->used_slots);
	q->read_index = (q->read_index + 1) % QUEUE_SLOTS;
	sem_post(&q->free_slots);
	return line;
}

static const char *state_text(struct exam *x, struct message_queue *q)
{
	return say(x, "lock %d, used_slots %d, free_slots %d, read_index %u, write_index %u",
		   value_of(&q->lock), value_of(&q->used_slots), value_of(&q->free_slots),
		   q->read_index, q->write_index);
}

/* Nobody is inside, no slot is lost, and so many messages wait. */
static bool expect_state(struct exam *x, struct message_queue *q, int used, const char *why)
{
	return expect(x,
		      value_of(&q->lock) == 1 && value_of(&q->used_slots) == used &&
			      value_of(&q->free_slots) == QUEUE_SLOTS - used,
		      .expected = say(x, "lock 1, used_slots %d, free_slots %d", used,
				      QUEUE_SLOTS - used),
		      .observed = state_text(x, q), .from = "the semaphores in " QUEUE, .why = why);
}

/* `count` fresh lines whose words have `shortest` to `longest` letters. */
static const char *lines_of(struct exam *x, int count, int shortest, int longest)
{
	char *lines = room(x, (size_t)count * ((size_t)longest + 16)), *end = lines;

	for (int i = 0; i < count; i++)
		end += sprintf(end, "%s %d\n", pick_word(x, (size_t)pick(x, shortest, longest)), i);
	return lines;
}

static const char *fresh_lines(struct exam *x, int count)
{
	return lines_of(x, count, 1, 12);
}

/* ---- create ---- */

static struct program *make_queue(struct exam *x)
{
	struct program *p = run(x, "queue", .args = { "create", QUEUE });

	expect_exit(x, p, 0, "the name was free and the directory is writable");
	need_good_so_far(x);
	expect_output(x, p, "", "create prints nothing");
	need(x, file_size(x, QUEUE) > 0, .expected = "a file " QUEUE,
	     .observed = "none, or an empty one", .why = "the file is the queue");
	return p;
}

/* There is a moment in which the program maps all of the struct. */
static void expect_covered(struct exam *x, struct program *p)
{
	struct call_set maps = call_set_both(call_set_one(CALL_mmap), call_set_one(CALL_mremap));
	const char *line = NULL;

	while (run_to(x, p, after_calls(maps), at_exit()) >= 0) {
		struct mapping m = find_mapping(x, p, QUEUE);

		if (m.vma && covers(x, m.process, QUEUE, 0, SIZE, NULL))
			return;
		if (m.vma)
			line = m.vma->line;
	}
	expect(x, false,
	       .expected = say(x, "%s maps %zu bytes of the file", command_of(x, p), SIZE),
	       .observed = line ? "its mapping ends before the struct does" : "it maps none of it",
	       .from = line,
	       .why = "slots beyond the mapping are somebody else's memory, or nobody's");
}

static void file_holds_the_struct(struct exam *x)
{
	make_queue(x);
	if (!expect_size(x, QUEUE, SIZE,
			 "the slots need more than one page, and the size is a part of the layout"))
		return;
	expect_mode(
		x, QUEUE, 0600,
		"its owner reads and writes it, nobody else: who may write may stop everybody who uses it");
	expect_covered(x, start(x, "queue", .args = { "send", QUEUE }, .input = "one\n"));
	put_queue(x, QUEUE, 0, 1);
	expect_covered(x, start(x, "queue", .args = { "recv", QUEUE, "1" }));
}

/* Is the semaphore marked as libc marks a process-shared one? Asked of libc: the bytes in which the
 * two kinds differ. */
static bool is_shared(const sem_t *semaphore)
{
	union {
		sem_t semaphore;
		unsigned char byte[sizeof(sem_t)];
	} shared = { .byte = { 0 } }, private = { .byte = { 0 } };
	const unsigned char *byte = (const unsigned char *)semaphore;

	sem_init(&shared.semaphore, 1, 1);
	sem_init(&private.semaphore, 0, 1);
	for (size_t i = 0; i < sizeof(sem_t); i++)
		if (shared.byte[i] != private.byte[i] && byte[i] != shared.byte[i])
			return false;
	return true;
}

static void semaphores_start_right(struct exam *x)
{
	struct message_queue *q;

	make_queue(x);
	q = map_into_exam(x, QUEUE, NULL);
	need(x, q && file_size(x, QUEUE) >= (off_t)SIZE);
	struct {
		const char *name;
		sem_t *semaphore;
		int value;
		const char *why;
	} row[] = {
		{ "free_slots", &q->free_slots, QUEUE_SLOTS,
		  "all slots are free: one more and a message is overwritten" },
		{ "used_slots", &q->used_slots, 0, "no message is there yet" },
		{ "lock", &q->lock, 1, "nobody is inside, and one may go in" },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		expect(x, value_of(row[i].semaphore) == row[i].value,
		       .expected = say(x, "%s starts at %d", row[i].name, row[i].value),
		       .observed = say(x, "%d", value_of(row[i].semaphore)),
		       .from = "sem_getvalue() on the file's bytes", .why = row[i].why);
		expect(x, is_shared(row[i].semaphore),
		       .expected = say(x, "%s is process-shared", row[i].name),
		       .observed = "it is private to one process",
		       .from = say(x, "%s at byte %td of " QUEUE, row[i].name,
				   (char *)row[i].semaphore - (char *)q),
		       .why = "a wait on a private semaphore uses a private futex, which no other process can wake");
	}
	expect(x,
	       q->magic == QUEUE_MAGIC && q->version == 1 && q->read_index == q->write_index &&
		       q->read_index < QUEUE_SLOTS,
	       .expected = say(x,
			       "magic 0x%x, version 1, the same slot to be read and written next",
			       QUEUE_MAGIC),
	       .observed = say(x, "magic 0x%x, version %u, read_index %u, write_index %u", q->magic,
			       q->version, q->read_index, q->write_index),
	       .from = "the first bytes of " QUEUE, .why = "all programs agree on the layout");
}

static bool is_view(const struct vma *vma)
{
	return vma->inode && vma->perms[1] == 'w' && vma->perms[3] == 's' &&
	       strncmp(vma->path, "/dev/zero", 9) != 0;
}

/* The first mapping of a file that the program maps shared and writable from its beginning, or
 * NULL. */
static const struct vma *new_queue(struct exam *x, struct program *p, struct process **who)
{
	for (*who = first_process(p); *who; *who = next_process(*who)) {
		const struct maps *maps = maps_now(x, *who);

		for (size_t i = 0; i < maps->count; i++)
			if (is_view(&maps->vma[i]) && maps->vma[i].offset == 0)
				return &maps->vma[i];
	}
	return NULL;
}

enum { MARK = 0xA5 };

/* Is this byte ever marked? Of a semaphore its value alone: with so strange a number of waiters
 * sem_post() would end the program before anybody could look. */
static bool is_markable(size_t offset)
{
	static const size_t semaphores[] = { offsetof(struct message_queue, free_slots),
					     offsetof(struct message_queue, used_slots),
					     offsetof(struct message_queue, lock) };

	for (size_t i = 0; i < sizeof(semaphores) / sizeof(*semaphores); i++)
		if (offset >= semaphores[i] + sizeof(int) && offset < semaphores[i] + sizeof(sem_t))
			return false;
	return true;
}

/*
 * Marks the bytes of the struct behind the version in every view that the process has of the file,
 * and in no other memory: a program may map less than the whole. Marked are those with `marked`.
 */
static void mark_views(struct exam *x, struct process *who, const struct vma *first,
		       bool marked[SIZE])
{
	const struct maps *maps = maps_now(x, who);
	unsigned char bytes[SIZE];

	for (size_t i = 0; i < maps->count; i++) {
		const struct vma *vma = &maps->vma[i];
		uint64_t from = vma->offset > 8 ? vma->offset : 8,
			 to = vma->offset + (vma->end - vma->start);

		if (to > SIZE)
			to = SIZE;
		if (!is_view(vma) || vma->inode != first->inode || vma->major != first->major ||
		    vma->minor != first->minor || from >= to)
			continue;
		if (!peek(x, who, vma->start + (from - vma->offset), bytes, to - from))
			continue;
		for (uint64_t k = from; k < to; k++)
			if (is_markable(k))
				bytes[k - from] = MARK;
		if (!poke(x, who, vma->start + (from - vma->offset), bytes, to - from))
			continue;
		for (uint64_t k = from; k < to; k++)
			marked[k] = is_markable(k);
	}
}

/* The first marked byte that has been stored to since, as the process sees it; 0 for none. */
static size_t stored_since(struct exam *x, struct process *who, const struct vma *first,
			   const bool marked[SIZE])
{
	const struct maps *maps = maps_now(x, who);

	for (size_t i = 0; i < maps->count; i++) {
		const struct vma *vma = &maps->vma[i];
		unsigned char byte;

		if (vma->inode != first->inode || vma->major != first->major ||
		    vma->minor != first->minor)
			continue;
		for (uint64_t k = vma->offset; k < SIZE && k - vma->offset < vma->end - vma->start;
		     k++)
			if (marked[k] && peek(x, who, vma->start + (k - vma->offset), &byte, 1) &&
			    byte != MARK)
				return k;
	}
	return 0;
}

/*
 * When the magic number has come, by a store or by a call like write, the other bytes are
 * overwritten with a mark. What is no mark at the end was stored after the magic; what calls write
 * is not judged: before such a call the marks are looked at, and after it made once more. The
 * version is compared instead: create may look once more at what it has made, as the others will.
 */
static void magic_comes_last(struct exam *x)
{
	struct program *p = start(x, "queue", .args = { "create", QUEUE });
	struct call_set writing = call_set_family(FAMILY_WRITE);
	struct moment writes = after_calls(writing);
	const struct vma *view = NULL;
	uint32_t magic = 0, version = 0;
	bool marked[SIZE] = { 0 };
	const char *at = NULL;
	struct process *who;
	struct watch *watch;
	struct bytes after;
	uint64_t base;
	size_t late = 0;

	need_watchpoints(x);
	while (!view && run_to(x, p, after_calls(call_set_family(FAMILY_MAP))) == 0)
		view = new_queue(x, p, &who);
	if (view) {
		bool seen = peek(x, who, view->start, &magic, 4) && magic == QUEUE_MAGIC;

		base = view->start;
		watch = watch_memory(x, who, base, 4, WATCH_STORES);
		while (!seen && run_to(x, p, at_watch(watch), writes) >= 0)
			seen = peek(x, who, base, &magic, 4) && magic == QUEUE_MAGIC;
		if (seen && peek(x, who, base + 4, &version, 4)) {
			at = last_stop(x, p)->at;
			unwatch(x, watch);
			do {
				mark_views(x, who, view, marked);
				if (run_to(x, p, at_calls(writing), at_end()) != 0)
					break;
				late = stored_since(x, who, view, marked);
			} while (!late && run_to(x, p, writes, at_end()) == 0);
			after = file_bytes(x, QUEUE, 0, SIZE);
			if (!late && after.size == SIZE && memcmp(after.data + 4, &version, 4) != 0)
				late = 4;
			for (size_t i = 8; i < after.size && !late; i++)
				if (marked[i] && after.data[i] != MARK)
					late = i;
			expect(x, !late,
			       .expected = "the magic number is the last store into the file",
			       .observed = say(x, "byte %zu of the struct was stored after it",
					       late),
			       .from = "its bytes, marked when the magic number was there",
			       .at = at, .why = "who sees the magic number uses the rest at once");
		}
	}
	finish(x, p);
	after = file_bytes(x, QUEUE, 0, 4);
	expect(x, after.size == 4 && memcmp(after.data, &(uint32_t){ QUEUE_MAGIC }, 4) == 0,
	       .expected = say(x, "the magic number 0x%x", QUEUE_MAGIC),
	       .observed = quoted(x, after.data, after.size, 4), .from = "bytes 0 to 3 of " QUEUE,
	       .why = "it says that the queue is ready");
}

/* Creation refused: the error is said, the bytes under the name are what they were, and nothing
 * else has come into the directory, whose names are `names`. */
static void expect_refused(struct exam *x, struct program *p, const char *name, struct bytes before,
			   const char *names, const char *why)
{
	struct bytes after = file_bytes(x, name, 0, SIZE + 1);
	const char *names_now = directory_list(x, ".");

	expect_error(x, p, why);
	expect_output(x, p, "", "an error is said on stderr alone");
	expect(x, after.size == before.size && memcmp(after.data, before.data, before.size) == 0,
	       .expected = "the file that was there is left as it was",
	       .observed = "its bytes or its size have changed",
	       .from = say(x, "%s after `%s`", name, command_of(x, p)), .why = why);
	expect(x, strcmp(names, names_now) == 0, .expected = "no other file is left behind",
	       .observed = say(x, "the directory holds %s",
			       quoted(x, names_now, strlen(names_now), 80)),
	       .from = say(x, "after `%s`", command_of(x, p)),
	       .why = "a create that fails takes away all that it has made");
}

/* Everything in the directory goes, so that the next one finds it empty. */
static void sweep(struct exam *x)
{
	static const char *const names[] = { QUEUE, "other", "nowhere", "moved", "precious" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (name_exists(x, names[i]))
			remove_name(x, names[i]);
}

/*
 * A queue appears under the name when create has looked and is about to make its own: before call
 * number `which` that may bring a name into being (a file made under another name gets its own by a
 * later one). False where there is no such call while the name is still free.
 */
static bool create_against_another(struct exam *x, int which)
{
	struct program *p;
	struct bytes before;
	bool there = false;

	sweep(x);
	p = start(x, "queue", .args = { "create", QUEUE });
	while (!there &&
	       run_to(x, p, at_calls(call_set_family(FAMILY_OPEN | FAMILY_NAME)), at_end()) == 0 &&
	       !name_exists(x, QUEUE))
		there = makes_a_name(last_stop(x, p)->event) && which-- == 0;
	if (!there) {
		kill_program(x, p);
		return false;
	}
	put_queue(x, QUEUE, 97, 3);
	before = file_bytes(x, QUEUE, 0, SIZE);
	finish(x, p);
	expect_refused(
		x, p, QUEUE, before, QUEUE "\n",
		"another create was faster: only O_EXCL (or link) looks and makes in one step");
	return true;
}

/* A new queue, whole: what create makes. */
static bool is_new_queue(struct exam *x)
{
	struct message_queue *q = seen_queue(x);

	return file_size(x, QUEUE) == (off_t)SIZE && q->magic == QUEUE_MAGIC && q->version == 1 &&
	       value_of(&q->free_slots) == QUEUE_SLOTS && value_of(&q->used_slots) == 0 &&
	       value_of(&q->lock) == 1;
}

/* A call of create has failed. It may know another way (ftruncate where posix_fallocate fails);
 * else it says so and leaves nothing. */
static void after_failed_call(struct exam *x, struct program *p, struct fault *fault,
			      const char *name)
{
	finish(x, p);
	if (fault_struck(fault) &&
	    !(ending(p).how == EXITED && ending(p).status == 0 && is_new_queue(x))) {
		expect_error(x, p, say(x, "%s failed", name));
		const char *names = directory_list(x, ".");

		expect(x, names[0] == '\0', .expected = "no file is left behind",
		       .observed = say(x, "the directory holds %s",
				       quoted(x, names, strlen(names), 80)),
		       .from = from_event(x, fault_event(fault)),
		       .why = "a half-made queue is refused by everybody, and the next create too");
	}
	sweep(x);
}

static void failed_create(struct exam *x, enum call call, int error)
{
	struct program *p = start(x, "queue", .args = { "create", QUEUE });

	after_failed_call(x, p, fail_call(x, p, call, error, NULL, 0), call_name(call));
}

/* The same for who gives the file its length by a write: the fault is for that file alone. */
static void failed_write(struct exam *x, enum call call)
{
	struct program *p = start(x, "queue", .args = { "create", QUEUE });

	while (!name_exists(x, QUEUE) &&
	       run_to(x, p, after_calls(call_set_family(FAMILY_OPEN)), at_end()) == 0)
		;
	if (name_exists(x, QUEUE))
		after_failed_call(x, p, fail_call(x, p, call, ENOSPC, QUEUE, 0), call_name(call));
	sweep(x);
}

static void create_is_all_or_nothing(struct exam *x)
{
	struct program *p;
	struct bytes before;

	failed_create(x, CALL_mmap, ENOMEM);
	failed_create(x, CALL_ftruncate, ENOSPC);
	failed_create(x, CALL_fallocate, ENOSPC);
	failed_write(x, CALL_write);
	failed_write(x, CALL_pwrite64);
	put_queue(x, QUEUE, 97, 5);
	before = file_bytes(x, QUEUE, 0, SIZE);
	p = run(x, "queue", .args = { "create", QUEUE });
	expect_refused(x, p, QUEUE, before, QUEUE "\n", "a live queue is never made anew");
	put_text(x, QUEUE, "");
	p = run(x, "queue", .args = { "create", QUEUE });
	expect_refused(x, p, QUEUE, (struct bytes){ (unsigned char *)"", 0 }, QUEUE "\n",
		       "the name exists: an empty file is somebody's, too");
	put_text(x, "precious", "not yours\n");
	remove_name(x, QUEUE);
	put_link(x, QUEUE, "precious");
	before = file_bytes(x, "precious", 0, SIZE);
	p = run(x, "queue", .args = { "create", QUEUE });
	expect_refused(x, p, "precious", before, "precious\n" QUEUE "\n",
		       "a link planted under a known name leads to somebody's file");
	remove_name(x, QUEUE);
	put_link(x, QUEUE, "nowhere");
	p = run(x, "queue", .args = { "create", QUEUE });
	expect_error(x, p, "the name exists: it is a link");
	expect(x, !name_exists(x, "nowhere"), .expected = "nothing is made through a link",
	       .observed = "its target exists now",
	       .why = "O_EXCL refuses a link, wherever it leads");
	for (int which = 0; which < 4 && !failed(x) && create_against_another(x, which); which++)
		;
}

/* ---- what is no queue ---- */

static void put_changed(struct exam *x, size_t offset, uint32_t value)
{
	put_queue(x, QUEUE, 97, 3);
	put_bytes(x, QUEUE, (off_t)offset, &value, sizeof(value));
}

static void put_nothing(struct exam *x)
{
	(void)x;
}
static void put_empty_file(struct exam *x)
{
	put_text(x, QUEUE, "");
}
static void put_shorter(struct exam *x)
{
	put_queue(x, QUEUE, 97, 3);
	set_size(x, QUEUE, SIZE - 1);
}
static void put_one_page(struct exam *x)
{
	put_queue(x, QUEUE, 97, 3);
	set_size(x, QUEUE, (off_t)page_size());
}
static void put_longer(struct exam *x)
{
	put_queue(x, QUEUE, 97, 3);
	set_size(x, QUEUE, SIZE + 1);
}
static void put_unready(struct exam *x)
{
	put_changed(x, offsetof(struct message_queue, magic), 0);
}
static void put_other_magic(struct exam *x)
{
	put_changed(x, offsetof(struct message_queue, magic), QUEUE_MAGIC ^ 0x20000000u);
}
static void put_version_0(struct exam *x)
{
	put_changed(x, offsetof(struct message_queue, version), 0);
}
static void put_version_2(struct exam *x)
{
	put_changed(x, offsetof(struct message_queue, version), 2);
}
static void put_a_fifo(struct exam *x)
{
	put_fifo(x, QUEUE);
}
static void put_a_directory(struct exam *x)
{
	put_directory(x, QUEUE);
}
static void put_link_to_queue(struct exam *x)
{
	put_queue(x, "other", 0, 3);
	put_link(x, QUEUE, "other");
}
static void put_link_to_nothing(struct exam *x)
{
	put_link(x, QUEUE, "nowhere");
}

static const struct impostor {
	const char *what;
	void (*put)(struct exam *x);
} impostors[] = {
	{ "there is no such file: send and recv never make one", put_nothing },
	{ "the file is empty: touching its mapping is a SIGBUS", put_empty_file },
	{ "the file is one byte too short", put_shorter },
	{ "the file is one page: most slots lie beyond its end", put_one_page },
	{ "the file is one byte too long", put_longer },
	{ "the magic number is not there yet: create is still at work", put_unready },
	{ "the magic number is another one", put_other_magic },
	{ "the version is 0", put_version_0 },
	{ "the version is 2, and who knows what that looks like", put_version_2 },
	{ "it is a FIFO", put_a_fifo },
	{ "it is a directory", put_a_directory },
	{ "it is a symbolic link to a queue: its owner chooses what we write to",
	  put_link_to_queue },
	{ "it is a symbolic link to nothing", put_link_to_nothing },
};

static const struct words uses[] = {
	{ { "send", QUEUE } },
	{ { "recv", QUEUE, "1" } },
	{ { "recv", QUEUE, "0" } },
	{ { "destroy", QUEUE } },
};

/* Who waits for the file to become a queue, instead of refusing it, need not do so for long. */
static struct program *use(struct exam *x, const struct words *words, const char *input)
{
	struct program *p = start(x, "queue",
				  .args = { words->word[0], words->word[1], words->word[2] },
				  .input = input);

	set_limits(x, p, 2000, 10000, 10000);
	finish(x, p);
	return p;
}

static const char *target_of(const struct impostor *impostor)
{
	return impostor->put == put_link_to_queue ? "other" : QUEUE;
}

static void try_impostor(struct exam *x, const struct impostor *impostor, const struct words *words,
			 const char *input)
{
	const char *names_before, *names_after;
	struct bytes before, after;
	struct program *p;
	bool readable;

	sweep(x);
	impostor->put(x);
	readable = impostor->put != put_a_fifo && impostor->put != put_a_directory;
	names_before = directory_list(x, ".");
	before = readable ? file_bytes(x, target_of(impostor), 0, SIZE + 1)
			  : (struct bytes){ (unsigned char *)"", 0 };
	p = use(x, words, input);
	expect_error(x, p, impostor->what);
	expect_output(x, p, "", "an error is said on stderr alone");
	kill_program(x, p);
	names_after = directory_list(x, ".");
	after = readable ? file_bytes(x, target_of(impostor), 0, SIZE + 1) : before;
	expect(x,
	       strcmp(names_before, names_after) == 0 && before.size == after.size &&
		       memcmp(before.data, after.data, before.size) == 0,
	       .expected = "what is no queue is left as it was",
	       .observed = strcmp(names_before, names_after) == 0
				   ? "its bytes have changed"
				   : say(x, "the directory holds %s",
					 quoted(x, names_after, strlen(names_after), 60)),
	       .from = say(x, "after `%s`", command_of(x, p)), .why = impostor->what);
}

static bool opens_queue(const struct event *event)
{
	size_t length = event->path ? strlen(event->path) : 0;

	return (event->call == CALL_open || event->call == CALL_openat ||
		event->call == CALL_openat2) &&
	       length >= strlen(QUEUE) && strcmp(event->path + length - strlen(QUEUE), QUEUE) == 0;
}

/* A link is put under the name at the moment before the program's open number `which`. False where
 * it has fewer. */
static bool link_before_open(struct exam *x, const struct words *words, int which)
{
	struct program *p;
	struct bytes before, after;

	sweep(x);
	put_queue(x, QUEUE, 97, 2);
	p = start(x, "queue", .args = { words->word[0], words->word[1], words->word[2] },
		  .input = "unwanted\n");
	for (int seen = -1; seen < which;) {
		if (run_to(x, p, at_calls(call_set_family(FAMILY_OPEN)), at_end()) != 0) {
			kill_program(x, p);
			return false;
		}
		if (opens_queue(last_stop(x, p)->event))
			seen++;
	}
	put_queue(x, "other", 0, 2);
	rename_file(x, QUEUE, "moved");
	put_link(x, QUEUE, "other");
	before = file_bytes(x, "other", 0, SIZE);
	finish(x, p);
	after = file_bytes(x, "other", 0, SIZE);
	expect_error(
		x, p,
		"the link was put there between the look at the name and open: only open itself can refuse it");
	expect(x, memcmp(before.data, after.data, before.size) == 0,
	       .expected = "the file behind the link is not touched",
	       .observed = "its bytes have changed", .from = say(x, "after `%s`", command_of(x, p)),
	       .why = "O_NOFOLLOW looks and opens in one step");
	return true;
}

/* Has the command done its work on a queue of two messages? */
static bool did_its_work(struct exam *x, struct program *p, const struct words *words)
{
	bool receives = strcmp(words->word[0], "recv") == 0;
	const char *oldest = receives && *words->word[2] == '1' ? "first\n" : "";

	if (ending(p).how != EXITED || ending(p).status != 0 ||
	    strcmp(output(x, p, NULL), oldest) != 0)
		return false;
	return strcmp(words->word[0], "destroy") == 0 ? !name_exists(x, QUEUE)
						      : value_of(&seen_queue(x)->used_slots) ==
								(receives ? 2 - (*oldest != 0) : 3);
}

static void no_memory(struct exam *x, const struct words *words)
{
	struct message_queue *q = queue_image(x, 97, 2);
	struct program *p;
	struct fault *fault;

	sweep(x);
	strcpy(q->text[97], "first");
	put_file(x, QUEUE, q, SIZE, 0600);
	p = start(x, "queue", .args = { words->word[0], words->word[1], words->word[2] },
		  .input = "unwanted\n");
	fault = fail_call(x, p, CALL_mmap, ENOMEM, NULL, 0);
	finish(x, p);
	/* who asks for memory in another way, and gets it, has met no error */
	if (fault_struck(fault) && !did_its_work(x, p, words))
		expect_error(x, p, "mmap failed, and says so with MAP_FAILED, which is not NULL");
}

/* A receiver waits in the queue. The name goes; the file is the receiver's as long as it maps it.
 */
static void destroyed_under_a_receiver(struct exam *x)
{
	struct message_queue *q;
	struct program *receiver, *p;
	struct stat st = { 0 };
	int fd;

	sweep(x);
	q = any_queue(x, 0);
	fd = open_file(x, QUEUE, O_RDONLY);
	receiver = start(x, "queue", .args = { "recv", QUEUE, "1" });
	set_limits(x, receiver, 500, 30000, 20000);
	if (run_to(x, receiver, when_blocked(), at_end()) != 0 || value_of(&q->lock) != 1) {
		kill_program(x, receiver);
		return; /* how it waits is another check */
	}
	hold_program(x, receiver);
	p = run(x, "queue", .args = { "destroy", QUEUE });
	expect_exit(x, p, 0, "it is a queue: who waits in it is not looked at");
	expect(x, !name_exists(x, QUEUE), .expected = "destroy removes the name",
	       .observed = "it is still there", .why = "who waits in the queue is not looked at");
	need_good_so_far(x);
	expect(x, fstat(fd, &st) == 0 && st.st_size >= (off_t)SIZE,
	       .expected = "only the name goes: the file keeps its bytes for those who map it",
	       .observed = "the file is cut short, and a receiver waits in it",
	       .from = command_of(x, p),
	       .why = "behind the end of a file its mapping is a SIGBUS for whoever is still there");
	need_good_so_far(x);
	expect_state(x, q, 0, "those who still map the queue go on using it");
	kill_program(x, receiver);
}

/* A link on the way to the file is as good as a directory. */
static void link_on_the_way(struct exam *x)
{
	struct program *p;

	put_directory(x, "post");
	put_queue(x, "post/box", 0, 3);
	put_link(x, "door", "post");
	p = run(x, "queue", .args = { "recv", "post/box", "0" });
	if (ending(p).how != EXITED || ending(p).status != 0)
		return; /* that FILE may have any name is another check */
	p = run(x, "queue", .args = { "recv", "door/box", "0" });
	expect_exit(x, p, 0,
		    "door is a link to a directory: only the last part of FILE must be no link");
}

static void only_a_queue_is_opened(struct exam *x)
{
	static const struct words bad[] = {
		{ { "create" } },
		{ { "create", QUEUE, "1" } },
		{ { "send" } },
		{ { "send", QUEUE, "1" } },
		{ { "recv", QUEUE } },
		{ { "recv", QUEUE, "x" } },
		{ { "recv", QUEUE, "-1" } },
		{ { "recv", QUEUE, "" } },
		{ { "recv", QUEUE, "1x" } },
		{ { "recv", QUEUE, "+1" } },
		{ { "recv", QUEUE, " 1" } },
		{ { "recv", QUEUE, "1", "2" } },
		{ { "destroy" } },
		{ { "destroy", QUEUE, "1" } },
		{ { "remove", QUEUE } },
		{ { "Destroy", QUEUE } },
		{ { "destro", QUEUE } },
		{ { "destroyed", QUEUE } },
		{ { "", QUEUE } },
		{ { 0 } },
	};
	const char *names;
	struct program *p;

	for (size_t i = 0; i < sizeof(uses) / sizeof(*uses) && !failed(x); i++) {
		for (size_t k = 0; k < sizeof(impostors) / sizeof(*impostors) && !failed(x); k++)
			try_impostor(x, &impostors[k], &uses[i], "unwanted\n");
		for (int which = 0; which < 3 && !failed(x) && link_before_open(x, &uses[i], which);
		     which++)
			;
		no_memory(x, &uses[i]);
	}
	/* send with nothing to send: the queue is looked at all the same */
	for (size_t k = 0; k < sizeof(impostors) / sizeof(*impostors) && !failed(x); k++)
		try_impostor(x, &impostors[k], &uses[0], NULL);
	if (failed(x))
		return;
	sweep(x);
	put_queue(x, QUEUE, 97, 4);
	p = run(x, "queue", .args = { "recv", QUEUE, "0" });
	expect_exit(x, p, 0, "the queue is good");
	expect_output(x, p, "", "COUNT 0 prints nothing");
	p = run(x, "queue", .args = { "destroy", QUEUE });
	expect_exit(x, p, 0, "it is a queue");
	expect_output(x, p, "", "destroy prints nothing");
	expect(x, !name_exists(x, QUEUE), .expected = "destroy removes the name",
	       .observed = "it is still there",
	       .why = "the file lives as long as its name or a mapping of it");
	names = directory_list(x, ".");
	expect(x, names[0] == '\0', .expected = "destroy leaves no other name of the file",
	       .observed = say(x, "the directory holds %s", quoted(x, names, strlen(names), 80)),
	       .why = "what nobody can find by its name any more goes with its last user");
	if (!failed(x))
		destroyed_under_a_receiver(x);
	if (!failed(x))
		link_on_the_way(x);
	put_queue(x, QUEUE, 97, 1);
	expect_usages(x, "queue", bad);
	expect_usage(x, run(x, "queue"));
}

/* ---- messages ---- */

static struct program *send_text(struct exam *x, const char *lines)
{
	struct program *p = run(x, "queue", .args = { "send", QUEUE }, .input = lines);

	expect_exit(x, p, 0, "all its lines are good, and each finds a free slot");
	expect_output(x, p, "", "send prints nothing");
	return p;
}

static struct program *receive_text(struct exam *x, int count, const char *expected,
				    const char *why)
{
	struct program *p = run(x, "queue", .args = { "recv", QUEUE, say(x, "%d", count) });

	if (expect_exit(x, p, 0, "so many messages were there"))
		expect_output(x, p, expected, why);
	return p;
}

/* FILE is what the command line says, in whatever directory. */
static void another_name(struct exam *x)
{
	struct program *p;

	put_directory(x, "post");
	p = run(x, "queue", .args = { "create", "post/box" });
	if (!expect_exit(x, p, 0, "FILE may have any name"))
		return;
	expect(x, name_exists(x, "post/box"), .expected = "a file post/box",
	       .observed = "there is none", .from = command_of(x, p),
	       .why = "FILE is the name on the command line");
	need_good_so_far(x);
	p = run(x, "queue", .args = { "send", "post/box" }, .input = "by name\n");
	expect_exit(x, p, 0, "post/box is a queue");
	p = run(x, "queue", .args = { "recv", "post/box", "1" });
	if (expect_exit(x, p, 0, "one message was sent to post/box"))
		expect_output(x, p, "by name\n", "it was sent to post/box");
}

static void expect_indexes(struct exam *x, const struct message_queue *q, uint32_t next_read,
			   uint32_t next_written)
{
	expect(x, q->read_index == next_read && q->write_index == next_written,
	       .expected = say(x, "read_index %u, write_index %u", next_read, next_written),
	       .observed = say(x, "read_index %u, write_index %u", q->read_index, q->write_index),
	       .from = "bytes 104 to 111 of " QUEUE,
	       .why = "another program looks in them for the slots to be used next, 0 to 99");
}

static void order_over_three_wraps(struct exam *x)
{
	struct program *p;
	struct message_queue *q;
	const char *lines, *more;

	/* the layout: where a peer will look for the messages */
	q = mapped_queue(x, QUEUE_SLOTS - 2, 0);
	lines = fresh_lines(x, 5);
	send_text(x, lines);
	expect(x, strcmp(waiting_lines(x, q, QUEUE_SLOTS - 2, 5), lines) == 0,
	       .expected = say(x, "slots 98, 99, 0, 1, 2: %s", quoted(x, lines, strlen(lines), 60)),
	       .observed = quoted(x, waiting_lines(x, q, QUEUE_SLOTS - 2, 5),
				  strlen(waiting_lines(x, q, QUEUE_SLOTS - 2, 5)), 60),
	       .from = "the slots in " QUEUE, .why = "slot 99 is followed by slot 0");
	expect_indexes(x, q, QUEUE_SLOTS - 2, 3);
	need_good_so_far(x);
	more = fresh_lines(x, 4);
	send_text(x, more);
	receive_text(x, 9, say(x, "%s%s", lines, more),
		     "a second sender adds to what the first one sent");
	need_good_so_far(x);
	expect_state(x, q, 0, "every message was taken");
	expect_indexes(x, q, 7, 7);
	/* the student's own queue, filled to the brim and emptied, over and over */
	remove_name(x, QUEUE);
	make_queue(x);
	for (int round = 0; round < 4 && !failed(x); round++) {
		int count = (int)pick(x, 70, QUEUE_SLOTS - 1);

		lines = fresh_lines(x, count);
		send_text(x, lines);
		receive_text(x, count, lines, "first in, first out, through every slot");
	}
	need_good_so_far(x);
	q = any_queue(x, 12);
	lines = waiting_lines(x, q, q->read_index, 10);
	p = run(x, "queue", .args = { "recv", QUEUE, "010" });
	if (expect_exit(x, p, 0, "ten messages were there"))
		expect_output(x, p, lines, "COUNT is decimal: 010 is ten");
	another_name(x);
}

/* ---- waiting ---- */

/* The process of the program that waits in a futex, else its first one. */
static struct process *waiter(struct exam *x, struct program *p)
{
	for (struct process *each = first_process(p); each; each = next_process(each))
		if (alive(each) && waiting(x, each).futex)
			return each;
	return first_process(p);
}

/* An interrupted wait has got nothing: it is taken up again. */
static void interrupt_and_look(struct exam *x, struct program *p, const char *what)
{
	int reached;

	interrupt_wait(x, waiter(x, p));
	reached = run_to(x, p, when_blocked(), at_sleep(), at_end());
	need(x, reached != 2 && ending(p).how == STILL_THERE,
	     .expected = say(x, "it goes on waiting for %s", what), .observed = ending_text(x, p),
	     .from = "its wait was ended with EINTR by the grader",
	     .why = "any signal may interrupt a wait: that is no error, and not what it waited for");
}

/*
 * It waits as it should, and where it looks up now and then, seldom enough. Of a wait until the
 * next second only the rest is seen: on a busy host some of it has gone by between the look at the
 * clock and the wait.
 */
static struct wait_info expect_patience(struct exam *x, struct program *p, const char *what)
{
	enum { SHORT_MS = 500 };
	int reached = run_to(x, p, when_blocked(), at_sleep(), at_end());
	struct wait_info wait;

	need(x, reached != 2 && ending(p).how == STILL_THERE,
	     .expected = say(x, "it waits for %s", what), .observed = ending_text(x, p),
	     .from = *error_output(x, p)
			     ? say(x, "stderr: %s",
				   quoted(x, error_output(x, p), strlen(error_output(x, p)), 120))
			     : command_of(x, p),
	     .why = "nothing told it to end: what it has to wait for will come");
	if (reached != 0)
		expect_blocks(x, p, what);
	need_good_so_far(x);
	wait = waiting(x, waiter(x, p));
	need(x, !wait.timed || wait.timeout_ms >= SHORT_MS,
	     .expected = "a wait without a time-out, or one of a second or more",
	     .observed = say(x, "%s of %lld ms", wait.text, (long long)wait.timeout_ms),
	     .at = wait.at, .why = "many short waits are a busy-wait in slow motion");
	if (!wait.timed || !wait.futex || wait.futex_private)
		expect_blocks(x, p, what);
	need_good_so_far(x);
	return wait;
}

/* It waits, and for longer than no time at all: a wait that is over before it begins may be seen,
 * too, on a busy host. */
static struct wait_info need_lasting_wait(struct exam *x, struct program *p)
{
	enum { TRIES = 4 };
	struct wait_info wait = { .timed = true };
	int reached = 0;

	for (int i = 0; i < TRIES && reached == 0 && wait.timed && wait.timeout_ms == 0; i++) {
		if (i > 0)
			interrupt_wait(x, waiter(x, p));
		reached = run_to(x, p, when_blocked(), at_sleep(), at_end());
		wait = waiting(x, waiter(x, p));
	}
	need(x, reached > 0 || (reached == 0 && (!wait.timed || wait.timeout_ms > 0)),
	     .expected = "when its time-out is over it waits once more",
	     .observed = "it spins: CPU time goes by, and no wait lasts", .from = command_of(x, p),
	     .at = wait.at,
	     .why = "a wait until a deadline that is past returns at once: each wait needs a new one");
	return wait;
}

/*
 * A wait until a moment that is past is none. The clock does not follow virtual time: so this takes
 * its real seconds, and only where the time-out is as short as most are.
 */
static void expect_fresh_deadline(struct exam *x, struct program *p)
{
	struct wait_info wait;
	int64_t ms;

	set_limits(x, p, 500, 20000, 10000);
	wait = need_lasting_wait(x, p);
	set_limits(x, p, 10000, 30000, 600000);
	ms = wait.timeout_ms + 50;
	if (!wait.timed || ms > 3100)
		return;
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
	set_limits(x, p, 500, 20000, 3 * ms);
	run_to(x, p, at_end());
	need_lasting_wait(x, p);
	set_limits(x, p, 10000, 30000, 600000);
}

/* It waits; a signal wakes it for nothing, and so do time-outs, if it has any; it waits on. */
static void waits_patiently(struct exam *x, struct program *p, const char *what)
{
	enum { LONG_MS = 130000 };
	const int64_t for_ever_ms = 365 * 24 * 3600 * INT64_C(1000);
	struct wait_info wait;
	int64_t patience;
	size_t size;

	set_limits(x, p, 500, 30000, 20000);
	wait = expect_patience(x, p, what);
	for (int round = 0; round < 3; round++) {
		interrupt_and_look(x, p, what);
		wait = expect_patience(x, p, what);
	}
	/* the time-out may be the last of several, and as long as one likes; but one that nobody
	 * lives to see is none */
	patience = !wait.timed || wait.timeout_ms > for_ever_ms ? 30000
		   : 3 * wait.timeout_ms > LONG_MS		? 3 * wait.timeout_ms
								: LONG_MS;
	set_limits(x, p, 2000, 4000, patience);
	run_to(x, p, at_end());
	output(x, p, &size);
	need(x, ending(p).how == STILL_THERE && size == 0,
	     .expected = say(x, "it waits on for %s", what),
	     .observed = say(x, "%s, printed %s", ending_text(x, p),
			     quoted(x, output(x, p, NULL), size, 60)),
	     .why = "a wait that was interrupted or timed out has got nothing");
	set_limits(x, p, 10000, 30000, 600000);
}

/* A COUNT may be more than the queue holds; and one that an int cannot hold is not taken for what
 * is left of it: for 0. */
static void large_count_waits(struct exam *x)
{
	struct program *p;

	any_queue(x, 0);
	p = start(x, "queue", .args = { "recv", QUEUE, "101" });
	run_to(x, p, when_blocked(), at_sleep(), at_end());
	expect(x, ending(p).how == STILL_THERE,
	       .expected = "recv waits for the first of 101 messages",
	       .observed = ending_text(x, p), .from = command_of(x, p),
	       .why = "not all of them need to be in the queue at once: senders bring more");
	kill_program(x, p);
	p = start(x, "queue", .args = { "recv", QUEUE, "4294967296" });
	run_to(x, p, when_blocked(), at_end());
	expect(x, ending(p).how != EXITED || ending(p).status != 0,
	       .expected = "recv waits for the first of so many messages",
	       .observed = ending_text(x, p), .from = command_of(x, p),
	       .why = "4294967296 is 0 in an int: COUNT needs a wider type");
	kill_program(x, p);
}

static void empty_queue_blocks(struct exam *x)
{
	struct message_queue *q = any_queue(x, 0);
	struct program *receiver = start(x, "queue", .args = { "recv", QUEUE, "1" }), *sender;

	waits_patiently(x, receiver, "a message in an empty queue");
	expect_fresh_deadline(x, receiver);
	hold_program(x, receiver); /* so that the sender is judged alone */
	sender = run(x, "queue", .args = { "send", QUEUE }, .input = "at last\n");
	release_program(x, receiver);
	expect_exit(x, sender, 0,
		    "the queue is empty, and the receiver that waits must not keep the lock");
	finish(x, receiver);
	if (expect_exit(x, receiver, 0, "the message is there"))
		expect_output(x, receiver, "at last\n", "the message that it waited for");
	expect_state(x, q, 0, "one message came and went");
}

static void full_queue_blocks(struct exam *x)
{
	struct message_queue *q = any_queue(x, QUEUE_SLOTS);
	struct program *sender = start(x, "queue", .args = { "send", QUEUE },
				       .input = "one more\n"),
		       *receiver;
	const char *oldest = waiting_lines(x, q, q->read_index, 2);

	waits_patiently(x, sender, "a free slot in a full queue");
	hold_program(x, sender); /* so that the receiver is judged alone */
	receiver = run(x, "queue", .args = { "recv", QUEUE, "2" });
	release_program(x, sender);
	if (expect_exit(x, receiver, 0,
			"the queue is full, and the sender that waits must not keep the lock"))
		expect_output(x, receiver, oldest, "the oldest messages");
	finish(x, sender);
	expect_exit(x, sender, 0, "slots are free now");
	expect_state(x, q, QUEUE_SLOTS - 1, "two messages went and one came");
}

/* The exam is inside: nobody else comes in, and nobody spins before the door. */
static void taken_lock_blocks(struct exam *x, const char *command)
{
	struct message_queue *q = any_queue(x, 3);
	bool sends = strcmp(command, "send") == 0;
	struct program *p;

	sem_trywait(&q->lock);
	p = start(x, "queue", .args = { command, QUEUE, sends ? NULL : "1" },
		  .input = "one more\n");
	set_limits(x, p, 1000, 30000, 20000);
	if (run_to(x, p, when_blocked(), at_end(), at_sleep()) == 1)
		return; /* it never asks for the lock: another check says so */
	waits_patiently(x, p, "the lock");
	sem_post(&q->lock);
	finish(x, p);
	expect_exit(x, p, 0, "the lock is free again");
	expect_state(x, q, sends ? 4 : 2, "an interrupted wait for the lock has not got it");
}

static void waits_in_the_kernel(struct exam *x)
{
	empty_queue_blocks(x);
	if (!failed(x))
		large_count_waits(x);
	if (!failed(x))
		full_queue_blocks(x);
	if (!failed(x))
		taken_lock_blocks(x, "recv");
	if (!failed(x))
		taken_lock_blocks(x, "send");
}

/* ---- the lock ---- */

static const struct place {
	const char *what;
	size_t offset;
	bool in_slot; /* the offset counts from the slot's beginning */
} places[] = {
	{ "read_index or write_index", offsetof(struct message_queue, read_index), false },
	{ "the beginning of a slot", 0, true },
	{ "the middle of a slot", 32, true },
	{ "the end of a slot", QUEUE_TEXT - 8, true },
};

static const char
	*const long_line = "a line that reaches well into the second half of its slot.....\n";

/* Each load and store of the place happens while the lock is taken: the program is alone, so by
 * itself. */
static void inside_only(struct exam *x, const char *command, const struct place *place,
			enum output_kind printed)
{
	uint32_t slot = (uint32_t)pick(x, 0, QUEUE_SLOTS - 1);
	bool sends = strcmp(command, "send") == 0;
	struct message_queue *q = mapped_queue(x, slot, sends ? 0 : 2);
	size_t offset = place->offset +
			(place->in_slot ? offsetof(struct message_queue, text) + slot * QUEUE_TEXT
					: 0);
	struct watch *watch;
	struct program *p;

	if (!sends)
		strcpy(q->text[slot],
		       "a line that reaches well into the second half of its slot.....");
	watch = watch_file(x, QUEUE, (off_t)offset, 8, WATCH_ACCESSES);
	p = start(x, "queue", .args = { command, QUEUE, sends ? NULL : "1" }, .input = long_line,
		  .stdout_is = printed);
	while (run_to(x, p, at_watch(watch), at_end()) == 0)
		need(x, value_of(&q->lock) == 0,
		     .expected = say(x, "%s is touched while the lock is held", place->what),
		     .observed = "lock is 1: nobody is inside",
		     .from = say(x, "a watchpoint on byte %zu of " QUEUE, offset),
		     .at = last_stop(x, p)->at,
		     .why = "another process may be inside at this moment, and change what is used here");
	unwatch(x, watch); /* whether it takes such a line is another check */
}

/* The exam has the lock. Who waits for it has not yet told anybody of a message or a slot. */
static void nothing_posted_early(struct exam *x, const char *command)
{
	struct message_queue *q = any_queue(x, 3);
	bool sends = strcmp(command, "send") == 0;
	struct program *p;
	int reached;

	sem_trywait(&q->lock);
	p = start(x, "queue", .args = { command, QUEUE, sends ? NULL : "1" }, .input = "one\n");
	reached = run_to(x, p, when_blocked(), at_end());
	need(x, reached == 0, .expected = say(x, "%s waits for the lock", command),
	     .observed = ending_text(x, p), .from = state_text(x, q),
	     .why = "the exam holds the lock: somebody is inside");
	expect(x,
	       value_of(sends ? &q->used_slots : &q->free_slots) == (sends ? 3 : QUEUE_SLOTS - 3),
	       .expected = sends ? "used_slots is posted when the message is in its slot"
				 : "free_slots is posted when the message is out of its slot",
	       .observed = state_text(x, q), .at = waiting(x, waiter(x, p)).at,
	       .from = say(x, "%s waits for the lock", command_of(x, p)),
	       .why = sends ? "a receiver may take a message that is not there yet"
			    : "a sender may overwrite a message that was not read yet");
	sem_post(&q->lock);
	finish(x, p);
}

/* One is held inside its section while the other is let run: the other must wait. */
static void two_at_once(struct exam *x, const char *first, const char *second)
{
	struct message_queue *q = any_queue(x, 10);
	struct watch *watch = watch_file(x, QUEUE, offsetof(struct message_queue, read_index), 8,
					 WATCH_ACCESSES);
	struct program *a = start(x, "queue",
				  .args = { first, QUEUE, first[0] == 'r' ? "1" : NULL },
				  .input = "a\n"),
		       *b;
	const char *at;
	int reached;

	if (run_to(x, a, at_watch(watch), at_end()) != 0)
		return;
	at = last_stop(x, a)->at;
	hold_program(x, a);
	b = start(x, "queue", .args = { second, QUEUE, second[0] == 'r' ? "1" : NULL },
		  .input = "b\n");
	reached = run_to(x, b, when_blocked(), at_watch(watch), at_end());
	need(x, reached == 0,
	     .expected = say(x, "%s waits while %s is held at %s", second, first,
			     at ? at : "its index"),
	     .observed = reached == 1 ? say(x, "both are inside: %s is at %s", second,
					    last_stop(x, b)->at)
				      : ending_text(x, b),
	     .at = reached == 1 ? last_stop(x, b)->at : NULL, .from = state_text(x, q),
	     .why = "both may use the same slot");
	release_program(x, a);
	unwatch(x, watch);
	finish(x, b);
	finish(x, a);
	expect_exit(x, a, 0, "it was released");
	expect_exit(x, b, 0, "the lock is free again");
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines of a text in alphabetical order. */
static const char *sorted(struct exam *x, const char *text)
{
	char *copy = room(x, strlen(text) + 1), *result = room(x, strlen(text) + 1), *end = result,
	     *rest = NULL;
	char **line = room(x, (strlen(text) + 1) * sizeof(*line));
	size_t count = 0;

	strcpy(copy, text);
	for (char *each = strtok_r(copy, "\n", &rest); each; each = strtok_r(NULL, "\n", &rest))
		line[count++] = each;
	qsort(line, count, sizeof(*line), by_text);
	for (size_t i = 0; i < count; i++)
		end += sprintf(end, "%s\n", line[i]);
	return result;
}

/* What the queue holds and what was printed, as one sorted text: every message is somewhere, once.
 */
static const char *everything(struct exam *x, const struct message_queue *q, int used,
			      const char *a, const char *b)
{
	return sorted(x,
		      say(x, "%s%s%s", waiting_lines(x, q, q->read_index, (uint32_t)used), a, b));
}

/*
 * Starts the command and holds it at the `which`th moment at which it has touched the lock and the
 * lock is free. NULL where it has no such moment.
 */
static struct program *held_between(struct exam *x, const char *command, int which, const char **at)
{
	struct watch *watch = watch_file(x, QUEUE, offsetof(struct message_queue, lock), 8,
					 WATCH_ACCESSES);
	struct program *p = start(x, "queue",
				  .args = { command, QUEUE, *command == 's' ? NULL : "1" },
				  .input = "from a\n");
	bool reached;

	do
		reached = run_to(x, p, at_watch(watch), at_end()) == 0;
	while (reached && (value_of(&seen_queue(x)->lock) != 1 || which-- > 0));
	unwatch(x, watch);
	if (!reached)
		return NULL;
	*at = last_stop(x, p)->at;
	hold_program(x, p);
	return p;
}

static const char *said(struct exam *x, struct program *p)
{
	const char *text = output(x, p, NULL);

	return quoted(x, text, strlen(text), 60);
}

/* The one that was held goes on to its end; who has waited for more than the lock (a flock(2) on
 * top of it, say) comes after it. */
static void let_go(struct exam *x, struct program *held, struct program *other)
{
	release_program(x, held);
	finish(x, held);
	if (ending(other).how == STILL_THERE)
		finish(x, other);
}

/* The second does all of its work while the first is held between two sections. */
static bool between_sections(struct exam *x, const char *first, const char *second, int which)
{
	uint32_t slot = (uint32_t)pick(x, 0, QUEUE_SLOTS - 1);
	bool sends[] = { first[0] == 's', second[0] == 's' };
	/* a sender that comes while a receiver takes the last message finds the queue empty */
	int count = sends[1] ? 1 : 5, used = count + (sends[0] ? 1 : -1) + (sends[1] ? 1 : -1);
	struct message_queue *q = queue_image(x, slot, (uint32_t)count);
	const char *before = waiting_lines(x, q, slot, (uint32_t)count), *at;
	struct program *a, *b;

	put_file(x, QUEUE, q, SIZE, 0600);
	a = held_between(x, first, which, &at);
	if (!a)
		return false;
	b = run(x, "queue", .args = { second, QUEUE, sends[1] ? NULL : "1" }, .input = "from b\n");
	let_go(x, a, b);
	expect_exit(x, b, 0, "the lock is free");
	expect_exit(x, a, 0, "the lock is free");
	q = seen_queue(x);
	expect_state(x, q, used, "both have done their work");
	need_good_so_far(x);
	need(x,
	     strcmp(everything(x, q, used, output(x, a, NULL), output(x, b, NULL)),
		    sorted(x, say(x, "%s%s%s", before, sends[0] ? "from a\n" : "",
				  sends[1] ? "from b\n" : ""))) == 0,
	     .expected = "every message is in the queue or printed, once",
	     .observed = say(x, "%s printed %s, %s printed %s", first, said(x, a), second,
			     said(x, b)),
	     .from = say(x, "%s was held with the lock free while %s did its work", first, second),
	     .at = at, .why = "slot and index belong together: one section, not two");
	return true;
}

/* A sender is held between two sections; another one sends, and a receiver takes what it is told to
 * be there. */
static bool between_sender_and_receiver(struct exam *x, int which)
{
	uint32_t slot = (uint32_t)pick(x, 0, QUEUE_SLOTS - 1);
	struct message_queue *q = queue_image(x, slot, 0);
	struct program *a, *b, *c, *d;
	const char *at;

	for (int i = 0; i < QUEUE_SLOTS; i++)
		strcpy(q->text[i], "from long ago");
	put_file(x, QUEUE, q, SIZE, 0600);
	a = held_between(x, "send", which, &at);
	if (!a)
		return false;
	b = run(x, "queue", .args = { "send", QUEUE }, .input = "from b\n");
	c = run(x, "queue", .args = { "recv", QUEUE, "1" });
	let_go(x, a, b);
	if (ending(c).how == STILL_THERE)
		finish(x, c);
	expect_exit(x, b, 0, "the lock is free");
	expect_exit(x, c, 0, "a message was sent");
	expect_exit(x, a, 0, "the lock is free");
	need_good_so_far(x);
	d = run(x, "queue", .args = { "recv", QUEUE, "1" });
	expect_exit(x, d, 0, "two messages were sent");
	need(x,
	     strcmp(sorted(x, say(x, "%s%s", output(x, c, NULL), output(x, d, NULL))),
		    "from a\nfrom b\n") == 0,
	     .expected = "two receivers print the two senders' messages",
	     .observed = say(x, "they print %s and %s", said(x, c), said(x, d)),
	     .from = "a sender was held with the lock free while another one and a receiver worked",
	     .at = at,
	     .why = "an index that has moved says that the text is there: one section, not two");
	return true;
}

/* A receiver is held between two sections, and the queue is full: a sender may have the slot only
 * when its text is out. */
static bool between_receiver_and_sender(struct exam *x, int which)
{
	uint32_t slot = (uint32_t)pick(x, 0, QUEUE_SLOTS - 1);
	struct message_queue *q = queue_image(x, slot, QUEUE_SLOTS);
	const char *oldest = waiting_lines(x, q, slot, 1), *at;
	struct program *a, *b;

	put_file(x, QUEUE, q, SIZE, 0600);
	a = held_between(x, "recv", which, &at);
	if (!a)
		return false;
	b = start(x, "queue", .args = { "send", QUEUE }, .input = "from b\n");
	run_to(x, b, when_blocked(), at_end());
	release_program(x, a);
	finish(x, a);
	kill_program(x, b);
	expect_exit(x, a, 0, "the lock is free");
	need_good_so_far(x);
	need(x, strcmp(output(x, a, NULL), oldest) == 0,
	     .expected = say(x, "recv prints %s", quoted(x, oldest, strlen(oldest), 60)),
	     .observed = said(x, a),
	     .from = "recv was held with the lock free while a sender waited for its slot",
	     .at = at,
	     .why = "a sender overwrites the slot once free_slots is posted: the text must be out");
	return true;
}

static void two_at_work(struct exam *x)
{
	const char *lines = fresh_lines(x, 3 * QUEUE_SLOTS + 30);
	struct program *sender, *receiver;

	any_queue(x, 0);
	sender = start(x, "queue", .args = { "send", QUEUE }, .input = lines);
	receiver = start(x, "queue", .args = { "recv", QUEUE, say(x, "%d", 3 * QUEUE_SLOTS + 30) });
	finish(x, receiver);
	finish(x, sender);
	/* the sender of a receiver that gave up waits for ever: that is not the sender's mistake */
	if (expect_exit(x, receiver, 0, "sender and receiver at work together"))
		expect_output(x, receiver, lines, "first in, first out, while both are at work");
	if (!failed(x))
		expect_exit(x, sender, 0, "sender and receiver at work together");
}

static void four_at_work(struct exam *x)
{
	const char *one = fresh_lines(x, 150), *two = fresh_lines(x, 150), *sent, *got;
	struct message_queue *q = any_queue(x, 0);
	struct program *p[4];

	p[0] = start(x, "queue", .args = { "send", QUEUE }, .input = one);
	p[1] = start(x, "queue", .args = { "recv", QUEUE, "170" });
	p[2] = start(x, "queue", .args = { "send", QUEUE }, .input = two);
	p[3] = start(x, "queue", .args = { "recv", QUEUE, "130" });
	for (int i = 0; i < 4; i++) {
		finish(x, p[i]);
		expect_exit(x, p[i], 0, "two senders and two receivers at work");
	}
	sent = sorted(x, say(x, "%s%s", one, two));
	got = sorted(x, say(x, "%s%s", output(x, p[1], NULL), output(x, p[3], NULL)));
	expect(x, strcmp(sent, got) == 0,
	       .expected = "two receivers print each of the two senders' 300 lines once",
	       .observed = "a line is missing, doubled or torn", .from = state_text(x, q),
	       .why = "the lock lets one in at a time");
	expect_state(x, q, 0, "every message was taken");
}

static void lock_guards_everything(struct exam *x)
{
	static const char *const commands[] = { "send", "recv" };

	for (int i = 0; i < 2; i++)
		nothing_posted_early(x, commands[i]);
	if (!failed(x))
		two_at_work(x);
	if (!failed(x))
		four_at_work(x);
	need_watchpoints(x);
	for (int i = 0; i < 2; i++)
		for (size_t k = 0; k < sizeof(places) / sizeof(*places); k++)
			inside_only(x, commands[i], &places[k], OUTPUT_PIPE);
	/* a message that cannot be printed may be put back: inside, too */
	for (size_t k = 0; k < sizeof(places) / sizeof(*places); k++)
		inside_only(x, "recv", &places[k], OUTPUT_FULL);
	for (int i = 0; i < 4 && !failed(x); i++)
		two_at_once(x, commands[i & 1], commands[i >> 1]);
	for (int i = 0; i < 4 && !failed(x); i++)
		for (int which = 0;
		     which < 3 && between_sections(x, commands[i & 1], commands[i >> 1], which);
		     which++)
			;
	for (int which = 0; which < 3 && !failed(x) && between_sender_and_receiver(x, which);
	     which++)
		;
	for (int which = 0; which < 3 && !failed(x) && between_receiver_and_sender(x, which);
	     which++)
		;
}

/* ---- lines, good and bad ---- */

/* Lines with every byte but NUL and newline, of every length that is allowed at its limits. */
static const char *odd_lines(struct exam *x)
{
	char *lines = room(x, 1024), *end = lines;
	size_t column = 0;

	end += sprintf(end, "%%s %%n %%d %%%%\n\n\n\t \\n \r\n ");
	end += sprintf(end, "\n%s\n", pick_word(x, QUEUE_TEXT - 1));
	for (int byte = 1; byte < 256; byte++) {
		if (byte == '\n')
			continue;
		*end++ = (char)byte;
		if (++column % (QUEUE_TEXT - 1) == 0)
			*end++ = '\n';
	}
	strcpy(end, "\n\nthe last line has no newline");
	return lines;
}

static int lines_in(const char *text)
{
	int count = 0;

	for (; *text; text++)
		count += *text == '\n' || text[1] == '\0';
	return count;
}

/* `rest` follows the bad line: its newline and a good line, or nothing at all. */
static void bad_line(struct exam *x, const char *bad, size_t size, const char *rest,
		     const char *why)
{
	const char *before = fresh_lines(x, 3);
	struct message_queue *q = any_queue(x, 0);
	char *input = room(x, strlen(before) + size + 32);
	struct program *p;

	strcpy(input, before);
	memcpy(input + strlen(before), bad, size);
	strcpy(input + strlen(before) + size, rest);
	p = run(x, "queue", .args = { "send", QUEUE }, .input = input,
		.input_size = strlen(before) + size + strlen(rest));
	expect_error(x, p, why);
	expect_output(x, p, "", "an error is said on stderr alone");
	expect(x, q->write_index == (q->read_index + 3) % QUEUE_SLOTS,
	       .expected = "the three lines before it are sent, no more",
	       .observed = say(x, "%s after `%s`", state_text(x, q), command_of(x, p)),
	       .why = say(x, "%s: send ends there", why));
	if (expect_state(x, q, 3, "a refused line takes no slot with it, and no lock"))
		receive_text(x, 3, before, "the lines before the bad one");
}

static void failed_read(struct exam *x)
{
	struct message_queue *q = any_queue(x, 2);
	struct program *p = start(x, "queue", .args = { "send", QUEUE }, .stdin_is = INPUT_BROKEN);

	set_limits(x, p, 500, 10000, 600000); /* who tries for ever need not do so for long */
	finish(x, p);
	expect_error(x, p, "read(2) of standard input failed: that is not the end of the input");
	expect_state(x, q, 2, "nothing was sent");
}

/* Has the program read its input, and never more than a few bytes at once? */
static bool reads_by_bytes(struct exam *x, struct program *p)
{
	enum { FEW = 8 };
	const struct event *event = NULL;
	size_t reads = 0;

	while ((event = next_call(x, p, event, call_set_family(FAMILY_READ), NULL)) != NULL) {
		if (event->result > FEW)
			return false;
		reads++;
	}
	return reads > 0;
}

/*
 * More than fits the usual buffers, so that many a line lies across the end of one. The exam takes
 * the messages whenever the queue is full. Who does not wait in the kernel is not judged by this,
 * and who has no buffer need not read all of it byte by byte.
 */
static void more_than_a_buffer(struct exam *x)
{
	enum { LINES = 1500 };
	const char *lines = lines_of(x, LINES, 30, 56), *line = lines;
	struct message_queue *q = any_queue(x, 0);
	struct program *p = start(x, "queue", .args = { "send", QUEUE }, .input = lines);
	int reached;

	set_limits(x, p, 1000, 30000, 20000);
	do {
		reached = run_to(x, p, when_blocked(), at_end());
		need(x, reached != 0 || value_of(&q->used_slots) > 0,
		     .expected = "send goes on while its messages are taken out of the queue",
		     .observed = ending_text(x, p), .from = state_text(x, q),
		     .why = "no message is there to be taken: who waits for a slot holds no lock, and has posted all that it has put");
		while (value_of(&q->used_slots) > 0) {
			const char *end = strchrnul(line, '\n'), *got = take_message(x, q);

			need(x, *end && strncmp(line, got, strlen(got)) == 0,
			     .expected = say(x, "the message %s",
					     quoted(x, line, (size_t)(end - line), 80)),
			     .observed = quoted(x, got, strlen(got) - 1, 80),
			     .from = say(x,
					 "the slots in " QUEUE "; the line begins at byte %td of "
					 "the input",
					 line - lines),
			     .why = "a line may end in another buffer than the one in which it began");
			line = end + 1;
		}
		if (reads_by_bytes(x, p))
			return;
	} while (reached == 0);
	if (reached == 1 || ending(p).how != STILL_THERE) {
		expect_exit(x, p, 0, "all its lines are good, and each found a free slot");
		expect(x, *line == '\0', .expected = say(x, "all %d lines are sent", LINES),
		       .observed = say(x, "the last ones are not, from byte %td of the input on",
				       line - lines),
		       .from = command_of(x, p), .why = "the input ends where a read returns 0");
	}
}

static void lines_arrive_unchanged(struct exam *x)
{
	static const char long_word[] = "0123456789 0123456789 0123456789 0123456789 0123456789 "
					"0123456789 0123456789 0123456789 0123456789 0123456789 "
					"0123456789 0123456789 0123456789 0123456789 0123456789 ";
	static const struct {
		const char *bad;
		size_t size;
		const char *why;
	} refused[] = {
		{ long_word, QUEUE_TEXT, "a line of 64 bytes has no room for its NUL" },
		{ long_word, 2 * QUEUE_TEXT - 1, "a line of 127 bytes is not two messages" },
		{ long_word, sizeof(long_word) - 1, "a line of 165 bytes fits no slot" },
		{ "cut\0off", 7, "a NUL inside a line would cut it" },
		{ "", 1, "a line of one NUL would arrive as an empty one" },
	};
	const char *lines = odd_lines(x);
	struct message_queue *q = any_queue(x, 0);

	send_text(x, lines);
	receive_text(x, lines_in(lines), say(x, "%s\n", lines),
		     "every byte but newline and NUL is text, an empty line is a message");
	if (!failed(x))
		expect_state(x, q, 0, "every message was taken, and its slot given back");
	if (!failed(x))
		more_than_a_buffer(x);
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		if (!failed(x))
			bad_line(x, refused[i].bad, refused[i].size, "\nnot this\n",
				 refused[i].why);
		if (!failed(x))
			bad_line(x, refused[i].bad, refused[i].size, "",
				 say(x, "%s, and the last line is one without a newline too",
				     refused[i].why));
	}
	if (!failed(x))
		failed_read(x);
}

/* ---- nothing kept back ---- */

/*
 * To the moment at which the program has read all there is and can do nothing but wait for more. A
 * read that finds nothing and does not wait (O_NONBLOCK, a poll with time-out 0) is not yet it: the
 * lines may be sent after that. Who only ever looks and naps, or looks without end, is taken at a
 * look.
 */
static void need_hungry(struct exam *x, struct program *p)
{
	enum { NAPS = 50 };

	for (int naps = 0; naps < NAPS; naps++) {
		int reached = run_to(x, p, when_blocked(), at_sleep());

		if (reached == 0 && unread_input(x, p) == 0)
			return;
		if (reached != 1)
			break;
	}
	do
		need_moment(x, p, at_read_of(STDIN_FILENO), "the next read of standard input");
	while (unread_input(x, p) > 0);
}

static void sent_before_the_next_read(struct exam *x)
{
	struct message_queue *q = any_queue(x, 0);
	struct program *p = start(x, "queue", .args = { "send", QUEUE }, .typed = true);
	const char *why =
		"this read may block for ever: the lines before it are sent, and nothing is held meanwhile";

	set_limits(x, p, 500, 30000, 600000);
	need_hungry(x, p);
	expect_state(x, q, 0, "nothing was read, nothing is held");
	feed(x, p, "first\n");
	need_hungry(x, p);
	expect_state(x, q, 1, why);
	feed(x, p, "second\nthird\nhalf a li");
	need_hungry(x, p);
	expect_state(x, q, 3, why);
	feed(x, p, "ne\n");
	feed_end(x, p);
	finish(x, p);
	expect_exit(x, p, 0, "the input has ended");
	if (expect_state(x, q, 4, "all lines are sent"))
		receive_text(x, 4, "first\nsecond\nthird\nhalf a line\n", "all lines, in order");
}

/* A line that still waits for its slot is the only one that send has read. */
static void reads_no_line_ahead(struct exam *x)
{
	struct message_queue *q = any_queue(x, QUEUE_SLOTS);
	struct program *p = start(x, "queue", .args = { "send", QUEUE }, .typed = true);

	set_limits(x, p, 500, 30000, 600000);
	need_hungry(x, p);
	feed(x, p, "one\n");
	run_to(x, p, when_blocked(), at_end());
	feed(x, p, "two\n");
	run_to(x, p, when_blocked(), at_end());
	expect(x, unread_input(x, p) <= strlen("two\n"),
	       .expected = "the first line is read although there is no free slot yet",
	       .observed = "it is not: the program waits before it has anything to send",
	       .from = command_of(x, p),
	       .why = "it might be the end of the input that comes next, and that needs no slot");
	expect(x, unread_input(x, p) >= strlen("two\n"),
	       .expected = "the second line is not read while the first one waits for a free slot",
	       .observed = say(x, "only %zu of its 4 bytes are still there", unread_input(x, p)),
	       .from = command_of(x, p),
	       .why = "what was read and is in no queue is lost with the process that holds it");
	take_message(x, q);
	take_message(x, q);
	feed_end(x, p);
	finish(x, p);
	expect_exit(x, p, 0, "two slots are free now");
	expect_state(x, q, QUEUE_SLOTS, "two messages went and two came");
}

static void printed_before_the_next_wait(struct exam *x)
{
	struct message_queue *q = any_queue(x, 2);
	const char *two = waiting_lines(x, q, q->read_index, 2);
	struct program *p = start(x, "queue", .args = { "recv", QUEUE, "4" });

	need_moment(x, p, when_blocked(), "recv waits for a third message");
	expect_output(x, p, two,
		      "both messages are out before the wait for the third, which may never come");
	put_message(q, "and one more");
	need_moment(x, p, when_blocked(), "recv waits for a fourth message");
	expect_output(x, p, say(x, "%sand one more\n", two), "out before the next wait");
	kill_program(x, p);
	if (!expect_state(x, q, 0, "recv was killed while it waited: it has taken nothing with it"))
		return;
	put_message(q, "for the next one");
	receive_text(x, 1, "for the next one\n", "the receiver before was killed while it waited");
}

/*
 * Two messages are there. Where recv touches used_slots for the `which`th time another receiver is
 * faster. What recv has got is printed when it waits; what it has not got is no business of its.
 * False where there is no such moment.
 */
static bool other_receiver_is_faster(struct exam *x, int which)
{
	struct message_queue *q = any_queue(x, 2);
	struct watch *watch = watch_file(x, QUEUE, offsetof(struct message_queue, used_slots), 8,
					 WATCH_ACCESSES);
	const char *first = waiting_lines(x, q, q->read_index, 1),
		   *rest = waiting_lines(x, q, q->read_index, 2) + strlen(first), *at;
	struct program *p = start(x, "queue", .args = { "recv", QUEUE, "3" });
	bool reached;

	do
		reached = run_to(x, p, at_watch(watch), when_blocked(), at_end()) == 0;
	while (reached && which-- > 0);
	unwatch(x, watch);
	if (!reached)
		return false;
	at = last_stop(x, p)->at;
	if (value_of(&q->used_slots) == 0 || value_of(&q->lock) != 1)
		return true;
	/* the other one takes the oldest message that is there: recv may have the first already */
	if (strcmp(take_message(x, q), first) != 0)
		rest = first;
	need_moment(x, p, when_blocked(), "recv waits for a message");
	expect(x, strcmp(output(x, p, NULL), rest) == 0,
	       .expected = say(x, "recv has printed %s when it waits",
			       quoted(x, rest, strlen(rest), 60)),
	       .observed = say(x, "it has printed %s", said(x, p)), .at = at,
	       .from = "another receiver took a message while recv looked at used_slots",
	       .why = "each message that it has claimed is out before it waits: killed there, it loses none");
	kill_program(x, p);
	return true;
}

static void full_output(struct exam *x, enum output_kind kind, const char *what)
{
	struct message_queue *q = any_queue(x, 4);
	uint32_t first = q->read_index;
	struct program *p = run(x, "queue", .args = { "recv", QUEUE, "1" }, .stdout_is = kind);
	int used;

	if (!(kind == OUTPUT_GONE && ending(p).how == KILLED && ending(p).status == SIGPIPE))
		expect_error(x, p, what);
	used = value_of(&q->used_slots);
	if (used != 4)
		used = 3; /* the message at hand may be lost, or put back */
	if (!expect_state(
		    x, q, used,
		    say(x, "%s: the one message may be lost, the lock and the slot may not", what)))
		return;
	receive_text(x, 2, waiting_lines(x, q, first + 4 - (uint32_t)used, 2),
		     "what waited behind it");
}

/* Three messages are asked for. Those in hand at the first write that fails may be lost, or put
 * back; no other one is taken after it. */
static void ends_at_a_failed_write(struct exam *x)
{
	struct message_queue *q = any_queue(x, 4);
	struct program *p = start(x, "queue", .args = { "recv", QUEUE, "3" },
				  .stdout_is = OUTPUT_FULL);
	bool refused = false;
	int used;

	while (!refused && run_to(x, p, after_calls(call_set_family(FAMILY_WRITE)), at_end()) == 0)
		refused = last_stop(x, p)->event->result == -ENOSPC;
	used = value_of(&q->used_slots);
	finish(x, p);
	expect_error(x, p, "standard output is a full disk");
	expect(x, !refused || value_of(&q->used_slots) >= used,
	       .expected = say(x, "recv ends at the write that failed: used_slots %d", used),
	       .observed = state_text(x, q), .from = command_of(x, p),
	       .why = "each further message that it takes is lost, too");
}

static void nothing_kept_back(struct exam *x)
{
	struct message_queue *q;
	struct program *p;

	sent_before_the_next_read(x);
	if (!failed(x))
		reads_no_line_ahead(x);
	if (!failed(x))
		printed_before_the_next_wait(x);
	for (int which = 0;
	     which < 4 && !failed(x) && have_watchpoints(x) && other_receiver_is_faster(x, which);
	     which++)
		;
	if (!failed(x))
		full_output(x, OUTPUT_FULL, "standard output is a full disk");
	if (!failed(x))
		full_output(x, OUTPUT_GONE, "nobody reads standard output any more");
	if (!failed(x))
		ends_at_a_failed_write(x);
	q = any_queue(x, QUEUE_SLOTS);
	p = run(x, "queue", .args = { "send", QUEUE });
	expect_exit(x, p, 0, "no line, no slot needed: the end of the input is the end");
	expect_state(x, q, QUEUE_SLOTS, "nothing was sent");
}

/* ---- the lab ---- */

static void show(struct exam *x, const char *const *args)
{
	struct program *sender, *receiver;

	(void)args;
	run(x, "queue", .args = { "create", QUEUE });
	receiver = start(x, "queue", .args = { "recv", QUEUE, "2" });
	run_to(x, receiver, when_blocked(), at_end());
	sender = start(x, "queue", .args = { "send", QUEUE }, .input = "hello\nworld\n");
	finish(x, sender);
	finish(x, receiver);
	run(x, "queue", .args = { "destroy", QUEUE });
}

LAB(.id = "07-message-queue", .title = "A message queue in a file",
    .programs = { { "queue", NULL } }, .show = show,
    .checks = {
	    { .id = "file-holds-the-struct",
	      .points = 2,
	      .task = 1,
	      .title =
		      "the file has exactly the struct's size and mode 0600, and mappings cover all of it",
	      .run = file_holds_the_struct,
	      .hints = { "How many bytes has struct message_queue, and how many has a page?",
			 "ftruncate(2) and mmap(2) both want sizeof(struct message_queue). Does the umask let you have 0600?",
			 "ftruncate(fd, sizeof(*queue)); mmap(NULL, sizeof(*queue), …, MAP_SHARED, fd, 0); fchmod(fd, 0600)" } },
	    { .id = "semaphores-start-right",
	      .points = 2,
	      .task = 1,
	      .needs = "file-holds-the-struct",
	      .title = "the semaphores are process-shared and start at 100, 0 and 1",
	      .run = semaphores_start_right,
	      .hints = { "How many slots are free in a new queue, how many messages are there, how many may go in?",
			 "sem_init(3): what does the second argument say, and to whom?",
			 "sem_init(&queue->free_slots, 1, QUEUE_SLOTS); used_slots starts at 0, lock at 1" } },
	    { .id = "magic-comes-last",
	      .points = 2,
	      .task = 1,
	      .needs = "file-holds-the-struct",
	      .title = "the magic number is stored after everything else",
	      .run = magic_comes_last,
	      .hints = { "Another process may map the file between any two of your stores. What tells it that you are done?",
			 "Store the magic number when nothing else is left to do, so that the compiler cannot move it up either.",
			 "atomic_store_explicit(&queue->magic, QUEUE_MAGIC, memory_order_release) as the last line" } },
	    { .id = "create-is-all-or-nothing",
	      .points = 2,
	      .task = 1,
	      .needs = "file-holds-the-struct",
	      .title = "create refuses an existing name, and leaves none when it fails",
	      .run = create_is_all_or_nothing,
	      .hints = { "What happens to a queue in use when somebody creates it again? What can happen between a look and open?",
			 "open(2): which flag makes looking and making one step, and refuses a link, too? What does mmap return when it fails?",
			 "open(path, O_RDWR | O_CREAT | O_EXCL, 0600), and unlink(path) when a later call fails" } },
	    { .id = "only-a-queue-is-opened",
	      .points = 2,
	      .task = 2,
	      .needs = "file-holds-the-struct",
	      .title =
		      "send, recv and destroy refuse whatever is no ready queue, and leave it as it was",
	      .run = only_a_queue_is_opened,
	      .hints = { "Whose file is it? You know its name; what else do you know?",
			 "open(2): O_NOFOLLOW, and O_NONBLOCK for the FIFO. Then fstat(2) on what was opened, not stat(2) on the name.",
			 "S_ISREG(st.st_mode), st.st_size == sizeof(*queue), then the magic number, then the version",
			 "destroy opens the queue as the others do before it calls unlink(2)" } },
	    { .id = "order-over-three-wraps",
	      .points = 2,
	      .task = 3,
	      .needs = "semaphores-start-right",
	      .title = "messages come out in the order in which they went in, round after round",
	      .run = order_over_three_wraps,
	      .hints = { "Which slot follows slot 99? What does a second sender find in the queue?",
			 "Only create sets the indexes; send and recv move them, each its own.",
			 "queue->write_index = (queue->write_index + 1) % QUEUE_SLOTS" } },
	    { .id = "waits-in-the-kernel",
	      .points = 2,
	      .task = 3,
	      .needs = "order-over-three-wraps",
	      .title =
		      "a full queue blocks the sender and an empty one the receiver, in the kernel",
	      .run = waits_in_the_kernel,
	      .hints = { "What does your program do while it waits? Ask top(1). And who could end its wait?",
			 "Whoever waits for a slot must not hold the lock. sem_wait(3): what does it return when a signal handler has run?",
			 "while (sem_wait(&queue->free_slots) == -1) if (errno != EINTR) …; and the lock after that" } },
	    { .id = "lock-guards-everything",
	      .points = 2,
	      .task = 3,
	      .needs = "waits-in-the-kernel",
	      .title = "indexes and slots are touched by the holder of the lock alone",
	      .run = lock_guards_everything,
	      .hints = { "Two senders read write_index at the same moment. Which slot do they use?",
			 "Between the two calls that take and give the lock stand all loads and stores of indexes and text.",
			 "wait slot, wait lock, copy, move the index, post lock, post the other semaphore" } },
	    { .id = "lines-arrive-unchanged",
	      .points = 2,
	      .task = 4,
	      .needs = "order-over-three-wraps",
	      .title = "every line arrives byte for byte, and a bad line ends send without harm",
	      .run = lines_arrive_unchanged,
	      .hints = { "How long is the longest line that fits a slot with its NUL? What is an empty line?",
			 "fgets(3) cannot tell a NUL in the line from its end; getline(3) and getchar(3) can. Look at the line before you take a slot.",
			 "puts(text), never printf(text); ferror(stdin) after the last line" } },
	    { .id = "nothing-kept-back",
	      .points = 2,
	      .task = 5,
	      .needs = "waits-in-the-kernel",
	      .title = "each line is handed on before the next wait, and a failure keeps nothing",
	      .run = nothing_kept_back,
	      .hints = { "Pipe recv into cat and send one line. When do you see it?",
			 "stdio keeps output for a pipe until its buffer is full. What do you hold when write(2) fails, or when you are killed?",
			 "copy the text out, post lock and free_slots, then print and fflush(stdout), and look at what they return" } },
    });
