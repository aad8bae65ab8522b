/* ui.c: the dashboard's loop: wait for keys, files, gradings and signals; take in; draw. */
#include "ui/ui.h"

#include "ui/arrange.h"

#include <curses.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

enum { ESCAPE = 27 };

struct dashboard {
	struct state state;
	const struct panel *overlay; /* on top of the others, NULL for none */
	int focus;
	bool leaving;
};

static void draw_overlay(struct dashboard *d)
{
	int width = COLS < 70 ? COLS : 70, height = d->overlay->rows(&d->state) + 2;
	struct rect frame, in;

	if (height > LINES - 2)
		height = LINES - 2;
	frame = (struct rect){ (LINES - height) / 2, (COLS - width) / 2, height, width };
	for (int y = 0; y < height; y++)
		screen_field(frame.top + y, frame.left, width, TONE_PLAIN, false, "");
	in = screen_frame(frame, d->overlay->title(&d->state), true);
	d->overlay->draw(&d->state, in, frame, true);
}

static void draw(struct dashboard *d)
{
	static const char small[] = "make the window larger";
	struct placed placed[PANELS];
	struct state *s = &d->state;

	arena_reset(s->scratch, s->scratch_mark);
	erase();
	if (!arrange(s, LINES, COLS, d->focus, placed)) {
		screen_text(0, 0, COLS, TONE_PLAIN, false, small, strlen(small));
		refresh();
		return;
	}
	header_draw(s, (struct rect){ 0, 0, 1, COLS });
	for (int i = 0; i < PANELS; i++) {
		const struct panel *panel = placed[i].panel;
		bool focus = i == d->focus && !d->overlay;

		if (panel->scan)
			panel->scan(s);
		if (placed[i].frame.height > 0)
			panel->draw(s, screen_frame(placed[i].frame, panel->title(s), focus),
				    placed[i].frame, focus);
	}
	footer_draw(s, (struct rect){ LINES - 1, 0, 1, COLS });
	if (d->overlay)
		draw_overlay(d);
	refresh();
}

static void grade_all(struct state *s)
{
	for (size_t i = 0; i < s->lab_count; i++)
		s->labs[i].wanted = true;
	state_grade(s, s->lab);
}

static void move_focus(struct dashboard *d, int by)
{
	d->focus = (d->focus + PANELS + by) % PANELS;
}

/* Keys that mean the same everywhere. */
static void common_key(struct dashboard *d, int key)
{
	switch (key) {
	case 'q':
	case KEY_F(10):
		d->leaving = true;
		break;
	case '?':
	case KEY_F(1):
		d->overlay = &help_panel;
		break;
	case '\t':
	case KEY_RIGHT:
		move_focus(d, 1);
		break;
	case KEY_BTAB:
	case KEY_LEFT:
		move_focus(d, -1);
		break;
	case '\r':
	case KEY_ENTER:
	case 'g':
	case KEY_F(5):
		state_grade(&d->state, d->state.lab);
		break;
	case 'a':
		grade_all(&d->state);
		break;
	case 'h':
		state_next_hint(&d->state);
		break;
	case KEY_PPAGE:
	case KEY_NPAGE:
		details_panel.on_key(&d->state, key);
		break;
	case 'L' - '@': /* Ctrl-L: something else has written on the screen */
		clearok(curscr, TRUE);
		break;
	}
}

static void on_key(struct dashboard *d, int key)
{
	const struct panel *panel = panel_at(d->focus);

	if (d->overlay) {
		if (key == 'q' || key == ESCAPE || key == '?' || key == '\r' || key == KEY_F(1))
			d->overlay = NULL;
		return;
	}
	if (panel->on_key && panel->on_key(&d->state, key))
		return;
	common_key(d, key);
}

/* False when the terminal has gone. */
static bool wait_for_news(const struct dashboard *d)
{
	const struct state *s = &d->state;
	struct pollfd wait[] = {
		{ 0, POLLIN, 0 },
		{ screen_signal_fd(), POLLIN, 0 },
		{ watcher_fd(s->watcher), POLLIN, 0 },
		{ s->running ? grading_fd(s->running) : -1, POLLIN, 0 },
	};

	poll(wait, sizeof wait / sizeof *wait, watcher_timeout(s->watcher));
	return !(wait[0].revents & (POLLHUP | POLLERR | POLLNVAL));
}

static int loop(struct dashboard *d)
{
	int key, signal = 0;

	draw(d);
	while (!d->leaving && !signal) {
		bool changed, terminal = wait_for_news(d);

		signal = terminal ? screen_signal() : SIGHUP;
		changed = state_update(&d->state);
		while ((key = getch()) != ERR) {
			if (key != KEY_RESIZE)
				on_key(d, key);
			changed = true;
		}
		if (changed)
			draw(d);
	}
	return signal;
}

bool ui_run(const struct ui_options *options)
{
	struct dashboard d = { 0 };
	int ended;

	if (!screen_start(&options->style))
		return false;
	state_open(&d.state, options);
	ended = loop(&d);
	screen_stop();
	state_close(&d.state);
	if (ended) {
		/* Whoever started us learns which signal it was. */
		signal(ended, SIG_DFL);
		raise(ended);
	}
	return true;
}
