/* The directory of shared builds; see builds.h. */
#include "exam/builds.h"

#include "run/compile.h"
#include "stage/stage.h"

void builds_open(struct builds *builds)
{
	struct stage_options options = stage_options_default();
	uid_t uid;
	gid_t gid;

	builds->directory[0] = '\0';
	builds->janitor = (struct janitor){ .pipe = -1 };
	stage_identity(&options, &uid, &gid);
	if (janitor_start(&builds->janitor) != 0)
		return;
	if (compile_make_session(&builds->janitor, uid, gid, builds->directory) != 0)
		builds->directory[0] = '\0';
}

void builds_close(struct builds *builds)
{
	janitor_dismiss(&builds->janitor);
	builds->directory[0] = '\0';
}
