// expect: FAIL resize-exact
// All digits, so far so good; then strtoll(3) with base 0 takes 010 for 8.
#include "lab.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define PERR(what)	(fprintf(stderr, "%s: %s: %s\n", self, what, strerror(errno)), 1)
#define PMSG(what, why) (fprintf(stderr, "%s: %s: %s\n", self, what, why), 1)
static char *self;
static int usage(void)
{
	fprintf(stderr,
		"usage: %s grow|shrink FILE SIZE\n       %s poke FILE OFFSET TEXT\n       %s peek FILE OFFSET\n",
		self, self, self);
	return 2;
}
static sigjmp_buf env;
static void h(int s, siginfo_t *i, void *u)
{
	(void)u;
	(void)i;
	siglongjmp(env, s);
}
int main(int argc, char **argv)
{
	self = argv[0];
	struct stat st;
	if (argc < 4)
		return usage();
	char *cmd = argv[1], *file = argv[2], *end;
	int isdig = argv[3][0] != 0;
	for (char *p = argv[3]; *p; p++)
		isdig &= *p >= '0' && *p <= '9';
	if (!isdig)
		return usage();
	errno = 0;
	off_t n = strtoll(argv[3], &end, 0);
	int range = errno;
	if (!strcmp(cmd, "grow") || !strcmp(cmd, "shrink")) {
		if (argc != 4)
			return usage();
		if (range)
			return errno = range, PERR(argv[3]);
		if (stat(file, &st))
			return PERR(file);
		if (!S_ISREG(st.st_mode))
			return PMSG(file, "not a regular file");
		if (*cmd == 'g' && n < st.st_size)
			return PMSG(file, "would shrink");
		if (*cmd == 's' && n > st.st_size)
			return PMSG(file, "would grow");
		if (truncate(file, n))
			return PERR("truncate");
		printf("old %lld new %lld\n", (long long)st.st_size, (long long)n);
		return fflush(stdout) ? PERR("stdout") : 0;
	}
	if (!strcmp(cmd, "poke")) {
		if (argc != 5)
			return usage();
		if (range)
			return errno = range, PERR(argv[3]);
		if (stat(file, &st))
			return PERR(file);
		if (!S_ISREG(st.st_mode))
			return PMSG(file, "not a regular file");
		size_t len = strlen(argv[4]);
		if (n > st.st_size || len > (size_t)(st.st_size - n))
			return PMSG("poke", "beyond the end of the file");
		int fd = open(file, O_RDWR);
		if (fd < 0)
			return PERR(file);
		if (len) {
			size_t page = sysconf(_SC_PAGESIZE);
			char *whole = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
					   0);
			if (whole == MAP_FAILED)
				return PERR("mmap");
			char *dst = whole + n, *stop = dst + len;
			const char *src = argv[4];
			/* every page its own msync, right after its bytes */
			while (dst < stop) {
				char *base = (char *)((size_t)dst & ~(page - 1)),
				     *next = base + page;
				if (next > stop)
					next = stop;
				char *from = dst;
				while (dst < next)
					*dst++ = *src++;
				(void)from;
				if (msync(base, next - base, MS_SYNC))
					return PERR("msync");
			}
			munmap(whole, st.st_size);
		}
		close(fd);
		return 0;
	}
	if (!strcmp(cmd, "peek")) {
		if (argc != 4)
			return usage();
		if (range)
			return errno = range, PERR(argv[3]);
		if (stat(file, &st))
			return PERR(file);
		if (!S_ISREG(st.st_mode))
			return PMSG(file, "not a regular file");
		if (n >= st.st_size)
			return PMSG("peek", "beyond the end of the file");
		int fd = open(file, O_RDONLY);
		if (fd < 0)
			return PERR(file);
		unsigned char *p = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED)
			return PERR("mmap");
		close(fd);
		struct sigaction a = { 0 }, old;
		a.sa_sigaction = h;
		a.sa_flags = SA_SIGINFO;
		sigaction(SIGBUS, &a, &old);
		int v = -1;
		if (!sigsetjmp(env, 1)) {
			lab_checkpoint("mapped");
			v = ((volatile unsigned char *)p)[n];
		} else
			v = -1;
		sigaction(SIGBUS, &old, NULL);
		munmap(p, st.st_size);
		if (v >= 0) {
			if (stat(file, &st))
				return PERR(file);
			if (n >= st.st_size)
				v = -1;
		}
		if (v < 0)
			puts("truncated");
		else
			printf("byte 0x%02x\n", v);
		if (fclose(stdout))
			return PERR("stdout");
		return v < 0 ? 4 : 0;
	}
	return usage();
}
