/* A thread reads characters ahead and knows nothing of numbers: at a bad one it asks for more
 * before anybody has looked at it. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define N 10

static void die(const char *what)
{
	fprintf(stderr, "reader: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void bad(const char *why)
{
	fprintf(stderr, "reader: input: %s\n", why);
	exit(1);
}

static int ring[256];
static unsigned put, take;
static sem_t room, chars;

/* by read(2): exit(3) may wait for whoever waits in getchar(3) */
static int one_char(void)
{
	unsigned char c;

	return read(0, &c, 1) == 1 ? c : EOF;
}

/* never stops at a bad number: it knows nothing of numbers */
static void *read_ahead(void *unused)
{
	int c;

	(void)unused;
	do {
		c = one_char();
		while (sem_wait(&room))
			;
		ring[put++ % 256] = c;
		sem_post(&chars);
	} while (c != EOF);
	return NULL;
}

static int next_char(void)
{
	int c;

	while (sem_wait(&chars))
		;
	c = ring[take++ % 256];
	sem_post(&room);
	return c;
}

/* next integer of stdin */
static int next_int(void)
{
	int c = next_char(), neg = 0, digits = 0;
	long v = 0;

	while (c != EOF && isspace(c))
		c = next_char();
	if (c == EOF)
		bad("too few numbers");
	if (c == '+' || c == '-') {
		neg = c == '-';
		c = next_char();
	}
	while (c != EOF && isdigit(c)) {
		digits++;
		v = v * 10 + (c - '0');
		if (v > (long)INT_MAX + neg)
			bad("number too large");
		c = next_char();
	}
	if (digits == 0 || (c != EOF && !isspace(c)))
		bad("not a number");
	return (int)(neg ? -v : v);
}

int main(int argc, char **argv)
{
	int fd, i;
	int *addr;
	struct stat st;

	(void)argv;
	if (argc != 1) {
		fprintf(stderr, "usage: reader\n");
		return 2;
	}
	fd = open("temp", O_RDWR | O_CREAT, 0666);
	if (fd == -1)
		die("open");
	if (fstat(fd, &st) == -1)
		die("fstat");
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		die("temp");
	}
	if (st.st_size != N * (int)sizeof(int) && ftruncate(fd, N * sizeof(int)) == -1)
		die("ftruncate");
	addr = mmap(NULL, N * sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (addr == MAP_FAILED)
		die("mmap");
	close(fd);
	pthread_t t;
	sem_init(&room, 0, 256);
	sem_init(&chars, 0, 0);
	errno = pthread_create(&t, NULL, read_ahead, NULL);
	if (errno)
		die("pthread_create");
	for (i = 0; i < N; i++) {
		int v = next_int();
		addr[i] = v;
	}
	munmap(addr, N * sizeof(int));
	return 0;
}
