/* The order in which steps begin, and what the failure of one does to the others, in a world whose
 * steps end as the test says. orchestrate_simulate.c runs whole clusters through it. */
#include "observation_support.h"

#include "orchestrate/execute.h"

#include <unistd.h>

#define STEPS_MAX 32

struct fake {
	struct seen_world world;
	struct run run;
	/* Steps that fail, as "verify tee1": with that code and text. At once: as they start. */
	const char *failing[4];
	struct err failures[4];
	bool fails_at_once;
	const char *refused;        /* a node whose document was refused */
	const char *measured_by;    /* a step at whose end the image is measured, */
	int measured_fd;            /* which is said here */
	const char *interrupted_by; /* a step at whose end a person wants no more */
	const char *unmay;          /* a step that may not begin, since another run is the leader */
	size_t running[STEPS_MAX], running_count;
	size_t most; /* at once */
	int prepared, abandoned;
	size_t failed, messages, named; /* steps, and in how many messages so many nodes */
	char told[2048];
};

static void describe(const struct fake *f, const struct step *s, char to[static 32])
{
	snprintf(to, 32, "%s %s", step_name(s->kind), f->world.nodes[s->node].name);
}

static const struct err *failure_of(const struct fake *f, const char *step)
{
	for (size_t i = 0; i < COUNT(f->failing); i++)
		if (f->failing[i] && strcmp(f->failing[i], step) == 0)
			return &f->failures[i];
	return NULL;
}

static int start(struct execution *x, size_t step, struct err *e)
{
	struct fake *f = x->context;
	const struct err *failure;
	char name[32];

	describe(f, &x->plan->steps[step], name);
	failure = failure_of(f, name);
	if (failure && f->fails_at_once) {
		*e = *failure;
		return -1;
	}
	assert_true(f->running_count < STEPS_MAX);
	f->running[f->running_count++] = step;
	f->most = f->running_count > f->most ? f->running_count : f->most;
	return 0;
}

static void end_first(struct execution *x, struct fake *f)
{
	size_t step = f->running[0];
	const struct err *failure;
	char name[32];

	memmove(f->running, f->running + 1, --f->running_count * sizeof(f->running[0]));
	describe(f, &x->plan->steps[step], name);
	failure = failure_of(f, name);
	if (f->measured_by && strcmp(f->measured_by, name) == 0)
		assert_int_equal(write(f->measured_fd, "", 1), 1);
	if (failure)
		execution_failed(x, step, failure);
	else
		execution_done(x, step, "%s", "");
	if (f->interrupted_by && strcmp(f->interrupted_by, name) == 0)
		execution_interrupt(x);
}

static int loop(struct execution *x, struct err *e)
{
	struct fake *f = x->context;

	(void)e;
	while (f->running_count)
		end_first(x, f);
	return 0;
}

static int64_t now_us(const struct execution *x)
{
	(void)x;
	return 1;
}

static bool is_refused(const struct execution *x, size_t node)
{
	const struct fake *f = x->context;

	return f->refused && strcmp(f->refused, f->world.nodes[node].name) == 0;
}

/* "+launch tee1 -launch tee1 !verify tee1(tee1, tee2)": began, done, failed; "~": told already */
static void take_event(void *context, const struct event *event)
{
	struct fake *f = context;
	size_t len = strlen(f->told);

	if (event->kind == EVENT_PLANNED)
		return;
	assert_true(event->kind != EVENT_NOTE);
	snprintf(f->told + len, sizeof(f->told) - len, "%s%s%s %s%s%s%s", len ? " " : "",
	         event->kind == EVENT_STEP_STARTED ? "+"
	         : event->kind == EVENT_STEP_DONE  ? "-"
	         : event->is_repeat                ? "~"
	                                           : "!",
	         event->step, event->node, event->nodes && !event->is_repeat ? "(" : "",
	         event->nodes && !event->is_repeat ? event->nodes : "",
	         event->nodes && !event->is_repeat ? ")" : "");
}

static void count_event(void *context, const struct event *event)
{
	struct fake *f = context;

	if (event->kind != EVENT_STEP_FAILED)
		return;
	f->failed++;
	if (event->is_repeat)
		return;
	f->messages++;
	f->named++;
	for (const char *at = event->nodes; (at = strchr(at, ',')); at++)
		f->named++;
}

static int may(void *context, bool is_step, struct err *e)
{
	struct fake *f = context;

	return is_step && f->unmay ? err_set(e, ERR_NOT_DESIRED, "another leads now") : 0;
}

static void fake_fill(struct fake *f, const char *letters)
{
	*f = (struct fake){ 0 };
	seen_world_fill(&f->world, letters, true);
	f->world.cluster.propagate.parallel = 1;
	f->run = (struct run){ .cluster = &f->world.cluster,
		               .state = { .lock = -1 },
		               .evidence = EVIDENCE_INIT,
		               .seen = f->world.observation,
		               .options = { .on_event = take_event,
		                            .event_context = f,
		                            .may = may,
		                            .may_context = f } };
}

static void let_fail(struct fake *f, size_t i, const char *step, enum err_code code,
                     const char *text)
{
	f->failing[i] = step;
	(void)err_set(&f->failures[i], code, "%s", text);
}

static int run_steps(struct fake *f, const struct step *steps, size_t count, struct err *e)
{
	static const struct world world = {
		.start = { [STEP_LAUNCH] = start,
		           [STEP_VERIFY] = start,
		           [STEP_GENESIS] = start,
		           [STEP_BOOT] = start,
		           [STEP_INJECT] = start,
		           [STEP_REQUEST] = start,
		           [STEP_SUBMIT] = start,
		           [STEP_FORWARD] = start,
		           [STEP_PROVE] = start,
		           [STEP_RETIRE] = start },
		.loop = loop,
		.now_us = now_us,
		.is_refused = is_refused,
	};
	const struct plan plan = { .steps = (struct step *)steps, .count = count };

	return execute_in(&world, f, &f->run, &plan, e);
}

#define STEP(of, at, before, behind)                                                               \
	{                                                                                          \
		.kind = STEP_##of, .node = (at), .source = SOURCE_NONE, .needs = (before),         \
		.after = (behind)                                                                  \
	}

/* tee1 and tee2 are launched and verified, and tee3 is told to retire once tee1's is at an end. */
static const struct step two_launches[] = {
	STEP(LAUNCH, 0, STEP_NONE, STEP_NONE), STEP(LAUNCH, 1, STEP_NONE, STEP_NONE),
	STEP(VERIFY, 0, 0, STEP_NONE),         STEP(VERIFY, 1, 1, STEP_NONE),
	STEP(RETIRE, 2, STEP_NONE, 2),
};

static void a_step_begins_once_what_it_needs_is_done(void **state)
{
	struct fake f;
	struct err e;

	(void)state;
	fake_fill(&f, "aae");
	assert_ok(run_steps(&f, two_launches, COUNT(two_launches), &e));
	assert_string_equal(f.told,
	                    "+launch tee1 +launch tee2 -launch tee1 +verify tee1 -launch tee2 "
	                    "+verify tee2 -verify tee1 +retire tee3 -verify tee2 -retire tee3");
	assert_int_equal(f.most, 2);
}

static void a_failure_fails_what_needs_it_and_not_the_rest(void **state)
{
	struct fake f;
	struct err e;

	(void)state;
	fake_fill(&f, "aae");
	let_fail(&f, 0, "launch tee1", ERR_NO_INPUT, "there is no image");
	/* What merely comes after it goes on; that its verification can't follow is no news. */
	assert_refused(run_steps(&f, two_launches, COUNT(two_launches), &e), ERR_PARTIAL,
	               "there is no image");
	assert_string_equal(f.told, "+launch tee1 +launch tee2 +retire tee3 !launch tee1(tee1) "
	                            "-launch tee2 +verify tee2 -retire tee3 -verify tee2");
}

static void what_fails_at_once_fails_the_same_way(void **state)
{
	struct fake f;
	struct err e;

	(void)state;
	fake_fill(&f, "aae");
	f.fails_at_once = true;
	let_fail(&f, 0, "launch tee1", ERR_NO_INPUT, "tee1: there is no image");
	let_fail(&f, 1, "launch tee2", ERR_NO_INPUT, "tee2: there is no image");
	assert_refused(run_steps(&f, two_launches, COUNT(two_launches), &e), ERR_PARTIAL,
	               "there is no image");
	/* One sentence for both, with all names. */
	assert_string_equal(f.told, "+launch tee1 +launch tee2 +retire tee3 "
	                            "!launch tee1(tee1, tee2) ~launch tee2 -retire tee3");
}

#define MANY 1024

/* Of more names than one message takes the rest is told in another, and none as told that was not.
 */
static void names_that_do_not_fit_are_told_with_the_next(void **state)
{
	static struct cluster_node nodes[MANY];
	static char names[MANY][100];
	static struct step steps[MANY];
	static struct fake f;
	struct err e;

	(void)state;
	fake_fill(&f, "a");
	f.run.cluster = &f.world.cluster;
	f.world.cluster.nodes = nodes;
	f.world.cluster.node_count = MANY;
	f.run.options.on_event = count_event;
	f.unmay = "";
	for (size_t i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "n%098zu", i);
		nodes[i].name = names[i];
		steps[i] = (struct step)STEP(LAUNCH, i, STEP_NONE, STEP_NONE);
	}
	assert_refused(run_steps(&f, steps, MANY, &e), ERR_NOT_DESIRED, "another leads now");
	assert_int_equal(f.messages, 2);
	assert_int_equal(f.named, MANY);
	assert_int_equal(f.failed, MANY);
}

static void the_whole_is_the_worst_of_it(void **state)
{
	static const struct {
		enum err_code first, second, outcome;
	} rows[] = {
		{ ERR_UNREACHABLE, ERR_ATTESTATION, ERR_ATTESTATION },
		{ ERR_ATTESTATION, ERR_UNREACHABLE, ERR_ATTESTATION },
		{ ERR_UNREACHABLE, ERR_UNREACHABLE, ERR_UNREACHABLE },
	};
	static const struct step steps[] = { STEP(VERIFY, 0, STEP_NONE, STEP_NONE),
		                             STEP(VERIFY, 1, STEP_NONE, STEP_NONE) };
	struct fake f;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		fake_fill(&f, "ee");
		let_fail(&f, 0, "verify tee1", rows[i].first, "first");
		let_fail(&f, 1, "verify tee2", rows[i].second, "second");
		assert_refused(run_steps(&f, steps, COUNT(steps), &e), rows[i].outcome,
		               rows[i].outcome == rows[i].first ? "first" : "second");
	}
	/* A refusal is no ordinary failure, whatever else was done. */
	fake_fill(&f, "ee");
	let_fail(&f, 0, "verify tee1", ERR_ATTESTATION, "another image");
	assert_refused(run_steps(&f, steps, COUNT(steps), &e), ERR_ATTESTATION, "another image");
	let_fail(&f, 0, "verify tee1", ERR_UNREACHABLE, "away");
	assert_refused(run_steps(&f, steps, COUNT(steps), &e), ERR_PARTIAL, "away");
}

static void what_the_plan_refuses_is_never_begun(void **state)
{
	struct err refusal, e;
	struct step steps[] = { STEP(FORWARD, 0, STEP_NONE, STEP_NONE),
		                STEP(PROVE, 0, 0, STEP_NONE) };
	struct fake f;

	(void)state;
	(void)err_set(&refusal, ERR_REFUSED, "tee1 is occupied");
	steps[0].refusal = &refusal;
	fake_fill(&f, "o");
	assert_refused(run_steps(&f, steps, COUNT(steps), &e), ERR_REFUSED, "tee1 is occupied");
	assert_string_equal(f.told, "!forward tee1(tee1)");
	/* What is for those elsewhere is told as that, whatever else is done. */
	fake_fill(&f, "rw");
	(void)err_reason(&refusal, ERR_NOT_DESIRED, STEP_ELSEWHERE, "start it there");
	steps[0].node = 1;
	steps[1] = (struct step)STEP(VERIFY, 0, STEP_NONE, STEP_NONE);
	assert_refused(run_steps(&f, steps, COUNT(steps), &e), ERR_NOT_DESIRED, "start it there");
}

static void an_interrupt_lets_finish_and_begins_nothing(void **state)
{
	struct fake f;
	struct err e;

	(void)state;
	fake_fill(&f, "aae");
	f.interrupted_by = "launch tee1";
	assert_refused(run_steps(&f, two_launches, COUNT(two_launches), &e), ERR_INTERRUPTED,
	               "what was under way is finished");
	assert_true(f.run.is_interrupted);
	/* The first's end began one more; behind that nothing did. */
	assert_string_equal(f.told, "+launch tee1 +launch tee2 -launch tee1 +verify tee1 "
	                            "-launch tee2 !verify tee2(tee2) -verify tee1 "
	                            "!retire tee3(tee3)");
}

static void who_no_longer_leads_begins_nothing(void **state)
{
	struct fake f;
	struct err e;

	(void)state;
	fake_fill(&f, "aae");
	f.unmay = "";
	assert_refused(run_steps(&f, two_launches, COUNT(two_launches), &e), ERR_NOT_DESIRED,
	               "another leads now");
	assert_null(strchr(f.told, '+'));
}

/* --- the key's way */

static struct fake *preparing; /* whose preparations are counted */

/* "?forward tee3" in what is told. */
static void prepare(struct execution *x, size_t step)
{
	struct fake *f = x->context;
	size_t len = strlen(f->told);
	char name[32];

	describe(f, &x->plan->steps[step], name);
	snprintf(f->told + len, sizeof(f->told) - len, "%s?%s", len ? " " : "", name);
	assert_null(x->states[step].prepared);
	x->states[step].prepared = f;
	preparing = f;
	f->prepared++;
}

static void abandon(void *prepared)
{
	assert_ptr_equal(prepared, preparing);
	preparing->prepared--;
	preparing->abandoned++;
}

static int start_forward(struct execution *x, size_t step, struct err *e)
{
	struct fake *f = x->context;

	f->prepared -= execution_take_prepared(x, step) != NULL;
	return start(x, step, e);
}

static int propagate(struct fake *f, enum topology topology, struct err *e)
{
	static const struct world world = { .start = { [STEP_VERIFY] = start,
		                                       [STEP_FORWARD] = start_forward,
		                                       [STEP_PROVE] = start },
		                            .prepare = prepare,
		                            .abandon = abandon,
		                            .loop = loop,
		                            .now_us = now_us,
		                            .is_refused = is_refused };
	const struct goal goal = { .kind = GOAL_PROPAGATE, .topology = topology };
	AUTO(plan) struct plan plan = { 0 };

	TRY(plan_make(&f->world.cluster, &f->world.observation, &goal, &plan, e));
	return execute_in(&world, f, &f->run, &plan, e);
}

static void a_forward_begins_once_a_source_is_free(void **state)
{
	struct fake f;
	struct err e;

	(void)state;
	fake_fill(&f, "rww");
	assert_ok(propagate(&f, TOPOLOGY_STAR, &e));
	assert_non_null(strstr(f.told, "-forward tee2"));
	assert_non_null(strstr(f.told, "-forward tee3"));
	/* One source, one at a time. */
	assert_true(strstr(f.told, "+forward tee3") > strstr(f.told, "-forward tee2"));
}

static void nothing_comes_from_a_source_whose_document_was_refused(void **state)
{
	struct fake f;
	struct err e;

	(void)state;
	fake_fill(&f, "rw");
	f.refused = "tee1";
	f.fails_at_once = true;
	let_fail(&f, 0, "verify tee1", ERR_ATTESTATION, "another image");
	let_fail(&f, 1, "prove tee1", ERR_ATTESTATION, "another image");
	assert_refused(propagate(&f, TOPOLOGY_STAR, &e), ERR_ATTESTATION, "another image");
	assert_null(strstr(f.told, "+forward"));
	assert_non_null(strstr(f.told, "!forward tee2"));
}

/* What comes first is in the way of nobody: not before what it needs, and not after its turn. */
static void the_next_of_a_chain_is_prepared_while_the_key_is_on_its_way(void **state)
{
	struct fake f;
	struct err e;
	const char *prepared;

	(void)state;
	fake_fill(&f, "rwww");
	assert_ok(propagate(&f, TOPOLOGY_CHAIN, &e));
	prepared = strstr(f.told, "?forward tee3");
	assert_non_null(prepared);
	assert_true(prepared > strstr(f.told, "+forward tee2"));
	assert_true(prepared < strstr(f.told, "-forward tee2"));
	assert_true(strstr(f.told, "?forward tee4") > strstr(f.told, "+forward tee3"));
	assert_int_equal(f.prepared, 0);
	assert_int_equal(f.abandoned, 0);
}

/* Its proof can wait, and those that wait for its key can't. */
static void what_has_the_key_gives_it_on_before_it_is_asked_for_its_proof(void **state)
{
	struct fake f;
	struct err e;

	(void)state;
	fake_fill(&f, "rwww");
	assert_ok(propagate(&f, TOPOLOGY_CHAIN, &e));
	assert_non_null(strstr(f.told, "+forward tee3"));
	assert_non_null(strstr(f.told, "+forward tee4"));
	assert_true(strstr(f.told, "+prove tee2") > strstr(f.told, "+forward tee3"));
	assert_true(strstr(f.told, "+prove tee3") > strstr(f.told, "+forward tee4"));
}

/* Two wait for tee1's key while the image is measured: until measured_by ends; NULL: for ever, or
 * until somebody waits for it, which nobody does here. */
static void propagate_unmeasured(struct fake *f, const char *measured_by)
{
	struct err e;
	int pipes[2];

	fake_fill(f, "rww");
	assert_int_equal(pipe(pipes), 0);
	f->run.expectation = (struct expectation){ .pid = getpid(), .fd = pipes[0] };
	f->measured_fd = pipes[1];
	f->measured_by = measured_by;
	assert_ok(propagate(f, TOPOLOGY_STAR, &e));
	close(pipes[0]);
	close(pipes[1]);
}

static void while_the_image_is_measured_the_source_alone_is_asked(void **state)
{
	struct fake f;

	(void)state;
	propagate_unmeasured(&f, "verify tee1");
	assert_true(strstr(f.told, "+forward tee2") > strstr(f.told, "-verify tee1"));
	assert_true(strstr(f.told, "?forward tee3") > strstr(f.told, "-verify tee1"));
	assert_true(strstr(f.told, "+forward tee2") < strstr(f.told, "+prove tee1"));
}

/* Whoever asks for it then waits for it. */
static void with_nothing_else_to_do_the_measurement_is_waited_for(void **state)
{
	struct fake f;

	(void)state;
	propagate_unmeasured(&f, /* measured_by= */ NULL);
	assert_true(strstr(f.told, "+forward tee2") > strstr(f.told, "-prove tee1"));
	assert_non_null(strstr(f.told, "-forward tee3"));
	assert_int_equal(f.prepared, 0);
}

static void all_that_wait_for_a_source_are_prepared(void **state)
{
	struct fake f;
	struct err e;

	(void)state;
	fake_fill(&f, "rwww");
	assert_ok(propagate(&f, TOPOLOGY_STAR, &e));
	assert_non_null(strstr(f.told, "?forward tee3"));
	assert_true(strstr(f.told, "?forward tee4") < strstr(f.told, "-forward tee2"));
	assert_int_equal(f.prepared, 0);
}

static void what_is_prepared_in_vain_is_let_go(void **state)
{
	struct fake f;
	struct err e;

	(void)state;
	fake_fill(&f, "rwww");
	f.interrupted_by = "forward tee2";
	assert_refused(propagate(&f, TOPOLOGY_STAR, &e), ERR_INTERRUPTED, "interrupted");
	assert_true(f.abandoned > 0);
	assert_int_equal(f.prepared, 0);
}

static void before_the_key_is_there_nothing_is_prepared(void **state)
{
	struct fake f;
	struct err e;

	(void)state;
	fake_fill(&f, "rw");
	f.refused = "tee1";
	f.fails_at_once = true;
	let_fail(&f, 0, "verify tee1", ERR_ATTESTATION, "another image");
	let_fail(&f, 1, "prove tee1", ERR_ATTESTATION, "another image");
	assert_refused(propagate(&f, TOPOLOGY_CHAIN, &e), ERR_ATTESTATION, "another image");
	assert_null(strchr(f.told, '?'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_begins_once_what_it_needs_is_done),
		cmocka_unit_test(a_failure_fails_what_needs_it_and_not_the_rest),
		cmocka_unit_test(what_fails_at_once_fails_the_same_way),
		cmocka_unit_test(names_that_do_not_fit_are_told_with_the_next),
		cmocka_unit_test(the_whole_is_the_worst_of_it),
		cmocka_unit_test(what_the_plan_refuses_is_never_begun),
		cmocka_unit_test(an_interrupt_lets_finish_and_begins_nothing),
		cmocka_unit_test(who_no_longer_leads_begins_nothing),
		cmocka_unit_test(a_forward_begins_once_a_source_is_free),
		cmocka_unit_test(nothing_comes_from_a_source_whose_document_was_refused),
		cmocka_unit_test(the_next_of_a_chain_is_prepared_while_the_key_is_on_its_way),
		cmocka_unit_test(what_has_the_key_gives_it_on_before_it_is_asked_for_its_proof),
		cmocka_unit_test(while_the_image_is_measured_the_source_alone_is_asked),
		cmocka_unit_test(with_nothing_else_to_do_the_measurement_is_waited_for),
		cmocka_unit_test(all_that_wait_for_a_source_are_prepared),
		cmocka_unit_test(what_is_prepared_in_vain_is_let_go),
		cmocka_unit_test(before_the_key_is_there_nothing_is_prepared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
