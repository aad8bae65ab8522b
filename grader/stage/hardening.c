#include "stage/hardening.h"

#include "base/buffer.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Refused as to an ordinary user. Names that libseccomp or the machine does not know are skipped.
 */
static const char *const refused[] = {
	"mount",
	"umount",
	"umount2",
	"pivot_root",
	"chroot",
	"move_mount",
	"open_tree",
	"open_tree_attr",
	"fsopen",
	"fsconfig",
	"fsmount",
	"fspick",
	"mount_setattr",
	"swapon",
	"swapoff",
	"quotactl",
	"quotactl_fd",
	"unshare",
	"setns",
	"add_key",
	"request_key",
	"keyctl",
	"bpf",
	"perf_event_open",
	"userfaultfd",
	"kexec_load",
	"kexec_file_load",
	"init_module",
	"finit_module",
	"delete_module",
	"create_module",
	"reboot",
	"syslog",
	"acct",
	"vhangup",
	"iopl",
	"ioperm",
	"settimeofday",
	"clock_settime",
	"clock_adjtime",
	"adjtimex",
	"sethostname",
	"setdomainname",
	"fanotify_init",
	"open_by_handle_at",
	"lookup_dcookie",
	"nfsservctl",
	"uselib",
	"migrate_pages",
	"move_pages",
};

/* As on a kernel without them: they would do the work of calls that the tracer is there to see. */
static const char *const unknown[] = {
	"io_uring_setup",
	"io_uring_enter",
	"io_uring_register",
};

static int deny(scmp_filter_ctx filter, const char *const *names, size_t count, int error)
{
	for (size_t i = 0; i < count; i++) {
		int call = seccomp_syscall_resolve_name(names[i]);
		int result;

		if (call == __NR_SCMP_ERROR)
			continue;
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO((unsigned)error), call, 0);
		if (result < 0 && result != -EDOM)
			return result;
	}
	return 0;
}

static int deny_namespaces(scmp_filter_ctx filter)
{
	static const unsigned long flags[] = { CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC,
					       CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET,
					       CLONE_NEWCGROUP,
					       /* nor a child that escapes its tracer */
					       CLONE_UNTRACED };
	int result = 0;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]) && result == 0; i++)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
					  SCMP_A0(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
	return result;
}

/*
 * Only plain Linux, with or without address randomisation (the thread sanitizer switches it off),
 * and the question what is set, which is 0xffffffff: any other bit is refused where bit 31 is
 * clear.
 */
static int deny_personalities(scmp_filter_ctx filter)
{
	const scmp_datum_t question = UINT64_C(1) << 31;
	int result = 0;

	for (scmp_datum_t bit = 1; bit < question && result == 0; bit <<= 1)
		if (bit != ADDR_NO_RANDOMIZE)
			result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
						  SCMP_SYS(personality), 1,
						  SCMP_A0(SCMP_CMP_MASKED_EQ, bit | question, bit));
	return result;
}

/* The console's input queue and sockets to the hypervisor are not shut off by namespaces. */
static int deny_ways_out(scmp_filter_ctx filter)
{
	int result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
				      SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, TIOCSTI));

	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
					  SCMP_A0(SCMP_CMP_EQ, AF_VSOCK, 0));
	return result;
}

/*
 * A signal to the launcher is lost, but the caller hears nothing of it: kill(getppid(), SIGTERM) is
 * no crime, it only must not stop the one who starts the next program. Other ways to lay hands on
 * it are refused: prlimit(2) asks for no more than the same user.
 */
static int deny_signals(scmp_filter_ctx filter, pid_t launcher, bool shared)
{
	static const int calls[] = { SCMP_SYS(kill), SCMP_SYS(tkill), SCMP_SYS(tgkill),
				     SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo) };
	int result = 0;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]) && result == 0; i++)
		result = seccomp_rule_add(
			filter, SCMP_ACT_ERRNO(0), calls[i], 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffff, (scmp_datum_t)launcher));
	if (result == 0)
		result = seccomp_rule_add(
			filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffff, (scmp_datum_t)launcher));
	if (result == 0)
		result = seccomp_rule_add(
			filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(pidfd_open), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffff, (scmp_datum_t)launcher));
	if (result == 0 && shared)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(kill), 1,
					  SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffff, 0xffffffff));
	return result;
}

static int build(scmp_filter_ctx filter, pid_t launcher, bool shared)
{
	/* calls of another machine (int 0x80, x32) would pass by the rules and by the tracer */
	int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));

	if (result == 0)
		result = deny(filter, refused, sizeof(refused) / sizeof(refused[0]), EPERM);
	if (result == 0)
		result = deny(filter, unknown, sizeof(unknown) / sizeof(unknown[0]), ENOSYS);
	/* its flags lie in memory, where no filter can look: trace/clone3.h */
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_TRACE(1), SCMP_SYS(clone3), 0);
	if (result == 0)
		result = deny_namespaces(filter);
	if (result == 0)
		result = deny_personalities(filter);
	if (result == 0)
		result = deny_ways_out(filter);
	if (result == 0)
		result = deny_signals(filter, launcher, shared);
	return result;
}

int hardening_filter(pid_t launcher, bool shared)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int fd, result;

	if (filter == NULL) {
		errno = ENOMEM;
		return -1;
	}
	fd = memfd_create("filter", MFD_CLOEXEC);
	result = fd < 0 ? -errno : build(filter, launcher, shared);
	if (result == 0)
		result = seccomp_export_bpf(filter, fd);
	seccomp_release(filter);
	if (result == 0 && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	errno = result < 0 ? -result : EIO;
	return -1;
}

int hardening_install(int filter)
{
	struct buffer bytes = { 0 };
	struct sock_fprog program;
	int result = -1;

	if (lseek(filter, 0, SEEK_SET) == 0 && buffer_read_fd(&bytes, filter, 1 << 20) == 0) {
		program.len = (unsigned short)(bytes.size / sizeof(struct sock_filter));
		program.filter = (struct sock_filter *)(void *)bytes.data;
		result = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (result == 0)
			result = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
	}
	buffer_free(&bytes);
	return result;
}
