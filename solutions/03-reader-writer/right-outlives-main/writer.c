/* A thread does the work, and lives on when the first thread has ended; an alarm far away guards
 * the whole. */
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void *work(void *unused)
{
	const struct timespec pause = { .tv_sec = 5 };
	int fd = open("temp", O_RDONLY | O_NONBLOCK);
	const volatile int *slots;
	struct stat st;

	(void)unused;
	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "temp");
	if (!S_ISREG(st.st_mode) || st.st_size < 40)
		errx(1, "temp: not ten integers");
	slots = mmap(NULL, 40, PROT_READ, MAP_SHARED, fd, 0);
	if (slots == MAP_FAILED)
		err(1, "mmap");
	for (int i = 0; i < 10; i++) {
		if (i % 5 == 0)
			nanosleep(&pause, NULL);
		printf("%d\n", slots[i]);
		if (i % 5 == 4 && fflush(stdout) != 0)
			err(1, "stdout");
	}
	exit(0);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	(void)argv;
	if (argc != 1) {
		fputs("usage: writer\n", stderr);
		return 2;
	}
	alarm(60);
	if (pthread_create(&thread, NULL, work, NULL) != 0)
		errx(1, "no thread");
	pthread_detach(thread);
	pthread_exit(NULL);
}
