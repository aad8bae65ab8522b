/* test_watcher.c: the ways in which editors save, by inotify and by looking. */
#include "base/arena.h"
#include "base/file.h"
#include "ui/watcher.h"
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAG = 5, PATIENCE_MS = 5000, SILENCE_MS = 700 };

static char directory[64];
static char path[80];

static void setup(void)
{
	strcpy(directory, "/tmp/maplab-watch-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/a.c", directory);
}

static void teardown(void)
{
	file_remove_tree(directory);
}

static void write_text(const char *where, const char *text)
{
	FILE *file = fopen(where, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

/* What the watcher says within so many milliseconds; -1 for silence. */
static int news(struct watcher *w, int patience)
{
	for (int waited = 0; waited < patience;) {
		struct pollfd wait = { watcher_fd(w), POLLIN, 0 };
		int timeout = watcher_timeout(w), tag;

		if (timeout < 0 || timeout > patience - waited)
			timeout = patience - waited;
		if (poll(&wait, 1, timeout) == 0)
			waited += timeout > 0 ? timeout : 1;
		else
			waited++;
		tag = watcher_next(w);
		if (tag >= 0)
			return tag;
	}
	return -1;
}

static void in_place(void)
{
	write_text(path, "longer than before");
}

static void by_rename(void)
{
	char other[96];

	snprintf(other, sizeof other, "%s/.a.c.swp", directory);
	write_text(other, "renamed text");
	ck_assert_int_eq(rename(other, path), 0);
}

/* vim with backupcopy=no: the old file goes away, a new one comes. */
static void by_backup(void)
{
	char other[96];

	snprintf(other, sizeof other, "%s/a.c~", directory);
	ck_assert_int_eq(rename(path, other), 0);
	write_text(path, "after the backup");
	ck_assert_int_eq(unlink(other), 0);
}

static void by_removing(void)
{
	ck_assert_int_eq(unlink(path), 0);
	write_text(path, "new file");
}

static void with_directory(void)
{
	ck_assert_int_eq(file_remove_tree(directory), 0);
	ck_assert_int_eq(mkdir(directory, 0755), 0);
	write_text(path, "in a new directory");
}

static void (*const saves[])(void) = { in_place, by_rename, by_backup, by_removing,
				       with_directory };
enum { SAVES = sizeof saves / sizeof *saves };

static void save_is_told_once(bool poll_only, void (*save)(void))
{
	struct watcher *w = watcher_new(poll_only);

	write_text(path, "first");
	watcher_add(w, path, TAG);
	ck_assert_int_eq(news(w, 100), -1);
	for (int i = 0; i < 2; i++) {
		save();
		ck_assert_int_eq(news(w, PATIENCE_MS), TAG);
		ck_assert_int_eq(news(w, SILENCE_MS), -1);
		write_text(path, "x");
		ck_assert_int_eq(news(w, PATIENCE_MS), TAG);
	}
	watcher_free(w);
}

START_TEST(saved_by_inotify)
{
	save_is_told_once(false, saves[_i]);
}
END_TEST

START_TEST(saved_by_polling)
{
	save_is_told_once(true, saves[_i]);
}
END_TEST

START_TEST(file_that_comes_later)
{
	struct watcher *w = watcher_new(false);
	char deep[120];

	snprintf(deep, sizeof deep, "%s/sub/b.c", directory);
	watcher_add(w, deep, TAG);
	ck_assert_int_eq(news(w, 100), -1);
	snprintf(deep, sizeof deep, "%s/sub", directory);
	ck_assert_int_eq(mkdir(deep, 0755), 0);
	snprintf(deep, sizeof deep, "%s/sub/b.c", directory);
	write_text(deep, "here");
	ck_assert_int_eq(news(w, PATIENCE_MS), TAG);
	watcher_free(w);
}
END_TEST

START_TEST(neighbours_do_not_matter)
{
	struct watcher *w = watcher_new(false);
	char other[96];

	write_text(path, "first");
	watcher_add(w, path, TAG);
	snprintf(other, sizeof other, "%s/other.c", directory);
	write_text(other, "noise");
	unlink(other);
	ck_assert_int_eq(news(w, 200), -1);
	ck_assert_int_eq(watcher_timeout(w), -1);
	watcher_free(w);
}
END_TEST

START_TEST(removal_is_no_save)
{
	struct watcher *w = watcher_new(false);

	write_text(path, "first");
	watcher_add(w, path, TAG);
	unlink(path);
	ck_assert_int_eq(news(w, SILENCE_MS), -1);
	watcher_free(w);
}
END_TEST

Suite *watcher_suite(void)
{
	Suite *suite = suite_create("watcher");
	TCase *tests = tcase_create("saves");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, saved_by_inotify, 0, SAVES);
	tcase_add_loop_test(tests, saved_by_polling, 0, SAVES);
	tcase_add_test(tests, file_that_comes_later);
	tcase_add_test(tests, neighbours_do_not_matter);
	tcase_add_test(tests, removal_is_no_save);
	suite_add_tcase(suite, tests);
	return suite;
}
