/* Every signal to itself, with a handler that does it again. */
#include <signal.h>

static void handler(int number)
{
	raise(number % 64 + 1);
}

int main(void)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_NODEFER | SA_RESTART };

	for (int i = 1; i < 65; i++)
		sigaction(i, &action, 0);
	for (int i = 1; i < 65; i++)
		raise(i);
	return 0;
}
