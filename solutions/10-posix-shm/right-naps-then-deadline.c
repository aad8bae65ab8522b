/* One deadline by the clock: naps until the semaphore is there, then a timed wait until then. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char obj[300], bell[300];

static int err(const char *w)
{
	fprintf(stderr, "squares: %s: %s\n", w, strerror(errno));
	return 1;
}

static int names(const char *n)
{
	n += *n == '/';
	errno = EINVAL;
	if (!*n || strchr(n, '/'))
		return -1;
	errno = ENAMETOOLONG;
	if (strlen(n) > 230)
		return -1;
	sprintf(obj, "/%s", n);
	sprintf(bell, "/%s.ready", n);
	return 0;
}

int main(int argc, char *argv[])
{
	if (argc == 4 && !strcmp(argv[1], "produce") && *argv[3] &&
	    !argv[3][strspn(argv[3], "0123456789")]) {
		unsigned long long n = strtoull(argv[3], 0, 10);
		if (names(argv[2]))
			return err("name");
		errno = EFBIG;
		if (n > 1ull << 55)
			return err("COUNT");
		int fd = shm_open(obj, O_CREAT | O_EXCL | O_RDWR, 0600);
		if (fd < 0)
			return err(obj);
		sem_unlink(bell); /* of a producer that died */
		sem_t *s = sem_open(bell, O_CREAT | O_EXCL, 0600, 0);
		unsigned long long *p = MAP_FAILED;
		size_t len = n * 8 + 8; /* COUNT, squares */
		if (s != SEM_FAILED) {
			errno = posix_fallocate(fd, 0, len);
			if (!errno)
				p = mmap(0, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		}
		if (p == MAP_FAILED) {
			err(obj);
			close(fd);
			sem_unlink(bell);
			shm_unlink(obj);
			return 1;
		}
		close(fd);
		*p = n;
		for (unsigned long long i = 0; i < n; i++)
			p[i + 1] = i * i;
		sem_post(s);
		sem_close(s);
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "consume")) {
		struct timespec end;
		if (names(argv[2]))
			return err("name");
		clock_gettime(CLOCK_REALTIME, &end);
		end.tv_sec += 5;
		sem_t *s;
		while ((s = sem_open(bell, 0)) == SEM_FAILED) {
			struct timespec now;
			if (errno != ENOENT)
				return err(bell);
			clock_gettime(CLOCK_REALTIME, &now);
			if (now.tv_sec > end.tv_sec ||
			    (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec))
				return errno = ETIMEDOUT, err(obj);
			usleep(100000);
		}
		while (sem_timedwait(s, &end))
			if (errno != EINTR)
				return err(obj);
		sem_close(s);
		int fd = shm_open(obj, O_RDONLY, 0);
		struct stat st;
		if (fd < 0)
			return err(obj);
		if (fstat(fd, &st))
			return err(obj);
		unsigned long long *p = mmap(0, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED) {
			err("mmap");
			close(fd);
			return 1;
		}
		close(fd);
		for (unsigned long long i = 1; i <= *p; i++)
			printf("%llu\n", p[i]);
		if (fflush(stdout) || ferror(stdout))
			return err("stdout");
		sem_unlink(bell);
		if (shm_unlink(obj))
			return err(obj);
		return 0;
	}
	fprintf(stderr, "usage: squares produce NAME COUNT | squares consume NAME\n");
	return 2;
}
