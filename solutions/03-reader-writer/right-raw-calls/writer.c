/* usleep and select, and each line by a write of its own. */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int say(int fd, const char *text)
{
	return write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

int main(int argc, char **argv)
{
	struct timeval five = { .tv_sec = 5 };
	const volatile int *slot;
	struct stat st;
	char line[16];
	int fd;

	(void)argv;
	if (argc != 1)
		return say(2, "usage: writer\n"), 2;
	fd = syscall(SYS_openat, AT_FDCWD, "temp", O_RDONLY | O_NONBLOCK);
	if (fd < 0 || syscall(SYS_fstat, fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < 40)
		return say(2, "writer: temp: no file of forty bytes\n"), 1;
	slot = (int *)syscall(SYS_mmap, NULL, 40L, PROT_READ, MAP_SHARED, fd, 0L);
	if (slot == MAP_FAILED)
		return say(2, "writer: temp: cannot be mapped\n"), 1;
	close(fd);
	for (int i = 0; i < 10; i++) {
		if (i == 0)
			for (int j = 0; j < 50; j++)
				usleep(100000);
		if (i == 5)
			select(0, NULL, NULL, NULL, &five);
		snprintf(line, sizeof(line), "%d\n", slot[i]);
		if (!say(1, line))
			return say(2, "writer: stdout: takes no more\n"), 1;
	}
	return 0;
}
