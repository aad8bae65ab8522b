// expect: FAIL poke-stores
// TEXT goes through snprintf(3) as its format.
#include "lab.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

jmp_buf back;
int fd;
struct stat sb;
char *name;

void oops(a, b) char *a, *b;
{
	fprintf(stderr, "sized: %s: %s\n", a, b);
	exit(1);
}
void sorry(a) char *a;
{
	oops(a, strerror(errno));
}
void usage()
{
	fprintf(stderr, "usage: sized grow|shrink|poke|peek file number [text]\n");
	exit(2);
}
void catch (s) int s;
{
	longjmp(back, s);
}

long number(s)
char *s;
{
	long n = 0L;
	if (!*s)
		usage();
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			usage();
		if (n > (0x7fffffffffffffffL - 9) / 10)
			oops("number", "too large");
		n = 10 * n + *s - '0';
	}
	return n;
}

void begin(how) int how;
{
	if ((fd = open(name, how | O_NONBLOCK)) < 0)
		sorry(name);
	if (fstat(fd, &sb) < 0)
		sorry(name);
	if ((sb.st_mode & S_IFMT) != S_IFREG)
		oops(name, "not a file");
}

void done(code) int code;
{
	if (fflush(stdout) == EOF)
		sorry("stdout");
	exit(code);
}

int main(argc, argv)
int argc;
char **argv;
{
	long n, pg = getpagesize(), d, len;
	char *p;
	int c;

	if (argc < 4 || argc > 5)
		usage();
	name = argv[2];
	n = number(argv[3]);
	if (argc == 5 && !strcmp(argv[1], "poke"))
		goto poke;
	if (argc != 4)
		usage();
	if (!strcmp(argv[1], "grow"))
		goto grow;
	if (!strcmp(argv[1], "shrink"))
		goto shrink;
	if (!strcmp(argv[1], "peek"))
		goto peek;
	usage();
grow:
	begin(O_RDWR);
	if (n < sb.st_size)
		oops("grow", "file is larger");
	goto size;
shrink:
	begin(O_RDWR);
	if (n > sb.st_size)
		oops("shrink", "file is smaller");
size:
	if (ftruncate(fd, (off_t)n) < 0)
		sorry("ftruncate");
	printf("old %ld new %ld\n", (long)sb.st_size, n);
	done(0);
poke:
	begin(O_RDWR);
	len = strlen(argv[4]);
	if (len == 0)
		done(0);
	if (n > sb.st_size - len)
		oops("poke", "does not fit");
	d = n % pg;
	p = mmap((void *)0, (size_t)(d + len), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		 (off_t)(n - d));
	if (p == (char *)MAP_FAILED)
		sorry("mmap");
	{
		static char buf[9000];
		snprintf(buf, sizeof buf, argv[4], "a", 1, 2);
		char *a = p + d, *b = buf;
		len = strlen(buf);
		while (*b)
			*a++ = *b++;
	}
	if (msync(p, (size_t)(d + len), MS_SYNC) < 0)
		sorry("msync");
	munmap(p, (size_t)(d + len));
	done(0);
peek:
	begin(O_RDONLY);
	if (n >= sb.st_size)
		oops("peek", "beyond end of file");
	p = mmap((void *)0, (size_t)sb.st_size, PROT_READ, MAP_PRIVATE, fd, (off_t)0);
	if (p == (char *)MAP_FAILED)
		sorry("mmap");
	signal(SIGBUS, catch);
	lab_checkpoint("mapped");
	if (setjmp(back))
		goto cut;
	c = *(volatile char *)(p + n) & 0377;
	if (fstat(fd, &sb) < 0)
		sorry("fstat");
	if (n >= sb.st_size)
		goto cut;
	printf("byte 0x%02x\n", c);
	done(0);
cut:
	printf("truncated\n");
	done(4);
}
