/*
 * lab.h: what a lab is, as data. An exam.c defines one with LAB(...) and the registry finds it;
 * nothing else in the project names a lab.
 */
#ifndef EXAM_LAB_H
#define EXAM_LAB_H

#include <stdbool.h>
#include <stddef.h>

struct exam;

enum { LAB_MAX_PROGRAMS = 4, LAB_MAX_CHECKS = 16, LAB_MAX_HINTS = 6, LAB_MAX_ACTORS = 8 };

/* A program that the student hands in: `reader` is built from `reader.c`. */
struct lab_program {
	const char *name;
	const char *source; /* file name in the lab's folder; NULL means NAME.c */
};

/*
 * One graded fact. `run` looks at programs and notes expectations (exam.h); the check passes when
 * none of them failed. `needs` names an earlier check: where that one did not pass, this one is
 * skipped with that reason, so that one mistake costs once.
 */
struct check {
	const char *id;
	int points;
	int task;
	const char *needs;
	const char *title;
	void (*run)(struct exam *x);
	const char *hints[LAB_MAX_HINTS]; /* a ladder: question, pointer, nearly the line */
};

/*
 * A program of the grader's own that plays a peer inside the stage, as a real process there.
 * It is started by name with start(x, NULL, .actor = "guest", .args = {…}) and gets argc, argv like
 * main().
 */
struct actor {
	const char *name;
	int (*main)(int argc, char **argv);
};

struct lab {
	const char *id;	   /* "03-reader-writer": the name of its folders */
	const char *title; /* one line for lists */
	struct lab_program programs[LAB_MAX_PROGRAMS];
	struct check checks[LAB_MAX_CHECKS]; /* in the order in which they are run and shown */
	struct actor actors[LAB_MAX_ACTORS];
	bool all_cpus; /* its programs may run on all CPUs at once (else one, that of the grader,
			  which is faster) */
	/*
	 * A run worth looking at, for `maplab trace` and `maplab maps`: start() the lab's programs,
	 * feed them and run_to() their ends. `args` are the words after `--` on the command line,
	 * NULL-terminated, or an empty list: then choose good ones.
	 */
	void (*show)(struct exam *x, const char *const *args);
};

/* Defines and registers the lab of this exam.c: LAB(.id = "…", .title = "…", …); */
#define LAB(...)                                                              \
	static const struct lab lab_of_this_file = { __VA_ARGS__ };           \
	__attribute__((constructor)) static void lab_register_this_file(void) \
	{                                                                     \
		lab_register(&lab_of_this_file);                              \
	}                                                                     \
	_Static_assert(1, "LAB(...) ends with a semicolon")

/* Called by LAB() before main(). */
void lab_register(const struct lab *lab);

/* Labs in the order of their ids. */
size_t lab_count(void);
const struct lab *lab_at(size_t index);

/* By id ("07-message-queue"), number ("07", "7") or name ("message-queue"). NULL when there is
 * none. */
const struct lab *lab_find(const char *word);

size_t lab_check_count(const struct lab *lab);
size_t lab_program_count(const struct lab *lab);
int lab_points(const struct lab *lab);

/* The check with that id, or NULL. */
const struct check *lab_check(const struct lab *lab, const char *id);

/* The file name of a program's source: program->source, or NAME.c in a buffer of the caller. */
const char *lab_source(const struct lab_program *program, char *room, size_t size);

#endif
