/* launcher.h: what the two halves of the launcher share. */
#ifndef STAGE_LAUNCHER_H
#define STAGE_LAUNCHER_H

#include "stage/channel.h"

/*
 * Becomes the program of the launch letter L, whose open descriptors are ARRIVAL's. Ends with
 * status 126, and one line on the program's stderr, when that fails.
 */
_Noreturn void launcher_child(int channel, const struct letter *l, const struct arrival *arrival);

#endif
