/* The step that gives a TEE the shares that members have sealed to it: which bundles are for it,
 * who is waited for, and that no word of the TEE alone makes a share delivered. */
#include "connecting_support.h"

#include "orchestrate/ceremony.h"
#include "orchestrate/share.h"

#include <fcntl.h>

/* The member's share, sealed to that setup key, signed by him, for this manifest. */
static void seal(const struct stage *g, size_t member, const struct key_set *to,
                 struct sealed_share *ret)
{
	const uint8_t bytes[SHARE_LEN] = { (uint8_t)(member + 1) };
	AUTO(secret) struct secret plain = secret_of(VIEW_OF(bytes));
	struct err e;

	assert_ok(share_seal(&plain, birth_people.keys[member], &g->run.seen.genesis.manifest_hash,
	                     key_set_public(to), ret, &e));
}

static void hand_over(struct stage *g, struct submission *s, size_t member,
                      const struct key_set *to)
{
	struct submitted_bundle *items = realloc(s->items, (s->count + 1) * sizeof(*items));
	struct submitted_bundle *b;
	struct sealed_share sealed;
	struct bundle_item *item;
	struct err e;

	assert_non_null(items);
	s->items = items;
	b = &items[s->count++];
	*b = (struct submitted_bundle){ .path = "a.bundle" };
	assert_ok(wire_set_text(&b->bundle.alias, aliases[member], &e));
	assert_ok(wire_list_add(&b->bundle.items, &bundle_item_schema, &item, &e));
	seal(g, member, to, &sealed);
	memcpy(item->setup_key, sealed.setup_key.bytes, sizeof(item->setup_key));
	memcpy(item->encrypted_share, sealed.envelope, sizeof(item->encrypted_share));
	memcpy(item->signature, sealed.signature.bytes, sizeof(item->signature));
	g->run.submission = s;
}

/* The journal says that a share of the member was sent to that boot of the node. */
static void was_sent(struct stage *g, size_t node, size_t member, const struct key_set *to)
{
	struct submitted_share share = { 0 };
	struct sealed_share sealed;

	seal(g, member, to, &sealed);
	set(&share.member_alias, view_text(aliases[member]));
	set(&share.encrypted_share, VIEW_OF(sealed.envelope));
	set(&share.signature, VIEW_OF(sealed.signature.bytes));
	evidence_share(&g->run, node, &share, key_set_public(to), &g->manifest);
	buf_drop(&share.member_alias);
	buf_drop(&share.encrypted_share);
	buf_drop(&share.signature);
}

static void submit_gives_a_tee_what_is_sealed_to_it(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(submission) struct submission s = { 0 };
	struct err e;

	(void)state;
	stage_wait(&g);
	hand_over(&g, &s, 0, setup);
	hand_over(&g, &s, 2, setup);
	assert_ok(do_step(&g, STEP_SUBMIT, 1, &e));
	assert_string_equal(g.told, "tee2: 2 of 2 shares\n");
	assert_int_equal(g.tees[1].good_shares, 2);
	assert_int_equal(said(&g, "\"share\""), 2);
	assert_false(g.tees[1].is_ahead);
	assert_int_equal(s.nodes, 1);
	assert_true(s.items[0].is_used && s.items[1].is_used && s.is_news);
	assert_int_equal(g.run.missing.count, 0);
}

static void submit_sends_no_bundle_that_is_not_for_it(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(submission) struct submission s = { 0 };
	struct err e;

	(void)state;
	stage_wait(&g);
	hand_over(&g, &s, 0, quorum); /* of another boot */
	hand_over(&g, &s, 1, setup);
	s.items[1].is_refused = true;
	assert_ok(do_step(&g, STEP_SUBMIT, 1, &e));
	assert_string_equal(g.told, "tee2: no bundle is for it\n");
	assert_int_equal(g.tees[1].server->request_count, 1);
	assert_false(s.items[0].is_used || s.items[1].is_used || s.is_news);
	/* Of two of one member the first goes. */
	hand_over(&g, &s, 2, setup);
	hand_over(&g, &s, 2, setup);
	assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_WAITING, "1 of 2");
	assert_int_equal(g.tees[1].all_shares, 1);
	assert_true(s.items[2].is_used);
	assert_false(s.items[3].is_used);
}

static void submit_names_who_is_waited_for(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(submission) struct submission s = { 0 };
	struct err e;

	(void)state;
	stage_wait(&g);
	hand_over(&g, &s, 1, setup);
	assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_WAITING,
	               "1 of 2; waiting for: user1, user3");
	missing_are(&g, "user1 user3");
	assert_int_equal(g.tees[1].good_shares, 1);
	assert_true(s.is_news);
}

static void submit_waits_for_whom_the_enclave_rejects(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(submission) struct submission s = { 0 };
	struct err e;

	(void)state;
	stage_wait(&g);
	hand_over(&g, &s, 0, setup);
	hand_over(&g, &s, 1, setup);
	lie(&g, 1, API_INJECT_SHARES, REJECTS_FIRST);
	assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_WAITING,
	               "1 of 2; waiting for: user1, user3");
	assert_non_null(strstr(g.told, "tee2: the enclave rejected the share of user1\n"));
	missing_are(&g, "user1 user3");
}

/* As long as they may be: what does not fit the line is in the list. */
static void submit_lists_all_who_are_waited_for(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(submission) struct submission s = { 0 };
	char name[ALIAS_MAX + 1] = "", expected[512] = "";
	struct alias_item *missing;
	struct err e;

	(void)state;
	stage_wait(&g);
	hand_over(&g, &s, 0, setup);
	missing = g.seen[1].status.shares_missing.items;
	for (size_t i = 0; i < MEMBERS; i++) {
		memset(name, 'a' + (int)i, ALIAS_MAX);
		set(&missing[i].alias, view_text(name));
		strcat(strcat(expected, i ? " " : ""), name);
	}
	assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_WAITING, "1 of 2; waiting for: aaa");
	assert_non_null(strstr(e.text, ", …"));
	missing_are(&g, expected);
	/* Also of one that was there already. */
	assert_ok(do_step(&g, STEP_SUBMIT, 1, &e));
	assert_non_null(strstr(g.told, "1 of 2; waiting for: aaa"));
	assert_non_null(strstr(g.told, ", …\n"));
	assert_non_null(strstr(s.standing, ", …"));
}

static void submit_again_has_nothing_to_do(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(submission) struct submission s = { 0 };
	struct err e;

	(void)state;
	stage_wait(&g);
	hand_over(&g, &s, 0, setup);
	assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_WAITING, "waiting for: user2, user3");
	waits_from(&g, 1);
	s.is_news = false;
	g.told[0] = 0;
	assert_ok(do_step(&g, STEP_SUBMIT, 1, &e));
	assert_string_equal(g.told, "tee2: a share of user1 is already there\n"
	                            "tee2: 1 of 2; waiting for: user2, user3\n");
	assert_string_equal(
	    s.standing,
	    "already there: tee2 has 1 of 2 shares, too few for the key; waiting for: user2, user3");
	assert_false(s.is_news);
	missing_are(&g, "user2 user3");
	/* It is no repetition where the enclave gives it back. */
	lie(&g, 1, API_INJECT_SHARES, REJECTS_FIRST);
	assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_WAITING, "0 of 2");
	lie(&g, 1, API_INJECT_SHARES, UNRESOLVED);
	assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_WAITING,
	               "no set of them gives the quorum key");
}

/* That it has a share is the TEE's word: without the journal's it is delivered now. */
static void submit_takes_no_share_for_delivered_that_was_not_sent(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(submission) struct submission s = { 0 };
	struct err e;

	(void)state;
	stage_wait(&g);
	waits_from(&g, 1);
	hand_over(&g, &s, 0, setup);
	was_sent(&g, 1, 1, setup);  /* another member's, */
	was_sent(&g, 1, 0, quorum); /* to another boot, */
	was_sent(&g, 0, 0, setup);  /* to another node */
	assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_WAITING,
	               "1 of 2; waiting for: user2, user3");
	assert_string_equal(s.standing, "");
}

/* Sent before, and it lacks it still, by its own word: the answer before was lost, say. */
static void submit_again_delivers_what_is_still_missing(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(submission) struct submission s = { 0 };
	struct err e;

	(void)state;
	stage_wait(&g);
	hand_over(&g, &s, 0, setup);
	was_sent(&g, 1, 0, setup);
	assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_WAITING,
	               "1 of 2; waiting for: user2, user3");
	assert_true(s.is_news);
	assert_string_equal(s.standing, "");
}

static void submit_takes_no_word_of_a_journal_that_was_altered(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(submission) struct submission s = { 0 };
	AUTO(text) char *path = NULL;
	struct err e;
	int fd;

	(void)state;
	stage_wait(&g);
	waits_from(&g, 1);
	hand_over(&g, &s, 0, setup);
	was_sent(&g, 1, 0, setup);
	assert_ok(state_path(&g.run.state, JOURNAL_FILE, &path, &e));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "#", 1, 0), 1);
	close(fd);
	assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_WAITING, "1 of 2");
	assert_string_equal(s.standing, "");
}

/* However many nodes and shares there are: what this run sends it knows without it. */
static void submit_reads_the_journal_once(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(submission) struct submission s = { 0 };
	AUTO(text) char *path = NULL;
	struct err e;

	(void)state;
	stage_wait(&g);
	hand_over(&g, &s, 0, setup);
	assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_WAITING, "1 of 2");
	waits_from(&g, 1);
	s.is_news = false;
	assert_ok(state_path(&g.run.state, JOURNAL_FILE, &path, &e));
	assert_int_equal(unlink(path), 0);
	assert_ok(do_step(&g, STEP_SUBMIT, 1, &e));
	assert_non_null(strstr(s.standing, "already there: tee2 has 1 of 2 shares"));
}

/* A TEE that has enough has the key, or something is wrong with it. */
static void submit_is_no_success_without_a_key(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(submission) struct submission s = { 0 };
	struct err e;

	(void)state;
	stage_wait(&g);
	waits_from(&g, MEMBERS); /* it says that it misses none */
	for (size_t i = 0; i < 2; i++) {
		hand_over(&g, &s, i, setup);
		was_sent(&g, 1, i, setup);
	}
	lie(&g, 1, API_INJECT_SHARES, GIVES_NO_KEY);
	assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_PARTIAL, "gives no key");
	assert_string_equal(s.standing, "");
	/* Also where it says that it has more than it was given. */
	g.tees[1].shares_held = 1;
	s.items[1].is_refused = true;
	assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_PARTIAL, "2 of 2 shares");
	lie(&g, 1, API_INJECT_SHARES, UNRESOLVED);
	assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_WAITING,
	               "waiting for: a better share of one of them");
}

static void submit_takes_no_other_key_and_no_word_without_a_receipt(void **state)
{
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(key_lies); i++) {
		AUTO(stage) struct stage g = { 0 };
		AUTO(submission) struct submission s = { 0 };

		stage_wait(&g);
		hand_over(&g, &s, 0, setup);
		hand_over(&g, &s, 1, setup);
		lie(&g, 1, API_INJECT_SHARES, key_lies[i].lie);
		assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_ATTESTATION,
		               key_lies[i].reason);
		assert_null(strstr(g.told, "2 of 2"));
	}
}

static void submit_sends_nothing_again_once_it_is_refused(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(submission) struct submission s = { 0 };
	struct plot plot = { &g, .node = 1, .api = API_INJECT_SHARES, .at_retry = true };
	struct err e;

	(void)state;
	stage_wait(&g);
	add_tee(&g, HELD_NOTHING);
	hand_over(&g, &s, 0, setup);
	contest_at(&plot);
	lie(&g, 1, API_INJECT_SHARES, HTTP_503);
	assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_ATTESTATION,
	               "tee2 was refused meanwhile, so no share is sent to it");
	assert_int_equal(g.tees[1].server->request_count, 2);
}

/* What was sealed was to what it had attested, and is written down; but whose it is nobody knows.
 */
static void submit_is_not_done_by_one_that_is_refused_as_it_takes_the_shares(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(submission) struct submission s = { 0 };
	struct plot plot = { &g, .node = 1, .api = API_INJECT_SHARES };
	struct err e;

	(void)state;
	stage_wait(&g);
	add_tee(&g, HELD_NOTHING);
	hand_over(&g, &s, 0, setup);
	hand_over(&g, &s, 1, setup);
	contest_at(&plot);
	assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_ATTESTATION,
	               "tee2 was refused meanwhile, so it is not believed, though the shares gave "
	               "it the key, until teectl verify");
	assert_null(strstr(g.told, "2 of 2 shares"));
	assert_int_equal(g.run.evidence.count, 1); /* the receipt's chain */
}

static void submit_takes_no_word_on_shares_of_one_that_is_refused_meanwhile(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(submission) struct submission s = { 0 };
	struct plot plot = { &g, .node = 1, .api = API_INJECT_SHARES };
	struct err e;

	(void)state;
	stage_wait(&g);
	add_tee(&g, HELD_NOTHING);
	waits_from(&g, 1);
	hand_over(&g, &s, 0, setup);
	was_sent(&g, 1, 0, setup);
	contest_at(&plot);
	assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_ATTESTATION,
	               "tee2 was refused meanwhile, so its shares are not counted");
	assert_string_equal(s.standing, "");
}

/* In the journal is what may have been heard, once however often it was sent: no share that was
 * withheld as the node was connected. */
static void submit_writes_down_no_share_that_did_not_leave(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(submission) struct submission s = { 0 };
	struct plot plot = { &g, .node = 1, .api = API_INJECT_SHARES };
	struct err e;

	(void)state;
	stage_wait(&g);
	add_tee(&g, HELD_NOTHING);
	hand_over(&g, &s, 0, setup);
	connecting = &plot;
	assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_ATTESTATION,
	               "tee2 was refused meanwhile, so no share is sent to it");
	connecting = NULL;
	assert_int_equal(g.tees[1].server->request_count, 1);
	assert_int_equal(said(&g, "\"share\""), 0);
}

static void submit_sends_nothing_to_what_is_not_attested(void **state)
{
	static const struct {
		enum held held;
		enum lie lie;
		const char *reason;
		bool is_older;
	} rows[] = {
		{ HELD_SETUP, OTHER_NONCE, "nonce", false },
		{ HELD_SETUP, OTHER_IMAGE, "pcr0", false },
		{ HELD_SETUP, NO_LIE, "carries an older manifest", true },
		{ HELD_NOTHING, NO_LIE, "commits to no setup key", false },
		{ HELD_KEY, NO_LIE, "commits to no setup key", false },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };
		AUTO(submission) struct submission s = { 0 };

		stage_wait(&g);
		hand_over(&g, &s, 0, setup);
		g.tees[1].held = rows[i].held;
		if (rows[i].is_older)
			stage_age(&g);
		lie(&g, 1, API_LIVE_ATTESTATION, rows[i].lie);
		assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_ATTESTATION, rows[i].reason);
		assert_int_equal(strncmp(e.text, "tee2: ", 6), 0);
		assert_int_equal(g.tees[1].server->request_count, 1);
		assert_int_equal(s.nodes, 0);
		/* It would be the last TEE seen there. */
		assert_int_equal(said(&g, "\"document\""), 0);
	}
}

/* A relay at tee2's address that passes all on to tee1's TEE: what the journal has of tee2 makes
 * nothing "already there", whatever the other has. */
static void submit_takes_no_other_tee_for_the_one_it_was_sent_to(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(submission) struct submission s = { 0 };
	struct err e;

	(void)state;
	stage_wait(&g);
	assert_ok(do_step(&g, STEP_VERIFY, 0, &e));
	assert_ok(do_step(&g, STEP_VERIFY, 1, &e));
	waits_from(&g, 1);
	hand_over(&g, &s, 0, setup);
	hand_over(&g, &s, 0, other_setup);
	was_sent(&g, 1, 0, setup);
	stage_forget(&g);
	g.tees[0].held = HELD_SETUP;
	g.seen[1].url = g.tees[0].server->url;
	assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_ATTESTATION,
	               "answers for tee1, by the journal");
	assert_int_equal(g.tees[0].all_shares + g.tees[1].all_shares, 0);
	assert_string_equal(s.standing, "");
	/* With another boot of its own it is no other's, and has nothing of what the first was
	 * sent. */
	g.seen[1].url = g.tees[1].server->url;
	g.tees[1].module = "i-3";
	g.tees[1].setup = quorum;
	hand_over(&g, &s, 0, quorum);
	assert_refused(do_step(&g, STEP_SUBMIT, 1, &e), ERR_WAITING, "1 of 2");
	assert_int_equal(g.tees[1].good_shares, 1);
	assert_string_equal(s.standing, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(submit_gives_a_tee_what_is_sealed_to_it),
		cmocka_unit_test(submit_sends_no_bundle_that_is_not_for_it),
		cmocka_unit_test(submit_names_who_is_waited_for),
		cmocka_unit_test(submit_waits_for_whom_the_enclave_rejects),
		cmocka_unit_test(submit_lists_all_who_are_waited_for),
		cmocka_unit_test(submit_again_has_nothing_to_do),
		cmocka_unit_test(submit_takes_no_share_for_delivered_that_was_not_sent),
		cmocka_unit_test(submit_again_delivers_what_is_still_missing),
		cmocka_unit_test(submit_takes_no_word_of_a_journal_that_was_altered),
		cmocka_unit_test(submit_reads_the_journal_once),
		cmocka_unit_test(submit_is_no_success_without_a_key),
		cmocka_unit_test(submit_takes_no_other_key_and_no_word_without_a_receipt),
		cmocka_unit_test(submit_sends_nothing_again_once_it_is_refused),
		cmocka_unit_test(submit_takes_no_word_on_shares_of_one_that_is_refused_meanwhile),
		cmocka_unit_test(submit_is_not_done_by_one_that_is_refused_as_it_takes_the_shares),
		cmocka_unit_test(submit_writes_down_no_share_that_did_not_leave),
		cmocka_unit_test(submit_sends_nothing_to_what_is_not_attested),
		cmocka_unit_test(submit_takes_no_other_tee_for_the_one_it_was_sent_to),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
