// expect: FAIL fresh-values
/* Both waits come before the first value, the ten values after them. */
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
	sleep(5);
	sleep(5);
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
