/* elf_symbols.c: the functions of an ELF file, by address and by name. */
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "trace/elf_parts.h"

/* A symbol's entry in .gnu.version: this bit says that it is an old version (NAME@OLD). */
enum { VERSION_HIDDEN = 0x8000 };

static int by_start(const void *a, const void *b)
{
	const struct symbol *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return (int)left->kind - (int)right->kind;
}

static int by_name(const void *a, const void *b)
{
	const struct symbol *left = *(const struct symbol *const *)a;
	const struct symbol *right = *(const struct symbol *const *)b;
	int order = strcmp(left->name, right->name);

	return order ? order : (int)left->kind - (int)right->kind;
}

static Elf_Data *data_of_type(Elf *elf, unsigned type)
{
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) && header.sh_type == type)
			return elf_getdata(section, NULL);
	}
	return NULL;
}

static void add_symbol(struct elf_file *file, const struct symbol *symbol)
{
	enum { STEP = 1024 };

	if (file->symbol_count % STEP == 0) {
		file->symbols = realloc(file->symbols,
					(file->symbol_count + STEP) * sizeof(struct symbol));
		if (!file->symbols)
			die("out of memory");
	}
	file->symbols[file->symbol_count++] = *symbol;
}

static void add_table(struct elf_file *file, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	Elf_Data *versions = header->sh_type == SHT_DYNSYM ? data_of_type(file->elf, SHT_GNU_versym)
							   : NULL;
	size_t count = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;

	for (size_t i = 0; data && i < count; i++) {
		GElf_Sym entry;
		GElf_Versym version = 0;
		struct symbol symbol;

		if (!gelf_getsym(data, (int)i, &entry) || entry.st_shndx == SHN_UNDEF ||
		    GELF_ST_TYPE(entry.st_info) != STT_FUNC || entry.st_value == 0)
			continue;
		if (versions)
			gelf_getversym(versions, (int)i, &version);
		symbol.start = entry.st_value;
		symbol.size = entry.st_size;
		symbol.name = elf_strptr(file->elf, header->sh_link, entry.st_name);
		symbol.kind = version & VERSION_HIDDEN			 ? SYMBOL_OLD
			      : GELF_ST_BIND(entry.st_info) == STB_LOCAL ? SYMBOL_LOCAL
									 : SYMBOL_GLOBAL;
		if (symbol.name)
			add_symbol(file, &symbol);
	}
}

static bool read_symbols(struct elf_file *file)
{
	Elf *elf = elf_file_elf(file);

	if (file->tried_symbols)
		return file->symbol_count > 0;
	file->tried_symbols = true;
	for (Elf_Scn *section = NULL; elf && (section = elf_nextscn(elf, section));) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) &&
		    (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM))
			add_table(file, section, &header);
	}
	if (file->symbol_count)
		qsort(file->symbols, file->symbol_count, sizeof(struct symbol), by_start);
	return file->symbol_count > 0;
}

void elf_symbols_free(struct elf_file *file)
{
	free(file->symbols);
	free(file->by_name);
}

/* The index behind the last symbol that starts at or before the address. */
static size_t behind(const struct elf_file *file, uint64_t address)
{
	size_t low = 0, high = file->symbol_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (file->symbols[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A symbol without a size is one written in assembler: it reaches to the next. */
static bool contains(const struct symbol *symbol, uint64_t address)
{
	return symbol->size == 0 || address - symbol->start < symbol->size;
}

const struct symbol *elf_file_symbols_at(struct elf_file *file, uint64_t address, size_t *count)
{
	size_t last, first;

	*count = 0;
	if (!read_symbols(file))
		return NULL;
	last = behind(file, address);
	if (last == 0 || !contains(&file->symbols[last - 1], address))
		return NULL;
	first = last - 1;
	while (first > 0 && file->symbols[first - 1].start == file->symbols[first].start)
		first--;
	*count = last - first;
	return &file->symbols[first];
}

static void sort_names(struct elf_file *file)
{
	file->by_name = malloc(file->symbol_count * sizeof(*file->by_name));
	if (!file->by_name)
		die("out of memory");
	for (size_t i = 0; i < file->symbol_count; i++)
		file->by_name[i] = &file->symbols[i];
	qsort(file->by_name, file->symbol_count, sizeof(*file->by_name), by_name);
}

uint64_t elf_file_function(struct elf_file *file, const char *name)
{
	size_t low = 0, high;

	if (!read_symbols(file))
		return 0;
	if (!file->by_name)
		sort_names(file);
	for (high = file->symbol_count; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(file->by_name[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == file->symbol_count || strcmp(file->by_name[low]->name, name) != 0 ||
	    file->by_name[low]->kind == SYMBOL_OLD)
		return 0;
	return file->by_name[low]->start;
}

/* ---- functions without a symbol, by .eh_frame_hdr ---- */

/* Its usual layout (LSB: version 1; a sorted table of pairs of 32-bit offsets from the header):
 * start of a function, place of its CFI. No other is written by today's linkers. */
struct frame_header {
	unsigned char version, pointer_encoding, count_encoding, table_encoding;
	int32_t pointer;
	uint32_t count;
	int32_t table[][2];
};
enum { ENCODED_UDATA4 = 0x03, ENCODED_PCREL_SDATA4 = 0x1b, ENCODED_DATAREL_SDATA4 = 0x3b };

static const struct frame_header *frame_header(Elf *elf, uint64_t *address)
{
	size_t count = 0;

	if (!elf || elf_getphdrnum(elf, &count) != 0)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const struct frame_header *table;
		GElf_Phdr header;
		Elf_Data *data;

		if (!gelf_getphdr(elf, (int)i, &header) || header.p_type != PT_GNU_EH_FRAME ||
		    header.p_filesz < sizeof(*table))
			continue;
		data = elf_getdata_rawchunk(elf, (int64_t)header.p_offset, header.p_filesz,
					    ELF_T_BYTE);
		table = data ? data->d_buf : NULL;
		*address = header.p_vaddr;
		if (!table || table->version != 1 ||
		    table->pointer_encoding != ENCODED_PCREL_SDATA4 ||
		    table->count_encoding != ENCODED_UDATA4 ||
		    table->table_encoding != ENCODED_DATAREL_SDATA4 ||
		    table->count > (header.p_filesz - sizeof(*table)) / sizeof(*table->table))
			return NULL;
		return table;
	}
	return NULL;
}

static uint64_t start_by_frames(struct elf_file *file, uint64_t address)
{
	uint64_t at = 0;
	const struct frame_header *table = frame_header(elf_file_elf(file), &at);
	uint32_t low = 0, high = table ? table->count : 0;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (at + (uint64_t)(int64_t)table->table[middle][0] <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? at + (uint64_t)(int64_t)table->table[low - 1][0] : 0;
}

/* A start by the frames alone may be that of a function before one without CFI: ask for that. */
static bool has_frame(struct elf_file *file, uint64_t address)
{
	Dwarf_Frame *frame;
	Dwarf_CFI *cfi = elf_file_cfi(file);

	if (!cfi || dwarf_cfi_addrframe(cfi, address, &frame) != 0)
		return false;
	free(frame);
	return true;
}

uint64_t elf_file_function_start(struct elf_file *file, uint64_t address)
{
	size_t count;
	const struct symbol *symbol = elf_file_symbols_at(file, address, &count);

	if (symbol && symbol->size)
		return symbol->start;
	return has_frame(file, address) ? start_by_frames(file, address) : 0;
}
