// expect: FAIL exact-end
// Copies the mapping into a buffer of a megabyte and a half: what happens to longer files has
// nothing to do with the end of FILE, and the evidence must not say so.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
static char *me;
static void die(const char *s)
{
	fprintf(stderr, "%s: %s: %s\n", me, s, strerror(errno));
	exit(1);
}
struct text {
	char *bytes;
	size_t len;
};
static void *map(const char *name, size_t *len)
{
	int fd = open(name, O_RDONLY | O_NONBLOCK);
	struct stat st;
	void *p;
	if (fd < 0)
		die(name);
	if (fstat(fd, &st))
		die(name);
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		die(name);
	}
	*len = st.st_size;
	p = st.st_size ? mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
	if (p == MAP_FAILED)
		die("mmap");
	close(fd);
	return p;
}
static struct text slurp(const char *name)
{
	struct text t;
	void *p = map(name, &t.len);
	static char big[3 << 19];
	t.bytes = big;
	if (!t.bytes)
		die("malloc");
	if (t.len) {
		memcpy(t.bytes, p, t.len);
		munmap(p, t.len);
	}
	t.bytes[t.len] = '\n';
	return t;
}
int main(int argc, char **argv)
{
	me = argc ? argv[0] : "map_file";
	if (argc == 2) {
		struct text t = slurp(argv[1]);
		long errors = 0;
		for (char *p = t.bytes, *nl; p < t.bytes + t.len; p = nl + 1) {
			nl = memchr(p, '\n', t.bytes + t.len + 1 - p);
			if (memmem(p, nl - p, "ERROR", 5))
				errors++;
		}
		printf("size %lu\n", (unsigned long)t.len);
		if (t.len)
			printf("first 0x%02x\nmiddle 0x%02x\nlast 0x%02x\n",
			       (unsigned char)t.bytes[0], (unsigned char)t.bytes[t.len / 2],
			       (unsigned char)t.bytes[t.len - 1]);
		printf("errors %ld\n", errors);

	} else if (argc == 3) {
		size_t len, off;
		char *p;
		if (!argv[2][0] || strspn(argv[2], "0123456789") < strlen(argv[2]))
			goto usage;
		errno = 0;
		off = strtoull(argv[2], 0, 10);
		if (errno)
			die(argv[2]);
		p = map(argv[1], &len);
		if (off >= len) {
			if (len)
				munmap(p, len);
			errno = ERANGE;
			die(argv[2]);
		}
		printf("byte 0x%02x\n", (unsigned char)p[off]);
		munmap(p, len);
	} else {
usage:
		fprintf(stderr, "usage: %s FILE [OFFSET]\n", me);
		return 2;
	}
	if (fclose(stdout))
		die("stdout");
	return 0;
}
