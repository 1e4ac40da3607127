/* What a document must look like. Nothing here is signed: parsing comes first. */
#include "support.h"

#include "attest/cbor.h"
#include "attest/document.h"

#define HEADER_ES384 "a1013822"

/* The fields of a payload as CBOR in hex, in the order of real ones; NULL: left out. */
enum {
	MODULE_ID,
	DIGEST,
	TIMESTAMP,
	PCRS,
	CERTIFICATE,
	CABUNDLE,
	PUBLIC_KEY,
	USER_DATA,
	NONCE,
	FIELDS
};

static const char *const names[FIELDS] = { "module_id",  "digest",      "timestamp",
	                                   "pcrs",       "certificate", "cabundle",
	                                   "public_key", "user_data",   "nonce" };

#define ZERO_16 "00000000000000000000000000000000"
#define PCR_48  "5830" ZERO_16 ZERO_16 ZERO_16

struct content {
	const char *fields[FIELDS];
	const char *extra; /* key and value behind them */
	bool is_open;      /* an indefinite map */
};

static const struct content usual = { .fields = {
	                                  [MODULE_ID] = "6178",
	                                  [DIGEST] = "66534841333834",
	                                  [TIMESTAMP] = "1b00000181d3dffcd4",
	                                  [PCRS] = "a100" PCR_48,
	                                  [CERTIFICATE] = "4100",
	                                  [CABUNDLE] = "814100",
	                                  [PUBLIC_KEY] = "f6",
	                                  [USER_DATA] = "f6",
	                                  [NONCE] = "f6",
	                              } };

static void add_hex(struct buf *to, const char *hex)
{
	struct err e;

	assert_ok(hex_parse(view_text(hex), to, &e));
}

static struct buf payload_of(const struct content *c)
{
	struct buf b = BUF_INIT(65536);
	size_t pairs = c->extra != NULL;
	struct err e;

	for (unsigned i = 0; i < FIELDS; i++)
		pairs += c->fields[i] != NULL;
	if (c->is_open)
		add_hex(&b, "bf");
	else
		assert_ok(cbor_add_map(&b, pairs, &e));
	for (unsigned i = 0; i < FIELDS; i++) {
		if (!c->fields[i])
			continue;
		assert_ok(cbor_add_key(&b, names[i], &e));
		add_hex(&b, c->fields[i]);
	}
	if (c->extra)
		add_hex(&b, c->extra);
	if (c->is_open)
		add_hex(&b, "ff");
	return b;
}

/* before, protected header, unprotected, payload, a signature of this length, after; in hex where
 * not NULL */
struct wrapping {
	const char *before, *header, *unprotected, *after;
	size_t signature_len;
};

static const struct wrapping plain = { "84", HEADER_ES384, "a0", "", 96 };

static struct buf wrap(const struct wrapping *w, struct view payload)
{
	const uint8_t signature[200] = { 1 };
	AUTO(buf) struct buf header = bytes_of_hex(w->header);
	struct buf b = BUF_INIT(65536);
	struct err e;

	add_hex(&b, w->before);
	assert_ok(cbor_add_bytes(&b, buf_view(&header), &e));
	add_hex(&b, w->unprotected);
	assert_ok(cbor_add_bytes(&b, payload, &e));
	assert_ok(cbor_add_bytes(&b, view_new(signature, w->signature_len), &e));
	add_hex(&b, w->after);
	return b;
}

static int parse(struct view document, struct attestation_claims *ret, struct err *e)
{
	memset(e, 0, sizeof(*e));
	return attestation_parse(document, ret, e);
}

/* Read to be shown it says the same reason, and is never verified. */
static void expect_read(struct view document, const char *reason, const char *what)
{
	AUTO(attestation_claims) struct attestation_claims c = { 0 };
	AUTO(attestation) struct attestation a = { 0 };
	const struct attestation_policy anything = { .chain_time_unix = 1 };
	struct err fault, e;

	if (attestation_read(document, &c, &fault, &e) < 0) {
		if (!reason || !strstr(e.reason, "structure"))
			fail_msg("%s: not read: %s", what, e.text);
		return;
	}
	if (strcmp(fault.reason, reason ? reason : "") != 0)
		fail_msg("%s: read with '%s' (%s), expected '%s'", what, fault.reason, fault.text,
		         reason);
	assert_int_equal(c.is_unfit, reason != NULL);
	if (reason)
		assert_refused(attestation_verify(&c, &anything, &a, &e), ERR_ATTESTATION,
		               "it was read, not parsed");
}

/* reason NULL: accepted */
static void expect(struct view document, const char *reason, const char *what)
{
	AUTO(attestation_claims) struct attestation_claims c = { 0 };
	struct err e;
	int outcome = parse(document, &c, &e);

	expect_read(document, reason, what);
	if (!reason) {
		if (outcome < 0)
			fail_msg("%s: %s (%s)", what, e.text, e.reason);
		return;
	}
	if (outcome == 0)
		fail_msg("%s: accepted", what);
	if (e.code != ERR_ATTESTATION || strcmp(e.reason, reason) != 0)
		fail_msg("%s: '%s' (%s), expected '%s'", what, e.reason, e.text, reason);
	assert_true(view_is_zero(view_new(&c, sizeof(c))));
}

static void expect_content(const struct content *content, const char *reason, const char *what)
{
	AUTO(buf) struct buf payload = payload_of(content);
	AUTO(buf) struct buf document = wrap(&plain, buf_view(&payload));

	expect(buf_view(&document), reason, what);
}

static void expect_field(unsigned field, const char *hex, const char *reason)
{
	struct content c = usual;

	c.fields[field] = hex;
	expect_content(&c, reason, names[field]);
}

/* A byte string of len zeroes, as CBOR in hex. */
static const char *zeroes(size_t len)
{
	static char text[2 * 2000];
	static const uint8_t bytes[1100];
	AUTO(buf) struct buf b = BUF_INIT(sizeof(bytes) + 3);
	struct err e;

	assert_ok(cbor_add_bytes(&b, view_new(bytes, len), &e));
	hex_write(buf_view(&b), text);
	return text;
}

static void the_usual_document_is_read(void **state)
{
	AUTO(buf) struct buf payload = payload_of(&usual);
	AUTO(buf) struct buf document = wrap(&plain, buf_view(&payload));
	AUTO(attestation_claims) struct attestation_claims c = { 0 };
	struct err e;

	(void)state;
	assert_ok(parse(buf_view(&document), &c, &e));
	assert_view_equal(c.payload, buf_view(&payload));
	assert_view_equal(c.module_id, view_text("x"));
	assert_int_equal(c.timestamp_ms, 0x181d3dffcd4);
	assert_int_equal(c.cabundle_count, 1);
	assert_int_equal(c.pcrs.values[0].len, 48);
	assert_int_equal(c.pcrs.values[1].len, 0);
	assert_int_equal(c.signature.len, 96);
	assert_false(c.nonce.is_present);
	assert_true(c.payload.data >= c.bytes.data && c.payload.data < c.bytes.data + c.bytes.len);
}

/* What is beyond its bounds is left out or shown as it is, and all else stands there. */
static void a_document_that_is_refused_is_read_as_far_as_it_goes(void **state)
{
	struct content faulty = usual;

	(void)state;
	faulty.fields[DIGEST] = "66534841323536";
	faulty.fields[TIMESTAMP] = "00";
	faulty.fields[PCRS] = "a3"
	                      "0041ff"
	                      "1863" PCR_48 "02" PCR_48;
	faulty.fields[CABUNDLE] = "82404100";
	faulty.fields[USER_DATA] = "4107";

	AUTO(buf) struct buf payload = payload_of(&faulty);
	AUTO(buf) struct buf document = wrap(&plain, buf_view(&payload));
	AUTO(attestation_claims) struct attestation_claims c = { 0 };
	struct err fault, e;

	assert_ok(attestation_read(buf_view(&document), &c, &fault, &e));
	assert_string_equal(fault.reason, "InvalidDigest");
	assert_view_equal(c.digest, view_text("SHA256"));
	assert_int_equal(c.timestamp_ms, 0);
	assert_int_equal(c.pcrs.values[0].len, 0);
	assert_int_equal(c.pcrs.values[2].len, 48);
	assert_int_equal(c.cabundle_count, 1);
	assert_int_equal(c.cabundle[0].len, 1);
	assert_int_equal(c.certificate.len, 1);
	assert_int_equal(c.user_data.value.len, 1);
}

static void encodings_that_say_the_same_are_read(void **state)
{
	struct content c = usual;

	(void)state;
	c.is_open = true;
	expect_content(&c, NULL, "an indefinite map");
	c = usual;
	c.fields[PUBLIC_KEY] = c.fields[USER_DATA] = c.fields[NONCE] = NULL;
	expect_content(&c, NULL, "absent for null");
	expect_field(PCRS, "bf00" PCR_48 "ff", NULL);
	expect_field(CABUNDLE, "9f4100ff", NULL);
	c = usual;
	c.extra = "6161820102"; /* "a": [1, 2] */
	expect_content(&c, NULL, "a key that is not known yet");
}

static void the_wrapping_is_four_parts(void **state)
{
	AUTO(buf) struct buf payload = payload_of(&usual);
	static const struct {
		struct wrapping w;
		const char *reason;
	} cases[] = {
		{ { "d284", HEADER_ES384, "a0", "", 96 }, NULL },
		{ { "9f", HEADER_ES384, "a0", "ff", 96 }, NULL },
		{ { "84", "a201382204426162", "a0", "", 96 }, NULL },
		{ { "84", HEADER_ES384, "a10442abcd", "", 96 }, NULL },
		{ { "d184", HEADER_ES384, "a0", "", 96 }, "cose:structure" },
		{ { "d2d284", HEADER_ES384, "a0", "", 96 }, "cose:structure" },
		{ { "d83d84", HEADER_ES384, "a0", "", 96 }, "cose:structure" },
		{ { "83", HEADER_ES384, "a0", "", 96 }, "cose:structure" },
		{ { "85", HEADER_ES384, "a0", "", 96 }, "cose:structure" },
		{ { "85", HEADER_ES384, "a0", "00", 96 }, "cose:structure" },
		{ { "84", HEADER_ES384, "f6", "", 96 }, "cose:structure" },
		{ { "84", HEADER_ES384, "40", "", 96 }, "cose:structure" },
		{ { "84", HEADER_ES384, "a201000100", "", 96 }, "cose:structure" },
		{ { "84", "00", "a0", "", 96 }, "cose:structure" },
		{ { "84", "a1013822ff", "a0", "", 96 }, "cose:structure" },
		{ { "84", "a2013822013822", "a0", "", 96 }, "cose:structure" },
		{ { "84", "a2013822028104", "a0", "", 96 }, "cose:structure" },
		{ { "84", HEADER_ES384, "a0", "00", 96 }, "cose:trailing" },
		{ { "d284", HEADER_ES384, "a0", "00", 96 }, "cose:trailing" },
		{ { "84", "", "a0", "", 96 }, "cose:alg" },
		{ { "84", "a0", "a0", "", 96 }, "cose:alg" },
		{ { "84", "a10126", "a0", "", 96 }, "cose:alg" },
		{ { "84", "a1011822", "a0", "", 96 }, "cose:alg" },
		{ { "84", "a101654553333834", "a0", "", 96 }, "cose:alg" },
		{ { "84", "a10126", "a0", "", 95 }, "cose:alg" },
		{ { "84", HEADER_ES384, "a0", "", 95 }, "cose:siglen" },
		{ { "84", HEADER_ES384, "a0", "", 97 }, "cose:siglen" },
		{ { "84", HEADER_ES384, "a0", "", 0 }, "cose:siglen" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO(buf) struct buf document = { 0 };
		char what[32];

		document = wrap(&cases[i].w, buf_view(&payload));
		snprintf(what, sizeof(what), "case %zu", i);
		expect(buf_view(&document), cases[i].reason, what);
	}
}

static void no_part_of_a_document_is_a_document(void **state)
{
	AUTO(buf) struct buf document = vector_file("qos/mock_nsm/setup_doc.cose");

	(void)state;
	expect(buf_view(&document), NULL, "the whole");
	for (size_t len = 0; len < document.len; len++)
		expect(view_new(document.data, len), "cose:structure", "a part");
}

static void a_document_has_a_greatest_size(void **state)
{
	AUTO(buf) struct buf document = BUF_INIT(DOCUMENT_MAX + 1);
	uint8_t *at;
	struct err e;

	(void)state;
	assert_ok(buf_reserve(&document, DOCUMENT_MAX + 1, &at, &e));
	memset(at, 0, DOCUMENT_MAX + 1);
	buf_commit(&document, DOCUMENT_MAX + 1);
	expect(buf_view(&document), "cose:structure", "too large");
}

static void fields_are_there_and_of_their_type(void **state)
{
	static const char *const others[] = { "00",   "20",      "4100",
		                              "6178", "80",      "a0",
		                              "f5",   "f7",      "fb3ff0000000000000",
		                              "c000", "5f6161ff" };

	(void)state;
	for (unsigned field = 0; field < FIELDS; field++) {
		AUTO(buf) struct buf own = bytes_of_hex(usual.fields[field]);
		bool is_optional = field >= PUBLIC_KEY;

		expect_field(field, NULL, is_optional ? NULL : "payload:structure");
		if (!is_optional)
			expect_field(field, "f6", "payload:structure");
		for (size_t i = 0; i < COUNT(others); i++) {
			AUTO(buf) struct buf other = bytes_of_hex(others[i]);
			uint8_t type = is_optional ? 2 : own.data[0] >> 5;

			if (other.data[0] >> 5 != type || other.data[0] == 0x5f)
				expect_field(field, others[i], "payload:structure");
		}
	}
}

/* What has chunks is what it would be without, in the payload and around it. */
static void strings_may_come_in_chunks(void **state)
{
	static const char *const bytes[] = { "5f4100ff", "5f404100ff", "5f5801004040ff" };
	AUTO(attestation_claims) struct attestation_claims claims = { 0 };
	AUTO(buf) struct buf payload = { 0 };
	AUTO(buf) struct buf document = BUF_INIT(65536);
	const uint8_t signature[96] = { 1 };
	struct content c = usual;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(bytes); i++) {
		expect_field(CERTIFICATE, bytes[i], NULL);
		expect_field(USER_DATA, bytes[i], NULL);
		expect_field(DIGEST, "7f6353484163333834ff", NULL);
		expect_field(DIGEST, bytes[i], "payload:structure");
	}
	expect_field(DIGEST, "7f6353484163333833ff", "InvalidDigest");
	expect_field(CERTIFICATE, "5f5f4100ffff", "payload:structure");
	expect_field(CERTIFICATE, "5f4100", "payload:structure");
	expect_field(MODULE_ID, "7f61c361a9ff", "payload:structure"); /* each chunk is UTF-8 */
	c.fields[MODULE_ID] = "7f6178617960ff";
	c.fields[NONCE] = "5f41014102ff";
	payload = payload_of(&c);

	add_hex(&document, "d9001284"
	                   "5f42a1014138"
	                   "4122ffa0"
	                   "5f");
	for (size_t i = 0; i < payload.len; i += 100)
		assert_ok(cbor_add_bytes(
		    &document,
		    view_new(payload.data + i, payload.len - i < 100 ? payload.len - i : 100), &e));
	add_hex(&document, "ff5f");
	assert_ok(cbor_add_bytes(&document, VIEW_OF(signature), &e));
	add_hex(&document, "ff");
	assert_ok(parse(buf_view(&document), &claims, &e));
	assert_view_equal(claims.payload, buf_view(&payload));
	assert_view_equal(claims.module_id, view_text("xy"));
	assert_view_equal(claims.nonce.value, view_text("\1\2"));
	assert_view_equal(claims.signature, VIEW_OF(signature));
	assert_view_equal(claims.protected_header, view_text("\xa1\x01\x38\x22"));
}

static void tag_18_may_be_written_in_any_width(void **state)
{
	static const struct {
		const char *before, *reason;
	} tags[] = {
		{ "d284", NULL },
		{ "d81284", NULL },
		{ "d9001284", NULL },
		{ "da0000001284", NULL },
		{ "db000000000000001284", NULL },
		{ "d184", "cose:structure" },
		{ "d81384", "cose:structure" },
		{ "d9010084", "cose:structure" },
		{ "d9011284", "cose:structure" },
		{ "d2d284", "cose:structure" },
		{ "d9d9f784", "cose:structure" },
	};
	AUTO(buf) struct buf payload = payload_of(&usual);

	(void)state;
	for (size_t i = 0; i < COUNT(tags); i++) {
		struct wrapping w = plain;
		AUTO(buf) struct buf document = { 0 };

		w.before = tags[i].before;
		document = wrap(&w, buf_view(&payload));
		expect(buf_view(&document), tags[i].reason, tags[i].before);
	}
}

static void a_payload_is_one_map_of_names(void **state)
{
	static const char *const payloads[] = { "", "80", "f6", "01", "ff", "bf" };
	AUTO(buf) struct buf payload = payload_of(&usual);
	AUTO(buf) struct buf document = { 0 };
	struct content c = usual;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(payloads); i++) {
		AUTO(buf) struct buf bytes = bytes_of_hex(payloads[i]);
		AUTO(buf) struct buf other = wrap(&plain, buf_view(&bytes));

		expect(buf_view(&other), "payload:structure", payloads[i]);
	}
	c.extra = "656e6f6e6365f6"; /* "nonce": null */
	expect_content(&c, "payload:structure", "a key twice");
	c.extra = "0001";
	expect_content(&c, "payload:structure", "a key that is a number");
	assert_ok(buf_add_u8(&payload, 0, &e));
	document = wrap(&plain, buf_view(&payload));
	expect(buf_view(&document), "payload:structure", "bytes after it");
}

static void texts_and_time_have_their_values(void **state)
{
	(void)state;
	expect_field(MODULE_ID, "60", "InvalidModuleId");
	expect_field(MODULE_ID, "61ff", "payload:structure"); /* not UTF-8 */
	expect_field(DIGEST, "66534841323536", "InvalidDigest");
	expect_field(DIGEST, "66736861333834", "InvalidDigest");
	expect_field(DIGEST, "60", "InvalidDigest");
	expect_field(TIMESTAMP, "00", "InvalidTimeStamp");
	expect_field(TIMESTAMP, "01", NULL);
	expect_field(TIMESTAMP, "1b7fffffffffffffff", NULL);
	expect_field(TIMESTAMP, "1b8000000000000000", "InvalidTimeStamp");
}

static void pcrs_have_their_bounds(void **state)
{
	AUTO(buf) struct buf all = BUF_INIT(65536);
	char text[2 * 4096];
	struct err e;

	(void)state;
	expect_field(PCRS, "a0", "InvalidPcr");
	expect_field(PCRS, "a1181f" PCR_48, NULL);
	expect_field(PCRS, "a11820" PCR_48, "InvalidPcr");
	expect_field(PCRS, "a11bffffffffffffffff" PCR_48, "InvalidPcr");
	expect_field(PCRS, "a100582f" ZERO_16 ZERO_16 ZERO_16, "payload:structure");
	expect_field(PCRS, "a1005820" ZERO_16 ZERO_16, NULL);
	expect_field(PCRS, "a1005840" ZERO_16 ZERO_16 ZERO_16 ZERO_16, NULL);
	expect_field(PCRS, "a10050" ZERO_16, "InvalidPcr");
	expect_field(PCRS, "a10040", "InvalidPcr");
	expect_field(PCRS, "a200" PCR_48 "00" PCR_48, "payload:structure");
	expect_field(PCRS, "a120" PCR_48, "payload:structure");
	expect_field(PCRS, "a1613000" PCR_48, "payload:structure");
	expect_field(PCRS, "a10000", "payload:structure");
	for (unsigned count = 32; count <= 33; count++) {
		buf_clear(&all);
		assert_ok(cbor_add_map(&all, count, &e));
		for (unsigned i = 0; i < count; i++) {
			assert_ok(cbor_add_uint(&all, i, &e));
			add_hex(&all, PCR_48);
		}
		hex_write(buf_view(&all), text);
		expect_field(PCRS, text, count == 32 ? NULL : "InvalidPcr");
	}
}

static void bundles_have_their_bounds(void **state)
{
	char text[2 * 1100];

	(void)state;
	expect_field(CABUNDLE, "80", "InvalidCABundle");
	expect_field(CABUNDLE, "8140", "InvalidCABundle");
	expect_field(CABUNDLE, "82410040", "InvalidCABundle");
	expect_field(CABUNDLE, "8100", "payload:structure");
	expect_field(CABUNDLE,
	             "884100410041004100410041004100"
	             "4100",
	             NULL);
	expect_field(CABUNDLE,
	             "894100410041004100410041004100"
	             "41004100",
	             "chain:length");
	snprintf(text, sizeof(text), "81%s", zeroes(1024));
	expect_field(CABUNDLE, text, NULL);
	snprintf(text, sizeof(text), "81%s", zeroes(1025));
	expect_field(CABUNDLE, text, "InvalidCABundle");
}

static void optional_fields_have_their_bounds(void **state)
{
	(void)state;
	expect_field(PUBLIC_KEY, "40", "InvalidPubKey");
	expect_field(PUBLIC_KEY, zeroes(1), NULL);
	expect_field(PUBLIC_KEY, zeroes(1024), NULL);
	expect_field(PUBLIC_KEY, zeroes(1025), "InvalidPubKey");
	expect_field(USER_DATA, "40", NULL);
	expect_field(USER_DATA, zeroes(512), NULL);
	expect_field(USER_DATA, zeroes(513), "InvalidBytes");
	expect_field(NONCE, "40", NULL);
	expect_field(NONCE, zeroes(512), NULL);
	expect_field(NONCE, zeroes(513), "InvalidBytes");
}

/* Each fault with all those that QOS judges after it. */
static void faults_are_judged_in_the_order_of_qos(void **state)
{
	static const struct {
		unsigned field;
		const char *hex, *reason;
	} order[] = {
		{ NONCE, NULL, "InvalidBytes" },
		{ PUBLIC_KEY, "40", "InvalidPubKey" },
		{ TIMESTAMP, "00", "InvalidTimeStamp" },
		{ CABUNDLE, "80", "InvalidCABundle" },
		{ PCRS, "a0", "InvalidPcr" },
		{ DIGEST, "60", "InvalidDigest" },
		{ MODULE_ID, "60", "InvalidModuleId" },
		{ CERTIFICATE, "f6", "payload:structure" },
	};
	struct content c = usual;

	(void)state;
	for (size_t i = 0; i < COUNT(order); i++) {
		c.fields[order[i].field] = order[i].hex ? order[i].hex : zeroes(513);
		expect_content(&c, order[i].reason, order[i].reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_usual_document_is_read),
		cmocka_unit_test(a_document_that_is_refused_is_read_as_far_as_it_goes),
		cmocka_unit_test(encodings_that_say_the_same_are_read),
		cmocka_unit_test(the_wrapping_is_four_parts),
		cmocka_unit_test(no_part_of_a_document_is_a_document),
		cmocka_unit_test(a_document_has_a_greatest_size),
		cmocka_unit_test(fields_are_there_and_of_their_type),
		cmocka_unit_test(strings_may_come_in_chunks),
		cmocka_unit_test(tag_18_may_be_written_in_any_width),
		cmocka_unit_test(a_payload_is_one_map_of_names),
		cmocka_unit_test(texts_and_time_have_their_values),
		cmocka_unit_test(pcrs_have_their_bounds),
		cmocka_unit_test(bundles_have_their_bounds),
		cmocka_unit_test(optional_fields_have_their_bounds),
		cmocka_unit_test(faults_are_judged_in_the_order_of_qos),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}
