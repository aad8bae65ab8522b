/* From the launcher's fork to the student's program. */
#include "stage/launcher.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Noreturn void fail(const char *what)
{
	char line[512];
	int n = snprintf(line, sizeof(line), "maplab-launcher: %.400s: %s\n", what,
			 strerror(errno));

	if (n > 0 && write(2, line, (size_t)n) < 0)
		_exit(126);
	_exit(126);
}

/* The strings of a message, taken one after the other. */
struct strings {
	const char *next, *end;
};

static const char *take(struct strings *s)
{
	const char *text = s->next;
	size_t left = (size_t)(s->end - s->next);
	size_t length = strnlen(text, left);

	if (length == left) {
		errno = EBADMSG;
		fail("request");
	}
	s->next += length + 1;
	return text;
}

static char **take_list(struct strings *s, uint32_t count)
{
	char **list = calloc((size_t)count + 1, sizeof(*list));

	if (list == NULL)
		fail("request");
	for (uint32_t i = 0; i < count; i++)
		list[i] = (char *)(uintptr_t)take(s);
	return list;
}

static void set_stdio(uint32_t open, const struct arrival *arrival)
{
	int next = 0;

	for (int i = 0; i < 3; i++) {
		if (!(open >> i & 1))
			close(i);
		else if (next < arrival->fd_count && dup2(arrival->fds[next++], i) < 0)
			_exit(126);
	}
	close_range(3, ~0u, 0);
}

static void reset_signals(void)
{
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void install_filter(const struct letter *l)
{
	const struct message *m = &l->head;
	const char *bytes = l->text + ((m->strings + 7) & ~7u);
	const struct sock_fprog program = { .len = (unsigned short)m->instructions,
					    .filter = (struct sock_filter *)(uintptr_t)bytes };

	if (m->instructions == 0)
		return;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		fail("seccomp");
}

_Noreturn void launcher_child(int channel, const struct letter *l, const struct arrival *arrival)
{
	const struct message *m = &l->head;
	const struct message hello = { .kind = MESSAGE_ANNOUNCE, .number = m->number };
	struct strings s = { l->text, l->text + m->strings };
	const char *path, *directory;
	char **argv, **envp;

	if (m->flags & LAUNCH_ANNOUNCE)
		channel_send(channel, &hello, sizeof(hello), NULL, 0);
	setsid();
	set_stdio(m->stdio, arrival);
	path = take(&s);
	directory = take(&s);
	argv = take_list(&s, m->arguments);
	envp = take_list(&s, m->variables);
	if (chdir(directory) < 0)
		fail(directory);
	umask((mode_t)m->umask);
	if ((m->flags & LAUNCH_NO_ASLR) && personality(ADDR_NO_RANDOMIZE) < 0)
		fail("personality");
	if ((m->flags & LAUNCH_NO_THP) && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) < 0)
		fail("prctl");
	if (limits_apply(&m->limits, 0) < 0)
		fail("setrlimit");
	reset_signals();
	install_filter(l);
	execve(path, argv, envp);
	fail(path);
}
