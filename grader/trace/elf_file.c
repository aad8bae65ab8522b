/* elf_file.c: opening and keeping ELF files, and where they lie in memory. */
#include "trace/elf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/die.h"
#include "base/text.h"
#include "procfs/proc.h"
#include "trace/elf_parts.h"

/*
 * The descriptor stays open, for an inode that is open is not given to another file: device and
 * inode name this file as long as we keep it. KEPT of those that no image uses are remembered.
 */
enum { KEPT = 16, MOST_BYTES = 64 << 20 };

static struct elf_file *files; /* the most recently used first */

/* ---- opening ---- */

static bool is_file_of(int fd, const struct vma *vma)
{
	struct stat st;
	dev_t device;
	ino_t inode;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	if (st.st_ino == vma->inode && st.st_dev == makedev(vma->major, vma->minor))
		return true;
	return proc_file_identity(fd, &device, &inode) == 0 && inode == vma->inode &&
	       device == makedev(vma->major, vma->minor);
}

static int open_if(const char *path, const struct vma *vma)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0 && !is_file_of(fd, vma)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Under its name; a program that was unlinked, as the exe of its process; as root in any case. */
static int open_mapped(pid_t pid, const struct vma *vma)
{
	char path[PATH_MAX + 64];
	int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/root%s", pid, vma->path);
	if (!vma->deleted)
		fd = open_if(path, vma);
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if (fd < 0)
		fd = open_if(path, vma);
	snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", pid, (unsigned long)vma->start,
		 (unsigned long)vma->end);
	return fd < 0 ? open_if(path, vma) : fd;
}

/*
 * A student's file is copied, for a hostile program may cut it short while we look, which in a
 * mapping would be a SIGBUS of ours.
 */
static bool copy_bytes(struct elf_file *file, size_t size)
{
	size_t done = 0;

	if (size > MOST_BYTES)
		return false;
	file->bytes = malloc(size + 1);
	while (file->bytes && done < size) {
		ssize_t got = pread(file->fd, file->bytes + done, size - done, (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	file->size = done;
	return file->bytes && done == size;
}

/* By its path: the system's libraries and programs lie in these places on every distribution. */
static bool is_system_path(const char *path)
{
	static const char *const places[] = { "/usr/", "/lib/",	      "/lib64/",     "/lib32/",
					      "/bin/", "/nix/store/", "/gnu/store/", "[" };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (text_starts(path, places[i]))
			return true;
	return false;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static struct elf_file *file_new(const char *path)
{
	struct elf_file *file = calloc(1, sizeof(*file));

	if (!file || !(file->name = strdup(base_name(path))))
		die("out of memory");
	file->fd = -1;
	file->submission = !is_system_path(path);
	return file;
}

static void file_free(struct elf_file *file)
{
	elf_lines_free(file);
	elf_symbols_free(file);
	if (file->cfi)
		dwarf_cfi_end(file->cfi);
	if (file->elf)
		elf_end(file->elf);
	if (file->fd >= 0)
		close(file->fd);
	free(file->bytes);
	free(file->name);
	free(file);
}

/* ---- keeping ---- */

static void forget_old(void)
{
	int idle = 0;

	for (struct elf_file **at = &files; *at;) {
		struct elf_file *file = *at;

		if (file->users == 0 && (file->stale || ++idle > KEPT)) {
			*at = file->next;
			file_free(file);
		} else {
			at = &file->next;
		}
	}
}

/* Has it been written to since it was opened? */
static bool has_changed(const struct elf_file *file)
{
	struct stat st;

	return fstat(file->fd, &st) != 0 || st.st_size != file->stat.st_size ||
	       st.st_mtim.tv_sec != file->stat.st_mtim.tv_sec ||
	       st.st_mtim.tv_nsec != file->stat.st_mtim.tv_nsec;
}

static struct elf_file *file_known(const struct vma *vma)
{
	for (struct elf_file **at = &files; *at; at = &(*at)->next) {
		struct elf_file *file = *at;

		if (file->stale || file->inode != vma->inode || file->major != vma->major ||
		    file->minor != vma->minor)
			continue;
		if (has_changed(file)) {
			file->stale = true;
			continue;
		}
		*at = file->next;
		file->next = files;
		files = file;
		return file;
	}
	return NULL;
}

static struct elf_file *file_open(pid_t pid, const struct vma *vma)
{
	struct elf_file *file = file_new(vma->path);

	file->major = vma->major;
	file->minor = vma->minor;
	file->inode = vma->inode;
	file->fd = open_mapped(pid, vma);
	if (file->fd < 0 || fstat(file->fd, &file->stat) != 0 ||
	    (file->submission && !copy_bytes(file, (size_t)file->stat.st_size))) {
		file_free(file);
		return NULL;
	}
	file->next = files;
	files = file;
	return file;
}

struct elf_file *elf_file_get(pid_t pid, const struct vma *vma)
{
	struct elf_file *file = file_known(vma);

	if (!file)
		file = file_open(pid, vma);
	if (file)
		file->users++;
	return file;
}

void elf_file_put(struct elf_file *file)
{
	if (file && --file->users == 0)
		forget_old();
}

/* The size of the image in memory is that of its last section headers or segments: a few pages. */
struct elf_file *elf_file_vdso(void)
{
	static struct elf_file *file;
	const ElfW(Ehdr) *header = (const void *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);

	if (!file && header) {
		file = file_new("[vdso]");
		file->bytes = NULL;
		file->memory = (char *)(uintptr_t)header;
		file->size = header->e_shoff + (size_t)header->e_shentsize * header->e_shnum;
	}
	if (file)
		file->users++;
	return file;
}

/* ---- asking ---- */

const char *elf_file_name(const struct elf_file *file)
{
	return file->name;
}

bool elf_file_is_submission(const struct elf_file *file)
{
	return file->submission;
}

Elf *elf_file_elf(struct elf_file *file)
{
	if (file->elf || file->tried_elf)
		return file->elf;
	file->tried_elf = true;
	elf_version(EV_CURRENT);
	if (file->bytes || file->memory)
		file->elf = elf_memory(file->bytes ? file->bytes : file->memory, file->size);
	else
		file->elf = elf_begin(file->fd, ELF_C_READ_MMAP, NULL);
	return file->elf;
}

bool elf_file_bias(struct elf_file *file, uint64_t start, uint64_t offset, uint64_t *bias)
{
	Elf *elf = elf_file_elf(file);
	size_t count = 0;

	if (!elf || elf_getphdrnum(elf, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr header;

		if (!gelf_getphdr(elf, (int)i, &header) || header.p_type != PT_LOAD ||
		    !(header.p_flags & PF_X) || offset >= header.p_offset + header.p_filesz ||
		    offset + 65536 <= header.p_offset)
			continue;
		*bias = start - offset + header.p_offset - header.p_vaddr;
		return true;
	}
	return false;
}

Dwarf_CFI *elf_file_cfi(struct elf_file *file)
{
	if (!file->tried_cfi && elf_file_elf(file))
		file->cfi = dwarf_getcfi_elf(file->elf);
	file->tried_cfi = true;
	return file->cfi;
}
