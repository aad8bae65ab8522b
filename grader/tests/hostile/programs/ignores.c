/* Ignores every signal that can be ignored, in a tree of processes that look after each other. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	for (int i = 1; i < 65; i++)
		signal(i, SIG_IGN);
	for (;;) {
		if (fork() == 0)
			for (;;)
				pause();
		sleep(1);
	}
}
