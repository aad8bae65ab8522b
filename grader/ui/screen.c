#include "ui/screen.h"

#include "base/die.h"
#include "report/layout.h"
#include "ui/guard.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct style style;
static pid_t owner;	  /* children that we fork must not touch the terminal */
static int signals[2];	  /* a pipe: from the handler to the loop */
static int kept_stderr;	  /* warnings wait there until the screen is left */
static int held_messages; /* … in this memory file */
static void (*resize_of_curses)(int);

enum edge { TOP_LEFT, TOP_RIGHT, BOTTOM_LEFT, BOTTOM_RIGHT, ACROSS, DOWN, MARK, EDGES };

static const char *const lines[] = { "╭", "╮", "╰", "╯", "─", "│", "┃" };
static const char *const plain_lines[] = { "+", "+", "+", "+", "-", "|", "#" };

static const struct {
	short colour;
	attr_t otherwise;
} looks[TONE_COUNT] = {
	[TONE_PLAIN] = { -1, A_NORMAL },
	[TONE_PASS] = { COLOR_GREEN, A_NORMAL },
	[TONE_FAIL] = { COLOR_RED, A_BOLD },
	[TONE_SKIP] = { COLOR_YELLOW, A_NORMAL },
	[TONE_BROKEN] = { COLOR_MAGENTA, A_BOLD },
	[TONE_DIM] = { -1, A_DIM },
	[TONE_BOLD] = { -1, A_BOLD },
	[TONE_HINT] = { COLOR_CYAN, A_NORMAL },
};

static void on_signal(int number)
{
	int kept = errno;
	unsigned char byte = (unsigned char)number;
	ssize_t ignored;

	if (number == SIGWINCH && resize_of_curses)
		resize_of_curses(number);
	/* A full pipe wakes the loop as well. */
	ignored = write(signals[1], &byte, 1);
	(void)ignored;
	errno = kept;
}

static void catch_signals(void)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = on_signal }, old;

	if (pipe2(signals, O_CLOEXEC | O_NONBLOCK) < 0)
		die("pipe: %s", strerror(errno));
	for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
		sigaction(ending[i], &action, NULL);
	/* curses notes the new size in a handler of its own; ours calls it. */
	sigaction(SIGWINCH, &action, &old);
	resize_of_curses = old.sa_handler == SIG_DFL || old.sa_handler == SIG_IGN ? NULL
										  : old.sa_handler;
}

int screen_signal_fd(void)
{
	return signals[0];
}

int screen_signal(void)
{
	unsigned char byte;
	int ending = 0;

	while (read(signals[0], &byte, 1) == 1)
		if (byte != SIGWINCH)
			ending = byte;
	return ending;
}

/* Warnings would tear the screen: they are held back and said when it is left. */
static void hold_messages(void)
{
	held_messages = memfd_create("messages", MFD_CLOEXEC);
	kept_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (held_messages >= 0 && kept_stderr >= 0)
		dup2(held_messages, STDERR_FILENO);
}

static void say_messages(void)
{
	char room[4096];
	off_t at = 0;
	ssize_t size;

	if (held_messages < 0 || kept_stderr < 0)
		return;
	dup2(kept_stderr, STDERR_FILENO);
	while ((size = pread(held_messages, room, sizeof room, at)) > 0) {
		if (write(STDERR_FILENO, room, (size_t)size) < 0)
			break;
		at += size;
	}
	close(kept_stderr);
	close(held_messages);
}

static void set_colours(void)
{
	if (!style.colour || !has_colors()) {
		style.colour = false;
		return;
	}
	start_color();
	use_default_colors();
	for (short i = 0; i < TONE_COUNT; i++)
		init_pair((short)(i + 1), looks[i].colour, -1);
}

bool screen_start(const struct style *wanted)
{
	style = *wanted;
	if (!guard_knows_terminal())
		return false;
	owner = getpid();
	guard_start();
	if (!newterm(NULL, stdout, stdin)) {
		guard_stop();
		return false;
	}
	atexit(screen_stop);
	catch_signals();
	hold_messages();
	set_colours();
	set_escdelay(25);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	return true;
}

void screen_stop(void)
{
	if (owner != getpid())
		return;
	owner = 0;
	endwin();
	guard_stop();
	say_messages();
}

static attr_t attributes(enum tone tone, bool reverse)
{
	attr_t a = style.colour && looks[tone].colour >= 0 ? COLOR_PAIR(tone + 1)
							   : looks[tone].otherwise;

	return reverse ? a | A_REVERSE : a;
}

int screen_text(int top, int left, int width, enum tone tone, bool reverse, const char *text,
		size_t size)
{
	size_t fits = bytes_that_fit(text, size, width > 0 ? width : 0);

	if (top < 0 || top >= LINES || left >= COLS || fits == 0)
		return 0;
	attrset(attributes(tone, reverse));
	mvaddnstr(top, left, text, (int)fits);
	attrset(A_NORMAL);
	return columns_of(text, fits);
}

void screen_cut(int top, int left, int width, enum tone tone, bool reverse, const char *text)
{
	const char *dots = style.ascii ? "..." : "…";
	size_t size = strlen(text);
	int used, room = width - columns_of(dots, strlen(dots));

	if (columns_of(text, size) <= width) {
		screen_text(top, left, width, tone, reverse, text, size);
		return;
	}
	used = screen_text(top, left, room, tone, reverse, text, size);
	screen_text(top, left + used, width - used, tone, reverse, dots, strlen(dots));
}

void screen_field(int top, int left, int width, enum tone tone, bool reverse, const char *text)
{
	int used = screen_text(top, left, width, tone, reverse, text, strlen(text));

	attrset(attributes(tone, reverse));
	for (; used < width && left + used < COLS && top < LINES; used++)
		mvaddch(top, left + used, ' ');
	attrset(A_NORMAL);
}

static void edge(int top, int left, enum edge kind, enum tone tone)
{
	const char *text = (style.ascii ? plain_lines : lines)[kind];

	screen_text(top, left, 1, tone, false, text, strlen(text));
}

struct rect screen_frame(struct rect o, const char *title, bool focus)
{
	enum tone tone = focus ? TONE_HINT : TONE_DIM;
	int right = o.left + o.width - 1, bottom = o.top + o.height - 1;

	for (int x = o.left + 1; x < right; x++) {
		edge(o.top, x, ACROSS, tone);
		edge(bottom, x, ACROSS, tone);
	}
	for (int y = o.top + 1; y < bottom; y++) {
		edge(y, o.left, DOWN, tone);
		edge(y, right, DOWN, tone);
	}
	edge(o.top, o.left, TOP_LEFT, tone);
	edge(o.top, right, TOP_RIGHT, tone);
	edge(bottom, o.left, BOTTOM_LEFT, tone);
	edge(bottom, right, BOTTOM_RIGHT, tone);
	if (o.width > 8) {
		int used;

		screen_text(o.top, o.left + 2, 1, tone, false, " ", 1);
		used = screen_text(o.top, o.left + 3, o.width - 7, focus ? TONE_BOLD : TONE_PLAIN,
				   false, title, strlen(title));
		screen_text(o.top, o.left + 3 + used, 1, tone, false, " ", 1);
	}
	return (struct rect){ o.top + 1, o.left + 1, o.height - 2, o.width - 2 };
}

void screen_scroll_mark(struct rect o, int first, int total)
{
	int seen = o.height - 2, length, start;

	if (total <= seen || seen < 2)
		return;
	length = seen * seen / total + 1;
	start = (seen - length) * first / (total - seen);
	for (int i = 0; i < length; i++)
		edge(o.top + 1 + start + i, o.left + o.width - 1, MARK, TONE_HINT);
}
