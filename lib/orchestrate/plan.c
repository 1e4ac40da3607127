#include "orchestrate/plan_internal.h"

#include "base/text.h"
#include "orchestrate/regions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of those at most; of one that is there, and neither occupied nor broken, none by GOAL_APPLY. */
#define REFUSALS_PER_NODE 2

void plan_drop(struct plan *p)
{
	free(p->steps);
	free(p->refusals);
	way_drop(&p->way);
	*p = (struct plan){ 0 };
}

const char *const step_words[] = {
	[STEP_LAUNCH] = "launch", [STEP_VERIFY] = "verify",   [STEP_GENESIS] = "genesis",
	[STEP_BOOT] = "boot",     [STEP_INJECT] = "inject",   [STEP_REQUEST] = "request",
	[STEP_SUBMIT] = "submit", [STEP_FORWARD] = "forward", [STEP_PROVE] = "prove",
	[STEP_RETIRE] = "retire", [STEP_KIND_COUNT] = NULL,
};

const char *step_name(enum step_kind kind)
{
	return step_words[kind];
}

bool step_is_repeatable(enum step_kind kind)
{
	return kind == STEP_VERIFY || kind == STEP_FORWARD || kind == STEP_PROVE;
}

struct err *planner_refuse_step(struct planner *p, struct step *step)
{
	struct err *refusal;

	assert(p->plan.refusal_count < p->plan.refusal_max);
	refusal = &p->plan.refusals[p->plan.refusal_count++];
	step->refusal = refusal;
	return refusal;
}

static bool has_another_key(const struct planner *p, size_t node)
{
	const struct status_reply *status = &p->seen->nodes[node].status;

	return p->seen->has_genesis && status->has_quorum_public_key &&
	       !view_equal(VIEW_OF(status->quorum_public_key),
	                   public_key_view(&p->seen->genesis.quorum_key));
}

int planner_refuse_occupied(const struct planner *p, size_t node, struct err *e)
{
	const struct status_reply *status = &p->seen->nodes[node].status;
	char found[SHORT_TEXT_LEN] = "", own[SHORT_TEXT_LEN] = "none";

	if (p->seen->nodes[node].presence == NODE_STRAY) {
		*e = p->seen->nodes[node].why;
		return -1;
	}
	if (has_another_key(p, node)) {
		key_short(status->quorum_public_key, found);
		key_short(p->seen->genesis.quorum_key.bytes, own);
		return err_reason(
		    e, ERR_REFUSED, "occupied",
		    "%s is occupied: it holds quorum key %s…, this cluster's is %s…: two quorum "
		    "keys in one cluster; nothing is forwarded to or from it",
		    name_of(p, node), found, own);
	}
	hash_short(status->manifest_hash, found);
	if (p->seen->has_genesis)
		hash_short(p->seen->genesis.manifest_hash.bytes, own);
	return err_reason(
	    e, ERR_REFUSED, "occupied",
	    "%s is occupied: it holds manifest %s…, this cluster's is %s…; nothing is "
	    "forwarded to or from it",
	    name_of(p, node), found, own);
}

/* Why a node that is not there, or broken, can't take part. */
int planner_refuse_apart(const struct planner *p, size_t node, struct err *e)
{
	const struct node_seen *seen = &p->seen->nodes[node];

	if (seen->presence == NODE_PRESENT)
		return err_set(
		    e, ERR_NOT_DESIRED,
		    "%s is in UnrecoverableError: stop and start it (teectl down, teectl up)",
		    name_of(p, node));
	*e = seen->why;
	return -1;
}

/* It was drawn up for another image, and nothing is given to it under that: it is replaced. */
static int refuse_old(const struct planner *p, size_t node, struct err *e)
{
	return err_reason(e, ERR_NOT_DESIRED, "old-manifest",
	                  "%s holds an older manifest and no key: stop it, and start it on the "
	                  "current image",
	                  name_of(p, node));
}

/* There was a key and no TEE has it: not a stage of the way. */
int planner_refuse_lost(const struct planner *p, struct err *e)
{
	return err_reason(e, ERR_NOT_DESIRED, OBSERVATION_KEY_LOST,
	                  OBSERVATION_LOST_TEXT ": teectl recover", p->cluster->name);
}

/* One that does not answer now would not in a minute: its step says so and holds nobody up. */
void planner_add_verify(struct planner *p, size_t node, size_t needs)
{
	struct step *step = add(p, STEP_VERIFY, node, needs);

	if (needs != STEP_NONE || p->seen->nodes[node].presence == NODE_PRESENT)
		return;
	*planner_refuse_step(p, step) = p->seen->nodes[node].why;
}

/* What /status claims shows nothing: the node is verified, and proves that it has the key. One that
 * says itself that it has none is believed. */
void planner_add_proof(struct planner *p, size_t node)
{
	struct step *proof;

	planner_add_verify(p, node, STEP_NONE);
	proof = add(p, STEP_PROVE, node, p->plan.count - 1);
	if (!p->seen->has_genesis || p->seen->nodes[node].presence != NODE_PRESENT ||
	    node_phase(p->seen, node) == PHASE_READY)
		return;
	(void)err_set(planner_refuse_step(p, proof), ERR_NOT_DESIRED,
	              "%s has no quorum key yet: it is in %s", name_of(p, node),
	              phase_name(node_phase(p->seen, node)));
}

bool planner_asks_for(const struct planner *p, size_t node)
{
	return !p->goal->targets || p->goal->targets[node];
}

static void plan_up(struct planner *p)
{
	snprintf(p->plan.nothing, sizeof(p->plan.nothing), "every TEE%s runs and is verified",
	         p->goal->targets ? " asked for" : "");
	for (size_t i = 0; i < p->seen->count; i++) {
		size_t needs = STEP_NONE;

		if (!planner_asks_for(p, i))
			continue;
		if (p->seen->nodes[i].presence == NODE_ABSENT) {
			needs = p->plan.count;
			p->plan.nothing[0] = 0;
			add(p, STEP_LAUNCH, i, STEP_NONE);
		}
		planner_add_verify(p, i, needs);
	}
}

/* Nothing is to be done, if those that say so hold what they say. */
static int look_at_holders(struct planner *p)
{
	for (size_t i = 0; i < p->seen->count; i++)
		if (node_standing(p->seen, i) == STANDS_WAITING ||
		    node_standing(p->seen, i) == STANDS_READY)
			planner_add_verify(p, i, STEP_NONE);
	return 0;
}

/* A key that the cluster file names was born elsewhere. */
int planner_check_unnamed(const struct planner *p, struct err *e)
{
	if (!p->cluster->quorum.public_key)
		return 0;
	return err_reason(e, ERR_NOT_DESIRED, "second-genesis",
	                  "the cluster file names a quorum key that is there already "
	                  "(quorum.publicKey), and a genesis would make another: teectl manifest "
	                  "adopt takes its manifest");
}

/* No second quorum key in one cluster: a genesis needs that nobody has a manifest, but the source
 * itself where an answer was lost (the enclave then answers the same again). */
static int plan_genesis(struct planner *p, struct err *e)
{
	size_t source = p->goal->has_source ? p->goal->source : p->cluster->propagate.source;
	enum standing standing = node_standing(p->seen, source);

	if (p->seen->has_genesis) {
		for (size_t i = 0; i < p->seen->count; i++)
			if (node_standing(p->seen, i) == STANDS_WAITING ||
			    node_standing(p->seen, i) == STANDS_READY ||
			    node_standing(p->seen, i) == STANDS_OLD) {
				snprintf(p->plan.nothing, sizeof(p->plan.nothing),
				         "genesis was done, and %s holds its manifest",
				         name_of(p, i));
				return look_at_holders(p);
			}
		for (size_t i = 0; i < p->seen->count; i++)
			if (node_is_late(p->seen, i))
				return planner_refuse_apart(p, i, e);
		return err_reason(
		    e, ERR_NOT_DESIRED, "second-genesis",
		    "this cluster had its genesis, and no TEE that holds its manifest "
		    "answers: a second genesis would make a second quorum key");
	}
	TRY(planner_check_unnamed(p, e));
	if (standing == STANDS_APART || standing == STANDS_BROKEN)
		return planner_refuse_apart(p, source, e);
	if (standing != STANDS_EMPTY && node_phase(p->seen, source) != PHASE_GENESIS_BOOTED)
		return planner_refuse_occupied(p, source, e);
	for (size_t i = 0; i < p->seen->count; i++)
		if (i != source && node_standing(p->seen, i) == STANDS_OCCUPIED)
			return planner_refuse_occupied(p, i, e);
	add(p, STEP_GENESIS, source, STEP_NONE);
	return 0;
}

/* None in this state folder. A node that holds a manifest says that there is another folder. */
static int refuse_no_genesis(const struct planner *p, const char *next, struct err *e)
{
	for (size_t i = 0; i < p->seen->count; i++)
		if (node_standing(p->seen, i) == STANDS_OCCUPIED &&
		    p->seen->nodes[i].presence == NODE_PRESENT)
			return err_reason(e, ERR_NOT_DESIRED, "foreign-genesis",
			                  "%s holds a manifest, and the state folder here knows of "
			                  "no genesis: it was done with another one",
			                  name_of(p, i));
	if (p->cluster->quorum.public_key)
		next =
		    "the manifest of the quorum key that the cluster file names is not here yet: "
		    "teectl manifest adopt";
	return err_set(e, ERR_NOT_DESIRED, "there has been no genesis: %s", next);
}

/* Nobody waits for shares. One that does not answer may. */
static int refuse_no_target(const struct planner *p, struct err *e)
{
	for (size_t i = 0; i < p->seen->count; i++)
		if (p->seen->nodes[i].presence == NODE_UNREACHABLE)
			return planner_refuse_apart(p, i, e);
	if (observation_is_lost(p->seen))
		return planner_refuse_lost(p, e);
	return err_set(e, ERR_NOT_DESIRED,
	               "no TEE waits for shares: none that did the genesis is running");
}

static int refuse_not_waiting(const struct planner *p, size_t node, struct err *e)
{
	enum standing standing = node_standing(p->seen, node);

	if (standing == STANDS_APART || standing == STANDS_BROKEN)
		return planner_refuse_apart(p, node, e);
	if (standing == STANDS_OCCUPIED)
		return planner_refuse_occupied(p, node, e);
	if (standing == STANDS_OLD)
		return refuse_old(p, node, e);
	return err_set(e, ERR_NOT_DESIRED, "%s does not wait for shares: it is in %s",
	               name_of(p, node), phase_name(node_phase(p->seen, node)));
}

/* Nothing is to be done where a TEE has the key: whoever claims so proves it. false: none does. */
static bool plan_holders(struct planner *p, const char *nothing)
{
	for (size_t i = 0; i < p->seen->count; i++) {
		if (!node_has_key(p->seen, i))
			continue;
		if (!p->plan.nothing[0])
			snprintf(p->plan.nothing, sizeof(p->plan.nothing),
			         "%s has the quorum key%s", name_of(p, i), nothing);
		planner_add_proof(p, i);
	}
	return p->plan.count > 0;
}

/* needs: the node's own step before, or STEP_NONE */
static void add_injection(struct planner *p, size_t node, size_t needs)
{
	add(p, STEP_INJECT, node, needs);
	add(p, STEP_PROVE, node, p->plan.count - 1);
}

/* The shares to one that waits for them. false: none does. */
static bool plan_shares(struct planner *p)
{
	for (size_t i = 0; i < p->seen->count; i++) {
		if (!planner_asks_for(p, i) || !node_waits_for_shares(p->seen, i))
			continue;
		add_injection(p, i, STEP_NONE);
		return true;
	}
	return false;
}

static int plan_inject(struct planner *p, struct err *e)
{
	if (!p->seen->has_genesis)
		return refuse_no_genesis(p, "teectl genesis comes first", e);
	/* One that waits beside a holder is forwarded nothing (planner_check_target). */
	if (plan_shares(p) || plan_holders(p, "; no shares are needed"))
		return 0;
	for (size_t i = 0; p->goal->targets && i < p->seen->count; i++)
		if (p->goal->targets[i])
			return refuse_not_waiting(p, i, e);
	return refuse_no_target(p, e);
}

/* Nobody waits for shares: since one has the key already, or since none that did is running. */
static int refuse_no_waiting(const struct planner *p, struct err *e)
{
	for (size_t i = 0; i < p->seen->count; i++)
		if (node_has_key(p->seen, i))
			return err_set(e, ERR_NOT_DESIRED,
			               "%s has the quorum key, and no TEE waits for shares: teectl "
			               "propagate brings it to the others",
			               name_of(p, i));
	return refuse_no_target(p, e);
}

static int plan_request(struct planner *p, struct err *e)
{
	if (!p->seen->has_genesis)
		return refuse_no_genesis(p, "teectl genesis comes first", e);
	for (size_t i = 0; i < p->seen->count; i++) {
		if (p->goal->targets && p->goal->targets[i] && !node_waits_for_shares(p->seen, i))
			return refuse_not_waiting(p, i, e);
		if (planner_asks_for(p, i) && node_waits_for_shares(p->seen, i))
			add(p, STEP_REQUEST, i, STEP_NONE);
	}
	return p->plan.count ? 0 : refuse_no_waiting(p, e);
}

/* Every TEE that waits may be one that members have sealed to. Where all is done, whoever has the
 * key proves it. */
static int plan_submit(struct planner *p, struct err *e)
{
	bool is_waiting = false;

	if (!p->seen->has_genesis)
		return refuse_no_genesis(p, "teectl genesis comes first", e);
	for (size_t i = 0; i < p->seen->count; i++) {
		if (!node_waits_for_shares(p->seen, i))
			continue;
		is_waiting = true;
		add(p, STEP_SUBMIT, i, STEP_NONE);
		add(p, STEP_PROVE, i, p->plan.count - 1);
	}
	for (size_t i = 0; !is_waiting && i < p->seen->count; i++) {
		if (!node_has_key(p->seen, i))
			continue;
		if (!p->plan.nothing[0])
			snprintf(p->plan.nothing, sizeof(p->plan.nothing),
			         "already there: %s has the quorum key", name_of(p, i));
		planner_add_proof(p, i);
	}
	return p->plan.count ? 0 : refuse_no_target(p, e);
}

/* Why the quorum can't be restarted on a node; the fresh one would do. */
int planner_refuse_target(const struct planner *p, size_t node, struct err *e)
{
	switch (node_standing(p->seen, node)) {
	case STANDS_OCCUPIED:
		return planner_refuse_occupied(p, node, e);
	case STANDS_APART:
	case STANDS_BROKEN:
		return planner_refuse_apart(p, node, e);
	default:
		return err_set(
		    e, ERR_NOT_DESIRED,
		    "%s is in %s, and a quorum is restarted on a fresh TEE: teectl down %s, "
		    "then teectl up",
		    name_of(p, node), phase_name(node_phase(p->seen, node)), name_of(p, node));
	}
}

static bool is_fresh(const struct planner *p, size_t node)
{
	return planner_asks_for(p, node) && node_standing(p->seen, node) == STANDS_EMPTY;
}

/* The first fresh TEE of those asked for; none is: the first of those. */
static size_t first_fresh(const struct planner *p)
{
	size_t first = STEP_NONE;

	for (size_t i = 0; i < p->seen->count; i++) {
		if (is_fresh(p, i))
			return i;
		if (first == STEP_NONE && planner_asks_for(p, i))
			first = i;
	}
	return first;
}

/* A fresh TEE: the one asked for, else the file's source, else the first. */
static int find_fresh(const struct planner *p, size_t *ret, struct err *e)
{
	size_t wanted = p->goal->has_source ? p->goal->source : p->cluster->propagate.source;

	if (!p->goal->has_source && !is_fresh(p, wanted) &&
	    (!planner_asks_for(p, wanted) || is_fresh(p, first_fresh(p))))
		wanted = first_fresh(p);
	if (node_standing(p->seen, wanted) != STANDS_EMPTY)
		return planner_refuse_target(p, wanted, e);
	*ret = wanted;
	return 0;
}

/* Shares belong to the quorum that was begun, and the selection leaves that one out. */
static int check_not_beside(const struct planner *p, struct err *e)
{
	for (size_t i = 0; i < p->seen->count; i++)
		if (!planner_asks_for(p, i) && node_waits_for_shares(p->seen, i))
			return err_reason(e, ERR_NOT_DESIRED, "beside",
			                  "%s waits for shares already, and is none of the nodes "
			                  "asked for: choose it too, stop it first (teectl down "
			                  "%s), or name the one to restart beside it (teectl "
			                  "recover --to)",
			                  name_of(p, i), name_of(p, i));
	return 0;
}

static size_t add_restart(struct planner *p, size_t node)
{
	planner_add_verify(p, node, STEP_NONE);
	add(p, STEP_BOOT, node, p->plan.count - 1);
	return p->plan.count - 1;
}

/* Each of those named becomes one that members may seal to: all are of one manifest, and so of one
 * key. The shares that are here go to each of them, since one that waits for shares is forwarded
 * nothing. */
static int restart_all(struct planner *p, struct err *e)
{
	for (size_t i = 0; i < p->seen->count; i++) {
		if (!planner_asks_for(p, i))
			continue;
		if (node_waits_for_shares(p->seen, i))
			add_injection(p, i, STEP_NONE);
		else if (node_standing(p->seen, i) != STANDS_EMPTY)
			return planner_refuse_target(p, i, e);
		else
			add_injection(p, i, add_restart(p, i));
	}
	return 0;
}

/* No quorum is restarted beside one that lives: where a TEE has the key, nothing is lost, and where
 * one waits for its shares the way back leads over that one, unless others are named. */
static int plan_recover(struct planner *p, struct err *e)
{
	size_t target = STEP_NONE;

	if (!p->seen->has_genesis && !p->cluster->quorum.public_key)
		return err_set(
		    e, ERR_NOT_DESIRED,
		    "there has been no genesis in this state folder, so there is nothing to recover: "
		    "where one was done elsewhere name its folder (--state), and bring back one that "
		    "was lost; else teectl genesis");
	if (!p->seen->has_genesis)
		return refuse_no_genesis(p, NULL, e);
	if (plan_holders(p, ": nothing is lost; teectl propagate forwards it"))
		return 0;
	if (p->goal->restarts_all)
		return restart_all(p, e);
	if (plan_shares(p))
		return 0;
	TRY(check_not_beside(p, e));
	TRY(find_fresh(p, &target, e));
	add_injection(p, target, add_restart(p, target));
	return 0;
}

/* The ready TEE that the chain starts from: --from, else the file's source, else the first. */
int planner_find_source(const struct planner *p, size_t *ret, struct err *e)
{
	size_t wanted = p->goal->has_source ? p->goal->source : p->cluster->propagate.source;

	if (node_has_key(p->seen, wanted)) {
		*ret = wanted;
		return 0;
	}
	for (size_t i = 0; !p->goal->has_source && i < p->seen->count; i++)
		if (node_has_key(p->seen, i)) {
			*ret = i;
			return 0;
		}
	switch (node_standing(p->seen, wanted)) {
	case STANDS_OCCUPIED:
		return planner_refuse_occupied(p, wanted, e);
	case STANDS_APART:
	case STANDS_BROKEN:
		return planner_refuse_apart(p, wanted, e);
	case STANDS_OLD:
		return refuse_old(p, wanted, e);
	case STANDS_EMPTY:
	case STANDS_WAITING:
	case STANDS_READY:
		break;
	}
	return err_set(
	    e, ERR_NOT_DESIRED,
	    "%s can't be the source: it is in %s, and a source must be ApplicationReady%s",
	    name_of(p, wanted), phase_name(node_phase(p->seen, wanted)),
	    node_waits_for_shares(p->seen, wanted) ? "; it waits for the members' shares"
	    : p->seen->has_genesis                 ? ""
	                                           : ": teectl genesis, then teectl inject");
}

/* Its setup key is the members' (contract.md, "Phases"). */
static int refuse_waiting(const struct planner *p, size_t node, struct err *e)
{
	const char *name = name_of(p, node);

	return err_reason(
	    e, ERR_NOT_DESIRED, "waits-for-shares",
	    "%s waits for members' shares, and such a TEE is forwarded nothing: start "
	    "it anew, which needs no shares (teectl down %s, teectl up, teectl "
	    "propagate), or teectl inject --only %s",
	    name, name, name);
}

/* Why the key can't be forwarded to a node. */
int planner_check_target(const struct planner *p, size_t node, struct err *e)
{
	switch (node_standing(p->seen, node)) {
	case STANDS_OCCUPIED:
		return planner_refuse_occupied(p, node, e);
	case STANDS_APART:
	case STANDS_BROKEN:
		return planner_refuse_apart(p, node, e);
	case STANDS_OLD:
		return refuse_old(p, node, e);
	default:
		return node_waits_for_shares(p->seen, node) ? refuse_waiting(p, node, e) : 0;
	}
}

/* needs: the target's own step before; STEP_NONE: none. In a chain each waits for the one before
 * it.
 */
void planner_add_hop(struct planner *p, size_t node, size_t needs, size_t *previous)
{
	struct step *step = add(p, STEP_FORWARD, node, needs);
	size_t own = p->plan.count - 1;
	struct err e;

	if (p->plan.way.topology == TOPOLOGY_CHAIN)
		step->after = *previous;
	*previous = own;
	if (needs == STEP_NONE && planner_check_target(p, node, &e) < 0)
		*planner_refuse_step(p, step) = e;
	else
		add(p, STEP_PROVE, node, own);
}

int planner_choose_way(struct planner *p, struct err *e)
{
	TRY(way_choose(p->cluster, p->seen, p->goal->topology, &p->plan.way, e));
	return way_visits(p->goal->topology, &p->plan.way, p->seen, &p->visits, e);
}

/* Whoever claims to have the key and is asked for proves it, the source too: what is told at the
 * end is what was shown. A hop to one node costs the same in a cluster of any size. */
static void prove_claims(struct planner *p, size_t source)
{
	bool is_forwarding = p->plan.count > 0;

	for (size_t i = 0; i < p->seen->count; i++)
		if (node_has_key(p->seen, i) && (i == source || planner_asks_for(p, i)))
			planner_add_proof(p, i);
	if (!is_forwarding)
		snprintf(p->plan.nothing, sizeof(p->plan.nothing),
		         "every TEE asked for has the quorum key");
}

static int plan_propagate(struct planner *p, struct err *e)
{
	size_t source = 0, previous = STEP_NONE;

	if (!p->seen->has_genesis)
		return refuse_no_genesis(p, "teectl genesis, then teectl inject", e);
	if (observation_is_lost(p->seen))
		return planner_refuse_lost(p, e);
	TRY(planner_find_source(p, &source, e));
	TRY(planner_choose_way(p, e));
	way_add(&p->plan.way, source);
	for (size_t k = 0; k < p->seen->count; k++) {
		size_t i = p->visits[k];

		/* A source that was named forwards by itself, whoever else has the key. */
		if (i == source || (p->goal->has_source && node_has_key(p->seen, i)))
			continue;
		way_add(&p->plan.way, i);
		if (!node_has_key(p->seen, i) && planner_asks_for(p, i))
			planner_add_hop(p, i, STEP_NONE, &previous);
	}
	prove_claims(p, source);
	return way_foretell(&p->plan, p->seen, e);
}

static int plan_verify(struct planner *p, struct err *e)
{
	if (observation_is_lost(p->seen))
		return planner_refuse_lost(p, e);
	snprintf(p->plan.nothing, sizeof(p->plan.nothing),
	         "every TEE%s proved that it holds the quorum key",
	         p->goal->targets ? " asked for" : "");
	for (size_t i = 0; i < p->seen->count; i++)
		if (planner_asks_for(p, i))
			planner_add_proof(p, i);
	return 0;
}

/* A look: those that answer are verified, the others are what they are. */
static void plan_status(struct planner *p)
{
	for (size_t i = 0; i < p->seen->count; i++)
		if (p->seen->nodes[i].presence == NODE_PRESENT && planner_asks_for(p, i))
			add(p, STEP_VERIFY, i, STEP_NONE)->is_glance = true;
}

static int make(struct planner *p, struct err *e)
{
	switch (p->goal->kind) {
	case GOAL_UP:
		plan_up(p);
		return 0;
	case GOAL_GENESIS:
		return plan_genesis(p, e);
	case GOAL_INJECT:
		return plan_inject(p, e);
	case GOAL_REQUEST:
		return plan_request(p, e);
	case GOAL_SUBMIT:
		return plan_submit(p, e);
	case GOAL_RECOVER:
		return plan_recover(p, e);
	case GOAL_PROPAGATE:
		return plan_propagate(p, e);
	case GOAL_UPGRADE:
		return plan_upgrade(p, e);
	case GOAL_RETIRE:
		return plan_retire(p, e);
	case GOAL_VERIFY:
		return plan_verify(p, e);
	case GOAL_STATUS:
		plan_status(p);
		return 0;
	case GOAL_APPLY:
		return plan_apply(p, e);
	case GOAL_WATCH:
		plan_watch(p);
		return 0;
	case GOAL_HEAL:
		return plan_heal(p, e);
	}
	return err_set(e, ERR_INTERNAL, "goal %d", (int)p->goal->kind);
}

/* The goal's, or by the nodes' labels. The plan keeps its own: it outlives the goal. */
static int take_regions(struct planner *p, struct err *e)
{
	struct way *way = &p->plan.way;
	AUTO(regions) struct regions labelled = { 0 };

	if (!p->goal->regions) {
		TRY(regions_find(p->cluster, &labelled, e));
		way->regions = MOVE(labelled.of);
		way->region_count = labelled.count;
		return 0;
	}
	way->regions = calloc(p->seen->count, sizeof(*way->regions));
	if (!way->regions)
		return err_set(e, ERR_INTERNAL, "no memory for a plan");
	memcpy(way->regions, p->goal->regions, p->seen->count * sizeof(*way->regions));
	way->region_count = p->goal->region_count;
	return 0;
}

/* Of a thousand nodes few are refused; what is allocated is wiped when it is freed. */
static size_t count_refusals(const struct planner *p)
{
	size_t most = 1;

	for (size_t i = 0; i < p->seen->count; i++) {
		enum standing standing = node_standing(p->seen, i);
		bool may_serve = (standing == STANDS_EMPTY || standing == STANDS_WAITING ||
		                  standing == STANDS_READY) &&
		                 !node_waits_for_shares(p->seen, i);

		most += may_serve && p->goal->kind == GOAL_APPLY ? 0 : REFUSALS_PER_NODE;
	}
	return most;
}

static void planner_drop(struct planner *p)
{
	plan_drop(&p->plan);
	free(p->visits);
}

int plan_make(const struct cluster *cluster, const struct observation *seen,
              const struct goal *goal, struct plan *ret, struct err *e)
{
	AUTO(planner) struct planner p = { .cluster = cluster, .seen = seen, .goal = goal };

	p.step_max = seen->count * STEPS_PER_NODE + STEPS_BESIDE;
	p.plan.steps = calloc(p.step_max, sizeof(*p.plan.steps));
	p.plan.refusal_max = count_refusals(&p);
	p.plan.refusals = calloc(p.plan.refusal_max, sizeof(*p.plan.refusals));
	if (!p.plan.steps || !p.plan.refusals)
		return err_set(e, ERR_INTERNAL, "no memory for a plan");
	TRY(take_regions(&p, e));
	TRY(make(&p, e));
	*ret = MOVE(p.plan);
	return 0;
}

bool plan_may_leave(const struct observation *seen, const bool *leaving, size_t keep_ready)
{
	bool is_ready_leaving = false, is_silent_leaving = false;
	size_t stay = 0;

	for (size_t i = 0; i < seen->count; i++) {
		bool is_ready = node_has_key(seen, i);

		stay += is_ready && !leaving[i];
		is_ready_leaving |= leaving[i] && is_ready;
		is_silent_leaving |= leaving[i] && seen->nodes[i].presence == NODE_UNREACHABLE;
	}
	if (!seen->has_genesis)
		return true;
	/* A silent one serves nobody, so it may go below keep_ready, but not as the last that may
	 * have the key. */
	return (!is_ready_leaving || stay >= keep_ready) && (!is_silent_leaving || stay >= 1);
}
