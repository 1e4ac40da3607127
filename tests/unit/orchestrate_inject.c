/* The step that gives a TEE the members' shares: whose, sealed to whom, and who is waited for. */
#include "connecting_support.h"

/* Key and share of the member are here; of: whose share it is in truth. */
static void have_share(struct stage *g, size_t member, size_t of)
{
	const struct encrypted_share *shares = g->birth.output.member_outputs.items;
	static char keys[MEMBERS][256];
	char path[256];
	struct err e;

	snprintf(keys[member], sizeof(keys[member]), "%s/%zu.secret", g->folder, member);
	assert_ok(key_set_write(keys[member], birth_people.keys[member], NULL, &e));
	g->birth.members[member].key = keys[member];
	snprintf(path, sizeof(path), "%s/%zu.share", g->folder, member);
	assert_ok(file_write(path, buf_view(&shares[of].encrypted_quorum_key_share), 0600, &e));
}

static void inject_sends_as_many_as_are_needed_each_by_its_member(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_wait(&g);
	for (size_t i = 0; i < MEMBERS; i++)
		have_share(&g, i, i);
	assert_ok(do_step(&g, STEP_INJECT, 1, &e));
	assert_string_equal(g.told, "tee2: 2 of 2 shares\n");
	assert_int_equal(said(&g, "\"share\""), 2);
	assert_false(g.tees[1].is_ahead);
	assert_int_equal(g.tees[1].good_shares, 2);
	assert_int_equal(g.run.missing.count, 0);
}

static void inject_waits_for_whose_share_is_not_here(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_wait(&g);
	have_share(&g, 1, 1);
	assert_refused(do_step(&g, STEP_INJECT, 1, &e), ERR_WAITING,
	               "1 of 2 shares are in; waiting for one of: user1, user3");
	missing_are(&g, "user1 user3");
	assert_int_equal(g.tees[1].good_shares, 1);
}

static void inject_passes_over_a_wrong_share_and_names_it(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_wait(&g);
	have_share(&g, 0, 1);
	have_share(&g, 1, 1);
	have_share(&g, 2, 2);
	assert_ok(do_step(&g, STEP_INJECT, 1, &e));
	assert_non_null(strstr(g.told, "tee2: the share of user1 is wrong: "));
	assert_non_null(strstr(g.told, "tee2: 2 of 2 shares\n"));
	assert_int_equal(g.tees[1].good_shares, 2);
}

static void inject_names_whom_the_enclave_rejects(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_wait(&g);
	have_share(&g, 0, 0);
	have_share(&g, 1, 1);
	lie(&g, 1, API_INJECT_SHARES, REJECTS_FIRST);
	assert_refused(do_step(&g, STEP_INJECT, 1, &e), ERR_WAITING,
	               "waiting for one of: user1 (wrong share), user3");
	assert_non_null(strstr(g.told, "the enclave rejected the share of user1\n"));
	missing_are(&g, "user1 user3");
}

/* As long as they may be: what does not fit the line is in the list. */
static void inject_lists_all_who_are_waited_for(void **state)
{
	static char names[MEMBERS][ALIAS_MAX + 1];
	AUTO(stage) struct stage g = { 0 };
	struct manifest_envelope *kept = &g.run.seen.genesis.envelope;
	char expected[512] = "";
	struct err e;

	(void)state;
	stage_wait(&g);
	for (size_t i = 0; i < MEMBERS; i++) {
		struct encrypted_share *share =
		    (struct encrypted_share *)g.birth.output.member_outputs.items + i;

		memset(names[i], 'a' + (int)i, ALIAS_MAX);
		g.birth.members[i].name = names[i];
		set(&member_at(&kept->manifest.share_set, i)->alias, view_text(names[i]));
		set(&member_at(&g.birth.output.set, i)->alias, view_text(names[i]));
		set(&share->share_set_member.alias, view_text(names[i]));
		set(&((struct alias_item *)g.seen[1].status.shares_missing.items)[i].alias,
		    view_text(names[i]));
		strcat(strcat(expected, i ? " " : ""), names[i]);
	}
	birth_attest(&g.birth);
	set(&g.run.seen.genesis.output, buf_view(&g.birth.borsh));
	assert_refused(do_step(&g, STEP_INJECT, 1, &e), ERR_WAITING, "0 of 2 shares are in");
	assert_non_null(strstr(e.text, ", …"));
	missing_are(&g, expected);
}

static void inject_seals_nothing_to_what_is_not_attested(void **state)
{
	static const struct {
		enum held held;
		enum lie lie;
		const char *reason;
	} rows[] = {
		{ HELD_SETUP, OTHER_NONCE, "nonce" },
		{ HELD_SETUP, OTHER_IMAGE, "pcr0" },
		{ HELD_NOTHING, NO_LIE, "public_key" },
		{ HELD_KEY, NO_LIE, "public_key" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_wait(&g);
		have_share(&g, 0, 0);
		have_share(&g, 1, 1);
		g.tees[1].held = rows[i].held;
		lie(&g, 1, API_LIVE_ATTESTATION, rows[i].lie);
		assert_refused(do_step(&g, STEP_INJECT, 1, &e), ERR_ATTESTATION, rows[i].reason);
		assert_int_equal(g.tees[1].server->request_count, 1);
	}
}

static void inject_takes_no_other_key_and_no_word_without_a_receipt(void **state)
{
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(key_lies); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_wait(&g);
		have_share(&g, 0, 0);
		have_share(&g, 1, 1);
		lie(&g, 1, API_INJECT_SHARES, key_lies[i].lie);
		assert_refused(do_step(&g, STEP_INJECT, 1, &e), ERR_ATTESTATION,
		               key_lies[i].reason);
		assert_null(strstr(g.told, "2 of 2"));
	}
}

/* Shares that gave no key are sent anew with all others, but not to what is no more believed to be
 * the node: nor is that a fault of the shares. */
static void inject_sends_nothing_more_to_one_that_is_refused_meanwhile(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct plot plot = { &g, .node = 1, .api = API_INJECT_SHARES };
	struct err e;

	(void)state;
	stage_wait(&g);
	add_tee(&g, HELD_NOTHING);
	for (size_t i = 0; i < MEMBERS; i++)
		have_share(&g, i, i);
	lie(&g, 1, API_INJECT_SHARES, UNRESOLVED);
	contest_at(&plot);
	assert_refused(do_step(&g, STEP_INJECT, 1, &e), ERR_ATTESTATION,
	               "tee2 was refused meanwhile, so no share is sent to it");
	assert_string_equal(e.reason, "module_id");
	assert_int_equal(g.tees[1].all_shares, 2);
	assert_int_equal(g.tees[1].server->request_count, 2);
	assert_null(strstr(g.told, "is wrong"));
}

static void inject_sends_nothing_again_once_it_is_refused(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct plot plot = { &g, .node = 1, .api = API_INJECT_SHARES, .at_retry = true };
	struct err e;

	(void)state;
	stage_wait(&g);
	add_tee(&g, HELD_NOTHING);
	have_share(&g, 0, 0);
	contest_at(&plot);
	lie(&g, 1, API_INJECT_SHARES, HTTP_503);
	assert_refused(do_step(&g, STEP_INJECT, 1, &e), ERR_ATTESTATION,
	               "tee2 was refused meanwhile, so no share is sent to it");
	assert_int_equal(g.tees[1].server->request_count, 2);
	assert_int_equal(said(&g, "\"share\""), 1); /* it may have taken it */
}

/* What was sealed was to what it had attested, and is written down; but whose it is nobody knows.
 */
static void inject_is_not_done_by_one_that_is_refused_as_it_takes_the_shares(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct plot plot = { &g, .node = 1, .api = API_INJECT_SHARES };
	struct err e;

	(void)state;
	stage_wait(&g);
	add_tee(&g, HELD_NOTHING);
	have_share(&g, 0, 0);
	have_share(&g, 1, 1);
	contest_at(&plot);
	assert_refused(do_step(&g, STEP_INJECT, 1, &e), ERR_ATTESTATION,
	               "tee2 was refused meanwhile, so it is not believed, though the shares gave "
	               "it the key, until teectl verify");
	assert_null(strstr(g.told, "2 of 2 shares"));
	assert_int_equal(g.run.evidence.count, 1); /* the receipt's chain */
}

/* In the journal is what may have been heard, once however often it was sent: no share that was
 * withheld as the node was connected. */
static void inject_writes_down_no_share_that_did_not_leave(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct plot plot = { &g, .node = 1, .api = API_INJECT_SHARES };
	struct err e;

	(void)state;
	stage_wait(&g);
	add_tee(&g, HELD_NOTHING);
	have_share(&g, 0, 0);
	connecting = &plot;
	assert_refused(do_step(&g, STEP_INJECT, 1, &e), ERR_ATTESTATION,
	               "tee2 was refused meanwhile, so no share is sent to it");
	connecting = NULL;
	assert_int_equal(g.tees[1].server->request_count, 1);
	assert_int_equal(said(&g, "\"share\""), 0);
}

static void inject_uses_no_key_that_others_can_read(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_wait(&g);
	have_share(&g, 0, 0);
	assert_int_equal(chmod(g.birth.members[0].key, 0644), 0);
	assert_refused(do_step(&g, STEP_INJECT, 1, &e), ERR_PARTIAL, KEY_OPEN);
	assert_int_equal(g.tees[1].good_shares, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inject_sends_as_many_as_are_needed_each_by_its_member),
		cmocka_unit_test(inject_waits_for_whose_share_is_not_here),
		cmocka_unit_test(inject_passes_over_a_wrong_share_and_names_it),
		cmocka_unit_test(inject_names_whom_the_enclave_rejects),
		cmocka_unit_test(inject_lists_all_who_are_waited_for),
		cmocka_unit_test(inject_seals_nothing_to_what_is_not_attested),
		cmocka_unit_test(inject_takes_no_other_key_and_no_word_without_a_receipt),
		cmocka_unit_test(inject_sends_nothing_more_to_one_that_is_refused_meanwhile),
		cmocka_unit_test(inject_sends_nothing_again_once_it_is_refused),
		cmocka_unit_test(inject_is_not_done_by_one_that_is_refused_as_it_takes_the_shares),
		cmocka_unit_test(inject_writes_down_no_share_that_did_not_leave),
		cmocka_unit_test(inject_uses_no_key_that_others_can_read),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
