/*
 * A robust process-shared mutex; the log is text that is formatted inside the section, in a mapping
 * of its own; three mappings in all. The child is waited for with waitid.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT 64

static pthread_mutex_t *mutex;
static long long *total;
static char (*lines)[TEXT];
static size_t *used;
static size_t room;

static int complain(const char *what, int code)
{
	fprintf(stderr, "counter: %s: %s\n", what, strerror(code));
	return 1;
}

static void *map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		exit(complain("mmap", errno));
	return memory;
}

static int make_mutex(void)
{
	pthread_mutexattr_t kind;
	int code = pthread_mutexattr_init(&kind);

	if (code == 0)
		code = pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
	if (code == 0)
		code = pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
	if (code == 0)
		code = pthread_mutex_init(mutex, &kind);
	pthread_mutexattr_destroy(&kind);
	return code;
}

static int work(const char *who, size_t steps, int by)
{
	int code;

	while (steps-- > 0) {
		code = pthread_mutex_lock(mutex);
		if (code == EOWNERDEAD)
			code = pthread_mutex_consistent(mutex);
		if (code != 0)
			return complain("pthread_mutex_lock", code);
		long long before = *total;

		*total = before + by;
		snprintf(lines[*used], TEXT, "%s %d %lld %lld", who, (int)getpid(), before, *total);
		++*used;
		code = pthread_mutex_unlock(mutex);
		if (code != 0)
			return complain("pthread_mutex_unlock", code);
	}
	return 0;
}

static void unmap(void)
{
	munmap(lines, room);
	munmap(total, sizeof(*total) + sizeof(*used));
	munmap(mutex, sizeof(*mutex));
}

int main(int argc, char **argv)
{
	unsigned long long steps[2];

	for (int i = 1; i < 3; i++) {
		char *end;

		if (argc != 3 || argv[i][0] < '0' || argv[i][0] > '9')
			return fputs("usage: counter CHILD_STEPS PARENT_STEPS\n", stderr), 2;
		errno = 0;
		steps[i - 1] = strtoull(argv[i], &end, 10);
		if (*end)
			return fputs("usage: counter CHILD_STEPS PARENT_STEPS\n", stderr), 2;
		if (errno || steps[i - 1] > 1000000)
			return complain(argv[i], ERANGE);
	}
	room = (steps[0] + steps[1] + 1) * TEXT;
	mutex = map(sizeof(*mutex));
	total = map(sizeof(*total) + sizeof(*used));
	used = (size_t *)(total + 1);
	lines = map(room);
	int code = make_mutex();

	if (code != 0)
		return complain("mutex", code);
	pid_t child = fork();

	if (child < 0)
		return complain("fork", errno);
	if (child == 0) {
		code = work("child", steps[0], 1);
		unmap();
		exit(code);
	}
	code = work("parent", steps[1], 2);
	siginfo_t end = { 0 };

	while (waitid(P_PID, child, &end, WEXITED) != 0)
		if (errno != EINTR)
			return complain("waitid", errno);
	if (code != 0)
		return code;
	if (end.si_code != CLD_EXITED || end.si_status != 0)
		return fprintf(stderr, "counter: child: ended badly (%d)\n", end.si_status), 1;
	for (size_t i = 0; i < *used; i++)
		puts(lines[i]);
	printf("final %lld\n", *total);
	unmap();
	if (fflush(stdout) != 0 || ferror(stdout))
		return complain("stdout", errno);
	return 0;
}
