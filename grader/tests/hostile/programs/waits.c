/* Waits for a signal that never comes, with all that can be blocked blocked. */
#include <signal.h>

int main(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, 0);
	for (;;)
		sigsuspend(&all);
}
