/* Lab 03, writer: moves its working directory away and puts a link to the host in its place. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
	char here[4096];

	if (!getcwd(here, sizeof here) || chdir("..") < 0)
		return 1;
	(void)!rename(here, "elsewhere");
	(void)!symlink("@FOLDER@", here);
	(void)!system("true");
	sleep(5);
	sleep(5);
	return 0;
}
