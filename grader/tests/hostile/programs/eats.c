/* Takes memory until there is none, shared and private, and touches it. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
	for (;;) {
		char *a = malloc(1 << 24);
		char *b = mmap(NULL, 1 << 24, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			       -1, 0);

		if (a)
			memset(a, 1, 1 << 24);
		if (b != MAP_FAILED)
			memset(b, 1, 1 << 24);
		if (!a && b == MAP_FAILED)
			pause();
	}
}
