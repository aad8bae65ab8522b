/* Kills its process group, and what is left of itself. */
#include <signal.h>
#include <unistd.h>

int main(void)
{
	kill(0, SIGKILL);
	kill(getpid(), SIGKILL);
	return 0;
}
