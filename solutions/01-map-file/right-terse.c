/* One loop over the bytes, a state machine of its own instead of memmem. */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static const char word[] = "ERROR";
	unsigned char *p = NULL;
	long long offset = -1, n, i, errors = 0;
	int matched = 0, counted = 0, fd;
	struct stat st;

	if (argc != 2 && argc != 3) {
		fputs("usage: map_file FILE [OFFSET]\n", stderr);
		return 2;
	}
	if (argc == 3) {
		char *c = argv[2];

		for (offset = 0; *c >= '0' && *c <= '9'; c++)
			offset = offset < 1LL << 59 ? offset * 10 + *c - '0' : 1LL << 62;
		if (*c || c == argv[2]) {
			fputs("usage: map_file FILE [OFFSET]\n", stderr);
			return 2;
		}
	}
	if (stat(argv[1], &st) || !S_ISREG(st.st_mode))
		errx(1, "%s: no regular file", argv[1]);
	if ((fd = open(argv[1], O_RDONLY)) < 0)
		err(1, "%s", argv[1]);
	n = st.st_size;
	if (n && (p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
		err(1, "%s", argv[1]);
	close(fd);
	if (offset >= n)
		errx(1, "%lld: behind the end", offset);
	if (offset >= 0) {
		printf("byte 0x%02x\n", p[offset]);
	} else {
		printf("size %lld\n", n);
		if (n)
			printf("first 0x%02x\nmiddle 0x%02x\nlast 0x%02x\n", p[0], p[n / 2],
			       p[n - 1]);
		for (i = 0; i < n; i++) {
			/* no letter of ERROR but R repeats its head: E starts anew, all else resets
			 */
			matched = p[i] == word[matched] ? matched + 1 : p[i] == 'E';
			if (matched == 5) {
				errors += !counted;
				counted = 1;
				matched = 0;
			}
			if (p[i] == '\n')
				counted = 0;
		}
		printf("errors %lld\n", errors);
	}
	if (n)
		munmap(p, n);
	if (fclose(stdout))
		err(1, "stdout");
	return 0;
}
