/* arch.h for x86-64. The decoder of instructions is in access_x86_64.c. */
#if defined(__x86_64__)

#include "trace/arch.h"

#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <linux/elf.h>

enum { ERESTARTSYS = 512, ERESTARTNOHAND = 514, ERESTART_RESTARTBLOCK = 516 };

const unsigned char arch_breakpoint[] = { 0xcc }; /* int3 */
const size_t arch_breakpoint_size = sizeof(arch_breakpoint);
const int arch_breakpoint_advance = 1;

bool arch_get(pid_t tid, struct arch_registers *registers)
{
	struct iovec room = { &registers->raw, sizeof(registers->raw) };

	return ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &room) == 0;
}

bool arch_set(pid_t tid, const struct arch_registers *registers)
{
	struct iovec room = { (void *)&registers->raw, sizeof(registers->raw) };

	return ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &room) == 0;
}

uint64_t arch_pc(const struct arch_registers *registers)
{
	return registers->raw.rip;
}

uint64_t arch_sp(const struct arch_registers *registers)
{
	return registers->raw.rsp;
}

void arch_set_pc(struct arch_registers *registers, uint64_t pc)
{
	registers->raw.rip = pc;
}

int64_t arch_result(const struct arch_registers *registers)
{
	return (int64_t)registers->raw.rax;
}

bool arch_put_result(pid_t tid, int64_t result)
{
	struct arch_registers registers;

	if (!arch_get(tid, &registers))
		return false;
	registers.raw.rax = (uint64_t)result;
	return arch_set(tid, &registers);
}

/* Number -1 makes the kernel skip the call; what stands in rax then is the result. */
bool arch_skip_call(pid_t tid, int64_t result)
{
	struct arch_registers registers;

	if (!arch_get(tid, &registers))
		return false;
	registers.raw.orig_rax = (uint64_t)-1;
	registers.raw.rax = (uint64_t)result;
	return arch_set(tid, &registers);
}

/* The register of an argument, 0 to 5; else NULL. */
static unsigned long long *argument(struct arch_registers *registers, int index)
{
	unsigned long long *const places[] = { &registers->raw.rdi, &registers->raw.rsi,
					       &registers->raw.rdx, &registers->raw.r10,
					       &registers->raw.r8,  &registers->raw.r9 };

	return index >= 0 && index < 6 ? places[index] : NULL;
}

bool arch_put_argument(pid_t tid, int index, uint64_t value)
{
	struct arch_registers registers;

	if (!argument(&registers, index) || !arch_get(tid, &registers))
		return false;
	*argument(&registers, index) = value;
	return arch_set(tid, &registers);
}

bool arch_put_clone(pid_t tid, uint64_t flags, uint64_t parent_tid, uint64_t child_tid,
		    uint64_t args[6])
{
	struct arch_registers registers;

	memcpy(args, (const uint64_t[6]){ flags, 0, parent_tid, child_tid, 0, 0 },
	       6 * sizeof(*args));
	if (!arch_get(tid, &registers))
		return false;
	registers.raw.orig_rax = SYS_clone;
	return arch_set(tid, &registers) && arch_put_back(tid, args);
}

bool arch_put_back(pid_t tid, const uint64_t args[6])
{
	struct arch_registers registers;

	if (!arch_get(tid, &registers))
		return false;
	for (int i = 0; i < 6; i++)
		*argument(&registers, i) = args[i];
	return arch_set(tid, &registers);
}

/*
 * The kernel looks at rax after the stop: this code makes it go back to the syscall instruction,
 * but for a signal handler that runs meanwhile, which ends the call with EINTR as it should.
 */
bool arch_restart_if_interrupted(pid_t tid)
{
	struct arch_registers registers;

	if (!arch_get(tid, &registers) || (int64_t)registers.raw.orig_rax < 0 ||
	    (int64_t)registers.raw.rax != -EINTR)
		return false;
	registers.raw.rax = (uint64_t)-ERESTARTNOHAND;
	return arch_set(tid, &registers);
}

static bool interrupted(const struct arch_registers *registers)
{
	int64_t result = (int64_t)registers->raw.rax;

	return (int64_t)registers->raw.orig_rax >= 0 &&
	       (result == -EINTR || (result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK));
}

bool arch_call_is_interrupted(pid_t tid)
{
	struct arch_registers registers;

	return arch_get(tid, &registers) && interrupted(&registers);
}

bool arch_end_interrupted_call(pid_t tid, int64_t result)
{
	struct arch_registers registers;

	if (!arch_get(tid, &registers) || !interrupted(&registers))
		return false;
	registers.raw.rax = (uint64_t)result;
	return arch_set(tid, &registers);
}

/* The order of the psABI: rax rdx rcx rbx rsi rdi rbp rsp r8 … r15, return address. */
size_t arch_dwarf_registers(const struct arch_registers *registers,
			    uint64_t values[ARCH_DWARF_REGISTERS])
{
	const struct user_regs_struct *raw = &registers->raw;
	const uint64_t order[] = { raw->rax, raw->rdx, raw->rcx, raw->rbx, raw->rsi, raw->rdi,
				   raw->rbp, raw->rsp, raw->r8,	 raw->r9,  raw->r10, raw->r11,
				   raw->r12, raw->r13, raw->r14, raw->r15, raw->rip };

	memcpy(values, order, sizeof(order));
	return sizeof(order) / sizeof(*order);
}

/* ---- debug registers: DR0 to DR3 addresses, DR6 what was hit, DR7 which are on and how ---- */

static bool debug_get(pid_t tid, int number, unsigned long *value)
{
	errno = 0;
	*value = (unsigned long)ptrace(
		PTRACE_PEEKUSER, tid, offsetof(struct user, u_debugreg) + sizeof(long) * number, 0);
	return errno == 0;
}

static bool debug_put(pid_t tid, int number, unsigned long value)
{
	return ptrace(PTRACE_POKEUSER, tid,
		      offsetof(struct user, u_debugreg) + sizeof(long) * number, value) == 0;
}

bool arch_watch(pid_t tid, int slot, uint64_t address, size_t size, enum arch_watch_kind kind)
{
	unsigned long control, length = size == 8 ? 2 : size - 1;
	unsigned long field = (kind == ARCH_WATCH_STORES ? 1ul : 3ul) | length << 2;

	if (!debug_get(tid, 7, &control))
		return false;
	control &= ~(3ul << (2 * slot) | 15ul << (16 + 4 * slot));
	if (!debug_put(tid, 7, control))
		return false;
	if (size == 0)
		return true;
	return debug_put(tid, slot, address) &&
	       debug_put(tid, 7, control | 1ul << (2 * slot) | field << (16 + 4 * slot));
}

unsigned arch_watch_hits(pid_t tid)
{
	unsigned long status;

	if (!debug_get(tid, 6, &status) || !(status & 15))
		return 0;
	debug_put(tid, 6, status & ~15ul);
	return status & 15;
}

#endif
