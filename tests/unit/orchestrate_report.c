/* What a run found, as a report: each node in a word, what is missing and what to type next, and
 * what the whole comes to. */
#include "observation_support.h"

#include "orchestrate/policy.h"
#include "orchestrate/report.h"

struct stage {
	struct seen_world world;
	struct node_proof proofs[SEEN_MAX];
	struct run run;
	struct cluster_report report;
};

static void stage_drop(struct stage *g)
{
	cluster_report_drop(&g->report);
	alias_list_drop(&g->run.missing);
	for (size_t i = 0; i < SEEN_MAX; i++)
		alias_list_drop(&g->world.seen[i].status.shares_missing);
}

/* proofs, one letter a node: - none, h nothing, s the setup key, k the key, p the key and a proof
 * of it, x refused for pcr0, t out of time, n refused since its NSM fails */
static void stage_fill(struct stage *g, const char *letters, const char *proofs, bool has_genesis)
{
	static char folder[] = "/nonexistent/state";

	*g = (struct stage){ 0 };
	seen_world_fill(&g->world, letters, has_genesis);
	/* What the genesis wrapped is read of its output: here nobody was born. */
	g->world.observation.genesis.is_foreign = true;
	for (size_t i = 0; proofs[i]; i++) {
		struct node_proof *p = &g->proofs[i];

		p->holding = strchr("kp", proofs[i]) ? HOLDS_KEY
		             : proofs[i] == 's'      ? HOLDS_SETUP_KEY
		             : proofs[i] == 'h'      ? HOLDS_NOTHING
		                                     : HOLDS_UNKNOWN;
		p->has_key_proof = proofs[i] == 'p';
		p->is_refused = strchr("xtn", proofs[i]) != NULL;
		if (proofs[i] == 'x')
			(void)err_reason(&p->refusal, ERR_ATTESTATION, "pcr0", "another image");
		if (proofs[i] == 't')
			(void)err_set(&p->refusal, ERR_TRY_AGAIN, "no time");
		if (proofs[i] == 'n')
			(void)err_set(&p->refusal, ERR_ENCLAVE, "no NSM");
	}
	g->run = (struct run){ .cluster = &g->world.cluster,
		               .state = { folder, -1 },
		               .proofs = g->proofs,
		               .seen = g->world.observation };
}

static void make(struct stage *g)
{
	struct err e;

	cluster_report_drop(&g->report);
	assert_ok(report_make(&g->run, &g->report, &e));
}

static const struct node_report *node(const struct stage *g, size_t i)
{
	return (const struct node_report *)g->report.nodes.items + i;
}

static void a_node_is_what_it_has_shown(void **state)
{
	static const struct {
		const char *letter, *proof;
		enum node_state state;
		bool is_verified;
		const char *note;
	} rows[] = {
		{ "r", "k", NODE_READY, true, "" },
		{ "r", "p", NODE_READY, true, "" },
		/* its word alone is none */
		{ "r", "-", NODE_NOT_READY, false, "has not shown it" },
		{ "r", "s", NODE_NOT_READY, true, "has not shown it" },
		{ "r", "x", NODE_FAILED, false, "another image" },
		/* where the time was up it has not failed */
		{ "r", "t", NODE_NOT_READY, false, "no time" },
		{ "e", "h", NODE_NOT_READY, true, "" },
		{ "w", "s", NODE_NOT_READY, true, "" },
		{ "p", "k", NODE_NOT_READY, true, "" },
		{ "s", "s", NODE_WAITING, true, "" },
		{ "g", "s", NODE_WAITING, true, "" },
		{ "o", "-", NODE_FAILED, false, "occupied" },
		{ "y", "-", NODE_FAILED, false, "no answer" },
		{ "b", "-", NODE_FAILED, false, "no key any more" },
		{ "a", "-", NODE_GONE, false, "no answer" },
		{ "u", "-", NODE_GONE, false, "no answer" },
		/* what is gone was refused before it went */
		{ "u", "x", NODE_GONE, false, "no answer" },
		{ "R", "k", NODE_OLD, true, "the key can be forwarded from it" },
		{ "W", "s", NODE_OLD, true, "and no key" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_fill(&g, rows[i].letter, rows[i].proof, true);
		make(&g);
		assert_string_equal(node_state_name((enum node_state)node(&g, 0)->state),
		                    node_state_name(rows[i].state));
		assert_int_equal(node(&g, 0)->verified, rows[i].is_verified);
		if (!strstr(buf_text(&node(&g, 0)->note), rows[i].note))
			fail_msg("row %zu: note '%s'", i, buf_text(&node(&g, 0)->note));
		assert_int_equal(*rows[i].note == 0, node(&g, 0)->note.len == 0);
	}
}

static void a_watch_takes_no_key_without_a_proof(void **state)
{
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	stage_fill(&g, "rr", "kp", true);
	g.run.options.is_watch = true;
	make(&g);
	assert_int_equal(node(&g, 0)->state, NODE_NOT_READY);
	assert_int_equal(node(&g, 1)->state, NODE_READY);
	assert_int_equal(g.report.ready_count, 1);
	assert_int_equal(g.report.verified_count, 2);
}

/* Whatever words it is told in. */
static void what_was_never_judged_is_not_called_refused(void **state)
{
	static const char not_judged[] = "not judged: the cluster file pins another image";
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	stage_fill(&g, "rr", "xx", true);
	make(&g);
	assert_string_equal(buf_text(&node(&g, 0)->note), g.proofs[0].refusal.text);
	(void)err_mark(POLICY_NEXT_PINS, &g.proofs[0].refusal);
	make(&g);
	assert_int_equal(strncmp(buf_text(&node(&g, 0)->note), not_judged, strlen(not_judged)), 0);
	assert_true(g.report.has_distance);
	/* A watch goes on with the file that fits. */
	g.run.options.is_watch = true;
	make(&g);
	assert_string_equal(buf_text(&node(&g, 0)->note), g.proofs[0].refusal.text);
	g.run.options.is_watch = false;
	(void)err_mark(POLICY_KEPT, &g.proofs[0].refusal);
	make(&g);
	assert_false(g.report.has_distance);
}

static void an_older_holder_counts_until_people_are_needed(void **state)
{
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	/* The new one, an old one that has the key, an old one that has not, one that only says so.
	 */
	stage_fill(&g, "rRWrr", "kks-s", true);
	make(&g);
	assert_true(g.report.has_distance);
	assert_int_equal(g.report.distance, 1);
	/* A watch wants the old one's proof as well. */
	g.run.options.is_watch = true;
	make(&g);
	assert_int_equal(g.report.distance, -1);
	g.proofs[1].has_key_proof = true;
	make(&g);
	assert_int_equal(g.report.distance, 0);
}

static void what_is_missing_is_said_with_what_to_type(void **state)
{
	static const struct {
		const char *letters, *proofs;
		bool has_genesis;
		const char *missing, *next;
	} rows[] = {
		{ "rr", "kk", true, "", "" },
		{ "re", "kh", true, "1 of 2 TEEs has no key", "teectl propagate" },
		{ "rew", "khs", true, "2 of 3 TEEs have no key", "teectl propagate" },
		{ "ee", "hh", false, "there is no quorum key yet", "teectl genesis" },
		{ "aa", "--", false, "2 of 2 TEEs are not running", "teectl up" },
		{ "ra", "k-", true, "1 of 2 TEEs is not running", "teectl up" },
		{ "es", "hs", true, "tee2 waits for shares: 1 of 2 are in",
		  "teectl share submit BUNDLE... of those waited for, then teectl wait --for shares" },
		{ "ae", "-h", true, OBSERVATION_LOST_TEXT, "teectl recover" },
		/* one that waits for a key from nobody is started anew before it takes shares */
		{ "wa", "s-", true, OBSERVATION_LOST_TEXT,
		  "teectl down tee1, then teectl up, then teectl recover" },
		{ "aa", "--", true, OBSERVATION_LOST_TEXT, "teectl up, then teectl recover" },
		{ "ru", "k-", true, "tee2 does not answer", "teectl down tee2, then teectl apply" },
		{ "uuu", "---", true,
		  "tee1 does not answer, nor do 2 others, and may be the last that holds the quorum key",
		  "teectl logs tee1" },
		{ "ruu", "k--", true, "tee2 does not answer, nor does 1 other",
		  "teectl down tee2, then teectl apply" },
		/* a refusal comes first, whatever else is the matter */
		{ "rra", "kx-", true, "tee2 failed: see its note", "teectl measure" },
		{ "Rr", "kk", true, "1 of 2 TEEs holds an older manifest", "teectl upgrade" },
		{ "R", "k", true, "add a node to the cluster file", "" },
		{ "rb", "k-", true, "tee2 failed: see its note", "teectl logs tee2" },
		/* of what is not ours there is no log here */
		{ "ry", "k-", true, "tee2 failed: see its note", "" },
		{ "bb", "--", true, "2 of 2 TEEs failed: see their notes", "teectl logs tee1" },
		{ "rr", "kx", true, "tee2 failed", "teectl measure" },
		{ "rr", "kn", true, "tee2 failed", "teectl down tee2, then teectl apply" },
		/* its status came, and no document: what it has is not known */
		{ "rr", "kt", true, "tee2 does not answer", "teectl down tee2, then teectl apply" },
		{ "eee", "hth", false, "tee2 does not answer", "teectl down tee2, then teectl up" },
		{ "ree", "kth", true, "tee2 does not answer",
		  "teectl down tee2, then teectl apply" },
		{ "re", "th", true, "tee1 does not answer, and may be the last that holds",
		  "teectl logs tee1" },
		{ "rar", "k-t", true, "1 of 3 TEEs is not running", "teectl up" },
		{ "re", "nh", true, "may be the last that holds the quorum key",
		  "teectl logs tee1" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_fill(&g, rows[i].letters, rows[i].proofs, rows[i].has_genesis);
		for (size_t k = 0; k < g.run.seen.count; k++) {
			g.run.seen.nodes[k].status.shares_received = 1;
			g.run.seen.nodes[k].status.threshold = 2;
		}
		make(&g);
		if (strcmp(rows[i].missing, OBSERVATION_LOST_TEXT) == 0)
			assert_true(g.report.is_lost);
		else if (!strstr(buf_text(&g.report.missing), rows[i].missing) ||
		         !*rows[i].missing != !g.report.missing.len)
			fail_msg("row %zu: missing '%s'", i, buf_text(&g.report.missing));
		if (strcmp(buf_text(&g.report.next), rows[i].next) != 0)
			fail_msg("row %zu: next '%s'", i, buf_text(&g.report.next));
	}
}

static void a_node_that_only_says_how_it_is_does_not_answer(void **state)
{
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	stage_fill(&g, "rrr", "ktt", true);
	(void)err_set(&g.proofs[1].refusal, ERR_TRY_AGAIN, "tee2: live-attestation: timed out");
	make(&g);
	assert_string_equal(buf_text(&node(&g, 1)->note),
	                    "tee2 does not answer (live-attestation: timed out)");
	assert_int_equal(node(&g, 1)->state, NODE_NOT_READY);
	assert_string_equal(buf_text(&g.report.missing), "tee2 does not answer, nor does 1 other");
	/* Who was given no time hangs for all that is known. */
	(void)err_reason(&g.proofs[1].refusal, ERR_TRY_AGAIN, CLIENT_NO_TIME, "no time");
	make(&g);
	assert_string_equal(buf_text(&g.report.missing),
	                    "tee2 was not given the time to answer: --timeout");
	assert_string_equal(buf_text(&g.report.next), "teectl status");
}

static void shares_are_requested_once(void **state)
{
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	stage_fill(&g, "es", "hs", true);
	make(&g);
	assert_string_equal(buf_text(&g.report.next), "teectl share request --out request.json");
	/* Those who are still to answer have that request already. */
	g.run.seen.nodes[1].status.shares_received = 1;
	make(&g);
	assert_string_equal(
	    buf_text(&g.report.next),
	    "teectl share submit BUNDLE... of those waited for, then teectl wait --for shares");
}

static void a_command_has_what_it_took_to_get_here(void **state)
{
	static char path[] = "my cluster.yaml";
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	stage_fill(&g, "ra", "k-", true);
	g.world.cluster.path = path;
	g.run.options.state_folder = "it's";
	make(&g);
	assert_string_equal(buf_text(&g.report.next),
	                    "teectl -f 'my cluster.yaml' --state 'it'\\''s' up");
}

static void a_fault_on_this_side_is_not_mended_by_stopping_a_node(void **state)
{
	static const struct {
		const char *reason;
		enum err_code code;
		const char *missing, *next;
	} rows[] = {
		{ CLIENT_TLS_SERVER, ERR_UNREACHABLE,
		  "the certificate of tee2 is not accepted, as it", "teectl validate" },
		{ CLIENT_TLS_FILE, ERR_UNREACHABLE,
		  "does not answer, as it seems for a fault on this", "teectl validate" },
		{ CLIENT_ADDRESS, ERR_UNREACHABLE,
		  "does not answer, as it seems for a fault on this", "teectl validate" },
		{ OBSERVATION_LATE, ERR_TRY_AGAIN, "was not given the time to answer: --timeout",
		  "teectl status" },
		{ "", ERR_ACCESS, "tee2 does not let this client look", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_fill(&g, "ru", "k-", true);
		(void)err_reason(&g.run.seen.nodes[1].why, rows[i].code, rows[i].reason, "why");
		make(&g);
		if (!strstr(buf_text(&g.report.missing), rows[i].missing))
			fail_msg("row %zu: missing '%s'", i, buf_text(&g.report.missing));
		assert_string_equal(buf_text(&g.report.next), rows[i].next);
	}
}

static void nobody_is_told_to_stop_what_others_launch(void **state)
{
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	stage_fill(&g, "ru", "k-", true);
	g.world.nodes[1].listen = NULL;
	make(&g);
	assert_non_null(strstr(buf_text(&g.report.missing), "whoever did starts it again"));
	assert_string_equal(buf_text(&g.report.next), "teectl up");
}

static void the_chosen_alone_are_reported(void **state)
{
	static const bool chosen[] = { false, true, false };
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, "rur", "k-x", true);
	g.run.options.chosen = chosen;
	make(&g);
	assert_int_equal(g.report.node_count, 1);
	assert_int_equal(g.report.nodes.count, 1);
	assert_int_equal(node(&g, 0)->index, 1);
	/* Of a part of them nothing is said of the whole. */
	assert_false(g.report.has_distance);
	assert_refused(report_judge(&g.report, &e), ERR_UNREACHABLE, "none of 1 TEEs answers");
}

static void who_is_waited_for_is_named_once(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct alias_item *item;
	const struct alias_item *named;
	struct err e;

	(void)state;
	stage_fill(&g, "se", "sh", true);
	assert_ok(
	    wire_list_add(&g.world.seen[0].status.shares_missing, &alias_item_schema, &item, &e));
	assert_ok(wire_set_text(&item->alias, "user2", &e));
	make(&g);
	assert_int_equal(g.report.waiting_for.count, 1);
	/* Once someone has tried to inject, that run knows better than the node's answer. */
	assert_ok(wire_list_add(&g.run.missing, &alias_item_schema, &item, &e));
	assert_ok(wire_set_text(&item->alias, "user3", &e));
	make(&g);
	assert_int_equal(g.report.waiting_for.count, 1);
	named = g.report.waiting_for.items;
	assert_string_equal(buf_text(&named->alias), "user3");
}

static void the_worst_is_what_a_look_comes_to(void **state)
{
	static const struct {
		const char *letters, *proofs;
		enum err_code code; /* of -1 alone */
		const char *words;
	} rows[] = {
		{ "rr", "kk", ERR_COUNT, "" },
		{ "rrua", "kx--", ERR_REFUSED, "pcr0" },
		/* broken, and no check says so: it is not ready */
		{ "rb", "k-", ERR_NOT_DESIRED, "1 of 2 TEEs is ready, 1 verified" },
		{ "ua", "--", ERR_UNREACHABLE, "none of 2 TEEs answers" },
		{ "ae", "-h", ERR_NOT_DESIRED, OBSERVATION_KEY_LOST },
		{ "rrr", "k--", ERR_NOT_DESIRED, "1 of 3 TEEs is ready, 1 verified" },
		{ "Rr", "kk", ERR_NOT_DESIRED, "1 of 2 TEEs is ready, 2 verified" },
	};
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		stage_drop(&g);
		stage_fill(&g, rows[i].letters, rows[i].proofs, true);
		make(&g);
		if (rows[i].code == ERR_COUNT)
			assert_ok(report_judge(&g.report, &e));
		else
			assert_refused(report_judge(&g.report, &e), rows[i].code, rows[i].words);
	}
	/* Who is not let in is told that, before what he could not see. */
	(void)err_set(&g.run.seen.nodes[0].why, ERR_ACCESS, "not you");
	g.run.seen.nodes[0].presence = NODE_UNREACHABLE;
	make(&g);
	assert_refused(report_judge(&g.report, &e), ERR_ACCESS, "not you");
	assert_string_equal(buf_text(&node(&g, 0)->reason), "access");
	assert_true(g.report.has_distance);
	/* To whom none lets look has nothing to be alarmed by. */
	g.run.seen.nodes[1] = g.run.seen.nodes[0];
	make(&g);
	assert_false(g.report.has_distance);
	(void)err_reason(&g.run.seen.nodes[0].why, ERR_TRY_AGAIN, OBSERVATION_LATE, "no time");
	g.run.seen.nodes[1].why = g.run.seen.nodes[0].why;
	make(&g);
	assert_refused(report_judge(&g.report, &e), ERR_TRY_AGAIN, OBSERVATION_LATE);
}

static void what_vouches_for_the_key_is_said(void **state)
{
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	stage_fill(&g, "e", "h", false);
	make(&g);
	assert_string_equal(buf_text(&g.report.basis), "");
	assert_string_equal(buf_text(&g.report.trust), "simulated");
	assert_false(g.report.has_quorum_public_key);
	stage_drop(&g);
	stage_fill(&g, "r", "k", true);
	g.world.cluster.attestation.root = ROOT_AWS;
	make(&g);
	assert_string_equal(buf_text(&g.report.basis), "cluster-file");
	assert_string_equal(buf_text(&g.report.trust), "aws-nitro");
	assert_true(g.report.has_quorum_public_key && g.report.has_manifest_hash);
	assert_memory_equal(g.report.manifest_hash, own_hash, 32);
}

static void an_error_is_told_by_its_name_status_and_code(void **state)
{
	static const struct {
		enum err_code code;
		const char *reason, *name;
		int64_t wire, exit_status;
	} rows[] = {
		{ ERR_ATTESTATION, "pcr0", "attestation", 1005, 5 },
		{ ERR_REFUSED, "", "refused", 0, 5 },
		{ ERR_TRY_AGAIN, "deadline", "try-again", 0, 75 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(cluster_report) struct cluster_report report = { 0 };
		struct err failure, e;

		(void)err_reason(&failure, rows[i].code, rows[i].reason, "the text");
		assert_ok(report_outcome(&report, "failed", &failure, &e));
		assert_string_equal(buf_text(&report.outcome), "failed");
		assert_true(report.has_error);
		assert_string_equal(buf_text(&report.error.name), rows[i].name);
		assert_string_equal(buf_text(&report.error.text), "the text");
		assert_int_equal(report.error.has_code, rows[i].wire != 0);
		assert_int_equal(report.error.code, rows[i].wire);
		assert_int_equal(report.error.exit_status, rows[i].exit_status);
		assert_int_equal(report.error.has_reason, *rows[i].reason != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_is_what_it_has_shown),
		cmocka_unit_test(a_watch_takes_no_key_without_a_proof),
		cmocka_unit_test(what_was_never_judged_is_not_called_refused),
		cmocka_unit_test(an_older_holder_counts_until_people_are_needed),
		cmocka_unit_test(what_is_missing_is_said_with_what_to_type),
		cmocka_unit_test(a_node_that_only_says_how_it_is_does_not_answer),
		cmocka_unit_test(shares_are_requested_once),
		cmocka_unit_test(a_command_has_what_it_took_to_get_here),
		cmocka_unit_test(a_fault_on_this_side_is_not_mended_by_stopping_a_node),
		cmocka_unit_test(nobody_is_told_to_stop_what_others_launch),
		cmocka_unit_test(the_chosen_alone_are_reported),
		cmocka_unit_test(who_is_waited_for_is_named_once),
		cmocka_unit_test(the_worst_is_what_a_look_comes_to),
		cmocka_unit_test(what_vouches_for_the_key_is_said),
		cmocka_unit_test(an_error_is_told_by_its_name_status_and_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
