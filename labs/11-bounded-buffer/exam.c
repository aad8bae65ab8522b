/*
 * Lab 11: a bounded buffer in shared memory, made by shm_open and by shmget. What happens in the
 * memory is judged by the same scenes for both; `struct kind` says how the memory is named, `struct
 * store` is one buffer that we can see.
 */
#include "exam/exam.h"

#include <sys/ipc.h>
#include <sys/shm.h>

#include "bounded_buffer.h"

#define NAME	"/buffer"
#define OBJECT	"/dev/shm/buffer"
#define KEYFILE "key"
#define HEADER	sizeof(struct bounded_buffer)

enum { PROJECT = 66, TID_BITS = 0x3fffffff, OWNER_DIED = 0x40000000 };

struct kind {
	const char *program;
	const char *target; /* its argument */
	bool sysv;
	struct program *keeper; /* System V: the actor that sees to the segments */
	int mutex_type; /* bits of the mutex's kind that create is free to choose: see learn_type()
			 */
};

struct store {
	const struct kind *kind;
	struct bounded_buffer *b; /* a copy of it, taken by look() */
	size_t size;
	struct process *keeper; /* System V: it is attached … */
	uint64_t at;		/* … here */
};

static size_t size_for(uint32_t capacity)
{
	return HEADER + capacity * sizeof(int64_t);
}

/* ---- the keeper: an actor that is attached to the segment, so that the exam can look at it ----
 */

/* Does what the lines on stdin say: make SIZE, find SIZE, remove ID. */
static int keeper_main(int argc, char **argv)
{
	char what[16];
	size_t number;
	void *at = NULL;

	(void)argc;
	(void)argv;
	while (scanf("%15s %zu", what, &number) == 2) {
		const bool make = strcmp(what, "make") == 0;
		int id;

		if (strcmp(what, "remove") == 0) {
			if (shmctl((int)number, IPC_RMID, NULL) == -1)
				return 1;
			continue;
		}
		if (at != NULL)
			shmdt(at);
		id = shmget(ftok(KEYFILE, PROJECT), number, make ? IPC_CREAT | IPC_EXCL | 0600 : 0);
		if (id == -1 || (at = shmat(id, NULL, 0)) == (void *)-1)
			return 1;
	}
	return 0;
}

static void tell_keeper(struct exam *x, const struct kind *kind, const char *what, size_t number)
{
	int reached;

	feed(x, kind->keeper, say(x, "%s %zu\n", what, number));
	do
		reached = run_to(x, kind->keeper, at_read_of(STDIN_FILENO));
	while (reached == 0 && unread_input(x, kind->keeper) > 0);
	if (reached != 0)
		broken(x, say(x, "the keeper could not %s %zu", what, number));
}

static struct kind start_posix(void)
{
	return (struct kind){ .program = "buffer", .target = NAME };
}

static struct program *start_keeper(struct exam *x)
{
	return start(x, NULL, .actor = "keeper", .typed = true);
}

static struct kind start_sysv(struct exam *x)
{
	struct kind kind = { .program = "sysv", .target = KEYFILE, .sysv = true };

	kind.keeper = start_keeper(x);
	return kind;
}

static void attach_keeper(struct exam *x, struct store *s, const char *how)
{
	const struct maps *maps;

	tell_keeper(x, s->kind, how, s->size);
	s->keeper = first_process(s->kind->keeper);
	maps = maps_now(x, s->keeper);
	for (size_t i = 0; i < maps->count; i++)
		if (strncmp(maps->vma[i].path, "/SYSV", 5) == 0)
			s->at = maps->vma[i].start;
	if (!s->at)
		broken(x, "the keeper's segment is not in its maps");
	s->b = room(x, s->size);
}

/* ---- a buffer that the exam can see ---- */

/* What stands in the memory now, copied. */
static struct bounded_buffer *look(struct exam *x, struct store *s)
{
	if (!s->keeper)
		s->b = (struct bounded_buffer *)file_bytes(x, OBJECT, 0, s->size).data;
	else if (!peek(x, s->keeper, s->at, s->b, s->size))
		broken(x, "the keeper's segment cannot be read");
	return s->b;
}

/* A copy of it, but for the mutex: to lock and unlock it changes nothing that matters. */
static const void *copy_of(struct exam *x, struct store *s)
{
	struct bounded_buffer *copy = memcpy(room(x, s->size + HEADER), look(x, s), s->size);

	memset(&copy->mutex, 0, sizeof(copy->mutex));
	return copy;
}

static struct watch *watch_at(struct exam *x, struct store *s, size_t offset, enum watch_kind kind)
{
	if (s->keeper)
		return watch_memory(x, s->keeper, s->at + offset, 8, kind);
	return watch_file(x, OBJECT, (off_t)offset, 8, kind);
}

/* The segments but for those that are marked for removal: a keeper may still be attached to them.
 */
static const struct shm_row *living_segments(struct exam *x, size_t *count)
{
	const struct shm_row *all = segments(x, count);
	struct shm_row *row = room(x, (*count + 1) * sizeof(*row));
	size_t living = 0;

	for (size_t i = 0; i < *count; i++)
		if (!(all[i].mode & 01000))
			row[living++] = all[i];
	*count = living;
	return row;
}

/* No buffer of this kind is left. */
static void clear(struct exam *x, const struct kind *kind)
{
	const struct shm_row *row;
	size_t count;

	if (!kind->sysv) {
		if (name_exists(x, OBJECT))
			remove_name(x, OBJECT);
		return;
	}
	row = living_segments(x, &count);
	for (size_t i = 0; i < count; i++)
		tell_keeper(x, kind, "remove", (size_t)row[i].id);
	if (!name_exists(x, KEYFILE))
		put_text(x, KEYFILE, "");
}

/* These bytes under the name. */
static struct store put_bytes_there(struct exam *x, const struct kind *kind, const void *data,
				    size_t size)
{
	struct store s = { .kind = kind, .size = size };

	clear(x, kind);
	if (kind->sysv) {
		attach_keeper(x, &s, "make");
		if (!poke(x, s.keeper, s.at, data, size))
			broken(x, "the keeper's segment cannot be written");
	} else {
		put_file(x, OBJECT, data, size, 0600);
	}
	return s;
}

static void prepare(struct bounded_buffer *b, const struct kind *kind, uint32_t capacity,
		    uint32_t count)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&b->mutex, &attributes);
	b->mutex.__data.__kind |= kind->mutex_type;
	sem_init(&b->empty, 1, capacity - count);
	sem_init(&b->full, 1, count);
	b->capacity = capacity;
	b->magic = BUFFER_MAGIC;
}

/* A good buffer that holds first, first + 1, … (count of them), the oldest at place `head`. */
static struct store put_buffer(struct exam *x, const struct kind *kind, uint32_t capacity,
			       uint32_t head, int64_t first, uint32_t count)
{
	struct bounded_buffer *b = room(x, size_for(capacity));

	prepare(b, kind, capacity, count);
	b->head = head;
	b->tail = (head + count) % capacity;
	for (uint32_t i = 0; i < count; i++)
		b->item[(head + i) % capacity] = first + i;
	return put_bytes_there(x, kind, b, size_for(capacity));
}

static int value_of(sem_t *semaphore)
{
	int value = -1;

	sem_getvalue(semaphore, &value);
	return value;
}

static unsigned mutex_word(const struct bounded_buffer *b)
{
	unsigned word;

	memcpy(&word, &b->mutex, sizeof(word));
	return word;
}

/* The thread id in the mutex: 0 when it is free. */
static int owner_of(const struct bounded_buffer *b)
{
	return (int)(mutex_word(b) & TID_BITS);
}

static const char *state_text(struct exam *x, struct store *s)
{
	struct bounded_buffer *b = look(x, s);

	return say(x, "owner in the mutex %d, empty %d, full %d, head %u, tail %u", owner_of(b),
		   value_of(&b->empty), value_of(&b->full), b->head, b->tail);
}

/* ---- the student's programs ---- */

static const char *number(struct exam *x, int64_t n)
{
	return say(x, "%lld", (long long)n);
}

/* The lines `from` … `to`. */
static const char *lines(struct exam *x, int64_t from, int64_t to)
{
	char *text = room(x, from > to ? 1 : (size_t)(to - from + 1) * 22 + 1), *end = text;

	for (int64_t i = from; i <= to; i++) {
		end += sprintf(end, "%lld\n", (long long)i);
		if (i == INT64_MAX)
			break;
	}
	return text;
}

static struct program *start_producer(struct exam *x, const struct kind *kind, int64_t from,
				      int64_t to)
{
	return start(x, kind->program,
		     .args = { "produce", kind->target, number(x, from), number(x, to) });
}

static struct program *start_consumer(struct exam *x, const struct kind *kind, int64_t count)
{
	return start(x, kind->program, .args = { "consume", kind->target, number(x, count) });
}

static struct program *produce(struct exam *x, const struct kind *kind, int64_t from, int64_t to,
			       const char *why)
{
	struct program *p = start_producer(x, kind, from, to);

	finish(x, p);
	expect_exit(x, p, 0, why);
	expect_output(x, p, "", "produce prints nothing");
	return p;
}

static struct program *consume(struct exam *x, const struct kind *kind, int64_t from, int64_t to,
			       const char *why)
{
	struct program *p = start_consumer(x, kind, to - from + 1);

	finish(x, p);
	if (expect_exit(x, p, 0, why))
		expect_output(x, p, lines(x, from, to), why);
	return p;
}

static struct program *create(struct exam *x, const struct kind *kind, uint32_t capacity)
{
	return run(x, kind->program, .args = { "create", kind->target, number(x, capacity) });
}

static void need_created(struct exam *x, const struct kind *kind, uint32_t capacity)
{
	struct program *p = create(x, kind, capacity);

	expect_exit(x, p, 0, "there was none, and the capacity is possible");
	need_good_so_far(x);
	expect_output(x, p, "", "create prints nothing");
}

/* What create has made, to look at. */
static struct store created(struct exam *x, const struct kind *kind, uint32_t capacity)
{
	struct store s = { .kind = kind, .size = size_for(capacity) };

	if (kind->sysv)
		attach_keeper(x, &s, "find");
	return s;
}

/*
 * Type and protocol of the mutex are free, and produce may rely on those that create has chosen: a
 * section inside a section needs a recursive one. So ours is of the same kind.
 */
static void learn_type(struct exam *x, struct kind *kind)
{
	enum { TYPE = 0x03, PRIORITY_INHERITANCE = 0x20 }; /* glibc's bits in __kind */
	struct store s;

	clear(x, kind);
	need_created(x, kind, 1);
	s = created(x, kind, 1);
	kind->mutex_type = look(x, &s)->mutex.__data.__kind & (TYPE | PRIORITY_INHERITANCE);
	clear(x, kind);
}

/* Nobody is at work, nobody was killed: the mutex was given back, the indexes are places, and each
 * place is counted once, as empty or as full. */
static void expect_at_rest(struct exam *x, struct store *s, struct program *p, uint32_t capacity,
			   uint32_t count)
{
	struct bounded_buffer *b = look(x, s);
	const char *from = say(x, "after `%s`: %s", command_of(x, p), state_text(x, s));

	expect(x, !(mutex_word(b) & (TID_BITS | OWNER_DIED)), .expected = "the mutex is free again",
	       .observed = mutex_word(b) & OWNER_DIED ? "its owner ended with it in his hands"
						      : "it has an owner",
	       .from = from, .why = "whoever comes next would have to clear up after a death");
	expect(x, b->head < capacity && b->tail < capacity,
	       .expected = say(x, "head and tail below %u when the mutex is free", capacity),
	       .observed = say(x, "head %u, tail %u", b->head, b->tail), .from = from,
	       .why = "the last place is followed by the first: others use the index as it stands");
	expect(x,
	       value_of(&b->empty) == (int)(capacity - count) && value_of(&b->full) == (int)count,
	       .expected = say(x, "empty %u, full %u", capacity - count, count),
	       .observed = say(x, "empty %d, full %d", value_of(&b->empty), value_of(&b->full)),
	       .from = from, .why = "each item is one post of full and each place one of empty");
}

/* ---- create ---- */

static void expect_values(struct exam *x, struct store *s, uint32_t capacity)
{
	struct bounded_buffer *b = look(x, s);

	/* any place may be the first */
	expect(x,
	       b->magic == BUFFER_MAGIC && b->capacity == capacity && b->head == b->tail &&
		       b->head < capacity,
	       .expected = say(x, "magic 0x%x, capacity %u, head and tail equal and below it",
			       BUFFER_MAGIC, capacity),
	       .observed = say(x, "magic 0x%x, capacity %u, head %u, tail %u", b->magic,
			       b->capacity, b->head, b->tail),
	       .from = "the fields of struct bounded_buffer",
	       .why = "all programs agree on the layout");
	expect(x, value_of(&b->empty) == (int)capacity,
	       .expected = say(x, "empty starts at %u", capacity),
	       .observed = say(x, "%d", value_of(&b->empty)), .from = "sem_getvalue() on its bytes",
	       .why = "so many places are empty: one more and an item is overwritten, one less and a place lies idle");
	expect(x, value_of(&b->full) == 0, .expected = "full starts at 0",
	       .observed = say(x, "%d", value_of(&b->full)), .from = "sem_getvalue() on its bytes",
	       .why = "no item is there yet");
}

static void expect_attributes(struct exam *x, struct store *s)
{
	struct bounded_buffer *b = look(x, s);
	struct bounded_buffer model = { .capacity = 0 };
	sem_t private;
	int kind = b->mutex.__data.__kind;

	expect(x, kind & 0x80, .expected = "the mutex is process-shared",
	       .observed = say(x, "__kind 0x%x, without 0x80", kind), .from = "the mutex's bytes",
	       .why = "a waiter of a private mutex sleeps where no other process can wake it");
	expect(x, kind & 0x10, .expected = "the mutex is robust",
	       .observed = say(x, "__kind 0x%x, without 0x10", kind), .from = "the mutex's bytes",
	       .why = "when its holder is killed, all others wait for ever");
	prepare(&model, s->kind, 1, 0);
	memset(&private, 0, sizeof(private));
	sem_init(&private, 0, 0);
	for (size_t i = 0; i < sizeof(sem_t); i++) {
		unsigned char shared = ((unsigned char *)&model.full)[i];
		bool differs = shared != ((unsigned char *)&private)[i];

		expect(x,
		       !differs || (((unsigned char *)&b->empty)[i] == shared &&
				    ((unsigned char *)&b->full)[i] == shared),
		       .expected = "both semaphores are process-shared",
		       .observed = "one is private to one process",
		       .from = say(x, "byte %zu of the semaphores empty and full", i),
		       .why = "a wait on a private semaphore uses a private futex, which no other process can wake");
	}
}

/* Where the new object begins in the program that makes it, or 0. */
static uint64_t new_object_at(struct exam *x, struct program *p, struct process **who)
{
	for (*who = first_process(p); *who; *who = next_process(*who)) {
		const struct maps *maps = maps_now(x, *who);

		for (size_t i = 0; i < maps->count; i++) {
			const struct vma *vma = &maps->vma[i];
			bool object = strncmp(vma->path, "/SYSV", 5) == 0 ||
				      (vma->inode && strncmp(vma->path, "/dev/zero", 9) != 0);

			if (object && vma->perms[1] == 'w' && vma->perms[3] == 's' &&
			    vma->offset == 0)
				return vma->start;
		}
	}
	return 0;
}

/*
 * At the store of the magic number all other bytes are overwritten with a mark. What is no mark at
 * the end was stored after the magic.
 */
static void magic_comes_last(struct exam *x, const struct kind *kind, uint32_t capacity)
{
	struct program *p;
	struct call_set maps = call_set_family(FAMILY_MAP);
	size_t size = size_for(capacity), i = 4;
	unsigned char *mark = memset(room(x, size), 0xA5, size), *after;
	const char *at = NULL;
	struct process *who;
	struct watch *watch;
	struct store s;
	uint64_t base = 0;
	uint32_t magic = 0;

	if (!have_watchpoints(x))
		return;
	clear(x, kind);
	p = start(x, kind->program, .args = { "create", kind->target, number(x, capacity) });
	while (!base && run_to(x, p, after_calls(maps)) == 0)
		base = new_object_at(x, p, &who);
	if (!base)
		return; /* written by calls */
	watch = watch_memory(x, who, base, 4, WATCH_STORES);
	/* it may have been written by a call, before the object was mapped or after */
	do
		peek(x, who, base, &magic, 4);
	while (magic != BUFFER_MAGIC &&
	       run_to(x, p, at_watch(watch), after_calls(call_set_family(FAMILY_WRITE))) >= 0);
	if (magic != BUFFER_MAGIC)
		return;
	at = last_stop(x, p)->at;
	poke(x, who, base + 4, mark + 4, size - 4);
	finish(x, p);
	s = created(x, kind, capacity);
	after = (unsigned char *)look(x, &s);
	while (i < size && after[i] == 0xA5)
		i++;
	expect(x, i == size, .expected = "the magic number is the last store into the object",
	       .observed = say(x, "byte %zu of the struct was stored after it", i),
	       .from = "a watchpoint on the magic number", .at = at,
	       .why = "who sees the magic number uses the rest at once");
	unwatch(x, watch);
}

static void possible_capacities(struct exam *x, const struct kind *kind)
{
	static const char *const bad[] = { "0", "1000001", "4294967297" };
	struct program *p;
	struct store s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		clear(x, kind);
		p = run(x, kind->program, .args = { "create", kind->target, bad[i] });
		expect_error(x, p, "a capacity is 1 to 1,000,000");
	}
	clear(x, kind);
	p = run(x, kind->program, .args = { "create", kind->target, "18446744073709551621" });
	expect(x, ending(p).how == EXITED && (ending(p).status == 1 || ending(p).status == 2),
	       .expected = "exit 1 or 2", .observed = ending_text(x, p), .from = command_of(x, p),
	       .why = "the number has more than 64 bits: cut to so many, it would be 5");
	clear(x, kind);
	need_created(x, kind, 1000000);
	s = created(x, kind, 1000000);
	expect_values(x, &s, 1000000);
	clear(x, kind);
}

static void made_whole_before_magic(struct exam *x)
{
	const struct kind posix = start_posix();
	uint32_t capacity = (uint32_t)pick(x, 3, 600);
	struct store s;

	clear(x, &posix);
	need_created(x, &posix, capacity);
	if (!expect_size(x, OBJECT, (off_t)size_for(capacity),
			 "the header and the items, no more and no less"))
		return;
	expect_mode(x, OBJECT, 0600,
		    "who may write the buffer may also stop everybody who uses it");
	s = created(x, &posix, capacity);
	expect_values(x, &s, capacity);
	possible_capacities(x, &posix);
	if (!failed(x))
		magic_comes_last(x, &posix, capacity);
}

static void mutex_shared_and_robust(struct exam *x)
{
	const struct kind posix = start_posix();
	struct store s;

	clear(x, &posix);
	need_created(x, &posix, 5);
	s = created(x, &posix, 5);
	expect_attributes(x, &s);
}

/* ---- names ---- */

/* create was refused, and what was there is as it was. */
static void expect_refused(struct exam *x, struct program *p, struct store *s, const void *before,
			   const char *why)
{
	expect_error(x, p, why);
	expect(x, memcmp(copy_of(x, s), before, s->size) == 0,
	       .expected = "the buffer that was there is left as it was",
	       .observed = "its bytes have changed", .from = say(x, "after `%s`", command_of(x, p)),
	       .why = why);
}

/* Bytes of what stands under the name, 0 where nothing does. */
static uint64_t object_size(struct exam *x, const struct kind *kind)
{
	const struct shm_row *row;
	size_t count;

	if (!kind->sysv)
		return name_exists(x, OBJECT) ? (uint64_t)file_size(x, OBJECT) : 0;
	row = living_segments(x, &count);
	return count ? row[0].size : 0;
}

/* It is empty and nobody looks at it: no reason to make it anew. */
static void created_twice(struct exam *x, const struct kind *kind)
{
	struct program *p;

	clear(x, kind);
	need_created(x, kind, 5);
	p = create(x, kind, 7);
	expect_error(x, p, "there is one, if an empty one that nobody uses at the moment");
	expect(x, object_size(x, kind) == size_for(5),
	       .expected = "the buffer that was there is left as it was",
	       .observed = say(x, "it had %zu bytes, now there are %llu", size_for(5),
			       (unsigned long long)object_size(x, kind)),
	       .from = say(x, "after `%s`", command_of(x, p)),
	       .why = "its next user may come at any time");
}

static void create_on_existing(struct exam *x, const struct kind *kind)
{
	struct store s = put_buffer(x, kind, 7, 5, pick(x, 1, 1000), 4);
	const void *before = copy_of(x, &s);
	struct call_set makers = call_set_family(FAMILY_OPEN | FAMILY_NAME | FAMILY_IPC);
	struct program *p = create(x, kind, 7);

	expect_refused(x, p, &s, before, "a live buffer is never made anew");
	if (!failed(x))
		created_twice(x, kind);
	if (failed(x))
		return;
	s = put_bytes_there(x, kind, room(x, size_for(7)), size_for(7));
	before = copy_of(x, &s);
	expect_refused(x, create(x, kind, 7), &s, before,
		       "it has no magic number: another create may be at work on it");
	if (failed(x))
		return;
	/* another create was faster: it comes between the look and the making */
	clear(x, kind);
	p = start(x, kind->program, .args = { "create", kind->target, "7" });
	do
		if (run_to(x, p, at_calls(makers), at_end()) != 0)
			return;
	while (!makes_a_name(last_stop(x, p)->event));
	hold_program(x, p);
	s = put_buffer(x, kind, 7, 5, pick(x, 1, 1000), 4);
	before = copy_of(x, &s);
	release_program(x, p);
	finish(x, p);
	expect_refused(
		x, p, &s, before,
		"another create was faster: only the exclusive flag looks and makes in one step");
}

/* Names of what stands in this kind of memory, "" for nothing. */
static const char *leftovers(struct exam *x, const struct kind *kind)
{
	const struct shm_row *row;
	const char *text = "";
	size_t count;

	if (!kind->sysv)
		return directory_list(x, "/dev/shm");
	row = living_segments(x, &count);
	for (size_t i = 0; i < count; i++)
		text = say(x, "%skey 0x%08x, %llu bytes\n", text, (unsigned)row[i].key,
			   (unsigned long long)row[i].size);
	return text;
}

static void expect_nothing_left(struct exam *x, struct program *p, const struct kind *kind,
				const char *why)
{
	const char *left = leftovers(x, kind);

	expect(x, left[0] == '\0',
	       .expected = kind->sysv ? "no segment is left" : "nothing is left in /dev/shm",
	       .observed = quoted(x, left, strlen(left), 80),
	       .from = say(x, "after `%s`", command_of(x, p)), .why = why);
}

static void failed_create(struct exam *x, const struct kind *kind, enum call call, int error)
{
	struct fault *fault;
	struct program *p;

	clear(x, kind);
	p = start(x, kind->program, .args = { "create", kind->target, "9" });
	fault = fail_call(x, p, call, error, NULL, 0);
	finish(x, p);
	if (!fault_struck(fault))
		return;
	expect_error(x, p, say(x, "%s failed", call_name(call)));
	expect_nothing_left(x, p, kind,
			    "shared memory outlives its maker: nobody else will remove it");
}

static void destroyed(struct exam *x, const struct kind *kind)
{
	struct program *p;

	clear(x, kind);
	need_created(x, kind, 3);
	p = run(x, kind->program, .args = { "destroy", kind->target });
	expect_exit(x, p, 0, "it is a buffer");
	expect_nothing_left(x, p, kind, "destroy removes the buffer");
	put_buffer(x, kind, 5, 4, pick(x, 1, 1000), 3);
	p = run(x, kind->program, .args = { "destroy", kind->target });
	expect_exit(x, p, 0, "it is a buffer, whatever it holds");
	expect_nothing_left(x, p, kind, "destroy removes the buffer, and the items in it");
}

static void names_come_and_go(struct exam *x)
{
	const struct kind posix = start_posix();
	char long_name[300];
	const char *const bad[] = { "", "/", "a/b", "/a/b", "//buffer", long_name };
	static const struct words slashes[] = { { { "produce", "1", "1" } },
						{ { "consume", "1" } },
						{ { "destroy" } } };
	struct program *p;

	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	failed_create(x, &posix, CALL_mmap, ENOMEM);
	failed_create(x, &posix, CALL_ftruncate, ENOSPC);
	failed_create(x, &posix, CALL_fallocate, ENOSPC);
	create_on_existing(x, &posix);
	if (!failed(x))
		destroyed(x, &posix);
	clear(x, &posix);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad) && !failed(x); i++) {
		p = run(x, "buffer", .args = { "create", say(x, "%s", bad[i]), "4" });
		expect_error(x, p, "a name is one slash or none, and up to 255 other characters");
		expect_nothing_left(x, p, &posix, "there is no such name");
	}
	if (failed(x))
		return;
	long_name[200] = '\0';
	p = run(x, "buffer", .args = { "create", say(x, "%s", long_name), "4" });
	if (ending(p).how != EXITED || ending(p).status != 1)
		expect(x, name_exists(x, say(x, "/dev/shm/%s", long_name)),
		       .expected = "a name of 200 characters is refused, or used to its last one",
		       .observed = say(x, "%s; the name in /dev/shm has %zu", ending_text(x, p),
				       strcspn(leftovers(x, &posix), "\n")),
		       .from = "the names in /dev/shm after `buffer create nnn… 4`",
		       .why = "cut names make one buffer of two");
	p = run(x, "buffer", .args = { "destroy", say(x, "%s", long_name) });
	expect_nothing_left(x, p, &posix, "destroy removes the buffer");
	p = run(x, "buffer", .args = { "create", "buffer", "4" });
	expect_exit(x, p, 0, "the slash in front may be left out");
	expect(x, name_exists(x, OBJECT), .expected = "`buffer` and `/buffer` are one name",
	       .observed = "no " OBJECT, .why = "see shm_overview(7)");
	p = run(x, "buffer", .args = { "consume", NAME, "0" });
	expect_exit(x, p, 0, "the same buffer, now with a slash");
	for (size_t i = 0; i < sizeof(slashes) / sizeof(*slashes) && !failed(x); i++) {
		const char *const *word = slashes[i].word;

		p = run(x, "buffer", .args = { word[0], "//buffer", word[1], word[2] });
		expect_error(x, p, "a name has one slash or none, for all commands");
	}
	p = run(x, "buffer", .args = { "destroy", "buffer" });
	expect_exit(x, p, 0, "the slash in front may be left out");
	expect_nothing_left(x, p, &posix, "destroy removes the buffer");
}

/* ---- what is no buffer ---- */

static const struct impostor {
	const char *what;
	uint32_t magic, capacity;
	size_t size; /* of the object; 0: there is none */
} impostors[] = {
	{ "there is none: produce and consume never make one", 0, 0, 0 },
	{ "it is shorter than the header", BUFFER_MAGIC, 4, 8 },
	{ "the magic number is not there yet: create is still at work", 0, 4, HEADER + 32 },
	{ "the magic number is another one", BUFFER_MAGIC ^ 0x100, 4, HEADER + 32 },
	{ "its capacity is 0", BUFFER_MAGIC, 0, HEADER + 32 },
	{ "its last item lies beyond its end", BUFFER_MAGIC, 4, HEADER + 31 },
	{ "it says 4 items and has room for none", BUFFER_MAGIC, 4, HEADER },
	{ "it says 1,000,000 items and has a page", BUFFER_MAGIC, 1000000, 4096 },
	{ "its capacity is impossible, and eight times it overflows 32 bits", BUFFER_MAGIC,
	  0x20000004, HEADER + 32 },
};

static void try_impostor(struct exam *x, const struct kind *kind, const struct impostor *impostor,
			 const struct words *words)
{
	struct bounded_buffer *b = room(x, size_for(8) + 4096);
	struct store s = { .size = 0 };
	struct program *p;
	const void *before;

	prepare(b, kind, 4, 2);
	b->tail = 2;
	b->item[0] = 11;
	b->item[1] = 12;
	b->magic = impostor->magic;
	b->capacity = impostor->capacity;
	if (impostor->size)
		s = put_bytes_there(x, kind, b, impostor->size);
	else
		clear(x, kind);
	before = s.size ? copy_of(x, &s) : NULL;
	p = start(x, kind->program,
		  .args = { words->word[0], kind->target, words->word[1], words->word[2] });
	set_limits(x, p, 3000, 8000,
		   60000); /* who hopes for a better object may do so for a while */
	finish(x, p);
	expect_error(x, p, impostor->what);
	kill_program(x, p);
	if (s.size)
		expect(x, memcmp(copy_of(x, &s), before, s.size) == 0,
		       .expected = "what is no buffer is left as it was",
		       .observed = "its bytes have changed",
		       .from = say(x, "after `%s`", command_of(x, p)), .why = impostor->what);
	else
		expect_nothing_left(x, p, kind, impostor->what);
}

static const struct words uses[] = { { { "produce", "7", "7" } },
				     { { "consume", "1" } },
				     { { "consume", "0" } } };

static void expect_impostors_refused(struct exam *x, const struct kind *kind)
{
	for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++)
		for (size_t k = 0; k < sizeof(impostors) / sizeof(*impostors) && !failed(x); k++)
			try_impostor(x, kind, &impostors[k], &uses[i]);
}

/* No memory for the mapping: an error, and no crash. */
static void no_memory(struct exam *x, const struct kind *kind, enum call call)
{
	for (size_t i = 0; i < 2; i++) {
		struct fault *fault;
		struct program *p;

		put_buffer(x, kind, 4, 0, 1, 2);
		p = start(x, kind->program,
			  .args = { uses[i].word[0], kind->target, uses[i].word[1],
				    uses[i].word[2] });
		fault = fail_call(x, p, call, ENOMEM, NULL, 0);
		finish(x, p);
		if (fault_struck(fault))
			expect_error(x, p,
				     say(x, "%s failed, and that is not NULL", call_name(call)));
	}
}

static void expect_bad_usages(struct exam *x, const struct kind *kind)
{
	const char *t = kind->target;
	const struct words bad[] = {
		{ { "create", t } },
		{ { "create", t, "x" } },
		{ { "create", t, "-1" } },
		{ { "create", t, "+4" } },
		{ { "create", t, "0x4" } },
		{ { "create", t, "4", "4" } },
		{ { "produce", t, "1" } },
		{ { "produce", t, "1", "2", "3" } },
		{ { "produce", t, "1", "2x" } },
		{ { "produce", t, "--1", "2" } },
		{ { "produce", t, "", "2" } },
		{ { "produce", t, "+1", "2" } },
		{ { "produce", t, "1", " 2" } },
		{ { "produce", t, "1", "-" } },
		{ { "consume", t } },
		{ { "consume", t, "-1" } },
		{ { "consume", t, "1.5" } },
		{ { "consume", t, " 1" } },
		{ { "consume", t, "1 " } },
		{ { "consume", t, "0x1" } },
		{ { "consume", t, "" } },
		{ { "consume", t, "1", "1" } },
		{ { "destroy" } },
		{ { "destroy", t, "1" } },
		{ { "remove", t } },
		{ { 0 } },
	};

	struct program *p;
	struct store s;
	uint32_t capacity;

	expect_usage(x, run(x, kind->program));
	expect_usages(x, kind->program, bad);
	if (failed(x))
		return;
	clear(x, kind);
	p = run(x, kind->program, .args = { "create", t, "010" });
	if (!expect_exit(x, p, 0, "zeros in front are digits like others"))
		return;
	s = created(x, kind, 8);
	capacity = look(x, &s)->capacity;
	expect(x, capacity == 10, .expected = "capacity 10",
	       .observed = say(x, "capacity %u", capacity),
	       .from = say(x, "the header after `%s`", command_of(x, p)),
	       .why = "all numbers are decimal, zeros in front or not");
}

static void only_a_buffer_is_used(struct exam *x)
{
	struct kind posix = start_posix();
	struct program *p;

	learn_type(x, &posix);
	expect_impostors_refused(x, &posix);
	if (failed(x))
		return;
	no_memory(x, &posix, CALL_mmap);
	put_buffer(x, &posix, 4, 3, 1, 2);
	p = run(x, "buffer", .args = { "consume", NAME, "0" });
	expect_exit(x, p, 0, "the buffer is good");
	expect_output(x, p, "", "COUNT 0 prints nothing");
	if (!failed(x))
		expect_bad_usages(x, &posix);
}

/* ---- first in, first out ---- */

/* Where a peer looks for the items: from the last place on to the first. */
static void items_in_their_places(struct exam *x, const struct kind *kind, uint32_t capacity)
{
	struct store s = put_buffer(x, kind, capacity, capacity - 1, 0, 0);
	int64_t first = pick(x, INT64_C(5000000000), INT64_C(7000000000000000000));
	struct bounded_buffer *b;

	produce(x, kind, first, first + 2, "there is room for three");
	b = look(x, &s);
	expect(x,
	       b->item[capacity - 1] == first && b->item[0] == first + 1 &&
		       b->item[1] == first + 2 && b->tail == 2 && b->head == capacity - 1,
	       .expected = say(x, "items %lld, %lld, %lld at places %u, 0, 1; head %u, tail 2",
			       (long long)first, (long long)first + 1, (long long)first + 2,
			       capacity - 1, capacity - 1),
	       .observed = say(x, "%lld, %lld, %lld there; head %u, tail %u",
			       (long long)b->item[capacity - 1], (long long)b->item[0],
			       (long long)b->item[1], b->head, b->tail),
	       .from = say(x, "a buffer of %u places", capacity),
	       .why = "the last place is followed by the first, and an item has 64 bits");
	if (!failed(x))
		consume(x, kind, first, first + 2, "first in, first out");
}

static void in_order(struct exam *x, const struct kind *kind)
{
	uint32_t capacity = (uint32_t)pick(x, 3, 9);
	struct store s;

	clear(x, kind);
	need_created(x, kind, capacity);
	s = created(x, kind, capacity);
	for (int64_t next = -1, round = 0; round < 6 && !failed(x); round++) {
		int64_t count = round == 1 ? capacity : pick(x, round == 0 ? 2 : 1, capacity);

		expect_at_rest(
			x, &s,
			produce(x, kind, next, next + count - 1, "there is room for all of them"),
			capacity, (uint32_t)count);
		if (!failed(x))
			consume(x, kind, next, next + count - 1, "first in, first out");
		next += count;
	}
}

/* Each item is looked at: they come from two producers and are no row of numbers. */
static void two_rows(struct exam *x, const struct kind *kind)
{
	int64_t first = pick(x, 100, 900), second = pick(x, -9000, -1000);
	struct store s = put_buffer(x, kind, 6, 3, 0, 0);
	struct program *p;

	expect_at_rest(x, &s, produce(x, kind, first, first + 1, "there is room for two"), 6, 2);
	expect_at_rest(x, &s, produce(x, kind, second, second, "there is room for one more"), 6, 3);
	if (failed(x))
		return;
	p = start_consumer(x, kind, 3);
	finish(x, p);
	if (expect_exit(x, p, 0, "three items are there"))
		expect_output(x, p,
			      say(x, "%lld\n%lld\n%lld\n", (long long)first, (long long)first + 1,
				  (long long)second),
			      "what stands in the buffer, first in, first out");
	if (!failed(x))
		expect_at_rest(x, &s, p, 6, 0);
}

static void first_in_first_out(struct exam *x, const struct kind *kind)
{
	struct program *p;
	struct store s;

	items_in_their_places(x, kind, 5 + 2 * (uint32_t)pick(x, 0, 3)); /* no mask will do */
	if (!failed(x)) /* many pages, and indexes of more than 16 bits */
		items_in_their_places(x, kind, 70000);
	if (!failed(x))
		two_rows(x, kind);
	if (!failed(x))
		in_order(x, kind);
	if (failed(x))
		return;
	s = put_buffer(x, kind, 4, 1, 0, 0);
	p = produce(x, kind, INT64_MAX - 2, INT64_MAX,
		    "TO may be the largest number: the loop must end there");
	if (!failed(x))
		expect_at_rest(x, &s, p, 4, 3);
	if (!failed(x))
		p = consume(x, kind, INT64_MAX - 2, INT64_MAX,
			    "three items, up to the largest number");
	if (!failed(x))
		expect_at_rest(x, &s, p, 4, 0);
	if (failed(x))
		return;
	produce(x, kind, 3, 2, "FROM > TO puts nothing");
	expect(x, value_of(&look(x, &s)->full) == 0, .expected = "FROM > TO puts nothing",
	       .observed = state_text(x, &s), .why = "3 … 2 holds no number");
	s = put_buffer(x, kind, 4, 1, 500, 2);
	p = run(x, kind->program, .args = { "consume", kind->target, "0" });
	expect_exit(x, p, 0, "the buffer is good");
	expect_output(x, p, "", "COUNT 0 prints nothing");
	if (!failed(x))
		expect_at_rest(x, &s, p, 4, 2);
	put_buffer(x, kind, 1, 0, 0, 0);
	for (int64_t i = 0; i < 3 && !failed(x); i++) {
		produce(x, kind, -i, -i, "a buffer of one place");
		consume(x, kind, -i, -i, "a buffer of one place");
	}
}

static void posix_first_in_first_out(struct exam *x)
{
	struct kind posix = start_posix();

	learn_type(x, &posix);
	first_in_first_out(x, &posix);
}

/* ---- waiting ---- */

static struct program *start_role(struct exam *x, const struct kind *kind, bool producer,
				  int64_t item, int64_t count)
{
	return producer ? start_producer(x, kind, item, item + count - 1)
			: start_consumer(x, kind, count);
}

static const char *role(bool producer)
{
	return producer ? "produce" : "consume";
}

/* The process of the program that waits in a futex, else its first one. */
static struct process *waiter(struct exam *x, struct program *p)
{
	for (struct process *each = first_process(p); each; each = next_process(each))
		if (alive(each) && waiting(x, each).futex)
			return each;
	return first_process(p);
}

/* So much virtual time that the time-out of this wait, if it has one, runs out more than once. */
static int64_t time_for(const struct wait_info *wait)
{
	enum { HALF_A_MINUTE = 30000, A_WEEK = 604800000 };

	return wait->timed && wait->timeout_ms > HALF_A_MINUTE / 3 && wait->timeout_ms < A_WEEK
		       ? 3 * wait->timeout_ms
		       : HALF_A_MINUTE;
}

/* It waits; a signal wakes it for nothing, and so do time-outs, if it has any; it waits on. */
static void waits_patiently(struct exam *x, struct program *p, const char *what)
{
	struct wait_info wait;
	size_t size, had;

	output(x, p, &had);
	for (int round = 0; round < 3; round++) {
		expect_blocks(x, p, what);
		need_good_so_far(x);
		if (round < 2)
			interrupt_wait(x, waiter(x, p));
	}
	wait = waiting(x, waiter(x, p));
	set_limits(x, p, 2000, 4000, time_for(&wait));
	run_to(x, p, at_end());
	output(x, p, &size);
	need(x, ending(p).how == STILL_THERE && size == had,
	     .expected = say(x, "it waits on for %s", what),
	     .observed = say(x, "%s, printed %s", ending_text(x, p),
			     quoted(x, output(x, p, NULL), size, 60)),
	     .why = "a wait that was interrupted or timed out has got nothing");
	set_limits(x, p, 10000, 30000, 600000);
}

static void empty_blocks(struct exam *x, const struct kind *kind)
{
	int64_t item = pick(x, 1000, 9000);
	struct program *consumer;

	put_buffer(x, kind, 3, 1, 0, 0);
	consumer = start_consumer(x, kind, 1);
	waits_patiently(x, consumer, "an item in an empty buffer");
	hold_program(x, consumer); /* so that the producer is judged alone */
	produce(x, kind, item, item,
		"the buffer is empty, and the consumer that waits must not keep the mutex");
	release_program(x, consumer);
	finish(x, consumer);
	if (expect_exit(x, consumer, 0, "the item is there"))
		expect_output(x, consumer, lines(x, item, item), "the item that it waited for");
}

static void full_blocks(struct exam *x, const struct kind *kind)
{
	int64_t item = pick(x, 1000, 9000);
	struct program *producer;
	struct store s;

	s = put_buffer(x, kind, 3, 1, item, 3);
	producer = start_producer(x, kind, item + 3, item + 3);
	waits_patiently(x, producer, "room in a full buffer");
	hold_program(x, producer); /* so that the consumer is judged alone */
	consume(x, kind, item, item,
		"the buffer is full, and the producer that waits must not keep the mutex");
	release_program(x, producer);
	finish(x, producer);
	if (expect_exit(x, producer, 0, "there is room now"))
		expect_output(x, producer, "", "produce prints nothing");
	expect(x, value_of(&look(x, &s)->full) == 3, .expected = "full again",
	       .observed = state_text(x, &s), .why = "one item went and one came");
}

/*
 * One token is there. The first is held at the `which`th moment at which it has touched the
 * semaphore and the token is still there; the second takes it meanwhile. Then the first has to
 * wait. False where it has no such moment.
 */
static bool one_token(struct exam *x, const struct kind *kind, bool producer, int which)
{
	struct store s = put_buffer(x, kind, 3, 1, 500, producer ? 2 : 1);
	size_t offset = producer ? offsetof(struct bounded_buffer, empty)
				 : offsetof(struct bounded_buffer, full);
	struct watch *watch = watch_at(x, &s, offset, WATCH_ACCESSES);
	struct program *a = start_role(x, kind, producer, 600, 1), *b;
	const char *at;
	int reached;

	do
		reached = run_to(x, a, at_watch(watch), at_end());
	while (reached == 0 && which-- > 0);
	look(x, &s);
	unwatch(x, watch);
	if (reached != 0 || value_of(producer ? &s.b->empty : &s.b->full) != 1) {
		kill_program(x, a);
		return false;
	}
	at = last_stop(x, a)->at;
	hold_program(x, a);
	b = start_role(x, kind, producer, 700, 1);
	finish(x, b);
	expect_exit(x, b, 0, producer ? "one place is empty" : "one item is there");
	release_program(x, a);
	reached = run_to(x, a, when_blocked(), at_end());
	need(x, reached == 0,
	     .expected = say(x, "%s waits: the one %s went to another", role(producer),
			     producer ? "place" : "item"),
	     .observed = ending_text(x, a),
	     .from = say(x, "it was held at the semaphore, another came first; %s",
			 state_text(x, &s)),
	     .at = at,
	     .why = "to look at the count and to take one from it is one step: sem_wait(), whose result is looked at");
	kill_program(x, a);
	return true;
}

static void printed_before_the_next_wait(struct exam *x, const struct kind *kind)
{
	int64_t item = pick(x, 1000, 9000);
	struct program *p;

	put_buffer(x, kind, 5, 3, item, 2);
	p = start_consumer(x, kind, (INT64_C(1) << 32) + 2); /* in 32 bits it is 2 */
	if (run_to(x, p, when_blocked(), at_end()) != 0 && ending(p).status != 0) {
		expect_error(x, p, "more than it can count is refused, or counted; never less");
		p = start_consumer(x, kind, 4);
		run_to(x, p, when_blocked(), at_end());
	}
	need(x, ending(p).how == STILL_THERE,
	     .expected = "consume has taken two of 4294967298 items and waits for the third",
	     .observed = ending_text(x, p), .from = command_of(x, p),
	     .why = "COUNT items are asked for, and two are there");
	expect_output(x, p, lines(x, item, item + 1),
		      "both items are out before the wait for the third, which may never come");
	if (failed(x))
		return;
	hold_program(x, p);
	produce(x, kind, item + 2, item + 2, "there is room");
	release_program(x, p);
	need_moment(x, p, when_blocked(), "consume waits for a fourth item");
	expect_output(x, p, lines(x, item, item + 2), "out before the next wait");
	kill_program(x, p);
	if (failed(x))
		return;
	produce(x, kind, item + 3, item + 3, "a consumer was killed while it waited");
	consume(x, kind, item + 3, item + 3,
		"a consumer was killed while it waited: it has taken nothing with it");
}

static void full_output(struct exam *x, const struct kind *kind)
{
	struct program *p;
	struct store s;
	uint32_t items;

	s = put_buffer(x, kind, 5, 3, 71, 3);
	p = run(x, kind->program, .args = { "consume", kind->target, "1" },
		.stdout_is = OUTPUT_FULL);
	expect_error(x, p, "standard output is a full disk");
	need_good_so_far(x);
	items = (look(x, &s)->tail + 5 - s.b->head) % 5;
	expect(x, value_of(&s.b->full) == (int)items,
	       .expected = say(x, "full counts the %u items from head to tail", items),
	       .observed = state_text(x, &s), .from = say(x, "after `%s`", command_of(x, p)),
	       .why = "an item that could not be printed is out, with its count, or back, with its count");
	p = start_consumer(x, kind, 2);
	finish(x, p);
	expect_exit(x, p, 0, "the consumer before could not print");
	expect(x,
	       strcmp(output(x, p, NULL), "72\n73\n") == 0 ||
		       strcmp(output(x, p, NULL), "71\n72\n") == 0,
	       .expected = "72 73, or 71 72 where the item was put back",
	       .observed = quoted(x, output(x, p, NULL), strlen(output(x, p, NULL)), 40),
	       .why = "only the item that was being printed may be lost");
	if (failed(x))
		return;
	put_buffer(x, kind, 5, 3, 71, 3);
	p = run(x, kind->program, .args = { "consume", kind->target, "4" },
		.stdout_is = OUTPUT_FULL);
	expect_error(x, p,
		     "standard output is a full disk: it takes no more items, and waits for none");
}

/*
 * Two items are there. The first is held at the `which`th moment at which it has touched full, has
 * taken one, and the other is still there; the second takes that one meanwhile. Then the first has
 * to wait, and has printed what it took. False where it has no such moment.
 */
static bool printed_though_more_was_there(struct exam *x, const struct kind *kind, int which)
{
	struct store s = put_buffer(x, kind, 5, 3, 71, 2);
	struct watch *watch = watch_at(x, &s, offsetof(struct bounded_buffer, full),
				       WATCH_ACCESSES);
	struct program *a = start_consumer(x, kind, 2), *b;
	const char *at;
	int reached;

	do
		reached = run_to(x, a, at_watch(watch), at_end());
	while (reached == 0 && (value_of(&look(x, &s)->full) != 1 || which-- > 0));
	unwatch(x, watch);
	if (reached != 0)
		return false;
	at = last_stop(x, a)->at;
	hold_program(x, a);
	b = start_consumer(x, kind, 1);
	reached = run_to(x, b, at_end(), when_blocked());
	release_program(x, a);
	if (reached == 0 && run_to(x, a, when_blocked(), at_end()) == 0)
		expect(x, strlen(output(x, a, NULL)) == 3,
		       .expected = "an item is printed before the next wait",
		       .observed = say(
			       x, "it waits in %s, printed %s", waiting(x, waiter(x, a)).text,
			       quoted(x, output(x, a, NULL), strlen(output(x, a, NULL)), 40)),
		       .from = say(x,
				   "it had taken one item, and another consumer the only "
				   "other one; %s",
				   state_text(x, &s)),
		       .at = at,
		       .why = "the item that you saw may go to another consumer: flush after each one");
	kill_program(x, a);
	kill_program(x, b);
	return !failed(x);
}

static void blocks_when_full_and_empty(struct exam *x, const struct kind *kind)
{
	empty_blocks(x, kind);
	if (!failed(x))
		full_blocks(x, kind);
	if (!failed(x))
		printed_before_the_next_wait(x, kind);
	if (!failed(x))
		full_output(x, kind);
	for (int i = 0; i < 2 && have_watchpoints(x) && !failed(x); i++)
		for (int which = 0; which < 3 && one_token(x, kind, i, which); which++)
			;
	for (int i = 0; i < 5 && have_watchpoints(x) && !failed(x) &&
			printed_though_more_was_there(x, kind, i);
	     i++)
		;
}

static void posix_blocks(struct exam *x)
{
	struct kind posix = start_posix();

	learn_type(x, &posix);
	blocks_when_full_and_empty(x, &posix);
}

/* ---- the mutex ---- */

/*
 * Alone at work, one process touches indexes and items with its own thread id in the mutex, or not
 * at all. Loads before it has taken its first semaphore are its validation of the buffer.
 */
static void inside_only(struct exam *x, const struct kind *kind, bool producer, bool item)
{
	uint32_t head = (uint32_t)pick(x, 0, 7), place = producer ? (head + 3) % 8 : head;
	struct store s = put_buffer(x, kind, 8, head, 500, 3);
	size_t offset = item ? offsetof(struct bounded_buffer, item) + place * 8
			     : offsetof(struct bounded_buffer, head);
	struct watch *watch = watch_at(x, &s, offset, WATCH_ACCESSES);
	struct program *p = start_role(x, kind, producer, 600, 3);

	while (run_to(x, p, at_watch(watch), at_end()) == 0) {
		struct bounded_buffer *b = look(x, &s);
		bool at_work = value_of(&b->empty) != 5 || value_of(&b->full) != 3;

		need(x, owner_of(b) != 0 || (!at_work && !last_access(x, p).stored),
		     .expected = say(x, "%s is touched while the mutex is held",
				     item ? "an item" : "head or tail"),
		     .observed = "no owner in the mutex: nobody is inside",
		     .from = say(x, "a watchpoint on byte %zu; %s", offset, state_text(x, &s)),
		     .at = last_stop(x, p)->at,
		     .why = "between unlock and this another process may do the same");
	}
	unwatch(x, watch);
	expect_exit(x, p, 0, "nothing is in its way");
}

/* Runs the program until it is inside: its hand on an index, its id in the mutex. False where it
 * never is. */
static bool run_inside(struct exam *x, struct program *p, struct store *s, struct watch *watch)
{
	while (run_to(x, p, at_watch(watch), at_end()) == 0)
		if (owner_of(look(x, s)))
			return true;
	return false;
}

/* A program that has looked at the mutex when it was free, and is held there. NULL: it does not
 * look first. */
static struct program *at_free_mutex(struct exam *x, struct store *s, bool producer)
{
	struct watch *watch = watch_at(x, s, offsetof(struct bounded_buffer, mutex),
				       WATCH_ACCESSES);
	struct program *p = start_role(x, s->kind, producer, 700, 1);
	bool reached = run_to(x, p, at_watch(watch), at_end()) == 0 && !owner_of(look(x, s));

	unwatch(x, watch);
	if (!reached) {
		kill_program(x, p);
		return NULL;
	}
	hold_program(x, p);
	return p;
}

/* It waits for the mutex, perhaps with a time-out, while another is held inside. False where it has
 * given up with an error. */
static bool waits_on_for_mutex(struct exam *x, struct program *p, bool producer,
			       struct watch *watch)
{
	const struct wait_info wait = waiting(x, waiter(x, p));

	if (!wait.timed)
		return true;
	set_limits(x, p, 2000, 4000, time_for(&wait));
	need(x, run_to(x, p, at_watch(watch), at_end()) != 0,
	     .expected = say(x, "%s touches head and tail when it has the mutex", role(producer)),
	     .observed = "the time-out of its lock ran out, and it went on without",
	     .from = say(x, "another was held inside; before that it waited in %s", wait.text),
	     .at = last_stop(x, p)->at,
	     .why = "a lock that timed out is not held: both may use the same place");
	return ending(p).how == STILL_THERE;
}

/* One is held inside while another is let run, which may have looked at the mutex before (early):
 * it must wait, and must not have told anybody that it is done. */
static void two_at_once(struct exam *x, const struct kind *kind, bool first, bool second,
			bool early)
{
	struct store s = put_buffer(x, kind, 8, 6, 500, 4);
	struct watch *watch = watch_at(x, &s, offsetof(struct bounded_buffer, head),
				       WATCH_ACCESSES);
	struct program *a, *b = NULL;
	int empty, full, reached;
	const char *at;

	if (early && !(b = at_free_mutex(x, &s, second))) {
		unwatch(x, watch);
		return;
	}
	a = start_role(x, kind, first, 600, 1);
	if (!run_inside(x, a, &s, watch)) {
		unwatch(x, watch);
		return;
	}
	at = last_stop(x, a)->at;
	hold_program(x, a);
	empty = value_of(&look(x, &s)->empty);
	full = value_of(&look(x, &s)->full);
	if (early)
		release_program(x, b);
	else
		b = start_role(x, kind, second, 700, 1);
	set_limits(x, b, 500, 30000, 600000);
	/* what it loads before it takes its semaphore validates the buffer */
	do
		reached = run_to(x, b, when_blocked(), at_watch(watch), at_end());
	while (reached == 1 && !last_access(x, b).stored &&
	       value_of(&look(x, &s)->empty) == empty && value_of(&look(x, &s)->full) == full);
	need(x, reached == 0,
	     .expected = say(x, "%s waits while %s is held at %s", role(second), role(first),
			     at ? at : "its index"),
	     .observed = reached == 1 ? say(x, "both are inside: %s is at %s", role(second),
					    last_stop(x, b)->at)
				      : ending_text(x, b),
	     .at = last_stop(x, b) ? last_stop(x, b)->at : NULL, .from = state_text(x, &s),
	     .why = reached == 1 || ending(b).how != STILL_THERE
			    ? "both may use the same place"
			    : "whoever waits for the mutex leaves the CPU to its holder: pthread_mutex_lock sleeps");
	if (!waits_on_for_mutex(x, b, second, watch)) {
		release_program(x, a);
		unwatch(x, watch);
		finish(x, a);
		return;
	}
	set_limits(x, b, 10000, 30000, 600000);
	if (second)
		expect(x, value_of(&look(x, &s)->full) == full,
		       .expected = "full is posted when the item is in its place",
		       .observed = state_text(x, &s), .at = waiting(x, waiter(x, b)).at,
		       .from = "produce waits for the mutex",
		       .why = "a consumer may take an item that is not there yet");
	else
		expect(x, value_of(&look(x, &s)->empty) == empty,
		       .expected = "empty is posted when the item is out of its place",
		       .observed = state_text(x, &s), .at = waiting(x, waiter(x, b)).at,
		       .from = "consume waits for the mutex",
		       .why = "a producer may overwrite an item that was not read yet");
	expect(x, waiting(x, waiter(x, b)).futex && !waiting(x, waiter(x, b)).futex_private,
	       .expected = "it waits in a futex that other processes can wake",
	       .observed = waiting(x, waiter(x, b)).text, .at = waiting(x, waiter(x, b)).at,
	       .why = "the mutex is given back by another process");
	release_program(x, a);
	unwatch(x, watch);
	finish(x, b);
	finish(x, a);
	expect_exit(x, a, 0, "it was released");
	expect_exit(x, b, 0, "the mutex is free again");
}

/* At the store that moves the index nobody has been told yet: whoever is killed between the post
 * and the move has given away a place with an item in it, or an item that is not there. */
static void moved_before_posted(struct exam *x, const struct kind *kind, bool producer)
{
	struct store s = put_buffer(x, kind, 8, 6, 500, 4);
	struct watch *watch = watch_at(x, &s, offsetof(struct bounded_buffer, head), WATCH_STORES);
	struct program *p = start_role(x, kind, producer, 600, 1);
	struct bounded_buffer *b;
	bool moved = false;

	while (!moved && run_to(x, p, at_watch(watch), at_end()) == 0) {
		b = look(x, &s);
		moved = producer ? b->tail != 2 : b->head != 6;
		need(x, !moved || value_of(producer ? &b->full : &b->empty) == 4,
		     .expected = producer ? "full is posted when tail has moved"
					  : "empty is posted when head has moved",
		     .observed = "it was posted before",
		     .from = say(x, "a watchpoint on head and tail; %s", state_text(x, &s)),
		     .at = last_stop(x, p)->at,
		     .why = producer
				    ? "killed in between, it leaves an item counted that is not there"
				    : "killed in between, it leaves a place counted as empty that is not");
	}
	unwatch(x, watch);
	finish(x, p);
	expect_exit(x, p, 0, "nothing is in its way");
}

/* Nothing to take, or no room: then the indexes are nobody's business. */
static void untouched_before_the_wait(struct exam *x, const struct kind *kind, bool producer)
{
	struct store s = put_buffer(x, kind, 8, 5, 500, producer ? 8 : 0);
	struct watch *watch = watch_at(x, &s, offsetof(struct bounded_buffer, head), WATCH_STORES);
	struct program *p = start_role(x, kind, producer, 600, 1);

	while (run_to(x, p, at_watch(watch), when_blocked(), at_end()) == 0)
		need(x, owner_of(look(x, &s)),
		     .expected = "head and tail are stored while the mutex is held",
		     .observed = say(
			     x, "%s stores one of them before it has waited, and nobody is inside",
			     role(producer)),
		     .from = say(x, "a watchpoint on head and tail; %s", state_text(x, &s)),
		     .at = last_stop(x, p)->at,
		     .why = "another process may be at work on them at this moment");
	unwatch(x, watch);
	kill_program(x, p);
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The numbers that a program has printed, added to the list. */
static size_t numbers_of(struct exam *x, struct program *p, int64_t *list, size_t count,
			 size_t most)
{
	const char *text = output(x, p, NULL);
	char *end;

	while (count < most && *text) {
		list[count] = strtoll(text, &end, 10);
		if (end == text)
			break;
		count++;
		text = end + (*end == '\n');
	}
	return count;
}

/* Are these the numbers that went in: five from 500 on, and those of the producers? */
static bool same_numbers(int64_t *got, size_t count, bool first, bool second)
{
	int64_t put[7] = { 500, 501, 502, 503, 504 };
	size_t n = 5;

	if (first)
		put[n++] = 600;
	if (second)
		put[n++] = 700;
	qsort(got, count, sizeof(*got), by_value);
	return count == n && memcmp(got, put, n * sizeof(*got)) == 0;
}

/*
 * The first is held at the `which`th moment at which it has touched the mutex and the mutex is
 * free; the second does all of its work meanwhile. False where the first has no such moment.
 */
static bool between_sections(struct exam *x, const struct kind *kind, bool first, bool second,
			     int which)
{
	struct store s = put_buffer(x, kind, 8, 6, 500, 5);
	struct watch *watch = watch_at(x, &s, offsetof(struct bounded_buffer, mutex),
				       WATCH_ACCESSES);
	struct program *a = start_role(x, kind, first, 600, 1), *b;
	struct bounded_buffer *now;
	int64_t got[16];
	const char *at;
	bool reached;
	size_t n;

	do
		reached = run_to(x, a, at_watch(watch), at_end()) == 0;
	while (reached && (owner_of(look(x, &s)) || which-- > 0));
	unwatch(x, watch);
	if (!reached)
		return false;
	at = last_stop(x, a)->at;
	hold_program(x, a);
	b = start_role(x, kind, second, 700, 1);
	finish(x, b);
	expect_exit(x, b, 0, "the mutex is free");
	release_program(x, a);
	finish(x, a);
	expect_exit(x, a, 0, "the mutex is free");
	need_good_so_far(x);
	n = numbers_of(x, b, got, numbers_of(x, a, got, 0, 4), 4);
	now = look(x, &s);
	for (int i = 0; i < value_of(&now->full) && n < 16; i++)
		got[n++] = now->item[(now->head + (uint32_t)i) % 8];
	need(x, same_numbers(got, n, first, second),
	     .expected = "every item is in the buffer or printed, once",
	     .observed = "an item is missing or doubled",
	     .from = say(x, "%s was held with the mutex free while %s did its work; %s",
			 role(first), role(second), state_text(x, &s)),
	     .at = at, .why = "item and index belong together: one section, not two");
	return true;
}

static void two_at_work(struct exam *x, const struct kind *kind, uint32_t capacity, int64_t last)
{
	struct program *producer, *consumer;

	put_buffer(x, kind, capacity, capacity - 1, 0, 0);
	producer = start_producer(x, kind, -100, last);
	consumer = start_consumer(x, kind, last + 101);
	finish(x, consumer);
	finish(x, producer);
	expect_exit(x, producer, 0, "a consumer makes room");
	if (expect_exit(x, consumer, 0, "a producer goes on"))
		expect_output(x, consumer, lines(x, -100, last),
			      "first in, first out, while both are at work");
}

static void six_at_work(struct exam *x, const struct kind *kind)
{
	enum { EACH = 80 };
	int64_t *got = room(x, (3 * EACH + 1) * sizeof(*got));
	struct program *p[6];
	size_t count = 0;
	bool all;

	put_buffer(x, kind, (uint32_t)pick(x, 2, 5), 0, 0, 0);
	for (int i = 0; i < 6; i++)
		p[i] = start_role(x, kind, i & 1, 1000 * i, EACH);
	for (int i = 0; i < 6; i++) {
		finish(x, p[i]);
		expect_exit(x, p[i], 0, "three producers and three consumers at work");
	}
	for (int i = 0; i < 6; i += 2)
		count = numbers_of(x, p[i], got, count, 3 * EACH + 1);
	qsort(got, count, sizeof(*got), by_value);
	all = count == 3 * EACH;
	for (size_t i = 0; all && i < count; i++)
		all = got[i] == (int64_t)(1000 * (2 * (i / EACH) + 1) + i % EACH);
	expect(x, all,
	       .expected = say(x, "three consumers print each of the %d items once", 3 * EACH),
	       .observed = say(x, "%zu lines, with items missing or doubled", count),
	       .why = "the mutex lets one in at a time");
}

static void mutex_guards_everything(struct exam *x, const struct kind *kind)
{
	two_at_work(x, kind, (uint32_t)pick(x, 2, 9), 150);
	if (!failed(x))
		two_at_work(x, kind, 1, -90);
	if (!failed(x))
		six_at_work(x, kind);
	if (!kind->sysv)
		need_watchpoints(x);
	else if (!have_watchpoints(x))
		return;
	for (int i = 0; i < 4 && !failed(x); i++)
		inside_only(x, kind, i & 1, i & 2);
	for (int i = 0; i < 2 && !failed(x); i++)
		moved_before_posted(x, kind, i & 1);
	for (int i = 0; i < 2 && !failed(x); i++)
		untouched_before_the_wait(x, kind, i & 1);
	for (int i = 0; i < 8 && !failed(x); i++)
		two_at_once(x, kind, i & 1, i & 2, i & 4);
	for (int i = 0; i < 4 && !failed(x); i++)
		for (int which = 0; which < 3 && between_sections(x, kind, i & 1, i & 2, which);
		     which++)
			;
}

static void posix_mutex_guards(struct exam *x)
{
	struct kind posix = start_posix();

	learn_type(x, &posix);
	mutex_guards_everything(x, &posix);
}

/* ---- a killed holder ---- */

/* What must come out of the buffer, in order; a doubtful item was in the hands of somebody who was
 * killed. */
struct model {
	int64_t item[64];
	bool doubtful[64];
	size_t first, end;
};

static void model_put(struct model *m, int64_t item, bool doubtful)
{
	m->item[m->end] = item;
	m->doubtful[m->end++] = doubtful;
}

/* Runs the victim to the last moment at which it is inside and its death may cost only its own
 * item. False: no such. */
static bool run_to_death(struct exam *x, struct program *p, struct store *s, struct watch *watch,
			 bool producer)
{
	uint32_t head = look(x, s)->head, tail = s->b->tail;

	while (run_to(x, p, at_watch(watch), at_end()) == 0) {
		struct bounded_buffer *b = look(x, s);

		if (owner_of(b) && (producer ? b->tail == tail : b->head != head))
			return true;
	}
	return false;
}

/* A program that is held at the moment of its death. It has more than one item to do, but no more
 * than one in its hands. */
static struct program *doomed(struct exam *x, struct store *s, bool producer, int64_t item)
{
	struct watch *watch = watch_at(x, s, offsetof(struct bounded_buffer, head), WATCH_ACCESSES);
	sem_t before = producer ? look(x, s)->empty : look(x, s)->full, now;
	struct program *victim = start_role(x, s->kind, producer, item, producer ? 3 : 2);
	bool inside = run_to_death(x, victim, s, watch, producer);

	need(x, inside, .expected = say(x, "%s is inside its section once", role(producer)),
	     .observed = ending_text(x, victim), .from = "a watchpoint on head and tail",
	     .why = "indexes are moved by the holder of the mutex");
	now = producer ? s->b->empty : s->b->full;
	need(x, value_of(&before) - value_of(&now) <= 1,
	     .expected = say(x, "%s takes one from %s for each section", role(producer),
			     producer ? "empty" : "full"),
	     .observed = say(x, "it has taken %d", value_of(&before) - value_of(&now)),
	     .from = say(x, "inside `%s`: %s", command_of(x, victim), state_text(x, s)),
	     .at = last_stop(x, victim)->at,
	     .why = say(x, "killed here it takes them all with it, and a death may cost one %s",
			producer ? "place" : "item"));
	unwatch(x, watch);
	hold_program(x, victim);
	return victim;
}

/* Its item may be in the buffer then, or not. */
static void kill_holder(struct exam *x, struct model *m, struct program *victim, bool producer,
			int64_t item)
{
	kill_program(x, victim);
	if (producer)
		model_put(m, item, true);
	else
		m->doubtful[m->first] = true;
}

/* Takes one printed item off the model. */
static bool model_take(struct model *m, int64_t item)
{
	while (m->first < m->end && m->doubtful[m->first] && m->item[m->first] != item)
		m->first++;
	if (m->first == m->end || m->item[m->first] != item)
		return false;
	m->first++;
	return true;
}

/* Whoever comes after a death does its work: `p`, which has waited for the mutex when its holder
 * died, or a new program where that is NULL. */
static void successor(struct exam *x, struct store *s, struct model *m, struct program *p,
		      bool producer, int64_t item, const char *why)
{
	struct watch *watch = watch_at(x, s, offsetof(struct bounded_buffer, head), WATCH_STORES);
	struct watch *kind = watch_at(x, s,
				      offsetof(struct bounded_buffer, mutex) +
					      offsetof(pthread_mutex_t, __data.__kind),
				      WATCH_STORES);
	int64_t got = 0;
	int reached;

	if (!p)
		p = start_role(x, s->kind, producer, item, 1);

	while ((reached = run_to(x, p, at_watch(watch), at_watch(kind), at_end())) == 0 ||
	       reached == 1) {
		need(x, look(x, s)->mutex.__data.__kind & 0x10,
		     .expected = "the mutex is the one that create made, made consistent",
		     .observed = "it is initialised anew",
		     .from = "a watchpoint on the mutex's kind", .at = last_stop(x, p)->at,
		     .why = "who waits for the old one is forgotten, and two may be inside: pthread_mutex_consistent() says that all is well");
		need(x, reached == 1 || owner_of(s->b),
		     .expected = "the one who comes after a death holds the mutex, too",
		     .observed = "it moves an index, and there is no owner in the mutex",
		     .from = state_text(x, s), .at = last_stop(x, p)->at,
		     .why = "EOWNERDEAD means: you have the mutex");
	}
	unwatch(x, kind);
	unwatch(x, watch);
	expect_exit(x, p, 0, why);
	if (producer) {
		expect_output(x, p, "", "produce prints nothing");
		model_put(m, item, false);
	}
	need_good_so_far(x);
	if (!producer)
		need(x, numbers_of(x, p, &got, 0, 1) == 1 && model_take(m, got),
		     .expected = "the oldest item that nobody was taking",
		     .observed = quoted(x, output(x, p, NULL), strlen(output(x, p, NULL)), 40),
		     .why = why);
}

/* Everything comes out that nobody had in his hands, and the buffer holds as much as before but for
 * the places of the dead. */
static void drain(struct exam *x, struct store *s, struct model *m, uint32_t capacity,
		  uint32_t kills)
{
	int count = value_of(&look(x, s)->full);
	struct program *p = start_consumer(x, s->kind, count);
	int64_t got[64];
	size_t n;

	finish(x, p);
	expect_exit(x, p, 0, "so many items are said to be there");
	n = numbers_of(x, p, got, 0, 64);
	for (size_t i = 0; i < n; i++)
		expect(x, model_take(m, got[i]), .expected = "each item once, in order",
		       .observed = say(x, "%lld again, or too early", (long long)got[i]),
		       .from = say(x, "`%s` printed %s", command_of(x, p),
				   quoted(x, output(x, p, NULL), strlen(output(x, p, NULL)), 60)),
		       .why = "a death costs the item in the dead one's hands, and no other");
	while (m->first < m->end && m->doubtful[m->first])
		m->first++;
	expect(x, m->first == m->end,
	       .expected = say(x, "item %lld comes out", (long long)m->item[m->first]),
	       .observed = "it was lost", .from = state_text(x, s),
	       .why = "a death costs the item in the dead one's hands, and no other");
	if (failed(x))
		return;
	produce(x, s->kind, 1, capacity - kills,
		say(x, "%u places, %u of them lost with the dead", capacity, kills));
	consume(x, s->kind, 1, capacity - kills, "the buffer works as before");
}

static void one_after_another(struct exam *x, const struct kind *kind, bool victim, bool next)
{
	uint32_t capacity = (uint32_t)pick(x, 9, 14), head = (uint32_t)pick(x, 0, 8);
	int64_t item = pick(x, 100, 900);
	struct store s = put_buffer(x, kind, capacity, head, item, 5);
	struct model m = { .first = 0 };

	for (int64_t i = 0; i < 5; i++)
		model_put(&m, item + i, false);
	for (int round = 0; round < 2 && !failed(x); round++) {
		struct program *dying = doomed(x, &s, victim, 2000 + round), *waits = NULL;

		if (round == 1) { /* the second time somebody waits for the mutex by then */
			waits = start_role(x, kind, next, 3001, 1);
			need_moment(x, waits, when_blocked(),
				    say(x, "%s waits for the mutex that %s has", role(next),
					role(victim)));
		}
		kill_holder(x, &m, dying, victim, 2000 + round);
		successor(
			x, &s, &m, waits, next, 3000 + round,
			say(x,
			    "%s was killed inside its section: whoever %s gets EOWNERDEAD and goes on",
			    role(victim), waits ? "waits for the mutex then" : "comes next"));
		successor(x, &s, &m, NULL, !next, 4000 + round,
			  "the mutex was made consistent, so it can be taken again");
	}
	if (!failed(x))
		drain(x, &s, &m, capacity, 2);
}

/* One who is at work all the time comes after two deaths: the second is mended like the first. */
static void survivor_of_two(struct exam *x, const struct kind *kind, bool producer)
{
	const char *in_the_way = "it waits for the mutex that the other one has";
	struct store s = put_buffer(x, kind, 6, 3, 500, producer ? 4 : 2);
	struct program *victim = doomed(x, &s, producer, 900);
	struct program *p = start_role(x, kind, producer, 600, 6); /* more than there is */

	need_moment(x, p, when_blocked(), in_the_way);
	kill_program(x, victim);
	need_moment(x, p, when_blocked(),
		    "it gets the mutex from the dead one, and waits for more");
	hold_program(x, p);
	if (producer)
		finish(x, start_consumer(x, kind, 1));
	else
		produce(x, kind, 700, 700, "there is room");
	victim = doomed(x, &s, !producer, 900);
	release_program(x, p);
	need_moment(x, p, when_blocked(), in_the_way);
	kill_program(x, victim);
	need_moment(x, p, when_blocked(),
		    "it gets the mutex from a second dead one, and waits for more");
	expect(x, !owner_of(look(x, &s)),
	       .expected = say(x, "%s gives the mutex back, from two dead owners", role(producer)),
	       .observed = say(x, "it waits in %s", waiting(x, waiter(x, p)).text),
	       .from = state_text(x, &s), .at = waiting(x, waiter(x, p)).at,
	       .why = "a second death is mended like the first");
	kill_program(x, p);
}

/* Who prints inside the section before head has moved prints an item that is still there. */
static void killed_after_printing(struct exam *x, const struct kind *kind)
{
	struct store s = put_buffer(x, kind, 5, 2, 41, 3);
	struct program *p = start_consumer(x, kind, 1), *next;
	size_t printed = 0;

	while (printed == 0) {
		if (run_to(x, p, after_calls(call_set_family(FAMILY_WRITE)), at_end()) != 0)
			return;
		output(x, p, &printed);
	}
	if (look(x, &s)->head != 2 || !owner_of(s.b))
		return;
	kill_program(x, p);
	next = start_consumer(x, kind, 1);
	finish(x, next);
	expect(x, strcmp(output(x, p, NULL), output(x, next, NULL)) != 0,
	       .expected = "an item is printed once",
	       .observed = say(x, "%s was printed twice",
			       quoted(x, output(x, p, NULL), strlen(output(x, p, NULL)), 20)),
	       .from = "consume was killed inside its section, after its write(2) and before head had moved",
	       .why = "print an item when it is taken, or after the section");
}

static void killed_holder_survived(struct exam *x, const struct kind *kind)
{
	if (!kind->sysv)
		need_watchpoints(x);
	else if (!have_watchpoints(x))
		return;
	for (int i = 0; i < 4 && !failed(x); i++)
		one_after_another(x, kind, i & 1, i & 2);
	for (int i = 0; i < 2 && !failed(x); i++)
		survivor_of_two(x, kind, i);
	if (!failed(x))
		killed_after_printing(x, kind);
}

static void posix_killed_holder(struct exam *x)
{
	struct kind posix = start_posix();

	learn_type(x, &posix);
	killed_holder_survived(x, &posix);
}

/* ---- System V ---- */

static int32_t key_of(struct exam *x, const char *name)
{
	struct stat st;

	if (!file_stat(x, name, &st))
		broken(x, "the key file is missing");
	return (int32_t)((st.st_ino & 0xffff) | (st.st_dev & 0xff) << 16 | (uint32_t)PROJECT << 24);
}

static void segment_in_the_table(struct exam *x, const struct kind *kind, uint32_t capacity)
{
	const struct shm_row *row;
	size_t count;

	clear(x, kind);
	need_created(x, kind, capacity);
	row = living_segments(x, &count);
	need(x, count == 1 && row[0].key == key_of(x, KEYFILE),
	     .expected = say(x, "one segment with the key 0x%08x", (unsigned)key_of(x, KEYFILE)),
	     .observed = count ? say(x, "%zu, the first with the key 0x%08x", count,
				     (unsigned)row[0].key)
			       : "none",
	     .from = "/proc/sysvipc/shm",
	     .why = "ftok(KEYFILE, 66) is the key by which the programs find each other");
	need(x, row[0].size == size_for(capacity),
	     .expected = say(x, "a segment of %zu bytes", size_for(capacity)),
	     .observed = say(x, "%llu bytes", (unsigned long long)row[0].size),
	     .from = "/proc/sysvipc/shm", .why = "the header and the items, no more and no less");
	expect(x, (row[0].mode & 0777) == 0600, .expected = "mode 0600",
	       .observed = say(x, "mode %04o", row[0].mode & 0777), .from = "/proc/sysvipc/shm",
	       .why = "who may write the buffer may also stop everybody who uses it");
}

/* A shmctl(2) that fails on a good buffer: an error, said as such. */
static void control_refused(struct exam *x, const struct kind *kind, const struct words *words,
			    int command, const char *name)
{
	struct fault *fault;
	struct program *p;

	put_buffer(x, kind, 4, 1, 1, 2);
	p = start(x, kind->program,
		  .args = { words->word[0], kind->target, words->word[1], words->word[2] });
	fault = fail_call_with(x, p, CALL_shmctl, EPERM, 1, (uint64_t)command);
	finish(x, p);
	if (fault_struck(fault))
		expect_error(x, p, say(x, "shmctl with %s failed", name));
}

static void controls_refused(struct exam *x, const struct kind *kind)
{
	static const struct words destroy = { { "destroy" } };

	control_refused(x, kind, &destroy, IPC_RMID, "IPC_RMID");
	for (size_t i = 0; i < 2; i++)
		control_refused(x, kind, &uses[i], IPC_STAT, "IPC_STAT");
}

static void without_key_file(struct exam *x, const struct kind *kind)
{
	static const struct words all[] = { { { "create", "5" } },
					    { { "produce", "1", "1" } },
					    { { "consume", "1" } },
					    { { "destroy" } } };

	clear(x, kind);
	for (size_t i = 0; i < 4; i++) {
		struct program *p = run(
			x, "sysv",
			.args = { all[i].word[0], "nowhere", all[i].word[1], all[i].word[2] });

		expect_error(x, p, "ftok of a missing file is -1, and that is no key");
		expect_nothing_left(x, p, kind, "shmget takes -1 for a key like any other");
	}
}

/* What is no regular file has a key, too, and a link has that of what it leads to. */
static void other_key_files(struct exam *x, const struct kind *kind)
{
	static const char *const names[] = { "folder", "link" };

	clear(x, kind);
	put_directory(x, "folder");
	put_link(x, "link", KEYFILE);
	for (size_t i = 0; i < 2 && !failed(x); i++) {
		struct program *p = run(x, "sysv",
					.args = { "create", say(x, "%s", names[i]), "4" });
		const struct shm_row *row;
		size_t count;

		expect_exit(x, p, 0, "ftok() takes whatever stat() finds");
		row = living_segments(x, &count);
		expect(x, count == 1 && row[0].key == key_of(x, names[i]),
		       .expected = say(x, "one segment with the key 0x%08x",
				       (unsigned)key_of(x, names[i])),
		       .observed = count ? say(x, "%zu, the first with the key 0x%08x", count,
					       (unsigned)row[0].key)
					 : "none",
		       .from = say(x, "/proc/sysvipc/shm after `%s`", command_of(x, p)),
		       .why = "ftok(KEYFILE, 66) is the key by which the programs find each other");
		p = run(x, "sysv", .args = { "destroy", say(x, "%s", names[i]) });
		expect_exit(x, p, 0, "ftok() takes whatever stat() finds");
		expect_nothing_left(x, p, kind, "destroy removes the buffer");
	}
}

static void sysv_segment_made_right(struct exam *x)
{
	struct kind sysv = start_sysv(x);
	uint32_t capacity = (uint32_t)pick(x, 3, 600);
	struct store s;

	segment_in_the_table(x, &sysv, capacity);
	s = created(x, &sysv, capacity);
	expect_values(x, &s, capacity);
	expect_attributes(x, &s);
	learn_type(x, &sysv);
	possible_capacities(x, &sysv);
	if (!failed(x))
		magic_comes_last(x, &sysv, capacity);
	failed_create(x, &sysv, CALL_shmat, ENOMEM);
	if (!failed(x))
		create_on_existing(x, &sysv);
	if (!failed(x))
		destroyed(x, &sysv);
	without_key_file(x, &sysv);
	if (!failed(x))
		other_key_files(x, &sysv);
	expect_impostors_refused(x, &sysv);
	no_memory(x, &sysv, CALL_shmat);
	controls_refused(x, &sysv);
	if (!failed(x))
		expect_bad_usages(x, &sysv);
}

static void sysv_does_the_same(struct exam *x)
{
	static void (*const scenes[])(struct exam * x, const struct kind *kind) = {
		first_in_first_out,
		blocks_when_full_and_empty,
		mutex_guards_everything,
		killed_holder_survived,
	};
	struct kind sysv = start_sysv(x);

	learn_type(x, &sysv);
	for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes) && !failed(x); i++) {
		scenes[i](x, &sysv);
		/* one keeper for all would be a program with too long a story */
		kill_program(x, sysv.keeper);
		sysv.keeper = start_keeper(x);
	}
}

/* ---- the lab ---- */

static void show(struct exam *x, const char *const *args)
{
	const struct kind posix = start_posix();
	struct program *consumer, *producer;

	(void)args;
	run(x, "buffer", .args = { "create", NAME, "2" });
	consumer = start_consumer(x, &posix, 3);
	run_to(x, consumer, when_blocked(), at_end());
	producer = start_producer(x, &posix, 1, 3);
	finish(x, producer);
	finish(x, consumer);
	run(x, "buffer", .args = { "destroy", NAME });
}

LAB(.id = "11-bounded-buffer", .title = "A bounded buffer whose users may be killed",
    .programs = { { "buffer", NULL }, { "sysv", NULL } }, .actors = { { "keeper", keeper_main } },
    .show = show,
    .checks = {
	    { .id = "made-whole-before-magic",
	      .points = 2,
	      .task = 1,
	      .title =
		      "create makes an object of the right size, mode and values, and stores the magic number last",
	      .run = made_whole_before_magic,
	      .hints = { "How many bytes do the header and the items need? What does a peer do that sees the magic number?",
			 "shm_open(3), then ftruncate(2) or posix_fallocate(3), then mmap(2). empty counts places, full counts items.",
			 "sizeof(struct bounded_buffer) + capacity * sizeof(int64_t); atomic_store_explicit(…, memory_order_release) as the last line" } },
	    { .id = "mutex-shared-and-robust",
	      .points = 2,
	      .task = 1,
	      .needs = "made-whole-before-magic",
	      .title = "the mutex is process-shared and robust, the semaphores are process-shared",
	      .run = mutex_shared_and_robust,
	      .hints = { "Whose is a mutex with default attributes? What becomes of it when its holder is killed?",
			 "pthread_mutexattr_setpshared(3), pthread_mutexattr_setrobust(3); the second argument of sem_init(3)",
			 "PTHREAD_PROCESS_SHARED and PTHREAD_MUTEX_ROBUST on one attribute object, given to pthread_mutex_init; sem_init(&…, 1, …)" } },
	    { .id = "names-come-and-go",
	      .points = 2,
	      .task = 1,
	      .needs = "made-whole-before-magic",
	      .title =
		      "create refuses an existing name, and a failed create and destroy leave none",
	      .run = names_come_and_go,
	      .hints = { "What happens to a buffer in use when somebody creates it again? Who removes an object whose maker has failed?",
			 "shm_open(3) takes O_EXCL. Which names does it take? Try //name.",
			 "shm_unlink(name) on every way out after shm_open has succeeded, but not when it failed" } },
	    { .id = "only-a-buffer-is-used",
	      .points = 2,
	      .task = 2,
	      .needs = "made-whole-before-magic",
	      .title =
		      "produce and consume refuse whatever is no ready buffer, and leave it as it was",
	      .run = only_a_buffer_is_used,
	      .hints = { "The object says that it has a million items. Who else can tell?",
			 "fstat(2) before mmap(2): an object shorter than the header is a SIGBUS. Then the magic number, then the capacity.",
			 "Copy the capacity once; it is 1 to 1,000,000, and size_for(capacity) is not more than st_size." } },
	    { .id = "first-in-first-out",
	      .points = 2,
	      .task = 3,
	      .needs = "mutex-shared-and-robust",
	      .title = "items come out in the order in which they went in, all 64 bits of them",
	      .run = posix_first_in_first_out,
	      .hints = { "With one index for both ends, which item comes out first?",
			 "Put at tail, take from head; both go round. And what is INT64_MAX + 1?",
			 "b->item[b->tail] = item; b->tail = (b->tail + 1) % capacity; leave the loop when the item just put was TO" } },
	    { .id = "blocks-when-full-and-empty",
	      .points = 2,
	      .task = 3,
	      .needs = "first-in-first-out",
	      .title =
		      "a full buffer blocks the producer and an empty one the consumer, in the kernel, with all output out",
	      .run = posix_blocks,
	      .hints = { "Who could end your wait, and what does he need for it that you hold?",
			 "The semaphore first, the mutex second. sem_wait(3): what does it return when a signal handler has run?",
			 "while (sem_wait(&b->full) == -1) if (errno != EINTR) …; and fflush(stdout) after each item" } },
	    { .id = "mutex-guards-everything",
	      .points = 2,
	      .task = 3,
	      .needs = "blocks-when-full-and-empty",
	      .title = "indexes and items are touched by the holder of the mutex alone",
	      .run = posix_mutex_guards,
	      .hints = { "Two producers read tail at the same moment. Where do they put their items?",
			 "Between lock and unlock stand all loads and stores of head, tail and item[].",
			 "wait semaphore, lock, copy, move the index, unlock, post the other semaphore" } },
	    { .id = "killed-holder-survived",
	      .points = 3,
	      .task = 4,
	      .needs = "mutex-guards-everything",
	      .title =
		      "when the holder of the mutex is killed, the others go on, and lose no other item",
	      .run = posix_killed_holder,
	      .hints = { "What does pthread_mutex_lock return to the first one who comes after a death? Is that an error?",
			 "pthread_mutex_consistent(3). What happens at the unlock without it?",
			 "if (error == EOWNERDEAD) error = pthread_mutex_consistent(&b->mutex); the indexes are right: each moves by one store, the last one" } },
	    { .id = "sysv-segment-made-right",
	      .points = 2,
	      .task = 5,
	      .title = "sysv makes, checks and removes its segment as buffer does its object",
	      .run = sysv_segment_made_right,
	      .hints = { "Where can you see which segments there are, with key, size and mode? Try ipcs -m.",
			 "ftok(3) and its -1; shmget(2) with IPC_CREAT | IPC_EXCL; shmat(2) and its (void *)-1; IPC_STAT for the size; IPC_RMID",
			 "shmget(key, size, IPC_CREAT | IPC_EXCL | 0600), and shmctl(id, IPC_RMID, NULL) when a later call fails" } },
	    { .id = "sysv-does-the-same",
	      .points = 1,
	      .task = 6,
	      .needs = "sysv-segment-made-right",
	      .title =
		      "in System V memory the buffer keeps order, blocks, excludes and survives as in POSIX memory",
	      .run = sysv_does_the_same,
	      .hints = { "What in put and take knows how the memory was made?",
			 "The same functions on another pointer." } },
    });
