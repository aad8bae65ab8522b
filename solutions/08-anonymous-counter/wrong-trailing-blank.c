// expect: FAIL refuses-and-reports
/* "3 " is taken for 3: not decimal digits only. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Everything in one table: the child and the parent differ only in their row. The lock is a
 * read-write lock, taken for writing.
 */
#define MAXIMUM_OF_STEPS_PER_PROCESS 5000
#define MAXIMUM_OF_LOG_ENTRIES	     (2 * MAXIMUM_OF_STEPS_PER_PROCESS)

struct counter_log_entry {
	char who_made_the_step[7];
	pid_t pid_of_who_made_the_step;
	unsigned short value_before_the_step;
	unsigned short value_after_the_step;
};

struct everything_that_is_shared {
	struct counter_log_entry log_entries[MAXIMUM_OF_LOG_ENTRIES];
	unsigned short number_of_log_entries;
	unsigned short the_counter;
	pthread_rwlock_t the_lock;
};

static struct everything_that_is_shared *shared;

static void report(const char *what, int error_number)
{
	fprintf(stderr, "counter: %s: %s\n", what, strerror(error_number));
}

static int make_one_step(const char *who, unsigned short increment)
{
	int error_number = pthread_rwlock_wrlock(&shared->the_lock);
	if (error_number != 0) {
		report("pthread_rwlock_wrlock", error_number);
		return -1;
	}
	struct counter_log_entry *entry = &shared->log_entries[shared->number_of_log_entries];
	strcpy(entry->who_made_the_step, who);
	entry->pid_of_who_made_the_step = getpid();
	entry->value_before_the_step = shared->the_counter;
	shared->the_counter = (unsigned short)(shared->the_counter + increment);
	entry->value_after_the_step = shared->the_counter;
	shared->number_of_log_entries++;
	error_number = pthread_rwlock_unlock(&shared->the_lock);
	if (error_number != 0) {
		report("pthread_rwlock_unlock", error_number);
		return -1;
	}
	return 0;
}

static int make_steps(const char *who, unsigned short increment, int how_many)
{
	for (int step = 0; step < how_many; step++) {
		if (make_one_step(who, increment) != 0) {
			return -1;
		}
	}
	return 0;
}

static int string_to_number(const char *string, int *number)
{
	int result = 0;
	if (*string == '\0') {
		return -1;
	}
	for (const char *character = string; *character != '\0'; character++) {
		if (*character == ' ' && character > string)
			break;
		if (*character < '0' || *character > '9') {
			return -1;
		}
		if (result <= MAXIMUM_OF_STEPS_PER_PROCESS) {
			result = result * 10 + (*character - '0');
		}
	}
	*number = result;
	return 0;
}

int main(int argc, char *argv[])
{
	int child_steps;
	int parent_steps;

	if (argc != 3 || string_to_number(argv[1], &child_steps) != 0 ||
	    string_to_number(argv[2], &parent_steps) != 0) {
		fprintf(stderr, "usage: counter CHILD_STEPS PARENT_STEPS\n");
		return 2;
	}
	if (child_steps > MAXIMUM_OF_STEPS_PER_PROCESS ||
	    parent_steps > MAXIMUM_OF_STEPS_PER_PROCESS) {
		report("number of steps", ERANGE);
		return 1;
	}

	shared = mmap(NULL, sizeof(struct everything_that_is_shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		report("mmap", errno);
		return 1;
	}
	memset(shared, 0, sizeof(struct everything_that_is_shared));

	pthread_rwlockattr_t attributes;
	int error_number = pthread_rwlockattr_init(&attributes);
	if (error_number == 0) {
		error_number = pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	}
	if (error_number == 0) {
		error_number = pthread_rwlock_init(&shared->the_lock, &attributes);
	}
	if (error_number != 0) {
		report("pthread_rwlock_init", error_number);
		return 1;
	}

	pid_t child = fork();
	if (child == -1) {
		report("fork", errno);
		return 1;
	}
	if (child == 0) {
		int failed = make_steps("child", 1, child_steps);
		munmap(shared, sizeof(struct everything_that_is_shared));
		_exit(failed ? 3 : 0);
	}

	int failed = make_steps("parent", 2, parent_steps);
	int status;
	pid_t waited;
	do {
		waited = waitpid(child, &status, 0);
	} while (waited == -1 && errno == EINTR);
	if (waited == -1) {
		report("waitpid", errno);
		return 1;
	}
	if (failed) {
		return 1;
	}
	if (WIFSIGNALED(status)) {
		fprintf(stderr, "counter: child: killed by signal %d\n", WTERMSIG(status));
		return 1;
	}
	if (WEXITSTATUS(status) != 0) {
		fprintf(stderr, "counter: child: exit status %d\n", WEXITSTATUS(status));
		return 1;
	}
	for (int entry = 0; entry < shared->number_of_log_entries; entry++) {
		struct counter_log_entry *e = &shared->log_entries[entry];
		if (printf("%s %d %d %d\n", e->who_made_the_step, e->pid_of_who_made_the_step,
			   e->value_before_the_step, e->value_after_the_step) < 0) {
			report("stdout", errno);
			return 1;
		}
	}
	if (printf("final %d\n", shared->the_counter) < 0 || fflush(stdout) != 0) {
		report("stdout", errno);
		return 1;
	}
	if (munmap(shared, sizeof(struct everything_that_is_shared)) != 0) {
		report("munmap", errno);
		return 1;
	}
	return 0;
}
