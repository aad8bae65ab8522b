/* exam_inside.h: what an exam is made of. For the files of exam/ alone. */
#ifndef EXAM_EXAM_INSIDE_H
#define EXAM_EXAM_INSIDE_H

#include <setjmp.h>

#include "base/arena.h"
#include "base/random.h"
#include "exam/exam.h"
#include "exam/grading.h"
#include "run/session.h"
#include "stage/stage.h"

enum { EXAM_OPEN_FILES = 256, EXAM_MAPPED = 256, EXAM_SCENES = 16 };

/* A run that several checks look at; see scene() in exam.h. */
struct played_scene {
	void (*play)(struct exam *x, void *facts);
	void *facts;
	const char *failed_in; /* id of the check in which it failed, NULL where it did not */
};

/* Descriptors of directories, -1 or 0 where there is none yet: 0 is nobody's directory. */
struct reached {
	int work, shm, tmp;
	int parent[2]; /* of the last names with a slash: rename(2) has two */
	unsigned parents;
};

struct exam {
	const struct lab *lab;
	struct stage *stage;
	struct session *session;
	struct arena *record; /* shared with the main process: results and evidence */
	struct arena *whole;  /* of the exam: scenes */
	struct arena *arena;  /* of the check */
	size_t clean_mark;    /* where the check's arena began */
	struct random random;
	const char *actor_path; /* maplab itself, as the stage sees it */
	const char *program_path[LAB_MAX_PROGRAMS];

	/* of the check that runs */
	const struct check *check;
	struct check_result *result;
	jmp_buf end_of_check;
	bool in_check;
	bool failed;
	struct stage_directory directory; /* the working directory of its programs */
	struct reached reached;		  /* how we get to it and its like */
	int open_file[EXAM_OPEN_FILES];
	size_t open_files;
	struct mapped {
		void *address;
		size_t size;
	} mapped[EXAM_MAPPED];
	size_t mapped_count;

	struct played_scene scenes[EXAM_SCENES];
	size_t scene_count;
	bool keep_files; /* of failed checks, in the scratch directory */
	bool show_maps;	 /* a show(): print the address spaces at each stop */
};

/* Runs one check on an exam that stands ready; its result is written to `result`. */
void exam_run_check(struct exam *x, const struct check *check, struct check_result *result);

/* Before and after each check: a fresh working directory, nothing left open. */
void exam_begin(struct exam *x);
void exam_end(struct exam *x);

/* Copies the files in the working directory of the check's programs to failed/CHECK/ of the
 * scratch directory. What cannot be copied is left out. */
void exam_keep_files(struct exam *x);

/* Ends the check at once. */
_Noreturn void exam_leave(struct exam *x);

/* Why a check is skipped that looks at a scene which failed in the check `failed`. */
const char *exam_same_scene(struct exam *x, const char *failed);

/* ---- reach.c: names of the check (see "files" in exam.h), as the grader itself reaches them ----
 */

/* Makes the working directory of the check anew, in this place. False with errno. */
bool exam_work_in(struct exam *x, enum stage_place place);
void exam_close_places(struct exam *x);

/* A path for calls that do not follow the last name: unlink(2), lstat(2), mkdir(2) … */
const char *exam_path(struct exam *x, const char *name);

/* open(2) that follows links only within the name's place. Never waits. -1 with errno. */
int exam_open_name(struct exam *x, const char *name, int flags, mode_t mode);

/* Device and inode as /proc/PID/maps shows them (for mappings) and as stat(2) does (for
 * descriptors). */
struct identity {
	bool known;
	dev_t device, map_device;
	ino_t inode, map_inode;
};
struct identity exam_identity(struct exam *x, const char *name);

#endif
