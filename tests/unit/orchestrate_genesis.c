/* The step in which a quorum key is born: what of the answer is kept, what becomes of an answer
 * that is lost, and how long it is remembered when it was asked for. */
#include "tee_support.h"

#include "base/text.h"

#include <sys/stat.h>

#define EARLIER_MS 10000

/* No genesis yet; tee2 will make the one that the stage has prepared, EARLIER_MS ago. */
static void stage_unborn(struct stage *g)
{
	stage_fill(g, HELD_NOTHING);
	kept_genesis_drop(&g->run.seen.genesis);
	g->run.seen.genesis = (struct kept_genesis){ 0 };
	g->run.seen.has_genesis = false;
	g->birth.content.timestamp_ms -= EARLIER_MS;
	g->birth.content.module_id = g->tees[1].module;
	birth_attest(&g->birth);
}

static bool is_kept(const struct stage *g)
{
	AUTO(kept_genesis) struct kept_genesis kept = { 0 };
	bool is_found;
	struct err e;

	assert_ok(state_load_genesis(&g->run.state, &is_found, &kept, &e));
	assert_int_equal(is_found, g->run.seen.has_genesis);
	if (is_found)
		assert_memory_equal(kept.manifest_hash.bytes, g->manifest.bytes, 32);
	return is_found;
}

static bool is_asked(const struct stage *g)
{
	bool is_asked;
	struct err e;

	assert_ok(state_is_asked(&g->run.state, &is_asked, &e));
	return is_asked;
}

static void genesis_keeps_what_is_attested(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_unborn(&g);
	assert_ok(do_step(&g, STEP_GENESIS, 1, &e));
	assert_int_equal(strncmp(g.told, "tee2: quorum key ", 17), 0);
	assert_true(is_kept(&g));
	assert_true(g.run.has_shared_news);
	assert_true(public_key_equal(&g.run.seen.genesis.quorum_key, key_set_public(quorum)));
	assert_int_equal(g.proofs[1].holding, HOLDS_SETUP_KEY);
	assert_true(public_key_equal(&g.proofs[1].setup_key, key_set_public(setup)));
	assert_int_equal(g.seen[1].status.shares_missing.count, MEMBERS);
	assert_false(is_asked(&g));
}

static void genesis_asks_nothing_of_what_is_not_attested(void **state)
{
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(document_lies); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_unborn(&g);
		lie(&g, 1, API_LIVE_ATTESTATION, document_lies[i].lie);
		assert_refused(do_step(&g, STEP_GENESIS, 1, &e), ERR_ATTESTATION,
		               document_lies[i].reason);
		assert_non_null(strstr(e.text, "tee2: before genesis: "));
		assert_int_equal(g.tees[1].server->request_count, 1);
		assert_false(is_asked(&g));
	}
}

/* When it was asked for is remembered: the refused answer may come again. */
static void refused(struct stage *g, size_t requests, const char *reason)
{
	struct err e;

	assert_refused(do_step(g, STEP_GENESIS, 1, &e), ERR_ATTESTATION, reason);
	assert_int_equal(g->tees[1].server->request_count, requests);
	assert_false(is_kept(g));
	assert_false(g->run.has_shared_news);
	assert_int_equal(g->proofs[1].holding, HOLDS_UNKNOWN);
	assert_string_equal(g->told, "");
	assert_true(is_asked(g));
}

static void genesis_keeps_nothing_of_a_birth_that_is_refused(void **state)
{
	static const struct lie_row rows[] = {
		{ OTHER_QUORUM, "quorum_key" },
		{ OTHER_SHARE, "shares" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_unborn(&g);
		lie(&g, 1, API_GENESIS_BOOT, rows[i].lie);
		refused(&g, 2, rows[i].reason);
	}
}

static void genesis_keeps_nothing_of_one_that_is_refused_meanwhile(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct plot plot = { &g, .node = 1, .api = API_GENESIS_BOOT };
	struct err e;

	(void)state;
	stage_unborn(&g);
	add_tee(&g, HELD_NOTHING);
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
	contest_at(&plot);
	assert_refused(do_step(&g, STEP_GENESIS, 1, &e), ERR_ATTESTATION,
	               "tee2 was refused meanwhile, so nothing of its genesis is kept");
	assert_false(is_kept(&g));
	assert_true(g.proofs[1].is_refused && is_asked(&g));
	/* The relay is gone: that the TEE was refused then says nothing of what it shows now. */
	g.proofs[2] = (struct node_proof){ 0 };
	assert_ok(do_step(&g, STEP_GENESIS, 1, &e));
	assert_true(is_kept(&g));
}

/* The last node shows its document first. */
static void claim(struct stage *g, size_t node)
{
	AUTO(buf) struct buf document = BUF_INIT(DOCUMENT_MAX);
	size_t relay = g->birth.cluster.node_count - 1;
	const struct view nonce = view_text("nonce");
	struct err e;

	g->tees[relay].module = g->tees[node].module;
	assert_ok(sign_document(&g->tees[relay], API_LIVE_ATTESTATION, nonce, &document, &e));
	assert_ok(policy_judge(&g->run, relay, buf_view(&document), nonce, &g->proofs[relay], &e));
}

/* Before, nothing was known of it: so it was not refused then. */
static void genesis_keeps_nothing_of_one_that_is_another_node_s_by_now(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct plot plot = { &g, .node = 1, .api = API_GENESIS_BOOT, .act = claim };
	struct err e;

	(void)state;
	stage_unborn(&g);
	add_tee(&g, HELD_NOTHING);
	contest_at(&plot);
	assert_refused(do_step(&g, STEP_GENESIS, 1, &e), ERR_ATTESTATION, "module_id");
	assert_null(plot.stage);
	assert_false(is_kept(&g));
}

static void genesis_takes_no_manifest_that_was_approved_at_birth(void **state)
{
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	stage_unborn(&g);
	approve(&g.birth.envelope, "user1", birth_people.keys[0]);
	refused(&g, 2, "approvals");
}

static void genesis_takes_no_birth_before_the_question(void **state)
{
	AUTO(stage) struct stage g = { 0 };

	(void)state;
	stage_unborn(&g);
	g.birth.content.timestamp_ms++; /* of live documents; the birth's is signed */
	refused(&g, 2, BELIEVE_OLDER);
}

/* The birth is true, and the TEE commits to something else. */
static void genesis_keeps_nothing_without_a_commitment(void **state)
{
	AUTO(stage) struct stage other = { 0 }, none = { 0 };

	(void)state;
	stage_unborn(&other);
	other.manifest.bytes[0] ^= 1;
	refused(&other, 3, "user_data");
	stage_unborn(&none);
	lie(&none, 1, API_GENESIS_BOOT, NO_SETUP_KEY);
	refused(&none, 3, "public_key");
}

/* Every document is true, and one is of another TEE than was asked: a relay has put it there. */
static void genesis_is_of_one_tee(void **state)
{
	AUTO(stage) struct stage birth = { 0 }, commitment = { 0 }, verified = { 0 };
	struct err e;

	(void)state;
	stage_unborn(&birth);
	birth.birth.content.module_id = "i-1";
	birth_attest(&birth.birth);
	refused(&birth, 2, "module_id");
	stage_unborn(&commitment);
	lie(&commitment, 1, API_GENESIS_BOOT, OTHER_MODULE);
	refused(&commitment, 3, "module_id");
	stage_unborn(&verified);
	assert_ok(do_step(&verified, STEP_VERIFY, 1, &e));
	lie(&verified, 1, API_LIVE_ATTESTATION, OTHER_MODULE);
	assert_refused(do_step(&verified, STEP_GENESIS, 1, &e), ERR_ATTESTATION, "module_id");
	assert_int_equal(verified.tees[1].server->request_count, 2);
	assert_false(is_asked(&verified));
}

/* Genesis asks one node, without a step that verifies it: the others are known by the journal. */
static void genesis_is_not_of_another_nodes_tee(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_unborn(&g);
	g.tees[0].held = HELD_NOTHING;
	g.seen[0].status.phase = PHASE_WAITING_FOR_BOOT;
	g.seen[0].status.has_manifest_hash = false;
	assert_ok(do_step(&g, STEP_VERIFY, 0, &e));
	stage_forget(&g);
	lie(&g, 1, API_LIVE_ATTESTATION, OTHER_MODULE);
	assert_refused(do_step(&g, STEP_GENESIS, 1, &e), ERR_ATTESTATION,
	               "answers for tee1, by the journal");
	assert_int_equal(g.tees[1].server->request_count, 1);
	assert_false(is_asked(&g));
}

/* The TEE has the key, and whoever asks later gets the same answer: not older than the first
 * question, though older than his. */
static void genesis_takes_an_answer_that_was_lost(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_unborn(&g);
	lie(&g, 1, API_GENESIS_BOOT, ANSWER_LOST);
	assert_int_equal(do_step(&g, STEP_GENESIS, 1, &e), -1);
	assert_non_null(strstr(e.text, "tee2: genesis-boot: "));
	assert_int_equal(g.tees[1].held, HELD_SETUP);
	assert_false(is_kept(&g));
	assert_true(is_asked(&g));
	lie(&g, 1, API_GENESIS_BOOT, NO_LIE);
	g.birth.content.timestamp_ms += EARLIER_MS / 2;
	assert_ok(do_step(&g, STEP_GENESIS, 1, &e));
	assert_true(is_kept(&g));
	assert_false(is_asked(&g));
}

/* It is kept, and its step has no end: somebody still has to look after it. */
static void genesis_remembers_when_it_was_asked_until_it_is_done(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_unborn(&g);
	lie(&g, 1, API_STATUS, HTTP_500);
	assert_int_equal(do_step(&g, STEP_GENESIS, 1, &e), -1);
	assert_non_null(strstr(e.text, "tee2: status: "));
	assert_true(is_kept(&g));
	assert_true(is_asked(&g));
	assert_string_equal(g.told, "");
}

/* The next run finds out whether the journal has the line. */
static void genesis_remembers_when_it_was_asked_where_the_journal_may_lack_its_end(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(text) char *path = NULL;
	struct err e;

	(void)state;
	stage_unborn(&g);
	assert_ok(state_path(&g.run.state, JOURNAL_FILE, &path, &e));
	assert_int_equal(mkdir(path, 0700), 0); /* it can't be written */
	assert_ok(do_step(&g, STEP_GENESIS, 1, &e));
	assert_non_null(strstr(g.told, "tee2: journal: "));
	assert_true(is_kept(&g));
	assert_true(is_asked(&g));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(genesis_keeps_what_is_attested),
		cmocka_unit_test(genesis_asks_nothing_of_what_is_not_attested),
		cmocka_unit_test(genesis_keeps_nothing_of_a_birth_that_is_refused),
		cmocka_unit_test(genesis_keeps_nothing_of_one_that_is_refused_meanwhile),
		cmocka_unit_test(genesis_keeps_nothing_of_one_that_is_another_node_s_by_now),
		cmocka_unit_test(genesis_takes_no_manifest_that_was_approved_at_birth),
		cmocka_unit_test(genesis_takes_no_birth_before_the_question),
		cmocka_unit_test(genesis_keeps_nothing_without_a_commitment),
		cmocka_unit_test(genesis_is_of_one_tee),
		cmocka_unit_test(genesis_is_not_of_another_nodes_tee),
		cmocka_unit_test(genesis_takes_an_answer_that_was_lost),
		cmocka_unit_test(genesis_remembers_when_it_was_asked_until_it_is_done),
		cmocka_unit_test(
		    genesis_remembers_when_it_was_asked_where_the_journal_may_lack_its_end),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
