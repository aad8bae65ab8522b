#include "cmd/output.h"

#include "base/die.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODE = 0644 };

static const char *directory_of(struct arena *arena, const char *path)
{
	char *directory = arena_copy(arena, path);
	char *slash = strrchr(directory, '/');

	if (!slash)
		return ".";
	slash[slash == directory] = '\0';
	return directory;
}

void output_check(const struct options *o)
{
	const char *directory;
	struct stat st;

	if (!o->out)
		return;
	directory = directory_of(o->arena, o->out);
	if (stat(o->out, &st) == 0 && S_ISDIR(st.st_mode))
		die_usage("--out %s is a directory; name a file", o->out);
	if (stat(directory, &st) < 0 || access(directory, W_OK | X_OK) < 0)
		die_usage("--out %s: nothing can be written in %s: %s", o->out, directory,
			  strerror(errno));
}

static int write_through(const char *path, const char *data, size_t size)
{
	FILE *file = fopen(path, "w");
	bool written = file && fwrite(data, 1, size, file) == size;

	return file && fclose(file) == 0 && written ? 0 : -1;
}

/* Plain files are replaced whole; /dev/stdout, a FIFO or a link to a file is written through. */
static void save(const char *path, const char *data, size_t size)
{
	struct stat st;
	bool special = lstat(path, &st) == 0 && !S_ISREG(st.st_mode);
	int result = special ? write_through(path, data, size) : file_write(path, data, size, MODE);

	if (result < 0)
		die("cannot write %s: %s", path, strerror(errno));
}

void output_record(const struct options *o, const struct record *record)
{
	struct style plain = style_plain();
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	if (!o->out) {
		o->format->write(record, &o->style, stdout);
		return;
	}
	plain.ascii = o->style.ascii;
	out = open_memstream(&text, &size);
	if (!out)
		die("out of memory for the report");
	o->format->write(record, &plain, out);
	if (fclose(out) != 0)
		die("out of memory for the report");
	save(o->out, text, size);
	free(text);
}
