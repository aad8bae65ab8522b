// expect: FAIL one-page-a-touch
// One page of address space shows each page in its turn: what was resident before is gone.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct visited {
	uintmax_t page;
	volatile const char *byte;
};

static void die(const char *what, int error)
{
	fprintf(stderr, "demand: %s: %s\n", what, strerror(error));
	exit(EXIT_FAILURE);
}

static volatile const char *place_of(struct visited *seen, size_t *count, uintmax_t page, int fd)
{
	long size = sysconf(_SC_PAGESIZE);

	static void *window;
	int place = window ? MAP_FIXED : 0;

	if (*count > 0 && seen[*count - 1].page == page)
		return seen[*count - 1].byte;

	void *map = window = mmap(window, (size_t)size, PROT_READ, MAP_SHARED | place, fd,
				  (off_t)page * size);
	if (map == MAP_FAILED)
		die("mmap", errno);
	seen[*count] = (struct visited){ page, map };
	return seen[(*count)++].byte;
}

/* The mappings are all over the place: know them by device and inode. */
static uintmax_t rss_of(const struct stat *st)
{
	char line[8192];
	uintmax_t sum = 0, inode, kb;
	unsigned major_of, minor_of;
	int ours = 0;
	FILE *smaps = fopen("/proc/self/smaps", "r");

	if (!smaps)
		die("smaps", errno);
	while (fgets(line, sizeof line, smaps)) {
		if (sscanf(line, "%*x-%*x %*s %*x %x:%x %ju", &major_of, &minor_of, &inode) == 3)
			ours = inode == st->st_ino && makedev(major_of, minor_of) == st->st_dev;
		else if (ours && sscanf(line, "Rss: %ju", &kb) == 1)
			sum += kb;
	}
	fclose(smaps);
	return sum;
}

int main(int argc, char **argv)
{
	struct rusage before, after;
	struct stat st;
	size_t visits = 0;

	for (int i = 2; i < argc; i++)
		if (!*argv[i] || strspn(argv[i], "0123456789") != strlen(argv[i]))
			argc = 0;
	if (argc < 3) {
		fputs("usage: demand FILE PAGE...\n", stderr);
		return 2;
	}
	if (stat(argv[1], &st))
		die(argv[1], errno);
	if (!S_ISREG(st.st_mode))
		die(argv[1], EINVAL);

	int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(argv[1], errno);

	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	uintmax_t pages = (uintmax_t)st.st_size / size + ((uintmax_t)st.st_size % size > 0);
	for (int i = 2; i < argc; i++)
		if (strtoumax(argv[i], NULL, 10) >= pages)
			die(argv[i], ERANGE);

	struct visited *seen = calloc((size_t)argc, sizeof *seen);
	if (!seen)
		die("calloc", errno);
	for (int i = 2; i < argc; i++) {
		volatile const char *byte = place_of(seen, &visits, strtoumax(argv[i], NULL, 10),
						     fd);

		getrusage(RUSAGE_SELF, &before);
		*byte;
		getrusage(RUSAGE_SELF, &after);
		printf("page %ju resident_kb %ju faults %ld\n", strtoumax(argv[i], NULL, 10),
		       rss_of(&st),
		       after.ru_minflt - before.ru_minflt + after.ru_majflt - before.ru_majflt);
	}

	/* A last mapping, of the whole, for mincore() alone; nothing of it is ever touched. */
	void *whole = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	unsigned char *in = malloc(pages);
	uintmax_t cached = 0;
	if (whole == MAP_FAILED || !in || mincore(whole, (size_t)st.st_size, in))
		die("mincore", errno);
	for (uintmax_t i = 0; i < pages; i++)
		cached += in[i] & 1u;
	if (printf("cached %ju of %ju\n", cached, pages) < 0 || fclose(stdout))
		die("stdout", errno);
	return 0;
}
