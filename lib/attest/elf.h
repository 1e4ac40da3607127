/* As much of ELF as it takes to know which loader starts an image. */
#ifndef TEECTL_ATTEST_ELF_H
#define TEECTL_ATTEST_ELF_H

#include "base/buf.h"

/* The path in PT_INTERP, without its NUL, in the image; empty for a static image.
 * fails  ERR_DATA: not a 64-bit little-endian ELF file, or cut short */
MUST_CHECK int elf_interpreter(struct view image, struct view *ret, struct err *e);

#endif
