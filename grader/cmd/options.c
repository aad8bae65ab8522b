/* options.c: the command line: which command, its options, its words. */
#include "base/die.h"
#include "base/file.h"
#include "base/text.h"
#include "cmd/command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HELP = 'h', NO_COLOR = 'n', ASCII = 'a', ARENA = 256 << 20, JOBS_MOST = 64 };

static const struct {
	const char *name, *argument, *what;
	unsigned bit;
	int letter;
} known[] = {
	{ "source", "DIR", "where the programs are (labs/ of the project)", OPTION_SOURCE, 's' },
	{ "format", "NAME", NULL, OPTION_FORMAT, 'f' },
	{ "out", "FILE", "write there instead of to standard output", OPTION_OUT, 'o' },
	{ "seed", "N", "the inputs of an earlier grading once more", OPTION_SEED, 'S' },
	{ "repeat", "N", "do it N times", OPTION_REPEAT, 'r' },
	{ "keep", NULL, "keep the scratch directory and say where it is", OPTION_KEEP, 'k' },
	{ "jobs", "N", "gradings side by side (4)", OPTION_JOBS, 'j' },
	{ "anyway", NULL, "although the lab has not passed", OPTION_ANYWAY, 'A' },
	{ "yes", NULL, "do not ask", OPTION_YES, 'y' },
	{ "poll", NULL, "look at the files instead of waiting for news of them", OPTION_POLL, 'p' },
	{ "no-color", NULL, "no colours (NO_COLOR does the same)", OPTION_ALWAYS, NO_COLOR },
	{ "ascii", NULL, "no letters beyond ASCII", OPTION_ALWAYS, ASCII },
	{ "help", NULL, "this text", OPTION_ALWAYS, HELP },
};

enum { KNOWN = sizeof known / sizeof *known };

static const char *format_names(struct arena *arena)
{
	const char *names = NULL;

	for (const struct report_format *f = report_formats(); f->name; f++)
		names = names ? arena_format(arena, "%s, %s", names, f->name) : f->name;
	return names;
}

static void help_options(const struct command *command, struct arena *arena)
{
	printf("\noptions:\n");
	for (size_t i = 0; i < KNOWN; i++) {
		const char *what = known[i].what ? known[i].what : format_names(arena);

		if (known[i].bit & (command->options | OPTION_ALWAYS))
			printf("  --%s%s%-*s %s\n", known[i].name, known[i].argument ? " " : "",
			       18 - (int)strlen(known[i].name) - (known[i].argument ? 1 : 0),
			       known[i].argument ? known[i].argument : "", what);
	}
}

static void help_all(void)
{
	printf("maplab %s: a workbook on memory mapping, with a grader that asks the kernel\n\nusage:\n",
	       report_version());
	for (const struct command *c = commands(); c->name; c++)
		printf("  maplab %-8s %-14s %s\n", c->name, c->words, c->summary);
	printf("\nexit status: 0 all passed, 1 something failed, 2 usage, 3 the grader itself failed\n"
	       "`maplab COMMAND --help` says more; workbook.md teaches.\n");
}

static _Noreturn void help(const struct command *command, struct arena *arena)
{
	if (!*command->name) {
		help_all();
	} else {
		printf("usage: maplab %s%s%s\n\n%s\n", command->name, *command->words ? " " : "",
		       command->words, command->summary);
		if (command->more)
			printf("%s\n", command->more);
	}
	help_options(command, arena);
	exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_GRADER);
}

static int64_t number(const char *option, const char *text, int64_t least, int64_t most)
{
	int64_t value;

	if (!text_to_i64(text, &value) || value < least || value > most)
		die_usage("--%s takes a number from %lld to %lld, not \"%s\"", option,
			  (long long)least, (long long)most, text);
	return value;
}

static const struct report_format *format_of(const char *name, struct arena *arena)
{
	const struct report_format *format = report_format(name);

	if (!format)
		die_usage("there is no format \"%s\"; there are %s", name, format_names(arena));
	return format;
}

static void check_source(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		die_usage("the directory %s is not there; name another with --source DIR", path);
	if (!S_ISDIR(st.st_mode))
		die_usage("%s is no directory; --source takes the one that holds the labs' folders",
			  path);
}

struct parsed {
	bool help, no_color, ascii;
};

static void take(struct options *o, struct parsed *parsed, int letter, const char *value)
{
	switch (letter) {
	case 's':
		o->source = value;
		break;
	case 'f':
		o->format = format_of(value, o->arena);
		break;
	case 'o':
		o->out = value;
		break;
	case 'S':
		o->seed = (uint64_t)number("seed", value, 1, INT64_MAX);
		break;
	case 'r':
		o->repeat = (int)number("repeat", value, 1, 1000000);
		break;
	case 'j':
		o->jobs = (int)number("jobs", value, 1, JOBS_MOST);
		break;
	case 'k':
		o->keep = true;
		break;
	case 'A':
		o->anyway = true;
		break;
	case 'y':
		o->yes = true;
		break;
	case 'p':
		o->poll = true;
		break;
	case HELP:
		parsed->help = true;
		break;
	case NO_COLOR:
		parsed->no_color = true;
		break;
	case ASCII:
		parsed->ascii = true;
		break;
	}
}

/* The options that the command takes, in the form of getopt_long(3). */
static const struct option *long_options(const struct command *command, struct arena *arena)
{
	struct option *list = arena_take(arena, (KNOWN + 1) * sizeof *list);
	size_t count = 0;

	for (size_t i = 0; i < KNOWN; i++)
		if (known[i].bit & (command->options | OPTION_ALWAYS))
			list[count++] = (struct option){
				.name = known[i].name,
				.has_arg = known[i].argument ? required_argument : no_argument,
				.val = known[i].letter,
			};
	return list;
}

static _Noreturn void complain(const struct command *command, const char *word, int letter)
{
	const char *name = *command->name ? command->name : "maplab";

	if (letter == ':')
		die_usage("%s: %s needs a value; `maplab %s --help` lists the options", name, word,
			  command->name);
	die_usage("%s: there is no option %s here; `maplab %s%s--help` lists them", name, word,
		  command->name, *command->name ? " " : "");
}

static void parse(const struct command *command, int argc, char **argv, struct options *o)
{
	const struct option *list = long_options(command, o->arena);
	struct parsed parsed = { 0 };
	int letter;

	opterr = 0;
	while ((letter = getopt_long(argc, argv, ":h", list, NULL)) != -1) {
		if (letter == '?' || letter == ':')
			complain(command, argv[optind - 1], letter);
		take(o, &parsed, letter, optarg);
	}
	if (parsed.help)
		help(command, o->arena);
	o->style = style_for(STDOUT_FILENO, parsed.no_color, parsed.ascii);
}

static void check_words(const struct command *command, int count)
{
	if (count >= command->least && (command->most < 0 || count <= command->most))
		return;
	die_usage("usage: maplab %s%s%s   (--help says more)", command->name,
		  *command->name ? " " : "", command->words);
}

static const struct command *find_command(const char *word)
{
	const char *names[32] = { NULL };
	const char *near;
	size_t count = 0;

	for (const struct command *c = commands(); c->name; c++) {
		if (text_equal(c->name, word))
			return c;
		if (*c->name && count + 1 < sizeof names / sizeof *names)
			names[count++] = c->name;
	}
	near = nearest(word, names);
	if (near)
		die_usage("there is no command \"%s\"; did you mean `maplab %s`?", word, near);
	die_usage("there is no command \"%s\"; `maplab --help` lists them", word);
}

int command_line(int argc, char **argv)
{
	bool named = argc > 1 && argv[1][0] != '-';
	const struct command *command = find_command(named ? argv[1] : "");
	struct options o = { .format = report_format("text"), .repeat = 1, .jobs = 4 };
	int status;

	o.arena = arena_new(ARENA, false);
	parse(command, argc - named, argv + named, &o);
	check_words(command, argc - named - optind);
	o.root = project_root();
	if (!o.source)
		o.source = file_join(o.arena, o.root, "labs");
	check_source(o.source);
	status = command->run(&o, argv + named + optind);
	arena_free(o.arena);
	if (fflush(stdout) != 0)
		die("writing the output failed");
	return status;
}
