/* The plan of all of it: what brings the key into the cluster, and whom it goes to. */
#include "orchestrate/plan_internal.h"

#include <stdio.h>

/* What brings the key into the cluster: STEP_NONE where a TEE has it already. */
struct birth {
	size_t node;
	enum step_kind first; /* STEP_GENESIS, STEP_BOOT or STEP_INJECT */
};

static bool can_take_part(const struct planner *p, size_t node)
{
	struct err ignored;

	return p->seen->nodes[node].presence == NODE_ABSENT ||
	       planner_check_target(p, node, &ignored) == 0;
}

/* A fresh TEE, or one that will be launched: the one asked for, else the first there is. */
static int find_birthplace(const struct planner *p, size_t *ret, struct err *e)
{
	size_t wanted = p->cluster->propagate.source;

	for (size_t i = 0; i <= p->seen->count; i++) {
		size_t node = i == 0 ? wanted : i - 1;

		if (p->seen->has_genesis && !planner_asks_for(p, node))
			continue;
		if (p->seen->nodes[node].presence == NODE_ABSENT ||
		    node_standing(p->seen, node) == STANDS_EMPTY ||
		    node_is_in_genesis(p->seen, node)) {
			*ret = node;
			return 0;
		}
		if (!p->seen->has_genesis)
			break; /* a genesis is for the source that the file names */
	}
	return planner_refuse_target(p, wanted, e);
}

/* Where the key has to come into the cluster first, that is asked for too. */
static int check_birth(const struct planner *p, const struct birth *birth, struct err *e)
{
	if (birth->node == STEP_NONE || planner_asks_for(p, birth->node))
		return 0;
	return err_reason(
	    e, ERR_NOT_DESIRED, "not-chosen",
	    "no TEE has the quorum key yet: it comes into the cluster by %s, which is "
	    "not among the nodes chosen",
	    name_of(p, birth->node));
}

static int find_birth(const struct planner *p, struct birth *ret, struct err *e)
{
	bool is_held = false;

	*ret = (struct birth){ .node = STEP_NONE };
	for (size_t i = 0; i < p->seen->count; i++) {
		is_held |= node_has_key(p->seen, i);
		if (node_waits_for_shares(p->seen, i) && ret->node == STEP_NONE &&
		    p->seen->has_genesis)
			*ret = (struct birth){ i, STEP_INJECT };
	}
	if (is_held)
		ret->node = STEP_NONE;
	if (is_held || ret->node != STEP_NONE)
		return 0;
	/* A key that one who does not answer may have is not brought back beside it. */
	if (p->seen->has_genesis && !observation_is_lost(p->seen))
		return planner_find_source(p, &ret->node, e);
	ret->first = p->seen->has_genesis ? STEP_BOOT : STEP_GENESIS;
	if (!p->seen->has_genesis)
		TRY(planner_check_unnamed(p, e));
	for (size_t i = 0; !p->seen->has_genesis && i < p->seen->count; i++)
		if (node_standing(p->seen, i) == STANDS_OCCUPIED &&
		    (i != p->cluster->propagate.source || !node_is_in_genesis(p->seen, i)))
			return planner_refuse_occupied(p, i, e);
	return find_birthplace(p, &ret->node, e);
}

/* Launched where it is absent, and verified. Returns the step that verifies it. */
static size_t add_start(struct planner *p, size_t node)
{
	size_t needs = STEP_NONE;

	if (p->seen->nodes[node].presence == NODE_ABSENT && p->cluster->nodes[node].listen) {
		add(p, STEP_LAUNCH, node, STEP_NONE);
		needs = p->plan.count - 1;
	}
	planner_add_verify(p, node, needs);
	return p->plan.count - 1;
}

/* Returns the step after which the node has the key. */
static size_t add_birth(struct planner *p, const struct birth *birth)
{
	size_t node = birth->node, needs = STEP_NONE;

	if (birth->first != STEP_INJECT) {
		/* Asked for a genesis by a run that died before it was kept, its document commits
		 * to a manifest that nobody here knows yet: the genesis judges it. */
		if (!node_is_in_genesis(p->seen, node))
			needs = add_start(p, node);
		add(p, birth->first, node, needs);
		needs = p->plan.count - 1;
	}
	add(p, STEP_INJECT, node, needs);
	add(p, STEP_PROVE, node, p->plan.count - 1);
	return p->plan.count - 2;
}

/* Everything at once that nothing stands in the way of: whoever is there is verified and proves
 * what it claims, whoever is not is launched, and who lacks the key gets it. */
int plan_apply(struct planner *p, struct err *e)
{
	struct birth birth;
	size_t previous = STEP_NONE, source;

	TRY(find_birth(p, &birth, e));
	TRY(check_birth(p, &birth, e));
	TRY(planner_choose_way(p, e));
	if (birth.node != STEP_NONE) {
		previous = add_birth(p, &birth);
		source = birth.node;
	} else {
		TRY(planner_find_source(p, &source, e));
	}
	way_add(&p->plan.way, source);
	for (size_t k = 0; k < p->seen->count; k++) {
		size_t i = p->visits[k];

		if (i == source && birth.node != STEP_NONE)
			continue;
		if (i != source)
			way_add(&p->plan.way, i);
		p->plan.older += planner_asks_for(p, i) && node_standing(p->seen, i) == STANDS_OLD;
		if (i != source && !planner_asks_for(p, i))
			continue;
		if (node_has_key(p->seen, i)) {
			planner_add_proof(p, i);
		} else if (can_take_part(p, i)) {
			size_t verified = add_start(p, i);

			planner_add_hop(p, i, verified, &previous);
		} else {
			planner_add_hop(p, i, STEP_NONE, &previous);
		}
	}
	/* Without a forward all that were looked at have it. */
	if (birth.node == STEP_NONE && previous == STEP_NONE && !p->plan.older)
		snprintf(p->plan.nothing, sizeof(p->plan.nothing),
		         "every TEE%s runs and has the quorum key",
		         p->goal->targets ? " asked for" : "");
	return way_foretell(&p->plan, p->seen, e);
}
