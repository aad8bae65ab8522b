/* Becomes another program that never ends. */
#include <unistd.h>

int main(void)
{
	execl("/bin/sleep", "sleep", "1000000", (char *)0);
	execl("/lab/bin/maplab", "maplab", "--launcher", "3", "full", (char *)0);
	for (;;)
		pause();
}
