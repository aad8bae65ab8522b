/* Lab 03, writer: puts links to the host in the place of everything that the grader may look at. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
	int fd = open("temp", O_RDONLY);
	const volatile int *slot = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	if (fd < 0 || slot == MAP_FAILED) {
		fprintf(stderr, "writer: temp: failed\n");
		return 1;
	}
	close(fd);
	sleep(5);
	for (int i = 0; i < 5; i++)
		printf("%d\n", slot[i]);
	fflush(stdout);
	unlink("temp");
	(void)!symlink("@SECRET@", "temp");
	sleep(5);
	for (int i = 5; i < 10; i++)
		printf("%d\n", slot[i]);
	return 0;
}
