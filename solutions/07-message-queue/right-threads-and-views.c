/* A thread works on the queue while main talks to the world; semaphores, indexes and texts are seen
 * through mappings of their own. */
#define _GNU_SOURCE
#include "message_queue.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EMPTY_HANDED, WANTED, THERE, FAILED };

static struct message_queue *sync_view, *index_view, *text_view;
static pthread_mutex_t desk = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int state = EMPTY_HANDED;
static char parcel[QUEUE_TEXT];

static void quit(const char *what, int error)
{
	fprintf(stderr, "queue: %s: %s\n", what, error ? strerror(error) : "no queue");
	_exit(1);
}

static void usage(void)
{
	fprintf(stderr, "usage: queue create FILE\n");
	fprintf(stderr, "       queue send FILE\n");
	fprintf(stderr, "       queue recv FILE COUNT\n");
	fprintf(stderr, "       queue destroy FILE\n");
	_exit(2);
}

static void *view(int fd, size_t length)
{
	return mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static void get(sem_t *sem)
{
	int rc;

	do
		rc = sem_wait(sem);
	while (rc == -1 && errno == EINTR);
	if (rc == -1)
		quit("sem_wait", errno);
}

static void set_state(int to)
{
	pthread_mutex_lock(&desk);
	state = to;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&desk);
}

static void wait_while_not(int wanted)
{
	pthread_mutex_lock(&desk);
	while (state != wanted)
		pthread_cond_wait(&changed, &desk);
	pthread_mutex_unlock(&desk);
}

static void *sender(void *unused)
{
	for (;;) {
		wait_while_not(WANTED);
		get(&sync_view->free_slots);
		get(&sync_view->lock);
		memcpy(text_view->text[index_view->write_index], parcel, QUEUE_TEXT);
		index_view->write_index = (index_view->write_index + 1) % QUEUE_SLOTS;
		sem_post(&sync_view->lock);
		sem_post(&sync_view->used_slots);
		set_state(EMPTY_HANDED);
	}
	return unused;
}

static void *receiver(void *unused)
{
	for (;;) {
		wait_while_not(WANTED);
		get(&sync_view->used_slots);
		get(&sync_view->lock);
		memcpy(parcel, text_view->text[index_view->read_index], QUEUE_TEXT);
		index_view->read_index = (index_view->read_index + 1) % QUEUE_SLOTS;
		sem_post(&sync_view->lock);
		sem_post(&sync_view->free_slots);
		set_state(THERE);
	}
	return unused;
}

static void start(void *(*work)(void *))
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, work, NULL);

	if (error)
		quit("pthread_create", error);
}

static void do_create(const char *file)
{
	int fd = open(file, O_CREAT | O_EXCL | O_RDWR, 0600), saved;

	if (fd == -1)
		quit(file, errno);
	if (ftruncate(fd, sizeof(struct message_queue)) == 0 &&
	    (sync_view = view(fd, sizeof(struct message_queue))) != MAP_FAILED &&
	    (index_view = view(fd, sizeof(struct message_queue))) != MAP_FAILED &&
	    fchmod(fd, 0600) == 0) {
		index_view->version = 1;
		index_view->read_index = index_view->write_index = 0;
		sem_init(&sync_view->free_slots, 1, QUEUE_SLOTS);
		sem_init(&sync_view->used_slots, 1, 0);
		sem_init(&sync_view->lock, 1, 1);
		atomic_store(&index_view->magic, QUEUE_MAGIC);
		return;
	}
	saved = errno;
	unlink(file);
	quit(file, saved);
}

static void do_open(const char *file)
{
	int fd = open(file, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		quit(file, errno);
	if (!S_ISREG(st.st_mode) || st.st_size != (off_t)sizeof(struct message_queue))
		quit(file, 0);
	sync_view = view(fd, sizeof(struct message_queue));
	text_view = view(fd, sizeof(struct message_queue));
	index_view = view(fd, 1 << 20); /* much more than there is: never touched behind the end */
	if (sync_view == MAP_FAILED || text_view == MAP_FAILED || index_view == MAP_FAILED)
		quit(file, errno);
	close(fd);
	if (atomic_load(&sync_view->magic) != QUEUE_MAGIC || sync_view->version != 1)
		quit(file, 0);
}

static void do_send(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	start(sender);
	while ((n = getline(&line, &room, stdin)) != -1) {
		if (line[n - 1] == '\n')
			line[--n] = '\0';
		if (n > 63 || (ssize_t)strlen(line) != n)
			quit("bad line", EINVAL);
		strcpy(parcel, line);
		set_state(WANTED);
		wait_while_not(EMPTY_HANDED);
	}
	if (!feof(stdin))
		quit("standard input", errno);
}

static void do_receive(unsigned long long count)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	if (count)
		start(receiver);
	for (; count; count--) {
		set_state(WANTED);
		wait_while_not(THERE);
		if (printf("%s\n", parcel) < 0)
			quit("standard output", errno);
	}
}

int main(int argc, char **argv)
{
	char *end;
	unsigned long long count = 0;

	if (argc < 3)
		usage();
	if (!strcmp(argv[1], "recv") && argc == 4) {
		for (end = argv[3]; *end >= '0' && *end <= '9'; end++)
			count = count * 10 + (unsigned)(*end - '0');
		if (end == argv[3] || *end)
			usage();
		do_open(argv[2]);
		do_receive(count);
	} else if (argc != 3) {
		usage();
	} else if (!strcmp(argv[1], "create")) {
		do_create(argv[2]);
	} else if (!strcmp(argv[1], "send")) {
		do_open(argv[2]);
		do_send();
	} else if (!strcmp(argv[1], "destroy")) {
		do_open(argv[2]);
		if (unlink(argv[2]))
			quit(argv[2], errno);
	} else {
		usage();
	}
	return 0;
}
