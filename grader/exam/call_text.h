/* call_text.h: events in words, as strace(1) would put them. */
#ifndef EXAM_CALL_TEXT_H
#define EXAM_CALL_TEXT_H

#include "base/arena.h"
#include "trace/event.h"

/*
 * "mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3 "temp", 0) = 0x7f12…" or "SIGSEGV (SEGV_ACCERR) at
 * 0x…"; owned by the arena.
 */
const char *event_text(struct arena *arena, const struct event *event);

#endif
