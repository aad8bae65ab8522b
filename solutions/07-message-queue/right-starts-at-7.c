/* Both indexes start at 7: no slot is the first one of a ring. Beginner's style. */
#include "message_queue.h"
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

struct message_queue *queue; /* the queue */
int fd;			     /* the file  */
char *progname;

void die(char *what)
{
	fprintf(stderr, "%s: %s: %s\n", progname, what, strerror(errno));
	exit(1);
}

void die2(char *what, char *why)
{
	fprintf(stderr, "%s: %s: %s\n", progname, what, why);
	exit(1);
}

void usage()
{
	fprintf(stderr,
		"usage: queue create FILE\n       queue send FILE\n       queue recv FILE COUNT\n       queue destroy FILE\n");
	exit(2);
}

void lock_it(sem_t *sem)
{
	int r;
	do {
		r = sem_wait(sem);
	} while (r == -1 && errno == EINTR);
	if (r == -1)
		die("sem_wait");
}

void open_queue(char *name)
{
	struct stat st;

	if (lstat(name, &st) == -1)
		die(name);
	if (!S_ISREG(st.st_mode))
		die2(name, "is not a regular file");
	fd = open(name, O_RDWR | O_NOFOLLOW);
	if (fd == -1)
		die(name);
	if (fstat(fd, &st) == -1)
		die(name);
	if (!S_ISREG(st.st_mode))
		die2(name, "is not a regular file");
	if (st.st_size != sizeof(struct message_queue))
		die2(name, "wrong size");
	queue = (struct message_queue *)mmap(NULL, sizeof(struct message_queue),
					     PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (queue == MAP_FAILED)
		die("mmap");
	if (queue->magic != QUEUE_MAGIC)
		die2(name, "wrong magic");
	if (queue->version != 1)
		die2(name, "wrong version");
}

void close_queue()
{
	munmap(queue, sizeof(struct message_queue));
	close(fd);
}

void create(char *name)
{
	int i, j;

	fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	if (fd == -1)
		die(name);
	if (ftruncate(fd, sizeof(struct message_queue)) == -1) {
		unlink(name);
		die("ftruncate");
	}
	queue = mmap(NULL, sizeof(struct message_queue), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (queue == MAP_FAILED) {
		int e = errno;
		unlink(name);
		errno = e;
		die("mmap");
	}
	queue->magic = 0;
	queue->version = 1;
	queue->read_index = 7;
	queue->write_index = 7;
	for (i = 0; i < QUEUE_SLOTS; i++)
		for (j = 0; j < QUEUE_TEXT; j++)
			queue->text[i][j] = '\0';
	if (sem_init(&queue->free_slots, 1, 100) == -1 ||
	    sem_init(&queue->used_slots, 1, 0) == -1 || sem_init(&queue->lock, 1, 1) == -1) {
		unlink(name);
		die("sem_init");
	}
	queue->magic = QUEUE_MAGIC;
	close_queue();
}

void put_message(char *text)
{
	lock_it(&queue->free_slots);
	lock_it(&queue->lock);
	strcpy(queue->text[queue->write_index], text);
	queue->write_index++;
	if (queue->write_index == 100)
		queue->write_index = 0;
	sem_post(&queue->used_slots);
	sem_post(&queue->lock);
}

void send_all(char *name)
{
	char line[64];
	int length = 0;
	int c;

	open_queue(name);
	while ((c = getchar()) != EOF) {
		if (c == '\n') {
			line[length] = '\0';
			put_message(line);
			length = 0;
			continue;
		}
		if (c == '\0')
			die2("stdin", "a NUL in the line");
		if (length == 63)
			die2("stdin", "the line is too long");
		line[length] = c;
		length++;
	}
	if (ferror(stdin))
		die("stdin");
	if (length > 0) {
		line[length] = '\0';
		put_message(line);
	}
	close_queue();
}

void recv_all(char *name, long count)
{
	char line[64];
	long i;

	open_queue(name);
	for (i = 0; i < count; i++) {
		lock_it(&queue->used_slots);
		lock_it(&queue->lock);
		strcpy(line, queue->text[queue->read_index]);
		queue->read_index++;
		if (queue->read_index == 100)
			queue->read_index = 0;
		sem_post(&queue->free_slots);
		sem_post(&queue->lock);
		if (printf("%s\n", line) < 0)
			die("stdout");
		if (fflush(stdout) != 0)
			die("stdout");
	}
	close_queue();
}

int main(int argc, char *argv[])
{
	long count;
	int i;

	progname = argv[0];
	if (argc < 3)
		usage();
	if (strcmp(argv[1], "create") == 0 && argc == 3)
		create(argv[2]);
	else if (strcmp(argv[1], "send") == 0 && argc == 3)
		send_all(argv[2]);
	else if (strcmp(argv[1], "recv") == 0 && argc == 4) {
		if (argv[3][0] == '\0')
			usage();
		for (i = 0; argv[3][i] != '\0'; i++)
			if (argv[3][i] < '0' || argv[3][i] > '9')
				usage();
		errno = 0;
		count = strtol(argv[3], NULL, 10);
		if (errno == ERANGE)
			usage();
		recv_all(argv[2], count);
	} else if (strcmp(argv[1], "destroy") == 0 && argc == 3) {
		open_queue(argv[2]);
		if (unlink(argv[2]) == -1)
			die(argv[2]);
		close_queue();
	} else
		usage();
	return 0;
}
