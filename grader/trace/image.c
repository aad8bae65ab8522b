/* image.c: which ELF files lie where in a process. */
#include "trace/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "base/text.h"
#include "procfs/proc.h"

/* More modules than that only somebody has who wants to keep us busy. */
enum { VAIN_MOST = 8, MODULES_MOST = 512 };

static struct module *add(struct image *image)
{
	image->modules = realloc(image->modules, (image->count + 1) * sizeof(*image->modules));
	if (!image->modules)
		die("out of memory");
	memset(&image->modules[image->count], 0, sizeof(*image->modules));
	return &image->modules[image->count++];
}

static bool is_code(const struct vma *vma)
{
	return vma->perms[2] == 'x' && (vma->path[0] == '/' || text_equal(vma->path, "[vdso]"));
}

static void add_mapping(struct image *image, pid_t pid, const struct vma *vma)
{
	struct elf_file *file = vma->path[0] == '/' ? elf_file_get(pid, vma) : elf_file_vdso();
	struct module *module;

	if (!file)
		return;
	if (image->count == MODULES_MOST) {
		elf_file_put(file);
		return;
	}
	module = add(image);
	module->start = vma->start;
	module->end = vma->end;
	module->offset = vma->offset;
	module->file = file;
}

static bool overlaps(const struct image *image, const struct module *module)
{
	for (size_t i = 0; i < image->count; i++)
		if (module->start < image->modules[i].end && image->modules[i].start < module->end)
			return true;
	return false;
}

static int by_start(const void *a, const void *b)
{
	const struct module *left = a, *right = b;

	return left->start < right->start ? -1 : left->start > right->start;
}

/* What was there before and is not now (dlclose, a dead process) still explains older copies. */
static void keep_old(struct image *image, struct image *old)
{
	for (size_t i = 0; i < old->count; i++) {
		struct module *module = &old->modules[i];

		if (image->count >= MODULES_MOST || overlaps(image, module))
			elf_file_put(module->file);
		else
			*add(image) = *module;
	}
	free(old->modules);
}

void image_refresh(struct image *image, pid_t pid)
{
	static struct arena *arena;
	struct image old = *image;
	struct maps maps;
	size_t mark;

	if (!arena)
		arena = arena_new(256 << 20, false);
	mark = arena_mark(arena);
	if (proc_maps(arena, pid, &maps) == 0 && maps.count > 0) {
		*image = (struct image){ .vain = old.vain, .begun = old.begun };
		for (size_t i = 0; i < maps.count; i++)
			if (is_code(&maps.vma[i]))
				add_mapping(image, pid, &maps.vma[i]);
		keep_old(image, &old);
		if (image->count)
			qsort(image->modules, image->count, sizeof(*image->modules), by_start);
	}
	arena_reset(arena, mark);
}

struct image *image_new(pid_t pid)
{
	struct image *image = calloc(1, sizeof(*image));

	if (!image)
		die("out of memory");
	image_refresh(image, pid);
	return image;
}

void image_free(struct image *image)
{
	if (!image)
		return;
	for (size_t i = 0; i < image->count; i++)
		elf_file_put(image->modules[i].file);
	free(image->modules);
	free(image);
}

static bool knows_bias(struct module *module)
{
	if (!module->tried_bias) {
		module->tried_bias = true;
		module->has_bias = elf_file_bias(module->file, module->start, module->offset,
						 &module->bias);
	}
	return module->has_bias;
}

static struct module *module_at(const struct image *image, uint64_t address)
{
	for (size_t i = 0; i < image->count; i++)
		if (address >= image->modules[i].start && address < image->modules[i].end)
			return &image->modules[i];
	return NULL;
}

struct module *image_module(struct image *image, uint64_t address, uint64_t *in_file)
{
	struct module *module = module_at(image, address);

	if (!module || !knows_bias(module))
		return NULL;
	*in_file = address - module->bias;
	return module;
}

/* glibc's "ld-linux-x86-64.so.2" or, before 2.34, "ld-2.31.so". That of musl is its C library. */
static bool is_loader(const struct module *module)
{
	const char *name = elf_file_name(module->file);

	return !elf_file_is_submission(module->file) &&
	       (text_starts(name, "ld-linux") || text_starts(name, "ld-2"));
}

bool image_is_loading(struct image *image, uint64_t pc)
{
	const struct module *module = image->begun ? NULL : module_at(image, pc);

	image->begun = !module || !is_loader(module);
	return !image->begun;
}

bool image_look_again(struct image *image, pid_t tid, uint64_t address)
{
	if (module_at(image, address))
		return true;
	if (image->vain >= VAIN_MOST)
		return false;
	image_refresh(image, tid);
	if (module_at(image, address))
		return true;
	image->vain++;
	return false;
}

/* ---- functions ---- */

/*
 * The C library first: a program's own "printf" is not the one that is asked for, and the loader
 * has a malloc of its own. The submission last.
 */
static int rank(const struct module *module)
{
	const char *name = elf_file_name(module->file);

	if (elf_file_is_submission(module->file))
		return 3;
	if (text_starts(name, "libc.so") || text_starts(name, "libc-"))
		return 0;
	return text_starts(name, "ld-") || text_starts(name, "[") ? 2 : 1;
}

uint64_t image_function(struct image *image, const char *name)
{
	for (int wanted = 0; wanted <= 3; wanted++)
		for (size_t i = 0; i < image->count; i++) {
			struct module *module = &image->modules[i];
			uint64_t start = 0;

			if (rank(module) == wanted && knows_bias(module))
				start = elf_file_function(module->file, name);
			if (start)
				return start + module->bias;
		}
	return 0;
}

uint64_t image_function_start(struct image *image, uint64_t pc)
{
	uint64_t in_file, start;
	struct module *module = image_module(image, pc - 1, &in_file);

	if (!module)
		return 0;
	start = elf_file_function_start(module->file, in_file);
	return start ? start + module->bias : 0;
}
