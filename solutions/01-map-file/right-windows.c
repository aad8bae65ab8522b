/*
 * FILE in many windows, each where the kernel likes: it goes downwards, so the window behind the
 * last byte of FILE is an earlier piece of it. Nothing is looked at through another window than its
 * own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
static long WINDOW = 65536;
static unsigned char **win;
static off_t size;
static unsigned char at(off_t i)
{
	return win[i / WINDOW][i % WINDOW];
}
static int oops(const char *w)
{
	fprintf(stderr, "map_file: %s: %m\n", w);
	return EXIT_FAILURE;
}
static size_t len(off_t w)
{
	off_t rest = size - w * WINDOW;
	return rest < WINDOW ? rest : WINDOW;
}
int main(int argc, char **argv)
{
	off_t off = 0, nwin, i;
	int fd;
	struct stat sb;
	if (argc < 2 || argc > 3)
		return fprintf(stderr, "usage: %s FILE [OFFSET]\n", argv[0]), 2;
	if (argc > 2) {
		char *end;
		if (argv[2][0] < '0' || argv[2][0] > '9')
			return fprintf(stderr, "usage: %s FILE [OFFSET]\n", argv[0]), 2;
		errno = 0;
		off = strtoll(argv[2], &end, 10);
		if (*end)
			return fprintf(stderr, "usage: %s FILE [OFFSET]\n", argv[0]), 2;
		if (errno)
			return oops(argv[2]);
	}
	if ((fd = open(argv[1], O_RDONLY | O_NONBLOCK | O_CLOEXEC)) < 0)
		return oops("open");
	if (fstat(fd, &sb) < 0)
		return oops("fstat");
	if (!S_ISREG(sb.st_mode)) {
		errno = ENODEV;
		return oops(argv[1]);
	}
	size = sb.st_size;
	if (argc > 2 && off >= size) {
		errno = EINVAL;
		return oops("OFFSET");
	}
	while (size / WINDOW > 60)
		WINDOW *= 2;
	nwin = (size + WINDOW - 1) / WINDOW;
	win = calloc(nwin + 1, sizeof *win);
	if (!win)
		return oops("calloc");
	for (i = 0; i < nwin; i++)
		if ((win[i] = mmap(NULL, len(i), PROT_READ, MAP_PRIVATE, fd, i * WINDOW)) ==
		    MAP_FAILED)
			return oops("mmap");
	close(fd);
	if (argc > 2) {
		printf("byte 0x%02x\n", at(off));
	} else {
		static const char word[] = "ERROR";
		long errors = 0;
		int seen = 0, match = 0;
		for (i = 0; i < size; i++) {
			unsigned char c = at(i);
			if (c == '\n') {
				errors += seen;
				seen = match = 0;
			} else if (c == word[match]) {
				if (!word[++match]) {
					seen = 1;
					match = 0;
				}
			} else
				match = c == 'E';
		}
		errors += seen;
		printf("size %lld\n", (long long)size);
		if (size) {
			printf("first 0x%02x\n", at(0));
			printf("middle 0x%02x\n", at(size / 2));
			printf("last 0x%02x\n", at(size - 1));
		}
		printf("errors %ld\n", errors);
	}
	while (nwin--)
		munmap(win[nwin], len(nwin));
	if (fclose(stdout))
		return oops("stdout");
	return 0;
}
