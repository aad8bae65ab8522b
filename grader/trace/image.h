/* image.h: struct image, between image.c, unwind.c and site.c. */
#ifndef TRACE_IMAGE_H
#define TRACE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "trace/elf_file.h"
#include "trace/site.h"

/* An executable mapping of an ELF file. */
struct module {
	uint64_t start, end, offset;
	struct elf_file *file;
	uint64_t bias; /* address - bias = the file's own address; see module_bias_known() */
	bool has_bias, tried_bias;
};

struct image {
	struct module *modules; /* in rising order of addresses */
	size_t count;
	unsigned vain; /* refreshes that brought nothing */
	bool begun;    /* something else than the dynamic loader has been seen to run */
};

/* The module that holds this address and where in its file that is; NULL for other code. */
struct module *image_module(struct image *image, uint64_t address, uint64_t *in_file);

/* image_refresh() because of an address that is in no module: a library came, or it is made code,
 * in which case it is given up soon. True when the address has a module now. */
bool image_look_again(struct image *image, pid_t tid, uint64_t address);

#endif
