// expect: FAIL errors-reported
// Refuses a TEXT that does not fit, without a word.
#include "lab.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
typedef struct File File;
typedef struct View View;
struct View {
	File *file;
	off_t from;
	size_t length;
	char *bytes;
	int (*sync)(View *, off_t, size_t);
	void (*destroy)(View *);
};
struct File {
	const char *name;
	int fd;
	off_t (*size)(File *);
	int (*resize)(File *, off_t);
	View *(*view)(File *, off_t, size_t, int);
	void (*destroy)(File *);
};
#define NEW(T) ((T *)calloc(1, sizeof(T)))
static jmp_buf error_trap;
static const char *error_what;
static char error_text[200];
#define THROW(w)                                                                \
	do {                                                                    \
		error_what = (w);                                               \
		snprintf(error_text, sizeof error_text, "%s", strerror(errno)); \
		longjmp(error_trap, 1);                                         \
	} while (0)
#define THROWX(w, t)                                              \
	do {                                                      \
		error_what = (w);                                 \
		snprintf(error_text, sizeof error_text, "%s", t); \
		longjmp(error_trap, 1);                           \
	} while (0)
static int View_sync(View *v, off_t from, size_t len)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t a = (from - v->from) & ~(page - 1), e = from - v->from + len;
	return msync(v->bytes + a, e - a, MS_SYNC);
}
static void View_destroy(View *v)
{
	munmap(v->bytes, v->length);
	free(v);
}
static View *File_view(File *f, off_t at, size_t len, int prot)
{
	off_t page = sysconf(_SC_PAGESIZE);
	View *v = NEW(View);
	*v = (View){ f, at / page * page, 0, NULL, View_sync, View_destroy };
	v->length = at - v->from + len;
	v->bytes = mmap(NULL, v->length, prot, MAP_SHARED, f->fd, v->from);
	if (v->bytes == MAP_FAILED)
		THROW("mmap");
	return v;
}
static off_t File_size(File *f)
{
	struct stat s;
	if (fstat(f->fd, &s))
		THROW("fstat");
	return s.st_size;
}
static int File_resize(File *f, off_t n)
{
	return ftruncate(f->fd, n);
}
static void File_destroy(File *f)
{
	close(f->fd);
	free(f);
}
static File *File_new(const char *name, int mode)
{
	struct stat s;
	File *f = NEW(File);
	*f = (File){ name,	  open(name, mode | O_NONBLOCK), File_size, File_resize, File_view,
		     File_destroy };
	if (f->fd < 0)
		THROW(name);
	if (fstat(f->fd, &s))
		THROW(name);
	if (!S_ISREG(s.st_mode))
		THROWX(name, "not a regular file");
	return f;
}
static sigjmp_buf bus_trap;
static void on_bus(int n)
{
	siglongjmp(bus_trap, n);
}
static off_t digits(const char *s)
{
	errno = 0;
	off_t v = strtoll(s, NULL, 10);
	if (errno)
		THROW(s);
	return v;
}
static int cmd_grow(char **a)
{
	off_t n = digits(a[1]);
	File *f = File_new(a[0], O_RDWR);
	off_t o = f->size(f);
	if (n < o)
		THROWX("grow", "smaller");
	if (f->resize(f, n))
		THROW("ftruncate");
	printf("old %lld new %lld\n", (long long)o, (long long)f->size(f));
	f->destroy(f);
	return 0;
}
static int cmd_shrink(char **a)
{
	off_t n = digits(a[1]);
	File *f = File_new(a[0], O_RDWR);
	off_t o = f->size(f);
	if (n > o)
		THROWX("shrink", "larger");
	if (f->resize(f, n))
		THROW("ftruncate");
	printf("old %lld new %lld\n", (long long)o, (long long)f->size(f));
	f->destroy(f);
	return 0;
}
static int cmd_poke(char **a)
{
	off_t n = digits(a[1]);
	File *f = File_new(a[0], O_RDWR);
	off_t size = f->size(f);
	size_t l = strlen(a[2]);
	if (n > size || l > (size_t)(size - n))
		exit(1);
	if (l) {
		View *v = f->view(f, n, l, PROT_READ | PROT_WRITE);
		memcpy(v->bytes + (n - v->from), a[2], l);
		if (v->sync(v, n, l))
			THROW("msync");
		v->destroy(v);
	}
	f->destroy(f);
	return 0;
}
static int cmd_peek(char **a)
{
	off_t n = digits(a[1]);
	File *f = File_new(a[0], O_RDONLY);
	volatile unsigned char byte = 0;
	volatile int cut = 0;
	if (n >= f->size(f))
		THROWX("peek", "not inside the file");
	View *v = f->view(f, n, 1, PROT_READ);
	lab_checkpoint("mapped");
	signal(SIGBUS, on_bus);
	if (sigsetjmp(bus_trap, 1))
		cut = 1;
	else
		byte = ((volatile char *)v->bytes)[n - v->from];
	signal(SIGBUS, SIG_DFL);
	if (n >= f->size(f))
		cut = 1;
	v->destroy(v);
	f->destroy(f);
	if (cut)
		puts("truncated");
	else
		printf("byte 0x%02x\n", byte);
	return cut ? 4 : 0;
}
int main(int argc, char **argv)
{
	static const struct {
		const char *n;
		int c;
		int (*f)(char **);
	} all[] = { { "grow", 4, cmd_grow },
		    { "shrink", 4, cmd_shrink },
		    { "poke", 5, cmd_poke },
		    { "peek", 4, cmd_peek } };
	for (unsigned i = 0; argc > 1 && i < 4; i++)
		if (!strcmp(argv[1], all[i].n) && argc == all[i].c && argv[3][0] &&
		    !argv[3][strspn(argv[3], "0123456789")]) {
			if (setjmp(error_trap)) {
				fprintf(stderr, "sized: %s: %s\n", error_what, error_text);
				return 1;
			}
			int r = all[i].f(argv + 2);
			if (fflush(stdout)) {
				perror("sized: stdout");
				return 1;
			}
			return r;
		}
	fputs("usage: sized grow|shrink FILE SIZE | sized poke FILE OFFSET TEXT | sized peek FILE OFFSET\n",
	      stderr);
	return 2;
}
