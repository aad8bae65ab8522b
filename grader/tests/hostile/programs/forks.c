/* Every process makes another, as fast as it can. */
#include <unistd.h>

int main(void)
{
	for (;;)
		fork();
}
