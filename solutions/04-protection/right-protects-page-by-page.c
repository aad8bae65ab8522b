/* mprotect and munmap for each page: a million pages take a while. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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
char *start; /* of everything */
char *buffer;
long page_size, number_of_pages;
long *touched;
long number_touched = 0;
int is_dirty = 0;
void print_number(long n)
{
	char digit;
	if (n < 0) {
		write(1, "-", 1);
		n = -n;
	}
	if (n >= 10)
		print_number(n / 10);
	digit = '0' + n % 10;
	if (write(1, &digit, 1) != 1) {
		write(2, "guard: write: error\n", 20);
		_exit(1);
	}
}
void my_handler(int sig, siginfo_t *info, void *unused)
{
	char *address = (char *)info->si_addr;
	(void)unused;
	if (address >= buffer && address < buffer + number_of_pages * page_size && is_dirty) {
		long page = (address - buffer) / page_size;
		if (mprotect(buffer + page * page_size, page_size, PROT_READ | PROT_WRITE) == -1) {
			write(2, "guard: mprotect: error\n", 23);
			_exit(1);
		}
		touched[number_touched++] = page;
		return;
	}
	if (!is_dirty && address >= start && address < buffer) {
		if (write(1, "guard below offset ", 19) != 19) {
			write(2, "guard: write: error\n", 20);
			_exit(1);
		}
		print_number(address - buffer);
		write(1, "\n", 1);
		_exit(3);
	}
	if (!is_dirty && address >= buffer + number_of_pages * page_size &&
	    address < buffer + (number_of_pages + 1) * page_size) {
		if (write(1, "guard above offset ", 19) != 19) {
			write(2, "guard: write: error\n", 20);
			_exit(1);
		}
		print_number(address - buffer);
		write(1, "\n", 1);
		_exit(3);
	}
	signal(sig, SIG_DFL);
}
int main(int argc, char *argv[])
{
	struct sigaction sa;
	long i, j, n = 0;
	if (argc < 4) {
		printf("");
		fprintf(stderr,
			"usage: guard overflow PAGES BYTES, guard underflow PAGES BYTES, guard dirty PAGES PAGE...\n");
		return 2;
	}
	if (strcmp(argv[1], "dirty") == 0)
		is_dirty = 1;
	else if (strcmp(argv[1], "overflow") != 0 && strcmp(argv[1], "underflow") != 0) {
		fprintf(stderr, "usage: unknown command %s\n", argv[1]);
		return 2;
	} else if (argc != 4) {
		fprintf(stderr, "usage: guard %s PAGES BYTES\n", argv[1]);
		return 2;
	}
	number_of_pages = number(argv[2]);
	if (number_of_pages <= 0) {
		fprintf(stderr, "usage: PAGES must be a number, 1 or more\n");
		return 2;
	}
	for (i = 3; i < argc; i++) {
		n = number(argv[i]);
		if (n < 0 || (is_dirty && n >= number_of_pages)) {
			fprintf(stderr, "usage: bad number %s\n", argv[i]);
			return 2;
		}
	}
	page_size = sysconf(_SC_PAGESIZE);
	if (number_of_pages > 1000000) {
		fprintf(stderr, "guard: PAGES: too many\n");
		return 1;
	}
	touched = malloc(argc * sizeof(long));
	if (touched == NULL) {
		perror("guard: malloc");
		return 1;
	}
	start = mmap(NULL, (number_of_pages + 2) * page_size, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (start == MAP_FAILED) {
		perror("guard: mmap");
		return 1;
	}
	buffer = start + page_size;
	for (i = 0; i < number_of_pages; i++)
		if (mprotect(buffer + i * page_size, page_size,
			     is_dirty ? PROT_READ : PROT_READ | PROT_WRITE) == -1) {
			perror("guard: mprotect");
			return 1;
		}
	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = my_handler;
	sa.sa_flags = SA_SIGINFO;
	if (sigaction(SIGSEGV, &sa, NULL) == -1) {
		perror("guard: sigaction");
		return 1;
	}
	volatile char *p = buffer;
	if (is_dirty) {
		for (i = 3; i < argc; i++)
			p[number(argv[i]) * page_size] = 'A';
	} else if (argv[1][0] == 'o') {
		for (i = 0; i < n; i++)
			p[i] = 'A';
	} else {
		for (i = 1; i <= n; i++)
			p[number_of_pages * page_size - i] = 'A';
	}
	for (i = 0; i < number_touched; i++)
		for (j = 0; j + 1 < number_touched; j++)
			if (touched[j] > touched[j + 1]) {
				long t = touched[j];
				touched[j] = touched[j + 1];
				touched[j + 1] = t;
			}
	for (i = 0; i < number_of_pages + 2; i++)
		munmap(start + i * page_size, page_size);
	if (is_dirty) {
		printf("dirty");
		for (i = 0; i < number_touched; i++)
			printf(" %ld", touched[i]);
		printf("\n");
	} else
		printf("ok\n");
	if (fflush(stdout) != 0) {
		perror("guard: stdout");
		return 1;
	}
	return 0;
}
