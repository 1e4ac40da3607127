/* The key's way in a plan: regions from labels, and who comes first. */
#include "orchestrate/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NODES 16

/* Node 0 has the key, the others wait for it. */
struct world {
	struct cluster cluster;
	struct cluster_node nodes[NODES];
	struct cluster_label labels[NODES];
	char names[NODES][32], values[NODES][8];
	struct node_seen seen[NODES];
	struct observation observation;
};

static const uint8_t own_hash[32] = { 1 };

static void make_world(struct world *w, size_t count)
{
	memset(w, 0, sizeof(*w));
	w->cluster.name = "way";
	w->cluster.nodes = w->nodes;
	w->cluster.node_count = count;
	w->cluster.propagate.parallel = 1;
	w->observation.nodes = w->seen;
	w->observation.count = count;
	w->observation.has_genesis = true;
	memcpy(w->observation.genesis.manifest_hash.bytes, own_hash, 32);
	for (size_t i = 0; i < count; i++) {
		snprintf(w->names[i], sizeof(w->names[i]), "tee%zu", i + 1);
		w->nodes[i].name = w->names[i];
		w->seen[i].presence = NODE_PRESENT;
		w->seen[i].status.phase = (int)(i ? PHASE_WAITING_FOR_KEY : PHASE_READY);
		w->seen[i].status.has_manifest_hash = true;
		memcpy(w->seen[i].status.manifest_hash, own_hash, 32);
	}
}

static void put_in(struct world *w, size_t node, const char *region)
{
	snprintf(w->values[node], sizeof(w->values[node]), "%s", region);
	w->labels[node] = (struct cluster_label){ "region", w->values[node] };
	w->nodes[node].labels = &w->labels[node];
	w->nodes[node].label_count = 1;
}

static void plan(const struct world *w, enum topology topology, struct plan *ret)
{
	const struct goal goal = { .kind = GOAL_PROPAGATE, .topology = topology };
	struct err e;

	assert_int_equal(plan_make(&w->cluster, &w->observation, &goal, ret, &e), 0);
}

/* "1>2@1 1>3@2": who gives the key to whom in which round, in the plan's order. */
static void describe(const struct plan *p, char *to, size_t size)
{
	size_t len = 0;

	to[0] = 0;
	for (size_t i = 0; i < p->count; i++)
		if (p->steps[i].kind == STEP_FORWARD)
			len += (size_t)snprintf(to + len, size - len, "%s%zu>%zu@%u",
			                        len ? " " : "", p->steps[i].source + 1,
			                        p->steps[i].node + 1, p->steps[i].round);
}

static void without_labels_all_nodes_are_in_one_region(void **state)
{
	AUTO(plan) struct plan p = { 0 };
	struct world w;

	(void)state;
	make_world(&w, 5);
	plan(&w, TOPOLOGY_AUTO, &p);
	assert_null(p.way.regions);
	assert_int_equal(p.way.topology, TOPOLOGY_TREE);
}

static void the_key_enters_each_labelled_region_once(void **state)
{
	AUTO(plan) struct plan p = { 0 };
	struct world w;
	size_t across = 0;

	(void)state;
	make_world(&w, 9);
	for (size_t i = 0; i < 9; i++)
		if (i % 3) /* every third has no label: these are a region too */
			put_in(&w, i, i % 3 == 1 ? "eu" : "us");
	plan(&w, TOPOLOGY_TREE, &p);
	assert_non_null(p.way.regions);
	assert_int_equal(p.way.region_count, 3);
	for (size_t i = 0; i < 9; i++)
		assert_int_equal(p.way.regions[i], p.way.regions[i % 3]);
	for (size_t i = 0; i < p.count; i++)
		if (p.steps[i].kind == STEP_FORWARD)
			across +=
			    p.way.regions[p.steps[i].node] != p.way.regions[p.steps[i].source];
	assert_int_equal(across, 2);
}

static void where_the_way_is_open_those_that_answer_soonest_come_first(void **state)
{
	static const struct {
		enum topology topology;
		const char *way;
	} rows[] = {
		{ TOPOLOGY_AUTO, "1>3@1 1>4@2 3>2@2" },
		/* A way that was asked for goes by the file's order, and so do round trips that
		 * hardly differ. */
		{ TOPOLOGY_TREE, "1>2@1 1>3@2 2>4@2" },
		{ TOPOLOGY_CHAIN, "1>2@1 2>3@2 3>4@3" },
	};
	struct world w;
	char found[64];

	(void)state;
	make_world(&w, 4);
	w.seen[1].rtt_us = 90000;
	w.seen[2].rtt_us = 700;
	w.seen[3].rtt_us = 500;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(plan) struct plan p = { 0 };

		plan(&w, rows[i].topology, &p);
		describe(&p, found, sizeof(found));
		assert_string_equal(found, rows[i].way);
	}
}

static void what_is_left_open_is_a_chain_of_three_and_a_tree_of_four(void **state)
{
	struct world w;

	(void)state;
	for (size_t count = 2; count <= 4; count++) {
		AUTO(plan) struct plan p = { 0 };

		make_world(&w, count);
		plan(&w, TOPOLOGY_AUTO, &p);
		assert_int_equal(p.way.topology, count <= 3 ? TOPOLOGY_CHAIN : TOPOLOGY_TREE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_labels_all_nodes_are_in_one_region),
		cmocka_unit_test(the_key_enters_each_labelled_region_once),
		cmocka_unit_test(where_the_way_is_open_those_that_answer_soonest_come_first),
		cmocka_unit_test(what_is_left_open_is_a_chain_of_three_and_a_tree_of_four),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
