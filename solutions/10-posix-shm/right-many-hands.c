/*
 * Four children fill the object, each its quarter, through mappings of their own; the parent waits
 * for them and says ready by storing COUNT + 1 in the header. The consumer is two processes too:
 * the child waits and prints, the parent reaps it and removes the name.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HANDS = 4, HEAD = 512 };

static int bad(const char *what)
{
	perror(what);
	return 1;
}

static int fill(int fd, size_t size, unsigned long from, unsigned long to)
{
	char *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (base == MAP_FAILED)
		return bad("squares: mmap");
	close(fd);
	unsigned long *square = (unsigned long *)(base + HEAD);

	for (unsigned long i = from; i < to; i++)
		square[i] = i * i;
	return 0;
}

static int produce(const char *name, unsigned long count)
{
	int result = 1, born = 0;
	size_t size = HEAD + count * sizeof(long);

	if (count > (1UL << 59)) {
		errno = EFBIG;
		return bad("squares: COUNT");
	}
	int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

	if (fd == -1)
		return bad("squares: shm_open");
	errno = posix_fallocate(fd, 0, size);
	if (errno != 0) {
		bad("squares: posix_fallocate");
		goto undo;
	}
	atomic_ulong *ready = mmap(NULL, HEAD, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (ready == MAP_FAILED) {
		bad("squares: mmap");
		goto undo;
	}
	result = 0;
	for (; born < HANDS; born++) {
		pid_t pid = fork();

		if (pid == -1) {
			result = bad("squares: fork");
			break;
		}
		if (pid == 0)
			_exit(fill(fd, size, count / HANDS * born,
				   born == HANDS - 1 ? count : count / HANDS * (born + 1)));
	}
	while (born-- > 0) {
		int status;

		wait(&status);
		if (status != 0)
			result = 1;
	}
	if (result == 0) {
		atomic_store(ready, count + 1);
		close(fd);
		return 0;
	}
undo:
	shm_unlink(name);
	return result;
}

static int print(const char *name)
{
	atomic_ulong *ready;
	struct stat st;
	int fd, steps = 0;

	while ((fd = shm_open(name, O_RDONLY, 0)) == -1) {
		if (errno != ENOENT || ++steps > 25)
			return bad("squares: shm_open");
		poll(NULL, 0, 200);
	}
	while (fstat(fd, &st) == 0 && st.st_size < HEAD) {
		if (++steps > 25) {
			fprintf(stderr, "squares: %s: it stays empty\n", name);
			return 1;
		}
		poll(NULL, 0, 200);
	}
	ready = mmap(NULL, HEAD, PROT_READ, MAP_SHARED, fd, 0);
	if (ready == MAP_FAILED)
		return bad("squares: mmap");
	while (*ready == 0) {
		if (++steps > 25) {
			fprintf(stderr, "squares: %s: it does not get ready\n", name);
			return 1;
		}
		poll(NULL, 0, 200);
	}
	unsigned long count = *ready - 1;
	char *base = mmap(NULL, HEAD + count * 8, PROT_READ, MAP_SHARED, fd, 0);

	if (base == MAP_FAILED)
		return bad("squares: mmap");
	close(fd);
	unsigned long *square = (unsigned long *)(base + HEAD);

	for (unsigned long i = 0; i < count; i++)
		printf("%lu\n", square[i]);
	return fflush(stdout) == EOF ? bad("squares: stdout") : 0;
}

static int consume(const char *name)
{
	int status;
	pid_t pid = fork();

	if (pid == -1)
		return bad("squares: fork");
	if (pid == 0)
		_exit(print(name));
	if (waitpid(pid, &status, 0) == -1)
		return bad("squares: waitpid");
	if (status != 0)
		return 1;
	return shm_unlink(name) == -1 ? bad("squares: shm_unlink") : 0;
}

int main(int argc, char **argv)
{
	const char *digits = argc == 4 ? argv[3] : "0";
	char name[258];

	if (argc < 3 || strcmp(argv[1], argc == 4 ? "produce" : "consume") != 0 || argc > 4 ||
	    *digits == '\0' || digits[strspn(digits, "0123456789")] != '\0') {
		fprintf(stderr, "usage: squares produce NAME COUNT, squares consume NAME\n");
		return 2;
	}
	snprintf(name, sizeof name, "/%s", argv[2] + (argv[2][0] == '/'));
	if (name[1] == '\0' || strlen(name) > 256 || strchr(name + 1, '/')) {
		errno = EINVAL;
		return bad("squares: NAME");
	}
	return argc == 4 ? produce(name, strtoul(digits, NULL, 10)) : consume(name);
}
