/*
 * The handler returns, and lawfully: it has put an anonymous page under the address, so that the
 * load finds one when it is made again. A thread looks; the size is asked for by name.
 */
#include "lab.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

static const char *file;
static long offset, page;

static void stop(const char *why)
{
	fprintf(stderr, "sized: %s: %s\n", file, why);
	exit(1);
}

static long bytes_of_file(void)
{
	struct stat st;

	if (stat(file, &st))
		stop(strerror(errno));
	if (!S_ISREG(st.st_mode))
		stop("Not a regular file");
	return st.st_size;
}

static void patch(int signal, siginfo_t *info, void *context)
{
	char *address = (char *)info->si_addr - (size_t)info->si_addr % (size_t)page;

	(void)signal, (void)context;
	if (mmap(address, (size_t)page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0) == MAP_FAILED)
		_exit(1);
}

static void *look(void *map)
{
	static unsigned char byte;

	lab_checkpoint("mapped");
	byte = ((volatile unsigned char *)map)[offset % page];
	return &byte;
}

static void *map_file(int how, int rights, size_t length)
{
	int fd = open(file, how);
	/* Always a page more than needed, to be on the safe side: it is never touched. */
	size_t whole = (size_t)(offset % page) + length + (size_t)page;
	void *map = MAP_FAILED;

	if (fd >= 0)
		map = mmap(NULL, whole, rights, MAP_SHARED, fd, offset / page * page);
	if (map == MAP_FAILED)
		stop(strerror(errno));
	return map;
}

static int peek(void)
{
	struct sigaction action = { 0 };
	pthread_t eye;
	void *byte;

	if (offset >= bytes_of_file())
		stop("No such byte");
	action.sa_sigaction = patch;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGBUS, &action, NULL);
	if (pthread_create(&eye, NULL, look, map_file(O_RDONLY, PROT_READ, 1)))
		stop("No thread");
	pthread_join(eye, &byte);
	if (offset < bytes_of_file())
		return printf("byte 0x%02x\n", *(unsigned char *)byte), 0;
	return printf("truncated\n"), 4;
}

static int poke(const char *text)
{
	size_t length = strlen(text);
	char *map;

	if (offset + (long)length < offset || offset + (long)length > bytes_of_file())
		stop("Text does not fit");
	if (length == 0)
		return 0;
	map = map_file(O_RDWR, PROT_READ | PROT_WRITE, length);
	memcpy(map + offset % page, text, length);
	/* One page after the other, from border to border. */
	for (char *p = map; p < map + offset % page + length; p += page)
		if (msync(p, 1, MS_SYNC))
			stop(strerror(errno));
	return 0;
}

static int resize(const char *word)
{
	long old = bytes_of_file();

	if (*word == 'g' && offset < old)
		stop("Larger than that");
	if (*word == 's' && offset > old)
		stop("Smaller than that");
	int fd = open(file, O_WRONLY);
	if (fd < 0 || ftruncate(fd, offset) || close(fd))
		stop(strerror(errno));
	return printf("old %ld new %ld\n", old, offset), 0;
}

int main(int argc, char **argv)
{
	int status = -1;

	page = sysconf(_SC_PAGESIZE);
	if (argc >= 4 && strlen(argv[3]) == strspn(argv[3], "9876543210") && argv[3][0]) {
		offset = strtol(argv[3], NULL, 10);
		file = argv[2];
		if (argc == 4 && !strcmp(argv[1], "peek"))
			status = peek();
		else if (argc == 5 && !strcmp(argv[1], "poke"))
			status = poke(argv[4]);
		else if (argc == 4 && (!strcmp(argv[1], "grow") || !strcmp(argv[1], "shrink")))
			status = resize(argv[1]);
	}
	if (status == -1) {
		fprintf(stderr, "usage: sized grow|shrink FILE SIZE, sized poke FILE OFFSET TEXT, "
				"sized peek FILE OFFSET\n");
		return 2;
	}
	if (fflush(stdout))
		stop("cannot write the answer");
	return status;
}
