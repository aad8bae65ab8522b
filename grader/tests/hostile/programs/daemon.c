/* Leaves its family by fork, setsid, fork, and stays; the first process ends at once. */
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
	if (fork() != 0)
		_exit(0);
	setsid();
	if (fork() != 0)
		_exit(0);
	for (;;)
		pause();
}
