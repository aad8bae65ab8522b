#include "stage/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/*
 * The sizes leave room for the sparse files of the labs and for sanitizers, whose shadow memory is
 * terabytes of address space: what bounds real memory is the tmpfs sizes and LIMIT_MEMORY.
 */
static const struct limit_row table[LIMIT_COUNT] = {
	[LIMIT_CPU] = { "cpu", "seconds", "CPU time of each process", 10, RLIMIT_CPU },
	[LIMIT_FILE_SIZE] = { "file-size", "bytes", "logical size of any file, holes included",
			      1024 * GIB, RLIMIT_FSIZE },
	[LIMIT_PROCESSES] = { "processes", "processes",
			      "processes and threads of one exam together", 256, RLIMIT_NPROC },
	[LIMIT_OPEN_FILES] = { "open-files", "descriptors", "descriptors of each process", 256,
			       RLIMIT_NOFILE },
	[LIMIT_ADDRESS_SPACE] = { "address-space", "bytes", "mappings of each process", LIMIT_NONE,
				  RLIMIT_AS },
	[LIMIT_DATA] = { "data", "bytes", "private writable mappings of each process", LIMIT_NONE,
			 RLIMIT_DATA },
	[LIMIT_STACK] = { "stack", "bytes", "stack of each process", 8 * MIB, RLIMIT_STACK },
	[LIMIT_LOCKED] = { "locked", "bytes", "locked memory of each process", 8 * MIB,
			   RLIMIT_MEMLOCK },
	[LIMIT_WORK] = { "work", "bytes", "files in the working directories", 512 * MIB, -1 },
	[LIMIT_SHM] = { "shm", "bytes", "/dev/shm", 256 * MIB, -1 },
	[LIMIT_TMP] = { "tmp", "bytes", "/tmp", 64 * MIB, -1 },
	[LIMIT_MEMORY] = { "memory", "bytes", "memory of one exam's programs together", 2 * GIB,
			   -1 },
	[LIMIT_DISK] = { "disk", "bytes", "files on the disk, for labs that need one", 2 * GIB,
			 -1 },
};

const struct limit_row *limits_table(void)
{
	return table;
}

struct limits limits_default(void)
{
	struct limits limits;

	for (int i = 0; i < LIMIT_COUNT; i++)
		limits.value[i] = table[i].preset;
	return limits;
}

static bool parse_value(const char *text, uint64_t *value)
{
	static const char units[] = "KMGT";
	uint64_t number = 0;
	const char *unit;

	if (strcmp(text, "none") == 0) {
		*value = LIMIT_NONE;
		return true;
	}
	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(number, 10u, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number))
			return false;
	if (*text != '\0') {
		unit = strchr(units, *text);
		if (unit == NULL || text[1] != '\0')
			return false;
		if (__builtin_mul_overflow(number, UINT64_C(1) << (10 * (unit - units + 1)),
					   &number))
			return false;
	}
	*value = number;
	return true;
}

bool limits_set(struct limits *limits, const char *name, const char *text)
{
	for (int i = 0; i < LIMIT_COUNT; i++)
		if (strcmp(table[i].name, name) == 0)
			return parse_value(text, &limits->value[i]);
	return false;
}

static int apply(int resource, uint64_t value, uint64_t below)
{
	struct rlimit now, wanted;

	if (getrlimit((__rlimit_resource_t)resource, &now) < 0)
		return -1;
	wanted.rlim_max = value == LIMIT_NONE ? RLIM_INFINITY : value;
	if (wanted.rlim_max > now.rlim_max)
		wanted.rlim_max = now.rlim_max;
	wanted.rlim_cur = wanted.rlim_max;
	if (wanted.rlim_cur != RLIM_INFINITY && wanted.rlim_cur > below)
		wanted.rlim_cur -= below;
	return setrlimit((__rlimit_resource_t)resource, &wanted);
}

int limits_apply(const struct limits *limits, uint64_t extra_processes)
{
	for (int i = 0; i < LIMIT_COUNT; i++) {
		uint64_t value = limits->value[i];

		if (table[i].resource < 0)
			continue;
		if (i == LIMIT_PROCESSES && value < LIMIT_NONE - extra_processes)
			value += extra_processes;
		if (apply(table[i].resource, value, i == LIMIT_CPU ? 1 : 0) < 0)
			return -1;
	}
	return apply(RLIMIT_CORE, 0, 0);
}
