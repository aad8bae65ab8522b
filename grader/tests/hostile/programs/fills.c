/* Fills every place where it may write. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
	static const char *const names[] = { "/dev/shm/@LEFT@", "/tmp/@LEFT@", "@LEFT@",
					     "/var/tmp/@LEFT@" };
	static char block[1 << 20];

	memset(block, 'x', sizeof block);
	for (int i = 0; i < 4; i++) {
		int fd = open(names[i], O_CREAT | O_WRONLY, 0600);

		while (fd >= 0 && write(fd, block, sizeof block) > 0)
			;
	}
	pause();
	return 0;
}
