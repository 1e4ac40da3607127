/* What is judged of a request's head, and in which order. */
#include "support.h"

#include "enclave/gate.h"

static const char *const names[] = { "tee1.example" };

static bool is_certificate_name(const void *certificate, const char *name)
{
	return strcmp(certificate, name) == 0;
}

static struct gate gate_new(void)
{
	return (struct gate){ .max_body = 1000,
		              .max_header = 500,
		              .host_names = names,
		              .host_name_count = 1,
		              .certificate_names = is_certificate_name,
		              .certificate = "cert.example" };
}

static struct request_head head_new(const char *method, const char *path)
{
	return (
	    struct request_head){ .method = method, .path = path, .host = "localhost", .hosts = 1 };
}

static struct request_head post_new(void)
{
	struct request_head h = head_new("POST", "/validate-seed");

	h.content_type = "application/json";
	h.content_length = "10";
	h.content_lengths = 1;
	return h;
}

static void refuse(const struct request_head *h, enum err_code code, const char *words)
{
	struct gate g = gate_new();
	struct passage p;
	struct err e;

	assert_refused(gate_judge(&g, h, &p, &e), code, words);
}

static struct passage accept(const struct request_head *h)
{
	struct gate g = gate_new();
	struct passage p;
	struct err e;

	assert_ok(gate_judge(&g, h, &p, &e));
	return p;
}

static void a_good_request_passes(void **state)
{
	struct request_head get = head_new("GET", "/status"), post = post_new();
	struct passage p = accept(&post);

	(void)state;
	assert_int_equal(p.api, API_VALIDATE_SEED);
	assert_int_equal(p.body_len, 10);
	assert_int_equal(accept(&get).api, API_STATUS);
}

static void unknown_paths_and_methods_are_refused(void **state)
{
	struct request_head h = head_new("GET", "/nothing");
	struct gate g = gate_new();
	struct passage p;
	struct err e;

	(void)state;
	refuse(&h, ERR_NOT_FOUND, "/nothing");
	h = head_new("GET", "/status%00x");
	refuse(&h, ERR_REQUEST, "NUL");
	h = head_new("DELETE", "/status");
	assert_refused(gate_judge(&g, &h, &p, &e), ERR_METHOD, "GET");
	assert_string_equal(p.allow, "GET");
	assert_int_equal(p.api, API_COUNT);
}

static void host_is_an_address_localhost_or_a_known_name(void **state)
{
	const char *const good[] = { "localhost",    "LocalHost:9000", "127.0.0.1",
		                     "10.0.0.1:80",  "[::1]",          "[fe80::1]:9000",
		                     "tee1.example", "TEE1.example:1", "cert.example" };
	const char *const bad[] = { "",
		                    "evil.example",
		                    "localhost.evil.example",
		                    "127.1",
		                    "[::1",
		                    "[127.0.0.1]",
		                    "::1",
		                    "localhost:x",
		                    ":9000",
		                    "[localhost]:1",
		                    "localhost:1:2" };
	struct request_head h = head_new("GET", "/status");

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		h.host = good[i];
		accept(&h);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		h.host = bad[i];
		refuse(&h, ERR_MISDIRECTED, "Host");
	}
	h.host = "localhost";
	h.hosts = 2;
	refuse(&h, ERR_MISDIRECTED, "2");
	h.host = NULL;
	h.hosts = 0;
	refuse(&h, ERR_MISDIRECTED, "0");
}

static void a_long_host_is_refused(void **state)
{
	struct request_head h = head_new("GET", "/status");
	char host[300];

	(void)state;
	memset(host, 'a', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	h.host = host;
	refuse(&h, ERR_MISDIRECTED, "Host");
}

static void a_request_of_a_web_page_is_refused(void **state)
{
	struct request_head h = head_new("GET", "/status");

	(void)state;
	h.origin = "http://localhost";
	refuse(&h, ERR_ORIGIN, "");
}

static void framing_is_strict(void **state)
{
	struct request_head h = post_new();

	(void)state;
	h.transfer_encoding = "chunked";
	refuse(&h, ERR_LENGTH_REQUIRED, "Transfer-Encoding");
	h = post_new();
	h.content_length = NULL;
	h.content_lengths = 0;
	refuse(&h, ERR_LENGTH_REQUIRED, "Content-Length");
	h = post_new();
	h.content_lengths = 2;
	refuse(&h, ERR_REQUEST, "repeated");
	h = post_new();
	h.is_folded = true;
	refuse(&h, ERR_REQUEST, "folded");
	h = post_new();
	h.is_malformed = true;
	refuse(&h, ERR_REQUEST, "colon");
	h = post_new();
	h.expect = "foo";
	refuse(&h, ERR_REQUEST, "Expect");
	h.expect = "100-continue";
	accept(&h);
	h.content_length = "1x";
	refuse(&h, ERR_REQUEST, "Content-Length");
	h = head_new("GET", "/status");
	h.content_length = "1";
	h.content_lengths = 1;
	refuse(&h, ERR_REQUEST, "no body");
	h.content_length = "0";
	accept(&h);
}

static void limits_hold_at_their_last_byte(void **state)
{
	struct request_head h = post_new();

	(void)state;
	h.content_length = "1000";
	accept(&h);
	h.content_length = "1001";
	refuse(&h, ERR_TOO_LARGE, "1000");
	h.content_length = "18446744073709551616";
	refuse(&h, ERR_REQUEST, "Content-Length");
	h = post_new();
	h.header_bytes = 500;
	accept(&h);
	h.header_bytes = 501;
	refuse(&h, ERR_HEADERS_TOO_LARGE, "500");
}

static void bodies_are_json(void **state)
{
	const char *const good[] = { "application/json", "Application/JSON",
		                     "application/json; charset=utf-8", "application/json ;x" };
	const char *const bad[] = { NULL, "", "text/plain", "application/jsonp",
		                    "application/json x" };
	struct request_head h = post_new();

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		h.content_type = good[i];
		accept(&h);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		h.content_type = bad[i];
		refuse(&h, ERR_MEDIA_TYPE, "application/json");
	}
}

static void generate_seed_is_closed_unless_opened(void **state)
{
	struct request_head h = post_new();
	struct gate g = gate_new();
	struct passage p;
	struct err e;

	(void)state;
	h.path = "/generate-seed";
	refuse(&h, ERR_ACCESS, "/generate-seed");
	g.open_seed = true;
	assert_ok(gate_judge(&g, &h, &p, &e));
	g.open_seed = false;
	g.is_debug = true;
	assert_ok(gate_judge(&g, &h, &p, &e));
}

/* Until a client can show a role, whoever reaches a real enclave could end it. */
static void retire_is_closed_but_in_debug_mode(void **state)
{
	struct request_head h = post_new();
	struct gate g = gate_new();
	struct passage p;
	struct err e;

	(void)state;
	h.path = "/enclave/retire";
	refuse(&h, ERR_ACCESS, "/enclave/retire");
	g.open_seed = true;
	assert_refused(gate_judge(&g, &h, &p, &e), ERR_ACCESS, "/enclave/retire");
	g.is_debug = true;
	assert_ok(gate_judge(&g, &h, &p, &e));
}

/* Who asks in the tests below; connection: its roles. */
static unsigned decisions;

static const struct caller *identify(void *connection, bool to_decide)
{
	static struct caller caller;

	caller = *(struct caller *)connection;
	decisions += to_decide;
	return &caller;
}

static struct err judge_as(struct caller *caller, const char *method, const char *path,
                           struct passage *p)
{
	struct request_head h = *method == 'P' ? post_new() : head_new(method, path);
	struct gate g = gate_new();
	struct err e = { .code = ERR_COUNT };

	h.path = path;
	h.connection = caller;
	g.identify = identify;
	decisions = 0;
	if (gate_judge(&g, &h, p, &e) == 0)
		assert_int_equal(e.code, ERR_COUNT);
	return e;
}

static void with_a_client_ca_the_table_of_operations_decides(void **state)
{
	static const unsigned roles[] = { 0,         ROLE_OBSERVER, ROLE_MEMBER, ROLE_OPERATOR,
		                          ROLE_PEER, ROLE_APP };

	(void)state;
	for (unsigned api = 0; api < API_COUNT; api++)
		for (size_t i = 0; i < COUNT(roles); i++) {
			struct caller c = { .set.roles = roles[i], .why.code = ERR_ACCESS };
			struct passage p;
			struct err e = judge_as(&c, api_table[api].method, api_table[api].path, &p);
			unsigned asks = roles[i] ? roles[i] : ROLE_NONE;

			assert_int_equal(e.code,
			                 api_table[api].roles & asks ? ERR_COUNT : ERR_ACCESS);
			assert_non_null(p.caller);
		}
}

static void who_has_no_role_is_told_why_and_a_fault_is_one(void **state)
{
	struct caller c = { .why = { .code = ERR_ACCESS, .text = "it gave no certificate" } };
	struct passage p;
	struct err e = judge_as(&c, "GET", "/metrics", &p);

	(void)state;
	assert_string_equal(e.text, "a client without a role (it gave no certificate) may not use "
	                            "/metrics, which needs role observer or operator");
	c.why.code = ERR_ENCLAVE;
	assert_int_equal(judge_as(&c, "GET", "/metrics", &p).code, ERR_ENCLAVE);
	c.set.roles = ROLE_PEER | ROLE_APP;
	e = judge_as(&c, "GET", "/metrics", &p);
	assert_string_equal(e.text, "a client of role peer and app may not use /metrics, which "
	                            "needs role observer or operator");
}

/* A hypervisor that does not answer must not keep anyone from /health. */
static void health_needs_no_decision(void **state)
{
	struct caller c = { .why.code = ERR_ENCLAVE };
	struct passage p;

	(void)state;
	assert_int_equal(judge_as(&c, "GET", "/health", &p).code, ERR_COUNT);
	assert_int_equal(decisions, 0);
	(void)judge_as(&c, "GET", "/nothing", &p);
	assert_int_equal(decisions, 0);
	assert_non_null(p.caller);
	(void)judge_as(&c, "GET", "/status", &p);
	assert_int_equal(decisions, 1);
}

static void only_receipts_takes_an_argument(void **state)
{
	struct request_head h = head_new("GET", "/enclave/receipts");

	(void)state;
	h.from = "17";
	h.froms = 1;
	assert_int_equal(accept(&h).from, 17);
	h.froms = 2;
	refuse(&h, ERR_REQUEST, "repeated");
	h.froms = 1;
	h.from = "-1";
	refuse(&h, ERR_REQUEST, "from");
	h.from = NULL;
	refuse(&h, ERR_REQUEST, "from");
	h = head_new("GET", "/status");
	h.unknown_arguments = 1;
	refuse(&h, ERR_REQUEST, "argument");
	h.unknown_arguments = 0;
	h.from = "1";
	h.froms = 1;
	refuse(&h, ERR_REQUEST, "argument");
}

/* Everything wrong at once: each step takes one thing away, and the next one in line answers. */
static void the_order_is_the_contracts(void **state)
{
	struct request_head h = { .method = "PUT",
		                  .path = "/generate-seedy",
		                  .host = "evil",
		                  .hosts = 1,
		                  .origin = "x",
		                  .header_bytes = 501,
		                  .transfer_encoding = "chunked",
		                  .content_length = "1001",
		                  .content_lengths = 1,
		                  .content_type = "text/plain",
		                  .unknown_arguments = 1 };

	(void)state;
	refuse(&h, ERR_NOT_FOUND, "");
	h.path = "/generate-seed";
	refuse(&h, ERR_METHOD, "");
	h.method = "POST";
	refuse(&h, ERR_MISDIRECTED, "");
	h.host = "localhost";
	refuse(&h, ERR_ORIGIN, "");
	h.origin = NULL;
	refuse(&h, ERR_HEADERS_TOO_LARGE, "");
	h.header_bytes = 1;
	refuse(&h, ERR_LENGTH_REQUIRED, "");
	h.transfer_encoding = NULL;
	refuse(&h, ERR_TOO_LARGE, "");
	h.content_length = "1";
	refuse(&h, ERR_MEDIA_TYPE, "");
	h.content_type = "application/json";
	refuse(&h, ERR_ACCESS, "");
	h.path = "/validate-seed";
	refuse(&h, ERR_REQUEST, "");
}

static void request_ids_have_an_alphabet_and_a_length(void **state)
{
	char longest[REQUEST_ID_MAX + 2];

	(void)state;
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_false(gate_is_request_id(longest));
	longest[REQUEST_ID_MAX] = '\0';
	assert_true(gate_is_request_id(longest));
	assert_true(gate_is_request_id("A-z_9"));
	assert_false(gate_is_request_id(""));
	assert_false(gate_is_request_id("a b"));
	assert_false(gate_is_request_id("a\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_request_passes),
		cmocka_unit_test(unknown_paths_and_methods_are_refused),
		cmocka_unit_test(host_is_an_address_localhost_or_a_known_name),
		cmocka_unit_test(a_long_host_is_refused),
		cmocka_unit_test(a_request_of_a_web_page_is_refused),
		cmocka_unit_test(framing_is_strict),
		cmocka_unit_test(limits_hold_at_their_last_byte),
		cmocka_unit_test(bodies_are_json),
		cmocka_unit_test(generate_seed_is_closed_unless_opened),
		cmocka_unit_test(retire_is_closed_but_in_debug_mode),
		cmocka_unit_test(with_a_client_ca_the_table_of_operations_decides),
		cmocka_unit_test(who_has_no_role_is_told_why_and_a_fault_is_one),
		cmocka_unit_test(health_needs_no_decision),
		cmocka_unit_test(only_receipts_takes_an_argument),
		cmocka_unit_test(the_order_is_the_contracts),
		cmocka_unit_test(request_ids_have_an_alphabet_and_a_length),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}
