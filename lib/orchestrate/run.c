#include "orchestrate/run.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOK_MS 3000 /* for all nodes to say how they are; one that hangs costs no more */

void run_drop(struct run *r)
{
	client_drop(&r->client);
	observation_drop(&r->seen);
	state_drop(&r->state);
	buf_drop(&r->root);
	free(r->proofs);
	alias_list_drop(&r->missing);
	*r = RUN_INIT;
}

static void on_retry(void *context, const char *node, const char *operation, unsigned attempt,
                     int64_t wait_ms, const struct err *why)
{
	const struct run *r = context;
	char text[ERR_TEXT_MAX + 64];

	snprintf(text, sizeof(text), "attempt %u: %s; again in %lld ms", attempt, why->text,
	         (long long)wait_ms);
	run_tell(r, &(struct event){
	                .kind = EVENT_RETRY, .step = operation, .node = node, .text = text });
}

static int open_client(const struct cluster *c, struct run *r, struct err *e)
{
	const struct client_options options = {
		.ca_path = c->tls.ca,
		.connect_timeout_ms = c->connect_timeout_ms,
		.request_timeout_ms = c->request_timeout_ms,
		.attempts = (unsigned)c->retry_attempts,
		.backoff_base_ms = c->retry_base_ms,
		.backoff_max_ms = c->retry_max_ms,
		.on_retry = on_retry,
		.on_retry_context = r,
	};

	return client_new(&options, &r->client, e);
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

int run_look(struct run *r, struct err *e)
{
	AUTO(observation) struct observation seen = { 0 };
	const struct observe_options options = {
		.attempts = 1,
		.timeout_ms = r->look_ms,
		.deadline_ms = clock_monotonic_ms() + r->look_ms,
		.only = r->options.only,
		.interrupt_fd = r->options.interrupt_fd,
		.on_interrupt = on_interrupt,
		.interrupt_context = r,
	};

	r->is_interrupted = false; /* of the steps: they have been finished */
	TRY(observe(r->cluster, &r->state, r->client, &options, &seen, e));
	if (r->is_interrupted)
		return err_set(e, ERR_INTERRUPTED, "interrupted while the nodes were asked");
	observation_drop(&r->seen);
	r->seen = MOVE(seen);
	return 0;
}

/* ret is filled in place: the client keeps its address for on_retry. */
int run_open(const struct cluster *cluster, const struct run_options *options, struct run *ret,
             struct err *e)
{
	*ret = (struct run){
		.cluster = cluster,
		.options = *options,
		.state = { .lock = -1 },
		.root = BUF_INIT(ROOT_CERTIFICATE_MAX),
		.look_ms = options->timeout_ms / 3 < LOOK_MS ? options->timeout_ms / 3 : LOOK_MS,
	};
	ret->deadline_ms = clock_monotonic_ms() + options->timeout_ms - ret->look_ms;
	ret->proofs = calloc(cluster->node_count, sizeof(*ret->proofs));
	if (!ret->proofs)
		return err_set(e, ERR_INTERNAL, "no memory for %zu nodes", cluster->node_count);
	if (state_open(cluster, options->state_folder, options->to_change, options->verb,
	               &ret->state, e) < 0 ||
	    open_client(cluster, ret, e) < 0 || run_look(ret, e) < 0) {
		run_drop(ret);
		return -1;
	}
	return 0;
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

int run_exchange(struct run *r, size_t node, enum api api, const void *request,
                 client_done *on_done, void *context, struct err *e)
{
	const struct client_exchange exchange = {
		.node = r->cluster->nodes[node].name,
		.url = r->seen.nodes[node].url,
		.api = api,
		.request = request,
		.on_done = on_done,
		.context = context,
	};

	if (!exchange.url) {
		*e = r->seen.nodes[node].why;
		return -1;
	}
	return client_start(r->client, &exchange, e);
}
