/* The child sleeps and prints, the parent waits for it. Ten sleeps of half a second each time. */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void half(const volatile int *from)
{
	for (int i = 0; i < 10; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 500000000 }, NULL);
	printf("%d\n%d\n%d\n%d\n%d\n", from[0], from[1], from[2], from[3], from[4]);
}

static void child(void)
{
	struct stat st;
	const int *slot;
	int fd;

	if (stat("temp", &st) < 0)
		err(1, "temp");
	if (!S_ISREG(st.st_mode) || st.st_size < 40)
		errx(1, "temp: not a file of ten integers");
	fd = open("temp", O_RDONLY);
	if (fd < 0)
		err(1, "temp");
	slot = mmap(NULL, 40, PROT_READ, MAP_SHARED, fd, 0);
	if (slot == MAP_FAILED)
		err(1, "mmap");
	half(slot);
	half(slot + 5);
	if (fflush(stdout) != 0)
		err(1, "stdout");
}

int main(int argc, char **argv)
{
	int status = 0;

	if (argc != 1) {
		fprintf(stderr, "usage: %s\n", argv[0]);
		return 2;
	}
	switch (fork()) {
	case -1:
		err(1, "fork");
	case 0:
		child();
		exit(0);
	default:
		if (wait(&status) < 0)
			err(1, "wait");
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
