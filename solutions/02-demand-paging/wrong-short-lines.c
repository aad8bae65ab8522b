// expect: FAIL resident-as-smaps
// Reads smaps in lines of 128 bytes: where the path is long, its end is lost, and FILE is not
// found.
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *prog = "demand";
static size_t page_size;
static char *map;
static size_t total;
static int file;
static struct stat status;
static const char *name;

static void die(const char *format, ...)
{
	va_list ap;
	fflush(stdout);
	fprintf(stderr, "%s: ", prog);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static void usage(void)
{
	fprintf(stderr, "usage: %s FILE PAGE...\n", prog);
	exit(2);
}

/* 0: not a number; 1: fits; a number that is too big becomes the largest */
static int parse(const char *text, size_t *value)
{
	if (*text == 0)
		return 0;
	for (const char *p = text; *p; p++)
		if (!isdigit((unsigned char)*p))
			return 0;
	errno = 0;
	*value = strtoull(text, NULL, 10);
	if (errno)
		*value = SIZE_MAX;
	return 1;
}

static long faults(void)
{
	struct rusage u = { 0 };
	if (getrusage(RUSAGE_SELF, &u) != 0)
		die("getrusage: %s", strerror(errno));
	return u.ru_minflt + u.ru_majflt;
}

static long resident_kb(void)
{
	/* name compared, in a line of 128 bytes */
	FILE *f = fopen("/proc/self/smaps", "r");
	char line[128], *full = realpath(name, NULL);
	long sum = 0, kb;
	int ours = 0;
	if (f == NULL || full == NULL)
		die("smaps: %s", strerror(errno));
	while (fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = 0;
		if (strchr(line, '-') && !strncmp(line + strspn(line, "0123456789abcdef"), "-", 1))
			ours = strstr(line, full) != NULL;
		else if (ours && sscanf(line, "Rss: %ld kB", &kb) == 1)
			sum += kb;
	}
	fclose(f);
	free(full);
	return sum;
}

static void map_file(void)
{
	map = mmap(NULL, total * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE,
		   file, 0);
	if (map == MAP_FAILED)
		die("mmap: %s", strerror(errno));
}

static long touch(size_t n)
{
	volatile char *p = map + n * page_size;
	long before = faults();
	*p = 'x';
	return faults() - before;
}

static size_t cached(void)
{
	unsigned char *vec = malloc(total);
	size_t count = 0;

	if (vec == NULL || mincore(map, total * page_size, vec) != 0)
		die("mincore: %s", strerror(errno));
	for (size_t i = 0; i < total; i++)
		count += vec[i] & 1;
	free(vec);
	return count;
}

int main(int argc, char **argv)
{
	size_t n;

	name = argv[1];
	if (argc < 3)
		usage();
	for (int i = 2; i < argc; i++)
		if (!parse(argv[i], &n))
			usage();
	page_size = sysconf(_SC_PAGESIZE);
	file = open(argv[1], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (file < 0 || fstat(file, &status) != 0)
		die("%s: %s", argv[1], strerror(errno));
	if (!S_ISREG(status.st_mode))
		die("%s: not a regular file", argv[1]);
	total = (status.st_size + page_size - 1) / page_size;
	for (int i = 2; i < argc; i++) {
		parse(argv[i], &n);
		if (n >= total)
			die("page %s: the file has %zu pages", argv[i], total);
	}
	map_file();
	faults();
	for (int i = 2; i < argc; i++) {
		parse(argv[i], &n);
		long f = touch(n);
		long k = resident_kb();
		printf("page %zu resident_kb %ld faults %ld\n", n, k, f);
	}
	size_t c = cached();
	printf("cached %zu of %zu\n", c, total);
	if (fflush(stdout) != 0 || ferror(stdout))
		die("stdout: %s", strerror(errno));
	return 0;
}
