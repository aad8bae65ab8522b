/* Two threads sleep at the same time, the second one twice as long. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int *map;

/* The first half after 5 s, the second after 10 s from the same start. */
static void *half(void *which)
{
	int from = which ? 5 : 0;

	sleep(which ? 10 : 5);
	for (int i = from; i < from + 5; i++)
		printf("%d\n", map[i]);
	return NULL;
}

static void fail(const char *what)
{
	fprintf(stderr, "writer: %s: %s\n", what, strerror(errno));
	exit(1);
}
int main(int argc, char **argv)
{
	(void)argv;
	if (argc != 1) {
		fprintf(stderr, "usage: writer\n");
		return 2;
	}
	int fd = open("temp", O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		fail("temp");
	struct stat st;
	if (fstat(fd, &st))
		fail("temp");
	errno = EINVAL;
	if (!S_ISREG(st.st_mode))
		fail("temp");
	if (st.st_size < 40)
		fail("temp");
	map = mmap(NULL, 40, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		fail("mmap");
	pthread_t first, second;
	if (pthread_create(&first, NULL, half, NULL))
		fail("pthread_create");
	if (pthread_create(&second, NULL, half, &first))
		fail("pthread_create");
	pthread_join(first, NULL);
	pthread_join(second, NULL);
	if (fflush(stdout))
		fail("stdout");
	return 0;
}
