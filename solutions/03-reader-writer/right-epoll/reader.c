/* Waits for input by epoll_wait(2), which names no descriptor. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>
static volatile sig_atomic_t stop;
static void on_int(int s)
{
	stop = s;
}
static void oops(const char *a, const char *b)
{
	dprintf(STDERR_FILENO, "reader: %s: %s\n", a, b);
	exit(1);
}
static int get1(int ep)
{
	static unsigned char b[128];
	static int at, n;
	if (at == n) {
		struct epoll_event e;
		if (ep >= 0)
			while (epoll_wait(ep, &e, 1, -1) < 0)
				if (errno != EINTR || stop)
					oops("epoll_wait", strerror(errno));
		n = read(0, b, sizeof b);
		at = 0;
		if (n < 0)
			oops("stdin", strerror(errno));
		if (n == 0)
			return -1;
	}
	return b[at++];
}
int main(int argc, char **argv)
{
	if (argc != 1) {
		dprintf(2, "usage: %s\n", argv[0]);
		return 2;
	}
	struct sigaction sa = { .sa_handler = on_int };
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	int d = open(".", O_RDONLY | O_DIRECTORY);
	if (d < 0)
		oops(".", strerror(errno));
	int fd = openat(d, "temp", O_RDWR | O_CREAT, 0666);
	if (fd < 0)
		oops("temp", strerror(errno));
	close(d);
	if (ftruncate(fd, 40))
		oops("temp", strerror(errno));
	int *slot = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (slot == MAP_FAILED)
		oops("mmap", strerror(errno));
	int ep = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLIN };
	if (ep >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, 0, &e)) {
		close(ep);
		ep = -1;
	}
	for (int i = 0; i < 10; i++, slot++) {
		int c, neg = 0, n = 0;
		long v = 0;
		while ((c = get1(ep)) == ' ' || (c > 8 && c < 14))
			;
		if (c == '-') {
			neg = 1;
			c = get1(ep);
		} else if (c == '+')
			c = get1(ep);
		for (; c >= '0' && c <= '9'; n = 1, c = get1(ep)) {
			v = 10 * v + c - '0';
			if (v - neg > INT_MAX)
				oops("number", strerror(ERANGE));
		}
		if (!n)
			oops("number", c == -1 ? "end of input" : "not a number");
		if (c != -1 && c != ' ' && !(c > 8 && c < 14))
			oops("number", "not a number");
		*slot = neg ? -v : v;
	}
	return 0;
}
