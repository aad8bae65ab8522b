// expect: FAIL checks-input
/* scanf is checked, but %d does not say that a number was too large. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct stat st;
	int fd, *slot;

	if (argc != 1) {
		fprintf(stderr, "usage: %s\n", argv[0]);
		return 2;
	}
	fd = open("temp", O_RDWR | O_CREAT, 0666);
	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "temp");
	if (!S_ISREG(st.st_mode))
		errx(1, "temp: not a regular file");
	if (ftruncate(fd, 10 * sizeof(int)) < 0)
		err(1, "temp");
	slot = mmap(NULL, 10 * sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (slot == MAP_FAILED)
		err(1, "temp");
	close(fd);
	for (int i = 0; i < 10; i++)
		if (scanf("%d", slot + i) != 1)
			errx(1, "stdin: not an integer");
	munmap(slot, 10 * sizeof(int));
	return 0;
}
