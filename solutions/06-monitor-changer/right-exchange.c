/*
 * Under a lock of lockf(3) the pair goes in by an atomic exchange. The monitor starts a thread to
 * look and waits with select(2); one page is mapped, and unmapped at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *self;
static long to_print = -1;

#define OR_DIE(condition, what)                                                       \
	do {                                                                          \
		if (!(condition)) {                                                   \
			fprintf(stderr, "%s: %s: %s\n", self, what, strerror(errno)); \
			exit(1);                                                      \
		}                                                                     \
	} while (0)

static char *map_page(int flags, int prot, int extend, int *fd)
{
	struct stat st;

	*fd = open("shared", flags, 0644);
	OR_DIE(*fd >= 0, "open");
	OR_DIE(fstat(*fd, &st) == 0, "stat");
	if (st.st_size < 8) {
		errno = EIO;
		OR_DIE(extend && ftruncate(*fd, 8) == 0, "shared is too short");
	}
	char *page = mmap(0, (size_t)sysconf(_SC_PAGESIZE), prot, MAP_SHARED, *fd, 0);
	OR_DIE(page != MAP_FAILED, "mmap");
	return page;
}

static void *watch(void *page)
{
	union {
		long long both;
		int half[2];
	} new, old = { 0 };

	for (int looks = 0; to_print != 0; looks = 1) {
		new.both = __atomic_load_n((long long *)page, __ATOMIC_SEQ_CST);
		if (!looks || memcmp(&new, &old, 8)) {
			OR_DIE(fprintf(stdout, "pid %d count %d\n", new.half[0], new.half[1]) > 0,
			       "print");
			OR_DIE(fflush(stdout) == 0, "print");
			memcpy(&old, &new, 8);
			if (to_print > 0)
				to_print--;
		}
		struct timeval tenth = { 0, 100000 };
		if (to_print)
			select(0, NULL, NULL, NULL, &tenth);
	}
	return NULL;
}

int main(int argc, char *argv[])
{
	char *page = NULL, *rest = "x";
	pthread_t thread;
	int fd;

	self = argv[0];
	if (argc == 3 && argv[2][0] >= '0' && argv[2][0] <= '9')
		to_print = strtol(argv[2], &rest, 10);
	if (argc == 3 ? *rest || to_print == 0 || strcmp(argv[1], "monitor")
		      : argc != 2 || (strcmp(argv[1], "monitor") && strcmp(argv[1], "changer"))) {
		fprintf(stderr, "usage: %s monitor [CHANGES]\n   or: %s changer\n", self, self);
		exit(2);
	}

	if (argv[1][0] == 'm') {
		page = map_page(O_RDWR | O_CREAT, PROT_READ, 1, &fd);
		errno = pthread_create(&thread, NULL, watch, page);
		OR_DIE(!errno, "pthread_create");
		pthread_join(thread, NULL);
	} else {
		int pair[2];
		long long both;

		page = map_page(O_RDWR, PROT_READ | PROT_WRITE, 0, &fd);
		OR_DIE(lockf(fd, F_LOCK, 0) == 0, "lockf");
		both = __atomic_load_n((long long *)page, __ATOMIC_RELAXED);
		memcpy(pair, &both, 8);
		pair[0] = getpid();
		pair[1] += 1;
		memcpy(&both, pair, 8);
		__atomic_exchange_n((long long *)page, both, __ATOMIC_SEQ_CST);
		OR_DIE(lockf(fd, F_ULOCK, 0) == 0, "lockf");
	}
	munmap(page, (size_t)sysconf(_SC_PAGESIZE));
	close(fd);
	return 0;
}
