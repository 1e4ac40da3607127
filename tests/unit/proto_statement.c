#include "support.h"

#include "proto/statement.h"

static void messages_have_the_bytes_of_the_vectors(void **state)
{
	static const struct {
		enum statement kind;
		const char *key;
	} rows[] = {
		{ STATEMENT_PROVE_KEY, "prove_key" },
		{ STATEMENT_RECEIPT, "receipt" },
		{ STATEMENT_SHARE_SUBMIT, "share_submit" },
	};
	AUTO(json) json_object *all = vector_json("teectl/messages.json");
	struct hash256 manifest;
	uint8_t a[32], b[32], message[STATEMENT_LEN];

	(void)state;
	memset(manifest.bytes, 0x11, 32);
	memset(a, 0x22, 32);
	memset(b, 0x33, 32);
	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO(buf) struct buf expected = json_hex(json_at(all, rows[i].key), "message");

		memset(message, 0xff, sizeof(message));
		statement_format(rows[i].kind, &manifest, a, b, message);
		assert_view_equal(VIEW_OF(message), buf_view(&expected));
	}
}

static void signatures_of_the_vectors_verify(void **state)
{
	static const char *const keys[] = { "prove_key", "receipt", "share_submit" };
	AUTO(json) json_object *all = vector_json("teectl/messages.json");
	AUTO(buf) struct buf key_bytes = json_hex(all, "quorum_public_key");
	struct public_key key;
	struct err e;

	(void)state;
	assert_ok(public_key_parse(buf_view(&key_bytes), &key, &e));
	for (size_t i = 0; i < COUNT(keys); i++) {
		json_object *o = json_at(all, keys[i]);
		AUTO(buf) struct buf message = json_hex(o, "message");
		AUTO(buf) struct buf signature = json_hex(o, "signature_by_quorum_sign_key");

		assert_ok(public_key_verify(&key, buf_view(&message), buf_view(&signature), &e));
	}
}

static void receipts_have_the_bytes_of_the_vectors(void **state)
{
	AUTO(json) json_object *all = vector_json("teectl/messages.json");
	AUTO(buf) struct buf expected = json_hex(json_at(all, "receipt_body"), "body");
	uint8_t body[RECEIPT_BODY_LEN];
	struct receipt r;
	struct err e;

	(void)state;
	assert_ok(receipt_parse(buf_view(&expected), &r, &e));
	assert_int_equal(r.kind, RECEIPT_EXPORT);
	assert_int_equal(r.sequence, 7);
	assert_int_equal(r.nsm_ms, UINT64_C(1700000000000));
	assert_int_equal(r.setup_key.bytes[31], 0x44);
	assert_int_equal(r.subject.bytes[0], 0x55);
	receipt_format(&r, body);
	assert_view_equal(VIEW_OF(body), buf_view(&expected));
}

static void receipts_of_no_kind_or_another_length_are_refused(void **state)
{
	uint8_t body[RECEIPT_BODY_LEN + 1] = { 0 };
	struct receipt r;
	struct err e;

	(void)state;
	assert_refused(receipt_parse(view_new(body, RECEIPT_BODY_LEN), &r, &e), ERR_DATA,
	               "unknown kind 0");
	body[0] = 5;
	assert_refused(receipt_parse(view_new(body, RECEIPT_BODY_LEN), &r, &e), ERR_DATA,
	               "unknown kind 5");
	body[0] = 1;
	assert_refused(receipt_parse(view_new(body, RECEIPT_BODY_LEN + 1), &r, &e), ERR_DATA,
	               "1 bytes left over");
	assert_refused(receipt_parse(view_new(body, RECEIPT_BODY_LEN - 1), &r, &e), ERR_DATA,
	               "cut short");
}

/* The n-th receipt of a chain, and the message's hash for the next. */
static struct hash256 sign_receipt(const struct key_set *key, uint64_t n,
                                   const struct hash256 *previous, uint8_t *body,
                                   struct signature *signature)
{
	const struct receipt receipt = { .kind = RECEIPT_EXPORT, .sequence = n };
	const struct hash256 manifest = { { 1 } };
	uint8_t message[STATEMENT_LEN];
	struct hash256 hash;
	struct err e;

	receipt_format(&receipt, body);
	assert_ok(sha256(view_new(body, RECEIPT_BODY_LEN), &hash, &e));
	statement_format(STATEMENT_RECEIPT, &manifest, hash.bytes, previous->bytes, message);
	assert_ok(key_set_sign(key, VIEW_OF(message), signature, &e));
	assert_ok(sha256(VIEW_OF(message), &hash, &e));
	return hash;
}

static void a_receipt_is_verified_in_its_place(void **state)
{
	AUTO(key_set) struct key_set *key = NULL;
	const struct hash256 manifest = { { 1 } }, other = { { 2 } }, zero = { { 0 } };
	uint8_t body[RECEIPT_BODY_LEN];
	struct hash256 first, second, message;
	struct signature signature;
	struct receipt r;
	struct err e;

	(void)state;
	assert_ok(key_set_generate(&entropy_system, "test", &key, &e));
	first = sign_receipt(key, 0, &zero, body, &signature);
	assert_ok(receipt_verify(VIEW_OF(body), VIEW_OF(signature.bytes), &manifest, &zero,
	                         key_set_public(key), &r, &message, &e));
	assert_memory_equal(message.bytes, first.bytes, 32);
	second = sign_receipt(key, 1, &first, body, &signature);
	assert_ok(receipt_verify(VIEW_OF(body), VIEW_OF(signature.bytes), &manifest, &first,
	                         key_set_public(key), &r, &message, &e));
	assert_memory_equal(message.bytes, second.bytes, 32);
	assert_int_equal(r.sequence, 1);
	assert_refused(receipt_verify(VIEW_OF(body), VIEW_OF(signature.bytes), &manifest, &zero,
	                              key_set_public(key), &r, &message, &e),
	               ERR_ATTESTATION, "does not follow the one before it");
	assert_refused(receipt_verify(VIEW_OF(body), VIEW_OF(signature.bytes), &other, &first,
	                              key_set_public(key), &r, &message, &e),
	               ERR_ATTESTATION, "receipt");
	body[60] ^= 1;
	assert_refused(receipt_verify(VIEW_OF(body), VIEW_OF(signature.bytes), &manifest, &first,
	                              key_set_public(key), &r, &message, &e),
	               ERR_ATTESTATION, "receipt 1 is not signed by the quorum key");
	body[0] = 9;
	assert_refused(receipt_verify(VIEW_OF(body), VIEW_OF(signature.bytes), &manifest, &first,
	                              key_set_public(key), &r, &message, &e),
	               ERR_ATTESTATION, "can't be read");
}

static void seeds_have_the_bytes_of_the_vectors(void **state)
{
	AUTO(json) json_object *all = vector_json("teectl/messages.json");
	json_object *o = json_at(all, "generate_seed");
	AUTO(secret) struct secret seed = json_secret(all, "quorum_seed");
	AUTO(secret) struct secret entropy = { 0 };
	AUTO(buf) struct buf expected_info = json_hex(o, "info");
	AUTO(buf) struct buf expected = json_hex(o, "entropy");
	AUTO(buf) struct buf info = BUF_INIT(5000);
	struct view type = view_text(json_text(o, "type")), data = view_text(json_text(o, "data"));
	unsigned strength = (unsigned)json_object_get_int(json_at(o, "strength"));
	struct err e;

	(void)state;
	assert_ok(seed_info(type, data, strength, &info, &e));
	assert_view_equal(buf_view(&info), buf_view(&expected_info));
	assert_ok(seed_derive(&seed, type, data, strength, &entropy, &e));
	assert_view_equal(secret_view(&entropy), buf_view(&expected));
}

static void seeds_have_five_strengths(void **state)
{
	AUTO(secret) struct secret seed = secret_of_hex("01020304");
	struct err e;

	(void)state;
	for (unsigned strength = 0; strength <= 300; strength++) {
		AUTO(secret) struct secret entropy = { 0 };

		if (strength >= 128 && strength <= 256 && strength % 32 == 0) {
			assert_ok(seed_derive(&seed, view_text("t"), view_text(""), strength,
			                      &entropy, &e));
			assert_int_equal(entropy.len, strength / 8);
		} else {
			assert_refused(seed_derive(&seed, view_text("t"), view_text(""), strength,
			                           &entropy, &e),
			               ERR_REQUEST, "strength: one of 128");
		}
	}
}

static void seeds_refuse_types_and_data_out_of_bounds(void **state)
{
	AUTO(buf) struct buf info = BUF_INIT(5000);
	static uint8_t text[4097];
	struct err e;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_ok(seed_info(view_new(text, 128), view_new(text, 4096), 256, &info, &e));
	assert_refused(seed_info(view_new(text, 129), view_text(""), 256, &info, &e), ERR_REQUEST,
	               "seed_type: 1 to 128");
	assert_refused(seed_info(view_text(""), view_text("x"), 256, &info, &e), ERR_REQUEST,
	               "seed_type: 1 to 128");
	assert_refused(seed_info(view_text("t"), view_new(text, 4097), 256, &info, &e), ERR_REQUEST,
	               "seed_data: 0 to 4096");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_have_the_bytes_of_the_vectors),
		cmocka_unit_test(signatures_of_the_vectors_verify),
		cmocka_unit_test(receipts_have_the_bytes_of_the_vectors),
		cmocka_unit_test(receipts_of_no_kind_or_another_length_are_refused),
		cmocka_unit_test(a_receipt_is_verified_in_its_place),
		cmocka_unit_test(seeds_have_the_bytes_of_the_vectors),
		cmocka_unit_test(seeds_have_five_strengths),
		cmocka_unit_test(seeds_refuse_types_and_data_out_of_bounds),
	};

	return cmocka_run_group_tests(tests, open_arena, NULL);
}
