/* Sleeps for ever, in one long sleep after another. */
#include <unistd.h>

int main(void)
{
	for (;;)
		sleep(4000000);
}
