/* The tracing filter; see filter.h. */
#include "trace/filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/die.h"
#include "trace/call.h"

static struct sock_filter *exported(scmp_filter_ctx context, size_t *length)
{
	int fd = memfd_create("filter", MFD_CLOEXEC);
	struct sock_filter *program = NULL;
	off_t size;

	if (fd < 0 || seccomp_export_bpf(context, fd) != 0)
		die("cannot export the seccomp filter: %s", strerror(errno));
	size = lseek(fd, 0, SEEK_END);
	if (size > 0)
		program = malloc((size_t)size);
	if (!program || pread(fd, program, (size_t)size, 0) != size)
		die("cannot read back the seccomp filter: %s", strerror(errno));
	close(fd);
	*length = (size_t)size / sizeof(*program);
	return program;
}

static scmp_filter_ctx describe(void)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_ALLOW);

	if (!context)
		die("libseccomp cannot start a filter");
	seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE,
			 2); /* a tree instead of a chain, where it is known */
	for (int call = 1; call < CALL_COUNT; call++) {
		if (call_number(call) < 0 || call_families(call) & FAMILY_QUIET)
			continue;
		if (seccomp_rule_add(context, SCMP_ACT_TRACE(1), (int)call_number(call), 0) != 0)
			die("libseccomp refuses a rule for %s", call_name(call));
	}
	return context;
}

struct sock_filter *filter_new(size_t *length)
{
	scmp_filter_ctx context = describe();
	struct sock_filter *program = exported(context, length);

	seccomp_release(context);
	return program;
}

void filter_install(void)
{
	scmp_filter_ctx context = describe();
	int error = seccomp_load(context);

	if (error != 0)
		die("the seccomp filter cannot be installed: %s", strerror(-error));
	seccomp_release(context);
}
