#include "procfs/pagemap.h"

#include "procfs/proc_open.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
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
	return pagemap_entries(pid, address, entry, 1);
}

int pagemap_entries(pid_t pid, uint64_t address, struct pagemap_entry *entries, size_t count)
{
	const uint64_t index = address / (uint64_t)sysconf(_SC_PAGESIZE);
	const size_t size = count * sizeof(uint64_t);
	uint64_t bits[PAGEMAP_MOST] = { 0 };
	int fd = proc_open(pid, "pagemap"), error = 0;
	ssize_t got;

	memset(entries, 0, count * sizeof(*entries));
	if (fd < 0)
		return errno;
	got = pread(fd, bits, size, (off_t)(index * sizeof(*bits)));
	if (got < 0)
		error = errno;
	else if (got < (ssize_t)sizeof(*bits))
		error = ENODATA;
	for (size_t i = 0; !error && i < (size_t)got / sizeof(*bits); i++)
		entries[i] = pagemap_decode(bits[i]);
	close(fd);
	return error;
}
