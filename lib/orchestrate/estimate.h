/* How long a plan will take, and what of: it is run against simulated TEEs as the nodes were seen,
 * with the round trips that were measured and the costs of costs.c. Nothing fails there, and people
 * have handed in their shares. */
#ifndef TEECTL_ORCHESTRATE_ESTIMATE_H
#define TEECTL_ORCHESTRATE_ESTIMATE_H

#include "orchestrate/plan.h"

struct estimate_part {
	size_t count;
	int64_t each_us; /* on average, with its turns at nodes and at teectl */
	int64_t path_us; /* on the longest path: these add up to the total */
};

struct estimate {
	int64_t total_us;
	struct estimate_part parts[STEP_KIND_COUNT];
};

/* fails  ERR_INTERNAL alone: a step that fails there takes no time */
MUST_CHECK int estimate_make(const struct cluster *cluster, const struct observation *seen,
                             const struct plan *plan, struct estimate *ret, struct err *e);

#endif
