/* What a node's claim means, seen from this cluster. Asking the nodes itself is
 * tests/cmd_status.bats' and tests/chaos.bats'. */
#include "observation_support.h"

static void each_claim_stands_for_one_thing(void **state)
{
	static const struct {
		char letter;
		enum standing standing, without_genesis;
		bool has_key, waits;
	} rows[] = {
		{ 'a', STANDS_APART, STANDS_APART, false, false },
		{ 'u', STANDS_APART, STANDS_APART, false, false },
		{ 'y', STANDS_OCCUPIED, STANDS_OCCUPIED, false, false },
		{ 'e', STANDS_EMPTY, STANDS_EMPTY, false, false },
		{ 'b', STANDS_BROKEN, STANDS_BROKEN, false, false },
		{ 'o', STANDS_OCCUPIED, STANDS_OCCUPIED, false, false },
		{ 'q', STANDS_OCCUPIED, STANDS_OCCUPIED, false, false },
		{ 'g', STANDS_WAITING, STANDS_OCCUPIED, false, true },
		{ 's', STANDS_WAITING, STANDS_OCCUPIED, false, true },
		{ 'w', STANDS_WAITING, STANDS_OCCUPIED, false, false },
		{ 'p', STANDS_WAITING, STANDS_OCCUPIED, false, false },
		{ 'r', STANDS_READY, STANDS_OCCUPIED, true, false },
		{ 'R', STANDS_OLD, STANDS_OCCUPIED, true, false },
		{ 'W', STANDS_OLD, STANDS_OCCUPIED, false, false },
		{ 'S', STANDS_OLD, STANDS_OCCUPIED, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char letters[] = { rows[i].letter, 0 };
		struct seen_world w;

		seen_world_fill(&w, letters, true);
		assert_int_equal(node_standing(&w.observation, 0), rows[i].standing);
		assert_int_equal(node_has_key(&w.observation, 0), rows[i].has_key);
		assert_int_equal(node_waits_for_shares(&w.observation, 0), rows[i].waits);
		w.observation.has_genesis = false;
		assert_int_equal(node_standing(&w.observation, 0), rows[i].without_genesis);
	}
}

static void the_quorum_key_that_a_node_names_must_be_ours(void **state)
{
	struct seen_world w;

	(void)state;
	seen_world_fill(&w, "q", true);
	memset(w.seen[0].status.quorum_public_key, 4, PUBLIC_KEY_LEN);
	assert_int_equal(node_standing(&w.observation, 0), STANDS_READY);
	w.seen[0].status.quorum_public_key[PUBLIC_KEY_LEN - 1] ^= 1;
	assert_int_equal(node_standing(&w.observation, 0), STANDS_OCCUPIED);
}

static void the_key_is_lost_once_nobody_can_have_it(void **state)
{
	static const struct {
		const char *letters;
		bool may_have, is_lost;
	} rows[] = {
		{ "r", true, false },     { "ae", false, true },
		{ "aeu", true, false }, /* who does not answer may hold it */
		{ "ew", false, true },  /* it waits for the key from another, and there is none */
		{ "es", true, false },  /* where the shares go */
		{ "eg", true, false },    { "eR", true, false },
		{ "eS", false, true }, /* under an older manifest no shares are taken any more */
		{ "eboyq", false, true },
	};
	struct seen_world w;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		seen_world_fill(&w, rows[i].letters, true);
		assert_int_equal(observation_may_have_key(&w.observation), rows[i].may_have);
		assert_int_equal(observation_is_lost(&w.observation), rows[i].is_lost);
	}
	/* What never was is not lost. */
	seen_world_fill(&w, "e", false);
	assert_false(observation_is_lost(&w.observation));
}

static void the_key_goes_with_the_last_that_has_or_may_have_it(void **state)
{
	static const struct {
		const char *letters, *leaving; /* x: it goes */
		bool goes;
	} rows[] = {
		{ "r", "x", true },    { "rr", "x-", false }, { "rr", "xx", true },
		{ "rR", "x-", false }, { "ru", "x-", true }, /* no claim is no key */
		{ "ur", "x-", false }, { "uw", "x-", true },  { "we", "xx", false },
		{ "ab", "xx", false }, { "r", "-", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		bool leaving[SEEN_MAX] = { 0 };
		struct seen_world w;

		seen_world_fill(&w, rows[i].letters, true);
		for (size_t k = 0; rows[i].leaving[k]; k++)
			leaving[k] = rows[i].leaving[k] == 'x';
		assert_int_equal(observation_goes_with(&w.observation, leaving), rows[i].goes);
		w.observation.has_genesis = false;
		assert_false(observation_goes_with(&w.observation, leaving));
	}
}

static void receipts_are_under_the_manifest_that_a_node_holds(void **state)
{
	struct seen_world w;
	struct hash256 hash;

	(void)state;
	seen_world_fill(&w, "rRoe", true);
	hash = node_manifest(&w.observation, 0);
	assert_memory_equal(hash.bytes, own_hash, 32);
	hash = node_manifest(&w.observation, 1);
	assert_memory_equal(hash.bytes, old_hash, 32);
	/* One of none of this cluster's, or of none at all, signs nothing that would hold. */
	hash = node_manifest(&w.observation, 2);
	assert_memory_equal(hash.bytes, own_hash, 32);
	hash = node_manifest(&w.observation, 3);
	assert_memory_equal(hash.bytes, own_hash, 32);
	assert_ptr_equal(observation_manifest(&w.observation, VIEW_OF(old_hash)),
	                 &w.older.envelope.manifest);
	assert_null(observation_manifest(&w.observation, VIEW_OF(other_hash)));
	assert_null(observation_manifest(&w.observation, (struct view){ 0 }));
}

static void late_is_who_had_no_time_and_not_who_is_away(void **state)
{
	struct seen_world w;

	(void)state;
	seen_world_fill(&w, "ua", true);
	assert_false(node_is_late(&w.observation, 0));
	(void)err_reason(&w.seen[0].why, ERR_TRY_AGAIN, OBSERVATION_LATE, "no time");
	(void)err_reason(&w.seen[1].why, ERR_TRY_AGAIN, OBSERVATION_LATE, "no time");
	assert_true(node_is_late(&w.observation, 0));
	assert_false(node_is_late(&w.observation, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_claim_stands_for_one_thing),
		cmocka_unit_test(the_quorum_key_that_a_node_names_must_be_ours),
		cmocka_unit_test(the_key_is_lost_once_nobody_can_have_it),
		cmocka_unit_test(the_key_goes_with_the_last_that_has_or_may_have_it),
		cmocka_unit_test(receipts_are_under_the_manifest_that_a_node_holds),
		cmocka_unit_test(late_is_who_had_no_time_and_not_who_is_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
