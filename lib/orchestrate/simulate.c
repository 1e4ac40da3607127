#include "orchestrate/simulate.h"

#include "base/clock.h"
#include "orchestrate/simulate_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Passes in a row in which there are no more ready ones than ever before: by chance it may be so a
 * few times. Where as many die as are healed it would never end. */
#define IDLE_PASSES_MAX 8
#define PASSES_MAX      1000

/* --- what is left to do, of the truth --- */

struct tally {
	size_t ready, away, refused, expected; /* expected: down, and back at some time */
	int64_t first_back_us;
};

static struct tally take_stock(const struct world_of_tees *w)
{
	struct tally t = { .first_back_us = INT64_MAX };

	for (size_t i = 0; i < w->tees.count; i++) {
		const struct tee *tee = &w->tees.items[i];

		t.ready += tee_has_key(tee) && !tee->is_forged;
		if (tee->is_occupied || tee->is_forged) {
			t.refused++;
		} else if (tee->is_down && tee->back_us == INT64_MAX && !w->options->is_launched) {
			t.away++;
		} else if (tee->is_down && !w->options->is_launched) {
			t.expected++;
			if (tee->back_us < t.first_back_us)
				t.first_back_us = tee->back_us;
		}
	}
	return t;
}

static bool is_all_done(const struct world_of_tees *w, const struct tally *t)
{
	return !w->was_stopped && t->ready + t->away + t->refused == w->tees.count;
}

/* --- the loop around plan and execution --- */

static int plan_and_execute(struct world_of_tees *w, struct err *e)
{
	const struct simulation_options *o = w->options;
	const struct goal goal = { .kind = GOAL_APPLY,
		                   .topology = o->topology,
		                   .regions = o->regions,
		                   .region_count = o->region_count };
	AUTO(plan) struct plan plan = { 0 };
	int64_t begun_us = clock_monotonic_us(), took_us;

	TRY(plan_make(o->cluster, &w->run.seen, &goal, &plan, e));
	took_us = clock_monotonic_us() - begun_us;
	if (took_us > w->result->longest_plan_us)
		w->result->longest_plan_us = took_us;
	if (!w->result->rounds)
		w->result->rounds = plan.way.rounds;
	return world_execute(w, &plan, e);
}

/* One pass of a person: look, plan, execute. What failed is in *why. fails  ERR_INTERNAL */
static int pass(struct world_of_tees *w, struct err *why, struct err *e)
{
	w->was_stopped = false;
	w->result->passes++;
	if (world_look(w, e) == 0) {
		if (w->was_stopped) {
			(void)err_set(why, ERR_INTERRUPTED,
			              "interrupted while the nodes were asked");
			return 0;
		}
		if (plan_and_execute(w, e) == 0)
			return 0;
	}
	if (e->code == ERR_INTERNAL)
		return -1;
	*why = *e;
	return 0;
}

static int repeat(struct world_of_tees *w, struct err *e)
{
	struct tally now = take_stock(w);
	size_t best = now.ready;
	unsigned idle = 0;

	while (idle < IDLE_PASSES_MAX && w->result->passes < PASSES_MAX) {
		TRY(pass(w, &w->result->why, e));
		now = take_stock(w);
		if (is_all_done(w, &now))
			break;
		/* Nobody else is left to be helped: it waits for the first that comes back. */
		if (now.expected &&
		    now.ready + now.away + now.refused + now.expected == w->tees.count &&
		    now.first_back_us > w->now_us)
			w->now_us = now.first_back_us;
		idle = now.ready > best || w->was_stopped ? 0 : idle + 1;
		best = now.ready > best ? now.ready : best;
	}
	return 0;
}

static void find_busiest(struct world_of_tees *w)
{
	for (size_t i = 0; i < w->tees.count; i++)
		if (w->tees.items[i].served > w->result->busiest_exports) {
			w->result->busiest = i;
			w->result->busiest_exports = w->tees.items[i].served;
		}
}

static void summarize(struct world_of_tees *w)
{
	struct simulation *r = w->result;
	struct tally t = take_stock(w);

	r->nodes = w->tees.count;
	/* Also where no node ever answered, and nothing was planned. */
	r->topology = way_topology(w->options->topology, r->nodes);
	r->ended_us = w->now_us;
	r->ready = t.ready;
	r->away = t.away + t.expected;
	r->refused = t.refused;
	r->deaths = w->tees.deaths;
	find_busiest(w);
	rules_check_end(w);
	if (r->ready == r->nodes)
		r->why = (struct err){ 0 };
}

int simulate(const struct simulation_options *options, struct simulation *ret, struct err *e)
{
	AUTO(world) struct world_of_tees w = { .options = options };
	struct simulation result = { 0 };

	TRY(world_open(&w, options, &result, e));
	TRY(repeat(&w, e));
	summarize(&w);
	*ret = result;
	return 0;
}

/* --- a cluster that no file describes --- */

#define NAME_SIZE 16 /* "tee" and a number of nine digits */

void simulated_cluster_drop(struct simulated_cluster *c)
{
	c->cluster.nodes = NULL;
	c->cluster.node_count = 0;
	cluster_drop(&c->cluster);
	free(c->nodes);
	free(c->names);
	*c = (struct simulated_cluster){ 0 };
}

/* Whatever a file leaves open is as config_table.c has it. */
static int read_defaults(struct cluster *ret, struct err *e)
{
	static const char text[] = "apiVersion: teectl/v1\n"
	                           "kind: Cluster\n"
	                           "metadata: { name: simulated }\n"
	                           "enclave: { image: simulated, role: simulated }\n"
	                           "attestation: { root: simulated }\n"
	                           "quorum:\n"
	                           "  threshold: 2\n"
	                           "  members: [{ name: a, pub: a.pub }, { name: b, pub: b.pub }]\n"
	                           "manifest: { namespace: simulated, nonce: 1 }\n"
	                           "nodes: [{ name: tee1, listen: \"127.0.0.1:0\" }]\n";

	return cluster_parse("simulated", view_text(text), ret, e);
}

/* Of one file's node: its place in memory is given back, and the many take it. */
static void replace_nodes(struct simulated_cluster *c, size_t count)
{
	free(c->cluster.nodes[0].name);
	free(c->cluster.nodes[0].listen);
	free(c->cluster.nodes);
	for (size_t i = 0; i < count; i++) {
		char *name = c->names + i * NAME_SIZE;

		snprintf(name, NAME_SIZE, "tee%u", (unsigned)(i + 1) % 1000000000u);
		c->nodes[i] = (struct cluster_node){ .name = name, .listen = name };
	}
	c->cluster.nodes = c->nodes;
	c->cluster.node_count = count;
}

int simulated_cluster_make(size_t nodes, struct simulated_cluster *ret, struct err *e)
{
	AUTO(simulated_cluster) struct simulated_cluster c = { 0 };
	struct cluster defaults = { 0 };

	c.nodes = calloc(nodes, sizeof(*c.nodes));
	c.names = calloc(nodes, NAME_SIZE);
	if (!c.nodes || !c.names)
		return err_set(e, ERR_INTERNAL, "no memory for %zu nodes", nodes);
	TRY(read_defaults(&defaults, e));
	c.cluster = defaults;
	replace_nodes(&c, nodes);
	*ret = MOVE(c);
	return 0;
}
