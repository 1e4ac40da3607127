/* etcd: what its gateway answers (measured, Debian's 3.4) is decoded, what it is asked is what it
 * takes, and who is asked for how long. */
#include "client_support.h"

#include "base/clock.h"
#include "client/etcd_message.h"

static void numbers_come_as_text_and_zeroes_are_left_out(void **state)
{
	AUTO(etcd_grant_reply) struct etcd_grant_reply grant = { 0 };
	AUTO(etcd_keepalive_reply) struct etcd_keepalive_reply alive = { 0 };
	AUTO(etcd_txn_reply) struct etcd_txn_reply txn = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(
	    wire_decode_reply(&etcd_grant_reply_schema,
	                      view_text("{\"header\":{\"cluster_id\":\"14841639068965178418\","
	                                "\"member_id\":\"10276657743932975437\",\"revision\":\"1\","
	                                "\"raft_term\":\"2\"},\"ID\":\"7587862094416412166\","
	                                "\"TTL\":\"3\"}"),
	                      &grant, &e),
	    0);
	assert_true(grant.id == INT64_C(7587862094416412166));
	assert_int_equal(grant.ttl, 3);
	/* Expired. */
	assert_int_equal(wire_decode_reply(&etcd_keepalive_reply_schema,
	                                   view_text("{\"result\":{\"header\":{},\"ID\":\"5\"}}"),
	                                   &alive, &e),
	                 0);
	assert_int_equal(alive.result.ttl, 0);
	/* Not so: false is left out. */
	assert_int_equal(
	    wire_decode_reply(&etcd_txn_reply_schema, view_text("{\"header\":{}}"), &txn, &e), 0);
	assert_false(txn.succeeded);
}

static void keys_and_values_are_base64(void **state)
{
	AUTO(etcd_range_reply) struct etcd_range_reply range = { 0 };
	const struct etcd_item *item;
	struct err e;

	(void)state;
	assert_int_equal(
	    wire_decode_reply(&etcd_range_reply_schema,
	                      view_text("{\"header\":{\"revision\":\"7\"},\"kvs\":[{\"key\":"
	                                "\"bG9jaw==\",\"create_revision\":\"5\",\"mod_revision\":"
	                                "\"6\",\"version\":\"2\",\"value\":\"bWU=\",\"lease\":"
	                                "\"9\"}],\"count\":\"1\"}"),
	                      &range, &e),
	    0);
	assert_int_equal(range.kvs.count, 1);
	item = range.kvs.items;
	assert_string_equal(buf_text(&item->key), "lock");
	assert_string_equal(buf_text(&item->value), "me");
	assert_int_equal(item->create_revision, 5);
	assert_int_equal(item->mod_revision, 6);
	assert_int_equal(item->lease, 9);
}

static void what_is_not_etcds_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *text, *place;
	} rows[] = {
		{ "{\"kvs\":[{\"key\":\"!\"}]}", "kvs[0].key" },
		{ "{\"kvs\":[{\"key\":\"bG9jaw==\",\"lease\":\"x\"}]}", "kvs[0].lease" },
		{ "{\"kvs\":[{}]}", "kvs[0].key" },
		{ "{\"count\":\"9223372036854775808\"}", "count" },
		{ "{\"strange\":1}", "strange" },
		{ "[]", "" },
	};
	struct etcd_range_reply range = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(wire_decode_reply(&etcd_range_reply_schema,
		                                   view_text(rows[i].text), &range, &e),
		                 -1);
		assert_non_null(strstr(e.text, rows[i].place));
	}
}

static void a_question_has_what_the_gateway_wants(void **state)
{
	AUTO(etcd_txn_request) struct etcd_txn_request q = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(4096);
	struct etcd_compare *compare;
	struct etcd_put_op *op;
	struct err e;

	(void)state;
	assert_int_equal(wire_list_add(&q.compare, &etcd_compare_schema, &compare, &e), 0);
	assert_int_equal(wire_set_text(&compare->key, "lock", &e), 0);
	assert_int_equal(wire_set_text(&compare->target, "CREATE", &e), 0);
	assert_int_equal(wire_set_text(&compare->result, "EQUAL", &e), 0);
	compare->has_created = true;
	assert_int_equal(wire_list_add(&q.success, &etcd_put_op_schema, &op, &e), 0);
	assert_int_equal(wire_set_text(&op->put.key, "lock", &e), 0);
	assert_int_equal(wire_set_text(&op->put.value, "me", &e), 0);
	op->put.lease = 9;
	assert_int_equal(wire_encode(&etcd_txn_request_schema, &q, &text, &e), 0);
	assert_string_equal(buf_text(&text),
	                    "{\"compare\":[{\"key\":\"bG9jaw==\",\"target\":\"CREATE\",\"result\":"
	                    "\"EQUAL\",\"create_revision\":0}],\"success\":[{\"request_put\":{"
	                    "\"key\":\"bG9jaw==\",\"value\":\"bWU=\",\"lease\":9}}]}");
}

/* --- whom it asks, and how long */

static struct etcd *etcd_of(char *const *urls, size_t count, int64_t timeout_ms)
{
	const struct etcd_options options = { .urls = urls,
		                              .count = count,
		                              .timeout_ms = timeout_ms };
	struct etcd *etcd = NULL;
	struct err e;

	assert_ok(etcd_new(&options, &etcd, &e));
	return etcd;
}

static int put(struct etcd *etcd, size_t count, bool *ret_done, struct err *e)
{
	const struct etcd_condition is_free = { "k", ETCD_CREATED, 0 };
	struct etcd_put puts[ETCD_PUTS_MAX + 1];

	for (size_t i = 0; i < COUNT(puts); i++)
		puts[i] = (struct etcd_put){ "k", view_text("v"), 0 };
	return etcd_put_if(etcd, &is_free, 1, puts, count, ret_done, e);
}

#define DONE "{\"header\":{},\"succeeded\":true}"

static void a_write_whose_answer_is_lost_is_sent_to_no_other(void **state)
{
	/* The first question leaves a connection behind, which libcurl would use again. */
	AUTO(server)
	struct server *first =
	    server_start(SCRIPT({ ANSWER, http("200 OK", "", DONE) }, { ANSWER_CLOSE, NULL }));
	AUTO(server)
	struct server *second = server_start(SCRIPT({ ANSWER, http("200 OK", "", DONE) }));
	char *const urls[] = { first->url, second->url };
	AUTO(etcd) struct etcd *etcd = etcd_of(urls, 2, 60000);
	bool is_done = false;
	struct err e;

	(void)state;
	assert_ok(put(etcd, 0, &is_done, &e));
	assert_true(is_done);
	is_done = false;
	assert_refused(put(etcd, 1, &is_done, &e), ERR_UNREACHABLE, "etcd: txn");
	assert_false(is_done);
	assert_int_equal(first->request_count, 2);
	assert_int_equal(second->request_count, 0);
	/* What only asks is asked of the next, and what is asked next goes there. */
	assert_ok(put(etcd, 1, &is_done, &e));
	assert_true(is_done);
	assert_int_equal(second->request_count, 1);
}

static void a_question_whose_answer_is_lost_goes_to_the_next(void **state)
{
	AUTO(server) struct server *first = server_start(SCRIPT({ ANSWER_CLOSE, NULL }));
	AUTO(server)
	struct server *second = server_start(SCRIPT({ ANSWER, http("200 OK", "", DONE) }));
	char *const urls[] = { first->url, second->url };
	AUTO(etcd) struct etcd *etcd = etcd_of(urls, 2, 60000);
	bool is_done = false;
	struct err e;

	(void)state;
	assert_ok(put(etcd, 0, &is_done, &e));
	assert_true(is_done);
}

static void a_member_that_says_nothing_holds_up_no_longer_than_a_hedge(void **state)
{
	AUTO(server) struct server *first = server_start(SCRIPT({ ANSWER_NEVER, NULL }));
	AUTO(server)
	struct server *second = server_start(
	    SCRIPT({ ANSWER, http("200 OK", "", DONE) }, { ANSWER, http("200 OK", "", DONE) }));
	char *const urls[] = { first->url, second->url };
	AUTO(etcd) struct etcd *etcd = etcd_of(urls, 2, 20000);
	int64_t before_ms = clock_monotonic_ms();
	bool is_done = false;
	struct err e;

	(void)state;
	assert_ok(put(etcd, 0, &is_done, &e));
	assert_true(is_done);
	assert_true(clock_monotonic_ms() - before_ms < 15000);
	/* It is not asked again, not even what must be heard once. */
	assert_ok(put(etcd, 1, &is_done, &e));
	assert_int_equal(first->request_count, 1);
	assert_int_equal(second->request_count, 2);
}

/* The hedge is shorter than a late answer, and the member's time longer. */
static void a_slow_member_that_was_waited_for_is_given_its_time(void **state)
{
	AUTO(server) struct server *first = server_start(SCRIPT({ ANSWER_NEVER, NULL }));
	AUTO(server)
	struct server *second = server_start(SCRIPT({ ANSWER_LATE, http("200 OK", "", DONE) },
	                                            { ANSWER_LATE, http("200 OK", "", DONE) }));
	char *const urls[] = { first->url, second->url };
	AUTO(etcd) struct etcd *etcd = etcd_of(urls, 2, 4 * (LATE_MS - 100));
	bool is_done = false;
	struct err e;

	(void)state;
	assert_ok(put(etcd, 0, &is_done, &e));
	assert_ok(put(etcd, 0, &is_done, &e));
	assert_int_equal(first->request_count, 1);
}

static void a_write_that_was_not_sent_goes_to_the_next_member(void **state)
{
	AUTO(server)
	struct server *second = server_start(SCRIPT({ ANSWER, http("200 OK", "", DONE) }));
	char closed[64];
	char *const urls[] = { closed, second->url };
	AUTO(etcd) struct etcd *etcd = etcd_of(urls, 2, 5000);
	bool is_done = false;
	struct err e;

	(void)state;
	close(listen_on_a_free_port(closed, sizeof(closed)));
	assert_ok(put(etcd, 1, &is_done, &e));
	assert_true(is_done);
}

static void one_limit_is_of_all_members_and_the_user_ends_it(void **state)
{
	AUTO(server) struct server *s = server_start(SCRIPT({ ANSWER_NEVER, NULL }));
	char *const urls[] = { s->url, s->url, s->url };
	AUTO(etcd) struct etcd *etcd = etcd_of(urls, 3, 60000);
	int64_t before_ms = clock_monotonic_ms();
	bool is_done;
	struct err e;
	int ends[2];

	(void)state;
	etcd_limit(etcd, before_ms + 100, -1);
	assert_refused(put(etcd, 0, &is_done, &e), ERR_TRY_AGAIN, "the time is up");
	assert_int_equal(s->request_count, 1); /* a hedge is longer than the limit */
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	etcd_limit(etcd, before_ms + 60000, ends[0]);
	assert_refused(put(etcd, 0, &is_done, &e), ERR_INTERRUPTED, "interrupted");
	assert_true(clock_monotonic_ms() - before_ms < 30000);
	close(ends[0]);
	close(ends[1]);
}

static void what_is_more_than_a_question_may_have_is_not_asked(void **state)
{
	char url[64] = "http://127.0.0.1:1";
	char *const urls[] = { url };
	AUTO(etcd) struct etcd *etcd = etcd_of(urls, 1, 5000);
	struct wire_list items = { 0 };
	bool is_done;
	struct err e;

	(void)state;
	assert_refused(put(etcd, ETCD_PUTS_MAX + 1, &is_done, &e), ERR_DATA, "more than 64");
	assert_refused(etcd_get(etcd, "", true, &items, &e), ERR_DATA, "a key without a letter");
}

static void the_longest_value_fits_a_request(void **state)
{
	AUTO(server) struct server *s = server_start(SCRIPT({ ANSWER, http("200 OK", "", DONE) }));
	char *const urls[] = { s->url };
	AUTO(etcd) struct etcd *etcd = etcd_of(urls, 1, 20000);
	AUTO(buf) struct buf value = BUF_INIT(ETCD_VALUE_MAX);
	char key[ETCD_KEY_MAX + 1];
	const struct etcd_condition is_free = { key, ETCD_CREATED, INT64_MAX };
	struct etcd_put put = { .key = key, .lease = INT64_MIN };
	uint8_t *to;
	bool is_done;
	struct err e;

	(void)state;
	memset(key, 'k', ETCD_KEY_MAX);
	key[ETCD_KEY_MAX] = 0;
	assert_ok(buf_reserve(&value, ETCD_VALUE_MAX, &to, &e));
	memset(to, 'v', ETCD_VALUE_MAX);
	buf_commit(&value, ETCD_VALUE_MAX);
	put.value = buf_view(&value);
	/* Whatever the server makes of it: it is encoded. */
	if (etcd_put_if(etcd, &is_free, 1, &put, 1, &is_done, &e) < 0)
		assert_null(strstr(e.text, "more than"));
}

/* "a", "b" .. in pages: the second begins behind the last of the first, of the same moment. */
static void what_is_more_than_a_page_is_read_on_at_the_same_moment(void **state)
{
	AUTO(server)
	struct server *s = server_start(SCRIPT(
	    { ANSWER,
	      http(
	          "200 OK", "",
	          "{\"header\":{\"revision\":\"7\"},\"more\":true,\"kvs\":[{\"key\":\"YQ==\"}]}") },
	    { ANSWER,
	      http(
	          "200 OK", "",
	          "{\"header\":{\"revision\":\"9\"},\"more\":true,\"kvs\":[{\"key\":\"Yg==\"}]}") },
	    { ANSWER, http("200 OK", "",
	                   "{\"header\":{\"revision\":\"9\"},\"kvs\":[{\"key\":\"Yw==\"}]}") }));
	char *const urls[] = { s->url };
	AUTO(etcd) struct etcd *etcd = etcd_of(urls, 1, 5000);
	struct wire_list list = { 0 };
	const struct etcd_item *items;
	struct err e;

	(void)state;
	assert_ok(etcd_get(etcd, "a", true, &list, &e));
	assert_int_equal(list.count, 3);
	items = list.items;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(*buf_text(&items[i].key), 'a' + (int)i);
	assert_non_null(strstr(s->requests[0], "{\"key\":\"YQ==\",\"range_end\":\"Yg==\","
	                                       "\"limit\":64,\"revision\":0}"));
	assert_non_null(strstr(s->requests[1], "{\"key\":\"YQA=\",\"range_end\":\"Yg==\","
	                                       "\"limit\":64,\"revision\":7}"));
	assert_non_null(strstr(s->requests[2], "\"key\":\"YgA=\""));
	assert_non_null(strstr(s->requests[2], "\"revision\":7}"));
	wire_list_release(&etcd_item_schema, &list);
}

static void of_long_values_a_page_has_fewer(void **state)
{
	AUTO(server)
	struct server *s = server_start(
	    SCRIPT({ ANSWER_CLOSE, "HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" },
	           { ANSWER, http("200 OK", "", "{\"kvs\":[{\"key\":\"YQ==\"}]}") }));
	char *const urls[] = { s->url };
	AUTO(etcd) struct etcd *etcd = etcd_of(urls, 1, 5000);
	struct wire_list list = { 0 };
	struct err e;

	(void)state;
	assert_ok(etcd_get(etcd, "a", true, &list, &e));
	assert_int_equal(list.count, 1);
	assert_non_null(strstr(s->requests[1], "\"limit\":32,"));
	wire_list_release(&etcd_item_schema, &list);
}

static void pages_that_do_not_go_on_are_refused(void **state)
{
	AUTO(server)
	struct server *s = server_start(SCRIPT(
	    { ANSWER, http("200 OK", "", "{\"header\":{\"revision\":\"7\"},\"more\":true}") }));
	char *const urls[] = { s->url };
	AUTO(etcd) struct etcd *etcd = etcd_of(urls, 1, 5000);
	struct wire_list list = { 0 };
	struct err e;

	(void)state;
	assert_refused(etcd_get(etcd, "a", true, &list, &e), ERR_UNREACHABLE, "no way to it");
	assert_int_equal(list.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_come_as_text_and_zeroes_are_left_out),
		cmocka_unit_test(keys_and_values_are_base64),
		cmocka_unit_test(what_is_not_etcds_is_refused_with_its_place),
		cmocka_unit_test(a_question_has_what_the_gateway_wants),
		cmocka_unit_test(a_write_whose_answer_is_lost_is_sent_to_no_other),
		cmocka_unit_test(a_question_whose_answer_is_lost_goes_to_the_next),
		cmocka_unit_test(a_member_that_says_nothing_holds_up_no_longer_than_a_hedge),
		cmocka_unit_test(a_slow_member_that_was_waited_for_is_given_its_time),
		cmocka_unit_test(a_write_that_was_not_sent_goes_to_the_next_member),
		cmocka_unit_test(one_limit_is_of_all_members_and_the_user_ends_it),
		cmocka_unit_test(what_is_more_than_a_question_may_have_is_not_asked),
		cmocka_unit_test(the_longest_value_fits_a_request),
		cmocka_unit_test(what_is_more_than_a_page_is_read_on_at_the_same_moment),
		cmocka_unit_test(of_long_values_a_page_has_fewer),
		cmocka_unit_test(pages_that_do_not_go_on_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
