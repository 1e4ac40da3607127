/* What a dynamic loader says of an image (--list): a line a library; and, of glibc's with
 * LD_DEBUG=libs, where it looks. Its names come from files that elf_check_names has looked at, so
 * that white space in a line is the loader's own. */
#ifndef TEECTL_ATTEST_LISTING_H
#define TEECTL_ATTEST_LISTING_H

#include "base/buf.h"

enum listed_kind {
	LISTED_END,
	LISTED_LIBRARY,  /* name: what it is needed as, without folders; path: where it was found */
	LISTED_TRIED,    /* path: a file that it looks for */
	LISTED_SEARCHED, /* path: a folder, or more with ':' between them, that it looks in */
};

struct listed {
	enum listed_kind kind;
	const char *name, *path; /* that of a library is absolute */
};

/* The next of *rest, which is cut into strings on the way. The kernel's own library, which no file
 * holds, is passed over. fails  ERR_DATA, naming a library that is not found, or with the line */
MUST_CHECK int listing_next(char **rest, struct listed *ret, struct err *e);

/* What is behind the last slash. */
const char *path_base(const char *path);

#endif
