/* What libmicrohttpd hands over, taken apart: heads as they came, connections held to their time,
 * and the files that TLS needs. What is judged of a head is enclave_gate.c's. */
#include "cluster_support.h"
#include "fake_enclave.h"
#include "http_support.h"

#include "base/clock.h"
#include "crypto/certificate.h"
#include "enclave/http.h"

#define LONG_MS 3600000 /* no test takes so long */

struct stage {
	struct world *world;
	struct launch launch;
	struct http *http;
	unsigned port;
};

static void stage_drop(struct stage *g)
{
	http_drop(&g->http);
	world_drop(&g->world);
}

/* Not started yet. */
static void stage_fill(struct stage *g)
{
	static char listen[] = "--listen=127.0.0.1:0";
	char *argv[] = { listen };
	const struct world_options options = { 0 };
	struct err e;

	*g = (struct stage){ .world = world_open(&options) };
	assert_ok(launch_parse(argv, 1, &g->launch, &e));
	g->launch.numbers[LAUNCH_IDLE_TIMEOUT] = LONG_MS;
	g->launch.numbers[LAUNCH_REQUEST_TIMEOUT] = LONG_MS;
	g->launch.numbers[LAUNCH_HANDSHAKE_TIMEOUT] = LONG_MS;
}

static int start(struct stage *g, struct err *e)
{
	return http_start(g->world->enclave, &g->launch, &g->http, &g->port, e);
}

/* --- heads */

#define GET(more)  "GET /health HTTP/1.1\r\nHost: localhost\r\n" more "\r\n"
#define POST(more) "POST /validate-seed HTTP/1.1\r\nHost: localhost\r\n" more "\r\n"

static void a_head_is_taken_as_it_came(void **state)
{
	static const struct {
		const char *request;
		int status;
		const char *words;
	} rows[] = {
		{ GET(""), 200, "" },
		{ GET("X-Other:\t value \r\n"), 200, "" },
		{ GET("X-Empty:\r\n"), 200, "" },
		{ GET("X-Other: a\r\n b\r\n"), 400, "folded over several lines" },
		{ GET("X-Other : a\r\n"), 400, "white space before the colon" },
		{ GET("Host: localhost\r\n"), 421, "one Host header expected, 2 found" },
		{ "GET /health HTTP/1.0\r\n\r\n", 421, "one Host header expected, 0 found" },
		{ GET("hOST: localhost\r\n"), 421, "one Host header expected, 2 found" },
		{ GET("Origin: https://a.example\r\n"), 403, "a request of a web page" },
		{ GET("Expect: tea\r\n"), 400, "Expect other than 100-continue" },
		{ "GET /health?a=b HTTP/1.1\r\nHost: localhost\r\n\r\n", 400,
		  "unknown or repeated" },
		{ "GET /enclave/receipts?from=1&from=2 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400,
		  "unknown or repeated" },
		{ "GET /enclave/receipts?from=x HTTP/1.1\r\nHost: localhost\r\n\r\n", 400,
		  "a sequence number expected" },
		/* a percent sign stays one, and nothing is cut off at a NUL */
		{ "GET /health%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400,
		  "the path holds a NUL" },
		{ "GET /%68ealth HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, "" },
		{ "PUT /health HTTP/1.1\r\nHost: localhost\r\n\r\n", 405, "\r\nAllow: GET" },
		{ POST("Content-Type: application/json\r\nContent-Length: 2\r\n") "{}", 400, "" },
		{ POST("Content-Type: text/plain\r\nContent-Length: 2\r\n") "{}", 415,
		  "application/json expected" },
		{ POST("Content-Type: application/json\r\nContent-Length: 99999999\r\n"), 413,
		  "99999999 bytes" },
		{ POST("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"), 411,
		  "Transfer-Encoding is not served" },
	};
	AUTO(stage) struct stage g = { 0 };
	struct err e;

	(void)state;
	stage_fill(&g);
	assert_ok(start(&g, &e));
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(fd) int fd = dial(g.port);
		char text[HEARD_MAX], status[32];

		say(fd, rows[i].request);
		hear(fd, text);
		snprintf(status, sizeof(status), "HTTP/1.1 %d ", rows[i].status);
		if (strncmp(text, status, strlen(status)) != 0 || !strstr(text, rows[i].words))
			fail_msg("%zu: %s\nexpected %d %s\n%s", i, rows[i].request, rows[i].status,
			         rows[i].words, text);
		assert_non_null(strstr(text, "\r\nCache-Control: no-store\r\n"));
	}
}

static void a_request_keeps_its_name_where_it_is_one(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	char text[HEARD_MAX];
	struct err e;

	(void)state;
	stage_fill(&g);
	assert_ok(start(&g, &e));
	AUTO(fd) int fd = dial(g.port);

	say(fd, GET("X-Request-Id: my-own_1\r\n"));
	hear(fd, text);
	assert_non_null(strstr(text, "\r\nX-Request-Id: my-own_1\r\n"));
	say(fd, GET("X-Request-Id: <script>\r\n"));
	hear(fd, text);
	assert_non_null(strstr(text, "\r\nX-Request-Id: "));
	assert_null(strstr(text, "script"));
	/* It is in what is said of a refusal, too. */
	say(fd, GET("X-Request-Id: my-own_2\r\nOrigin: a\r\n"));
	hear(fd, text);
	assert_non_null(strstr(text, "\r\nX-Request-Id: my-own_2\r\n"));
	assert_non_null(strstr(text, "\"request_id\":\"my-own_2\""));
}

/* A body that nobody read would be taken for the next request. */
static void a_refusal_ends_the_connection_where_a_body_is_left(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	char text[HEARD_MAX];
	struct err e;

	(void)state;
	stage_fill(&g);
	assert_ok(start(&g, &e));
	AUTO(fd) int stays = dial(g.port);
	AUTO(fd) int ends = dial(g.port);

	say(stays, GET("Origin: a\r\n"));
	hear(stays, text);
	assert_non_null(strstr(text, " 403 "));
	assert_null(strstr(text, "Connection: close"));
	say(stays, GET(""));
	hear(stays, text);
	assert_non_null(strstr(text, " 200 "));
	say(ends, POST("Content-Type: text/plain\r\nContent-Length: 70\r\n"));
	say(ends, GET(""));
	hear(ends, text);
	assert_non_null(strstr(text, " 415 "));
	assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
	hear(ends, text);
	assert_string_equal(text, "");
}

/* --- time */

/* Swept until it is cut. */
static void assert_cut(const struct stage *g, int fd)
{
	int64_t end_ms = clock_monotonic_ms() + PATIENT_S * 1000;

	do
		http_sweep(g->http);
	while (!is_cut(fd) && clock_monotonic_ms() < end_ms);
	assert_true(clock_monotonic_ms() < end_ms);
}

/* Each state has its own time: idle is one that waits for a request, busy one that has begun. */
static void a_connection_is_held_to_the_time_of_its_state(void **state)
{
	static const struct {
		enum launch_id short_one;
		bool cuts_idle;
	} rows[] = { { LAUNCH_IDLE_TIMEOUT, true }, { LAUNCH_REQUEST_TIMEOUT, false } };
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };
		char text[HEARD_MAX];

		stage_fill(&g);
		g.launch.numbers[rows[i].short_one] = 1;
		assert_ok(start(&g, &e));
		AUTO(fd) int busy = dial(g.port);

		say(busy, POST("Content-Type: application/json\r\nExpect: 100-continue\r\n"
		               "Content-Length: 2\r\n"));
		/* The head is there, and the body is asked for. */
		assert_int_equal(recv(busy, text, 25, MSG_WAITALL), 25);
		assert_memory_equal(text, "HTTP/1.1 100 Continue\r\n\r\n", 25);
		AUTO(fd) int idle = dial(g.port);

		if (rows[i].cuts_idle) {
			assert_cut(&g, idle);
			say(busy, "{}");
			hear(busy, text);
			assert_non_null(strstr(text, "HTTP/1.1 400 "));
		} else {
			assert_cut(&g, busy);
			http_sweep(g.http);
			assert_false(is_cut(idle));
		}
	}
}

static void at_the_end_no_connection_is_left(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	char text[HEARD_MAX];
	struct err e;

	(void)state;
	stage_fill(&g);
	assert_ok(start(&g, &e));
	AUTO(fd) int fd = dial(g.port);

	say(fd, GET(""));
	hear(fd, text);
	assert_int_equal(atomic_load(&g.world->enclave->metrics.connections), 1);
	http_drop(&g.http);
	assert_null(g.http);
	assert_true(is_cut(fd));
	assert_int_equal(atomic_load(&g.world->enclave->metrics.connections), 0);
}

/* --- the files of TLS */

static void pem_make(const char *folder, const char *name)
{
	const struct certificate_request q = { .common_name = name,
		                               .not_before_unix = clock_unix_ms() / 1000 - 60,
		                               .not_after_unix = clock_unix_ms() / 1000 + 3600,
		                               .path_length = -1 };
	struct signer *s = NULL;
	char certificate[256], key[256];
	struct err e;

	snprintf(certificate, sizeof(certificate), "%s/%s.pem", folder, name);
	snprintf(key, sizeof(key), "%s/%s.key", folder, name);
	assert_ok(signer_issue(NULL, &q, &s, &e));
	assert_ok(signer_create_pem(s, certificate, key, &e));
	signer_drop(&s);
}

static void what_tls_needs_is_there_and_fits_or_nothing_starts(void **state)
{
	static const struct {
		const char *cert, *key, *ca; /* in the folder, or NULL */
		enum err_code code;
		const char *words; /* NULL: it starts */
	} rows[] = {
		{ "a.pem", NULL, NULL, ERR_USAGE, "--tls-cert and --tls-key need each other" },
		{ NULL, "a.key", NULL, ERR_USAGE, "--tls-cert and --tls-key need each other" },
		{ "none", "a.key", NULL, ERR_NO_INPUT, "none" },
		{ "a.pem", "none", NULL, ERR_NO_INPUT, "none" },
		{ "a.key", "a.key", NULL, ERR_USAGE, "--tls-cert: " },
		{ "a.pem", "b.key", NULL, ERR_ENCLAVE, "are certificate and key a pair?" },
		{ "a.pem", "a.key", "none", ERR_NO_INPUT, "--client-ca: " },
		{ "a.pem", "a.key", "a.pem", ERR_DATA, "--client-ca: " }, /* no CA's */
		{ "a.pem", "a.key", NULL, 0, NULL },
	};
	char folder[128];
	struct err e;

	(void)state;
	folder_new(folder, sizeof(folder));
	pem_make(folder, "a");
	pem_make(folder, "b");
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(stage) struct stage g = { 0 };
		const char *names[] = { rows[i].cert, rows[i].key, rows[i].ca };
		static const enum launch_id ids[] = { LAUNCH_TLS_CERT, LAUNCH_TLS_KEY,
			                              LAUNCH_CLIENT_CA };
		char paths[3][256];

		stage_fill(&g);
		for (size_t k = 0; k < COUNT(names); k++) {
			snprintf(paths[k], sizeof(paths[k]), "%s/%s", folder,
			         names[k] ? names[k] : "");
			g.launch.values[ids[k]] = names[k] ? paths[k] : NULL;
		}
		if (rows[i].words) {
			assert_refused(start(&g, &e), rows[i].code, rows[i].words);
			assert_null(g.http);
		} else {
			assert_ok(start(&g, &e));
		}
	}
	folder_clear(folder);
}

/* Who connects and says nothing has not shaken hands, and may not take as long as a request. */
static void a_handshake_has_its_own_time(void **state)
{
	AUTO(stage) struct stage g = { 0 };
	char folder[128], certificate[256], key[256];
	struct err e;

	(void)state;
	folder_new(folder, sizeof(folder));
	pem_make(folder, "a");
	snprintf(certificate, sizeof(certificate), "%s/a.pem", folder);
	snprintf(key, sizeof(key), "%s/a.key", folder);
	stage_fill(&g);
	g.launch.values[LAUNCH_TLS_CERT] = certificate;
	g.launch.values[LAUNCH_TLS_KEY] = key;
	g.launch.numbers[LAUNCH_HANDSHAKE_TIMEOUT] = 1;
	assert_ok(start(&g, &e));
	AUTO(fd) int fd = dial(g.port);

	assert_cut(&g, fd);
	folder_clear(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_is_taken_as_it_came),
		cmocka_unit_test(a_request_keeps_its_name_where_it_is_one),
		cmocka_unit_test(a_refusal_ends_the_connection_where_a_body_is_left),
		cmocka_unit_test(a_connection_is_held_to_the_time_of_its_state),
		cmocka_unit_test(at_the_end_no_connection_is_left),
		cmocka_unit_test(what_tls_needs_is_there_and_fits_or_nothing_starts),
		cmocka_unit_test(a_handshake_has_its_own_time),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}
