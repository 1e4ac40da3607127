/* The plans that keep it so: a look that proves, and what can be mended without people. */
#include "orchestrate/plan_internal.h"

#include <stdio.h>

/* Those that claim to have the key prove it. */
void plan_watch(struct planner *p)
{
	for (size_t i = 0; i < p->seen->count; i++) {
		if (p->seen->nodes[i].presence != NODE_PRESENT || !planner_asks_for(p, i))
			continue;
		add(p, STEP_VERIFY, i, STEP_NONE);
		if (node_has_key(p->seen, i))
			add(p, STEP_PROVE, i, p->plan.count - 1);
	}
}

static bool is_barred(const struct planner *p, size_t node)
{
	return p->goal->barred && p->goal->barred[node];
}

/* Whoever has the key and is believed gives it. Returns how many there are. */
static size_t take_sources(struct planner *p)
{
	for (size_t i = 0; i < p->seen->count; i++)
		if (node_has_key(p->seen, i) && !is_barred(p, i))
			way_add(&p->plan.way, i);
	return p->plan.way.order_count;
}

/* One that is gone; and one that is broken beyond repair, if the key does not go with it. */
static bool is_to_launch(const struct planner *p, size_t node, bool is_held)
{
	if (!p->cluster->nodes[node].listen || (p->goal->resting && p->goal->resting[node]))
		return false;
	return p->seen->nodes[node].presence == NODE_ABSENT ||
	       (is_held && node_standing(p->seen, node) == STANDS_BROKEN);
}

static bool waits_for_key(const struct planner *p, size_t node)
{
	return node_standing(p->seen, node) == STANDS_EMPTY ||
	       (node_standing(p->seen, node) == STANDS_WAITING &&
	        node_phase(p->seen, node) == PHASE_WAITING_FOR_KEY);
}

/* No genesis, no boot, no share: without a TEE that has the key, nodes are launched and that is
 * all. */
int plan_heal(struct planner *p, struct err *e)
{
	size_t previous = STEP_NONE;
	bool is_held;

	TRY(planner_choose_way(p, e));
	is_held = take_sources(p) > 0;
	for (size_t k = 0; k < p->seen->count; k++) {
		size_t i = p->visits[k];
		bool is_launched = is_to_launch(p, i, is_held);

		if (is_launched)
			add(p, STEP_LAUNCH, i, STEP_NONE);
		else if (!is_held || is_barred(p, i) || !waits_for_key(p, i))
			continue;
		planner_add_verify(p, i, is_launched ? p->plan.count - 1 : STEP_NONE);
		if (!is_held)
			continue;
		way_add(&p->plan.way, i);
		planner_add_hop(p, i, p->plan.count - 1, &previous);
	}
	if (p->plan.count == 0)
		snprintf(p->plan.nothing, sizeof(p->plan.nothing),
		         "nothing is missing that can be done without people");
	return way_foretell(&p->plan, p->seen, e);
}
