#include "orchestrate/execute.h"

#include "base/clock.h"
#include "base/text.h"
#include "orchestrate/policy.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOLD_TOGETHER_MAX 1024  /* nodes in one message, */
#define NAMES_MAX         65536 /* as far as their names fit */
/* Forwards that wait for the key with their document verified. It is fresh for a while only, and
 * each takes a connection and a few kilobytes. */
#define PREPARED_MAX 64

static void advance(struct execution *x);

static const struct step *step_of(const struct execution *x, size_t step)
{
	return &x->plan->steps[step];
}

static const char *node_name(const struct execution *x, size_t step)
{
	return x->run->cluster->nodes[step_of(x, step)->node].name;
}

static void journal(struct execution *x, size_t step, const char *what)
{
	const struct step *s = step_of(x, step);

	evidence_step(x->run, s->node, step_name(s->kind), step_is_repeatable(s->kind), what);
}

static void tell(struct execution *x, size_t step, enum event_kind kind)
{
	const struct step_state *state = &x->states[step];

	run_tell(x->run,
	         &(struct event){
	             .kind = kind,
	             .step = step_name(step_of(x, step)->kind),
	             .step_kind = step_of(x, step)->kind,
	             .node = node_name(x, step),
	             .node_index = step_of(x, step)->node,
	             .round = step_of(x, step)->round,
	             .text = state->detail ? state->detail : "",
	             .elapsed_us = state->started_us ? x->world->now_us(x) - state->started_us : 0,
	         });
}

/* What a step failed with, behind its node's name where it begins with that. */
static const char *sentence(const struct execution *x, size_t step)
{
	const char *text = x->states[step].failure->text, *name = node_name(x, step);
	size_t len = strlen(name);

	return strncmp(text, name, len) == 0 ? text + len : text;
}

static bool is_same_failure(const struct execution *x, size_t a, size_t b)
{
	return step_of(x, a)->kind == step_of(x, b)->kind &&
	       strcmp(sentence(x, a), sentence(x, b)) == 0;
}

static void tell_failure(struct execution *x, size_t step, const char *nodes, bool is_repeat)
{
	struct step_state *state = &x->states[step];

	state->is_untold = false;
	run_tell(x->run, &(struct event){
	                     .kind = EVENT_STEP_FAILED,
	                     .step = step_name(step_of(x, step)->kind),
	                     .step_kind = step_of(x, step)->kind,
	                     .node = node_name(x, step),
	                     .node_index = step_of(x, step)->node,
	                     .round = step_of(x, step)->round,
	                     .nodes = nodes,
	                     .is_repeat = is_repeat,
	                     .text = state->failure->text,
	                     .failure = state->failure,
	                     .elapsed_us = state->elapsed_us,
	                 });
}

/* One image that is missing fails every launch: whoever prints it does so once, with all names.
 *
 * same  room for TOLD_TOGETHER_MAX steps */
static void tell_failures_like(struct execution *x, size_t first, size_t *same)
{
	AUTO(buf) struct buf names = BUF_INIT(NAMES_MAX);
	size_t step = x->untold[first], count = 0;
	struct err full;

	for (size_t i = first; i < x->untold_count && i - first < TOLD_TOGETHER_MAX; i++)
		if (x->states[x->untold[i]].is_untold && is_same_failure(x, step, x->untold[i]))
			same[count++] = x->untold[i];
	/* Those that do not fit are told with the next. */
	for (size_t i = 0; i < count; i++)
		if (buf_add_format(&names, &full, "%s%s", i ? ", " : "", node_name(x, same[i])) < 0)
			count = i;
	tell_failure(x, step, names.len ? buf_text(&names) : node_name(x, step), false);
	for (size_t i = 1; i < count; i++)
		tell_failure(x, same[i], node_name(x, same[i]), true);
}

static int compare_steps(const void *a, const void *b)
{
	const size_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* In the plan's order, whichever was known first. */
static void tell_failures(struct execution *x)
{
	size_t same[TOLD_TOGETHER_MAX];

	qsort(x->untold, x->untold_count, sizeof(*x->untold), compare_steps);
	for (size_t i = 0; i < x->untold_count; i++)
		if (x->states[x->untold[i]].is_untold)
			tell_failures_like(x, i, same);
	x->untold_count = 0;
}

/* --- which steps are to be looked at --- */

static void consider(struct execution *x, size_t step)
{
	struct step_state *state = &x->states[step];

	if (state->is_considered || state->status != STEP_PENDING || state->waits_for_source)
		return;
	state->is_considered = true;
	if (step_of(x, step)->kind == STEP_PROVE)
		x->proofs[x->proof_count++] = step;
	else
		x->considered[x->considered_count++] = step;
}

/* Each is in one list of those that need a step, and in one of those that come after one. */
static void link_followers(struct execution *x)
{
	for (size_t i = x->plan->count; i-- > 0;) {
		const struct step *s = step_of(x, i);
		struct step_state *state = &x->states[i];

		state->first_needing = state->first_after = STEP_NONE;
		state->source = SOURCE_NONE;
		state->next_needing = state->next_after = STEP_NONE;
		if (s->kind == STEP_FORWARD)
			x->forward_of[s->node] = i;
		x->births += s->kind == STEP_INJECT;
	}
	for (size_t i = x->plan->count; i-- > 0;) {
		const struct step *s = step_of(x, i);
		struct step_state *state = &x->states[i];

		if (s->needs != STEP_NONE) {
			state->next_needing = x->states[s->needs].first_needing;
			x->states[s->needs].first_needing = i;
		}
		if (s->after != STEP_NONE) {
			state->next_after = x->states[s->after].first_after;
			x->states[s->after].first_after = i;
		}
		consider(x, i);
	}
}

static void consider_followers(struct execution *x, size_t step)
{
	for (size_t i = x->states[step].first_needing; i != STEP_NONE;
	     i = x->states[i].next_needing)
		consider(x, i);
	for (size_t i = x->states[step].first_after; i != STEP_NONE; i = x->states[i].next_after)
		consider(x, i);
}

/* --- what needs no source is done before there is one --- */

/* Before the key is born there is no manifest to give to anybody. */
static bool may_prepare(const struct execution *x)
{
	struct err ignored;
	const struct run_options *o = &x->run->options;

	return !x->run->is_interrupted && sources_any(x->sources) &&
	       (!o->may || o->may(o->may_context, /* is_step= */ true, &ignored) == 0);
}

static bool has_its_needs(const struct execution *x, size_t step)
{
	const struct step *s = step_of(x, step);

	return !s->refusal && (s->needs == STEP_NONE || x->states[s->needs].status == STEP_DONE);
}

static void queue(struct execution *x, size_t step)
{
	struct step_state *state = &x->states[step];

	if (!x->world->prepare || step_of(x, step)->kind != STEP_FORWARD || state->is_queued ||
	    !has_its_needs(x, step))
		return;
	state->is_queued = true;
	x->queue[x->queue_end++] = step;
}

static void prepare_some(struct execution *x)
{
	while (x->queue_first < x->queue_end && x->prepared_count < PREPARED_MAX &&
	       may_prepare(x)) {
		size_t step = x->queue[x->queue_first++];

		if (x->states[step].status != STEP_PENDING)
			continue;
		journal(x, step, JOURNAL_BEGIN);
		x->states[step].is_begin_written = true;
		x->world->prepare(x, step);
		x->prepared_count += x->states[step].prepared != NULL;
	}
}

void *execution_take_prepared(struct execution *x, size_t step)
{
	void *prepared = MOVE(x->states[step].prepared);

	x->prepared_count -= prepared != NULL;
	return prepared;
}

static void abandon(struct execution *x, size_t step)
{
	void *prepared = execution_take_prepared(x, step);

	if (prepared)
		x->world->abandon(prepared);
}

static void set_status(struct execution *x, size_t step, enum step_status status)
{
	struct step_state *state = &x->states[step];

	x->running -= state->status == STEP_RUNNING;
	x->running += status == STEP_RUNNING;
	state->status = status;
}

/* --- the ends of a step --- */

void execution_begun(struct execution *x, size_t step)
{
	struct step_state *state = &x->states[step];

	state->started_us = x->world->now_us(x);
	set_status(x, step, STEP_RUNNING);
	if (!state->is_begin_written)
		journal(x, step, JOURNAL_BEGIN);
	state->is_begin_written = false;
	tell(x, step, EVENT_STEP_STARTED);
	/* Along a chain the next one's turn comes with the end of this. */
	for (size_t i = state->first_after; i != STEP_NONE; i = x->states[i].next_after)
		queue(x, i);
}

static void end_source(struct execution *x, size_t step, bool has_key)
{
	struct step_state *state = &x->states[step];

	if (state->source == SOURCE_NONE)
		return;
	sources_done(x->sources, step_of(x, step)->node, state->source, has_key);
	state->source = SOURCE_NONE;
}

/* What its end means for those that wait for the key. */
static void settle_sources(struct execution *x, size_t step)
{
	const struct step *s = step_of(x, step);
	const struct step_state *state = &x->states[step];
	bool is_done = state->status == STEP_DONE;

	switch (s->kind) {
	case STEP_FORWARD:
		end_source(x, step, is_done);
		break;
	case STEP_INJECT:
		x->births--;
		if (is_done)
			sources_add(x->sources, s->node);
		else if (!x->birth.text[0]) {
			x->birth = *state->failure;
			x->birth_node = s->node;
		}
		break;
	case STEP_VERIFY:
	case STEP_PROVE:
		/* Quarantine: nothing comes from one whose document was refused. */
		if (!is_done && x->world->is_refused(x, s->node))
			sources_lose(x->sources, s->node);
		break;
	default:
		break;
	}
}

static void end(struct execution *x, size_t step)
{
	settle_sources(x, step);
	consider_followers(x, step);
	advance(x);
}

void execution_done(struct execution *x, size_t step, const char *format, ...)
{
	struct step_state *state = &x->states[step];
	va_list args;

	va_start(args, format);
	if (format[0] && vasprintf(&state->detail, format, args) < 0)
		state->detail = NULL; /* it only says more */
	va_end(args);
	set_status(x, step, STEP_DONE);
	journal(x, step, JOURNAL_DONE);
	tell(x, step, EVENT_STEP_DONE);
	end(x, step);
}

/* Without memory for its own, a failure has the words of all that are without. */
static const struct err no_memory = { .code = ERR_INTERNAL, .text = "no memory for a failure" };

static void drop_failure(struct step_state *state)
{
	if (state->failure != &no_memory)
		free((struct err *)state->failure);
	state->failure = NULL;
}

/* why may be the failure that is there already. */
static void keep_failure(struct step_state *state, const struct err *why)
{
	struct err *own = malloc(sizeof(*own));

	if (own)
		*own = *why;
	drop_failure(state);
	state->failure = own ? own : &no_memory;
}

void execution_skip_followers(struct execution *x, size_t step)
{
	for (size_t i = 0; i < x->plan->count; i++)
		if (x->plan->steps[i].needs == step) {
			/* Of any other kind somebody would wait for its end. */
			assert(x->plan->steps[i].kind == STEP_PROVE);
			set_status(x, i, STEP_DONE);
		}
}

void execution_failed(struct execution *x, size_t step, const struct err *why)
{
	const struct step *s = step_of(x, step);
	struct step_state *state = &x->states[step];

	keep_failure(state, why);
	abandon(x, step);
	set_status(x, step, STEP_FAILED);
	state->elapsed_us = state->started_us ? x->world->now_us(x) - state->started_us : 0;
	/* What can't follow because of a failure that was told is no news. */
	if (s->needs == STEP_NONE || x->states[s->needs].status != STEP_FAILED) {
		journal(x, step, state->failure->text);
		state->is_untold = true;
		x->untold[x->untold_count++] = step;
	}
	end(x, step);
}

void execution_source_failed(struct execution *x, size_t step, bool is_lost, const struct err *why)
{
	struct step_state *state = &x->states[step];
	size_t source = state->source;

	if (is_lost)
		sources_lose(x->sources, source);
	state->last_source = source;
	keep_failure(state, why);
	state->source = SOURCE_NONE;
	if (!sources_again(x->sources, step_of(x, step)->node, source)) {
		execution_failed(x, step, state->failure);
		return;
	}
	journal(x, step, state->failure->text);
	set_status(x, step, STEP_PENDING);
	state->waits_for_source = true;
	advance(x);
}

/* --- which can begin --- */

/* May it start, must it fail, or must it wait? */
static enum step_status readiness(struct execution *x, size_t step, struct err *why)
{
	const struct step *s = step_of(x, step);
	const struct step_state *needed = s->needs == STEP_NONE ? NULL : &x->states[s->needs];

	if ((needed && needed->status < STEP_DONE) ||
	    (s->after != STEP_NONE && x->states[s->after].status < STEP_DONE))
		return STEP_PENDING;
	if (x->run->is_interrupted) {
		(void)err_set(why, ERR_INTERRUPTED, "%s: not begun, since you interrupted",
		              node_name(x, step));
		return STEP_FAILED;
	}
	if (needed && needed->status == STEP_FAILED) {
		*why = *needed->failure;
		return STEP_FAILED;
	}
	if (s->refusal) {
		*why = *s->refusal;
		return STEP_FAILED;
	}
	return STEP_RUNNING;
}

static void begin(struct execution *x, size_t step)
{
	const struct run_options *o = &x->run->options;
	struct err e;

	if (o->may && o->may(o->may_context, /* is_step= */ true, &e) < 0) {
		execution_failed(x, step, &e);
		return;
	}
	execution_begun(x, step);
	if (x->world->start[step_of(x, step)->kind](x, step, &e) < 0)
		execution_failed(x, step, &e);
}

static void look_at(struct execution *x, size_t step)
{
	struct step_state *state = &x->states[step];
	struct err e;

	state->is_considered = false;
	if (state->status != STEP_PENDING)
		return; /* another began it beside itself */
	switch (readiness(x, step, &e)) {
	case STEP_FAILED:
		execution_failed(x, step, &e);
		break;
	case STEP_RUNNING:
		if (step_of(x, step)->kind != STEP_FORWARD) {
			begin(x, step);
			break;
		}
		state->waits_for_source = true;
		sources_want(x->sources, step_of(x, step)->node);
		queue(x, step);
		break;
	default:
		break;
	}
}

/* Nothing comes from a source that was refused meanwhile, though nobody has asked it yet: the
 * target waits for another, and has not been failed by one. */
static bool pass_refused(struct execution *x, size_t step, size_t source)
{
	struct step_state *state = &x->states[step];
	size_t target = step_of(x, step)->node;
	struct err why;

	if (!x->world->check_source || x->world->check_source(x, source, &why) == 0)
		return false;
	keep_failure(state, &why);
	state->last_source = source;
	/* This ends what was prepared for it: the next source's begins anew in the journal. */
	state->is_begin_written = false;
	journal(x, step, state->failure->text);
	sources_lose(x->sources, source);
	sources_done(x->sources, target, source, /* has_key= */ false);
	sources_want(x->sources, target);
	return true;
}

/* One forward begins, if one waits and there is a source for it. */
static bool begin_forward(struct execution *x)
{
	size_t target, source, step;

	if (x->run->is_interrupted || !sources_next(x->sources, &target, &source))
		return false;
	step = x->forward_of[target];
	if (pass_refused(x, step, source))
		return true;
	x->states[step].waits_for_source = false;
	x->states[step].source = source;
	/* The failure is told at the end: another has taken its place. */
	if (x->states[step].failure)
		x->lost = *x->states[step].failure;
	begin(x, step);
	return true;
}

/* Of one that was to be given the key. Shares are another's: it waits for that one. */
static struct err birth_failure(const struct execution *x)
{
	struct err e = x->birth;

	if (e.code == ERR_WAITING)
		(void)err_reason(&e, e.code, x->birth.reason,
		                 "waiting for the key, which %s has once its shares are in",
		                 x->run->cluster->nodes[x->birth_node].name);
	return e;
}

/* No source is left, and none can come any more: one of those that wait fails. */
static bool give_up(struct execution *x)
{
	const struct step_state *state;
	size_t target, step;
	struct err e;

	if (!x->run->is_interrupted && (x->births || sources_busy(x->sources)))
		return false;
	target = sources_give_up(x->sources);
	if (target == SOURCE_NONE)
		return false;
	step = x->forward_of[target];
	state = &x->states[step];
	x->states[step].waits_for_source = false;
	if (x->run->is_interrupted)
		(void)err_set(&e, ERR_INTERRUPTED, "%s: not begun, since you interrupted",
		              node_name(x, step));
	else if (state->failure || x->birth.text[0])
		e = state->failure ? *state->failure : birth_failure(x);
	else
		(void)err_set(&e, ERR_NOT_DESIRED, "%s: no TEE is left that could give it the key",
		              node_name(x, step));
	execution_failed(x, step, &e);
	return true;
}

static bool look_at_next(struct execution *x)
{
	if (x->considered_count == 0)
		return false;
	look_at(x, x->considered[--x->considered_count]);
	return true;
}

static bool look_at_proof(struct execution *x)
{
	if (x->proof_count == 0)
		return false;
	look_at(x, x->proofs[--x->proof_count]);
	return true;
}

/* Whether any key is sealed depends on what the image measures. While that is not known, and other
 * steps are under way, they go on: it is looked at again at the end of each, and once it is known.
 */
static bool is_measuring(const struct execution *x)
{
	return !x->run->is_interrupted && expectation_is_awaited(&x->run->expectation);
}

static bool move_forwards(struct execution *x)
{
	bool is_known = !is_measuring(x);

	if (!is_known && look_at_proof(x))
		return true;
	if (!is_known && x->running)
		return false;
	return begin_forward(x) || look_at_proof(x) || give_up(x);
}

/* Starts what can be started until nothing changes. What a source has just received goes on to
 * others before it is asked for its proof, which nobody waits for: the forward has the connection
 * that is open, and the other core. */
static void advance(struct execution *x)
{
	if (x->is_settling)
		return;
	x->is_settling = true;
	while (look_at_next(x) || move_forwards(x))
		;
	if (!x->running || !is_measuring(x))
		prepare_some(x);
	x->is_settling = false;
	tell_failures(x);
}

void execution_interrupt(struct execution *x)
{
	x->run->is_interrupted = true;
	advance(x); /* those that wait for a source wait no more */
}

/* --- the whole --- */

struct node_tally {
	bool is_touched, is_failed;
};

static void tally_drop(struct node_tally **tally)
{
	free(*tally);
}

/* A node is done when none of its steps failed; or it has the key already. */
static int is_any_done(const struct execution *x, bool *ret, struct err *e)
{
	size_t count = x->run->cluster->node_count;
	AUTO(tally) struct node_tally *nodes = calloc(count + 1, sizeof(*nodes));

	if (!nodes)
		return err_set(e, ERR_INTERNAL, "no memory for %zu nodes", count);
	for (size_t i = 0; i < x->plan->count; i++) {
		nodes[step_of(x, i)->node].is_touched = true;
		nodes[step_of(x, i)->node].is_failed |= x->states[i].status != STEP_DONE;
	}
	*ret = x->has_source;
	for (size_t i = 0; i < count; i++)
		*ret |= nodes[i].is_touched && !nodes[i].is_failed;
	return 0;
}

static const struct err *why_not(const struct step_state *state)
{
	static const struct err unsaid = { .code = ERR_INTERNAL,
		                           .text = "a step has no end, and nothing says why" };

	return state->failure ? state->failure : &unsaid;
}

static int outcome(const struct execution *x, struct err *e)
{
	const struct step_state *worst = NULL;
	bool is_done = false;

	for (size_t i = 0; i < x->plan->count; i++) {
		const struct step_state *state = &x->states[i];

		if (state->status == STEP_DONE)
			continue;
		if (!worst ||
		    err_worse(why_not(worst)->code, why_not(state)->code) != why_not(worst)->code)
			worst = state;
	}
	if (!worst && !x->lost.text[0])
		return 0;
	TRY(is_any_done(x, &is_done, e));
	*e = worst ? *why_not(worst) : x->lost;
	if (x->run->is_interrupted)
		return err_set(e, ERR_INTERRUPTED,
		               "interrupted; what was under way is finished and written down: the "
		               "same command goes on from there");
	/* What is left for those elsewhere is told as that, whatever else is done. */
	if (is_done && strcmp(e->reason, STEP_ELSEWHERE) != 0 &&
	    err_worse(ERR_PARTIAL, e->code) == ERR_PARTIAL)
		e->code = ERR_PARTIAL;
	return -1;
}

static void execution_drop(struct execution *x)
{
	for (size_t i = 0; x->states && i < x->plan->count; i++) {
		abandon(x, i);
		free(x->states[i].detail);
		drop_failure(&x->states[i]);
	}
	free(x->states);
	free(x->queue);
	free(x->considered);
	free(x->proofs);
	free(x->untold);
	free(x->forward_of);
	sources_drop(&x->sources);
}

static int set_up(struct execution *x, struct err *e)
{
	size_t steps = x->plan->count ? x->plan->count : 1, nodes = x->run->cluster->node_count;
	const struct sources_options options = plan_sources(x->plan, nodes);

	x->states = calloc(steps, sizeof(*x->states));
	x->queue = calloc(steps, sizeof(*x->queue));
	x->considered = calloc(steps, sizeof(*x->considered));
	x->proofs = calloc(steps, sizeof(*x->proofs));
	x->untold = calloc(steps, sizeof(*x->untold));
	x->forward_of = calloc(nodes, sizeof(*x->forward_of));
	if (!x->states || !x->queue || !x->considered || !x->proofs || !x->untold || !x->forward_of)
		return err_set(e, ERR_INTERNAL, "no memory for %zu steps", steps);
	TRY(sources_new(&options, &x->sources, e));
	x->has_source = plan_first_sources(x->plan, &x->run->seen, x->sources) > 0;
	link_followers(x);
	return 0;
}

int execute_in(const struct world *world, void *context, struct run *run, const struct plan *plan,
               struct err *e)
{
	AUTO(execution)
	struct execution x = { .run = run, .plan = plan, .world = world, .context = context };

	TRY(set_up(&x, e));
	run_tell(run, &(struct event){ .kind = EVENT_PLANNED, .plan = plan });
	advance(&x);
	TRY(world->loop(&x, e));
	return outcome(&x, e);
}

/* --- the world of real enclaves --- */

static bool on_interrupt(void *context)
{
	struct execution *x = context;
	/* What only looks is given up at once, what changes something at the second time. */
	bool again = x->run->is_interrupted || !x->run->options.to_change;

	if (x->run->options.on_interrupt)
		(void)x->run->options.on_interrupt(x->run->options.interrupt_context);
	execution_interrupt(x);
	return again;
}

static void on_measured(void *context)
{
	advance(context);
}

static int real_loop(struct execution *x, struct err *e)
{
	struct run *r = x->run;
	int outcome;

	r->on_measured = on_measured;
	r->on_measured_context = x;
	outcome =
	    client_run(r->client, r->deadline_ms, r->options.interrupt_fd, on_interrupt, x, e);
	r->on_measured = NULL;
	return outcome;
}

static int64_t real_now_us(const struct execution *x)
{
	(void)x;
	return clock_monotonic_us();
}

static bool is_really_refused(const struct execution *x, size_t node)
{
	return x->run->proofs[node].is_refused;
}

static int check_real_source(const struct execution *x, size_t node, struct err *e)
{
	return policy_check_refused(x->run, node, "it gives the key to nobody", e);
}

int execute(struct run *run, const struct plan *plan, struct err *e)
{
	static const struct world real = {
		.start = {
			[STEP_LAUNCH] = step_launch_start,
			[STEP_VERIFY] = step_verify_start,
			[STEP_GENESIS] = step_genesis_start,
			[STEP_BOOT] = step_boot_start,
			[STEP_INJECT] = step_inject_start,
			[STEP_REQUEST] = step_request_start,
			[STEP_SUBMIT] = step_submit_start,
			[STEP_FORWARD] = step_forward_start,
			[STEP_PROVE] = step_prove_start,
			[STEP_RETIRE] = step_retire_start,
		},
		.prepare = step_forward_prepare,
		.abandon = step_forward_abandon,
		.loop = real_loop,
		.now_us = real_now_us,
		.is_refused = is_really_refused,
		.check_source = check_real_source,
	};

	return execute_in(&real, NULL, run, plan, e);
}
