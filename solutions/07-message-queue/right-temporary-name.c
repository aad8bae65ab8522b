/* create writes all but the magic number by pwrite under another name, maps one page of it for the
 * magic number, and gives it its name by a rename that replaces nothing. The style is that of 1985.
 */
#define _GNU_SOURCE
#include "message_queue.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

char *me;
struct message_queue *Q;

void complain(what) char *what;
{
	char *why = strerror(errno);
	(void)fprintf(stderr, "%s: %s: %s\n", me, what, why);
	exit(1);
}

void down(s) sem_t *s;
{
	while (sem_wait(s) != 0)
		if (errno != EINTR)
			complain("sem_wait");
}

int create(name)
char *name;
{
	static char zeros[sizeof(struct message_queue)];
	char *tmp = malloc(strlen(name) + 30);
	struct message_queue *all = malloc(sizeof *all);
	int fd, e;

	if (!tmp || !all)
		complain("malloc");
	(void)sprintf(tmp, "%s.%ld.new", name, (long)getpid());
	fd = open(tmp, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		complain(name);
	memset(all, 0, sizeof *all);
	all->version = 1;
	(void)sem_init(&all->free_slots, 1, QUEUE_SLOTS);
	(void)sem_init(&all->used_slots, 1, 0);
	(void)sem_init(&all->lock, 1, 1);
	(void)fchmod(fd, 0600);
	if (pwrite(fd, zeros, sizeof zeros, 0) != sizeof zeros ||
	    pwrite(fd, all, sizeof *all, 0) != sizeof *all)
		goto bad;
	Q = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (Q == MAP_FAILED)
		goto bad;
	atomic_store(&Q->magic, QUEUE_MAGIC);
	if (renameat2(AT_FDCWD, tmp, AT_FDCWD, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EINVAL || errno == ENOSYS) {
		if (link(tmp, name) == 0) {
			unlink(tmp);
			return 0;
		}
	}
bad:
	e = errno;
	unlink(tmp);
	errno = e;
	complain(name);
	return 1;
}

void attach(name) char *name;
{
	struct stat st;
	int fd = open(name, O_RDWR | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) < 0)
		complain(name);
	errno = EINVAL;
	if (!S_ISREG(st.st_mode) || st.st_size != sizeof *Q)
		complain(name);
	Q = mmap((void *)0, sizeof *Q, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)0);
	if (Q == MAP_FAILED)
		complain("mmap");
	errno = EINVAL;
	if (Q->magic != QUEUE_MAGIC || Q->version != 1)
		complain(name);
}

int send_next()
{
	/* recursion instead of a loop: one line a call, the rest by the call below */
	char buf[QUEUE_TEXT];
	int n = 0, c;

	while ((c = getchar()) != EOF && c != '\n') {
		errno = EMSGSIZE;
		if (c == 0 || n == QUEUE_TEXT - 1)
			complain("stdin");
		buf[n++] = c;
	}
	if (c == EOF && ferror(stdin))
		complain("stdin");
	if (c == EOF && n == 0)
		return 0;
	buf[n] = 0;
	down(&Q->free_slots);
	down(&Q->lock);
	strcpy(Q->text[Q->write_index], buf);
	if (++Q->write_index == QUEUE_SLOTS)
		Q->write_index = 0;
	(void)sem_post(&Q->lock);
	(void)sem_post(&Q->used_slots);
	if (c == EOF)
		return 0;
	return send_next();
}

void recv_next(n) unsigned long n;
{
	char buf[QUEUE_TEXT];

	if (n == 0)
		return;
	down(&Q->used_slots);
	down(&Q->lock);
	strcpy(buf, Q->text[Q->read_index]);
	if (++Q->read_index == QUEUE_SLOTS)
		Q->read_index = 0;
	(void)sem_post(&Q->lock);
	(void)sem_post(&Q->free_slots);
	if (fprintf(stdout, "%s", buf) < 0 || putc('\n', stdout) == EOF || fflush(stdout))
		complain("stdout");
	recv_next(n - 1);
}

int main(argc, argv)
int argc;
char **argv;
{
	char *end;
	unsigned long n;

	me = argv[0];
	if (argc == 3 && !strcmp(argv[1], "create"))
		return create(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "send")) {
		attach(argv[2]);
		return send_next();
	}
	if (argc == 3 && !strcmp(argv[1], "destroy")) {
		attach(argv[2]);
		if (unlink(argv[2]))
			complain(argv[2]);
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "recv")) {
		errno = 0;
		n = strtoul(argv[3], &end, 10);
		if (*argv[3] >= '0' && *argv[3] <= '9' && *end == 0) {
			if (errno)
				complain(argv[3]);
			attach(argv[2]);
			recv_next(n);
			return 0;
		}
	}
	(void)fprintf(stderr, "usage: %s create|send|destroy FILE, %s recv FILE COUNT\n", me, me);
	return 2;
}
