/* submission.h: the files that are graded. submission_find() itself is in grading.h. */
#ifndef EXAM_SUBMISSION_H
#define EXAM_SUBMISSION_H

#include "base/arena.h"
#include "exam/grading.h"
#include "run/compile.h"

/* Does every one of these files equal the skeleton of that name below ROOT/labs/? */
bool submission_is_skeleton(struct arena *arena, const struct lab *lab, const char *root,
			    const struct compile_file *files, size_t count);

#endif
