/* Those whose TEEs go. An upgrade is planned in rounds, each from what is seen then, so that one
 * that was killed goes on: a round has everyone who stays prove the key, and only then takes a few
 * of the others from the old image to the new. */
#include "base/text.h"
#include "orchestrate/plan_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What an upgrade has to do about a node, in the order in which it is done: what holds no key goes
 * first, and who was launched elsewhere is waited for when there is nothing else to do. */
enum part {
	PART_LAUNCH,    /* not running, and launched here */
	PART_FORWARD,   /* runs, and takes the key as it is */
	PART_RESTART,   /* runs here, holds no key, and nobody knows on which image */
	PART_REPLACE,   /* runs here, with the key, on the old image */
	PART_ELSEWHERE, /* has to be started anew by whoever has launched it */
	PART_DONE,
};

struct rollout {
	struct planner *p;
	bool *chosen; /* a flag a node: those of this round */
	size_t *last; /* of each of them the step that its next one needs */
	size_t room;  /* how many may be chosen yet, */
	size_t spare; /* and how many of those that have the key */
};

static void rollout_drop(struct rollout *r)
{
	free(r->chosen);
	free(r->last);
}

static size_t count_holders(const struct planner *p)
{
	size_t count = 0;

	for (size_t i = 0; i < p->seen->count; i++)
		count += node_has_key(p->seen, i);
	return count;
}

/* Of one that runs: it is asked to take the key as it is, or has to be started anew. */
static enum part part_of(const struct planner *p, size_t node)
{
	bool is_here = p->cluster->nodes[node].listen != NULL;
	enum part anew = is_here ? PART_RESTART : PART_ELSEWHERE;

	switch (node_standing(p->seen, node)) {
	case STANDS_READY:
		return PART_DONE;
	case STANDS_WAITING:
		return node_phase(p->seen, node) == PHASE_WAITING_FOR_KEY ? PART_FORWARD : anew;
	case STANDS_EMPTY:
		/* One launched here may be of the old image, and loses nothing by a restart. */
		return is_here ? PART_RESTART : PART_FORWARD;
	case STANDS_OLD:
		return is_here && node_has_key(p->seen, node) ? PART_REPLACE : anew;
	case STANDS_APART:
		return is_here ? PART_LAUNCH : PART_ELSEWHERE;
	case STANDS_BROKEN:
	case STANDS_OCCUPIED:
		break;
	}
	return anew;
}

static size_t count_parts(const struct planner *p, enum part part)
{
	size_t count = 0;

	for (size_t i = 0; i < p->seen->count; i++)
		count += part_of(p, i) == part;
	return count;
}

static size_t count_left(const struct planner *p)
{
	size_t count = 0;

	for (size_t i = 0; i < p->seen->count; i++)
		count += planner_asks_for(p, i) && part_of(p, i) != PART_DONE;
	return count;
}

/* What must be put right by a person first. Nothing that runs is stopped before. */
static int check_nodes(const struct planner *p, struct err *e)
{
	for (size_t i = 0; i < p->seen->count; i++) {
		if (node_standing(p->seen, i) == STANDS_OCCUPIED)
			return planner_refuse_occupied(p, i, e);
		if (p->seen->nodes[i].presence == NODE_UNREACHABLE && p->cluster->nodes[i].listen)
			return planner_refuse_apart(p, i, e);
	}
	return 0;
}

static int check_key(const struct planner *p, const char *what, struct err *e)
{
	if (!p->seen->has_genesis)
		return err_set(e, ERR_NOT_DESIRED,
		               "there has been no genesis, so there is nothing to %s: teectl "
		               "genesis",
		               what);
	if (observation_is_lost(p->seen))
		return planner_refuse_lost(p, e);
	return 0;
}

static int check_upgrade(const struct planner *p, struct err *e)
{
	TRY(check_key(p, "upgrade", e));
	TRY(check_nodes(p, e));
	if (count_holders(p) == 0)
		return err_reason(e, ERR_NOT_DESIRED, "no-holder",
		                  "no TEE that answers has the quorum key, so none can give it to "
		                  "the next");
	return 0;
}

static int rollout_start(struct planner *p, struct rollout *ret, struct err *e)
{
	size_t count = p->seen->count, done = count_parts(p, PART_DONE);
	AUTO(rollout) struct rollout r = { .p = p };

	r.chosen = calloc(count, sizeof(*r.chosen));
	r.last = calloc(count, sizeof(*r.last));
	if (!r.chosen || !r.last)
		return err_set(e, ERR_INTERNAL, "no memory for %zu nodes", count);
	r.room = done < p->goal->first ? p->goal->first - done : p->goal->parallel;
	/* Never more than half of those that have it: the others go on, and one alone stays. */
	r.spare = count_holders(p) / 2;
	*ret = MOVE(r);
	return 0;
}

static bool choose(struct rollout *r, size_t node)
{
	bool has_key = node_has_key(r->p->seen, node);

	if (r->room == 0 || !planner_asks_for(r->p, node) || (has_key && r->spare == 0))
		return false;
	r->chosen[node] = true;
	if (has_key && !plan_may_leave(r->p->seen, r->chosen, (size_t)r->p->cluster->keep_ready)) {
		r->chosen[node] = false;
		r->spare = 0;
		return false;
	}
	r->room--;
	r->spare -= has_key;
	return true;
}

static size_t choose_all(struct rollout *r, enum part part, bool with_key)
{
	size_t count = 0;

	for (size_t i = 0; i < r->p->seen->count; i++)
		if (part_of(r->p, i) == part && node_has_key(r->p->seen, i) == with_key)
			count += choose(r, i);
	return count;
}

/* The step that all before it have led to. */
static size_t last_step(const struct planner *p)
{
	return p->plan.count ? p->plan.count - 1 : STEP_NONE;
}

/* After the proof before it: who goes has to wait for one step alone, the last of them. */
static void add_next_proof(struct planner *p, size_t node)
{
	size_t before = last_step(p), first = p->plan.count;

	planner_add_proof(p, node);
	p->plan.steps[first].needs = before;
}

/* Whoever has the key and stays proves it, and can give it to those of this round. */
static void add_stayers(struct rollout *r)
{
	struct planner *p = r->p;

	for (size_t i = 0; i < p->seen->count; i++) {
		if (r->chosen[i] || !node_has_key(p->seen, i))
			continue;
		add_next_proof(p, i);
		way_add(&p->plan.way, i);
	}
}

static bool stops_first(const struct rollout *r, size_t node)
{
	enum part part = part_of(r->p, node);

	return part == PART_RESTART || part == PART_REPLACE;
}

/* One step of each of those chosen that need it, so that what begins together stands together. */
static void add_each(struct rollout *r, enum step_kind kind,
                     bool (*is_needed)(const struct rollout *r, size_t node))
{
	for (size_t i = 0; i < r->p->seen->count; i++) {
		if (!r->chosen[i] || (is_needed && !is_needed(r, i)))
			continue;
		add(r->p, kind, i, r->last[i]);
		r->last[i] = r->p->plan.count - 1;
	}
}

static bool is_launched(const struct rollout *r, size_t node)
{
	return stops_first(r, node) || part_of(r->p, node) == PART_LAUNCH;
}

static void add_chosen(struct rollout *r)
{
	struct planner *p = r->p;
	size_t proofs = last_step(p);

	for (size_t i = 0; i < p->seen->count; i++) {
		r->last[i] = proofs;
		if (r->chosen[i])
			way_add(&p->plan.way, i);
	}
	add_each(r, STEP_RETIRE, stops_first);
	add_each(r, STEP_LAUNCH, is_launched);
	add_each(r, STEP_VERIFY, NULL);
	add_each(r, STEP_FORWARD, NULL);
	add_each(r, STEP_PROVE, NULL);
	p->plan.goes_on = true;
}

/* It is told what to start and where; nothing else can be done from here. */
static void name_elsewhere(struct planner *p, struct step *step)
{
	const struct kept_genesis *own = &p->seen->genesis;
	const struct cluster_node *node = &p->cluster->nodes[step->node];
	const struct buf *pcr0 = &own->envelope.manifest.enclave.pcrs[PCR_IMAGE];
	char hash[SHORT_TEXT_LEN], image[SHORT_TEXT_LEN] = "";

	hash_short(own->manifest_hash.bytes, hash);
	if (pcr0->len >= SHORT_LEN)
		hash_short(pcr0->data, image);
	(void)err_reason(planner_refuse_step(p, step), ERR_NOT_DESIRED, STEP_ELSEWHERE,
	                 "%s: launched elsewhere: start the image of manifest %s… (PCR0 %s…) at "
	                 "%s and upgrade again; or take it out of the file where others stand for "
	                 "it%s",
	                 node->name, hash, image, node->url,
	                 node_has_key(p->seen, step->node) ? ", once it has no key: teectl retire"
	                                                   : "");
}

/* The old ones elsewhere whose turn it is: told to wipe, where that was asked for. */
static void add_elsewhere(struct rollout *r)
{
	struct planner *p = r->p;
	size_t proofs = last_step(p);

	for (size_t i = 0; i < p->seen->count; i++) {
		struct step *step;

		if (!r->chosen[i])
			continue;
		step = add(p, STEP_RETIRE, i, proofs);
		if (p->goal->retires && node_has_key(p->seen, i))
			p->plan.goes_on = true;
		else
			name_elsewhere(p, step);
	}
}

static int refuse_fewer(const struct planner *p, const char *what, struct err *e)
{
	size_t holders = count_holders(p);

	return err_reason(e, ERR_NOT_DESIRED, "keep-ready",
	                  "%zu TEE%s the quorum key, and the cluster file wants %lld at any time "
	                  "(keepReady): nothing was %s",
	                  holders, holders == 1 ? " has" : "s have",
	                  (long long)p->cluster->keep_ready, what);
}

/* What is left has the key as the only one, and would take it along. */
static int refuse_only(const struct planner *p, struct err *e)
{
	size_t only = 0;

	if (count_holders(p) > 1)
		return refuse_fewer(p, "stopped; add a node to the cluster file", e);
	while (!node_has_key(p->seen, only))
		only++;
	return err_reason(e, ERR_NOT_DESIRED, "last-holder",
	                  "%s is the only TEE that has the quorum key, and no other%s can take it: "
	                  "nothing was stopped; %s",
	                  name_of(p, only), p->goal->targets ? " of those asked for" : "",
	                  p->goal->targets ? "choose one that lacks the key too"
	                                   : "add a node to the cluster file");
}

int plan_upgrade(struct planner *p, struct err *e)
{
	AUTO(rollout) struct rollout r = { 0 };
	size_t here = 0, elsewhere = 0;

	TRY(check_upgrade(p, e));
	TRY(rollout_start(p, &r, e));
	for (enum part part = PART_LAUNCH; part < PART_REPLACE; part++)
		here += choose_all(&r, part, /* with_key= */ false);
	here += choose_all(&r, PART_REPLACE, /* with_key= */ true);
	if (here == 0)
		elsewhere = choose_all(&r, PART_ELSEWHERE, /* with_key= */ false) +
		            choose_all(&r, PART_ELSEWHERE, /* with_key= */ true);
	if (here + elsewhere == 0 && count_left(p) > 0)
		return refuse_only(p, e);
	TRY(way_choose(p->cluster, p->seen, TOPOLOGY_TREE, &p->plan.way, e));
	add_stayers(&r);
	if (here)
		add_chosen(&r);
	else if (elsewhere)
		add_elsewhere(&r);
	else
		snprintf(p->plan.nothing, sizeof(p->plan.nothing),
		         "every TEE%s holds the current manifest, and proved the quorum key",
		         p->goal->targets ? " asked for" : "");
	return 0;
}

/* --- retire */

static int refuse_last(const struct planner *p, struct err *e)
{
	char key[SHORT_TEXT_LEN];

	key_short(p->seen->genesis.quorum_key.bytes, key);
	return err_reason(e, ERR_NOT_DESIRED, "last-holder",
	                  "quorum key %s… would be gone, since no other TEE that answers has it; "
	                  "nothing was retired (--lose-key retires it all the same)",
	                  key);
}

static int check_retire(const struct planner *p, struct err *e)
{
	if (!p->seen->has_genesis)
		return check_key(p, "retire", e);
	for (size_t i = 0; i < p->seen->count; i++)
		if (p->goal->targets[i] && node_standing(p->seen, i) == STANDS_OCCUPIED)
			return planner_refuse_occupied(p, i, e);
	if (!p->goal->lose_key && observation_goes_with(p->seen, p->goal->targets))
		return refuse_last(p, e);
	if (!p->goal->lose_key &&
	    !plan_may_leave(p->seen, p->goal->targets, (size_t)p->cluster->keep_ready))
		return refuse_fewer(p, "retired (--lose-key retires it all the same)", e);
	return 0;
}

/* Not running here, or elsewhere without a manifest, as it says: it holds nothing. */
static bool holds_nothing(const struct planner *p, size_t node)
{
	return p->seen->nodes[node].presence == NODE_ABSENT ||
	       (!p->cluster->nodes[node].listen && node_standing(p->seen, node) == STANDS_EMPTY);
}

static void add_retire(struct planner *p, size_t node, size_t proofs)
{
	struct step *step = add(p, STEP_RETIRE, node, proofs);

	if (p->cluster->nodes[node].listen || p->seen->nodes[node].presence == NODE_PRESENT)
		return;
	(void)err_reason(planner_refuse_step(p, step), ERR_NOT_DESIRED, STEP_ELSEWHERE,
	                 "%s: launched elsewhere, and does not answer: whoever launched it sees to "
	                 "it that it is stopped",
	                 name_of(p, node));
}

int plan_retire(struct planner *p, struct err *e)
{
	size_t proofs, count = 0;

	TRY(check_retire(p, e));
	for (size_t i = 0; !p->goal->lose_key && i < p->seen->count; i++)
		if (!p->goal->targets[i] && node_has_key(p->seen, i))
			add_next_proof(p, i);
	proofs = last_step(p);
	for (size_t i = 0; i < p->seen->count; i++) {
		if (!p->goal->targets[i])
			continue;
		if (!holds_nothing(p, i)) {
			add_retire(p, i, proofs);
			count++;
		} else if (p->seen->nodes[i].presence == NODE_PRESENT) {
			planner_add_verify(p, i, STEP_NONE); /* its document, not its word */
			p->plan.steps[last_step(p)].is_leaving = true;
		}
	}
	if (count == 0)
		snprintf(p->plan.nothing, sizeof(p->plan.nothing), "none of them holds anything");
	return 0;
}
