/*
 * A thread looks, on a stack of its own for the handler; two threads store; pages are synced from
 * the last to the first.
 */
#include "lab.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
static void fail(const char *a, const char *b)
{
	fprintf(stderr, "sized: %s: %s\n", a, b);
	exit(1);
}
static void efail(const char *a)
{
	fail(a, strerror(errno));
}
static void usage(void)
{
	fputs("usage: sized grow|shrink FILE SIZE\n       sized poke FILE OFFSET TEXT\n       sized peek FILE OFFSET\n",
	      stderr);
	exit(2);
}
static off_t number(char *s)
{
	char *e;
	if (!(*s >= '0' && *s <= '9'))
		usage();
	errno = 0;
	off_t n = strtoll(s, &e, 10);
	if (*e)
		usage();
	if (errno)
		efail(s);
	return n;
}
static __thread sigjmp_buf *here;
static void bus(int s)
{
	if (here)
		siglongjmp(*here, 1);
	signal(s, SIG_DFL);
	raise(s);
}
static _Atomic int seen = -2;
static void *looker(void *p)
{
	sigjmp_buf b;
	stack_t ss = { .ss_sp = malloc(65536), .ss_size = 65536 };
	sigaltstack(&ss, NULL);
	here = &b;
	if (sigsetjmp(b, 1))
		atomic_store(&seen, -1);
	else {
		lab_checkpoint("mapped");
		atomic_store(&seen, *(volatile unsigned char *)p);
	}
	here = NULL;
	return NULL;
}
struct store {
	char *to;
	const char *from;
	size_t n;
};
static void *storer(void *v)
{
	struct store *s = v;
	for (size_t i = 0; i < s->n; i++)
		__atomic_store_n(s->to + i, s->from[i], __ATOMIC_RELEASE);
	return NULL;
}
int main(int argc, char **argv)
{
	if (argc < 2)
		usage();
	int n_args = !strcmp(argv[1], "poke") ? 5 : 4;
	if (argc != n_args)
		usage();
	char what = 0;
	if (!strcmp(argv[1], "grow"))
		what = 'g';
	if (!strcmp(argv[1], "shrink"))
		what = 's';
	if (!strcmp(argv[1], "poke"))
		what = 'o';
	if (!strcmp(argv[1], "peek"))
		what = 'e';
	if (!what)
		usage();
	off_t n = number(argv[3]);
	struct stat st;
	if (stat(argv[2], &st))
		efail(argv[2]);
	if (!S_ISREG(st.st_mode))
		fail(argv[2], "no regular file");
	int fd = open(argv[2], what == 'e' ? O_RDONLY : O_RDWR);
	if (fd < 0)
		efail(argv[2]);
	if (fstat(fd, &st))
		efail(argv[2]);
	off_t size = st.st_size;
	int code = 0;
	if (what == 'g' || what == 's') {
		if (what == 'g' ? n < size : n > size)
			fail(argv[1], "the wrong way");
		if (n != size && ftruncate(fd, n))
			efail("ftruncate");
		printf("old %lld new %lld\n", (long long)size, (long long)n);
	} else if (what == 'o') {
		size_t len = strlen(argv[4]);
		if (n + (__int128)len > size)
			fail(argv[3], "not in the file");
		if (!len)
			return 0;
		char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED)
			efail("mmap");
		close(fd);
		pthread_t t[2];
		struct store s[2] = { { p + n, argv[4], len / 2 },
				      { p + n + len / 2, argv[4] + len / 2, len - len / 2 } };
		for (int i = 0; i < 2; i++)
			if ((errno = pthread_create(t + i, NULL, storer, s + i)))
				efail("pthread_create");
		for (int i = 0; i < 2; i++)
			pthread_join(t[i], NULL);
		off_t a = n / 4096 * 4096;
		/* pages one after another, last first */
		for (off_t k = (n + (off_t)len - 1) / 4096 * 4096; k >= a; k -= 4096)
			if (msync(p + k, 4096, MS_SYNC))
				efail("msync");
		munmap(p, size);
	} else {
		if (n >= size)
			fail(argv[3], "not in the file");
		unsigned char *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED)
			efail("mmap");
		struct sigaction sa = { .sa_handler = bus, .sa_flags = SA_ONSTACK };
		sigaction(SIGBUS, &sa, NULL);
		pthread_t t;
		if ((errno = pthread_create(&t, NULL, looker, p + n)))
			efail("pthread_create");
		pthread_join(t, NULL);
		if (fstat(fd, &st))
			efail("fstat");
		if (seen < 0 || n >= st.st_size) {
			puts("truncated");
			code = 4;
		} else
			printf("byte 0x%02x\n", seen);
	}
	if (fflush(stdout))
		efail("stdout");
	return code;
}
