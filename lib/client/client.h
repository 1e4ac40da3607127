/* Many requests to many enclaves at once, on one event loop (libcurl's multi interface).
 *
 * An exchange is one operation of the contract: encoded by its schema, sent, sent again while the
 * failure is transient (connect, timeout, 429, 502, 503; exponential backoff with full jitter,
 * Retry-After obeyed) and the attempts last, decoded by its schema. Every operation of the contract
 * may be sent again: a replay changes nothing. Its callback runs from client_run, exactly once; not
 * at all of what client_drop or client_tell find in flight, which is what was started and never
 * run: whoever starts something runs the client before he ends. */
#ifndef TEECTL_CLIENT_CLIENT_H
#define TEECTL_CLIENT_CLIENT_H

#include "proto/api.h"

struct client;

/* At once: below the usual limit of 1024 descriptors. */
#define CLIENT_CONNECTIONS_MAX 512

/* Reasons of failures that are not the node's, which may be well: a file of ours for TLS does not
 * serve; its certificate does not; its name does not resolve, or its URL is none. */
#define CLIENT_TLS_FILE   "tls-file"
#define CLIENT_TLS_SERVER "tls-server"
#define CLIENT_ADDRESS    "address"
/* The answer is longer than is taken. */
#define CLIENT_TOO_LONG "too-long"
/* Of an ERR_TRY_AGAIN: the deadline of client_run has passed, or comes before the next attempt. */
#define CLIENT_NO_TIME "no-time"

enum client_turn {
	CLIENT_TURN_SENDING, /* something is about to be sent */
	CLIENT_TURN_BUSY,    /* answers have come, and what they start is about to be sent */
	CLIENT_TURN_IDLE,    /* all is on its way: there is time until the next answer */
};

struct client_options {
	/* NULL: the system's CAs; no certificate of our own */
	const char *ca_path, *cert_path, *key_path;
	int64_t connect_timeout_ms, request_timeout_ms;
	unsigned attempts; /* in all, >= 1 */
	int64_t backoff_base_ms, backoff_max_ms;
	/* Told of each failed attempt that will be repeated; may be NULL. Must not call the client.
	 */
	void (*on_retry)(void *context, const char *node, const char *operation, unsigned attempt,
	                 int64_t wait_ms, const struct err *why);
	void *on_retry_context;
	/* Called in each round of client_run. May be NULL. Must not call the client. */
	void (*on_turn)(void *context, enum client_turn turn);
	void *on_turn_context;
	/* the longest time between two on_turns, so that it can tell time; 0: as long as nothing
	 * happens */
	int64_t turn_ms;
	/* Told of each exchange that has ended, before its own callback; may be NULL. Must not call
	 * the client. started_us: monotonic, of the first attempt */
	void (*on_exchange)(void *context, const char *node, const char *operation,
	                    int64_t started_us, int64_t elapsed_us, const struct err *failure);
	void *on_exchange_context;
};

/* reply: the api's response struct (of one that is not JSON: a struct buf with the body), freed by
 * the client afterwards: MOVE out what is kept. NULL when failure is not. A failure's text begins
 * with "NODE: OPERATION: ". elapsed_us: from the first attempt's start. */
typedef void client_done(void *context, void *reply, const struct err *failure, int64_t elapsed_us);

/* May it be sent, now? What it fails with is the exchange's failure, as it is. Must not call the
 * client. */
typedef int client_may(void *context, struct err *e);
/* It leaves when this returns: what comes after may have been heard. Must not call the client. */
typedef void client_leave(void *context);

struct client_exchange {
	const char *node; /* its name, for error texts: "tee2: export-key: …" */
	const char *url;  /* base: http://127.0.0.1:9000 */
	enum api api;
	const struct api_row *row; /* NULL: api's; else of another service's table */
	const char *query;   /* NULL: none; else "from=7", borrowed during client_start alone */
	const void *request; /* the api's request struct, borrowed during client_start alone */
	client_done *on_done;
	/* With context: before each attempt, and once it is connected, which may be much later: a
	 * node takes its time, and others wait for the same connections. NULL: it may */
	client_may *may;
	client_leave *on_leave; /* once, with context, as it leaves first; NULL: untold */
	void *context;
	int64_t timeout_ms; /* of one attempt; 0: the client's */
	unsigned attempts;  /* 0: the client's */
	/* Set before on_done: from when the request went out to when the answer began. NULL:
	 * unasked; untouched by a failure. */
	int64_t *ret_round_trip_us;
	bool is_refusal_final; /* nobody listens there: that is an answer, and not tried again */
	/* What must not be done twice. On a connection of its own: of one that was kept and dies,
	 * libcurl itself sends again. Set before on_done: whether anything may have been sent.
	 * NULL: it may be done twice. */
	bool *ret_is_sent;
};

/* How long to wait before the next attempt: full jitter, so that clients that failed together do
 * not come back together. attempt: those begun so far, >= 1 */
int64_t client_backoff_ms(int64_t base_ms, int64_t max_ms, unsigned attempt);

MUST_CHECK int client_new(const struct client_options *options, struct client **ret, struct err *e);
void client_drop(struct client **client); /* exchanges in flight are given up, uncalled */
/* From now on it tells what happens as options say, its callbacks and turn_ms: who borrows a client
 * has its connections. Between two client_runs; exchanges in flight are given up, uncalled. */
void client_tell(struct client *client, const struct client_options *options);
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

/* For one call at a time: starts, runs, moves the reply out. Nothing else may be in flight: it
 * would be run as well, until this deadline. ret_reply: the response struct, to be released by its
 * schema. */
MUST_CHECK int client_call(struct client *client, const struct client_exchange *exchange,
                           int64_t deadline_ms, void *ret_reply, struct err *e);
/* The same, until interrupt_fd is readable: ERR_INTERRUPTED. It is not read from. */
MUST_CHECK int client_call_until(struct client *client, const struct client_exchange *exchange,
                                 int64_t deadline_ms, int interrupt_fd, void *ret_reply,
                                 struct err *e);

#endif
