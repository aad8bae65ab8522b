// expect: FAIL bytes-in-order
/* When BYTES are too many, the guard is written to at once, before all the bytes inside. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
static long number(const char *s)
{
	long v = 0;
	const char *t;
	if (*s == 0)
		return -1;
	for (t = s; *t; t++) {
		if (*t < '0' || *t > '9')
			return -1;
		if (__builtin_mul_overflow(v, 10L, &v) ||
		    __builtin_add_overflow(v, (long)(*t - '0'), &v))
			return -1;
	}
	return v;
}
#define TRY(what, call)                                                            \
	({                                                                         \
		__auto_type r_ = (call);                                           \
		if ((long)r_ == -1) {                                              \
			fprintf(stderr, "guard: %s: %s\n", what, strerror(errno)); \
			exit(1);                                                   \
		}                                                                  \
		r_;                                                                \
	})
struct area {
	char *p;
	size_t n;
};
static struct area whole;
static char *buffer;
static size_t pg, bytes_;
static int is_dirty;
static void release(struct area *a)
{
	if (a->p && munmap(a->p, a->n)) {
		perror("guard: munmap");
		_exit(1);
	}
}
static void fault(int sig, siginfo_t *si, void *uc)
{
	ucontext_t *u = uc;
	char *a = (char *)u->uc_mcontext.gregs[REG_CR2];
	long write_fault = u->uc_mcontext.gregs[REG_ERR] & 2;
	if (a != si->si_addr || !write_fault) {
		signal(sig, SIG_DFL);
		return;
	}
	if (is_dirty) {
		size_t k = (size_t)(a - buffer) / pg;
		if (a < buffer || k >= bytes_ / pg) {
			signal(sig, SIG_DFL);
			return;
		}
		if (mprotect(buffer + k * pg, pg, PROT_READ | PROT_WRITE) == -1) {
			(void)!write(2, "guard: mprotect: sorry\n", 23);
			_exit(1);
		}
		return;
	}
	if (a < whole.p || a >= whole.p + whole.n) {
		signal(sig, SIG_DFL);
		return;
	}
	long o = a - buffer;
	char line[] = "guard above offset                          ";
	int at = 19;
	if (o < 0) {
		memcpy(line + 6, "below", 5);
		line[at++] = '-';
	}
	unsigned long v = o < 0 ? -o : o, d = 1;
	while (v / d > 9)
		d *= 10;
	for (; d; d /= 10)
		line[at++] = (char)('0' + v / d % 10);
	line[at++] = '\n';
	if (write(1, line, at) != at) {
		(void)!write(2, "guard: stdout: full\n", 20);
		_exit(1);
	}
	_exit(3);
}
static void fill(volatile char *p, size_t n, int up)
{
	if (n == 0)
		return;
	if (n == 1) {
		*p = 'f';
		return;
	}
	size_t half = n / 2;
	fill(p, half, up);
	fill(up ? p + half : p - half, n - half, up);
}
static int run(int argc, char **argv, char *big)
{
	static char use[] =
		"usage: guard overflow|underflow PAGES BYTES | guard dirty PAGES PAGE...";
	int usage(void)
	{
		fprintf(stderr, "%s\n", use);
		return 2;
	}
	if (argc < 4)
		return usage();
	char c = !strcmp(argv[1], "overflow")	 ? 'o'
		 : !strcmp(argv[1], "underflow") ? 'u'
		 : !strcmp(argv[1], "dirty")	 ? 'd'
						 : 0;
	long pages = number(argv[2]);
	if (!c || pages < 1 || (c != 'd' && argc != 4))
		return usage();
	for (int i = 3; i < argc; i++) {
		long v = number(argv[i]);
		if (v < 0 || (c == 'd' && v >= pages))
			return usage();
	}
	pg = sysconf(_SC_PAGESIZE);
	if (__builtin_mul_overflow((size_t)pages, pg, &bytes_) || bytes_ > 1ul << 46) {
		errno = ENOMEM;
		TRY("PAGES", -1);
	}
	is_dirty = c == 'd';
	{
		struct area a __attribute__((cleanup(release))) = { NULL, bytes_ + 2 * pg };
		a.p = TRY("mmap", mmap(NULL, a.n, PROT_READ,
				       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
		whole = a;
		buffer = a.p + pg;
		TRY("mprotect", mprotect(a.p, pg, PROT_NONE));
		TRY("mprotect", mprotect(buffer + bytes_, pg, PROT_NONE));
		if (!is_dirty)
			TRY("mprotect", mprotect(buffer, bytes_, PROT_READ | PROT_WRITE));
		struct sigaction sa = { .sa_flags = SA_SIGINFO, .sa_sigaction = fault };
		TRY("sigaction", sigaction(SIGSEGV, &sa, NULL));
		if (is_dirty) {
			for (int i = argc; i-- > 3;)
				((volatile char *)buffer)[number(argv[i]) * pg] = 1;
		} else {
			size_t n = number(argv[3]);
			if (n > bytes_)
				n = bytes_ + 1; /* further it cannot come */
			if (n > bytes_) {
				*(volatile char *)(c == 'o' ? buffer + bytes_ : buffer - 1) = 1;
			}
			fill(c == 'o' ? buffer : buffer + bytes_ - 1, n, c == 'o');
		}
		/* printed into the buffer of stdout only; the mapping goes before the bytes do */
		setvbuf(stdout, big, _IOFBF, 16u << 20);
		if (!is_dirty)
			printf("ok\n");
		else {
			char *seen = calloc(1, pages);
			if (!seen) {
				perror("guard: calloc");
				return 1;
			}
			for (int i = 3; i < argc; i++)
				seen[number(argv[i])] = 1;
			printf("dirty");
			for (long i = 0; i < pages; i++)
				if (seen[i])
					printf(" %ld", i);
			printf("\n");
			free(seen);
		}
	}
	if (fclose(stdout)) {
		fprintf(stderr, "guard: stdout: %s\n", strerror(errno));
		_exit(1);
	}
	return 0;
}
int main(int argc, char **argv)
{
	char *big = malloc(16u << 20);
	if (!big) {
		perror("guard: malloc");
		return 1;
	}
	return run(argc, argv, big);
}
