/* Sleeps until a point in time, and by poll. Each value is looked up in a view of its own. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int complain(const char *what)
{
	fprintf(stderr, "writer: %s: %s\n", what, errno ? strerror(errno) : "no file of ten ints");
	exit(1);
}

static void print(int fd, int i)
{
	const volatile int *slot = mmap(NULL, 40, PROT_READ, MAP_SHARED, fd, 0);

	if (slot == MAP_FAILED)
		complain("mmap");
	if (printf("%d\n", slot[i]) < 0)
		complain("stdout");
	munmap((void *)slot, 40);
}

int main(int argc, char **argv)
{
	struct timespec until;
	struct stat st;
	int fd, i;

	if (argc != 1) {
		fprintf(stderr, "usage: %s\n", argv[0]);
		return 2;
	}
	fd = open("temp", O_RDONLY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		complain("temp");
	errno = 0;
	if (!S_ISREG(st.st_mode) || st.st_size < 40)
		complain("temp");
	/* the exercise maps before it sleeps */
	if (mmap(NULL, 40, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
		complain("mmap");
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 5;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
	for (i = 0; i < 5; i++)
		print(fd, i);
	poll(NULL, 0, 2500);
	poll(NULL, 0, 2500);
	for (; i < 10; i++)
		print(fd, i);
	close(fd);
	if (fclose(stdout) == EOF)
		complain("stdout");
	return 0;
}
