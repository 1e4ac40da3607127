/* The enclave's smaller parts: rate, entropy, own time, receipts' ring, metrics, replay while
 * others ask. */
#include "fake_enclave.h"

#include "base/clock.h"
#include "base/listen.h"
#include "enclave/entropy.h"

#include <unistd.h>

#define SECOND INT64_C(1000000)

static bool takes(struct rate *r, uint8_t who, int64_t now_us)
{
	struct rate_address address = { { who } };
	struct err e;

	if (rate_take(r, &address, 1, now_us, &e) == 0)
		return true;
	assert_int_equal(e.code, ERR_RATE);
	return false;
}

static void an_address_may_ask_so_often_a_second(void **state)
{
	static struct rate r;

	(void)state;
	rate_init(&r, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_true(takes(&r, 1, SECOND));
	assert_false(takes(&r, 1, SECOND));
	assert_true(takes(&r, 2, SECOND));
	assert_true(takes(&r, 1, SECOND + SECOND / 3 + 10));
	assert_false(takes(&r, 1, SECOND + SECOND / 3 + 10));
	for (unsigned i = 0; i < 3; i++)
		assert_true(takes(&r, 1, 100 * SECOND));
	assert_false(takes(&r, 1, 100 * SECOND));
}

/* Who, one of more addresses than are remembered, asks once. */
static bool one_of_many_takes(struct rate *r, unsigned who, int64_t now_us)
{
	struct rate_address address = { { [14] = (uint8_t)(who >> 8), [15] = (uint8_t)who } };
	struct err e;

	if (rate_take(r, &address, 1, now_us, &e) == 0)
		return true;
	assert_int_equal(e.code, ERR_RATE);
	return false;
}

static void of_many_addresses_the_one_silent_longest_is_forgotten(void **state)
{
	static struct rate r;

	(void)state;
	rate_init(&r, 1);
	for (unsigned i = 0; i < RATE_ADDRESSES; i++)
		assert_true(one_of_many_takes(&r, i, SECOND + i));
	/* It has been silent for a second, so that its place is a full bucket's. */
	assert_true(one_of_many_takes(&r, RATE_ADDRESSES, 2 * SECOND));
	assert_false(one_of_many_takes(&r, RATE_ADDRESSES, 2 * SECOND + 300));
	assert_false(one_of_many_takes(&r, 2, 2 * SECOND));
	assert_true(one_of_many_takes(&r, 1, 2 * SECOND + 1));
}

static void an_address_gains_nothing_by_being_forgotten(void **state)
{
	static struct rate r;
	int64_t now_us = SECOND;

	(void)state;
	rate_init(&r, 2);
	assert_true(one_of_many_takes(&r, 0, now_us));
	assert_true(one_of_many_takes(&r, 0, now_us));
	for (unsigned i = 1; i < RATE_ADDRESSES; i++)
		assert_true(one_of_many_takes(&r, i, ++now_us));
	/* Pushes it out; in its place there is nothing yet. */
	assert_false(one_of_many_takes(&r, RATE_ADDRESSES, ++now_us));
	assert_false(one_of_many_takes(&r, 0, ++now_us));
	/* What the time gives is had by the forgotten too, and no more. */
	assert_true(one_of_many_takes(&r, 0, now_us + SECOND / 2));
	assert_false(one_of_many_takes(&r, 0, now_us + SECOND / 2));
}

static void what_asks_for_much_takes_half_a_bucket_at_most(void **state)
{
	struct rate_address address = { { 1 } };
	static struct rate r;
	struct err e;

	(void)state;
	rate_init(&r, 10);
	assert_ok(rate_take(&r, &address, 4, SECOND, &e));
	assert_ok(rate_take(&r, &address, 500, SECOND, &e));
	assert_refused(rate_take(&r, &address, 2, SECOND, &e), ERR_RATE, "10");
	assert_ok(rate_take(&r, &address, 1, SECOND, &e));
	rate_init(&r, 1);
	assert_ok(rate_take(&r, &address, 500, SECOND, &e));
	assert_false(takes(&r, 1, SECOND));
}

static void secrets_need_the_nsm(void **state)
{
	struct world_options o = { 0 };
	struct world *w = world_open(&o);
	AUTO(secret) struct secret a = { 0 }, b = { 0 };
	struct err e;

	(void)state;
	assert_ok(entropy_draw(&w->enclave->entropy, "test", 48, &a, &e));
	assert_ok(entropy_draw(&w->enclave->entropy, "test", 48, &b, &e));
	assert_int_equal(a.len, 48);
	assert_false(secret_equal(secret_view(&a), secret_view(&b)));
	assert_int_equal(w->asked[NSM_GET_RANDOM], 2);
	secret_drop(&a);
	w->fault = NSM_GET_RANDOM;
	assert_refused(entropy_draw(&w->enclave->entropy, "test", 48, &a, &e), ERR_ENCLAVE,
	               "InternalError");
	world_drop(&w);
}

static void fill_sources(uint8_t system[ENTROPY_SOURCE_LEN], uint8_t nsm[ENTROPY_SOURCE_LEN])
{
	for (unsigned i = 0; i < ENTROPY_SOURCE_LEN; i++) {
		system[i] = (uint8_t)i;
		nsm[i] = (uint8_t)(255 - i);
	}
}

/* The vector is of openssl-kdf(1): HKDF, SHA512, these 128 bytes, salt teectl-random-v1, info
 * quorum-key. */
static void a_secret_is_hkdf_over_both_sources(void **state)
{
	AUTO(buf)
	struct buf expected =
	    bytes_of_hex("1335cd14484936473c982f01404eb53e026b70a83ed2010c2435e32dcb0d955c");
	uint8_t system[ENTROPY_SOURCE_LEN], nsm[ENTROPY_SOURCE_LEN];
	AUTO(secret) struct secret secret = { 0 };
	struct err e;

	(void)state;
	fill_sources(system, nsm);
	assert_ok(entropy_mix(system, nsm, "quorum-key", expected.len, &secret, &e));
	assert_view_equal(secret_view(&secret), buf_view(&expected));
}

/* Each of the 1024 bits, and the purpose. */
static void each_bit_of_both_sources_matters(void **state)
{
	uint8_t sources[2][ENTROPY_SOURCE_LEN];
	AUTO(secret) struct secret plain = { 0 }, other = { 0 };
	struct err e;

	(void)state;
	fill_sources(sources[0], sources[1]);
	assert_ok(entropy_mix(sources[0], sources[1], "generate-seed", 32, &plain, &e));
	assert_ok(entropy_mix(sources[0], sources[1], "setup-key", 32, &other, &e));
	assert_false(secret_equal(secret_view(&plain), secret_view(&other)));
	for (unsigned bit = 0; bit < 2 * 8 * ENTROPY_SOURCE_LEN; bit++) {
		uint8_t *byte =
		    &sources[bit / 8 / ENTROPY_SOURCE_LEN][bit / 8 % ENTROPY_SOURCE_LEN];

		secret_drop(&other);
		*byte ^= (uint8_t)(1u << bit % 8);
		assert_ok(entropy_mix(sources[0], sources[1], "generate-seed", 32, &other, &e));
		assert_false(secret_equal(secret_view(&plain), secret_view(&other)));
		*byte ^= (uint8_t)(1u << bit % 8);
	}
}

static void now_is_asked_again_after_five_minutes(void **state)
{
	struct world_options o = { 0 };
	struct world *w = world_open(&o);
	struct own_time *t = &w->enclave->time;
	unsigned asked = w->asked[NSM_ATTESTATION];
	int64_t now_ms, ahead_ms = 3600 * 1000;
	struct err e;

	(void)state;
	w->clock_ahead_ms = ahead_ms;
	assert_ok(own_time_now(t, w->enclave->nsm, &now_ms, &e));
	assert_int_equal(w->asked[NSM_ATTESTATION], asked);
	assert_true(now_ms < clock_unix_ms() + ahead_ms / 2);
	assert_true(own_time_peek(t, &now_ms));
	t->asked_ms -= OWN_TIME_MAX_AGE_MS + 1;
	assert_false(own_time_peek(t, &now_ms));
	assert_int_equal(w->asked[NSM_ATTESTATION], asked);
	assert_ok(own_time_now(t, w->enclave->nsm, &now_ms, &e));
	assert_int_equal(w->asked[NSM_ATTESTATION], asked + 1);
	assert_true(now_ms > clock_unix_ms() + ahead_ms / 2);
	t->asked_ms -= OWN_TIME_MAX_AGE_MS + 1;
	w->fault = NSM_ATTESTATION;
	assert_refused(own_time_now(t, w->enclave->nsm, &now_ms, &e), ERR_ENCLAVE, "time");
	world_drop(&w);
}

static void the_last_1024_receipts_are_kept(void **state)
{
	struct hash256 manifest = { { 1 } };
	struct wire_list kept = { 0 };
	struct receipts_reply reply;
	struct receipts r;
	struct receipt_item item;
	struct receipt parsed;
	struct err e;

	(void)state;
	receipts_init(&r);
	for (unsigned i = 0; i < RECEIPTS_MAX + 3; i++) {
		struct receipt receipt = { .kind = RECEIPT_EXPORT, .nsm_ms = i };

		assert_ok(receipts_add(&r, person(0), &manifest, &receipt, &item, &e));
	}
	assert_ok(receipts_list(&r, 0, &kept, &e));
	assert_int_equal(kept.count, RECEIPTS_MAX);
	item = *(struct receipt_item *)kept.items;
	assert_ok(receipt_parse(VIEW_OF(item.body), &parsed, &e));
	assert_int_equal(parsed.sequence, 3);
	reply.receipts = MOVE(kept);
	receipts_reply_drop(&reply);
	assert_ok(receipts_list(&r, RECEIPTS_MAX + 2, &kept, &e));
	assert_int_equal(kept.count, 1);
	reply.receipts = MOVE(kept);
	receipts_reply_drop(&reply);
	assert_ok(receipts_list(&r, RECEIPTS_MAX + 3, &kept, &e));
	assert_int_equal(kept.count, 0);
	receipts_drop(&r);
}

static void metrics_count_operations_and_tell_no_names(void **state)
{
	struct world_options o = { 0 };
	struct world *w = world_open(&o);
	AUTO(genesis_reply) struct genesis_reply g = { 0 };
	AUTO(buf) struct buf text = { 0 };

	(void)state;
	world_genesis(w, 3, 2, true, &g);
	assert_denied(ask(w, API_PROVE_KEY, &(struct prove_key_request){ { 0 } }, NULL), 1006, "");
	assert_answered(ask_text(w, API_METRICS, "", &text));
	assert_non_null(
	    strstr(buf_text(&text),
	           "teectl_operations_total{operation=\"genesis-boot\",result=\"ok\"} 1\n"));
	assert_non_null(
	    strstr(buf_text(&text),
	           "teectl_operations_total{operation=\"prove-key\",result=\"phase\"} 1\n"));
	assert_non_null(strstr(buf_text(&text), "teectl_phase{phase=\"GenesisBooted\"} 1\n"));
	assert_null(strstr(buf_text(&text), "member"));
	assert_null(strstr(buf_text(&text), "test/space"));
	world_drop(&w);
}

/* Readers on all sides while the state changes: for the thread sanitizer, and for deadlocks. */
struct reader_task {
	struct world *w;
	enum api api;
	_Atomic bool is_over;
};

static void *read_on(void *context)
{
	struct reader_task *t = context;

	while (!t->is_over)
		assert_int_equal(ask(t->w, t->api, NULL, NULL).status, 200);
	return NULL;
}

static void readers_and_writers_do_not_meet(void **state)
{
	struct world_options o = { 0 };
	struct world *w = world_open(&o);
	AUTO(genesis_reply) struct genesis_reply g = { 0 };
	struct reader_task tasks[] = { { w, API_STATUS, false }, { w, API_RECEIPTS, false } };
	pthread_t threads[COUNT(tasks)];

	(void)state;
	for (size_t i = 0; i < COUNT(tasks); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, &tasks[i]), 0);
	world_ready(w, true, &g);
	for (size_t i = 0; i < COUNT(tasks); i++) {
		tasks[i].is_over = true;
		pthread_join(threads[i], NULL);
	}
	world_drop(&w);
}

static void only_numeric_addresses_are_listened_on(void **state)
{
	const char *const bad[] = { "localhost:1", "127.0.0.1", "::1:0",           "[127.0.0.1]:0",
		                    ":0",          "",          "127.0.0.1:65536", "127.0.0.1:x",
		                    "[::1]",       "127.0.0.1:" };
	const char *const good[] = { "127.0.0.1:0", "[::1]:0" };
	unsigned port = 0;
	int fd = -1, second = -1;
	char taken[32];
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_refused(listen_open("--listen", bad[i], ERR_ENCLAVE, &fd, &port, &e),
		               ERR_USAGE, "--listen");
	for (size_t i = 0; i < COUNT(good); i++) {
		/* A machine may lack IPv6: then it is not a matter of usage. */
		if (listen_open("--listen", good[i], ERR_ENCLAVE, &fd, &port, &e) < 0) {
			assert_int_equal(e.code, ERR_ENCLAVE);
			continue;
		}
		assert_true(port > 0);
		snprintf(taken, sizeof(taken), "%.*s%u", (int)strlen(good[i]) - 1, good[i], port);
		assert_refused(listen_open("--listen", taken, ERR_TRY_AGAIN, &second, &port, &e),
		               ERR_TRY_AGAIN, "listening on");
		close(fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_may_ask_so_often_a_second),
		cmocka_unit_test(of_many_addresses_the_one_silent_longest_is_forgotten),
		cmocka_unit_test(an_address_gains_nothing_by_being_forgotten),
		cmocka_unit_test(what_asks_for_much_takes_half_a_bucket_at_most),
		cmocka_unit_test(secrets_need_the_nsm),
		cmocka_unit_test(a_secret_is_hkdf_over_both_sources),
		cmocka_unit_test(each_bit_of_both_sources_matters),
		cmocka_unit_test(now_is_asked_again_after_five_minutes),
		cmocka_unit_test(the_last_1024_receipts_are_kept),
		cmocka_unit_test(metrics_count_operations_and_tell_no_names),
		cmocka_unit_test(readers_and_writers_do_not_meet),
		cmocka_unit_test(only_numeric_addresses_are_listened_on),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}
