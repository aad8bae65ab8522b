#include "stage_roles.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* A sanitizer has handlers of its own. */
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED true
#else
#define SANITIZED false
#endif

/* Each wish that is not granted ends the role. */
#define WISH(condition)                                                                  \
	do {                                                                             \
		errno = 0;                                                               \
		if (!(condition)) {                                                      \
			printf("line %d: %s (errno %d)\n", __LINE__, #condition, errno); \
			fflush(stdout);                                                  \
			return 1;                                                        \
		}                                                                        \
	} while (0)
#define REFUSED(call, error) WISH((call) == -1 && errno == (error))

static int show(const char *argument)
{
	char cwd[4096];
	mode_t mask = umask(0);

	printf("argument %s\ncwd %s\numask %o\n", argument, getcwd(cwd, sizeof(cwd)),
	       (unsigned)mask);
	for (char **e = environ; *e != NULL; e++)
		printf("env %s\n", *e);
	fflush(stdout);
	return 0;
}

/* With all of stdio closed, the exit status alone can speak. */
static int closed(const char *argument)
{
	(void)argument;
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return fd + 1;
	return 0;
}

static int plain_process(const char *argument)
{
	struct sigaction action;
	struct rlimit limit;
	sigset_t mask;

	(void)argument;
	for (int s = 1; s < 32; s++)
		WISH(sigaction(s, NULL, &action) == 0 &&
		     (action.sa_handler == SIG_DFL || SANITIZED));
	WISH(sigprocmask(SIG_SETMASK, NULL, &mask) == 0 && sigisemptyset(&mask));
	WISH(getsid(0) == getpid());
	WISH(getuid() != 0 && geteuid() == getuid());
	WISH(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0);
	WISH(getrlimit(RLIMIT_CPU, &limit) == 0 && limit.rlim_cur == 4 && limit.rlim_max == 5);
	WISH(getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_max == (rlim_t)1 << 40);
	WISH(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max == 64);
	for (int fd = 3; fd < 64; fd++)
		REFUSED(fcntl(fd, F_GETFD), EBADF);
	return 0;
}

static int hardened(const char *argument)
{
	(void)argument;
	REFUSED(unshare(CLONE_NEWUSER), EPERM);
	REFUSED(setns(0, 0), EPERM);
	REFUSED(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0), EPERM);
	REFUSED(syscall(SYS_clone3, NULL, 0), ENOSYS);
	REFUSED(mount("none", "/tmp", "tmpfs", 0, NULL), EPERM);
	REFUSED(umount2("/tmp", 0), EPERM);
	REFUSED(chroot("/tmp"), EPERM);
	REFUSED(syscall(SYS_fsopen, "tmpfs", 0), EPERM);
	REFUSED(syscall(SYS_bpf, 0, NULL, 0), EPERM);
	REFUSED(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0), EPERM);
	REFUSED(syscall(SYS_userfaultfd, 0), EPERM);
	REFUSED(syscall(SYS_keyctl, 0, 0, 0, 0, 0), EPERM);
	REFUSED(syscall(SYS_add_key, "user", "x", "x", 1, -3), EPERM);
	REFUSED(syscall(SYS_io_uring_setup, 1, NULL), ENOSYS);
	REFUSED(syscall(SYS_kexec_load, 0, 0, NULL, 0), EPERM);
	REFUSED(syscall(SYS_init_module, NULL, 0, ""), EPERM);
	REFUSED(syscall(SYS_reboot, 0, 0, 0, NULL), EPERM);
	REFUSED(syscall(SYS_swapoff, "/x"), EPERM);
	REFUSED(personality(READ_IMPLIES_EXEC), EPERM);
	REFUSED(socket(AF_VSOCK, SOCK_STREAM, 0), EAFNOSUPPORT);
	WISH(personality(0xffffffff) != -1);
	WISH(personality(ADDR_NO_RANDOMIZE) != -1);
	WISH(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	return 0;
}

static void *thread(void *argument)
{
	return argument;
}

static bool child_ends_well(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static int processes_work(const char *argument)
{
	char *const self[] = { "maplab", ROLE_WORD, "nothing", "", NULL };
	int ends[2], word = 0, stored = 7;
	struct iovec here = { &word, sizeof(word) }, there = { &stored, sizeof(stored) };
	pthread_t t;
	pid_t pid;

	(void)argument;
	WISH(pthread_create(&t, NULL, thread, &word) == 0 && pthread_join(t, NULL) == 0);
	pid = fork();
	if (pid == 0)
		_exit(0);
	WISH(child_ends_well(pid));
	pid = vfork();
	if (pid == 0)
		_exit(0);
	WISH(child_ends_well(pid));
	WISH(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, self, environ) == 0);
	WISH(child_ends_well(pid));
	WISH(pipe(ends) == 0);
	pid = fork();
	if (pid == 0)
		_exit(read(ends[0], &word, 1) == 1 ? 0 : 1);
	WISH(process_vm_readv(pid, &here, 1, &there, 1, 0) == sizeof(word) && word == 7);
	WISH(kill(pid, 0) == 0 && write(ends[1], "x", 1) == 1 && child_ends_well(pid));
	pid = fork();
	if (pid == 0)
		_exit(pause());
	word = (int)syscall(SYS_pidfd_open, pid, 0);
	WISH(word >= 0 && syscall(SYS_pidfd_send_signal, word, SIGKILL, NULL, 0) == 0);
	WISH(waitpid(pid, NULL, 0) == pid);
	return 0;
}

static int memory_works(const char *argument)
{
	void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd;

	(void)argument;
	WISH(p != MAP_FAILED && mlock(p, 65536) == 0 && munlock(p, 65536) == 0);
	WISH(madvise(p, 1 << 20, MADV_DONTNEED) == 0 && madvise(p, 1 << 20, MADV_SEQUENTIAL) == 0);
	WISH(mremap(p, 1 << 20, 2 << 20, MREMAP_MAYMOVE) != MAP_FAILED);
	fd = memfd_create("x", 0);
	WISH(fd >= 0 && ftruncate(fd, 4096) == 0);
	WISH(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED && close(fd) == 0);
	WISH(mmap(NULL, (size_t)1 << 40, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	     MAP_FAILED);
	fd = open("sparse", O_RDWR | O_CREAT, 0600);
	WISH(fd >= 0 && ftruncate(fd, (off_t)64 << 30) == 0 && flock(fd, LOCK_EX) == 0);
	WISH(close(fd) == 0 && unlink("sparse") == 0);
	return 0;
}

/* Leaves all of it behind. With ARGUMENT "no-queues" POSIX message queues are not tried: Landlock
 * shuts their hidden file system off. */
static int ipc_works(const char *argument)
{
	struct mq_attr attributes = { .mq_maxmsg = 1, .mq_msgsize = 1 };
	sem_t *named = sem_open("/maplab-test", O_CREAT, 0600, 1);
	int fd = shm_open("/maplab-test", O_RDWR | O_CREAT, 0600), id;
	bool queues = strcmp(argument, "no-queues") != 0;
	mqd_t queue = mq_open("/maplab-test", O_CREAT | O_RDWR, 0600, &attributes);

	WISH(fd >= 0 && ftruncate(fd, 4096) == 0);
	WISH(named != SEM_FAILED && sem_trywait(named) == 0);
	WISH(!queues || (queue != (mqd_t)-1 && mq_unlink("/maplab-test") == 0));
	id = shmget(4711, 8192, IPC_CREAT | IPC_EXCL | 0600);
	WISH(id >= 0 && shmat(id, NULL, 0) != (void *)-1);
	WISH(semget(4711, 2, IPC_CREAT | IPC_EXCL | 0600) >= 0);
	WISH(msgget(4711, IPC_CREAT | IPC_EXCL | 0600) >= 0);
	WISH(mkdir("closed", 0700) == 0 && mkdir("closed/deep", 0700) == 0);
	WISH(chmod("closed/deep", 0) == 0 && chmod("closed", 0) == 0);
	return 0;
}

static bool readable(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool writable(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_NONBLOCK, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* ARGUMENT is a file of the host that is nobody's business here. */
static int confined(const char *argument)
{
	char name[64];
	int fd;

	WISH(!readable(argument));
	WISH(!readable("/etc/passwd") && !readable("/root") && !readable("/home"));
	WISH(!writable("/x") && !writable("/usr/lib/x") && !writable("/etc/x"));
	WISH(!writable("/dev/x"));
	snprintf(name, sizeof(name), "/proc/%d/mem", (int)getppid());
	WISH(!readable(name) && !writable(name));
	snprintf(name, sizeof(name), "/proc/%d/fd", (int)getppid());
	WISH(!readable(name));
	WISH(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == -1);
	WISH(readable("/proc/self/maps") && readable("/proc/sysvipc/shm") && readable("/dev/zero"));
	WISH(writable("x") && unlink("x") == 0);
	fd = shm_open("/x", O_RDWR | O_CREAT, 0600);
	WISH(fd >= 0 && shm_unlink("/x") == 0);
	return 0;
}

static int murder(const char *argument)
{
	pid_t launcher = getppid();

	(void)argument;
	WISH(kill(launcher, SIGKILL) == 0 && kill(launcher, SIGSTOP) == 0);
	WISH(syscall(SYS_tgkill, launcher, launcher, SIGTERM) == 0);
	REFUSED(prlimit(launcher, RLIMIT_NOFILE, &(struct rlimit){ 3, 3 }, NULL), EPERM);
	kill(-1, SIGTERM);
	WISH(kill(0, SIGCONT) == 0);
	return 0;
}

/* Writes ARGUMENT bytes; 0 when the disk was full before. */
static int fill(const char *argument)
{
	static char block[65536];
	int fd = open("big", O_WRONLY | O_CREAT, 0600);

	WISH(fd >= 0);
	for (long left = atol(argument); left > 0; left -= (long)sizeof(block))
		if (write(fd, block, sizeof(block)) < 0)
			return errno == ENOSPC ? 0 : 2;
	return 3;
}

/* Forks until it is refused; the children stay. Prints how many there were. */
static int bomb(const char *argument)
{
	int count = 0;
	pid_t pid;

	(void)argument;
	while ((pid = fork()) > 0)
		count++;
	if (pid == 0) {
		setsid();
		for (;;)
			pause();
	}
	printf("%d children\n", count);
	fflush(stdout);
	return 0;
}

static int wait_for_ever(const char *argument)
{
	(void)argument;
	while (pause() < 0)
		;
	return 1;
}

/* A grandchild in a session of its own stays, deaf to all that can be ignored. */
static int stay(const char *argument)
{
	(void)argument;
	if (fork() > 0)
		return 0;
	setsid();
	if (fork() > 0)
		_exit(0);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	return wait_for_ever("");
}

static int address(const char *argument)
{
	int here;
	void *mapped = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)argument;
	printf("%p %p %p\n", (void *)&here, (void *)stage_roles, mapped);
	fflush(stdout);
	return 0;
}

static int parent_number(const char *argument)
{
	(void)argument;
	errno = 0;
	/* the filter of the test makes this call fail in its own way */
	return (int)syscall(SYS_getppid) == -1 ? errno : 0;
}

static int huge_pages_off(const char *argument)
{
	(void)argument;
	return prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1 ? 0 : 1;
}

/* ARGUMENT bytes in memory, then wait. */
static int hog(const char *argument)
{
	size_t size = (size_t)atol(argument);
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	WISH(p != MAP_FAILED);
	memset(p, 1, size);
	printf("full\n");
	fflush(stdout);
	return wait_for_ever("");
}

static int nothing(const char *argument)
{
	(void)argument;
	return 0;
}

const struct role stage_roles[] = {
	{ "show", show },
	{ "closed", closed },
	{ "plain-process", plain_process },
	{ "hardened", hardened },
	{ "processes", processes_work },
	{ "memory", memory_works },
	{ "ipc", ipc_works },
	{ "confined", confined },
	{ "murder", murder },
	{ "fill", fill },
	{ "bomb", bomb },
	{ "stay", stay },
	{ "wait", wait_for_ever },
	{ "address", address },
	{ "parent", parent_number },
	{ "no-thp", huge_pages_off },
	{ "hog", hog },
	{ "nothing", nothing },
	{ NULL, NULL },
};
