// The child looks, and waits at a pipe until its parent has closed the descriptor, too. What it
// found out comes back as text.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#define FAIL(what)                                                            \
	do {                                                                  \
		fprintf(stderr, "map_file: %s: %s\n", what, strerror(errno)); \
		exit(1);                                                      \
	} while (0)
int main(int argc, char **argv)
{
	if (argc < 2 || argc > 3 ||
	    (argc == 3 && (!*argv[2] || argv[2][strspn(argv[2], "0123456789")])))
		return fputs("usage: map_file FILE [OFFSET]\n", stderr), 2;
	int fd = open(argv[1], O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		FAIL(argv[1]);
	struct stat st;
	if (fstat(fd, &st))
		FAIL(argv[1]);
	if (!S_ISREG(st.st_mode)) {
		errno = ENODEV;
		FAIL(argv[1]);
	}
	size_t n = st.st_size, at = 0;
	if (argc == 3) {
		errno = 0;
		at = strtoul(argv[2], 0, 10);
		if (errno)
			FAIL(argv[2]);
		if (at >= n) {
			errno = ERANGE;
			FAIL(argv[2]);
		}
	}
	int go[2];
	int hold[2];
	if (pipe(go) || pipe(hold))
		FAIL("pipe");
	pid_t kid = fork();
	if (kid < 0)
		FAIL("fork");
	if (kid == 0) {
		close(go[0]);
		unsigned char *m = NULL;
		if (n) {
			m = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
			if (m == MAP_FAILED) {
				fprintf(stderr, "map_file: mmap: %s\n", strerror(errno));
				_exit(1);
			}
		}
		close(fd);
		close(hold[1]);
		while (read(hold[0], &(char){ 0 }, 1) < 0 && errno == EINTR)
			; /* the parent closes FILE, then its end */
		close(hold[0]);
		FILE *o = fdopen(go[1], "w");
		if (argc == 3)
			fprintf(o, "byte 0x%02x\n", m[at]);
		else {
			size_t errors = 0;
			for (size_t i = 0, j; i < n; i = j + 1) {
				for (j = i; j < n && m[j] != '\n'; j++)
					;
				for (size_t k = i; k + 5 <= j; k++)
					if (!memcmp(m + k, "ERROR", 5)) {
						errors++;
						break;
					}
			}
			fprintf(o, "size %zu\n", n);
			if (n)
				fprintf(o, "first 0x%02x\nmiddle 0x%02x\nlast 0x%02x\n", m[0],
					m[n / 2], m[n - 1]);
			fprintf(o, "errors %zu\n", errors);
		}
		if (n)
			munmap(m, n);
		fclose(o);
		_exit(0);
	}
	close(fd);
	close(hold[0]);
	close(hold[1]);
	close(go[1]);
	FILE *in = fdopen(go[0], "r");
	char line[200];
	char all[2000] = "";
	while (fgets(line, sizeof line, in))
		strcat(all, line);
	fclose(in);
	int status;
	while (waitpid(kid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return 1;
	if (fputs(all, stdout) == EOF || fflush(stdout) == EOF)
		FAIL("stdout");
	return 0;
}
