/* Writes to both outputs without end. */
#include <string.h>
#include <unistd.h>

int main(void)
{
	static char line[65536];

	memset(line, 'x', sizeof line);
	for (;;)
		if (write(1, line, sizeof line) < 0 && write(2, line, sizeof line) < 0)
			return 1;
}
