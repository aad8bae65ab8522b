/*
 * arch.h: all that differs between processors, behind one interface: arch_x86_64.c, arch_aarch64.c.
 * Every function works on a thread that is in a ptrace stop; false means errno (usually ESRCH: it
 * died).
 */
#ifndef TRACE_ARCH_H
#define TRACE_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

struct arch_registers {
#if defined(__x86_64__) || defined(__aarch64__)
	struct user_regs_struct raw;
#else
#error "maplab knows x86-64 and aarch64"
#endif
};

enum { ARCH_DWARF_REGISTERS = 33, ARCH_WATCH_SLOTS = 4 };

/* PTRACE_GETREGSET and PTRACE_SETREGSET of NT_PRSTATUS. */
bool arch_get(pid_t tid, struct arch_registers *registers);
bool arch_set(pid_t tid, const struct arch_registers *registers);

uint64_t arch_pc(const struct arch_registers *registers);
uint64_t arch_sp(const struct arch_registers *registers);
void arch_set_pc(struct arch_registers *registers, uint64_t pc);

/* What a system call left in the result register; at a call-return stop, another result can be put
 * there. */
int64_t arch_result(const struct arch_registers *registers);
bool arch_put_result(pid_t tid, int64_t result);

/* At a call-entry stop (seccomp): the call is not made and gives `result` at once. ptrace(2),
 * seccomp(2). */
bool arch_skip_call(pid_t tid, int64_t result);

/* At a call-entry stop: the call gets another value for argument `index` (0 to 5). */
bool arch_put_argument(pid_t tid, int index, uint64_t value);

/* At a call-entry stop: clone(2) without a stack is made instead, with the arguments that are given
 * back in args[]. And behind it: the registers that held arguments are as they were. */
bool arch_put_clone(pid_t tid, uint64_t flags, uint64_t parent_tid, uint64_t child_tid,
		    uint64_t args[6]);
bool arch_put_back(pid_t tid, const uint64_t args[6]);

/*
 * The thread was interrupted inside a call that the kernel ended with EINTR though no signal
 * handler ran (semop, epoll_wait and others do that to PTRACE_INTERRUPT): true after it was
 * arranged that the call is made again.
 */
bool arch_restart_if_interrupted(pid_t tid);

/* Does the thread stand in a stop inside a call that was interrupted (result -ERESTART… or -EINTR)?
 */
bool arch_call_is_interrupted(pid_t tid);

/* In a stop inside an interrupted, restartable call (result -ERESTART…): make it end with `result`
 * instead. */
bool arch_end_interrupted_call(pid_t tid, int64_t result);

/* DWARF's view: fills values[] by DWARF register number, returns how many. */
size_t arch_dwarf_registers(const struct arch_registers *registers,
			    uint64_t values[ARCH_DWARF_REGISTERS]);

/* ---- hardware watchpoints (one set a thread) ---- */

enum arch_watch_kind { ARCH_WATCH_STORES, ARCH_WATCH_ACCESSES };

/* Sets or clears (size 0) one of the slots. address must be aligned to size: 1, 2, 4, 8. False: the
 * host has none. */
bool arch_watch(pid_t tid, int slot, uint64_t address, size_t size, enum arch_watch_kind kind);

/* At a SIGTRAP stop: bits of the slots that were hit since the last call (and clears them); 0 when
 * it was no watchpoint. */
unsigned arch_watch_hits(pid_t tid);

/* ---- instructions ---- */

struct arch_access {
	bool known;  /* the instruction was found and understood */
	bool locked; /* one atomic read-modify-write: lock prefix, xchg with memory; LSE atomics,
			store-exclusive */
	bool loads, stores;
	uint8_t width; /* bytes, 0 when not known */
};

/*
 * The instruction that ends right before `pc`. `code` holds the bytes from the start of a function
 * (or from any known instruction boundary) up to pc; it is decoded forwards from there, since
 * backwards is ambiguous on x86.
 */
struct arch_access arch_access_before(const unsigned char *code, size_t size);

/* Bytes of the breakpoint instruction; where the pc stands after it was hit, relative to its
 * address. */
extern const unsigned char arch_breakpoint[];
extern const size_t arch_breakpoint_size;
extern const int arch_breakpoint_advance;

/* The instruction of a system call; pc stands behind it until the call has returned. */
extern const unsigned char arch_call[];
extern const size_t arch_call_size;

#endif
