/* unwind.c: a small evaluator of the expressions that libdw gives for registers of the caller. */
#include "trace/unwind.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(ARCH_DWARF_REGISTERS <= 64, "struct frame has a bit a register");

/* One evaluation. */
struct machine {
	const struct moment_copy *copy;
	const struct frame *frame;
	uint64_t cfa;
	uint64_t stack[16];
	size_t depth;
	bool is_value; /* the result is the value itself, not where it is stored */
};

static bool read_word(const struct moment_copy *copy, uint64_t address, uint64_t *value)
{
	uint64_t at = address - copy->stack_at;

	if (address < copy->stack_at || copy->stack_size < sizeof(*value) ||
	    at > copy->stack_size - sizeof(*value))
		return false;
	memcpy(value, copy->stack + at, sizeof(*value));
	return true;
}

static bool push(struct machine *machine, uint64_t value)
{
	if (machine->depth == sizeof(machine->stack) / sizeof(*machine->stack))
		return false;
	machine->stack[machine->depth++] = value;
	return true;
}

static bool push_register(struct machine *machine, uint64_t number, uint64_t offset)
{
	const struct frame *frame = machine->frame;

	if (number >= ARCH_DWARF_REGISTERS || !(frame->known >> number & 1))
		return false;
	return push(machine, frame->values[number] + offset);
}

static bool calculate(struct machine *machine, unsigned operation)
{
	uint64_t *left, right;

	if (machine->depth < 2)
		return false;
	right = machine->stack[--machine->depth];
	left = &machine->stack[machine->depth - 1];
	switch (operation) {
	case DW_OP_plus:
		*left += right;
		return true;
	case DW_OP_minus:
		*left -= right;
		return true;
	case DW_OP_and:
		*left &= right;
		return true;
	case DW_OP_or:
		*left |= right;
		return true;
	case DW_OP_mul:
		*left *= right;
		return true;
	case DW_OP_shl:
		*left = right < 64 ? *left << right : 0;
		return true;
	case DW_OP_shr:
		*left = right < 64 ? *left >> right : 0;
		return true;
	case DW_OP_ge:
		*left = (int64_t)*left >= (int64_t)right;
		return true;
	case DW_OP_gt:
		*left = (int64_t)*left > (int64_t)right;
		return true;
	case DW_OP_le:
		*left = (int64_t)*left <= (int64_t)right;
		return true;
	case DW_OP_lt:
		*left = (int64_t)*left < (int64_t)right;
		return true;
	case DW_OP_eq:
		*left = *left == right;
		return true;
	case DW_OP_ne:
		*left = *left != right;
		return true;
	default:
		return false;
	}
}

/* What stands in call frame information; anything else makes the frame unknown. */
static bool execute(struct machine *machine, const Dwarf_Op *op)
{
	unsigned code = op->atom;

	if (code >= DW_OP_lit0 && code <= DW_OP_lit31)
		return push(machine, code - DW_OP_lit0);
	if (code >= DW_OP_breg0 && code <= DW_OP_breg31)
		return push_register(machine, code - DW_OP_breg0, op->number);
	if (code >= DW_OP_reg0 && code <= DW_OP_reg31) {
		machine->is_value = true;
		return push_register(machine, code - DW_OP_reg0, 0);
	}
	switch (code) {
	case DW_OP_bregx:
		return push_register(machine, op->number, op->number2);
	case DW_OP_regx:
		machine->is_value = true;
		return push_register(machine, op->number, 0);
	case DW_OP_call_frame_cfa:
		return push(machine, machine->cfa);
	case DW_OP_const1u:
	case DW_OP_const2u:
	case DW_OP_const4u:
	case DW_OP_const8u:
	case DW_OP_constu:
	case DW_OP_const1s:
	case DW_OP_const2s:
	case DW_OP_const4s:
	case DW_OP_const8s:
	case DW_OP_consts:
		return push(machine, op->number);
	case DW_OP_plus_uconst:
		if (!machine->depth)
			return false;
		machine->stack[machine->depth - 1] += op->number;
		return true;
	case DW_OP_deref:
		return machine->depth &&
		       read_word(machine->copy, machine->stack[machine->depth - 1],
				 &machine->stack[machine->depth - 1]);
	case DW_OP_dup:
		return machine->depth && push(machine, machine->stack[machine->depth - 1]);
	case DW_OP_stack_value:
		machine->is_value = true;
		return true;
	default:
		return calculate(machine, code);
	}
}

static bool evaluate(struct machine *machine, const Dwarf_Op *ops, size_t count, uint64_t *value)
{
	machine->depth = 0;
	machine->is_value = false;
	for (size_t i = 0; i < count; i++)
		if (!execute(machine, &ops[i]))
			return false;
	if (machine->depth == 0)
		return false;
	*value = machine->stack[machine->depth - 1];
	return true;
}

/* Value of one register in the caller. False when it is lost. */
static bool register_of_caller(struct machine *machine, Dwarf_Frame *rules, int number,
			       uint64_t *value)
{
	Dwarf_Op room[3], *ops;
	size_t count;

	if (dwarf_frame_register(rules, number, room, &ops, &count) != 0)
		return false;
	if (count == 0) {
		*value = machine->frame->values[number];
		return ops == NULL && (machine->frame->known >> number & 1);
	}
	if (!evaluate(machine, ops, count, value))
		return false;
	return machine->is_value || read_word(machine->copy, *value, value);
}

/* Return addresses of aarch64 may be signed: the signature stands above the 48 bits of an address.
 */
static uint64_t plain_address(uint64_t address)
{
#if defined(__aarch64__)
	return address & ((UINT64_C(1) << 48) - 1);
#else
	return address;
#endif
}

static bool apply(const struct moment_copy *copy, Dwarf_Frame *rules, struct frame *frame)
{
	struct machine machine = { .copy = copy, .frame = frame };
	struct frame caller = { .known = 0 };
	bool is_signal = false;
	int return_register = dwarf_frame_info(rules, NULL, NULL, &is_signal);
	Dwarf_Op *ops;
	size_t count;

	if (return_register < 0 || return_register >= ARCH_DWARF_REGISTERS ||
	    dwarf_frame_cfa(rules, &ops, &count) != 0 || count == 0 ||
	    !evaluate(&machine, ops, count, &machine.cfa))
		return false;
	for (int i = 0; i < ARCH_DWARF_REGISTERS; i++)
		if (register_of_caller(&machine, rules, i, &caller.values[i]))
			caller.known |= UINT64_C(1) << i;
	if (!(caller.known >> return_register & 1))
		return false;
	caller.pc = plain_address(caller.values[return_register]);
	caller.behind = !is_signal;
	caller.interrupted = is_signal;
	if (caller.pc == 0 || (caller.pc == frame->pc && machine.cfa <= copy->stack_at))
		return false;
	*frame = caller;
	return true;
}

struct frame unwind_first(const struct moment_copy *copy)
{
	struct frame frame = { .pc = arch_pc(&copy->registers), .behind = copy->behind };
	size_t count = arch_dwarf_registers(&copy->registers, frame.values);

	frame.known = (UINT64_C(1) << count) - 1;
	return frame;
}

uint64_t unwind_place(const struct frame *frame)
{
	return frame->pc - frame->behind;
}

bool unwind_next(const struct moment_copy *copy, struct frame *frame)
{
	uint64_t in_file;
	struct module *module = image_module(copy->image, unwind_place(frame), &in_file);
	Dwarf_CFI *cfi = module ? elf_file_cfi(module->file) : NULL;
	Dwarf_Frame *rules;
	bool found;

	if (!cfi || dwarf_cfi_addrframe(cfi, in_file, &rules) != 0)
		return false;
	found = apply(copy, rules, frame);
	free(rules);
	return found;
}
