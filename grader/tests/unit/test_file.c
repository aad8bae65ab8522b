/* test_file.c: whole files and trees, each test in a fresh directory that is its working one. */
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char scratch[] = "/tmp/maplab-file-XXXXXX";

static void enter_scratch(void)
{
	ck_assert_ptr_nonnull(mkdtemp(scratch));
	ck_assert_int_eq(chdir(scratch), 0);
	umask(022);
}

static void leave_scratch(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(file_remove_tree(scratch), 0);
	ck_assert(!file_exists(scratch));
}

static void put(const char *path, const char *text)
{
	ck_assert_int_eq(file_write(path, text, strlen(text), 0644), 0);
}

START_TEST(file_is_written_and_read)
{
	struct buffer got = { 0 };
	struct stat st;

	put("f", "old and longer");
	ck_assert_int_eq(file_write("f", "new\0", 4, 0600), 0);
	ck_assert_int_eq(file_read("f", &got, 4), 0);
	ck_assert_uint_eq(got.size, 4);
	ck_assert_int_eq(memcmp(got.data, "new\0", 4), 0);
	ck_assert_int_eq(stat("f", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(file_read("f", &got, 3), -1);
	ck_assert_int_eq(errno, EFBIG);
	ck_assert_int_eq(file_read("nothing", &got, 3), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(file_write("no/such/dir", "", 0, 0600), -1);
	ck_assert_int_eq(errno, ENOENT);
	buffer_free(&got);
}
END_TEST

START_TEST(file_write_replaces_a_link_and_leaves_nothing)
{
	struct arena *a = arena_new(1 << 16, false);
	size_t count;

	put("target", "kept");
	ck_assert_int_eq(symlink("target", "link"), 0);
	put("link", "new");
	ck_assert_int_eq(mkdir("dir", 0755), 0);
	ck_assert_int_eq(file_write("dir", "x", 1, 0644), -1);
	ck_assert_ptr_nonnull(file_list(a, ".", &count));
	ck_assert_uint_eq(count, 3); /* no temporary file */
	ck_assert_int_eq(readlink("link", (char[8]){ 0 }, 8), -1);
	arena_free(a);
}
END_TEST

static void make_nothing(void)
{
}

static void make_link(void)
{
	put("target", "secret");
	ck_assert_int_eq(symlink("target", "f"), 0);
}

static void make_fifo(void)
{
	ck_assert_int_eq(mkfifo("f", 0644), 0);
}

static void make_directory(void)
{
	ck_assert_int_eq(mkdir("f", 0755), 0);
}

static void make_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "f" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

static void make_device_link(void)
{
	ck_assert_int_eq(symlink("/dev/zero", "f"), 0);
}

static void make_huge(void)
{
	put("f", "");
	ck_assert_int_eq(truncate("f", (off_t)1 << 40), 0); /* holes: no block of it exists */
}

static void make_good(void)
{
	put("f", "twelve bytes");
}

static void make_one_too_long(void)
{
	put("f", "thirteenbytes");
}

static const struct {
	void (*make)(void);
	const char *why; /* NULL: readable */
} strangers[] = {
	{ make_nothing, "No such file or directory" },
	{ make_link, "is a symbolic link, not a regular file" },
	{ make_device_link, "is a symbolic link, not a regular file" },
	{ make_fifo, "is a FIFO, not a regular file" },
	{ make_directory, "is a directory, not a regular file" },
	{ make_socket, "is a socket, not a regular file" },
	{ make_huge, "is larger than 12 bytes, the most that is read" },
	{ make_one_too_long, "is larger than 12 bytes, the most that is read" },
	{ make_good, NULL },
};

START_TEST(file_of_a_stranger_is_looked_at_first)
{
	const char *why = "unset";
	struct buffer got = { 0 };
	int result;

	strangers[_i].make();
	result = file_read_regular("f", &got, 12, &why);
	ck_assert_int_eq(result, strangers[_i].why ? -1 : 0);
	ck_assert_pstr_eq(why, strangers[_i].why);
	ck_assert_str_eq(buffer_text(&got), strangers[_i].why ? "" : "twelve bytes");
	ck_assert_int_eq(file_read_regular("f", &got, 12, NULL), result);
	buffer_free(&got);
}
END_TEST

START_TEST(file_device_is_refused)
{
	const char *why;
	struct buffer got = { 0 };

	ck_assert_int_eq(file_read_regular("/dev/zero", &got, 12, &why), -1);
	ck_assert_str_eq(why, "is a device, not a regular file");
	buffer_free(&got);
}
END_TEST

START_TEST(file_directories_are_made)
{
	ck_assert_int_eq(file_make_dirs("a/b//c/", 0755), 0);
	ck_assert_int_eq(file_make_dirs("a/b/c", 0755), 0);
	ck_assert_int_eq(file_make_dirs("/", 0755), 0);
	ck_assert(file_exists("a/b/c"));
	put("a/f", "");
	ck_assert_int_eq(file_make_dirs("a/f", 0755), -1);
	ck_assert_int_eq(errno, ENOTDIR);
	ck_assert_int_eq(file_make_dirs("a/f/g", 0755), -1);
	ck_assert_int_eq(errno, ENOTDIR);
}
END_TEST

START_TEST(file_names_are_joined_and_listed)
{
	struct arena *a = arena_new(1 << 16, false);
	const char **names;
	size_t count;

	ck_assert_str_eq(file_join(a, "a", "b"), "a/b");
	ck_assert_str_eq(file_join(a, "a//", "/b"), "a/b");
	ck_assert_str_eq(file_join(a, "/", "b"), "/b");
	ck_assert_str_eq(file_join(a, "", "b"), "b");

	names = file_list(a, ".", &count);
	ck_assert_uint_eq(count, 0);
	ck_assert_ptr_null(names[0]);
	put("b", "");
	put("a b", "");
	put(".hidden", "");
	put("B", "");
	names = file_list(a, ".", &count);
	ck_assert_uint_eq(count, 3);
	ck_assert_str_eq(names[0], "B");
	ck_assert_str_eq(names[1], "a b");
	ck_assert_str_eq(names[2], "b");
	ck_assert_ptr_null(names[3]);
	names = file_list_all(a, ".", &count);
	ck_assert_uint_eq(count, 4);
	ck_assert_str_eq(names[0], ".hidden");
	ck_assert_ptr_null(file_list(a, "nothing", &count));
	ck_assert_int_eq(errno, ENOENT);
	arena_free(a);
}
END_TEST

START_TEST(file_tree_goes_without_following_links)
{
	ck_assert_int_eq(file_make_dirs("out/side", 0755), 0);
	put("out/side/kept", "");
	ck_assert_int_eq(file_make_dirs("tree/a/b", 0755), 0);
	put("tree/a/.hidden", "");
	ck_assert_int_eq(symlink("../../out", "tree/a/link"), 0);
	ck_assert_int_eq(mkfifo("tree/a/b/fifo", 0600), 0);
	ck_assert_int_eq(symlink("tree", "link"), 0);

	ck_assert_int_eq(file_remove_tree("link/"), 0); /* the link alone */
	ck_assert(file_exists("tree/a/b/fifo"));
	ck_assert_int_eq(file_remove_tree("tree//"), 0);
	ck_assert(!file_exists("tree"));
	ck_assert(file_exists("out/side/kept"));
	ck_assert_int_eq(file_remove_tree("tree"), 0); /* nothing there: fine */
	ck_assert_int_eq(file_remove_tree("out/side/kept"), 0);
	ck_assert_int_eq(file_remove_tree("no/such/dir"), 0);
}
END_TEST

/* Deeper than paths are long and than descriptors are many; each level once made by one chdir. */
START_TEST(file_tree_of_any_depth_goes)
{
	ck_assert_int_eq(mkdir("deep", 0755), 0);
	ck_assert_int_eq(chdir("deep"), 0);
	for (int i = 0; i < 3000; i++) {
		ck_assert_int_eq(mkdir("directory", 0755), 0);
		ck_assert_int_eq(chdir("directory"), 0);
	}
	ck_assert_int_eq(chdir(scratch), 0);
	ck_assert_int_eq(file_remove_tree("deep"), 0);
	ck_assert(!file_exists("deep"));
}
END_TEST

/* As an ordinary user, for to root no directory is closed. */
START_TEST(file_tree_with_closed_directories_goes)
{
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(".", 65534, 65534), 0);
		ck_assert_int_eq(setgid(65534), 0);
		ck_assert_int_eq(setuid(65534), 0);
	}
	ck_assert_int_eq(file_make_dirs("tree/none/below", 0755), 0);
	ck_assert_int_eq(file_make_dirs("tree/readonly", 0755), 0);
	put("tree/readonly/f", "");
	ck_assert_int_eq(chmod("tree/none", 0), 0);
	ck_assert_int_eq(chmod("tree/readonly", 0555), 0);
	ck_assert_int_eq(chmod("tree", 0444), 0);
	ck_assert_int_eq(file_remove_tree("tree"), 0);
	ck_assert(!file_exists("tree"));
}
END_TEST

START_TEST(file_tree_stops_at_a_mount)
{
	ck_assert_int_eq(file_make_dirs("tree/mnt", 0755), 0);
	ck_assert_int_eq(file_make_dirs("other", 0755), 0);
	put("other/kept", "");
	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", "", MS_PRIVATE | MS_REC, "") < 0 ||
	    mount("other", "tree/mnt", "", MS_BIND, "") < 0)
		return; /* needs root; no mount, no danger */
	ck_assert_int_eq(file_remove_tree("tree"), -1);
	ck_assert_int_eq(errno, EXDEV);
	ck_assert(file_exists("other/kept"));
	ck_assert_int_eq(umount("tree/mnt"), 0);
}
END_TEST

/* A test once a row of its table, which it finds with _i. */
#define ADD_ROWS(tcase, test, table) \
	tcase_add_loop_test(tcase, test, 0, (int)(sizeof(table) / sizeof(*(table))))

Suite *file_suite(void)
{
	Suite *suite = suite_create("file");
	TCase *one = tcase_create("file"), *tree = tcase_create("tree");

	tcase_add_checked_fixture(one, enter_scratch, leave_scratch);
	tcase_add_test(one, file_is_written_and_read);
	tcase_add_test(one, file_write_replaces_a_link_and_leaves_nothing);
	ADD_ROWS(one, file_of_a_stranger_is_looked_at_first, strangers);
	tcase_add_test(one, file_device_is_refused);
	tcase_add_test(one, file_directories_are_made);
	tcase_add_test(one, file_names_are_joined_and_listed);
	suite_add_tcase(suite, one);

	tcase_add_checked_fixture(tree, enter_scratch, leave_scratch);
	tcase_add_test(tree, file_tree_goes_without_following_links);
	tcase_add_test(tree, file_tree_of_any_depth_goes);
	tcase_add_test(tree, file_tree_with_closed_directories_goes);
	tcase_add_test(tree, file_tree_stops_at_a_mount);
	suite_add_tcase(suite, tree);
	return suite;
}
