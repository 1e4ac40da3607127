/* One exchange as libcurl sees it: how each of its outcomes is judged, without a network. What goes
 * over one, client_client.c tests. */
#include "support.h"

#include "client/transfer.h"

static const struct client_options usual = { .connect_timeout_ms = 1000,
	                                     .request_timeout_ms = 2000,
	                                     .attempts = 3 };

static struct transfer *transfer_of(const struct client_exchange *x)
{
	struct transfer *t = NULL;
	struct err e;

	assert_ok(transfer_new(&usual, x, &t, &e));
	return t;
}

static void on_done(void *context, void *reply, const struct err *failure, int64_t elapsed_us)
{
	struct err *told = context;

	(void)elapsed_us;
	assert_null(reply);
	*told = *failure;
}

static const struct client_exchange status = {
	.node = "tee1", .url = "http://127.0.0.1:1", .api = API_STATUS, .on_done = on_done
};

static void each_end_of_curls_means_one_thing(void **state)
{
	static const struct {
		CURLcode curl;
		enum err_code code;
		bool is_transient;
		const char *reason;
	} rows[] = {
		{ CURLE_COULDNT_RESOLVE_HOST, ERR_UNREACHABLE, true, CLIENT_ADDRESS },
		{ CURLE_COULDNT_CONNECT, ERR_UNREACHABLE, true, "" },
		{ CURLE_OPERATION_TIMEDOUT, ERR_UNREACHABLE, true, "" }, /* nothing was sent */
		{ CURLE_SSL_CONNECT_ERROR, ERR_UNREACHABLE, true, CLIENT_TLS_SERVER },
		{ CURLE_GOT_NOTHING, ERR_UNREACHABLE, true, "" },
		{ CURLE_SEND_ERROR, ERR_UNREACHABLE, true, "" },
		{ CURLE_RECV_ERROR, ERR_UNREACHABLE, true, "" },
		{ CURLE_PARTIAL_FILE, ERR_UNREACHABLE, true, "" },
		{ CURLE_WEIRD_SERVER_REPLY, ERR_UNREACHABLE, true, "" },
		/* what we don't speak is in the URL, where nothing was sent */
		{ CURLE_UNSUPPORTED_PROTOCOL, ERR_UNREACHABLE, false, "" },
		/* a certificate that is wrong is so the next time as well */
		{ CURLE_PEER_FAILED_VERIFICATION, ERR_UNREACHABLE, false, CLIENT_TLS_SERVER },
		{ CURLE_SSL_CACERT_BADFILE, ERR_NO_INPUT, false, CLIENT_TLS_FILE },
		{ CURLE_SSL_CERTPROBLEM, ERR_NO_INPUT, false, CLIENT_TLS_FILE },
		{ CURLE_URL_MALFORMAT, ERR_CONFIG, false, CLIENT_ADDRESS },
		{ CURLE_OUT_OF_MEMORY, ERR_INTERNAL, false, "" },
		{ CURLE_WRITE_ERROR, ERR_UNREACHABLE, false, CLIENT_TOO_LONG },
		{ CURLE_FILESIZE_EXCEEDED, ERR_UNREACHABLE, false, CLIENT_TOO_LONG },
		/* of what is in no table */
		{ CURLE_TOO_MANY_REDIRECTS, ERR_UNREACHABLE, false, "" },
	};
	AUTO(transfer) struct transfer *t = transfer_of(&status);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct outcome outcome = { .retry_after_ms = 9 };
		struct err e;

		assert_refused(transfer_judge(t, rows[i].curl, &outcome, &e), rows[i].code,
		               "tee1: status: ");
		if (outcome.is_transient != rows[i].is_transient ||
		    strcmp(e.reason, rows[i].reason) != 0)
			fail_msg("%s: %d, reason '%s'", curl_easy_strerror(rows[i].curl),
			         outcome.is_transient, e.reason);
		assert_int_equal(outcome.retry_after_ms, 0);
	}
}

static void what_curl_says_of_it_comes_before_its_general_words(void **state)
{
	AUTO(transfer) struct transfer *t = transfer_of(&status);
	struct outcome outcome;
	struct err e;

	(void)state;
	assert_refused(transfer_judge(t, CURLE_COULDNT_CONNECT, &outcome, &e), ERR_UNREACHABLE,
	               curl_easy_strerror(CURLE_COULDNT_CONNECT));
	snprintf(t->detail, sizeof(t->detail), "connect to 127.0.0.1 port 1 failed");
	assert_refused(transfer_judge(t, CURLE_COULDNT_CONNECT, &outcome, &e), ERR_UNREACHABLE,
	               "tee1: status: connect to 127.0.0.1 port 1 failed");
}

static void an_exchange_may_have_limits_of_its_own(void **state)
{
	struct client_exchange x = status;
	AUTO(transfer) struct transfer *t = transfer_of(&x);

	(void)state;
	assert_int_equal(t->attempts, 3);
	transfer_drop(&t);
	assert_null(t);
	transfer_drop(&t); /* twice is once */
	x.attempts = 1;
	t = transfer_of(&x);
	assert_int_equal(t->attempts, 1);
}

static void one_that_was_never_sent_says_so(void **state)
{
	struct client_exchange x = status;
	struct err told = { 0 }, why;
	bool is_sent = true;

	(void)state;
	x.context = &told;
	x.ret_is_sent = &is_sent;
	for (unsigned attempt = 1; attempt <= 2; attempt++) {
		AUTO(transfer) struct transfer *t = transfer_of(&x);

		(void)err_set(&why, ERR_UNREACHABLE, "attempt %u", attempt);
		t->attempt = attempt;
		transfer_fail(t, &why);
		/* Of an attempt before this one nobody knows. */
		assert_int_equal(is_sent, attempt > 1);
		assert_string_equal(told.text, why.text);
	}
}

/* Longer than any that a cluster file has. */
static void an_address_without_end_is_refused(void **state)
{
	static char url[4096] = "http://";
	struct client_exchange x = status;
	struct transfer *t = NULL;
	struct err e;

	(void)state;
	memset(url + 7, 'a', 2100);
	x.url = url;
	assert_refused(transfer_new(&usual, &x, &t, &e), ERR_TOO_LARGE, "tee1: status: ");
	assert_null(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_end_of_curls_means_one_thing),
		cmocka_unit_test(what_curl_says_of_it_comes_before_its_general_words),
		cmocka_unit_test(an_exchange_may_have_limits_of_its_own),
		cmocka_unit_test(one_that_was_never_sent_says_so),
		cmocka_unit_test(an_address_without_end_is_refused),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}
