/*
 * Four threads count, each the lines that begin in its quarter. The descriptor is duplicated, the
 * map made from the copy, and both are closed by close_range before the threads start.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define THREADS 4

static const char *map;
static size_t size;

struct part {
	pthread_t thread;
	size_t from, to, errors;
};

/* A line belongs to the part its first byte lies in. */
static void *count_part(void *argument)
{
	struct part *part = argument;
	size_t at = part->from;

	if (at > 0 && at < size) {
		const char *newline = memchr(map + at - 1, '\n', size - at + 1);

		at = newline != NULL ? (size_t)(newline + 1 - map) : size;
	}
	while (at < part->to) {
		const char *newline = memchr(map + at, '\n', size - at);
		size_t end = newline != NULL ? (size_t)(newline - map) : size;

		part->errors += memmem(map + at, end - at, "ERROR", 5) != NULL;
		at = end + 1;
	}
	return NULL;
}

static size_t count(void)
{
	struct part parts[THREADS];
	size_t errors = 0;

	for (size_t i = 0; i < THREADS; i++) {
		parts[i] = (struct part){ .from = size * i / THREADS,
					  .to = size * (i + 1) / THREADS };
		if (pthread_create(&parts[i].thread, NULL, count_part, &parts[i]) != 0)
			errx(1, "pthread_create: failed");
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(parts[i].thread, NULL);
		errors += parts[i].errors;
	}
	return errors;
}

int main(int argc, char **argv)
{
	struct stat st;
	int fd, copy;

	if (argc < 2 || argc > 3 ||
	    (argc == 3 && (!*argv[2] || argv[2][strspn(argv[2], "0123456789")]))) {
		fprintf(stderr, "usage: map_file FILE [OFFSET]\n");
		return 2;
	}
	fd = open(argv[1], O_RDONLY | O_NONBLOCK);
	copy = dup(fd);
	if (fd < 0 || copy < 0 || fstat(copy, &st) < 0)
		err(1, "%s", argv[1]);
	if (!S_ISREG(st.st_mode))
		errx(1, "%s: not a regular file", argv[1]);
	size = st.st_size;
	if (size > 0) {
		map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, copy, 0);
		if (map == MAP_FAILED)
			err(1, "%s", argv[1]);
	}
	close_range(fd < copy ? fd : copy, ~0U, 0);

	if (argc == 3) {
		size_t offset = strtoull(argv[2], NULL, 10);

		if (offset >= size)
			errx(1, "%s: behind the end of %s", argv[2], argv[1]);
		printf("byte 0x%02x\n", map[offset] & 0xff);
	} else {
		printf("size %zu\n", size);
		if (size > 0)
			printf("first 0x%02x\nmiddle 0x%02x\nlast 0x%02x\n", map[0] & 0xff,
			       map[size / 2] & 0xff, map[size - 1] & 0xff);
		printf("errors %zu\n", count());
	}
	if (size > 0)
		munmap((char *)map, size);
	if (fflush(stdout) != 0)
		err(1, "stdout");
	return 0;
}
