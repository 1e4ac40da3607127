#include "support.h"

#include "proto/message.h"

static struct inject_shares_request request;

static int decode_request(const char *text, struct err *e)
{
	int result = wire_decode(&inject_shares_request_schema, view_text(text), &request, e);

	if (result == 0)
		inject_shares_request_drop(&request);
	return result;
}

#define SHARE_HEAD "{\"namespace_name\":\"n\",\"namespace_nonce\":7,\"shares\":["

struct trap {
	const char *text, *words;
};

static void refuse_all(const struct trap *traps, size_t count)
{
	struct err e;

	for (size_t i = 0; i < count; i++)
		assert_refused(decode_request(traps[i].text, &e), ERR_REQUEST, traps[i].words);
}

static void the_scan_refuses_what_json_does_not_have(void **state)
{
	static const struct trap traps[] = {
		{ "", "byte 0: a JSON object expected" },
		{ "  ", "a JSON object expected" },
		{ "1", "a JSON object expected" },
		{ "\"a\"", "a JSON object expected" },
		{ "null", "a JSON object expected" },
		{ "[]", "a JSON object expected" },
		{ "\xef\xbb\xbf{}", "a JSON object expected" },
		{ "{", "a key in double quotes expected" },
		{ "{'a':1}", "a key in double quotes expected" },
		{ "{a:1}", "a key in double quotes expected" },
		{ "{\"a\"}", "byte 4: ':' expected" },
		{ "{\"a\" 1}", "':' expected" },
		{ "{\"a\":}", "a: byte 5: a JSON value expected" },
		{ "{\"a\":1,}", "a key in double quotes expected" },
		{ "{\"a\":[1,]}", "a[1]: byte 8: a JSON value expected" },
		{ "{\"a\":[1 2]}", "',' or ']' expected" },
		{ "{\"a\":1 \"b\":2}", "',' or '}' expected" },
		{ "{\"a\":NaN}", "a JSON value expected" },
		{ "{\"a\":nan}", "a JSON value expected" },
		{ "{\"a\":Infinity}", "a JSON value expected" },
		{ "{\"a\":-Infinity}", "a digit expected" },
		{ "{\"a\":True}", "a JSON value expected" },
		{ "{\"a\":nul}", "a JSON value expected" },
		{ "{\"a\":truee}", "',' or '}' expected" },
		{ "{\"a\":/*x*/1}", "a JSON value expected" },
		{ "{\"a\":1}x", "byte 7: the end expected" },
		{ "{\"a\":1}{}", "the end expected" },
		{ "{\"a\":1", "',' or '}' expected" },
		{ "{\"a\":\"", "the end inside a string" },
		{ "{\"a\":\"\\", "no such escape" },
		{ "{\"a\":\"\\x41\"}", "no such escape" },
		{ "{\"a\":\"\\u12g4\"}", "four hex digits expected" },
		{ "{\"a\":\"\\u12", "four hex digits expected" },
		{ "{\"a\":\"\t\"}", "a control character in a string" },
		{ "{\"a\":\"\n\"}", "a control character in a string" },
	};

	(void)state;
	refuse_all(traps, COUNT(traps));
}

static void the_scan_refuses_bytes_after_a_nul(void **state)
{
	static const char text[] = "{\"nonce\":[1]}\0{";
	struct live_attestation_request r = { 0 };
	struct err e;

	(void)state;
	for (size_t more = 0; more < 2; more++)
		assert_refused(wire_decode(&live_attestation_request_schema,
		                           view_new(text, 14 + more), &r, &e),
		               ERR_REQUEST, "byte 13: the end expected");
}

static void the_scan_refuses_numbers_that_are_no_plain_integers(void **state)
{
	static const struct trap traps[] = {
		{ "{\"a\":1.0}", "a: byte 6: an integer expected" },
		{ "{\"a\":1.}", "an integer expected" },
		{ "{\"a\":1e3}", "an integer expected" },
		{ "{\"a\":1E3}", "an integer expected" },
		{ "{\"a\":1e400}", "an integer expected" },
		{ "{\"a\":.5}", "a JSON value expected" },
		{ "{\"a\":+1}", "a JSON value expected" },
		{ "{\"a\":-}", "a digit expected" },
		{ "{\"a\":-0}", "-0" },
		{ "{\"a\":00}", "a leading zero" },
		{ "{\"a\":01}", "a leading zero" },
		{ "{\"a\":-01}", "a leading zero" },
		{ "{\"a\":0x1}", "',' or '}' expected" },
		{ "{\"a\":18446744073709551616}", "at most 64 bits" },
		{ "{\"a\":-9223372036854775809}", "at most 64 bits" },
		{ "{\"a\":99999999999999999999999999}", "at most 64 bits" },
	};

	(void)state;
	refuse_all(traps, COUNT(traps));
}

/* Whatever stands before it: what is written as bytes mostly are is passed by a shorter way. */
static void an_array_of_numbers_is_held_to_the_same_rules(void **state)
{
	static const struct trap traps[] = {
		{ "{\"a\":[1,12,123,01,2]}", "a[3]: byte 17: a leading zero" },
		{ "{\"a\":[1,2,012]}", "a[2]: byte 13: a leading zero" },
		{ "{\"a\":[0,00,1]}", "a[1]: byte 10: a leading zero" },
		{ "{\"a\":[7,-0,1]}", "a[1]: byte 10: -0" },
		{ "{\"a\":[7,8,1.5,1]}", "a[2]: byte 11: an integer expected" },
		{ "{\"a\":[7,8,99999999999999999999,1]}", "a[2]: byte 30: an integer of at most" },
		{ "{\"a\":[12,,3]}", "a[1]: byte 9: a JSON value expected" },
		{ "{\"a\":[12,3,]}", "a[2]: byte 11: a JSON value expected" },
		{ "{\"a\":[12,3x,4]}", "a: byte 10: ',' or ']' expected" },
		{ "{\"a\":[12,3}", "a: byte 10: ',' or ']' expected" },
		{ "{\"a\":[12,34", "a: byte 11: ',' or ']' expected" },
		{ "{\"a\":[12,345,", "a[2]: byte 13: a JSON value expected" },
	};
	static const char *const fine[] = { "{\"a\":[0,1,10,255,256,999,1000,-5,7]}",
		                            "{\"a\":[ 0 , 1,2,3 ,4,5\n,6]}" };
	struct view object;
	struct err e;

	(void)state;
	refuse_all(traps, COUNT(traps));
	for (size_t i = 0; i < COUNT(fine); i++) {
		assert_ok(json_scan(view_text(fine[i]), &scan_request, &object, &e));
		assert_int_equal(object.len, strlen(fine[i]));
	}
}

static void the_scan_refuses_text_that_is_no_text(void **state)
{
	static const struct trap traps[] = {
		{ "{\"a\":\"\\u0000\"}", "a: byte 12: \\u0000 in a string" },
		{ "{\"a\\u0000b\":1}", "\\u0000 in a string" },
		{ "{\"a\":\"\\ud800\"}", "a lone surrogate" },
		{ "{\"a\":\"\\ud800x\"}", "a lone surrogate" },
		{ "{\"a\":\"\\ud800\\u0041\"}", "a lone surrogate" },
		{ "{\"a\":\"\\ud800\\ud800\"}", "a lone surrogate" },
		{ "{\"a\":\"\\udc00\"}", "a lone surrogate" },
		{ "{\"a\":\"\\udc00\\ud800\"}", "a lone surrogate" },
		{ "{\"a\":\"\xff\"}", "not UTF-8" },
		{ "{\"a\":\"\xc0\x80\"}", "not UTF-8" },         /* overlong NUL */
		{ "{\"a\":\"\xe0\x80\xaf\"}", "not UTF-8" },     /* overlong slash */
		{ "{\"a\":\"\xed\xa0\x80\"}", "not UTF-8" },     /* a surrogate */
		{ "{\"a\":\"\xf4\x90\x80\x80\"}", "not UTF-8" }, /* past U+10FFFF */
		{ "{\"a\":\"\xc3\"}", "not UTF-8" },
		{ "{\"\xff\":1}", "not UTF-8" },
	};

	(void)state;
	refuse_all(traps, COUNT(traps));
}

static void repeated_keys_are_named(void **state)
{
	static const struct trap traps[] = {
		{ "{\"a\":1,\"a\":1}", "a: repeated key" },
		{ "{\"a\":1,\"b\":2,\"\\u0061\":1}", "repeated key" },
		{ "{\"x\":[{},{\"\xc3\xa9\":1,\"\\u00e9\":2}]}", "repeated key" },
		{ "{\"x\":{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2}}", "repeated key" },
		{ "{\"\xe2\x82\xac\":1,\"\\u20AC\":2}", "repeated key" },
		{ "{\"\\n\":1,\"\\u000a\":2}", "repeated key" },
		{ "{\"\\/\":1,\"/\":2}", "repeated key" },
		{ "{\"x\":[{},{\"k\":1,\"k\":2}]}", "x[1].k: repeated key" },
		{ "{\"\":1,\"\":2}", "repeated key" },
	};

	(void)state;
	refuse_all(traps, COUNT(traps));
}

static void a_key_may_stand_in_two_objects(void **state)
{
	struct err e;

	(void)state;
	assert_ok(
	    decode_request(SHARE_HEAD "{\"member_alias\":\"a\"},{\"member_alias\":\"b\"}]}", &e));
}

/* {"a":[[[...]]]} of depth containers. */
static void nested(unsigned depth, struct buf *to)
{
	struct err e;

	assert_ok(buf_add_text(to, "{\"a\":", &e));
	for (unsigned i = 1; i < depth; i++)
		assert_ok(buf_add_u8(to, '[', &e));
	assert_ok(buf_add_u8(to, '1', &e));
	for (unsigned i = 1; i < depth; i++)
		assert_ok(buf_add_u8(to, ']', &e));
	assert_ok(buf_add_u8(to, '}', &e));
}

static void nesting_ends_at_sixteen(void **state)
{
	AUTO(buf) struct buf fits = BUF_INIT(200);
	AUTO(buf) struct buf deep = BUF_INIT(200);
	AUTO(buf) struct buf canonical = BUF_INIT(200);
	struct err e;

	(void)state;
	nested(WIRE_DEPTH_MAX, &fits);
	nested(WIRE_DEPTH_MAX + 1, &deep);
	assert_ok(wire_canonical(buf_view(&fits), &canonical, &e));
	assert_refused(wire_canonical(buf_view(&deep), &canonical, &e), ERR_REQUEST,
	               "nested deeper than 16");
}

/* {"a":[x,x,..]} */
static void repeated_item(const char *item, size_t count, struct buf *to)
{
	struct err e;

	assert_ok(buf_add_text(to, "{\"a\":[", &e));
	for (size_t i = 0; i < count; i++) {
		if (i)
			assert_ok(buf_add_u8(to, ',', &e));
		assert_ok(buf_add_text(to, item, &e));
	}
	assert_ok(buf_add_text(to, "]}", &e));
}

static void what_costs_too_much_is_refused_before_a_tree(void **state)
{
	static const struct {
		const char *item;
		size_t fits; /* 32 for the two containers around */
	} cases[] = {
		{ "0", WIRE_COST_MAX - 32 + 1 },
		{ "{}", (WIRE_COST_MAX - 32 + 1) / 17 },
		{ "[0]", (WIRE_COST_MAX - 32 + 1) / 17 },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO(buf) struct buf fits = BUF_INIT(WIRE_TEXT_MAX);
		AUTO(buf) struct buf more = BUF_INIT(WIRE_TEXT_MAX);
		struct view object;

		repeated_item(cases[i].item, cases[i].fits, &fits);
		repeated_item(cases[i].item, cases[i].fits + 1, &more);
		assert_ok(json_scan(buf_view(&fits), &scan_request, &object, &e));
		assert_refused(json_scan(buf_view(&more), &scan_request, &object, &e), ERR_REQUEST,
		               "more than 200000 commas and brackets");
	}
}

static void an_object_of_keys(size_t count, struct buf *to)
{
	struct err e;

	assert_ok(buf_add_text(to, "{\"a\":[0,{", &e));
	for (size_t i = 0; i < count; i++)
		assert_ok(buf_add_format(to, &e, "%s\"k%zu\":{\"x\":0}", i ? "," : "", i));
	assert_ok(buf_add_text(to, "}]}", &e));
}

/* Each object is counted by itself: what those inside have does not add up. */
static void an_object_of_more_than_64_keys_is_refused_by_its_place(void **state)
{
	const struct scan_limits *limits[] = { &scan_request, &scan_reply };
	AUTO(buf) struct buf fits = BUF_INIT(WIRE_TEXT_MAX);
	AUTO(buf) struct buf more = BUF_INIT(WIRE_TEXT_MAX);
	struct view object;
	struct err e;

	(void)state;
	an_object_of_keys(WIRE_KEYS_MAX, &fits);
	an_object_of_keys(WIRE_KEYS_MAX + 1, &more);
	for (size_t i = 0; i < COUNT(limits); i++) {
		assert_ok(json_scan(buf_view(&fits), limits[i], &object, &e));
		assert_refused(json_scan(buf_view(&more), limits[i], &object, &e), ERR_REQUEST,
		               "a[1]: more than 64 keys");
	}
}

static void a_text_ends_at_its_limit(void **state)
{
	AUTO(buf) struct buf text = BUF_INIT(WIRE_TEXT_MAX + 1);
	struct view object;
	uint8_t *to;
	struct err e;

	(void)state;
	assert_ok(buf_reserve(&text, WIRE_TEXT_MAX + 1, &to, &e));
	memset(to, ' ', WIRE_TEXT_MAX + 1);
	memcpy(to, "{}", 2);
	buf_commit(&text, WIRE_TEXT_MAX + 1);
	assert_ok(json_scan(view_new(text.data, WIRE_TEXT_MAX), &scan_request, &object, &e));
	assert_int_equal(object.len, 2);
	assert_refused(json_scan(buf_view(&text), &scan_request, &object, &e), ERR_REQUEST,
	               "more than 1048576 bytes");
}

static void fields_are_refused_by_their_path(void **state)
{
	static const struct trap traps[] = {
		{ "{}", "namespace_name: missing" },
		{ "{\"namespace_nam\":\"n\"}",
		  "namespace_nam: unknown field, did you mean 'namespace_name'?" },
		{ "{\"foo\":1}", "foo: unknown field" },
		{ "{\"\":1}", "unknown field" },
		{ "{\"namespace_name\":1}", "namespace_name: a string expected, a number found" },
		{ "{\"namespace_name\":\"\"}",
		  "namespace_name: 1 to 128 bytes of text expected, 0 found" },
		{ "{\"namespace_name\":null}", "namespace_name: a string expected, null found" },
		{ "{\"namespace_name\":\"n\",\"namespace_nonce\":\"5\"}",
		  "namespace_nonce: an integer expected, a string found" },
		{ "{\"namespace_name\":\"n\",\"namespace_nonce\":true}",
		  "namespace_nonce: an integer expected, a boolean found" },
		{ "{\"namespace_name\":\"n\",\"namespace_nonce\":-1}",
		  "namespace_nonce: an integer from 0 to 4294967295 expected" },
		{ "{\"namespace_name\":\"n\",\"namespace_nonce\":4294967296}",
		  "namespace_nonce: an integer from 0 to 4294967295 expected" },
		{ "{\"namespace_name\":\"n\",\"namespace_nonce\":18446744073709551615}",
		  "namespace_nonce: an integer from 0 to 4294967295 expected" },
		{ "{\"namespace_name\":\"n\",\"namespace_nonce\":1,\"shares\":{}}",
		  "shares: an array expected, an object found" },
		{ SHARE_HEAD "]}", "shares: 1 to 1024 items expected, 0 found" },
		{ SHARE_HEAD "7]}", "shares[0]: an object expected, a number found" },
		{ SHARE_HEAD
		  "{\"member_alias\":\"a\"},{\"member_alias\":\"b\",\"signature\":[1]}]}",
		  "shares[1].signature: 64 bytes expected, 1 found" },
		{ SHARE_HEAD "{\"member_alias\":\"b\",\"signature\":\"00\"}]}",
		  "shares[0].signature: an array of bytes expected, a string found" },
		{ SHARE_HEAD "{\"member_alias\":\"b\",\"signature\":null}]}",
		  "shares[0].signature: an array of bytes expected, null found" },
		{ SHARE_HEAD "{\"member_alias\":\"b\",\"signature\":[1],\"signatur\":[]}]}",
		  "shares[0].signatur: unknown field, did you mean 'signature'?" },
	};

	(void)state;
	refuse_all(traps, COUNT(traps));
}

static void bytes_are_integers_from_0_to_255(void **state)
{
	static const char *const items[] = {
		"256", "-1", "\"5\"", "true", "null", "[1]", "18446744073709551615"
	};
	struct live_attestation_request r = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(items); i++) {
		AUTO(buf) struct buf text = BUF_INIT(100);

		assert_ok(buf_add_format(&text, &e, "{\"nonce\":[0,255,%s]}", items[i]));
		assert_refused(
		    wire_decode(&live_attestation_request_schema, buf_view(&text), &r, &e),
		    ERR_REQUEST, "nonce[2]: an integer from 0 to 255 expected");
	}
	assert_null(r.nonce.data);
}

static void a_refused_message_is_untouched(void **state)
{
	struct inject_shares_request r;
	struct err e;

	(void)state;
	memset(&r, 0x5a, sizeof(r));
	assert_refused(wire_decode(&inject_shares_request_schema,
	                           view_text(SHARE_HEAD "{\"member_alias\":\"a\"},{}]}"), &r, &e),
	               ERR_REQUEST, "shares[1].member_alias: missing");
	for (size_t i = 0; i < sizeof(r); i++)
		assert_int_equal(((uint8_t *)&r)[i], 0x5a);
}

static void surrogate_pairs_and_escapes_become_utf8(void **state)
{
	AUTO(inject_shares_request) struct inject_shares_request r = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(1000);
	const struct submitted_share *share;
	struct err e;

	(void)state;
	assert_ok(wire_decode(&inject_shares_request_schema,
	                      view_text(SHARE_HEAD "{\"member_alias\":"
	                                           "\"\\ud83d\\ude00\\u00E9\\n\\/\\\"\\\\\"}]}"),
	                      &r, &e));
	share = r.shares.items;
	assert_string_equal(buf_text(&share->member_alias), "\xf0\x9f\x98\x80\xc3\xa9\n/\"\\");
	assert_ok(wire_encode(&inject_shares_request_schema, &r, &text, &e));
	assert_string_equal(buf_text(&text), SHARE_HEAD
	                    "{\"member_alias\":\"\xf0\x9f\x98\x80\xc3\xa9\\n/\\\"\\\\\"}]}");
}

static void what_is_not_utf8_is_written_as_replacement(void **state)
{
	AUTO(error_reply) struct error_reply r = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(1000);
	struct err e;

	(void)state;
	assert_ok(wire_set_text(&r.error, "cut \xc3", &e));
	assert_ok(wire_set_text(&r.request_id, "\x01\x7f\xff", &e));
	assert_ok(wire_encode(&error_reply_schema, &r, &text, &e));
	assert_string_equal(buf_text(&text), "{\"error\":\"cut \xef\xbf\xbd\",\"code\":0,"
	                                     "\"request_id\":\"\\u0001\x7f\xef\xbf\xbd\"}");
}

static void a_wrapper_fills_its_struct_and_is_released_once(void **state)
{
	static const char text[] =
	    "{\"id\":\"x\",\"result\":{\"LiveAttestationResponse\":{\"attestation_doc\":[1,2]}}}";
	struct attestation_reply r = { 0 };
	AUTO(buf) struct buf again = BUF_INIT(1000);
	struct err e;

	(void)state;
	assert_ok(wire_decode(&live_attestation_reply_schema, view_text(text), &r, &e));
	assert_string_equal(buf_text(&r.id), "x");
	assert_int_equal(r.attestation_doc.len, 2);
	assert_ok(wire_encode(&live_attestation_reply_schema, &r, &again, &e));
	assert_string_equal(buf_text(&again), text);
	attestation_reply_drop(&r);
	attestation_reply_drop(&r);
	assert_refused(wire_decode(&generate_attestation_reply_schema, view_text(text), &r, &e),
	               ERR_REQUEST, "result.LiveAttestationResponse: unknown field");
}

static void nullable_fields_are_null_and_optional_ones_left_out(void **state)
{
	AUTO(status_reply) struct status_reply s = { 0 };
	AUTO(status_reply) struct status_reply back = { 0 };
	AUTO(inject_shares_reply) struct inject_shares_reply i = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(2000);
	struct err e;

	(void)state;
	assert_ok(wire_encode(&status_reply_schema, &s, &text, &e));
	assert_non_null(strstr(buf_text(&text), "\"threshold\":null,\"members\":null"));
	assert_non_null(strstr(buf_text(&text), "\"namespace\":null"));
	assert_ok(wire_decode(&status_reply_schema, buf_view(&text), &back, &e));
	assert_false(back.has_threshold || back.has_namespace || back.has_manifest_hash);
	buf_clear(&text);
	assert_ok(wire_encode(&inject_shares_reply_schema, &i, &text, &e));
	assert_null(strstr(buf_text(&text), "receipt\""));
}

static void pretty_json_is_the_same_message(void **state)
{
	AUTO(inject_shares_request) struct inject_shares_request r = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(1000);
	struct err e;

	(void)state;
	assert_ok(wire_decode(&inject_shares_request_schema,
	                      view_text(SHARE_HEAD "{\"member_alias\":\"a\"}]}"), &r, &e));
	assert_ok(wire_encode_pretty(&inject_shares_request_schema, &r, &text, &e));
	assert_string_equal(buf_text(&text), "{\n  \"namespace_name\": \"n\",\n"
	                                     "  \"namespace_nonce\": 7,\n  \"shares\": [\n    {\n"
	                                     "      \"member_alias\": \"a\"\n    }\n  ]\n}");
	assert_ok(decode_request(buf_text(&text), &e));
}

static void all_byte_values_are_written_in_decimal(void **state)
{
	AUTO(live_attestation_request) struct live_attestation_request r = { 0 };
	AUTO(live_attestation_request) struct live_attestation_request back = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(2000);
	AUTO(buf) struct buf expected = BUF_INIT(2000);
	uint8_t all[256];
	struct err e;

	(void)state;
	assert_ok(buf_add_text(&expected, "{\"nonce\":[", &e));
	for (unsigned i = 0; i < sizeof(all); i++) {
		all[i] = (uint8_t)i;
		assert_ok(buf_add_format(&expected, &e, "%s%u", i ? "," : "", i));
	}
	assert_ok(buf_add_text(&expected, "]}", &e));
	assert_ok(wire_set(&r.nonce, VIEW_OF(all), &e));
	assert_ok(wire_encode(&live_attestation_request_schema, &r, &text, &e));
	assert_string_equal(buf_text(&text), buf_text(&expected));
	assert_ok(wire_decode(&live_attestation_request_schema, buf_view(&text), &back, &e));
	assert_view_equal(buf_view(&back.nonce), VIEW_OF(all));
}

static void lists_grow_and_keep_what_they_hold(void **state)
{
	AUTO(status_reply) struct status_reply s = { 0 };
	struct alias_item *item;
	char name[32];
	struct err e;

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_ok(wire_list_add(&s.shares_missing, &alias_item_schema, &item, &e));
		assert_null(item->alias.data);
		snprintf(name, sizeof(name), "member%d", i);
		assert_ok(wire_set_text(&item->alias, name, &e));
	}
	assert_int_equal(s.shares_missing.count, 100);
	item = s.shares_missing.items;
	assert_string_equal(buf_text(&item[37].alias), "member37");
}

/* A list that came out of JSON has room for what is added, however many it had. */
static void decoded_lists_grow_too(void **state)
{
	struct err e;

	(void)state;
	for (size_t count = 0; count < 20; count++) {
		AUTO(buf) struct buf text = BUF_INIT(4096);
		AUTO(inject_shares_reply) struct inject_shares_reply r = { 0 };
		struct alias_item *item;

		assert_ok(buf_add_text(&text,
		                       "{\"reconstructed_quorum_key\":[],\"success\":true,"
		                       "\"shares_received\":0,\"threshold\":2,\"rejected\":[",
		                       &e));
		for (size_t i = 0; i < count; i++)
			assert_ok(buf_add_text(&text, i ? ",\"m\"" : "\"m\"", &e));
		assert_ok(buf_add_text(&text, "],\"unresolved\":false}", &e));
		assert_ok(wire_decode(&inject_shares_reply_schema, buf_view(&text), &r, &e));
		for (size_t i = 0; i < 20; i++) {
			assert_ok(wire_list_add(&r.rejected, &alias_item_schema, &item, &e));
			assert_ok(wire_set_text(&item->alias, "added", &e));
		}
		item = r.rejected.items;
		assert_int_equal(r.rejected.count, count + 20);
		for (size_t i = 0; i < r.rejected.count; i++)
			assert_string_equal(buf_text(&item[i].alias), i < count ? "m" : "added");
	}
}

static void names_hold_a_few_characters_only(void **state)
{
	struct genesis_request r = { 0 };
	struct err e;

	(void)state;
	assert_refused(
	    wire_decode(&genesis_request_schema, view_text("{\"namespace_name\":\"a b\"}"), &r, &e),
	    ERR_REQUEST, "namespace_name: only letters, digits and ._/- expected");
}

static void encoding_ends_at_the_limit_of_the_buffer(void **state)
{
	AUTO(error_reply) struct error_reply r = { 0 };
	AUTO(buf) struct buf text = BUF_INIT(10);
	struct err e;

	(void)state;
	assert_refused(wire_encode(&error_reply_schema, &r, &text, &e), ERR_TOO_LARGE,
	               "more than 10 bytes");
}

static void canonical_vectors_hold(void **state)
{
	AUTO(json) json_object *all = vector_json("qos/qos_json_vectors.json");
	json_object *cases = json_at(all, "canon");
	struct err e;

	(void)state;
	for (size_t i = 0; i < json_object_array_length(cases); i++) {
		json_object *pair = json_object_array_get_idx(cases, i);
		AUTO(buf) struct buf out = BUF_INIT(10000);
		const char *input = json_object_get_string(json_object_array_get_idx(pair, 0));

		assert_ok(wire_canonical(view_text(input), &out, &e));
		assert_string_equal(buf_text(&out),
		                    json_object_get_string(json_object_array_get_idx(pair, 1)));
	}
}

static void canonical_hashes_hold(void **state)
{
	AUTO(json) json_object *all = vector_json("qos/qos_json_vectors.json");
	json_object *cases = json_at(all, "hash");
	struct err e;

	(void)state;
	for (size_t i = 0; i < json_object_array_length(cases); i++) {
		json_object *c = json_object_array_get_idx(cases, i), *input = NULL;
		AUTO(buf) struct buf out = BUF_INIT(10000);
		AUTO(buf) struct buf expected = json_hex(c, "sha256");
		const char *text = json_object_object_get_ex(c, "input", &input)
		                       ? json_object_get_string(input)
		                       : json_text(c, "canonical");
		struct hash256 hash;

		assert_ok(wire_canonical(view_text(text), &out, &e));
		assert_string_equal(buf_text(&out), json_text(c, "canonical"));
		assert_ok(sha256(buf_view(&out), &hash, &e));
		assert_view_equal(VIEW_OF(hash.bytes), buf_view(&expected));
	}
}

static void canonical_rejects_hold(void **state)
{
	AUTO(json) json_object *all = vector_json("qos/qos_json_vectors.json");
	json_object *cases = json_at(all, "reject");
	struct err e;

	(void)state;
	for (size_t i = 0; i < json_object_array_length(cases); i++) {
		AUTO(buf) struct buf out = BUF_INIT(10000);
		const char *input = json_object_get_string(json_object_array_get_idx(cases, i));

		assert_refused(wire_canonical(view_text(input), &out, &e), ERR_REQUEST,
		               "an integer expected");
	}
}

/* The vectors list the keys in their order; each is given the value of its place. */
static void canonical_keys_are_in_utf16_order(void **state)
{
	AUTO(json) json_object *all = vector_json("qos/qos_json_vectors.json");
	json_object *keys = json_at(all, "key_order_utf16");
	AUTO(json) json_object *object = json_object_new_object();
	AUTO(buf) struct buf out = BUF_INIT(10000);
	size_t count = json_object_array_length(keys);
	const char *at;
	struct err e;

	(void)state;
	for (size_t i = count; i > 0; i--)
		json_object_object_add(
		    object, json_object_get_string(json_object_array_get_idx(keys, i - 1)),
		    json_object_new_int((int)i + 99));
	assert_ok(wire_canonical(view_text(json_object_to_json_string(object)), &out, &e));
	at = buf_text(&out);
	for (size_t i = 1; i <= count; i++) {
		char value[16];

		snprintf(value, sizeof(value), ":\"%zu\"", i + 99);
		at = strstr(at, value);
		assert_non_null(at);
	}
}

static void canonical_text_is_escaped_as_serde_does(void **state)
{
	AUTO(buf) struct buf out = BUF_INIT(1000);
	struct err e;

	(void)state;
	assert_ok(
	    wire_canonical(view_text("{ \"a\" : \"\\/\\u0008\\f\\r\\t\\u001F\\u007f\\u00e9\" , "
	                             "\"n\":[18446744073709551615,-9223372036854775808,0] }"),
	                   &out, &e));
	assert_string_equal(buf_text(&out),
	                    "{\"a\":\"/\\b\\f\\r\\t\\u001f\x7f\xc3\xa9\","
	                    "\"n\":[\"18446744073709551615\",\"-9223372036854775808\",\"0\"]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_scan_refuses_what_json_does_not_have),
		cmocka_unit_test(the_scan_refuses_bytes_after_a_nul),
		cmocka_unit_test(the_scan_refuses_numbers_that_are_no_plain_integers),
		cmocka_unit_test(an_array_of_numbers_is_held_to_the_same_rules),
		cmocka_unit_test(the_scan_refuses_text_that_is_no_text),
		cmocka_unit_test(repeated_keys_are_named),
		cmocka_unit_test(a_key_may_stand_in_two_objects),
		cmocka_unit_test(nesting_ends_at_sixteen),
		cmocka_unit_test(what_costs_too_much_is_refused_before_a_tree),
		cmocka_unit_test(an_object_of_more_than_64_keys_is_refused_by_its_place),
		cmocka_unit_test(a_text_ends_at_its_limit),
		cmocka_unit_test(fields_are_refused_by_their_path),
		cmocka_unit_test(bytes_are_integers_from_0_to_255),
		cmocka_unit_test(a_refused_message_is_untouched),
		cmocka_unit_test(surrogate_pairs_and_escapes_become_utf8),
		cmocka_unit_test(what_is_not_utf8_is_written_as_replacement),
		cmocka_unit_test(a_wrapper_fills_its_struct_and_is_released_once),
		cmocka_unit_test(nullable_fields_are_null_and_optional_ones_left_out),
		cmocka_unit_test(pretty_json_is_the_same_message),
		cmocka_unit_test(all_byte_values_are_written_in_decimal),
		cmocka_unit_test(lists_grow_and_keep_what_they_hold),
		cmocka_unit_test(decoded_lists_grow_too),
		cmocka_unit_test(names_hold_a_few_characters_only),
		cmocka_unit_test(encoding_ends_at_the_limit_of_the_buffer),
		cmocka_unit_test(canonical_vectors_hold),
		cmocka_unit_test(canonical_hashes_hold),
		cmocka_unit_test(canonical_rejects_hold),
		cmocka_unit_test(canonical_keys_are_in_utf16_order),
		cmocka_unit_test(canonical_text_is_escaped_as_serde_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
