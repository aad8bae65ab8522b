// expect: FAIL closes-descriptor
// The first byte goes through a pipe, straight from the mapping: the kernel looks, while the
// descriptor is still open. No watchpoint sees that; the resident page does.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char out[256];
static unsigned outn;
static void ps(const char *s)
{
	while (*s)
		out[outn++] = *s++;
}
static void pd(unsigned long v)
{
	char b[24];
	int i = 24;
	do {
		b[--i] = '0' + v % 10;
		v /= 10;
	} while (v);
	while (i < 24)
		out[outn++] = b[i++];
}
static void ph(unsigned char c)
{
	const char *h = "0123456789abcdef";
	ps("0x");
	out[outn++] = h[c >> 4];
	out[outn++] = h[c & 15];
	ps("\n");
}
static long w(int fd)
{
	unsigned done = 0;
	while (done < outn) {
		long r = syscall(SYS_write, fd, out + done, outn - done);
		if (r < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		done += r;
	}
	outn = 0;
	return 0;
}
static void die(const char *what, const char *why, int st)
{
	outn = 0;
	ps("map_file: ");
	ps(what);
	ps(": ");
	ps(why);
	ps("\n");
	w(2);
	syscall(SYS_exit_group, st);
}
int main(int argc, char **argv)
{
	unsigned long off = 0;
	struct stat st;
	if (argc != 2 && argc != 3) {
usage:
		outn = 0;
		ps("usage: map_file FILE [OFFSET]\n");
		w(2);
		syscall(SYS_exit_group, 2);
	}
	if (argc == 3) {
		char *p = argv[2];
		if (!*p)
			goto usage;
		for (; *p; p++) {
			if (*p < '0' || *p > '9')
				goto usage;
			if (__builtin_mul_overflow(off, 10ul, &off) ||
			    __builtin_add_overflow(off, (unsigned long)(*p - '0'), &off))
				die("OFFSET", "too large", 1);
		}
	}
	int fd = syscall(SYS_openat, AT_FDCWD, argv[1], O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		die("open", "cannot open", 1);
	if (syscall(SYS_fstat, fd, &st) < 0)
		die("fstat", "failed", 1);
	if ((st.st_mode & S_IFMT) != S_IFREG)
		die("FILE", "not a regular file", 1);
	unsigned long n = st.st_size;
	if (argc == 3 && off >= n)
		die("OFFSET", "not in the file", 1);
	unsigned char *m = 0;
	if (n) {
		long a = syscall(SYS_mmap, 0L, n, PROT_READ, MAP_PRIVATE, fd, 0L);
		if (a == -1)
			die("mmap", errno == ENOMEM ? "out of memory" : "failed", 1);
		m = (unsigned char *)a;
	}
	unsigned char keep = 0;
	int pp[2];
	if (n && argc == 2) {
		if (pipe(pp) || write(pp[1], m, 1) != 1 || read(pp[0], &keep, 1) != 1)
			die("pipe", "failed", 1);
	}
	syscall(SYS_close, fd);
	if (argc == 3) {
		ps("byte ");
		ph(m[off]);
	} else {
		ps("size ");
		pd(n);
		ps("\n");
		if (n) {
			ps("first ");
			ph(keep);
			ps("middle ");
			ph(m[n >> 1]);
			ps("last ");
			ph(m[n - 1]);
		}
		unsigned long c = 0;
		unsigned st8 = 0; /* 0..4 matched, 5 = line done */
		for (unsigned long i = 0; i < n; i++) {
			unsigned char b = m[i];
			if (b == '\n')
				st8 = 0;
			else if (st8 == 5)
				;
			else if (b == (unsigned char)"ERROR"[st8]) {
				if (++st8 == 5)
					c++;
			} else
				st8 = b == 'E';
		}
		ps("errors ");
		pd(c);
		ps("\n");
	}
	if (n)
		syscall(SYS_munmap, m, n);
	if (w(1))
		die("write", "failed", 1);
	syscall(SYS_exit_group, 0);
	return 0;
}
