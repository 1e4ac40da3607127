#include "support.h"

#include "proto/pack.h"
#include "proto/request.h"
#include "proto/scan.h"

#define TEN    "101,102,103,104,105,106,107,108,109,110"
#define PACKED "gfggghgigjgkglgmgngo"

static void arrays_of_bytes_are_packed_and_nothing_else(void **state)
{
	static const struct {
		const char *text, *packed; /* NULL: as it is */
	} rows[] = {
		{ "{}", NULL },
		{ "{\"a\":[" TEN "]}", "{\"a\":\"\\u0000" PACKED "\"}" },
		{ "{\"a\":[ 101 ,102,\n103,104,105,106,107,108,109,110 ] , \"b\":1}",
		  "{\"a\":\"\\u0000" PACKED "\" , \"b\":1}" },
		{ "{\"a\":[[" TEN "],[" TEN "]]}",
		  "{\"a\":[\"\\u0000" PACKED "\",\"\\u0000" PACKED "\"]}" },
		{ "{\"a\":[" TEN ",0,255]}", "{\"a\":\"\\u0000" PACKED "aapp\"}" },
		/* no bytes */
		{ "{\"a\":[" TEN ",256]}", NULL },
		{ "{\"a\":[" TEN ",1000]}", NULL },
		{ "{\"a\":[" TEN ",18446744073709551615]}", NULL },
		{ "{\"a\":[" TEN ",-1]}", NULL },
		{ "{\"a\":[" TEN ",null]}", NULL },
		{ "{\"a\":[" TEN ",\"1\"]}", NULL },
		{ "{\"a\":[" TEN ",[]]}", NULL },
		{ "{\"a\":[]}", NULL },
		/* it would be longer */
		{ "{\"a\":[1,2,3]}", NULL },
		{ "{\"a\":[1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9]}", NULL },
		/* inside strings and keys */
		{ "{\"a\":\"[" TEN "]\"}", NULL },
		{ "{\"a\\\"[" TEN "]\":\"\\\\\"}", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf packed = BUF_INIT(4096);
		struct view object;
		struct err e;

		assert_ok(json_scan(view_text(rows[i].text), &scan_request, &object, &e));
		assert_ok(json_pack(object, &packed, &e));
		assert_view_equal(buf_view(&packed),
		                  view_text(rows[i].packed ? rows[i].packed : rows[i].text));
		assert_true(packed.len <= object.len);
	}
}

static void what_was_packed_is_read_back(void **state)
{
	static const uint8_t packed[] = "\0"
	                                "aapphpia";
	static const uint8_t bytes[] = { 0x00, 0xff, 0x7f, 0x80 };
	struct view string = view_new(packed, sizeof(packed) - 1);
	uint8_t read[4];

	(void)state;
	assert_true(pack_is(string));
	assert_int_equal(pack_len(string), sizeof(bytes));
	pack_read(string, read);
	assert_memory_equal(read, bytes, sizeof(bytes));
	assert_false(pack_is(view_text("")));
	assert_false(pack_is(view_text("aa")));
}

/* Whoever writes an array still hears of an array. */
static void a_packed_array_is_no_string(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ "{\"seed_phrase\":[" TEN "]}", "seed_phrase: a string expected, an array found" },
		{ "{\"seed_phrase\":\"\\u0000" PACKED "\"}", "\\u0000 in a string" },
	};
	static const struct {
		const char *text, *words;
	} lists[] = {
		{ "{\"manifest_hash\":[" TEN "],\"pcr_values\":[]}",
		  "manifest_hash: 32 bytes expected, 10 found" },
		{ "{\"manifest_hash\":[" TEN "," TEN "," TEN
		  ",1,2],\"pcr_values\":[101,102,103,104]}",
		  "pcr_values[0]: an array of bytes expected, a number found" },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct validate_seed_request q;

		assert_refused(
		    wire_decode(&validate_seed_request_schema, view_text(rows[i].text), &q, &e),
		    ERR_REQUEST, rows[i].words);
	}
	for (size_t i = 0; i < COUNT(lists); i++) {
		struct generate_attestation_request q;

		assert_refused(wire_decode(&generate_attestation_request_schema,
		                           view_text(lists[i].text), &q, &e),
		               ERR_REQUEST, lists[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrays_of_bytes_are_packed_and_nothing_else),
		cmocka_unit_test(what_was_packed_is_read_back),
		cmocka_unit_test(a_packed_array_is_no_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
