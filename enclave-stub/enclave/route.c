#include "enclave/route.h"

#include "base/clock.h"
#include "base/log.h"
#include "enclave/call.h"

#include <stdio.h>
#include <stdlib.h>

/* An operation that waits for a hypervisor holds a lock meanwhile. Who would wait for that is
 * turned away before whoever looks gives up (teectl: 3 s), so that a thread is left for /health. */
#define LOCK_PATIENCE_MS 2000

enum access {
	ACCESS_FREE,    /* no lock: whatever others wait for, it is answered */
	ACCESS_LOOKS,   /* holds the state's lock shared */
	ACCESS_CHANGES, /* holds the operation; commits by itself */
};

struct route {
	int (*serve)(struct call *, struct err *);
	enum access access;
	bool asks_nsm;                       /* counts against the address's rate */
	size_t (*work)(const void *request); /* so does this, as so many that ask */
	int (*check)(const void *request, struct err *);
	bool needs_hash; /* call.request_hash */
	/* May this client ask that, beyond its role? Before a replay is looked for: an answer given
	 * again tells what came before. */
	int (*may)(const struct call *, struct err *);
	int (*replay)(struct call *, bool *, struct err *);
	int (*mode)(struct call *, struct err *);
};

static const struct route routes[API_COUNT] = {
	[API_HEALTH] = { .serve = serve_health, .access = ACCESS_FREE },
	[API_STATUS] = { .serve = serve_status, .access = ACCESS_LOOKS },
	[API_METRICS] = { .serve = serve_metrics, .access = ACCESS_LOOKS },
	[API_MANIFEST] = { .serve = serve_manifest, .access = ACCESS_LOOKS },
	[API_RECEIPTS] = { .serve = serve_receipts, .access = ACCESS_LOOKS },
	[API_LIVE_ATTESTATION] = { .serve = serve_live_attestation,
	                           .access = ACCESS_LOOKS,
	                           .asks_nsm = true },
	[API_GENESIS_BOOT] = { .serve = serve_genesis_boot,
	                       .access = ACCESS_CHANGES,
	                       .asks_nsm = true,
	                       .needs_hash = true,
	                       .replay = replay_genesis_boot },
	[API_BOOT_STANDARD] = { .serve = serve_boot_standard,
	                        .access = ACCESS_CHANGES,
	                        .asks_nsm = true,
	                        .replay = replay_boot_standard },
	[API_INJECT_SHARES] = { .serve = serve_inject_shares,
	                        .access = ACCESS_CHANGES,
	                        .work = work_inject_shares,
	                        .check = check_inject_shares,
	                        .may = may_inject_shares,
	                        .replay = replay_inject_shares,
	                        .mode = mode_inject_shares },
	[API_SHARE_MANIFEST] = { .serve = serve_share_manifest,
	                         .access = ACCESS_CHANGES,
	                         .asks_nsm = true,
	                         .replay = replay_share_manifest },
	[API_GENERATE_ATTESTATION] = { .serve = serve_generate_attestation,
	                               .access = ACCESS_LOOKS,
	                               .asks_nsm = true,
	                               .check = check_generate_attestation },
	[API_EXPORT_KEY] = { .serve = serve_export_key, .access = ACCESS_LOOKS, .asks_nsm = true },
	[API_INJECT_KEY] = { .serve = serve_inject_key,
	                     .access = ACCESS_CHANGES,
	                     .replay = replay_inject_key },
	[API_PROVE_KEY] = { .serve = serve_prove_key, .access = ACCESS_LOOKS, .asks_nsm = true },
	[API_RETIRE] = { .serve = serve_retire, .access = ACCESS_CHANGES, .replay = replay_retire },
	[API_GENERATE_SEED] = { .serve = serve_generate_seed,
	                        .access = ACCESS_LOOKS,
	                        .asks_nsm = true,
	                        .check = check_generate_seed },
	[API_VALIDATE_SEED] = { .serve = serve_validate_seed, .access = ACCESS_LOOKS },
};

void call_step(const struct call *c, const char *step)
{
	log_line(LOG_DEBUG, "step", "request", c->request_id, "done", step, NULL);
}

void answer_drop(struct answer *a)
{
	buf_drop(&a->body);
}

/* A message of a schema, which says how large it is and what it owns. */
struct message {
	const struct wire_schema *schema;
	void *body;
};

static void message_drop(struct message *m)
{
	if (m->body)
		wire_release(m->schema, m->body);
	free(m->body);
	m->body = NULL;
}

static int message_new(const struct wire_schema *schema, struct message *ret, struct err *e)
{
	ret->schema = schema;
	ret->body = schema ? calloc(1, schema->size) : NULL;
	if (schema && !ret->body)
		return err_set(e, ERR_INTERNAL, "no memory for a message");
	return 0;
}

static int hash_request(const struct message *q, struct hash256 *ret, struct err *e)
{
	AUTO(buf) struct buf text = BUF_INIT(REPLY_MAX);

	TRY(wire_encode(q->schema, q->body, &text, e));
	return sha256(buf_view(&text), ret, e);
}

static int judge(struct call *c, enum api api, const struct rate_address *address, struct err *e)
{
	const struct route *route = &routes[api];
	struct enclave *en = c->enclave;
	size_t work = route->work ? route->work(c->request) : route->asks_nsm;

	TRY(api_check_phase(api, en->state.phase, en->state.has_manifest, e));
	if (route->mode)
		TRY(route->mode(c, e));
	if (work)
		TRY(rate_take(&en->rate, address, work, clock_monotonic_us(), e));
	return 0;
}

/* With the locks that the route needs. */
static int serve(struct call *c, enum api api, const struct rate_address *address, struct err *e)
{
	const struct route *route = &routes[api];
	const struct wire_schema *schema = api_table[api].response;
	bool is_replay = false;

	c->before = c->enclave->state.phase;
	if (route->may)
		TRY(route->may(c, e));
	if (route->replay)
		TRY(route->replay(c, &is_replay, e));
	if (!is_replay) {
		TRY(judge(c, api, address, e));
		TRY(route->serve(c, e));
	}
	call_step(c, is_replay ? "known request, answered as before" : "served");
	return schema ? wire_encode(schema, c->stored ? c->stored : c->reply, c->text, e) : 0;
}

static struct timespec patience_end(void)
{
	int64_t end_ms = clock_monotonic_ms() + LOCK_PATIENCE_MS;

	return (struct timespec){ .tv_sec = end_ms / 1000, .tv_nsec = end_ms % 1000 * 1000000 };
}

static int refuse_waiting(struct err *e)
{
	return err_set(e, ERR_UNAVAILABLE, "another operation has not ended within %d ms",
	               LOCK_PATIENCE_MS);
}

static int serve_locked(struct call *c, enum api api, const struct rate_address *address,
                        struct err *e)
{
	const struct timespec end = patience_end();
	struct enclave *en = c->enclave;
	int result = -1;

	switch (routes[api].access) {
	case ACCESS_FREE:
		return serve(c, api, address, e);
	case ACCESS_CHANGES:
		if (pthread_mutex_clocklock(&en->operation, CLOCK_MONOTONIC, &end) != 0)
			return refuse_waiting(e);
		result = serve(c, api, address, e);
		pthread_mutex_unlock(&en->operation);
		break;
	case ACCESS_LOOKS:
		if (pthread_rwlock_clockrdlock(&en->lock, CLOCK_MONOTONIC, &end) != 0)
			return refuse_waiting(e);
		result = serve(c, api, address, e);
		pthread_rwlock_unlock(&en->lock);
		break;
	}
	return result;
}

static int decode(struct call *c, enum api api, struct view body, struct message *q, struct err *e)
{
	const struct route *route = &routes[api];

	TRY(message_new(api_table[api].request, q, e));
	if (q->schema)
		TRY(wire_decode(q->schema, body, q->body, e));
	if (route->check)
		TRY(route->check(q->body, e));
	if (route->needs_hash)
		TRY(hash_request(q, &c->request_hash, e));
	c->request = q->body;
	return 0;
}

static int run(struct call *c, const struct passage *p, const struct rate_address *address,
               struct view body, struct err *e)
{
	AUTO(message) struct message q = { 0 }, reply = { 0 };

	TRY(decode(c, p->api, body, &q, e));
	TRY(message_new(api_table[p->api].response, &reply, e));
	c->reply = reply.body;
	return serve_locked(c, p->api, address, e);
}

static int write_error(const struct err *why, const char *request_id, struct buf *to, struct err *e)
{
	AUTO(error_reply) struct error_reply reply = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(ERR_TEXT_MAX + 64);
	const struct err_info *info = err_info(why->code);

	TRY(buf_add_format(&text, e, "%s: %s", info->words, why->text));
	TRY(wire_set(&reply.error, buf_view(&text), e));
	TRY(wire_set_text(&reply.request_id, request_id, e));
	reply.code = info->wire;
	return wire_encode(&error_reply_schema, &reply, to, e);
}

/* What is a fault of our own is told in the log alone. */
static struct err shown(const struct err *why)
{
	struct err e;

	if (err_info(why->code)->wire)
		return *why;
	err_set(&e, ERR_ENCLAVE, "the enclave's log says more");
	return e;
}

static void answer_error(const struct err *why, const char *request_id, const char *allow,
                         struct answer *ret)
{
	struct err told = shown(why), e;

	buf_clear(&ret->body);
	ret->status = err_info(told.code)->http;
	ret->media_type = "application/json";
	ret->allow = allow;
	ret->retry_after = told.code == ERR_RATE;
	if (write_error(&told, request_id, &ret->body, &e) < 0)
		buf_clear(&ret->body); /* an empty body says at least the status */
}

struct record {
	enum api api;
	const char *request_id;
	enum phase before;
	const struct trail *trail;
	int64_t duration_us;
	const struct err *error;     /* NULL: none */
	const struct caller *caller; /* NULL: there is no client CA */
};

static enum log_level record_level(const struct record *r)
{
	if (r->error)
		return err_info(shown(r->error).code)->http >= 500 ? LOG_ERROR : LOG_WARN;
	/* Looking changes nothing and happens all the time. */
	return r->api < API_COUNT && api_table[r->api].request ? LOG_INFO : LOG_DEBUG;
}

static void record(struct enclave *en, const struct record *r)
{
	char duration[32], after[3 * 32] = "", roles[ROLES_TEXT_MAX] = "";
	const char *client = r->caller && *r->caller->fingerprint ? r->caller->fingerprint : NULL;
	size_t len = 0;

	for (size_t i = 0; r->trail && i < r->trail->count; i++)
		len += (size_t)snprintf(after + len, sizeof(after) - len, "%s%s", i ? "," : "",
		                        phase_name(r->trail->phases[i]));
	snprintf(duration, sizeof(duration), "%.3f", (double)r->duration_us / 1e3);
	if (r->caller)
		roles_format(r->caller->set.roles, ", ", roles);
	metrics_count(&en->metrics, r->api, r->error ? shown(r->error).code : ERR_COUNT,
	              r->duration_us);
	log_line(record_level(r), "operation", "request", r->request_id, "operation",
	         r->api < API_COUNT ? api_table[r->api].name : "unknown", "phase",
	         phase_name(r->before), "phase_after", len ? after : phase_name(r->before),
	         "outcome", r->error ? err_info(r->error->code)->name : "ok", "duration_ms",
	         duration, "roles", *roles ? roles : NULL, "client", client, "error",
	         r->error ? r->error->text : NULL, NULL);
}

void route_answer(struct enclave *en, const struct passage *p, const struct rate_address *address,
                  const char *request_id, struct view body, struct answer *ret)
{
	struct call c = { .enclave = en,
		          .caller = p->caller,
		          .request_id = request_id,
		          .from = p->from,
		          .text = &ret->body };
	struct record r = {
		.api = p->api, .request_id = request_id, .trail = &c.trail, .caller = p->caller
	};
	int64_t begin_us = clock_monotonic_us();
	struct err e;

	*ret = (struct answer){ .status = 200, .body = BUF_INIT(REPLY_MAX) };
	ret->media_type =
	    api_table[p->api].response ? "application/json" : "text/plain; version=0.0.4";
	c.before = en->state.phase;
	if (run(&c, p, address, body, &e) < 0) {
		r.error = &e;
		answer_error(&e, request_id, NULL, ret);
	}
	r.before = c.before;
	r.duration_us = clock_monotonic_us() - begin_us;
	record(en, &r);
}

void route_refuse(struct enclave *en, const struct passage *p, const char *request_id,
                  const struct err *why, struct answer *ret)
{
	struct record r = { .api = p->api,
		            .request_id = request_id,
		            .before = en->state.phase,
		            .error = why,
		            .caller = p->caller };

	*ret = (struct answer){ .body = BUF_INIT(REPLY_MAX) };
	answer_error(why, request_id, p->allow, ret);
	record(en, &r);
}
