/* A node that was believed, and is found to be another's TEE while something of it is under way: a
 * relay is asked as well, and answers with the very same. From then on nothing is taken from it and
 * nothing given to it, however far that had come. */
#include "connecting_support.h"

#include "base/clock.h"

static size_t asked_of(const struct stage *g, size_t tee)
{
	return g->tees[tee].server->request_count;
}

/* tee1 and tee3 have the key and are believed, tee2 waits for it; tee4 will be the relay. */
static void stage_sources(struct stage *g, enum held held)
{
	struct err e;

	stage_fill(g, held);
	add_tee(g, HELD_KEY);
	add_tee(g, HELD_NOTHING);
	assert_ok(do_step(g, STEP_VERIFY, 0, &e));
	g->told[0] = 0;
}

/* Another client had an export of tee1 before: that receipt is fetched before the next counts. */
static void export_elsewhere(struct stage *g)
{
	struct receipt_item item;
	bool has;
	struct err e;

	assert_ok(sign_receipt(&g->tees[0], API_EXPORT_KEY, RECEIPT_EXPORT, view_text("x"), &has,
	                       &item, &e));
}

static void forward_gives_nothing_to_a_target_that_is_refused_meanwhile(void **state)
{
	static const struct {
		enum api api;
		bool is_unknown; /* a receipt before the export's */
		size_t asked;    /* tee1, with its verification */
	} rows[] = {
		{ API_EXPORT_KEY, false, 2 },
		{ API_EXPORT_KEY, true, 3 },
		{ API_RECEIPTS, true, 3 },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };
		struct plot plot = { &g, .node = 1, .api = rows[i].api };

		stage_sources(&g, HELD_NOTHING);
		if (rows[i].is_unknown)
			export_elsewhere(&g);
		contest_at(&plot);
		assert_refused(do_step(&g, STEP_FORWARD, 1, &e), ERR_ATTESTATION,
		               "tee2 was refused meanwhile, so the key is not given to it, until "
		               "teectl verify finds nothing wrong with it: the TEE that answers "
		               "here is the one that answers for tee4");
		assert_string_equal(e.reason, "module_id");
		assert_int_equal(asked_of(&g, 0), rows[i].asked);
		assert_int_equal(asked_of(&g, 1), 2);
		assert_int_equal(asked_of(&g, 2), 0);
		assert_int_equal(
		    said(&g, "tee2 was refused meanwhile, so the key is not given to it"), 1);
		/* What left the source is written down all the same. */
		assert_int_equal(said(&g, "\"export\""), 1);
	}
}

static void forward_takes_another_source_for_one_that_is_refused_meanwhile(void **state)
{
	static const struct {
		enum api api;
		bool is_unknown;
		size_t asked;
		size_t exports; /* that are believed to be of who is said to have made them */
	} rows[] = {
		{ API_GENERATE_ATTESTATION, false, 1, 1 },
		{ API_EXPORT_KEY, false, 2, 1 },
		{ API_RECEIPTS, true, 3, 2 },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };
		struct plot plot = { &g, .node = 0, .api = rows[i].api };

		stage_sources(&g, HELD_NOTHING);
		if (rows[i].is_unknown)
			export_elsewhere(&g);
		contest_at(&plot);
		assert_refused(do_step(&g, STEP_FORWARD, 1, &e), ERR_ATTESTATION,
		               "tee1 was refused meanwhile, so the key is not taken from it");
		assert_int_equal(asked_of(&g, 0), rows[i].asked);
		assert_int_equal(said(&g, "\"export\""), rows[i].exports);
		assert_int_equal(asked_of(&g, 2), 1);
		assert_non_null(
		    strstr(g.told, "tee2: tee1 does not give it, so the key comes from tee3\n"));
		assert_non_null(strstr(g.told, "tee2: from tee3\n"));
		assert_int_equal(
		    said(&g, "tee1 was refused meanwhile, so the key is not taken from it"), 1);
	}
}

/* What was not answered is not sent again. */
static void forward_sends_nothing_again_once_either_is_refused(void **state)
{
	static const struct {
		size_t busy;
		enum api api;
		size_t node;     /* that is refused */
		size_t asked[3]; /* of each TEE */
		const char *words;
	} rows[] = {
		{ 0, API_EXPORT_KEY, 0, { 2, 5, 1 }, "the key is not taken from it" },
		{ 0, API_EXPORT_KEY, 1, { 2, 2, 0 }, "the key is not given to it" },
		{ 1, API_INJECT_KEY, 1, { 2, 3, 0 }, "the key is not given to it" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };
		struct plot plot = {
			.stage = &g, .node = rows[i].node, .api = rows[i].api, .at_retry = true
		};

		stage_sources(&g, HELD_NOTHING);
		contest_at(&plot);
		lie(&g, rows[i].busy, rows[i].api, HTTP_503);
		assert_refused(do_step(&g, STEP_FORWARD, 1, &e), ERR_ATTESTATION, rows[i].words);
		for (size_t t = 0; t < COUNT(rows[i].asked); t++)
			assert_int_equal(asked_of(&g, t), rows[i].asked[t]);
	}
}

/* A node may take its time until it is connected: the request has not left then. */
static void forward_sends_nothing_to_one_that_is_refused_while_it_is_connected(void **state)
{
	static const struct {
		enum api api;
		size_t node;     /* that is refused */
		size_t asked[3]; /* of each TEE */
		const char *words;
	} rows[] = {
		{ API_EXPORT_KEY, 0, { 1, 5, 1 }, "the key is not taken from it" },
		{ API_EXPORT_KEY, 1, { 1, 2, 0 }, "the key is not given to it" },
		{ API_INJECT_KEY, 1, { 2, 2, 0 }, "the key is not given to it" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };
		struct plot plot = {
			.stage = &g, .node = rows[i].node, .api = rows[i].api, .at_retry = false
		};

		stage_sources(&g, HELD_NOTHING);
		connecting = &plot;
		assert_refused(do_step(&g, STEP_FORWARD, 1, &e), ERR_ATTESTATION, rows[i].words);
		connecting = NULL;
		assert_null(plot.stage);
		for (size_t t = 0; t < COUNT(rows[i].asked); t++)
			assert_int_equal(asked_of(&g, t), rows[i].asked[t]);
		assert_int_equal(strstr(g.told, "tee2: from tee3\n") != NULL, rows[i].node == 0);
	}
}

static void forward_begins_with_no_source_that_was_refused(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_sources(&g, HELD_NOTHING);
	contest(&g, 0);
	assert_refused(do_step(&g, STEP_FORWARD, 1, &e), ERR_ATTESTATION,
	               "tee1 was refused meanwhile, so it gives the key to nobody");
	assert_int_equal(asked_of(&g, 0), 1);
	assert_non_null(strstr(g.told, "tee2: from tee3\n"));
	assert_int_equal(said(&g, "tee1 was refused meanwhile, so it gives the key to nobody"), 1);
	/* One that merely did not answer before is asked. */
	g.proofs[0] = (struct node_proof){ .is_refused = true };
	(void)err_set(&g.proofs[0].refusal, ERR_UNREACHABLE, "tee1: no answer");
	g.tees[1].held = HELD_NOTHING;
	assert_ok(do_step(&g, STEP_FORWARD, 1, &e));
	assert_int_equal(asked_of(&g, 0), 2);
}

static void forward_fails_where_no_source_is_left(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_NOTHING);
	add_tee(&g, HELD_NOTHING);
	assert_ok(do_step(&g, STEP_VERIFY, 0, &e));
	contest(&g, 0);
	assert_refused(do_step(&g, STEP_FORWARD, 1, &e), ERR_ATTESTATION,
	               "tee1 was refused meanwhile, so it gives the key to nobody");
	assert_int_equal(asked_of(&g, 0), 1);
	assert_int_equal(asked_of(&g, 1), 0);
}

static void contest_once_done(void *context, const struct event *event)
{
	struct stage *g = context;

	take_event(context, event);
	if (event->kind == EVENT_STEP_DONE && event->node_index == 1)
		contest(g, 1);
}

/* It has got the key, and is believed no more: along the chain it comes from the one before it. */
static void what_a_refused_target_was_given_it_gives_to_nobody(void **state)
{
	static const struct step steps[] = {
		{ .kind = STEP_FORWARD, .node = 1, .needs = STEP_NONE, .after = STEP_NONE },
		{ .kind = STEP_FORWARD, .node = 2, .needs = STEP_NONE, .after = 0 },
	};
	static const size_t order[] = { 0, 1, 2 };
	const struct plan plan = { .steps = (struct step *)steps,
		                   .count = COUNT(steps),
		                   .way = { .topology = TOPOLOGY_CHAIN,
		                            .parallel = 1,
		                            .order = (size_t *)order,
		                            .order_count = COUNT(order) } };
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g, HELD_NOTHING);
	add_tee(&g, HELD_NOTHING);
	add_tee(&g, HELD_NOTHING);
	g.run.options.on_event = contest_once_done;
	assert_refused(execute(&g.run, &plan, &e), ERR_ATTESTATION,
	               "tee2 was refused meanwhile, so it gives the key to nobody");
	assert_non_null(strstr(g.told, "tee2: from tee1\n"));
	assert_non_null(strstr(g.told, "tee3: from tee1\n"));
	assert_int_equal(asked_of(&g, 1), 3);
}

/* What was sealed was to what it had attested, and is written down; but whose it is nobody knows.
 */
static void forward_is_not_done_by_a_target_that_is_refused_as_it_takes_the_key(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct plot plot = { &g, .node = 1, .api = API_INJECT_KEY };
	struct err e;

	(void)state;
	stage_sources(&g, HELD_NOTHING);
	contest_at(&plot);
	assert_refused(do_step(&g, STEP_FORWARD, 1, &e), ERR_ATTESTATION,
	               "tee2 was refused meanwhile, so it is not believed, though it took the key, "
	               "until teectl verify finds nothing wrong with it");
	assert_null(strstr(g.told, "tee2: from tee1\n"));
	assert_int_equal(said(&g, "\"receipt\""), 2);
}

/* --- prepared, and refused before it begins */

static size_t contested; /* the node */

static int start_waiting(struct execution *x, size_t step, struct err *e)
{
	(void)x;
	(void)step;
	(void)e;
	return 0;
}

/* The target's document is there, then the relay is found, and then the forward begins. */
static int loop_with_relay(struct execution *x, struct err *e)
{
	struct run *r = x->run;

	TRY(client_run(r->client, r->deadline_ms, -1, NULL, NULL, e));
	contest(x->context, contested);
	execution_done(x, 0, "%s", "");
	return client_run(r->client, r->deadline_ms, -1, NULL, NULL, e);
}

static int64_t now_us(const struct execution *x)
{
	(void)x;
	return clock_monotonic_us();
}

static int check_source(const struct execution *x, size_t node, struct err *e)
{
	return policy_check_refused(x->run, node, "it gives the key to nobody", e);
}

static int do_prepared(struct stage *g, size_t node, struct err *e)
{
	static const struct world world = {
		.start = { [STEP_LAUNCH] = start_waiting, [STEP_FORWARD] = step_forward_start },
		.prepare = step_forward_prepare,
		.abandon = step_forward_abandon,
		.loop = loop_with_relay,
		.now_us = now_us,
		.check_source = check_source,
	};
	static const struct step steps[] = {
		{ .kind = STEP_LAUNCH, .node = 3, .needs = STEP_NONE, .after = STEP_NONE },
		{ .kind = STEP_FORWARD, .node = 1, .needs = STEP_NONE, .after = 0 },
	};
	static const size_t order[] = { 0, 1, 2 };
	const struct plan plan = { .steps = (struct step *)steps,
		                   .count = COUNT(steps),
		                   .way = { .topology = TOPOLOGY_STAR,
		                            .parallel = 1,
		                            .order = (size_t *)order,
		                            .order_count = COUNT(order) } };

	contested = node;
	return execute_in(&world, g, &g->run, &plan, e);
}

static void a_prepared_target_that_is_refused_gets_nothing(void **state)
{
	static const struct {
		enum held held;
		const char *words;
	} rows[] = {
		{ HELD_NOTHING, "so the key is not given to it" },
		{ HELD_KEY, "so its key is not counted" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };

		stage_sources(&g, HELD_NOTHING);
		g.tees[1].held = g.tees[3].held = rows[i].held;
		assert_refused(do_prepared(&g, 1, &e), ERR_ATTESTATION, rows[i].words);
		assert_int_equal(asked_of(&g, 0), 1);
		assert_int_equal(asked_of(&g, 1), 2);
		assert_int_equal(asked_of(&g, 2), 0);
	}
}

static void a_prepared_target_gets_the_key_from_a_source_that_is_believed(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_sources(&g, HELD_NOTHING);
	assert_refused(do_prepared(&g, 0, &e), ERR_ATTESTATION,
	               "tee1 was refused meanwhile, so it gives the key to nobody");
	assert_non_null(strstr(g.told, "tee2: from tee3\n"));
	assert_int_equal(asked_of(&g, 0), 1);
	/* Nothing of what was prepared is lost; the journal has both beginnings, and the other's.
	 */
	assert_int_equal(asked_of(&g, 1), 3);
	assert_int_equal(said(&g, "\"begin\""), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forward_gives_nothing_to_a_target_that_is_refused_meanwhile),
		cmocka_unit_test(forward_takes_another_source_for_one_that_is_refused_meanwhile),
		cmocka_unit_test(forward_sends_nothing_again_once_either_is_refused),
		cmocka_unit_test(
		    forward_sends_nothing_to_one_that_is_refused_while_it_is_connected),
		cmocka_unit_test(forward_begins_with_no_source_that_was_refused),
		cmocka_unit_test(forward_fails_where_no_source_is_left),
		cmocka_unit_test(what_a_refused_target_was_given_it_gives_to_nobody),
		cmocka_unit_test(
		    forward_is_not_done_by_a_target_that_is_refused_as_it_takes_the_key),
		cmocka_unit_test(a_prepared_target_that_is_refused_gets_nothing),
		cmocka_unit_test(a_prepared_target_gets_the_key_from_a_source_that_is_believed),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
