/* reset.c: `maplab reset`: the skeleton back in its place, and nothing lost. */
#include "base/buffer.h"
#include "base/die.h"
#include "base/file.h"
#include "base/text.h"
#include "cmd/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SOURCE_MOST = 1 << 20, MODE = 0644 };

static bool agreed(const struct options *o, const struct lab *lab)
{
	char answer[16] = "";

	if (o->yes)
		return true;
	printf("Put the skeleton of %s back? Your files stay beside it as *.old-N. [y/N] ",
	       lab->id);
	fflush(stdout);
	if (!fgets(answer, sizeof answer, stdin))
		printf("\n");
	return answer[0] == 'y' || answer[0] == 'Y';
}

/* Moves PATH to the first PATH.old-N that is free. link(2) never replaces, whoever else is there.
 */
static void put_aside(const struct options *o, const char *path)
{
	for (int n = 1;; n++) {
		const char *old = arena_format(o->arena, "%s.old-%d", path, n);

		if (link(path, old) == 0) {
			printf("  kept as  %s\n", old);
			return;
		}
		if (errno != EEXIST)
			die("cannot keep %s as %s: %s; nothing was changed", path, old,
			    strerror(errno));
	}
}

static void reset_file(const struct options *o, const char *skeleton, const char *path)
{
	struct buffer fresh = { 0 }, mine = { 0 };
	const char *why;

	if (file_read(skeleton, &fresh, SOURCE_MOST) < 0)
		die("cannot read the skeleton %s: %s", skeleton, strerror(errno));
	if (!file_exists(path)) {
		if (file_write(path, fresh.data, fresh.size, MODE) < 0)
			die("cannot write %s: %s", path, strerror(errno));
		printf("  new      %s\n", path);
	} else if (file_read_regular(path, &mine, SOURCE_MOST, &why) < 0) {
		die("%s %s; move it away by hand", path, why);
	} else if (text_equal(buffer_text(&fresh), buffer_text(&mine))) {
		printf("  as it was %s\n", path);
	} else {
		put_aside(o, path);
		if (file_write(path, fresh.data, fresh.size, MODE) < 0)
			die("cannot write %s: %s", path, strerror(errno));
		printf("  reset    %s\n", path);
	}
	buffer_free(&fresh);
	buffer_free(&mine);
}

int command_reset(struct options *o, char **words)
{
	const struct lab *lab = lab_or_usage(words[0]);
	struct submission mine = submission_find(o->arena, lab, o->source);
	const char *skeletons = file_join(o->arena, skeleton_root(o), "labs");

	if (!agreed(o, lab)) {
		printf("Nothing was changed.\n");
		return 0;
	}
	for (size_t i = 0; i < mine.count; i++) {
		const char *folder = file_join(o->arena, skeletons, lab->id);

		reset_file(o, file_join(o->arena, folder, mine.source[i].name),
			   mine.source[i].path);
	}
	return 0;
}
