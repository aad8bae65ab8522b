/* lab.h: the little that a lab's program may share with whoever is watching it. */
#ifndef LAB_H
#define LAB_H

#include <errno.h>
#include <string.h>
#include <unistd.h>

/*
 * Names a moment of the program, so that a tracer can stop there. It is a write(2) to descriptor
 * -1: run by hand it fails with EBADF and changes nothing, and strace(1) shows the name. errno is
 * kept.
 */
static inline void lab_checkpoint(const char *name)
{
	int kept = errno;
	ssize_t ignored = write(-1, name, strlen(name));

	(void)ignored;
	errno = kept;
}

#endif
