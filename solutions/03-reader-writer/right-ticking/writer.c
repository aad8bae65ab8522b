/* A thread ticks once a second, and is asleep again before the values are looked at. */
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

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t tick = PTHREAD_COND_INITIALIZER;
static int seconds;

static void *clockwork(void *unused)
{
	for (;;) {
		sleep(1);
		pthread_mutex_lock(&mutex);
		seconds++;
		pthread_cond_broadcast(&tick);
		pthread_mutex_unlock(&mutex);
	}
	return unused;
}

static void wait_five(void)
{
	pthread_mutex_lock(&mutex);
	seconds = 0;
	while (seconds < 5)
		pthread_cond_wait(&tick, &mutex);
	pthread_mutex_unlock(&mutex);
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
	int *map = mmap(NULL, 40, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		fail("mmap");
	pthread_t thread;
	errno = pthread_create(&thread, NULL, clockwork, NULL);
	if (errno)
		fail("pthread_create");
	pthread_detach(thread);
	wait_five();
	for (int i = 0; i < 5; i++)
		printf("%d\n", map[i]);
	if (fflush(stdout))
		fail("stdout");
	wait_five();
	for (int i = 5; i < 10; i++)
		printf("%d\n", map[i]);
	if (fflush(stdout))
		fail("stdout");
	return 0;
}
