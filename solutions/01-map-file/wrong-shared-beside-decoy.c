// expect: FAIL maps-the-file
/* A private view is made and given back, but every look goes through a shared one beside it. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t count_errors(const unsigned char *data, size_t size)
{
	size_t errors = 0;
	int counted = 0;

	for (size_t i = 0; i < size; i++) {
		if (data[i] == '\n')
			counted = 0;
		else if (!counted && size - i >= 5 && memcmp(data + i, "ERROR", 5) == 0)
			counted = 1, errors++;
	}
	return errors;
}

static void print_all(const unsigned char *data, size_t size)
{
	printf("size %zu\n", size);
	if (size > 0) {
		printf("first 0x%02x\n", data[0]);
		printf("middle 0x%02x\n", data[size / 2]);
		printf("last 0x%02x\n", data[size - 1]);
	}
	printf("errors %zu\n", count_errors(data, size));
}

int main(int argc, char **argv)
{
	unsigned char *data = NULL, *decoy = NULL;
	size_t size, offset = 0;
	struct stat st;
	int fd;

	if (argc < 2 || argc > 3 ||
	    (argc == 3 && (*argv[2] == '\0' || argv[2][strspn(argv[2], "0123456789")] != '\0'))) {
		fprintf(stderr, "usage: %s FILE [OFFSET]\n", argv[0]);
		return 2;
	}
	if (argc == 3)
		offset = strtoull(argv[2], NULL, 10);

	fd = open(argv[1], O_RDONLY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", argv[1]);
	if (!S_ISREG(st.st_mode))
		errx(1, "%s: not a regular file", argv[1]);
	size = st.st_size;

	if (size > 0) {
		decoy = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (decoy == MAP_FAILED)
			err(1, "%s", argv[1]);
		data = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
		if (data == MAP_FAILED)
			err(1, "%s", argv[1]);
	}
	close(fd);

	if (argc == 2) {
		print_all(data, size);
	} else {
		if (offset >= size)
			errx(1, "%s: behind the end of %s", argv[2], argv[1]);
		printf("byte 0x%02x\n", data[offset]);
	}

	if (size > 0)
		munmap(data, size), munmap(decoy, size);
	if (fflush(stdout) != 0)
		err(1, "stdout");
	return 0;
}
