#include "attest/elf.h"

#include <elf.h>
#include <string.h>

static int refuse(struct err *e, const char *what)
{
	return err_set(e, ERR_DATA, "image: %s", what);
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

int elf_interpreter(struct view image, struct view *ret, struct err *e)
{
	struct view v, path = { 0 };
	Elf64_Ehdr header;
	Elf64_Phdr segment;

	TRY(read_header(image, &header, e));
	/* e_phnum has 16 bits: neither count nor sum can overflow */
	for (uint64_t i = 0; i < header.e_phnum; i++) {
		if (header.e_phoff > image.len ||
		    !part(image, header.e_phoff + i * sizeof(segment), sizeof(segment), &v))
			return refuse(e, "cut short before the end of its program headers");
		memcpy(&segment, v.data, sizeof(segment));
		if (segment.p_type != PT_INTERP)
			continue;
		if (path.len || !part(image, segment.p_offset, segment.p_filesz, &v))
			return refuse(e, "its interpreter is not in it, or in it twice");
		TRY(take_path(v, &path, e));
	}
	*ret = path;
	return 0;
}
