/* plan_make as a table: what the nodes say and what is kept -> the steps, or the reason for none.
 */
#include "orchestrate/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NODES 4

/* One letter a node: a absent, u unreachable, e empty, g genesis booted, s waiting for shares,
 * w waiting for the key, r ready, o occupied by another manifest, b broken. */
struct world {
	struct cluster cluster;
	struct cluster_node nodes[NODES];
	struct node_seen seen[NODES];
	struct observation observation;
};

static const uint8_t own_hash[32] = { 1 }, other_hash[32] = { 2 };

static void set_node(struct node_seen *seen, char letter)
{
	static const struct {
		char letter;
		enum phase phase;
	} phases[] = {
		{ 'e', PHASE_WAITING_FOR_BOOT },
		{ 'g', PHASE_GENESIS_BOOTED },
		{ 's', PHASE_WAITING_FOR_SHARES },
		{ 'w', PHASE_WAITING_FOR_KEY },
		{ 'r', PHASE_READY },
		{ 'o', PHASE_READY },
		{ 'b', PHASE_UNRECOVERABLE },
	};

	*seen = (struct node_seen){ .presence = NODE_PRESENT };
	if (letter == 'a' || letter == 'u') {
		seen->presence = letter == 'a' ? NODE_ABSENT : NODE_UNREACHABLE;
		(void)err_set(&seen->why, ERR_UNREACHABLE, "no answer");
		return;
	}
	for (size_t i = 0; i < COUNT(phases); i++)
		if (phases[i].letter == letter)
			seen->status.phase = (int)phases[i].phase;
	seen->status.has_manifest_hash = strchr("gswro", letter) != NULL;
	memcpy(seen->status.manifest_hash, letter == 'o' ? other_hash : own_hash, 32);
}

static void make_world(struct world *w, const char *letters, bool has_genesis)
{
	static char *const names[NODES] = { "tee1", "tee2", "tee3", "tee4" };

	memset(w, 0, sizeof(*w));
	w->cluster.name = names[0];
	w->cluster.nodes = w->nodes;
	w->cluster.node_count = strlen(letters);
	w->observation.nodes = w->seen;
	w->observation.count = strlen(letters);
	w->observation.has_genesis = has_genesis;
	memcpy(w->observation.genesis.manifest_hash.bytes, own_hash, 32);
	for (size_t i = 0; letters[i]; i++) {
		w->nodes[i].name = names[i];
		w->nodes[i].listen = names[i];
		set_node(&w->seen[i], letters[i]);
	}
}

/* "launch tee1, verify tee1<0": a step, its node, "<" the step it needs, "?" if that may fail, "!"
 * if it is refused. */
static void describe(const struct world *w, const struct plan *p, char *to, size_t size)
{
	size_t len = 0;

	to[0] = 0;
	for (size_t i = 0; i < p->count; i++) {
		const struct step *s = &p->steps[i];
		char needs[24] = "";

		if (s->needs != STEP_NONE)
			snprintf(needs, sizeof(needs), "<%zu%s", s->needs, s->may_fail ? "?" : "");
		len += (size_t)snprintf(to + len, size - len, "%s%s %s%s%s", i ? ", " : "",
		                        step_name(s->kind), w->nodes[s->node].name, needs,
		                        s->is_refused ? "!" : "");
	}
}

struct row {
	enum goal_kind goal;
	const char *letters;
	bool has_genesis;
	const char *steps; /* NULL: refused */
	const char *words; /* of the reason for nothing, or of the refusal */
	enum err_code code;
};

static const struct row rows[] = {
	{ GOAL_UP, "aa", false, "launch tee1, verify tee1<0, launch tee2, verify tee2<2", "", 0 },
	{ GOAL_UP, "er", true, "verify tee1, verify tee2", "every TEE runs and is verified", 0 },
	{ GOAL_UP, "ua", false, "verify tee1!, launch tee2, verify tee2<1", "", 0 },
	{ GOAL_GENESIS, "eee", false, "genesis tee1", "", 0 },
	{ GOAL_GENESIS, "gee", false, "genesis tee1", "", 0 }, /* the answer was lost */
	{ GOAL_GENESIS, "gee", true, "", "genesis was done", 0 },
	{ GOAL_GENESIS, "rre", true, "", "genesis was done", 0 },
	{ GOAL_GENESIS, "eee", true, NULL, "a second genesis would make a second quorum key",
	  ERR_NOT_DESIRED },
	{ GOAL_GENESIS, "eeu", true, NULL, "a second genesis would make a second quorum key",
	  ERR_NOT_DESIRED },
	{ GOAL_GENESIS, "eoe", false, NULL, "tee2 is occupied", ERR_REFUSED },
	{ GOAL_GENESIS, "oee", false, NULL, "tee1 is occupied", ERR_REFUSED },
	{ GOAL_GENESIS, "see", false, NULL, "tee1 is occupied", ERR_REFUSED },
	{ GOAL_GENESIS, "aee", false, NULL, "no answer", ERR_UNREACHABLE },
	{ GOAL_GENESIS, "bee", false, NULL, "tee1 is in UnrecoverableError", ERR_NOT_DESIRED },
	{ GOAL_INJECT, "gee", true, "inject tee1, prove tee1<0", "", 0 },
	{ GOAL_INJECT, "see", true, "inject tee1, prove tee1<0", "", 0 },
	{ GOAL_INJECT, "ese", true, "inject tee2, prove tee2<0", "", 0 },
	{ GOAL_INJECT, "ree", true, "verify tee1, prove tee1<0", "tee1 has the quorum key", 0 },
	{ GOAL_INJECT, "ser", true, "verify tee3, prove tee3<0", "tee3 has the quorum key", 0 },
	{ GOAL_INJECT, "eee", false, NULL, "there has been no genesis", ERR_NOT_DESIRED },
	{ GOAL_INJECT, "eee", true, NULL, "no TEE waits for shares", ERR_NOT_DESIRED },
	{ GOAL_INJECT, "euw", true, NULL, "no TEE waits for shares", ERR_NOT_DESIRED },
	{ GOAL_PROPAGATE, "ewa", true, NULL, "no TEE has the quorum key", ERR_NOT_DESIRED },
	{ GOAL_PROPAGATE, "eea", true, NULL, "no TEE has the quorum key", ERR_NOT_DESIRED },
	{ GOAL_PROPAGATE, "ree", true, "forward tee2, prove tee2<0, forward tee3<0?, prove tee3<2",
	  "", 0 },
	{ GOAL_PROPAGATE, "rwr", true, "forward tee2, prove tee2<0, verify tee3, prove tee3<2", "",
	  0 },
	{ GOAL_PROPAGATE, "ere", true, "forward tee1, prove tee1<0, forward tee3<0?, prove tee3<2",
	  "", 0 },
	{ GOAL_PROPAGATE, "rrr", true,
	  "verify tee1, prove tee1<0, verify tee2, prove tee2<2, verify tee3, prove tee3<4",
	  "every TEE asked for has the quorum key", 0 },
	{ GOAL_PROPAGATE, "rae", true, "forward tee2!, forward tee3<0?, prove tee3<1", "", 0 },
	{ GOAL_PROPAGATE, "roe", true, "forward tee2!, forward tee3<0?, prove tee3<1", "", 0 },
	{ GOAL_PROPAGATE, "rbe", true, "forward tee2!, forward tee3<0?, prove tee3<1", "", 0 },
	{ GOAL_PROPAGATE, "gee", true, NULL, "tee1 can't be the source: it is in GenesisBooted",
	  ERR_NOT_DESIRED },
	{ GOAL_PROPAGATE, "uee", true, NULL, "no answer", ERR_UNREACHABLE },
	{ GOAL_PROPAGATE, "ogu", true, NULL, "tee1 is occupied", ERR_REFUSED },
	{ GOAL_PROPAGATE, "eee", false, NULL, "there has been no genesis", ERR_NOT_DESIRED },
	{ GOAL_VERIFY, "ra", true, "verify tee1, prove tee1<0, verify tee2!, prove tee2<2",
	  "every TEE proved", 0 },
	{ GOAL_STATUS, "rau", true, "verify tee1", "", 0 },
};

static void plans_are_what_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct goal goal = { .kind = rows[i].goal, .topology = TOPOLOGY_CHAIN };
		AUTO(plan) struct plan plan = { 0 };
		struct world w;
		struct err e = { 0 };
		char steps[400];
		int result;

		make_world(&w, rows[i].letters, rows[i].has_genesis);
		result = plan_make(&w.cluster, &w.observation, &goal, &plan, &e);
		print_message("row %zu %s: %s\n", i, rows[i].letters, result < 0 ? e.text : "");
		if (!rows[i].steps) {
			assert_int_equal(result, -1);
			assert_int_equal(e.code, rows[i].code);
			assert_non_null(strstr(e.text, rows[i].words));
			continue;
		}
		assert_int_equal(result, 0);
		describe(&w, &plan, steps, sizeof(steps));
		assert_string_equal(steps, rows[i].steps);
		assert_non_null(strstr(plan.nothing, rows[i].words));
		assert_int_equal(plan.nothing[0] != 0, plan.count == 0 || rows[i].words[0] != 0);
	}
}

static void propagate_goes_only_to_the_targets_asked_for(void **state)
{
	const bool targets[NODES] = { false, false, true };
	const struct goal goal = { .kind = GOAL_PROPAGATE, .targets = targets };
	AUTO(plan) struct plan plan = { 0 };
	struct world w;
	struct err e;

	(void)state;
	make_world(&w, "reee", true);
	assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &plan, &e), 0);
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.steps[0].node, 2);
}

static void propagate_proves_only_the_targets_that_claim_the_key(void **state)
{
	const bool targets[NODES] = { false, false, true };
	const struct goal goal = { .kind = GOAL_PROPAGATE, .targets = targets };
	AUTO(plan) struct plan plan = { 0 };
	struct world w;
	char steps[400];
	struct err e;

	(void)state;
	make_world(&w, "rer", true);
	assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &plan, &e), 0);
	describe(&w, &plan, steps, sizeof(steps));
	assert_string_equal(steps, "verify tee3, prove tee3<0");
	assert_string_equal(plan.nothing, "every TEE asked for has the quorum key");
}

static void a_named_source_without_the_key_is_refused(void **state)
{
	const struct goal goal = { .kind = GOAL_PROPAGATE, .has_source = true, .source = 1 };
	AUTO(plan) struct plan plan = { 0 };
	struct world w;
	struct err e;

	(void)state;
	make_world(&w, "ree", true);
	assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &plan, &e), -1);
	assert_int_equal(e.code, ERR_NOT_DESIRED);
	assert_non_null(strstr(e.text, "tee2 can't be the source"));
}

static void a_named_source_forwards_by_itself_whoever_else_has_the_key(void **state)
{
	const struct goal goal = { .kind = GOAL_PROPAGATE, .has_source = true, .source = 2 };
	AUTO(plan) struct plan plan = { 0 };
	struct world w;
	struct err e;

	(void)state;
	make_world(&w, "rer", true);
	assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &plan, &e), 0);
	assert_int_equal(plan.order_count, 2);
	assert_int_equal(plan.order[0], 2);
	assert_int_equal(plan.order[1], 1);
}

static void topologies_of_later_versions_are_refused(void **state)
{
	const struct goal goal = { .kind = GOAL_PROPAGATE, .topology = TOPOLOGY_TREE };
	AUTO(plan) struct plan plan = { 0 };
	struct world w;
	struct err e;

	(void)state;
	make_world(&w, "ree", true);
	assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &plan, &e), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.text, "tree"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_are_what_the_table_says),
		cmocka_unit_test(propagate_goes_only_to_the_targets_asked_for),
		cmocka_unit_test(propagate_proves_only_the_targets_that_claim_the_key),
		cmocka_unit_test(a_named_source_without_the_key_is_refused),
		cmocka_unit_test(a_named_source_forwards_by_itself_whoever_else_has_the_key),
		cmocka_unit_test(topologies_of_later_versions_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
