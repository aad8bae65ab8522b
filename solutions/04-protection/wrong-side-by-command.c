// expect: FAIL guard-hit-is-reported
/* above or below is told by the command: a hit on the other guard is told wrongly. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
char *a, *b, *c, *d; /* below, buffer, above, end */
long ps, np, nb;
int how;
char line[40];
char *prog;
int usage()
{
	fprintf(stderr,
		"usage: %s overflow|underflow pages bytes\nusage: %s dirty pages page ...\n", prog,
		prog);
	exit(2);
	return 0;
}
int quit(s)
char *s;
{
	fprintf(stderr, "%s: ", prog);
	perror(s);
	exit(1);
	return 0;
}
long num(s)
char *s;
{
	long v;
	int n = -1;
	if (strlen(s) == 0 || strspn(s, "0123456789") != strlen(s))
		usage();
	while (*s == '0' && s[1])
		s++;
	if (strlen(s) > 19 || (strlen(s) == 19 && strcmp(s, "9223372036854775807") > 0)) {
		fprintf(stderr, "%s: %s: too large\n", prog, s);
		exit(1);
	}
	if (sscanf(s, "%ld%n", &v, &n) != 1)
		usage();
	return v;
}
void trap(sig, si, uc) int sig;
siginfo_t *si;
void *uc;
{
	char *x = si->si_addr, *p = line + 39;
	long v, neg;
	(void)uc;
	if (x < a || x >= d) {
		signal(SIGSEGV, SIG_DFL);
		return;
	}
	if (x >= b && x < c) {
		if (how != 'd') {
			signal(SIGSEGV, SIG_DFL);
			return;
		}
		x -= (x - b) % ps;
		if (mprotect(x, ps, PROT_READ | PROT_WRITE) != 0) {
			write(2, prog, strlen(prog));
			write(2, ": mprotect: failed\n", 19);
			_exit(1);
		}
		return;
	}
	if (how == 'd') {
		signal(SIGSEGV, SIG_DFL);
		return;
	}
	v = x - b;
	neg = how == 'u';
	if (v < 0)
		v = -v;
	*p = '\n';
	do
		*--p = '0' + v % 10;
	while ((v /= 10) != 0);
	if (neg)
		*--p = '-';
	if (write(1, neg ? "guard below offset " : "guard above offset ", 19) != 19 ||
	    write(1, p, line + 40 - p) != line + 40 - p) {
		write(2, "guard: stdout: failed\n", 22);
		_exit(1);
	}
	_exit(3);
}
int main(argc, argv)
int argc;
char **argv;
{
	int i;
	long k;
	char *bits;
	struct sigaction sa;
	volatile char *w;
	prog = argc > 0 ? argv[0] : "guard";
	if (argc < 4)
		usage();
	if (strcmp(argv[1], "overflow") == 0)
		how = 'o';
	else if (strcmp(argv[1], "underflow") == 0)
		how = 'u';
	else if (strcmp(argv[1], "dirty") == 0)
		how = 'd';
	else
		usage();
	if (how != 'd' && argc != 4)
		usage();
	np = num(argv[2]);
	if (np == 0)
		usage();
	for (i = 3; i < argc; i++) {
		nb = num(argv[i]);
		if (how == 'd' && nb >= np)
			usage();
	}
	ps = getpagesize();
	if (np > 100000000L) {
		fprintf(stderr, "%s: pages: too many\n", prog);
		exit(1);
	}
	a = mmap(0, (np + 2) * ps, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (a == (char *)-1)
		quit("mmap");
	b = a + ps;
	c = b + np * ps;
	d = c + ps;
	if (mprotect(b, np * ps, how == 'd' ? PROT_READ : PROT_READ | PROT_WRITE) < 0)
		quit("mprotect");
	memset(&sa, 0, sizeof sa);
	sa.sa_sigaction = trap;
	sa.sa_flags = SA_SIGINFO;
	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGSEGV, &sa, (struct sigaction *)0) < 0)
		quit("sigaction");
	bits = calloc(np / 8 + 1, 1);
	if (bits == 0)
		quit("calloc");
	k = 0;
	if (how == 'u')
		goto under;
	if (how == 'd')
		goto dirty;
over:
	if (k >= nb)
		goto done;
	w = b + k;
	*w = 'x';
	k++;
	goto over;
under:
	if (k >= nb)
		goto done;
	w = c - 1 - k;
	*w = 'x';
	k++;
	goto under;
dirty:
	for (i = 3; i < argc; i++) {
		k = num(argv[i]);
		bits[k >> 3] |= 1 << (k & 7);
		w = b + k * ps;
		*w = 'x';
	}
done:
	munmap(a, (np + 2) * ps);
	if (how != 'd')
		printf("ok\n");
	else {
		printf("dirty");
		for (k = 0; k < np; k++)
			if (bits[k >> 3] & 1 << (k & 7))
				printf(" %ld", k);
		printf("\n");
	}
	if (fclose(stdout) == EOF)
		quit("stdout");
	return 0;
}
