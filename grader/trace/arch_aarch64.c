/*
 * arch_aarch64.c: arch.h for aarch64.
 *
 * Interrupted calls. At the stop at a call's exit x0 holds -ERESTART… or -EINTR, as on x86-64. At a
 * signal or interrupt stop, though, the kernel has prepared the restart already (so that a debugger
 * sees the pc to be): pc stands at the svc instruction, x0 is the first argument again, and the
 * call's number is forgotten.
 *
 * Watchpoints stop before the access, and would stop there for ever: arch_watch_hits() makes the
 * one instruction run, so that to its callers a watchpoint is a stop after the access, as on
 * x86-64. A loop of load-exclusive and store-exclusive never comes to an end under a watchpoint,
 * since each stop clears the monitor; the atomics of ARMv8.1 (LSE), which gcc chooses at run time,
 * are no loops.
 */
#if defined(__aarch64__)

#include <errno.h>
#include <linux/elf.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "trace/access_aarch64.h"
#include "trace/arch.h"

#ifndef TRAP_HWBKPT
#define TRAP_HWBKPT 4
#endif

enum { ERESTARTSYS = 512, ERESTARTNOHAND = 514, ERESTART_RESTARTBLOCK = 516 };

enum { INSTRUCTION = 4 };
static const uint32_t svc = 0xd4000001;

const unsigned char arch_breakpoint[] = { 0x00, 0x00, 0x20, 0xd4 }; /* brk #0 */
const size_t arch_breakpoint_size = sizeof(arch_breakpoint);
const int arch_breakpoint_advance = 0;

const unsigned char arch_call[] = { 0x01, 0x00, 0x00, 0xd4 };
const size_t arch_call_size = sizeof(arch_call);

/* ---- registers ---- */

static bool get(pid_t tid, int what, void *data, size_t size)
{
	struct iovec room = { data, size };

	return ptrace(PTRACE_GETREGSET, tid, what, &room) == 0;
}

static bool set(pid_t tid, int what, const void *data, size_t size)
{
	struct iovec room = { (void *)data, size };

	return ptrace(PTRACE_SETREGSET, tid, what, &room) == 0;
}

bool arch_get(pid_t tid, struct arch_registers *registers)
{
	return get(tid, NT_PRSTATUS, &registers->raw, sizeof(registers->raw));
}

bool arch_set(pid_t tid, const struct arch_registers *registers)
{
	return set(tid, NT_PRSTATUS, &registers->raw, sizeof(registers->raw));
}

uint64_t arch_pc(const struct arch_registers *registers)
{
	return registers->raw.pc;
}

uint64_t arch_sp(const struct arch_registers *registers)
{
	return registers->raw.sp;
}

void arch_set_pc(struct arch_registers *registers, uint64_t pc)
{
	registers->raw.pc = pc;
}

int64_t arch_result(const struct arch_registers *registers)
{
	return (int64_t)registers->raw.regs[0];
}

bool arch_put_result(pid_t tid, int64_t result)
{
	return arch_put_argument(tid, 0, (uint64_t)result); /* both are x0 */
}

bool arch_put_argument(pid_t tid, int index, uint64_t value)
{
	struct arch_registers registers;

	if (index < 0 || index > 5 || !arch_get(tid, &registers))
		return false;
	registers.raw.regs[index] = value;
	return arch_set(tid, &registers);
}

/* The number has a register set of its own; -1 skips the call, and x0 is left as we put it. */
bool arch_skip_call(pid_t tid, int64_t result)
{
	int number = -1;

	return set(tid, NT_ARM_SYSTEM_CALL, &number, sizeof(number)) &&
	       arch_put_result(tid, result);
}

bool arch_put_clone(pid_t tid, uint64_t flags, uint64_t parent_tid, uint64_t child_tid,
		    uint64_t args[6])
{
	int number = SYS_clone;

	memcpy(args, (const uint64_t[6]){ flags, 0, parent_tid, 0, child_tid, 0 },
	       6 * sizeof(*args));
	return set(tid, NT_ARM_SYSTEM_CALL, &number, sizeof(number)) &&
	       arch_put_argument(tid, 0, flags) && arch_put_back(tid, args);
}

/* x0 holds the result. */
bool arch_put_back(pid_t tid, const uint64_t args[6])
{
	struct arch_registers registers;

	if (!arch_get(tid, &registers))
		return false;
	memcpy(&registers.raw.regs[1], &args[1], 5 * sizeof(*args));
	return arch_set(tid, &registers);
}

/* The order of the ABI: x0 to x30, sp, pc. */
size_t arch_dwarf_registers(const struct arch_registers *registers,
			    uint64_t values[ARCH_DWARF_REGISTERS])
{
	_Static_assert(ARCH_DWARF_REGISTERS == 33, "x0 to x30, sp, pc");

	for (size_t i = 0; i < 31; i++)
		values[i] = registers->raw.regs[i];
	values[31] = registers->raw.sp;
	values[32] = registers->raw.pc;
	return ARCH_DWARF_REGISTERS;
}

/* ---- interrupted calls ---- */

static bool is_interruption(int64_t result)
{
	return result == -EINTR || (result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK);
}

static bool is_svc(pid_t tid, uint64_t address)
{
	long word;

	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, tid, (void *)(address & ~7ul), NULL);
	return errno == 0 && (uint32_t)((unsigned long)word >> (address & 4 ? 32 : 0)) == svc;
}

/* At the stop at the exit of a call, where its number is still known? */
static bool knows_call(pid_t tid)
{
	int number;

	return get(tid, NT_ARM_SYSTEM_CALL, &number, sizeof(number)) && number >= 0;
}

enum interruption { NOT_INTERRUPTED, AT_EXIT, REWOUND, ENDED };

static enum interruption interruption_of(pid_t tid, const struct arch_registers *registers)
{
	int64_t result = arch_result(registers);

	if (knows_call(tid))
		return is_interruption(result) ? AT_EXIT : NOT_INTERRUPTED;
	if (is_svc(tid, registers->raw.pc))
		return REWOUND;
	if (result == -EINTR && is_svc(tid, registers->raw.pc - INSTRUCTION))
		return ENDED;
	return NOT_INTERRUPTED;
}

/*
 * Where the number is forgotten (ENDED), so is the first argument, and the call cannot be made
 * again: false. No call that ends with EINTR so is in the table of traced calls without being
 * followed to its exit, where this works.
 */
bool arch_restart_if_interrupted(pid_t tid)
{
	struct arch_registers registers;

	if (!arch_get(tid, &registers) || arch_result(&registers) != -EINTR || !knows_call(tid))
		return false;
	return arch_put_result(tid, -ERESTARTNOHAND);
}

bool arch_call_is_interrupted(pid_t tid)
{
	struct arch_registers registers;

	return arch_get(tid, &registers) && interruption_of(tid, &registers) != NOT_INTERRUPTED;
}

/* A pc that we have moved tells the kernel that there is nothing to restart. */
bool arch_end_interrupted_call(pid_t tid, int64_t result)
{
	struct arch_registers registers;
	enum interruption interruption;

	if (!arch_get(tid, &registers))
		return false;
	interruption = interruption_of(tid, &registers);
	if (interruption == NOT_INTERRUPTED)
		return false;
	if (interruption == REWOUND)
		registers.raw.pc += INSTRUCTION;
	registers.raw.regs[0] = (uint64_t)result;
	return arch_set(tid, &registers);
}

/* ---- watchpoints: NT_ARM_HW_WATCH, ptrace(2) and linux/Documentation/arch/arm64 ---- */

/* As struct user_hwdebug_state of <asm/ptrace.h>, which cannot be included along <sys/user.h>. */
struct watch_state {
	uint32_t info, pad; /* the low 8 bits of info: how many there are */
	struct {
		uint64_t address;
		uint32_t control, pad;
	} slot[16];
};

/* Of the control word: enabled, for user space, on loads and stores; one bit a byte of 8. */
enum { ENABLED = 1, USER = 2 << 1, LOADS = 1 << 3, STORES = 2 << 3, BYTES_SHIFT = 5 };

static size_t state_size(const struct watch_state *state)
{
	size_t count = state->info & 0xff;

	return offsetof(struct watch_state, slot) +
	       (count < 16 ? count : 16) * sizeof(state->slot[0]);
}

static bool watch_get(pid_t tid, struct watch_state *state)
{
	memset(state, 0, sizeof(*state));
	return get(tid, NT_ARM_HW_WATCH, state, sizeof(*state));
}

bool arch_watch(pid_t tid, int slot, uint64_t address, size_t size, enum arch_watch_kind kind)
{
	struct watch_state state;
	uint32_t bytes = ((1u << size) - 1) << (address & 7);

	if (!watch_get(tid, &state) || slot < 0 || (unsigned)slot >= (state.info & 0xff))
		return size == 0 && slot >= 0;
	state.slot[slot].address = size ? address & ~UINT64_C(7) : 0;
	state.slot[slot].control = 0;
	if (size)
		state.slot[slot].control = bytes << BYTES_SHIFT | ENABLED | USER | STORES |
					   (kind == ARCH_WATCH_ACCESSES ? LOADS : 0);
	return set(tid, NT_ARM_HW_WATCH, &state, state_size(&state));
}

/* The slot whose bytes are nearest to the address that was accessed: a wide access may begin below
 * them. */
static unsigned slot_hit(const struct watch_state *state, uint64_t accessed)
{
	uint64_t nearest = UINT64_MAX;
	unsigned hit = 0;

	for (unsigned i = 0; i < ARCH_WATCH_SLOTS; i++) {
		uint64_t first = state->slot[i].address, distance;

		if (!(state->slot[i].control & ENABLED))
			continue;
		first += (unsigned)__builtin_ctz(state->slot[i].control >> BYTES_SHIFT);
		distance = accessed > first ? accessed - first : first - accessed;
		if (distance < nearest) {
			nearest = distance;
			hit = 1u << i;
		}
	}
	return hit;
}

/*
 * One instruction. Another stop that comes instead (a signal, the end) is not taken from the kernel
 * here: the tracer's next wait finds it. A signal is then handled before the access, which is
 * watched again.
 */
static void step(pid_t tid)
{
	siginfo_t stop;

	if (ptrace(PTRACE_SINGLESTEP, tid, NULL, NULL) != 0)
		return;
	while (waitid(P_PID, (id_t)tid, &stop, WSTOPPED | WEXITED | WNOWAIT | __WALL) != 0)
		if (errno != EINTR)
			return;
	if (stop.si_code == CLD_TRAPPED && stop.si_status == SIGTRAP)
		waitpid(tid, NULL, __WALL);
}

unsigned arch_watch_hits(pid_t tid)
{
	struct watch_state state, quiet;
	siginfo_t info;
	unsigned hits;

	if (ptrace(PTRACE_GETSIGINFO, tid, NULL, &info) != 0 || info.si_signo != SIGTRAP ||
	    info.si_code != TRAP_HWBKPT || !watch_get(tid, &state))
		return 0;
	hits = slot_hit(&state, (uint64_t)(uintptr_t)info.si_addr);
	if (!hits)
		return 0;
	quiet = state;
	for (size_t i = 0; i < sizeof(quiet.slot) / sizeof(*quiet.slot); i++)
		quiet.slot[i].control &= ~(uint32_t)ENABLED;
	if (set(tid, NT_ARM_HW_WATCH, &quiet, state_size(&quiet)))
		step(tid);
	set(tid, NT_ARM_HW_WATCH, &state, state_size(&state));
	ptrace(PTRACE_SETSIGINFO, tid, NULL, &info); /* still the stop of a watchpoint */
	return hits;
}

/* ---- instructions ---- */

struct arch_access arch_access_before(const unsigned char *code, size_t size)
{
	uint32_t instruction;

	if (size < INSTRUCTION || size % INSTRUCTION)
		return (struct arch_access){ 0 };
	memcpy(&instruction, code + size - INSTRUCTION, sizeof(instruction));
	return access_of_aarch64(instruction);
}

#endif
