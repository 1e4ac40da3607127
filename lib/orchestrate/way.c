#include "orchestrate/plan.h"

#include <stdlib.h>

/* At most so many nodes are a chain where the file leaves it open. */
#define CHAIN_NODES_MAX 3

/* Round trips that differ by less than twice are equal, and so are all below 8 ms: what a machine
 * nearby happens to need changes no order. */
#define NEAR_US 8192

void way_drop(struct way *w)
{
	free(w->order);
	free(w->regions);
	*w = (struct way){ 0 };
}

void way_add(struct way *w, size_t node)
{
	w->order[w->order_count++] = node;
}

/* --- which way --- */

enum topology way_topology(enum topology wanted, size_t nodes)
{
	if (wanted != TOPOLOGY_AUTO)
		return wanted;
	return nodes <= CHAIN_NODES_MAX ? TOPOLOGY_CHAIN : TOPOLOGY_TREE;
}

int way_choose(const struct cluster *cluster, const struct observation *seen, enum topology wanted,
               struct way *ret, struct err *e)
{
	ret->topology = way_topology(wanted, seen->count);
	ret->parallel = (size_t)cluster->propagate.parallel;
	ret->order = calloc(seen->count + 1, sizeof(*ret->order));
	if (!ret->order)
		return err_set(e, ERR_INTERNAL, "no memory for the key's way");
	return 0;
}

struct visit {
	unsigned distance;
	size_t node;
};

static void visits_drop(struct visit **visits)
{
	free(*visits);
}

/* Doublings above NEAR_US. One that was not measured comes with those that are near: most are not
 * started yet, and will be here. */
static unsigned distance_of(int64_t rtt_us)
{
	unsigned doublings = 0;

	for (; rtt_us > NEAR_US; rtt_us /= 2)
		doublings++;
	return doublings;
}

static int compare_visits(const void *a, const void *b)
{
	const struct visit *left = a, *right = b;

	if (left->distance != right->distance)
		return (left->distance > right->distance) - (left->distance < right->distance);
	return (left->node > right->node) - (left->node < right->node);
}

int way_visits(enum topology wanted, const struct way *way, const struct observation *seen,
               size_t **ret, struct err *e)
{
	AUTO(visits) struct visit *visits = calloc(seen->count + 1, sizeof(*visits));
	size_t *nodes = calloc(seen->count + 1, sizeof(*nodes));
	bool is_measured = wanted == TOPOLOGY_AUTO && way->topology == TOPOLOGY_TREE;

	if (!visits || !nodes) {
		free(nodes);
		return err_set(e, ERR_INTERNAL, "no memory for the key's way");
	}
	for (size_t i = 0; i < seen->count; i++)
		visits[i] = (struct visit){
			is_measured ? distance_of(seen->nodes[i].rtt_us) : 0,
			i,
		};
	qsort(visits, seen->count, sizeof(*visits), compare_visits);
	for (size_t i = 0; i < seen->count; i++)
		nodes[i] = visits[i].node;
	*ret = nodes;
	return 0;
}

/* --- the key's way, foretold: as execute.c walks it when all takes equally long --- */

static void indices_drop(size_t **indices)
{
	free(*indices);
}

/* The forwards under way in one round. */
struct hops {
	size_t *targets, *sources;
	size_t count;
};

static void hops_drop(struct hops *h)
{
	free(h->targets);
	free(h->sources);
}

/* step_of: the forward of each node. */
static void play_round(struct plan *p, struct sources *s, struct hops *h, const size_t *step_of)
{
	size_t target, source;

	p->way.rounds++;
	h->count = 0;
	while (sources_next(s, &target, &source)) {
		struct step *step = &p->steps[step_of[target]];

		step->source = source;
		step->round = p->way.rounds;
		h->targets[h->count] = target;
		h->sources[h->count++] = source;
	}
	for (size_t i = 0; i < h->count; i++)
		sources_done(s, h->targets[i], h->sources[i], /* has_key= */ true);
}

/* In a chain one wants it after the other, else all at once. */
static void play(struct plan *p, struct sources *s, struct hops *h, const size_t *step_of)
{
	bool is_chain = p->way.topology == TOPOLOGY_CHAIN;

	for (size_t i = 0; i < p->count; i++) {
		const struct step *step = &p->steps[i];

		if (step->kind != STEP_FORWARD || step->refusal)
			continue;
		sources_want(s, step->node);
		if (is_chain)
			play_round(p, s, h, step_of);
	}
	do
		play_round(p, s, h, step_of);
	while (h->count > 0);
	/* The last one found nothing to do. */
	p->way.rounds--;
}

struct sources_options plan_sources(const struct plan *plan, size_t node_count)
{
	return (struct sources_options){
		.topology = plan->way.topology,
		.count = node_count,
		.parallel = plan->way.parallel,
		.order = plan->way.order,
		.order_count = plan->way.order_count,
		.regions = plan->way.regions,
		.region_count = plan->way.region_count,
	};
}

/* It has the key now, and gives it to nobody once this plan is under way. */
static bool is_retired(const struct plan *plan, size_t node)
{
	for (size_t i = 0; plan->goes_on && i < plan->count; i++)
		if (plan->steps[i].kind == STEP_RETIRE && plan->steps[i].node == node)
			return true;
	return false;
}

size_t plan_first_sources(const struct plan *plan, const struct observation *seen,
                          struct sources *s)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->way.order_count; i++) {
		if (!node_has_key(seen, plan->way.order[i]) || is_retired(plan, plan->way.order[i]))
			continue;
		sources_add(s, plan->way.order[i]);
		count++;
	}
	return count;
}

int way_foretell(struct plan *p, const struct observation *seen, struct err *e)
{
	const struct sources_options options = plan_sources(p, seen->count);
	AUTO(sources) struct sources *s = NULL;
	AUTO(indices) size_t *step_of = NULL;
	AUTO(hops) struct hops h = { 0 };
	size_t n = seen->count;

	TRY(sources_new(&options, &s, e));
	step_of = calloc(n, sizeof(*step_of));
	h.targets = calloc(n, sizeof(*h.targets));
	h.sources = calloc(n, sizeof(*h.sources));
	if (!step_of || !h.targets || !h.sources)
		return err_set(e, ERR_INTERNAL, "no memory for the key's way");
	(void)plan_first_sources(p, seen, s);
	for (size_t i = 0; i < p->count; i++)
		if (p->steps[i].kind == STEP_FORWARD)
			step_of[p->steps[i].node] = i;
		else if (p->steps[i].kind == STEP_INJECT)
			sources_add(s, p->steps[i].node);
	play(p, s, &h, step_of);
	return 0;
}
