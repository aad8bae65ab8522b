// expect: FAIL steps-exclude-each-other
/* Fifty tries, one a millisecond, and then it goes on without the lock. */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
struct e {
	int who;
	pid_t pid;
	long old, new;
};
struct s {
	sem_t m;
	long c, n;
	struct e log[];
} * S;
static long num(const char *s)
{
	if (!*s)
		goto bad;
	for (const char *p = s; *p; p++)
		if (!isdigit((unsigned char)*p))
			goto bad;
	errno = 0;
	long v = strtol(s, NULL, 10);
	if (errno || v > 5000)
		errx(1, "%s: too many steps", s);
	return v;
bad:
	fprintf(stderr, "usage: counter CHILD_STEPS PARENT_STEPS\n");
	exit(2);
}
static void run(long k, int who)
{
	while (k--) {
		for (int i = 0; i < 50 && sem_trywait(&S->m); i++)
			usleep(1000);
		long o = S->c;
		S->log[S->n++] = (struct e){ who, getpid(), o, S->c = o + who };
		if (sem_post(&S->m))
			err(1, "sem_post");
	}
}
int main(int c, char **v)
{
	if (c != 3) {
		fprintf(stderr, "usage: counter CHILD_STEPS PARENT_STEPS\n");
		return 2;
	}
	long a = num(v[1]), b = num(v[2]);
	size_t z = sizeof *S + (a + b) * sizeof(struct e);
	S = mmap(0, z, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (S == MAP_FAILED)
		err(1, "mmap");
	if (sem_init(&S->m, 1, 1))
		err(1, "sem_init");
	pid_t p = fork();
	if (p < 0)
		err(1, "fork");
	if (!p) {
		run(a, 1);
		if (munmap(S, z))
			_exit(1);
		_exit(0);
	}
	run(b, 2);
	int st;
	while (wait(&st) < 0)
		if (errno != EINTR)
			err(1, "wait");
	if (st)
		errx(1, "child: ended badly (status %#x)", st);
	for (long i = 0; i < S->n; i++)
		printf("%s %d %ld %ld\n", S->log[i].who == 1 ? "child" : "parent",
		       (int)S->log[i].pid, S->log[i].old, S->log[i].new);
	printf("final %ld\n", S->c);
	munmap(S, z);
	if (fflush(stdout) || ferror(stdout))
		err(1, "stdout");
	return 0;
}
