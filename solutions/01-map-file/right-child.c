/* A child maps and looks; the parent opens nothing and hands the child's status on. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "map_file: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int in_child(const char *path, const char *offset)
{
	struct stat status;
	const unsigned char *map = NULL;
	size_t size, line_has_it = 0, errors = 0;
	int fd = open(path, O_RDONLY | O_NONBLOCK);

	if (fd == -1 || fstat(fd, &status) == -1)
		die(path);
	if (!S_ISREG(status.st_mode)) {
		errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
		die(path);
	}
	size = status.st_size;
	if (size != 0 && (map = mmap(0, size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
		die("mmap");
	close(fd);
	if (offset != NULL) {
		unsigned long at = strtoul(offset, NULL, 10);

		if (at >= size) {
			errno = ERANGE;
			die(offset);
		}
		printf("byte 0x%02x\n", map[at]);
	} else {
		/* backwards: the last E of ERROR is met at its own place, the line's end before it
		 */
		for (size_t i = size; i-- > 0;) {
			if (map[i] == '\n')
				line_has_it = 0;
			if (!line_has_it && size - i >= 5 && memcmp(map + i, "ERROR", 5) == 0) {
				line_has_it = 1;
				errors++;
			}
		}
		printf("size %zu\n", size);
		if (size != 0) {
			printf("first 0x%02x\n", *map);
			printf("middle 0x%02x\n", map[size >> 1]);
			printf("last 0x%02x\n", map[size - 1]);
		}
		printf("errors %zu\n", errors);
	}
	if (size != 0)
		munmap((void *)map, size);
	if (fclose(stdout) == EOF)
		die("stdout");
	return 0;
}

int main(int argc, char **argv)
{
	int status;
	pid_t child;

	if (argc < 2 || argc > 3 ||
	    (argc == 3 && (argv[2][0] == 0 || strspn(argv[2], "0123456789") != strlen(argv[2])))) {
		fprintf(stderr, "usage: map_file FILE [OFFSET]\n");
		return 2;
	}
	child = fork();
	if (child == -1)
		die("fork");
	if (child == 0)
		exit(in_child(argv[1], argv[2]));
	if (waitpid(child, &status, 0) == -1)
		die("wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
