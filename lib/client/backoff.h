/* How long to wait before an exchange is tried again: the client's rule, and the simulation's.
 * Pure. */
#ifndef TEECTL_CLIENT_BACKOFF_H
#define TEECTL_CLIENT_BACKOFF_H

#include "base/base.h"

/* attempt  the one that failed, from 1
 * random   any number. Full jitter, 0..what doubles with each attempt up to max_ms: clients that
 *          failed together do not come back together */
int64_t backoff_ms(int64_t base_ms, int64_t max_ms, unsigned attempt, uint64_t random);
/* The longest that it can be. */
int64_t backoff_most_ms(int64_t base_ms, int64_t max_ms, unsigned attempt);

#endif
