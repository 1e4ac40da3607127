#include "client/transfer.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define URL_MAX         2048
#define HEADER_MAX      128
#define RETRY_AFTER_MAX 3600 /* s; who asks for more is out of order */

void transfer_drop(struct transfer **t)
{
	if (!*t)
		return;
	curl_easy_cleanup((*t)->easy);
	curl_slist_free_all((*t)->headers);
	text_drop(&(*t)->node);
	buf_drop(&(*t)->request);
	buf_drop(&(*t)->response);
	free(*t);
	*t = NULL;
}

/* What the operation may answer; and an error is a sentence, whoever sends it. */
static size_t limit_of(const struct transfer *t)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	return status == 200 ? t->row->response_max : API_ANSWER_MAX;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
	struct transfer *t = context;
	size_t limit = limit_of(t), len = size * count;
	struct err ignored;

	if (t->response.len > limit || len > limit - t->response.len)
		return 0;
	/* Any other number than count makes libcurl give up with CURLE_WRITE_ERROR. */
	return buf_add(&t->response, view_new(data, len), &ignored) < 0 ? 0 : len;
}

/* Connected, and nothing of it sent yet. Also on a connection that was kept, and where libcurl
 * itself sends again. */
static int on_connected(void *context, char *peer_ip, char *own_ip, int peer_port, int own_port)
{
	struct transfer *t = context;

	(void)peer_ip;
	(void)own_ip;
	(void)peer_port;
	(void)own_port;
	if (t->may && t->may(t->context, &t->withheld) < 0)
		return CURL_PREREQFUNC_ABORT;
	if (t->on_leave && !t->has_left)
		t->on_leave(t->context);
	t->has_left = true;
	return CURL_PREREQFUNC_OK;
}

static int add_header(struct transfer *t, struct err *e, const char *name, const char *value)
{
	AUTO(buf) struct buf line = BUF_INIT(HEADER_MAX);
	struct curl_slist *grown;

	TRY(buf_add_format(&line, e, "%s:%s%s", name, *value ? " " : "", value));
	grown = curl_slist_append(t->headers, buf_text(&line));
	if (!grown)
		return err_set(e, ERR_INTERNAL, "no memory for a request");
	t->headers = grown;
	return 0;
}

static int add_headers(struct transfer *t, struct err *e)
{
	char id[UUID_TEXT_LEN];

	TRY(random_uuid(id, e));
	TRY(add_header(t, e, "X-Request-Id", id));
	TRY(add_header(t, e, "Accept", "application/json"));
	if (!t->row->request)
		return 0;
	TRY(add_header(t, e, "Content-Type", "application/json"));
	return add_header(t, e, "Expect", ""); /* none: a wait for 100 costs a round trip */
}

/* The first failure sticks. */
#define SET(option, value) (failed = failed ? failed : curl_easy_setopt(t->easy, option, value))

static CURLcode set_connection(struct transfer *t, const struct client_options *o, const char *url,
                               int64_t timeout_ms)
{
	CURLcode failed = CURLE_OK;

	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROXY, ""); /* not even the environment's: enclaves are reached directly */
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)o->connect_timeout_ms);
	SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
	if (o->ca_path) {
		SET(CURLOPT_CAINFO, o->ca_path);
		SET(CURLOPT_CAPATH, NULL); /* or the system's would count beside it */
	}
	SET(CURLOPT_SSLCERT, o->cert_path);
	SET(CURLOPT_SSLKEY, o->key_path);
	return failed;
}

static CURLcode set_exchange(struct transfer *t)
{
	CURLcode failed = CURLE_OK;

	SET(CURLOPT_PRIVATE, t);
	SET(CURLOPT_ERRORBUFFER, t->detail);
	SET(CURLOPT_USERAGENT, "teectl/" TEECTL_VERSION);
	SET(CURLOPT_HTTPHEADER, t->headers);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, t);
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->row->response_max);
	SET(CURLOPT_PREREQFUNCTION, on_connected);
	SET(CURLOPT_PREREQDATA, t);
	if (t->ret_is_sent)
		SET(CURLOPT_FRESH_CONNECT, 1L);
	if (t->row->request) {
		/* Borrowed by libcurl, so that it makes no copy of its own. */
		SET(CURLOPT_POSTFIELDS, buf_text(&t->request));
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->request.len);
	}
	return failed;
}

static int prepare(struct transfer *t, const struct client_options *o,
                   const struct client_exchange *x, struct err *e)
{
	AUTO(buf) struct buf url = BUF_INIT(URL_MAX);
	CURLcode failed;

	TRY(text_dup(x->node, &t->node, e));
	TRY(buf_add_format(&url, e, "%s%s%s%s", x->url, t->row->path, x->query ? "?" : "",
	                   x->query ? x->query : ""));
	if (t->row->request)
		TRY(wire_encode(t->row->request, x->request, &t->request, e));
	TRY(add_headers(t, e));
	t->easy = curl_easy_init();
	failed = t->easy ? set_connection(t, o, buf_text(&url),
	                                  x->timeout_ms ? x->timeout_ms : o->request_timeout_ms)
	                 : CURLE_OUT_OF_MEMORY;
	failed = failed ? failed : set_exchange(t);
	if (failed)
		return err_set(e, ERR_INTERNAL, "making a request ready: %s",
		               curl_easy_strerror(failed));
	return 0;
}

int transfer_new(const struct client_options *options, const struct client_exchange *x,
                 struct transfer **ret, struct err *e)
{
	AUTO(transfer) struct transfer *t = calloc(1, sizeof(*t));

	if (!t)
		return err_set(e, ERR_INTERNAL, "no memory for a request");
	t->row = x->row ? x->row : &api_table[x->api];
	t->on_done = x->on_done;
	t->may = x->may;
	t->on_leave = x->on_leave;
	t->context = x->context;
	t->ret_round_trip_us = x->ret_round_trip_us;
	t->ret_is_sent = x->ret_is_sent;
	t->is_refusal_final = x->is_refusal_final;
	t->attempts = x->attempts ? x->attempts : options->attempts;
	t->request = BUF_INIT(WIRE_TEXT_MAX);
	t->response = BUF_INIT(t->row->response_max);
	if (prepare(t, options, x, e) < 0)
		return err_wrap(e, "%s: %s", x->node, t->row->name);
	*ret = MOVE(t);
	return 0;
}

/* What libcurl's codes mean here; any other is final, and the node unreachable. A handshake may
 * fail because the server was full. */
static const struct {
	CURLcode curl;
	enum err_code code;
	bool is_transient;
	const char *reason;
} meanings[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, ERR_UNREACHABLE, true, CLIENT_ADDRESS },
	{ CURLE_COULDNT_CONNECT, ERR_UNREACHABLE, true, "" },
	{ CURLE_OPERATION_TIMEDOUT, ERR_UNREACHABLE, true, "" },
	{ CURLE_SSL_CONNECT_ERROR, ERR_UNREACHABLE, true, CLIENT_TLS_SERVER },
	{ CURLE_GOT_NOTHING, ERR_UNREACHABLE, true, "" },
	{ CURLE_SEND_ERROR, ERR_UNREACHABLE, true, "" },
	{ CURLE_RECV_ERROR, ERR_UNREACHABLE, true, "" },
	{ CURLE_PARTIAL_FILE, ERR_UNREACHABLE, true, "" },
	/* What came is no HTTP, or not of a version that there is. */
	{ CURLE_WEIRD_SERVER_REPLY, ERR_UNREACHABLE, true, "" },
	{ CURLE_UNSUPPORTED_PROTOCOL, ERR_UNREACHABLE, true, "" },
	{ CURLE_SSL_CACERT_BADFILE, ERR_NO_INPUT, false, CLIENT_TLS_FILE },
	{ CURLE_PEER_FAILED_VERIFICATION, ERR_UNREACHABLE, false, CLIENT_TLS_SERVER },
	{ CURLE_SSL_CERTPROBLEM, ERR_NO_INPUT, false, CLIENT_TLS_FILE },
	{ CURLE_URL_MALFORMAT, ERR_CONFIG, false, CLIENT_ADDRESS },
	{ CURLE_OUT_OF_MEMORY, ERR_INTERNAL, false, "" },
};

static bool was_sent(const struct transfer *t)
{
	curl_off_t us = 0;

	curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &us);
	return us > 0;
}

/* A protocol that we don't speak is in the URL, where nothing was sent. */
static bool is_final(const struct transfer *t, CURLcode curl)
{
	long number = 0;

	if (curl == CURLE_UNSUPPORTED_PROTOCOL)
		return !was_sent(t);
	curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &number);
	return curl == CURLE_COULDNT_CONNECT && t->is_refusal_final && number == ECONNREFUSED;
}

/* Without TLS. */
static bool is_plain(const struct transfer *t)
{
	const char *scheme = NULL;

	curl_easy_getinfo(t->easy, CURLINFO_SCHEME, &scheme);
	return scheme && strcasecmp(scheme, "http") == 0;
}

static int judge_failure(const struct transfer *t, CURLcode curl, struct outcome *ret,
                         struct err *e)
{
	const char *detail = *t->detail ? t->detail : curl_easy_strerror(curl);

	/* So libcurl calls a header line beyond its own limit of 100 KB. Memory of ours that runs
	 * out looks the same; a node that makes it so is as little fit to talk to. */
	if (curl == CURLE_OUT_OF_MEMORY && was_sent(t))
		return err_set(e, ERR_UNREACHABLE, "the answer has too long a header line");
	if (curl == CURLE_WRITE_ERROR || curl == CURLE_FILESIZE_EXCEEDED)
		return err_reason(e, ERR_UNREACHABLE, CLIENT_TOO_LONG,
		                  "the answer has more than %zu bytes", limit_of(t));
	/* Connected, but no answer: that may come another time. */
	if (curl == CURLE_OPERATION_TIMEDOUT && was_sent(t)) {
		ret->is_transient = true;
		return err_set(e, ERR_TRY_AGAIN, "%s", detail);
	}
	if (curl == CURLE_GOT_NOTHING && is_plain(t)) {
		ret->is_transient = true;
		return err_set(e, ERR_UNREACHABLE,
		               "%s: that port may speak TLS, which an https:// address or "
		               "`tls.server` of the cluster file says",
		               detail);
	}
	for (size_t i = 0; i < COUNT(meanings); i++)
		if (meanings[i].curl == curl) {
			ret->is_transient = meanings[i].is_transient && !is_final(t, curl);
			return err_reason(e, meanings[i].code, meanings[i].reason, "%s", detail);
		}
	return err_set(e, ERR_UNREACHABLE, "%s", detail);
}

/* The codes of an answer without the contract's error body: a proxy's, or libmicrohttpd's own. */
static enum err_code code_of_status(long status)
{
	return status == 429 ? ERR_RATE : status == 503 ? ERR_UNAVAILABLE : ERR_UNREACHABLE;
}

static int judge_refusal(const struct transfer *t, long status, struct outcome *ret, struct err *e)
{
	AUTO(error_reply) struct error_reply reply = { 0 };
	curl_off_t seconds = 0;
	struct err ignored;

	ret->is_transient = status == 429 || status == 502 || status == 503;
	curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &seconds);
	seconds = seconds > RETRY_AFTER_MAX ? RETRY_AFTER_MAX : seconds;
	ret->retry_after_ms = (int64_t)seconds * 1000;
	if (wire_decode(&error_reply_schema, buf_view(&t->response), &reply, &ignored) < 0)
		return err_set(e, code_of_status(status), "answered HTTP %ld without saying why",
		               status);
	return err_set(e, err_from_wire((int)reply.code, buf_text(&reply.error)), "%s",
	               buf_text(&reply.error));
}

int transfer_judge(const struct transfer *t, CURLcode curl, struct outcome *ret, struct err *e)
{
	long status = 0;
	int failed = 0;

	*ret = (struct outcome){ 0 };
	if (t->withheld.text[0]) {
		*e = t->withheld;
		return -1;
	}
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (curl)
		failed = judge_failure(t, curl, ret, e);
	else if (status != 200)
		failed = judge_refusal(t, status, ret, e);
	return failed ? err_wrap(e, "%s: %s", t->node, t->row->name) : 0;
}

void transfer_fail(struct transfer *t, const struct err *why)
{
	int64_t elapsed = t->started_us ? clock_monotonic_us() - t->started_us : 0;

	if (t->ret_is_sent)
		*t->ret_is_sent = t->attempt > 1 || was_sent(t);
	t->on_done(t->context, NULL, why, elapsed);
}

static void deliver(struct transfer *t, void *reply)
{
	if (t->ret_is_sent)
		*t->ret_is_sent = true;
	t->on_done(t->context, reply, NULL, clock_monotonic_us() - t->started_us);
}

/* Without what it took to connect. */
static void tell_round_trip(const struct transfer *t)
{
	curl_off_t sent, answered;

	if (t->ret_round_trip_us &&
	    curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &sent) == CURLE_OK &&
	    curl_easy_getinfo(t->easy, CURLINFO_STARTTRANSFER_TIME_T, &answered) == CURLE_OK)
		*t->ret_round_trip_us = answered - sent;
}

void transfer_succeed(struct transfer *t)
{
	const struct wire_schema *schema = t->row->response;
	AUTO(buf) struct buf memory = BUF_INIT(schema ? schema->size : 0);
	uint8_t *reply;
	struct err e;

	tell_round_trip(t);
	if (!schema) {
		deliver(t, &t->response);
		return;
	}
	if (buf_reserve(&memory, schema->size, &reply, &e) < 0) {
		transfer_fail(t, &e);
		return;
	}
	memset(reply, 0, schema->size);
	if (wire_decode_reply(schema, buf_view(&t->response), reply, &e) < 0) {
		/* Not the caller's request but the node's answer is at fault. */
		e.code = e.code == ERR_REQUEST ? ERR_UNREACHABLE : e.code;
		err_wrap(&e, "%s: %s: not the contract's answer", t->node, t->row->name);
		transfer_fail(t, &e);
		return;
	}
	deliver(t, reply);
	wire_release(schema, reply);
}
