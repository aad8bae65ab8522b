/*
 * writer: shows the ten integers in the file "temp", five after 5 s and five after 5 s more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT 10
#define HALF  (COUNT / 2)
#define SIZE  (COUNT * sizeof(int))
#define PAUSE 5

_Noreturn static void fail(const char *what, const char *reason)
{
	fprintf(stderr, "writer: %s: %s\n", what, reason);
	exit(1);
}

static const int *map_temp(void)
{
	struct stat status;
	void *start;
	int fd = open("temp", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1 || fstat(fd, &status) == -1)
		fail("temp", strerror(errno));
	if (!S_ISREG(status.st_mode))
		fail("temp", "not a regular file");
	/* mmap would not mind a short file; the first look behind its end would be SIGBUS. */
	if (status.st_size < (off_t)SIZE)
		fail("temp", "holds less than ten integers");
	start = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	if (start == MAP_FAILED)
		fail("temp", strerror(errno));
	close(fd);
	return start;
}

/* volatile: somebody else stores there while we sleep. */
static void show(const volatile int *slot)
{
	for (int i = 0; i < HALF; i++)
		printf("%d\n", slot[i]);
	if (fflush(stdout) == EOF)
		fail("stdout", strerror(errno));
}

static void pause_for(unsigned int seconds)
{
	while (seconds > 0)
		seconds = sleep(seconds);
}

int main(int argc, char **argv)
{
	const int *slots;

	(void)argv;
	if (argc != 1) {
		fprintf(stderr, "usage: writer\n");
		return 2;
	}
	slots = map_temp();
	pause_for(PAUSE);
	show(slots);
	pause_for(PAUSE);
	show(slots + HALF);
	if (munmap((void *)slots, SIZE) == -1)
		fail("munmap", strerror(errno));
	return 0;
}
