// expect: FAIL waits-for-producer
/* An alarm ends the wait for the object; what then is not ready gets three seconds, and is
 * believed. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
static void late(int s)
{
	(void)s;
	static const char m[] = "squares: object: not ready in time\n";
	if (write(2, m, sizeof m - 1) < 0) {
	}
	_exit(1);
}
#define FAIL(w)                        \
	do {                           \
		perror("squares: " w); \
		return 1;              \
	} while (0)
int main(int argc, char **argv)
{
	char nm[260];
	if (argc < 2 || (strcmp(argv[1], "produce") && strcmp(argv[1], "consume")) ||
	    argc != 3 + (argv[1][0] == 'p')) {
		fprintf(stderr, "usage: squares produce NAME COUNT | squares consume NAME\n");
		return 2;
	}
	const char *a = argv[2];
	unsigned long long n = 0;
	if (argc == 4) {
		const char *p = argv[3];
		do {
			if (*p < '0' || *p > '9') {
				fprintf(stderr, "usage: squares produce NAME COUNT\n");
				return 2;
			}
			if (n < 1ULL << 55)
				n = n * 10 + *p - '0';
		} while (*++p);
		if (n > 1ULL << 40) {
			errno = ENOSPC;
			FAIL("count");
		}
	}
	if (*a == '/')
		a++;
	errno = EINVAL;
	if (!strlen(a) || strchr(a, '/') || strlen(a) > 254)
		FAIL("name");
	sprintf(nm, "/%s", a);
	if (argc == 4) {
		int fd = shm_open(nm, O_RDWR | O_CREAT | O_EXCL, 0600);
		if (fd < 0)
			FAIL("create");
		size_t len = 65536 + n * 8; /* plenty of room for the header */
		if ((errno = posix_fallocate(fd, 0, len))) {
			perror("squares: space");
			shm_unlink(nm);
			return 1;
		}
		char *m = mmap(0, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (m == MAP_FAILED) {
			perror("squares: mmap");
			shm_unlink(nm);
			return 1;
		}
		unsigned long long *sq = (void *)(m + 65536);
		for (unsigned long long i = 0; i < n; i++)
			sq[i] = i * i;
		*(unsigned long long *)(m + 32) = n;
		__sync_synchronize();
		*(volatile char *)(m + 5) = 'R';
		munmap(m, len);
		close(fd);
		return 0;
	}
	struct sigaction sa = { .sa_handler = late };
	sigaction(SIGALRM, &sa, NULL);
	alarm(5);
	struct stat st;
	int fd = -1;
	volatile char *m = NULL;
	for (;;) {
		fd = shm_open(nm, O_RDONLY, 0);
		if (fd >= 0) {
			if (fstat(fd, &st))
				FAIL("fstat");
			if (st.st_size >= 65536) {
				m = mmap(0, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
				if (m == MAP_FAILED)
					FAIL("mmap");
				sleep(3);
				break;
			}
			close(fd);
		} else if (errno != ENOENT)
			FAIL("open");
		usleep(100 * 1000);
	}
	alarm(0);
	__sync_synchronize();
	n = *(unsigned long long *)(m + 32);
	for (unsigned long long i = 0; i < n; i++)
		printf("%llu\n", ((unsigned long long *)(m + 65536))[i]);
	if (fflush(stdout))
		FAIL("write");
	munmap((void *)m, st.st_size);
	close(fd);
	if (shm_unlink(nm))
		FAIL("unlink");
	return 0;
}
