// expect: FAIL ends-at-last-byte
// offset + length > size: the sum is negative for the largest OFFSET.
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "lab.h"

static const char *program_name = "sized";
static sigjmp_buf jump_buffer;

static void print_usage(void)
{
	fprintf(stderr,
		"usage: %s grow FILE SIZE\n"
		"       %s shrink FILE SIZE\n"
		"       %s poke FILE OFFSET TEXT\n"
		"       %s peek FILE OFFSET\n",
		program_name, program_name, program_name, program_name);
}

static int report(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_name, what, strerror(errno));
	return EXIT_FAILURE;
}

static int report_text(const char *what, const char *text)
{
	fprintf(stderr, "%s: %s: %s\n", program_name, what, text);
	return EXIT_FAILURE;
}

static bool parse_number(const char *text, off_t *number, bool *too_large)
{
	*number = 0;
	*too_large = false;
	if (text[0] == '\0') {
		return false;
	}
	for (const char *p = text; *p != '\0'; p++) {
		if (*p < '0' || *p > '9') {
			return false;
		}
		if (*number > (INT64_MAX - (*p - '0')) / 10) {
			*too_large = true;
		} else {
			*number = *number * 10 + (*p - '0');
		}
	}
	return true;
}

static int open_regular_file(const char *filename, int flags, struct stat *st)
{
	if (stat(filename, st) == -1) {
		report(filename);
		return -1;
	}
	if (!S_ISREG(st->st_mode)) {
		report_text(filename, "not a regular file");
		return -1;
	}
	int fd = open(filename, flags);
	if (fd == -1) {
		report(filename);
		return -1;
	}
	if (fstat(fd, st) == -1) {
		report("fstat");
		close(fd);
		return -1;
	}
	return fd;
}

static int do_grow(const char *filename, off_t new_size)
{
	struct stat st;
	int fd = open_regular_file(filename, O_WRONLY, &st);
	if (fd == -1) {
		return EXIT_FAILURE;
	}
	if (new_size < st.st_size) {
		close(fd);
		return report_text("grow", "the file is larger than that already");
	}
	if (new_size > st.st_size) {
		if (ftruncate(fd, new_size) == -1) {
			int result = report("ftruncate");
			close(fd);
			return result;
		}
	}
	if (close(fd) == -1) {
		return report("close");
	}
	if (printf("old %lld new %lld\n", (long long)st.st_size, (long long)new_size) < 0 ||
	    fflush(stdout) == EOF) {
		return report("stdout");
	}
	return EXIT_SUCCESS;
}

static int do_shrink(const char *filename, off_t new_size)
{
	struct stat st;
	int fd = open_regular_file(filename, O_WRONLY, &st);
	if (fd == -1) {
		return EXIT_FAILURE;
	}
	if (new_size > st.st_size) {
		close(fd);
		return report_text("shrink", "the file is smaller than that already");
	}
	if (new_size < st.st_size) {
		if (ftruncate(fd, new_size) == -1) {
			int result = report("ftruncate");
			close(fd);
			return result;
		}
	}
	if (close(fd) == -1) {
		return report("close");
	}
	if (printf("old %lld new %lld\n", (long long)st.st_size, (long long)new_size) < 0 ||
	    fflush(stdout) == EOF) {
		return report("stdout");
	}
	return EXIT_SUCCESS;
}

static int do_poke(const char *filename, off_t offset, const char *text)
{
	struct stat st;
	int fd = open_regular_file(filename, O_RDWR, &st);
	if (fd == -1) {
		return EXIT_FAILURE;
	}
	off_t length = (off_t)strlen(text);
	if ((off_t)((size_t)offset + (size_t)length) > st.st_size) {
		close(fd);
		return report_text("poke", "the text does not fit into the file");
	}
	if (length == 0) {
		close(fd);
		return EXIT_SUCCESS;
	}
	/* map the whole file */
	char *data = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED) {
		int result = report("mmap");
		close(fd);
		return result;
	}
	for (off_t i = 0; i < length; i++) {
		data[offset + i] = text[i];
	}
	/* msync wants the start of a page */
	long page = sysconf(_SC_PAGESIZE);
	off_t start = offset - offset % page;
	off_t end = offset + length;
	if (msync(data + start, (size_t)(end - start), MS_SYNC) == -1) {
		int result = report("msync");
		munmap(data, (size_t)st.st_size);
		close(fd);
		return result;
	}
	if (munmap(data, (size_t)st.st_size) == -1) {
		return report("munmap");
	}
	close(fd);
	return EXIT_SUCCESS;
}

static void handle_sigbus(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	(void)context;
	siglongjmp(jump_buffer, 1);
}

static int do_peek(const char *filename, off_t offset)
{
	struct stat st;
	int fd = open_regular_file(filename, O_RDONLY, &st);
	if (fd == -1) {
		return EXIT_FAILURE;
	}
	if (offset >= st.st_size) {
		close(fd);
		return report_text("peek", "the offset is not in the file");
	}
	struct sigaction action;
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = handle_sigbus;
	action.sa_flags = SA_SIGINFO;
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGBUS, &action, NULL) == -1) {
		return report("sigaction");
	}
	const unsigned char *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED) {
		int result = report("mmap");
		close(fd);
		return result;
	}
	lab_checkpoint("mapped");
	volatile bool truncated = false;
	volatile unsigned char value = 0;
	if (sigsetjmp(jump_buffer, 1) == 0) {
		value = ((const volatile unsigned char *)data)[offset];
		struct stat now;
		if (fstat(fd, &now) == -1) {
			return report("fstat");
		}
		if (offset >= now.st_size) {
			truncated = true;
		}
	} else {
		truncated = true;
	}
	munmap((void *)data, (size_t)st.st_size);
	close(fd);
	int printed;
	if (truncated) {
		printed = printf("truncated\n");
	} else {
		printed = printf("byte 0x%02x\n", value);
	}
	if (printed < 0 || fflush(stdout) == EOF) {
		return report("stdout");
	}
	return truncated ? 4 : EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
	bool too_large;
	off_t number;
	if (argc < 2) {
		print_usage();
		return 2;
	}
	int expected;
	if (strcmp(argv[1], "grow") == 0 || strcmp(argv[1], "shrink") == 0 ||
	    strcmp(argv[1], "peek") == 0) {
		expected = 4;
	} else if (strcmp(argv[1], "poke") == 0) {
		expected = 5;
	} else {
		print_usage();
		return 2;
	}
	if (argc != expected) {
		print_usage();
		return 2;
	}
	if (!parse_number(argv[3], &number, &too_large)) {
		print_usage();
		return 2;
	}
	if (too_large) {
		return report_text(argv[3], "the number is too large");
	}
	if (strcmp(argv[1], "grow") == 0) {
		return do_grow(argv[2], number);
	} else if (strcmp(argv[1], "shrink") == 0) {
		return do_shrink(argv[2], number);
	} else if (strcmp(argv[1], "poke") == 0) {
		return do_poke(argv[2], number, argv[4]);
	} else {
		return do_peek(argv[2], number);
	}
}
