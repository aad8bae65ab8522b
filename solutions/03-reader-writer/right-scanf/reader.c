/* scanf, used with care: a word of any length, and how many characters it had. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "reader: %s: %s\n", what, strerror(errno));
	exit(1);
}

int main(int argc, char **argv)
{
	long page = sysconf(_SC_PAGESIZE);
	struct stat before;
	int *array;
	int fd;

	if (argc != 1) {
		fprintf(stderr, "usage: %s\n", *argv);
		exit(2);
	}
	/* grown by fallocate, cut by truncate: both end at 40 */
	fd = open("temp", O_CREAT | O_RDWR,
		  S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH);
	if (fd == -1 || fstat(fd, &before) == -1)
		die("temp");
	if (!S_ISREG(before.st_mode)) {
		errno = EINVAL;
		die("temp");
	}
	if (before.st_size < 40 && (errno = posix_fallocate(fd, 0, 40)) != 0)
		die("temp");
	if (before.st_size > 40 && truncate("temp", 40) == -1)
		die("temp");
	/* sixteen pages where one would do */
	array = mmap(NULL, 16 * page, PROT_WRITE | PROT_READ, MAP_SHARED, fd, 0);
	if (array == MAP_FAILED)
		die("mmap");
	close(fd);
	for (int i = 0; i < 10; i++) {
		char *word = NULL, *end;
		int from = 0, to = 0;
		intmax_t n;

		if (scanf(" %n%ms%n", &from, &word, &to) != 1) {
			if (!ferror(stdin))
				errno = ENODATA;
			die("stdin");
		}
		errno = 0;
		n = strtoimax(word, &end, 10);
		if (errno == 0 && (n < INT_MIN || n > INT_MAX))
			errno = ERANGE;
		/* scanf takes a NUL for a letter of the word, strtoimax for its end */
		if (end == word || *end != '\0' || end - word != to - from)
			errno = EINVAL;
		if (errno != 0)
			die(word);
		array[i] = (int)n;
		free(word);
	}
	munmap(array, 16 * page);
	return 0;
}
