// expect: FAIL changer-adds-one
// Locks the directory instead of "shared".
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
	int pid;
	int counter;
} login_info_t;

static void die(const char *msg)
{
	fprintf(stderr, "login: %s: %s\n", msg, strerror(errno));
	exit(EXIT_FAILURE);
}
static void usage(void)
{
	fprintf(stderr, "usage: login monitor [CHANGES]\n       login changer\n");
	exit(2);
}

static volatile uint64_t *attach(int *pfd, int create)
{
	struct stat sb;
	int fd;
	void *p;
	if (stat("shared", &sb) == 0) {
		if (!S_ISREG(sb.st_mode)) {
			errno = EINVAL;
			die("shared");
		}
	} else if (!create)
		die("shared");
	if (create) {
		mode_t m = umask(0);
		fd = open("shared", O_CREAT | O_RDWR, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);
		umask(m);
	} else
		fd = open("shared", O_RDWR);
	if (fd == -1)
		die("open");
	if (fstat(fd, &sb) == -1)
		die("fstat");
	if (sb.st_size < (off_t)sizeof(login_info_t)) {
		if (!create) {
			errno = ERANGE;
			die("shared is too short");
		}
		/* posix_fallocate only ever makes it longer, so two monitors cannot hurt each other
		 */
		if ((errno = posix_fallocate(fd, 0, sizeof(login_info_t))) != 0)
			die("posix_fallocate");
	}
	p = mmap(NULL, sizeof(login_info_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die("mmap");
	*pfd = fd;
	return p;
}

static void monitor(long max)
{
	int fd;
	volatile uint64_t *p = attach(&fd, 1);
	uint64_t last = 0, cur;
	long lines = 0;
	for (;;) {
		cur = *p;
		if (lines == 0 || cur != last) {
			login_info_t li;
			memcpy(&li, &cur, sizeof li);
			printf("pid %d count %d\n", li.pid, li.counter);
			if (fflush(stdout))
				die("stdout");
			last = cur;
			if (++lines == max)
				break;
		}
		struct timeval tv = { .tv_sec = 0, .tv_usec = 100000 };
		select(0, NULL, NULL, NULL, &tv);
	}
	munmap((void *)p, sizeof(login_info_t));
	close(fd);
}

static void changer(void)
{
	int fd;
	volatile uint64_t *p = attach(&fd, 0);
	login_info_t li;
	uint64_t v;
	int lf = open(".", O_RDONLY);
	while (flock(lf, LOCK_EX) == -1)
		if (errno != EINTR)
			die("flock");
	v = *p;
	memcpy(&li, &v, sizeof li);
	li.pid = getpid();
	li.counter++;
	memcpy(&v, &li, sizeof v);
	*p = v;
	flock(fd, LOCK_UN);
	munmap((void *)p, sizeof(login_info_t));
	close(fd);
}

int main(int argc, char *argv[])
{
	if (argc == 2 && strcmp(argv[1], "changer") == 0)
		changer();
	else if (argc == 2 && strcmp(argv[1], "monitor") == 0)
		monitor(-1);
	else if (argc == 3 && strcmp(argv[1], "monitor") == 0) {
		char *end;
		long n;
		if (argv[2][0] < '0' || argv[2][0] > '9')
			usage();
		errno = 0;
		n = strtol(argv[2], &end, 10);
		if (*end || errno || n <= 0)
			usage();
		monitor(n);
	} else
		usage();
	return EXIT_SUCCESS;
}
