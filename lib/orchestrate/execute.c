#include "orchestrate/execute.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int (*const starts[])(struct execution *x, size_t step, struct err *e) = {
	[STEP_LAUNCH] = step_launch_start,   [STEP_VERIFY] = step_verify_start,
	[STEP_GENESIS] = step_genesis_start, [STEP_INJECT] = step_inject_start,
	[STEP_FORWARD] = step_forward_start, [STEP_PROVE] = step_prove_start,
};

static void advance(struct execution *x);

static const char *node_name(const struct execution *x, size_t step)
{
	return x->run->cluster->nodes[x->plan->steps[step].node].name;
}

/* The journal is for people and audits; that it can't be written must not lose the key's way. */
static void journal(struct execution *x, size_t step, const char *what)
{
	struct err e;

	if (!x->run->options.to_change)
		return;
	if (state_journal(&x->run->state, step_name(x->plan->steps[step].kind), node_name(x, step),
	                  what, &e) < 0)
		run_note(x->run, x->plan->steps[step].node, "journal: %s", e.text);
}

static void tell(struct execution *x, size_t step, enum event_kind kind)
{
	const struct step_state *state = &x->states[step];

	run_tell(x->run,
	         &(struct event){
	             .kind = kind,
	             .step = step_name(x->plan->steps[step].kind),
	             .node = node_name(x, step),
	             .text = kind == EVENT_STEP_FAILED ? state->failure.text : state->detail,
	             .failure = kind == EVENT_STEP_FAILED ? &state->failure : NULL,
	             .elapsed_us = state->started_us ? clock_monotonic_us() - state->started_us : 0,
	         });
}

void execution_begun(struct execution *x, size_t step)
{
	x->states[step].started_us = clock_monotonic_us();
	x->states[step].status = STEP_RUNNING;
	journal(x, step, "begin");
	tell(x, step, EVENT_STEP_STARTED);
}

void execution_done(struct execution *x, size_t step, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(x->states[step].detail, sizeof(x->states[step].detail), format, args);
	va_end(args);
	x->states[step].status = STEP_DONE;
	journal(x, step, "done");
	tell(x, step, EVENT_STEP_DONE);
	advance(x);
}

void execution_failed(struct execution *x, size_t step, const struct err *why)
{
	const struct step *s = &x->plan->steps[step];

	x->states[step].failure = *why;
	x->states[step].status = STEP_FAILED;
	/* What can't follow because of a failure that was told is no news. */
	if (s->needs == STEP_NONE || s->may_fail || x->states[s->needs].status != STEP_FAILED) {
		journal(x, step, why->text);
		tell(x, step, EVENT_STEP_FAILED);
	}
	advance(x);
}

/* May it start, must it fail, or must it wait? */
static enum step_status readiness(struct execution *x, size_t step, struct err *why)
{
	const struct step *s = &x->plan->steps[step];
	const struct step_state *needed = s->needs == STEP_NONE ? NULL : &x->states[s->needs];

	if (needed && needed->status < STEP_DONE)
		return STEP_PENDING;
	if (x->run->is_interrupted) {
		(void)err_set(why, ERR_INTERRUPTED, "%s: not begun, since you interrupted",
		              node_name(x, step));
		return STEP_FAILED;
	}
	if (needed && needed->status == STEP_FAILED && !s->may_fail) {
		*why = needed->failure;
		return STEP_FAILED;
	}
	if (s->is_refused) {
		*why = s->refusal;
		return STEP_FAILED;
	}
	return STEP_RUNNING;
}

static bool start(struct execution *x, size_t step)
{
	struct step_state *state = &x->states[step];
	struct err e = { 0 };
	enum step_status ready;

	if (state->status != STEP_PENDING)
		return false;
	ready = readiness(x, step, &e);
	if (ready == STEP_PENDING)
		return false;
	if (ready == STEP_RUNNING)
		execution_begun(x, step);
	if (ready == STEP_FAILED || starts[x->plan->steps[step].kind](x, step, &e) < 0)
		execution_failed(x, step, &e);
	return true;
}

/* Starts what can be started until nothing changes; steps that end at once count as a change. */
static void advance(struct execution *x)
{
	bool again = true;

	if (x->is_settling)
		return;
	x->is_settling = true;
	while (again) {
		again = false;
		for (size_t i = 0; i < x->plan->count; i++)
			again |= start(x, i);
	}
	x->is_settling = false;
}

/* A node is done when none of its steps failed. */
static bool is_node_done(const struct execution *x, size_t node)
{
	size_t steps = 0;

	for (size_t i = 0; i < x->plan->count; i++) {
		if (x->plan->steps[i].node != node)
			continue;
		if (x->states[i].status != STEP_DONE)
			return false;
		steps++;
	}
	return steps > 0;
}

static bool is_any_done(const struct execution *x)
{
	if (x->plan->order_count)
		return true; /* a chain's source has the key already */
	for (size_t node = 0; node < x->run->cluster->node_count; node++)
		if (is_node_done(x, node))
			return true;
	return false;
}

static int outcome(const struct execution *x, struct err *e)
{
	const struct step_state *worst = NULL;

	for (size_t i = 0; i < x->plan->count; i++) {
		const struct step_state *state = &x->states[i];

		if (state->status == STEP_DONE)
			continue;
		if (!worst ||
		    err_worse(worst->failure.code, state->failure.code) != worst->failure.code)
			worst = state;
	}
	if (!worst && !x->lost.text[0])
		return 0;
	*e = worst ? worst->failure : x->lost;
	if (x->run->is_interrupted)
		return err_set(e, ERR_INTERRUPTED,
		               "interrupted; what was under way is finished and written down: the "
		               "same command goes on from there");
	if (is_any_done(x) && err_worse(ERR_PARTIAL, e->code) == ERR_PARTIAL)
		e->code = ERR_PARTIAL;
	return -1;
}

static bool on_interrupt(void *context)
{
	struct execution *x = context;
	/* What only looks is given up at once, what changes something at the second time. */
	bool again = x->run->is_interrupted || !x->run->options.to_change;

	x->run->is_interrupted = true;
	if (x->run->options.on_interrupt)
		(void)x->run->options.on_interrupt(x->run->options.interrupt_context);
	return again;
}

static void execution_drop(struct execution *x)
{
	free(x->states);
}

int execute(struct run *run, const struct plan *plan, struct err *e)
{
	AUTO(execution) struct execution x = { .run = run, .plan = plan };

	x.states = calloc(plan->count ? plan->count : 1, sizeof(*x.states));
	if (!x.states)
		return err_set(e, ERR_INTERNAL, "no memory for %zu steps", plan->count);
	advance(&x);
	TRY(client_run(run->client, run->deadline_ms, run->options.interrupt_fd, on_interrupt, &x,
	               e));
	return outcome(&x, e);
}
