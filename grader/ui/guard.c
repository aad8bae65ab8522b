#include "ui/guard.h"

#include <curses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

static pid_t guard;

bool guard_knows_terminal(void)
{
	int error;
	const char *cup = setupterm(NULL, STDOUT_FILENO, &error) == OK ? tigetstr("cup") : NULL;

	return cup && cup != (const char *)-1;
}

static void put(const char *sequence)
{
	ssize_t ignored;

	if (!sequence || sequence == (const char *)-1)
		return;
	ignored = write(STDOUT_FILENO, sequence, strlen(sequence));
	(void)ignored;
}

/* Waits for the parent's death, announced by SIGUSR1, and does what endwin(3) would have done. */
static _Noreturn void stand_guard(pid_t parent, const struct termios *before)
{
	static const char *const sequences[] = { "sgr0", "cnorm", "rmkx", "rmcup" };
	sigset_t all;
	int signal = 0;

	/* Nothing but its task may end it; from the background it may set the terminal all the
	 * same. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	prctl(PR_SET_NAME, "maplab-guard");
	sigemptyset(&all);
	sigaddset(&all, SIGUSR1);
	while (getppid() == parent && signal != SIGUSR1)
		sigwait(&all, &signal);
	for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++)
		put(tigetstr((char *)sequences[i]));
	tcsetattr(STDIN_FILENO, TCSANOW, before);
	_exit(EXIT_SUCCESS);
}

void guard_start(void)
{
	pid_t parent = getpid();
	struct termios before;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return;
	guard = fork();
	if (guard == 0)
		stand_guard(parent, &before);
}

void guard_stop(void)
{
	if (guard <= 0)
		return;
	kill(guard, SIGKILL);
	waitpid(guard, NULL, 0);
	guard = 0;
}
