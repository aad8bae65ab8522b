// expect: FAIL two-waits
/* One time-out of ten seconds, none between the halves. */
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

static void wait_for(int seconds)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	pthread_mutex_lock(&mutex);
	while (pthread_cond_timedwait(&never, &mutex, &until) != ETIMEDOUT)
		;
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
	wait_for(10);
	for (int i = 0; i < 5; i++)
		printf("%d\n", map[i]);
	if (fflush(stdout))
		fail("stdout");
	for (int i = 5; i < 10; i++)
		printf("%d\n", map[i]);
	if (fflush(stdout))
		fail("stdout");
	return 0;
}
