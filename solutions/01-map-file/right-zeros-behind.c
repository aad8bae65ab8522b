/*
 * Room first, FILE over it with MAP_FIXED, and a page of zeros of its own stays behind: strstr(3)
 * always finds an end, and what it looks at behind FILE is memory that the program put there. A NUL
 * inside a line is a byte like others: the search goes on behind it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
static _Noreturn void usage(void)
{
	dprintf(STDERR_FILENO, "usage: map_file FILE [OFFSET]\n");
	exit(2);
}
int main(int argc, char **argv)
{
	size_t where = 0, page = sysconf(_SC_PAGESIZE);
	int n, given = 0;
	if (argc == 3) {
		for (char *c = argv[2]; *c; c++)
			if (!(*c >= '0' && *c <= '9'))
				usage();
		if (strlen(argv[2]) == 0)
			usage();
		if (strlen(argv[2]) > 30)
			error(1, 0, "%.20s...: far too large", argv[2]);
		if (sscanf(argv[2], "%zu%n", &where, &n) != 1)
			usage();
		given = 1;
	} else if (argc != 2)
		usage();
	struct stat st;
	if (stat(argv[1], &st))
		error(1, errno, "stat %s", argv[1]);
	if (!S_ISREG(st.st_mode))
		error(1, EINVAL, "%s", argv[1]);
	int fd = open(argv[1], 0);
	if (fd < 0)
		error(1, errno, "open %s", argv[1]);
	size_t size = st.st_size, room = (size + page - 1) / page * page;
	if (given && where >= size)
		error(1, 0, "%s: there are only %zu bytes", argv[2], size);
	char *p = mmap(0, room + page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		       0);
	if (p == MAP_FAILED)
		error(1, errno, "mmap");
	if (size && mmap(p, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED)
		error(1, errno, "mmap");
	close(fd);
	if (given)
		printf("byte 0x%02x\n", p[where] & 255);
	else {
		printf("size %zu\n", size);
		if (size)
			printf("first 0x%02x\nmiddle 0x%02x\nlast 0x%02x\n", p[0] & 0xff,
			       p[size / 2] & 0xff, p[size - 1] & 0xff);
		int errors = 0;
		/* behind the last byte there is always a zero, so strstr would stop; but zeros
		 * inside a line are bytes too */
		char *line = p;
		while (line < p + size) {
			char *nl = memchr(line, '\n', p + size - line), *end = nl ? nl : p + size,
			     *s = line;
			while (s < end) {
				char *hit = strstr(s, "ERROR");
				if (hit && hit < end) {
					errors++;
					break;
				}
				size_t l = strnlen(s, end - s);
				s += l + 1;
			}
			line = end + 1;
		}
		printf("errors %d\n", errors);
	}
	munmap(p, room + page);
	if (fflush(stdout) == EOF)
		error(1, errno, "stdout");
	exit(0);
}
