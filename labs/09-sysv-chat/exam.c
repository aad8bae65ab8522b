/*
 * Lab 09: a server, a guest, and one slot in a System V segment. Both wait in slices, to see in
 * between whether the other one lives, so nearly everything is asked as "does this state come, in
 * good time", and the waits that must show that something does not come are few. Time is virtual,
 * but for a chat that goes by the clock, sets timers or spins: see find_pace(). A played peer
 * ("actor") is a real attached process; it does one step for each line on its standard input.
 */
#include "exam/exam.h"

#include "chat_room.h"

#include <inttypes.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <time.h>

enum {
	SIZE = sizeof(struct chat_room),
	SOON_MS = 8000,	   /* in which a state that must come has come, on a busy machine too */
	NOTICE_MS = 3000,  /* the two seconds of the task, and one for the machine */
	QUIET_MS = 120,	   /* in which a mistake would have shown */
	SLEEP_MS = 1100,   /* in which sleep(1) is over */
	SILENCE_MS = 2200, /* of a peer that is alive */
	SLICE_MS = 30,
	LONG_SILENCE_MS = 12000, /* the same in virtual time, which costs nothing */
	LONG_WAIT_MS = 1500,	 /* a wait in which a death goes unnoticed for too long */
	REST_CPU_MS = 300,	 /* in which a chat has come to rest */
	PROBE_MS = 3000,	 /* of virtual time */
	MOST_STEPS = 5000,	 /* from the attachment to the magic number */
	MOST_TRIES = 50,	 /* of a second guest to claim the place */
	MOST_CPU = 3,		 /* per cent */
	MOST_CALLS = 4000,	 /* a second, of somebody who waits */
	NOBODY = 0x3fffffff,	 /* no pid is as large */
};

/* ---- the actor ------------------------------------------------------------------------------ */

static struct chat_room *make_segment(int argc, char **argv, int *id)
{
	key_t key = (key_t)strtol(argv[2], NULL, 10);
	size_t size = strtoul(argv[3], NULL, 10);
	uint32_t magic = (uint32_t)strtoul(argv[4], NULL, 10);

	*id = shmget(key, size, IPC_CREAT | IPC_EXCL | 0600);
	struct chat_room *made = shmat(*id, NULL, 0);

	if (made == (void *)-1)
		exit(3);
	/* As like a room as can be, but for its size or magic number. */
	if (magic != 0) {
		made->server = argc > 5 ? NOBODY : getpid();
		sem_init(&made->empty, 1, 1);
		sem_init(&made->full, 1, 0);
	}
	made->magic = magic;
	return made;
}

static struct chat_room *make_room(char **argv, int *id)
{
	struct chat_room *made;

	*id = shmget((key_t)strtol(argv[2], NULL, 10), SIZE, IPC_CREAT | IPC_EXCL | 0600);
	made = shmat(*id, NULL, 0);
	if (made == (void *)-1 || sem_init(&made->empty, 1, 1) || sem_init(&made->full, 1, 0))
		exit(3);
	made->server = getpid();
	made->magic = CHAT_MAGIC;
	return made;
}

static struct chat_room *visit_room(char **argv, int *id)
{
	struct chat_room *found;
	int32_t nobody = 0;

	*id = shmget((key_t)strtol(argv[2], NULL, 10), 0, 0);
	found = shmat(*id, NULL, 0);
	if (found == (void *)-1 ||
	    !atomic_compare_exchange_strong(&found->guest, &nobody, getpid()))
		exit(3);
	return found;
}

/* actor serve KEY | join KEY | segment KEY SIZE MAGIC [dead]; then one step a line of standard
 * input. */
static int peer(int argc, char **argv)
{
	bool serves = argc > 2 && strcmp(argv[1], "serve") == 0;
	struct chat_room *r;
	char word[CHAT_LINE + 8];
	int id;

	if (argc < 3)
		return 3;
	r = serves			   ? make_room(argv, &id)
	    : strcmp(argv[1], "join") == 0 ? visit_room(argv, &id)
					   : make_segment(argc, argv, &id);
	setvbuf(stdin, NULL, _IONBF, 0);
	while (fgets(word, sizeof word, stdin)) {
		const char *said = ".";

		word[strcspn(word, "\n")] = '\0';
		switch (word[0]) {
		case 't': /* try to take what is ours to take */
			said = sem_trywait(serves ? &r->empty : &r->full) == 0 ? "1" : "0";
			break;
		case 'p':
			sem_post(serves ? &r->full : &r->empty);
			break;
		case 'l':
			strcpy(r->line, word + 1);
			break;
		case 'e':
			r->ended = 1;
			break;
		case 'r':
			shmctl(id, IPC_RMID, NULL);
			break;
		case 'c': /* clear its place */
			r->guest = 0;
			break;
		default:
			return 0;
		}
		puts(said);
		fflush(stdout);
	}
	return 0;
}

static struct program *actor(struct exam *x, const char *part, key_t key)
{
	struct program *a = start(x, NULL, .actor = "peer",
				  .args = { part, say(x, "%" PRId32, key) }, .typed = true,
				  .real_time = true);

	if (run_to(x, a, at_read_of(STDIN_FILENO)) != 0)
		broken(x,
		       say(x, "the %s of the exam could not start: %s", part, ending_text(x, a)));
	return a;
}

static struct program *segment(struct exam *x, key_t key, size_t size, uint32_t magic, bool dead)
{
	struct program *a = start(x, NULL, .actor = "peer",
				  .args = { "segment", say(x, "%" PRId32, key), say(x, "%zu", size),
					    say(x, "%" PRIu32, magic), dead ? "dead" : NULL },
				  .typed = true, .real_time = true);

	if (run_to(x, a, at_read_of(STDIN_FILENO)) != 0)
		broken(x, say(x, "the segment of the exam was not made: %s", ending_text(x, a)));
	return a;
}

/* One step, which it answers by a line; whether that is 1. */
static bool step_of(struct exam *x, struct program *a, const char *step)
{
	size_t before, size;
	const char *said = output(x, a, &before);

	feed(x, a, say(x, "%s\n", step));
	do
		said = output(x, a, &size);
	while (size == before && run_to(x, a, after_call(CALL_write), at_end()) == 0);
	return size >= 2 && said[size - 2] == '1';
}

/* ---- rooms ---------------------------------------------------------------------------------- */

struct talk {
	const char *keyfile;
	key_t key;
	struct program *server, *guest;
};

/*
 * Without an IPC namespace of our own the table holds other people's segments too: those that were
 * there before the first program are not looked at.
 */
static struct {
	bool known;
	size_t count;
	int id[256];
} others;

static void remember_others(struct exam *x)
{
	size_t count;
	const struct shm_row *row = segments(x, &count);

	for (size_t i = 0; i < count && i < sizeof others.id / sizeof others.id[0]; i++)
		others.id[others.count++] = row[i].id;
	others.known = true;
}

static const struct shm_row *ours(struct exam *x, size_t *count)
{
	size_t all, kept = 0;
	const struct shm_row *row = segments(x, &all);
	struct shm_row *mine = room(x, (all + 1) * sizeof *mine);

	for (size_t i = 0; i < all; i++) {
		bool other = false;

		for (size_t k = 0; k < others.count; k++)
			other = other || others.id[k] == row[i].id;
		if (!other)
			mine[kept++] = row[i];
	}
	*count = kept;
	return mine;
}

/* The key that ftok(3) makes of an existing KEYFILE. */
static struct talk talk_at(struct exam *x, const char *keyfile)
{
	struct talk t = { .keyfile = keyfile };
	struct stat st;

	if (!others.known)
		remember_others(x);
	if (!file_stat(x, t.keyfile, &st))
		broken(x, "KEYFILE is not there");
	t.key = (key_t)(65u << 24 | (st.st_dev & 0xff) << 16 | (st.st_ino & 0xffff));
	return t;
}

/* A fresh KEYFILE. */
static struct talk new_talk(struct exam *x)
{
	const char *keyfile = pick_word(x, 8);

	put_text(x, keyfile, "");
	return talk_at(x, keyfile);
}

static const struct shm_row *row_of(struct exam *x, key_t key)
{
	size_t count;
	const struct shm_row *row = ours(x, &count);

	for (size_t i = 0; i < count; i++)
		if (row[i].key == key)
			return &row[i];
	return NULL;
}

static const char *table(struct exam *x)
{
	size_t count;
	const struct shm_row *row = ours(x, &count);
	const char *text = count == 0 ? "no segment" : "";

	for (size_t i = 0; i < count; i++)
		text = say(x, "%s%skey 0x%08x size %" PRIu64 " mode %04o nattch %" PRIu64, text,
			   i > 0 ? "; " : "", (unsigned)row[i].key, row[i].size, row[i].mode,
			   row[i].attached);
	return text;
}

static size_t segment_count(struct exam *x)
{
	size_t count;

	ours(x, &count);
	return count;
}

/* Where the process has the segment attached, 0: nowhere. */
static uint64_t attached_at(struct exam *x, const struct process *process, int id)
{
	const struct maps *maps = maps_now(x, process);

	for (size_t i = 0; i < maps->count; i++)
		if (strncmp(maps->vma[i].path, "/SYSV", 5) == 0 &&
		    maps->vma[i].inode == (uint64_t)id)
			return maps->vma[i].start;
	return 0;
}

/* The room as a process of the program sees it; all zero where none does. */
static struct chat_room *view(struct exam *x, const struct program *p, key_t key)
{
	const struct shm_row *row = row_of(x, key);
	struct chat_room *seen = room(x, SIZE);

	for (struct process *q = first_process(p); q != NULL && row != NULL; q = next_process(q)) {
		uint64_t address = alive(q) ? attached_at(x, q, row->id) : 0;

		if (address != 0 && peek(x, q, address, seen, SIZE))
			return seen;
	}
	return seen;
}

static int value(const sem_t *semaphore)
{
	sem_t copy = *semaphore;
	int number = -1;

	sem_getvalue(&copy, &number);
	return number;
}

static const char *state_text(struct exam *x, const struct chat_room *r)
{
	return say(x, "magic 0x%08x server %d guest %d empty %d full %d ended %u line %s", r->magic,
		   r->server, r->guest, value(&r->empty), value(&r->full), r->ended,
		   quoted(x, r->line, strnlen(r->line, CHAT_LINE), 40));
}

/* ---- time ----------------------------------------------------------------------------------- */

/* How time goes by for the programs of this submission: find_pace(), below. */
struct pace {
	bool real;  /* sleeps are slept, time-outs awaited */
	bool clock; /* it asks what time it is, if only for the end of a wait */
};

static void find_pace(struct exam *x, void *facts);

static const struct pace *pace_of(struct exam *x)
{
	return scene(x, find_pace, sizeof(struct pace));
}

enum outcome { REACHED, ENDED, TIME_OVER, NOTHING_MOVES };

/*
 * Everything moves until the program has come to the moment, has ended, or the time is over. The
 * limit of a run may be stretched or shortened by the grader, and a stage where nothing moves may
 * come to life by a timer, so what counts are the clocks.
 */
static enum outcome let_move_to(struct exam *x, struct program *p, int64_t ms, int64_t most_real,
				struct moment moment)
{
	bool real = p->launch.real_time;
	int64_t until = real_ms(x) + most_real, began = virtual_ms(x);

	for (;;) {
		int64_t left = until - real_ms(x), more = began + ms - virtual_ms(x);

		if (left <= 0 || (!real && more <= 0))
			return TIME_OVER;
		set_limits(x, p, 20000, left, real ? 600000 : more);
		switch (run_to(x, p, moment, at_end())) {
		case 0:
			return REACHED;
		case STUCK:
			if (!real)
				return NOTHING_MOVES;
			usleep(10000);
			break;
		case SPENT:
			break;
		default:
			return ENDED;
		}
	}
}

static enum outcome let_move(struct exam *x, struct program *p, int64_t ms, int64_t most_real)
{
	enum outcome outcome = let_move_to(x, p, ms, most_real, at_end());

	return outcome == REACHED ? ENDED : outcome;
}

/* Nothing is to happen in that time. */
static void pass(struct exam *x, struct program *p, int64_t ms)
{
	let_move(x, p, ms, ms);
}

/* Is a wait under way in which it does not look around for long? */
static bool waits_long(struct exam *x, const struct program *p)
{
	for (struct process *q = first_process(p); q != NULL; q = next_process(q)) {
		struct wait_info wait = alive(q) ? waiting(x, q) : (struct wait_info){ 0 };

		if (wait.timed && wait.timeout_ms >= LONG_WAIT_MS)
			return true;
	}
	return false;
}

/* Must it end in that time? Where it naps until the clock says so, virtual time proves nothing. */
static bool ends_in(struct exam *x, struct program *p, int64_t ms)
{
	bool long_before = waits_long(x, p);
	/* of real time a busy host takes its share */
	enum outcome outcome = let_move(x, p, ms, p->launch.real_time ? ms * 3 / 2 : ms);

	/* of a wait that was long at first only the rest may be left by now */
	if (outcome == TIME_OVER && !p->launch.real_time && pace_of(x)->clock && !long_before &&
	    !waits_long(x, p))
		outcome = let_move(x, p, INT32_MAX, ms);
	return outcome == ENDED;
}

/*
 * A slice, each longer than the one before: every stop in between makes some waits of the program
 * begin anew, so short ones alone could keep it from ever coming to the end of one.
 */
static bool moves_on(struct exam *x, struct program *p, int64_t slice, int64_t until,
		     int64_t virtual_until)
{
	bool real = p->launch.real_time;
	int64_t left = until - real_ms(x), more = virtual_until - virtual_ms(x);

	if (left <= 0 || (!real && !pace_of(x)->clock && more <= 0))
		return false;
	return let_move(x, p, slice, real && slice < left ? slice : left) == TIME_OVER;
}

/* Does the condition come true while everything moves? No later than `ms`, or the program's end. */
#define COMES(x, p, ms, condition)                                            \
	({                                                                    \
		int64_t until_ = real_ms(x) + (ms), slice_ = SLICE_MS;        \
		int64_t virtual_ = virtual_ms(x) + (ms);                      \
		bool come_, more_ = true;                                     \
		while (!(come_ = (condition)) && more_) {                     \
			more_ = moves_on((x), (p), slice_, until_, virtual_); \
			slice_ += slice_ / 2;                                 \
		}                                                             \
		come_;                                                        \
	})

/* How it ended, and what it said of that. */
static const char *end_of(struct exam *x, struct program *p)
{
	const char *said = error_output(x, p), *how = ending_text(x, p);

	return ending(p).how == STILL_THERE || !*said
		       ? how
		       : say(x, "%s, having said %s", how, quoted(x, said, strlen(said), 100));
}

/* ---- starting ------------------------------------------------------------------------------- */

#define serve(x, t, ...)                                                                     \
	start((x), "chat", .args = { "serve", (t)->keyfile }, .real_time = pace_of(x)->real, \
	      __VA_ARGS__)
#define join(x, t, ...)                                                                     \
	start((x), "chat", .args = { "join", (t)->keyfile }, .real_time = pace_of(x)->real, \
	      __VA_ARGS__)

/* ---- whose time is it? ---------------------------------------------------------------------- */

/*
 * Does the program take one of these from a library? Their names stand in its first pages. One that
 * is the tail of another shares its letters, so "time" is also found in clock_gettime.
 */
static bool takes(const struct bytes *names, const char *const *any)
{
	for (; *any; any++)
		if (memmem(names->data, names->size, *any, strlen(*any) + 1))
			return true;
	return false;
}

static struct bytes first_pages(struct exam *x, const struct process *process)
{
	const struct maps *maps = maps_now(x, process);
	struct bytes bytes = { .data = room(x, 1) };

	for (size_t i = 0; i < maps->count; i++) {
		const struct vma *vma = &maps->vma[i];
		const char *name = strrchr(vma->path, '/');

		if (!name || strcmp(name, "/chat") != 0)
			continue;
		bytes.size = vma->end - vma->start;
		bytes.data = room(x, bytes.size + 1);
		if (!peek(x, process, vma->start, bytes.data, bytes.size))
			bytes.size = 0;
		return bytes;
	}
	return bytes;
}

static bool sets_timer(struct exam *x, const struct program *p)
{
	return next_call(x, p, NULL, call_set_family(FAMILY_TIMER), NULL) != NULL;
}

/* Comes to rest before it has used much of the CPU; false also where it does not get there. */
static bool comes_to_rest(struct exam *x, struct program *p)
{
	int64_t until = real_ms(x) + SOON_MS;
	int reached;

	set_limits(x, p, REST_CPU_MS, SOON_MS, PROBE_MS);
	do
		reached = run_to(x, p, at_sleep(), when_blocked(), at_end());
	while (reached == SPENT && cpu_us(x, p) < REST_CPU_MS * 1000 && real_ms(x) < until);
	return reached >= 0 || reached == RAN_OUT;
}

static int64_t longest_wait(struct exam *x, const struct program *p)
{
	int64_t longest = 0;

	for (struct process *q = first_process(p); q != NULL; q = next_process(q)) {
		struct wait_info wait = alive(q) ? waiting(x, q) : (struct wait_info){ 0 };

		if (wait.timed && wait.timeout_ms > longest)
			longest = wait.timeout_ms;
	}
	return longest;
}

static bool is_of(const struct program *p, pid_t pid)
{
	for (struct process *q = first_process(p); q != NULL; q = next_process(q))
		if (pid_of(q) == pid)
			return true;
	return false;
}

/* What a killed server left behind, under whatever key, the exam removes. */
static void clear_away(struct exam *x, const struct program *server)
{
	size_t count;
	const struct shm_row *row = ours(x, &count);

	for (size_t i = 0; i < count; i++)
		if (is_of(server, row[i].creator) && !(row[i].mode & 01000))
			finish(x, start(x, NULL, .actor = "remover",
					.args = { say(x, "%d", row[i].id) }));
}

/* Do both come to rest again and again, in waits that get no longer? */
static bool wait_evenly(struct exam *x, struct program *const p[2])
{
	int64_t first[2];

	for (int i = 0; i < 2; i++) {
		if (!comes_to_rest(x, p[i]))
			return false;
		first[i] = longest_wait(x, p[i]);
	}
	for (int i = 0; i < 2; i++) {
		set_limits(x, p[i], REST_CPU_MS, SOON_MS, PROBE_MS);
		run_to(x, p[i], at_end());
		if (!comes_to_rest(x, p[i]) ||
		    (first[i] > 0 && longest_wait(x, p[i]) > 2 * first[i] + LONG_WAIT_MS / 4))
			return false;
	}
	return true;
}

/*
 * Virtual time is right where each wait is given how long it shall last. It is not where something
 * else says when the time is over: a timer, or a clock that the program looks at. Two such are told
 * apart: a clock_gettime() from which the end of a sem_timedwait() is reckoned does no harm. Should
 * the waits get longer and longer all the same, real time is taken. And where somebody spins
 * nothing is ever at rest, so virtual time stands still.
 */
static void find_pace(struct exam *x, void *facts)
{
	static const char *const clocks[] = { "time", "gettimeofday", "timespec_get", "clock",
					      NULL },
				 *const ends[] = { "sem_timedwait", "sem_clockwait",
						   "pthread_cond_timedwait",
						   "pthread_cond_clockwait", NULL },
				 *const naps[] = { "clock_nanosleep", NULL },
				 *const timers[] = { "alarm", "setitimer", "timer_settime",
						     "timerfd_settime", NULL };
	struct pace *pace = facts;
	struct talk t = new_talk(x);
	struct program *p[2];
	struct bytes names;

	p[0] = start(x, "chat", .args = { "serve", t.keyfile }, .typed = true);
	names = first_pages(x, first_process(p[0]));
	pace->clock = names.size == 0 || takes(&names, clocks);
	pace->real = (pace->clock && (!takes(&names, ends) || takes(&names, naps))) ||
		     takes(&names, timers);
	if (!pace->real) {
		comes_to_rest(x, p[0]); /* or the guest would find no room */
		p[1] = start(x, "chat", .args = { "join", t.keyfile }, .input = "");
		pace->real = !wait_evenly(x, p) || sets_timer(x, p[0]) || sets_timer(x, p[1]);
		kill_program(x, p[1]);
	}
	kill_program(x, p[0]);
	clear_away(x, p[0]);
}

/* A server with an open room. */
static void open_room(struct exam *x, struct talk *t)
{
	t->server = serve(x, t, .typed = true);

	bool came = COMES(x, t->server, SOON_MS, view(x, t->server, t->key)->magic == CHAT_MAGIC);

	need(x, came,
	     .expected = say(x, "a room under key 0x%08x, with its magic number", (unsigned)t->key),
	     .observed = say(x, "%s; the server: %s", table(x), end_of(x, t->server)),
	     .why = "the guest finds the room by the key that ftok(KEYFILE, 65) gives it",
	     .from = "/proc/sysvipc/shm");
}

/* How many processes of the program are in the room: a watchful child counts too. */
static uint64_t visitors(struct exam *x, const struct program *p, int id)
{
	uint64_t count = 0;

	for (struct process *q = first_process(p); q != NULL; q = next_process(q))
		count += alive(q) && attached_at(x, q, id) != 0;
	return count;
}

static bool has_guest(struct exam *x, struct program *p, key_t key)
{
	const struct shm_row *row = row_of(x, key);

	return row != NULL && visitors(x, p, row->id) > 0 && view(x, p, key)->guest != 0;
}

/* … and its guest. */
static void bring_guest(struct exam *x, struct talk *t)
{
	t->guest = join(x, t, .input = "");

	bool came = COMES(x, t->guest, SOON_MS, has_guest(x, t->guest, t->key));

	need(x, came, .expected = "a guest who is attached, its pid in `guest`",
	     .observed = say(x, "%s; %s; the guest: %s", table(x),
			     state_text(x, view(x, t->server, t->key)), end_of(x, t->guest)),
	     .why = "nattch and `guest` are how the server knows that somebody listens",
	     .from = "/proc/sysvipc/shm and the room");
}

static struct talk open_talk(struct exam *x)
{
	struct talk t = new_talk(x);

	open_room(x, &t);
	bring_guest(x, &t);
	return t;
}

static bool has_printed(struct exam *x, struct program *p, const char *text)
{
	size_t size;
	const char *printed = output(x, p, &size);

	return size == strlen(text) && memcmp(printed, text, size) == 0;
}

/* A room that is marked for removal goes with its last visitor: it counts as removed. */
static void expect_empty_table(struct exam *x, const char *why)
{
	size_t count, left = 0;
	const struct shm_row *row = ours(x, &count);

	for (size_t i = 0; i < count; i++)
		left += !(row[i].mode & 01000);
	expect(x, left == 0, .expected = "no segment left", .observed = table(x), .why = why,
	       .from = "/proc/sysvipc/shm");
}

/* It ends in time, with an error. */
static void expect_gives_up(struct exam *x, struct program *p, const char *why)
{
	ends_in(x, p, NOTICE_MS);
	expect_error(x, p, why);
}

/* ---- 1: the room ---------------------------------------------------------------------------- */

/* Any existing KEYFILE is allowed. */
static void directory_as_keyfile(struct exam *x)
{
	const char *name = pick_word(x, 8), *why = "KEYFILE may be all that ftok(3) takes: this "
						   "one is a directory";
	struct talk t;

	put_directory(x, name);
	t = talk_at(x, name);
	t.server = serve(x, &t, .typed = true);

	bool came = COMES(x, t.server, SOON_MS, view(x, t.server, t.key)->magic == CHAT_MAGIC);

	need(x, came, .expected = say(x, "a room under key 0x%08x", (unsigned)t.key),
	     .observed = say(x, "%s; the server: %s", table(x), end_of(x, t.server)), .why = why,
	     .from = "/proc/sysvipc/shm");
	t.guest = join(x, &t, .input = "");
	came = COMES(x, t.guest, SOON_MS, has_guest(x, t.guest, t.key));
	expect(x, came, .expected = "a guest who is attached, its pid in `guest`",
	       .observed = say(x, "%s; the guest: %s", table(x), end_of(x, t.guest)), .why = why,
	       .from = "/proc/sysvipc/shm and the room");
}

static void room_in_table(struct exam *x)
{
	struct talk t = new_talk(x);
	uint64_t alone;

	open_room(x, &t);

	const struct shm_row *row = row_of(x, t.key);

	expect(x, row->size == SIZE, .expected = say(x, "%d bytes", SIZE),
	       .observed = say(x, "%" PRIu64 " bytes", row->size),
	       .why = "sizeof(struct chat_room): whoever enters compares the size",
	       .from = "/proc/sysvipc/shm");
	alone = visitors(x, t.server, row->id);
	expect(x, alone > 0 && row->attached == alone && segment_count(x) == 1,
	       .expected = "one segment, attached once: by the server", .observed = table(x),
	       .why = "nattch counts the visitors", .from = "/proc/sysvipc/shm");
	t.guest = join(x, &t, .input = "");

	bool came = COMES(x, t.guest, SOON_MS,
			  visitors(x, t.guest, row->id) > 0 &&
				  row_of(x, t.key)->attached ==
					  alone + visitors(x, t.guest, row->id));

	expect(x, came && segment_count(x) == 1,
	       .expected = "one segment, attached twice when a guest has come",
	       .observed = say(x, "%s; the guest: %s", table(x), end_of(x, t.guest)),
	       .why = "a guest stays in the server's room as long as the talk lasts, and makes "
		      "none of its own",
	       .from = "/proc/sysvipc/shm");
	if (failed(x))
		return;
	kill_program(x, t.guest);
	kill_program(x, t.server);
	clear_away(x, t.server);
	directory_as_keyfile(x);
}

static bool shared(const sem_t *semaphore)
{
	sem_t right;

	if (sem_init(&right, 1, 0) != 0)
		return false;
	/* Behind the value and the count of waiters stands what kind it is (glibc). */
	return memcmp((const char *)semaphore + 8, (const char *)&right + 8, 4) == 0;
}

static void expect_ready(struct exam *x, const struct chat_room *r, const struct program *p)
{
	const char *at = last_stop(x, p) ? last_stop(x, p)->at : NULL;
	bool known = false;

	for (struct process *q = first_process(p); q != NULL; q = next_process(q))
		known = known || (alive(q) && pid_of(q) == r->server);
	expect(x,
	       known && r->guest == 0 && r->ended == 0 && value(&r->empty) == 1 &&
		       value(&r->full) == 0,
	       .expected = say(x, "server %d guest 0 empty 1 full 0 ended 0, when magic is stored",
			       pid_of(first_process(p))),
	       .observed = state_text(x, r),
	       .why = "from the magic number on a guest may come in: everything else is ready before",
	       .from = "the room right after the store of CHAT_MAGIC", .at = at);
	expect(x, shared(&r->empty) && shared(&r->full),
	       .expected = "semaphores made by sem_init(…, 1, …)",
	       .observed = say(x, "empty: %s, full: %s",
			       shared(&r->empty) ? "process-shared" : "private, or not made yet",
			       shared(&r->full) ? "process-shared" : "private, or not made yet"),
	       .why = "a private semaphore wakes nobody in another process; and both are made "
		      "before the magic number is stored",
	       .at = at, .from = "the semaphores' bytes");
}

/* Stops right after the attachment of the segment; the address. */
static uint64_t attach_stop(struct exam *x, struct program *p, key_t key)
{
	while (run_to(x, p, after_call(CALL_shmat), at_end()) == 0) {
		const struct shm_row *row = row_of(x, key);
		const struct event *event = last_stop(x, p)->event;

		if (row != NULL && (int)event->args[0] == row->id && event->result > 0)
			return (uint64_t)event->result;
	}
	return 0;
}

/* The server stands right behind the store of the magic number, and a guest comes. */
static void guest_at_magic(struct exam *x, struct talk *t)
{
	int id = row_of(x, t->key)->id;
	struct process *guest;
	struct chat_room r;
	int32_t pid;

	hold_program(x, t->server);
	t->guest = actor(x, "join", t->key);
	guest = first_process(t->guest);
	pid = pid_of(guest);
	release_program(x, t->server);
	pass(x, t->server, QUIET_MS);
	/* by its id: a room that is removed too early has lost its key */
	if (!peek(x, guest, attached_at(x, guest, id), &r, SIZE))
		broken(x, "the guest of the exam has lost the room");
	expect(x, r.magic == CHAT_MAGIC && r.guest == pid && r.ended == 0,
	       .expected = say(
		       x, "guest = %d, who came when the magic number was there, and ended 0", pid),
	       .observed = state_text(x, &r),
	       .why = "from the magic number on a guest may claim its place: a 0 that the server "
		      "stores later wipes the claim out",
	       .from = "the room a moment after the store of CHAT_MAGIC");
}

static void made_then_published(struct exam *x)
{
	struct talk t = new_talk(x);
	struct program *p = t.server = serve(x, &t, .typed = true);
	uint64_t address = attach_stop(x, p, t.key);
	struct chat_room *seen = room(x, SIZE);

	need(x, address != 0, .expected = "the segment attached by shmat(2)",
	     .observed = ending_text(x, p), .why = "that is how it comes into the address space",
	     .from = table(x));

	struct process *q = last_stop(x, p)->process;
	const struct shm_row *row = row_of(x, t.key);

	expect(x, (row->mode & 0777) == 0600, .expected = "mode 0600",
	       .observed = say(x, "mode 0%o", row->mode & 0777),
	       .why = "the room is for one user: others could write into it",
	       .from = "/proc/sysvipc/shm");
	if (have_watchpoints(x)) {
		watch_memory(x, q, address + offsetof(struct chat_room, magic), 4, WATCH_STORES);
		while (seen->magic != CHAT_MAGIC &&
		       run_to(x, p, at_watch(NULL), at_read_of(STDIN_FILENO), at_end()) == 0)
			peek(x, last_stop(x, p)->process, address, seen, SIZE);
	} else {
		for (int i = 0; i < MOST_STEPS && seen->magic != CHAT_MAGIC && step(x, q); i++)
			peek(x, q, address, seen, SIZE);
	}
	/* Stored by somebody else, or by a call: seen once it stands there. */
	if (seen->magic != CHAT_MAGIC &&
	    COMES(x, p, SOON_MS, view(x, p, t.key)->magic == CHAT_MAGIC))
		*seen = *view(x, p, t.key);
	need(x, seen->magic == CHAT_MAGIC, .expected = "CHAT_MAGIC stored",
	     .observed = state_text(x, seen), .why = "nobody may enter a room without it",
	     .from = ending_text(x, p));
	expect_ready(x, seen, p);
	if (!failed(x))
		guest_at_magic(x, &t);
}

/* ---- 2: strangers --------------------------------------------------------------------------- */

static void refuses(struct exam *x, const struct talk *t, const char *command, const char *why)
{
	struct program *p = start(x, "chat", .args = { command, t->keyfile }, .typed = true,
				  .real_time = pace_of(x)->real);

	expect_gives_up(x, p, why);
	kill_program(x, p);
}

static void foreign_segment(struct exam *x, const char *command, size_t size, uint32_t magic)
{
	struct talk t = new_talk(x);
	/* For a server nothing looks more like a room to be replaced than one of a dead server. */
	struct program *a = segment(x, t.key, size, magic, strcmp(command, "serve") == 0);
	struct process *owner = first_process(a);
	unsigned char *before = room(x, size), *after = room(x, size);
	const char *what = say(x, "a segment of %zu bytes that begins with 0x%08x is no room%s",
			       size, magic, magic ? "" : " yet");
	int id = row_of(x, t.key)->id;
	uint64_t address = attached_at(x, owner, id);

	peek(x, owner, address, before, size);
	refuses(x, &t, command, what);
	peek(x, owner, address, after, size);

	const struct shm_row *row = row_of(x, t.key);

	expect(x, row != NULL && row->id == id && row->attached == 1,
	       .expected = "the segment as it was, attached by its owner alone",
	       .observed = table(x), .why = say(x, "%s: leave it alone", what),
	       .from = "/proc/sysvipc/shm");
	expect(x, memcmp(before, after, size) == 0, .expected = "its bytes as they were",
	       .observed = say(x, "now %s", quoted(x, after, size, 60)),
	       .why = say(x, "%s: touch nothing in it", what), .from = "the segment's bytes");
	kill_program(x, a);
}

static void foreign_segments(struct exam *x, const char *command)
{
	if (!failed(x))
		foreign_segment(x, command, (size_t)pick(x, 1000, 5000), CHAT_MAGIC);
	if (!failed(x))
		foreign_segment(x, command, (size_t)pick(x, 90, SIZE - 1), CHAT_MAGIC);
	if (!failed(x))
		foreign_segment(x, command, SIZE, (uint32_t)pick(x, 1, INT32_MAX));
}

/* Who waits for a guest, to part with him in good order, may. */
static void expect_read_error(struct exam *x, struct talk *t, const char *why)
{
	if (!ends_in(x, t->server, QUIET_MS))
		t->guest = join(x, t, .input = "");
	expect_gives_up(x, t->server, why);
	expect_empty_table(x, "an error is no reason to leave the room behind");
	if (t->guest)
		kill_program(x, t->guest);
}

static void failed_calls(struct exam *x)
{
	struct talk made = new_talk(x), input = new_talk(x), t = new_talk(x);
	struct program *p = serve(x, &made, .typed = true), *a;
	struct fault *fault;

	fail_call(x, p, CALL_shmat, ENOMEM, NULL, 0);
	expect_gives_up(x, p, "shmat(2) failed with ENOMEM: it returns (void *)-1, never NULL");
	expect_empty_table(x, "a segment that cannot be attached is removed again");
	kill_program(x, p);
	if (failed(x))
		return;
	p = serve(x, &input, .typed = true);
	fault = fail_call_with(x, p, CALL_read, EIO, 0, STDIN_FILENO);
	feed(x, p, "never read\n");
	/* where a library reads, nothing is struck and the line arrives */
	COMES(x, p, SOON_MS, fault_struck(fault) || value(&view(x, p, input.key)->full) > 0);
	input.server = p;
	if (fault_struck(fault))
		expect_read_error(x, &input,
				  "a read of standard input failed with EIO: that is no end of "
				  "input");
	kill_program(x, p);
	clear_away(x, p);
	if (failed(x))
		return;
	a = actor(x, "serve", t.key);
	p = join(x, &t, .input = "");
	fail_call(x, p, CALL_shmat, ENOMEM, NULL, 0);
	expect_gives_up(x, p, "shmat(2) failed with ENOMEM: it returns (void *)-1, never NULL");
	kill_program(x, p);
	kill_program(x, a);
}

/* Somebody who forgot to look serves in the segment of key -1. */
static void common_room(struct exam *x, const struct talk *nowhere)
{
	struct program *a = actor(x, "serve", -1);

	refuses(x, nowhere, "join",
		"KEYFILE does not exist: ftok(3) returns -1, and that room is another's");
	expect(x, view(x, a, -1)->guest == 0, .expected = "guest 0 in the room under key -1",
	       .observed = state_text(x, view(x, a, -1)),
	       .why = "-1 is no key: it says that ftok(3) failed", .from = "the room");
	kill_program(x, a);
	clear_away(x, a);
}

static void strangers_refused(struct exam *x)
{
	struct talk nowhere = { .keyfile = pick_word(x, 8) }, nobody = new_talk(x);

	refuses(x, &nowhere, "serve", "KEYFILE does not exist: ftok(3) returns -1");
	refuses(x, &nowhere, "join", "KEYFILE does not exist: ftok(3) returns -1");
	expect_empty_table(x, "-1 is no key: all programs that forget to look share that segment");
	if (!failed(x))
		common_room(x, &nowhere);
	refuses(x, &nobody, "join", "nobody serves here");
	expect_empty_table(x, "the guest makes no room");
	expect_usage(x, run(x, "chat"));
	expect_usages(x, "chat",
		      (const struct words[]){ { { "serve" } },
					      { { "join" } },
					      { { "serve", nobody.keyfile, "x" } },
					      { { "join", nobody.keyfile, "x" } },
					      { { pick_word(x, 5), nobody.keyfile } },
					      { { "server", nobody.keyfile } },
					      { { "j", nobody.keyfile } },
					      { { NULL } } });
	if (!failed(x))
		failed_calls(x);
	foreign_segments(x, "join");
	if (!failed(x))
		foreign_segment(x, "join", SIZE, 0);
}

/* ---- 3: live and dead servers --------------------------------------------------------------- */

static bool fresh(const struct chat_room *r)
{
	return r->magic == CHAT_MAGIC && r->guest == 0 && r->ended == 0 && value(&r->full) == 0;
}

static void live_and_dead(struct exam *x)
{
	struct talk t = new_talk(x);

	open_room(x, &t);

	/* with somebody in it, whom a second server could throw out */
	struct program *a = actor(x, "join", t.key);
	int id = row_of(x, t.key)->id;
	struct chat_room before = *view(x, t.server, t.key), *after;

	refuses(x, &t, "serve", "a server lives in this room");
	after = view(x, t.server, t.key);
	need(x,
	     row_of(x, t.key) != NULL && row_of(x, t.key)->id == id &&
		     strcmp(state_text(x, &before), state_text(x, after)) == 0 &&
		     ending(t.server).how == STILL_THERE,
	     .expected = say(x, "the first server's room as it was: %s", state_text(x, &before)),
	     .observed = say(x, "%s; %s; the first server: %s", table(x), state_text(x, after),
			     ending_text(x, t.server)),
	     .why = "only IPC_EXCL tells a new segment from one that is there already",
	     .from = "/proc/sysvipc/shm and the room");

	/* Both are killed. */
	kill_program(x, a);
	kill_program(x, t.server);
	need(x, row_of(x, t.key) != NULL, .expected = "the segment outlives a killed server",
	     .observed = table(x), .why = "this is what the next server finds");
	t.server = serve(x, &t, .typed = true);

	bool came = COMES(x, t.server, SOON_MS,
			  fresh(view(x, t.server, t.key)) &&
				  view(x, t.server, t.key)->server != before.server);

	need(x, came,
	     .expected = "a new room, with nobody and nothing in it, in place of the dead server's",
	     .observed = say(x, "%s; %s; the server: %s", table(x),
			     ending(t.server).how == STILL_THERE
				     ? state_text(x, view(x, t.server, t.key))
				     : "nobody in it",
			     ending_text(x, t.server)),
	     .why = "a killed server cannot remove its room: the next one asks with kill(pid, 0) "
		    "whether it lives",
	     .from = "/proc/sysvipc/shm");
	expect(x, segment_count(x) == 1, .expected = "one segment", .observed = table(x),
	       .why = "the dead server's room is removed", .from = "/proc/sysvipc/shm");
}

/* Its guest lives on and is still attached: that makes no server of it. */
static void dead_but_visited(struct exam *x)
{
	struct talk t = new_talk(x);
	pid_t before;

	open_room(x, &t);
	before = view(x, t.server, t.key)->server;
	t.guest = actor(x, "join", t.key);
	kill_program(x, t.server);
	t.server = serve(x, &t, .typed = true);

	bool came = COMES(x, t.server, SOON_MS,
			  fresh(view(x, t.server, t.key)) &&
				  view(x, t.server, t.key)->server != before);

	expect(x, came,
	       .expected = "a new room in place of the dead server's, though the old guest is "
			   "still attached to that one",
	       .observed = say(x, "%s; the server: %s", table(x), ending_text(x, t.server)),
	       .why = "whether the server lives says kill(pid, 0) of its pid, and no count of "
		      "visitors",
	       .from = "/proc/sysvipc/shm");
	kill_program(x, t.guest);
	kill_program(x, t.server);
	clear_away(x, t.server);
}

/* A dead server's room is removed, and before the new one is made somebody else makes his. */
static void another_was_quicker(struct exam *x)
{
	struct talk t = new_talk(x);
	struct program *dead, *quick;
	enum outcome reached;

	open_room(x, &t);
	dead = t.server;
	kill_program(x, dead);
	t.server = serve(x, &t, .typed = true);
	do
		reached = let_move_to(x, t.server, SOON_MS, SOON_MS, after_call(CALL_shmctl));
	while (reached == REACHED && last_stop(x, t.server)->event->args[1] != IPC_RMID);
	if (reached == REACHED && row_of(x, t.key) == NULL) {
		hold_program(x, t.server);
		quick = actor(x, "serve", t.key);
		release_program(x, t.server);
		expect_gives_up(x, t.server, "another server has made the room in the meantime");

		const struct chat_room *r = view(x, quick, t.key);

		expect(x, r->server == pid_of(first_process(quick)) && fresh(r),
		       .expected = say(x, "the room of the one who was quicker, server %d",
				       pid_of(first_process(quick))),
		       .observed = row_of(x, t.key) ? state_text(x, r) : table(x),
		       .why = "also after the dead one's room is removed only IPC_EXCL tells who "
			      "makes the new one",
		       .from = "the room");
		kill_program(x, quick);
		clear_away(x, quick);
	}
	kill_program(x, t.server);
	clear_away(x, dead);
	clear_away(x, t.server);
}

static void live_room_kept(struct exam *x)
{
	live_and_dead(x);
	if (!failed(x))
		dead_but_visited(x);
	if (!failed(x))
		another_was_quicker(x);
	foreign_segments(x, "serve");
}

/* ---- 4: one guest --------------------------------------------------------------------------- */

static struct watch *watch_room(struct exam *x, const struct program *p, key_t key, size_t offset,
				enum watch_kind kind)
{
	const struct shm_row *row = row_of(x, key);
	struct process *q = row ? first_process(p) : NULL;

	while (q != NULL && (!alive(q) || attached_at(x, q, row->id) == 0))
		q = next_process(q);
	return q ? watch_memory(x, q, attached_at(x, q, row->id) + offset, 4, kind) : NULL;
}

/* A refused guest that puts its pid in and the old one back would be gone when it has ended. */
static void place_kept(struct exam *x, const struct talk *t, struct program *second, int32_t guest)
{
	struct watch *watch = watch_room(x, t->server, t->key, offsetof(struct chat_room, guest),
					 WATCH_STORES);

	for (int i = 0; i < MOST_TRIES && !failed(x); i++) {
		if (let_move_to(x, second, NOTICE_MS, NOTICE_MS, at_watch(NULL)) != REACHED)
			break;
		int32_t now = view(x, t->server, t->key)->guest;

		expect(x, now == guest,
		       .expected = say(x, "guest = %d, who was first, at every moment", guest),
		       .observed = say(x, "guest = %d", now),
		       .why = "a second guest compares with 0 and swaps in one step: where the "
			      "place is taken nothing is stored",
		       .from = "`guest` right after a store", .at = last_stop(x, second)->at);
	}
	if (watch)
		unwatch(x, watch);
}

static void second_guest(struct exam *x)
{
	struct talk t = new_talk(x);
	struct program *second;
	struct chat_room before, *after;

	t.server = actor(x, "serve", t.key);
	bring_guest(x, &t);

	int32_t guest = view(x, t.server, t.key)->guest;
	bool known = false;

	for (struct process *q = first_process(t.guest); q != NULL; q = next_process(q))
		known = known || pid_of(q) == guest;
	expect(x, known, .expected = say(x, "guest = %d", pid_of(first_process(t.guest))),
	       .observed = say(x, "guest = %d", guest),
	       .why = "the server watches the process of that pid", .from = "the room");
	before = *view(x, t.server, t.key);
	second = join(x, &t, .input = "");
	if (have_watchpoints(x))
		place_kept(x, &t, second, guest);
	expect_gives_up(x, second, "the room has its guest");
	kill_program(x, second);
	after = view(x, t.server, t.key);
	expect(x, strcmp(state_text(x, &before), state_text(x, after)) == 0,
	       .expected = say(x, "the room as it was: %s", state_text(x, &before)),
	       .observed = state_text(x, after),
	       .why = "a refused guest changes nothing: the semaphores and the slot belong to the "
		      "two who are talking",
	       .from = "the room");

	expect(x,
	       after->guest == guest &&
		       row_of(x, t.key)->attached ==
			       1 + visitors(x, t.guest, row_of(x, t.key)->id) &&
		       ending(t.guest).how == STILL_THERE,
	       .expected = say(x,
			       "the first guest in its place: guest = %d, and nobody else attached",
			       guest),
	       .observed = say(x, "guest = %d; %s; the first guest: %s", after->guest, table(x),
			       ending_text(x, t.guest)),
	       .why = "a refused guest leaves no trace", .from = "the room");
	kill_program(x, t.guest);
	kill_program(x, t.server);
}

/* The server has to learn that its guest is dead: nobody may put another pid over that one. */
static void dead_guests_place(struct exam *x)
{
	struct talk t = new_talk(x);
	struct program *dead;
	int32_t guest;

	t.server = actor(x, "serve", t.key);
	dead = actor(x, "join", t.key);
	guest = view(x, t.server, t.key)->guest;
	kill_program(x, dead);
	refuses(x, &t, "join", "the place is claimed from 0 alone, and a guest has died in it");
	expect(x, view(x, t.server, t.key)->guest == guest,
	       .expected = say(x, "guest = %d, which has died", guest),
	       .observed = say(x, "guest = %d", view(x, t.server, t.key)->guest),
	       .why = "a pid that no longer exists is how the server learns of the death: compare "
		      "with 0, and swap",
	       .from = "the room");
	kill_program(x, t.server);
	clear_away(x, t.server);
}

/* To the next look at `guest` that finds it 0. */
static bool next_look(struct exam *x, struct program *p, struct talk *t)
{
	return run_to(x, p, at_watch(NULL), at_end()) == 0 &&
	       view(x, t->server, t->key)->guest == 0;
}

static struct program *watched_guest(struct exam *x, struct talk *t)
{
	*t = new_talk(x);
	t->server = actor(x, "serve", t->key);
	watch_room(x, t->server, t->key, offsetof(struct chat_room, guest), WATCH_ACCESSES);
	return join(x, t, .input = "");
}

/* Two at once: one is held at its last look before the claim, and the other comes. */
static void two_at_once(struct exam *x)
{
	struct talk t;
	struct program *first = watched_guest(x, &t), *second;
	int looks = 0, pid;

	while (looks < 8 && next_look(x, first, &t))
		looks++;
	kill_program(x, first);
	kill_program(x, t.server);
	if (looks == 0 || looks == 8)
		return;

	first = watched_guest(x, &t);
	for (int i = 0; i < looks; i++)
		if (!next_look(x, first, &t))
			return;

	const char *at = last_stop(x, first)->at;

	hold_program(x, first);
	second = join(x, &t, .input = "");
	if (!COMES(x, second, NOTICE_MS, view(x, t.server, t.key)->guest != 0))
		return; /* It waits for the first: another way to have one guest. */
	pid = view(x, t.server, t.key)->guest;
	release_program(x, first);
	ends_in(x, first, NOTICE_MS);
	expect(x, ending(first).how != STILL_THERE && view(x, t.server, t.key)->guest == pid,
	       .expected = say(x, "guest = %d, who was first, and the other one refused", pid),
	       .observed = say(x, "guest = %d; the other one: %s", view(x, t.server, t.key)->guest,
			       ending_text(x, first)),
	       .why = "between the look and the store another guest has come: "
		      "atomic_compare_exchange_strong() does both in one step",
	       .from = "a guest was held right after its look at `guest`", .at = at);
}

static void one_guest(struct exam *x)
{
	second_guest(x);
	if (!failed(x))
		dead_guests_place(x);
	if (failed(x))
		return;
	need_watchpoints(x);
	two_at_once(x);
}

/* ---- 5: lines ------------------------------------------------------------------------------- */

static const char *long_line(struct exam *x, size_t length)
{
	return pick_word(x, length);
}

static void expect_heard(struct exam *x, struct talk *t, const char *text, const char *why)
{
	size_t size;
	const char *printed;
	bool right = COMES(x, t->guest, SOON_MS, has_printed(x, t->guest, text));

	printed = output(x, t->guest, &size);
	need(x, right, .expected = say(x, "printed by now: %s", quoted(x, text, strlen(text), 400)),
	     .observed = say(x, "%s; the guest: %s; the server: %s", quoted(x, printed, size, 400),
			     end_of(x, t->guest), end_of(x, t->server)),
	     .why = why, .from = "the guest's standard output");
}

static void lines_through_both(struct exam *x)
{
	struct talk t = open_talk(x);
	const char *word = pick_word(x, 6);
	const char *block = say(x, "%s\n%s\n\n%%s%%n%%d\nexit %s\n exit\nexits\nEXIT\n\xff\r\n%s\n",
				word, word, word, long_line(x, CHAT_LINE - 1));

	feed(x, t.server, block);
	expect_heard(x, &t, block,
		     "each line once, unchanged and in order, out before the guest waits again; "
		     "several came in one write, and more may be long in coming");
	feed(x, t.server, "two ");
	pass(x, t.guest, SLICE_MS);
	feed(x, t.server, "parts\n");
	expect_heard(x, &t, say(x, "%stwo parts\n", block), "a line may come in two parts");
}

/* At the write of the line the slot is not given back. */
static void printed_first(struct exam *x)
{
	struct talk t = new_talk(x);
	const char *word = pick_word(x, 12);
	enum outcome reached;

	t.server = actor(x, "serve", t.key);
	bring_guest(x, &t);
	step_of(x, t.server, "t");
	step_of(x, t.server, say(x, "l%s", word));
	feed(x, t.server, "p\n"); /* moves together with the guest */
	do
		reached = let_move_to(x, t.guest, SOON_MS, SOON_MS,
				      after_calls(call_set_family(FAMILY_WRITE)));
	while (reached == REACHED && !has_printed(x, t.guest, say(x, "%s\n", word)));
	need(x, reached == REACHED, .expected = "the line printed",
	     .observed = ending_text(x, t.guest), .why = "full was posted");
	expect(x, value(&view(x, t.server, t.key)->empty) == 0,
	       .expected = "empty posted after the line is printed",
	       .observed = "empty is 1 while the line is on its way to standard output",
	       .why = "after the post the slot is the server's; and a line that cannot be printed "
		      "was not taken",
	       .from = say(x, "the room at %s", from_event(x, last_stop(x, t.guest)->event)),
	       .at = last_stop(x, t.guest)->at);
	kill_program(x, t.guest);
	kill_program(x, t.server);
}

static void expect_slot(struct exam *x, struct talk *t, const char *line, int full,
			const char *when)
{
	struct chat_room *r = view(x, t->server, t->key);

	need(x, ending(t->server).how == STILL_THERE, .expected = "a server that waits",
	     .observed = ending_text(x, t->server),
	     .why = "a guest that takes its time is alive: only the kernel knows who has died",
	     .from = when);
	need(x, row_of(x, t->key) != NULL, .expected = "the room under its key",
	     .observed = table(x),
	     .why = "IPC_RMID takes the key away at once: the server removes the room when the last "
		    "line is taken and the end is posted",
	     .from = "/proc/sysvipc/shm");
	expect(x, memcmp(r->line, line, strlen(line) + 1) == 0 && value(&r->full) == full,
	       .expected = say(x, "full %d, and %s with its NUL in the slot", full,
			       quoted(x, line, strlen(line), 40)),
	       .observed = state_text(x, r),
	       .why = "the server touches the slot between wait(empty) and post(full) only, and "
		      "stores the line without its newline",
	       .from = when);
}

/* The next line is stored when the guest has given the slot back, and not before. */
static void slow_guest(struct exam *x)
{
	struct talk t = new_talk(x);
	const char *one = pick_word(x, 20), *two = pick_word(x, 9);

	open_room(x, &t);
	t.guest = actor(x, "join", t.key);
	feed(x, t.server, say(x, "%s\n%s\n", one, two));
	COMES(x, t.server, SOON_MS, value(&view(x, t.server, t.key)->full) > 0);
	pass(x, t.server, SLEEP_MS);
	expect_slot(x, &t, one, 1, "a guest that takes its time");
	step_of(x, t.guest, "t");
	pass(x, t.server, QUIET_MS);
	expect_slot(x, &t, one, 0, "a guest that has taken full and not posted empty");
	step_of(x, t.guest, "p");
	COMES(x, t.server, SOON_MS, value(&view(x, t.server, t.key)->full) > 0);
	expect_slot(x, &t, two, 1, "after the guest has posted empty");
}

/* What a guest finds that takes the post of full in the instant in which it is made. */
static struct chat_room *room_at_post(struct exam *x, struct talk *t)
{
	struct watch *watch = watch_room(x, t->server, t->key, offsetof(struct chat_room, full),
					 WATCH_STORES);
	struct chat_room *r = view(x, t->server, t->key);

	while (value(&r->full) == 0 &&
	       let_move_to(x, t->server, SOON_MS, SOON_MS, at_watch(NULL)) == REACHED)
		r = view(x, t->server, t->key);
	if (watch)
		unwatch(x, watch);
	need(x, value(&r->full) > 0, .expected = "full posted",
	     .observed = say(x, "%s; the server: %s", state_text(x, r), ending_text(x, t->server)),
	     .why = "there is news, and empty was 1");
	return r;
}

static void stored_then_posted(struct exam *x)
{
	struct talk t = new_talk(x);

	open_room(x, &t);
	t.guest = actor(x, "join", t.key);
	for (int i = 0; i < 2; i++) {
		const char *line = pick_word(x, 12);

		feed(x, t.server, say(x, "%s\n", line));

		const struct chat_room *r = room_at_post(x, &t);

		need(x, strncmp(r->line, line, CHAT_LINE) == 0,
		     .expected = say(x, "%s in the slot when full is posted",
				     quoted(x, line, strlen(line), 40)),
		     .observed = state_text(x, r),
		     .why = "the guest may look at the slot in the same instant: store the line, "
			    "then post",
		     .from = "the room right after the post", .at = last_stop(x, t.server)->at);
		step_of(x, t.guest, "t");
		step_of(x, t.guest, "p");
	}
	kill_program(x, t.server);
	kill_program(x, t.guest);
	clear_away(x, t.server);
}

static void lines_arrive(struct exam *x)
{
	lines_through_both(x);
	if (!failed(x))
		printed_first(x);
	if (!failed(x))
		slow_guest(x);
	if (!failed(x) && have_watchpoints(x))
		stored_then_posted(x);
}

/* ---- 6: the end ----------------------------------------------------------------------------- */

static void expect_good_end(struct exam *x, struct talk *t, const char *lines, const char *how)
{
	ends_in(x, t->server, SOON_MS);
	ends_in(x, t->guest, SOON_MS);
	expect_exit(x, t->server, 0, say(x, "%s ends the server", how));
	expect_exit(x, t->guest, 0, say(x, "%s ends the guest", how));
	expect_output(x, t->guest, lines,
		      say(x, "all lines, and no exit; the end came by %s", how));
	expect_output(x, t->server, "", "the lines are the guest's to print, and nobody else's");
	expect_empty_table(x, "nobody but the server can remove the room");
}

static void ends_by(struct exam *x, const char *input, const char *lines, const char *how)
{
	struct talk t = open_talk(x);

	feed(x, t.server, input);
	if (strstr(how, "input"))
		feed_end(x, t.server);
	expect_good_end(x, &t, lines, how);
	kill_program(x, t.server);
	kill_program(x, t.guest);
}

/* What the program has done so far: CPU time, and calls as far as they are looked at. */
struct effort {
	int64_t cpu;
	size_t calls;
};

static struct effort effort_of(struct exam *x, struct program *p)
{
	struct effort effort = { .cpu = cpu_us(x, p) };

	for (const struct event *e = NULL; (e = next_event(p, e)) != NULL;)
		effort.calls++;
	return effort;
}

/*
 * Where time is virtual and a program asks and asks without letting any pass, most of the CPU time
 * is the tracer's: then the calls are counted.
 */
static void expect_rest(struct exam *x, struct program *p, struct effort before, int64_t ms)
{
	struct effort now = effort_of(x, p);
	int64_t cpu = now.cpu - before.cpu, calls = (int64_t)(now.calls - before.calls);

	expect(x, calls * 1000 <= ms * MOST_CALLS,
	       .expected = "a wait at rest while nothing happens",
	       .observed = say(x, "%" PRId64 " calls a second", calls * 1000 / ms),
	       .why = "a look that takes no time, again and again, is a loop that burns the CPU",
	       .from = say(x, "the calls of %s", command_of(x, p)));
	expect(x, cpu * 100 <= ms * 1000 * MOST_CPU,
	       .expected = say(x, "less than %d %% of a CPU while nothing happens", MOST_CPU),
	       .observed = say(x, "%" PRId64 " %%", cpu / (ms * 10)),
	       .why = "a wait with a time limit is at rest in between; up to 20 looks a second cost "
		      "nearly nothing",
	       .from = say(x, "CPU time of %s", command_of(x, p)));
}

/*
 * A share of the CPU and a number of calls are small for a loop too where the machine is busy. But
 * a loop never waits, however long it is looked at.
 */
static void expect_waits(struct exam *x, struct program *p)
{
	struct effort before = effort_of(x, p);

	if (ending(p).how != STILL_THERE || comes_to_rest(x, p))
		return;

	struct effort now = effort_of(x, p);

	expect(x, ending(p).how != STILL_THERE, .expected = "a wait at rest while nothing happens",
	       .observed = say(x, "no wait at all in %" PRId64 " ms of CPU time and %zu calls",
			       (now.cpu - before.cpu) / 1000, now.calls - before.calls),
	       .why = "a look that takes no time, again and again, is a loop that burns the CPU",
	       .from = command_of(x, p));
}

/* Nothing happens; how much time has gone by, by the clock that is right for the program. */
static int64_t idle(struct exam *x, struct program *p, int64_t virtual, int64_t real)
{
	int64_t real_began = real_ms(x), began = virtual_ms(x), gone;

	let_move(x, p, pace_of(x)->real ? real : virtual, real);
	gone = real_ms(x) - real_began;
	if (gone < virtual_ms(x) - began)
		gone = virtual_ms(x) - began;
	return gone < real ? real : gone; /* nothing moved at all, or it has ended */
}

/* The end is given before a guest has come. */
static void late_guest(struct exam *x, const char *input, const char *lines, const char *how)
{
	struct talk t = new_talk(x);
	struct effort before;
	int64_t gone;

	open_room(x, &t);
	feed(x, t.server, input);
	if (strstr(how, "input"))
		feed_end(x, t.server);
	pass(x, t.server, QUIET_MS);
	before = effort_of(x, t.server);
	gone = idle(x, t.server, LONG_SILENCE_MS, QUIET_MS * 4);
	expect_rest(x, t.server, before, gone);
	if (!failed(x))
		expect_waits(x, t.server);
	need(x, row_of(x, t.key) != NULL, .expected = "a room that waits for its guest",
	     .observed = say(x, "%s; the server: %s", table(x), end_of(x, t.server)),
	     .why = "lines, and the end, given before a guest has come wait for it",
	     .from = "/proc/sysvipc/shm");
	t.guest = join(x, &t, .input = "");
	expect_good_end(x, &t, lines, how);
}

/*
 * The same, and the guest takes the end and leaves its place before the server looks again. Where
 * the server has set no end until it has seen a guest, there is nothing to be taken yet.
 */
static void hasty_guest(struct exam *x)
{
	struct talk t = new_talk(x);
	bool taken = false;

	open_room(x, &t);
	feed_end(x, t.server);
	pass(x, t.server, QUIET_MS);
	hold_program(x, t.server);
	t.guest = actor(x, "join", t.key);
	taken = step_of(x, t.guest, "t") && view(x, t.server, t.key)->ended;
	if (taken) {
		step_of(x, t.guest, "c");
		feed_end(x, t.guest);
		finish(x, t.guest);
	}
	release_program(x, t.server);
	ends_in(x, t.server, SOON_MS);
	expect_exit(x, t.server, 0,
		    taken ? "a guest came, took the end and left its place, as it may: whoever "
			    "looks for it only then waits for ever. Wait for a guest before you "
			    "set ended"
			  : "a guest has come and no line is left: the server posts the end and "
			    "goes, whatever the guest does after it. It need not post empty, nor "
			    "leave its place");
	expect_empty_table(x, "nobody but the server can remove the room");
	kill_program(x, t.guest);
	kill_program(x, t.server);
	clear_away(x, t.server);
}

static void expect_not_ended(struct exam *x, struct talk *t, const char *when)
{
	const struct chat_room *r;

	pass(x, t->server, QUIET_MS);
	r = view(x, t->server, t->key);
	need(x, row_of(x, t->key) != NULL && r->ended == 0,
	     .expected = "ended 0, and the room in the table",
	     .observed = say(x, "%s; %s", state_text(x, r), table(x)),
	     .why = "the server waits for empty once more before it sets ended", .from = when);
}

/* A played guest that takes its time, and posts nothing after the end. */
static void end_waits(struct exam *x)
{
	struct talk t = new_talk(x);
	const struct shm_row *row;
	struct chat_room r;
	uint64_t place;

	open_room(x, &t);
	t.guest = actor(x, "join", t.key);
	feed(x, t.server, say(x, "%s\nexit\n", pick_word(x, 5)));
	COMES(x, t.server, SOON_MS, value(&view(x, t.server, t.key)->full) > 0);
	expect_not_ended(x, &t, "the last line lies in the slot");
	step_of(x, t.guest, "t");
	expect_not_ended(x, &t, "the guest prints the last line, and has not posted empty");
	/* the room itself stays as long as somebody is in it */
	row = row_of(x, t.key);
	place = row ? attached_at(x, first_process(t.guest), row->id) : 0;
	step_of(x, t.guest, "p");
	ends_in(x, t.server, NOTICE_MS);
	expect_exit(x, t.server, 0,
		    "the last line is taken; nothing that the guest does after the end matters");
	if (place != 0 && peek(x, first_process(t.guest), place, &r, SIZE))
		expect(x, value(&r.empty) == 0,
		       .expected = "empty 0 after the end: the server has waited for it once more",
		       .observed = state_text(x, &r),
		       .why = "the wait for empty is how the server knows that the last line is "
			      "taken; a sleep, or a look at full, is no such wait: the line may "
			      "still be in the slot",
		       .from = "the room, after the server has ended");
	bool posted = step_of(x, t.guest, "t");

	expect(x, posted, .expected = "full posted for the end", .observed = "no post",
	       .why = "the guest waits for full, and for nothing else");
	kill_program(x, t.guest);
	expect_empty_table(x, "nobody but the server can remove the room");
}

static void ended_then_posted(struct exam *x)
{
	struct talk t = new_talk(x);
	const struct chat_room *r;

	open_room(x, &t);
	t.guest = actor(x, "join", t.key);
	feed_end(x, t.server);
	r = room_at_post(x, &t);
	expect(x, r->ended != 0, .expected = "ended 1 when full is posted for the end",
	       .observed = state_text(x, r),
	       .why = "the guest may look at ended in the same instant, and would take what lies in "
		      "the slot for a line: set ended, then post",
	       .from = "the room right after the post", .at = last_stop(x, t.server)->at);
	kill_program(x, t.server);
	kill_program(x, t.guest);
	clear_away(x, t.server);
}

/* Right behind its post of empty. */
static bool guest_has_posted(struct exam *x, struct talk *t)
{
	struct watch *watch = watch_room(x, t->server, t->key, offsetof(struct chat_room, empty),
					 WATCH_STORES);
	enum outcome reached;

	feed(x, t->server, "p\n"); /* moves together with the guest */
	do
		reached = let_move_to(x, t->guest, SOON_MS, SOON_MS, at_watch(NULL));
	while (reached == REACHED && value(&view(x, t->server, t->key)->empty) == 0);
	if (watch)
		unwatch(x, watch);
	return reached == REACHED;
}

/*
 * A played server that ends, removes its room and is gone at once, while the guest is held: where
 * it has just given the slot back, or where it is about to look after the server.
 */
static void guest_ends(struct exam *x, bool at_post)
{
	struct talk t = new_talk(x);
	const char *word = pick_word(x, 8);
	const struct event *event = NULL;
	struct call_set looks = call_set_one(CALL_kill);
	static const enum call others[] = { CALL_poll,	   CALL_ppoll,	CALL_select,
					    CALL_pselect6, CALL_shmctl, CALL_clock_nanosleep };

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		looks = call_set_both(looks, call_set_one(others[i]));
	t.server = actor(x, "serve", t.key);
	bring_guest(x, &t);
	step_of(x, t.server, "t");
	step_of(x, t.server, say(x, "l%s", word));
	if (at_post) {
		if (!guest_has_posted(x, &t))
			return;
	} else {
		step_of(x, t.server, "p");
		if (!COMES(x, t.guest, SOON_MS, value(&view(x, t.server, t.key)->empty) == 1))
			return;
		/* Where it looks after the server, it is stopped just before that look. */
		let_move_to(x, t.guest, NOTICE_MS, NOTICE_MS, at_calls(looks));
	}
	hold_program(x, t.guest);
	for (const char *last = "eprx"; *last; last++)
		step_of(x, t.server, say(x, "%c", *last));
	finish(x, t.server);
	release_program(x, t.guest);
	ends_in(x, t.guest, NOTICE_MS);
	expect_exit(
		x, t.guest, 0,
		"the server has set ended and posted full before it left: that was the end, not "
		"its death");
	expect_output(x, t.guest, say(x, "%s\n", word),
		      "the last post carries no line: look at ended before the slot");
	while ((event = next_call(x, t.guest, event, call_set_one(CALL_shmctl), NULL)) != NULL)
		expect(x, event->args[1] != IPC_RMID, .expected = "a guest that only visits",
		       .observed = from_event(x, event), .at = at_event(x, event),
		       .why = "the server makes the room and removes it; where both do, the "
			      "server's call fails");
	kill_program(x, t.guest);
}

static void removal_fails(struct exam *x)
{
	struct talk t = new_talk(x);
	struct fault *fault;

	open_room(x, &t);
	fault = fail_call_with(x, t.server, CALL_shmctl, EPERM, 1, IPC_RMID);
	feed_end(x, t.server);
	t.guest = join(x, &t, .input = "");
	ends_in(x, t.guest, SOON_MS);
	ends_in(x, t.server, SOON_MS);
	if (fault_struck(fault))
		expect_error(x, t.server, "IPC_RMID failed with EPERM: say that the room stays");
}

static void end_after_last_line(struct exam *x)
{
	const char *word = pick_word(x, 5);

	ends_by(x, say(x, "%s\nb\nexit\nmore\n", word), say(x, "%s\nb\n", word), "a line exit");
	if (!failed(x))
		ends_by(x, say(x, "%s\nexit", word), say(x, "%s\n", word),
			"a line exit without newline at the end of input");
	if (!failed(x))
		ends_by(x, say(x, "\n%s", word), say(x, "\n%s\n", word),
			"the end of input after a line without newline");
	if (!failed(x))
		late_guest(x, say(x, "%s\n", word), say(x, "%s\n", word), "the end of input");
	if (!failed(x))
		late_guest(x, "", "", "the end of input");
	if (!failed(x))
		late_guest(x, say(x, "%s\nexit\n", word), say(x, "%s\n", word), "a line exit");
	if (!failed(x))
		late_guest(x, "exit\n", "", "a line exit");
	if (!failed(x))
		hasty_guest(x);
	if (!failed(x))
		end_waits(x);
	if (!failed(x) && have_watchpoints(x))
		ended_then_posted(x);
	if (!failed(x))
		guest_ends(x, false);
	if (!failed(x) && have_watchpoints(x))
		guest_ends(x, true);
	if (!failed(x))
		removal_fails(x);
}

/* ---- 7: lines that do not fit --------------------------------------------------------------- */

/* `good` comes first and is taken by a guest that comes late. */
static void bad_line(struct exam *x, const char *good, const char *bad, size_t size, bool last,
		     const char *why)
{
	struct talk t = new_talk(x);
	size_t printed;

	open_room(x, &t);
	feed(x, t.server, good);
	feed_bytes(x, t.server, bad, size);
	if (last)
		feed_end(x, t.server);
	else
		feed(x, t.server, "\nafterwards\n");
	if (*good) {
		pass(x, t.server, QUIET_MS);
		need(x, row_of(x, t.key) != NULL,
		     .expected = "the room, until the line before is taken",
		     .observed = say(x, "%s; the server: %s", table(x), ending_text(x, t.server)),
		     .why = "the line before the bad one was handed on, and nobody has taken it yet",
		     .from = "/proc/sysvipc/shm");
		t.guest = join(x, &t, .input = "");
		ends_in(x, t.guest, SOON_MS);
		output(x, t.guest, &printed);
		expect_output(x, t.guest, good, why);
		expect(x, ending(t.guest).how == EXITED, .expected = "a guest that ends",
		       .observed = ending_text(x, t.guest),
		       .why = "the server has gone: there is nothing more to wait for");
	}
	expect_gives_up(x, t.server, why);
	expect_empty_table(x, "an error is no reason to leave the room behind");
}

static void bad_line_refused(struct exam *x)
{
	const char *long_one = long_line(x, (size_t)pick(x, 257, 5000));
	const char *with_nul = "ab\0cd";
	const char *good = say(x, "%s\n", pick_word(x, 6));

	bad_line(
		x, "", long_line(x, CHAT_LINE), CHAT_LINE, false,
		"256 bytes and the NUL do not fit; with no line before it the server ends at once");
	if (!failed(x))
		bad_line(x, good, long_one, strlen(long_one), false,
			 "a line that does not fit is an error: nothing of it is handed on");
	if (!failed(x))
		bad_line(x, good, with_nul, 5, false,
			 "a line with a NUL in it would arrive as a shorter one");
	if (!failed(x))
		bad_line(x, "", long_one, strlen(long_one), true,
			 "a last line without its newline is a line, and this one does not fit");
	if (!failed(x))
		bad_line(x, "", with_nul, 5, true,
			 "a last line without its newline is a line, and this one has a NUL in it");
}

/* ---- 8: the other side ---------------------------------------------------------------------- */

static struct talk talk_with_line(struct exam *x, const char *line)
{
	struct talk t = open_talk(x);

	feed(x, t.server, say(x, "%s\n", line));
	expect_heard(x, &t, say(x, "%s\n", line), "a first line, and then silence");
	return t;
}

static void expect_lives(struct exam *x, struct program *p, const char *why)
{
	expect(x, ending(p).how == STILL_THERE, .expected = "still there", .observed = end_of(x, p),
	       .why = why, .from = command_of(x, p));
}

/* Three talks at once: a silent one, one with a guest that is stopped, one with a stopped server.
 */
static void silence(struct exam *x, struct talk t[3])
{
	/* the guest before its server, which ends when its guest has left */
	struct program *moving[] = { t[0].guest, t[0].server, t[1].server, t[2].guest };
	struct effort before[4];
	int64_t gone;
	int still = -1;

	hold_program(x, t[1].guest);
	hold_program(x, t[2].server);
	feed(x, t[1].server, "one\ntwo\n");
	for (int i = 0; i < 4; i++)
		before[i] = effort_of(x, moving[i]);
	for (int i = 0; i < 4; i++)
		if (ending(moving[i]).how == STILL_THERE)
			still = i;
	gone = still < 0 ? SILENCE_MS : idle(x, moving[still], LONG_SILENCE_MS, SILENCE_MS);
	for (int i = 0; i < 4; i++) {
		expect_rest(x, moving[i], before[i], gone);
		expect_lives(x, moving[i],
			     i == 2   ? "a guest that is stopped is alive, and may go on tomorrow"
			     : i == 3 ? "a server that is stopped is alive, and may go on tomorrow"
				      : "silence is no death: only the kernel knows who lives");
	}
	for (int i = 0; i < 4 && !failed(x); i++)
		expect_waits(x, moving[i]);
	release_program(x, t[1].guest);
	release_program(x, t[2].server);
}

/* Also where the server has the next line, or the end, at hand and waits for the slot. */
static void output_fails(struct exam *x, enum output_kind kind, const char *more, bool last)
{
	struct talk t = new_talk(x);

	open_room(x, &t);
	feed(x, t.server, say(x, "%s\n%s", pick_word(x, 6), more));
	if (last)
		feed_end(x, t.server);
	pass(x, t.server, QUIET_MS);
	t.guest = join(x, &t, .input = "", .stdout_is = kind);
	ends_in(x, t.guest, NOTICE_MS);
	if (kind == OUTPUT_FULL || ending(t.guest).how != KILLED)
		expect_error(x, t.guest, "the line could not be printed");
	expect_gives_up(
		x, t.server,
		last ? "the guest could not print the last line and has left with an error: "
		       "it must not post empty for a line that was not taken"
		     : "the guest has left with an error: nobody takes the lines");
	expect_empty_table(x, "the server removes the room when its guest is gone");
	kill_program(x, t.guest);
	kill_program(x, t.server);
}

/* No line was under way when the guest was killed; what comes now it will never take. */
static void lines_for_the_dead(struct exam *x, const char *input)
{
	struct talk t = open_talk(x);

	kill_program(x, t.guest);
	feed(x, t.server, input);
	expect_gives_up(x, t.server,
			say(x, "its guest was killed, and then %s came: nobody takes that",
			    quoted(x, input, strlen(input), 40)));
	expect_empty_table(x, "the server removes the room when its guest is gone");
	kill_program(x, t.server);
}

static void death_is_noticed(struct exam *x)
{
	struct talk t[3];

	for (int i = 0; i < 3; i++)
		t[i] = talk_with_line(x, pick_word(x, 6));
	silence(x, t);
	if (failed(x))
		return;
	kill_program(x, t[0].guest);
	expect_gives_up(x, t[0].server, "its guest was killed: within two seconds it ends");
	expect(x, row_of(x, t[0].key) == NULL, .expected = "its room removed", .observed = table(x),
	       .why = "the server that lives removes the room", .from = "/proc/sysvipc/shm");
	kill_program(x, t[2].server);
	expect_gives_up(x, t[2].guest, "its server was killed: within two seconds it ends");
	for (int i = 0; i < 3; i++) {
		kill_program(x, t[i].server);
		kill_program(x, t[i].guest);
	}
	for (int i = 0; i < 3; i++)
		clear_away(x, t[i].server);
	if (!failed(x))
		lines_for_the_dead(x, "one\ntwo\n");
	if (!failed(x))
		lines_for_the_dead(x, "one\nexit\n");
	if (!failed(x))
		output_fails(x, OUTPUT_FULL, "", false);
	if (!failed(x))
		output_fails(x, OUTPUT_FULL, "another\n", false);
	if (!failed(x))
		output_fails(x, OUTPUT_GONE, "another\nexit\n", false);
	if (!failed(x))
		output_fails(x, OUTPUT_FULL, "", true);
}

static int remover(int argc, char **argv)
{
	return argc < 2 || shmctl((int)strtol(argv[1], NULL, 10), IPC_RMID, NULL) == -1;
}

/* ---- 9: signals ----------------------------------------------------------------------------- */

static void expect_stopped(struct exam *x, struct program *p, int number, const char *when)
{
	const char *name = say(x, "SIG%s", sigabbrev_np(number));
	const struct event *unsafe;

	ends_in(x, p, NOTICE_MS);
	expect_exit(x, p, 1, say(x, "%s came %s", name, when));
	unsafe = unsafe_in_handler(x, p);
	expect(x, unsafe == NULL,
	       .expected = "in the handler: what signal-safety(7) lists, shmctl, shmdt, shmat",
	       .observed = unsafe ? say(x, "%s()", unsafe->path) : NULL,
	       .why = "the handler may have interrupted that very function half-way: set a flag, or "
		      "call only what is safe",
	       .from = say(x, "the handler of %s", name));
	expect_empty_table(x, say(x, "%s came %s, and the room outlives its server", name, when));
}

static struct program *guarded(struct exam *x, struct talk *t)
{
	struct program *p;

	*t = new_talk(x);
	p = t->server = serve(x, t, .typed = true);
	watch_handlers(x, p);
	return p;
}

/* Right after the call that makes or attaches the segment. */
static void signal_at_birth(struct exam *x, enum call call, int number)
{
	struct talk t;
	struct program *p = guarded(x, &t);

	do {
		if (run_to(x, p, after_call(call), at_end()) != 0)
			return;
	} while (row_of(x, t.key) == NULL);
	send_signal(x, first_process(p), number);
	expect_stopped(x, p, number,
		       call == CALL_shmget ? "right after shmget(2) had made the segment"
					   : "right after shmat(2)");
	kill_program(x, p);
}

/* While it waits: for input without a guest, for input with one, for a guest to take a line. */
static void signal_at_rest(struct exam *x, int number, bool with_guest, const char *input)
{
	struct talk t;
	struct program *p = guarded(x, &t);

	COMES(x, p, SOON_MS, view(x, p, t.key)->magic == CHAT_MAGIC);
	if (with_guest)
		bring_guest(x, &t);
	if (input) {
		feed(x, p, input);
		feed_end(x, p);
	}
	pass(x, p, QUIET_MS);
	send_signal(x, first_process(p), number);
	expect_stopped(x, p, number,
		       input && *input ? "while lines wait for a guest"
		       : input	       ? "while the end waits for a guest"
		       : with_guest    ? "in the middle of a talk"
				       : "while there is neither guest nor line");
	if (with_guest) {
		ends_in(x, t.guest, NOTICE_MS);
		expect(x, ending(t.guest).how == EXITED && ending(t.guest).status <= 1,
		       .expected = "a guest that ends within two seconds",
		       .observed = ending_text(x, t.guest),
		       .why = "its server is gone, and so is the room",
		       .from = command_of(x, t.guest));
	}
	kill_program(x, p);
}

static void signals_remove_room(struct exam *x)
{
	signal_at_rest(x, SIGTERM, true, NULL);
	if (!failed(x))
		signal_at_rest(x, SIGINT, true, NULL);
	if (!failed(x))
		signal_at_rest(x, SIGINT, false, NULL);
	if (!failed(x))
		signal_at_rest(x, SIGTERM, false, "one\ntwo\n");
	if (!failed(x))
		signal_at_rest(x, SIGTERM, false, "");
	if (!failed(x))
		signal_at_birth(x, CALL_shmget, SIGTERM);
	if (!failed(x))
		signal_at_birth(x, CALL_shmat, SIGINT);
}

/* ---- the lab -------------------------------------------------------------------------------- */

static void show(struct exam *x, const char *const *args)
{
	struct talk t = new_talk(x);
	struct launch launch = { .real_time = pace_of(x)->real };

	if (args[0] != NULL) {
		for (int i = 0; i < 15 && args[i] != NULL; i++)
			launch.args[i] = args[i];
		finish(x, exam_start(x, "chat", &launch));
		return;
	}
	t.server = serve(x, &t, .input = "hello\nexit\n");
	COMES(x, t.server, SOON_MS, view(x, t.server, t.key)->magic == CHAT_MAGIC);
	t.guest = join(x, &t, .input = "");
	ends_in(x, t.guest, SOON_MS);
	ends_in(x, t.server, SOON_MS);
}

LAB(.id = "09-sysv-chat", .title = "A chat room in System V shared memory",
    .programs = { { .name = "chat" } }, .show = show,
    .actors = { { "peer", peer }, { "remover", remover } },
    .checks = {
	    { .id = "room-in-table",
	      .points = 2,
	      .task = 1,
	      .title =
		      "serve makes one segment under ftok(KEYFILE, 65), of exactly the room's size",
	      .run = room_in_table,
	      .hints = { "What does ipcs -m show while your server runs?",
			 "The key is ftok(KEYFILE, 65), the size sizeof(struct chat_room).",
			 "shmget(key, sizeof(struct chat_room), IPC_CREAT | IPC_EXCL | 0600)" } },
	    { .id = "made-then-published",
	      .points = 2,
	      .task = 1,
	      .needs = "room-in-table",
	      .title =
		      "the room has mode 0600, process-shared semaphores at 1 and 0, and its magic "
		      "number comes last",
	      .run = made_then_published,
	      .hints = { "What would a guest find that comes between two of your stores?",
			 "The second argument of sem_init(3) says for whom the semaphore is.",
			 "atomic_store_explicit(&room->magic, CHAT_MAGIC, memory_order_release), as "
			 "the last line" } },
	    { .id = "strangers-refused",
	      .points = 2,
	      .task = 2,
	      .needs = "room-in-table",
	      .title =
		      "a failed call, a missing room and a segment that is no room are reported and left alone",
	      .run = strangers_refused,
	      .hints = { "What do ftok(3) and shmat(2) return when they fail?",
			 "IPC_STAT tells the size of a segment, its first word whether it is a room.",
			 "status.shm_segsz != sizeof(struct chat_room), then magic != CHAT_MAGIC: an "
			 "error, and nothing stored" } },
	    { .id = "live-room-kept",
	      .points = 2,
	      .task = 1,
	      .needs = "strangers-refused",
	      .title =
		      "a second server leaves a live room alone, and a stranger's segment; a dead server's room is replaced",
	      .run = live_room_kept,
	      .hints = { "Start two servers with the same KEYFILE. Then kill -9 one, and start another.",
			 "EEXIST is the question; the answer stands in room->server.",
			 "kill(pid, 0) == -1 && errno == ESRCH: IPC_RMID, and shmget() again" } },
	    { .id = "one-guest",
	      .points = 2,
	      .task = 2,
	      .needs = "room-in-table",
	      .title = "one guest claims the place in one step, and a second is refused",
	      .run = one_guest,
	      .hints = { "Two guests look at the same instant: what does each of them see?",
			 "int32_t nobody = 0; atomic_compare_exchange_strong(&room->guest, &nobody, "
			 "getpid())" } },
	    { .id = "lines-arrive",
	      .points = 2,
	      .task = 3,
	      .needs = "room-in-table",
	      .title =
		      "every line arrives once, unchanged and in order, printed before the next wait",
	      .run = lines_arrive,
	      .hints = { "Pipe three lines at once into your server: do all three come out while its "
			 "input stays open?",
			 "poll(2) sees the descriptor, not the buffer of stdio; a pipe is flushed when "
			 "you say so.",
			 "server: wait(empty), store, post(full); guest: wait(full), print, flush, "
			 "post(empty)" } },
	    { .id = "end-after-last-line",
	      .points = 2,
	      .task = 4,
	      .needs = "lines-arrive",
	      .title =
		      "exit and end of input end both sides after the last line, and leave no room "
		      "behind",
	      .run = end_after_last_line,
	      .hints = { "When the last line is stored, has the guest taken it? Has a guest come at all?",
			 "Wait for empty once more, and for guest != 0; then ended, then post(full).",
			 "The guest, before it calls the server dead: sem_trywait(&room->full) once more.",
			 "shmctl(id, IPC_RMID, NULL) == -1 is an error like others." } },
	    { .id = "bad-line-refused",
	      .points = 2,
	      .task = 4,
	      .needs = "end-after-last-line",
	      .title = "a line that does not fit is an error: nothing of it is handed on, nothing "
		       "before it is lost",
	      .run = bad_line_refused,
	      .hints = { "How long is the longest line that fits with its NUL?",
			 "All ends of your server go the same way: last line taken, ended, IPC_RMID.",
			 "length > 255 or a NUL: wait for empty, then exit 1" } },
	    { .id = "death-is-noticed",
	      .points = 2,
	      .task = 5,
	      .needs = "end-after-last-line",
	      .title =
		      "each side waits at rest and however long, but ends within two seconds of the "
		      "other's death",
	      .run = death_is_noticed,
	      .hints = { "kill -9 the guest while the server waits for you to type. And the other way "
			 "round.",
			 "Every wait gets a limit, input too (poll); after it ask whether the other lives.",
			 "sem_clockwait(…, 200 ms), then kill(room->server, 0)" } },
	    { .id = "signals-remove-room",
	      .points = 2,
	      .task = 6,
	      .needs = "end-after-last-line",
	      .title = "SIGTERM and SIGINT make the server remove the room, from its creation on",
	      .run = signals_remove_room,
	      .hints = { "Press Ctrl-C in your server. What does ipcs -m say?",
			 "A handler that sets a flag is always safe; who looks at the flag, and how soon?",
			 "sigaction() before shmget(), without SA_RESTART; exit 1 by the way that "
			 "removes the room" } },
    });
