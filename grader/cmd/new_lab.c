/* new_lab.c: `maplab new-lab NN-name`: a small lab that compiles and can be graded, to be changed.
 */
#include "base/buffer.h"
#include "base/die.h"
#include "base/file.h"
#include "cmd/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { FILE_MODE = 0644, DIRECTORY_MODE = 0755, NAME_MOST = 60 };

/* In the texts below @ID@ is "12-big-log", @NUMBER@ "12", @NAME@ "big_log". */
static const char skeleton[] =
	"/*\n"
	" * @NAME@: one sentence on what it does and what it teaches.\n"
	" *\n"
	" * usage: @NAME@ FILE\n"
	" * Prints `size N`, the bytes of FILE.\n"
	" *\n"
	" * Read: open(2), fstat(2), mmap(2)\n"
	" */\n"
	"#include <stdio.h>\n"
	"\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"\tif (argc != 2) {\n"
	"\t\tfprintf(stderr, \"usage: %s FILE\\n\", argv[0]);\n"
	"\t\treturn 2;\n"
	"\t}\n"
	"\n"
	"\t/* TODO 1: open FILE and learn its size; every failure is one line on stderr and exit 1. */\n"
	"\n"
	"\t/* TODO 2: print `size N`. */\n"
	"\n"
	"\treturn 0;\n"
	"}\n";

static const char reference[] =
	"/* @NAME@: the size of a file. */\n"
	"#include <errno.h>\n"
	"#include <stdio.h>\n"
	"#include <string.h>\n"
	"#include <sys/stat.h>\n"
	"\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"\tstruct stat st;\n"
	"\n"
	"\tif (argc != 2) {\n"
	"\t\tfprintf(stderr, \"usage: %s FILE\\n\", argv[0]);\n"
	"\t\treturn 2;\n"
	"\t}\n"
	"\tif (stat(argv[1], &st) < 0) {\n"
	"\t\tfprintf(stderr, \"@NAME@: %s: %s\\n\", argv[1], strerror(errno));\n"
	"\t\treturn 1;\n"
	"\t}\n"
	"\tprintf(\"size %lld\\n\", (long long)st.st_size);\n"
	"\treturn 0;\n"
	"}\n";

static const char right[] = "/* The same by seeking to the end. */\n"
			    "#include <stdio.h>\n"
			    "\n"
			    "int main(int argc, char **argv)\n"
			    "{\n"
			    "\tFILE *file;\n"
			    "\n"
			    "\tif (argc != 2) {\n"
			    "\t\tfprintf(stderr, \"usage: %s FILE\\n\", argv[0]);\n"
			    "\t\treturn 2;\n"
			    "\t}\n"
			    "\tfile = fopen(argv[1], \"r\");\n"
			    "\tif (!file || fseek(file, 0, SEEK_END) != 0) {\n"
			    "\t\tfprintf(stderr, \"@NAME@: %s: cannot be opened\\n\", argv[1]);\n"
			    "\t\treturn 1;\n"
			    "\t}\n"
			    "\tprintf(\"size %ld\\n\", ftell(file));\n"
			    "\treturn 0;\n"
			    "}\n";

static const char wrong[] = "// expect: FAIL size\n"
			    "/* Always the same size. */\n"
			    "#include <stdio.h>\n"
			    "\n"
			    "int main(int argc, char **argv)\n"
			    "{\n"
			    "\tif (argc != 2) {\n"
			    "\t\tfprintf(stderr, \"usage: %s FILE\\n\", argv[0]);\n"
			    "\t\treturn 2;\n"
			    "\t}\n"
			    "\tprintf(\"size 4096\\n\");\n"
			    "\treturn 0;\n"
			    "}\n";

static const char exam[] =
	"/* Lab @ID@: one sentence. exam.h is the whole language of this file. */\n"
	"#include \"exam/exam.h\"\n"
	"\n"
	"static void size(struct exam *x)\n"
	"{\n"
	"\tint64_t bytes = pick(x, 1, 9999);\n"
	"\tstruct program *p;\n"
	"\n"
	"\tput_file(x, \"data\", pick_bytes(x, (size_t)bytes), (size_t)bytes, 0644);\n"
	"\tp = run(x, \"@NAME@\", .args = { \"data\" });\n"
	"\texpect_output(x, p, say(x, \"size %lld\\n\", (long long)bytes), \"fstat(2) knows the size\");\n"
	"\texpect_exit(x, p, 0, \"all went well\");\n"
	"}\n"
	"\n"
	"static void missing_file(struct exam *x)\n"
	"{\n"
	"\texpect_error(x, run(x, \"@NAME@\", .args = { \"missing\" }), \"there is no such file\");\n"
	"}\n"
	"\n"
	"LAB(.id = \"@ID@\", .title = \"One line for lists\", .programs = { { \"@NAME@\", NULL } },\n"
	"    .checks = {\n"
	"\t    { .id = \"size\",\n"
	"\t      .points = 6,\n"
	"\t      .task = 2,\n"
	"\t      .title = \"the size is printed\",\n"
	"\t      .run = size,\n"
	"\t      .hints = { \"Which call tells a file's size?\",\n"
	"\t\t\t \"printf(\\\"size %lld\\\\n\\\", (long long)st.st_size)\" } },\n"
	"\t    { .id = \"missing-file\",\n"
	"\t      .points = 4,\n"
	"\t      .task = 1,\n"
	"\t      .needs = \"size\",\n"
	"\t      .title = \"a missing file is an error\",\n"
	"\t      .run = missing_file,\n"
	"\t      .hints = { \"What does open(2) return then?\",\n"
	"\t\t\t \"fprintf(stderr, …) and return 1\" } },\n"
	"    });\n";

static const char chapter[] =
	"## @NUMBER@ One line for lists\n"
	"\n"
	"What the documents say, what is true, a drawing, questions to predict.\n"
	"\n"
	"<!-- checks @ID@ -->\n"
	"- the size is printed\n"
	"- a missing file is an error\n"
	"<!-- /checks -->\n";

static const struct {
	const char *folder, *name; /* "@.c": the program's name */
	const char *text;
} scaffold[] = {
	{ "labs", "@.c", skeleton },
	{ "labs", "exam.c", exam },
	{ "labs", "chapter.md", chapter },
	{ "solutions", "@.c", reference },
	{ "solutions", "right-seek.c", right },
	{ "solutions", "wrong-constant.c", wrong },
};

/* "big_log" of "12-big-log"; ends with exit 2 where that is no name of a lab. */
static const char *program_name(struct arena *arena, const char *id)
{
	char *name;

	if (strlen(id) < 4 || strlen(id) > NAME_MOST || strspn(id, "0123456789") != 2 ||
	    id[2] != '-' || id[strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-")])
		die_usage(
			"\"%s\" is no name for a lab: two digits, a hyphen, lower-case words, as in"
			" 12-big-log",
			id);
	name = arena_copy(arena, id + 3);
	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	return name;
}

static void fill(struct buffer *out, const char *text, const char *id, const char *name)
{
	while (*text) {
		size_t plain = strcspn(text, "@");

		buffer_add(out, text, plain);
		text += plain;
		if (strncmp(text, "@ID@", 4) == 0) {
			buffer_printf(out, "%s", id);
			text += 4;
		} else if (strncmp(text, "@NUMBER@", 8) == 0) {
			buffer_printf(out, "%.2s", id);
			text += 8;
		} else if (strncmp(text, "@NAME@", 6) == 0) {
			buffer_printf(out, "%s", name);
			text += 6;
		} else if (*text) {
			buffer_add(out, text++, 1);
		}
	}
}

static void write_file(const struct options *o, const char *path, const char *text, const char *id,
		       const char *name)
{
	struct buffer out = { 0 };

	fill(&out, text, id, name);
	if (file_write(path, out.data, out.size, FILE_MODE) < 0)
		die("cannot write %s: %s", path, strerror(errno));
	printf("  %s\n", path + strlen(o->root) + 1);
	buffer_free(&out);
}

int command_new_lab(struct options *o, char **words)
{
	const char *id = words[0], *name = program_name(o->arena, id);

	for (size_t i = 0; i < sizeof scaffold / sizeof *scaffold; i++) {
		const char *folder = file_join(
			o->arena, file_join(o->arena, o->root, scaffold[i].folder), id);

		if (i == 0 && file_exists(folder))
			die_usage("%s is there already", folder);
		if (file_make_dirs(folder, DIRECTORY_MODE) < 0)
			die("cannot make %s: %s", folder, strerror(errno));
		write_file(o,
			   file_join(o->arena, folder,
				     *scaffold[i].name == '@' ? arena_format(o->arena, "%s.c", name)
							      : scaffold[i].name),
			   scaffold[i].text, id, name);
	}
	printf("Now `make`, then `maplab verify %s`; grader/HACKING.md tells how a lab grows.\n",
	       id);
	return 0;
}
