/* Other processes' memory, the network, the host's files: says "reached" where one lets it in. */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

static void try_open(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd >= 0)
		printf("reached %s\n", path);
}

int main(void)
{
	static const char *const files[] = {
		"/etc/shadow",	      "/etc/passwd",	     "/root", "/home", "@SECRET@",
		"@PROJECT@/Makefile", "@PROJECT@/solutions", "/work"
	};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi("@PORT@")) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		printf("reached the network\n");
	for (unsigned i = 0; i < sizeof files / sizeof *files; i++)
		try_open(files[i], O_RDONLY);
	try_open("/proc/1/mem", O_RDWR);
	try_open("/proc/1/environ", O_RDONLY);
	if (mount("none", "/tmp", "tmpfs", 0, "") == 0)
		printf("reached mount\n");
	return 0;
}
