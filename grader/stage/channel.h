/*
 * channel.h: the talk between worker and launcher, over one SOCK_SEQPACKET socket pair: a datagram
 * a message, descriptors and the sender's pid with it. unix(7).
 */
#ifndef STAGE_CHANNEL_H
#define STAGE_CHANNEL_H

#include "stage/limits.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CHANNEL_TEXT (128 * 1024) /* bytes; a letter is below the usual net.core.wmem_default */
#define CHANNEL_FDS  3

enum message_kind {
	/* worker → launcher */
	MESSAGE_LAUNCH = 1, /* struct message, strings, filter; the stdio that is open, in order */
	MESSAGE_OPEN,	    /* a path: open it for reading inside */
	MESSAGE_CLEAN,	    /* empty the ipc namespace and the places */
	/* launcher → worker */
	MESSAGE_READY,
	MESSAGE_ANSWER, /* to OPEN (with the descriptor) and CLEAN; error is an errno value or 0 */
	MESSAGE_ANNOUNCE, /* from a program's process, before execve: its pid is the sender's */
	MESSAGE_FAILED,	  /* a LAUNCH could not fork; error is errno */
	MESSAGE_LIMIT,	  /* all programs were killed; error is the enum limit that they broke */
};

enum launch_flag { LAUNCH_NO_ASLR = 1, LAUNCH_NO_THP = 2, LAUNCH_ANNOUNCE = 4 };

/* The fixed part of every message. What a kind does not use is 0. */
struct message {
	uint32_t kind;
	uint32_t number; /* an answer bears the number of its question */
	int32_t error;
	uint32_t flags;
	uint32_t stdio; /* bit N: descriptor N is open, and sent along */
	uint32_t umask;
	uint32_t arguments, variables; /* strings behind path and directory: argv, then env */
	uint32_t strings;	       /* bytes of all strings, each with its NUL */
	uint32_t instructions;	       /* of the filter, behind the strings, aligned to 8 */
	struct limits limits;
};

/* A message with what belongs to it; only as much of the text as there is is sent. */
struct letter {
	struct message head;
	char text[CHANNEL_TEXT]; /* path, directory, argv…, env… or the path to open; then the
				    filter */
};

/* What came with a message. */
struct arrival {
	size_t size;  /* of head and text; behind the text stands a NUL */
	pid_t sender; /* as the receiver sees it; 0: not told */
	int fds[CHANNEL_FDS];
	int fd_count;
};

/* A pair, both ends close-on-exec; ends[0] is told the pids of its senders. 0, or -1 with errno. */
int channel_pair(int ends[2]);

/* Sends one message, of SIZE bytes with its text, and descriptors. Never raises SIGPIPE. 0, or -1
 * with errno. */
int channel_send(int fd, const struct message *message, size_t size, const int *fds, int fd_count);

/*
 * Receives one message within TIMEOUT_MS (-1: for ever). The descriptors are
 * close-on-exec and now the caller's. Returns 0, or -1 with errno: ETIMEDOUT, EPIPE when the other
 * end is closed, EBADMSG for something that is no message.
 */
int channel_receive(int fd, struct letter *letter, struct arrival *arrival, int timeout_ms);

#endif
