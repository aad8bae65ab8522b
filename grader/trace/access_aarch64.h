/* access_aarch64.h: what an instruction of aarch64 does to memory. Pure, so that it is tested on
 * every host. */
#ifndef TRACE_ACCESS_AARCH64_H
#define TRACE_ACCESS_AARCH64_H

#include <stdint.h>

#include "trace/arch.h"

struct arch_access access_of_aarch64(uint32_t instruction);

#endif
