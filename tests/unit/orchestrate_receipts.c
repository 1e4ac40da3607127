/* Receipts are booked on a node only where they are of the TEE that answers there: its live
 * document commits to the setup key that they name, which a document in the journal has shown. */
#include "tee_support.h"

#include "base/file.h"

#define SHOWN_ELSEWHERE "of another TEE than the one that answers here"

static void does(struct tee *t, enum receipt_kind kind)
{
	struct receipt_item ignored;
	bool has;
	struct err e;

	assert_ok(sign_receipt(t, API_INJECT_KEY, kind, view_text("what"), &has, &ignored, &e));
}

/* A relay gives what another TEE gave. */
static void repeats(struct tee *t, const struct tee *other)
{
	memcpy(t->kept, other->kept, sizeof(t->kept));
	t->receipts = other->receipts;
}

static size_t lines_of_receipts(const struct stage *g)
{
	AUTO(buf) struct buf text = BUF_INIT(1u << 20);
	char path[256];
	size_t count = 0;
	struct err e;

	snprintf(path, sizeof(path), "%s/%s", g->folder, JOURNAL_FILE);
	if (file_is_there(path))
		assert_ok(file_read(path, &text, &e));
	for (const char *at = text.len ? buf_text(&text) : ""; (at = strstr(at, "\"receipt\""));)
		at++, count++;
	return count;
}

static void refused(struct stage *g, enum err_code code, const char *words)
{
	size_t before = lines_of_receipts(g), new = 9;
	struct err e;

	assert_refused(evidence_fetch_all(&g->run, &new, &e), code, words);
	assert_int_equal(new, 0);
	assert_int_equal(lines_of_receipts(g), before);
}

static void those_of_the_tee_that_answers_are_written_down(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	size_t new;
	struct err e;

	(void)state;
	stage_known(&g);
	does(&g.tees[0], RECEIPT_EXPORT);
	does(&g.tees[1], RECEIPT_INJECT);
	does(&g.tees[1], RECEIPT_RETIRE);
	assert_ok(evidence_fetch_all(&g.run, &new, &e));
	assert_int_equal(new, 3);
	assert_int_equal(lines_of_receipts(&g), 3);
	assert_ok(evidence_fetch_all(&g.run, &new, &e));
	assert_int_equal(new, 0);
}

static void those_of_another_tee_are_not(void **state)
{
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	stage_known(&g);
	does(&g.tees[0], RECEIPT_INJECT);
	does(&g.tees[0], RECEIPT_RETIRE);
	repeats(&g.tees[1], &g.tees[0]);
	g.seen[0].presence = NODE_ABSENT; /* nobody else is there to be compared with */
	(void)err_set(&g.seen[0].why, ERR_PARTIAL, "tee1 is away");
	refused(&g, ERR_ATTESTATION, SHOWN_ELSEWHERE);
}

/* Its own boot is known, and the receipts are of one that is not. */
static void those_of_a_boot_that_nobody_knows_are_not(void **state)
{
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	stage_known(&g);
	lie(&g, 1, API_INJECT_KEY, OTHER_BOOT);
	does(&g.tees[1], RECEIPT_INJECT);
	refused(&g, ERR_ATTESTATION, SHOWN_ELSEWHERE);
}

/* Of a TEE that somebody else has brought up, no document here has shown the setup key. */
static void those_that_nothing_binds_are_not(void **state)
{
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	stage_fill(&g, HELD_KEY);
	does(&g.tees[1], RECEIPT_INJECT);
	refused(&g, ERR_ATTESTATION, "no document in the journal shows the setup key");
}

static void nobody_is_asked_whose_document_does_not_hold(void **state)
{
	static const struct lie_row rows[] = {
		{ OTHER_NONCE, "nonce" },
		{ OTHER_IMAGE, "pcr0" },
		{ OTHER_MODULE, "answers for tee1" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };
		size_t asked;

		stage_known(&g);
		does(&g.tees[1], RECEIPT_INJECT);
		lie(&g, 1, API_LIVE_ATTESTATION, rows[i].lie);
		asked = g.tees[1].server->request_count;
		refused(&g, ERR_ATTESTATION, rows[i].reason);
		assert_int_equal(g.tees[1].server->request_count, asked + 1);
	}
}

/* Whoever is quicker gets nothing booked, where the journal could not decide. */
static void those_of_a_tee_that_is_two_nodes_are_not(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	size_t new = 9;
	struct err e;

	(void)state;
	stage_fill(&g, HELD_SETUP);
	g.tees[0].held = HELD_SETUP;
	g.tees[0].module = "i-2";
	g.tees[0].setup = setup;
	for (size_t i = 0; i < 2; i++)
		g.seen[i].status.phase = PHASE_WAITING_FOR_KEY;
	assert_ok(do_step(&g, STEP_VERIFY, 0, &e));
	assert_refused(do_step(&g, STEP_VERIFY, 1, &e), ERR_ATTESTATION, "neither");
	stage_forget(&g);
	does(&g.tees[0], RECEIPT_INJECT);
	repeats(&g.tees[1], &g.tees[0]);
	g.tees[0].held = g.tees[1].held = HELD_KEY;
	g.seen[1].presence = NODE_ABSENT;
	(void)err_set(&g.seen[1].why, ERR_PARTIAL, "tee2 is away");
	refused(&g, ERR_ATTESTATION, "tee1: the journal has its TEE as that of tee2 as well");
	/* Once tee2 is another TEE, it is tee1's. */
	stage_forget(&g);
	g.seen[1].presence = NODE_PRESENT;
	g.tees[1].module = "i-9";
	g.tees[1].setup = third_setup;
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
	g.tees[1].receipts = 0;
	stage_forget(&g);
	assert_ok(evidence_fetch_all(&g.run, &new, &e));
	assert_int_equal(new, 1);
}

/* One that is not asked is named: it may only say so. */
static void who_claims_another_manifest_is_named(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	size_t new;
	struct err e;

	(void)state;
	stage_known(&g);
	does(&g.tees[1], RECEIPT_INJECT);
	g.seen[1].status.manifest_hash[0] ^= 1;
	g.told[0] = 0;
	/* Its document says otherwise, and counts. */
	assert_ok(evidence_fetch_all(&g.run, &new, &e));
	assert_int_equal(new, 1);
	stage_forget(&g);
	g.tees[1].held = HELD_NOTHING;
	g.tees[1].module = "i-9";
	assert_ok(evidence_fetch_all(&g.run, &new, &e));
	assert_int_equal(new, 0);
	assert_non_null(strstr(g.told, "tee2: says that it holds a manifest that is none of this"));
	assert_non_null(strstr(g.told, "tee2: another TEE answers than the last one seen here"));
}

static void who_holds_no_manifest_has_none(void **state)
{
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	stage_known(&g);
	does(&g.tees[1], RECEIPT_INJECT);
	g.tees[1].held = HELD_NOTHING;
	refused(&g, ERR_ATTESTATION, "it holds no manifest");
}

/* What a step is given with its answer. */

static void a_step_takes_none_of_another_boot(void **state)
{
	AUTO(stage) struct stage retired = { 0 }, exported = { 0 };
	struct err e;

	(void)state;
	stage_known(&retired);
	lie(&retired, 1, API_RETIRE, OTHER_BOOT);
	assert_refused(do_step(&retired, STEP_RETIRE, 1, &e), ERR_ATTESTATION, SHOWN_ELSEWHERE);
	assert_int_equal(node_phase(&retired.run.seen, 1), PHASE_READY);
	stage_known(&exported);
	exported.tees[1].held = HELD_NOTHING;
	exported.seen[1].status.phase = PHASE_WAITING_FOR_BOOT;
	exported.seen[1].status.has_manifest_hash = false;
	assert_ok(do_step(&exported, STEP_VERIFY, 0, &e));
	lie(&exported, 0, API_EXPORT_KEY, OTHER_BOOT);
	assert_refused(do_step(&exported, STEP_FORWARD, 1, &e), ERR_ATTESTATION, SHOWN_ELSEWHERE);
}

/* A receipt that says that the key was given up, of a TEE that did so long ago: where nothing is
 * known of either, it is not older than the document. */
static void a_step_takes_no_old_one_that_nothing_binds(void **state)
{
	AUTO(stage) struct stage old = { 0 }, fresh = { 0 }, known = { 0 };
	struct err e;

	(void)state;
	stage_fill(&old, HELD_KEY);
	lie(&old, 1, API_RETIRE, OLD_RECEIPT);
	assert_refused(do_step(&old, STEP_RETIRE, 1, &e), ERR_ATTESTATION,
	               "no document in the journal shows the setup key");
	assert_int_equal(node_phase(&old.run.seen, 1), PHASE_READY);
	/* A new one can be another TEE's as well, to which a relay passed the question on. */
	stage_fill(&fresh, HELD_KEY);
	assert_refused(do_step(&fresh, STEP_RETIRE, 1, &e), ERR_ATTESTATION,
	               "no document in the journal shows the setup key that its receipt names");
	assert_int_equal(node_phase(&fresh.run.seen, 1), PHASE_READY);
	/* Its own may be as old as it is: the answer was lost before. */
	stage_known(&known);
	lie(&known, 1, API_RETIRE, OLD_RECEIPT);
	assert_ok(do_step(&known, STEP_RETIRE, 1, &e));
}

static void nothing_more(void *context, const struct err *failure)
{
	*(bool *)context = failure == NULL;
}

/* What node was given as tee's i-th receipt. */
static int gives_proof(struct stage *g, size_t node, const struct tee *tee, size_t i, bool is_proof,
                       struct err *e)
{
	const struct receipt_claim claim = { .node = node,
		                             .is_proof = is_proof,
		                             .kind = RECEIPT_INJECT,
		                             .item = &tee->kept[i],
		                             .subject = view_text("what"),
		                             .manifest_hash = &g->manifest,
		                             .quorum_key = &g->run.seen.genesis.quorum_key };
	bool is_taken = false;

	TRY(evidence_receipt(&g->run, &claim, nothing_more, &is_taken, e));
	assert_true(is_taken);
	return 0;
}

static int gives(struct stage *g, size_t node, const struct tee *tee, size_t i, struct err *e)
{
	return gives_proof(g, node, tee, i, /* is_proof= */ false, e);
}

/* A relay in front of a TEE that others have set up gives its receipts before it does itself: they
 * are the relay's node's in that run. What nothing else shows is so as long as that node's TEE is
 * the same. */
static void who_brings_them_first_has_them_no_longer_than_he_is_there(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_KEY);
	for (int i = 0; i < 4; i++)
		does(&g.tees[1], RECEIPT_INJECT);
	for (size_t i = 0; i < 2; i++)
		assert_ok(do_step(&g, STEP_VERIFY, i, &e));
	assert_ok(gives(&g, 0, &g.tees[1], 0, &e));
	assert_refused(gives(&g, 1, &g.tees[1], 1, &e), ERR_ATTESTATION,
	               "tee2: its receipt is of the TEE that is tee1, by the journal");
	stage_forget(&g);
	assert_refused(gives_proof(&g, 1, &g.tees[1], 1, true, &e), ERR_ATTESTATION,
	               "that is tee1");
	assert_ok(gives(&g, 1, &g.tees[1], 1, &e));
	g.tees[0].module = "i-9";
	assert_ok(do_step(&g, STEP_VERIFY, 0, &e));
	assert_ok(gives_proof(&g, 1, &g.tees[1], 2, true, &e));
}

/* Whoever brought them first: a document shows whose boot it is. */
static void a_document_says_more_than_who_was_first(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_SETUP);
	for (int i = 0; i < 2; i++)
		does(&g.tees[1], RECEIPT_INJECT);
	assert_ok(do_step(&g, STEP_VERIFY, 0, &e));
	assert_ok(gives(&g, 0, &g.tees[1], 0, &e));
	g.seen[1].status.phase = PHASE_WAITING_FOR_KEY;
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
	assert_ok(gives(&g, 1, &g.tees[1], 1, &e));
	assert_refused(gives(&g, 0, &g.tees[1], 1, &e), ERR_ATTESTATION,
	               "tee1: its receipt is of the TEE that is tee2, by the journal");
}

struct ending {
	bool is_over;
	struct err why;
};

static void end(void *context, const struct err *failure)
{
	struct ending *ending = context;

	ending->is_over = true;
	if (failure)
		ending->why = *failure;
}

/* Those before an answer's are fetched for it: whoever lists another boot's among them gets none of
 * that boot written down, where nothing here knows whose either is. */
static void those_before_an_answers_are_of_its_boot(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct receipt_claim claim;
	struct ending ending = { 0 };
	struct receipt_item own;
	struct err e;

	(void)state;
	stage_fill(&g, HELD_KEY);
	for (int i = 0; i < 2; i++) {
		does(&g.tees[0], RECEIPT_INJECT);
		does(&g.tees[1], RECEIPT_INJECT);
	}
	own = g.tees[1].kept[1];
	repeats(&g.tees[1], &g.tees[0]);
	claim = (struct receipt_claim){ .node = 1,
		                        .kind = RECEIPT_INJECT,
		                        .item = &own,
		                        .subject = view_text("what"),
		                        .manifest_hash = &g.manifest,
		                        .quorum_key = &g.run.seen.genesis.quorum_key };
	assert_ok(evidence_receipt(&g.run, &claim, end, &ending, &e));
	assert_ok(client_run(g.run.client, g.run.deadline_ms, -1, NULL, NULL, &e));
	assert_true(ending.is_over);
	assert_int_equal(ending.why.code, ERR_ATTESTATION);
	assert_string_equal(ending.why.text, "tee2: its receipts name more than one setup key");
	assert_int_equal(lines_of_receipts(&g), 0);
}

/* The relay answers itself, with a receipt that nobody can verify. */
static void a_tee_is_not_retired_by_a_receipt_without_those_before_it(void **state)
{
	static const enum lie lies[] = { FORGETS, NO_ACCESS };

	(void)state;
	for (size_t i = 0; i < COUNT(lies); i++) {
		AUTO(stage) struct stage g = { 0 };
		struct err e;

		stage_known(&g);
		does(&g.tees[1], RECEIPT_INJECT);
		lie(&g, 1, API_RECEIPTS, lies[i]);
		assert_refused(do_step(&g, STEP_RETIRE, 1, &e), ERR_ATTESTATION,
		               "tee2: its receipt 1 can't be verified, since");
		assert_int_equal(node_phase(&g.run.seen, 1), PHASE_READY);
		assert_int_equal(lines_of_receipts(&g), 0);
		/* With those before it it is. */
		lie(&g, 1, API_RECEIPTS, NO_LIE);
		assert_ok(do_step(&g, STEP_RETIRE, 1, &e));
	}
}

/* Another TEE, without a key, answers for tee2, and says that it is in that phase. */
static void replace_by_blank(struct stage *g, enum phase phase)
{
	g->tees[1].module = "i-9";
	g->tees[1].setup = third_setup;
	g->tees[1].held = HELD_NOTHING;
	g->seen[1].status.phase = phase;
}

/* A blank enclave stands in the place of the one that has the key. */
static void a_tee_is_not_retired_by_another_that_has_no_key(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_known(&g);
	replace_by_blank(&g, PHASE_UNRECOVERABLE);
	lie(&g, 1, API_RETIRE, NO_RECEIPT);
	/* However often it is asked: only who verifies it takes note of it. */
	for (int i = 0; i < 2; i++) {
		assert_refused(do_step(&g, STEP_RETIRE, 1, &e), ERR_NOT_DESIRED,
		               "tee2: another TEE answers than the last one seen here");
		stage_forget(&g);
	}
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
	stage_forget(&g);
	assert_ok(do_step(&g, STEP_RETIRE, 1, &e));
}

/* Of a damaged journal nothing is taken, however often somebody verifies: that is told as well. */
static void a_damaged_journal_is_out_of_the_way_first(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	char path[4096];
	struct err e;
	FILE *file;

	(void)state;
	stage_known(&g);
	snprintf(path, sizeof(path), "%s/journal", g.run.state.folder);
	file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fputc('x', file), 'x');
	assert_int_equal(fclose(file), 0);
	g.tees[1].held = HELD_NOTHING;
	g.seen[1].status.phase = PHASE_UNRECOVERABLE;
	lie(&g, 1, API_RETIRE, NO_RECEIPT);
	assert_refused(do_step(&g, STEP_RETIRE, 1, &e), ERR_NOT_DESIRED,
	               "once the journal, which is damaged, has been moved out of the state");
	stage_forget(&g);
	assert_int_equal(unlink(path), 0);
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
	stage_forget(&g);
	assert_ok(do_step(&g, STEP_RETIRE, 1, &e));
}

/* Whoever chooses nodes by their states, or asks for them, has each verified: that is no word of
 * who launched it. */
static void a_glance_takes_no_note_of_another(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(plan) struct plan plan = { 0 };
	const struct goal goal = { .kind = GOAL_STATUS };
	struct err e;

	(void)state;
	stage_known(&g);
	replace_by_blank(&g, PHASE_UNRECOVERABLE);
	lie(&g, 1, API_RETIRE, NO_RECEIPT);
	assert_ok(plan_make(g.run.cluster, &g.run.seen, &goal, &plan, &e));
	for (int i = 0; i < 2; i++) {
		assert_ok(execute(&g.run, &plan, &e));
		assert_refused(do_step(&g, STEP_RETIRE, 1, &e), ERR_NOT_DESIRED,
		               "tee2: another TEE answers than the last one seen here");
		stage_forget(&g);
	}
	/* Nor does a note that was taken in the same look count. */
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
	assert_refused(do_step(&g, STEP_RETIRE, 1, &e), ERR_NOT_DESIRED,
	               "tee2: another TEE answers than the last one seen here");
	stage_forget(&g);
	assert_ok(do_step(&g, STEP_RETIRE, 1, &e));
}

/* Nor who asks to be given something and is refused: it would be the last TEE seen there. */
static void who_is_refused_the_key_is_not_the_last_one_seen(void **state)
{
	static const struct {
		enum step_kind kind;
		enum phase phase;
	} rows[] = { { STEP_INJECT, PHASE_WAITING_FOR_SHARES },
		     { STEP_FORWARD, PHASE_WAITING_FOR_KEY } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };
		struct err e;

		stage_known(&g);
		replace_by_blank(&g, rows[i].phase);
		lie(&g, 1, API_SHARE_MANIFEST, NO_SETUP_KEY);
		assert_refused(do_step(&g, rows[i].kind, 1, &e), ERR_ATTESTATION,
		               "its document commits to no setup key");
		stage_forget(&g);
		g.seen[1].status.phase = PHASE_UNRECOVERABLE;
		lie(&g, 1, API_RETIRE, NO_RECEIPT);
		assert_refused(do_step(&g, STEP_RETIRE, 1, &e), ERR_NOT_DESIRED,
		               "tee2: another TEE answers than the last one seen here");
	}
}

/* The journal is new: whoever stands there has not been seen as the node that had the key. */
static void a_tee_without_a_key_is_not_retired_where_none_is_known(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_NOTHING);
	g.seen[1].status.phase = PHASE_UNRECOVERABLE;
	lie(&g, 1, API_RETIRE, NO_RECEIPT);
	for (int i = 0; i < 2; i++) {
		assert_refused(do_step(&g, STEP_RETIRE, 1, &e), ERR_NOT_DESIRED,
		               "tee2: the TEE that answers has no key, and no document in the "
		               "journal shows that it is the one that had it");
		stage_forget(&g);
	}
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
	stage_forget(&g);
	assert_ok(do_step(&g, STEP_RETIRE, 1, &e));
}

/* One that has the key, or had it, stands there: it was a node that is out of the cluster file. Its
 * receipt holds, and says nothing of the one that was to go. */
static void a_tee_is_not_retired_by_another_that_has_been(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	size_t lines;
	struct err e;

	(void)state;
	stage_known(&g);
	add_tee(&g, HELD_SETUP);
	assert_ok(do_step(&g, STEP_VERIFY, 2, &e));
	g.nodes[2].name = "later";
	stage_forget(&g);
	g.tees[1].module = g.tees[2].module;
	g.tees[1].setup = g.tees[2].setup;
	lines = lines_of_receipts(&g);
	for (int i = 0; i < 2; i++) {
		assert_refused(do_step(&g, STEP_RETIRE, 1, &e), ERR_NOT_DESIRED,
		               "tee2: another TEE answers than the last one seen here");
		stage_forget(&g);
	}
	assert_int_equal(node_phase(&g.run.seen, 1), PHASE_READY);
	assert_int_equal(lines_of_receipts(&g), lines);
}

/* It says that it holds nothing, so that it is only looked at. */
static void a_blank_tee_in_anothers_place_has_not_retired(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(plan) struct plan plan = { 0 };
	const bool targets[] = { false, true };
	const struct goal goal = { .kind = GOAL_RETIRE, .targets = targets, .lose_key = true };
	struct err e;

	(void)state;
	stage_known(&g);
	replace_by_blank(&g, PHASE_WAITING_FOR_BOOT);
	g.seen[1].status.has_manifest_hash = false;
	assert_ok(plan_make(g.run.cluster, &g.run.seen, &goal, &plan, &e));
	for (int i = 0; i < 2; i++) {
		assert_refused(execute(&g.run, &plan, &e), ERR_NOT_DESIRED,
		               "tee2: another TEE answers than the last one seen here");
		stage_forget(&g);
	}
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
	stage_forget(&g);
	assert_ok(execute(&g.run, &plan, &e));
}

/* A TEE that was a node, and is out of the cluster file, is relayed in the place of one that is
 * known: who it is now is for who verifies it. */
static void receipts_of_a_node_of_before_are_booked_on_nobody(void **state)
{
	static const char words[] = "tee2: another TEE answers than the last one seen here";
	AUTO(stage) struct stage g = { 0 };
	size_t new = 9;
	struct err e;

	(void)state;
	stage_known(&g);
	add_tee(&g, HELD_SETUP);
	assert_ok(do_step(&g, STEP_VERIFY, 2, &e));
	g.nodes[2].name = "later";
	g.seen[2].status.has_manifest_hash = false; /* it is not asked */
	stage_forget(&g);
	g.tees[1].module = g.tees[2].module;
	g.tees[1].setup = g.tees[2].setup;
	does(&g.tees[1], RECEIPT_INJECT);
	refused(&g, ERR_ATTESTATION, words);
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
	stage_forget(&g);
	assert_ok(evidence_fetch_all(&g.run, &new, &e));
	assert_int_equal(new, 1);
}

static void a_list_that_begins_late_is_refused(void **state)
{
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	stage_known(&g);
	does(&g.tees[1], RECEIPT_INJECT);
	does(&g.tees[1], RECEIPT_EXPORT);
	lie(&g, 1, API_RECEIPTS, FORGETS);
	refused(&g, ERR_ATTESTATION, "tee2: it lists 1 receipts and lacks those before them");
}

static void those_that_were_given_before_are_there(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	size_t new = 9;
	struct err e;

	(void)state;
	stage_known(&g);
	does(&g.tees[1], RECEIPT_INJECT);
	does(&g.tees[1], RECEIPT_EXPORT);
	assert_ok(evidence_fetch_all(&g.run, &new, &e));
	assert_int_equal(new, 2);
	lie(&g, 1, API_RECEIPTS, KEEPS_BACK);
	refused(&g, ERR_ATTESTATION,
	        "tee2: its receipts end before number 1, which it gave before");
	stage_forget(&g);
	refused(&g, ERR_ATTESTATION, "tee2: its receipts end before number 1");
}

/* Two runs at once have written it: what the journal says of TEEs and receipts stands. */
static void a_receipt_that_the_journal_has_twice_breaks_nothing(void **state)
{
	static const struct hash256 first = { { 0 } };
	AUTO(stage) struct stage g = { 0 };
	size_t new = 9;
	struct err e;

	(void)state;
	stage_known(&g);
	does(&g.tees[1], RECEIPT_INJECT);
	for (int i = 0; i < 2; i++)
		evidence_record_receipt(&g.run, 1, &g.tees[1].kept[0], &g.manifest, &first);
	stage_forget(&g);
	does(&g.tees[1], RECEIPT_EXPORT);
	assert_ok(evidence_fetch_all(&g.run, &new, &e));
	assert_int_equal(new, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_of_the_tee_that_answers_are_written_down),
		cmocka_unit_test(those_of_another_tee_are_not),
		cmocka_unit_test(those_of_a_boot_that_nobody_knows_are_not),
		cmocka_unit_test(those_that_nothing_binds_are_not),
		cmocka_unit_test(nobody_is_asked_whose_document_does_not_hold),
		cmocka_unit_test(those_of_a_tee_that_is_two_nodes_are_not),
		cmocka_unit_test(who_claims_another_manifest_is_named),
		cmocka_unit_test(who_holds_no_manifest_has_none),
		cmocka_unit_test(a_step_takes_none_of_another_boot),
		cmocka_unit_test(a_step_takes_no_old_one_that_nothing_binds),
		cmocka_unit_test(who_brings_them_first_has_them_no_longer_than_he_is_there),
		cmocka_unit_test(a_document_says_more_than_who_was_first),
		cmocka_unit_test(those_before_an_answers_are_of_its_boot),
		cmocka_unit_test(a_tee_is_not_retired_by_a_receipt_without_those_before_it),
		cmocka_unit_test(a_tee_is_not_retired_by_another_that_has_no_key),
		cmocka_unit_test(a_tee_without_a_key_is_not_retired_where_none_is_known),
		cmocka_unit_test(a_damaged_journal_is_out_of_the_way_first),
		cmocka_unit_test(a_glance_takes_no_note_of_another),
		cmocka_unit_test(who_is_refused_the_key_is_not_the_last_one_seen),
		cmocka_unit_test(a_tee_is_not_retired_by_another_that_has_been),
		cmocka_unit_test(a_blank_tee_in_anothers_place_has_not_retired),
		cmocka_unit_test(receipts_of_a_node_of_before_are_booked_on_nobody),
		cmocka_unit_test(a_list_that_begins_late_is_refused),
		cmocka_unit_test(those_that_were_given_before_are_there),
		cmocka_unit_test(a_receipt_that_the_journal_has_twice_breaks_nothing),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
