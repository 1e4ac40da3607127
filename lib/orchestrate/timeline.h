/* Virtual time: what is to happen when, in a binary heap. Two things at one moment happen in the
 * order in which they were added, so that a run is the same each time. Nothing is allocated after
 * the start. */
#ifndef TEECTL_ORCHESTRATE_TIMELINE_H
#define TEECTL_ORCHESTRATE_TIMELINE_H

#include "base/err.h"

struct timeline_entry {
	int64_t at_us;
	uint32_t order; /* wraps after 2^32 events, which only lets two of one moment swap */
	uint32_t what;
};

struct timeline {
	struct timeline_entry *heap;
	size_t count;
	uint32_t added;
};

/* room  how many can be to come at once; memory that is not used is not touched */
MUST_CHECK int timeline_open(struct timeline *t, size_t room, struct err *e);
void timeline_drop(struct timeline *t);
void timeline_add(struct timeline *t, int64_t at_us, uint32_t what);
/* Takes out what comes first. false: nothing does. */
bool timeline_next(struct timeline *t, int64_t *ret_at_us, uint32_t *ret_what);
void timeline_clear(struct timeline *t);

#endif
