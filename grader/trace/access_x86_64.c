/* access_x86_64.c: what the instruction before a stop did to memory. */
#if defined(__x86_64__)

#include "trace/arch.h"

const unsigned char arch_call[] = { 0x0f, 0x05 }; /* syscall */
const size_t arch_call_size = sizeof(arch_call);

struct arch_access arch_access_before(const unsigned char *code, size_t size)
{
	(void)code;
	(void)size;
	return (struct arch_access){ 0 };
}

#endif
