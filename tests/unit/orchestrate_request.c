/* The step that asks a TEE for the document that members will seal their shares to. */
#include "tee_support.h"

struct documents {
	struct buf items[2];
};

static void documents_drop(struct documents *d)
{
	for (size_t i = 0; i < COUNT(d->items); i++)
		buf_drop(&d->items[i]);
}

#define DOCUMENTS_INIT                                                                             \
	{                                                                                          \
		{                                                                                  \
			BUF_INIT(DOCUMENT_MAX), BUF_INIT(DOCUMENT_MAX)                             \
		}                                                                                  \
	}

static void request_keeps_the_document_of_an_attested_setup_key(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(documents) struct documents d = DOCUMENTS_INIT;
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	struct err e;

	(void)state;
	stage_wait(&g);
	g.run.documents = d.items;
	assert_ok(do_step(&g, STEP_REQUEST, 1, &e));
	assert_string_equal(g.told, "tee2: it commits to its setup key\n");
	assert_int_equal(g.proofs[1].holding, HOLDS_SETUP_KEY);
	assert_true(public_key_equal(&g.proofs[1].setup_key, key_set_public(setup)));
	assert_int_equal(d.items[0].len, 0);
	assert_ok(attestation_parse(buf_view(&d.items[1]), &claims, &e));
	assert_view_equal(claims.public_key.value, public_of(setup));
	assert_view_equal(claims.user_data.value, VIEW_OF(g.manifest.bytes));
}

static void request_keeps_nothing_that_no_share_may_be_sealed_to(void **state)
{
	static const struct {
		enum held held;
		enum lie lie;
		const char *reason;
		bool is_older;
	} rows[] = {
		{ HELD_SETUP, OTHER_NONCE, "nonce", false },
		{ HELD_SETUP, OTHER_IMAGE, "pcr0", false },
		{ HELD_SETUP, OTHER_MODULE, "answers for tee1", false },
		{ HELD_SETUP, NO_LIE, "carries an older manifest", true },
		{ HELD_NOTHING, NO_LIE, "commits to no setup key", false },
		{ HELD_KEY, NO_LIE, "commits to no setup key", false },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };
		AUTO(documents) struct documents d = DOCUMENTS_INIT;

		stage_wait(&g);
		g.run.documents = d.items;
		assert_ok(do_step(&g, STEP_VERIFY, 0, &e));
		g.tees[1].held = rows[i].held;
		if (rows[i].is_older)
			stage_age(&g);
		lie(&g, 1, API_LIVE_ATTESTATION, rows[i].lie);
		assert_refused(do_step(&g, STEP_REQUEST, 1, &e), ERR_ATTESTATION, rows[i].reason);
		assert_int_equal(strncmp(e.text, "tee2: ", 6), 0);
		assert_int_equal(d.items[1].len, 0);
	}
}

/* Of a manifest that is nobody's here: it is another cluster's TEE. */
static void request_takes_no_document_of_a_stranger(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(documents) struct documents d = DOCUMENTS_INIT;
	struct err e;

	(void)state;
	stage_wait(&g);
	g.run.documents = d.items;
	g.manifest.bytes[0] ^= 1;
	assert_refused(do_step(&g, STEP_REQUEST, 1, &e), ERR_ATTESTATION,
	               "occupied by another cluster");
	assert_int_equal(d.items[1].len, 0);
	lie(&g, 1, API_LIVE_ATTESTATION, HTTP_500);
	assert_int_equal(do_step(&g, STEP_REQUEST, 1, &e), -1);
	assert_int_equal(d.items[1].len, 0);
}

/* What was kept of the first of two nodes with one TEE is given to no member either. */
static void request_keeps_no_document_of_a_tee_that_is_two_nodes(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	AUTO(documents) struct documents d = DOCUMENTS_INIT;
	struct err e;

	(void)state;
	stage_wait(&g);
	g.run.documents = d.items;
	g.tees[0].held = HELD_SETUP;
	g.tees[0].module = g.tees[1].module;
	assert_ok(do_step(&g, STEP_REQUEST, 0, &e));
	assert_int_not_equal(d.items[0].len, 0);
	assert_refused(do_step(&g, STEP_REQUEST, 1, &e), ERR_ATTESTATION, "neither is believed");
	assert_int_equal(d.items[0].len + d.items[1].len, 0);
	/* The journal has no word on the first, and so none on the second. */
	stage_forget(&g);
	assert_ok(do_step(&g, STEP_REQUEST, 0, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_keeps_the_document_of_an_attested_setup_key),
		cmocka_unit_test(request_keeps_nothing_that_no_share_may_be_sealed_to),
		cmocka_unit_test(request_takes_no_document_of_a_stranger),
		cmocka_unit_test(request_keeps_no_document_of_a_tee_that_is_two_nodes),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
