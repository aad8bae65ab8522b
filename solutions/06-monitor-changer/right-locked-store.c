/*
 * Changers take turns by flock(2) on the file; inside the lock one store of eight bytes is enough.
 * The monitor takes no lock, so the store must be whole all the same. Waits with poll(2).
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct login_info {
	int pid;
	int counter;
};

static void copy_out(struct login_info *info, uint64_t pair)
{
	memcpy(info, &pair, sizeof *info);
}

static volatile uint64_t *map_pair(int fd, int prot)
{
	void *p = mmap(NULL, sizeof(struct login_info), prot, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	return p;
}

static int open_or_make(void)
{
	int fd = open("shared", O_RDWR | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);

	return fd >= 0 ? fd : open("shared", O_RDWR);
}

static int run_monitor(uintmax_t most)
{
	struct login_info seen;
	struct stat st;
	uint64_t before = 0;
	int fd = open_or_make();

	if (fd < 0 || fstat(fd, &st))
		err(1, "shared");
	if (st.st_size < (off_t)sizeof seen && ftruncate(fd, sizeof seen))
		err(1, "ftruncate");

	volatile uint64_t *pair = map_pair(fd, PROT_READ);
	for (int first = 1;; first = 0) {
		uint64_t now = *pair;

		if (first || now != before) {
			before = now;
			copy_out(&seen, now);
			if (printf("pid %d count %d\n", seen.pid, seen.counter) < 0 ||
			    fflush(stdout))
				err(1, "stdout");
			if (--most == 0)
				return 0;
		}
		poll(NULL, 0, 100);
	}
}

static int run_changer(void)
{
	struct login_info info;
	struct stat st;
	uint64_t next;
	int fd = open("shared", O_RDWR);

	if (fd < 0 || fstat(fd, &st))
		err(1, "shared");
	if (st.st_size < (off_t)sizeof info)
		errx(1, "shared: too short");

	volatile uint64_t *pair = map_pair(fd, PROT_READ | PROT_WRITE);
	if (flock(fd, LOCK_EX))
		err(1, "flock");
	copy_out(&info, *pair);
	info.pid = getpid();
	info.counter++;
	memcpy(&next, &info, sizeof next);
	*pair = next;
	if (flock(fd, LOCK_UN))
		err(1, "flock");
	munmap((void *)pair, sizeof info);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "changer"))
		return run_changer();
	if (argc == 2 && !strcmp(argv[1], "monitor"))
		return run_monitor(0); /* 0 - 1 is the largest number: for ever, nearly */
	if (argc == 3 && !strcmp(argv[1], "monitor") && *argv[2] &&
	    strspn(argv[2], "0123456789") == strlen(argv[2]) && strtoumax(argv[2], NULL, 10) > 0)
		return run_monitor(strtoumax(argv[2], NULL, 10));
	fprintf(stderr, "usage: %s monitor [CHANGES] | changer\n", argv[0]);
	return 2;
}
