/* A thousand threads that wait. */
#include <pthread.h>
#include <unistd.h>

static void *wait_for_ever(void *unused)
{
	for (;;)
		pause();
	return unused;
}

int main(void)
{
	pthread_t thread;

	for (int i = 0; i < 1000; i++)
		pthread_create(&thread, NULL, wait_for_ever, NULL);
	pause();
	return 0;
}
