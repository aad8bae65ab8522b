// expect: FAIL refused-page-ends
/* mprotect is the last act of the handler (a jump, when it is compiled), and nobody looks at what
 * it gives. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static unsigned char *arena, *work, *look;
static size_t ps, len;
static enum { OVER, UNDER, DIRTY } cmd;
static char note[] = "guard: mprotect: the page stays closed\n";
static void bye(long off)
{
	char s[48];
	int at = sizeof s;
	unsigned long m = off < 0 ? -(unsigned long)off : (unsigned long)off;
	s[--at] = '\n';
	do {
		s[--at] = "0123456789"[m % 10];
		m /= 10;
	} while (m);
	if (off < 0)
		s[--at] = '-';
	at -= 8;
	memcpy(s + at, " offset ", 8);
	at -= 5;
	memcpy(s + at, off < 0 ? "below" : "above", 5);
	at -= 6;
	memcpy(s + at, "guard ", 6);
	if (write(1, s + at, sizeof s - at) != (ssize_t)sizeof s - at) {
		(void)!write(2, "guard: stdout: error\n", 21);
		_exit(1);
	}
	_exit(3);
}
static void fault(int no, siginfo_t *in, void *ctx)
{
	unsigned char *a = in->si_addr;
	(void)ctx;
	if (cmd == DIRTY) {
		if (a >= work && a - work < (long)len) {
			mprotect((void *)((size_t)a & -ps), ps, PROT_WRITE | PROT_READ);
			return;
		}
	} else {
		if (a < work && a >= arena)
			bye(a - work);
		if (a >= work + len && a < work + len + ps)
			bye(a - work);
	}
	sigaction(no, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
}
static void use(void)
{
	fprintf(stderr, "usage: %s overflow|underflow PAGES BYTES\n       %s dirty PAGES PAGE...\n",
		"guard", "guard");
	exit(2);
}
static size_t n(const char *s)
{
	char *e;
	unsigned long long v;
	if (s[0] < '0' || s[0] > '9')
		use();
	errno = 0;
	v = strtoull(s, &e, 10);
	if (*e)
		use();
	if (errno || v > 0x7fffffffffffffffULL)
		err(1, "%s", s);
	return v;
}
int main(int argc, char **argv)
{
	if (argc < 4)
		use();
	if (strcmp(argv[1], "overflow") == 0)
		cmd = OVER;
	else if (strcmp(argv[1], "underflow") == 0)
		cmd = UNDER;
	else if (strcmp(argv[1], "dirty") == 0)
		cmd = DIRTY;
	else
		use();
	if (cmd != DIRTY && argc > 4)
		use();
	size_t pages = n(argv[2]);
	if (pages == 0)
		use();
	for (int i = 3; i < argc; i++)
		if (n(argv[i]) >= pages && cmd == DIRTY)
			use();
	ps = getpagesize();
	if (pages > (1ul << 40) / ps)
		errx(1, "%s pages: too many", argv[2]);
	len = pages * ps;
	int fd = memfd_create("guarded", MFD_CLOEXEC);
	if (fd < 0)
		err(1, "memfd_create");
	if (ftruncate(fd, len))
		err(1, "ftruncate");
	arena = mmap(NULL, len + 2 * ps, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (arena == MAP_FAILED)
		err(1, "mmap arena");
	work = mmap(arena + ps, len, cmd == DIRTY ? PROT_READ : PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, fd, 0);
	if (work == MAP_FAILED)
		err(1, "mmap buffer");
	look = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
	if (look == MAP_FAILED)
		err(1, "mmap view");
	if (close(fd))
		err(1, "close");
	struct sigaction s = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO };
	sigemptyset(&s.sa_mask);
	if (sigaction(SIGSEGV, &s, NULL))
		err(1, "sigaction");
	volatile unsigned char *w = work;
	if (cmd == DIRTY)
		for (int i = 3; i < argc; i++)
			w[n(argv[i]) * ps + (size_t)i % ps] = 0xD1;
	else
		for (size_t i = 0, m = n(argv[3]); i < m; i++)
			w[cmd == OVER ? i : len - 1 - i] = 1;
	if (cmd == DIRTY) {
		char *text = NULL;
		size_t tl;
		FILE *f = open_memstream(&text, &tl);
		if (!f)
			err(1, "open_memstream");
		fputs("dirty", f);
		/* only the pages of the arguments can be dirty, but asking the memory is nicer; a
		 * hole reads as zero */
		unsigned char *ask = calloc(pages, 1);
		if (!ask)
			err(1, "calloc");
		for (int i = 3; i < argc; i++)
			ask[n(argv[i])] = 1;
		for (size_t i = 0; i < pages; i++)
			if (ask[i] && memchr(look + i * ps, 0xD1, ps))
				fprintf(f, " %zu", i);
		fputc('\n', f);
		if (fclose(f))
			err(1, "text");
		if (munmap(arena, len + 2 * ps) || munmap(look, len))
			err(1, "munmap");
		for (size_t done = 0; done < tl;) {
			ssize_t k = write(1, text + done, tl - done);
			if (k < 0)
				err(1, "stdout");
			done += k;
		}
		return 0;
	}
	munmap(arena, len + 2 * ps);
	munmap(look, len);
	if (write(1, "ok\n", 3) != 3)
		err(1, "stdout");
	return 0;
}
