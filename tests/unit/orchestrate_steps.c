/* The steps that ask one TEE something and hold its answer to what it must be: verify, prove,
 * forward, retire. */
#include "tee_support.h"

/* --- verify */

static void verify_shows_what_a_node_holds(void **state)
{
	static const struct {
		enum held held;
		enum holding holding;
		const char *told;
	} rows[] = {
		{ HELD_NOTHING, HOLDS_NOTHING, "tee2: no manifest yet\n" },
		{ HELD_SETUP, HOLDS_SETUP_KEY, "tee2: this cluster's manifest, no key yet\n" },
		{ HELD_KEY, HOLDS_KEY, "tee2: this cluster's manifest\n" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_fill(&g, rows[i].held);
		assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
		assert_int_equal(g.proofs[1].holding, rows[i].holding);
		assert_string_equal(g.told, rows[i].told);
	}
}

static void verify_takes_no_document_for_another(void **state)
{
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(document_lies); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_fill(&g, HELD_NOTHING);
		lie(&g, 1, API_LIVE_ATTESTATION, document_lies[i].lie);
		assert_refused(do_step(&g, STEP_VERIFY, 1, &e), ERR_ATTESTATION,
		               document_lies[i].reason);
		assert_int_equal(strncmp(e.text, "tee2: ", 6), 0);
		assert_true(g.proofs[1].is_refused);
		assert_int_equal(g.proofs[1].holding, HOLDS_UNKNOWN);
		assert_int_equal(g.proofs[1].refusal.code, ERR_ATTESTATION);
	}
}

/* What the document shows is less than the node claims, now as before: of what it claims nothing is
 * believed. */
static void verify_holds_a_node_to_its_claim(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_KEY);
	g.tees[1].held = HELD_SETUP;
	g.tees[1].says = PHASE_READY;
	assert_refused(do_step(&g, STEP_VERIFY, 1, &e), ERR_ATTESTATION, "claim");
	assert_true(g.proofs[1].is_refused);
	/* One that says it once and is silent then is held to it. */
	for (int lie_at = HTTP_500; lie_at <= HTTP_503; lie_at++) {
		g.seen[1].status.phase = PHASE_READY;
		lie(&g, 1, API_STATUS, (enum lie)lie_at);
		assert_refused(do_step(&g, STEP_VERIFY, 1, &e), ERR_ATTESTATION, "claim");
		assert_true(g.proofs[1].is_refused);
	}
	lie(&g, 1, API_STATUS, NO_LIE);
	/* More than it claims is no lie: it has gone on since it was asked. */
	g.seen[1].status.phase = PHASE_WAITING_FOR_KEY;
	g.tees[1].held = HELD_KEY;
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
	assert_int_equal(g.proofs[1].holding, HOLDS_KEY);
	/* But nobody has a key who says that it has none. */
	g.seen[1].status.phase = g.tees[1].says = PHASE_WAITING_FOR_BOOT;
	g.seen[1].status.has_manifest_hash = false;
	assert_refused(do_step(&g, STEP_VERIFY, 1, &e), ERR_ATTESTATION, "claim");
}

/* A status is of one moment and a document of the next: between them it was started anew. */
static void verify_asks_once_more_before_it_calls_a_node_a_liar(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_KEY);
	g.tees[1].held = HELD_NOTHING;
	g.tees[1].says = PHASE_WAITING_FOR_BOOT;
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
	assert_int_equal(g.proofs[1].holding, HOLDS_NOTHING);
	/* It is judged by what it says now. */
	assert_int_equal(g.seen[1].status.phase, PHASE_WAITING_FOR_BOOT);
	assert_false(g.seen[1].status.has_manifest_hash);
	/* Where there is no contradiction nobody is asked twice. */
	g.tees[1].says = PHASE_READY;
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
	assert_int_equal(g.seen[1].status.phase, PHASE_WAITING_FOR_BOOT);
}

/* While it is asked once more another node shows the same TEE. */
static void verify_believes_nobody_who_is_contested_meanwhile(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct plot plot = { .stage = &g, .node = 1, .api = API_STATUS };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_KEY);
	add_tee(&g, HELD_KEY);
	contest_at(&plot);
	g.tees[1].held = HELD_NOTHING;
	g.tees[1].says = PHASE_WAITING_FOR_BOOT;
	assert_refused(do_step(&g, STEP_VERIFY, 1, &e), ERR_ATTESTATION, "refused meanwhile");
	assert_true(g.proofs[1].is_refused);
	assert_null(plot.stage);
}

static void verify_takes_one_tee_for_one_node(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_KEY);
	assert_ok(do_step(&g, STEP_VERIFY, 0, &e));
	/* A relay at the other's address: which of the two it is nobody knows. */
	g.seen[1].url = g.tees[0].server->url;
	assert_refused(do_step(&g, STEP_VERIFY, 1, &e), ERR_ATTESTATION, "answers for tee1");
	assert_true(g.proofs[0].is_refused && g.proofs[1].is_refused);
	assert_refused(do_step(&g, STEP_VERIFY, 0, &e), ERR_ATTESTATION, "answers for tee2");
}

/* What a run before this one knew decides, also where the relay is asked first, or alone. */
static void verify_takes_a_tee_for_the_node_that_it_was(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_KEY);
	assert_ok(do_step(&g, STEP_VERIFY, 0, &e));
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
	stage_forget(&g);
	g.seen[1].url = g.tees[0].server->url;
	assert_refused(do_step(&g, STEP_VERIFY, 1, &e), ERR_ATTESTATION,
	               "answers for tee1, by the journal");
	assert_ok(do_step(&g, STEP_VERIFY, 0, &e));
	assert_false(g.proofs[0].is_refused);
	/* Where that node has since become another TEE, it may be that of the other. */
	stage_forget(&g);
	g.tees[0].module = "i-3";
	assert_ok(do_step(&g, STEP_VERIFY, 0, &e));
	stage_forget(&g);
	g.tees[1].module = "i-1";
	g.seen[1].url = g.tees[1].server->url;
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
}

/* What two runs ago nobody could decide is as undecided for the next. */
static void verify_learns_nothing_of_who_came_first(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_KEY);
	g.tees[0].module = "i-2";
	assert_ok(do_step(&g, STEP_VERIFY, 0, &e));
	assert_refused(do_step(&g, STEP_VERIFY, 1, &e), ERR_ATTESTATION, "neither is believed");
	stage_forget(&g);
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
	assert_refused(do_step(&g, STEP_VERIFY, 0, &e), ERR_ATTESTATION, "neither is believed");
	assert_true(g.proofs[1].is_refused);
	stage_forget(&g);
	g.tees[0].module = "i-1"; /* the relay is gone */
	assert_ok(do_step(&g, STEP_VERIFY, 0, &e));
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
}

/* A watch lives for days: what it saw at an earlier look it knew before. */
static void verify_knows_what_an_earlier_look_has_shown(void **state)
{
	AUTO(stage) struct stage g = { 0 }, none = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_KEY);
	assert_ok(do_step(&g, STEP_VERIFY, 0, &e));
	evidence_settle_tees(&g.run.evidence);
	g.seen[1].url = g.tees[0].server->url;
	assert_refused(do_step(&g, STEP_VERIFY, 1, &e), ERR_ATTESTATION, "by the journal");
	assert_ok(do_step(&g, STEP_VERIFY, 0, &e));
	/* But not what it could not decide. */
	stage_fill(&none, HELD_KEY);
	none.tees[0].module = "i-2";
	assert_ok(do_step(&none, STEP_VERIFY, 0, &e));
	assert_refused(do_step(&none, STEP_VERIFY, 1, &e), ERR_ATTESTATION, "neither");
	evidence_settle_tees(&none.run.evidence);
	assert_refused(do_step(&none, STEP_VERIFY, 1, &e), ERR_ATTESTATION, "neither");
	assert_refused(do_step(&none, STEP_VERIFY, 0, &e), ERR_ATTESTATION, "neither");
}

/* --- prove */

static void prove_is_by_the_quorum_key_over_this_challenge(void **state)
{
	static const struct lie_row rows[] = {
		/* without a reason: it holds */
		{ NO_LIE, NULL },
		{ OTHER_KEY, "key-proof" },
		{ OTHER_QUORUM, "quorum_key" },
		{ OTHER_NONCE, "nonce" },
		{ OTHER_IMAGE, "pcr0" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_fill(&g, HELD_KEY);
		lie(&g, 1, API_PROVE_KEY, rows[i].lie);
		if (!rows[i].reason) {
			assert_ok(do_step(&g, STEP_PROVE, 1, &e));
			assert_true(g.proofs[1].has_key_proof);
			continue;
		}
		assert_refused(do_step(&g, STEP_PROVE, 1, &e), ERR_ATTESTATION, rows[i].reason);
		assert_int_equal(strncmp(e.text, "tee2: prove-key: ", 17), 0);
		assert_true(g.proofs[1].is_refused);
		assert_false(g.proofs[1].has_key_proof);
	}
}

static void prove_is_no_proof_before_the_setup_key_is_gone(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_SETUP);
	assert_refused(do_step(&g, STEP_PROVE, 1, &e), ERR_ATTESTATION, "user_data");
	/* One that has no key says so itself: then it is taken at its word. */
	lie(&g, 1, API_PROVE_KEY, NOT_NOW);
	g.proofs[1] = (struct node_proof){ .holding = HOLDS_KEY };
	assert_refused(do_step(&g, STEP_PROVE, 1, &e), ERR_PARTIAL, "not in this phase");
	assert_true(g.proofs[1].is_refused);
	assert_int_equal(g.proofs[1].refusal.code, ERR_PHASE);
	/* That it does not answer says nothing of what it was verified to hold. */
	lie(&g, 1, API_PROVE_KEY, HTTP_500);
	g.proofs[1] = (struct node_proof){ .holding = HOLDS_KEY };
	assert_int_equal(do_step(&g, STEP_PROVE, 1, &e), -1);
	assert_false(g.proofs[1].is_refused);
}

/* --- forward */

static void forward_brings_the_key_to_an_attested_setup_key(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_NOTHING);
	assert_ok(do_step(&g, STEP_FORWARD, 1, &e));
	assert_string_equal(g.told, "tee2: from tee1\n");
	assert_int_equal(g.proofs[1].holding, HOLDS_SETUP_KEY);
	assert_true(public_key_equal(&g.proofs[1].setup_key, key_set_public(setup)));
}

static void forward_asks_nobody_for_a_key_that_is_there(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_SETUP);
	g.tees[1].held = HELD_KEY; /* another has forwarded it meanwhile */
	assert_ok(do_step(&g, STEP_FORWARD, 1, &e));
	assert_string_equal(g.told, "tee2: had the key already\n");
	assert_int_equal(g.tees[0].server->request_count, 0);
}

static void forward_stops_at_the_first_thing_that_is_wrong(void **state)
{
	static const struct {
		size_t tee;
		enum api api;
		enum lie lie;
		const char *reason;
		size_t exports, injects; /* how often they were asked for */
	} rows[] = {
		/* before the source is asked for anything */
		{ 1, API_GENERATE_ATTESTATION, OTHER_NONCE, "nonce", 0, 0 },
		{ 1, API_GENERATE_ATTESTATION, OTHER_IMAGE, "pcr0", 0, 0 },
		/* before the target is given anything */
		{ 0, API_EXPORT_KEY, OTHER_KEY, "export-signature", 1, 0 },
		{ 0, API_EXPORT_KEY, OTHER_ENVELOPE, "export-signature", 1, 0 },
		{ 0, API_EXPORT_KEY, NO_RECEIPT, "receipt", 1, 0 },
		{ 0, API_EXPORT_KEY, OTHER_RECEIPT, "receipt", 1, 0 },
		{ 0, API_EXPORT_KEY, OTHER_SUBJECT, "receipt", 1, 0 },
		/* and what it was given it must have taken */
		{ 1, API_INJECT_KEY, NO_RECEIPT, "receipt", 1, 1 },
		{ 1, API_INJECT_KEY, OTHER_RECEIPT, "receipt", 1, 1 },
		{ 1, API_INJECT_KEY, OTHER_SUBJECT, "receipt", 1, 1 },
		{ 1, API_INJECT_KEY, OTHER_BOOT, "receipt", 1, 1 },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_fill(&g, HELD_NOTHING);
		lie(&g, rows[i].tee, rows[i].api, rows[i].lie);
		assert_refused(do_step(&g, STEP_FORWARD, 1, &e), ERR_ATTESTATION, rows[i].reason);
		assert_int_equal(g.tees[0].server->request_count, rows[i].exports);
		assert_int_equal(g.tees[1].server->request_count, 2 + rows[i].injects);
		assert_null(strstr(g.told, "from tee1"));
	}
}

/* A relay would have the key sealed to a TEE that has it. */
static void forward_takes_one_tee_for_one_node(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_NOTHING);
	assert_ok(do_step(&g, STEP_VERIFY, 0, &e));
	lie(&g, 1, API_GENERATE_ATTESTATION, OTHER_MODULE);
	assert_refused(do_step(&g, STEP_FORWARD, 1, &e), ERR_ATTESTATION, "answers for tee1");
	assert_int_equal(g.tees[0].server->request_count, 1);
}

/* tee2 alone is asked for: nobody looks at the TEE that stands in its place under its own name. */
static void forward_takes_a_tee_for_the_node_that_it_was(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_NOTHING);
	assert_ok(do_step(&g, STEP_VERIFY, 0, &e));
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
	stage_forget(&g);
	lie(&g, 1, API_GENERATE_ATTESTATION, OTHER_MODULE);
	assert_refused(do_step(&g, STEP_FORWARD, 1, &e), ERR_ATTESTATION,
	               "answers for tee1, by the journal");
	assert_int_equal(g.tees[0].server->request_count, 1);
	/* One that nobody knows may have been started there: that is told. */
	g.tees[1].held = HELD_NOTHING;
	g.tees[1].module = "i-3";
	lie(&g, 1, API_GENERATE_ATTESTATION, NO_LIE);
	assert_ok(do_step(&g, STEP_FORWARD, 1, &e));
	assert_non_null(strstr(g.told, "tee2: another TEE answers than the last one seen here"));
}

static void forward_names_a_source_that_does_not_answer(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_NOTHING);
	lie(&g, 0, API_EXPORT_KEY, HTTP_500);
	assert_int_equal(do_step(&g, STEP_FORWARD, 1, &e), -1);
	assert_non_null(strstr(e.text, "tee1: export-key: "));
	assert_int_equal(g.seen[0].presence, NODE_UNREACHABLE);
	assert_int_equal(g.tees[1].server->request_count, 2);
}

/* A fault of the source's is not the target's: another that has the key takes its place. */
static void forward_takes_another_source_for_one_that_is_at_fault(void **state)
{
	static const struct {
		enum lie lie;
		enum err_code code;
	} rows[] = {
		{ OTHER_KEY, ERR_ATTESTATION },     { NO_RECEIPT, ERR_ATTESTATION },
		{ OTHER_RECEIPT, ERR_ATTESTATION }, { OTHER_SUBJECT, ERR_ATTESTATION },
		{ HTTP_500, ERR_PARTIAL },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_fill(&g, HELD_NOTHING);
		add_tee(&g, HELD_KEY);
		lie(&g, 0, API_EXPORT_KEY, rows[i].lie);
		assert_int_equal(do_step(&g, STEP_FORWARD, 1, &e), -1);
		assert_int_equal(e.code, rows[i].code);
		assert_int_equal(strncmp(e.text, "tee1: ", 6), 0);
		assert_non_null(strstr(g.told, "so the key comes from tee3\n"));
		assert_non_null(strstr(g.told, "tee2: from tee3\n"));
		assert_int_equal(g.tees[0].server->request_count, 1);
	}
}

/* The command's time is up, or this run leads no more: no other source would do better, and this
 * one is not lost. */
static void forward_blames_no_source_for_the_end_of_the_run(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_NOTHING);
	add_tee(&g, HELD_KEY);
	lie(&g, 0, API_EXPORT_KEY, HANGS);
	g.run.deadline_ms = clock_monotonic_ms() + 2000;
	assert_refused(do_step(&g, STEP_FORWARD, 1, &e), ERR_PARTIAL,
	               "tee1: export-key: the time is up");
	assert_int_equal(g.seen[0].presence, NODE_PRESENT);
	assert_string_equal(g.told, "");
	assert_int_equal(g.tees[2].server->request_count, 0);
}

/* --- retire */

static void retire_is_believed_by_a_receipt_that_the_key_has_signed(void **state)
{
	static const struct {
		enum lie lie;
		enum err_code code;
		const char *reason;
	} rows[] = {
		{ NO_RECEIPT, ERR_ATTESTATION, "receipt" },
		{ OTHER_RECEIPT, ERR_ATTESTATION, "receipt" },
		{ HTTP_500, ERR_NOT_DESIRED, STEP_ELSEWHERE },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_fill(&g, HELD_KEY);
		lie(&g, 1, API_RETIRE, rows[i].lie);
		assert_refused(do_step(&g, STEP_RETIRE, 1, &e), rows[i].code, rows[i].reason);
		assert_int_equal(node_phase(&g.run.seen, 1), PHASE_READY);
	}
}

static void retire_forgets_what_was_known(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_known(&g);
	g.proofs[1] = (struct node_proof){ .holding = HOLDS_KEY, .has_key_proof = true };
	assert_ok(do_step(&g, STEP_RETIRE, 1, &e));
	assert_string_equal(g.told, "tee2: wiped\n");
	assert_int_equal(node_standing(&g.run.seen, 1), STANDS_BROKEN);
	assert_int_equal(g.proofs[1].holding, HOLDS_UNKNOWN);
	assert_false(g.proofs[1].has_key_proof);
}

/* Whether there was a key to give up is told by the document alone. */
static void retire_asks_for_a_receipt_whatever_phase_is_claimed(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_KEY);
	g.seen[1].status.phase = PHASE_WAITING_FOR_KEY;
	lie(&g, 1, API_RETIRE, NO_RECEIPT);
	assert_refused(do_step(&g, STEP_RETIRE, 1, &e), ERR_ATTESTATION, "receipt");
	lie(&g, 1, API_LIVE_ATTESTATION, OTHER_IMAGE);
	assert_refused(do_step(&g, STEP_RETIRE, 1, &e), ERR_ATTESTATION, "pcr0");
	/* And one that has none gives none, where it is known as the one that stood there. */
	stage_forget(&g);
	g.tees[1].held = HELD_SETUP;
	lie(&g, 1, API_RETIRE, NO_RECEIPT);
	assert_ok(do_step(&g, STEP_RETIRE, 1, &e));
	assert_non_null(strstr(g.told, "tee2: by its word: it had no key to sign with"));
}

/* Else a relay would have another TEE give up its key, and this one be called retired. */
static void retire_tells_nobody_to_wipe_but_the_tee_that_is_meant(void **state)
{
	static const struct lie_row rows[] = {
		{ OTHER_NONCE, "nonce" },
		{ OTHER_IMAGE, "pcr0" },
		{ OTHER_MODULE, "answers for tee1, by the journal" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };
		size_t asked;

		stage_fill(&g, HELD_KEY);
		assert_ok(do_step(&g, STEP_VERIFY, 0, &e));
		assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
		stage_forget(&g);
		g.told[0] = 0;
		lie(&g, 1, API_LIVE_ATTESTATION, rows[i].lie);
		asked = g.tees[1].server->request_count;
		assert_refused(do_step(&g, STEP_RETIRE, 1, &e), ERR_ATTESTATION, rows[i].reason);
		assert_int_equal(g.tees[1].server->request_count, asked + 1);
		assert_int_equal(node_phase(&g.run.seen, 1), PHASE_READY);
		assert_string_equal(g.told, "");
	}
}

/* What a relay keeps back is no receipt; asked again, the TEE gives the one that it gave. */
static void retire_is_done_once_the_receipt_is_here(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_SETUP);
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
	g.tees[1].held = HELD_KEY;
	g.seen[1].status.phase = PHASE_READY;
	lie(&g, 1, API_RETIRE, ANSWER_LOST);
	assert_refused(do_step(&g, STEP_RETIRE, 1, &e), ERR_NOT_DESIRED, STEP_ELSEWHERE);
	assert_int_equal(node_phase(&g.run.seen, 1), PHASE_READY);
	lie(&g, 1, API_RETIRE, OLD_RECEIPT);
	assert_ok(do_step(&g, STEP_RETIRE, 1, &e));
}

static void retire_takes_no_receipt_of_another_tee(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_known(&g);
	assert_ok(do_step(&g, STEP_RETIRE, 0, &e));
	/* Of the same boot, as its setup key says, and so of the same TEE. */
	g.tees[1].setup = other_setup;
	assert_refused(do_step(&g, STEP_RETIRE, 1, &e), ERR_ATTESTATION, "of the TEE that is tee1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verify_shows_what_a_node_holds),
		cmocka_unit_test(verify_takes_no_document_for_another),
		cmocka_unit_test(verify_holds_a_node_to_its_claim),
		cmocka_unit_test(verify_asks_once_more_before_it_calls_a_node_a_liar),
		cmocka_unit_test(verify_believes_nobody_who_is_contested_meanwhile),
		cmocka_unit_test(verify_takes_one_tee_for_one_node),
		cmocka_unit_test(verify_takes_a_tee_for_the_node_that_it_was),
		cmocka_unit_test(verify_learns_nothing_of_who_came_first),
		cmocka_unit_test(verify_knows_what_an_earlier_look_has_shown),
		cmocka_unit_test(forward_takes_a_tee_for_the_node_that_it_was),
		cmocka_unit_test(prove_is_by_the_quorum_key_over_this_challenge),
		cmocka_unit_test(prove_is_no_proof_before_the_setup_key_is_gone),
		cmocka_unit_test(forward_brings_the_key_to_an_attested_setup_key),
		cmocka_unit_test(forward_asks_nobody_for_a_key_that_is_there),
		cmocka_unit_test(forward_stops_at_the_first_thing_that_is_wrong),
		cmocka_unit_test(forward_takes_one_tee_for_one_node),
		cmocka_unit_test(forward_names_a_source_that_does_not_answer),
		cmocka_unit_test(forward_takes_another_source_for_one_that_is_at_fault),
		cmocka_unit_test(forward_blames_no_source_for_the_end_of_the_run),
		cmocka_unit_test(retire_is_believed_by_a_receipt_that_the_key_has_signed),
		cmocka_unit_test(retire_forgets_what_was_known),
		cmocka_unit_test(retire_asks_for_a_receipt_whatever_phase_is_claimed),
		cmocka_unit_test(retire_tells_nobody_to_wipe_but_the_tee_that_is_meant),
		cmocka_unit_test(retire_is_done_once_the_receipt_is_here),
		cmocka_unit_test(retire_takes_no_receipt_of_another_tee),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
