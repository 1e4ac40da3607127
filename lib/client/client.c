#include "client/client.h"

#include "base/clock.h"
#include "base/text.h"
#include "client/backoff.h"
#include "client/transfer.h"

#include <stdlib.h>
#include <string.h>

/* The enclave takes 64 connections from one address, and several clients may share ours. */
#define CONNECTIONS_PER_NODE 16
/* Kept open between requests: a node each, up to the cluster file's limit. */
#define CONNECTIONS_KEPT 4096
#define WAIT_MAX_MS      60000

struct client {
	CURLM *multi;
	struct client_options options;
	char *ca_path, *cert_path, *key_path;
	struct transfer *transfers,
	    **last; /* in the order of their start; last: where the next goes */
	int64_t deadline_ms;
	bool is_ending;  /* the user wants to stop: what is in flight is finished, not repeated */
	struct err over; /* giving up: everything fails as this says */
};

static void delist(struct client *c, struct transfer *t)
{
	if (t->is_running)
		curl_multi_remove_handle(c->multi, t->easy);
	t->is_running = false;
	*t->at = t->next;
	if (t->next)
		t->next->at = t->at;
	else
		c->last = t->at;
}

static void abandon_all(struct client *c)
{
	while (c->transfers) {
		struct transfer *t = c->transfers;

		delist(c, t);
		transfer_drop(&t);
	}
}

void client_drop(struct client **client)
{
	struct client *c = *client;

	if (!c)
		return;
	abandon_all(c);
	if (c->multi)
		curl_multi_cleanup(c->multi);
	text_drop(&c->ca_path);
	text_drop(&c->cert_path);
	text_drop(&c->key_path);
	free(c);
	*client = NULL;
	curl_global_cleanup();
}

static int copy_path(const char *from, char **to, const char **option, struct err *e)
{
	if (from)
		TRY(text_dup(from, to, e));
	*option = *to;
	return 0;
}

static int set_up(struct client *c, const struct client_options *options, struct err *e)
{
	c->options = *options;
	c->last = &c->transfers;
	TRY(copy_path(options->ca_path, &c->ca_path, &c->options.ca_path, e));
	TRY(copy_path(options->cert_path, &c->cert_path, &c->options.cert_path, e));
	TRY(copy_path(options->key_path, &c->key_path, &c->options.key_path, e));
	c->multi = curl_multi_init();
	if (!c->multi ||
	    curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
	                      (long)CONNECTIONS_PER_NODE) ||
	    curl_multi_setopt(c->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
	                      (long)CLIENT_CONNECTIONS_MAX) ||
	    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT))
		return err_set(e, ERR_INTERNAL, "libcurl does not start");
	return 0;
}

int client_new(const struct client_options *options, struct client **ret, struct err *e)
{
	AUTO(client) struct client *c = NULL;

	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return err_set(e, ERR_INTERNAL, "libcurl does not start");
	c = calloc(1, sizeof(*c));
	if (!c) {
		curl_global_cleanup();
		return err_set(e, ERR_INTERNAL, "no memory for a client");
	}
	TRY(set_up(c, options, e));
	*ret = MOVE(c);
	return 0;
}

static void enlist(struct client *c, struct transfer *t)
{
	t->at = c->last;
	*c->last = t;
	c->last = &t->next;
}

void client_tell(struct client *c, const struct client_options *options)
{
	abandon_all(c);
	c->options.on_retry = options->on_retry;
	c->options.on_retry_context = options->on_retry_context;
	c->options.on_turn = options->on_turn;
	c->options.on_turn_context = options->on_turn_context;
	c->options.turn_ms = options->turn_ms;
	c->options.on_exchange = options->on_exchange;
	c->options.on_exchange_context = options->on_exchange_context;
}

int client_start(struct client *c, const struct client_exchange *exchange, struct err *e)
{
	struct transfer *t = NULL;

	TRY(transfer_new(&c->options, exchange, &t, e));
	enlist(c, t);
	return 0;
}

/* --- the ends of an exchange --- */

static void tell_end(const struct client *c, const struct transfer *t, const struct err *failure)
{
	if (c->options.on_exchange && t->started_us)
		c->options.on_exchange(c->options.on_exchange_context, t->node, t->row->name,
		                       t->started_us, clock_monotonic_us() - t->started_us,
		                       failure);
}

static void fail(struct client *c, struct transfer *t, const struct err *why)
{
	delist(c, t);
	tell_end(c, t, why);
	transfer_fail(t, why);
	transfer_drop(&t);
}

/* The deadline, or a person, ends it. What it failed with before says more than that. */
static void fail_over(struct client *c, struct transfer *t)
{
	struct err why = c->over;

	if (t->failure.text[0])
		err_reason(&why, c->over.code, c->over.reason, "%s; %s, attempt %u",
		           t->failure.text, c->over.text, t->attempt);
	else
		err_wrap(&why, "%s: %s", t->node, t->row->name);
	fail(c, t, &why);
}

int64_t client_backoff_ms(int64_t base_ms, int64_t max_ms, unsigned attempt)
{
	uint64_t random;
	struct err ignored;

	if (random_public((uint8_t *)&random, sizeof(random), &ignored) < 0)
		return backoff_most_ms(base_ms, max_ms, attempt);
	return backoff_ms(base_ms, max_ms, attempt, random);
}

static void try_again(struct client *c, struct transfer *t, int64_t retry_after_ms)
{
	int64_t wait =
	    client_backoff_ms(c->options.backoff_base_ms, c->options.backoff_max_ms, t->attempt);
	struct err why;

	wait = wait > retry_after_ms ? wait : retry_after_ms;
	if (wait >= c->deadline_ms - clock_monotonic_ms()) {
		err_reason(&why, ERR_TRY_AGAIN, CLIENT_NO_TIME,
		           "%s; no time is left for attempt %u", t->failure.text, t->attempt + 1);
		fail(c, t, &why);
		return;
	}
	t->due_ms = clock_monotonic_ms() + wait;
	if (c->options.on_retry)
		c->options.on_retry(c->options.on_retry_context, t->node, t->row->name, t->attempt,
		                    wait, &t->failure);
}

static void settle(struct client *c, struct transfer *t, CURLcode code)
{
	struct outcome outcome;

	curl_multi_remove_handle(c->multi, t->easy);
	t->is_running = false;
	if (transfer_judge(t, code, &outcome, &t->failure) == 0) {
		delist(c, t);
		tell_end(c, t, NULL);
		transfer_succeed(t);
		transfer_drop(&t);
	} else if (outcome.is_transient && t->attempt < t->attempts && !c->is_ending) {
		try_again(c, t, outcome.retry_after_ms);
	} else {
		struct err why = t->failure;

		fail(c, t, &why);
	}
}

/* --- the loop --- */

static int begin_attempt(struct client *c, struct transfer *t, struct err *e)
{
	CURLMcode failed;

	if (t->attempt++ == 0)
		t->started_us = clock_monotonic_us();
	buf_clear(&t->response);
	t->detail[0] = 0;
	failed = curl_multi_add_handle(c->multi, t->easy);
	if (failed)
		return err_set(e, ERR_INTERNAL, "sending a request: %s",
		               curl_multi_strerror(failed));
	t->is_running = true;
	return 0;
}

static void tell_turn(const struct client *c, enum client_turn turn)
{
	if (c->options.on_turn)
		c->options.on_turn(c->options.on_turn_context, turn);
}

static bool has_due(const struct client *c, int64_t now)
{
	for (const struct transfer *t = c->transfers; t; t = t->next)
		if (!t->is_running && t->due_ms <= now)
			return true;
	return false;
}

static int begin_due(struct client *c, int64_t now, struct err *e)
{
	struct transfer *t = c->transfers;
	struct err why;

	if (!has_due(c, now))
		return 0;
	tell_turn(c, CLIENT_TURN_SENDING);
	while (t) {
		if (t->is_running || t->due_ms > now) {
			t = t->next;
		} else if (t->may && t->may(t->context, &why) < 0) {
			fail(c, t, &why);
			t = c->transfers; /* its callback may have changed the list */
		} else {
			TRY(begin_attempt(c, t, e));
			t = t->next;
		}
	}
	return 0;
}

/* Everything in flight fails, and what the callbacks start does too. */
static void give_up(struct client *c, enum err_code code, const char *reason, const char *text)
{
	err_reason(&c->over, code, reason, "%s", text);
	while (c->transfers)
		fail_over(c, c->transfers);
}

/* What waits to be tried again is not. */
static void end_waiting(struct client *c)
{
	struct transfer *t = c->transfers;

	err_set(&c->over, ERR_INTERRUPTED, "interrupted");
	while (t) {
		if (t->is_running || t->attempt == 0) {
			t = t->next;
			continue;
		}
		fail_over(c, t);
		t = c->transfers; /* its callback may have changed the list */
	}
}

static int64_t until_next(const struct client *c, int64_t now)
{
	int64_t next = c->deadline_ms, most = c->options.turn_ms ? c->options.turn_ms : WAIT_MAX_MS;

	if (c->options.turn_ms && next > now + c->options.turn_ms)
		next = now + c->options.turn_ms;
	for (const struct transfer *t = c->transfers; t; t = t->next)
		if (!t->is_running && t->due_ms < next)
			next = t->due_ms;
	if (next <= now)
		return 0;
	return next - now < most ? next - now : most;
}

/* Ends what libcurl is done with; false if there was nothing. */
static bool settle_all(struct client *c)
{
	bool is_any = false;
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(c->multi, &left))) {
		struct transfer *t = NULL;
		CURLcode result = message->data.result;

		/* message is gone once the handle is removed. */
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
		settle(c, t, result);
		is_any = true;
	}
	return is_any;
}

static int pump(struct client *c, int interrupt_fd, bool *ret_interrupt, struct err *e)
{
	struct curl_waitfd extra = { .fd = interrupt_fd, .events = CURL_WAIT_POLLIN };
	unsigned extras = interrupt_fd >= 0;
	int timeout, running;
	CURLMcode failed;
	bool is_busy;

	failed = curl_multi_perform(c->multi, &running);
	is_busy = settle_all(c);
	tell_turn(c, is_busy ? CLIENT_TURN_BUSY : CLIENT_TURN_IDLE);
	/* What has just ended may have started something: no wait then, only a look. */
	timeout = is_busy ? 0 : (int)until_next(c, clock_monotonic_ms());
	if (!failed)
		failed = curl_multi_poll(c->multi, extras ? &extra : NULL, extras, timeout, NULL);
	if (failed)
		return err_set(e, ERR_INTERNAL, "the event loop: %s", curl_multi_strerror(failed));
	*ret_interrupt = extra.revents != 0;
	return 0;
}

/* One round: what is due begins, what has ended is told. */
static int turn(struct client *c, int64_t now, int interrupt_fd, bool *ret_interrupt, struct err *e)
{
	TRY(begin_due(c, now, e));
	return c->transfers ? pump(c, interrupt_fd, ret_interrupt, e) : 0;
}

int client_run(struct client *c, int64_t deadline_ms, int interrupt_fd,
               bool (*on_interrupt)(void *context), void *context, struct err *e)
{
	c->deadline_ms = deadline_ms;
	c->is_ending = false;
	while (c->transfers) {
		int64_t now = clock_monotonic_ms();
		bool is_interrupt = false;

		if (now >= deadline_ms) {
			give_up(c, ERR_TRY_AGAIN, CLIENT_NO_TIME, "the time is up");
		} else if (turn(c, now, interrupt_fd, &is_interrupt, e) < 0) {
			/* Nobody is left without an answer. */
			give_up(c, e->code, e->reason, e->text);
			return -1;
		} else if (is_interrupt && on_interrupt(context)) {
			give_up(c, ERR_INTERRUPTED, "", "interrupted");
		} else if (is_interrupt) {
			c->is_ending = true;
			end_waiting(c);
		}
	}
	return 0;
}

/* --- one call --- */

struct call {
	void *ret_reply;
	size_t size;
	bool is_answered;
	struct err failure;
};

static void on_answer(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct call *call = context;

	(void)elapsed_us;
	call->is_answered = reply != NULL;
	if (failure) {
		call->failure = *failure;
		return;
	}
	memcpy(call->ret_reply, reply, call->size);
	memset(reply, 0, call->size);
}

static bool on_call_interrupt(void *context)
{
	(void)context;
	return true;
}

int client_call_until(struct client *c, const struct client_exchange *exchange, int64_t deadline_ms,
                      int interrupt_fd, void *ret_reply, struct err *e)
{
	const struct wire_schema *schema =
	    (exchange->row ? exchange->row : &api_table[exchange->api])->response;
	struct call call = { ret_reply, schema ? schema->size : sizeof(struct buf), false, { 0 } };
	struct client_exchange own = *exchange;

	own.on_done = on_answer;
	own.context = &call;
	TRY(client_start(c, &own, e));
	TRY(client_run(c, deadline_ms, interrupt_fd, on_call_interrupt, NULL, e));
	if (call.is_answered)
		return 0;
	*e = call.failure;
	return -1;
}

int client_call(struct client *c, const struct client_exchange *exchange, int64_t deadline_ms,
                void *ret_reply, struct err *e)
{
	return client_call_until(c, exchange, deadline_ms, /* interrupt_fd= */ -1, ret_reply, e);
}
