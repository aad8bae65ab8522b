/* proc.c: the one place that opens /proc/PID; the parsers are in proc_parse.c and maps_parse.c. */
#include "procfs/proc.h"

#include "base/die.h"
#include "procfs/proc_open.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Above what 65530 VMAs, the kernel's usual limit, need in smaps. */
enum { MOST_TEXT = 256 << 20 };

char *proc_path(char path[PROC_PATH_ROOM], pid_t pid, const char *name)
{
	int length = pid ? snprintf(path, PROC_PATH_ROOM, "/proc/%d/%s", (int)pid, name)
			 : snprintf(path, PROC_PATH_ROOM, "/proc/self/%s", name);

	if (length >= PROC_PATH_ROOM)
		die("a name below /proc is too long: %s", name);
	return path;
}

int proc_open(pid_t pid, const char *name)
{
	char path[PROC_PATH_ROOM];

	return open(proc_path(path, pid, name), O_RDONLY | O_CLOEXEC);
}

int proc_read(pid_t pid, const char *name, struct buffer *buffer)
{
	int fd = proc_open(pid, name), error = 0;

	buffer_clear(buffer);
	if (fd < 0)
		return errno;
	if (buffer_read_fd(buffer, fd, MOST_TEXT) < 0) {
		error = errno;
		buffer_clear(buffer); /* half a text must not be taken for a whole one */
	}
	close(fd);
	return error;
}

static int snapshot(struct arena *arena, pid_t pid, const char *name,
		    bool (*parse)(struct arena *, const char *, size_t, struct maps *),
		    struct maps *maps)
{
	struct buffer text = { 0 };
	int error = proc_read(pid, name, &text);

	*maps = (struct maps){ 0 };
	if (!error && !parse(arena, buffer_text(&text), text.size, maps))
		error = EBADMSG;
	buffer_free(&text);
	return error;
}

int proc_maps(struct arena *arena, pid_t pid, struct maps *maps)
{
	return snapshot(arena, pid, "maps", maps_parse, maps);
}

int proc_smaps(struct arena *arena, pid_t pid, struct maps *maps)
{
	return snapshot(arena, pid, "smaps", smaps_parse, maps);
}

int proc_file_identity(int fd, dev_t *dev, ino_t *ino)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *at = mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, 0);
	const struct vma *vma;
	struct arena *arena;
	struct maps maps;
	int error;

	*dev = 0;
	*ino = 0;
	if (at == MAP_FAILED)
		return errno;
	arena = arena_new((size_t)1 << 30, false);
	error = proc_maps(arena, 0, &maps);
	vma = maps_at(&maps, (uintptr_t)at);
	if (vma) {
		*dev = makedev(vma->major, vma->minor);
		*ino = vma->inode;
	} else if (!error) {
		error = EBADMSG;
	}
	arena_free(arena);
	munmap(at, page);
	return error;
}

/* Gives the text of a small reading back and says how it went. */
static int outcome(struct buffer *text, int error, bool understood)
{
	buffer_free(text);
	return error ? error : understood ? 0 : EBADMSG;
}

int proc_stat(pid_t tid, struct proc_stat *stat)
{
	struct buffer text = { 0 };
	int error = proc_read(tid, "stat", &text);

	return outcome(&text, error, proc_stat_parse(buffer_text(&text), text.size, stat));
}

int proc_status(pid_t tid, struct proc_status *status)
{
	struct buffer text = { 0 };
	int error = proc_read(tid, "status", &text);

	return outcome(&text, error, proc_status_parse(buffer_text(&text), text.size, status));
}

int proc_syscall(pid_t tid, struct proc_syscall *call)
{
	struct buffer text = { 0 };
	int error = proc_read(tid, "syscall", &text);

	return outcome(&text, error, proc_syscall_parse(buffer_text(&text), text.size, call));
}

int proc_io(pid_t pid, struct proc_io *io)
{
	struct buffer text = { 0 };
	int error = proc_read(pid, "io", &text);

	return outcome(&text, error, proc_io_parse(buffer_text(&text), text.size, io));
}

static int compare_numbers(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* The names in a directory of /proc that are numbers, rising, as ints in the buffer. */
static int list_numbers(pid_t pid, const char *name, struct buffer *numbers)
{
	char path[PROC_PATH_ROOM];
	const struct dirent *entry;
	DIR *stream = opendir(proc_path(path, pid, name));
	int error;

	if (!stream)
		return errno;
	for (errno = 0; (entry = readdir(stream)); errno = 0) {
		int number = atoi(entry->d_name);

		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
			buffer_add(numbers, &number, sizeof(number));
	}
	error = errno;
	closedir(stream);
	if (numbers->size)
		qsort(numbers->data, numbers->size / sizeof(int), sizeof(int), compare_numbers);
	return error;
}

int proc_tasks(pid_t pid, pid_t *tids, size_t room)
{
	struct buffer numbers = { 0 };
	int error = list_numbers(pid, "task", &numbers);
	size_t count = numbers.size / sizeof(*tids);

	if (count && room)
		memcpy(tids, numbers.data, (count < room ? count : room) * sizeof(*tids));
	buffer_free(&numbers);
	errno = error;
	return error ? -1 : (int)count;
}

/* All about descriptor NUMBER; an errno value when it is gone. */
static int read_descriptor(struct arena *arena, pid_t pid, int number, struct buffer *text,
			   struct proc_fd *fd)
{
	char name[32], path[PROC_PATH_ROOM], link[PATH_MAX + 64];
	struct stat st;
	ssize_t length;
	int error;

	snprintf(name, sizeof(name), "fdinfo/%d", number);
	error = proc_read(pid, name, text);
	if (error)
		return error;
	if (!proc_fdinfo_parse(buffer_text(text), text->size, &fd->flags, &fd->offset))
		return EBADMSG;
	snprintf(name, sizeof(name), "fd/%d", number);
	length = readlink(proc_path(path, pid, name), link, sizeof(link));
	if (length < 0 || stat(path, &st) < 0)
		return errno;
	fd->number = number;
	fd->link = arena_copy_bytes(arena, link, (size_t)length);
	fd->dev = st.st_dev;
	fd->ino = st.st_ino;
	fd->mode = st.st_mode;
	return 0;
}

int proc_fds(struct arena *arena, pid_t pid, struct proc_fd **list, size_t *count)
{
	struct buffer numbers = { 0 }, text = { 0 };
	int error = list_numbers(pid, "fd", &numbers);
	size_t found = numbers.size / sizeof(int);

	*count = 0;
	*list = arena_take(arena, found * sizeof(**list));
	for (size_t i = 0; i < found && !error; i++) {
		struct proc_fd fd = { 0 };
		int number;

		memcpy(&number, numbers.data + i * sizeof(int), sizeof(int));
		error = read_descriptor(arena, pid, number, &text, &fd);
		if (!error)
			(*list)[(*count)++] = fd;
		else if (error == ENOENT)
			error = 0;
	}
	if (error)
		*count = 0;
	buffer_free(&numbers);
	buffer_free(&text);
	return error;
}
