/* Stops itself, and again after each SIGCONT. */
#include <signal.h>

int main(void)
{
	for (;;)
		raise(SIGSTOP);
}
