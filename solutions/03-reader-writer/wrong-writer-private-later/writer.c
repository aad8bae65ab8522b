// expect: FAIL writer-map
/* Maps temp once more for the second half, this time privately. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd, i;
	int *slot;
	struct stat st;

	if (argc > 1) {
		fprintf(stderr, "usage: %s\n", argv[0]);
		exit(2);
	}
	fd = open("temp", O_RDONLY | O_NONBLOCK);
	if (fd < 0) {
		perror("writer: temp");
		exit(1);
	}
	if (fstat(fd, &st) < 0) {
		perror("writer: fstat");
		exit(1);
	}
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)(10 * sizeof(int))) {
		fprintf(stderr, "writer: temp: not a file of ten integers\n");
		exit(1);
	}

	slot = mmap(NULL, 10 * sizeof(int), PROT_READ, MAP_SHARED, fd, 0);
	if (slot == MAP_FAILED) {
		perror("writer: mmap");
		exit(1);
	}

	sleep(5);

	for (i = 0; i < 5; i++) {
		printf("%d\n", slot[i]);
	}
	if (fflush(stdout) == EOF) {
		perror("writer: stdout");
		exit(1);
	}

	sleep(5);
	slot = mmap(NULL, 40, PROT_READ, MAP_PRIVATE, fd, 0);
	for (i = 5; i < 10; i++) {
		printf("%d\n", slot[i]);
	}
	if (fflush(stdout) == EOF) {
		perror("writer: stdout");
		exit(1);
	}
	exit(0);
}
