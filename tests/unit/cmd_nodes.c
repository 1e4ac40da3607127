/* The table of nodes: all of a few, and of many the worst, with counts for the rest. */
#include "cmd_support.h"

#include "cmd/nodes.h"

#define MANY 60

static char text[PRINTED_MAX];

struct stage {
	char names[MANY][16], regions[MANY][16];
	struct cluster_node nodes[MANY];
	struct cluster_label labels[MANY];
	struct cluster_report report;
	struct context c;
};

static void stage_drop(struct stage *g)
{
	cluster_report_drop(&g->report);
}

static struct node_report *add(struct stage *g, enum node_state state, bool verified,
                               const char *note)
{
	struct node_report *n;
	size_t i = g->report.nodes.count;
	struct err e;

	assert_ok(wire_list_add(&g->report.nodes, &node_report_schema, &n, &e));
	snprintf(g->names[i], sizeof(g->names[i]), "tee%zu", i + 1);
	g->nodes[i].name = g->names[i];
	n->index = i;
	n->state = (int)state;
	n->verified = verified;
	assert_ok(wire_set_text(&n->name, g->names[i], &e));
	assert_ok(wire_set_text(&n->note, note, &e));
	g->c.cluster.node_count = g->report.nodes.count;
	g->report.node_count++;
	g->report.ready_count += state == NODE_READY;
	g->report.verified_count += verified;
	return n;
}

static void stage_fill(struct stage *g)
{
	struct err e;

	*g = (struct stage){ .c = context_as(OUTPUT_TABLE) };
	g->c.cluster.nodes = g->nodes;
	assert_ok(wire_set_text(&g->report.cluster, "demo", &e));
	assert_ok(wire_set_text(&g->report.trust, "simulated", &e));
}

static void show(struct stage *g)
{
	struct err e;

	PRINTED(STDOUT_FILENO, text, assert_ok(nodes_table(&g->c, &g->report, &e)));
}

static size_t lines(void)
{
	size_t count = 0;

	for (const char *at = text; (at = strchr(at, '\n')); at++)
		count++;
	return count;
}

static void of_a_few_each_has_a_row_in_the_files_order(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct node_report *n;
	struct err e;

	(void)state;
	stage_fill(&g);
	n = add(&g, NODE_READY, true, "");
	n->has_phase = n->has_manifest_hash = n->key_proved = n->has_quorum_public_key = true;
	n->phase = PHASE_READY;
	memset(n->manifest_hash, 0xab, 32);
	n = add(&g, NODE_FAILED, false, "tee2: it measures another image");
	n->debug = true;
	assert_ok(wire_set_text(&n->reason, "pcr0", &e));
	add(&g, NODE_GONE, false, "");
	show(&g);
	assert_int_equal(
	    strncmp(text, "cluster demo: 1 of 3 ready, 1 verified, attestation simulated\n", 62),
	    0);
	assert_true(strstr(text, "\ntee1  ApplicationReady") < strstr(text, "\ntee2  -"));
	assert_non_null(strstr(text, "abababab"));
	assert_non_null(strstr(text, " proved  ready\n"));
	assert_non_null(strstr(text, "pcr0 DEBUG"));
	assert_non_null(strstr(text, "\ntee3  -                 no "));
	/* A note that has come from the node names it once. */
	assert_non_null(strstr(text, "\ntee2: it measures another image\n"));
	assert_null(strstr(text, "tee2: tee2"));
	assert_null(strstr(text, "not shown"));
}

static void of_many_those_are_shown_that_are_not_well_worst_first(void **state)
{
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	stage_fill(&g);
	for (size_t i = 0; i < MANY; i++)
		add(&g,
		    i == 50   ? NODE_FAILED
		    : i == 10 ? NODE_NOT_READY
		              : NODE_READY,
		    i != 50, i == 50 ? "refused" : "");
	show(&g);
	assert_non_null(strstr(text, "\n1 failed, 1 not ready, 58 ready\n"));
	assert_true(strstr(text, "\ntee51 ") < strstr(text, "\ntee11 "));
	assert_null(strstr(text, "\ntee1 "));
	assert_non_null(strstr(text, "\n58 nodes are not shown: --wide shows all\n"));
	g.c.is_wide = true;
	show(&g);
	assert_non_null(strstr(text, "\ntee1 "));
	assert_null(strstr(text, "not shown"));
	assert_true(strstr(text, "\ntee51 ") < strstr(text, "\ntee11 "));
	assert_true(strstr(text, "\ntee11 ") < strstr(text, "\ntee1 "));
}

/* One that says it is ready and could not be verified is not as it should be. */
static void who_is_ready_and_not_verified_is_shown(void **state)
{
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	stage_fill(&g);
	for (size_t i = 0; i < MANY - 1; i++)
		add(&g, NODE_READY, i > 0, "");
	show(&g);
	assert_non_null(strstr(text, "\ntee1 "));
	assert_null(strstr(text, "\ntee2 "));
}

static void what_several_suffer_from_stands_once(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	char note[64];

	(void)state;
	stage_fill(&g);
	add(&g, NODE_GONE, false, "tee1 does not answer");
	add(&g, NODE_GONE, false, "tee2: the same reason");
	add(&g, NODE_GONE, false, "tee3: the same reason");
	show(&g);
	assert_non_null(strstr(text, "\ntee2, tee3: the same reason\n"));
	/* Of many nodes as many notes as a person reads. */
	for (size_t i = 3; i < MANY; i++) {
		snprintf(note, sizeof(note), "reason %zu", i);
		add(&g, NODE_GONE, false, note);
	}
	show(&g);
	assert_non_null(strstr(text, "\n29 more notes: --wide shows them\n"));
	g.c.is_wide = true;
	show(&g);
	assert_null(strstr(text, "more notes"));
	assert_non_null(strstr(text, "\ntee60: reason 59\n"));
}

static void regions_are_counted_and_those_without_room_together(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	static char label[] = "region";

	(void)state;
	stage_fill(&g);
	for (size_t i = 0; i < 20; i++) {
		add(&g, i % 2 ? NODE_READY : NODE_GONE, i % 2, "");
		snprintf(g.regions[i], sizeof(g.regions[i]), "r%zu", i);
		g.labels[i] = (struct cluster_label){ label, g.regions[i] };
		g.nodes[i].labels = &g.labels[i];
		g.nodes[i].label_count = i < 19; /* the last has none */
	}
	show(&g);
	assert_non_null(strstr(text, "\nregion r1: 1 of 1 ready, 1 verified\n"));
	assert_non_null(strstr(text, "\nregion r15: "));
	assert_null(strstr(text, "region r16"));
	assert_non_null(strstr(text, "\nregion (others): 1 of 3 ready, 1 verified\n"));
}

static void of_a_part_it_is_said_that_it_is_one(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g);
	add(&g, NODE_READY, true, "");
	g.c.cluster.node_count = 7;
	assert_ok(wire_set_text(&g.report.basis, "cluster-file", &e));
	show(&g);
	assert_non_null(strstr(text, "cluster demo, 1 of its 7 nodes: 1 of 1 ready"));
	assert_non_null(strstr(text, "no genesis here attests it\n"));
	/* In JSON the report says it all. */
	g.c.global.output = OUTPUT_JSON;
	show(&g);
	assert_int_equal(lines(), 0);
}

static void open_seeds_are_told_where_they_are_no_laptops(void **state)
{
	static char role[] = "operators";
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g);
	g.c.cluster.enclave.role = role;
	g.c.cluster.enclave.insecure_open_seed = true;
	show(&g);
	assert_null(strstr(text, "insecureOpenSeed"));
	assert_null(strstr(text, role));
	g.c.is_wide = true;
	show(&g);
	assert_non_null(strstr(text, "role of the enclaves, as PCR3 measures it: operators\n"));
	assert_non_null(strstr(text, "\nwhoever reaches a TEE gets seeds of it, without a "
	                             "certificate (enclave.insecureOpenSeed)\n"));
	g.c.is_wide = false;
	assert_ok(wire_set_text(&g.report.trust, "aws-nitro", &e));
	show(&g);
	assert_non_null(strstr(text, "\nwarning: whoever reaches a TEE gets seeds of it"));
	g.c.cluster.enclave.insecure_open_seed = false;
	g.c.is_wide = true;
	show(&g);
	assert_null(strstr(text, "insecureOpenSeed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_a_few_each_has_a_row_in_the_files_order),
		cmocka_unit_test(of_many_those_are_shown_that_are_not_well_worst_first),
		cmocka_unit_test(who_is_ready_and_not_verified_is_shown),
		cmocka_unit_test(what_several_suffer_from_stands_once),
		cmocka_unit_test(regions_are_counted_and_those_without_room_together),
		cmocka_unit_test(of_a_part_it_is_said_that_it_is_one),
		cmocka_unit_test(open_seeds_are_told_where_they_are_no_laptops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
