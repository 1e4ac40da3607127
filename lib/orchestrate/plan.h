/* Plan: from cluster file, observation and goal to the steps that are missing. A pure function: no
 * I/O, no clock, so that it is tested as a table. */
#ifndef TEECTL_ORCHESTRATE_PLAN_H
#define TEECTL_ORCHESTRATE_PLAN_H

#include "orchestrate/observe.h"

enum goal_kind { GOAL_UP, GOAL_GENESIS, GOAL_INJECT, GOAL_PROPAGATE, GOAL_VERIFY, GOAL_STATUS };

struct goal {
	enum goal_kind kind;
	enum topology topology; /* of GOAL_PROPAGATE */
	bool has_source;        /* --from */
	size_t source;
	const bool *targets; /* of GOAL_PROPAGATE and GOAL_VERIFY: one flag a node; NULL: all */
};

enum step_kind { STEP_LAUNCH, STEP_VERIFY, STEP_GENESIS, STEP_INJECT, STEP_FORWARD, STEP_PROVE };

#define STEP_NONE   SIZE_MAX
#define NOTHING_MAX 160

struct step {
	enum step_kind kind;
	size_t node;
	/* The step that must have been done before; with may_fail it must merely have ended, as in
	 * a chain, where a hop that failed leaves the next to an earlier source. */
	size_t needs;
	bool may_fail;
	/* Why it can't be done (code is not 0 and text is set): it fails without being started. */
	bool is_refused;
	struct err refusal;
};

struct plan {
	struct step *steps;
	size_t count;
	size_t *order; /* of GOAL_PROPAGATE: the nodes along the chain, source first */
	size_t order_count;
	/* Why nothing is to be done: there are no steps, or they only look and all went well. */
	char nothing[NOTHING_MAX];
};

void plan_drop(struct plan *p);
const char *step_name(enum step_kind kind);

/* fails  ERR_NOT_DESIRED, ERR_REFUSED or ERR_UNREACHABLE: what stands in the way, and what to type
 */
MUST_CHECK int plan_make(const struct cluster *cluster, const struct observation *seen,
                         const struct goal *goal, struct plan *ret, struct err *e);

#endif
