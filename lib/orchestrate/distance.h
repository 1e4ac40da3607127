/* Distance to ceremony: how many TEEs that hold the proven key may still be lost until people are
 * needed. Pure. */
#ifndef TEECTL_ORCHESTRATE_DISTANCE_H
#define TEECTL_ORCHESTRATE_DISTANCE_H

#include "orchestrate/report.h"

/* 0: the next one that is lost takes the key with it. Below 0: no TEE has shown the key, people are
 * needed now. */
static inline int64_t distance_of(int64_t holders)
{
	return holders - 1;
}

/* Fills the report's distance, keep_ready and regions from its nodes. A report of some nodes alone
 * has none, nor has one of a cluster without a quorum key. */
MUST_CHECK int distance_fill(const struct run *r, struct cluster_report *report, struct err *e);
/* "2 losses are left until people are needed", and what is below keepReady. */
void distance_format(const struct cluster_report *report, char *to, size_t size);
/* Fewer hold the key than the file's keepReady. */
bool distance_is_short(const struct cluster_report *report);

#endif
