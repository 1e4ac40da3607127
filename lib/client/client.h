/* Many requests to many enclaves at once, on one event loop (libcurl's multi interface).
 *
 * An exchange is one operation of the contract: encoded by its schema, sent, sent again while the
 * failure is transient (connect, timeout, 429, 502, 503; exponential backoff with full jitter,
 * Retry-After obeyed) and the attempts last, decoded by its schema. Every operation of the contract
 * may be sent again: a replay changes nothing. Its callback runs from client_run, exactly once. */
#ifndef TEECTL_CLIENT_CLIENT_H
#define TEECTL_CLIENT_CLIENT_H

#include "proto/api.h"

struct client;

struct client_options {
	const char *ca_path, *cert_path, *key_path; /* NULL: plain HTTP, or the system's CAs */
	int64_t connect_timeout_ms, request_timeout_ms;
	unsigned attempts; /* in all, >= 1 */
	int64_t backoff_base_ms, backoff_max_ms;
	/* Told of each failed attempt that will be repeated; may be NULL. Must not call the client.
	 */
	void (*on_retry)(void *context, const char *node, const char *operation, unsigned attempt,
	                 int64_t wait_ms, const struct err *why);
	void *on_retry_context;
};

/* reply: the api's response struct (of one that is not JSON: a struct buf with the body), freed by
 * the client afterwards: MOVE out what is kept. NULL when failure is not. A failure's text begins
 * with "NODE: OPERATION: ". elapsed_us: from the first attempt's start. */
typedef void client_done(void *context, void *reply, const struct err *failure, int64_t elapsed_us);

struct client_exchange {
	const char *node; /* its name, for error texts: "tee2: export-key: …" */
	const char *url;  /* base: http://127.0.0.1:9000 */
	enum api api;
	const void *request; /* the api's request struct, borrowed during client_start alone */
	client_done *on_done;
	void *context;
	int64_t timeout_ms; /* of one attempt; 0: the client's */
	unsigned attempts;  /* 0: the client's */
};

MUST_CHECK int client_new(const struct client_options *options, struct client **ret, struct err *e);
void client_drop(struct client **client); /* exchanges in flight are given up, uncalled */
MUST_CHECK int client_start(struct client *client, const struct client_exchange *exchange,
                            struct err *e);

/* Runs callbacks until nothing is in flight.
 *
 * deadline_ms   monotonic (clock_monotonic_ms); when it passes, what is in flight fails with
 *               ERR_TRY_AGAIN, each through its callback, and so does what the callbacks start
 * interrupt_fd  becomes readable when the user wants to stop (a signalfd); -1: none
 * on_interrupt  called each time it is; reads the fd; returns true to give up what is in flight at
 *               once (callbacks with ERR_INTERRUPTED), false to let it finish, without
 *               repeating what fails
 * fails         ERR_INTERNAL alone; what is in flight then fails as well, through its callback */
MUST_CHECK int client_run(struct client *client, int64_t deadline_ms, int interrupt_fd,
                          bool (*on_interrupt)(void *context), void *context, struct err *e);

/* For one call at a time: starts, runs, moves the reply out. ret_reply: the response struct, to be
 * released by its schema. */
MUST_CHECK int client_call(struct client *client, const struct client_exchange *exchange,
                           int64_t deadline_ms, void *ret_reply, struct err *e);

#endif
