// expect: FAIL writer-map
/* No mapping: fread, with an fseek in between. */
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
	int fd, slot[10];
	FILE *file;

	if (argc != 1) {
		fprintf(stderr, "usage: %s\n", argv[0]);
		return 2;
	}
	fd = open("temp", O_RDONLY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "temp");
	if (!S_ISREG(st.st_mode))
		errx(1, "temp: not a regular file");
	if (st.st_size < 40)
		errx(1, "temp: shorter than ten integers");
	file = fdopen(fd, "r");
	setvbuf(file, NULL, _IONBF, 0);
	sleep(5);
	if (fread(slot, sizeof(int), 5, file) != 5)
		err(1, "temp");
	for (int i = 0; i < 5; i++)
		printf("%d\n", slot[i]);
	sleep(5);
	if (fread(slot + 5, sizeof(int), 5, file) != 5)
		err(1, "temp");
	for (int i = 5; i < 10; i++)
		printf("%d\n", slot[i]);
	if (fflush(stdout) != 0)
		err(1, "stdout");
	return 0;
}
