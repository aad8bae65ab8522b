/*
 * The pair as a plain number: the older half in the low bits or the high ones, as the machine has
 * it. Builtins of the compiler, a page more than needed, naps that add up, output by write(2).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef unsigned long long word;

static int die(const char *what)
{
	dprintf(2, "login: %s: %s\n", what, strerror(errno));
	exit(1);
}

static word pack(int pid, int counter)
{
	int two[2] = { pid, counter };
	word w;

	memcpy(&w, two, sizeof w);
	return w;
}

static int half(word w, int which)
{
	int two[2];

	memcpy(two, &w, sizeof two);
	return two[which];
}

static void say(word w)
{
	char line[64];
	int n = snprintf(line, sizeof line, "pid %d count %d\n", half(w, 0), half(w, 1));

	if (write(1, line, (size_t)n) != n)
		die("write");
}

static word *view(int fd, int protection)
{
	word *map = mmap(NULL, 8192, protection, MAP_SHARED, fd, 0);

	return map == MAP_FAILED ? die("mmap"), map : map;
}

static void *change(void *map)
{
	word *there = map, was, is = __atomic_load_n(there, __ATOMIC_SEQ_CST);

	do {
		was = is;
		is = __sync_val_compare_and_swap(there, was, pack(getpid(), half(was, 1) + 1));
	} while (is != was);
	return NULL;
}

static void changer(void)
{
	int fd = open("shared", O_RDWR | O_CLOEXEC);
	off_t size = fd < 0 ? die("open") : lseek(fd, 0, SEEK_END);
	pthread_t worker;

	if (size < 8)
		errno = size < 0 ? errno : EBADMSG, die("shared");
	if ((errno = pthread_create(&worker, NULL, change, view(fd, PROT_READ | PROT_WRITE))) ||
	    (errno = pthread_join(worker, NULL)))
		die("thread");
}

static void monitor(word left)
{
	int fd = open("shared", O_CREAT | O_RDWR, 0644);
	word *there = fd < 0 ? die("open"), NULL : view(fd, PROT_READ | PROT_WRITE);
	struct stat st;

	/* Mapped first, made long enough afterwards: legal as long as nobody looks in between. */
	if (fstat(fd, &st) < 0 || (st.st_size < 8 && ftruncate(fd, 8) < 0))
		die("size");

	word last = __atomic_load_n(there, __ATOMIC_ACQUIRE);
	for (say(last), left--; left;) {
		for (int nap = 0; nap < 4; nap++)
			usleep(25000);
		word now = __atomic_load_n(there, __ATOMIC_ACQUIRE);
		if (now != last)
			say(last = now), left--;
	}
}

int main(int argc, char **argv)
{
	word changes = 0;
	char *end = argc == 3 ? argv[2] : NULL;

	while (end && *end >= '0' && *end <= '9')
		changes = changes > ~0ull / 20 ? changes : changes * 10 + (word)(*end++ - '0');
	if (argc == 2 && !strcmp(argv[1], "changer"))
		changer();
	else if (argc == 2 && !strcmp(argv[1], "monitor"))
		monitor(0);
	else if (argc == 3 && !strcmp(argv[1], "monitor") && changes && !*end)
		monitor(changes);
	else
		return dprintf(2, "usage: login monitor [CHANGES]\nusage: login changer\n"), 2;
	return 0;
}
