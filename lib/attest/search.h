/* Where a loader looks for libraries before it finds one: nobody else may put one there between
 * measuring and starting. */
#ifndef TEECTL_ATTEST_SEARCH_H
#define TEECTL_ATTEST_SEARCH_H

#include "base/buf.h"

/* The folders that an image or library names (DT_RPATH, DT_RUNPATH), whether or not one is looked
 * at now: what it loads later is looked for there as well. *ret_has_any becomes true where it names
 * one.
 *
 * origin  the folder of the library; NULL: the image, which has none when it is run
 * fails   ERR_DATA */
MUST_CHECK int search_check_file(struct view file, const char *origin, bool *ret_has_any,
                                 struct err *e);
/* A file that the loader has looked for, there or not. fails  ERR_DATA, ERR_NO_INPUT */
MUST_CHECK int search_check_tried(const char *path, struct err *e);
/* Folders that it has looked in, ':' between them, there or not. fails  as search_check_tried */
MUST_CHECK int search_check_folders(const char *list, struct err *e);

#endif
