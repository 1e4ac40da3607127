/* The planner and the executor against thousands of clusters, failures and interleavings: it always
 * ends with every node that can be reached ready, or with a stated reason; there are never two
 * keys, and no step is begun that was not allowed (simulate_rules.c). And what is known of time. */
#include "orchestrate/simulate.h"

#include "base/prng.h"
#include "orchestrate/estimate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NODES_MAX   40
#define REGIONS_MAX 4
#ifdef UNDER_VALGRIND
#define CLUSTERS 100
#else
#define CLUSTERS 6000
#endif

/* One that all is drawn for from its seed. */
struct draw {
	struct simulated_cluster made;
	uint16_t regions[NODES_MAX];
	int64_t rtt_us[REGIONS_MAX];
	struct simulation_options options;
};

static uint32_t some_of(struct prng *p, uint32_t most_ppm)
{
	return prng_chance(p, PPM / 2) ? 0 : (uint32_t)prng_below(p, most_ppm);
}

static void draw_failures(struct prng *p, struct simulation_options *o)
{
	o->fail_ppm = some_of(p, 300000);
	o->death_ppm = some_of(p, 30000);
	o->restart_us = prng_chance(p, PPM / 2) ? (int64_t)prng_below(p, 20000000) + 1 : 0;
	o->forged_ppm = some_of(p, 200000);
	o->refusing_ppm = some_of(p, 300000);
	o->occupied_ppm = prng_chance(p, PPM / 4) ? some_of(p, 200000) : 0;
	o->is_launched = prng_chance(p, PPM / 4);
	o->has_key = prng_chance(p, PPM / 2);
	o->ready_ppm = some_of(p, PPM);
	o->half_ppm = some_of(p, 500000);
	o->stop = (enum simulated_stop)prng_below(p, 3);
	o->stop_at = 1 + prng_below(p, 300);
}

static void draw(uint64_t seed, struct draw *d)
{
	struct prng p = { seed };
	size_t nodes = 1 + prng_below(&p, NODES_MAX), regions = 1 + prng_below(&p, REGIONS_MAX);
	struct err e;

	memset(d, 0, sizeof(*d));
	if (simulated_cluster_make(nodes, &d->made, &e) < 0)
		fail_msg("%s", e.text);
	d->made.cluster.propagate.parallel = 1 + (int64_t)prng_below(&p, 4);
	d->made.cluster.retry_attempts = 1 + (int64_t)prng_below(&p, 6);
	for (size_t i = 0; i < nodes; i++)
		d->regions[i] = (uint16_t)prng_below(&p, regions);
	for (size_t i = 0; i < regions; i++)
		d->rtt_us[i] = (int64_t)prng_below(&p, 200000);
	d->options = (struct simulation_options){ .cluster = &d->made.cluster,
		                                  .topology = (enum topology)prng_below(&p, 4),
		                                  .regions = d->regions,
		                                  .region_count = regions,
		                                  .rtt_us = d->rtt_us,
		                                  .costs = costs_default(),
		                                  .seed = seed };
	draw_failures(&p, &d->options);
}

static void run(const struct simulation_options *o, struct simulation *ret)
{
	struct err e;

	assert_int_equal(simulate(o, ret, &e), 0);
	if (ret->broken[0])
		fail_msg("seed %llu: %s", (unsigned long long)o->seed, ret->broken);
}

static void whatever_fails_the_rules_hold_and_it_ends(void **state)
{
	unsigned whole = 0, stated = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= CLUSTERS; seed++) {
		struct simulation s;
		struct draw d;

		draw(seed, &d);
		run(&d.options, &s);
		if (s.ready + s.away + s.refused < s.nodes) {
			stated++;
			assert_true(s.why.text[0]);
		} else {
			whole++;
		}
		simulated_cluster_drop(&d.made);
	}
	print_message("%u ended with all that can be ready ready, %u with a reason\n", whole,
	              stated);
	/* Chance has to have had its way in both directions. */
	assert_true(whole > CLUSTERS / 2);
	assert_true(stated > CLUSTERS / 100);
}

/* --- time --- */

#define MS 1000

/* A fleet whose TEEs and whose teectl take no time: what is left are round trips. */
static void without_costs(struct draw *d, size_t nodes, enum topology topology, int64_t rtt_us)
{
	static const char *const costs[] = { "verify=0",  "genesis=0", "boot=0",  "inject=0",
		                             "forward=0", "prove=0",   "teectl=0" };
	struct err e;

	memset(d, 0, sizeof(*d));
	if (simulated_cluster_make(nodes, &d->made, &e) < 0)
		fail_msg("%s", e.text);
	d->made.cluster.propagate.parallel = 1;
	d->rtt_us[0] = rtt_us;
	d->options = (struct simulation_options){ .cluster = &d->made.cluster,
		                                  .topology = topology,
		                                  .region_count = 1,
		                                  .rtt_us = d->rtt_us,
		                                  .costs = costs_default(),
		                                  .has_key = true };
	for (size_t i = 0; i < COUNT(costs); i++)
		assert_int_equal(costs_set(&d->options.costs, costs[i], &e), 0);
	d->options.costs.status.node_us = 0;
}

static int64_t time_of(size_t nodes, enum topology topology, int64_t rtt_us)
{
	struct simulation s;
	struct draw d;

	without_costs(&d, nodes, topology, rtt_us);
	run(&d.options, &s);
	assert_int_equal(s.ready, nodes);
	assert_int_equal(s.passes, 1);
	assert_int_equal(s.retries, 0);
	simulated_cluster_drop(&d.made);
	return s.ready_us;
}

/* A look, a verification, the rounds of four exchanges, a proof. */
static void a_tree_takes_the_rounds_of_doubling(void **state)
{
	(void)state;
	assert_int_equal(time_of(2, TOPOLOGY_TREE, 50 * MS), (1 + 1 + 4 + 1) * 50 * MS);
	assert_int_equal(time_of(64, TOPOLOGY_TREE, 50 * MS), (1 + 1 + 6 * 4 + 1) * 50 * MS);
	assert_int_equal(time_of(65, TOPOLOGY_TREE, 50 * MS), (1 + 1 + 7 * 4 + 1) * 50 * MS);
}

static void a_chain_takes_a_round_a_node(void **state)
{
	(void)state;
	assert_int_equal(time_of(10, TOPOLOGY_CHAIN, 20 * MS), (1 + 1 + 9 * 4 + 1) * 20 * MS);
	assert_int_equal(time_of(10, TOPOLOGY_STAR, 20 * MS), (1 + 1 + 9 * 4 + 1) * 20 * MS);
}

/* Each document costs the one event loop 5 ms: 100 of them half a second, however near they are. */
static void teectl_does_one_thing_at_a_time(void **state)
{
	struct simulation s;
	struct draw d;
	struct err e;

	(void)state;
	without_costs(&d, 100, TOPOLOGY_TREE, 0);
	assert_int_equal(costs_set(&d.options.costs, "teectl=5000", &e), 0);
	run(&d.options, &s);
	assert_true(s.own_us == (int64_t)s.exchanges * 5 * MS);
	assert_true(s.ready_us == s.own_us);
	simulated_cluster_drop(&d.made);
}

/* A source that exports for a second each makes the star's targets wait, two at a time or not. */
static void a_node_does_one_thing_at_a_time(void **state)
{
	struct simulation s;
	struct draw d;
	struct err e;

	(void)state;
	without_costs(&d, 5, TOPOLOGY_STAR, 0);
	d.made.cluster.propagate.parallel = 4;
	d.options.costs.exchanges[STEP_FORWARD][2].node_us = 1000 * MS;
	run(&d.options, &s);
	assert_int_equal(s.ready_us, 4000 * MS);
	assert_int_equal(s.busiest, 0);
	assert_int_equal(s.busiest_exports, 4);
	simulated_cluster_drop(&d.made);
	/* All of a step's time together. */
	without_costs(&d, 5, TOPOLOGY_STAR, 0);
	assert_int_equal(costs_set(&d.options.costs, "forward=1000", &e), 0);
	run(&d.options, &s);
	assert_in_range(s.steps[STEP_FORWARD].us, 4 * 997, 40 * 1000);
	simulated_cluster_drop(&d.made);
}

static void the_same_seed_gives_the_same_run(void **state)
{
	struct simulation a, b;
	struct draw d;

	(void)state;
	draw(77, &d);
	run(&d.options, &a);
	run(&d.options, &b);
	assert_true(a.ready_us == b.ready_us && a.exchanges == b.exchanges && a.deaths == b.deaths);
	assert_int_equal(a.own_us, b.own_us);
	assert_string_equal(a.why.text, b.why.text);
	assert_memory_equal(a.steps, b.steps, sizeof(a.steps));
	d.options.seed = 78;
	d.options.fail_ppm = 100000;
	run(&d.options, &b);
	assert_int_not_equal(a.ready_us, b.ready_us);
	simulated_cluster_drop(&d.made);
}

static void costs_that_are_none_are_refused(void **state)
{
	static const char *const wrong[] = { "forward", "fourward=3", "=3", "verify=x",
		                             "verify=", "verify=3600000001",
		                             /* nothing would come of them */
		                             "request=5", "submit=5" };
	struct costs costs = costs_default();
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_int_equal(costs_set(&costs, wrong[i], &e), -1);
		assert_int_equal(e.code, ERR_USAGE);
	}
	assert_int_equal(costs_set(&costs, "launch=7", &e), 0);
	assert_int_equal(costs.launch_us, 7);
}

/* --- estimates --- */

/* tee1 has the key; the others are there, and far away. */
static void see(struct observation *o, struct node_seen *nodes, size_t count, int64_t rtt_us)
{
	*o = (struct observation){ .nodes = nodes, .count = count, .has_genesis = true };
	memset(nodes, 0, count * sizeof(*nodes));
	for (size_t i = 0; i < count; i++) {
		nodes[i].presence = NODE_PRESENT;
		nodes[i].status.phase = i ? PHASE_WAITING_FOR_BOOT : PHASE_READY;
		nodes[i].status.has_manifest_hash = i == 0; /* all zeroes, as the genesis's */
		nodes[i].rtt_us = rtt_us;
	}
}

static void an_estimate_says_what_the_time_is_made_of(void **state)
{
	const struct goal goal = { .kind = GOAL_APPLY, .topology = TOPOLOGY_CHAIN };
	AUTO(plan) struct plan plan = { 0 };
	struct node_seen nodes[4];
	struct observation seen;
	struct estimate estimate;
	int64_t path_us = 0;
	struct draw d;
	struct err e;

	(void)state;
	without_costs(&d, COUNT(nodes), TOPOLOGY_CHAIN, 0);
	see(&seen, nodes, COUNT(nodes), 100 * MS);
	assert_int_equal(plan_make(&d.made.cluster, &seen, &goal, &plan, &e), 0);
	assert_int_equal(estimate_make(&d.made.cluster, &seen, &plan, &estimate, &e), 0);
	assert_int_equal(estimate.parts[STEP_FORWARD].count, 3);
	assert_int_equal(estimate.parts[STEP_VERIFY].count, 4);
	assert_int_equal(estimate.parts[STEP_PROVE].count, 4);
	assert_int_equal(estimate.parts[STEP_LAUNCH].count, 0);
	/* A verification, three hops one after the other, a proof: and what they cost. */
	assert_in_range(estimate.total_us, (1 + 3 * 4 + 1) * 100 * MS, (1 + 3 * 4 + 1) * 110 * MS);
	for (size_t i = 0; i < STEP_KIND_COUNT; i++)
		path_us += estimate.parts[i].path_us;
	assert_int_equal(path_us, estimate.total_us);
	assert_in_range(estimate.parts[STEP_FORWARD].path_us, 1200 * MS, 1320 * MS);
	/* The observation is not touched. */
	assert_int_equal(nodes[1].status.phase, PHASE_WAITING_FOR_BOOT);
	simulated_cluster_drop(&d.made);
}

static void an_estimate_leaves_out_what_is_refused(void **state)
{
	const struct goal goal = { .kind = GOAL_APPLY, .topology = TOPOLOGY_TREE };
	AUTO(plan) struct plan plan = { 0 };
	struct node_seen nodes[3];
	struct observation seen;
	struct estimate estimate;
	struct draw d;
	struct err e;

	(void)state;
	without_costs(&d, COUNT(nodes), TOPOLOGY_TREE, 0);
	see(&seen, nodes, COUNT(nodes), 0);
	nodes[1].presence = NODE_UNREACHABLE;
	(void)err_set(&nodes[1].why, ERR_UNREACHABLE, "tee2 does not answer");
	assert_int_equal(plan_make(&d.made.cluster, &seen, &goal, &plan, &e), 0);
	assert_int_equal(estimate_make(&d.made.cluster, &seen, &plan, &estimate, &e), 0);
	assert_int_equal(estimate.parts[STEP_FORWARD].count, 1);
	assert_int_equal(estimate.parts[STEP_PROVE].count, 2);
	simulated_cluster_drop(&d.made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_fails_the_rules_hold_and_it_ends),
		cmocka_unit_test(a_tree_takes_the_rounds_of_doubling),
		cmocka_unit_test(a_chain_takes_a_round_a_node),
		cmocka_unit_test(teectl_does_one_thing_at_a_time),
		cmocka_unit_test(a_node_does_one_thing_at_a_time),
		cmocka_unit_test(the_same_seed_gives_the_same_run),
		cmocka_unit_test(costs_that_are_none_are_refused),
		cmocka_unit_test(an_estimate_says_what_the_time_is_made_of),
		cmocka_unit_test(an_estimate_leaves_out_what_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
