/* The sleeping is done by a thread of its own; both halves come out in one write at the end. */
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void *slumber(void *unused)
{
	struct timespec left = { .tv_sec = 5 };

	while (nanosleep(&left, &left) < 0)
		;
	return unused;
}

static void sleep_in_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, slumber, NULL) != 0)
		errx(1, "thread: cannot be started");
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	int all[10], fd;
	struct stat st;
	const char *map;

	if (argc != 1) {
		fprintf(stderr, "usage: %s\n", argv[0]);
		return 2;
	}
	fd = open("temp", O_RDONLY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "temp");
	if (!S_ISREG(st.st_mode) || st.st_size < 40)
		errx(1, "temp: not ten integers in a file");
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		err(1, "temp");
	close(fd);
	sleep_in_thread();
	memcpy(all, map, 20);
	sleep_in_thread();
	memcpy(all + 5, map + 20, 20);
	for (int i = 0; i < 10; i++)
		printf("%d\n", all[i]);
	if (fflush(stdout) != 0)
		err(1, "stdout");
	return munmap((void *)map, 4096) != 0;
}
