/* The server of metrics: whom it answers, and with what. What stands in the text is
 * orchestrate_watch.c's; that it serves while a watch works, tests/cmd_watch.bats. */
#include "cmd_support.h"
#include "http_support.h"

#include "cmd/metrics_server.h"

static const char at_any_port[] = "127.0.0.1:0";

static void asked(unsigned port, const char *request, char text[static HEARD_MAX])
{
	AUTO(fd) int fd = dial(port);

	say(fd, request);
	if (strncmp(request, "HEAD", 4) == 0)
		hear_head(fd, text);
	else
		hear(fd, text);
}

#define TO(method, path, more) method " " path " HTTP/1.1\r\n" more "\r\n"
#define LOCAL                  "Host: localhost\r\n"

/* Longer than any address. */
#define HEX_20  "0000:0000:0000:0000:"
#define HEX_100 HEX_20 HEX_20 HEX_20 HEX_20 HEX_20

/* A name that a web page's server has pointed here is none of ours. */
static void it_is_known_by_addresses_and_as_localhost(void **state)
{
	static const struct {
		const char *host;
		bool is_own;
	} rows[] = {
		{ "Host: localhost\r\n", true },
		{ "Host: LocalHost:9464\r\n", true },
		{ "Host: 127.0.0.1\r\n", true },
		{ "Host: 10.0.0.5:9464\r\n", true },
		{ "Host: [::1]\r\n", true },
		{ "Host: [fe80::1]:9464\r\n", true },
		{ "", false },
		{ "Host: a.example\r\n", false },
		{ "Host: localhost.example\r\n", false },
		{ "Host: 127.0.0.1.example\r\n", false },
		{ "Host: 127.0.0\r\n", false },
		{ "Host: ::1\r\n", false },
		{ "Host: [::1\r\n", false },
		{ "Host: [::1]x\r\n", false },
		{ "Host: [127.0.0.1]\r\n", false },
		{ "Host: [localhost]\r\n", false },
		{ "Host: [" HEX_100 HEX_100 "]\r\n", false },
	};
	AUTO(metrics_server) struct metrics_server *s = NULL;
	unsigned port;
	struct err e;

	(void)state;
	assert_ok(metrics_server_start(at_any_port, &s, &port, &e));
	assert_ok(metrics_server_publish(s, view_text("a 1\n"), &e));
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[HEARD_MAX], request[512];

		snprintf(request, sizeof(request), "GET /metrics HTTP/1.0\r\n%s\r\n", rows[i].host);
		asked(port, request, text);
		if (!strstr(text, rows[i].is_own ? " 200 OK" : " 421 ") ||
		    !strstr(text, rows[i].is_own ? "\r\n\r\na 1\n"
		                                 : "Host must be an address, or localhost\n"))
			fail_msg("%s%s", rows[i].host, text);
	}
}

static void it_says_nothing_before_the_first_round(void **state)
{
	AUTO(metrics_server) struct metrics_server *s = NULL;
	char text[HEARD_MAX];
	unsigned port;
	struct err e;

	(void)state;
	assert_ok(metrics_server_start(at_any_port, &s, &port, &e));
	asked(port, TO("GET", "/metrics", LOCAL), text);
	assert_non_null(strstr(text, " 503 "));
	asked(port, TO("GET", "/healthz", LOCAL), text);
	assert_non_null(strstr(text, " 503 "));
	assert_non_null(strstr(text, "the first round is under way\n"));
	assert_ok(metrics_server_publish(s, view_text("a 1\n"), &e));
	asked(port, TO("GET", "/healthz", LOCAL), text);
	assert_non_null(strstr(text, " 200 OK"));
	assert_non_null(strstr(text, "\r\n\r\nok\n"));
	asked(port, TO("GET", "/metrics", LOCAL), text);
	assert_non_null(strstr(text, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	assert_non_null(strstr(text, "\r\n\r\na 1\n"));
	/* The last one counts, whole. */
	assert_ok(metrics_server_publish(s, view_text("b 22\n"), &e));
	asked(port, TO("GET", "/metrics", LOCAL), text);
	assert_non_null(strstr(text, "\r\n\r\nb 22\n"));
}

static void it_gives_one_text_and_takes_nothing(void **state)
{
	static const struct {
		const char *request;
		const char *status, *words;
	} rows[] = {
		{ TO("HEAD", "/metrics", LOCAL), " 200 OK", "Content-Length: 4\r\n" },
		{ TO("GET", "/metrics?a=b", LOCAL), " 200 OK", "a 1\n" },
		{ TO("GET", "/", LOCAL), " 404 ", "there is /metrics, and /healthz\n" },
		{ TO("GET", "/metrics/", LOCAL), " 404 ", "" },
		{ TO("POST", "/metrics", LOCAL "Content-Length: 0\r\n"), " 405 ", "GET, HEAD" },
		{ TO("DELETE", "/healthz", LOCAL), " 405 ", "GET alone\n" },
		{ TO("GET", "/metrics", LOCAL "Content-Length: 2\r\n") "{}", " 200 OK",
		  "Connection: close\r\n" },
		{ TO("GET", "/metrics", LOCAL "Origin: https://a.example\r\n"), " 403 ",
		  "a request of a web page is not served\n" },
	};
	AUTO(metrics_server) struct metrics_server *s = NULL;
	unsigned port;
	struct err e;

	(void)state;
	assert_ok(metrics_server_start(at_any_port, &s, &port, &e));
	assert_ok(metrics_server_publish(s, view_text("a 1\n"), &e));
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[HEARD_MAX];

		asked(port, rows[i].request, text);
		if (!strstr(text, rows[i].status) || !strstr(text, rows[i].words))
			fail_msg("%s%s", rows[i].request, text);
		assert_non_null(strstr(text, "Cache-Control: no-store\r\n"));
	}
}

static void it_listens_where_it_is_told_or_not_at_all(void **state)
{
	AUTO(metrics_server) struct metrics_server *first = NULL;
	AUTO(metrics_server) struct metrics_server *second = NULL;
	char address[64];
	unsigned port = 0, other = 0;
	struct err e;

	(void)state;
	assert_refused(metrics_server_start("localhost:0", &second, &other, &e), ERR_USAGE,
	               "--metrics");
	assert_refused(metrics_server_start("127.0.0.1", &second, &other, &e), ERR_USAGE,
	               "--metrics");
	assert_ok(metrics_server_start(at_any_port, &first, &port, &e));
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	assert_refused(metrics_server_start(address, &second, &other, &e), ERR_UNREACHABLE,
	               address);
	assert_null(second);
	/* And no longer than it lives. */
	AUTO(fd) int fd = dial(port);

	metrics_server_drop(&first);
	assert_null(first);
	assert_true(is_cut(fd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_known_by_addresses_and_as_localhost),
		cmocka_unit_test(it_says_nothing_before_the_first_round),
		cmocka_unit_test(it_gives_one_text_and_takes_nothing),
		cmocka_unit_test(it_listens_where_it_is_told_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
