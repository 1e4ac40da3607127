/* What a dynamic loader says of an image (--list): a line a library. Its names come from files that
 * elf_check_names has looked at, so that white space in a line is the loader's own. */
#ifndef TEECTL_ATTEST_LISTING_H
#define TEECTL_ATTEST_LISTING_H

#include "base/buf.h"

/* The next library of *rest, which is cut into strings on the way: what it is needed as, without
 * folders, and the absolute path where it was found. The kernel's own, which no file holds, is
 * passed over. At the end *ret_path is NULL. fails  ERR_DATA, naming a library that is not found,
 * or with the line */
MUST_CHECK int listing_next(char **rest, const char **ret_name, const char **ret_path,
                            struct err *e);

/* What is behind the last slash. */
const char *path_base(const char *path);

#endif
