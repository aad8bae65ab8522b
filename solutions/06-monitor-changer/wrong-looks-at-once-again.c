// expect: FAIL sleeps-100ms
// Looks again without any sleep where it has just seen a change.
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int c, char **v)
{
	int mon = c > 1 && !strcmp(v[1], "monitor"), chg = c > 1 && !strcmp(v[1], "changer");
	long n = -1;
	if (!(mon && c < 4) && !(chg && c == 2))
		goto usage;
	if (mon && c == 3) {
		for (char *p = v[2]; *p; p++)
			if (!isdigit((unsigned char)*p))
				goto usage;
		if (!*v[2] || (n = strtol(v[2], 0, 10)) <= 0)
			goto usage;
	}
	int fd = open("shared", mon ? O_RDWR | O_CREAT : O_RDWR, 0644);
	struct stat s;
	if (fd < 0 || fstat(fd, &s))
		err(1, "shared");
	if (!S_ISREG(s.st_mode))
		errx(1, "shared: no regular file");
	if (s.st_size < 8 && (chg || ftruncate(fd, 8)))
		errx(1, "shared: too short");
	uint64_t *p = mmap(0, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), old = 0, new;
	if (p == MAP_FAILED)
		err(1, "mmap");
	if (chg) {
		do
			new = (old & ~0xffffffffull) + (1ull << 32) + (uint32_t)getpid();
		while (!__atomic_compare_exchange_n(p, &old, new, 0, __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST));
		return 0;
	}
	int first = 1;
	while (n) {
		/* the old idiom of an atomic load: adding nothing */
		new = __sync_fetch_and_add(p, 0);
		if (first || new != old) {
			old = new;
			first = 0;
			printf("pid %d count %d\n", (int)new, (int)(new >> 32));
			if (fflush(stdout))
				err(1, "stdout");
			if (n > 0 && !--n)
				break;
			continue;
		}
		usleep(100000);
	}
	return 0;
usage:
	fprintf(stderr, "usage: login monitor [CHANGES] | changer\n");
	return 2;
}
