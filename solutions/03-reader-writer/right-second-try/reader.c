/* Where a populated mapping is refused, a plain one is tried. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT 10
#define BYTES (COUNT * sizeof(int))

typedef enum { TOKEN_OK, TOKEN_END, TOKEN_BAD } token_result;

/**
 * print_error() - prints an error message in the conventional format
 * @what: the thing that failed
 * @why:  the reason
 */
static void print_error(const char *what, const char *why)
{
	fprintf(stderr, "reader: %s: %s\n", what, why);
}

/* Input buffer: whole chunks are read, but every number is stored before the next chunk. */
static char chunk[4096];
static size_t chunk_at, chunk_end;
static int chunk_eof;

static int next_byte(void)
{
	if (chunk_at == chunk_end) {
		ssize_t got;
		struct pollfd p = { .fd = 0, .events = POLLIN };
		if (chunk_eof)
			return -1;
		for (;;) {
			if (poll(&p, 1, -1) < 0 && errno != EINTR)
				break;
			got = read(0, chunk, sizeof chunk);
			if (got >= 0 || (errno != EINTR && errno != EAGAIN))
				break;
		}
		if (got <= 0) {
			chunk_eof = 1;
			return -1;
		}
		chunk_at = 0;
		chunk_end = (size_t)got;
	}
	return (unsigned char)chunk[chunk_at++];
}
static int is_blank(int c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static token_result next_int(int *out)
{
	int c = next_byte(), negative = 0;
	unsigned long long v = 0, limit = INT_MAX;
	while (is_blank(c))
		c = next_byte();
	if (c == -1)
		return TOKEN_END;
	if (c == '+' || c == '-') {
		negative = c == '-';
		limit += negative;
		c = next_byte();
	}
	if (c < '0' || c > '9')
		return TOKEN_BAD;
	do {
		v = v * 10 + (unsigned)(c - '0');
		if (v > limit)
			return TOKEN_BAD;
		c = next_byte();
	} while (c >= '0' && c <= '9');
	if (c != -1 && !is_blank(c))
		return TOKEN_BAD;
	*out = negative ? (int)-(long long)v : (int)v;
	return TOKEN_OK;
}
int main(int argc, char *argv[])
{
	/* Step 1: check the arguments */
	if (argc != 1) {
		fprintf(stderr, "usage: %s\n", argv[0]);
		return 2;
	}
	/* Step 2: open the file */
	int fd = open("temp", O_RDWR | O_CREAT, 0666);
	if (fd == -1) {
		print_error("temp", strerror(errno));
		return 1;
	}
	/* Step 3: give it its size */
	if (ftruncate(fd, (off_t)BYTES) == -1) {
		print_error("ftruncate", strerror(errno));
		close(fd);
		return 1;
	}
	/* Step 4: map the file */
	int *numbers = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (numbers == MAP_FAILED)
		numbers = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (numbers == MAP_FAILED) {
		print_error("mmap", strerror(errno));
		close(fd);
		return 1;
	}
	/* Step 5: the descriptor is not needed any more */
	if (close(fd) == -1) {
		print_error("close", strerror(errno));
		return 1;
	}
	/* Step 6: the main loop */
	int exit_code = 0;
	for (size_t i = 0; i < COUNT; ++i) {
		int value;
		token_result r = next_int(&value);
		if (r != TOKEN_OK) {
			print_error("stdin",
				    r == TOKEN_END ? "unexpected end of input" : "invalid integer");
			exit_code = 1;
			break;
		}
		numbers[i] = value;
	}
	/* Step 7: clean-up */
	if (munmap(numbers, BYTES) == -1) {
		print_error("munmap", strerror(errno));
		return 1;
	}
	return exit_code;
}
