#include "attest/elf.h"

#include <elf.h>
#include <string.h>

static int refuse(struct err *e, const char *what)
{
	return err_set(e, ERR_DATA, "%s", what);
}

/* The len bytes at offset, or false when they are not all there. */
static bool part(struct view image, uint64_t offset, uint64_t len, struct view *ret)
{
	if (offset > image.len || len > image.len - offset)
		return false;
	*ret = view_new(image.data + offset, len);
	return true;
}

static int read_header(struct view image, Elf64_Ehdr *ret, struct err *e)
{
	struct view v;

	if (!part(image, 0, sizeof(*ret), &v) || memcmp(v.data, ELFMAG, SELFMAG) != 0)
		return refuse(e, "not an ELF file");
	memcpy(ret, v.data, sizeof(*ret));
	if (ret->e_ident[EI_CLASS] != ELFCLASS64 || ret->e_ident[EI_DATA] != ELFDATA2LSB)
		return refuse(e, "not a 64-bit little-endian ELF file");
	if (ret->e_type != ET_EXEC && ret->e_type != ET_DYN)
		return refuse(e, "not an executable");
	if (ret->e_phnum && ret->e_phentsize != sizeof(Elf64_Phdr))
		return refuse(e, "program headers of an unknown size");
	return 0;
}

static int take_path(struct view segment, struct view *ret, struct err *e)
{
	if (segment.len < 2 || segment.data[0] != '/' ||
	    memchr(segment.data, 0, segment.len) != segment.data + segment.len - 1)
		return refuse(e, "its interpreter is not an absolute path");
	*ret = view_new(segment.data, segment.len - 1);
	return 0;
}

static int read_segment(struct view file, const Elf64_Ehdr *header, uint64_t i, Elf64_Phdr *ret,
                        struct err *e)
{
	struct view v;

	/* e_phnum has 16 bits: neither product nor sum can overflow */
	if (header->e_phoff > file.len ||
	    !part(file, header->e_phoff + i * sizeof(*ret), sizeof(*ret), &v))
		return refuse(e, "cut short before the end of its program headers");
	memcpy(ret, v.data, sizeof(*ret));
	return 0;
}

int elf_interpreter(struct view image, struct view *ret, struct err *e)
{
	struct view v, path = { 0 };
	Elf64_Ehdr header;
	Elf64_Phdr segment;

	TRY(read_header(image, &header, e));
	for (uint64_t i = 0; i < header.e_phnum; i++) {
		TRY(read_segment(image, &header, i, &segment, e));
		if (segment.p_type != PT_INTERP)
			continue;
		if (path.len || !part(image, segment.p_offset, segment.p_filesz, &v))
			return refuse(e, "its interpreter is not in it, or in it twice");
		TRY(take_path(v, &path, e));
	}
	*ret = path;
	return 0;
}

/* --- the dynamic section, where a loader finds it: by address, not by offset in the file */

#define PAGE_LEN 0x1000 /* what a segment takes of its neighbours' pages is mapped over them */

static bool covers(const Elf64_Phdr *load, uint64_t address)
{
	uint64_t begin = load->p_vaddr & ~(uint64_t)(PAGE_LEN - 1);

	return load->p_memsz && load->p_vaddr <= UINT64_MAX - PAGE_LEN &&
	       load->p_memsz <= UINT64_MAX - PAGE_LEN - load->p_vaddr && address >= begin &&
	       address <
	           ((load->p_vaddr + load->p_memsz + PAGE_LEN - 1) & ~(uint64_t)(PAGE_LEN - 1));
}

/* The bytes of the file from address to the end of its segment, which must be the only one there.
 */
static int find_loaded(struct view file, const Elf64_Ehdr *header, uint64_t address,
                       struct view *ret, struct err *e)
{
	Elf64_Phdr segment, found = { 0 };
	unsigned count = 0;

	for (uint64_t i = 0; i < header->e_phnum; i++) {
		TRY(read_segment(file, header, i, &segment, e));
		if (segment.p_type != PT_LOAD || !covers(&segment, address))
			continue;
		found = segment;
		count++;
	}
	if (count != 1 || address < found.p_vaddr || address - found.p_vaddr >= found.p_filesz ||
	    !part(file, found.p_offset, found.p_filesz, ret))
		return refuse(e, "its dynamic section or the names in it are not in one segment");
	*ret =
	    view_new(ret->data + (address - found.p_vaddr), ret->len - (address - found.p_vaddr));
	return 0;
}

static int find_dynamic(struct view file, const Elf64_Ehdr *header, struct view *ret, struct err *e)
{
	Elf64_Phdr segment;
	unsigned count = 0;

	*ret = (struct view){ 0 };
	for (uint64_t i = 0; i < header->e_phnum; i++) {
		TRY(read_segment(file, header, i, &segment, e));
		if (segment.p_type != PT_DYNAMIC)
			continue;
		if (count++)
			return refuse(e, "it has two dynamic sections");
		TRY(find_loaded(file, header, segment.p_vaddr, ret, e));
	}
	return 0;
}

/* The i-th entry; false at the end, which a loader sees by DT_NULL alone. */
static bool take_entry(struct view dynamic, size_t i, Elf64_Dyn *ret, bool *ret_is_cut)
{
	struct view v;

	*ret_is_cut = !part(dynamic, i * sizeof(*ret), sizeof(*ret), &v);
	if (*ret_is_cut)
		return false;
	memcpy(ret, v.data, sizeof(*ret));
	return ret->d_tag != DT_NULL;
}

static int find_names(struct view file, const Elf64_Ehdr *header, struct view dynamic,
                      struct view *ret, struct err *e)
{
	bool is_cut = false;
	unsigned count = 0;
	Elf64_Dyn entry;

	for (size_t i = 0; take_entry(dynamic, i, &entry, &is_cut); i++) {
		if (entry.d_tag != DT_STRTAB)
			continue;
		count++;
		TRY(find_loaded(file, header, entry.d_un.d_ptr, ret, e));
	}
	if (is_cut)
		return refuse(e, "its dynamic section has no end");
	return count == 1 ? 0 : refuse(e, "its dynamic section has not one table of names");
}

/* What the loader opens, or looks for files by. */
struct leading_tag {
	int64_t tag;
	const char *name;
	bool is_unlisted; /* what it names is loaded, or not, and the list does not say which */
};

static const struct leading_tag *leading_tag(int64_t tag)
{
	static const struct leading_tag tags[] = {
		{ DT_NEEDED, "DT_NEEDED", false },      { DT_RPATH, "DT_RPATH", false },
		{ DT_RUNPATH, "DT_RUNPATH", false },    { DT_SONAME, "DT_SONAME", false },
		{ DT_AUXILIARY, "DT_AUXILIARY", true }, { DT_FILTER, "DT_FILTER", true },
		{ DT_AUDIT, "DT_AUDIT", true },         { DT_DEPAUDIT, "DT_DEPAUDIT", true },
	};

	for (size_t i = 0; i < COUNT(tags); i++)
		if (tags[i].tag == tag)
			return &tags[i];
	return NULL;
}

static int check_name(struct view names, uint64_t offset, const struct leading_tag *leading,
                      struct err *e)
{
	const char *tag = leading->name;
	struct view name;
	const uint8_t *end;

	if (leading->is_unlisted)
		return err_set(e, ERR_DATA,
		               "its %s names what the loader's list does not show, and what then "
		               "could not be measured",
		               tag);
	if (offset >= names.len)
		return err_set(e, ERR_DATA, "its %s is not in its table of names", tag);
	name = view_new(names.data + offset, names.len - offset);
	end = memchr(name.data, 0, name.len);
	if (!end)
		return err_set(e, ERR_DATA, "its %s has no end", tag);
	for (const uint8_t *c = name.data; c < end; c++)
		if (*c <= ' ' || *c == 0x7f)
			return err_set(e, ERR_DATA,
			               "its %s holds white space or a control character", tag);
	return 0;
}

/* to: NULL for the check alone */
static int walk_names(struct view file, struct buf *to, struct err *e)
{
	struct view dynamic, names = { 0 };
	Elf64_Ehdr header;
	Elf64_Dyn entry;
	const struct leading_tag *leading;
	const char *list;
	bool is_cut;

	TRY(read_header(file, &header, e));
	TRY(find_dynamic(file, &header, &dynamic, e));
	if (!dynamic.len)
		return 0;
	TRY(find_names(file, &header, dynamic, &names, e));
	for (size_t i = 0; take_entry(dynamic, i, &entry, &is_cut); i++) {
		leading = leading_tag(entry.d_tag);
		if (!leading)
			continue;
		TRY(check_name(names, entry.d_un.d_val, leading, e));
		if (!to || (entry.d_tag != DT_RPATH && entry.d_tag != DT_RUNPATH))
			continue;
		list = (const char *)names.data + entry.d_un.d_val;
		if (*list) /* an empty one is none */
			TRY(buf_add_format(to, e, "%s:", list));
	}
	return 0;
}

int elf_check_names(struct view file, struct err *e)
{
	return walk_names(file, /* to= */ NULL, e);
}

int elf_search_folders(struct view file, struct buf *to, struct err *e)
{
	return walk_names(file, to, e);
}
