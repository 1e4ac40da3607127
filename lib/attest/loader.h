/* Asks an image's dynamic loader for what it would load. */
#ifndef TEECTL_ATTEST_LOADER_H
#define TEECTL_ATTEST_LOADER_H

#include "base/buf.h"

/* What the loader says: a line a library, and of glibc's each place where it looks. Ours has 40
 * lines; of an image with folders of its own to look in, a folder and library has up to 20. */
#define LISTING_MAX (1u << 20)

/* Appends to to what LOADER --list says of the image open at image_fd, which it can read, with an
 * empty environment but for what has glibc's say where it looks. Its code is not run: but the
 * loader is, with our rights.
 * fails  ERR_DATA: it can't list the image, or has not ended within 10 s; ERR_TOO_LARGE */
MUST_CHECK int loader_list(const char *loader, int image_fd, struct buf *to, struct err *e);

#endif
