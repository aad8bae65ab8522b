/* The first thread ends at once; the one that it made does the work, and ends the program. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
	const char *name, *offset;
	long long at;
	const unsigned char *start;
	size_t size;
} job;

static void map(void)
{
	struct stat st;
	int fd = open(job.name, O_RDONLY | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		errx(1, "%s: no regular file to be read", job.name);
	job.size = (size_t)st.st_size;
	if (job.size > 0)
		job.start = mmap(NULL, job.size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (job.start == MAP_FAILED)
		err(1, "%s", job.name);
	close(fd);
}

static long long count(const unsigned char *at, size_t left)
{
	long long lines = 0;

	while (left > 0) {
		const unsigned char *end = memchr(at, '\n', left);
		size_t length = end ? (size_t)(end - at) + 1 : left;

		lines += memmem(at, length, "ERROR", 5) != NULL;
		at += length;
		left -= length;
	}
	return lines;
}

static void *work(void *unused)
{
	(void)unused;
	map();
	if (job.offset && job.at >= (long long)job.size)
		errx(1, "%s: behind the end", job.offset);
	if (job.offset)
		printf("byte 0x%02x\n", job.start[job.at]);
	else
		printf("size %zu\n", job.size);
	if (!job.offset && job.size > 0)
		printf("first 0x%02x\nmiddle 0x%02x\nlast 0x%02x\n", job.start[0],
		       job.start[job.size / 2], job.start[job.size - 1]);
	if (!job.offset)
		printf("errors %lld\n", job.size > 0 ? count(job.start, job.size) : 0);
	if (job.size > 0)
		munmap((void *)job.start, job.size);
	if (fflush(stdout) != 0)
		err(1, "stdout");
	exit(0);
}

static int usage(void)
{
	fputs("usage: map_file FILE [OFFSET]\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	char *end;

	if (argc != 2 && argc != 3)
		return usage();
	job.name = argv[1];
	job.offset = argv[2];
	if (argc == 3) {
		job.at = strtoll(argv[2], &end, 10);
		if (strspn(argv[2], "0123456789") != strlen(argv[2]) || end == argv[2])
			return usage();
	}
	if (pthread_create(&thread, NULL, work, NULL) != 0)
		errx(1, "thread: cannot be made");
	pthread_exit(NULL);
}
