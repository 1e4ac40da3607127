#include "orchestrate/simulate_world.h"

#include "client/backoff.h"
#include "client/client.h"

#include <stdlib.h>
#include <string.h>

/* A look asks once, and no longer than run.c's. */
#define LOOK_ATTEMPTS 1

static const uint8_t own_manifest[32] = { 1 }, other_manifest[32] = { 2 };

static const struct exchange *exchange_of(const struct world_of_tees *w, const struct dealing *d)
{
	if (!w->x)
		return &w->options->costs.status;
	return &w->options->costs.exchanges[w->x->plan->steps[d->step].kind][d->exchange];
}

static size_t node_of(const struct world_of_tees *w, const struct dealing *d)
{
	return (size_t)(d - w->dealings);
}

/* Whom the exchange goes to. */
static size_t asked_by(const struct world_of_tees *w, const struct dealing *d)
{
	return exchange_of(w, d)->is_at_source ? w->x->states[d->step].source : node_of(w, d);
}

static int64_t round_trip_us(const struct world_of_tees *w, size_t node)
{
	const struct simulation_options *o = w->options;

	if (o->seen)
		return o->seen->nodes[node].rtt_us;
	return o->rtt_us[o->regions ? o->regions[node] : 0];
}

/* --- exchanges --- */

static void send(struct world_of_tees *w, struct dealing *d)
{
	size_t asked = asked_by(w, d);
	struct request request = { .node = asked,
		                   .exchange = exchange_of(w, d),
		                   .sent_us = w->now_us,
		                   .rtt_us = round_trip_us(w, asked),
		                   .key = d->key };
	int64_t known_us;

	w->in_flight++;
	w->result->exchanges++;
	w->result->looks += w->x == NULL;
	d->state = DEALING_ASKING;
	d->answer = (uint8_t)tees_ask(&w->tees, &request, &known_us);
	d->key = request.key;
	timeline_add(&w->timeline, known_us, (uint32_t)node_of(w, d));
}

/* As libcurl does it: in turn, when a connection is free. */
static void ask(struct world_of_tees *w, struct dealing *d)
{
	uint32_t node = (uint32_t)node_of(w, d);

	if (w->in_flight < CLIENT_CONNECTIONS_MAX && w->queue_first == DEALING_NONE) {
		send(w, d);
		return;
	}
	d->state = DEALING_QUEUED;
	d->next = DEALING_NONE;
	if (w->queue_first == DEALING_NONE)
		w->queue_first = node;
	else
		w->dealings[w->queue_last].next = node;
	w->queue_last = node;
}

static void ask_those_that_wait(struct world_of_tees *w)
{
	while (w->queue_first != DEALING_NONE && w->in_flight < CLIENT_CONNECTIONS_MAX) {
		struct dealing *d = &w->dealings[w->queue_first];

		w->queue_first = d->next;
		send(w, d);
	}
}

/* false: it was the last attempt. */
static bool try_again(struct world_of_tees *w, struct dealing *d)
{
	const struct cluster *c = w->options->cluster;
	int64_t wait_ms;

	if (++d->attempt >= c->retry_attempts || w->run.is_interrupted)
		return false;
	wait_ms =
	    backoff_ms(c->retry_base_ms, c->retry_max_ms, d->attempt, prng_next(&w->tees.prng));
	w->result->retries++;
	d->state = DEALING_PAUSING;
	timeline_add(&w->timeline, w->now_us + wait_ms * 1000, (uint32_t)node_of(w, d));
	return true;
}

/* --- the ends of a step --- */

static void end(struct world_of_tees *w, struct dealing *d)
{
	size_t source = w->x->states[d->step].source;

	if (source != SOURCE_NONE)
		w->dealings[source].exports--;
	d->state = DEALING_IDLE;
	w->cause = d->step;
	w->result->ready_us = w->now_us;
}

/* The key came from another region. */
static void count_crossing(struct world_of_tees *w, const struct dealing *d)
{
	const uint16_t *regions = w->options->regions;
	size_t source = w->x->states[d->step].source;

	if (regions && source != SOURCE_NONE)
		w->result->crossings += regions[source] != regions[node_of(w, d)];
}

/* What follows from it for teectl. */
static void learn(struct world_of_tees *w, struct dealing *d)
{
	switch (w->x->plan->steps[d->step].kind) {
	case STEP_LAUNCH:
		tees_launch(&w->tees, node_of(w, d));
		break;
	case STEP_VERIFY:
		d->is_verified = true;
		break;
	case STEP_GENESIS:
		w->is_kept = w->run.seen.has_genesis = true;
		break;
	case STEP_FORWARD:
		/* Else it had it already. */
		if (d->answer != ANSWER_HAS_KEY)
			count_crossing(w, d);
		d->has_shown_key = true;
		break;
	case STEP_INJECT:
		d->has_shown_key = true;
		break;
	default:
		break;
	}
}

static void finish(struct world_of_tees *w, struct dealing *d)
{
	size_t step = d->step;
	struct simulated_steps *steps = &w->result->steps[w->x->plan->steps[step].kind];

	learn(w, d);
	end(w, d);
	steps->done++;
	steps->us += w->now_us - w->x->states[step].started_us;
	if (w->traces)
		w->traces[step].us = w->now_us - w->x->states[step].started_us;
	execution_done(w->x, step, "%s", "");
}

static void explain(const struct world_of_tees *w, const struct dealing *d, struct err *why)
{
	static const struct {
		enum err_code code;
		const char *text;
	} rows[] = {
		[ANSWER_LOST] = { ERR_UNREACHABLE, "the connection broke" },
		[ANSWER_NONE] = { ERR_UNREACHABLE, "nobody listens" },
		[ANSWER_LATE] = { ERR_UNREACHABLE, "no answer in time" },
		[ANSWER_BUSY] = { ERR_UNAVAILABLE, "it is busy" },
		[ANSWER_REFUSED] = { ERR_PHASE, "it refuses" },
		[ANSWER_FORGED] = { ERR_ATTESTATION, "its document does not verify" },
	};

	(void)err_set(why, rows[d->answer].code, "%s: %s: %s",
	              w->options->cluster->nodes[asked_by(w, d)].name,
	              api_table[exchange_of(w, d)->api].name, rows[d->answer].text);
}

/* The answer was lost, and a later look will find the key there. */
static void count_unseen(struct world_of_tees *w, const struct dealing *d)
{
	enum step_kind kind = w->x->plan->steps[d->step].kind;

	if ((kind != STEP_FORWARD && kind != STEP_INJECT) ||
	    !tee_has_key(&w->tees.items[node_of(w, d)]))
		return;
	w->result->unseen++;
	if (kind == STEP_FORWARD)
		count_crossing(w, d);
}

static void fail(struct world_of_tees *w, struct dealing *d)
{
	bool is_source = exchange_of(w, d)->is_at_source;
	bool is_gone = d->answer != ANSWER_REFUSED && d->answer != ANSWER_BUSY;
	size_t step = d->step;
	struct err why;

	explain(w, d, &why);
	/* As step_verify.c does whatever the failure is. */
	if (d->answer == ANSWER_FORGED || w->x->plan->steps[step].kind == STEP_VERIFY)
		d->is_refused = true;
	count_unseen(w, d);
	end(w, d);
	w->result->steps[w->x->plan->steps[step].kind].failed++;
	if (is_source) {
		w->result->changes++;
		execution_source_failed(w->x, step, is_gone, &why);
	} else {
		execution_failed(w->x, step, &why);
	}
}

static bool is_transient(enum answer answer)
{
	return answer == ANSWER_LOST || answer == ANSWER_NONE || answer == ANSWER_LATE ||
	       answer == ANSWER_BUSY;
}

static void go_on(struct world_of_tees *w, struct dealing *d)
{
	enum step_kind kind = w->x->plan->steps[d->step].kind;

	d->attempt = 0;
	if (++d->exchange < costs_exchange_count(kind) &&
	    !(kind == STEP_FORWARD && d->answer == ANSWER_HAS_KEY))
		ask(w, d);
	else
		finish(w, d);
}

/* What a node says of itself. One that fails to is unreachable for this pass. */
static void take_status(struct world_of_tees *w, struct dealing *d)
{
	const struct tee *tee = &w->tees.items[node_of(w, d)];
	struct node_seen *seen = &w->run.seen.nodes[node_of(w, d)];

	d->state = DEALING_IDLE;
	if (d->answer != ANSWER_GIVEN) {
		seen->presence = NODE_UNREACHABLE;
		explain(w, d, &seen->why);
		return;
	}
	seen->presence = NODE_PRESENT;
	seen->status.phase = tee->phase;
	seen->status.has_manifest_hash = tee->phase != PHASE_WAITING_FOR_BOOT;
	memcpy(seen->status.manifest_hash, tee->is_occupied ? other_manifest : own_manifest,
	       sizeof(own_manifest));
	d->has_shown_key = node_has_key(&w->run.seen, node_of(w, d));
}

/* Its document commits to a manifest that nothing is known of, since the genesis is not kept. */
static bool is_unknown(const struct world_of_tees *w, const struct dealing *d)
{
	return w->x && !w->is_kept && !w->options->seen &&
	       w->x->plan->steps[d->step].kind == STEP_VERIFY &&
	       w->tees.items[node_of(w, d)].phase != PHASE_WAITING_FOR_BOOT;
}

static void take_answer(struct world_of_tees *w, struct dealing *d)
{
	if (d->answer == ANSWER_GIVEN && is_unknown(w, d))
		d->answer = ANSWER_FORGED;
	w->in_flight--;
	w->now_us += exchange_of(w, d)->own_us;
	w->result->own_us += exchange_of(w, d)->own_us;
	if (!w->x)
		take_status(w, d);
	else if (d->answer == ANSWER_GIVEN || d->answer == ANSWER_HAS_KEY)
		go_on(w, d);
	else if (!is_transient((enum answer)d->answer) || !try_again(w, d))
		fail(w, d);
	ask_those_that_wait(w);
}

/* --- the world --- */

static int start(struct execution *x, size_t step, struct err *e)
{
	struct world_of_tees *w = x->context;
	const struct step *s = &x->plan->steps[step];
	struct dealing *d = &w->dealings[s->node];

	(void)e;
	w->x = x;
	if (!w->options->seen)
		rules_check_start(w, step);
	if (s->kind == STEP_FORWARD)
		w->dealings[x->states[step].source].exports++;
	if (w->traces)
		w->traces[step].cause = w->cause;
	d->step = (uint32_t)step;
	d->exchange = d->attempt = 0;
	w->result->steps[s->kind].begun++;
	if (s->kind != STEP_LAUNCH) {
		ask(w, d);
		return 0;
	}
	d->state = DEALING_LAUNCHING;
	timeline_add(&w->timeline, w->now_us + w->options->costs.launch_us, (uint32_t)s->node);
	return 0;
}

/* A person, or the machine, ends teectl in the middle. */
static bool is_stopped(struct world_of_tees *w)
{
	if (w->options->stop == STOP_NEVER || ++w->events != w->options->stop_at)
		return false;
	w->was_stopped = true;
	if (w->options->stop == STOP_BY_KILL)
		return true;
	if (w->x)
		execution_interrupt(w->x);
	return false;
}

static void handle(struct world_of_tees *w, struct dealing *d)
{
	switch (d->state) {
	case DEALING_ASKING:
		take_answer(w, d);
		break;
	case DEALING_PAUSING:
		ask(w, d);
		break;
	case DEALING_LAUNCHING:
		finish(w, d);
		break;
	default:
		break;
	}
}

/* What was under way is forgotten, as by a process that is gone. */
static void abandon(struct world_of_tees *w)
{
	timeline_clear(&w->timeline);
	for (size_t i = 0; i < w->tees.count; i++) {
		w->dealings[i].state = DEALING_IDLE;
		w->dealings[i].exports = 0;
	}
	w->in_flight = 0;
	w->queue_first = DEALING_NONE;
}

/* teectl handles one event after the other: what happens while it is at work waits. */
static int turn(struct world_of_tees *w, struct err *e)
{
	int64_t at_us;
	uint32_t node;

	while (timeline_next(&w->timeline, &at_us, &node)) {
		w->now_us = at_us > w->now_us ? at_us : w->now_us;
		if (is_stopped(w)) {
			abandon(w);
			return err_set(e, ERR_TRY_AGAIN, "teectl was killed");
		}
		handle(w, &w->dealings[node]);
	}
	return 0;
}

static int loop(struct execution *x, struct err *e)
{
	return turn(x->context, e);
}

static int64_t now_us(const struct execution *x)
{
	const struct world_of_tees *w = x->context;

	return w->now_us;
}

static bool is_refused(const struct execution *x, size_t node)
{
	const struct world_of_tees *w = x->context;

	return w->dealings[node].is_refused;
}

int world_execute(struct world_of_tees *w, const struct plan *plan, struct err *e)
{
	static const struct world simulated = {
		.start = {
			[STEP_LAUNCH] = start,
			[STEP_VERIFY] = start,
			[STEP_GENESIS] = start,
			[STEP_BOOT] = start,
			[STEP_INJECT] = start,
			[STEP_FORWARD] = start,
			[STEP_PROVE] = start,
			[STEP_RETIRE] = start,
		},
		.loop = loop,
		.now_us = now_us,
		.is_refused = is_refused,
	};
	int result;

	w->run.is_interrupted = false;
	for (size_t i = 0; i < w->tees.count; i++) {
		w->dealings[i].is_verified = w->dealings[i].is_refused = false;
	}
	w->cause = DEALING_NONE;
	result = execute_in(&simulated, w, &w->run, plan, e);
	w->x = NULL; /* it was execute_in's own */
	return result;
}

/* What the launcher knows needs no question. */
static bool is_known_absent(struct world_of_tees *w, size_t node)
{
	const struct tee *tee = &w->tees.items[node];

	return w->options->is_launched && (tee->is_absent || tee->is_down);
}

int world_look(struct world_of_tees *w, struct err *e)
{
	w->run.is_interrupted = false;
	w->run.seen.has_genesis = w->is_kept;
	for (size_t i = 0; i < w->tees.count; i++) {
		struct node_seen *seen = &w->run.seen.nodes[i];

		tees_wake(&w->tees, i, w->now_us);
		w->dealings[i].has_shown_key = false;
		w->dealings[i].attempt = LOOK_ATTEMPTS;
		if (!is_known_absent(w, i)) {
			ask(w, &w->dealings[i]);
			continue;
		}
		seen->presence = NODE_ABSENT;
		(void)err_set(&seen->why, ERR_UNREACHABLE, "%s is not running",
		              w->options->cluster->nodes[i].name);
	}
	return turn(w, e);
}

void world_drop(struct world_of_tees *w)
{
	tees_drop(&w->tees);
	timeline_drop(&w->timeline);
	free(w->dealings);
	free(w->traces);
	if (!w->options || !w->options->seen) /* else borrowed */
		free(w->run.seen.nodes);
}

int world_open(struct world_of_tees *w, const struct simulation_options *options,
               struct simulation *result, struct err *e)
{
	size_t count = options->cluster->node_count;

	*w = (struct world_of_tees){ .options = options,
		                     .result = result,
		                     .queue_first = DEALING_NONE,
		                     .is_kept = options->has_key,
		                     .run = RUN_INIT };
	w->run.cluster = options->cluster;
	TRY(tees_open(&w->tees, options, e));
	TRY(timeline_open(&w->timeline, count, e));
	w->dealings = calloc(count, sizeof(*w->dealings));
	if (options->seen)
		w->run.seen = *options->seen; /* nothing here writes to its nodes */
	else
		w->run.seen =
		    (struct observation){ .nodes = calloc(count, sizeof(*w->run.seen.nodes)),
			                  .count = count };
	if (!w->dealings || !w->run.seen.nodes)
		return err_set(e, ERR_INTERNAL, "no memory for %zu simulated nodes", count);
	if (!options->seen)
		memcpy(w->run.seen.genesis.manifest_hash.bytes, own_manifest, sizeof(own_manifest));
	return 0;
}
