// expect: FAIL two-waits
/* Sleeps until points in time, and the second one is a second too early. */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void wait_until(int seconds)
{
	struct timespec point;

	clock_gettime(CLOCK_MONOTONIC, &point);
	point.tv_sec += seconds;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &point, NULL) != 0)
		;
}

int main(int argc, char **argv)
{
	struct stat st;
	int fd, *slot;

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
	slot = mmap(NULL, 40, PROT_READ, MAP_SHARED, fd, 0);
	if (slot == MAP_FAILED)
		err(1, "temp");
	close(fd);
	wait_until(5);
	for (int i = 0; i < 5; i++)
		printf("%d\n", slot[i]);
	wait_until(4);
	for (int i = 5; i < 10; i++)
		printf("%d\n", slot[i]);
	if (fflush(stdout) != 0)
		err(1, "stdout");
	munmap(slot, 40);
	return 0;
}
