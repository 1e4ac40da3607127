/* The step that starts a quorum anew on a TEE that holds nothing: what it gives, and what it
 * believes of the answer. */
#include "tee_support.h"

/* tee2 was verified to hold nothing; two members have approved the manifest. */
static void stage_boot(struct stage *g)
{
	struct manifest_envelope *kept;
	struct err e;

	stage_fill(g, HELD_NOTHING);
	kept = &g->run.seen.genesis.envelope;
	approve(kept, "user1", birth_people.keys[0]);
	approve(kept, "user3", birth_people.keys[2]);
	assert_ok(do_step(g, STEP_VERIFY, 1, &e));
	g->told[0] = 0;
}

static void boot_gives_the_approved_manifest(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_boot(&g);
	assert_ok(do_step(&g, STEP_BOOT, 1, &e));
	assert_string_equal(g.told, "tee2: by 2 approvals\n");
	assert_int_equal(g.tees[1].approvals, 2);
	assert_int_equal(g.proofs[1].holding, HOLDS_SETUP_KEY);
	assert_true(public_key_equal(&g.proofs[1].setup_key, key_set_public(setup)));
	/* Whom it waits for is known from then on. */
	assert_int_equal(node_phase(&g.run.seen, 1), PHASE_WAITING_FOR_SHARES);
	assert_int_equal(g.seen[1].status.shares_missing.count, MEMBERS);
}

static void boot_asks_nothing_before_there_are_approvals(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct approval *approvals;
	struct err e;

	(void)state;
	stage_boot(&g);
	approvals = g.run.seen.genesis.envelope.manifest_set_approvals.items;
	approvals[1].signature.data[9] ^= 1;
	assert_refused(do_step(&g, STEP_BOOT, 1, &e), ERR_WAITING, "restart-approvals");
	assert_non_null(strstr(e.text, "1 of 2 approvals"));
	missing_are(&g, "user2 user3");
	assert_int_equal(g.tees[1].server->request_count, 1);
}

static void boot_leaves_alone_what_holds_a_manifest(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_boot(&g);
	g.tees[1].held = HELD_SETUP;
	g.seen[1].status.phase = PHASE_WAITING_FOR_SHARES;
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
	assert_refused(do_step(&g, STEP_BOOT, 1, &e), ERR_PARTIAL, "holds a manifest already");
	/* Also what was not verified. */
	g.proofs[1] = (struct node_proof){ 0 };
	assert_int_equal(do_step(&g, STEP_BOOT, 1, &e), -1);
	assert_int_equal(g.tees[1].approvals, 0);
}

/* While it boots, or before. */
static void boot_makes_nobody_believed_that_is_refused_meanwhile(void **state)
{
	AUTO(stage) struct stage g = { 0 }, before = { 0 };
	struct plot plot = { &g, .node = 1, .api = API_BOOT_STANDARD };
	struct err e;

	(void)state;
	stage_boot(&g);
	add_tee(&g, HELD_NOTHING);
	contest_at(&plot);
	assert_refused(do_step(&g, STEP_BOOT, 1, &e), ERR_ATTESTATION,
	               "tee2 was refused meanwhile, so its document after boot-standard counts for "
	               "nothing");
	assert_true(g.proofs[1].is_refused);
	stage_boot(&before);
	add_tee(&before, HELD_NOTHING);
	contest(&before, 1);
	assert_refused(do_step(&before, STEP_BOOT, 1, &e), ERR_ATTESTATION,
	               "tee2 was refused meanwhile, so the quorum is not restarted on it");
	assert_int_equal(before.tees[1].approvals, 0);
}

static void boot_believes_its_document_alone(void **state)
{
	static const struct lie_row rows[] = {
		{ OTHER_NONCE, "nonce" },
		{ OTHER_IMAGE, "pcr0" },
		{ NO_SETUP_KEY, "public_key" },
		{ OTHER_MODULE, "another TEE answers than the one that was verified" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_boot(&g);
		lie(&g, 1, API_BOOT_STANDARD, rows[i].lie);
		assert_refused(do_step(&g, STEP_BOOT, 1, &e), ERR_ATTESTATION, rows[i].reason);
		assert_non_null(strstr(e.text, "tee2: after boot-standard: "));
		assert_int_equal(g.proofs[1].holding, HOLDS_NOTHING);
		assert_int_equal(g.tees[1].server->request_count, 2);
		assert_string_equal(g.told, "");
	}
}

static void boot_takes_no_other_manifest(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_boot(&g);
	stage_age(&g); /* not even one that was this cluster's */
	assert_refused(do_step(&g, STEP_BOOT, 1, &e), ERR_ATTESTATION, "user_data");
	assert_int_equal(g.proofs[1].holding, HOLDS_NOTHING);
}

/* What it commits to is known, though whom it waits for is not. */
static void boot_is_not_done_before_it_says_whom_it_waits_for(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_boot(&g);
	lie(&g, 1, API_STATUS, HTTP_500);
	assert_int_equal(do_step(&g, STEP_BOOT, 1, &e), -1);
	assert_non_null(strstr(e.text, "tee2: status: "));
	assert_string_equal(g.told, "");
	assert_int_equal(g.proofs[1].holding, HOLDS_SETUP_KEY);
}

static void boot_says_whose_word_a_foreign_quorum_is(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_boot(&g);
	g.run.seen.genesis.is_foreign = true;
	assert_ok(do_step(&g, STEP_BOOT, 1, &e));
	assert_non_null(strstr(g.told, "tee2: the quorum was born elsewhere"));
}

/* Nobody's key is here to compare the manifest's sets with. */
static void boot_gives_nothing_that_may_not_be_sealed(void **state)
{
	static char nowhere[] = "/nonexistent/user.pub";
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_boot(&g);
	g.run.may_seal = false;
	for (size_t i = 0; i < MEMBERS; i++)
		g.birth.members[i].pub = nowhere;
	assert_refused(do_step(&g, STEP_BOOT, 1, &e), ERR_REFUSED, "nothing is sealed");
	assert_int_equal(g.tees[1].server->request_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(boot_gives_the_approved_manifest),
		cmocka_unit_test(boot_asks_nothing_before_there_are_approvals),
		cmocka_unit_test(boot_leaves_alone_what_holds_a_manifest),
		cmocka_unit_test(boot_makes_nobody_believed_that_is_refused_meanwhile),
		cmocka_unit_test(boot_believes_its_document_alone),
		cmocka_unit_test(boot_takes_no_other_manifest),
		cmocka_unit_test(boot_is_not_done_before_it_says_whom_it_waits_for),
		cmocka_unit_test(boot_says_whose_word_a_foreign_quorum_is),
		cmocka_unit_test(boot_gives_nothing_that_may_not_be_sealed),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
