/* One exchange as libcurl sees it: a request made ready, sent, and its outcome judged. */
#ifndef TEECTL_CLIENT_TRANSFER_H
#define TEECTL_CLIENT_TRANSFER_H

#include "client/client.h"
#include "crypto/entropy.h"

#include <curl/curl.h>

struct transfer {
	struct transfer *next, **at; /* in the client's list; at: what points here */
	char *node;
	const struct api_row *row;
	client_done *on_done;
	client_may *may;
	client_leave *on_leave;
	void *context;
	unsigned attempts, attempt; /* at most; begun so far */
	int64_t due_ms;             /* of the next attempt */
	int64_t started_us;
	int64_t *ret_round_trip_us;
	bool *ret_is_sent;
	bool is_refusal_final;
	bool has_left;       /* and may have been heard */
	bool is_running;     /* its handle is with the multi handle */
	struct err withheld; /* where there is a text, why it may not be sent any more */
	struct err failure;  /* of the last attempt, when there was one */

	CURL *easy;
	struct curl_slist *headers;
	struct buf request, response;
	char detail[CURL_ERROR_SIZE];
};

MUST_CHECK int transfer_new(const struct client_options *options,
                            const struct client_exchange *exchange, struct transfer **ret,
                            struct err *e);
void transfer_drop(struct transfer **t);

/* What became of an attempt. */
struct outcome {
	bool is_transient;
	int64_t retry_after_ms; /* the server's wish; 0: none */
};
/* 0: answered 200. Else e says what was wrong, and ret whether to try again. */
MUST_CHECK int transfer_judge(const struct transfer *t, CURLcode code, struct outcome *ret,
                              struct err *e);
/* Decodes the answer of a successful one and calls back; or calls back with the failure. */
void transfer_succeed(struct transfer *t);
void transfer_fail(struct transfer *t, const struct err *why);

#endif
