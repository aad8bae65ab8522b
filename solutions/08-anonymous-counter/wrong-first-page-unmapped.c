// expect: FAIL all-is-unmapped
/* The length of the log is taken for that of a pointer: its first page alone is unmapped. */
/* No lock at all: the counter's old value is the number of the log entry. */
#define _GNU_SOURCE
#include <errno.h>
#include <error.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static _Atomic unsigned *counter; /* mapping 1 */
static _Atomic int *ledger;	  /* mapping 2: pid by old value; 0: no step began there */

static bool parse(const char *text, unsigned *out)
{
	size_t n = strspn(text, "0123456789");
	if (n == 0 || text[n] != '\0')
		return false;
	unsigned long long v = 0;
	for (size_t i = 0; i < n; i++) {
		v = v * 10 + (unsigned)(text[i] - '0');
		if (v > 100000000ull)
			v = 100000000ull;
	}
	*out = (unsigned)v;
	return true;
}

static void step(unsigned by, int me)
{
	unsigned old = atomic_fetch_add(counter, by);
	atomic_store(&ledger[old], me);
}

int main(int argc, char *argv[])
{
	unsigned kid_steps, my_steps;

	if (argc != 3 || !parse(argv[1], &kid_steps) || !parse(argv[2], &my_steps)) {
		fputs("usage: counter CHILD_STEPS PARENT_STEPS\n", stderr);
		return 2;
	}
	if (kid_steps > 1000000 || my_steps > 1000000)
		error(1, ERANGE, "steps");
	size_t total = (size_t)kid_steps + 2 * (size_t)my_steps;
	size_t bytes = (total + 1) * sizeof *ledger;

	counter = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (counter == MAP_FAILED)
		error(1, errno, "mmap of the counter");
	ledger = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ledger == MAP_FAILED) {
		int e = errno;
		munmap(counter, sizeof *counter);
		error(1, e, "mmap of the log");
	}

	fflush(NULL);
	pid_t kid = fork();
	if (kid == -1)
		error(1, errno, "fork");
	if (kid == 0) {
		int me = getpid();
		for (unsigned i = kid_steps; i-- > 0;)
			step(1, me);
		munmap(ledger, bytes);
		munmap(counter, sizeof *counter);
		exit(EXIT_SUCCESS);
	}
	for (unsigned i = 0; i != my_steps; ++i)
		step(2, getpid());

	siginfo_t si = { 0 };
	int r;
	do
		r = waitid(P_PID, (id_t)kid, &si, WEXITED);
	while (r == -1 && errno == EINTR);
	if (r == -1)
		error(1, errno, "waitid");
	if (si.si_code != CLD_EXITED || si.si_status != 0)
		error(1, 0, "child: died or failed (%d)", si.si_status);

	unsigned end = atomic_load(counter);
	for (unsigned v = 0; v < end;) {
		int who = ledger[v];
		unsigned nv = v + (who == kid ? 1 : 2);
		if (printf("%s %d %u %u\n", who == kid ? "child" : "parent", who, v, nv) < 0)
			error(1, errno, "stdout");
		v = nv;
	}
	printf("final %u\n", end);
	munmap(counter, sizeof *counter);
	munmap(ledger, sizeof ledger);
	if (fclose(stdout))
		error(1, errno, "stdout");
	return 0;
}
