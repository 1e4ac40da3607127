#include "support.h"

#include "attest/cbor.h"

static struct cbor parsed;

static int parse(const char *hex, struct err *e)
{
	static uint8_t bytes[4096];
	AUTO(buf) struct buf b = bytes_of_hex(hex);

	assert_true(b.len <= sizeof(bytes));
	memcpy(bytes, b.data ? b.data : bytes, b.len);
	return cbor_parse(view_new(bytes, b.len), &parsed, e);
}

/* RFC 8949 appendix A, as far as these formats go. */
static void scalars_are_read(void **state)
{
	static const struct {
		const char *hex;
		enum cbor_kind kind;
		uint64_t number;
		const char *text;
	} cases[] = {
		{ "00", CBOR_UINT, 0, "" },
		{ "17", CBOR_UINT, 23, "" },
		{ "1818", CBOR_UINT, 24, "" },
		{ "1903e8", CBOR_UINT, 1000, "" },
		{ "1a000f4240", CBOR_UINT, 1000000, "" },
		{ "1bffffffffffffffff", CBOR_UINT, UINT64_MAX, "" },
		{ "20", CBOR_NEGATIVE, 0, "" },
		{ "3863", CBOR_NEGATIVE, 99, "" },
		{ "3903e7", CBOR_NEGATIVE, 999, "" },
		{ "3a0001869f", CBOR_NEGATIVE, 99999, "" },
		{ "3bffffffffffffffff", CBOR_NEGATIVE, UINT64_MAX, "" },
		{ "f4", CBOR_BOOL, 0, "" },
		{ "f5", CBOR_BOOL, 1, "" },
		{ "f6", CBOR_NULL, 0, "" },
		{ "40", CBOR_BYTES, 0, "" },
		{ "4449455446", CBOR_BYTES, 0, "IETF" },
		{ "60", CBOR_TEXT, 0, "" },
		{ "6449455446", CBOR_TEXT, 0, "IETF" },
		{ "62c3bc", CBOR_TEXT, 0, "\xc3\xbc" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_ok(parse(cases[i].hex, &e));
		assert_int_equal(parsed.count, 1);
		assert_int_equal(parsed.rest.len, 0);
		assert_int_equal(parsed.items[0].kind, cases[i].kind);
		assert_int_equal(parsed.items[0].number, cases[i].number);
		assert_view_equal(parsed.items[0].bytes, view_text(cases[i].text));
	}
}

static void what_is_written_has_the_shortest_form(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(256);
	AUTO(buf)
	struct buf expected = bytes_of_hex("001718181903e81a000f42401b00000002540be400"
	                                   "4449455446644945544680a1f4f5f6981e581e");
	struct err e;

	(void)state;
	assert_ok(cbor_add_uint(&b, 0, &e));
	assert_ok(cbor_add_uint(&b, 23, &e));
	assert_ok(cbor_add_uint(&b, 24, &e));
	assert_ok(cbor_add_uint(&b, 1000, &e));
	assert_ok(cbor_add_uint(&b, 1000000, &e));
	assert_ok(cbor_add_uint(&b, 10000000000, &e));
	assert_ok(cbor_add_bytes(&b, view_text("IETF"), &e));
	assert_ok(cbor_add_key(&b, "IETF", &e));
	assert_ok(cbor_add_array(&b, 0, &e));
	assert_ok(cbor_add_map(&b, 1, &e));
	assert_ok(cbor_add_bool(&b, false, &e));
	assert_ok(cbor_add_bool(&b, true, &e));
	assert_ok(cbor_add_null(&b, &e));
	assert_ok(cbor_add_array(&b, 30, &e));
	assert_ok(cbor_add_bytes(&b, view_new("000000000000000000000000000000", 30), &e));
	assert_view_equal(view_new(b.data, b.len - 30), buf_view(&expected));
}

static void a_full_buffer_refuses_more(void **state)
{
	AUTO(buf) struct buf b = BUF_INIT(1);
	struct err e;

	(void)state;
	assert_ok(cbor_add_uint(&b, 1, &e));
	assert_refused(cbor_add_uint(&b, 1, &e), ERR_TOO_LARGE, "more than 1 bytes");
	assert_int_equal(b.len, 1);
}

static void containers_know_what_they_hold(void **state)
{
	const struct cbor_item *at;
	struct err e;

	(void)state;
	/* [1, [2, 3], {"a": [4], "b": 5}, 6] and a byte behind */
	assert_ok(parse("8401820203a2616181046162050600", &e));
	assert_int_equal(parsed.items[0].number, 4);
	assert_int_equal(parsed.items[0].span, parsed.count);
	assert_int_equal(parsed.rest.len, 1);
	at = cbor_after(cbor_after(cbor_first(parsed.items)));
	assert_int_equal(at->kind, CBOR_MAP);
	assert_int_equal(at->number, 2);
	assert_int_equal(cbor_find(at, "b")->number, 5);
	assert_int_equal(cbor_first(cbor_find(at, "a"))->number, 4);
	assert_null(cbor_find(at, "c"));
	assert_null(cbor_find(parsed.items, "a"));
	assert_int_equal(cbor_after(at)->number, 6);
	assert_ptr_equal(cbor_after(cbor_after(at)), parsed.items + parsed.count);
}

static void containers_may_be_open(void **state)
{
	struct err e;

	(void)state;
	assert_ok(parse("bf61619f01029fffff61620cff", &e));
	assert_int_equal(parsed.items[0].number, 2);
	assert_int_equal(cbor_find(parsed.items, "a")->number, 3);
	assert_int_equal(cbor_find(parsed.items, "b")->number, 12);
	assert_int_equal(parsed.rest.len, 0);
}

static void what_is_not_wanted_is_refused(void **state)
{
	static const char *const cases[][2] = {
		{ "", "cut short" },
		{ "18", "cut short" },
		{ "4401", "cut short" },
		{ "5bffffffffffffffff00", "cut short" },
		{ "8101ff", NULL }, /* the break is behind */
		{ "82", "cut short" },
		{ "8201", "cut short" },
		{ "9a10000000", "cut short" },
		{ "ba10000000", "cut short" },
		{ "9bffffffffffffffff", "cut short" },
		{ "bbffffffffffffffff", "cut short" },
		{ "bb80000000000000010000", "cut short" },
		{ "9f01", "cut short" },
		{ "ff", "break" },
		{ "81ff", "break" },
		{ "bf6161ff", "break" },
		{ "c000", "not allowed" },
		{ "d200", "not allowed" },
		{ "d81200", "not allowed" },
		{ "f7", "not allowed" },
		{ "f0", "not allowed" },
		{ "f8ff", "not allowed" },
		{ "f93c00", "not allowed" },
		{ "fa3f800000", "not allowed" },
		{ "fb3ff0000000000000", "not allowed" },
		{ "5f4100ff", "not allowed" },
		{ "7f6161ff", "not allowed" },
		{ "1c", "not allowed" },
		{ "1f", "not allowed" },
		{ "61ff", "not allowed" },
		{ "62c080", "not allowed" },
		{ "a2616101616102", "twice" },
		{ "a201010102", "twice" },
		{ "a20101180102", "twice" },
		{ "bf410040410040ff", "twice" },
		{ "a1f401", "no name" },
		{ "a18001", "no name" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e;

		if (cases[i][1])
			assert_refused(parse(cases[i][0], &e), ERR_DATA, cases[i][1]);
		else
			assert_ok(parse(cases[i][0], &e));
	}
}

static void keys_of_different_kinds_differ(void **state)
{
	struct err e;

	(void)state;
	/* 0, -1, the byte 0 and the character 0, each with the value 0 */
	assert_ok(parse("a4"
	                "0000"
	                "2000"
	                "410000"
	                "610000",
	                &e));
	assert_int_equal(parsed.items[0].number, 4);
}

/* An array around an array, this deep. */
static int parse_nested(unsigned depth, struct err *e)
{
	uint8_t bytes[64];

	memset(bytes, 0x81, sizeof(bytes));
	bytes[depth] = 0;
	return cbor_parse(view_new(bytes, depth + 1), &parsed, e);
}

static void depth_has_a_limit(void **state)
{
	struct err e;

	(void)state;
	assert_ok(parse_nested(CBOR_DEPTH_MAX, &e));
	assert_refused(parse_nested(CBOR_DEPTH_MAX + 1, &e), ERR_DATA, "nested deeper than 8");
}

/* An array of this many zeroes. */
static int parse_many(uint16_t count, struct err *e)
{
	uint8_t bytes[1024] = { 0x99, (uint8_t)(count >> 8), (uint8_t)count };

	return cbor_parse(view_new(bytes, 3u + count), &parsed, e);
}

static void items_have_a_limit(void **state)
{
	struct err e;

	(void)state;
	assert_ok(parse_many(CBOR_ITEMS_MAX - 1, &e));
	assert_int_equal(parsed.count, CBOR_ITEMS_MAX);
	assert_refused(parse_many(CBOR_ITEMS_MAX, &e), ERR_DATA, "more than 512 items");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_are_read),
		cmocka_unit_test(what_is_written_has_the_shortest_form),
		cmocka_unit_test(a_full_buffer_refuses_more),
		cmocka_unit_test(containers_know_what_they_hold),
		cmocka_unit_test(containers_may_be_open),
		cmocka_unit_test(what_is_not_wanted_is_refused),
		cmocka_unit_test(keys_of_different_kinds_differ),
		cmocka_unit_test(depth_has_a_limit),
		cmocka_unit_test(items_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
