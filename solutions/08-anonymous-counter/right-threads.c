/*
 * /dev/zero mapped shared (three mappings of it), and several threads in each process that share
 * out its steps. The order of the log is that of the ticket that each step draws while it holds the
 * lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 3

struct line {
	char who[8];
	int pid;
	long long from, to;
};

static struct {
	sem_t *lock;
	long long *value, *tickets;
	struct line *lines;
	size_t size;
} s;

static struct {
	long todo[THREADS];
	const char *who;
	int amount;
} crew;

static void *share(int zero, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 0);

	if (p == MAP_FAILED) {
		perror("counter: mmap");
		exit(1);
	}
	return p;
}

static void *labour(void *argument)
{
	for (long *left = argument; *left > 0; --*left) {
		while (sem_wait(s.lock) != 0)
			;
		struct line *line = &s.lines[(*s.tickets)++];

		strcpy(line->who, crew.who);
		line->pid = getpid();
		line->from = *s.value;
		line->to = *s.value += crew.amount;
		sem_post(s.lock);
	}
	return NULL;
}

static bool crew_works(const char *who, long steps, int amount)
{
	pthread_t thread[THREADS];
	int started = 0;
	bool well = true;

	crew.who = who;
	crew.amount = amount;
	for (int i = 0; i < THREADS; i++)
		crew.todo[i] = steps / THREADS + (i < steps % THREADS);
	for (; started < THREADS && well; started++)
		if (pthread_create(&thread[started], NULL, labour, &crew.todo[started]) != 0) {
			well = false;
			break;
		}
	while (started > 0)
		pthread_join(thread[--started], NULL);
	return well;
}

static void leave(void)
{
	munmap(s.lock, sizeof(*s.lock));
	munmap(s.value, 2 * sizeof(*s.value));
	munmap(s.lines, s.size);
}

static long steps_of(const char *text)
{
	if (!*text || strspn(text, "0123456789") < strlen(text)) {
		fprintf(stderr, "usage: counter CHILD_STEPS PARENT_STEPS\n");
		exit(2);
	}
	if (strlen(text) > 18 || atol(text) > 1000000) {
		fprintf(stderr, "counter: %s: too many\n", text);
		exit(1);
	}
	return atol(text);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		steps_of("");
	long a = steps_of(argv[1]), b = steps_of(argv[2]);
	int zero = open("/dev/zero", O_RDWR), status;

	if (zero < 0) {
		perror("counter: /dev/zero");
		return 1;
	}
	s.size = (a + b) * sizeof(struct line) + 1;
	s.lock = share(zero, sizeof(*s.lock));
	s.value = share(zero, 2 * sizeof(*s.value));
	s.tickets = s.value + 1;
	s.lines = share(zero, s.size);
	close(zero);
	if (sem_init(s.lock, 1, 1) != 0) {
		perror("counter: sem_init");
		return 1;
	}
	pid_t pid = fork();

	if (pid < 0) {
		perror("counter: fork");
		return 1;
	}
	if (pid == 0) {
		bool well = crew_works("child", a, 1);

		leave();
		_exit(well ? 0 : 9);
	}
	bool well = crew_works("parent", b, 2);

	while (waitpid(-1, &status, 0) == -1)
		if (errno != EINTR) {
			perror("counter: waitpid");
			return 1;
		}
	if (!well || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "counter: %s: failed\n", well ? "child" : "threads");
		return 1;
	}
	for (long i = 0; i < *s.tickets; i++)
		printf("%s %d %lld %lld\n", s.lines[i].who, s.lines[i].pid, s.lines[i].from,
		       s.lines[i].to);
	printf("final %lld\n", *s.value);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("counter: stdout");
		return 1;
	}
	leave();
	return 0;
}
