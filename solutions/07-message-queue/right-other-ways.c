/* Where posix_fallocate(3) fails, ftruncate(2) will do; where a mapping with MAP_POPULATE fails,
 * one without. create looks at its own work in the end. */
#define _GNU_SOURCE
#include "message_queue.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAY(what, why)                                                               \
	do {                                                                         \
		char m_[512];                                                        \
		int n_ = snprintf(m_, sizeof m_, "%s: %s: %s\n", *argv_, what, why); \
		if (write(STDERR_FILENO, m_, n_) < 0) {                              \
		}                                                                    \
		exit(1);                                                             \
	} while (0)
#define WAIT(sem)                                         \
	do {                                              \
		if (sem_wait(sem) == 0)                   \
			break;                            \
		if (errno != EINTR)                       \
			SAY("sem_wait", strerror(errno)); \
	} while (1)
#define POST(sem)                                         \
	do {                                              \
		if (sem_post(sem) != 0)                   \
			SAY("sem_post", strerror(errno)); \
	} while (0)

static char **argv_;
static struct message_queue *q;

static void map_halves(int fd)
{
	long page = sysconf(_SC_PAGESIZE);
	size_t whole = (sizeof *q + page - 1) / page * page;
	char *room = mmap(NULL, whole + 2 * page, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		SAY("mmap", strerror(errno));
	for (size_t o = 0; o < whole; o += page)
		if (mmap(room + page + o, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			 o) == MAP_FAILED)
			SAY("mmap", strerror(errno));
	q = (void *)(room + page);
}
static int check(const char *file)
{
	struct stat st;
	int fd = open(file, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd == -1)
		SAY(file, errno == ELOOP ? "a symbolic link" : strerror(errno));
	if (fstat(fd, &st) == -1)
		SAY(file, strerror(errno));
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		break;
	case S_IFDIR:
		SAY(file, "a directory");
	case S_IFIFO:
		SAY(file, "a FIFO");
	default:
		SAY(file, "something odd");
	}
	if (st.st_size < (off_t)sizeof *q)
		SAY(file, "too short");
	if (st.st_size > (off_t)sizeof *q)
		SAY(file, "too long");
	map_halves(fd);
	if (!atomic_compare_exchange_strong(&q->magic, &(uint32_t){ QUEUE_MAGIC }, QUEUE_MAGIC))
		SAY(file, "no queue");
	if (q->version != 1)
		SAY(file, "not version 1");
	return fd;
}
static void unfinished(const char *file, int e)
{
	unlink(file);
	SAY(file, strerror(e));
}
int main(int argc, char **argv)
{
	argv_ = argv;
	opterr = 0;
	if (getopt(argc, argv, "+") != -1 || argc - optind < 2)
		goto usage;
	char *cmd = argv[optind], *file = argv[optind + 1], *count = argv[optind + 2];
	int rest = argc - optind - 2;
	if (!strcmp(cmd, "create") && rest == 0) {
		int fd = open(file, O_RDWR | O_CREAT | O_EXCL, 0600);
		if (fd == -1)
			SAY(file, strerror(errno));
		if (posix_fallocate(fd, 0, sizeof *q) != 0 && ftruncate(fd, sizeof *q) == -1)
			unfinished(file, errno);
		void *p = mmap(NULL, sizeof *q, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			       fd, 0);
		if (p == MAP_FAILED)
			p = mmap(NULL, sizeof *q, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
		if (p == MAP_FAILED)
			unfinished(file, errno);
		q = p;
		q->magic = 0;
		q->version = 1;
		if (sem_init(&q->free_slots, 1, QUEUE_SLOTS) | sem_init(&q->used_slots, 1, 0) |
		    sem_init(&q->lock, 1, 1))
			unfinished(file, errno);
		/* all slots start empty; done under the queue's own lock, for the sake of order */
		WAIT(&q->lock);
		for (int i = QUEUE_SLOTS - 1; i >= 0; i--)
			memset(q->text[i], 0, QUEUE_TEXT);
		q->read_index = 0;
		q->write_index = 0;
		POST(&q->lock);
		if (chmod(file, 0600) == -1)
			unfinished(file, errno);
		__atomic_store_n((uint32_t *)&q->magic, QUEUE_MAGIC, __ATOMIC_SEQ_CST);
		munmap(q, sizeof *q);
		check(file);
		return 0;
	}
	if (!strcmp(cmd, "send") && rest == 0) {
		int fd = check(file);
		char *l = NULL;
		size_t cap = 0, n = 0;
		for (;;) {
			if (n + 1 >= cap && !(l = realloc(l, cap = cap ? 2 * cap : 8)))
				SAY("realloc", strerror(errno));
			ssize_t r = read(STDIN_FILENO, l + n, 1);
			if (r == -1 && errno == EINTR)
				continue;
			if (r == -1)
				SAY("stdin", strerror(errno));
			if (r == 0 && n == 0)
				break;
			if (r == 1 && l[n] != '\n') {
				n++;
				continue;
			}
			/* the whole line is here, however long it is */
			l[n] = '\0';
			if (n > 63)
				SAY("line", "more than 63 bytes");
			if (strlen(l) < n)
				SAY("line", "NUL");
			WAIT(&q->free_slots);
			WAIT(&q->lock);
			for (size_t i = 0; i <= n; i++)
				q->text[q->write_index][i] = l[i];
			q->write_index = (q->write_index + 1) % QUEUE_SLOTS;
			POST(&q->lock);
			POST(&q->used_slots);
			n = 0;
			if (r == 0)
				break;
		}
		close(fd);
		return 0;
	}
	if (!strcmp(cmd, "recv") && rest == 1) {
		char *e;
		if (count[0] < '0' || count[0] > '9')
			goto usage;
		errno = 0;
		unsigned long n = strtoul(count, &e, 10);
		if (*e || errno == ERANGE)
			goto usage;
		check(file);
		char line[QUEUE_TEXT];
		while (n--) {
			WAIT(&q->used_slots);
			WAIT(&q->lock);
			char *from = q->text[q->read_index], *to = line;
			while ((*to++ = *from++))
				;
			q->read_index = (q->read_index + 1) % QUEUE_SLOTS;
			POST(&q->lock);
			POST(&q->free_slots);
			for (char *c = line; *c; c++)
				if (putchar(*c) == EOF)
					SAY("stdout", strerror(errno));
			if (putchar('\n') == EOF || fflush(stdout) == EOF)
				SAY("stdout", strerror(errno));
		}
		return 0;
	}
	if (!strcmp(cmd, "destroy") && rest == 0) {
		check(file);
		if (unlink(file) == -1)
			SAY(file, strerror(errno));
		return 0;
	}
usage:
	fputs("usage: queue create|send|destroy FILE\nusage: queue recv FILE COUNT\n", stderr);
	return 2;
}
