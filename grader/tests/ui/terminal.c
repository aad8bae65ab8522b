#include "terminal.h"

#include "base/buffer.h"
#include "base/file.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, LOOK_MS = 20, SCREEN_MOST = 1 << 20 };

static char directory[64];
static struct buffer screen;

/* Runs a shell command and gives what it printed, in `screen`. */
static int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int shell(const char *format, ...)
{
	char command[4096];
	va_list args;
	FILE *pipe;

	va_start(args, format);
	vsnprintf(command, sizeof command, format, args);
	va_end(args);
	buffer_clear(&screen);
	pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	buffer_read_fd(&screen, fileno(pipe), SCREEN_MOST);
	return pclose(pipe);
}

#define TMUX "tmux -S %s/tmux -f /dev/null -u "

bool terminal_possible(void)
{
	return system("command -v tmux >/dev/null") == 0;
}

const char *terminal_directory(void)
{
	return directory;
}

void terminal_open(int columns, int rows)
{
	const char *maplab = getenv("MAPLAB");
	char *path = realpath(maplab ? maplab : "build/maplab", NULL);

	ck_assert_ptr_nonnull(path);
	strcpy(directory, "/tmp/maplab-ui-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(shell("chmod 755 %s && mkdir %s/source", directory, directory), 0);
	ck_assert_int_eq(
		shell("env -u TMUX -u NO_COLOR " TMUX
		      "new-session -d -x %d -y %d 'env LC_ALL=C.UTF-8 PS1=\"$ \" MAPLAB=%s SOURCE=%s/source"
		      " MAPLAB_STORE=%s/store.db sh' 2>&1",
		      directory, columns, rows, path, directory, directory),
		0);
	free(path);
	terminal_shows("$");
}

void terminal_close(void)
{
	shell(TMUX "kill-server 2>/dev/null", directory);
	file_remove_tree(directory);
	buffer_free(&screen);
}

void terminal_resize(int columns, int rows)
{
	ck_assert_int_eq(shell(TMUX "resize-window -x %d -y %d", directory, columns, rows), 0);
}

void terminal_keys(const char *keys)
{
	ck_assert_int_eq(shell(TMUX "send-keys %s", directory, keys), 0);
}

void terminal_type(const char *text)
{
	ck_assert_int_eq(shell(TMUX "send-keys -l '%s'", directory, text), 0);
	terminal_keys("Enter");
}

const char *terminal_screen(void)
{
	shell(TMUX "capture-pane -p", directory);
	return buffer_text(&screen);
}

static void wait_for(const char *text, bool wanted)
{
	const struct timespec look = { 0, LOOK_MS * 1000000L };

	for (int waited = 0; waited < PATIENCE_MS; waited += LOOK_MS) {
		if ((strstr(terminal_screen(), text) != NULL) == wanted)
			return;
		nanosleep(&look, NULL);
	}
	ck_abort_msg("\"%s\" %s on the screen:\n%s", text, wanted ? "never came" : "did not go",
		     terminal_screen());
}

void terminal_shows(const char *text)
{
	wait_for(text, true);
}

void terminal_hides(const char *text)
{
	wait_for(text, false);
}

int terminal_maplab(void)
{
	int pid;

	/* The shell's only child; the guard is a child of that one. */
	shell("pane=$(" TMUX
	      "display-message -p '#{pane_pid}'); cat /proc/$pane/task/$pane/children",
	      directory);
	pid = atoi(buffer_text(&screen));
	ck_assert_int_gt(pid, 0);
	return pid;
}
