#include "orchestrate/simulate_tee.h"

#include <stdlib.h>

/* What carries an enclave from phase to phase; the others change nothing. */
static const struct {
	bool is_change;
	enum phase_event event;
	bool finishes; /* the key is whole with it */
} effects[API_COUNT] = {
	[API_GENESIS_BOOT] = { true, EVENT_GENESIS, false },
	[API_BOOT_STANDARD] = { true, EVENT_BOOT_STANDARD, false },
	[API_SHARE_MANIFEST] = { true, EVENT_MANIFEST, false },
	[API_INJECT_SHARES] = { true, EVENT_SHARES_COMPLETE, true },
	[API_INJECT_KEY] = { true, EVENT_KEY, true },
	[API_RETIRE] = { true, EVENT_FATAL, false },
};

void tees_drop(struct tees *t)
{
	free(t->items);
	*t = (struct tees){ 0 };
}

bool tee_has_key(const struct tee *t)
{
	return !t->is_down && !t->is_absent && !t->is_occupied && t->phase == PHASE_READY;
}

static bool has_manifest(const struct tee *t)
{
	return !t->is_down && !t->is_absent && !t->is_occupied &&
	       t->phase != PHASE_WAITING_FOR_BOOT;
}

/* Takes a TEE out of the counts before a change, and puts it in again. */
static void count(struct tees *t, const struct tee *tee, bool is_in)
{
	size_t holds = tee_has_key(tee), knows = has_manifest(tee);

	t->holders = is_in ? t->holders + holds : t->holders - holds;
	t->manifests = is_in ? t->manifests + knows : t->manifests - knows;
}

/* --- the beginning --- */

/* The first one is what the file names, and is sound: all else begins there. */
static void begin(struct tees *t, size_t node)
{
	const struct simulation_options *o = t->options;
	struct tee *tee = &t->items[node];
	bool is_first = node == o->cluster->propagate.source;

	*tee = (struct tee){ .phase = PHASE_WAITING_FOR_BOOT, .back_us = INT64_MAX };
	tee->is_absent = o->is_launched;
	tee->is_forged = !is_first && prng_chance(&t->prng, o->forged_ppm);
	tee->is_refusing = prng_chance(&t->prng, o->refusing_ppm);
	if (!is_first && prng_chance(&t->prng, o->occupied_ppm)) {
		*tee =
		    (struct tee){ .phase = PHASE_READY, .back_us = INT64_MAX, .is_occupied = true };
	} else if (o->has_key && (is_first || prng_chance(&t->prng, o->ready_ppm))) {
		tee->is_absent = false;
		tee->phase = PHASE_READY;
		tee->key = 1;
	} else if (o->has_key && prng_chance(&t->prng, o->half_ppm)) {
		tee->is_absent = false;
		tee->phase = PHASE_WAITING_FOR_KEY;
	}
	count(t, tee, /* is_in= */ true);
}

/* As it says of itself; one that does not answer will not. */
static void begin_as_seen(struct tees *t, size_t node)
{
	const struct observation *seen = t->options->seen;
	enum standing standing = node_standing(seen, node);
	struct tee *tee = &t->items[node];

	*tee = (struct tee){ .phase = PHASE_WAITING_FOR_BOOT, .back_us = INT64_MAX };
	tee->is_absent = seen->nodes[node].presence == NODE_ABSENT;
	tee->is_down = standing == STANDS_APART && !tee->is_absent;
	tee->is_occupied = standing == STANDS_OCCUPIED;
	if (seen->nodes[node].presence == NODE_PRESENT)
		tee->phase = (uint8_t)node_phase(seen, node);
	tee->key = tee_has_key(tee);
	count(t, tee, /* is_in= */ true);
}

int tees_open(struct tees *t, const struct simulation_options *options, struct err *e)
{
	*t = (struct tees){ .options = options,
		            .count = options->cluster->node_count,
		            .prng = { options->seed },
		            .births = options->has_key || options->seen };
	t->items = calloc(t->count, sizeof(*t->items));
	if (!t->items)
		return err_set(e, ERR_INTERNAL, "no memory for %zu simulated TEEs", t->count);
	for (size_t i = 0; i < t->count; i++)
		(options->seen ? begin_as_seen : begin)(t, i);
	return 0;
}

/* --- lives and deaths --- */

/* All that it held is gone with its memory. */
static void forget(struct tee *tee)
{
	tee->phase = PHASE_WAITING_FOR_BOOT;
	tee->key = 0;
	tee->done = 0;
	tee->is_occupied = false;
}

static void die(struct tees *t, struct tee *tee, int64_t at_us)
{
	int64_t restart_us = t->options->restart_us;

	count(t, tee, /* is_in= */ false);
	t->deaths++;
	forget(tee);
	tee->is_down = true;
	/* A process leaves its machine behind, which refuses connections. */
	tee->is_silent = prng_chance(&t->prng, PPM / 2);
	tee->back_us = restart_us ? at_us + restart_us : INT64_MAX;
}

void tees_wake(struct tees *t, size_t node, int64_t now_us)
{
	struct tee *tee = &t->items[node];

	if (!tee->is_down || tee->back_us > now_us)
		return;
	tee->is_down = tee->is_silent = false;
	tee->free_us = tee->back_us;
}

void tees_launch(struct tees *t, size_t node)
{
	struct tee *tee = &t->items[node];

	count(t, tee, /* is_in= */ false);
	forget(tee);
	tee->is_absent = tee->is_down = tee->is_silent = false;
	count(t, tee, /* is_in= */ true);
}

/* --- one request --- */

/* The same request again: success, and nothing changes. */
static bool is_replay(const struct tee *tee, enum api api)
{
	if (tee->is_occupied)
		return false;
	if (api == API_SHARE_MANIFEST || api == API_BOOT_STANDARD)
		return has_manifest(tee);
	return effects[api].is_change && tee->done & 1u << api;
}

static void take_effect(struct tees *t, struct tee *tee, struct request *r)
{
	enum api api = r->exchange->api;
	enum phase next = (enum phase)tee->phase;

	if (!effects[api].is_change)
		return;
	count(t, tee, /* is_in= */ false);
	(void)phase_next(next, effects[api].event, &next); /* the guard was asked */
	if (effects[api].finishes)
		(void)phase_next(next, EVENT_FINISHED, &next);
	tee->phase = (uint8_t)next;
	tee->done |= 1u << api;
	if (api == API_GENESIS_BOOT)
		tee->key = ++t->births;
	else if (effects[api].finishes)
		tee->key = api == API_INJECT_KEY ? r->key : t->births;
	count(t, tee, /* is_in= */ true);
}

static enum answer judge(struct tees *t, struct tee *tee, struct request *r)
{
	enum api api = r->exchange->api;
	struct err ignored;

	if (is_replay(tee, api))
		return ANSWER_GIVEN;
	if (api_check_phase(api, (enum phase)tee->phase, tee->phase != PHASE_WAITING_FOR_BOOT,
	                    &ignored) < 0)
		return ANSWER_REFUSED;
	if (api == API_EXPORT_KEY && tee->is_refusing)
		return ANSWER_REFUSED;
	take_effect(t, tee, r);
	if (api == API_EXPORT_KEY) {
		r->key = tee->key;
		tee->served++;
	}
	if ((api == API_LIVE_ATTESTATION || api == API_GENERATE_ATTESTATION ||
	     api == API_PROVE_KEY) &&
	    tee->is_forged)
		return ANSWER_FORGED;
	return api == API_GENERATE_ATTESTATION && tee_has_key(tee) ? ANSWER_HAS_KEY : ANSWER_GIVEN;
}

/* It is carried out, unless it dies of it: half of those that die do so before, half after. */
static enum answer serve(struct tees *t, struct tee *tee, struct request *r, int64_t *ret_known_us)
{
	int64_t begun_us = r->sent_us + r->rtt_us / 2;
	int64_t limit_us = r->sent_us + t->options->cluster->request_timeout_ms * 1000;
	bool dies = prng_chance(&t->prng, t->options->death_ppm);
	enum answer answer = ANSWER_LOST;

	begun_us = begun_us > tee->free_us ? begun_us : tee->free_us;
	tee->free_us = begun_us + r->exchange->node_us;
	*ret_known_us = tee->free_us + r->rtt_us - r->rtt_us / 2;
	if (!dies || prng_chance(&t->prng, PPM / 2))
		answer = judge(t, tee, r);
	if (dies) {
		die(t, tee, tee->free_us);
		answer = tee->is_silent ? ANSWER_LATE : ANSWER_LOST;
	}
	if (answer == ANSWER_LATE || *ret_known_us > limit_us) {
		*ret_known_us = limit_us;
		answer = ANSWER_LATE;
	}
	return answer;
}

enum answer tees_ask(struct tees *t, struct request *r, int64_t *ret_known_us)
{
	struct tee *tee = &t->items[r->node];
	enum answer answer;

	tees_wake(t, r->node, r->sent_us + r->rtt_us / 2);
	*ret_known_us = r->sent_us + r->rtt_us;
	if (tee->is_down && tee->is_silent) {
		*ret_known_us = r->sent_us + t->options->cluster->connect_timeout_ms * 1000;
		return ANSWER_LATE;
	}
	if (tee->is_down || tee->is_absent)
		return ANSWER_NONE;
	if (!prng_chance(&t->prng, t->options->fail_ppm))
		return serve(t, tee, r, ret_known_us);
	switch (prng_below(&t->prng, 3)) {
	case 0:
		return ANSWER_BUSY;
	case 1:
		return ANSWER_LOST;
	default:
		answer = serve(t, tee, r, ret_known_us);
		return answer == ANSWER_LATE ? ANSWER_LATE : ANSWER_LOST;
	}
}
