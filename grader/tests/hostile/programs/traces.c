/* Wants to be traced by its parent and tells the tracer so; then traces a child of its own. */
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	pid_t child;

	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	child = fork();
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		pause();
	}
	ptrace(PTRACE_ATTACH, child, NULL, NULL);
	ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
	waitpid(child, NULL, 0);
	return 0;
}
