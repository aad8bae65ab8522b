#include "base/clock.h"

#include "base/die.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static int64_t in_ns(const struct timespec *time)
{
	return time->tv_sec * NS_PER_S + time->tv_nsec;
}

int64_t clock_now(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		die("clock_gettime: %s", strerror(errno));
	return in_ns(&now);
}

int64_t clock_of_process(pid_t pid)
{
	struct timespec used;
	clockid_t clock;
	int error = clock_getcpuclockid(pid, &clock);

	if (error) {
		errno = error;
		return -1;
	}
	return clock_gettime(clock, &used) < 0 ? -1 : in_ns(&used);
}
