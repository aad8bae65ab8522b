/* keep_files.c: `grade --keep`: what a failed check's programs had in their working directory. */
#include "exam/exam_inside.h"

#include <sys/sendfile.h>

#include "base/file.h"

enum { KEEP_BYTES = 64 << 20 }; /* a sparse file of 5 GiB is no use to anybody */

static void keep_file(struct exam *x, const char *name, const char *directory)
{
	int from = exam_open_name(x, name, O_RDONLY, 0), to = -1;
	struct stat st;

	if (from >= 0 && fstat(from, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= KEEP_BYTES)
		to = open(file_join(x->arena, directory, name),
			  O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st.st_mode & 0777);
	while (to >= 0 && sendfile(to, from, NULL, KEEP_BYTES) > 0)
		;
	if (to >= 0)
		close(to);
	if (from >= 0)
		close(from);
}

void exam_keep_files(struct exam *x)
{
	const char *directory = file_join(x->arena, stage_scratch(x->stage),
					  arena_format(x->arena, "failed/%s", x->check->id));
	size_t count = 0;
	const char **names = file_list_all(x->arena, exam_path(x, "."), &count);

	if (!names || file_make_dirs(directory, 0755) != 0)
		return;
	for (size_t i = 0; i < count; i++)
		keep_file(x, names[i], directory);
}
