// expect: FAIL reports-failures
/* The document's way: nothing is looked at. */
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
	int fd, *slot;

	if (argc != 1) {
		fprintf(stderr, "usage: %s\n", argv[0]);
		return 2;
	}
	fd = open("temp", O_RDONLY | O_NONBLOCK);
	slot = mmap(NULL, 40, PROT_READ, MAP_SHARED, fd, 0);
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
