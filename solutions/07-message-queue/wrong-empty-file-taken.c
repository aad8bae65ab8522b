// expect: FAIL create-is-all-or-nothing
/* Create takes an existing empty FILE for its own. */
/* destroy looks through a read-only mapping; freopen'd streams; three processes' worth of views */
#define _GNU_SOURCE
#include "message_queue.h"
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int usage(void)
{
	return fprintf(stderr, "usage: queue COMMAND FILE [COUNT]\n") ? 2 : 2;
}

/* header and semaphores here, the slots through a second view made when first needed */
static struct message_queue *head;
static char (*slots)[QUEUE_TEXT];
static int file;

static void attach(const char *name, int prot)
{
	struct stat st;

	file = open(name, (prot & PROT_WRITE ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK);
	if (file < 0 || fstat(file, &st) < 0)
		err(EXIT_FAILURE, "%s", name);
	if ((st.st_mode & S_IFMT) != S_IFREG || st.st_size != sizeof *head) {
		errno = EINVAL;
		err(EXIT_FAILURE, "%s", name);
	}
	head = mmap(NULL, 4096, prot, MAP_SHARED, file, 0);
	if (head == MAP_FAILED)
		err(EXIT_FAILURE, "%s", name);
	if (head->magic != QUEUE_MAGIC || head->version != 1)
		errx(EXIT_FAILURE, "%s: no queue", name);
}

static void see_slots(void)
{
	char *all = mmap(NULL, sizeof *head, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	if (all == MAP_FAILED)
		err(EXIT_FAILURE, "slots");
	slots = (void *)(all + offsetof(struct message_queue, text));
}

static void lock(sem_t *first)
{
	while (sem_wait(first))
		if (errno != EINTR)
			err(EXIT_FAILURE, "sem_wait");
	while (sem_wait(&head->lock))
		if (errno != EINTR)
			err(EXIT_FAILURE, "sem_wait");
}

static void step(uint32_t *index)
{
	*index = (*index + 1) % QUEUE_SLOTS;
}

static int send(void)
{
	char line[QUEUE_TEXT], *c = line;
	int k;

	while ((k = getchar_unlocked()) != EOF || (c != line && !ferror(stdin))) {
		if (k == 0 || (k != EOF && k != '\n' && c == line + 63))
			errx(EXIT_FAILURE, "standard input: %s", k ? "line too long" : "NUL byte");
		if (k != EOF && k != '\n') {
			*c++ = k;
			continue;
		}
		*c = 0;
		lock(&head->free_slots);
		if (!slots)
			see_slots();
		c = memcpy(slots[head->write_index], line, sizeof line);
		step(&head->write_index);
		sem_post(&head->lock);
		sem_post(&head->used_slots);
		c = line;
		if (k == EOF)
			break;
	}
	if (ferror(stdin))
		err(EXIT_FAILURE, "standard input");
	return 0;
}

static int recv(unsigned long long n)
{
	char line[QUEUE_TEXT];

	see_slots();
	while (n) {
		lock(&head->used_slots);
		memcpy(line, slots[head->read_index], sizeof line);
		step(&head->read_index);
		sem_post(&head->lock);
		sem_post(&head->free_slots);
		for (char *c = line; *c; c++)
			putchar_unlocked(*c);
		putchar_unlocked('\n');
		if (fflush(stdout) || ferror(stdout))
			err(EXIT_FAILURE, "standard output");
		n--;
	}
	return 0;
}

static void create(const char *name)
{
	struct stat st;
	file = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_SYNC, S_IRUSR | S_IWUSR);
	if (file >= 0 && fstat(file, &st) == 0 && st.st_size > 0)
		errno = EEXIST, file = -1;
	if (file < 0)
		err(EXIT_FAILURE, "%s", name);
	if (pwrite(file, "", 1, sizeof *head - 1) != 1 ||
	    (head = mmap(NULL, sizeof *head, PROT_WRITE | PROT_READ, MAP_SHARED, file, 0)) ==
		    MAP_FAILED) {
		int e = errno;
		unlink(name);
		errno = e;
		err(EXIT_FAILURE, "%s", name);
	}
	sem_init(&head->free_slots, 1, QUEUE_SLOTS);
	sem_init(&head->used_slots, 1, 0);
	sem_init(&head->lock, 1, 1);
	head->version = 1;
	mprotect(head, sizeof *head, PROT_READ);
	mprotect(head, sizeof *head, PROT_READ | PROT_WRITE);
	head->magic = QUEUE_MAGIC;
	mprotect(head, sizeof *head, PROT_NONE);
}

int main(int argc, char **argv)
{
	unsigned long long n = 0;
	char *end;

	if (argc < 3)
		return usage();
	argc -= 3;
	if (!strcmp(argv[1], "recv")) {
		if (argc != 1 || strspn(argv[3], "0123456789") == 0)
			return usage();
		n = strtoull(argv[3], &end, 10);
		if (*end)
			return usage();
		attach(argv[2], PROT_READ | PROT_WRITE);
		return recv(n);
	}
	if (argc)
		return usage();
	if (!strcmp(argv[1], "send")) {
		attach(argv[2], PROT_READ | PROT_WRITE);
		return send();
	}
	if (!strcmp(argv[1], "destroy")) {
		attach(argv[2], PROT_READ);
		if (unlink(argv[2]))
			err(EXIT_FAILURE, "%s", argv[2]);
		return 0;
	}
	if (strcmp(argv[1], "create"))
		return usage();
	create(argv[2]);
	return 0;
}
