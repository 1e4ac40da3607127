#include "orchestrate/run.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/file_guard.h"
#include "crypto/certificate.h"
#include "crypto/entropy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOK_MS 3000 /* for all nodes to say how they are; one that hangs costs no more */
/* Of a short deadline: there is one look before the work and one after it, for the report. */
#define LOOK_SHARE_PERCENT 40
/* A node that loses one answer is not away, and a plan without it would be another one. */
#define LOOK_ATTEMPTS 3

static void on_retry(void *context, const char *node, const char *operation, unsigned attempt,
                     int64_t wait_ms, const struct err *why)
{
	const struct run *r = context;
	char text[ERR_TEXT_MAX + 64];

	snprintf(text, sizeof(text), "attempt %u: %s; again in %lld ms", attempt, why->text,
	         (long long)wait_ms);
	run_tell(r, &(struct event){ .kind = EVENT_RETRY,
	                             .step = operation,
	                             .node = node,
	                             .text = text,
	                             .failure = why,
	                             .attempt = attempt });
}

/* Of two times, 0 of either: any. */
static int64_t shorter(int64_t a, int64_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

static void tell_measured(struct run *r)
{
	void (*tell)(void *context) = r->on_measured;

	if (!tell || expectation_is_awaited(&r->expectation))
		return;
	r->on_measured = NULL;
	tell(r->on_measured_context);
}

static void on_turn(void *context, enum client_turn turn)
{
	struct run *r = context;

	evidence_sync(r, turn == CLIENT_TURN_IDLE ? SYNC_OLD : SYNC_URGENT);
	if (r->options.on_tick)
		r->options.on_tick(r->options.follow_context);
	if (turn == CLIENT_TURN_SENDING)
		return;
	if (r->options.on_turn)
		r->options.on_turn(r->options.may_context);
	tell_measured(r);
}

static int check_file(const char *section, const char *key, const char *path, struct err *e)
{
	bool is_there;

	if (!path)
		return 0;
	if (file_look(path, &is_there, e) < 0)
		return err_wrap(e, "%s.%s of the cluster file", section, key);
	if (!is_there)
		return err_reason(e, ERR_NO_INPUT, CLIENT_TLS_FILE,
		                  "%s.%s of the cluster file: there is no '%s'", section, key,
		                  path);
	/* It is opened by its path: nobody else may have changed it by then. */
	if (path_check_guarded(path, "", e) < 0)
		return err_wrap(e, "%s.%s of the cluster file", section, key);
	return 0;
}

int run_check_credentials(const char *section, const char *ca, const char *cert, const char *key,
                          struct err *e)
{
	TRY(check_file(section, "ca", ca, e));
	TRY(check_file(section, "cert", cert, e));
	TRY(check_file(section, "key", key, e));
	if ((key && file_check_private(key, e) < 0) ||
	    (cert && key && certificate_check_pair(cert, key, e) < 0))
		return err_wrap(e, "%s.key of the cluster file", section);
	return 0;
}

static struct client_options options_of_client(struct run *r)
{
	const struct cluster *c = r->cluster;

	return (struct client_options){
		.ca_path = c->tls.ca,
		.cert_path = c->tls.cert,
		.key_path = c->tls.key,
		.connect_timeout_ms = c->connect_timeout_ms,
		.request_timeout_ms = c->request_timeout_ms,
		.attempts = (unsigned)c->retry_attempts,
		.backoff_base_ms = c->retry_base_ms,
		.backoff_max_ms = c->retry_max_ms,
		.on_retry = on_retry,
		.on_retry_context = r,
		.on_turn = on_turn,
		.on_turn_context = r,
		.turn_ms = shorter(
		    shorter(r->options.on_tick ? r->options.tick_ms : 0, r->options.turn_ms),
		    EVIDENCE_SYNC_MS),
		.on_exchange = r->options.on_exchange,
		.on_exchange_context = r->options.follow_context,
	};
}

static int open_client(struct run *r, struct err *e)
{
	const struct client_options options = options_of_client(r);
	const struct cluster *c = r->cluster;

	TRY(run_check_credentials("tls", c->tls.ca, c->tls.cert, c->tls.key, e));
	if (!r->options.lender)
		return client_new(&options, &r->client, e);
	r->client = r->options.lender->client;
	client_tell(r->client, &options);
	return 0;
}

/* Its lender is told again what happens. */
static void drop_client(struct run *r)
{
	struct run *lender = r->options.lender;
	struct client_options options;

	if (!r->client || !lender) {
		client_drop(&r->client);
		return;
	}
	options = options_of_client(lender);
	client_tell(lender->client, &options);
	r->client = NULL;
}

void run_drop(struct run *r)
{
	drop_client(r);
	expectation_drop(&r->expectation);
	if (r->cluster)
		evidence_sync(r, SYNC_ALL);
	evidence_drop(&r->evidence);
	observation_drop(&r->seen);
	state_drop(&r->state);
	buf_drop(&r->root);
	free(r->proofs);
	for (size_t i = 0; r->documents && i < r->cluster->node_count; i++)
		buf_drop(&r->documents[i]);
	free(r->documents);
	alias_list_drop(&r->missing);
	*r = RUN_INIT;
}

void run_move(struct run *from, struct run *to)
{
	struct client_options options;

	*to = *from;
	*from = RUN_INIT;
	options = options_of_client(to);
	client_tell(to->client, &options);
}

/* A look changes nothing: nothing has to be finished. */
static bool on_interrupt(void *context)
{
	struct run *r = context;

	r->is_interrupted = true;
	if (r->options.on_interrupt)
		(void)r->options.on_interrupt(r->options.interrupt_context);
	return true;
}

/* Of those that are not running the journal may know that they have given up the key for good. */
static void name_retired(struct run *r)
{
	for (size_t i = 0; i < r->seen.count; i++) {
		struct node_seen *seen = &r->seen.nodes[i];

		if (seen->presence != NODE_ABSENT)
			continue;
		evidence_look_for_lives(r);
		if (evidence_has_retired(r, i))
			(void)err_set(&seen->why, seen->why.code, RUN_RETIRED_TEXT,
			              r->cluster->nodes[i].name);
	}
}

int run_look(struct run *r, struct err *e)
{
	AUTO(observation) struct observation seen = { 0 };
	bool is_first = r->seen.count == 0;
	const struct observe_options options = {
		.attempts = LOOK_ATTEMPTS,
		.timeout_ms = r->look_ms,
		.deadline_ms = clock_monotonic_ms() + r->look_ms,
		.is_cut_short = r->look_ms < LOOK_MS,
		.only = r->options.only,
		.chosen = r->options.chosen,
		.interrupt_fd = r->options.interrupt_fd,
		.on_interrupt = on_interrupt,
		.interrupt_context = r,
	};

	r->is_interrupted = false; /* of the steps: they have been finished */
	TRY(observe(r->cluster, &r->state, r->client, &options, &seen, e));
	if (r->is_interrupted)
		return err_set(e, ERR_INTERRUPTED,
		               "interrupted while the nodes were asked how they are%s",
		               is_first ? "; nothing was begun" : "");
	observation_drop(&r->seen);
	r->seen = MOVE(seen);
	evidence_settle_tees(&r->evidence);
	name_retired(r);
	return 0;
}

static bool measures_ahead(const struct cluster *c, const struct run_options *options)
{
	return options->measures == RUN_MEASURES_IMAGE ||
	       (options->measures == RUN_MEASURES_TO_SEAL && !cluster_pins_image(c));
}

/* ret is filled in place: the client keeps its address for on_retry. */
int run_open(const struct cluster *cluster, const struct run_options *options, struct run *ret,
             struct err *e)
{
	int64_t share_ms = options->timeout_ms * LOOK_SHARE_PERCENT / 100;

	*ret = (struct run){
		.cluster = cluster,
		.options = *options,
		.state = { .lock = -1 },
		.evidence = EVIDENCE_INIT,
		.root = BUF_INIT(ROOT_CERTIFICATE_MAX),
		.look_ms = share_ms < LOOK_MS ? share_ms : LOOK_MS,
	};
	ret->deadline_ms = clock_monotonic_ms() + options->timeout_ms - ret->look_ms;
	ret->proofs = calloc(cluster->node_count, sizeof(*ret->proofs));
	ret->documents = calloc(cluster->node_count, sizeof(*ret->documents));
	if (!ret->proofs || !ret->documents)
		return err_set(e, ERR_INTERNAL, "no memory for %zu nodes", cluster->node_count);
	for (size_t i = 0; i < cluster->node_count; i++)
		ret->documents[i].max = DOCUMENT_MAX;
	if (measures_ahead(cluster, options))
		expectation_begin(cluster, &ret->expectation);
	if (state_open(cluster, options->state_folder, options->to_change, options->verb,
	               &ret->state, e) < 0 ||
	    open_client(ret, e) < 0 || run_look(ret, e) < 0) {
		run_drop(ret);
		return -1;
	}
	evidence_end_genesis(ret);
	return 0;
}

void run_take_status(struct run *r, size_t node, struct status_reply *answer)
{
	struct status_reply *status = &r->seen.nodes[node].status;

	status_reply_drop(status);
	*status = MOVE(*answer);
}

void run_tell(const struct run *r, const struct event *event)
{
	if (r->options.on_event)
		r->options.on_event(r->options.event_context, event);
}

void run_note(const struct run *r, size_t node, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	run_tell(r, &(struct event){
	                .kind = EVENT_NOTE, .node = r->cluster->nodes[node].name, .text = text });
}

int run_exchange_as(struct run *r, size_t node, const struct client_exchange *exchange,
                    struct err *e)
{
	struct client_exchange x = *exchange;

	if (r->options.may)
		TRY(r->options.may(r->options.may_context, /* is_step= */ false, e));
	x.node = r->cluster->nodes[node].name;
	x.url = r->seen.nodes[node].url;
	if (!x.url) {
		*e = r->seen.nodes[node].why;
		return -1;
	}
	return client_start(r->client, &x, e);
}

int run_exchange(struct run *r, size_t node, enum api api, const void *request,
                 client_done *on_done, void *context, struct err *e)
{
	return run_exchange_while(r, node, api, request, /* may= */ NULL, on_done, context, e);
}

int run_exchange_while(struct run *r, size_t node, enum api api, const void *request,
                       client_may *may, client_done *on_done, void *context, struct err *e)
{
	const struct client_exchange x = {
		.api = api, .request = request, .may = may, .on_done = on_done, .context = context
	};

	return run_exchange_as(r, node, &x, e);
}

int run_query(struct run *r, size_t node, enum api api, const char *query, client_done *on_done,
              void *context, struct err *e)
{
	const struct client_exchange x = {
		.api = api, .query = query, .on_done = on_done, .context = context
	};

	return run_exchange_as(r, node, &x, e);
}

int run_ask_document(struct run *r, size_t node, uint8_t ret_nonce[static NONCE_LEN],
                     client_done *on_done, void *context, struct err *e)
{
	AUTO(live_attestation_request) struct live_attestation_request q = { 0 };

	TRY(random_public(ret_nonce, NONCE_LEN, e));
	TRY(wire_set(&q.nonce, view_new(ret_nonce, NONCE_LEN), e));
	return run_exchange(r, node, API_LIVE_ATTESTATION, &q, on_done, context, e);
}
