/* What the programs of a stage use, with and without a /proc of their own. */
#include "stage/state.h"

#include "procfs/proc.h"
#include "stage/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH 16

/* The launcher's descendants: it is their subreaper, none gets away. */
static void add_descendants(pid_t pid, struct stage_usage *usage, uint64_t *shared, int depth)
{
	struct buffer children = { 0 };
	char name[64], *rest, *word;

	snprintf(name, sizeof(name), "task/%d/children", (int)pid);
	if (depth < DEPTH && proc_read(pid, name, &children) == 0 && children.size > 0)
		for (word = strtok_r(children.data, " ", &rest); word != NULL;
		     word = strtok_r(NULL, " ", &rest)) {
			usage_add_process("/proc", word, usage, shared);
			add_descendants((pid_t)atoi(word), usage, shared, depth + 1);
		}
	buffer_free(&children);
}

static uint64_t scratch_bytes(const struct stage *stage, const char *name)
{
	char path[PATH_MAX + 8];

	snprintf(path, sizeof(path), "%s/%s", stage->scratch, name);
	return usage_of_directory(path);
}

int stage_usage(struct stage *stage, struct stage_usage *usage)
{
	uint64_t shared = 0;

	if (stage->isolation == STAGE_FULL)
		return usage_read(stage->root, usage);
	*usage = (struct stage_usage){ 0 };
	add_descendants(stage->launcher, usage, &shared, 0);
	usage->memory += shared;
	usage->disk = scratch_bytes(stage, "work") + scratch_bytes(stage, "tmp") +
		      scratch_bytes(stage, "disk");
	return 0;
}
