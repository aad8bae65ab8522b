/* A child does the work and dies with its parent; create builds the image in memory, writes it
 * beside FILE and links it there. */
#define _GNU_SOURCE
#include "message_queue.h"
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int usage(void)
{
	fputs("usage: queue COMMAND FILE [COUNT]\n", stderr);
	return 2;
}

static int make_queue(const char *file)
{
	struct message_queue *image = calloc(1, sizeof(*image));
	char beside[4096];
	int fd, rc = 0;

	if (!image)
		err(1, "calloc");
	image->version = 1;
	sem_init(&image->free_slots, 1, QUEUE_SLOTS);
	sem_init(&image->used_slots, 1, 0);
	sem_init(&image->lock, 1, 1);
	image->magic = QUEUE_MAGIC;
	if (snprintf(beside, sizeof(beside), "%s.%d", file, (int)getpid()) >= (int)sizeof(beside))
		errx(1, "%s: name too long", file);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd == -1)
		err(1, "%s", beside);
	if (fchmod(fd, 0600) || pwrite(fd, image, sizeof(*image), 0) != (ssize_t)sizeof(*image) ||
	    link(beside, file)) { /* link never replaces */
		warn("%s", file);
		rc = 1;
	}
	unlink(beside);
	return rc;
}

static struct message_queue *find_queue(const char *file)
{
	struct stat name, opened;
	struct message_queue *q;
	int fd;

	if (lstat(file, &name))
		err(1, "%s", file);
	if (!S_ISREG(name.st_mode) || name.st_size != sizeof(*q))
		errx(1, "%s: not a queue", file);
	fd = open(file, O_RDWR | O_NONBLOCK);
	if (fd == -1 || fstat(fd, &opened))
		err(1, "%s", file);
	if (opened.st_dev != name.st_dev || opened.st_ino != name.st_ino ||
	    opened.st_size != sizeof(*q)) /* changed between look and open */
		errx(1, "%s: not what it was", file);
	q = mmap(NULL, sizeof(*q), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (q == MAP_FAILED)
		err(1, "%s", file);
	if (atomic_load(&q->magic) != QUEUE_MAGIC || q->version != 1)
		errx(1, "%s: not a queue", file);
	return q;
}

static void hold(sem_t *sem)
{
	while (sem_wait(sem))
		if (errno != EINTR)
			err(1, "sem_wait");
}

static int send_all(struct message_queue *q)
{
	char line[QUEUE_TEXT + 1];
	int c = 0, n;

	while (c != EOF) {
		for (n = 0; (c = getc(stdin)) != '\n' && c != EOF; line[n++] = (char)c)
			if (n == 63 || c == 0)
				errx(1, "line: does not fit");
		if (ferror(stdin))
			err(1, "stdin");
		if (c == EOF && n == 0)
			break;
		line[n] = 0;
		hold(&q->free_slots);
		hold(&q->lock);
		memcpy(&q->text[q->write_index], line, n + 1);
		q->write_index = (q->write_index + 1) % QUEUE_SLOTS;
		sem_post(&q->used_slots); /* nobody gets in before the next line */
		sem_post(&q->lock);
	}
	return 0;
}

/* Prints inside the section: what cannot be printed stays in the queue. */
static int receive_all(struct message_queue *q, unsigned long long count)
{
	signal(SIGPIPE, SIG_IGN);
	while (count--) {
		hold(&q->used_slots);
		hold(&q->lock);
		if (printf("%s\n", q->text[q->read_index]) < 0 || fflush(stdout)) {
			sem_post(&q->lock);
			sem_post(&q->used_slots);
			err(1, "stdout");
		}
		q->read_index = (q->read_index + 1) % QUEUE_SLOTS;
		sem_post(&q->lock);
		sem_post(&q->free_slots);
	}
	return 0;
}

static int in_child(int argc, char **argv)
{
	if (argc == 4)
		return receive_all(find_queue(argv[2]), strtoull(argv[3], NULL, 10));
	return send_all(find_queue(argv[2]));
}

int main(int argc, char **argv)
{
	const char *command = argc == 3 || argc == 4 ? argv[1] : "";
	pid_t parent = getpid(), child;
	int status;

	if (argc == 3 && !strcmp(command, "create"))
		return make_queue(argv[2]);
	if (argc == 3 && !strcmp(command, "destroy")) {
		find_queue(argv[2]);
		if (unlink(argv[2]))
			err(1, "%s", argv[2]);
		return 0;
	}
	if (!(argc == 3 && !strcmp(command, "send")) &&
	    !(argc == 4 && !strcmp(command, "recv") && *argv[3] &&
	      !argv[3][strspn(argv[3], "0123456789")]))
		return usage();
	child = fork();
	if (child == -1)
		err(1, "fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		exit(in_child(argc, argv));
	}
	while (waitpid(child, &status, 0) == -1)
		if (errno != EINTR)
			err(1, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
