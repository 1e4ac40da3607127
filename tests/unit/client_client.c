#include "client_support.h"

#include "base/clock.h"
#include "client/client.h"
#include "crypto/entropy.h"

#include <curl/curl.h>
#include <dlfcn.h>

/* In place of libcurl's: the event loop fails once, that many polls from now. */
static int polls_left;

CURLMcode curl_multi_poll(CURLM *multi, struct curl_waitfd extra[], unsigned extras, int timeout_ms,
                          int *ret)
{
	CURLMcode (*real)(CURLM *, struct curl_waitfd[], unsigned, int, int *);

	if (polls_left && --polls_left == 0)
		return CURLM_INTERNAL_ERROR;
	*(void **)&real = dlsym(RTLD_NEXT, "curl_multi_poll");
	return real(multi, extra, extras, timeout_ms, ret);
}

#define VALID "{\"valid\":true,\"word_count\":12}"

struct retries {
	unsigned count;
	int64_t wait_ms;
	struct err why;
};

static void on_retry(void *context, const char *node, const char *operation, unsigned attempt,
                     int64_t wait_ms, const struct err *why)
{
	struct retries *r = context;

	assert_string_equal(node, "tee2");
	assert_string_equal(operation, "validate-seed");
	assert_int_equal(attempt, ++r->count);
	r->wait_ms = wait_ms;
	r->why = *why;
}

static struct client *client_of(unsigned attempts, struct retries *retries)
{
	const struct client_options options = {
		.connect_timeout_ms = 2000,
		.request_timeout_ms = 5000,
		.attempts = attempts,
		.backoff_base_ms = 1,
		.backoff_max_ms = 4,
		.on_retry = retries ? on_retry : NULL,
		.on_retry_context = retries,
	};
	struct client *c = NULL;
	struct err e;

	assert_ok(client_new(&options, &c, &e));
	return c;
}

static int64_t soon(void)
{
	return clock_monotonic_ms() + 20000;
}

static struct validate_seed_request request_of(const char *phrase)
{
	struct validate_seed_request q = { 0 };
	struct err e;

	assert_ok(wire_set_text(&q.seed_phrase, phrase, &e));
	return q;
}

/* validate-seed at the URL. */
static int ask(struct client *c, const char *url, int64_t deadline_ms,
               struct validate_seed_reply *ret, struct err *e)
{
	AUTO(validate_seed_request) struct validate_seed_request q = request_of("some words");
	const struct client_exchange x = {
		.node = "tee2", .url = url, .api = API_VALIDATE_SEED, .request = &q
	};

	return client_call(c, &x, deadline_ms, ret, e);
}

static void a_request_is_sent_as_the_contract_says(void **state)
{
	AUTO(server) struct server *s = server_start(SCRIPT({ ANSWER, http("200 OK", "", VALID) }));
	AUTO(client) struct client *c = client_of(1, NULL);
	struct validate_seed_reply reply = { 0 };
	const char *id;
	struct err e;

	(void)state;
	assert_ok(ask(c, s->url, soon(), &reply, &e));
	assert_true(reply.valid);
	assert_int_equal(reply.word_count, 12);
	assert_ptr_equal(strstr(s->requests[0], "POST /validate-seed HTTP/1.1\r\n"),
	                 s->requests[0]);
	assert_non_null(strstr(s->requests[0], "\r\nHost: 127.0.0.1:"));
	assert_non_null(strstr(s->requests[0], "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(s->requests[0], "\r\nUser-Agent: teectl/"));
	assert_null(strstr(s->requests[0], "Expect"));
	assert_null(strstr(s->requests[0], "Transfer-Encoding"));
	assert_non_null(strstr(s->requests[0], "\r\n\r\n{\"seed_phrase\":\"some words\"}"));
	id = strstr(s->requests[0], "\r\nX-Request-Id: ");
	assert_non_null(id);
	assert_int_equal(strcspn(id + 16, "\r"), UUID_TEXT_LEN - 1);
}

static void a_question_without_a_body_is_a_get(void **state)
{
	AUTO(server)
	struct server *s = server_start(SCRIPT(
	    { ANSWER, http("200 OK", "",
	                   "{\"status\":\"healthy\",\"timestamp\":\"t\",\"version\":\"1\"}") }));
	AUTO(client) struct client *c = client_of(1, NULL);
	AUTO(health_reply) struct health_reply reply = { 0 };
	int64_t round_trip_us = -1, before_us = clock_monotonic_us();
	const struct client_exchange x = { .node = "tee1",
		                           .url = s->url,
		                           .api = API_HEALTH,
		                           .ret_round_trip_us = &round_trip_us };
	struct err e;

	(void)state;
	assert_ok(client_call(c, &x, soon(), &reply, &e));
	assert_in_range(round_trip_us, 0, clock_monotonic_us() - before_us);
	assert_string_equal(buf_text(&reply.status), "healthy");
	assert_ptr_equal(strstr(s->requests[0], "GET /health HTTP/1.1\r\n"), s->requests[0]);
	assert_null(strstr(s->requests[0], "Content-"));
}

static void an_answer_that_is_not_json_comes_as_it_is(void **state)
{
	AUTO(server)
	struct server *s = server_start(SCRIPT({ ANSWER, http("200 OK", "", "a 1\n") }));
	AUTO(client) struct client *c = client_of(1, NULL);
	const struct client_exchange x = { .node = "tee1", .url = s->url, .api = API_METRICS };
	AUTO(buf) struct buf reply = { 0 };
	struct err e;

	(void)state;
	assert_ok(client_call(c, &x, soon(), &reply, &e));
	assert_string_equal(buf_text(&reply), "a 1\n");
}

static void what_is_transient_is_sent_again(void **state)
{
	const char *busy =
	    "{\"error\":\"Too many requests: wait\",\"code\":1009,\"request_id\":\"a\"}";
	/* Broken connections first: on one that it has used before, libcurl tries again by itself.
	 */
	AUTO(server)
	struct server *s = server_start(
	    SCRIPT({ ANSWER_CLOSE, NULL },
	           { ANSWER_CLOSE, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{" },
	           { ANSWER, http("503 Service Unavailable", "", "down") },
	           { ANSWER, http("502 Bad Gateway", "", "") },
	           { ANSWER, http("429 Too Many Requests", "Retry-After: 0\r\n", busy) },
	           { ANSWER, http("200 OK", "", VALID) }));
	struct retries retries = { 0 };
	AUTO(client) struct client *c = client_of(6, &retries);
	struct validate_seed_reply reply = { 0 };
	struct err e;

	(void)state;
	assert_ok(ask(c, s->url, soon(), &reply, &e));
	assert_int_equal(s->request_count, 6);
	assert_int_equal(retries.count, 5);
	assert_int_equal(retries.why.code, ERR_RATE);
	assert_string_equal(retries.why.text, "tee2: validate-seed: Too many requests: wait");
	/* The same exchange, so the same id. */
	assert_memory_equal(strstr(s->requests[0], "X-Request-Id"),
	                    strstr(s->requests[5], "X-Request-Id"), 50);
}

static void the_attempts_come_to_an_end(void **state)
{
	AUTO(server)
	struct server *s =
	    server_start(SCRIPT({ ANSWER, http("503 Service Unavailable", "", "") }));
	struct retries retries = { 0 };
	AUTO(client) struct client *c = client_of(3, &retries);
	struct validate_seed_reply reply;
	struct err e;

	(void)state;
	assert_refused(ask(c, s->url, soon(), &reply, &e), ERR_UNAVAILABLE,
	               "tee2: validate-seed: answered HTTP 503 without");
	assert_int_equal(s->request_count, 3);
	assert_int_equal(retries.count, 2);
}

static void retry_after_is_obeyed(void **state)
{
	AUTO(server)
	struct server *s =
	    server_start(SCRIPT({ ANSWER, http("429 Too Many Requests", "Retry-After: 1\r\n", "") },
	                        { ANSWER, http("200 OK", "", VALID) }));
	struct retries retries = { 0 };
	AUTO(client) struct client *c = client_of(2, &retries);
	struct validate_seed_reply reply;
	int64_t begin = clock_monotonic_ms();
	struct err e;

	(void)state;
	assert_ok(ask(c, s->url, soon(), &reply, &e));
	assert_int_equal(retries.wait_ms, 1000);
	assert_true(clock_monotonic_ms() - begin >= 1000);
}

static void a_wait_past_the_deadline_is_not_waited(void **state)
{
	AUTO(server)
	struct server *s = server_start(
	    SCRIPT({ ANSWER, http("429 Too Many Requests", "Retry-After: 999999\r\n", "") }));
	struct retries retries = { 0 };
	AUTO(client) struct client *c = client_of(2, &retries);
	struct validate_seed_reply reply;
	int64_t begin = clock_monotonic_ms();
	struct err e;

	(void)state;
	assert_refused(ask(c, s->url, soon(), &reply, &e), ERR_TRY_AGAIN,
	               "why; no time is left for attempt 2");
	assert_string_equal(e.reason, CLIENT_NO_TIME);
	assert_true(clock_monotonic_ms() - begin < 10000);
	assert_int_equal(retries.count, 0);
}

static void a_refused_connection_is_tried_again(void **state)
{
	struct retries retries = { 0 };
	AUTO(client) struct client *c = client_of(3, &retries);
	struct validate_seed_reply reply;
	char url[64];
	struct err e;

	(void)state;
	close(listen_on_a_free_port(url, sizeof(url)));
	assert_refused(ask(c, url, soon(), &reply, &e), ERR_UNREACHABLE, "tee2: validate-seed: ");
	assert_int_equal(retries.count, 2);
}

static void a_refused_connection_may_be_final(void **state)
{
	AUTO(server)
	struct server *s =
	    server_start(SCRIPT({ ANSWER_CLOSE, NULL }, { ANSWER, http("200 OK", "", VALID) }));
	struct retries retries = { 0 };
	AUTO(client) struct client *c = client_of(3, &retries);
	AUTO(validate_seed_request) struct validate_seed_request q = request_of("x");
	struct client_exchange x = {
		.node = "tee2", .api = API_VALIDATE_SEED, .request = &q, .is_refusal_final = true
	};
	struct validate_seed_reply reply;
	char url[64];
	struct err e;

	(void)state;
	close(listen_on_a_free_port(url, sizeof(url)));
	x.url = url;
	assert_refused(client_call(c, &x, soon(), &reply, &e), ERR_UNREACHABLE,
	               "tee2: validate-seed: ");
	assert_int_equal(retries.count, 0);
	/* Only that: whoever listens and breaks off is asked again. */
	x.url = s->url;
	assert_ok(client_call(c, &x, soon(), &reply, &e));
	assert_int_equal(retries.count, 1);
}

static void what_is_no_http_is_tried_again(void **state)
{
	AUTO(server)
	struct server *s = server_start(SCRIPT({ ANSWER_CLOSE, "SSH-2.0-x\r\n" },
	                                       { ANSWER_CLOSE, "HTTP/7.3 200 OK\r\n\r\n" },
	                                       { ANSWER, http("200 OK", "", VALID) }));
	struct retries retries = { 0 };
	AUTO(client) struct client *c = client_of(3, &retries);
	struct validate_seed_reply reply = { 0 };
	struct err e;

	(void)state;
	assert_ok(ask(c, s->url, soon(), &reply, &e));
	assert_int_equal(retries.count, 2);
	assert_refused(ask(c, "file:///etc", soon(), &reply, &e), ERR_UNREACHABLE, "tee2: ");
	assert_int_equal(retries.count, 2);
}

static void an_answer_that_does_not_come_is_a_timeout(void **state)
{
	AUTO(server) struct server *s = server_start(SCRIPT({ ANSWER_NEVER, NULL }));
	AUTO(client) struct client *c = client_of(6, NULL);
	AUTO(validate_seed_request) struct validate_seed_request q = request_of("x");
	const struct client_exchange x = { .node = "tee2",
		                           .url = s->url,
		                           .api = API_VALIDATE_SEED,
		                           .request = &q,
		                           .timeout_ms = 30,
		                           .attempts = 2 };
	struct validate_seed_reply reply;
	struct err e;

	(void)state;
	assert_refused(client_call(c, &x, soon(), &reply, &e), ERR_TRY_AGAIN, "timed out");
	assert_int_equal(s->request_count, 2);
}

/* Every code of the contract comes back as itself, with the node's words, after one attempt. */
static void a_refusal_is_final_and_keeps_its_code(void **state)
{
	(void)state;
	for (unsigned code = 0; code < ERR_COUNT; code++) {
		const struct err_info *info = err_info((enum err_code)code);
		bool is_final = info->http != 429 && info->http != 503;
		char status[32], body[256], expected[256];
		struct validate_seed_reply reply;
		struct err e;

		if (!info->wire)
			continue;
		snprintf(status, sizeof(status), "%d No", info->http);
		snprintf(body, sizeof(body),
		         "{\"error\":\"%s: because\",\"code\":%d,\"request_id\":\"a\"}",
		         info->words, info->wire);
		snprintf(expected, sizeof(expected), "tee2: validate-seed: %s: because",
		         info->words);

		AUTO(server)
		struct server *s = server_start(SCRIPT({ ANSWER, http(status, "", body) }));
		AUTO(client) struct client *c = client_of(2, NULL);

		assert_int_equal(ask(c, s->url, soon(), &reply, &e), -1);
		assert_string_equal(err_info(e.code)->name, info->name);
		assert_string_equal(e.text, expected);
		assert_int_equal(s->request_count, is_final ? 1 : 2);
	}
}

/* libcurl gives up at 100 KB of one line and calls that want of memory. */
static void a_header_line_without_end_is_the_nodes_fault(void **state)
{
	static char text[200000] = "HTTP/1.1 200 OK\r\nX-Long: ";
	struct retries retries = { 0 };
	struct validate_seed_reply reply;
	struct err e;

	(void)state;
	memset(text + strlen(text), 'a', sizeof(text) - strlen(text) - 1);

	AUTO(server) struct server *s = server_start(SCRIPT({ ANSWER_CLOSE, text }));
	AUTO(client) struct client *c = client_of(3, &retries);

	assert_refused(ask(c, s->url, soon(), &reply, &e), ERR_UNREACHABLE,
	               "tee2: validate-seed: the answer has too long a header line");
	assert_int_equal(retries.count, 0);
}

static void what_is_not_the_contracts_is_named_so(void **state)
{
	static const struct {
		const char *status, *more, *body, *words;
	} cases[] = {
		{ "200 OK", "", "oops", "tee2: validate-seed: not the contract's answer" },
		{ "200 OK", "", "", "not the contract's answer" },
		{ "200 OK", "", VALID "x", "not the contract's answer" },
		{ "200 OK", "", "{\"valid\":true}", "word_count" },
		{ "200 OK", "", "{\"valid\":1,\"word_count\":12}", "valid" },
		{ "200 OK", "", "{\"valid\":true,\"word_count\":12,\"more\":1}", "more" },
		{ "201 Created", "", VALID, "answered HTTP 201" },
		{ "302 Found", "Location: /validate-seed\r\n", "", "answered HTTP 302" },
		{ "500 Oh", "", "<html>", "answered HTTP 500 without saying why" },
		{ "403 No", "", "{\"error\":\"x\"}", "answered HTTP 403 without saying why" },
		{ "400 No", "", "{\"error\":\"x\",\"code\":4711,\"request_id\":\"a\"}",
		  "validate-seed: x" },
		{ "400 No", "", "{\"error\":\"\\u001b[2Jx\",\"code\":4711,\"request_id\":\"a\"}",
		  "?[2Jx" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO(server)
		struct server *s = server_start(
		    SCRIPT({ ANSWER, http(cases[i].status, cases[i].more, cases[i].body) }));
		AUTO(client) struct client *c = client_of(2, NULL);
		struct validate_seed_reply reply;
		struct err e;

		assert_refused(ask(c, s->url, soon(), &reply, &e), ERR_UNREACHABLE, cases[i].words);
		assert_int_equal(s->request_count, 1);
	}
}

/* Of each operation at its own limit, and of an error at that of every error: whether its length is
 * said before it is sent, or not at all. */
static void expect_bound(enum api api, const char *status, size_t limit)
{
	const struct api_row *row = &api_table[api];
	AUTO(buf) struct buf no_question = BUF_INIT(4096);
	uint8_t *question;
	char said[128], unsaid[128], words[64];
	const char *const starts[] = { said, unsaid };
	struct err e;

	/* All zero is a message of any schema, as far as encoding goes. */
	assert_ok(buf_reserve(&no_question, 4096, &question, &e));
	memset(question, 0, 4096);
	assert_true(!row->request || row->request->size <= 4096);
	snprintf(said, sizeof(said), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", status,
	         limit + 1);
	snprintf(unsaid, sizeof(unsaid), "HTTP/1.1 %s\r\nConnection: close\r\n\r\n", status);
	snprintf(words, sizeof(words), "the answer has more than %zu bytes", limit);
	for (size_t i = 0; i < COUNT(starts); i++) {
		AUTO(server) struct server *s = server_start(SCRIPT({ ANSWER_FLOOD, starts[i] }));
		AUTO(client) struct client *c = client_of(1, NULL);
		const struct client_exchange x = {
			.node = "tee2", .url = s->url, .api = api, .request = question
		};

		assert_refused(client_call(c, &x, soon(), NULL, &e), ERR_UNREACHABLE, words);
		client_drop(&c);
	}
}

static void an_answer_is_bounded_by_its_operation(void **state)
{
	(void)state;
	for (unsigned api = 0; api < API_COUNT; api++)
		expect_bound((enum api)api, "200 OK", api_table[api].response_max);
}

static void an_error_is_bounded_whatever_the_operation(void **state)
{
	(void)state;
	expect_bound(API_MANIFEST, "409 Conflict", 64 << 10);
	expect_bound(API_GENESIS_BOOT, "400 Bad Request", 64 << 10);
	expect_bound(API_STATUS, "500 No", 64 << 10);
}

static void other_protocols_and_tls_without_tls_are_unreachable(void **state)
{
	AUTO(server) struct server *s = server_start(SCRIPT({ ANSWER_CLOSE, "SSH-2.0-x\r\n" }));
	AUTO(client) struct client *c = client_of(1, NULL);
	struct validate_seed_reply reply;
	char url[80];
	struct err e;

	(void)state;
	assert_refused(ask(c, "file:///etc", soon(), &reply, &e), ERR_UNREACHABLE, "tee2: ");
	assert_refused(ask(c, s->url, soon(), &reply, &e), ERR_UNREACHABLE, "tee2: ");
	snprintf(url, sizeof(url), "https%s", s->url + 4);
	/* The server waits for a request line that never comes: the client's timeout ends it. */
	assert_refused(ask(c, url, clock_monotonic_ms() + 100, &reply, &e), ERR_TRY_AGAIN,
	               "tee2: ");
}

static void the_environments_proxy_is_not_used(void **state)
{
	AUTO(server) struct server *s = server_start(SCRIPT({ ANSWER, http("200 OK", "", VALID) }));
	AUTO(client) struct client *c = client_of(1, NULL);
	struct validate_seed_reply reply;
	char url[64];
	struct err e;

	(void)state;
	close(listen_on_a_free_port(url, sizeof(url)));
	setenv("http_proxy", url, 1);
	setenv("ALL_PROXY", url, 1);
	assert_ok(ask(c, s->url, soon(), &reply, &e));
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
}

/* --- many at once --- */

struct tally {
	struct client *client;
	const char *url;
	unsigned done, failed;
	struct err first, last;
	unsigned again;  /* exchanges to start from callbacks */
	client_may *may; /* of those that are started */
	client_leave *on_leave;
	unsigned answers; /* yes, before it is no */
	unsigned left;
	struct server *server;
};

static void start_one(struct tally *t);

static void on_done(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct tally *t = context;

	assert_true(elapsed_us >= 0);
	assert_true(!reply != !failure);
	t->done += reply != NULL;
	t->failed += failure != NULL;
	if (failure)
		t->last = *failure;
	if (failure && t->failed == 1)
		t->first = *failure;
	if (t->again) {
		t->again--;
		start_one(t);
	}
}

static void start_one(struct tally *t)
{
	AUTO(validate_seed_request) struct validate_seed_request q = request_of("x");
	const struct client_exchange x = { .node = "tee2",
		                           .url = t->url,
		                           .api = API_VALIDATE_SEED,
		                           .request = &q,
		                           .on_done = on_done,
		                           .may = t->may,
		                           .on_leave = t->on_leave,
		                           .context = t };
	struct err e;

	assert_ok(client_start(t->client, &x, &e));
}

static void many_share_few_connections(void **state)
{
	AUTO(server) struct server *s = server_start(SCRIPT({ ANSWER, http("200 OK", "", VALID) }));
	AUTO(client) struct client *c = client_of(1, NULL);
	struct tally t = { .client = c, .url = s->url };
	struct err e;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		start_one(&t);
	assert_ok(client_run(c, soon(), -1, NULL, NULL, &e));
	assert_int_equal(t.done, 100);
	assert_true(s->connection_count <= 16);
	/* And later ones use what is open. */
	start_one(&t);
	assert_ok(client_run(c, soon(), -1, NULL, NULL, &e));
	assert_true(s->connection_count <= 16);
}

static void on_turn(void *context, enum client_turn turn)
{
	unsigned *turns = context;

	turns[turn]++;
}

static struct client *counting_client(unsigned *turns)
{
	const struct client_options options = { .connect_timeout_ms = 2000,
		                                .request_timeout_ms = 5000,
		                                .attempts = 1,
		                                .on_turn = on_turn,
		                                .on_turn_context = turns };
	struct client *c;
	struct err e;

	assert_ok(client_new(&options, &c, &e));
	return c;
}

static void each_round_tells_of_sending_and_of_answers(void **state)
{
	AUTO(server) struct server *s = server_start(SCRIPT({ ANSWER, http("200 OK", "", VALID) }));
	unsigned turns[3] = { 0 };
	AUTO(client) struct client *c = counting_client(turns);
	struct tally t = { .client = c, .url = s->url };
	struct err e;

	(void)state;
	/* Started together, they leave together. */
	start_one(&t);
	start_one(&t);
	assert_int_equal(turns[CLIENT_TURN_SENDING], 0);
	assert_ok(client_run(c, soon(), -1, NULL, NULL, &e));
	assert_int_equal(turns[CLIENT_TURN_SENDING], 1);
	assert_in_range(turns[CLIENT_TURN_BUSY], 1, 2); /* one after the other, perhaps */
	t.again = 1;
	start_one(&t);
	assert_ok(client_run(c, soon(), -1, NULL, NULL, &e));
	assert_int_equal(turns[CLIENT_TURN_SENDING], 3);
	assert_in_range(turns[CLIENT_TURN_BUSY], 3, 4);
}

static void waiting_is_told_once_all_is_sent(void **state)
{
	AUTO(server) struct server *s = server_start(SCRIPT({ ANSWER_NEVER, NULL }));
	unsigned turns[3] = { 0 };
	AUTO(client) struct client *c = counting_client(turns);
	struct tally t = { .client = c, .url = s->url };
	struct err e;

	(void)state;
	start_one(&t);
	assert_ok(client_run(c, clock_monotonic_ms() + 50, -1, NULL, NULL, &e));
	assert_int_equal(turns[CLIENT_TURN_SENDING], 1);
	assert_int_equal(turns[CLIENT_TURN_BUSY], 0);
	assert_true(turns[CLIENT_TURN_IDLE] >= 1);
}

static int may(void *context, struct err *e)
{
	struct tally *t = context;

	return t->answers-- ? 0
	                    : err_reason(e, ERR_REFUSED, "too-late", "it is not wanted any more");
}

/* Neither at first nor again, whatever is started for it; nor where it is connected by then, which
 * is asked second. */
static void what_may_not_be_sent_any_more_is_not(void **state)
{
	struct err e;

	(void)state;
	for (unsigned answers = 0; answers < 6; answers++) {
		AUTO(server)
		struct server *s =
		    server_start(SCRIPT({ ANSWER, http("503 Service Unavailable", "", "") }));
		AUTO(client) struct client *c = client_of(6, NULL);
		struct tally t = { .client = c, .url = s->url, .again = 1, .may = may };

		t.answers = answers;
		start_one(&t);
		t.may = NULL; /* of the one that is started then */
		assert_ok(client_run(c, soon(), -1, NULL, NULL, &e));
		/* What its callback has started is sent as often as any. */
		assert_int_equal(s->request_count, answers / 2 + 6);
		assert_int_equal(t.failed, 2);
		assert_int_equal(t.first.code, ERR_REFUSED);
		assert_string_equal(t.first.text, "it is not wanted any more");
		assert_string_equal(t.first.reason, "too-late");
		assert_int_equal(t.last.code, ERR_UNAVAILABLE);
	}
}

static size_t heard(struct server *s)
{
	size_t count;

	pthread_mutex_lock(&s->lock);
	count = s->request_count;
	pthread_mutex_unlock(&s->lock);
	return count;
}

static int may_until_heard(void *context, struct err *e)
{
	struct tally *t = context;

	return heard(t->server) == 0 ? 0 : err_set(e, ERR_REFUSED, "another was heard");
}

static void on_leave(void *context)
{
	struct tally *t = context;

	t->left++;
}

/* The last gets a connection only once another was answered. */
static void what_waits_for_a_connection_is_asked_about_as_it_gets_one(void **state)
{
	AUTO(server) struct server *s = server_start(SCRIPT({ ANSWER, http("200 OK", "", VALID) }));
	AUTO(client) struct client *c = client_of(1, NULL);
	struct tally t = { .client = c,
		           .url = s->url,
		           .may = may_until_heard,
		           .on_leave = on_leave,
		           .server = s };
	struct err e;

	(void)state;
	for (size_t i = 0; i < 17; i++)
		start_one(&t);
	assert_ok(client_run(c, soon(), -1, NULL, NULL, &e));
	assert_in_range(t.failed, 1, 16);
	assert_string_equal(t.last.text, "another was heard");
	assert_int_equal(s->request_count, t.done);
	assert_int_equal(t.left, t.done);
}

/* Before the server hears it, and not again where it is sent again. */
static void that_a_request_leaves_is_told_once(void **state)
{
	AUTO(server)
	struct server *s = server_start(SCRIPT({ ANSWER, http("503 No", "", "") }));
	AUTO(client) struct client *c = client_of(3, NULL);
	struct tally t = { .client = c, .url = s->url, .on_leave = on_leave };
	struct err e;

	(void)state;
	start_one(&t);
	assert_ok(client_run(c, soon(), -1, NULL, NULL, &e));
	assert_int_equal(s->request_count, 3);
	assert_int_equal(t.left, 1);
}

static void what_meets_nobody_does_not_leave(void **state)
{
	AUTO(client) struct client *c = client_of(2, NULL);
	char url[64];
	int fd = listen_on_a_free_port(url, sizeof(url));
	struct tally t = { .client = c, .url = url, .on_leave = on_leave };
	struct err e;

	(void)state;
	close(fd);
	start_one(&t);
	assert_ok(client_run(c, soon(), -1, NULL, NULL, &e));
	assert_int_equal(t.failed, 1);
	assert_int_equal(t.last.code, ERR_UNREACHABLE);
	assert_int_equal(t.left, 0);
}

static void callbacks_start_more(void **state)
{
	AUTO(server) struct server *s = server_start(SCRIPT({ ANSWER, http("200 OK", "", VALID) }));
	AUTO(client) struct client *c = client_of(1, NULL);
	struct tally t = { .client = c, .url = s->url, .again = 5 };
	struct err e;

	(void)state;
	start_one(&t);
	assert_ok(client_run(c, soon(), -1, NULL, NULL, &e));
	assert_int_equal(t.done, 6);
}

static void the_deadline_ends_what_is_in_flight_and_what_it_starts(void **state)
{
	AUTO(server) struct server *s = server_start(SCRIPT({ ANSWER_NEVER, NULL }));
	AUTO(client) struct client *c = client_of(6, NULL);
	struct tally t = { .client = c, .url = s->url, .again = 2 };
	int64_t begin = clock_monotonic_ms();
	struct err e;

	(void)state;
	start_one(&t);
	start_one(&t);
	assert_ok(client_run(c, begin + 50, -1, NULL, NULL, &e));
	assert_int_equal(t.failed, 4);
	assert_int_equal(t.last.code, ERR_TRY_AGAIN);
	assert_string_equal(t.last.text, "tee2: validate-seed: the time is up");
	assert_string_equal(t.last.reason, CLIENT_NO_TIME);
	assert_true(clock_monotonic_ms() - begin < 15000);
	client_drop(&c);
}

static void at_the_deadline_the_last_failure_is_told(void **state)
{
	AUTO(server)
	struct server *s =
	    server_start(SCRIPT({ ANSWER, http("503 No", "", "") }, { ANSWER_NEVER, NULL }));
	AUTO(client) struct client *c = client_of(6, NULL);
	struct validate_seed_reply reply;
	struct err e;

	(void)state;
	assert_refused(ask(c, s->url, clock_monotonic_ms() + 2000, &reply, &e), ERR_TRY_AGAIN,
	               "without saying why; the time is up, attempt 2");
	assert_string_equal(e.reason, CLIENT_NO_TIME);
}

struct interrupt {
	int fd;
	unsigned count;
	bool gives_up;
};

static bool on_interrupt(void *context)
{
	struct interrupt *i = context;
	char byte;

	assert_int_equal(read(i->fd, &byte, 1), 1);
	i->count++;
	return i->gives_up;
}

static void an_interrupt_gives_up_or_lets_finish(void **state)
{
	(void)state;
	for (int gives_up = 0; gives_up < 2; gives_up++) {
		AUTO(server)
		struct server *s =
		    server_start(SCRIPT({ gives_up ? ANSWER_NEVER : ANSWER,
		                          gives_up ? NULL : http("200 OK", "", VALID) }));
		AUTO(client) struct client *c = client_of(6, NULL);
		struct tally t = { .client = c, .url = s->url };
		struct interrupt interrupt = { .gives_up = gives_up };
		int ends[2];
		struct err e;

		assert_int_equal(pipe(ends), 0);
		interrupt.fd = ends[0];
		assert_int_equal(write(ends[1], "x", 1), 1);
		start_one(&t);
		assert_ok(client_run(c, soon(), ends[0], on_interrupt, &interrupt, &e));
		assert_int_equal(interrupt.count, 1);
		assert_int_equal(t.done, !gives_up);
		assert_int_equal(t.failed, gives_up);
		if (gives_up)
			assert_int_equal(t.last.code, ERR_INTERRUPTED);
		close(ends[0]);
		close(ends[1]);
		client_drop(&c);
	}
}

/* Whoever takes the client next was not interrupted. */
static void an_interrupt_ends_with_the_run_that_failed(void **state)
{
	AUTO(server) struct server *first = server_start(SCRIPT({ ANSWER_NEVER, NULL }));
	AUTO(server)
	struct server *s = server_start(
	    SCRIPT({ ANSWER, http("503 No", "", "") }, { ANSWER, http("200 OK", "", VALID) }));
	AUTO(client) struct client *c = client_of(2, NULL);
	struct tally t = { .client = c, .url = first->url };
	struct interrupt interrupt = { .gives_up = false };
	struct validate_seed_reply reply = { 0 };
	int ends[2];
	struct err e;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	interrupt.fd = ends[0];
	assert_int_equal(write(ends[1], "x", 1), 1);
	start_one(&t);
	polls_left = 2; /* the first sees the interrupt */
	assert_refused(client_run(c, soon(), ends[0], on_interrupt, &interrupt, &e), ERR_INTERNAL,
	               "the event loop");
	assert_int_equal(interrupt.count, 1);
	assert_int_equal(t.failed, 1);
	polls_left = 0;
	assert_ok(ask(c, s->url, soon(), &reply, &e));
	close(ends[0]);
	close(ends[1]);
}

static void a_dropped_client_calls_nobody(void **state)
{
	AUTO(server) struct server *s = server_start(SCRIPT({ ANSWER_NEVER, NULL }));
	struct client *c = client_of(1, NULL);
	struct tally t = { .client = c, .url = s->url };

	(void)state;
	start_one(&t);
	client_drop(&c);
	assert_null(c);
	assert_int_equal(t.done + t.failed, 0);
}

/* Whoever borrows a client is told, and whoever lent it no more. */
static void one_that_is_told_anew_gives_up_what_was_in_flight(void **state)
{
	AUTO(server)
	struct server *s = server_start(SCRIPT({ ANSWER, http("503 Service Unavailable", "", "") },
	                                       { ANSWER, http("200 OK", "", VALID) }));
	struct retries lenders = { 0 }, own = { 0 };
	AUTO(client) struct client *c = client_of(2, &lenders);
	const struct client_options options = { .on_retry = on_retry, .on_retry_context = &own };
	struct tally t = { .client = c, .url = s->url };
	struct validate_seed_reply reply = { 0 };
	struct err e;

	(void)state;
	start_one(&t);
	client_tell(c, &options);
	assert_ok(client_run(c, soon(), -1, NULL, NULL, &e));
	assert_int_equal(t.done + t.failed, 0);
	assert_ok(ask(c, s->url, soon(), &reply, &e));
	assert_int_equal(own.count, 1);
	assert_int_equal(lenders.count, 0);
}

static void nothing_to_do_is_done_at_once(void **state)
{
	AUTO(client) struct client *c = client_of(1, NULL);
	struct err e;

	(void)state;
	assert_ok(client_run(c, soon(), -1, NULL, NULL, &e));
	assert_ok(client_run(c, 0, -1, NULL, NULL, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_sent_as_the_contract_says),
		cmocka_unit_test(a_question_without_a_body_is_a_get),
		cmocka_unit_test(an_answer_that_is_not_json_comes_as_it_is),
		cmocka_unit_test(what_is_transient_is_sent_again),
		cmocka_unit_test(the_attempts_come_to_an_end),
		cmocka_unit_test(retry_after_is_obeyed),
		cmocka_unit_test(a_wait_past_the_deadline_is_not_waited),
		cmocka_unit_test(a_refused_connection_is_tried_again),
		cmocka_unit_test(a_refused_connection_may_be_final),
		cmocka_unit_test(what_is_no_http_is_tried_again),
		cmocka_unit_test(an_answer_that_does_not_come_is_a_timeout),
		cmocka_unit_test(a_refusal_is_final_and_keeps_its_code),
		cmocka_unit_test(a_header_line_without_end_is_the_nodes_fault),
		cmocka_unit_test(what_is_not_the_contracts_is_named_so),
		cmocka_unit_test(an_answer_is_bounded_by_its_operation),
		cmocka_unit_test(an_error_is_bounded_whatever_the_operation),
		cmocka_unit_test(other_protocols_and_tls_without_tls_are_unreachable),
		cmocka_unit_test(the_environments_proxy_is_not_used),
		cmocka_unit_test(many_share_few_connections),
		cmocka_unit_test(each_round_tells_of_sending_and_of_answers),
		cmocka_unit_test(waiting_is_told_once_all_is_sent),
		cmocka_unit_test(what_may_not_be_sent_any_more_is_not),
		cmocka_unit_test(what_waits_for_a_connection_is_asked_about_as_it_gets_one),
		cmocka_unit_test(that_a_request_leaves_is_told_once),
		cmocka_unit_test(what_meets_nobody_does_not_leave),
		cmocka_unit_test(callbacks_start_more),
		cmocka_unit_test(the_deadline_ends_what_is_in_flight_and_what_it_starts),
		cmocka_unit_test(at_the_deadline_the_last_failure_is_told),
		cmocka_unit_test(an_interrupt_gives_up_or_lets_finish),
		cmocka_unit_test(an_interrupt_ends_with_the_run_that_failed),
		cmocka_unit_test(a_dropped_client_calls_nobody),
		cmocka_unit_test(one_that_is_told_anew_gives_up_what_was_in_flight),
		cmocka_unit_test(nothing_to_do_is_done_at_once),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}
