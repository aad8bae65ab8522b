/* Files as the programs see them: the chapter "files" of exam.h. */
#include "exam/exam_inside.h"

#include <dirent.h>
#include <linux/magic.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "base/file.h"
#include "base/text.h"
#include "procfs/cache.h"
#include "procfs/proc.h"
#include "procfs/sysvipc.h"
#include "stage/host.h"

/* Errors that a program brings about which has put something else in the place of a file. */
static bool is_meddling(int error)
{
	static const int errors[] = { ENOENT, EXDEV, ELOOP,  ENOTDIR, EISDIR, ENXIO, EEXIST,
				      EACCES, EPERM, ENOSPC, EDQUOT,  EBUSY,  EINVAL };

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (errors[i] == error)
			return true;
	return false;
}

/* Our own fault, unless a program was there before us and could be the cause. */
_Noreturn static void our_fault(struct exam *x, const char *what, const char *name)
{
	const char *reason = strerror(errno);

	if (x->session->programs && is_meddling(errno)) {
		expect(x, false, .expected = say(x, "%s is left as a file that can be used", name),
		       .observed = say(x, "the grader cannot %s %s: %s", what, name, reason),
		       .why = "programs must not remove, replace or lock what others work with");
		exam_leave(x);
	}
	broken(x, say(x, "the grader cannot %s %s: %s", what, name, reason));
}

void use_disk(struct exam *x)
{
	if (!exam_work_in(x, STAGE_DISK))
		our_fault(x, "make a directory on", "the disk");
}

bool on_disk(struct exam *x, const char *name)
{
	int fd = exam_open_name(x, name, O_PATH, 0);
	struct statfs fs;
	bool disk = fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type != TMPFS_MAGIC &&
		    fs.f_type != RAMFS_MAGIC && host_has(HOST_DISK);

	if (fd >= 0)
		close(fd);
	return disk;
}

static int open_ours(struct exam *x, const char *name, int flags, mode_t mode)
{
	int fd = exam_open_name(x, name, flags, mode);

	if (fd < 0)
		our_fault(x, "open", name);
	return fd;
}

static void write_all(struct exam *x, const char *name, int fd, const void *data, size_t size,
		      off_t offset)
{
	const char *at = data;

	while (size > 0) {
		ssize_t put = pwrite(fd, at, size, offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			our_fault(x, "write to", name);
		at += put;
		size -= (size_t)put;
		offset += put;
	}
}

void put_file(struct exam *x, const char *name, const void *data, size_t size, mode_t mode)
{
	int fd;

	unlink(exam_path(x, name));
	fd = open_ours(x, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	write_all(x, name, fd, data, size, 0);
	if (fchmod(fd, mode) != 0)
		our_fault(x, "set the mode of", name);
	close(fd);
}

void put_text(struct exam *x, const char *name, const char *text)
{
	put_file(x, name, text, strlen(text), 0644);
}

void put_bytes(struct exam *x, const char *name, off_t offset, const void *data, size_t size)
{
	int fd = open_ours(x, name, O_WRONLY, 0);

	write_all(x, name, fd, data, size, offset);
	close(fd);
}

void set_size(struct exam *x, const char *name, off_t size)
{
	int fd = open_ours(x, name, O_WRONLY, 0);

	if (ftruncate(fd, size) != 0)
		our_fault(x, "set the size of", name);
	close(fd);
}

void put_fifo(struct exam *x, const char *name)
{
	if (mkfifo(exam_path(x, name), 0666) != 0 || chmod(exam_path(x, name), 0666) != 0)
		our_fault(x, "make the FIFO", name);
}

void put_link(struct exam *x, const char *name, const char *target)
{
	if (symlink(target, exam_path(x, name)) != 0)
		our_fault(x, "make the link", name);
}

void put_directory(struct exam *x, const char *name)
{
	if (mkdir(exam_path(x, name), 0777) != 0)
		our_fault(x, "make the directory", name);
}

void remove_name(struct exam *x, const char *name)
{
	const char *path = exam_path(x, name);

	if (unlink(path) != 0 && errno == EISDIR)
		file_remove_tree(path);
}

void rename_file(struct exam *x, const char *from, const char *to)
{
	if (rename(exam_path(x, from), exam_path(x, to)) != 0)
		our_fault(x, "rename", from);
}

bool name_exists(struct exam *x, const char *name)
{
	struct stat st;

	return lstat(exam_path(x, name), &st) == 0;
}

bool file_stat(struct exam *x, const char *name, struct stat *st)
{
	int fd = exam_open_name(x, name, O_PATH, 0);
	bool there = fd >= 0 && fstat(fd, st) == 0;

	if (fd >= 0)
		close(fd);
	return there;
}

off_t file_size(struct exam *x, const char *name)
{
	struct stat st;

	return file_stat(x, name, &st) ? st.st_size : -1;
}

int open_file(struct exam *x, const char *name, int flags)
{
	int fd = exam_open_name(x, name, flags, 0666);

	if (fd >= 0 && x->open_files < EXAM_OPEN_FILES)
		x->open_file[x->open_files++] = fd;
	return fd;
}

static bool is_regular(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

struct bytes file_bytes(struct exam *x, const char *name, off_t offset, size_t most)
{
	int fd = exam_open_name(x, name, O_RDONLY, 0);
	struct bytes bytes = { (unsigned char *)arena_copy(x->arena, ""), 0 };
	struct stat st;

	if (fd < 0)
		return bytes;
	if (is_regular(fd) && fstat(fd, &st) == 0 && st.st_size > offset) {
		size_t size = (size_t)(st.st_size - offset) < most ? (size_t)(st.st_size - offset)
								   : most;
		ssize_t got;

		bytes.data = arena_take(x->arena, size + 1);
		got = pread(fd, bytes.data, size, offset);
		bytes.size = got > 0 ? (size_t)got : 0;
	}
	close(fd);
	return bytes;
}

const char *directory_list(struct exam *x, const char *name)
{
	size_t count;
	const char **names = file_list_all(x->arena, exam_path(x, name), &count);
	const char *list = "";

	for (size_t i = 0; names && i < count; i++)
		list = say(x, "%s%s\n", list, names[i]);
	return list;
}

void *map_into_exam(struct exam *x, const char *name, size_t *size)
{
	int fd = open_file(x, name, O_RDWR);
	struct stat st;
	void *address;

	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0 || !S_ISREG(st.st_mode))
		return NULL;
	address = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (address == MAP_FAILED || x->mapped_count == EXAM_MAPPED)
		our_fault(x, "map", name);
	x->mapped[x->mapped_count++] = (struct mapped){ address, (size_t)st.st_size };
	if (size)
		*size = (size_t)st.st_size;
	return address;
}

void evict_file(struct exam *x, const char *name)
{
	int fd = open_ours(x, name, O_RDWR, 0);

	if (cache_evict(fd) != 0)
		our_fault(x, "evict", name);
	close(fd);
}

int64_t cached_pages(struct exam *x, const char *name)
{
	int fd = open_ours(x, name, O_RDWR, 0);
	int64_t pages = cache_resident_pages(fd);

	close(fd);
	return pages;
}

int64_t dirty_pages(struct exam *x, const char *name)
{
	int fd = open_ours(x, name, O_RDWR, 0);
	struct cache_stat stat;
	int64_t dirty = have_cachestat(x) && cache_stat(fd, 0, 0, &stat) == 0 ? (int64_t)stat.dirty
									      : -1;

	close(fd);
	return dirty;
}

/* A name's identity twice over: file systems such as btrfs show another device in maps than in
 * stat(2). */
struct identity exam_identity(struct exam *x, const char *name)
{
	struct identity identity = { 0 };
	struct stat st;
	int fd;

	if (!file_stat(x, name, &st))
		return identity;
	identity.known = true;
	identity.device = identity.map_device = st.st_dev;
	identity.inode = identity.map_inode = st.st_ino;
	fd = S_ISREG(st.st_mode) ? exam_open_name(x, name, O_RDONLY, 0) : -1;
	if (fd >= 0) { /* its mode may let nobody read it: then stat's word has to do */
		proc_file_identity(fd, &identity.map_device, &identity.map_inode);
		close(fd);
	}
	return identity;
}

/* ---- inside the stage's namespaces ---- */

const char *inside_text(struct exam *x, const char *path)
{
	struct buffer text = { 0 };
	const char *copy;

	if (stage_read_inside(x->stage, path, &text, 1 << 20) != 0)
		our_fault(x, "read on the stage", path);
	copy = arena_copy_bytes(x->arena, buffer_text(&text), text.size);
	buffer_free(&text);
	return copy;
}

const struct shm_row *segments(struct exam *x, size_t *count)
{
	const char *text = inside_text(x, "/proc/sysvipc/shm");
	struct sysv_shm *list;
	struct shm_row *rows;

	if (!sysvipc_shm_parse(x->arena, text, strlen(text), &list, count))
		broken(x, "the kernel's table of System V segments reads unlike any that we know");
	rows = room(x, (*count + 1) * sizeof(*rows));
	for (size_t i = 0; i < *count; i++)
		rows[i] = (struct shm_row){
			list[i].key,  list[i].shmid,  list[i].perms | (list[i].removed ? 01000 : 0),
			list[i].size, list[i].nattch, list[i].cpid,
			list[i].lpid
		};
	return rows;
}
