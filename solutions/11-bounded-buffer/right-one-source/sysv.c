/* The second program is the first one, compiled otherwise. */
#define SYSV 1
#include "buffer.c"
