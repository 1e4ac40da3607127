/* What the tests of the cluster layer share. */
#ifndef TEECTL_TESTS_CLUSTER_SUPPORT_H
#define TEECTL_TESTS_CLUSTER_SUPPORT_H

#include "support.h"

#include <ftw.h>

static inline int remove_any(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/* A folder of folder_new's, with all that a test left in it. */
static inline void folder_clear(const char *path)
{
	assert_int_equal(nftw(path, remove_any, 8, FTW_DEPTH | FTW_PHYS), 0);
}

#endif
