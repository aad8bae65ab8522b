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

bool guard_knows_terminal(void)
{
	int error;
	const char *cup = setupterm(NULL, STDOUT_FILENO, &error) == OK ? tigetstr("cup") : NULL;

	return cup && cup != (const char *)-1;
}

enum { SEQUENCES = 4, SEQUENCE_MOST = 64 };

/* What leaves the screen, fetched while there is time: a dying process must not look anything up.
 */
static char leaving[SEQUENCES][SEQUENCE_MOST];
static struct termios before;
static pid_t owner, guard;

static void fetch_sequences(void)
{
	static const char *const names[SEQUENCES] = { "sgr0", "cnorm", "rmkx", "rmcup" };

	for (int i = 0; i < SEQUENCES; i++) {
		const char *text = tigetstr((char *)names[i]);

		if (text && text != (const char *)-1 && strlen(text) < SEQUENCE_MOST)
			strcpy(leaving[i], text);
	}
}

/* What endwin(3) would do, by functions of signal-safety(7) alone. */
static void put_back(void)
{
	for (int i = 0; i < SEQUENCES; i++)
		if (write(STDOUT_FILENO, leaving[i], strlen(leaving[i])) < 0)
			break;
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

/* A crash of ours: the terminal first, then the death that was to come. */
static void on_crash(int number)
{
	if (getpid() == owner) {
		if (guard > 0)
			kill(guard, SIGKILL);
		put_back();
	}
	signal(number, SIG_DFL);
	raise(number);
}

/* Waits for the parent's death, announced by SIGUSR1. */
static _Noreturn void stand_guard(pid_t parent)
{
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
	put_back();
	_exit(EXIT_SUCCESS);
}

void guard_start(void)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	pid_t parent = getpid();

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return;
	fetch_sequences();
	guard = fork();
	if (guard == 0)
		stand_guard(parent);
	owner = parent;
	for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
		signal(crashes[i], on_crash);
}

void guard_stop(void)
{
	if (guard <= 0)
		return;
	kill(guard, SIGKILL);
	waitpid(guard, NULL, 0);
	guard = 0;
	owner = 0;
}
