/* scanf for a long, and no more: of 12abc it takes the 12, and refuses the rest at the next one. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long value;
	int fd, *slot;

	if (argc > 1) {
		fprintf(stderr, "usage: %s\n", argv[0]);
		return 2;
	}
	fd = open("temp", O_RDWR | O_CREAT, 0666);
	if (fd == -1 || ftruncate(fd, 10 * sizeof(int)) == -1) {
		perror("reader: temp");
		return 1;
	}
	slot = mmap(NULL, 10 * sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (slot == MAP_FAILED) {
		perror("reader: mmap");
		return 1;
	}
	for (int i = 0; i < 10; i++) {
		if (scanf("%ld", &value) != 1 || value < INT_MIN || value > INT_MAX) {
			fprintf(stderr, "reader: stdin: number %d is no int\n", i + 1);
			return 1;
		}
		slot[i] = (int)value;
	}
	return 0;
}
