#include "orchestrate/plan.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

/* What one plan is made from. */
struct planner {
	const struct cluster *cluster;
	const struct observation *seen;
	const struct goal *goal;
	struct plan plan;
};

void plan_drop(struct plan *p)
{
	free(p->steps);
	free(p->order);
	*p = (struct plan){ 0 };
}

const char *step_name(enum step_kind kind)
{
	static const char *const names[] = {
		[STEP_LAUNCH] = "launch", [STEP_VERIFY] = "verify",   [STEP_GENESIS] = "genesis",
		[STEP_INJECT] = "inject", [STEP_FORWARD] = "forward", [STEP_PROVE] = "prove",
	};

	return names[kind];
}

/* Room for the longest plan, two steps a node, is made at the start: adding can't fail. */
static struct step *add(struct planner *p, enum step_kind kind, size_t node, size_t needs)
{
	struct step *step = &p->plan.steps[p->plan.count++];

	*step = (struct step){ .kind = kind, .node = node, .needs = needs };
	return step;
}

static const char *name_of(const struct planner *p, size_t node)
{
	return p->cluster->nodes[node].name;
}

static int refuse_occupied(const struct planner *p, size_t node, struct err *e)
{
	const struct status_reply *status = &p->seen->nodes[node].status;
	char found[9] = "", own[9] = "none";

	if (p->seen->nodes[node].presence == NODE_STRAY) {
		*e = p->seen->nodes[node].why;
		return -1;
	}
	hex_write(view_new(status->manifest_hash, 4), found);
	if (p->seen->has_genesis)
		hex_write(view_new(p->seen->genesis.manifest_hash.bytes, 4), own);
	return err_reason(
	    e, ERR_REFUSED, "occupied",
	    "%s is occupied: it holds manifest %s…, this cluster's is %s…; nothing is "
	    "forwarded to or from it",
	    name_of(p, node), found, own);
}

/* Why a node that is not there, or broken, can't take part. */
static int refuse_apart(const struct planner *p, size_t node, struct err *e)
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

/* There was a key and no TEE has it: not a stage of the way, and no verb of this version mends it.
 */
static int refuse_lost(const struct planner *p, struct err *e)
{
	return err_reason(e, ERR_NOT_DESIRED, "key-lost", OBSERVATION_LOST_TEXT, p->cluster->name);
}

/* One that does not answer now would not in a minute: its step says so and holds nobody up. */
static void add_verify(struct planner *p, size_t node, size_t needs)
{
	struct step *step = add(p, STEP_VERIFY, node, needs);

	if (needs != STEP_NONE || p->seen->nodes[node].presence == NODE_PRESENT)
		return;
	step->is_refused = true;
	step->refusal = p->seen->nodes[node].why;
}

/* What /status claims shows nothing: the node is verified, and proves that it has the key. */
static void add_proof(struct planner *p, size_t node)
{
	add_verify(p, node, STEP_NONE);
	add(p, STEP_PROVE, node, p->plan.count - 1);
}

static void plan_up(struct planner *p)
{
	snprintf(p->plan.nothing, sizeof(p->plan.nothing), "every TEE runs and is verified");
	for (size_t i = 0; i < p->seen->count; i++) {
		size_t needs = STEP_NONE;

		if (p->seen->nodes[i].presence == NODE_ABSENT) {
			needs = p->plan.count;
			p->plan.nothing[0] = 0;
			add(p, STEP_LAUNCH, i, STEP_NONE);
		}
		add_verify(p, i, needs);
	}
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
			    node_standing(p->seen, i) == STANDS_READY) {
				snprintf(p->plan.nothing, sizeof(p->plan.nothing),
				         "genesis was done, and %s holds its manifest",
				         name_of(p, i));
				return 0;
			}
		return err_reason(
		    e, ERR_NOT_DESIRED, "second-genesis",
		    "this cluster had its genesis, and no TEE that holds its manifest "
		    "answers: a second genesis would make a second quorum key");
	}
	for (size_t i = 0; i < p->seen->count; i++)
		if (i != source && node_standing(p->seen, i) == STANDS_OCCUPIED)
			return refuse_occupied(p, i, e);
	if (standing == STANDS_APART || standing == STANDS_BROKEN)
		return refuse_apart(p, source, e);
	if (standing != STANDS_EMPTY && node_phase(p->seen, source) != PHASE_GENESIS_BOOTED)
		return refuse_occupied(p, source, e);
	add(p, STEP_GENESIS, source, STEP_NONE);
	return 0;
}

static int plan_inject(struct planner *p, struct err *e)
{
	size_t target = STEP_NONE;

	if (!p->seen->has_genesis)
		return err_set(e, ERR_NOT_DESIRED,
		               "there has been no genesis: teectl genesis comes first");
	for (size_t i = 0; i < p->seen->count; i++) {
		enum phase phase = node_phase(p->seen, i);

		if (node_standing(p->seen, i) == STANDS_READY) {
			snprintf(p->plan.nothing, sizeof(p->plan.nothing),
			         "%s has the quorum key; no shares are needed", name_of(p, i));
			add_proof(p, i);
			return 0;
		}
		if (target == STEP_NONE && node_standing(p->seen, i) == STANDS_WAITING &&
		    (phase == PHASE_GENESIS_BOOTED || phase == PHASE_WAITING_FOR_SHARES))
			target = i;
	}
	if (target == STEP_NONE)
		return err_set(e, ERR_NOT_DESIRED,
		               "no TEE waits for shares: none that did the genesis is running");
	add(p, STEP_INJECT, target, STEP_NONE);
	add(p, STEP_PROVE, target, p->plan.count - 1);
	return 0;
}

/* The ready TEE that the chain starts from: --from, else the file's source, else the first. */
static int find_source(const struct planner *p, size_t *ret, struct err *e)
{
	size_t wanted = p->goal->has_source ? p->goal->source : p->cluster->propagate.source;

	if (node_standing(p->seen, wanted) == STANDS_READY) {
		*ret = wanted;
		return 0;
	}
	for (size_t i = 0; !p->goal->has_source && i < p->seen->count; i++)
		if (node_standing(p->seen, i) == STANDS_READY) {
			*ret = i;
			return 0;
		}
	switch (node_standing(p->seen, wanted)) {
	case STANDS_OCCUPIED:
		return refuse_occupied(p, wanted, e);
	case STANDS_APART:
	case STANDS_BROKEN:
		return refuse_apart(p, wanted, e);
	case STANDS_EMPTY:
	case STANDS_WAITING:
	case STANDS_READY:
		break;
	}
	return err_set(
	    e, ERR_NOT_DESIRED,
	    "%s can't be the source: it is in %s, and a source must be ApplicationReady%s",
	    name_of(p, wanted), phase_name(node_phase(p->seen, wanted)),
	    node_standing(p->seen, wanted) == STANDS_WAITING ? ": teectl inject"
	    : p->seen->has_genesis                           ? ""
	                           : ": teectl genesis, then teectl inject");
}

static void add_hop(struct planner *p, size_t node, size_t *previous)
{
	struct step *step = add(p, STEP_FORWARD, node, *previous);
	struct err e;

	step->may_fail = true;
	*previous = p->plan.count - 1;
	switch (node_standing(p->seen, node)) {
	case STANDS_OCCUPIED:
		(void)refuse_occupied(p, node, &e);
		break;
	case STANDS_APART:
	case STANDS_BROKEN:
		(void)refuse_apart(p, node, &e);
		break;
	default:
		add(p, STEP_PROVE, node, p->plan.count - 1);
		return;
	}
	step->is_refused = true;
	step->refusal = e;
}

static bool is_asked_for(const struct planner *p, size_t node)
{
	return !p->goal->targets || p->goal->targets[node];
}

/* Those that claim to have the key already. The source is among them when nothing is forwarded:
 * else its export shows that it has it. */
static void prove_claims(struct planner *p, size_t source)
{
	bool is_forwarding = p->plan.count > 0;

	for (size_t i = 0; i < p->seen->count; i++)
		if (node_standing(p->seen, i) == STANDS_READY && is_asked_for(p, i) &&
		    !(i == source && is_forwarding))
			add_proof(p, i);
	if (!is_forwarding)
		snprintf(p->plan.nothing, sizeof(p->plan.nothing),
		         "every TEE asked for has the quorum key");
}

static int plan_propagate(struct planner *p, struct err *e)
{
	size_t source = 0, previous = STEP_NONE;

	if (p->goal->topology != TOPOLOGY_CHAIN)
		return err_set(e, ERR_CONFIG, "topology %s is not in this version: chain is",
		               topology_names[p->goal->topology]);
	if (!p->seen->has_genesis)
		return err_set(e, ERR_NOT_DESIRED,
		               "there has been no genesis: teectl genesis, then teectl inject");
	if (observation_is_lost(p->seen))
		return refuse_lost(p, e);
	TRY(find_source(p, &source, e));
	p->plan.order[p->plan.order_count++] = source;
	for (size_t i = 0; i < p->seen->count; i++) {
		/* A source that was named forwards by itself, whoever else has the key. */
		if (i == source ||
		    (p->goal->has_source && node_standing(p->seen, i) == STANDS_READY))
			continue;
		p->plan.order[p->plan.order_count++] = i;
		if (node_standing(p->seen, i) != STANDS_READY && is_asked_for(p, i))
			add_hop(p, i, &previous);
	}
	prove_claims(p, source);
	return 0;
}

static void plan_verify(struct planner *p)
{
	snprintf(p->plan.nothing, sizeof(p->plan.nothing),
	         "every TEE proved that it holds the quorum key");
	for (size_t i = 0; i < p->seen->count; i++)
		if (is_asked_for(p, i))
			add_proof(p, i);
}

/* A look: those that answer are verified, the others are what they are. */
static void plan_status(struct planner *p)
{
	for (size_t i = 0; i < p->seen->count; i++)
		if (p->seen->nodes[i].presence == NODE_PRESENT)
			add(p, STEP_VERIFY, i, STEP_NONE);
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
	case GOAL_PROPAGATE:
		return plan_propagate(p, e);
	case GOAL_VERIFY:
		plan_verify(p);
		return 0;
	case GOAL_STATUS:
		plan_status(p);
		return 0;
	}
	return err_set(e, ERR_INTERNAL, "goal %d", (int)p->goal->kind);
}

static void planner_drop(struct planner *p)
{
	plan_drop(&p->plan);
}

int plan_make(const struct cluster *cluster, const struct observation *seen,
              const struct goal *goal, struct plan *ret, struct err *e)
{
	AUTO(planner) struct planner p = { .cluster = cluster, .seen = seen, .goal = goal };

	p.plan.steps = calloc(seen->count * 2 + 2, sizeof(*p.plan.steps));
	p.plan.order = calloc(seen->count + 1, sizeof(*p.plan.order));
	if (!p.plan.steps || !p.plan.order)
		return err_set(e, ERR_INTERNAL, "no memory for a plan");
	TRY(make(&p, e));
	*ret = MOVE(p.plan);
	return 0;
}
