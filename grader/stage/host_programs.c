/* Probes that look for programs and try them. */
#include "stage/host.h"
#include "stage/host_probes.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MOST 65536

/*
 * Searches PATH, and where programs are when PATH says nothing. With INSIDE only where a sandbox
 * sees them: below /usr and in /bin.
 */
static bool find_program(const char *name, bool inside, char path[PATH_MAX])
{
	const char *list = getenv("PATH");
	struct stat st;

	for (list = list != NULL ? list : "/usr/bin:/bin"; *list != '\0';) {
		int length = (int)strcspn(list, ":");

		if (snprintf(path, PATH_MAX, "%.*s/%s", length, list, name) < PATH_MAX &&
		    path[0] == '/' &&
		    (!inside || text_starts(path, "/usr/") || text_starts(path, "/bin/")) &&
		    access(path, X_OK) == 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode))
			return true;
		list += length + (list[length] == ':');
	}
	path[0] = '\0';
	return false;
}

const char *host_bwrap(void)
{
	static char path[PATH_MAX];

	if (path[0] == '\0' && !find_program("bwrap", false, path))
		return NULL;
	return path;
}

const char *host_compiler(void)
{
	static char path[PATH_MAX];

	if (path[0] == '\0' && !find_program("cc", true, path))
		return NULL;
	return path;
}

/* Runs a program to its end; what it writes is in OUTPUT. Its exit status, or -1. */
static int run(const char *const *argv, struct buffer *output)
{
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		int nothing = open("/dev/null", O_RDONLY);

		if (nothing >= 0 && dup2(nothing, 0) == 0 && dup2(ends[1], 1) == 1 &&
		    dup2(ends[1], 2) == 2)
			execv(argv[0], (char **)(uintptr_t)argv);
		_exit(127);
	}
	close(ends[1]);
	if (pid > 0 && buffer_read_fd(output, ends[0], OUTPUT_MOST) < 0)
		errno = 0;
	close(ends[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void first_line(struct host_answer *a, const struct buffer *output)
{
	const char *text = buffer_text(output);

	answer_detail(a, "%.*s", (int)strcspn(text, "\n"), text);
}

bool probe_bwrap(struct host_answer *a)
{
	const char *argv[] = { host_bwrap(), "--version", NULL };
	struct buffer output = { 0 };

	if (argv[0] == NULL) {
		answer_detail(a, "bwrap is not in PATH");
		return false;
	}
	run(argv, &output);
	first_line(a, &output);
	buffer_free(&output);
	return true;
}

bool probe_bwrap_size(struct host_answer *a)
{
	const char *argv[] = { host_bwrap(), "--help", NULL };
	struct buffer output = { 0 };
	bool found;

	run(argv, &output);
	found = strstr(buffer_text(&output), "--size BYTES") != NULL;
	answer_detail(a, "%s", found ? "bwrap knows --size" : "bwrap does not know --size");
	buffer_free(&output);
	return found;
}

static bool file_says(const char *path, char what)
{
	struct buffer text = { 0 };
	bool says = file_read(path, &text, 64) == 0 && buffer_text(&text)[0] == what;

	buffer_free(&text);
	return says;
}

/* Who refuses a user namespace, and what to do about it. */
static void explain_refusal(struct host_answer *a)
{
	if (file_says("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1'))
		answer_remedy(a,
			      "AppArmor restricts user namespaces (Ubuntu since 23.10). As root "
			      "write /etc/apparmor.d/bwrap:\n"
			      "abi <abi/4.0>,\ninclude <tunables/global>\n"
			      "profile bwrap %s flags=(unconfined) {\n  userns,\n}\n"
			      "then: apparmor_parser -r /etc/apparmor.d/bwrap",
			      host_bwrap());
	else if (file_says("/proc/sys/kernel/unprivileged_userns_clone", '0'))
		answer_remedy(a, "sysctl kernel.unprivileged_userns_clone=1");
	else if (file_says("/proc/sys/user/max_user_namespaces", '0'))
		answer_remedy(a, "sysctl user.max_user_namespaces=10000");
	else if (file_exists("/.dockerenv") || file_exists("/run/.containerenv"))
		answer_remedy(a,
			      "the container's seccomp profile refuses unshare(2). Docker: run it "
			      "with --security-opt seccomp=unconfined --security-opt "
			      "systempaths=unconfined; rootless Podman needs nothing");
	else
		answer_remedy(a, "try by hand: unshare --user --map-root-user true");
}

bool probe_userns(struct host_answer *a)
{
	const char *argv[] = { host_bwrap(), "--unshare-all", "--ro-bind", "/",	   "/", "--proc",
			       "/proc",	     "--dev",	      "/dev",	   "true", NULL };
	struct buffer output = { 0 };
	bool found = run(argv, &output) == 0;

	if (found) {
		answer_detail(a, "bwrap --unshare-all works");
	} else {
		first_line(a, &output);
		explain_refusal(a);
	}
	buffer_free(&output);
	return found;
}

bool probe_compiler(struct host_answer *a)
{
	const char *argv[] = { host_compiler(), "--version", NULL };
	struct buffer output = { 0 };

	if (argv[0] == NULL) {
		answer_detail(a, "cc is not in PATH");
		return false;
	}
	run(argv, &output);
	first_line(a, &output);
	buffer_free(&output);
	return true;
}
