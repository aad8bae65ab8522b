/* Crashes in a handler for crashes. */
#include <signal.h>

static void handler(int number)
{
	(void)number;
	*(volatile int *)16 = 1;
}

int main(void)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_NODEFER };

	sigaction(SIGSEGV, &action, 0);
	*(volatile int *)8 = 1;
	return 0;
}
