/* Where a submission's files are, and whether they are the skeleton's. */
#include "exam/submission.h"

#include <string.h>

#include "base/file.h"
#include "base/text.h"

/* DIRECTORY/NN-name, DIRECTORY/name, DIRECTORY/NN, or DIRECTORY itself: the first that is there. */
static const char *lab_directory(struct arena *arena, const struct lab *lab, const char *directory)
{
	const char *dash = strchr(lab->id, '-');
	const char *number = arena_copy_bytes(arena, lab->id,
					      dash ? (size_t)(dash - lab->id) : strlen(lab->id));
	const char *const names[] = { lab->id, dash ? dash + 1 : lab->id, number };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *path = file_join(arena, directory, names[i]);

		if (file_exists(path))
			return path;
	}
	return directory;
}

struct submission submission_find(struct arena *arena, const struct lab *lab, const char *directory)
{
	struct submission submission = { .count = lab_program_count(lab) };
	const char *place = lab_directory(arena, lab, directory);
	char room[256];

	for (size_t i = 0; i < submission.count; i++) {
		submission.source[i].name = arena_copy(
			arena, lab_source(&lab->programs[i], room, sizeof(room)));
		submission.source[i].path = file_join(arena, place, submission.source[i].name);
	}
	return submission;
}

bool submission_is_skeleton(struct arena *arena, const struct lab *lab, const char *root,
			    const struct compile_file *files, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *place = file_join(arena, file_join(arena, root, "labs"), lab->id);
		struct compile_file skeleton;
		const char *why;

		if (!compile_read_file(arena, file_join(arena, place, files[i].name), &skeleton,
				       &why) ||
		    skeleton.size != files[i].size ||
		    memcmp(skeleton.bytes, files[i].bytes, skeleton.size) != 0)
			return false;
	}
	return true;
}
