/* Threads without end, each spinning. */
#include <pthread.h>
#include <stddef.h>

static void *spin(void *unused)
{
	for (volatile int i = 0;; i++)
		;
	return unused;
}

int main(void)
{
	pthread_t thread;

	for (;;)
		pthread_create(&thread, NULL, spin, NULL);
}
