/* Timers of every kind wake it, without end. */
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static void handler(int number)
{
	(void)number;
	alarm(1);
}

int main(void)
{
	struct sigaction action = { .sa_handler = handler };
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	struct itimerspec fast = { { 0, 1000 }, { 0, 1000 } };
	timer_t timer;

	sigaction(SIGALRM, &action, 0);
	sigaction(SIGPROF, &action, 0);
	setitimer(ITIMER_REAL, &often, 0);
	setitimer(ITIMER_PROF, &often, 0);
	if (timer_create(CLOCK_MONOTONIC, 0, &timer) == 0)
		timer_settime(timer, 0, &fast, 0);
	for (;;)
		pause();
}
