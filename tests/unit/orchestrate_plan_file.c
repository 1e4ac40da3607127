/* A saved plan, held against the world that it was made from and others. */
#include "orchestrate/plan_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NODES 8

struct world {
	struct cluster cluster;
	struct cluster_node nodes[NODES];
	char names[NODES][8];
	struct node_seen seen[NODES];
	char ids[NODES][8];
	struct observation observation;
};

static const uint8_t own_hash[32] = { 1 }, other_hash[32] = { 2 };

static void set_instance(struct node_seen *seen, char *id, char letter)
{
	snprintf(id, 8, "i-%c", letter);
	seen->status.instance_id = (struct buf){ .data = (uint8_t *)id, .len = 3, .max = 3 };
}

/* "rwa": ready, waits for the key, absent. */
static void make_world(struct world *w, const char *letters)
{
	memset(w, 0, sizeof(*w));
	w->cluster.name = "plans";
	w->cluster.path = "/nonexistent/plan_file.yaml"; /* it is not read again */
	w->cluster.file_hash.bytes[0] = 1;
	w->cluster.nodes = w->nodes;
	w->cluster.node_count = w->observation.count = strlen(letters);
	w->cluster.propagate.parallel = 1;
	w->observation.nodes = w->seen;
	w->observation.has_genesis = true;
	memcpy(w->observation.genesis.manifest_hash.bytes, own_hash, 32);
	for (size_t i = 0; letters[i]; i++) {
		snprintf(w->names[i], sizeof(w->names[i]), "tee%zu", i + 1);
		w->nodes[i].name = w->nodes[i].listen = w->names[i];
		if (letters[i] == 'a')
			continue;
		w->seen[i].presence = NODE_PRESENT;
		w->seen[i].status.phase =
		    (int)(letters[i] == 'r' ? PHASE_READY : PHASE_WAITING_FOR_KEY);
		w->seen[i].status.has_manifest_hash = true;
		memcpy(w->seen[i].status.manifest_hash, own_hash, 32);
		set_instance(&w->seen[i], w->ids[i], '1');
	}
}

static void make(const struct world *w, const bool *targets, struct plan_file *ret)
{
	const struct goal goal = { .kind = GOAL_APPLY,
		                   .topology = TOPOLOGY_CHAIN,
		                   .targets = targets };
	AUTO(plan) struct plan plan = { 0 };
	struct err e;

	assert_int_equal(plan_make(&w->cluster, &w->observation, &goal, &plan, &e), 0);
	assert_int_equal(plan_file_make(&w->cluster, &w->observation, &goal, &plan, 1000, ret, &e),
	                 0);
}

static void a_plan_is_the_same_while_the_world_is(void **state)
{
	AUTO(plan_file) struct plan_file saved = { 0 };
	AUTO(plan_file) struct plan_file read = { 0 };
	AUTO(plan_file) struct plan_file now = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(PLAN_FILE_MAX);
	const struct plan_file_node *nodes;
	struct world w;
	struct err e;

	(void)state;
	make_world(&w, "rwa");
	make(&w, NULL, &saved);
	assert_int_equal(plan_file_format(&saved, &text, &e), 0);
	assert_int_equal(plan_file_parse(buf_view(&text), &read, &e), 0);
	nodes = read.nodes.items;
	assert_string_equal(buf_text(&nodes[0].steps), "verify prove");
	assert_string_equal(buf_text(&nodes[1].steps), "verify forward prove");
	assert_string_equal(buf_text(&nodes[2].steps), "launch verify forward prove");
	assert_string_equal(buf_text(&read.made), "1970-01-01T00:00:01.000Z");
	/* Who answers sooner now is no other world. */
	w.seen[1].rtt_us = 90000;
	make(&w, NULL, &now);
	assert_int_equal(plan_file_check_cluster(&read, &w.cluster, &e), 0);
	assert_int_equal(plan_file_check(&read, &now, &e), 0);
}

static void what_differs_is_named(void **state)
{
	static const struct {
		const char *letters; /* now; before, it was rwa */
		size_t restarted;    /* node; NODES: none */
		size_t foreign;      /* a node that holds another manifest; NODES: none */
		const char *words;
	} rows[] = {
		{ "rww", NODES, NODES,
		  "tee3 was 'not running', now it is 'WaitingForForwardedKey'" },
		{ "rra", NODES, NODES,
		  "tee2 was 'WaitingForForwardedKey', now it is 'ApplicationReady'" },
		{ "rwa", 1, NODES, "tee2 was started anew" },
		{ "rwa", NODES, 1, "tee2 holds another manifest" },
		{ "rwaa", NODES, NODES, "the plan is of 3 nodes, and now there are 4" },
		{ "rrr", NODES, NODES, "'ApplicationReady'; tee3 was 'not running'" },
	};
	AUTO(plan_file) struct plan_file saved = { 0 };
	struct world w;

	(void)state;
	make_world(&w, "rwa");
	make(&w, NULL, &saved);
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(plan_file) struct plan_file now = { 0 };
		struct err e;

		make_world(&w, rows[i].letters);
		if (rows[i].restarted < NODES)
			set_instance(&w.seen[rows[i].restarted], w.ids[rows[i].restarted], '2');
		if (rows[i].foreign < NODES)
			memcpy(w.seen[rows[i].foreign].status.manifest_hash, other_hash, 32);
		make(&w, NULL, &now);
		assert_int_equal(plan_file_check(&saved, &now, &e), -1);
		print_message("%s\n", e.text);
		assert_int_equal(e.code, ERR_NOT_DESIRED);
		assert_string_equal(e.reason, PLAN_STALE);
		assert_non_null(strstr(e.text, rows[i].words));
	}
}

static void another_manifest_of_the_cluster_makes_it_stale(void **state)
{
	AUTO(plan_file) struct plan_file saved = { 0 };
	AUTO(plan_file) struct plan_file now = { 0 };
	struct world w;
	struct err e;

	(void)state;
	make_world(&w, "rwa");
	make(&w, NULL, &saved);
	make(&w, NULL, &now);
	now.manifest_hash[0] = 9;
	assert_int_equal(plan_file_check(&saved, &now, &e), -1);
	assert_string_equal(e.reason, PLAN_STALE);
	assert_non_null(strstr(e.text, "the cluster's manifest is another"));
}

static void another_cluster_file_makes_it_stale(void **state)
{
	AUTO(plan_file) struct plan_file saved = { 0 };
	struct world w;
	struct err e;

	(void)state;
	make_world(&w, "rwa");
	make(&w, NULL, &saved);
	w.cluster.file_hash.bytes[31] = 1;
	assert_int_equal(plan_file_check_cluster(&saved, &w.cluster, &e), -1);
	assert_int_equal(e.code, ERR_NOT_DESIRED);
	assert_string_equal(e.reason, PLAN_STALE);
	assert_non_null(
	    strstr(e.text, "the cluster file is not the one that the plan was made from"));
}

static void the_nodes_that_were_chosen_are_kept(void **state)
{
	const bool targets[NODES] = { false, true };
	AUTO(plan_file) struct plan_file some = { 0 };
	AUTO(plan_file) struct plan_file all = { 0 };
	bool *kept = NULL;
	struct world w;
	struct err e;

	(void)state;
	make_world(&w, "rwa");
	make(&w, targets, &some);
	assert_int_equal(plan_file_targets(&some, &kept, &e), 0);
	assert_non_null(kept);
	assert_false(kept[0]);
	assert_true(kept[1]);
	assert_false(kept[2]);
	free(kept);
	make(&w, NULL, &all);
	assert_int_equal(plan_file_targets(&all, &kept, &e), 0);
	assert_null(kept);
	assert_int_equal(plan_file_check(&some, &all, &e), -1);
	assert_non_null(strstr(e.text, "for tee3 was to be done: nothing; now: launch verify"));
}

static void set_longest(struct buf *to, size_t len, char letter)
{
	AUTO(buf) struct buf text = BUF_INIT(len);
	uint8_t *at;
	struct err e;

	assert_int_equal(buf_reserve(&text, len, &at, &e), 0);
	memset(at, letter, len);
	buf_commit(&text, len);
	assert_int_equal(wire_set(to, buf_view(&text), &e), 0);
}

/* What a node says its id is, JSON may have to write as six bytes each. */
static void the_longest_plan_is_saved_and_read(void **state)
{
	AUTO(plan_file) struct plan_file f = { .version = 1, .has_manifest_hash = true };
	AUTO(plan_file) struct plan_file read = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(PLAN_FILE_MAX);
	struct plan_file_node *nodes = calloc(CLUSTER_NODES_MAX, sizeof(*nodes));
	struct err e = { 0 };

	(void)state;
	assert_non_null(nodes);
	f.nodes = (struct wire_list){ nodes, CLUSTER_NODES_MAX };
	set_longest(&f.cluster, CLUSTER_NAME_MAX, 'c');
	for (size_t i = 0; i < CLUSTER_NODES_MAX; i++) {
		nodes[i].has_manifest_hash = true;
		set_longest(&nodes[i].name, CLUSTER_NAME_MAX, 'n');
		set_longest(&nodes[i].phase, PLAN_FILE_PHASE_MAX, 'p');
		set_longest(&nodes[i].instance_id, PLAN_FILE_ID_MAX, 1);
		set_longest(&nodes[i].steps, PLAN_FILE_STEPS_MAX, 's');
	}
	assert_int_equal(plan_file_format(&f, &text, &e), 0);
	print_message("%zu bytes of %d\n", text.len, PLAN_FILE_MAX);
	assert_int_equal(plan_file_parse(buf_view(&text), &read, &e), 0);
	assert_int_equal(plan_file_check(&f, &read, &e), 0);
}

static void what_is_no_plan_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"{}",
		"[]",
		"{\"teectl_plan\":2}",
		"{\"teectl_plan\":1,\"cluster\":\"x\"}",
		"kind: Cluster\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		AUTO(plan_file) struct plan_file f = { 0 };
		struct err e;

		assert_int_equal(plan_file_parse(view_text(texts[i]), &f, &e), -1);
		assert_int_equal(e.code, ERR_DATA);
		assert_non_null(strstr(e.text, "no plan that was saved (plan --out)"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_is_the_same_while_the_world_is),
		cmocka_unit_test(what_differs_is_named),
		cmocka_unit_test(another_manifest_of_the_cluster_makes_it_stale),
		cmocka_unit_test(another_cluster_file_makes_it_stale),
		cmocka_unit_test(the_nodes_that_were_chosen_are_kept),
		cmocka_unit_test(the_longest_plan_is_saved_and_read),
		cmocka_unit_test(what_is_no_plan_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
