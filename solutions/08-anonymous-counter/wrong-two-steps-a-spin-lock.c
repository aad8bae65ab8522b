// expect: FAIL steps-interleave
/* The spin lock is let go after every second step only. */
/* a spin lock by xchg and pause, with sched_yield now and then; log as a list of offsets from the
 * far end */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#define SIZE (2u << 20)
struct node {
	uint32_t next;
	uint32_t pid;
	uint32_t was, is;
};
struct head {
	volatile uint32_t lock;
	char gap[60];
	uint32_t first, last, free_from;
	uint64_t sum;
};
static unsigned char *mem;
#define H      ((struct head *)mem)
#define N(off) ((struct node *)(mem + (off)))
static uint32_t xchg(volatile uint32_t *p, uint32_t v)
{
	__asm__ volatile("xchgl %0, %1" : "+r"(v), "+m"(*p) : : "memory");
	return v;
}
static void in(void)
{
	int k = 0;
	while (xchg(&H->lock, 1)) {
		__asm__ volatile("pause");
		if (++k % 100 == 0)
			sched_yield();
	}
}
static void out(void)
{
	__asm__ volatile("" ::: "memory");
	__atomic_store_n(&H->lock, 0, __ATOMIC_RELEASE);
}
static unsigned count;
static void add(uint32_t d)
{
	if (count++ % 2 == 0)
		in();
	uint32_t at = H->free_from -= sizeof(struct node);
	N(at)->next = 0;
	N(at)->pid = getpid();
	N(at)->was = H->sum;
	N(at)->is = H->sum += d;
	if (H->last)
		N(H->last)->next = at;
	else
		H->first = at;
	H->last = at;
	if (count % 2 == 0)
		out();
}
static int die(const char *w)
{
	fprintf(stderr, "counter: %s: %s\n", w, strerror(errno));
	return 1;
}
static int bad(void)
{
	return fputs("usage: counter CHILD_STEPS PARENT_STEPS\n", stderr), 2;
}
int main(int c, char **v)
{
	unsigned long n[2];
	if (c != 3)
		return bad();
	for (int i = 0; i < 2; i++) {
		if (v[i + 1][0] == '\0' || v[i + 1][strspn(v[i + 1], "0123456789")])
			return bad();
		errno = 0;
		n[i] = strtoul(v[i + 1], 0, 10);
		if (errno)
			return die(v[i + 1]);
		if (n[i] > 50000) {
			errno = ERANGE;
			return die(v[i + 1]);
		}
	}
	mem = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		return die("mmap");
	H->free_from = SIZE;
	pid_t kid = fork();
	if (kid == -1)
		return die("fork");
	for (unsigned long i = 0; i < n[kid != 0]; i++)
		add(kid ? 2 : 1);
	if (count % 2)
		out();
	if (!kid) {
		munmap(mem, SIZE);
		return 0;
	}
	int st;
	pid_t w;
	for (;;) {
		w = wait3(&st, 0, 0);
		if (w == kid)
			break;
		if (w == -1 && errno != EINTR)
			return die("wait3");
	}
	if (st) {
		errno = ECHILD;
		return die("child");
	}
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	if (!f)
		return die("open_memstream");
	for (uint32_t o = H->first; o; o = N(o)->next)
		fprintf(f, "%s %u %u %u\n", N(o)->pid == (uint32_t)kid ? "child" : "parent",
			N(o)->pid, N(o)->was, N(o)->is);
	fprintf(f, "final %llu\n", (unsigned long long)H->sum);
	if (fclose(f))
		return die("memory");
	if (munmap(mem, SIZE))
		return die("munmap");
	if (fwrite(text, 1, len, stdout) != len || fflush(stdout))
		return die("stdout");
	free(text);
	return 0;
}
