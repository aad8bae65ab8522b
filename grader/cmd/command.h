/*
 * command.h: a command is a row of the table in commands.c and a file with one function. Options
 * are the same everywhere, so they are parsed in one place (options.c); a command says which it
 * takes.
 */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include "base/arena.h"
#include "exam/grading.h"
#include "exam/lab.h"
#include "report/report.h"
#include "report/style.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

enum option_bit {
	OPTION_SOURCE = 1 << 0,
	OPTION_FORMAT = 1 << 1,
	OPTION_OUT = 1 << 2,
	OPTION_SEED = 1 << 3,
	OPTION_REPEAT = 1 << 4,
	OPTION_KEEP = 1 << 5,
	OPTION_JOBS = 1 << 6,
	OPTION_ANYWAY = 1 << 7,
	OPTION_YES = 1 << 8,
	OPTION_POLL = 1 << 9,
	OPTION_ALWAYS = 1 << 10, /* --help, --no-color, --ascii */
};

struct options {
	const char *root;   /* the project's directory */
	const char *source; /* where the submissions are; exists */
	const struct report_format *format;
	const char *out; /* NULL: standard output */
	uint64_t seed;	 /* 0: fresh ones */
	int repeat, jobs;
	bool keep, anyway, yes, poll;
	struct style style; /* of standard output */
	struct arena *arena;
};

struct command {
	const char *name;
	const char *words;   /* of the usage line: "LAB [CHECK]" */
	const char *summary; /* one line */
	const char *more;    /* for its --help; may be NULL */
	unsigned options;
	int least, most; /* words; most -1: any number */
	int (*run)(struct options *options, char **words);
};

/* All commands, a NULL name behind the last. The first row has the name "": the dashboard. */
const struct command *commands(void);

int command_dashboard(struct options *options, char **words);
int command_list(struct options *options, char **words);
int command_grade(struct options *options, char **words);
int command_watch(struct options *options, char **words);
int command_trace(struct options *options, char **words);
int command_maps(struct options *options, char **words);
int command_hint(struct options *options, char **words);
int command_reset(struct options *options, char **words);
int command_solution(struct options *options, char **words);
int command_verify(struct options *options, char **words);
int command_doctor(struct options *options, char **words);
int command_new_lab(struct options *options, char **words);

/*
 * Reads the command line behind `maplab` and runs the command. Returns the exit status; ends the
 * process itself for --help and for what makes no sense.
 */
int command_line(int argc, char **argv);

/* Helpers of the commands -------------------------------------------------------------------- */

/* The lab that a word means (number, name, id, or a path that ends in one); ends with exit 2. */
const struct lab *lab_or_usage(const char *word);

/* The check of that id; ends with exit 2. */
const struct check *check_or_usage(const struct lab *lab, const char *id);

/* The labs of a NULL-terminated list of words; all labs when there is none. */
const struct lab **labs_of_words(struct arena *arena, char **words, size_t *count);

/* Of the words given (NULL behind the last), the one that looks most like WORD; NULL if none does.
 */
const char *nearest(const char *word, const char *const *known);

/* How the commands grade: root, seed, keep and MAPLAB_TIME_SCALE filled in. */
struct grading_options grading_options_from(const struct options *options);

/* The project's directory, and the one with the skeletons as they were given to the student. */
const char *project_root(void);
const char *skeleton_root(const struct options *options);

/* The last program's file names of a lab: source.name for a program. Owned by the arena. */
const char *source_name(struct arena *arena, const struct lab *lab, size_t program);

#endif
