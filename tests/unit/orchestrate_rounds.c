/* The rounds of observe, plan and execute, with TEEs that answer each: what ends them where nobody
 * gets on. What ends them before the first is in orchestrate_drive.c. */
#include "tee_support.h"

#include "orchestrate/drive.h"

static size_t planned;

static void count_plans(void *context, const struct event *event)
{
	planned += event->kind == EVENT_PLANNED;
	take_event(context, event);
}

/* As a look finds them: it makes the observation anew, from the state and from what they say. */
static void stage_look(struct stage *g)
{
	struct err e;

	assert_ok(state_keep_genesis(&g->run.state, &g->run.seen.genesis, &e));
	kept_genesis_drop(&g->run.seen.genesis);
	g->run.seen = (struct observation){ 0 };
	g->run.look_ms = 5000;
	g->run.options.on_event = count_plans;
	planned = 0;
	assert_ok(run_look(&g->run, &e));
}

/* tee2 has the key by its documents, and goes on saying that it waits for it. */
static void rounds_come_to_an_end_where_nobody_gets_on(void **state)
{
	const struct goal goal = { .kind = GOAL_UPGRADE, .first = 1, .parallel = 1 };
	char nothing[NOTHING_MAX];
	struct err e;

	(void)state;
	for (int is_look = 0; is_look < 2; is_look++) {
		AUTO(stage) struct stage g = { 0 };

		stage_fill(&g, HELD_KEY);
		g.tees[0].says = PHASE_READY;
		g.tees[1].says = PHASE_WAITING_FOR_KEY;
		stage_look(&g);
		assert_refused(is_look ? drive_look(&g.run, &goal, &e)
		                       : drive(&g.run, &goal, nothing, &e),
		               ERR_INTERNAL, "after 10 rounds more is to be done, as before");
		assert_int_equal(planned, 10); /* two nodes, and eight */
		assert_non_null(strstr(g.told, "tee2: had the key already\n"));
		observation_drop(&g.run.seen);
	}
}

/* And where one does, the next is the last. */
static void rounds_end_once_nothing_is_left(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	const struct goal goal = { .kind = GOAL_UPGRADE, .first = 1, .parallel = 1 };
	char nothing[NOTHING_MAX];
	struct err e;

	(void)state;
	stage_fill(&g, HELD_KEY);
	g.tees[0].says = PHASE_READY;
	g.tees[1].says = PHASE_WAITING_FOR_KEY;
	stage_look(&g);
	g.tees[1].says = PHASE_READY;
	assert_ok(drive(&g.run, &goal, nothing, &e));
	assert_int_equal(planned, 2);
	observation_drop(&g.run.seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rounds_come_to_an_end_where_nobody_gets_on),
		cmocka_unit_test(rounds_end_once_nothing_is_left),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
