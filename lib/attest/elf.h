/* As much of ELF as it takes to know which loader starts an image, and that what it will list of it
 * can be read. Errors don't say of which file. */
#ifndef TEECTL_ATTEST_ELF_H
#define TEECTL_ATTEST_ELF_H

#include "base/buf.h"

/* The path in PT_INTERP, without its NUL, in the image; empty for a static image.
 * fails  ERR_DATA: not a 64-bit little-endian ELF file, or cut short */
MUST_CHECK int elf_interpreter(struct view image, struct view *ret, struct err *e);

/* The names that lead the loader from this image or library to others (DT_NEEDED, DT_RUNPATH and
 * their like) hold neither white space nor control characters: it lists files a line each, with
 * names and paths as they are. And it has none of DT_AUXILIARY, DT_FILTER, DT_AUDIT, DT_DEPAUDIT.
 * fails  ERR_DATA: one does, it has, or they are not where a loader finds them beyond doubt */
MUST_CHECK int elf_check_names(struct view file, struct err *e);
/* Adds to to the folders in which this image or library has others looked for (DT_RPATH and
 * DT_RUNPATH), as they stand there, ':' behind each list.
 * fails  as elf_check_names */
MUST_CHECK int elf_search_folders(struct view file, struct buf *to, struct err *e);

#endif
