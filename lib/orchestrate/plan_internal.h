/* What the files that plan share: plan.c, plan_apply.c for all of it at once, plan_heal.c for
 * keeping it so, and plan_upgrade.c for those whose TEEs go. */
#ifndef TEECTL_ORCHESTRATE_PLAN_INTERNAL_H
#define TEECTL_ORCHESTRATE_PLAN_INTERNAL_H

#include "orchestrate/plan.h"

#include <assert.h>

/* verify, retire, launch, forward and prove of each node; of one also genesis or boot, and inject.
 */
#define STEPS_PER_NODE 5
#define STEPS_BESIDE   4

/* What one plan is made from. */
struct planner {
	const struct cluster *cluster;
	const struct observation *seen;
	const struct goal *goal;
	size_t *visits; /* the nodes in the order in which they get the key, where the key goes */
	struct plan plan;
	size_t step_max; /* for so many there is room */
};

/* Room for the longest plan is made at the start: adding can't fail. */
static inline struct step *add(struct planner *p, enum step_kind kind, size_t node, size_t needs)
{
	struct step *step;

	assert(p->plan.count < p->step_max);
	step = &p->plan.steps[p->plan.count++];
	*step = (struct step){ .kind = kind,
		               .node = node,
		               .needs = needs,
		               .after = STEP_NONE,
		               .source = SOURCE_NONE };
	return step;
}

static inline const char *name_of(const struct planner *p, size_t node)
{
	return p->cluster->nodes[node].name;
}

/* Has the node verified, and prove that it has the key. */
void planner_add_proof(struct planner *p, size_t node);
/* The step can't be done, and fails without being started: the caller fills in why. */
struct err *planner_refuse_step(struct planner *p, struct step *step);
/* Each returns -1, with why the node can't take part, or why nobody can. */
MUST_CHECK int planner_refuse_occupied(const struct planner *p, size_t node, struct err *e);
MUST_CHECK int planner_refuse_apart(const struct planner *p, size_t node, struct err *e);
MUST_CHECK int planner_refuse_lost(const struct planner *p, struct err *e);
MUST_CHECK int planner_refuse_target(const struct planner *p, size_t node, struct err *e);
/* May there be a genesis, as far as the cluster file says? And may the node get the key? */
MUST_CHECK int planner_check_unnamed(const struct planner *p, struct err *e);
MUST_CHECK int planner_check_target(const struct planner *p, size_t node, struct err *e);

bool planner_asks_for(const struct planner *p, size_t node);
/* needs: the step that must have been done before, or STEP_NONE */
void planner_add_verify(struct planner *p, size_t node, size_t needs);
/* Of a chain *previous is the hop before, and this one afterwards. */
void planner_add_hop(struct planner *p, size_t node, size_t needs, size_t *previous);
/* The node that gives the key first. */
MUST_CHECK int planner_find_source(const struct planner *p, size_t *ret, struct err *e);
/* The topology, and the order of p->visits. */
MUST_CHECK int planner_choose_way(struct planner *p, struct err *e);

MUST_CHECK int plan_apply(struct planner *p, struct err *e);
void plan_watch(struct planner *p);
MUST_CHECK int plan_heal(struct planner *p, struct err *e);
MUST_CHECK int plan_upgrade(struct planner *p, struct err *e);
MUST_CHECK int plan_retire(struct planner *p, struct err *e);

#endif
