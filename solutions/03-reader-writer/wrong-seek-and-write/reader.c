// expect: FAIL shared-map
/* A short temp gets its size by a byte that is written behind its end. */
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	int fd, i, c;
	int *slot;
	long value;

	if (argc != 1) {
		fprintf(stderr, "usage: %s\n", argv[0]);
		exit(2);
	}

	fd = open("temp", O_RDWR | O_CREAT, 0666);
	if (fd == -1) {
		perror("reader: temp");
		exit(1);
	}

	slot = mmap(NULL, 10 * sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (slot == MAP_FAILED) {
		perror("reader: mmap");
		exit(1);
	}

	if (lseek(fd, 0, SEEK_END) > 40)
		ftruncate(fd, 40);
	if (lseek(fd, 0, SEEK_END) < 40 && (lseek(fd, 39, SEEK_SET) < 0 || write(fd, "", 1) != 1)) {
		perror("reader: ftruncate");
		exit(1);
	}

	for (i = 0; i < 10; i++) {
		if (scanf("%ld", &value) != 1 || value < INT_MIN || value > INT_MAX) {
			fprintf(stderr, "reader: stdin: not an integer\n");
			exit(1);
		}
		c = getchar();
		if (c != EOF && !isspace(c)) {
			fprintf(stderr, "reader: stdin: not an integer\n");
			exit(1);
		}
		slot[i] = (int)value;
	}

	exit(0);
}
