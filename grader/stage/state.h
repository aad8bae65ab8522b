/* state.h: the inside of struct stage, for the files that make up the stage. */
#ifndef STAGE_STATE_H
#define STAGE_STATE_H

#include "base/arena.h"
#include "stage/cgroup.h"
#include "stage/channel.h"
#include "stage/janitor.h"
#include "stage/leftovers.h"
#include "stage/stage.h"

#define STAGE_HELLOS 32

struct stage {
	enum stage_isolation isolation;
	struct limits limits;
	struct arena *arena;
	struct janitor janitor;
	struct cgroup cgroup;
	pid_t first;  /* our child: bwrap, or the launcher itself */
	int first_fd; /* pidfd of it; -1 where there are none */
	bool first_gone;
	bool kept; /* the scratch */
	pid_t launcher;
	int channel;
	bool disk;
	char root[32];
	char scratch[PATH_MAX];

	uint32_t asked;		    /* number of the last question */
	int broken;		    /* the enum limit that was broken, -1: none */
	int launch_error;	    /* of a launch that could not fork; 0: none */
	pid_t hellos[STAGE_HELLOS]; /* announced programs that nobody has asked for yet */
	size_t hello_count;
	struct opened {
		char *path;
		int fd;
	} opened[8]; /* files inside /proc/sysvipc that stay open, to be read again */
	size_t opened_count;

	/* where there are no namespaces */
	int lock;		 /* one stage at a time */
	struct leftovers before; /* what was there */
	uint64_t tasks_before;	 /* of the user, outside the stage */
	struct letter out, in;
};

/* What stage_drop_privileges() has kept of the old rights. */
struct stage_kept {
	int self; /* maplab's own binary, for the launcher; -1 */
	struct janitor janitor;
	struct cgroup cgroup;
};
extern struct stage_kept stage_kept;

/*
 * Starts the launcher. On success 0, with launcher, channel and first set. On failure -1 and a
 * plain sentence in *WHY, owned by the stage's arena; nothing runs any more.
 */
int stage_start_full(struct stage *stage, const char **why);
int stage_start_partial(struct stage *stage, bool landlock, const char **why);

/* Takes in what the launcher has sent, until the answer NUMBER comes (0: only what is there
 * already) or the time is over. ARRIVAL receives the answer's descriptor. 0, or -1 with errno. */
int stage_listen(struct stage *stage, uint32_t number, int timeout_ms, struct arrival *arrival);

/* A path below the scratch directory, owned by the arena. */
char *stage_path(struct stage *stage, const char *name);

#endif
