// expect: FAIL one-page-a-touch
// Touches page N+1 where N was asked for; the figures are those of a page all the same.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static struct stat st;
static long page;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "demand: %s: %s\n", what, why);
	exit(1);
}

static void usage(void)
{
	fprintf(stderr, "usage: demand FILE PAGE...\n");
	exit(2);
}

static long faults(void)
{
	struct rusage r;

	if (getrusage(RUSAGE_SELF, &r) < 0)
		die("getrusage", strerror(errno));
	return r.ru_minflt + r.ru_majflt;
}

static long resident(void)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	char *line = NULL;
	size_t room = 0;
	int ours = 0;
	long sum = 0;

	if (!f)
		die("/proc/self/smaps", strerror(errno));
	while (getline(&line, &room, f) > 0) {
		unsigned long from, to, off, ino;
		unsigned ma, mi;
		char mode[5];
		long kb;

		if (sscanf(line, "%lx-%lx %4s %lx %x:%x %lu", &from, &to, mode, &off, &ma, &mi,
			   &ino) == 7)
			ours = ino == st.st_ino && ma == major(st.st_dev) && mi == minor(st.st_dev);
		else if (ours && sscanf(line, "Rss: %ld kB", &kb) == 1)
			sum += kb;
	}
	free(line);
	fclose(f);
	return sum;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		usage();
	for (int i = 2; i < argc; i++)
		if (!argv[i][0] || argv[i][strspn(argv[i], "0123456789")])
			usage();
	page = sysconf(_SC_PAGESIZE);
	int fd = open(argv[1], O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		die(argv[1], strerror(errno));
	if (fstat(fd, &st) < 0)
		die(argv[1], strerror(errno));
	if (!S_ISREG(st.st_mode))
		die(argv[1], "not a regular file");
	size_t n = st.st_size;
	size_t total = n / page + (n % page != 0);
	size_t *want = calloc(argc, sizeof *want);
	for (int i = 2; i < argc; i++) {
		errno = 0;
		want[i] = strtoull(argv[i], NULL, 10);
		if (errno || want[i] >= total)
			die(argv[i], "no such page");
	}
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
	if (p == MAP_FAILED)
		die("mmap", strerror(errno));
	close(fd);
	for (int i = 2; i < argc; i++) {
		volatile char *at = p + (want[i] + 1 < total ? want[i] + 1 : want[i]) * page;
		long before = faults();
		*at = 1;
		long after = faults();
		printf("page %zu resident_kb %ld faults %ld\n", want[i], resident(),
		       after - before);
	}
	unsigned char *vec = malloc(total);
	if (!vec || mincore(p, n, vec) < 0)
		die("mincore", strerror(errno));
	size_t cached = 0;
	for (size_t i = 0; i < total; i++)
		cached += vec[i] & 1;
	printf("cached %zu of %zu\n", cached, total);
	free(vec);
	munmap(p, n);
	if (fflush(stdout) == EOF || ferror(stdout))
		die("stdout", strerror(errno));
	return 0;
}
