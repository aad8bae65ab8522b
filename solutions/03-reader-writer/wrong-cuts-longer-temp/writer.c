// expect: FAIL writer-map
/* The writer cuts a longer temp to the forty bytes that it prints. */
#include <err.h>
#include <fcntl.h>
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
	fd = open("temp", O_RDWR | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "temp");
	if (!S_ISREG(st.st_mode))
		errx(1, "temp: not a regular file");
	if (st.st_size < 40)
		errx(1, "temp: shorter than ten integers");
	if (st.st_size > 40 && ftruncate(fd, 40) < 0)
		err(1, "temp");
	slot = mmap(NULL, 40, PROT_READ, MAP_SHARED, fd, 0);
	if (slot == MAP_FAILED)
		err(1, "temp");
	close(fd);
	sleep(5);
	for (int i = 0; i < 5; i++)
		printf("%d\n", slot[i]);
	sleep(5);
	for (int i = 5; i < 10; i++)
		printf("%d\n", slot[i]);
	if (fflush(stdout) != 0)
		err(1, "stdout");
	munmap(slot, 40);
	return 0;
}
