// expect: FAIL keeps-the-bytes
// The monitor stores the pair that it has just loaded: what came in between is gone.
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SHARED "shared"

/* What the file holds, and the same bytes as the one word that is loaded and stored. */
union login {
	struct {
		int32_t pid, counter;
	} is;
	uint64_t word;
};
_Static_assert(sizeof(union login) == 8, "the file has 8 bytes");

static void fail(const char *what)
{
	fprintf(stderr, "login: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int usage(void)
{
	fprintf(stderr, "usage: login monitor [CHANGES]\n"
			"       login changer\n");
	return 2;
}

static int is_number(const char *text)
{
	return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static off_t size_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		fail("fstat");
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		fail(SHARED);
	}
	return st.st_size;
}

static _Atomic uint64_t *map_word(int fd, int protection)
{
	void *map = mmap(NULL, sizeof(uint64_t), protection, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		fail("mmap");
	close(fd);
	return map;
}

static void print(union login now)
{
	printf("pid %d count %d\n", (int)now.is.pid, (int)now.is.counter);
	if (fflush(stdout) == EOF)
		fail("standard output");
}

/* Runs until it has printed so many lines. */
static void monitor(unsigned long long changes)
{
	const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
	int fd = open(SHARED, O_RDWR | O_CREAT, 0644);
	union login now, last;

	if (fd == -1)
		fail(SHARED);
	/* Never shorter, so never smaller than what another program has mapped. */
	if (size_of(fd) < (off_t)sizeof(union login) && ftruncate(fd, sizeof(union login)) == -1)
		fail("ftruncate");

	_Atomic uint64_t *shared = map_word(fd, PROT_READ | PROT_WRITE);

	/* One load a look: what is compared, kept and printed is the same pair. */
	last.word = atomic_load(shared);
	atomic_store(shared, last.word);
	print(last);
	for (unsigned long long lines = 1; lines < changes;) {
		nanosleep(&pause, NULL);
		now.word = atomic_load(shared);
		if (now.word != last.word) {
			print(now);
			last = now;
			lines++;
		}
	}
}

static void changer(void)
{
	int fd = open(SHARED, O_RDWR | O_NONBLOCK);
	union login old, new;

	if (fd == -1)
		fail(SHARED);
	if (size_of(fd) < (off_t)sizeof(union login)) {
		errno = ENODATA;
		fail(SHARED);
	}

	_Atomic uint64_t *shared = map_word(fd, PROT_READ | PROT_WRITE);

	/* Where another changer was faster, `old` is what it left, and the sum is made again. */
	old.word = atomic_load(shared);
	do {
		new.is.pid = (int32_t)getpid();
		new.is.counter = old.is.counter + 1;
	} while (!atomic_compare_exchange_strong(shared, &old.word, new.word));
}

int main(int argc, char *argv[])
{
	if (argc == 2 && strcmp(argv[1], "changer") == 0) {
		changer();
		return 0;
	}
	if (argc < 2 || argc > 3 || strcmp(argv[1], "monitor") != 0)
		return usage();

	unsigned long long changes = -1ULL;

	if (argc == 3) {
		changes = is_number(argv[2]) ? strtoull(argv[2], NULL, 10) : 0;
		if (changes == 0)
			return usage();
	}
	monitor(changes);
	return 0;
}
