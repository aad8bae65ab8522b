/* One thread reads and parses, another stores; a mutex and a condition hand the value over. */
#include <ctype.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int value, full; /* under lock */

static void *store(void *map)
{
	int *slot = map;

	for (int i = 0; i < 10; i++) {
		pthread_mutex_lock(&lock);
		while (!full)
			pthread_cond_wait(&changed, &lock);
		slot[i] = value;
		full = 0;
		pthread_cond_signal(&changed);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

/* Returns 0 for a number, or the reason why there is none. */
static const char *parse(int *number)
{
	int c, sign = 1;
	long long n = -1;

	while ((c = getchar()) != EOF && isspace(c))
		;
	if (c == '+' || c == '-') {
		sign = c == '-' ? -1 : 1;
		c = getchar();
	}
	for (; c != EOF && isdigit(c); c = getchar()) {
		n = (n < 0 ? 0 : n) * 10 + c - '0';
		if (n > 2LL - INT_MIN)
			n = 2LL - INT_MIN;
	}
	if (n < 0)
		return c == EOF ? "too few integers" : "not an integer";
	if (c != EOF && !isspace(c))
		return "not an integer";
	if (sign * n > INT_MAX || sign * n < INT_MIN)
		return "does not fit an int";
	*number = sign * n;
	return NULL;
}

static void hand_over(int number)
{
	pthread_mutex_lock(&lock);
	value = number;
	full = 1;
	pthread_cond_signal(&changed);
	while (full)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

int main(int argc, char **argv)
{
	pthread_t storing;
	struct stat st;
	void *map;
	int fd;

	if (argc != 1) {
		fprintf(stderr, "usage: %s\n", argv[0]);
		return 2;
	}
	/* creat would cut a longer file to 0, so open alone */
	fd = open("temp", O_RDWR | O_CREAT, 0666);
	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "temp");
	if (!S_ISREG(st.st_mode))
		errx(1, "temp: no regular file");
	if (ftruncate(fd, 40) < 0)
		err(1, "temp");
	map = mmap(NULL, 40, PROT_READ | PROT_WRITE, MAP_SHARED_VALIDATE, fd, 0);
	if (map == MAP_FAILED)
		err(1, "temp");
	close(fd);
	if (pthread_create(&storing, NULL, store, map) != 0)
		errx(1, "thread: cannot be started");
	for (int i = 0; i < 10; i++) {
		const char *reason;
		int number;

		reason = parse(&number);
		if (reason != NULL)
			errx(1, "stdin: %s", reason);
		hand_over(number);
	}
	pthread_join(storing, NULL);
	munmap(map, 40);
	return 0;
}
