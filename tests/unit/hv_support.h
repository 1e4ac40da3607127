/* What the hypervisor's tests share beside support.h. */
#ifndef TEECTL_TESTS_HV_SUPPORT_H
#define TEECTL_TESTS_HV_SUPPORT_H

#include "support.h"

#include <ftw.h>
#include <unistd.h>

/* *state is the path of a private folder that goes with the test. */
static inline int folder_make(void **state)
{
	char *path = strdup("/tmp/teectl-hv-XXXXXX");

	*state = path;
	return path && mkdtemp(path) ? 0 : -1;
}

static inline int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static inline int folder_remove(void **state)
{
	int failed = nftw(*state, remove_entry, 8, FTW_DEPTH | FTW_PHYS);

	free(*state);
	return failed;
}

#endif
