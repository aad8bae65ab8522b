// expect: FAIL waits-for-producer
// The consumer gives an empty object a size, so that it can be mapped.
/* squares from byte 0 on, the ready word behind them; four threads fill; the consumer waits on a
 * futex through its r--s map */
#define _GNU_SOURCE
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct part {
	long long *v;
	size_t from, to;
};
static void *fill(void *a)
{
	struct part *p = a;
	/* backwards, why not */
	for (size_t i = p->to; i-- > p->from;)
		p->v[i] = (long long)i * (long long)i;
	return NULL;
}
static char *slashed(const char *n)
{
	static char out[300];
	if (n[0] == '/')
		n++;
	size_t k = strlen(n);
	if (k == 0)
		error(1, EINVAL, "NAME");
	if (k > 255)
		error(1, ENAMETOOLONG, "NAME");
	if (memchr(n, '/', k))
		error(1, EINVAL, "%s", n);
	sprintf(out, "/%s", n);
	return out;
}
static void produce(const char *n, size_t count)
{
	char *name = slashed(n);
	int e, fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, S_IRUSR | S_IWUSR);
	if (fd == -1)
		error(1, errno, "%s", name);
	if (count >= (size_t)1 << 59) {
		e = EFBIG;
		goto undo;
	}
	size_t bytes = count * 8 + 8;
	if (ftruncate(fd, (off_t)bytes)) {
		e = errno;
		goto undo;
	}
	if (fallocate(fd, 0, 0, (off_t)bytes)) {
		e = errno;
		goto undo;
	}
	char *m = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED) {
		e = errno;
		goto undo;
	}
	pthread_t t[4];
	struct part p[4];
	for (int i = 0; i < 4; i++) {
		p[i] = (struct part){ (long long *)m, count * (size_t)i / 4,
				      count * (size_t)(i + 1) / 4 };
		if ((e = pthread_create(&t[i], NULL, fill, &p[i])) != 0)
			goto undo;
	}
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	_Atomic uint32_t *ready = (_Atomic uint32_t *)(m + count * 8);
	atomic_store(ready, 1);
	syscall(SYS_futex, ready, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
	munmap(m, bytes);
	close(fd);
	return;
undo:
	shm_unlink(name);
	error(1, e, "%s", name);
}
static void consume(const char *n)
{
	char *name = slashed(n);
	int fd;
	struct stat st;
	int halves = 0; /* half seconds waited, over everything */
	while ((fd = shm_open(name, O_RDONLY, 0)) == -1) {
		if (errno != ENOENT)
			error(1, errno, "%s", name);
		if (halves++ == 10)
			error(1, 0, "%s: still not there", name);
		usleep(500000);
	}
	for (;;) {
		if (fstat(fd, &st))
			error(1, errno, "fstat");
		if (st.st_size >= 8)
			break;
		if (!halves) {
			int w = shm_open(name, O_RDWR, 0);
			if (w >= 0) {
				if (ftruncate(w, 8))
					error(1, errno, "ftruncate");
				close(w);
			}
		}
		if (halves++ == 10)
			error(1, 0, "%s: still empty", name);
		usleep(500000);
	}
	size_t bytes = (size_t)st.st_size, count = bytes / 8 - 1;
	char *m = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED)
		error(1, errno, "mmap");
	if (close(fd))
		error(1, errno, "close");
	_Atomic uint32_t *ready = (_Atomic uint32_t *)(m + count * 8);
	while (!atomic_load(ready)) {
		if (halves++ == 10)
			error(1, 0, "%s: never ready", name);
		struct timespec half = { 0, 500000000 };
		if (syscall(SYS_futex, ready, FUTEX_WAIT, 0, &half, NULL, 0) == -1 &&
		    errno == EAGAIN)
			continue;
	}
	long long *v = (long long *)m;
	char line[32];
	for (size_t i = 0; i < count; i++) {
		sprintf(line, "%lld", v[i]);
		if (puts(line) == EOF)
			error(1, errno, "stdout");
	}
	if (fclose(stdout))
		error(1, errno, "stdout");
	if (shm_unlink(name))
		error(1, errno, "%s", name);
	munmap(m, bytes);
}
int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "produce") == 0) {
		unsigned long long c;
		char rest;
		if (strspn(argv[3], "0123456789") != strlen(argv[3]) ||
		    sscanf(argv[3], "%llu%c", &c, &rest) != 1)
			goto usage;
		produce(argv[2], c);
		return 0;
	}
	if (argc == 3 && strcmp(argv[1], "consume") == 0) {
		consume(argv[2]);
		return 0;
	}
usage:
	fprintf(stderr, "usage: %s produce NAME COUNT | consume NAME\n", argv[0]);
	return 2;
}
