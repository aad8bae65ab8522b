#include "procfs/pagemap.h"

#include "procfs/proc_open.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static bool bit(uint64_t bits, int number)
{
	return bits >> number & 1;
}

/* Bits 0-54 are the frame number of a present page, but kind and offset of a swapped one. */
struct pagemap_entry pagemap_decode(uint64_t bits)
{
	struct pagemap_entry entry = {
		.present = bit(bits, 63),
		.swapped = bit(bits, 62),
		.file = bit(bits, 61),
		.exclusive = bit(bits, 56),
		.soft_dirty = bit(bits, 55),
	};

	if (entry.present)
		entry.pfn = bits & ((UINT64_C(1) << 55) - 1);
	return entry;
}

int pagemap_entry(pid_t pid, uint64_t address, struct pagemap_entry *entry)
{
	uint64_t index = address / (uint64_t)sysconf(_SC_PAGESIZE), bits = 0;
	int fd = proc_open(pid, "pagemap"), error = 0;
	ssize_t got;

	*entry = (struct pagemap_entry){ 0 };
	if (fd < 0)
		return errno;
	got = pread(fd, &bits, sizeof(bits), (off_t)(index * sizeof(bits)));
	if (got < 0)
		error = errno;
	else if (got != sizeof(bits))
		error = ENODATA;
	else
		*entry = pagemap_decode(bits);
	close(fd);
	return error;
}
