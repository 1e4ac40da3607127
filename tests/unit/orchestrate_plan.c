/* plan_make as a table: what the nodes say and what is kept -> the steps, or the reason for none.
 */
#include "orchestrate/plan_internal.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NODES 16

/* One letter a node: a absent, u unreachable, e empty, g genesis booted, s waiting for shares,
 * w waiting for the key, r ready, o occupied by another manifest, b broken; under an older manifest
 * R ready, W waiting for the key, S for shares. */
struct world {
	struct cluster cluster;
	struct cluster_node nodes[NODES];
	struct node_seen seen[NODES];
	struct observation observation;
	struct kept_manifest older;
};

static const uint8_t own_hash[32] = { 1 }, other_hash[32] = { 2 }, old_hash[32] = { 3 };

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
		{ 'R', PHASE_READY },
		{ 'W', PHASE_WAITING_FOR_KEY },
		{ 'S', PHASE_WAITING_FOR_SHARES },
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
	seen->status.has_manifest_hash = strchr("gswroRWS", letter) != NULL;
	memcpy(seen->status.manifest_hash,
	       letter == 'o'           ? other_hash
	       : strchr("RWS", letter) ? old_hash
	                               : own_hash,
	       32);
}

static void make_world(struct world *w, const char *letters, bool has_genesis)
{
	static char *const names[NODES] = { "tee1",  "tee2",  "tee3",  "tee4",  "tee5",  "tee6",
		                            "tee7",  "tee8",  "tee9",  "tee10", "tee11", "tee12",
		                            "tee13", "tee14", "tee15", "tee16" };

	memset(w, 0, sizeof(*w));
	w->cluster.name = names[0];
	w->cluster.nodes = w->nodes;
	w->cluster.node_count = strlen(letters);
	w->cluster.propagate.parallel = 1;
	w->observation.nodes = w->seen;
	w->observation.count = strlen(letters);
	w->observation.has_genesis = has_genesis;
	memcpy(w->observation.genesis.manifest_hash.bytes, own_hash, 32);
	memcpy(w->older.hash.bytes, old_hash, 32);
	w->observation.older = (struct kept_manifests){ &w->older, 1 };
	for (size_t i = 0; letters[i]; i++) {
		w->nodes[i].name = names[i];
		w->nodes[i].listen = names[i];
		set_node(&w->seen[i], letters[i]);
	}
}

/* "launch tee1, verify tee1<0": a step, its node, "<" the step it needs, "~" the step that it comes
 * after, "!" if it is refused. */
static void describe(const struct world *w, const struct plan *p, char *to, size_t size)
{
	size_t len = 0;

	to[0] = 0;
	for (size_t i = 0; i < p->count; i++) {
		const struct step *s = &p->steps[i];
		char needs[24] = "", after[24] = "";

		if (s->needs != STEP_NONE)
			snprintf(needs, sizeof(needs), "<%zu", s->needs);
		if (s->after != STEP_NONE)
			snprintf(after, sizeof(after), "~%zu", s->after);
		len += (size_t)snprintf(to + len, size - len, "%s%s %s%s%s%s", i ? ", " : "",
		                        step_name(s->kind), w->nodes[s->node].name, needs, after,
		                        s->refusal ? "!" : "");
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
	{ GOAL_GENESIS, "gee", true, "verify tee1", "genesis was done", 0 },
	{ GOAL_GENESIS, "rre", true, "verify tee1, verify tee2", "genesis was done", 0 },
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
	{ GOAL_INJECT, "rer", true, "verify tee1, prove tee1<0, verify tee3, prove tee3<2",
	  "tee1 has the quorum key", 0 },
	/* One that waits beside a holder is forwarded nothing. */
	{ GOAL_INJECT, "ser", true, "inject tee1, prove tee1<0", "", 0 },
	{ GOAL_INJECT, "eee", false, NULL, "there has been no genesis", ERR_NOT_DESIRED },
	{ GOAL_INJECT, "eee", true, NULL, "no TEE of this file has the quorum key",
	  ERR_NOT_DESIRED },
	{ GOAL_INJECT, "oee", false, NULL, "with another one", ERR_NOT_DESIRED },
	{ GOAL_PROPAGATE, "eoe", false, NULL, "with another one", ERR_NOT_DESIRED },
	{ GOAL_REQUEST, "gee", true, "request tee1", "", 0 },
	{ GOAL_REQUEST, "sas", true, "request tee1, request tee3", "", 0 },
	{ GOAL_REQUEST, "rse", true, "request tee2", "", 0 },
	{ GOAL_REQUEST, "rwe", true, NULL, "tee1 has the quorum key, and no TEE waits for shares",
	  ERR_NOT_DESIRED },
	{ GOAL_REQUEST, "eow", true, NULL, "and none waits for shares", ERR_NOT_DESIRED },
	{ GOAL_REQUEST, "eou", true, NULL, "no answer", ERR_UNREACHABLE },
	{ GOAL_REQUEST, "eee", true, NULL, "no TEE of this file has the quorum key",
	  ERR_NOT_DESIRED },
	{ GOAL_REQUEST, "eee", false, NULL, "there has been no genesis", ERR_NOT_DESIRED },
	{ GOAL_REQUEST, "oee", false, NULL, "with another one", ERR_NOT_DESIRED },
	{ GOAL_SUBMIT, "gee", true, "submit tee1, prove tee1<0", "", 0 },
	{ GOAL_SUBMIT, "sgr", true, "submit tee1, prove tee1<0, submit tee2, prove tee2<2", "", 0 },
	{ GOAL_SUBMIT, "err", true, "verify tee2, prove tee2<0, verify tee3, prove tee3<2",
	  "already there: tee2 has", 0 },
	{ GOAL_SUBMIT, "eow", true, NULL, "and none waits for shares", ERR_NOT_DESIRED },
	{ GOAL_SUBMIT, "eee", true, NULL, "teectl recover", ERR_NOT_DESIRED },
	{ GOAL_SUBMIT, "eee", false, NULL, "there has been no genesis", ERR_NOT_DESIRED },
	{ GOAL_RECOVER, "eee", true, "verify tee1, boot tee1<0, inject tee1<1, prove tee1<2", "",
	  0 },
	{ GOAL_RECOVER, "e", true, "verify tee1, boot tee1<0, inject tee1<1, prove tee1<2", "", 0 },
	{ GOAL_RECOVER, "awe", true, "verify tee3, boot tee3<0, inject tee3<1, prove tee3<2", "",
	  0 },
	{ GOAL_RECOVER, "uoe", true, "verify tee3, boot tee3<0, inject tee3<1, prove tee3<2", "",
	  0 },
	/* Never beside a quorum that lives. */
	{ GOAL_RECOVER, "ere", true, "verify tee2, prove tee2<0", "tee2 has the quorum key", 0 },
	{ GOAL_RECOVER, "ser", true, "verify tee3, prove tee3<0", "nothing is lost", 0 },
	{ GOAL_RECOVER, "ese", true, "inject tee2, prove tee2<0", "", 0 },
	{ GOAL_RECOVER, "gee", true, "inject tee1, prove tee1<0", "", 0 },
	{ GOAL_RECOVER, "eee", false, NULL, "there has been no genesis", ERR_NOT_DESIRED },
	{ GOAL_RECOVER, "aa", true, NULL, "no answer", ERR_UNREACHABLE },
	{ GOAL_RECOVER, "ww", true, NULL, "a quorum is restarted on a fresh TEE: teectl down tee1",
	  ERR_NOT_DESIRED },
	{ GOAL_RECOVER, "bb", true, NULL, "tee1 is in UnrecoverableError", ERR_NOT_DESIRED },
	{ GOAL_RECOVER, "oo", true, NULL, "tee1 is occupied", ERR_REFUSED },
	{ GOAL_INJECT, "euw", true, NULL, "no answer", ERR_UNREACHABLE },
	{ GOAL_PROPAGATE, "ewa", true, NULL, "no TEE of this file has the quorum key",
	  ERR_NOT_DESIRED },
	{ GOAL_PROPAGATE, "eea", true, NULL, "no TEE of this file has the quorum key",
	  ERR_NOT_DESIRED },
	{ GOAL_PROPAGATE, "ree", true,
	  "forward tee2, prove tee2<0, forward tee3~0, prove tee3<2, verify tee1, prove tee1<4", "",
	  0 },
	{ GOAL_PROPAGATE, "rwr", true,
	  "forward tee2, prove tee2<0, verify tee1, prove tee1<2, verify tee3, prove tee3<4", "",
	  0 },
	{ GOAL_PROPAGATE, "ere", true,
	  "forward tee1, prove tee1<0, forward tee3~0, prove tee3<2, verify tee2, prove tee2<4", "",
	  0 },
	{ GOAL_PROPAGATE, "rrr", true,
	  "verify tee1, prove tee1<0, verify tee2, prove tee2<2, verify tee3, prove tee3<4",
	  "every TEE asked for has the quorum key", 0 },
	{ GOAL_PROPAGATE, "rae", true,
	  "forward tee2!, forward tee3~0, prove tee3<1, verify tee1, prove tee1<3", "", 0 },
	{ GOAL_PROPAGATE, "roe", true,
	  "forward tee2!, forward tee3~0, prove tee3<1, verify tee1, prove tee1<3", "", 0 },
	{ GOAL_PROPAGATE, "rbe", true,
	  "forward tee2!, forward tee3~0, prove tee3<1, verify tee1, prove tee1<3", "", 0 },
	{ GOAL_PROPAGATE, "gee", true, NULL, "tee1 can't be the source: it is in GenesisBooted",
	  ERR_NOT_DESIRED },
	{ GOAL_PROPAGATE, "uee", true, NULL, "no answer", ERR_UNREACHABLE },
	{ GOAL_PROPAGATE, "ogu", true, NULL, "tee1 is occupied", ERR_REFUSED },
	{ GOAL_PROPAGATE, "eee", false, NULL, "there has been no genesis", ERR_NOT_DESIRED },
	/* An upgrade: old ones forward and get nothing. */
	{ GOAL_PROPAGATE, "Ree", true,
	  "forward tee2, prove tee2<0, forward tee3~0, prove tee3<2, verify tee1, prove tee1<4", "",
	  0 },
	{ GOAL_PROPAGATE, "eRe", true,
	  "forward tee1, prove tee1<0, forward tee3~0, prove tee3<2, verify tee2, prove tee2<4", "",
	  0 },
	{ GOAL_PROPAGATE, "RWe", true,
	  "forward tee2!, forward tee3~0, prove tee3<1, verify tee1, prove tee1<3", "", 0 },
	{ GOAL_PROPAGATE, "Rr", true, "verify tee1, prove tee1<0, verify tee2, prove tee2<2",
	  "every TEE asked for has the quorum key", 0 },
	{ GOAL_PROPAGATE, "We", true, NULL, "no TEE of this file has the quorum key",
	  ERR_NOT_DESIRED },
	{ GOAL_PROPAGATE, "Wu", true, NULL, "tee1 holds an older manifest and no key",
	  ERR_NOT_DESIRED },
	{ GOAL_INJECT, "See", true, NULL, "no TEE of this file has the quorum key",
	  ERR_NOT_DESIRED },
	{ GOAL_INJECT, "Ree", true, "verify tee1, prove tee1<0", "tee1 has the quorum key", 0 },
	{ GOAL_INJECT, "Se", true, NULL, "no TEE of this file has the quorum key",
	  ERR_NOT_DESIRED },
	{ GOAL_GENESIS, "Ree", true, "", "genesis was done", 0 },
	{ GOAL_VERIFY, "ra", true, "verify tee1, prove tee1<0, verify tee2!, prove tee2<2",
	  "every TEE proved", 0 },
	{ GOAL_VERIFY, "rwe", true,
	  "verify tee1, prove tee1<0, verify tee2, prove tee2<2!, verify tee3, prove tee3<4!",
	  "every TEE proved", 0 },
	{ GOAL_VERIFY, "awe", true, NULL, "no TEE of this file has the quorum key",
	  ERR_NOT_DESIRED },
	{ GOAL_STATUS, "rau", true, "verify tee1", "", 0 },
	{ GOAL_APPLY, "aa", false,
	  "launch tee1, verify tee1<0, genesis tee1<1, inject tee1<2, prove tee1<3, launch tee2, "
	  "verify tee2<5, forward tee2<6~3, prove tee2<7",
	  "", 0 },
	/* The answer was lost: nothing is known that its document could be held to. */
	{ GOAL_APPLY, "ga", false,
	  "genesis tee1, inject tee1<0, prove tee1<1, launch tee2, verify tee2<3, "
	  "forward tee2<4~1, prove tee2<5",
	  "", 0 },
	{ GOAL_APPLY, "eg", false, NULL, "tee2 is occupied", ERR_REFUSED },
	{ GOAL_APPLY, "sew", true,
	  "inject tee1, prove tee1<0, verify tee2, forward tee2<2~0, prove tee2<3, verify tee3, "
	  "forward tee3<5~3, prove tee3<6",
	  "", 0 },
	{ GOAL_APPLY, "ar", true,
	  "launch tee1, verify tee1<0, forward tee1<1, prove tee1<2, verify tee2, prove tee2<4", "",
	  0 },
	{ GOAL_APPLY, "rr", true, "verify tee1, prove tee1<0, verify tee2, prove tee2<2",
	  "every TEE runs and has the quorum key", 0 },
	{ GOAL_APPLY, "ru", true, "verify tee1, prove tee1<0, forward tee2!", "", 0 },
	{ GOAL_APPLY, "ro", true, "verify tee1, prove tee1<0, forward tee2!", "", 0 },
	/* The key is lost: the shares bring it back, into the file's source if that is fresh. */
	{ GOAL_APPLY, "wa", true,
	  "launch tee2, verify tee2<0, boot tee2<1, inject tee2<2, prove tee2<3, verify tee1, "
	  "forward tee1<5~3, prove tee1<6",
	  "", 0 },
	/* Not beside one that may have it. */
	{ GOAL_APPLY, "ue", true, NULL, "no answer", ERR_UNREACHABLE },
	{ GOAL_APPLY, "eo", false, NULL, "tee2 is occupied", ERR_REFUSED },
	{ GOAL_APPLY, "be", false, NULL, "tee1 is in UnrecoverableError", ERR_NOT_DESIRED },
	/* Whoever claims the key proves it; who does not answer is no business of a look. */
	{ GOAL_WATCH, "rwRau", true,
	  "verify tee1, prove tee1<0, verify tee2, verify tee3, prove tee3<3", "", 0 },
	{ GOAL_HEAL, "rr", true, "", "nothing is missing", 0 },
	{ GOAL_HEAL, "ra", true, "launch tee2, verify tee2<0, forward tee2<1, prove tee2<2", "",
	  0 },
	{ GOAL_HEAL, "erw", true,
	  "verify tee1, forward tee1<0, prove tee1<1, verify tee3, forward tee3<3~1, prove tee3<4",
	  "", 0 },
	{ GOAL_HEAL, "Re", true, "verify tee2, forward tee2<0, prove tee2<1", "", 0 },
	{ GOAL_HEAL, "br", true, "launch tee1, verify tee1<0, forward tee1<1, prove tee1<2", "",
	  0 },
	/* Broken, and no other has the key: people look at it. */
	{ GOAL_HEAL, "be", true, "", "nothing is missing", 0 },
	/* Never a genesis, never a boot, never a share; a stranger is left alone. */
	{ GOAL_HEAL, "ee", false, "", "nothing is missing", 0 },
	{ GOAL_HEAL, "ee", true, "", "nothing is missing", 0 },
	{ GOAL_HEAL, "ge", true, "", "nothing is missing", 0 },
	{ GOAL_HEAL, "sw", true, "", "nothing is missing", 0 },
	{ GOAL_HEAL, "ruosWS", true, "", "nothing is missing", 0 },
	/* Without a key, what is gone is launched all the same. */
	{ GOAL_HEAL, "ae", true, "launch tee1, verify tee1<0", "", 0 },
	{ GOAL_HEAL, "ae", false, "launch tee1, verify tee1<0", "", 0 },
};

static void plans_are_what_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct goal goal = { .kind = rows[i].goal, .topology = TOPOLOGY_CHAIN };
		AUTO(plan) struct plan plan = { 0 };
		struct world w;
		struct err e = { 0 };
		char steps[600];
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

static void heal_takes_and_gives_nothing_where_it_is_barred(void **state)
{
	static const struct {
		const char *letters;
		bool barred[3], resting[3];
		const char *steps;
	} cases[] = {
		/* The only one that has the key is not believed. */
		{ "ree", { true }, { false }, "" },
		{ "rre", { true }, { false }, "verify tee3, forward tee3<0, prove tee3<1" },
		{ "ree", { false, true }, { false }, "verify tee3, forward tee3<0, prove tee3<1" },
		/* In a crash loop: launched no more, and nothing else is held up. */
		{ "rae", { false }, { false, true }, "verify tee3, forward tee3<0, prove tee3<1" },
		{ "rbe", { false }, { false, true }, "verify tee3, forward tee3<0, prove tee3<1" },
		/* A launch makes a new TEE: what the old one showed is no matter. */
		{ "rar",
		  { false, true },
		  { false },
		  "launch tee2, verify tee2<0, forward tee2<1, prove tee2<2" },
	};
	struct world w;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct goal goal = { .kind = GOAL_HEAL,
			                   .barred = cases[i].barred,
			                   .resting = cases[i].resting };
		AUTO(plan) struct plan plan = { 0 };
		char steps[400];

		make_world(&w, cases[i].letters, true);
		assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &plan, &e), 0);
		describe(&w, &plan, steps, sizeof(steps));
		assert_string_equal(steps, cases[i].steps);
		for (size_t k = 0; k < plan.way.order_count; k++)
			assert_true(!cases[i].barred[plan.way.order[k]] ||
			            cases[i].letters[plan.way.order[k]] == 'a');
	}
}

static void propagate_goes_only_to_the_targets_asked_for(void **state)
{
	const bool targets[NODES] = { false, false, true };
	const struct goal goal = { .kind = GOAL_PROPAGATE, .targets = targets };
	AUTO(plan) struct plan plan = { 0 };
	struct world w;
	char steps[400];
	struct err e;

	(void)state;
	make_world(&w, "reee", true);
	assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &plan, &e), 0);
	describe(&w, &plan, steps, sizeof(steps));
	assert_string_equal(steps, "forward tee3, prove tee3<0, verify tee1, prove tee1<2");
}

static void propagate_leaves_those_alone_that_nobody_asked_for(void **state)
{
	const bool targets[NODES] = { false, false, false, true };
	const struct goal goal = { .kind = GOAL_PROPAGATE, .targets = targets };
	AUTO(plan) struct plan plan = { 0 };
	struct world w;
	char steps[400];
	struct err e;

	(void)state;
	make_world(&w, "rrre", true);
	assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &plan, &e), 0);
	describe(&w, &plan, steps, sizeof(steps));
	assert_string_equal(steps, "forward tee4, prove tee4<0, verify tee1, prove tee1<2");
}

static void looks_and_launches_are_only_of_the_nodes_asked_for(void **state)
{
	static const struct {
		enum goal_kind kind;
		const char *letters, *steps, *nothing;
	} asked[] = {
		{ GOAL_UP, "aea", "launch tee3, verify tee3<0", "" },
		{ GOAL_UP, "aee", "verify tee3", "every TEE asked for runs and is verified" },
		{ GOAL_STATUS, "err", "verify tee3", "" },
		{ GOAL_VERIFY, "err", "verify tee3, prove tee3<0",
		  "every TEE asked for proved that it holds the quorum key" },
	};
	const bool targets[NODES] = { false, false, true };
	char found[256];
	struct world w;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(asked); i++) {
		const struct goal goal = { .kind = asked[i].kind, .targets = targets };
		AUTO(plan) struct plan p = { 0 };

		make_world(&w, asked[i].letters, true);
		assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &p, &e), 0);
		describe(&w, &p, found, sizeof(found));
		assert_string_equal(found, asked[i].steps);
		assert_string_equal(p.nothing, asked[i].nothing);
	}
}

static void apply_is_only_about_the_nodes_asked_for(void **state)
{
	static const struct {
		const char *letters;
		bool has_genesis;
		const char *steps, *nothing;
	} asked[] = {
		{ "raa", true,
		  "verify tee1, prove tee1<0, launch tee3, verify tee3<2, forward tee3<3, prove "
		  "tee3<4",
		  "" },
		{ "rar", true, "verify tee1, prove tee1<0, verify tee3, prove tee3<2",
		  "every TEE asked for runs and has the quorum key" },
		/* Where the key is lost it comes back in one of those. */
		{ "wwa", true,
		  "launch tee3, verify tee3<0, boot tee3<1, inject tee3<2, prove tee3<3", "" },
	};
	const bool targets[NODES] = { false, false, true };
	const struct goal goal = { .kind = GOAL_APPLY, .targets = targets };
	char found[256];
	struct world w;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(asked); i++) {
		AUTO(plan) struct plan p = { 0 };

		make_world(&w, asked[i].letters, asked[i].has_genesis);
		assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &p, &e), 0);
		describe(&w, &p, found, sizeof(found));
		assert_string_equal(found, asked[i].steps);
		assert_string_equal(p.nothing, asked[i].nothing);
	}
}

static void apply_does_a_genesis_only_where_its_node_is_asked_for(void **state)
{
	const bool targets[NODES] = { false, true, true };
	const struct goal goal = { .kind = GOAL_APPLY, .targets = targets };
	AUTO(plan) struct plan p = { 0 };
	struct world w;
	struct err e;

	(void)state;
	make_world(&w, "eee", false);
	assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &p, &e), -1);
	assert_int_equal(e.code, ERR_NOT_DESIRED);
	assert_string_equal(e.reason, "not-chosen");
	assert_non_null(strstr(e.text, "tee1, which is not among the nodes chosen"));
	/* Nor shares for one that waits for them. */
	make_world(&w, "see", true);
	assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &p, &e), -1);
	assert_string_equal(e.reason, "not-chosen");
}

static void two_quorum_keys_in_one_cluster_are_named(void **state)
{
	const struct goal goal = { .kind = GOAL_APPLY, .topology = TOPOLOGY_CHAIN };
	AUTO(plan) struct plan p = { 0 };
	char steps[256];
	struct world w;
	struct err e;

	(void)state;
	make_world(&w, "rr", true);
	w.seen[1].status.has_quorum_public_key = true;
	w.seen[1].status.quorum_public_key[1] = 0xab;
	assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &p, &e), 0);
	describe(&w, &p, steps, sizeof(steps));
	assert_string_equal(steps, "verify tee1, prove tee1<0, forward tee2!");
	assert_int_equal(p.steps[2].refusal->code, ERR_REFUSED);
	assert_string_equal(p.steps[2].refusal->reason, "occupied");
	assert_non_null(strstr(p.steps[2].refusal->text,
	                       "it holds quorum key ab000000…, this cluster's is 00000000…: two "
	                       "quorum keys in one cluster"));
}

static void nodes_may_leave_while_enough_that_have_the_key_stay(void **state)
{
	static const struct {
		const char *letters, *leaving; /* "-": it stays */
		size_t keep_ready;
		bool may;
	} leaves[] = {
		{ "rrr", "x--", 2, true },  { "rrr", "xx-", 2, false },
		{ "rrr", "xx-", 1, true },  { "rre", "x--", 2, false },
		{ "rre", "--x", 2, true }, /* it has no key */
		{ "ree", "x--", 1, false }, { "ree", "xxx", 1, false },
		{ "ree", "-xx", 3, true },                              /* as few as before */
		{ "uuu", "x--", 1, false }, { "urr", "x--", 3, true },  /* it serves nobody */
		{ "urr", "xx-", 2, false }, { "uee", "x--", 1, false }, /* it may be the last */
		{ "ure", "x--", 1, true },  { "Rre", "x--", 1, true },
		{ "rRe", "x--", 1, true },  { "ore", "x--", 2, true }, /* another cluster's */
		{ "aee", "x--", 1, true },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < COUNT(leaves); i++) {
		bool leaving[NODES] = { false };

		for (size_t k = 0; leaves[i].leaving[k]; k++)
			leaving[k] = leaves[i].leaving[k] == 'x';
		make_world(&w, leaves[i].letters, true);
		print_message("row %zu\n", i);
		assert_int_equal(plan_may_leave(&w.observation, leaving, leaves[i].keep_ready),
		                 leaves[i].may);
	}
	make_world(&w, "eee", false);
	assert_true(plan_may_leave(&w.observation, (const bool[NODES]){ true }, 1));
}

static void propagate_has_all_that_claim_the_key_prove_it(void **state)
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
	assert_string_equal(steps, "verify tee1, prove tee1<0, verify tee3, prove tee3<2");
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
	assert_int_equal(plan.way.order_count, 2);
	assert_int_equal(plan.way.order[0], 2);
	assert_int_equal(plan.way.order[1], 1);
}

static void recover_goes_to_the_node_asked_for(void **state)
{
	struct goal goal = { .kind = GOAL_RECOVER, .has_source = true, .source = 1 };
	AUTO(plan) struct plan plan = { 0 };
	char steps[512];
	struct world w;
	struct err e;

	(void)state;
	make_world(&w, "eew", true);
	assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &plan, &e), 0);
	describe(&w, &plan, steps, sizeof(steps));
	assert_string_equal(steps, "verify tee2, boot tee2<0, inject tee2<1, prove tee2<2");
	plan_drop(&plan);
	goal.source = 2;
	assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &plan, &e), -1);
	assert_int_equal(e.code, ERR_NOT_DESIRED);
	assert_non_null(strstr(e.text, "tee3 is in WaitingForForwardedKey"));
}

static const struct {
	const char *letters, *targets, *steps, *text;
} restarts[] = {
	{ "eee", "110",
	  "verify tee1, boot tee1<0, inject tee1<1, prove tee1<2, "
	  "verify tee2, boot tee2<4, inject tee2<5, prove tee2<6",
	  NULL },
	/* One that is not named goes on waiting, and one that is waits already. */
	{ "ese", "100", "verify tee1, boot tee1<0, inject tee1<1, prove tee1<2", NULL },
	{ "ees", "011",
	  "verify tee2, boot tee2<0, inject tee2<1, prove tee2<2, inject tee3, prove tee3<4",
	  NULL },
	{ "sse", "110", "inject tee1, prove tee1<0, inject tee2, prove tee2<2", NULL },
	{ "ree", "010", "verify tee1, prove tee1<0", NULL },
	{ "ewe", "110", NULL, "tee2 is in WaitingForForwardedKey" },
	{ "eae", "111", NULL, "no answer" },
	{ "oee", "110", NULL, "tee1 is occupied" },
};

static void recover_restarts_each_that_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(restarts); i++) {
		AUTO(plan) struct plan plan = { 0 };
		bool targets[3];
		struct goal goal = { .kind = GOAL_RECOVER,
			             .restarts_all = true,
			             .targets = targets };
		char steps[512];
		struct world w;
		struct err e;

		for (size_t k = 0; k < COUNT(targets); k++)
			targets[k] = restarts[i].targets[k] == '1';
		make_world(&w, restarts[i].letters, true);
		assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &plan, &e),
		                 restarts[i].steps ? 0 : -1);
		if (!restarts[i].steps) {
			assert_non_null(strstr(e.text, restarts[i].text));
			continue;
		}
		describe(&w, &plan, steps, sizeof(steps));
		assert_string_equal(steps, restarts[i].steps);
	}
}

/* "tee1>tee2@1": the key's way as foretold, with the round. */
static void describe_way(const struct world *w, const struct plan *p, char *to, size_t size)
{
	size_t len = 0;

	to[0] = 0;
	for (size_t i = 0; i < p->count; i++) {
		const struct step *s = &p->steps[i];

		if (s->kind == STEP_FORWARD && s->source != SOURCE_NONE)
			len += (size_t)snprintf(to + len, size - len, "%s%s>%s@%u", len ? " " : "",
			                        w->nodes[s->source].name, w->nodes[s->node].name,
			                        s->round);
	}
}

static const struct {
	enum topology topology;
	int64_t parallel;
	const char *letters, *way;
} ways[] = {
	{ TOPOLOGY_CHAIN, 1, "reee", "tee1>tee2@1 tee2>tee3@2 tee3>tee4@3" },
	{ TOPOLOGY_CHAIN, 4, "erer", "tee2>tee1@1 tee1>tee3@2" },
	{ TOPOLOGY_CHAIN, 1, "roee", "tee1>tee3@1 tee3>tee4@2" },
	{ TOPOLOGY_STAR, 1, "reee", "tee1>tee2@1 tee1>tee3@2 tee1>tee4@3" },
	{ TOPOLOGY_STAR, 2, "reee", "tee1>tee2@1 tee1>tee3@1 tee1>tee4@2" },
	{ TOPOLOGY_STAR, 64, "reue", "tee1>tee2@1 tee1>tee4@1" },
	{ TOPOLOGY_TREE, 1, "reeeeeee",
	  "tee1>tee2@1 tee1>tee3@2 tee2>tee4@2 tee1>tee5@3 tee3>tee6@3 tee2>tee7@3 tee4>tee8@3" },
	{ TOPOLOGY_TREE, 2, "reeeee",
	  "tee1>tee2@1 tee1>tee3@1 tee1>tee4@2 tee2>tee5@2 tee3>tee6@2" },
	{ TOPOLOGY_TREE, 1, "rere", "tee1>tee2@1 tee3>tee4@1" },
	{ TOPOLOGY_AUTO, 1, "ree", "tee1>tee2@1 tee2>tee3@2" },
	{ TOPOLOGY_AUTO, 1, "reee", "tee1>tee2@1 tee1>tee3@2 tee2>tee4@2" },
};

static void the_way_is_foretold(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ways); i++) {
		const struct goal goal = { .kind = GOAL_PROPAGATE, .topology = ways[i].topology };
		AUTO(plan) struct plan plan = { 0 };
		char way[400];
		struct world w;
		struct err e;

		make_world(&w, ways[i].letters, true);
		w.cluster.propagate.parallel = ways[i].parallel;
		assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &plan, &e), 0);
		describe_way(&w, &plan, way, sizeof(way));
		assert_string_equal(way, ways[i].way);
	}
}

static void a_tree_takes_as_many_rounds_as_doubling_does(void **state)
{
	const struct goal goal = { .kind = GOAL_PROPAGATE, .topology = TOPOLOGY_TREE };
	AUTO(plan) struct plan plan = { 0 };
	struct world w;
	struct err e;

	(void)state;
	make_world(&w, "reeeeeeeeeeeeeee", true);
	assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &plan, &e), 0);
	assert_int_equal(plan.way.rounds, 4);
}

#define SMALL 4 /* nodes */

/* letters: as of a world; a '.' before one: launched elsewhere. */
static void make_mixed_world(struct world *w, const char *letters, bool has_genesis)
{
	char plain[SMALL + 1] = "";
	bool is_elsewhere[SMALL] = { false };
	size_t count = 0;

	for (; *letters; letters++) {
		is_elsewhere[count] |= *letters == '.';
		if (*letters != '.')
			plain[count++] = *letters;
	}
	make_world(w, plain, has_genesis);
	for (size_t i = 0; i < count; i++)
		if (is_elsewhere[i]) {
			w->nodes[i].url = w->nodes[i].name;
			w->nodes[i].listen = NULL;
		}
}

struct upgrade_row {
	const char *letters;
	size_t first, parallel;
	const char *steps; /* NULL: refused */
	const char *order; /* of the sources and those they give to */
	const char *words;
	enum err_code code;
	bool retires;
};

/* The one that begins at that step, and follows on the one before. */
#define PROOF(node, at) PROOF_##at(node)
#define PROOF_0(node)   "verify " node ", prove " node "<0"
#define PROOF_2(node)   "verify " node "<1, prove " node "<2"
#define PROOF_4(node)   "verify " node "<3, prove " node "<4"

static const struct upgrade_row upgrade_rows[] = {
	/* One first, when all that stay have proved it; then the others, half of them at most. */
	{ "RRRR", 1, 4,
	  PROOF("tee2", 0) ", " PROOF("tee3", 2) ", " PROOF(
	      "tee4",
	      4) ", retire tee1<5, launch tee1<6, verify tee1<7, forward tee1<8, prove tee1<9",
	  "2341", "", 0, false },
	{ "rRRR", 1, 4,
	  PROOF("tee1", 0) ", " PROOF(
	      "tee4",
	      2) ", retire tee2<3, retire tee3<3, launch tee2<4, launch tee3<5, verify tee2<6, "
	         "verify tee3<7, forward tee2<8, forward tee3<9, prove tee2<10, prove tee3<11",
	  "1423", "", 0, false },
	{ "rRRR", 2, 4,
	  PROOF("tee1", 0) ", " PROOF("tee3", 2) ", " PROOF(
	      "tee4",
	      4) ", retire tee2<5, launch tee2<6, verify tee2<7, forward tee2<8, prove tee2<9",
	  "1342", "", 0, false },
	{ "rrR", 1, 4,
	  PROOF("tee1", 0) ", " PROOF(
	      "tee2",
	      2) ", retire tee3<3, launch tee3<4, verify tee3<5, forward tee3<6, prove tee3<7",
	  "123", "", 0, false },
	{ "rr", 1, 4, PROOF("tee1", 0) ", " PROOF("tee2", 2), "12",
	  "every TEE holds the current manifest, and proved the quorum key", 0, false },
	/* What was killed goes on: not running, started and empty, with the manifest. */
	{ "aRR", 1, 1,
	  PROOF("tee2", 0) ", " PROOF(
	      "tee3", 2) ", launch tee1<3, verify tee1<4, forward tee1<5, prove tee1<6",
	  "231", "", 0, false },
	{ "eR", 1, 1,
	  PROOF("tee2",
	        0) ", retire tee1<1, launch tee1<2, verify tee1<3, forward tee1<4, prove tee1<5",
	  "21", "", 0, false },
	{ "wR", 1, 1, PROOF("tee2", 0) ", verify tee1<1, forward tee1<2, prove tee1<3", "21", "", 0,
	  false },
	/* One alone is not stopped: who has no key takes it first. */
	{ "Ra", 1, 4,
	  PROOF("tee1", 0) ", launch tee2<1, verify tee2<2, forward tee2<3, prove tee2<4", "12", "",
	  0, false },
	{ "RW", 1, 4,
	  PROOF("tee1",
	        0) ", retire tee2<1, launch tee2<2, verify tee2<3, forward tee2<4, prove tee2<5",
	  "12", "", 0, false },
	{ "Rb", 1, 4,
	  PROOF("tee1",
	        0) ", retire tee2<1, launch tee2<2, verify tee2<3, forward tee2<4, prove tee2<5",
	  "12", "", 0, false },
	{ "R", 1, 4, NULL, NULL, "tee1 is the only TEE that has the quorum key", ERR_NOT_DESIRED,
	  false },
	{ ".R", 1, 4, NULL, NULL, "tee1 is the only TEE that has the quorum key", ERR_NOT_DESIRED,
	  true },
	/* What stands in the way is put right first. */
	{ "uR", 1, 4, NULL, NULL, "no answer", ERR_UNREACHABLE, false },
	{ "oR", 1, 4, NULL, NULL, "tee1 is occupied", ERR_REFUSED, false },
	{ "We", 1, 4, NULL, NULL, "no TEE of this file has the quorum key", ERR_NOT_DESIRED,
	  false },
	{ ".ue", 1, 4, NULL, NULL, "no TEE that answers has the quorum key", ERR_NOT_DESIRED,
	  false },
	{ "er", 1, 4, NULL, NULL, "there has been no genesis", ERR_NOT_DESIRED, false },
	/* Launched elsewhere: a fresh one gets the key, an old one is named, here first. */
	{ ".eR", 1, 4, PROOF("tee2", 0) ", verify tee1<1, forward tee1<2, prove tee1<3", "21", "",
	  0, false },
	{ ".RRR", 1, 4,
	  PROOF("tee1", 0) ", " PROOF(
	      "tee3",
	      2) ", retire tee2<3, launch tee2<4, verify tee2<5, forward tee2<6, prove tee2<7",
	  "132", "", 0, false },
	{ ".R.R.R.R", 1, 4,
	  PROOF("tee2", 0) ", " PROOF("tee3", 2) ", " PROOF("tee4", 4) ", retire tee1<5!", "234",
	  "", 0, false },
	{ ".R.Rrr", 1, 4, PROOF("tee3", 0) ", " PROOF("tee4", 2) ", retire tee1<3!, retire tee2<3!",
	  "34", "", 0, false },
	{ ".R.Rrr", 1, 4, PROOF("tee3", 0) ", " PROOF("tee4", 2) ", retire tee1<3, retire tee2<3",
	  "34", "", 0, true },
	{ ".brr", 1, 4, PROOF("tee2", 0) ", " PROOF("tee3", 2) ", retire tee1<3!", "23", "", 0,
	  true },
	{ ".u.RR", 1, 1,
	  PROOF("tee2",
	        0) ", retire tee3<1, launch tee3<2, verify tee3<3, forward tee3<4, prove tee3<5",
	  "23", "", 0, false },
	{ ".urr", 1, 1, PROOF("tee2", 0) ", " PROOF("tee3", 2) ", retire tee1<3!", "23", "", 0,
	  false },
};

static void describe_order(const struct plan *plan, char *to)
{
	for (size_t i = 0; i < plan->way.order_count; i++)
		*to++ = (char)('1' + plan->way.order[i]);
	*to = 0;
}

static void upgrades_are_what_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(upgrade_rows); i++) {
		const struct upgrade_row *row = &upgrade_rows[i];
		const struct goal goal = { .kind = GOAL_UPGRADE,
			                   .first = row->first,
			                   .parallel = row->parallel,
			                   .retires = row->retires };
		AUTO(plan) struct plan plan = { 0 };
		struct world w;
		struct err e = { 0 };
		char steps[512], order[SMALL + 1];
		int result;

		make_mixed_world(&w, row->letters, strcmp(row->letters, "er") != 0);
		result = plan_make(&w.cluster, &w.observation, &goal, &plan, &e);
		print_message("row %zu %s: %s\n", i, row->letters, result < 0 ? e.text : "");
		if (!row->steps) {
			assert_int_equal(result, -1);
			assert_int_equal(e.code, row->code);
			assert_non_null(strstr(e.text, row->words));
			continue;
		}
		assert_int_equal(result, 0);
		describe(&w, &plan, steps, sizeof(steps));
		assert_string_equal(steps, row->steps);
		describe_order(&plan, order);
		assert_string_equal(order, row->order);
		assert_string_equal(plan.nothing, row->words);
		/* The next round follows whenever this one changes something by itself. */
		assert_int_equal(plan.goes_on, !row->words[0] && !strchr(steps, '!'));
	}
}

/* Whatever the nodes are: a round leaves somebody alone who has the key and proves it, and nobody
 * goes before that. */
static void no_upgrade_touches_all_that_have_the_key(void **state)
{
	static const char letters[] = "aegswrRWSb";
	char world[SMALL + 1] = "";

	(void)state;
	for (size_t n = 0; n < 10000; n++) {
		const struct goal goal = { .kind = GOAL_UPGRADE,
			                   .first = n % 3 + 1,
			                   .parallel = 4 };
		AUTO(plan) struct plan plan = { 0 };
		bool is_touched[SMALL] = { false };
		size_t stays = 0, digits = n;
		struct world w;
		struct err e;

		for (size_t i = 0; i < SMALL; i++, digits /= 10)
			world[i] = letters[digits % 10];
		make_world(&w, world, true);
		if (plan_make(&w.cluster, &w.observation, &goal, &plan, &e) < 0)
			continue;
		for (size_t s = 0; s < plan.count; s++)
			if (plan.steps[s].kind == STEP_RETIRE)
				is_touched[plan.steps[s].node] = true;
		for (size_t s = 0; s < plan.count; s++) {
			const struct step *step = &plan.steps[s];

			stays += step->kind == STEP_PROVE && !is_touched[step->node] &&
			         node_has_key(&w.observation, step->node);
			if (step->kind == STEP_RETIRE)
				assert_true(stays > 0 && step->needs == 2 * stays - 1);
		}
		assert_true(stays > 0);
	}
}

struct retire_row {
	const char *letters, *leaving; /* a digit a node */
	bool lose_key;
	const char *steps, *words;
	enum err_code code;
};

static const struct retire_row retire_rows[] = {
	{ "rrr", "1", false, PROOF("tee2", 0) ", " PROOF("tee3", 2) ", retire tee1<3", "", 0 },
	{ "Rre", "1", false, PROOF("tee2", 0) ", retire tee1<1", "", 0 },
	{ ".R.Rr", "12", false, PROOF("tee3", 0) ", retire tee1<1, retire tee2<1", "", 0 },
	{ ".u.er", "12", false, PROOF("tee3", 0) ", retire tee1<1!, verify tee2", "", 0 },
	{ "r.e", "2", false, PROOF("tee1", 0) ", verify tee2", "none of them holds anything", 0 },
	{ "ure", "1", false, PROOF("tee2", 0) ", retire tee1<1", "", 0 },
	{ "are", "1", false, PROOF("tee2", 0), "none of them holds anything", 0 },
	{ "wre", "1", false, PROOF("tee2", 0) ", retire tee1<1", "", 0 },
	{ ".bre", "1", false, PROOF("tee2", 0) ", retire tee1<1", "", 0 },
	{ "ree", "1", false, NULL, "would be gone, since no other TEE that answers has it",
	  ERR_NOT_DESIRED },
	{ "rue", "1", false, NULL, "would be gone", ERR_NOT_DESIRED },
	{ "uee", "1", false, NULL, "would be gone", ERR_NOT_DESIRED },
	{ "rr", "12", false, NULL, "would be gone", ERR_NOT_DESIRED },
	{ "rr", "12", true, "retire tee1, retire tee2", "", 0 },
	{ "ree", "1", true, "retire tee1", "", 0 },
	{ "ore", "1", false, NULL, "tee1 is occupied", ERR_REFUSED },
	{ "ore", "1", true, NULL, "tee1 is occupied", ERR_REFUSED },
};

static void retirements_are_what_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(retire_rows); i++) {
		const struct retire_row *row = &retire_rows[i];
		bool leaving[SMALL] = { false };
		const struct goal goal = { .kind = GOAL_RETIRE,
			                   .targets = leaving,
			                   .lose_key = row->lose_key };
		AUTO(plan) struct plan plan = { 0 };
		struct world w;
		struct err e = { 0 };
		char steps[400];
		int result;

		for (const char *node = row->leaving; *node; node++)
			leaving[*node - '1'] = true;
		make_mixed_world(&w, row->letters, true);
		result = plan_make(&w.cluster, &w.observation, &goal, &plan, &e);
		print_message("row %zu %s: %s\n", i, row->letters, result < 0 ? e.text : "");
		assert_int_equal(result, row->steps ? 0 : -1);
		if (!row->steps) {
			assert_int_equal(e.code, row->code);
			assert_non_null(strstr(e.text, row->words));
			continue;
		}
		describe(&w, &plan, steps, sizeof(steps));
		assert_string_equal(steps, row->steps);
		assert_string_equal(plan.nothing, row->words);
		assert_false(plan.goes_on);
	}
}

static size_t count_kind(const struct plan *p, enum step_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < p->count; i++)
		count += p->steps[i].kind == kind;
	return count;
}

static void no_upgrade_goes_below_keep_ready(void **state)
{
	const struct goal goal = { .kind = GOAL_UPGRADE, .first = 8, .parallel = 8 };
	static const struct {
		int64_t keep_ready;
		size_t at_once; /* of six, never more than half */
	} limits[] = { { 1, 3 }, { 3, 3 }, { 4, 2 }, { 5, 1 } };
	AUTO(plan) struct plan none = { 0 };
	struct world w;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(limits); i++) {
		AUTO(plan) struct plan p = { 0 };

		make_world(&w, "RRRRRR", true);
		w.cluster.keep_ready = limits[i].keep_ready;
		assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &p, &e), 0);
		assert_int_equal(count_kind(&p, STEP_RETIRE), limits[i].at_once);
	}
	w.cluster.keep_ready = 6;
	assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &none, &e), -1);
	assert_int_equal(e.code, ERR_NOT_DESIRED);
	assert_string_equal(e.reason, "keep-ready");
	assert_non_null(strstr(e.text,
	                       "6 TEEs have the quorum key, and the cluster file wants 6 at "
	                       "any time (keepReady): nothing was stopped"));
}

static void no_retirement_goes_below_keep_ready(void **state)
{
	const bool leaving[SMALL] = { true };
	struct goal goal = { .kind = GOAL_RETIRE, .targets = leaving };
	AUTO(plan) struct plan p = { 0 };
	struct world w;
	struct err e;

	(void)state;
	make_world(&w, "rrre", true);
	w.cluster.keep_ready = 3;
	assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &p, &e), -1);
	assert_string_equal(e.reason, "keep-ready");
	assert_non_null(strstr(e.text, "nothing was retired (--lose-key retires it all the same)"));
	goal.lose_key = true;
	assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &p, &e), 0);
	assert_int_equal(count_kind(&p, STEP_RETIRE), 1);
}

static void one_elsewhere_is_named_with_what_to_start_and_where(void **state)
{
	const struct goal goal = { .kind = GOAL_UPGRADE, .first = 1, .parallel = 4 };
	AUTO(plan) struct plan plan = { 0 };
	uint8_t image[48] = { 0xab, 0xcd };
	struct world w;
	struct err e;

	(void)state;
	make_mixed_world(&w, ".R.R", true);
	w.observation.genesis.envelope.manifest.enclave.pcrs[0] =
	    (struct buf){ .data = image, .len = sizeof(image), .max = sizeof(image) };
	assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &plan, &e), 0);
	assert_int_equal(plan.count, 3);
	assert_int_equal(plan.steps[2].refusal->code, ERR_NOT_DESIRED);
	assert_string_equal(plan.steps[2].refusal->reason, STEP_ELSEWHERE);
	assert_non_null(strstr(plan.steps[2].refusal->text,
	                       "tee1: launched elsewhere: start the image of manifest 01000000… "
	                       "(PCR0 abcd0000…) at tee1"));
}

static void the_key_enters_each_of_the_goals_regions_once(void **state)
{
	static const uint16_t regions[] = { 0, 0, 1, 1, 1 };
	const struct goal goal = { .kind = GOAL_PROPAGATE,
		                   .topology = TOPOLOGY_TREE,
		                   .regions = regions,
		                   .region_count = 2 };
	AUTO(plan) struct plan plan = { 0 };
	char way[400];
	struct world w;
	struct err e;

	(void)state;
	make_world(&w, "reeee", true);
	w.cluster.propagate.parallel = 4;
	assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &plan, &e), 0);
	describe_way(&w, &plan, way, sizeof(way));
	assert_string_equal(way, "tee1>tee2@1 tee1>tee3@1 tee3>tee4@2 tee3>tee5@2");
}

static void without_regions_of_the_goal_labels_say_where_a_node_stands(void **state)
{
	const struct goal goal = { .kind = GOAL_PROPAGATE, .topology = TOPOLOGY_TREE };
	struct cluster_label eu = { "region", "eu" }, us = { "region", "us" };
	AUTO(plan) struct plan plan = { 0 };
	char way[400];
	struct world w;
	struct err e;

	(void)state;
	make_world(&w, "reeee", true);
	w.cluster.propagate.parallel = 4;
	for (size_t i = 0; i < 5; i++) {
		w.nodes[i].labels = i < 2 ? &eu : &us;
		w.nodes[i].label_count = 1;
	}
	assert_int_equal(plan_make(&w.cluster, &w.observation, &goal, &plan, &e), 0);
	describe_way(&w, &plan, way, sizeof(way));
	assert_string_equal(way, "tee1>tee2@1 tee1>tee3@1 tee3>tee4@2 tee3>tee5@2");
}

/* What is to be refused takes no room that is not there: whatever the nodes say. */
static void every_cluster_of_three_has_room_for_its_refusals(void **state)
{
	static const enum goal_kind goals[] = { GOAL_UP,      GOAL_GENESIS,   GOAL_INJECT,
		                                GOAL_RECOVER, GOAL_PROPAGATE, GOAL_VERIFY,
		                                GOAL_STATUS,  GOAL_APPLY };
	static const char letters[] = "auegswrobRWS";
	const size_t count = sizeof(letters) - 1;

	(void)state;
	for (size_t i = 0; i < count * count * count * 16; i++) {
		const size_t mix = i / 16;
		const struct goal goal = { .kind = goals[i % 8] };
		const char nodes[] = { letters[mix % count], letters[mix / count % count],
			               letters[mix / count / count], 0 };
		AUTO(plan) struct plan plan = { 0 };
		struct world w;
		struct err e;

		make_world(&w, nodes, i / 8 % 2);
		if (plan_make(&w.cluster, &w.observation, &goal, &plan, &e) == 0)
			assert_true(plan.refusal_count <= plan.refusal_max);
		else
			assert_true(e.text[0]);
	}
}

static void overrun_steps(struct planner *p)
{
	for (size_t i = 0; i <= p->step_max; i++)
		add(p, STEP_VERIFY, 0, STEP_NONE);
}

static void overrun_refusals(struct planner *p)
{
	struct step *step = add(p, STEP_VERIFY, 0, STEP_NONE);

	for (size_t i = 0; i <= p->plan.refusal_max; i++)
		(void)planner_refuse_step(p, step);
}

/* A plan that is longer than its room is a fault of ours: it ends the program, and writes nowhere
 * else. */
static void no_plan_is_written_beyond_its_room(void **state)
{
	static void (*const overruns[])(struct planner *) = { overrun_steps, overrun_refusals };

	(void)state;
	for (size_t i = 0; i < COUNT(overruns); i++) {
		int status;
		pid_t child = fork();

		assert_int_not_equal(child, -1);
		if (child == 0) {
			const struct rlimit none = { 0, 0 };
			struct step steps[4];
			struct err refusals[4];
			struct planner p = {
				.step_max = 2,
				.plan = { .steps = steps, .refusals = refusals, .refusal_max = 2 }
			};

			(void)setrlimit(RLIMIT_CORE, &none);
			(void)signal(SIGABRT, SIG_DFL);
			overruns[i](&p);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGABRT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_are_what_the_table_says),
		cmocka_unit_test(heal_takes_and_gives_nothing_where_it_is_barred),
		cmocka_unit_test(propagate_goes_only_to_the_targets_asked_for),
		cmocka_unit_test(propagate_leaves_those_alone_that_nobody_asked_for),
		cmocka_unit_test(looks_and_launches_are_only_of_the_nodes_asked_for),
		cmocka_unit_test(apply_is_only_about_the_nodes_asked_for),
		cmocka_unit_test(apply_does_a_genesis_only_where_its_node_is_asked_for),
		cmocka_unit_test(two_quorum_keys_in_one_cluster_are_named),
		cmocka_unit_test(nodes_may_leave_while_enough_that_have_the_key_stay),
		cmocka_unit_test(propagate_has_all_that_claim_the_key_prove_it),
		cmocka_unit_test(a_named_source_without_the_key_is_refused),
		cmocka_unit_test(a_named_source_forwards_by_itself_whoever_else_has_the_key),
		cmocka_unit_test(recover_goes_to_the_node_asked_for),
		cmocka_unit_test(recover_restarts_each_that_is_named),
		cmocka_unit_test(the_way_is_foretold),
		cmocka_unit_test(a_tree_takes_as_many_rounds_as_doubling_does),
		cmocka_unit_test(upgrades_are_what_the_table_says),
		cmocka_unit_test(no_upgrade_touches_all_that_have_the_key),
		cmocka_unit_test(no_upgrade_goes_below_keep_ready),
		cmocka_unit_test(no_retirement_goes_below_keep_ready),
		cmocka_unit_test(retirements_are_what_the_table_says),
		cmocka_unit_test(one_elsewhere_is_named_with_what_to_start_and_where),
		cmocka_unit_test(the_key_enters_each_of_the_goals_regions_once),
		cmocka_unit_test(without_regions_of_the_goal_labels_say_where_a_node_stands),
		cmocka_unit_test(every_cluster_of_three_has_room_for_its_refusals),
		cmocka_unit_test(no_plan_is_written_beyond_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
