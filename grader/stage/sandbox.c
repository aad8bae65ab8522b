#include "stage/sandbox.h"

#include "base/die.h"
#include "stage/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static void add_word(struct sandbox *s, const char *word)
{
	if (s->count == SANDBOX_WORDS)
		die("the sandbox's command line is too long");
	s->argv[s->count++] = arena_copy(s->arena, word);
	s->argv[s->count] = NULL;
}

void sandbox_add(struct sandbox *s, ...)
{
	const char *word;
	va_list words;

	va_start(words, s);
	while ((word = va_arg(words, const char *)) != NULL)
		add_word(s, word);
	va_end(words);
}

void sandbox_begin(struct sandbox *s, struct arena *arena, bool sizes)
{
	*s = (struct sandbox){ .arena = arena, .sizes = sizes };
	sandbox_add(s, "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--hostname",
		    "maplab", "--clearenv", (char *)NULL);
}

/* One directory of the host under its own name; a link (merged /usr) as the same link. */
static void add_same(struct sandbox *s, const char *path)
{
	char target[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (lstat(path, &st) < 0)
		return;
	if (!S_ISLNK(st.st_mode)) {
		sandbox_add(s, "--ro-bind", path, path, (char *)NULL);
		return;
	}
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = '\0';
	sandbox_add(s, "--symlink", target, path, (char *)NULL);
}

static void add_all(struct sandbox *s, const char *const *paths, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_same(s, paths[i]);
}

void sandbox_add_libraries(struct sandbox *s)
{
	static const char *const paths[] = { "/usr/lib", "/usr/lib64", "/usr/lib32", "/usr/libx32",
					     "/usr/local/lib", "/lib", "/lib64", "/lib32",
					     "/libx32", "/etc/ld.so.cache",
					     /* popen(3) and system(3) are no mistakes */
					     "/usr/bin", "/bin", "/etc/alternatives" };

	add_all(s, paths, sizeof(paths) / sizeof(paths[0]));
}

void sandbox_add_usr(struct sandbox *s)
{
	static const char *const paths[] = {
		"/usr", "/lib",	 "/lib64",	     "/lib32",		 "/libx32",
		"/bin", "/sbin", "/etc/ld.so.cache", "/etc/alternatives"
	};

	add_all(s, paths, sizeof(paths) / sizeof(paths[0]));
}

void sandbox_add_tmpfs(struct sandbox *s, const char *path, const char *mode, uint64_t size)
{
	char bytes[32];

	snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)size);
	if (s->sizes && size != UINT64_MAX && size != 0)
		sandbox_add(s, "--size", bytes, (char *)NULL);
	/* --perms came before --size, so where sizes are known modes are, too */
	if (s->sizes)
		sandbox_add(s, "--perms", mode, (char *)NULL);
	sandbox_add(s, "--tmpfs", path, (char *)NULL);
}

const char *sandbox_keep(struct sandbox *s, int fd)
{
	if (s->keep_count == sizeof(s->keep) / sizeof(s->keep[0]))
		die("too many descriptors for a sandbox");
	s->keep[s->keep_count++] = fd;
	return arena_format(s->arena, "%d", fd);
}

static int put_stdio(int fd, int as)
{
	if (fd < 0)
		fd = open("/dev/null", as == 0 ? O_RDONLY : O_WRONLY);
	return fd < 0 ? -1 : dup2(fd, as);
}

/* In the child. The descriptors to keep are numbered above 2. */
static _Noreturn void become_bwrap(const struct sandbox *s, pid_t parent, const int stdio[3],
				   int cgroup_procs)
{
	int copies[3];
	sigset_t none;

	/* bwrap asks for this, too, but we may be an orphan before it does */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	/* above the targets first, so that none is overwritten before it is used */
	for (int i = 0; i < 3; i++)
		copies[i] = stdio[i] < 0 ? -1 : fcntl(stdio[i], F_DUPFD_CLOEXEC, 3);
	for (int i = 0; i < 3; i++)
		if (put_stdio(copies[i], i) < 0)
			_exit(127);
	if (cgroup_procs >= 0 && write(cgroup_procs, "0", 1) < 0)
		errno = 0;
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	for (size_t i = 0; i < s->keep_count; i++)
		fcntl(s->keep[i], F_SETFD, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (s->limits != NULL && limits_apply(s->limits, 0) < 0)
		_exit(127);
	execv(host_bwrap(), (char **)(uintptr_t)s->argv);
	dprintf(2, "bwrap: %s\n", strerror(errno));
	_exit(127);
}

pid_t sandbox_start(const struct sandbox *s, int input, int output, int errors, int cgroup_procs)
{
	const int stdio[3] = { input, output, errors };
	const pid_t parent = getpid();
	pid_t pid;

	if (host_bwrap() == NULL) {
		errno = ENOENT;
		return -1;
	}
	pid = fork();
	if (pid == 0)
		become_bwrap(s, parent, stdio, cgroup_procs);
	return pid;
}
